"""An OpenAI-compatible server on loopback, in the test's own event loop, that does what its script says."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

COMPLETION: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "small",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello!"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
}


@dataclass(frozen=True)
class Answer:
    """`pieces` are sent chunked, one write each, in place of `body`.

    cut: the connection ends in mid-answer. reset: it ends before any byte. hang: nothing more comes until the client
    leaves. echo: a completion whose content is the request's last message. reply: the answer that it makes of the
    request is sent instead.
    """

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: tuple[bytes, ...] | None = None
    ending: Literal["complete", "cut", "reset", "hang"] = "complete"
    echo: bool = False
    reply: "Callable[[Received], Answer] | None" = None


def json_answer(document: object, status: int = 200) -> Answer:
    return Answer(orjson.dumps(document), status)


def event_answer(*pieces: bytes, ending: Literal["complete", "cut", "hang"] = "complete") -> Answer:
    return Answer(content_type="text/event-stream", pieces=pieces, ending=ending)


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)


class FakeServer:
    """Answers come off the script in order; the last one stays."""

    def __init__(self, answers: tuple[Answer, ...]) -> None:
        self.url = ""
        self.requests: list[Received] = []
        self.connections = 0
        self.arrived = asyncio.Event()
        self.client_left = asyncio.Event()
        self.listener: asyncio.Server | None = None
        self._answers = list(answers)
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        try:
            while request := await _read_request(reader):
                self.requests.append(request)
                self.arrived.set()
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                if answer.echo:
                    answer = echo_of(request)
                if answer.reply is not None:
                    answer = answer.reply(request)
                if not await self._send(answer, reader, writer):
                    return
        except ConnectionError:
            self.client_left.set()
        finally:
            del self._open[task]
            writer.close()

    async def _send(self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection stays."""
        if answer.ending == "reset":
            writer.transport.abort()
            return False
        chunked = answer.pieces is not None
        if answer.ending != "hang" or answer.pieces or answer.body:
            writer.write(_head(answer, chunked))
        for piece in answer.pieces or ():
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
            # The client's side of the loop reads this piece before the next is written.
            await asyncio.sleep(0)
        if not chunked:
            writer.write(answer.body)
        if answer.ending == "hang":
            await reader.read()
            self.client_left.set()
            return False
        if chunked and answer.ending == "complete":
            writer.write(b"0\r\n\r\n")
        await writer.drain()
        return answer.ending == "complete"

    def hang_up(self) -> None:
        """From now on nobody listens: connections are refused."""
        assert self.listener is not None
        self.listener.close()

    async def stop(self) -> None:
        for writer in self._open.values():
            writer.transport.abort()
        await asyncio.gather(*self._open)


def echo_of(request: Received) -> Answer:
    message = {"role": "assistant", "content": request.json()["messages"][-1]["content"]}
    return json_answer({**COMPLETION, "choices": [{"index": 0, "message": message}]})


def _head(answer: Answer, chunked: bool) -> bytes:
    # A body that is cut was promised longer.
    length = len(answer.body) + (0 if answer.ending == "complete" else 100)
    framing = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": length}
    headers = {"Content-Type": answer.content_type, **framing, **answer.headers}
    lines = (f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {answer.status} X\r\n{''.join(lines)}\r\n".encode()


async def _read_request(reader: asyncio.StreamReader) -> Received | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    method, path, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(method, path, headers, body)


@asynccontextmanager
async def fake_server(*answers: Answer) -> AsyncIterator[FakeServer]:
    fake = FakeServer(answers or (json_answer(COMPLETION),))
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.listener = server
    host, port = server.sockets[0].getsockname()[:2]
    fake.url = f"http://{host}:{port}/v1"
    try:
        yield fake
    finally:
        server.close()
        await fake.stop()
