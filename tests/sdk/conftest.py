"""One harness over both clients, so that every behaviour is stated once and checked twice."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from greatrouter import AsyncGreatRouter, GreatRouter

Outcome = dict[str, Any] | Exception
"""Arguments of `httpx2.Response` (200 and `{}` unless they say otherwise), or what the transport raises."""


class Harness:
    """A client and the server it talks to, which brings the outcomes in turn, the last one for ever."""

    key = "pk_live_abcdefghi_0123456789abcdef0123456789abcdef"

    def __init__(self, outcomes: tuple[Outcome, ...], options: dict[str, Any]) -> None:
        self.outcomes = outcomes
        self.requests: list[httpx2.Request] = []
        self.sleeps_s: list[float] = []
        self.client = self.make({"api_key": self.key, "transport": httpx2.MockTransport(self.serve), **options})

    def make(self, options: dict[str, Any]) -> Any:
        raise NotImplementedError

    def serve(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        outcome = self.outcomes[min(len(self.requests), len(self.outcomes)) - 1]
        if isinstance(outcome, Exception):
            raise outcome
        parts = dict(outcome) or {"json": {}}
        return httpx2.Response(parts.pop("status", 200), **parts)

    @property
    def request(self) -> httpx2.Request:
        return self.requests[-1]


class SyncHarness(Harness):
    def make(self, options: dict[str, Any]) -> GreatRouter:
        return GreatRouter(**options, sleep=self.sleeps_s.append)

    def call(self, method: str, *args: Any, **fields: Any) -> Any:
        return getattr(self.client, method)(*args, **fields)

    def chunks(self, *, stop_after: int | None = None) -> list[Any]:
        chunks: list[Any] = []
        with self.client.chat_completions(stream=True) as stream:
            for chunk in stream:
                chunks.append(chunk)
                if len(chunks) == stop_after:
                    break
        return chunks

    def close(self) -> None:
        self.client.close()


class AsyncHarness(Harness):
    def make(self, options: dict[str, Any]) -> AsyncGreatRouter:
        self.runner = asyncio.Runner()
        return AsyncGreatRouter(**options, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.sleeps_s.append(seconds)

    def call(self, method: str, *args: Any, **fields: Any) -> Any:
        return self.runner.run(getattr(self.client, method)(*args, **fields))

    def chunks(self, *, stop_after: int | None = None) -> list[Any]:
        async def collect() -> list[Any]:
            chunks: list[Any] = []
            async with await self.client.chat_completions(stream=True) as stream:
                async for chunk in stream:
                    chunks.append(chunk)
                    if len(chunks) == stop_after:
                        break
            return chunks

        return self.runner.run(collect())

    def close(self) -> None:
        self.runner.run(self.client.aclose())
        self.runner.close()


@pytest.fixture(params=[SyncHarness, AsyncHarness], ids=["sync", "async"])
def start(request: pytest.FixtureRequest) -> Iterator[Callable[..., SyncHarness | AsyncHarness]]:
    """start(*outcomes, **client_options) makes a harness of one of the two clients."""
    started: list[SyncHarness | AsyncHarness] = []

    def factory(*outcomes: Outcome, **options: Any) -> SyncHarness | AsyncHarness:
        started.append(request.param(outcomes or ({},), options))
        return started[-1]

    yield factory
    for harness in started:
        harness.close()
