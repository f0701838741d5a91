"""English requests for music and for speech."""

from greatrouter_classifier.classification import ContentMode, Task
from greatrouter_classifier.matcher import Rule
from greatrouter_classifier.rules.english import CODE_WORD, CODING, END, IN_LANGUAGE, MAKE, WORDS, A
from greatrouter_classifier.rules.fragments import REST, START, one_of, word

MUSIC_NOUN = (
    one_of("""
        song, track, beat, melody, melodies, tune, jingle, instrumental, soundtrack, background music, music, lullaby,
        symphony, theme song, theme music, ballad, backing track, sonata, waltz, piano piece, music loop, drum loop,
        guitar riff, bass ?line, string quartet, musical piece, piece of music, anthem, film score
    """)
    + "s?"
)
GENRE = one_of("""
    pop, rock, jazz, blues, country, folk, techno, house, trance, dubstep, drum and bass, dnb, hip[ -]?hop, rap, trap,
    drill, lo-?fi, r&b, rnb, soul, funk, disco, reggae, reggaeton, salsa, bossa nova, metal, punk, grunge, indie,
    ambient, synthwave, synth-?pop, edm, electronic, electro, classical, orchestral, gospel, ska, afrobeats?, k-pop,
    j-pop, flamenco, tango, bluegrass, chillwave, shoegaze, acoustic, phonk, hyperpop, vaporwave, boom bap, new age,
    swing, latin, dancehall, bebop, hard bop, electronica, downtempo, eurodance, chiptune, celtic
""")
INSTRUMENT = one_of("""
    guitars?, piano, pianos, drums?, drum machine, bass(?: ?line)?, 808s?, synth(?:s|esizers?)?, synth pads?,
    strings?, string section, violins?, cello, flutes?, saxophone, sax, trumpets?, vocals?, hi-?hats, percussion,
    organ, banjo, harmonica, ukulele, choir, horns, brass, pads, beats?, riffs?, rhodes, sitar, harp, marimba, snare,
    tempo, melody, melodies, chorus, grooves?, reverb, arpeggios?, hooks?
""")
ABOUT_MUSIC = word("""
    lyrics?, essay, reviews?, article, list of, playlist, theory, history, explain, describe, what, who, recommend,
    name of, titles?, analy[sz]e, chords?, notation, songs like, act as
""")
SEEN = word("""
    videos?, images?, pictures?, photos?, painting, portrait, camera, artstation, art, dancing, dancer, poster, crowd,
    man, men, woman, girl, boy, people, person, shirt, wearing, illustration
""")
SPOKEN = one_of("aloud, out loud, out (?:to|for) me, as audio, in audio, with (?:a )?text[ -]to[ -]speech")

RULES = (
    Rule(
        "music.make.en",
        Task.MUSIC,
        START + "(?:" + MAKE + "|compose|record)" + A + WORDS + MUSIC_NOUN + END,
        0.95,
        "compose a calm piano melody for a rainy evening",
        unless=(
            ABOUT_MUSIC,
            CODING,
            r"\b(?:image|picture|poster|cover|spotify|by the|music sheet)\b|\b(?:give|show|get) me (?:the "
            r"|some |a )?(?:music|songs?)\b",
        ),
    ),
    Rule(
        "music.write.en",
        Task.MUSIC,
        START
        + "write"
        + A
        + WORDS
        + one_of("""
            melody, tune, jingle, instrumental, sonata, waltz, symphony, piano piece,
            lullaby for (?:piano|guitar|violin), string quartet, drum beat, riff, bass ?line
        """)
        + END,
        0.95,
        "write a cheerful jingle for a lemonade stand",
        unless=(ABOUT_MUSIC, CODING),
    ),
    Rule(
        "music.tempo.en",
        Task.MUSIC,
        r"\b\d{2,3}[ -]?bpm\b|\bbpm[: ]\s?\d{2,3}\b|\bkey[: ]\s?(?:of )?[a-g](?:[ -](?:flat|sharp)|#"
        r"|b)? (?:minor|major)\b",
        0.99,
        "warm house groove, 122 bpm, filtered pads",
        unless=(
            ABOUT_MUSIC,
            CODING,
            r"\b(?:heart|pulse|exercise|shots?|camera|scene|videos?|character)\b|@image|镜头|一镜|电影",
        ),
    ),
    Rule(
        "music.caption.en",
        Task.MUSIC,
        r"\A\W*(?:an? |the |this is an? |it is an? )?(?:[\w'&-]+[\s,/]+){0,6}?"
        + GENRE
        + r"[\s,/-]+(?:[\w'&-]+[\s,/]+){0,3}?"
        + one_of("song, track, beat, tune, instrumental, ballad, music, piece, anthem, soundscape, soundtrack")
        + "s?"
        + r"(?:[.,;]| (?:with|featuring|about|for|in|that|and|played|driven|based|using)\b)",
        0.99,
        "Melancholic folk ballad with fingerpicked guitar",
        unless=(
            ABOUT_MUSIC,
            CODING,
            SEEN,
            r"\?|\bcentral to\b",
            START + one_of("play, find, write, add, put, search, show") + r"\b",
        ),
    ),
    Rule(
        "music.caption_instrumental.en",
        Task.MUSIC,
        r"\A\W*(?:an? |the |this is an? |it is an? )?(?:[\w'&-]+[\s,/]+){0,5}?"
        + one_of("""
            instrumental, upbeat, melodic, piano, guitar, orchestral, synth, violin, ambient, energetic, mellow,
            catchy
        """)
        + r" (?:[\w'&-]+[\s,/]+){0,4}?"
        + one_of("song, track, beat, tune, instrumental, ballad, piece, melody, music, soundscape")
        + r"(?:[.,;]| (?:with|featuring|for|in|that|and|played|driven|based|using)\b)",
        0.99,
        "A mellow piano piece with soft strings, good for studying",
        unless=(ABOUT_MUSIC, CODING, SEEN, r"\?", START + one_of("play, find, write, add, put, search, show") + r"\b"),
    ),
    Rule(
        "music.tags.en",
        Task.MUSIC,
        r"\A[\s\"']*[^\n.?:]*\b" + GENRE + r"\b[^\n.?:]*,[^\n.?:]*\b" + INSTRUMENT + r"\b"
        r"|\A[\s\"']*[^\n.?:]*\b" + INSTRUMENT + r"\b[^\n.?:]*,[^\n.?:]*\b" + GENRE + r"\b",
        0.99,
        "dark techno, distorted kick, acid bassline, hypnotic synths",
        unless=(
            ABOUT_MUSIC,
            CODING,
            SEEN,
            r"\?|\b(?:scene|stage|ambient light\w*|musical instruments|symbols|desk)\b",
            START + one_of("play, find, write, add, put, search, show, i, my") + r"\b",
        ),
    ),
    Rule(
        "music.edit.en",
        Task.MUSIC,
        START
        + one_of("""
            remix, extend, remaster, master, transpose, isolate, remove, strip, separate, speed up, slow down, make,
            change, turn, add, harmoni[sz]e
        """)
        + r"\b"
        + REST
        + r"\b(?:this|the|my|that|attached|uploaded) (?:\w+ ){0,2}"
        + one_of("song, track, beat, melody, tune, mp3, instrumental")
        + r"\b",
        0.95,
        "Remove the vocals from this track",
        ContentMode.EDIT,
        unless=(
            ABOUT_MUSIC,
            CODING,
            r"\b(?:queue|add (?:this|the|that|my)|turn (?:up|down|on|off|it)|volume|library|favorites|video)\b",
        ),
    ),
    Rule(
        "music.combine.en",
        Task.MUSIC,
        START + r"(?:mash up|mash|combine|merge|blend|mix)\b" + REST + r"\b(?:songs|tracks|beats|melodies|tunes)\b",
        0.95,
        "mash up these two songs",
        ContentMode.COMBINE,
        unless=(ABOUT_MUSIC, CODING),
    ),
    Rule(
        "speech.read.en",
        Task.SPEECH,
        START + r"(?:read|say|speak|narrate|recite|pronounce|voice)\b[^?\n]*\b" + SPOKEN,
        0.95,
        "Read the following announcement aloud",
        unless=(CODE_WORD, word("benefits, why, students, children, kids, book club, read more")),
    ),
    Rule(
        "speech.say_in_voice.en",
        Task.SPEECH,
        START
        + one_of("read, say, speak, narrate, whisper, shout, announce, recite, voice")
        + r"\b[^?\n]* (?:in|with|using) (?:an?|the|my|your) (?:[\w'-]+,? ){0,5}(?:voice|accent|whisper)\b",
        0.95,
        "say 'dinner is ready' in a cheerful voice",
        unless=(CODE_WORD, r"\b(?:active|passive) voice\b|\bwrite\b"),
    ),
    Rule(
        "speech.from_text.en",
        Task.SPEECH,
        START
        + r"(?:convert|converting|turn|transform|change) (?:(?:the|this|my|following|given|provided|above|attached) )*"
        + r"(?:text|paragraph|sentence|article|message|story|speech|content|blog post)s?\b"
        + REST
        + r"\b(?:in)?to (?:an? )?(?:[\w-]+ ){0,2}(?:speech|audio|voice|spoken|mp3|audiobook)\b",
        0.99,
        "Convert the following text into natural sounding speech: the app is ready to download",
        unless=(IN_LANGUAGE, START + r"(?:how|what|why|which)\b"),
    ),
    Rule(
        "speech.synthesize.en",
        Task.SPEECH,
        START
        + one_of("""
            convert, turn, transform, change, make, synthesi[sz]e, render, generate, create, produce, record,
            have, listen to, i would like
        """)
        + r"\b(?s:.)*\b(?:(?:in)?to|as|from) (?:an? )?(?:[\w-]+ )?"
        + one_of("speech, spoken (?:audio|word|form), audio, voice, mp3, voice ?over, audiobook")
        + r"\b",
        0.99,
        "Turn this paragraph into natural speech",
        unless=(
            CODE_WORD,
            word("""
                videos?, song, music, images?, youtube, wav to, essay, parts? of speech, motion to,
                (?:wedding|acceptance|graduation) speech, (?:passive|active) voice
            """),
        ),
    ),
    Rule(
        "speech.voiceover.en",
        Task.SPEECH,
        START
        + "(?:"
        + MAKE
        + "|record)"
        + A
        + WORDS
        + one_of("""
            voice-?over, narration, audio ?book, voice message, audio version, spoken version, voice clip, audio clip,
            voice ?mail greeting, voice recording, text[ -]to[ -]speech, tts, speech audio, audio file
        """)
        + "s?"
        + END,
        0.95,
        "Generate a warm voiceover for my product launch",
        unless=(CODING, r"\b(?:music|song|video)\b"),
    ),
    Rule(
        "speech.tts.en",
        Task.SPEECH,
        START + r"(?:use |using |run |apply |do )?(?:text[ -]to[ -]speech|tts)\b",
        0.95,
        "text to speech: the next train leaves from platform four",
        unless=(CODE_WORD, r"\?"),
    ),
    Rule(
        "speech.transcribe.en",
        Task.SPEECH,
        START
        + r"(?:transcribe|(?:create|make|get|produce|give me|generate|provide)"
        + A
        + r" (?:\w+ )?(?:transcript|transcription) (?:of|for|from))\b",
        0.95,
        "Transcribe this voicemail for me",
        unless=(
            CODE_WORD,
            word(r"""
                dna, rna, mrna, image, photo, picture, handwrit\w*, pdf, sheet music, ipa, scanned, video,
                paragraph, text below
            """),
        ),
    ),
    Rule(
        "speech.recognize.en",
        Task.SPEECH,
        START
        + r"(?:convert|turn|change)\b"
        + REST
        + r"\b(?:audio|recording|voice ?(?:note|memo|message|mail)?|speech|podcast|interview|mp3)s?\b"
        + REST
        + r"\b(?:in)?to (?:\w+ )?text\b|\bspeech[ -]to[ -]text\b"
        + r"|\bwhat (?:is|are|was) (?:being )?(?:said|saying|they saying) (?:in|on) (?:this|the|my) (?:audio"
        r"|recording|voice|call|clip)",
        0.95,
        "convert this interview recording to text",
        unless=(CODE_WORD,),
    ),
    Rule(
        "speech.speaker.en",
        Task.SPEECH,
        r"\A\W*(?:an? )?(?:[\w'-]+,? ){0,5}?(?:male|female|man|woman|voice|narrator|speaker|girl"
        r"|boy)(?:'s)?(?: with [\w ,'-]+?)?(?: voice)?,? "
        + one_of("saying, says, say, to say, reading, speaks, speaking")
        + r"\b[^\n]*[\"“'‘:]",
        0.95,
        'A tired old man with a hoarse voice says: "Close the gate."',
        unless=(CODE_WORD, word("videos?, camera, scene, shot, image, photo, cinematic, subtitles?, sign, shirt")),
    ),
    Rule(
        "speech.attributes.en",
        Task.SPEECH,
        r"\b(?:low|high|mid|deep)[- ]pitched (?:male |female |\w+ )?voice\b|\bgender:\s+(?:fe)?male\b(?s:.)*\bpitch:"
        + r"|\bvoice(?: affect)?:\s(?s:.)*\b(?:tone|pacing|emotion|pronunciation|pauses?|delivery):\s",
        0.95,
        "a low pitched female voice, slow delivery, gentle accent",
        unless=(CODE_WORD, r"\?|\b(?:video|song|music|essay|explain|camera)\b"),
    ),
    Rule(
        "speech.clone.en",
        Task.SPEECH,
        START + r"(?:clone|imitate|mimic) (?:my|this|the|his|her) (?:[\w']+ )?voice\b",
        0.95,
        "clone my voice from the attached sample",
        unless=(CODE_WORD, word("write, writing, text, essay, style")),
    ),
)
