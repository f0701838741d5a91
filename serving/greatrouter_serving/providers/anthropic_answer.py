"""An answer of Anthropic's as OpenAI's chat.completion."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from greatrouter_serving.call import Usage
from greatrouter_serving.providers.anthropic_messages import REASONING_FORMAT
from greatrouter_serving.providers.faults import malformed
from greatrouter_serving.providers.usage import MAX_TOKENS, token_usage

_FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
# Between two texts with something else between them (a search, a thought): the one does not go on from the other.
GAP = "\n\n"


def finish_reason(stop_reason: object) -> str:
    """As OpenAI says it; a reason that came later than this table is a stop."""
    return _FINISH_REASONS.get(stop_reason, "stop") if isinstance(stop_reason, str) else "stop"


def completion_of(name: str, document: Mapping[str, Any], model: str, created: int) -> dict[str, Any]:
    """Raises UpstreamFailed where the document is no message. `model` is the name that was asked for."""
    content = document.get("content")
    if not isinstance(content, list) or not all(isinstance(block, dict) for block in content):
        raise malformed(name, "JSON without content, a list of blocks")
    stop_reason = document.get("stop_reason")
    message = _message(name, content, model)
    if stop_reason == "refusal":
        message["refusal"] = _refusal(document.get("stop_details"))
    choice = {
        "index": 0,
        "message": message,
        "logprobs": None,
        "finish_reason": finish_reason(stop_reason),
        "native_finish_reason": stop_reason,
    }
    return {
        "id": document.get("id"),
        "object": "chat.completion",
        "created": created,
        "model": document.get("model") or model,
        "choices": [choice],
        "usage": chat_usage(document.get("usage")),
    }


def _message(name: str, content: list[dict[str, Any]], model: str) -> dict[str, Any]:
    text = ""
    is_gap = False
    annotations: list[dict[str, Any]] = []
    details: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    for block in content:
        kind = block.get("type")
        if kind == "text":
            piece = _string(name, block, "text")
            text += GAP if piece and is_gap else ""
            annotations += annotations_of(block.get("citations"), len(text), len(text) + len(piece))
            text += piece
            is_gap = is_gap and not piece
        elif kind in ("thinking", "redacted_thinking"):
            details.append(_detail(name, block, model, len(details)))
        elif kind == "tool_use":
            arguments = orjson.dumps(block.get("input") or {}).decode()
            function = {"name": _string(name, block, "name"), "arguments": arguments}
            calls.append({"id": _string(name, block, "id"), "type": "function", "function": function})
        is_gap = bool(text) and (is_gap or kind != "text")
    message: dict[str, Any] = {"role": "assistant", "content": text if text or not calls else None, "refusal": None}
    thought = "".join(detail.get("text", "") for detail in details)
    if thought:
        message["reasoning_content"] = thought
    found = {"reasoning_details": details, "annotations": annotations, "tool_calls": calls}
    return message | {key: value for key, value in found.items() if value}


def _detail(name: str, block: Mapping[str, Any], model: str, index: int) -> dict[str, Any]:
    """What `anthropic_messages` makes the block of again when the conversation comes back."""
    common = {"format": REASONING_FORMAT, "model": model, "index": index}
    if block["type"] == "redacted_thinking":
        return {"type": "reasoning.encrypted", "data": _string(name, block, "data"), **common}
    signature = block.get("signature")
    return {"type": "reasoning.text", "text": _string(name, block, "thinking"), "signature": signature, **common}


def annotations_of(citations: object, start: int, end: int) -> list[dict[str, Any]]:
    """The pages that the text from `start` to `end` rests on."""
    found = []
    for citation in citations if isinstance(citations, list) else []:
        url = citation.get("url") if isinstance(citation, dict) else None
        if isinstance(url, str) and url:
            cited = {"url": url, "title": citation.get("title") or "", "start_index": start, "end_index": end}
            found.append({"type": "url_citation", "url_citation": cited})
    return found


def _refusal(details: object) -> str | None:
    explanation = details.get("explanation") if isinstance(details, dict) else None
    return explanation if isinstance(explanation, str) else None


def _string(name: str, block: Mapping[str, Any], key: str) -> str:
    value = block.get(key)
    if not isinstance(value, str):
        raise malformed(name, f"a {block.get('type')} block without {key}")
    return value


def chat_usage(usage: object) -> dict[str, Any]:
    """As OpenAI counts: what was read from or written to the cache is a part of the prompt."""
    given = usage if isinstance(usage, dict) else {}
    read, written = _count(given, "cache_read_input_tokens"), _count(given, "cache_creation_input_tokens")
    prompt = _count(given, "input_tokens") + read + written
    completion = _count(given, "output_tokens")
    thought = _count(given.get("output_tokens_details"), "thinking_tokens")
    counted: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": written},
        "completion_tokens_details": {"reasoning_tokens": thought},
    }
    searches = _count(given.get("server_tool_use"), "web_search_requests")
    return {**counted, "server_tool_use": {"web_search_requests": searches}} if searches else counted


def usage_in(counted: Mapping[str, Any]) -> Usage:
    """The native units in what `chat_usage` gave."""
    return replace(token_usage(counted), searches=_count(counted.get("server_tool_use"), "web_search_requests"))


def _count(given: object, name: str) -> int:
    value = given.get(name) if isinstance(given, dict) else None
    return value if type(value) is int and 0 <= value <= MAX_TOKENS else 0
