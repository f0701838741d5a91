"""Anthropic's Messages endpoint as its documentation shows it: in which shape it answers, fails and streams."""

from collections.abc import Mapping
from typing import Any

import orjson

from tests.serving.fake_anthropic_rules import refusal_of
from tests.serving.fake_provider import Answer, Received, event_answer, json_answer

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
USAGE = {"input_tokens": 12, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 3}


def message(*blocks: Mapping[str, Any], stop_reason: str = "end_turn", **changes: Any) -> dict[str, Any]:
    content = list(blocks) or [{"type": "text", "text": "Hello!"}]
    start = {"id": "msg_01", "type": "message", "role": "assistant", "model": "small", "content": content}
    return {**start, "stop_reason": stop_reason, "stop_sequence": None, "usage": USAGE, **changes}


def error_document(status: int, words: str) -> dict[str, Any]:
    return {
        "type": "error",
        "error": {"type": ERROR_TYPES.get(status, "api_error"), "message": words},
        "request_id": "req_011",
    }


def error_answer(status: int, words: str) -> Answer:
    return json_answer(error_document(status, words), status)


def messages_answer(document: Mapping[str, Any] | None = None) -> Answer:
    """Refuses what Anthropic would; otherwise the message, streamed where the request wants it so."""
    answer = document or message()

    def reply(request: Received) -> Answer:
        refusal = refusal_of(request)
        if refusal is not None:
            return error_answer(*refusal)
        return event_answer(*frames_of(answer)) if request.json().get("stream") else json_answer(answer)

    return Answer(reply=reply)


# Streams


def frame(kind: str, **fields: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind, **fields}))


def error_frame(status: int, words: str) -> bytes:
    return b"event: error\ndata: " + orjson.dumps(error_document(status, words)) + b"\n\n"


def frames_of(document: Mapping[str, Any], size: int = 4) -> list[bytes]:
    """The message as the events that make it, its strings in pieces of `size` characters."""
    usage = {**document["usage"], "output_tokens": 1}
    start = {**document, "content": [], "stop_reason": None, "usage": usage}
    frames = [frame("message_start", message=start), frame("ping")]
    for index, block in enumerate(document["content"]):
        frames += _block_frames(index, block, size)
    delta = {"stop_reason": document["stop_reason"], "stop_sequence": None}
    return [*frames, frame("message_delta", delta=delta, usage=document["usage"]), frame("message_stop")]


def _block_frames(index: int, block: Mapping[str, Any], size: int) -> list[bytes]:
    started: dict[str, Any] = dict(block)
    deltas: list[dict[str, Any]] = []
    if block["type"] == "text":
        started = {"type": "text", "text": ""}
        deltas = [{"type": "citations_delta", "citation": citation} for citation in block.get("citations", [])]
        deltas += [{"type": "text_delta", "text": piece} for piece in _pieces(block["text"], size)]
    elif block["type"] == "thinking":
        started = {"type": "thinking", "thinking": "", "signature": ""}
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(block["thinking"], size)]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    elif block["type"] in ("tool_use", "server_tool_use"):
        started["input"] = {}
        written = orjson.dumps(block["input"]).decode() if block["input"] else ""
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *_pieces(written, size))]
    opening = frame("content_block_start", index=index, content_block=started)
    middle = [frame("content_block_delta", index=index, delta=delta) for delta in deltas]
    return [opening, *middle, frame("content_block_stop", index=index)]


def _pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]
