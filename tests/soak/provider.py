"""An OpenAI-compatible server in the event loop of the test, which knows what it produced for whom.

A prompt says what it wants by `wish`; an answer holds as many tokens as were wished for, of four letters each, so that
the router's estimate of a part of it is its count.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import httptools
import orjson

WISH = re.compile(rb"([\w-]+) prompt=(\d+) tokens=(\d+) pace_ms=(\d+)")
TOKEN = "word"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\n"
JSON_HEAD = HEAD % b"application/json"
STREAM_HEAD = HEAD % b"text/event-stream" + b"Transfer-Encoding: chunked\r\n\r\n"


def wish(name: str, prompt_tokens: int, tokens: int, pace_ms: int) -> str:
    """`name` names who asks; a token comes every `pace_ms`, in a whole answer as in a stream. As long as any other
    wish of that name's length."""
    return f"{name} prompt={prompt_tokens:03} tokens={tokens:03} pace_ms={pace_ms:03}"


class Provider:
    """`produced` counts the tokens that were sent on their way, by who asked; `connected` is who can ask, and when
    each of them will have gone."""

    def __init__(self) -> None:
        self.produced: dict[str, int] = {}
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.connected: dict[asyncio.Transport, asyncio.Future[None]] = {}

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Provider"]:
        server = await asyncio.get_running_loop().create_server(lambda: _Connection(self), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            lost = list(self.connected.values())
            for transport in self.connected:
                transport.abort()
            await asyncio.gather(*lost)  # uvloop cannot be closed under a connection that is being lost

    def answer(self, body: bytes, transport: asyncio.Transport) -> None:
        found = WISH.search(body)
        assert found is not None, body
        name, (prompt, tokens, pace_ms) = found[1].decode(), map(int, found.groups()[1:])
        usage = {"prompt_tokens": prompt, "completion_tokens": tokens, "total_tokens": prompt + tokens}
        streamed = b'"stream":true' in body
        answering = (self._stream if streamed else self._whole)(name, transport, usage, pace_ms / 1000)
        task = asyncio.get_running_loop().create_task(answering)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _whole(self, name: str, transport: asyncio.Transport, usage: dict[str, int], pace_s: float) -> None:
        tokens = usage["completion_tokens"]
        await asyncio.sleep(pace_s * tokens)
        message = {"role": "assistant", "content": TOKEN * tokens}
        body = _document(choices=[{"index": 0, "message": message, "finish_reason": "stop"}], usage=usage)
        if not transport.is_closing():  # the router is gone, or has hung up
            self.produced[name] = tokens
            transport.write(JSON_HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    async def _stream(self, name: str, transport: asyncio.Transport, usage: dict[str, int], pace_s: float) -> None:
        transport.write(STREAM_HEAD)
        token = _event(choices=[{"index": 0, "delta": {"content": TOKEN}, "finish_reason": None}])
        end = _event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]) + _event(choices=[], usage=usage)
        for count in range(1, usage["completion_tokens"] + 1):
            if transport.is_closing():
                return
            self.produced[name] = count
            transport.write(token)
            await asyncio.sleep(pace_s)
        if not transport.is_closing():
            transport.write(end + _chunked(b"data: [DONE]\n\n") + b"0\r\n\r\n")


class _Connection(asyncio.Protocol):
    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its type
        self._provider.connected[self._transport] = asyncio.get_running_loop().create_future()

    def connection_lost(self, error: Exception | None) -> None:
        self._provider.connected.pop(self._transport).set_result(None)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._body = b""

    def on_body(self, piece: bytes) -> None:
        self._body += piece

    def on_message_complete(self) -> None:
        self._provider.answer(self._body, self._transport)


def _document(**fields: Any) -> bytes:
    return orjson.dumps({"id": "c1", "object": "chat.completion", "created": 1, "model": "small", **fields})


def _event(**fields: Any) -> bytes:
    return _chunked(b"data: " + _document(**fields) + b"\n\n")


def _chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
