"""What models are good for, each in one phrase: what is searched where somebody describes the model that is wanted.

Whole descriptions of models, mostly names and numbers, are noise to a sentence encoder. Of the five models recommended
for each of 36 made-up requests, 52 to 58 in 100 fitted by their cosine, 56 to 61 by that of all the phrases of a model
in one text, and 88 by each phrase for itself, which alone kept the ranker's order for ordinary prompts.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

from greatrouter_catalog.model import Model

_OF_CAPABILITY = {
    "text_generation": "writes, translates and summarises text",
    "vision": "vision: understands pictures, photos, screenshots, charts and scans",
    "audio_input": "listens to audio recordings and speech",
    "video_input": "watches and analyses videos",
    "pdf_input": "reads PDF documents and files",
    "function_calling": "calls tools and functions, for agents",
    "structured_output": "gives structured output: JSON by a schema",
    "reasoning": "reasons step by step: hard mathematics, logic, science, proofs",
    "web_search": "searches the web for current news and facts",
    "computer_use": "operates a computer and a browser, clicks and types",
    "prompt_caching": "caches long prompts that repeat",
    "image_generation": "generates pictures, photos and illustrations",
    "image_edit": "edits pictures: retouches photos, removes backgrounds",
    "video_generation": "generates video clips from text",
    "video_edit": "edits videos",
    "music_generation": "composes music and songs",
    "text_to_speech": "reads text aloud with a voice: narration, audiobooks",
    "speech_to_text": "transcribes speech: recordings, podcasts, dictation, subtitles",
    "rerank": "reranks documents and search results by relevance",
    "embeddings": "embeds texts as vectors for semantic search",
}
_OF_TAG = {
    "open-weights": "open weights, open source, to host oneself",
    "free": "free of charge",
    "long-context": "a very long context window: whole books and repositories",
    "local": "runs on this machine, private",
}
_OF_TIER = {"economy": "cheap, inexpensive, low cost"}
_IMAGE_TO_VIDEO = "turns pictures into video clips"
_SMALL, _SOUND = "small and fast, low latency", "video clips that come with sound: speech, noises and music"
# What a maker only says in the name, and of a few well-known lines what everybody knows.
_OF_NAME = {
    r"mini|nano|micro|tiny|small|lite|light|flash|turbo|fast|instant|haiku|schnell": _SMALL,
    r"veo-3|sora-2|kling-(?:v?2[.-]6|v?3)|seedance-1[.-]5|wan-?2[.-][56]|ltx-2": _SOUND,
    r"coder?|coding|codex|codestral|codellama|codegemma|starcoder\d?|devstral|stablecode": (
        "made for programming: code, review, debugging"
    ),
    r"multilingual|whisper|scribe|chirp|m3": "multilingual: many languages, such as Hindi, Arabic, Chinese and Spanish",
    r"english|en": "English only",
    r"medical|medgemma": "medicine: clinical and medical texts and dictation",
    r"law|legal": "law: legal texts and contracts",
    r"finance": "finance: earnings, accounting, banking",
    r"meeting": "meetings with several speakers",
    r"phonecall|conversationalai|voicemail": "telephone calls",
    r"math|mathstral|prover": "mathematics",
    r"roleplay|character|mythomax|storybreaker|nanovel": "role play, characters and fiction",
    r"uncensored|abliterated|derestricted|unhinged": "uncensored, refuses nothing",
    r"realism": "photorealistic photography",
    r"japanese|shisa|plamo": "Japanese",
    r"arabic": "Arabic",
    r"indic|indictrans\d?|sarvam": "Hindi and other languages of India",
}
_NAMES = {trait: re.compile(rf"(?<![^\W_])(?:{words})(?![^\W_])") for words, trait in _OF_NAME.items()}

TRAITS = (*_OF_CAPABILITY.values(), *_OF_TAG.values(), *_OF_TIER.values(), _IMAGE_TO_VIDEO, *_NAMES)
# Those that words name, see `lexicon`.
PHRASES = {
    **_OF_CAPABILITY,
    **_OF_TAG,
    **_OF_TIER,
    "image_to_video": _IMAGE_TO_VIDEO,
    "small": _SMALL,
    "sound": _SOUND,
}


def traits_of(model: Model) -> Iterator[str]:
    """Those of `TRAITS` that the model has.

    >>> from types import SimpleNamespace
    >>> mini = SimpleNamespace(name="Law mini", canonical="x", capabilities=(), tags=(), price_tier=None)
    >>> list(traits_of(mini))
    ['small and fast, low latency', 'law: legal texts and contracts']
    """
    yield from (_OF_CAPABILITY[name] for name in model.capabilities if name in _OF_CAPABILITY)
    yield from (_OF_TAG[name] for name in model.tags if name in _OF_TAG)
    if model.price_tier in _OF_TIER:
        yield _OF_TIER[model.price_tier]
    if "video_generation" in model.capabilities and "image" in model.input_modalities:
        yield _IMAGE_TO_VIDEO
    yield from _told_by(f"{model.name} {model.canonical}".casefold())


@lru_cache(maxsize=4096)  # four in five rows are another provider's offer of the same model
def _told_by(name: str) -> tuple[str, ...]:
    return tuple(trait for trait, words in _NAMES.items() if words.search(name))
