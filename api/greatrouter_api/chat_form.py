"""Answers of other kinds as a chat completion, so that `router` may draw, film, speak or sing for a chat client.

Pictures stand in `message.images` (as OpenRouter returns them), films in `message.videos`, sound in `message.audio` (as
OpenAI returns it); what has an address is also linked in `message.content`.
"""

from collections.abc import Mapping, Sequence
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


def material(messages: Sequence[Mapping[str, Any]], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The input of a model that draws, films, sings or speaks: the pictures and the recording of the last user message,
    and the fields of the request that chat does not have (size, voice, seconds, ...)."""
    found = {name: value for name, value in fields.items() if name not in CHAT_FIELDS}
    last = next((m.get("content") for m in reversed(messages) if m.get("role") == "user"), None)
    parts = [part for part in last if isinstance(part, Mapping)] if isinstance(last, list) else []
    pictures = [url for part in parts if (url := _inner(part, "image_url", "url"))]
    if pictures:
        found.setdefault("image", pictures if len(pictures) > 1 else pictures[0])
    if recording := next((data for part in parts if (data := _inner(part, "input_audio", "data"))), None):
        found.setdefault("file", recording)
    return found


def completion(answer: bytes, request_id: str, model: str) -> bytes:
    """The document of another kind of answer as a `chat.completion`."""
    document = orjson.loads(answer)
    usage = document.get("usage")
    return orjson.dumps(
        {
            "id": f"chatcmpl-{request_id}",
            "object": "chat.completion",
            "created": document.get("created") or document.get("created_at") or 0,
            "model": model,
            "choices": [{"index": 0, "message": _message(document, request_id), "finish_reason": "stop"}],
            "usage": _tokens(usage if isinstance(usage, dict) else {}),
        }
    )


def _message(document: Mapping[str, Any], request_id: str) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": document.get("text") or ""}
    audio = document.get("audio")
    if isinstance(audio, dict):
        message["audio"] = {"id": f"audio-{request_id}", "expires_at": 0, "transcript": message["content"], **audio}
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
