"""English requests for images: made, edited, combined."""

from greatrouter_classifier.classification import ContentMode, Task
from greatrouter_classifier.matcher import Rule
from greatrouter_classifier.rules.english import CODE_WORD, CODING, END, MAKE, MOVING, TOLD, WORDS, A
from greatrouter_classifier.rules.fragments import REST, START, one_of, word

IMAGE_NOUN = (
    one_of("""
        image, picture, photo, photograph, pic, illustration, drawing, painting, sketch, portrait, wallpaper, logo,
        icon, poster, artwork, watercolou?r, infographic, thumbnail, sticker, avatar, clip ?art, pixel art,
        vector art, concept art, digital art, line art, mural, tattoo, album cover, book cover, magazine cover,
        comic strip, comic page, caricature, collage, colou?ring page, character sheet, t-?shirt design,
        t-?shirt graphic, character design, profile picture, headshot, flyer, mascot, 3d render, visual, emoji,
        figurine
    """)
    + "s?"
)
PHOTO = (
    one_of(
        "image, picture, photo, photograph, pic, portrait, selfie, drawing, sketch, painting, illustration, snapshot"
    )
    + "s?"
)
HELD = one_of("""
    this, these, the, my, our, his, her, that, attached, uploaded, provided, given, original, following, old, both,
    two, reference
""")
EDIT = one_of("""
    remove, erase, delete, replace, change, swap, add, put, insert, place, crop, rotate, flip, blur, sharpen,
    brighten, darken, lighten, enhance, retouch, restore, colou?ri[sz]e, upscale, denoise, deblur, recolou?r, convert,
    turn, transform, make, edit, modify, adjust, fix, redraw, repaint, extend, outpaint, inpaint, clean up, increase,
    reduce, improve, cut out, photoshop, reimagine, restyle, apply, give (?:this|it|him|her|the), immerse, infuse,
    isolate, render, styli[sz]e, touch up, refine, polish, correct, relight, de-?haze, unblur, vectori[sz]e, take out,
    get rid of, banish, eliminate, keep, move, shift, alter, embed, integrate, introduce, set
""")
LOOK = one_of(r"""
    cartoon, anime, manga, water ?colou?r, oil painting, pencil, sketch, drawing, pixar, disney, ghibli, lego,
    van gogh, picasso, monet, cyberpunk, steampunk, pixel art, pop art, impressionis\w+, comic book, claymation,
    origami, caricature, line art, ukiyo-e, vintage photo, black and white, sepia, 3d render, renaissance, art deco,
    art nouveau, low poly, vaporwave, action figure
""")
COLOUR = one_of("""
    red, blue, green, yellow, orange, purple, pink, black, white, brown, gr[ae]y, golden, gold, silver, beige,
    turquoise, blonde?, violet, teal, maroon, rainbow
""")
SEEN = one_of("""
    man, woman, boy, girl, person, people, dog, cat, horse, cow, bird, elephant, bear, sheep, zebra, giraffe, car,
    bus, truck, train, boat, plane, bike, bicycle, motorcycle, tree, trees, grass, sky, mountains?, flowers?, pizza,
    cake, donuts?, hat, shirt, dress, jacket, pants, hair, face, head, sand, beach, road, wall, floor, chair, couch,
    sofa, bed, bench, umbrella, surfboard, skateboard, lion, tiger, monkey, duck, kite, vase, sandwich, banana, apple,
    cows, horses, birds, dogs, cats, clouds?, curtains?, fence, lamp
""")
FIRST = r"(?:(?:first|1st) (?:image|photo|picture|pic)\b|(?:image|photo|picture|pic) (?:1|one|a|#1)\b)"
SECOND = r"(?:(?:second|2nd|other) (?:image|photo|picture|pic|one)\b|(?:image|photo|picture|pic) (?:2|two|b|#2)\b)"
NOT_PICTURES = (CODE_WORD, TOLD, MOVING)

RULES = (
    Rule(
        "image.make.en",
        Task.IMAGE,
        START + MAKE + A + WORDS + IMAGE_NOUN + END,
        0.99,
        "Could you make me a cozy picture of a lighthouse in winter?",
        unless=(
            CODING,
            r"\b(?:(?:give|show|get) me (?:the|some|your|my|this|that|his|her)|act as"
            r"|paint (?:me )?a picture|better picture|clear(?:er)? picture|full picture|big picture)\b",
        ),
    ),
    Rule(
        "image.draw.en",
        Task.IMAGE,
        START
        + r"(?:draw|paint|sketch|illustrate|doodle)(?: me| us)? "
        + r"(?:an?|the|some|my|our|your|two|three|several|what|it)\b",
        0.99,
        "please draw a fox reading a newspaper on the tube",
        unless=(
            word(r"""
                conclusions?, comparisons?, parallels?, inferences?, attention, lessons, distinctions?, inspiration,
                the line, curtains?, cards?, tables?, uml, trees? (?:diagram|structure|with nodes), number,
                probability, free body, lewis structure, er diagram,
                picture of (?:the|our) (?:\w+ )?(?:economy|economic|situation|state|market|future|current|politics),
                mermaid, ascii
            """),
            CODE_WORD,
            TOLD,
        ),
    ),
    Rule(
        "image.caption.en",
        Task.IMAGE,
        r"\A\W*(?:(?:an?|the|i need an?|i want an?)\s+)?(?:[\w'-]+[\s,]+){0,5}?"
        + one_of("""
            oil painting, water ?colou?r(?: painting| illustration)?, digital (?:painting|art|illustration),
            (?:pencil|charcoal|ink) (?:drawing|sketch), illustration, concept art, photo, photograph, portrait,
            poster, logo, icon, 3d render, sticker, album cover, book cover, line art, pixel art, movie poster,
            wallpaper, infographic, vector art, line drawing, stained glass window, woodcut, linocut, fresco,
            graffiti, mural, painting, drawing, sketch, image, a picture
        """)
        + r" (?:of|featuring|showing|depicting|for)\b",
        0.98,
        "A moody charcoal sketch of an abandoned railway station at night",
        unless=(
            CODE_WORD,
            TOLD,
            MOVING,
            r"\b(?:show me|looking for|economic|political|camera|slow motion|find|search|look for|where can"
            r"|buy|cost|price)\b|\?",
        ),
    ),
    Rule(
        "image.style_tags.en",
        Task.IMAGE,
        word(r"""
            trending on artstation, artstation, octane render, deviantart, cgsociety, pixiv, 8k uhd, greg rutkowski,
            highly detailed, digital art, intricate details?, concept art, digital painting, matte painting,
            sharp focus, masterpiece, best quality, studio ghibli, unreal engine, hyper ?realistic,
            volumetric lighting, bokeh, artgerm, alphonse mucha, makoto shinkai
        """)
        + r"[^\n]*,[^\n]*"
        + word(r"""
            artstation, octane render, octane, deviantart, cgsociety, pixiv, 8k, 4k, uhd, greg rutkowski,
            highly detailed, intricate, intricate details?, concept art, digital painting, matte painting,
            sharp focus, masterpiece, best quality, studio ghibli, unreal engine, hyper ?realistic,
            volumetric lighting, cinematic lighting, bokeh, artgerm, alphonse mucha, illustration, hdr, photorealistic
        """)
        + r"|--ar \d+:\d+|--v \d|--niv?ji|/imagine\b|\btrending on artstation\b",
        0.99,
        "elven archer on a cliff, moonlight, intricate details, trending on artstation",
        unless=(
            MOVING,
            START + one_of("write, what, how, explain, act as, you are") + r"\b",
            r"\b(?:camera|scene \d|shot \d|seconds?|prompts?)\b",
        ),
    ),
    Rule(
        "image.edit.en",
        Task.IMAGE,
        START + EDIT + r"\b" + REST + r"\b" + HELD + r"\s+(?:[\w-]+\s+){0,2}" + PHOTO + r"\b",
        0.99,
        "Remove the tourists from this photo",
        ContentMode.EDIT,
        unless=(
            *NOT_PICTURES,
            r"\b(?:my|the|two|both|these) (?:\w+ )?(?:images|photos|pictures)\b|\balbum\b",
            FIRST + r"[^\n]*" + SECOND,
        ),
    ),
    Rule(
        "image.edit_background.en",
        Task.IMAGE,
        r"\A\W*"
        + one_of("remove, erase, delete, blur, change, replace, swap, make, turn, set, keep, cut out, put")
        + r"\b"
        + REST
        + r"\bbackground\b",
        0.99,
        "Blur the background a little more",
        ContentMode.EDIT,
        unless=(
            CODE_WORD,
            TOLD,
            r"\bbackground (?:music|noise|information|check|story|page|process|job|task)s?\b|\b(?:slide|page|resume)\b",
            r"\b(?:this|my|the) (?:\w+ )?(?:video|clip|footage)\b",
        ),
    ),
    Rule(
        "image.edit_repair.en",
        Task.IMAGE,
        START
        + one_of("remove, erase, get rid of, delete, reduce, clean up, eliminate, take out")
        + r"\b"
        + REST
        + " "
        + one_of(r"""
            haze, fog, rain, raindrops, snow, blur, noise, watermark, scratches, red[ -]eyes?, shadows?, reflections?,
            glare, wrinkles, blemish(?:es)?, people, person, man, woman, girl, boy, guy, dog, cat, trees?, cars?,
            tattoo, beard, mustache, sunglasses, hat, acne, power lines?, birds?, bottle, fence, bench, tourists?,
            photobomber
        """)
        + r"\b(?: (?:from|in|on|of|behind|next|to|at|under) "
        + REST
        + r")?\W*$",
        0.99,
        "get rid of the man behind the bench",
        ContentMode.EDIT,
        unless=(
            CODE_WORD,
            TOLD,
            MOVING,
            word(r"""
                recording, list, sentence, text, carpet, clothes, how, stains?, skin, data, yard, reminder, calendar,
                files?, directory, my life
            """),
        ),
    ),
    Rule(
        "image.edit_color.en",
        Task.IMAGE,
        START
        + r"(?:change|make|turn|recolou?r|dye|paint) (?:the |his |her |my |its )?"
        + REST
        + r" (?:from \w+ )?(?:to|into|be) (?:a |be )?(?:\w+ )?"
        + COLOUR
        + r"\W*$",
        0.99,
        "Change the colour of the door to green",
        ContentMode.EDIT,
        unless=(
            *NOT_PICTURES,
            START + r"\w+ (?:it|them|that|this)\b",
            r"\b(?:lights?|lamps?|bulbs?|font|text|theme|screen|cell|row|column|background-color|how)\b",
        ),
    ),
    Rule(
        "image.edit_swap.en",
        Task.IMAGE,
        START
        + r"(?:replace|swap|change|turn|switch|transform|convert) (?:the |his |her |one of the |all )?(?:\w+ ){0,4}?"
        + SEEN
        + r"\b"
        + REST
        + r" (?:with|by|to|into|for) (?:an? |some |the )?(?:\w+ )?\w+",
        0.99,
        "replace the dog with a sleeping tiger",
        ContentMode.EDIT,
        unless=(
            *NOT_PICTURES,
            word("""
                words?, sentences?, nouns?, verbs?, tense, pronouns?, lights?, oil, battery, how, gaze, number,
                name, tire, filter
            """),
        ),
    ),
    Rule(
        "image.edit_look.en",
        Task.IMAGE,
        START + r"(?:turn|convert|transform|make|render|redraw|restyle|reimagine|repaint|change) (?:this|the|my|it"
        r"|me|him|her|us)\b" + REST + r" (?:into|to|look like|like|in|as|with)\b" + REST + r"\b" + LOOK + r"\b",
        0.95,
        "turn me into a ghibli character",
        ContentMode.EDIT,
        unless=(*NOT_PICTURES, r"\b(?:text|paragraph|script|dialog(?:ue)?)\b"),
    ),
    Rule(
        "image.edit_add.en",
        Task.IMAGE,
        START
        + r"(?:add|put|place|insert|include|position) (?:an?|some|the|two|three|more|another|several)\b"
        + REST
        + " "
        + one_of("in, to, into, on, onto, at, behind, beside, over, above, below, under, near, next to, in front of")
        + r" (?:of )?(?:the |his |her |a )?(?:left |right )?(?:side |top )?(?:of )?(?:the )?"
        + one_of(r"""
            background, foreground, sky, left, right, scene, picture, image, photo, painting,
            (?:his|her) (?:head|hand|face), man, woman, girl, boy, dog, cat, person, man's \w+, woman's \w+,
            girl's \w+, boy's \w+, dog's \w+, cat's \w+, water, grass, beach, wall, road, street, car, tree, window,
            bus, truck, bench, horse, bird
        """)
        + r"\b",
        0.99,
        "add a hot air balloon in the sky",
        ContentMode.EDIT,
        unless=(
            *NOT_PICTURES,
            FIRST + r"[^\n]*" + SECOND,
            r"\b(?:list|playlist|calendar|reminder|sentence|paragraph|cart|recipe|how)\b",
        ),
    ),
    Rule(
        "image.combine.en",
        Task.IMAGE,
        START
        + one_of("combine, merge, blend, stitch, composite, fuse, mix, put together, join")
        + r"\b"
        + REST
        + r"\b"
        + one_of("images, photos, pictures, pics, selfies, portraits")
        + r"\b",
        0.95,
        "Merge these two photos into one family portrait",
        ContentMode.COMBINE,
        unless=NOT_PICTURES,
    ),
    Rule(
        "image.combine_numbered.en",
        Task.IMAGE,
        FIRST + r"[^\n]*\b(?:in|into|onto|to|with|on|of|from|and|wearing)\b[^\n]*" + SECOND,
        0.95,
        "Put the person of photo 1 into photo 2",
        ContentMode.COMBINE,
        unless=(
            *NOT_PICTURES,
            r"\b(?:differences?|compare|comparison|similar|better|same person|shot|camera|seconds|which)\b",
        ),
    ),
    Rule(
        "image.swap_faces.en",
        Task.IMAGE,
        START + r"(?:face ?swap|swap (?:the |our |their |my )?(?:faces?|heads?))\b",
        0.95,
        "swap our faces please",
        ContentMode.COMBINE,
        unless=NOT_PICTURES,
    ),
    Rule(
        "image.i_want.en",
        Task.IMAGE,
        r"\A\W*(?:an?|new|minimalist|simple|modern|vintage)?"
        + WORDS
        + one_of("logo, wallpaper, album cover, book cover, flyer, sticker")
        + r" (?:for|with|of)\b",
        0.95,
        "minimalist logo for a bakery called Crumb",
        unless=(CODE_WORD, TOLD, MOVING, r"\?"),
    ),
)
