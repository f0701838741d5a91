"""A real server on loopback, its provider a scripted one, both in threads of the test process."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import httpx2
import orjson
import pytest
import uvicorn

from greatrouter_accounts.accounts import Accounts
from greatrouter_api.app import create_app
from greatrouter_api.home import open_accounts
from greatrouter_api.http_protocol import BoundedProtocol
from greatrouter_api.settings import LocalModelSettings, ModelSettings, ProviderSettings, Settings

FAKE = "local/fake"
SMALL = ModelSettings(
    id="lab/small",
    input_per_million_tokens=Decimal("0.1"),
    output_per_million_tokens=Decimal("0.2"),
    context_window=32_000,
)
LARGE = ModelSettings(
    id="lab/large", input_per_million_tokens=Decimal(1), output_per_million_tokens=Decimal(2), context_window=128_000
)


class Provider:
    """An OpenAI-compatible server that a test scripts: `answer` gets path and body and returns status and JSON."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.answer: Callable[[str, dict[str, Any]], tuple[int, Any]] = completion
        self.hold: threading.Event | None = None
        self.dropped = threading.Event()
        self.port = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.requests.append((scope["path"], orjson.loads(body)))
        if self.hold is not None:
            message = await receive()  # nothing comes but the caller's leaving
            self.dropped.set()
            return
        status, content = self.answer(*self.requests[-1])
        if isinstance(content, Events):
            await self._stream(content, receive, send)
            return
        raw = content if isinstance(content, bytes) else orjson.dumps(content)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(raw)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": raw})

    async def _stream(self, events: "Events", receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for piece in events.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if events.ending == "hang":
            await receive()  # nothing comes but the caller's leaving
            self.dropped.set()
        elif events.ending == "cut":
            raise ConnectionError("uvicorn then closes the connection without ending the body")
        else:
            await send({"type": "http.response.body", "body": b""})


@dataclass(frozen=True)
class Events:
    """A stream, one write an item; it ends, breaks off in the middle of the body, or never ends."""

    pieces: tuple[bytes, ...]
    ending: Literal["complete", "cut", "hang"] = "complete"


def chunk(content: str = "", **fields: Any) -> bytes:
    """One event of a chat stream."""
    choices = [{"index": 0, "delta": {"content": content} if content else {}, "finish_reason": None}]
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "small"}
    return b"data: " + orjson.dumps({**head, "choices": choices, **fields}) + b"\n\n"


WORDS = (chunk("Hello"), chunk(" there"), chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]))
USAGE = chunk(choices=[], usage={"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500})
DONE = b"data: [DONE]\n\n"


def completion(path: str, body: dict[str, Any]) -> tuple[int, Any]:
    message = {"role": "assistant", "content": f"{body.get('model')} says hello"}
    usage = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}
    return 200, {"id": "c1", "object": "chat.completion", "choices": [{"index": 0, "message": message}], "usage": usage}


@dataclass
class Running:
    """A server that answers at `url`, with a live key that has credit and a test key."""

    url: str
    client: httpx2.Client
    live: str
    test: str
    accounts: Accounts
    provider: Provider

    @property
    def organization_id(self) -> str:
        return asyncio.run(self.accounts.authenticate(self.live)).organization_id

    def post(self, path: str, body: Any, key: str | None = None, **headers: str) -> httpx2.Response:
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        authorization = {"Authorization": f"Bearer {key or self.test}"}
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(
            path, content=raw, headers={"Content-Type": "application/json", **authorization, **names}
        )

    def route(self, prompt: str, key: str | None = None, **fields: Any) -> httpx2.Response:
        return self.post("/v1/auto/route", {"prompt": prompt, "input": {}, **fields}, key)

    def suggest(self, prompt: str, key: str | None = None, **fields: Any) -> httpx2.Response:
        return self.post("/v1/auto/suggest", {"prompt": prompt, **fields}, key)


def eventually(condition: Callable[[], object], timeout_s: float = 5.0) -> bool:
    """Whether `condition` comes true in time: activity and releases reach the disk moments after the answer."""
    pause = threading.Event()
    for _ in range(int(timeout_s / 0.02)):
        if condition():
            return True
        pause.wait(0.02)
    return bool(condition())


@contextmanager
def listening(app: Any) -> Iterator[int]:
    """Serves an ASGI application on a free port of loopback for the length of the block."""
    server = uvicorn.Server(
        uvicorn.Config(
            app, port=0, http=BoundedProtocol, log_level="error", access_log=False, timeout_graceful_shutdown=5
        )
    )
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        while not server.started and thread.is_alive():
            thread.join(0.01)
        assert server.started, "the server did not start"
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(20)


@contextmanager
def running(home: Path, **overrides: Any) -> Iterator[Running]:
    """A whole server with the shipped catalog, the scripted provider `lab` and a weightless local model."""
    with ExitStack() as stack:
        provider = Provider()
        provider.port = stack.enter_context(listening(provider))
        lab = ProviderSettings(base_url=f"http://127.0.0.1:{provider.port}/v1", models=[SMALL, LARGE])
        given: dict[str, Any] = {
            "home": home,
            "providers": {"lab": lab},
            "local_models": [LocalModelSettings(id=FAKE, backend="fake")],
            "embedder": None,
            **overrides,
        }
        settings = Settings(**given)
        accounts = open_accounts(settings)
        stack.callback(accounts.close)
        live, test = accounts.create_key("acme"), accounts.create_key("acme-tests", test=True)
        accounts.office.credit("acme", Decimal(1000))
        port = stack.enter_context(listening(create_app(settings)))
        url = f"http://127.0.0.1:{port}"
        client = stack.enter_context(httpx2.Client(base_url=url, timeout=20))
        yield Running(url, client, live, test, accounts, provider)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("home")) as server:
        yield server


@pytest.fixture
def server(shared: Running) -> Iterator[Running]:
    """The session's server with a fresh script for its provider."""
    shared.provider.requests.clear()
    shared.provider.answer = completion
    shared.provider.hold = None
    shared.provider.dropped.clear()
    yield shared
    shared.provider.hold = None
