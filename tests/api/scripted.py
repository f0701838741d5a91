"""A whole server whose provider is a socket that does what its script says: answers, resets, cuts, hangs."""

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from greatrouter_api.settings import ModelSettings, ProviderSettings
from tests.api.conftest import Running, running
from tests.serving.fake_provider import Answer, FakeServer

RESET_AT_ONCE = struct.pack("ii", 1, 0)
Handler = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Wire(FakeServer):
    """In a thread of its own. It plays what it is given: answers, the last one again and again, or a handler that
    writes raw bytes where each request has come in, after which the connection ends."""

    def __init__(self) -> None:
        super().__init__(())
        self.handler: Handler | None = None
        self.left = threading.Event()

    def play(self, *answers: Answer, handler: Handler | None = None) -> None:
        self.requests.clear()
        self.left.clear()
        self.handler = handler
        self._answers = list(answers) or [Answer()]

    @property
    def models(self) -> list[str]:
        """What each request asked for, in the provider's own names."""
        return [request.json()["model"] for request in self.requests]

    async def _send(self, answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if self.handler is not None:
            try:
                await self.handler(writer)
            except ConnectionError:
                self.left.set()
            return False
        if answer.ending == "reset":
            # Closing a socket that does not linger is what sends RST instead of FIN.
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
        stays = await super()._send(answer, reader, writer)
        if answer.ending == "hang":
            self.left.set()
        return stays


@contextmanager
def wire() -> Iterator[Wire]:
    """Listens within the block."""
    loop, played = asyncio.new_event_loop(), Wire()

    async def start() -> asyncio.Server:
        listener = await asyncio.start_server(played.serve, "127.0.0.1", 0, limit=2**20)
        host, port = listener.sockets[0].getsockname()[:2]
        played.url = f"http://{host}:{port}/v1"
        return listener

    async def stop(listener: asyncio.Server) -> None:
        listener.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    listener = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield played
    finally:
        asyncio.run_coroutine_threadsafe(stop(listener), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def unused_port() -> int:
    """Where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def priced(model_id: str, task: Any = "text") -> ModelSettings:
    return ModelSettings(
        id=model_id,
        task=task,
        input_per_million_tokens=Decimal(1),
        output_per_million_tokens=Decimal(2),
        price_per_document=Decimal("0.001") if task == "rerank" else None,
        context_window=32_000,
    )


LAB = (priced("lab/one"), priced("lab/two"), priced("lab/embed", "embeddings"), priced("lab/rank", "rerank"))
# The same models a second time, each then a model with two endpoints.
TWICE = (priced("twice/talk"), priced("twice/embed", "embeddings"), priced("twice/rank", "rerank"))


@contextmanager
def scripted(home: Path, api_key_env: str | None = None, **overrides: Any) -> Iterator[tuple[Running, Wire]]:
    """`lab` and `spare` are the scripted provider, nobody listens at `gone`; `api_key_env` names lab's key."""
    with ExitStack() as stack:
        played = stack.enter_context(wire())
        providers = {
            "lab": ProviderSettings(base_url=played.url, api_key_env=api_key_env, models=[*LAB, *TWICE]),
            "spare": ProviderSettings(base_url=played.url, models=list(TWICE)),
            "gone": ProviderSettings(
                base_url=f"http://127.0.0.1:{unused_port()}/v1",
                models=[priced("gone/talk"), priced("gone/embed", "embeddings"), priced("gone/rank", "rerank")],
            ),
        }
        server = stack.enter_context(running(home, providers=providers, **overrides))
        yield server, played
