"""A caller may say how long to wait for a model of this process that is not loaded yet."""

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import pytest

from greatrouter_api.errors import ApiError
from greatrouter_api.warming import Warming
from greatrouter_catalog.model import Model
from greatrouter_serving.local.engine import Engine
from tests.api.conftest import FAKE, Running


def test_a_preference_that_was_kept_is_said(server: Running) -> None:
    body = {"model": FAKE, "input": "hello"}
    assert server.post("/v1/embeddings", body, prefer="wait=30").headers["preference-applied"] == "wait=30"
    rerank = {"model": FAKE, "query": "a", "documents": ["a"]}
    answer = server.post("/v1/rerank", rerank, prefer="respond-async, wait=5")
    assert (answer.status_code, answer.headers["preference-applied"]) == (200, "wait=5")


@pytest.mark.parametrize("prefer", ["", "return=minimal", "wait", "wait=soon", "wait=-1", "await=5", "wait=1.5"])
def test_another_preference_is_ignored(server: Running, prefer: str) -> None:
    answer = server.post("/v1/embeddings", {"model": FAKE, "input": "hello"}, prefer=prefer)
    assert answer.status_code == 200
    assert "preference-applied" not in answer.headers


class SlowEngine:
    """Loads for as long as a test holds it."""

    def __init__(self) -> None:
        self.loaded = asyncio.Event()

    async def warm(self, model_id: str) -> None:
        await self.loaded.wait()


def hosted() -> Model:
    fields: dict[str, Any] = {"task_type": "embeddings", "category": "embedding", "tasks": ("embeddings",)}
    return Model("a/b", "local", "b", name="b", canonical="b", family="embeddings/a--b", hosted=True, **fields)


def ticking() -> Iterator[float]:
    yield from range(1_000)


def test_a_model_that_takes_longer_than_that_is_a_503_that_says_when_to_retry() -> None:
    async def main() -> None:
        engine = SlowEngine()
        warming = Warming(cast("Engine", engine), iter(ticking()).__next__)
        with pytest.raises(ApiError) as caught:
            await warming.awake(hosted(), "wait=0")
        error = caught.value
        assert (error.status, error.code) == (503, "model_warming")
        assert error.headers()["retry-after"] == str(error.retry_after_s)
        engine.loaded.set()
        assert await warming.awake(hosted(), "wait=3") == ((b"preference-applied", b"wait=3"),)

    asyncio.run(main())
