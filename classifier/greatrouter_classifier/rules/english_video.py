"""English requests for videos: made, edited, combined."""

from greatrouter_classifier.classification import ContentMode, Task
from greatrouter_classifier.matcher import Rule
from greatrouter_classifier.rules.english import CODE_WORD, CODING, END, MAKE, WORDS, A
from greatrouter_classifier.rules.fragments import REST, START, one_of, word

VIDEO_NOUN = (
    one_of("""
        video clip, video, film clip, movie clip, animation, short film, short movie, movie trailer, trailer,
        time-?lapse, hyperlapse, gif, footage, vlog, b-roll, music video,
        animated (?:short|clip|film|scene|sequence|gif|video), cutscene, stop[ -]motion, tv commercial, video ad,
        movie
    """)
    + "s?"
)
CLIP = one_of("video, clip, footage, animation, gif, film, reel, vlog") + "s?"
WRITTEN = word(r"""
    scripts?, screenplay, storyboard, titles?, descriptions?, transcri\w+, summar\w+, reviews?, essay, article, blog,
    email, hashtags?, ideas?, prompts?, ffmpeg, command, tutorial, how to, seo, plan, explain, recommend, watch,
    what is, act as, youtube (?:channel|title|description)
""")

RULES = (
    Rule(
        "video.make.en",
        Task.VIDEO,
        START + "(?:" + MAKE + "|film|shoot|animate)" + A + WORDS + VIDEO_NOUN + END,
        0.95,
        "Can you generate a ten second video of waves under a pier?",
        unless=(
            WRITTEN,
            CODING,
            r"\b(?:show|give|get) me (?:the )?(?:trailers?|movies?|footage)\b|\b(?:movies|films) (?:in|at|on)\b",
        ),
    ),
    Rule(
        "video.animate.en",
        Task.VIDEO,
        START + r"animate (?:an?|the|this|these|my|our|his|her|that|it|me)\b",
        0.95,
        "animate my grandmother's portrait so that she smiles",
        unless=(CODE_WORD, word("svg, unity, blender, after effects, keyframes?, menu, slide, powerpoint, how")),
    ),
    Rule(
        "video.from_image.en",
        Task.VIDEO,
        START
        + r"(?:turn|convert|transform|make|bring)\b"
        + REST
        + r"\b(?:image|picture|photo|photograph|pic|drawing|painting|portrait|sketch|frame)s?\b"
        + REST
        + r"\b(?:(?:into|to|as) (?:an? )?(?:[\w-]+ ){0,3}(?:video|animation|clip|gif|movie|film)|to life)\b",
        0.95,
        "Turn this photo into a short video",
        unless=(CODE_WORD,),
    ),
    Rule(
        "video.camera.en",
        Task.VIDEO,
        r"\b(?:camera|shot|drone|lens) (?:then |slowly |smoothly |gently |gradually |quickly |first |suddenly )?"
        + one_of("""
            pans, zooms, follows, tracks, dollies, pulls, pushes, tilts, orbits, circles, moves, rotates, sweeps,
            glides, trucks, cranes, transitions, begins, starts, cuts, rises, ascends, descends, flies, pushing,
            panning, zooming, following, tracking
        """)
        + r"\b|\b(?:slow|quick|smooth) (?:pan|zoom|push-in|dolly)\b|\b(?:pan|tilt|truck|zoom) (?:left|right"
        r"|up|down|in|out)\W*$" + r"|\b(?:camera (?:movement|motion|pan|tracking|work):?|one[- ]take|fpv|pan the camera"
        r"|zoom the camera|dolly (?:in|out|zoom))\b"
        + r"|\b(?:in super slow motion|in slow motion|slow motion\.|racking focus|tracking shot|first-person view,)",
        0.99,
        "A tram climbs the hill while the camera slowly zooms out over the bay",
        unless=(
            WRITTEN,
            START + one_of("write, what, how, why, which, is, does, my") + r"\b",
            r"\b(?:security camera|app|iphone|android)\b",
        ),
    ),
    Rule(
        "video.caption.en",
        Task.VIDEO,
        r"\A\W*(?:an? |the )?(?:[\w'-]+[\s,]+){0,4}?"
        + one_of("""
            time-?lapse, hyperlapse, video, clip, footage, animation, gif, b-roll, stop[ -]motion, tracking shot,
            dolly shot, drone shot, slow[ -]motion shot, montage, continuous shot
        """)
        + r"(?: video| footage| animation| sequence)? "
        + one_of("of, featuring, showing, depicting, that, where, in which, capturing, captures, shows")
        + r"\b",
        0.99,
        "Slow motion footage of a hummingbird at a feeder",
        unless=(WRITTEN, CODE_WORD, r"\?|\b(?:find|search|digital animation)\b"),
    ),
    Rule(
        "video.timeline.en",
        Task.VIDEO,
        r"\b(?:0?0:)?0?0(?:\.0)?\s?s?\s?[-–—~]\s?(?:0?0:)?\d{1,2}(?:\.\d)?\s?(?:s|sec|seconds|秒)\b|\b0[-–—~]\d{1,2}秒"
        + r"|\[0?0:00(?:\s?[-–]\s?0?0:\d\d)?\]|\bshot \d{1,2}\s?[:(]|\bscene \d{1,2}\s?[(\[]\s?\d|\[cut\]",
        0.99,
        "0-4s: a drop of ink falls into milk. 4-9s: it opens like a flower.",
        unless=(WRITTEN,),
    ),
    Rule(
        "video.length.en",
        Task.VIDEO,
        r"\b(?:\d{1,2}|five|six|eight|ten|twelve|fifteen|twenty|thirty|sixty)[- ]?(?:seconds?"
        r"|secs?)(?:[ -]long)?,? (?:[\w:/-]+,? ){0,6}"
        + one_of("video, clip, shot, animation, ad, advertisement, commercial, film, sequence, trailer, footage, scene")
        + r"\b",
        0.99,
        "8-second vertical clip, a barista pouring latte art",
        unless=(WRITTEN, CODE_WORD),
    ),
    Rule(
        "video.format.en",
        Task.VIDEO,
        r"\A\W*(?:[\w'-]+[\s,]+){0,6}?(?:(?:vertical|horizontal|widescreen) )?(?:9:16|16:9"
        r"|1:1)[\w ,-]* (?:video|clip|footage|animation)\b",
        0.95,
        "Cheerful vertical 9:16 video, two otters slide down a waterfall",
        unless=(WRITTEN, CODE_WORD),
    ),
    Rule(
        "video.edit.en",
        Task.VIDEO,
        START
        + one_of("""
            edit, trim, cut, crop, speed up, slow down, reverse, stabili[sz]e, colou?r[- ]grade, upscale, remove, add,
            replace, change, extend, blur, enhance, turn, convert, make, restyle, loop, dub, lip-?sync, colou?ri[sz]e
        """)
        + r"\b"
        + REST
        + r"\b(?:this|my|our|these|the attached|the uploaded|that|the) "
        + CLIP
        + r"\b",
        0.95,
        "remove the street noise and the cars from my video",
        ContentMode.EDIT,
        unless=(
            WRITTEN,
            CODE_WORD,
            r"\b(?:to|into) (?:text|mp3|audio)\b|\b(?:playlist|queue|poster)\b|\bturn (?:on|off|up|down)\b"
            r"|\bbackground with\b",
        ),
    ),
    Rule(
        "video.combine.en",
        Task.VIDEO,
        START
        + one_of("combine, merge, join, stitch, concatenate, splice, put together, blend")
        + r"\b"
        + REST
        + r"\b"
        + one_of("videos, clips, reels, gifs, footage, shots")
        + r"\b",
        0.95,
        "Stitch these three clips together into one reel",
        ContentMode.COMBINE,
        unless=(WRITTEN, CODE_WORD),
    ),
)
