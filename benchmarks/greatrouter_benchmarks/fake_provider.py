"""A raw-ASGI stand-in for an OpenAI-compatible server: an 800-byte chat completion, as fast as uvicorn goes.

`uvicorn --loop uvloop --http httptools --no-access-log greatrouter_benchmarks.fake_provider:app` (with `benchmarks` on
the path). With `"stream": true` it answers 100 chunks, one write each, or as the prompt says: "chunks=12 pace_ms=500".
Each chunk says when it was sent. Every path gets the same answer: a benchmark of a router must not measure its
provider.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

ANSWER_BYTES = 800
STREAM_CHUNKS = 100
ASKED = re.compile(rb"chunks=(\d+) pace_ms=(\d+)")
# A reading of `time.monotonic`, the same clock in every process on Linux.
SENT_AT = re.compile(rb"sent@(\d+\.\d{6})")


def _completion() -> bytes:
    document = {
        "id": "chatcmpl-benchmark",
        "object": "chat.completion",
        "created": 1_735_689_600,
        "model": "benchmark",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 24, "completion_tokens": 120, "total_tokens": 144},
    }
    padding = ANSWER_BYTES - len(orjson.dumps(document))
    document["choices"] = [
        {"index": 0, "message": {"role": "assistant", "content": "x" * padding}, "finish_reason": "stop"}
    ]
    return orjson.dumps(document)


def _chunk(delta: dict[str, str], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    document = {
        "id": "chatcmpl-benchmark",
        "object": "chat.completion.chunk",
        "model": "benchmark",
        "choices": [choice],
    }
    return b"data: " + orjson.dumps(document) + b"\n\n"


_BODY = _completion()
_CHUNK = _chunk({"content": " sent@%.6f"})
_END = (
    _chunk({}, "stop")
    + b'data: {"id":"chatcmpl-benchmark","object":"chat.completion.chunk","choices":[],'
    + b'"usage":{"prompt_tokens":24,"completion_tokens":100,"total_tokens":124}}\n\ndata: [DONE]\n\n'
)
_START: Message = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))],
}
_STREAM_START: Message = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/event-stream")],
}
_ANSWER: Message = {"type": "http.response.body", "body": _BODY}


async def app(scope: Message, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    if b'"stream":true' in body or b'"stream": true' in body:
        asked = ASKED.search(body)
        await _stream(send, int(asked[1]) if asked else STREAM_CHUNKS, int(asked[2]) / 1000 if asked else 0.0)
        return
    await send(_START)
    await send(_ANSWER)


async def _stream(send: Send, chunks: int, pace_s: float) -> None:
    await send(_STREAM_START)
    for _ in range(chunks):
        await send({"type": "http.response.body", "body": _CHUNK % time.monotonic(), "more_body": True})
        # Even without a pace, a real model's tokens do not arrive in one burst: each is read on its own.
        await asyncio.sleep(pace_s)
    await send({"type": "http.response.body", "body": _END})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return
