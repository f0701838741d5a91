"""Answers of other kinds as a chat completion, so that `router` may draw, film, speak or sing for a chat client.

Pictures stand in `message.images` (as OpenRouter returns them), films in `message.videos`, sound in `message.audio` (as
OpenAI returns it); what has an address is also linked in `message.content`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from greatrouter_classifier.classification import Task

# What a chat model does by itself, and what is done for it by another kind of model.
SPOKEN = frozenset({Task.TEXT, Task.CODE, Task.WEB_SEARCH})
MADE = frozenset({Task.IMAGE, Task.VIDEO, Task.MUSIC, Task.SPEECH})
# Fields of a chat request that mean nothing to a model that draws or sings, or another thing.
CHAT_FIELDS = frozenset(
    [
        "messages",
        "stream",
        "stream_options",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "functions",
        "function_call",
        "response_format",
        "temperature",
        "top_p",
        "top_k",
        "min_p",
        "stop",
        "max_tokens",
        "max_completion_tokens",
        "frequency_penalty",
        "presence_penalty",
        "repetition_penalty",
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "reasoning",
        "reasoning_effort",
        "verbosity",
        "store",
        "metadata",
        "prediction",
        "service_tier",
        "modalities",
        "web_search_options",
    ]
)

# A picture in Markdown, as `message.content` links it.
_MARKDOWN_PICTURE = re.compile(r"!\[[^\]\n]{0,200}\]\((https?://[^)\s]{1,2000}|data:image/[^)\s]+)\)")


def material(messages: Sequence[Mapping[str, Any]], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The input of a model that draws, films, sings or speaks: the pictures and the recording of the last user message,
    and the fields of the request that chat does not have (size, voice, seconds, ...)."""
    found = {name: value for name, value in fields.items() if name not in CHAT_FIELDS}
    last = next((m.get("content") for m in reversed(messages) if m.get("role") == "user"), None)
    parts = _parts(last)
    if pictures := list(_pictures(parts)):
        found.setdefault("image", pictures if len(pictures) > 1 else pictures[0])
    if recording := next((data for part in parts if (data := _inner(part, "input_audio", "data"))), None):
        found.setdefault("file", recording)
    return found


def answered_picture(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """The first picture of the latest assistant message that has one, as our own answers carry it (`images`, or linked
    in the content) or as a part of its content."""
    said = (message for message in reversed(messages) if message.get("role") == "assistant")
    return next((picture for message in said for picture in _pictures_of(message)), None)


def _pictures_of(message: Mapping[str, Any]) -> Iterator[str]:
    content = message.get("content")
    yield from _pictures(_parts(message.get("images")))
    yield from _pictures(_parts(content))
    if isinstance(content, str):
        yield from _MARKDOWN_PICTURE.findall(content)


def _pictures(parts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    return (url for part in parts if (url := _inner(part, "image_url", "url")))


def _parts(value: Any) -> list[Mapping[str, Any]]:
    return [part for part in value if isinstance(part, Mapping)] if isinstance(value, list) else []


def completion(answer: bytes, request_id: str, model: str, now_s: int) -> bytes:
    """The document of another kind of answer as a `chat.completion` made at `now_s`, in seconds since 1970."""
    document = orjson.loads(answer)
    usage = document.get("usage")
    created = document.get("created") or document.get("created_at") or now_s
    return orjson.dumps(
        {
            "id": f"chatcmpl-{request_id}",
            "object": "chat.completion",
            "created": created,
            "model": model,
            "choices": [{"index": 0, "message": _message(document, request_id, created), "finish_reason": "stop"}],
            "usage": _tokens(usage if isinstance(usage, dict) else {}),
        }
    )


def _message(document: Mapping[str, Any], request_id: str, created: int) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": document.get("text") or ""}
    audio = document.get("audio")
    if isinstance(audio, dict):
        # It can be asked for again by this id as long as it is kept, which is not at all: it expires as it is made.
        named = {"id": f"audio-{request_id}", "expires_at": created, "transcript": message["content"]}
        message["audio"] = named | audio
        return message
    kind, name = ("video_url", "videos") if document.get("object") == "video" else ("image_url", "images")
    data = document.get("data")
    addresses = [_address(item, kind) for item in data if isinstance(item, dict)] if isinstance(data, list) else []
    if addresses:
        message[name] = [{"type": kind, kind: {"url": address}} for address in addresses]
        links = [address for address in addresses if not address.startswith("data:")]
        mark = "!" if name == "images" else ""
        message["content"] = message["content"] or "\n".join(f"{mark}[{kind[:5]}]({link})" for link in links)
    return message


def _address(item: Mapping[str, Any], kind: str) -> str:
    default = "video/mp4" if kind == "video_url" else "image/png"
    media_type = item.get("mime_type") or default
    return str(item.get("url") or f"data:{media_type};base64,{item.get('b64_json') or ''}")


def _inner(part: Mapping[str, Any], name: str, key: str) -> str | None:
    inner = part.get(name)
    value = inner.get(key) if isinstance(inner, Mapping) else inner
    return value if isinstance(value, str) and value else None


def _tokens(usage: Mapping[str, Any]) -> dict[str, int]:
    prompt = usage.get("prompt_tokens") or usage.get("input_tokens") or 0
    completed = usage.get("completion_tokens") or usage.get("output_tokens") or 0
    return {"prompt_tokens": prompt, "completion_tokens": completed, "total_tokens": prompt + completed}
