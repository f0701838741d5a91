"""One model's thread: results go to whom they belong, errors to those they concern, and it always stops."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greatrouter_serving.errors import InferenceFailed, Overloaded
from greatrouter_serving.local.backend import Encoded, Ids
from greatrouter_serving.local.fake import FakeBackend
from greatrouter_serving.local.queue import Queue, Tier, Work
from greatrouter_serving.local.worker import Worker

POISON = 13


class FaultyBackend(FakeBackend):
    """Fails on any batch that holds POISON; waits while `gate` is shut and says so through `entered`."""

    def __init__(self, error: BaseException | None = None) -> None:
        super().__init__(dimensions=8)
        self.error = error or ValueError("the weights are on fire")
        self.gate, self.entered = threading.Event(), threading.Event()
        self.gate.set()
        self.closed = False
        self.batches: list[list[Ids]] = []

    def forward(self, batch: Sequence[Ids], want_tokens: bool) -> Encoded:
        self.batches.append(list(batch))
        self.entered.set()
        assert self.gate.wait(10)
        if any(POISON in ids for ids in batch):
            raise self.error
        return super().forward(batch, want_tokens)

    def close(self) -> None:
        self.closed = True


def ids(*tokens: int) -> Ids:
    return np.array(tokens, dtype=np.int64)


def with_worker(test: Callable[[Worker, FaultyBackend], Awaitable[Any]], backend: FaultyBackend | None = None) -> Any:
    backend = backend or FaultyBackend()
    worker = Worker("lab/test", backend, Queue(padded_tokens=16, capacity_tokens=64), clock=lambda: 0.0)

    async def main() -> Any:
        try:
            return await asyncio.wait_for(test(worker, backend), 10)
        finally:
            backend.gate.set()
            await asyncio.to_thread(worker.close)

    return asyncio.run(main())


# Six texts of ten tokens leave room in the queue (64) for whoever comes next.
@settings(deadline=None, max_examples=20)
@given(st.lists(st.lists(st.integers(2, 500), min_size=1, max_size=10).filter(lambda t: POISON not in t), max_size=12))
def test_results_come_back_in_the_order_asked(texts: list[list[int]]) -> None:
    async def test(worker: Worker, backend: FaultyBackend) -> None:
        halves = [[Work(ids(*text)) for text in half] for half in (texts[::2], texts[1::2])]
        answers = await asyncio.gather(*(worker.run(half) for half in halves))
        for half, answer in zip(halves, answers, strict=True):
            assert len(answer) == len(half)
            for work, vector in zip(half, answer, strict=True):
                assert vector == pytest.approx(FakeBackend(dimensions=8).forward([work.ids], False).pooled[0], abs=1e-6)

    with_worker(test)


def test_a_reduction_gets_the_texts_own_token_vectors() -> None:
    async def test(worker: Worker, backend: FaultyBackend) -> None:
        shapes = await worker.run(
            [Work(ids(*range(20, 20 + n)), reduce=lambda vector, tokens: tokens.shape) for n in (1, 2, 3)]
        )
        assert shapes == [(1, 8), (2, 8), (3, 8)]

    with_worker(test)


@pytest.mark.parametrize("error", [ValueError("broken"), MemoryError(), KeyboardInterrupt()])
def test_a_failed_batch_fails_its_own_callers_and_nobody_else(error: BaseException) -> None:
    async def test(worker: Worker, backend: FaultyBackend) -> None:
        poisoned = [worker.run([Work(ids(POISON))]), worker.run([Work(ids(POISON)), Work(ids(2))])]
        long = worker.run([Work(ids(*range(20, 32)))])  # too long to share a batch with the others
        *failed, vectors = await asyncio.gather(*poisoned, long, return_exceptions=True)
        for failure in failed:
            assert isinstance(failure, InferenceFailed)
            assert failure.__cause__ is error
        assert failed[0] is not failed[1]
        assert isinstance(vectors, list)
        assert len(await worker.run([Work(ids(5))])) == 1

    with_worker(test, FaultyBackend(error))


def test_a_reduction_that_raises_fails_its_batch_only() -> None:
    async def test(worker: Worker, backend: FaultyBackend) -> None:
        def broken(vector: object, tokens: object) -> None:
            raise ZeroDivisionError("reduced to nothing")

        with pytest.raises(InferenceFailed, match="reduced to nothing"):
            await worker.run([Work(ids(5), reduce=broken)])
        assert len(await worker.run([Work(ids(5))])) == 1

    with_worker(test)


def test_the_work_of_a_caller_who_left_is_dropped() -> None:
    async def test(worker: Worker, backend: FaultyBackend) -> None:
        backend.gate.clear()
        running = asyncio.create_task(worker.run([Work(ids(7))]))
        await asyncio.to_thread(backend.entered.wait, 5)
        leaving = asyncio.create_task(worker.run([Work(ids(8)), Work(ids(9, 9, 9))]))
        staying = asyncio.create_task(worker.run([Work(ids(10))]))
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        backend.gate.set()
        await asyncio.gather(running, staying)
        assert [[list(text) for text in batch] for batch in backend.batches] == [[[7]], [[10]]]

    with_worker(test)


def test_a_caller_who_leaves_while_its_batch_runs_harms_nobody() -> None:
    async def test(worker: Worker, backend: FaultyBackend) -> None:
        backend.gate.clear()
        leaving = asyncio.create_task(worker.run([Work(ids(7))]))
        await asyncio.to_thread(backend.entered.wait, 5)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        backend.gate.set()
        assert len(await worker.run([Work(ids(8))])) == 1

    with_worker(test)


def test_what_arrives_while_a_batch_runs_shares_the_next_one() -> None:
    async def test(worker: Worker, backend: FaultyBackend) -> None:
        backend.gate.clear()
        first = asyncio.create_task(worker.run([Work(ids(7))]))
        await asyncio.to_thread(backend.entered.wait, 5)
        others = [asyncio.create_task(worker.run([Work(ids(20 + i))])) for i in range(5)]
        await asyncio.sleep(0)
        backend.gate.set()
        await asyncio.gather(first, *others)
        assert [len(batch) for batch in backend.batches] == [1, 5]

    with_worker(test)


def test_a_full_queue_refuses_at_once_and_recovers() -> None:
    async def test(worker: Worker, backend: FaultyBackend) -> None:
        backend.gate.clear()
        filling = [Work(ids(*range(20, 30))) for _ in range(10)]
        first = asyncio.create_task(worker.run(filling))
        await asyncio.to_thread(backend.entered.wait, 5)
        assert not first.done()
        with pytest.raises(Overloaded):
            worker.check_room()
        with pytest.raises(Overloaded):
            await worker.run([Work(ids(5))])
        probe = asyncio.create_task(worker.run([Work(ids(5), Tier.PROBE)]))
        backend.gate.set()
        assert len(await first) == 10
        assert len(await probe) == 1
        assert len(await worker.run([Work(ids(5))])) == 1

    with_worker(test)


def test_closing_fails_what_waits_lets_the_running_batch_end_and_joins_the_thread() -> None:
    backend = FaultyBackend()
    worker = Worker("lab/closing", backend, Queue(padded_tokens=16), clock=lambda: 0.0)

    async def main() -> None:
        backend.gate.clear()
        waiting = [asyncio.create_task(worker.run([Work(ids(*range(20, 20 + n)))])) for n in (9, 12)]
        await asyncio.to_thread(backend.entered.wait, 5)
        closing = asyncio.create_task(asyncio.to_thread(worker.close))
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(outcome, InferenceFailed) for outcome in outcomes)
        backend.gate.set()
        await closing
        with pytest.raises(InferenceFailed, match="closing"):
            await worker.run([Work(ids(5))])

    asyncio.run(main())
    assert backend.closed
    assert len(backend.batches) == 1
    assert not [thread for thread in threading.enumerate() if "lab/closing" in thread.name]


def test_a_caller_whose_event_loop_is_gone_does_not_stop_the_worker() -> None:
    backend = FaultyBackend()
    worker = Worker("lab/gone", backend, Queue(padded_tokens=16), clock=lambda: 0.0)
    backend.gate.clear()
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, context: None)  # a task that never ends is what this test is about
    task = loop.create_task(worker.run([Work(ids(7))]))
    loop.run_until_complete(asyncio.sleep(0))
    assert backend.entered.wait(5)
    loop.close()
    backend.gate.set()
    try:
        assert len(asyncio.run(worker.run([Work(ids(8))]))) == 1
        assert not task.done()
    finally:
        worker.close()
