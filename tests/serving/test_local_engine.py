"""The engine through its public surface, on the fake backend and, where meaning matters, on MiniLM."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from greatrouter_serving.errors import InferenceFailed, InvalidInput, ModelLoadFailed, ModelNotServed, Overloaded
from greatrouter_serving.local.backend import Backend, Encoded, Ids
from greatrouter_serving.local.engine import Engine, LocalModelConfig, Shelf
from greatrouter_serving.local.fake import FakeBackend

FAKE = LocalModelConfig("lab/fake", backend="fake", dimensions=(64, 128))


@dataclass(frozen=True, slots=True)
class SlowShelf(Shelf):
    """Opens models only once `gate` is set; counts how often it is asked, and fails the first `failures` times."""

    gate: threading.Event = field(default_factory=threading.Event)
    entered: threading.Event = field(default_factory=threading.Event)
    opened: list[str] = field(default_factory=list)
    failures: int = 0

    def open(self, config: LocalModelConfig) -> Backend:
        self.opened.append(config.id)
        self.entered.set()
        assert self.gate.wait(10)
        if len(self.opened) <= self.failures:
            raise ModelLoadFailed("the disk is unplugged; plug it in")
        return FakeBackend()


class StuckBackend(FakeBackend):
    def __init__(self) -> None:
        super().__init__()
        self.gate, self.entered = threading.Event(), threading.Event()

    def forward(self, batch: Sequence[Ids], want_tokens: bool) -> Encoded:
        self.entered.set()
        assert self.gate.wait(10)
        return super().forward(batch, want_tokens)


@dataclass(frozen=True, slots=True)
class StuckShelf(Shelf):
    backend: StuckBackend = field(default_factory=StuckBackend)

    def open(self, config: LocalModelConfig) -> Backend:
        return self.backend


def with_engine(
    test: Callable[[Engine], Awaitable[Any]], *configs: LocalModelConfig, shelf: Shelf | None = None
) -> Any:
    async def main() -> Any:
        engine = Engine(configs or (FAKE,), shelf=shelf)
        try:
            await engine.start()
            return await asyncio.wait_for(test(engine), 20)
        finally:
            await engine.close()

    return asyncio.run(main())


def test_embeddings_keep_their_order_and_count_their_tokens() -> None:
    async def test(engine: Engine) -> None:
        texts = ["one two three", "four", "one two three", "five " * 300]
        embedded = await engine.embed("lab/fake", texts)
        assert embedded.vectors.shape == (4, 256)
        assert embedded.vectors.dtype == np.float32
        assert np.linalg.norm(embedded.vectors, axis=1) == pytest.approx(1, abs=1e-6)
        assert np.array_equal(embedded.vectors[0], embedded.vectors[2])
        assert embedded.prompt_tokens == 5 + 3 + 5 + 256
        for row, text in enumerate(texts):
            alone = await engine.embed("lab/fake", [text])
            assert alone.vectors[0] == pytest.approx(embedded.vectors[row], abs=1e-6)

    with_engine(test)


def test_token_ids_stand_for_their_text() -> None:
    async def test(engine: Engine) -> None:
        ids = FakeBackend().tokenize(["one two", "three"], 16)
        by_ids = await engine.embed("lab/fake", [list(map(int, text)) for text in ids])
        by_text = await engine.embed("lab/fake", ["one two", "three"])
        assert by_ids.vectors == pytest.approx(by_text.vectors, abs=1e-6)
        assert by_ids.prompt_tokens == by_text.prompt_tokens

    with_engine(test)


def test_shorter_vectors_are_cut_and_normalised_where_the_model_allows_it() -> None:
    async def test(engine: Engine) -> None:
        whole = await engine.embed("lab/fake", ["some text"])
        short = await engine.embed("lab/fake", ["some text"], dimensions=64)
        expected = whole.vectors[:, :64] / np.linalg.norm(whole.vectors[:, :64])
        assert short.vectors == pytest.approx(expected, abs=1e-6)
        assert (await engine.embed("lab/fake", ["some text"], dimensions=256)).vectors.shape == (1, 256)
        with pytest.raises(InvalidInput, match=r"dimensions=100 .*allowed: 64, 128, 256"):
            await engine.embed("lab/fake", ["some text"], dimensions=100)

    with_engine(test)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([], "empty list"),
        ([""], "input 0 is empty"),
        (["fine", ""], "input 1 is empty"),
        ([[]], "input 0 is empty"),
        ([[1, 2], [99_999_999]], "vocabulary|token ids"),
        ([[-1]], "vocabulary|token ids"),
        (["text", [1]], "mixes"),
    ],
)
def test_inputs_that_cannot_be_embedded_are_refused(inputs: Any, message: str) -> None:
    async def test(engine: Engine) -> None:
        with pytest.raises(InvalidInput, match=message):
            await engine.embed("lab/fake", inputs)

    with_engine(test)


def test_rerank_scores_stand_in_the_documents_order() -> None:
    async def test(engine: Engine) -> None:
        documents = ["bananas are yellow", "the price of a router", "the price of a router", "", "router prices"]
        ranked = await engine.rerank("lab/fake", "router price", documents)
        assert len(ranked.scores) == len(documents)
        assert all(0 <= value <= 1 for value in ranked.scores)
        assert ranked.scores[1] == ranked.scores[2] > ranked.scores[0] > ranked.scores[3]
        assert ranked.prompt_tokens == (2 + 2) + (3 + 2) + 2 * (5 + 2) + 2 + (2 + 2)
        backwards = await engine.rerank("lab/fake", "router price", documents[::-1], batch_tier=True)
        assert backwards.scores[::-1] == ranked.scores

    with_engine(test)


def test_documents_are_cut_to_max_tokens_per_doc() -> None:
    async def test(engine: Engine) -> None:
        documents = ["router price", "router price and then a long story about bananas"]
        ranked = await engine.rerank("lab/fake", "router price", documents, max_tokens_per_doc=2)
        assert ranked.scores[0] == ranked.scores[1]
        assert ranked.prompt_tokens == 3 * 4

    with_engine(test)


@pytest.mark.parametrize(
    ("query", "documents", "cut", "message"),
    [
        ("", ["a"], None, "query is empty"),
        (" \n", ["a"], None, "query is empty"),
        ("q", [], None, "documents is an empty list"),
        ("q", ["a"], 0, "max_tokens_per_doc is 0"),
    ],
)
def test_rerank_requests_that_mean_nothing_are_refused(
    query: str, documents: list[str], cut: int | None, message: str
) -> None:
    async def test(engine: Engine) -> None:
        with pytest.raises(InvalidInput, match=message):
            await engine.rerank("lab/fake", query, documents, max_tokens_per_doc=cut)

    with_engine(test)


def test_an_unknown_model_is_named_with_those_that_are_served() -> None:
    async def test(engine: Engine) -> None:
        with pytest.raises(ModelNotServed, match=r"'lab/none'.*lab/fake"):
            await engine.embed("lab/none", ["x"])
        with pytest.raises(ModelNotServed):
            engine.embedder("lab/none")

    with_engine(test)


def test_a_cold_model_loads_once_for_all_who_wait() -> None:
    shelf = SlowShelf()

    async def test(engine: Engine) -> None:
        assert engine.describe()[0].state == "cold"
        embedder = engine.embedder("lab/fake")
        waiting: list[asyncio.Task[Any]] = [
            *(asyncio.create_task(engine.embed("lab/fake", [f"text {i}"])) for i in range(5)),
            asyncio.create_task(asyncio.to_thread(embedder.embed, ["text"])),
        ]
        await asyncio.to_thread(shelf.entered.wait, 5)
        assert engine.describe()[0].state == "warming"
        waiting[0].cancel()
        shelf.gate.set()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(outcome).__name__ for outcome in outcomes] == ["CancelledError", *["Embedded"] * 4, "ndarray"]
        assert engine.describe()[0].state == "warm"

    with_engine(test, shelf=shelf)
    assert shelf.opened == ["lab/fake"]


def test_a_failed_load_reaches_all_who_wait_and_the_next_call_tries_again() -> None:
    shelf = SlowShelf(failures=1)

    async def test(engine: Engine) -> None:
        waiting = [asyncio.create_task(engine.warm("lab/fake")) for _ in range(3)]
        await asyncio.to_thread(shelf.entered.wait, 5)
        shelf.gate.set()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(outcome, ModelLoadFailed) for outcome in outcomes)
        assert engine.describe()[0].state == "cold"
        await engine.warm("lab/fake")
        assert engine.describe()[0].state == "warm"

    with_engine(test, shelf=shelf)


def test_only_models_configured_warm_load_at_start() -> None:
    async def test(engine: Engine) -> None:
        assert {model.id: model.state for model in engine.describe()} == {"lab/hot": "warm", "lab/fake": "cold"}

    with_engine(test, LocalModelConfig("lab/hot", backend="fake", warm=True), FAKE)


def test_a_model_that_is_not_there_is_described_with_its_problem(tmp_path: Path) -> None:
    async def test(engine: Engine) -> None:
        [row] = engine.describe()
        assert row.state == "cold"
        assert row.problem is not None
        assert str(tmp_path / "lab/none") in row.problem
        with pytest.raises(ModelLoadFailed):
            await engine.embed("lab/none", ["x"])

    with_engine(test, LocalModelConfig("lab/none"), shelf=Shelf(models_dir=tmp_path))


def test_work_beyond_the_capacity_is_refused_with_a_time_to_come_back() -> None:
    shelf = StuckShelf()
    config = LocalModelConfig("lab/small", backend="fake", max_queue_tokens=10, padded_tokens=8)

    async def test(engine: Engine) -> None:
        first = asyncio.create_task(engine.embed("lab/small", [f"text number {i}" for i in range(20)]))
        await asyncio.to_thread(shelf.backend.entered.wait, 5)
        with pytest.raises(Overloaded) as refusal:
            await engine.rerank("lab/small", "query", ["document"])
        assert refusal.value.retry_after_s >= 1
        probe = asyncio.create_task(engine.probe("lab/small"))
        shelf.backend.gate.set()
        await probe
        assert len((await first).vectors) == 20

    with_engine(test, config, shelf=shelf)


def test_closing_answers_everyone_and_leaves_no_thread() -> None:
    shelf = StuckShelf()

    async def main() -> None:
        engine = Engine([FAKE], shelf=shelf)
        waiting = [asyncio.create_task(engine.embed("lab/fake", ["text " * n])) for n in (1, 100, 200)]
        await asyncio.to_thread(shelf.backend.entered.wait, 5)
        closing = asyncio.create_task(engine.close())
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(outcome, InferenceFailed) for outcome in outcomes)
        shelf.backend.gate.set()
        await closing
        with pytest.raises(InferenceFailed, match="closed"):
            await engine.embed("lab/fake", ["x"])

    asyncio.run(main())
    assert not [thread for thread in threading.enumerate() if "lab/fake" in thread.name]


def test_an_engine_without_models_starts_and_stops() -> None:
    async def main() -> None:
        engine = Engine([])
        await engine.start()
        assert engine.describe() == []
        await engine.close()

    asyncio.run(main())


def test_the_embedder_answers_while_the_models_queue_is_stuck() -> None:
    """The classifier's short prompts do not stand behind rerank work: only the queue's own thread is held here."""

    class HalfStuck(StuckBackend):
        def forward(self, batch: Sequence[Ids], want_tokens: bool) -> Encoded:
            if threading.current_thread().name.startswith("model-"):
                return super().forward(batch, want_tokens)
            return FakeBackend.forward(self, batch, want_tokens)

    shelf = StuckShelf(backend=HalfStuck())

    async def test(engine: Engine) -> None:
        stuck = asyncio.create_task(engine.embed("lab/fake", ["held"]))
        await asyncio.to_thread(shelf.backend.entered.wait, 5)
        vectors = await asyncio.to_thread(engine.embedder("lab/fake").embed, ["free", "free as well"])
        assert vectors.shape == (2, 256)
        shelf.backend.gate.set()
        await stuck

    with_engine(test, shelf=shelf)


def test_the_embedder_cuts_long_prompts_and_keeps_the_order() -> None:
    seen: list[int] = []

    class Watched(StuckBackend):
        def forward(self, batch: Sequence[Ids], want_tokens: bool) -> Encoded:
            seen.extend(len(ids) for ids in batch)
            return FakeBackend.forward(self, batch, want_tokens)

    async def test(engine: Engine) -> None:
        texts = ["word " * 10_000, *(f"text {i} " * (i % 5 + 1) for i in range(40))]
        embedder = engine.embedder("lab/fake")
        vectors = await asyncio.to_thread(embedder.embed, texts)
        assert max(seen) == 64
        for row, text in enumerate(texts):
            assert embedder.embed([text])[0] == pytest.approx(vectors[row], abs=1e-6)
        assert embedder.embed([]).shape == (0, 256)

    with_engine(test, shelf=StuckShelf(backend=Watched()))


def test_minilm_serves_both_tasks_from_its_package(minilm: str, prepared_dir: Path) -> None:
    async def test(engine: Engine) -> None:
        [row] = engine.describe()
        assert (row.tasks, row.params, row.dimensions) == (("embeddings", "rerank"), 22_713_216, 384)
        ranked = await engine.rerank(
            minilm,
            "What is the capital of France?",
            ["Bananas are yellow.", "Berlin is the capital of Germany.", "Paris is the capital of France."],
        )
        assert ranked.scores[2] > 0.9 > ranked.scores[1] > 0.15 > ranked.scores[0]
        with pytest.raises(InvalidInput, match="allowed: 384"):
            await engine.embed(minilm, ["text"], dimensions=128)
        await engine.probe(minilm)

    with_engine(test, LocalModelConfig(minilm), shelf=Shelf(prepared_dir=prepared_dir))
