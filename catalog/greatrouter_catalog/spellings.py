"""How the names of models are written: the patterns by which `identity` reads a spelling. Data, no logic."""

import re

_REGIONS = "us-gov|us|eu|apac|global|au|jp|ca|uk|in|sa|me|af"
_DOTTED = (
    "ai21|amazon|anthropic|cohere|deepseek|google|luma|meta|minimax|mistral|moonshot|moonshotai|nvidia|openai|qwen"
    "|stability|twelvelabs|writer|xai|zai"
)
_HYPHENATED = (
    "ai21|alibaba|alicloud|amazon|anthropic|arcee|azure|c4ai|cerebras|cohere|databricks|deep|deepseek-ai|dola|doubao"
    "|dreamina|gemini|google|groq|hunyuan|ibm|meta|minimax|moonshot|nvidia|openai|perplexity|ppl|qwen|snowflake"
    "|stability|tencent|umans|xiaomi|z-ai|zai-org|zai"
)
# A vendor's name is a prefix only before one of these; elsewhere it is the model's own name ("mistral-large").
_LINES = (
    "claude|gpt-|o[134]-?|llama|meta-|nova|titan|gemini|gemma|qwen|qwq|glm|kimi|mimo|nemotron|nvidia-|command|embed-|rerank-"
    "|jamba|granite|grok|deepseek|mistral-|mixtral|bge-|gte-|mpt-|minimax-|phi-|trinity|sonar|seed|hy3|dbrx|stable|magistral|codestral"
)
_QUANTIZED = (
    r"(?:nv|mx)?fp\d+(?:-dynamic)?|mxfp|bf16|int[48](?:-mixed-ar)?|awq|gptq|gguf|mlx|\d+bit|q\d(?:-[01k])?(?:-[sml])?"
    r"|iq\d-[a-z]+|dynamic"
)
_SERVED = (
    "free|maas|tee|tput|high-throughput|original|cheaper|cs|fw|fal|hf|cloud|lora|highspeed|ultraspeed|latest|exacto"
)
_FAST = "claude|kimi|glm-\\d|gpt-oss|llama|qwen|deepseek|minimax"
# Lines served only tuned, so that their bare name and the one with -instruct are the same model.
_TUNED = (
    "gemma-[34]|llama-3-3|llama-4|kimi|mistral-(?:large|medium|small|nemo)|ministral|devstral|magistral|pixtral|jamba"
    r"|qwen3-(?:\d|next|vl|coder|omni|max)|ernie|hunyuan|phi-[34]|granite-[34]|nemotron|glm|deepseek-(?:v\d|coder)|command-|hermes"
)
_V_LINES = "kling|seedream|seedance|wan|hailuo|recraft|ideogram|pixverse|vidu|pika|reve|mochi|kat-coder-pro"

RESPELLINGS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # Where it is served: regions, vendors.
        (rf"^(?:{_REGIONS})\.(?=[a-z])", ""),
        (r"^deepseek\.(?=[rv]\d)", "deepseek-"),
        (rf"^(?:{_DOTTED})\.(?=[a-z])", ""),
        (r"\.0(?=-|$)", ""),
        (r"\.", "-"),
        (r"(?<=\d)-0(?=-[a-z]|$)", ""),
        (rf"^(?:{_HYPHENATED})-(?={_LINES})", ""),
        # Revisions, serving options, quantization.
        (r"^(?!.*embed)(.*[a-z0-9])-v1$", r"\1"),
        (r"(?<=\db)-1$", ""),
        (r"^(claude-(?:\d|opus|sonnet|haiku).*)-v[12]$", r"\1"),
        (r"^((?:imagen|veo|gemini-\d|mistral-).*)-00[1-9]$", r"\1"),
        (rf"-(?:{_QUANTIZED}|{_SERVED})$", ""),
        (rf"^((?:{_FAST}).*)-(?:fast|lightning)$", r"\1"),
        (r"^(deepseek-.*|minimax-.*|kimi-.*|.*-(?:instruct|thinking))-turbo$", r"\1"),
        (r"^((?:gemini-\d|gemini-omni|imagen|veo).*)-preview$", r"\1"),
        (r"^((?:gemini-\d).*)-preview-(tts|customtools)$", r"\1-\2"),
        (r"^((?:imagen|veo).*)-generate$", r"\1"),
        (r"^((?:claude|gpt-5|o3|gemini|grok-\d).*)-(?:search|grounding)$", r"\1"),
        (r"(?<=\db)-a\d+(?:-\d)?b(?=-|$)", ""),
        # Stamps that name a snapshot where other lines name new weights.
        (r"^(grok-.*?)(?:-beta\d?)?-\d{4}(?=-|$)", r"\1"),
        (r"^(grok-.*)-beta\d?(?=-|$)", r"\1"),
        (r"^(gpt-4|gpt-4-32k|gpt-3-5-turbo(?:-16k|-instruct)?)-\d{4}$", r"\1"),
        (r"^gpt-4-(?:0125|1106)-preview$", "gpt-4-turbo-preview"),
        # Instruction-tuned.
        (r"-it(?=-|$)", "-instruct"),
        (rf"^((?:{_TUNED}).*?)-(?:instruct|chat)(?=-|$)", r"\1"),
        (r"^(mixtral-.*-instruct)-v0-1$", r"\1"),
        # One spelling a line.
        (r"^(gpt-|minimax-m|qwen|gemini-|mistral-small-)(\d)(\d)(?=-|$)", r"\1\2-\3"),
        (r"^claude-v?(\d(?:-\d)?)-(opus|sonnet|haiku)", r"claude-\2-\1"),
        (r"^claude-(opus|sonnet|haiku)(\d)", r"claude-\1-\2"),
        (r"^claude-(opus|sonnet|haiku)-(\d)(\d)$", r"claude-\1-\2-\3"),
        (r"^gemini-(flash(?:-lite)?|pro)-(\d(?:-\d)?)$", r"gemini-\2-\1"),
        (r"^imagen-?(\d)", r"imagen-\1"),
        (r"^imagen-(ultra|fast)-(\d)", r"imagen-\2-\1"),
        (r"^imagen-4-preview-", "imagen-4-"),
        (r"^(?:meta-)?llama-?v?(\d)", r"llama-\1"),
        (r"^llama-(\d-\d)-vision-(\d+b)", r"llama-\1-\2-vision"),
        (r"^(llama-3-2-(?:11|90)b)(?=-instruct|$)", r"\1-vision"),
        (r"^llama-4-(maverick|scout)-\d+b.*$", r"llama-4-\1"),
        (r"^(llama-3-\d-\d+b)-instant$", r"\1-instruct"),
        (r"^(llama-3-3-70b)-versatile$", r"\1"),
        (r"^qwen-v?(\d)(?=-)", r"qwen\1"),
        (r"^gemma-?(\d)", r"gemma-\1"),
        (r"^(llama-4.*|deepseek-r1)-basic$", r"\1"),
        (r"^code-?(llama|qwen)-", r"code\1-"),
        (r"^deepseek-(?:chat-)?v?(\d)", r"deepseek-v\1"),
        (r"^(deepseek-v4-(?:flash|pro))-\d{4}$", r"\1"),
        (r"^(deepseek-coder-v2)-\d{4}$", r"\1"),
        (r"^(deepseek-(?:r1|v3(?:-\d)?))-671b$", r"\1"),
        (r"^kimi-k2-(?:0711(?:-preview)?|1t)$", "kimi-k2"),
        (r"^k2-([5-9])$", r"kimi-k2-\1"),
        (r"^kimi-k2-0905-preview$", "kimi-k2-0905"),
        (r"^qwen3-coder-480b$", "qwen3-coder"),
        (r"^mistral-small-(\d-\d)-24b(?:-\d{4})?$", r"mistral-small-\1"),
        (r"^(mistral-large-3|mistral-medium-3-5|devstral-2|devstral-small-2)-\d+b(?:-\d{4})?$", r"\1"),
        (r"^(mistral-(?:medium|small)-\d(?:-\d)?)-\d{4}$", r"\1"),
        (r"^ministral-3-(\d+b)(?:-2512)?$", r"ministral-\1-2512"),
        (r"^mistral-(small|medium|large)(\d)", r"mistral-\1-\2"),
        (r"^mistral-nemo(?:-12b)?(?:-2407)?$", "mistral-nemo"),
        (r"^(magistral-\w+)-1-2-2509$", r"\1-2509"),
        (r"^open-(mistral-7b|mixtral-8x\d+b)$", r"\1-instruct"),
        (r"^open-mistral-nemo", "mistral-nemo"),
        (r"^hermes(\d)", r"hermes-\1"),
        (r"^hermes-3-llama-3-[12]-", "hermes-3-"),
        (r"^nemotron-(nano|super|ultra)-3-", r"nemotron-3-\1-"),
        (r"^(nemotron-3-(?:nano|super|ultra))-\d+b$", r"\1"),
        (r"^jamba-(large|mini)-(\d-\d)", r"jamba-\2-\1"),
        (r"^(embed|rerank)-v-?(\d(?:-\d)?)-(english|multilingual)", r"\1-\3-v\2"),
        (r"^embed-v-(\d)", r"embed-v\1"),
        (r"^solar-(pro|mini)(\d)", r"solar-\1-\2"),
        (rf"^({_V_LINES})-?v?(\d)", r"\1-\2"),
        (r"^ray-?(\d)", r"ray-\1"),
        (r"^(?:runway-)?gen-?(\d)", r"gen-\1"),
        (r"^veo-?(\d)", r"veo-\1"),
        (r"^(?:sd|stable-diffusion-v)3-?5(?=-)", "stable-diffusion-3-5"),
        (r"^sd3(?=-|$)", "stable-diffusion-3"),
        (r"^flux-(kontext|schnell|dev)", r"flux-1-\1"),
        (r"^flux-pro-v?1-1", "flux-1-1-pro"),
    )
)

# Two names that a maker gave one model: no rule can derive them.
SAME = {
    "embed-english-v3-3": "embed-english-v3",
    "embed-multilingual-v3-3": "embed-multilingual-v3",
    "nano-banana": "gemini-2-5-flash-image",
    "nano-banana-2": "gemini-3-1-flash-image",
    "nano-banana-pro": "gemini-3-pro-image",
    "mistral-large-2": "mistral-large-2407",
    "mistral-large-2-2407": "mistral-large-2407",
    "mistral-large-2512": "mistral-large-3",
    "mistral-medium-2505": "mistral-medium-3",
    "mistral-medium-2508": "mistral-medium-3-1",
    "mistral-medium-2604": "mistral-medium-3-5",
    "mistral-small-24b-2501": "mistral-small-3",
    "mistral-small-2501": "mistral-small-3",
    "mistral-small-2503": "mistral-small-3-1",
    "mistral-small-2506": "mistral-small-3-2",
    "mistral-small-2603": "mistral-small-4",
    "mistral-small-4-119b": "mistral-small-4",
    "mistral-small-4-119b-2603": "mistral-small-4",
    "devstral-2512": "devstral-2",
    "labs-devstral-small-2512": "devstral-small-2",
    "llama-3-3-nemotron-49b-super": "llama-3-3-nemotron-super-49b",
    "qwen2-5-max": "qwen-max",
    "codestral-2501": "codestral-25-01",
    "hunyuan-hy3-preview": "hy3-preview",
    "granite-h-small": "granite-4-h-small",
    "titan-text-embeddings-v2": "titan-embed-text-v2",
    "all-mini-lm-l6-v2": "all-minilm-l6-v2",
    "api-gpt-4o-search": "gpt-4o-search-preview",
    "gpt-4o-search": "gpt-4o-search-preview",
}

_MODAL = (
    r"claude|gpt-5|gpt-oss|gemini-(?:2-5|[3-9])|gemma-4|glm-\d|deepseek-v(?:3-[1-9]|[4-9])|kimi-k(?:2-\d|[3-9])|mimo"
    r"|qwen3-\d+b|qwen3-[5-9]|qwen-plus|minimax-m|mistral|hermes-4|ernie-5|step-3|nemotron-3|laguna|inkling|holo"
)
# Lines on which these words are settings; elsewhere they are names (mistral-medium, qwen3.8-max, flux-2-max).
SETTINGS = tuple(
    re.compile(pattern)
    for pattern in (
        r"^((?:claude|gpt-\d|gpt-oss|o\d|gemini-\d|grok|deepseek|kimi|glm|muse|qwen3|sonar|inkling).*?)"
        r"-((?:xhigh|high|medium|low|minimal|none)(?:-\d+k)?)(?:-effort)?$",
        r"^((?:claude|kimi-k|glm-|deepseek|inkling|gpt-\d-\d(?!-codex)).*?)-(max)$",
        rf"^((?:{_MODAL}).*?)-((?:high|no-?|non-)?think(?:ing)?(?:-(?:auto|minimal|\d+k))?|non-reasoning)$",
        r"^(claude-.*?)-(thinking-\d+|base)$",
        r"^(kimi-k(?:2-\d|[3-9]))-(instant)$",
        r"^((?:gpt|chatgpt)-image.*?)-(high-fidelity)$",
        r"^(veo-.*?)-(audio)$",
        r"^(.*image|seedream-\d)-([24]k)$",
        r"^(.+)-((?:480|540|720|1080|2160)p)$",
    )
)
NO_THINKING = re.compile(r"^(?:no-?|non-)think(?:ing)?$|^non-reasoning$|^base$|^none$|^instant$")

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MM, _DD = r"(?P<m>0[1-9]|1[0-2])", r"(?P<d>0[1-9]|[12]\d|3[01])"
DATES = tuple(
    re.compile(rf"^(?P<name>.*[a-z0-9])-{pattern}$")
    for pattern in (
        rf"(?P<y>20\d\d)-?{_MM}-?{_DD}",
        rf"(?P<y>20\d\d){_MM}",
        rf"(?P<y>2[3-9]){_MM}{_DD}",
        rf"{_MM}-(?P<y>20\d\d)",
        rf"(?P<month>{'|'.join(MONTHS)})[a-z]*-(?P<y>20\d\d)",
        rf"{_MM}-{_DD}",
    )
)

# Words that name no model by themselves: joined to the folder before them ("flux-pro/v1.1-ultra", "exa_ai/search").
PART = re.compile(
    r"v?\d[\d.]*(?:-(?:ultra|pro|fast|lite|turbo))?|dev|schnell|pro|preview|fast|ultra|lite|kontext-(?:pro|max|dev)|latest"
    r"|search|search-\w+|deep_search|standard|neural|generative|long-form|best|nano|base|enhanced|auto|free|router"
)
MODES = frozenset({"text-to-image", "image-to-image", "text-to-video", "image-to-video", "text-to-audio"})
NOTE = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
NOTE_DATE = re.compile(rf"[\d-]+|(?:{'|'.join(MONTHS)})[a-z]* \d{{4}}")
# What a note says of the effort, the most telling first; the group is kept, or the word stands for it.
NOTE_EFFORTS = (
    (re.compile(r"\bno[nt]?[- ]?think"), "no-thinking"),
    (re.compile(r"(\d+k) think"), r"thinking-\1"),
    (re.compile(r"\b(xhigh|high|medium|low|minimal|max|default)\b"), r"\1"),
    (re.compile(r"think|reason"), "thinking"),
)
