"""English requests that need the web as it is now, and requests to rerank or embed."""

from greatrouter_classifier.classification import Task
from greatrouter_classifier.matcher import Rule
from greatrouter_classifier.rules.english import CAPTION, CODE_WORD, DATABASE
from greatrouter_classifier.rules.fragments import REST, START, one_of, word

# The first thing asked is to make or rework something, so that its subject does not matter.
MADE = (
    START
    + one_of("""
        write, create, make, generate, compose, draft, design, draw, paint, translate, summari[sz]e, rewrite,
        paraphrase, imagine, act as, you are, explain, describe, build, develop, classify, given, based on, read,
        answer, suppose, how are you, pretend, analy[sz]e, if, in this, consider, implement, present, calculate
    """)
    + r"\b"
)
TOPIC = one_of("""
    news, headlines, developments, stocks?, prices?, weather, forecast, temperature, scores?, standings,
    exchange rate, rates?, value, market cap, traffic, election, polls?, results, events, rankings?, odds, schedule,
    fixtures, status, updates?, version, release, trends?, episodes?, season, game, match, matches, movies?, shows?,
    champions?, winner, president, prime minister, ceo, population, record, laws?, regulations, papers, research,
    studies, articles?, flights?, restaurants?, happening, going on, playing
""")
NOW = one_of(r"""
    right now, today, tonight, this (?:week|weekend|month|year|season|morning|evening), yesterday, last night,
    tomorrow, currently, at the moment, as of (?:today|now|\w+ 20\d\d), so far, these days, last week(?:end)?,
    next week(?:end)?, at present, nowadays
""")
OURS = word("""
    code, function, script, sql, poem, essay, story, i feel, i'm feeling, i am feeling, should i, advice,
    how are you, how was your, how is your, character, passage, following,
    my (?:day|boss|friend|wife|husband|girlfriend|boyfriend|mom|kids?)
""")
SILENT = (MADE, OURS, DATABASE, CAPTION)

RULES = (
    Rule(
        "web_search.ask.en",
        Task.WEB_SEARCH,
        START
        + one_of("""
        (?:search|browse|check|scour|use) (?:the )?(?:web|internet|online|google|net),
        google (?:the|for|what|who|how|it|this|that), look up, look online, search online, web search,
        do a (?:web|google|quick) search, find (?:me )?online, find out online,
        search for (?:the )?(?:latest|recent|news)
    """)
        + r"\b",
        0.95,
        "look up which museums in Porto are free on Sundays",
        unless=(MADE, CODE_WORD, r"\b(?:files?|directory|job search|search engine|dictionary)\b"),
    ),
    Rule(
        "web_search.news.en",
        Task.WEB_SEARCH,
        START
        + r"(?:what\b"
        + REST
        + r"|who\b"
        + REST
        + r"|any |are there (?:any )?|is there (?:any )?|show me |tell me |give me |find (?:me )?|get (?:me )?|the )?"
        + r"\b(?:(?:latest|recent|breaking|newest|today's|this week's|most recent) (?:\w+ ){0,3}"
        + one_of(
            """
            news, headlines, developments, updates?, scores, standings, polls?, papers, articles?, research,
            studies, information
        """
        )
        + r"|what's new (?:with|in)|what(?:'s| is) happening (?:in|with|at)|in the news)\b",
        0.95,
        "what is the latest news about the strike at the port?",
        unless=(*SILENT, r"\bfake news\b|\bmeans?\b"),
    ),
    Rule(
        "web_search.price.en",
        Task.WEB_SEARCH,
        START + r"(?:(?:the )?(?:current|today's|latest|live) (?:price|exchange rate|stock price|market cap|weather"
        r"|score|gold price|gas prices) |[a-z]{3} (?:to|in) [a-z]{3} (?:exchange )?rate|(?:what(?:'s| is"
        r"| are)?|how much|check|tell me|give me|show me|get|find)\b"
        + REST
        + r" (?:current|today's|latest|live|real-time) (?:\w+ ){0,3}"
        + one_of("""
            price, prices, exchange rate, stock price, market cap, value of, weather, temperature, score, scores,
            rates?, odds, population
        """)
        + r"\b|(?:stock|share|gold|oil|gas|bitcoin|btc|ethereum|crypto) prices?\b"
        + REST
        + NOW
        + r"|(?:what is |what's )?(?:the )?(?:price|cost) of (?:bitcoin|gold|oil|ethereum|gas|silver|a barrel)"
        + r"|(?:what is |what's )?(?:the )?exchange rate (?:of|for|between|from)"
        + r"|(?:how much is|what is|what's) (?:bitcoin|ethereum|btc|eth|the (?:dollar|euro|yen"
        r"|pound)) (?:worth|trading|at))",
        0.95,
        "What's the current price of silver per ounce?",
        unless=SILENT,
    ),
    Rule(
        "web_search.weather.en",
        Task.WEB_SEARCH,
        START
        + r"(?:(?:what(?:'s| is| will)?|how(?:'s| is)|tell me|give me|show me|check)\b"
        + REST
        + r"\b(?:weather|forecast) "
        + REST
        + r"\b(?:in|for|like|today|tomorrow|this|on|near|at|tonight)\b|weather (?:forecast )?(?:in|for|today"
        r"|tomorrow)\b"
        + r"|(?:will|is) it (?:going to )?(?:rain|snow|raining|snowing|be (?:sunny|hot|cold|warm|windy))\b)",
        0.95,
        "Will it rain in Bergen on Thursday?",
        unless=(*SILENT, r"\b(?:why|rain cats|small talk|science|historical)\b"),
    ),
    Rule(
        "web_search.now.en",
        Task.WEB_SEARCH,
        START
        + r"(?:who|what|when|where|which|how (?:many|much|did|is|are|old)|is|are|did|has|does|was|were|will)\b"
        + REST
        + r"\b"
        + TOPIC
        + r"\b"
        + REST
        + r"\b"
        + NOW
        + r"\b",
        0.95,
        "Who leads the standings in the league right now?",
        unless=SILENT,
    ),
    Rule(
        "web_search.currently.en",
        Task.WEB_SEARCH,
        START
        + r"(?:who|what|when|where|which|how many|how much|how old|how long)\b"
        + REST
        + r"\b(?:right now|currently|current|most recent|most recently|latest|newest|last night|yesterday"
        r"|tonight|this season|this weekend|still alive)\b",
        0.96,
        "who currently holds the marathon world record?",
        unless=(
            *SILENT,
            word("""
                electric(?:al)?, alternating, direct, ocean, river, wire, circuit, students?, address(?:es)?,
                treatments?, balances?, departments?, employees?, challenges?, controversies, sales figures,
                scientific, resistor, ampere, job, role, position, equal,
                current (?:code|state|event|assets|liabilities|ratio|flows?|account|through|in the|carrying|to)
            """),
        ),
    ),
    Rule(
        "web_search.last_time.en",
        Task.WEB_SEARCH,
        START
        + r"(?:when (?:was|is|did|does|are|will)\b"
        + REST
        + " (?:the )?(?:last time|come out|coming out|come back|air|aired|back on|premiere"
        "|next (?:\\w+ )?(?:game|season|episode|election|eclipse|super bowl|olympics)|season \\d+)\\b"
        + r"|(?:who|what) won\b|who (?:has|have) won|who is the (?:new|current|richest|president"
        r"|prime minister|ceo|owner|mayor|governor|coach|host|captain))",
        0.99,
        "when was the last time Norway hosted the winter games",
        unless=(*SILENT, r"\b(?:protagonist|war of)\b"),
    ),
    Rule(
        "web_search.year.en",
        Task.WEB_SEARCH,
        START
        + r"(?:who|when|where|which|how many|how much|what (?:is|are|was|were|time|date))\b"
        + REST
        + r"\b(?:in|for|of|during|by|the) (?:\w+ )?202[4-9]\b",
        0.99,
        "Where will the 2028 marathon championships be held in the 2027 season",
        unless=SILENT,
    ),
    Rule(
        "web_search.nearby.en",
        Task.WEB_SEARCH,
        r"\b(?:near me|open now|(?:closest|nearest) [^.\n]* to me|opening hours (?:of|for)|store hours)\b",
        0.95,
        "bike repair shops near me open now",
        unless=SILENT,
    ),
    Rule(
        "web_search.find_sources.en",
        Task.WEB_SEARCH,
        START + r"(?:(?:i am|i'm|im) looking for|find(?: me)?|search for|locate|get me|i need)\b (?:some |any |all "
        r"|the |more |an? )?(?:\w+ )?"
        + one_of("""
            information, info, articles?, sources, websites?, web ?pages?, sites, papers, reports, news, studies,
            links, facts, cheap, flights?, hotels?, deals, recent, latest
        """)
        + r"\b",
        0.99,
        "I'm looking for information on grants for rooftop solar",
        unless=(
            MADE,
            DATABASE,
            CODE_WORD,
            r"\b(?:following|below|passage|paragraph|files?|directory|aloud|audio|voice)\b",
        ),
    ),
    Rule(
        "rerank.rank.en",
        Task.RERANK,
        START
        + r"(?:given [^\n]*, )?(?:re-?rank\b|(?:rank|order|sort|score|rate|reorder|arrange)\b[^?!\n]*\b"
        + one_of("""
            passages?, documents?, docs, paragraphs?, snippets?, search results, results, candidates, chunks,
            articles, texts, answers, abstracts, papers, products, pages, faqs?, listings, reviews
        """)
        + r"\b[^?!\n]*\b(?:(?:ir)?relevan\w+|match\w*|similarity to|how well|query|closest|closeness|pertinen\w+))",
        0.95,
        "Rank these passages by relevance to the question about tides",
        unless=(CODE_WORD, r"\b(?:explain|how does|what is|patents?|sales|best to worst)\b"),
    ),
    Rule(
        "rerank.which.en",
        Task.RERANK,
        START + r"which (?:of )?(?:these|the following|the) (?:\w+ )?(?:documents?|passages?|paragraphs?|snippets"
        r"|results|articles) (?:is|are|best|most|answers?|match\w*)\b"
        + REST
        + r"\b(?:relevan\w+|query|best|answers?|match\w*)",
        0.95,
        "Which of these documents is most relevant to my query?",
        unless=(CODE_WORD,),
    ),
    Rule(
        "rerank.most_relevant.en",
        Task.RERANK,
        START
        + r"(?:find|pick|select|choose|return|give me|show me|get|retrieve|identify)\b"
        + REST
        + r"\b(?:most relevant|best matching|closest matching|top \d+ most relevant)\b"
        + REST
        + r"\b(?:documents?|passages?|paragraphs?|snippets?|chunks?|articles)\b",
        0.95,
        "Pick the most relevant passages for this query",
        unless=(CODE_WORD, r"\b(?:online|web|internet|recent|latest|tokeni[sz]ed|vectors?|fields?|columns?)\b"),
    ),
    Rule(
        "embeddings.embed.en",
        Task.EMBEDDINGS,
        START
        + r"(?:embed|vectori[sz]e|encode) (?:this|these|the|my|all|each|following|it|them)\b"
        + REST
        + r"(?:\b"
        + one_of("""
            sentences?, texts?, paragraphs?, documents?, quer(?:y|ies), phrases?, words?, chunks?, passages?, titles?,
            reviews?, descriptions?, faqs?, tickets?, questions?, abstracts?, notes, corpus, vectors?
        """)
        + r"\b|:)",
        0.95,
        "Embed this sentence: the ferry leaves at noon",
        unless=(
            CODE_WORD,
            word("""
                base64, utf-?8, url-?encode, videos?, images?, iframe, link, tweet, youtube, pages?, morse,
                cipher, caesar
            """),
        ),
    ),
    Rule(
        "embeddings.vector.en",
        Task.EMBEDDINGS,
        START + r"(?:(?:get|give|compute|calculate|generate|create|make|produce|return|extract|find|output|need"
        r"|i need|obtain|provide) )?(?:me )?(?:an? |the |some )?(?:\w+ ){0,2}?"
        + one_of("""
            embeddings?(?: vectors?)?, (?:semantic|dense|sentence|text|feature|numerical|numeric) vectors?,
            vector representations?, vectors?
        """)
        + r" (?:for|of|from)\b[^\n]*(?:\b"
        + one_of("""
            sentences?, texts?, paragraphs?, documents?, quer(?:y|ies), phrases?, words?, chunks?, passages?,
            titles?, reviews?, descriptions?, questions?, abstracts?, corpus, this, these, following
        """)
        + r"\b|[:\"'])|"
        + START
        + r"(?:convert|turn|transform)\b"
        + REST
        + r"\binto (?:an? )?(?:\w+ )?(?:embeddings?|vectors?)\b",
        0.95,
        "compute embeddings for these product titles",
        unless=(
            CODE_WORD,
            word(r"""
                explain, what, why, how, velocity, force, eigen\w*, position, unit vector, normal, logo, icon,
                images?, graphics?, disease, mosquito\w*
            """),
        ),
    ),
)
