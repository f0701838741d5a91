"""What the English rules are built from, and the guards that keep them silent."""

from greatrouter_classifier.rules.fragments import START, gap, one_of, word

MAKE = one_of("""
    create, make, generate, produce, design, render, craft, come up with, give me, show me, get me, i need, i want,
    i'd like, i would like, want, need, build, put together, whip up, develop
""")

# "me a", "us three", "the": between a verb and the adjectives of its object.
A = (
    r"(?:\s+(?:me|us|for me))?(?:\s+(?:an? )?(?:set|series|collection|couple|bunch|pair) of)?"
    r"(?:\s+(?:an?|the|one|some|my|our|this|that|his|her|their|your|\d+|two|three|four|five|several|another|any))?"
)

WORDS = gap("of, for, on, to, with, who, that, about, from, which, in, whose, where, how, as")

# The noun before this is the object itself, not part of a longer name such as "image gallery".
END = (
    r"(?:\s+"
    + one_of("""
        of, for, with, showing, that, in, where, which, from, depicting, featuring, about, based, to, using, inspired,
        as, on, at, like, by, and, or, set, suitable, including, containing, titled, called, named, please, i, we,
        who, whose, under, around, between, explaining, describing, via, so, capturing, illustrating, representing,
        if, is, are, when, regarding, given
    """)
    + r"\b|\s*[.,:;!?\"()\[\]\n-]|\s*$)"
)

LANGUAGE = one_of(r"""
    python ?3?, py, javascript, typescript, java, c\+\+, c#, f#, golang, php, kotlin, matlab, haskell, bash,
    powershell, sql, mysql, postgres(?:ql)?, sqlite, html5?, css3?, react\.?js, node\.?js, vue(?:\.?js)?, jquery,
    django, fastapi, pandas, numpy, pytorch, tensorflow, scikit-learn, matplotlib, vba, fortran, cobol, solidity,
    verilog, vhdl, graphql, three\.js, tailwind, opencv, ffmpeg, imagemagick, laravel, spring boot, asp\.net, pyspark
""")
# These are words of everyday life too, so they count after "in" and the like alone.
EVERYDAY_LANGUAGE = one_of("""
    rust, ruby, swift, scala, perl, react, angular, flask, lua, julia, dart, flutter, elixir, erlang, clojure,
    lisp, prolog, svg, unity, go, r, c
""")
IN_EVERYDAY_LANGUAGE = r"\b(?:in|using) " + EVERYDAY_LANGUAGE + r"(?: code| language)?(?:[)\"'`,.:;?!\n]|$)"
# A programming language as a word of its own; "\b" would fail after "c++".
IN_LANGUAGE = "(?:" + r"(?:^|[\s(\"'`/,-])" + LANGUAGE + r"(?:[\s)\"'`/,.:;?!-]|$)|" + IN_EVERYDAY_LANGUAGE + ")"

CODE_WORD = (
    IN_LANGUAGE
    + "|"
    + word("""
        codes?, coding, scripts?, functions?, programs?, programming, programmatically, api, css, html, regex, ffmpeg,
        commands?, terminal, div, buttons?, websites?, web ?pages?, apps?, variables?, arrays?, strings?, databases?,
        algorithms?, canvas, turtle, json, xml, csv, sql
    """)
    + "|```|</"
)

# As CODE_WORD, without what a picture or a tune may be wanted for.
CODING = (
    IN_LANGUAGE
    + "|"
    + word("""
        codes?, coding, scripts?, functions?, programmatically, css, html, regex, ffmpeg, commands?, div,
        algorithms?, canvas, json, xml, csv, sql
    """)
    + "|```|</"
)

# A question to somebody's database, which only code can answer.
DATABASE = word("""
    dataset, database, tables?, columns?, rows?, distinct, per (?:month|year|day|customer|user|week), average,
    total (?:number|amount|sales), percentage,
    each (?:customer|year|month|user|product|category|day|state|country|of), ordered by, descending, ascending, ids?,
    (?:top|first|last) (?:\\d+|two|three|five|six|ten), highest, lowest, corresponding, respectively, along with,
    calendar months?, current (?:month|week), monthly, daily, quarterly, sales, balance sheet, aggregat\\w+,
    inventory, customers?, patients?, transactions?, sellers?, bigquery, records, metrics, how many times
""")

# Asks for words about the thing, not for the thing.
TOLD = word(r"""
    describ\w+, captions?, summar\w+, explain\w*, alt[ -]text, prompts?, tell me, what is, what's, transcri\w+, essay,
    story, hashtags?, classif\w+, detect\w*, extract\w*, ocr, count, article, review, act as
""")
MOVING = word(r"""
    videos?, animations?, animated, animate, gifs?, movies?, films?, clips?, footage, songs?, music, soundtrack,
    audio, vlog
""")
CAPTION = word(r"""
    screenshot, scene, depict\w*, featur\w+, illustration, poster, background, foreground, camera, sign, displaying,
    displays, surrounded
""")
PERSONA = START + one_of("act (?:as|like), pretend (?:to be|that you), role-?play")
