"""What a request needs of a model, and what it is likely to consume."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from greatrouter_catalog.arrays import CAPABILITIES, MODALITIES, mask
from greatrouter_classifier.classification import Classification, ContentMode, Task
from greatrouter_ranking.tokens import estimate_tokens

# Tokens of an answer where the caller sets no bound: (for the easiest prompt, more for the hardest).
ANSWER_TOKENS = {Task.TEXT: (150, 1350), Task.CODE: (200, 1800), Task.WEB_SEARCH: (300, 700)}
VIDEO_SECONDS = 5.0
MUSIC_SECONDS = 60.0
RECORDING_SECONDS = 60.0
CHARACTERS_PER_SECOND = 15.0  # spoken English at 150 words a minute
AUDIO_TOKENS_PER_SECOND = 25.0  # Gemini's and OpenAI's speech output
# What is attached to a prompt, in tokens: a picture near OpenAI's and Anthropic's published sizes, a minute of sound at
# Gemini's 32 a second, a minute of video at its 263, a document of ten pages at its 258 a page.
ATTACHMENT_TOKENS = {"image": 1_000, "audio": 1_900, "video": 15_800, "file": 2_600}
MESSAGE_TOKENS = 4  # role and separators of one message
DOCUMENTS_PER_SEARCH = 100  # Cohere's search unit: one query with up to 100 documents
MOST_IMAGES = 10
MOST_ANSWERS = 128  # OpenAI's bound of `n`
# Room kept in the context window, as token counts are estimates until the provider counts.
CONTEXT_MARGIN = 1.15
LARGEST_NUMBER = 1e9  # more seconds or tokens than this count as so many: what is sent on must not look like little

MODALITY_OF_PART = {
    "image_url": "image",
    "input_image": "image",
    "image": "image",
    "input_audio": "audio",
    "video_url": "video",
    "file": "file",
    "input_file": "file",
}
MODALITY_OF_FIELD = {
    **dict.fromkeys(("image", "images", "image_url", "mask"), "image"),
    **dict.fromkeys(("video", "video_url"), "video"),
    **dict.fromkeys(("audio", "audio_url"), "audio"),
}
DURATION = re.compile(r"\s*([0-9]{1,40}(?:\.[0-9]{1,40})?)\s*(?:s|secs?|seconds?)?\s*", re.IGNORECASE)
# A prompt about speech that names no recording may still ask for text: the stems of "transcribe" in our languages.
TRANSCRIBES = re.compile(
    "transcri|transkri|trascri|desgrav|speech[ -]to[ -]text|subtitle|транскри|расшифр|в текст|转录|轉錄|听写|聽寫|转写|"
    "轉寫|逐字稿|转成文字|文字起こし|書き起こ|받아|녹취|텍스트로|ट्रांसक्राइब|टेक्स्ट में|تفريغ|فرغ|إلى نص|الى نص",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Expected:
    """Expected native units, in the shape that `Pricing.cost_cents` takes."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    images: int = 0
    seconds: Decimal = Decimal(0)
    characters: int = 0
    documents: int = 0
    searches: int = 0
    cache_write_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Profile:
    """The needs are bit sets over the catalog's vocabularies; `output` is 0 where any kind of answer will do. `tokens`
    must fit the context window, `max_output` is the bound of one answer that the caller set; 0 where it does not
    matter. `answers` are asked for, and expected together."""

    task: Task
    content_mode: ContentMode
    complexity: float
    expected: Expected
    tokens: int = 0
    inputs: int = 0
    output: int = 0
    capabilities: int = 0
    max_output: int = 0
    answers: int = 1

    @property
    def needs(self) -> bool:
        """Whether anything is asked of a model but the task."""
        return bool(self.tokens or self.inputs or self.output or self.capabilities or self.max_output)


def profile(
    classification: Classification, prompt: str, input_: Mapping[str, Any], *, choosing: bool = True
) -> Profile:
    """The profile of a request: its task's usual size, corrected by whatever the input says. Never raises: what is
    malformed counts as absent here, and is the business of the provider's own validation.

    Where nothing is left for `choosing`, as a model was named, nothing is asked of it: what the catalog does not know
    it can do, its provider may refuse.
    """
    task = classification.task
    attached = tuple(_attachments(input_))
    recording = task is Task.SPEECH and _is_recording(prompt, input_, attached)
    expected = _expected(classification, prompt, input_, attached, recording=recording)
    bound, answers = (_bound(input_), _answers(input_)) if task in ANSWER_TOKENS else (0, 1)
    output = mask(["text" if recording else "audio"], MODALITIES) if task is Task.SPEECH else 0
    if not choosing:
        mode, complexity = classification.content_mode, classification.complexity.score
        return Profile(task, mode, complexity, expected, output=output, max_output=bound, answers=answers)
    needs = [name for name, wanted in _needs(input_, classification, attached).items() if wanted]
    return Profile(
        task=task,
        content_mode=classification.content_mode,
        complexity=classification.complexity.score,
        expected=expected,
        tokens=_window(classification, expected, bound, prompt, input_),
        inputs=mask(sorted({*attached, "audio"} if recording else set(attached)), MODALITIES),
        output=output,
        capabilities=mask(needs, CAPABILITIES),
        max_output=bound,
        answers=answers,
    )


def _needs(input_: Mapping[str, Any], classification: Classification, attached: tuple[str, ...]) -> dict[str, bool]:
    response_format = input_.get("response_format")
    schema = isinstance(response_format, Mapping) and response_format.get("type") == "json_schema"
    image = classification.task is Task.IMAGE
    edits = image and (classification.content_mode is not ContentMode.GENERATE or "image" in attached)
    return {
        "function_calling": bool(input_.get("tools") or input_.get("functions")),
        "structured_output": schema,
        "image_edit": edits,
        "image_generation": image and not edits,
    }


def _expected(
    classification: Classification,
    prompt: str,
    input_: Mapping[str, Any],
    attached: tuple[str, ...],
    *,
    recording: bool,
) -> Expected:
    task = classification.task
    if task in ANSWER_TOKENS:
        return Expected(
            prompt_tokens=_prompt_tokens(prompt, input_, attached),
            completion_tokens=_answers(input_) * _answer_tokens(classification, _bound(input_)),
            searches=int(task is Task.WEB_SEARCH),
        )
    if task is Task.IMAGE:
        images = max(1, min(int(_number(input_, "n") or 1), MOST_IMAGES))
        return Expected(images=images, prompt_tokens=estimate_tokens(prompt))
    if task is Task.SPEECH:
        return _recording(input_) if recording else _spoken(prompt, input_)
    if task is Task.RERANK:
        return _rerank(prompt, input_)
    if task is Task.EMBEDDINGS:
        return Expected(prompt_tokens=sum(_embedded(prompt, input_)))
    default = VIDEO_SECONDS if task is Task.VIDEO else MUSIC_SECONDS
    seconds = _number(input_, "seconds", "duration", "duration_seconds") or default
    return Expected(seconds=_exact(seconds), prompt_tokens=estimate_tokens(prompt))


def _answer_tokens(classification: Classification, bound: int) -> int:
    easiest, more = ANSWER_TOKENS[classification.task]
    likely = easiest + round(more * classification.complexity.score)
    return min(likely, bound) if bound else likely


def _answers(input_: Mapping[str, Any]) -> int:
    return max(1, min(int(_number(input_, "n") or 1), MOST_ANSWERS))


def _bound(input_: Mapping[str, Any]) -> int:
    """The larger of the two: both are sent on, and which of them holds is the provider's to say."""
    return max(math.ceil(_number(input_, name) or 0) for name in ("max_completion_tokens", "max_tokens"))


def _window(
    classification: Classification, expected: Expected, bound: int, prompt: str, input_: Mapping[str, Any]
) -> int:
    """Tokens that one call must fit. Servers count the whole bound of the answer, not what is used of it; rerankers cut
    their documents, embedding models mostly refuse."""
    if classification.task in ANSWER_TOKENS:
        return round(expected.prompt_tokens * CONTEXT_MARGIN) + (bound or _answer_tokens(classification, 0))
    if classification.task is Task.EMBEDDINGS:
        return round(max(_embedded(prompt, input_)) * CONTEXT_MARGIN)
    return 0


# -- speech ----------------------------------------------------------------------------------------------------------


def _is_recording(prompt: str, input_: Mapping[str, Any], attached: tuple[str, ...]) -> bool:
    if input_.get("file") or "audio" in attached:
        return True
    return not isinstance(input_.get("input"), str) and TRANSCRIBES.search(prompt) is not None


def _recording(input_: Mapping[str, Any]) -> Expected:
    seconds = _number(input_, "seconds", "duration", "duration_seconds") or RECORDING_SECONDS
    return Expected(prompt_tokens=round(10 * seconds), completion_tokens=round(2.5 * seconds), seconds=_exact(seconds))


def _spoken(prompt: str, input_: Mapping[str, Any]) -> Expected:
    text = input_.get("input")
    text = text if isinstance(text, str) else prompt
    seconds = max(1.0, len(text) / CHARACTERS_PER_SECOND)
    return Expected(
        prompt_tokens=estimate_tokens(text),
        completion_tokens=round(AUDIO_TOKENS_PER_SECOND * seconds),
        seconds=_exact(seconds),
        characters=len(text),
    )


# -- rerank, embeddings ----------------------------------------------------------------------------------------------


def _rerank(prompt: str, input_: Mapping[str, Any]) -> Expected:
    given, query = input_.get("documents"), input_.get("query")
    documents = [_size(document) for document in given] if isinstance(given, list) else []
    asked = estimate_tokens(query if isinstance(query, str) and query else prompt)
    return Expected(
        prompt_tokens=sum(asked + document for document in documents) or asked,
        documents=max(1, len(documents)),
        searches=max(1, math.ceil(len(documents) / DOCUMENTS_PER_SEARCH)),
    )


def _embedded(prompt: str, input_: Mapping[str, Any]) -> list[int]:
    """Tokens of each text: a string, or a list of strings, of token ids, or of lists of token ids."""
    given = input_.get("input")
    if isinstance(given, list) and given:
        if all(isinstance(item, int) for item in given):
            return [len(given)]
        return [len(item) if isinstance(item, list) else _size(item) for item in given]
    return [estimate_tokens(given if isinstance(given, str) and given else prompt)]


# -- what a prompt holds ---------------------------------------------------------------------------------------------


def _prompt_tokens(prompt: str, input_: Mapping[str, Any], attached: tuple[str, ...]) -> int:
    """Every message counts here, unlike for the classifier: the provider bills system text and tools as well."""
    messages = input_.get("messages")
    said = 0
    if isinstance(messages, list):
        said = sum(MESSAGE_TOKENS + _message_tokens(message) for message in messages)
    around = sum(_size(input_.get(name)) for name in ("system", "tools"))
    return max(said, estimate_tokens(prompt)) + around + sum(ATTACHMENT_TOKENS[kind] for kind in attached)


def _message_tokens(message: Any) -> int:
    """The text of one message and its tool calls, without what is attached to it."""
    if not isinstance(message, Mapping):
        return 0
    content = message.get("content")
    parts = content if isinstance(content, list) else [content]
    return sum(_size(part) for part in parts if _modality(part) is None) + _size(message.get("tool_calls"))


def _attachments(input_: Mapping[str, Any]) -> Iterator[str]:
    """The modality of each thing attached: parts of messages, or the fields of an image, video or speech request."""
    messages = input_.get("messages")
    for message in messages if isinstance(messages, list) else ():
        content = message.get("content") if isinstance(message, Mapping) else None
        if isinstance(content, list):
            yield from (kind for part in content if (kind := _modality(part)))
    yield from sorted({kind for name, kind in MODALITY_OF_FIELD.items() if input_.get(name)})


def _modality(part: Any) -> str | None:
    kind = part.get("type") if isinstance(part, Mapping) else None
    return MODALITY_OF_PART.get(kind) if isinstance(kind, str) else None


def _size(value: Any) -> int:
    """Tokens of every key and text in a JSON value. A stack, as a caller may nest as deep as the parser goes."""
    total, stack = 0, [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            total += estimate_tokens(item)
        elif isinstance(item, Mapping):
            stack.extend(item.keys())
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
        elif item is not None:
            total += 1
    return total


def _number(input_: Mapping[str, Any], *names: str) -> float | None:
    """The first of the fields that holds a positive number, or a string of one such as "8" or "8s"; at most
    `LARGEST_NUMBER`."""
    for name in names:
        value = input_.get(name)
        if isinstance(value, str):
            found = DURATION.fullmatch(value)
            value = float(found[1]) if found else None
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return float(min(value, LARGEST_NUMBER))
    return None


def _exact(seconds: float) -> Decimal:
    return Decimal(str(round(seconds, 3)))
