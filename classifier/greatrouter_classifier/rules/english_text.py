"""English requests whose answer is prose: writing, rewriting, explaining, talking."""

from greatrouter_classifier.classification import Task
from greatrouter_classifier.matcher import Rule
from greatrouter_classifier.rules.english import CODE_WORD, DATABASE, END, WORDS, A
from greatrouter_classifier.rules.fragments import REST, START, one_of, word

WRITE = one_of("""
    write, draft, compose, pen, craft, create, generate, make, produce, prepare, come up with, give me, tell me, tell,
    provide, develop, design, build, complete, finish, continue, outline, type up, invent, construct, suggest,
    formulate, brainstorm, phrase, plan, i need, i want, i'd like, propose, give
""")
TEXT_NOUN = (
    one_of("""
        essay, poem, haiku, limerick, sonnet, short story, story, bedtime story, novel, tale, fable, fairy tale,
        e-?mail, letter, cover letter, article, news article, blog post, blog, paragraph, review, book report,
        summary, tweet, caption, headline, slogan, tagline, press release, product description, job description,
        description, bio, biography, resume, résumé, screenplay, dialogue, monologue, conversation, outline,
        introduction, conclusion, abstract, thesis statement, thesis, recipe, meal plan, itinerary, lesson plan,
        business plan, marketing plan, workout plan, study plan, proposal, toast, eulogy, obituary, joke, riddle, pun,
        lyrics, analogy, metaphor, simile, definition, memo, announcement, linkedin post, facebook post,
        social media post, instagram post, newsletter, faq, quiz, multiple choice question, interview question,
        question, guide, tutorial, checklist, strategy, campaign, pitch, elevator pitch, sales pitch, wedding speech,
        speech, argument, critique, explanation, advice, tips, ideas, suggestions, examples, prompt, reply, response,
        apology, complaint, invitation, thank[- ]you note, quote, motto, backstory, plot, synopsis, reasons, ways,
        facts, hashtag, agenda, curriculum, syllabus, diary entry, journal entry, policy, contract, testimonial,
        discussion, verse, rhyme, mission statement, vision statement, movie script, comedy script, sketch script,
        video script, script for (?:a|my|the) (?:video|play|movie|film|podcast|speech)
    """)
    + "s?"
)
NOT_PROSE = (
    CODE_WORD
    + "|"
    + word("""
        images?, pictures?, photos?, photographs?, illustrations?, drawings?, painting, poster, logo, icon,
        infographic, animation, gif, footage, soundtrack, melody, instrumental, beat, audio, aloud, out loud,
        voice-?over, text[- ]to[- ]speech, latest news, recent news, embeddings?, thumbnail, character sheet, comic,
        sticker, cinematic, aspect ratio, 16:9, 9:16, 4k, 8k, photorealistic, camera, files?, directory, folder,
        compute, calculates?, query, loop, integers?, elements, tuples?, nodes?, class, objects?, graph
    """)
)
SEARCHED = word("latest, recent, today, yesterday, current, currently, right now, this week, weather, news")
TOPIC_OF_CODE = word("""
    web, apis?, library, framework, tensor, machine learning, neural, drawing an? \\w+, linux, git, react, sorting,
    files?, recursion, compiler, data structures?, pointers?, inheritance, polymorphism, loops?, docker, class,
    objects?, stack, queue, hash, threads?, cache, server, rest, http, data ?frame, binary, lambda, syntax, tags?,
    dom, method, query, jquery, dns, sequence
""")
MAKES_MEDIA = word("""
    image generat\\w+, midjourney, photograph of, generate an? (?:\\w+ )?image,
    (?:create|creating) (?:an? )?(?:\\w+ )?(?:images?|posters?|logo|video), video of, --ar, cinematic,
    uploaded (?:image|video|photo), image (?:optimization|processing), photorealistic, music video, hyper-?realistic
""")
GREETING = (
    r"(?:hi|hello|hey|howdy|greetings|hiya|good (?:morning|evening|afternoon|night))(?: (?:there|everyone"
    r"|friend|bot|assistant|chatgpt|claude|buddy|all))?"
)

RULES = (
    Rule(
        "text.write.en",
        Task.TEXT,
        START + WRITE + A + WORDS + TEXT_NOUN + END,
        0.97,
        "Write an essay about the history of photography, three pages",
        unless=(NOT_PROSE, DATABASE, r"\b(?:top|latest|recent|current|today's) (?:\w+ )?(?:news|remarks|events)\b"),
    ),
    Rule(
        "text.write_plainly.en",
        Task.TEXT,
        START
        + "(?:write|draft|compose)"
        + A
        + r"(?: (?:short|brief|long|funny|formal|persuasive|detailed|good|new|original|romantic|sad"
        r"|professional|compelling|rhyming|fictional|\d+[- ](?:word|page|line|paragraph)))* "
        + one_of("""
            essay, poem, haiku, limerick, sonnet, story, short story, novel, tale, e-?mail, letter, cover letter,
            article, blog post, blog, review, paragraph, speech, lyrics, screenplay, press release,
            product description, tweet, bio, fable, joke, children's story, dialogue, monologue
        """)
        + r"s?\b",
        0.99,
        "write a short story about a painter who lost her colours",
        unless=(r"\b(?:python|javascript|java|html|latex|c\+\+|sql|function|program)\b",),
    ),
    Rule(
        "text.translate.en",
        Task.TEXT,
        r"\A\W*(?:translate\b|how do you say [^?\n]* in (?:french|spanish|german|japanese|chinese|italian"
        r"|russian|arabic|hindi|korean)\?)",
        0.95,
        "Translate this sentence into Portuguese",
        unless=(CODE_WORD, r"\b(?:audio|video|recording|speech|image|photo)\b"),
    ),
    Rule(
        "text.summarize.en",
        Task.TEXT,
        START + r"(?:summari[sz]e(?:$|:| (?:this|the|these|my|it|following|text|in|for|what|all|each|that"
        r"|article)\b)|tl;?dr|condense|paraphrase|rephrase|reword|proofread|shorten|(?:give|provide"
        r"|write)(?: me)? (?:an? )?(?:\w+ )?(?:summary|synopsis) of\b)",
        0.95,
        "Summarize this video transcript in five points",
        unless=(CODE_WORD, SEARCHED, DATABASE, r"\baudio\b"),
    ),
    Rule(
        "text.rewrite.en",
        Task.TEXT,
        START
        + one_of("""
            rewrite, re-write, edit, improve, correct, fix, revise, polish, simplify, expand, elaborate, make,
            turn, change, convert, transform, check
        """)
        + r"\b"
        + REST
        + r"\b"
        + one_of("""
            sentences?, paragraph, essay, e-?mail, grammar, spelling, passage, wording, letter, text, tone,
            cover letter, resume, poem, story, phrase, passive voice, active voice, tense, punctuation
        """)
        + r"\b",
        0.95,
        "Rewrite this paragraph in a friendlier tone",
        unless=(
            NOT_PROSE,
            word("""
                speech, sign, font, shirt, text (?:on|to|in|at), red, blue, green, yellow, bold, background,
                meter, tone of the
            """),
        ),
    ),
    Rule(
        "text.explain.en",
        Task.TEXT,
        r"\A\W*(?:explain (?:why|to me|like|in simple|"
        + REST
        + r"\bworks?\b)|"
        + one_of("discuss, elaborate on, compare and contrast, teach me, help me understand, help me study, eli5")
        + r"\b)",
        0.95,
        "Explain how image generation works",
        unless=(CODE_WORD, SEARCHED, DATABASE, TOPIC_OF_CODE),
    ),
    Rule(
        "text.act_as.en",
        Task.TEXT,
        START
        + one_of("""
            act (?:as|like), pretend (?:to be|that you are|you are|you're), role-?play, behave like,
            i want you to be, assume the role, take on the role, play the role
        """)
        + r"\b",
        0.99,
        "Act as a travel guide who answers in riddles",
        unless=(MAKES_MEDIA,),
    ),
    Rule(
        "text.you_are.en",
        Task.TEXT,
        START
        + one_of(
            "imagine (?:you are|you're|that you|yourself), you are (?:now )?(?:an?|my|the), you will be (?:an?|my|the)"
        )
        + r"\b",
        0.99,
        "You are a grumpy innkeeper in a fantasy town. Greet me.",
        unless=(MAKES_MEDIA, CODE_WORD, r"\b(?:developer|engineer|camera|shot|scene)\b"),
    ),
    Rule(
        "text.greeting.en",
        Task.TEXT,
        r"\A\W*"
        + GREETING
        + r"\W*\z|\A\W*(?:"
        + GREETING
        + r"\W+)?"
        + one_of("how are (?:you|things), how's it going, how do you do, what's up, nice to meet you")
        + r"\b(?: (?:doing|today|all|this morning))*\W*\z",
        0.95,
        "Hey there, how are you doing?",
    ),
    Rule(
        "text.chitchat.en",
        Task.TEXT,
        r"\A\W*"
        + one_of("""
            how are you, who are you, what are you\\?, what can you do, what is your (?:name|favou?rite),
            what's your (?:name|favou?rite), are you (?:human|a robot|real|alive|sentient|conscious|an ai|happy|sad),
            do you (?:like|love|dream|feel|have feelings|think|believe|ever|have a|have any), what do you think,
            how do you feel, tell me (?:about yourself|a joke|a story),
            i(?:'m| am) (?:bored|sad|lonely|feeling|happy|tired|stressed|anxious|depressed), i love you, entertain me
        """)
        + r"\b",
        0.95,
        "What do you think about living on the moon?",
        unless=(
            CODE_WORD,
            word("""
                news, weather, image, picture, draw, video, tutorial, who (?:won|is|was), where, when, today,
                right now, restaurants?, stock
            """),
        ),
    ),
    Rule(
        "text.list.en",
        Task.TEXT,
        r"\A\W*"
        + one_of(
            "give(?: me)?, list, suggest, provide, brainstorm, recommend, come up with, share, offer, tell me, think of"
        )
        + r"(?: me)? "
        + one_of(r"""
            some, a few, a list, an? example, \d+, two, three, four, five, six, seven, eight, ten, twenty, several,
            ideas, tips, examples, names, ways, reasons, different, advice, creative, an? \w+ idea, an? idea, various
        """)
        + r"\b",
        0.96,
        "Suggest five names for a quiet bookshop",
        unless=(
            NOT_PROSE,
            SEARCHED,
            DATABASE,
            word("""
                songs? like, movies? (?:in|at|playing), restaurants?, near, random number, numbers, celebrities,
                logs?, lines?
            """),
        ),
    ),
    Rule(
        "text.multiple_choice.en",
        Task.TEXT,
        r"\n\(?a[.):]\s(?s:.)*\n\(?b[.):]\s(?s:.)*\n\(?c[.):]\s|\bwhich (?:one )?of the following\b(?s:.)*\bb[.)]",
        0.99,
        "Which of the following is not a mammal? a) whale b) shark c) bat",
        unless=(r"```|\b(?:documents?|passages?) (?:is|are) most relevant\b|\bpython ?3?\b",),
    ),
    Rule(
        "text.math.en",
        Task.TEXT,
        START
        + r"(?:(?:solve|prove|simplify|factor|differentiate|evaluate)\b"
        + REST
        + r"(?:[\dx)] ?[-+*/=^] ?[\dx(]|\bequation\b|\bfor x\b|\bintegral\b|\bthat\b)"
        + r"|find the (?:derivative|integral|limit|area of the|volume|probability)\b"
        r"|what is (?:the )?(?:\d+(?:\.\d+)? ?(?:[-+*x×÷^]|plus|times|minus|divided)|square root|derivative"
        r"|integral)\b)",
        0.95,
        "Solve 3x + 7 = 22 and show each step",
        unless=(
            CODE_WORD,
            DATABASE,
            word("list, files?, elements, disk, given number, integers, matrix, linked, loop, three equations"),
        ),
    ),
    Rule(
        "text.phrases.en",
        Task.TEXT,
        word("""
            in layman's terms, like i'm (?:five|5), in your own words, explain your (?:answer|reasoning),
            thesis statement, as if you were, grammatically correct,
            in (?:\\w+ )?(?:\\d+|one hundred|two hundred) words or less,
            \\d+[- ]words?(?: \\w+)? (?:essay|story|article|summary|blog)
        """),
        0.99,
        "what is inflation, in layman's terms?",
        unless=(NOT_PROSE,),
    ),
    Rule(
        "text.advice.en",
        Task.TEXT,
        r"\A\W*(?:how (?:can|do|should|could|would) i "
        + one_of("""
            improve my, deal, cope, convince, tell my, overcome, motivate, prepare for, balance, politely,
            respond to, encourage
        """)
        + r"\b|what (?:should|would|could) i (?:do|say|wear|cook|write|give)\b)",
        0.95,
        "How can I politely tell my neighbour to keep the music down?",
        unless=(CODE_WORD, SEARCHED),
    ),
    Rule(
        "text.passage.en",
        Task.TEXT,
        word("""
            read the (?:following )?(?:passage|paragraph|article|text|story),
            based on the (?:\\w+ )?(?:passage|text|article|paragraph|context|conversation),
            according to the (?:passage|text|paragraph), answer the (?:following )?questions?,
            following (?:passage|paragraph|article|sentences?|conversation|essay|email|poem|review|statement|riddle),
            (?:given|above) (?:passage|paragraph|article|sentence|statement|essay|review|dialogue|text)
        """),
        0.99,
        "Based on the passage, why did the merchant leave the island?",
        unless=(
            CODE_WORD,
            word(
                "aloud, out loud, audio, speech, voice, rank, rerank, how well, embed\\w*, relevan\\w+, images?, videos?, tts"
            ),
        ),
    ),
    Rule(
        "text.reply.en",
        Task.TEXT,
        START + r"(?:reply|respond|answer) to (?:this|the|my|his|her|that)\b",
        0.95,
        "Reply to this customer complaint and offer a refund",
        unless=(CODE_WORD,),
    ),
    Rule(
        "text.classify.en",
        Task.TEXT,
        START
        + one_of("""
            classify, categori[sz]e, identify, determine, extract, detect, label, decide, select, choose, pick,
            arrange, rank, fill in, unscramble, guess, predict, match, find
        """)
        + r"\b"
        + REST
        + r"\b"
        + one_of("""
            sentiment, emotion, keywords?, named entit(?:y|ies), topic, tone, stereotype, bias, sentences?, words?,
            synonyms?, antonyms?, adjectives?, nouns?, verbs?, genre, riddle, theme, tense, figure of speech,
            main idea, rhetorical, spam, sarcas\\w+, odd one out, blank
        """)
        + r"\b",
        0.95,
        "Identify the sentiment of this review",
        unless=(NOT_PROSE, DATABASE, word("lines, occurrences, dictionary, list of, count, longest, current")),
    ),
)
