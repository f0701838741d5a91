"""Who a model is, read from any of its spellings: one slug per model, its creator and its line. Pure text.

The same model is `us.anthropic.claude-opus-4-6-v1` at one provider, `claude-opus-4.6:thinking` at a second and
`Claude Opus 4.6 (High)` on a board. What counts as the same, decided here once:

- Removed: path, region and vendor prefixes; dates that carry a year or a month and a day (`-20241022`, `-2024-11-20`,
  `@20250929`, `-08-2024`, `-05-06`: a snapshot of the model); revisions (`-v1:0`, `-001`, `-latest`); how it is served
  (`:free`, `-maas`, `-highspeed`, `-instruct-turbo`); quantization (`-fp8`, `-awq`, `-q4_k_m`: the loss is below what
  boards resolve); reasoning effort and thinking as a mode of one set of weights (`-xhigh`, `-thinking-32k`).
- Kept, as another model: sizes, tiers (`-mini`, `-pro`), `-exp`, four-digit stamps (`-0324`, `-2507`: weights released
  separately), `-thinking` where it names its own weights (`kimi-k2-thinking`), and `-preview`, save for Google,
  which serves released models under it (`gemini-3-pro-preview`).
- `-it` is `-instruct`. The mark is kept where bare names are base models (`llama-3.1-8b`), dropped for lines that are
  only ever served tuned (`gemma-4-31b-it`, `kimi-k2-instruct`).
- Versions read alike: `3.5`, `3-5`, `3p5`, `3_5` give `3-5`, and `4.0` is `4`. The active size of a mixture of experts
  follows from the total (`qwen3-235b-a22b` is `qwen3-235b`).
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Identity:
    """A spelling read: the model's slug, the reasoning or output setting named beside it, the date of its snapshot."""

    canonical: str
    effort: str | None
    snapshot: str | None


# --- Rules ------------------------------------------------------------------------------------------------------------

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

_RESPELLINGS = tuple(
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
_SAME = {
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
_SETTINGS = tuple(
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
_NO_THINKING = re.compile(r"^(?:no-?|non-)think(?:ing)?$|^non-reasoning$|^base$|^none$|^instant$")

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MM, _DD = r"(?P<m>0[1-9]|1[0-2])", r"(?P<d>0[1-9]|[12]\d|3[01])"
_DATES = tuple(
    re.compile(rf"^(?P<name>.*[a-z0-9])-{pattern}$")
    for pattern in (
        rf"(?P<y>20\d\d)-?{_MM}-?{_DD}",
        rf"(?P<y>20\d\d){_MM}",
        rf"(?P<y>2[3-9]){_MM}{_DD}",
        rf"{_MM}-(?P<y>20\d\d)",
        rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*-(?P<y>20\d\d)",
        rf"{_MM}-{_DD}",
    )
)

# Words that name no model by themselves: joined to the folder before them ("flux-pro/v1.1-ultra", "exa_ai/search").
_PART = re.compile(
    r"v?\d[\d.]*(?:-(?:ultra|pro|fast|lite|turbo))?|dev|schnell|pro|preview|fast|ultra|lite|kontext-(?:pro|max|dev)|latest"
    r"|search|search-\w+|deep_search|standard|neural|generative|long-form|best|nano|base|enhanced|auto|free|router"
)
_MODES = frozenset({"text-to-image", "image-to-image", "text-to-video", "image-to-video", "text-to-audio"})
_NOTE = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_NOTE_DATE = re.compile(rf"[\d-]+|(?:{'|'.join(_MONTHS)})[a-z]* \d{{4}}")
# What a note says of the effort, the most telling first; the group is kept, or the word stands for it.
_NOTE_EFFORTS = (
    (re.compile(r"\bno[nt]?[- ]?think"), "no-thinking"),
    (re.compile(r"(\d+k) think"), r"thinking-\1"),
    (re.compile(r"\b(xhigh|high|medium|low|minimal|max|default)\b"), r"\1"),
    (re.compile(r"think|reason"), "thinking"),
)


# --- Reading ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=65_536)
def identify(raw: str) -> Identity:
    """Read a spelling. Never raises; whatever has no letter or digit reads as the empty name.

    >>> identify("claude-opus-4-5-20251101-thinking-64k-high-effort")
    Identity(canonical='claude-opus-4-5', effort='thinking-64k-high', snapshot='2025-11-01')
    """
    name, efforts = _plain(raw)
    snapshot: str | None = None
    before = ""
    while name != before:  # to a fixed point, so that reading a slug again gives the slug
        before = name
        for pattern, replacement in _RESPELLINGS:
            name = pattern.sub(replacement, name)
        name = _SAME.get(name, name)
        name, date = _without_date(name)
        snapshot = snapshot or date
        name, effort = _without_setting(name)
        if effort:
            efforts.insert(0, effort)
    return Identity(name, "-".join(efforts) or None, snapshot)


def canonical_name(raw: str) -> str:
    """The slug of the model behind any spelling, of [a-z0-9-]. Idempotent.

    >>> canonical_name("us.anthropic.claude-3-5-sonnet-20241022-v2:0"), canonical_name("claude-3.5-sonnet")
    ('claude-sonnet-3-5', 'claude-sonnet-3-5')
    >>> canonical_name("GPT 5.6 Sol (xHigh)"), canonical_name("minimax/minimax-m2.7:free")
    ('gpt-5-6-sol', 'minimax-m2-7')
    >>> canonical_name("accounts/fireworks/models/llama-v3p1-8b-instruct"), canonical_name("kimi-k2-thinking")
    ('llama-3-1-8b-instruct', 'kimi-k2-thinking')
    """
    return identify(raw).canonical


def _plain(raw: str) -> tuple[str, list[str]]:
    """Lower-case ASCII of the last path segment, parted by '-' and '.', and the efforts found in bracketed notes."""
    text = unicodedata.normalize("NFKD", raw).encode("ascii", "ignore").decode().lower()
    efforts = [effort for note in _NOTE.findall(text) if (effort := _note_effort(note))]
    text = _NOTE.sub(lambda found: "-" + found[1] if _NOTE_DATE.fullmatch(found[1]) else "", text)
    segments = [s.strip() for s in text.split("/") if s.strip() and s.strip() not in _MODES]
    name = segments.pop() if segments else ""
    while segments and _PART.fullmatch(name.partition("/")[0]):
        name = f"{segments.pop()}/{name}"
    name = re.sub(r"-v0:(\d)$", r"-v0.\1", name)
    name = re.sub(r"(-v\d+):\d+$|:[01]$|@(?:default|latest|\d{3})$|:beta$", r"\1", name)
    name = re.sub(r"(?<=\d)p(?=\d)", ".", name.replace("+", "-plus-"))
    name = re.sub(r"[^a-z0-9.]+", "-", name)
    return re.sub(r"[.-]*-[.-]*|\.{2,}", "-", name).strip("-."), efforts


def _note_effort(note: str) -> str | None:
    return next((found.expand(effort) for pattern, effort in _NOTE_EFFORTS if (found := pattern.search(note))), None)


def _without_date(name: str) -> tuple[str, str | None]:
    """Cut a date off the end; a date without a year sorts before those with one."""
    for pattern in _DATES:
        if found := pattern.match(name):
            parts = found.groupdict()
            month = parts.get("m") or f"{_MONTHS.index(parts['month']) + 1:02d}"
            return parts["name"], f"{parts.get('y') or '0000':0>4}-{month}-{parts.get('d') or '01'}"
    return name, None


def _without_setting(name: str) -> tuple[str, str | None]:
    for pattern in _SETTINGS:
        if found := pattern.match(name):
            return found[1], "no-thinking" if _NO_THINKING.match(found[2]) else found[2]
    return name, None


# --- Creators and lines -----------------------------------------------------------------------------------------------

# Who made it, by how its slug begins; the first match decides, so a derivative stands before what it derives from.
_CREATORS = tuple(
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
_VENDORS = {
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
_KNOWN = frozenset(name for _, name in _CREATORS) | {
    "deepgram",
    "assemblyai",
    "soniox",
    "twelvelabs",
    "bria",
    "gigachat",
}
# Makers whose own names collide with others' ("nova-2" is also Amazon's): on their own service they made it all.
_OWN_ONLY = frozenset({"deepgram", "assemblyai", "soniox"})


def creator(raw: str, provider: str | None) -> str | None:
    """Who made the model: by its name, else by a vendor written in the spelling, else by a provider that makes models.

    >>> creator("groq/moonshotai/kimi-k2-instruct-0905", "groq"), creator("amazon.rerank-v1:0", "bedrock")
    ('moonshotai', 'amazon')
    >>> creator("nova-3", "deepgram"), creator("rocinante-12b", "openrouter")
    ('deepgram', None)
    """
    provider = _vendor(provider or "")
    if provider in _OWN_ONLY:
        return provider
    name = canonical_name(raw)
    for pattern, maker in _CREATORS:
        if pattern.match(name):
            return maker
    vendors = (_vendor(word) for word in re.split(r"[/.:]", raw)[:-1])
    return next((vendor for vendor in vendors if vendor), None) or provider


def _vendor(word: str) -> str | None:
    """The creator's slug of a vendor's name, None when it is not known to make models."""
    slug = re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")
    slug = _VENDORS.get(slug, slug)
    return slug if slug in _KNOWN else None


_FAMILIES = tuple(
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
_SIZE = re.compile(r"\d+(?:x\d+)?[bmkt]|[ae]\d+b|\d{3,}\w*|h\d+")
_DECIMAL_SIZE = re.compile(r"-(?:0-\d|1-[57]|6-7)b")  # 0.6b, 1.5b, 1.7b, 6.7b; "3-1-8b" is Llama 3.1 of 8b
_VARIANTS = re.compile(
    "mini|nano|micro|lite|small|medium|large|xl|xxl|pro|max|plus|super|premier|ultra|flashx?|airx?|turbo|fast|highspeed|instant"
    "|instruct|chat|base|think|thinking|reasoning|reasoner|non|preview|exp|experimental|beta|alpha|vision|high|low|dev"
    "|schnell|flex|klein|quality|standard|[tir]2[vi]|code|distill|free|latest|audio|tts|transcribe|realtime|search|en"
    "|english|multilingual"
)


def family(raw: str) -> str:
    """The model's line with its generation, without size, tier, variant and date; of [a-z0-9.-].

    Anthropic's lines are its tiers, whose generations replace each other: every Sonnet is `claude-sonnet`.

    >>> family("meta-llama/Llama-3.3-70B-Instruct"), family("gpt-4o-mini-2024-07-18"), family("claude-4-sonnet")
    ('llama-3.3', 'gpt-4o', 'claude-sonnet')
    >>> family("gemini-2.5-flash-lite"), family("qwen3-235b-a22b"), family("flux.2-pro"), family("deepseek-v3.2-exp")
    ('gemini-2.5-flash', 'qwen3', 'flux-2', 'deepseek-v3.2')
    """
    name = canonical_name(raw)
    for pattern, template in _FAMILIES:
        if found := pattern.match(name):
            return found.expand(template)
    parts: list[str] = []
    for token in _DECIMAL_SIZE.sub("-0b", name).split("-"):
        if parts and (_VARIANTS.fullmatch(token) or _SIZE.fullmatch(token)):
            break
        if parts and re.fullmatch(r"\d{1,2}[a-z]?", token) and re.search(r"\d$", parts[-1]):
            if "." in parts[-1]:
                break
            parts[-1] += f".{token}"
        else:
            parts.append(token)
    return "-".join(parts)
