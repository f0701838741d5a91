"""The catalog's closed vocabularies: router tasks, registry task types, capabilities, price tiers, visibility."""

from dataclasses import dataclass

TASKS = ("text", "image", "video", "music", "speech", "code", "web_search", "rerank", "embeddings")
PRICE_TIERS = ("economy", "standard", "balanced", "premium", "flagship")
VISIBILITIES = ("featured", "standard", "long_tail")
MODALITIES = ("text", "image", "audio", "video", "file", "embedding", "score")
CAPABILITIES = (
    "text_generation",
    "coding",
    "vision",
    "audio_input",
    "video_input",
    "pdf_input",
    "function_calling",
    "structured_output",
    "reasoning",
    "prompt_caching",
    "web_search",
    "computer_use",
    "image_generation",
    "image_edit",
    "video_generation",
    "video_edit",
    "music_generation",
    "text_to_speech",
    "speech_to_text",
    "rerank",
    "embeddings",
)


@dataclass(frozen=True, slots=True)
class TaskType:
    """A registry task type: what a model does, the catalog branch it hangs on and the router tasks it can answer."""

    name: str
    category: str
    taxonomy: str
    tasks: tuple[str, ...]
    input_modality: str
    output_modality: str


TASK_TYPES = {
    kind.name: kind
    for kind in (
        TaskType("text_generation", "llm", "llm", ("text", "code"), "text", "text"),
        TaskType("image_generation", "image", "image-generation", ("image",), "text", "image"),
        TaskType("video_generation", "video", "video-generation", ("video",), "text", "video"),
        TaskType("music_generation", "music", "music-generation", ("music",), "text", "audio"),
        TaskType("text_to_speech", "speech", "text-to-speech", ("speech",), "text", "audio"),
        TaskType("speech_to_text", "speech", "speech-to-text", ("speech",), "audio", "text"),
        TaskType("web_search", "search", "web-search", ("web_search",), "text", "text"),
        TaskType("rerank", "rerank", "rerank", ("rerank",), "text", "score"),
        TaskType("embeddings", "embedding", "embeddings", ("embeddings",), "text", "embedding"),
    )
}

# The capability that names what a task type itself does.
OWN_CAPABILITY = {
    "text_generation": ("text_generation", "coding"),
    "image_generation": ("image_generation",),
    "video_generation": ("video_generation",),
    "music_generation": ("music_generation",),
    "text_to_speech": ("text_to_speech",),
    "speech_to_text": ("speech_to_text",),
    "web_search": ("web_search",),
    "rerank": ("rerank",),
    "embeddings": ("embeddings",),
}

# The registry task types that answer each router task; a text model that searches the web also answers web_search.
TASK_TYPES_OF = {task: tuple(kind.name for kind in TASK_TYPES.values() if task in kind.tasks) for task in TASKS}

# The prices that a request of each task type can be costed by: any one of these groups, all of its fields stated. A
# text model with nothing but a price per search has no known price, and would otherwise win every request as free.
_TOKENS = ("input_per_million_tokens", "output_per_million_tokens")
PRICED_BY: dict[str, tuple[tuple[str, ...], ...]] = {
    "text_generation": (_TOKENS,),
    "web_search": (_TOKENS, ("price_per_search",), ("price_per_request",)),
    "image_generation": (("price_per_image",), ("price_per_request",)),
    "video_generation": (("price_per_second",), ("price_per_request",)),
    "music_generation": (("price_per_second",), ("price_per_request",)),
    "text_to_speech": (("price_per_million_characters",), ("price_per_second",), ("output_per_million_tokens",)),
    "speech_to_text": (("price_per_second",), ("input_per_million_tokens",)),
    "rerank": (("price_per_search",), ("price_per_document",), ("input_per_million_tokens",)),
    "embeddings": (("input_per_million_tokens",),),
}

# A typical request of each task type, in the order of `Pricing`'s fields, by which price tiers are cut: a 1,000-token
# prompt with a 500-token answer; one 1024 x 1024 image; five seconds of video; a minute of music or of transcription;
# a paragraph read aloud (500 characters, 30 s, 750 audio tokens); one search over 50 documents.
NOMINAL_UNITS = {
    "text_generation": (0.001, 0, 0, 0.0005, 0, 0, 0, 0, 0, 1),
    "web_search": (0.001, 0, 0, 0.0005, 0, 0, 0, 0, 1, 1),
    "image_generation": (0, 0, 0, 0, 1, 0, 0, 0, 0, 1),
    "video_generation": (0, 0, 0, 0, 0, 5, 0, 0, 0, 1),
    "music_generation": (0, 0, 0, 0, 0, 60, 0, 0, 0, 1),
    "text_to_speech": (0.000125, 0, 0, 0.00075, 0, 30, 0.0005, 0, 0, 1),
    "speech_to_text": (0.0006, 0, 0, 0.00015, 0, 60, 0, 0, 0, 1),
    "rerank": (0.005, 0, 0, 0, 0, 0, 0, 50, 1, 1),
    "embeddings": (0.001, 0, 0, 0, 0, 0, 0, 0, 0, 1),
}
