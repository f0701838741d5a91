"""Which operation of an OpenAI-compatible server a call needs, and the JSON to send it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from greatrouter_serving.call import Call
from greatrouter_serving.errors import InvalidInput


@dataclass(frozen=True, slots=True, eq=False)
class Endpoint:
    """One operation, compared by identity. `path` is "" where OpenAI's API has none.

    An answer that has nothing under any of `answer_keys` is malformed.
    """

    operation: str
    path: str
    answer_keys: tuple[str, ...] = ()


CHAT = Endpoint("chat", "/chat/completions", ("choices",))
IMAGES = Endpoint("image", "/images/generations", ("data",))
IMAGE_EDITS = Endpoint("image edit", "/images/edits", ("data",))
SPEECH = Endpoint("speech", "/audio/speech", ("audio", "data", "url"))
TRANSCRIPTION = Endpoint("transcription", "/audio/transcriptions", ("text",))
VIDEO = Endpoint("video", "/videos", ("id",))
MUSIC = Endpoint("music", "")
EMBEDDINGS = Endpoint("embeddings", "/embeddings", ("data",))
RERANK = Endpoint("rerank", "/rerank", ("results", "data"))

ENDPOINTS = (CHAT, IMAGES, IMAGE_EDITS, SPEECH, TRANSCRIPTION, VIDEO, MUSIC, EMBEDDINGS, RERANK)

_BY_TASK = {
    "text": CHAT,
    "code": CHAT,
    "web_search": CHAT,
    "image": IMAGES,
    "speech": SPEECH,
    "video": VIDEO,
    "music": MUSIC,
    "embeddings": EMBEDDINGS,
    "rerank": RERANK,
}

# `messages` is what the chat surface hands on for every task; outside chat no server knows it.
_CHAT_ONLY = ("messages", "stream", "stream_options", "stream_format")


def endpoint_of(call: Call) -> Endpoint:
    """Raises InvalidInput for a task that is not one of the nine."""
    endpoint = _BY_TASK.get(call.task)
    if endpoint is None:
        raise InvalidInput(f"unknown task {call.task!r}: expected one of {', '.join(_BY_TASK)}", "task")
    if endpoint is IMAGES and call.content_mode != "generate" and images_in(call.input):
        return IMAGE_EDITS
    if endpoint is SPEECH and sound_in(call.input) is not None:
        return TRANSCRIPTION
    return endpoint


def json_body(endpoint: Endpoint, model: str, call: Call, *, stream: bool = False) -> bytes:
    """The request as JSON. Raises InvalidInput where the caller's input lacks what no prompt can stand in for."""
    if endpoint is CHAT:
        fields = chat_fields(model, call, stream)
    else:
        fields = {**call.input, "model": model}
        for name in _CHAT_ONLY:
            fields.pop(name, None)
        _FILL[endpoint](fields, call)
    return to_json(fields)


def to_json(fields: object) -> bytes:
    """Sorts no keys: providers cache prompts by their first bytes, so the caller's order stays."""
    try:
        return orjson.dumps(fields)
    except orjson.JSONEncodeError as error:
        field = _unsendable(fields)
        limits = "use UTF-8, whole numbers of at most 64 bits and at most 254 levels of nesting"
        raise InvalidInput(f"{field or 'the request'} cannot be sent on as JSON ({error}): {limits}", field) from error


def _unsendable(fields: object) -> str | None:
    """The name of the first field that is at fault."""
    for name, value in fields.items() if isinstance(fields, dict) else ():
        try:
            orjson.dumps(value)
        except orjson.JSONEncodeError:
            return str(name)
    return None


def chat_fields(model: str, call: Call, stream: bool = False) -> dict[str, Any]:
    """The caller's input with our model; the prompt as a user message where there are no messages."""
    fields = {**call.input, "model": model}
    if not fields.get("messages"):
        text = fields.pop("prompt", None)
        fields["messages"] = [{"role": "user", "content": text if text and isinstance(text, str) else call.prompt}]
    options = fields.pop("stream_options", None)
    if stream:
        # Without the usage nobody could be billed for what the stream cost.
        fields["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
        fields["stream"] = True
    else:
        fields.pop("stream", None)
    return fields


def spoken_text(call: Call) -> str:
    """What is to be said aloud."""
    for name in ("input", "text"):
        text = call.input.get(name)
        if text and isinstance(text, str):
            return text
    return call.prompt


def images_in(fields: Mapping[str, Any]) -> list[str]:
    """Every image of the input: URLs, data URLs or plain base64."""
    found = []
    for name in ("image", "images", "image_url"):
        value = fields.get(name)
        for item in value if isinstance(value, list) else (value,):
            source = text_in(item)
            if source:
                found.append(source)
    return found


def sound_in(fields: Mapping[str, Any]) -> str | None:
    """The recording to transcribe, as base64 or a data URL."""
    return text_in(fields.get("file")) or text_in(fields.get("audio")) or text_in(fields.get("input_audio"))


def text_in(item: object) -> str | None:
    """The URL or base64 of a medium that stands alone or in the objects OpenAI's endpoints wrap around it."""
    if isinstance(item, str):
        return item or None
    if isinstance(item, dict):
        for name in ("url", "image_url", "b64_json", "data"):
            if name in item:
                return text_in(item[name])
    return None


def _fill_prompt(fields: dict[str, Any], call: Call) -> None:
    if not fields.get("prompt"):
        fields["prompt"] = call.prompt


def _fill_edit(fields: dict[str, Any], call: Call) -> None:
    """OpenAI's JSON form of an edit, for images given by URL."""
    _fill_prompt(fields, call)
    sources = images_in(call.input)
    for name in ("image", "image_url"):
        fields.pop(name, None)
    fields["images"] = [{"image_url": as_url(source)} for source in sources]


def _fill_speech(fields: dict[str, Any], call: Call) -> None:
    fields.pop("text", None)
    fields["input"] = spoken_text(call)
    if not fields.get("voice"):
        fields["voice"] = "alloy"


def _fill_embeddings(fields: dict[str, Any], call: Call) -> None:
    if fields.get("input") is None:
        fields["input"] = call.prompt


def _fill_rerank(fields: dict[str, Any], call: Call) -> None:
    if not fields.get("query"):
        fields["query"] = call.prompt
    # Strings are what every server takes; Cohere's second version no longer takes objects.
    fields["documents"] = documents_in(call.input)


def documents_in(fields: Mapping[str, Any]) -> list[Any]:
    """The documents to rank, `{"text": ...}` unwrapped. Raises InvalidInput where there are none."""
    documents = fields.get("documents")
    if not isinstance(documents, list) or not documents:
        words = "rerank needs documents: a non-empty list of strings or of {text: string} objects"
        raise InvalidInput(words, "documents")
    return [item["text"] if isinstance(item, dict) and "text" in item else item for item in documents]


def as_url(source: str) -> str:
    """Plain base64 as the data URL that a JSON field wants; URLs as they are."""
    return source if source.startswith(("http://", "https://", "data:")) else f"data:image/png;base64,{source}"


_FILL = {
    IMAGES: _fill_prompt,
    IMAGE_EDITS: _fill_edit,
    SPEECH: _fill_speech,
    VIDEO: _fill_prompt,
    EMBEDDINGS: _fill_embeddings,
    RERANK: _fill_rerank,
}
