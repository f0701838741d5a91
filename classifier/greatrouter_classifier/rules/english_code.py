"""English requests for code, and prompts that are code."""

from greatrouter_classifier.classification import Task
from greatrouter_classifier.matcher import Rule
from greatrouter_classifier.rules.english import END, IN_EVERYDAY_LANGUAGE, IN_LANGUAGE, PERSONA, WORDS, A
from greatrouter_classifier.rules.fragments import REST, START, one_of, word

WRITE = one_of("""
    write, create, make, generate, produce, design, develop, implement, build, give me, show me, provide, construct,
    code, program, define, compose, form, formulate, add, script, complete, finish, i need, i want, edit, modify,
    rewrite, update, change, convert, suggest, come up with, devise, draft, set up, return, help me with, demonstrate,
    creating, writing, print, design and implement, develop and implement
""")
CODE_NOUN = (
    one_of("""
        function, method, script, program, algorithm, regex, regexp, regular expression, sql, sql (?:query|statement),
        query, unit test, test case, api, rest api, api endpoint, endpoint, class, code, code snippet, snippet,
        source code, cli, command[- ]line tool, web scraper, scraper, crawler, stored procedure, macro, makefile,
        dockerfile, docker-compose file, pseudocode, pseudo code, one[- ]liner, shell command, bash command,
        terminal command, linux command, for[ -]loop, while[ -]loop, recursive function, lambda, switch statement,
        if statement, if-else statement, data structure, linked list, binary tree, binary search tree, hash ?map,
        decorator, html (?:page|form|table|code|tag|document|element),
        css (?:code|class|rule|style\\w*|animation|selector|grid), web ?page, web ?site, web app, web application,
        landing page, chrome extension, browser extension, discord bot, telegram bot, slack bot, mobile app,
        android app, ios app, neural network, react component, component, constructor, subroutine, array,
        json (?:object|file|schema), xml (?:document|file), yaml file, database schema, er diagram, cron expression,
        github action, dictionary, tuple, two-dimensional array
    """)
    + "(?:e?s)?"
)
# What is written here is prose, whatever it is about.
PROSE = (
    START
    + WRITE
    + A
    + WORDS
    + one_of("""
        essay, poem, story, email, letter, blog, blog post, article, song, haiku, resume, cover letter, cv,
        lesson plan, course, tweet, post, speech, logo, poster, image, picture, illustration, photo, analogy,
        metaphor, paragraph, summary, report, list of (?:reasons|questions|ideas|names), training program,
        exercise program, fitness program, loyalty program, rewards program, tv program, mentorship program,
        wellness program, dress code, promo code, discount code, morse code, code of conduct, yoga class,
        cooking class, class schedule, search query, video script, comedy script, movie script, film script,
        podcast script, youtube script, series script, play script, sales script, screenplay, outline,
        standup comedy script, joke, dialogue, interview questions?, news report, podcast, quote, ideas, prompts?,
        label
    """)
    + "s?"
    + END
)
CHOICES = r"\na[.)]\s(?s:.)*\nb[.)]\s"
ERROR = (
    r"Traceback \(most recent call last\)|\bat [\w.$<>]+\(\w+\.(?:java|kt|scala|cs):\d+\)|\b[a-z]+(?:Error"
    r"|Exception): |error\[E\d{4}\]|error TS\d{4}|\bCS\d{4}:"
    + r"|\bunexpected token\b|\bnpm ERR!|"
    + word("""
        NullPointerException, segmentation fault, segfault, undefined reference to, cannot find symbol,
        syntax error near, no module named, core dumped, null pointer exception, compil(?:er|ation|e) error,
        syntaxerror, typeerror, valueerror, keyerror, indexerror, attributeerror, nameerror, modulenotfounderror,
        importerror, referenceerror, classnotfoundexception, indexoutofboundsexception,
        concurrentmodificationexception
    """)
)
SOURCE = "|".join(
    (
        r"(?m:^)\s*(?:async )?def \w+\(",
        r"(?m:^)\s*#include\s*[<\"]",
        r"\b(?:public static void main|System\.out\.print|int main\s*\()",
        r"\bfunction\s*\w*\([^\n)]*\)\s*\{",
        r"\bconst \w+ = (?:async )?\(|\bconsole\.log\(|\bdocument\.getElement",
        r"\bimport \w+ from ['\"]",
        r"(?m:^)(?:from [\w.]+ import \w|import (?:numpy|pandas|os|sys|re|json|java\.|torch|tensorflow|matplotlib)\b)",
        r"\bselect\s[^.?!\n]*\sfrom\s+[\w.]+\s*(?:where\b[^.?!\n]*[=<>]|;|group by|order by|limit \d"
        r"|(?:inner |left )?join)",
        r"\bcreate table \w+ ?\(|\binsert into \w+",
        r"<!doctype html|<(?:div|html|body|script|form|ul|table|button|nav)[ >]",
        r"(?m:^)\s*(?:public|private|protected) (?:static |final )*(?:class|void|int|string|double|boolean)\b",
        r"(?m:^)\s*(?:for \w+ in [\w().,\[\] ]+:|if __name__|print\(|return \w+[;(])",
        r"(?m:^)\s*(?:int|float|double|char|string|var|let|const) \w+(?:\[\])? = ",
        r"[\w)\]];\s*\n\s*\}",
        r"```(?:python|py|javascript|js|typescript|ts|java|cpp|c\+\+|c|csharp|cs|go|rust|ruby|php|sql|bash"
        r"|sh|html|css|kotlin|swift|scala)\s",
    )
)
SHELL = (
    r"(?:\b"
    + one_of(r"""
        current (?:working )?(?:directory|folder|dir), directory tree, recursively, subdirector(?:y|ies),
        home directory, symbolic links?, symlinks?, hidden files, regular files?,
        (?:txt|log|csv|py|java|c|php|xml|html|jpg|png|pdf) files?, working directory, sub-?folders,
        standard (?:output|input|error), stdout, stdin, stderr, environment variable, file ?names?, permissions?, cpu,
        pid, executable files?,
        files? (?:named|called|ending|modified|owned|larger|bigger|older|newer|under|with|whose|belonging|starting),
        files and directories, directories, disk (?:space|usage), background jobs?, root user, cron ?tab, man page
    """)
    + r"\b|[\"' ](?:\.|~|\$\w+)?/[a-z][\w.-]*(?:[\s/\"',.]|$)|\"?\*\.\w+|\$[a-z]\w+)"
)
SHELL_VERB = one_of("""
    find, list, print, prints, show, delete, remove, count, search, display, rename, copy, move, archive, compress,
    extract, sort, replace, get, change, set, create, recursively, calculate, output, run, execute, kill, mount, make,
    add, save, split, merge, convert, compare, check, gzip, unzip, download, append, redirect, ping, read, look in,
    force, removes, measure, write, connect, send, assign, store, echo, force create, locate, go to, look for
""")

RULES = (
    Rule(
        "code.write.en",
        Task.CODE,
        START + WRITE + A + WORDS + CODE_NOUN + END,
        0.99,
        "Write me a function that removes duplicates from a list",
        unless=(
            PROSE,
            PERSONA,
            r"\bscript (?:for|about)\b"
            + REST
            + r"\b(?:videos?|youtube|tiktok|reel|ads?|vlog|play|speech|presentation|interview)\b",
            word("""
                customers?, marketing, training program, wellness, search quer(?:y|ies), plants?, stories, zip code,
                middle class, character class, students, workout, qr, motion picture, screenplay, comedy, scene, tv,
                episode, sitcom, films?, movies?, cartoon, commercial, podcast, documentary, sketch comedy, campaign,
                social program, world class, first class, method of, audience, workshop
            """),
        ),
    ),
    Rule(
        "code.write_in_language.en",
        Task.CODE,
        START + WRITE + r"\b" + REST + IN_LANGUAGE,
        0.99,
        "Create a stopwatch in JavaScript",
        unless=(PROSE, PERSONA, r"\b(?:lesson|course|resume|interview|job)\b"),
    ),
    Rule(
        "code.in_language.en",
        Task.CODE,
        START + "(?:how|what|which|why|can|is|does|given|use|using|find|sort|reverse|remove|check|get|read|parse"
        "|loop|iterate|convert|explain)"
        + r"\b"
        + REST
        + r"(?:\b(?:in|using|with|via|use)(?: the)?"
        + IN_LANGUAGE
        + "|"
        + IN_EVERYDAY_LANGUAGE
        + ")",
        0.99,
        "what is the best way to reverse a string in rust?",
        unless=(
            PROSE,
            PERSONA,
            r"\b(?:in|with) (?:java|swift|scala|ruby|dart|perl|rust|react|angular|flask|lua|julia)\b"
            + REST
            + r"\b(?:indonesia|island|volcano|taylor|stains?|metal|iron|spots?|romeo)\b|\b(?:rust spots|jobs?"
            r"|career|salary)\b",
            r"\bwhich of the following\b|\na[.)]\s",
        ),
    ),
    Rule(
        "code.language_first.en",
        Task.CODE,
        r"\A\W*(?:how to |how do i |how can i )?(?:in )?"
        + one_of(r"""
            python ?3?, javascript, typescript, c\+\+, c#, golang, php, kotlin, bash, powershell, sql, mysql,
            html, css, jquery, django, pandas, numpy, matplotlib, node\.?js, vba, matlab, pyspark, tkinter, boto3,
            opencv
        """)
        + r"\s+[\w\"'(]",
        0.99,
        "python flatten nested list",
        unless=(
            PROSE,
            CHOICES,
            word("""
                developers?, jobs?, salary, tutorials?, download, courses?, bite, snakes?, certification,
                interview, vs, classes near
            """),
        ),
    ),
    Rule(
        "code.howto.en",
        Task.CODE,
        START
        + one_of("""
            how (?:to|do i|do you|can i|can you|would i|would you|should i|does one),
            why (?:does|do|is|are) (?:my|the), is there a way to, what is the (?:command|syntax|code)
        """)
        + r"\b"
        + REST
        + r"\b"
        + one_of("""
            docker\\w*, kubernetes, kubectl, git, github actions, npm, pip, dataframes?, json, regex, xml, csv, api,
            postgres\\w*, mysql, mongodb, redis, linux, ubuntu, bash, css, html, webpack, selenium, terraform,
            ansible, nginx, dictionary, tuple, numpy, pandas, matplotlib, tkinter, pyspark, sqlalchemy, django, flask,
            jupyter, boto3, excel formula, vba, powershell, hashmap, for loop, while loop, segfault, localhost, cron
        """)
        + r"\b",
        0.96,
        "How do I undo the last commit in git without losing changes?",
        unless=(PROSE, PERSONA, r"\blearn\b|\bdictionary (?:words?|meaning)\b"),
    ),
    Rule(
        "code.fix.en",
        Task.CODE,
        START
        + one_of("""
            fix, debug, refactor, optimi[sz]e, review, improve, correct, complete, convert, rewrite, translate,
            document, comment, test, port, simplify, clean up, spot, what does, what's wrong with, what is wrong with,
            why does, why is, modify, update, edit, explain, analy[sz]e, find the (?:bug|error|mistake)s? in
        """)
        + r"\b(?: me)?(?: what)?(?: (?:this|the|my|these|following|given|provided|existing|below|above"
        r"|an? \w+|piece of|block of))* (?:\w+ ){0,2}?"
        + one_of("""
            code, function, script, sql query, query, regex, snippet, bug, unit tests?, for loop, stack trace,
            pseudocode, webpage, python, html, css, sql, algorithm, loop
        """)
        + r"\b",
        0.99,
        "Refactor this function so it does not allocate",
        unless=(
            PROSE,
            PERSONA,
            word("""
                government, bones?, organ, brain, movie script, play script, trigonometric, utility, cost function,
                quadratic, insects?, code of, wave function, zip code, morse, google algorithm, youtube algorithm,
                dress code, function of the, liver, kidney, cells?
            """),
        ),
    ),
    Rule(
        "code.error.en",
        Task.CODE,
        ERROR,
        0.95,
        "I get TypeError: 'NoneType' object is not subscriptable when I run this",
        unless=(PERSONA, START + r"(?:translate|summari[sz]e)\b"),
    ),
    Rule(
        "code.source.en",
        Task.CODE,
        SOURCE,
        0.99,
        "what will this print?\nfor x in range(3):\n    print(x * x)",
        unless=(
            PERSONA,
            CHOICES,
            START + r"(?:translate|summari[sz]e|act like)\b",
            r"aspect[_ ]ratio|infographic|充当|扮演",
        ),
    ),
    Rule(
        "code.shell.en",
        Task.CODE,
        START + SHELL_VERB + r"\b[^?\n]*" + SHELL,
        0.99,
        "Delete all *.tmp files in the current directory older than a week",
        unless=(
            PROSE,
            PERSONA,
            r"https?://|\b(?:pros|poems?|career path|conversation|and/or|w/o|he/she|km/h|24/7|abc"
            r"|probability|tone)\b|\\frac|\b(?:you are|advisor)\b",
        ),
    ),
    Rule(
        "code.command.en",
        Task.CODE,
        r"\b"
        + one_of("""
            ffmpeg, imagemagick, curl, awk, sed, grep, git, docker, kubectl, bash, linux, shell, terminal, unix,
            vim, tar, rsync, powershell, adb, systemctl
        """)
        + r" (?:\w+ )?(?:command|one-liner|script|alias)s?\b",
        0.99,
        "ffmpeg command to cut the first ten seconds of a video",
        unless=(PERSONA, START + r"(?:translate|summari[sz]e|you are)\b"),
    ),
    Rule(
        "code.file.en",
        Task.CODE,
        r"(?:^|[\s`\"'(/])[\w-]+\.(?:py|jsx|tsx|cpp|hpp|cs|rs|rb|php|ipynb|java|kt|gradle|vue)(?:[\s`\"'),:;?]|\.\s|$)",
        0.95,
        "main.py hangs when the queue is empty, why?",
        unless=(PERSONA, START + r"(?:translate|summari[sz]e|classify)\b", "https?://"),
    ),
    Rule(
        "code.task.en",
        Task.CODE,
        r"\b"
        + one_of("""
            given (?:an? |two |the |a list of )?(?:\\w+ ){0,3}(?:array|string|linked list|binary tree|matrix|list of integers|tuple|strings|arrays|lists)s?,
            time complexity, leetcode, linked list, binary search tree, nested (?:lists?|loops?|dictionar(?:y|ies)),
            a list of (?:tuples|integers|dictionaries), data ?frames?, array of (?:integers|numbers|strings|objects),
            left join, inner join, hash map, dictionary comprehension, list comprehension,
            the following (?:array|list of strings|string|code)
        """)
        + r"\b",
        0.99,
        "Given an array of integers, return the two that sum to a target",
        unless=(
            PROSE,
            PERSONA,
            START
            + one_of("explain, what, why, who, when, discuss, compare, tell me, define, translate, summari[sz]e")
            + r"\b",
        ),
    ),
    Rule(
        "code.implement.en",
        Task.CODE,
        r"\A\W*(?:(?:implement|refactor|debug|deploy|compile|instantiate) (?:an?|the|this|my)\b|(?:code"
        r"|program) (?:me )?(?:an?|the) \w|implement (?:\w+ )?(?:sort|search|quicksort|mergesort|heapsort"
        r"|dijkstra))",
        0.99,
        "implement an LRU cache with O(1) operations",
        unless=(
            PROSE,
            PERSONA,
            r"\b(?:policy|policies|red|welcome|program for|company|workplace|government|diet|strategy)\b",
        ),
    ),
)
