"""Who makes which models, and how their lines are named: the tables behind `identity`. Data, no logic."""

import re

# Who made it, by how its slug begins; the first match decides, so a derivative stands before what it derives from.
CREATORS = tuple(
    (re.compile(pattern), name)
    for name, pattern in (
        ("anthropic", "claude"),
        (
            "nvidia",
            r"nemotron|llama-.*nemotron|mistral-nemotron|llama-.*(?:nemoretriever|nv-)|nv-|cosmos|parakeet|omni-embed-n",
        ),
        (
            "openai",
            r"gpt-|chatgpt|o[134](?:-|$)|dall-e|whisper|tts-1|sora|text-embedding-(?:3|ada)|codex|davinci|babbage|clip-",
        ),
        (
            "google",
            r"gemini|gemma|imagen|veo-|palm(?!yra)|medlm|medgemma|lyria|learnlm|embeddinggemma|siglip|codegemma|flan-t5",
        ),
        ("google", r"text-(?:multilingual-)?embedding-0|multimodalembedding|chat-bison|text-bison|text-unicorn|chirp"),
        ("ibm", "granite"),
        ("nousresearch", "hermes|nous-|deephermes|openhermes"),
        ("abacusai", "dracarys|smaug"),
        ("perplexity", "sonar|pplx"),
        ("meta", "llama|codellama|muse-|seamless|nllb|m2m100"),
        (
            "mistral",
            r"(?:open-)?mi[sx]tral|ministral|codestral|devstral|magistral|pixtral|voxtral|mathstral|labs-devstral",
        ),
        ("deepseek", "deepseek"),
        ("qwen", r"qwen\d?(?:-|$)|qw|codeqwen|qvq|tongyi"),
        ("alibaba", r"wan-|z-image|happyhorse|gte-|gme-"),
        ("xai", "grok"),
        ("cohere", r"command|c4ai|aya-|north-|embed-(?:english|multilingual|v\d)|rerank-(?:english|multilingual|v\d)"),
        ("moonshotai", "kimi|moonshot"),
        ("zai", "glm|chatglm|cogv|autoglm|codegeex"),
        ("minimax", "minimax|hailuo|abab|speech-0"),
        ("microsoft", r"phi-|wizardlm|wizardcoder|mai-|orca-|e5-|multilingual-e5|harrier|wavecoder"),
        ("amazon", r"nova-(?:\d-)?(?:lite|micro|pro|premier|canvas|reel|sonic|multi|exp)|titan"),
        ("black-forest-labs", "flux"),
        ("stability", "stable|sdxl|stablelm"),
        ("ai21", "jamba|j2-"),
        ("baidu", "ernie|paddleocr|qianfan"),
        ("bytedance", "seed|doubao|dreamina|ui-tars|bagel"),
        ("tencent", "hunyuan|hy3|kalm"),
        ("stepfun", r"step-?\d|gelab"),
        ("xiaomi", "mimo"),
        ("kuaishou", "kling|kat-"),
        ("meituan", "longcat"),
        ("inclusionai", r"ling-|ring-"),
        ("allenai", "olmo|molmo|tulu|llama-.*tulu"),
        ("01-ai", "yi-"),
        ("inception", "mercury"),
        ("writer", "palmyra"),
        ("recraft", "recraft"),
        ("ideogram", "ideogram"),
        ("reve", "reve"),
        ("runway", "gen-"),
        ("luma", r"ray-|photon|uni-1"),
        ("pika", "pika"),
        ("shengshu", "vidu"),
        ("lightricks", "ltx"),
        ("voyage", r"voyage|rerank-2"),
        ("baai", "bge-"),
        ("jinaai", "jina"),
        ("nomic", "nomic"),
        ("mixedbread-ai", "mxbai"),
        ("snowflake", "snowflake"),
        ("sentence-transformers", r"all-mi|all-mp|multi-qa|paraphrase-"),
        ("upstage", "solar"),
        ("rekaai", "reka"),
        ("arcee-ai", "trinity|virtuoso|maestro|coder-large|spotlight"),
        ("poolside", "laguna"),
        ("thinkingmachines", "inkling"),
        ("databricks", "dbrx"),
        ("bigcode", "starcoder|santacoder"),
        ("deepcogito", "cogito"),
        ("liquid", "lfm"),
        ("sarvam", "sarvam"),
        ("elevenlabs", "eleven|scribe"),
    )
)
# Vendors as feeds and boards write them, where that is not the creator's slug already.
VENDORS = {
    "ai2": "allenai",
    "ai21-labs": "ai21",
    "alibaba-ath": "alibaba",
    "bfl": "black-forest-labs",
    "bytedance-seed": "bytedance",
    "cohere-chat": "cohere",
    "dashscope": "qwen",
    "deepseek-ai": "deepseek",
    "gemini": "google",
    "google-vertex": "google",
    "ibm-granite": "ibm",
    "inception-ai": "inception",
    "intfloat": "microsoft",
    "klingai": "kuaishou",
    "kwaipilot": "kuaishou",
    "luma-ai": "luma",
    "lumalabs": "luma",
    "meta-llama": "meta",
    "microsoft-ai": "microsoft",
    "minimaxai": "minimax",
    "mistral-ai": "mistral",
    "mistralai": "mistral",
    "moonshot": "moonshotai",
    "nomic-ai": "nomic",
    "perplexity-ai": "perplexity",
    "runwayml": "runway",
    "spacexai": "xai",
    "stabilityai": "stability",
    "thinky": "thinkingmachines",
    "thudm": "zai",
    "voyageai": "voyage",
    "x-ai": "xai",
    "xiaomimimo": "xiaomi",
    "z-ai": "zai",
    "zai-org": "zai",
    "zhipuai": "zai",
}
KNOWN = frozenset(name for _, name in CREATORS) | {
    "deepgram",
    "assemblyai",
    "soniox",
    "twelvelabs",
    "bria",
    "gigachat",
}
# Makers whose own names collide with others' ("nova-2" is also Amazon's): on their own service they made it all.
OWN_ONLY = frozenset({"deepgram", "assemblyai", "soniox"})

FAMILIES = tuple(
    (re.compile(pattern), template)
    for pattern, template in (
        (r"claude-(opus|sonnet|haiku|fable|mythos|instant)", r"claude-\1"),
        (r"gemini-(\d)-(\d)-(flash|pro|ultra)", r"gemini-\1.\2-\3"),
        (r"gemini-(\d)-(flash|pro|ultra)", r"gemini-\1-\2"),
        (r"gemini-(flash|pro|ultra)", r"gemini-\1"),
        (r"(?:chat)?gpt-4o", "gpt-4o"),
        (r"gpt-(\d)-(\d)(?!\d)", r"gpt-\1.\2"),
        (r"gpt-(\d)(?!\d)", r"gpt-\1"),
        (r"(o[134])(?=-|$)", r"\1"),
        (r"(mistral-(?:large|medium|small|nemo|saba|tiny|embed|ocr))(?=-|$)", r"\1"),
        (r"(gpt-(?:audio|realtime|chat))", r"\1"),
        (r"(text-multilingual-embedding)", r"\1"),
        (r"command-(a|r)", r"command-\1"),
        (r"grok-(code|build|imagine-image|imagine-video)", r"grok-\1"),
    )
)
SIZE = re.compile(r"\d+(?:x\d+)?[bmkt]|[ae]\d+b|\d{3,}\w*|h\d+")
DECIMAL_SIZE = re.compile(r"-(?:0-\d|1-[57]|6-7)b")  # 0.6b, 1.5b, 1.7b, 6.7b; "3-1-8b" is Llama 3.1 of 8b
VARIANTS = re.compile(
    "mini|nano|micro|lite|small|medium|large|xl|xxl|pro|max|plus|super|premier|ultra|flashx?|airx?|turbo|fast|highspeed|instant"
    "|instruct|chat|base|think|thinking|reasoning|reasoner|non|preview|exp|experimental|beta|alpha|vision|high|low|dev"
    "|schnell|flex|klein|quality|standard|[tir]2[vi]|code|distill|free|latest|audio|tts|transcribe|realtime|search|en"
    "|english|multilingual"
)
