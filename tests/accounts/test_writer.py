"""The writer's promises: order, one answer each, a bad item fails alone, nothing is lost on close, nothing kills it."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greatrouter_accounts.errors import RowRefused, StoreFailed
from greatrouter_accounts.writer import LARGEST_BATCH, Writer

NEVER_S = 60.0  # a test that waits for this long has failed
FOREVER_S = 10 * NEVER_S


class Disk:
    """Something to commit to. `bad` items spoil the batch they are in, `refused` ones are answered with an exception.

    With `hold`, commits wait until it is set; `begun` is set when one begins. `failing` is the disk being full.
    """

    def __init__(self, *, bad: Sequence[Any] = (), refused: Sequence[Any] = ()) -> None:
        self.batches: list[list[Any]] = []
        self.tried = 0
        self.failing = False
        self.begun = threading.Event()
        self.hold = threading.Event()
        self.hold.set()
        self._bad, self._refused = bad, refused

    def commit(self, batch: Sequence[Any]) -> Sequence[Any]:
        self.begun.set()
        assert self.hold.wait(NEVER_S)
        self.tried += 1
        if self.failing:
            raise StoreFailed("the disk is full")
        if spoilt := [item for item in batch if item in self._bad]:
            raise ValueError(f"{spoilt[0]} is bad")
        self.batches.append(list(batch))
        return [RowRefused(f"{item} is refused") if item in self._refused else -item for item in batch]

    @property
    def written(self) -> list[Any]:
        return [item for batch in self.batches for item in batch]


def ended(name: str) -> bool:
    return name not in {thread.name for thread in threading.enumerate()}


def eventually(true: Callable[[], bool]) -> None:
    """Waits for something that another thread is about to do."""
    end = time.monotonic() + NEVER_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.001)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 60), st.sets(st.integers(0, 59)), st.sets(st.integers(0, 59)))
def test_every_item_gets_its_own_answer_and_the_good_ones_are_written_in_order(
    count: int, bad: set[int], refused: set[int]
) -> None:
    disk = Disk(bad=list(bad), refused=list(refused))
    writer = Writer(disk.commit, "test")

    async def all_at_once() -> list[Any]:
        return await asyncio.gather(*(writer.submit(number) for number in range(count)), return_exceptions=True)

    results = asyncio.run(all_at_once())
    writer.close()
    for number, result in enumerate(results):
        if number in bad:
            assert isinstance(result, ValueError)
            assert str(result) == f"{number} is bad"
        elif number in refused:
            assert isinstance(result, RowRefused)
        else:
            assert result == -number
    assert disk.written == [number for number in range(count) if number not in bad]


def test_what_arrives_during_a_commit_shares_the_next() -> None:
    disk = Disk()
    disk.hold.clear()
    writer = Writer(disk.commit, "test")

    async def fifty() -> None:
        first = asyncio.create_task(writer.submit(0))
        await asyncio.to_thread(disk.begun.wait, NEVER_S)
        others = [asyncio.create_task(writer.submit(number)) for number in range(1, 50)]
        await asyncio.sleep(0)
        disk.hold.set()
        await asyncio.gather(first, *others)

    asyncio.run(fifty())
    writer.close()
    assert disk.batches == [[0], list(range(1, 50))]


def test_the_next_shared_commit_waits_for_no_longer_than_until_all_are_back() -> None:
    disk = Disk()
    writer = Writer(disk.commit, "test", share_s=1.0)

    async def one(number: int) -> None:
        for turn in range(20):
            await writer.submit(100 * turn + number)

    async def eight() -> None:
        await asyncio.wait_for(asyncio.gather(*map(one, range(8))), 15)  # twenty whole waits take longer

    asyncio.run(eight())
    writer.close()
    assert sorted(disk.written) == sorted(100 * turn + number for turn in range(20) for number in range(8))
    assert len(disk.batches) < 40


def test_one_bad_row_among_thousands_costs_few_commits() -> None:
    disk = Disk(bad=[1234])
    disk.hold.clear()
    writer = Writer(disk.commit, "test")
    for number in range(5_000):
        writer.post(number)
    disk.hold.set()
    writer.close()
    assert disk.written == [number for number in range(5_000) if number != 1234]
    assert disk.tried < 5_000 / LARGEST_BATCH + 3 * LARGEST_BATCH.bit_length()
    assert max(map(len, disk.batches)) <= LARGEST_BATCH


def test_a_row_that_is_not_stored_is_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    disk = Disk(bad=[7], refused=[8])
    writer = Writer(disk.commit, "accounts-test")
    for number in (6, 7, 8, 9):
        writer.post(number)
    writer.close()
    assert disk.written == [6, 8, 9]
    assert [record.getMessage() for record in caplog.records] == [
        "accounts-test: one row was not stored: 7 is bad",
        "accounts-test: one row was not stored: 8 is refused",
    ]


def test_a_failing_store_is_everyones_answer_at_once_and_ends_nothing() -> None:
    disk = Disk()
    disk.failing = True
    disk.hold.clear()
    writer = Writer(disk.commit, "test")

    async def many() -> list[Any]:
        tasks = [asyncio.create_task(writer.submit(number)) for number in range(40)]
        await asyncio.to_thread(disk.begun.wait, NEVER_S)
        disk.hold.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    assert [str(error) for error in asyncio.run(many())] == ["the disk is full"] * 40
    assert disk.tried <= 2  # not one by one: a locked database makes each try wait for ten seconds
    disk.failing = False
    assert asyncio.run(writer.submit(5)) == -5
    writer.close()


def test_posted_work_outlives_a_failing_store() -> None:
    disk = Disk()
    disk.failing = True
    writer = Writer(disk.commit, "test", retry_s=FOREVER_S)
    for number in (1, 2, 3):
        writer.post(number)
    with suppress(StoreFailed):
        asyncio.run(writer.submit(4))
    disk.failing = False
    assert asyncio.run(writer.submit(5)) == -5
    writer.close()
    assert sorted(disk.written) == [1, 2, 3, 5]


def test_posted_work_is_tried_again_by_itself() -> None:
    disk = Disk()
    disk.failing = True
    writer = Writer(disk.commit, "test", retry_s=0.001)
    writer.post(1)
    eventually(lambda: disk.tried > 2)
    disk.failing = False
    eventually(lambda: disk.written == [1])
    writer.close()


def test_those_who_wait_hear_of_the_failure_however_much_posted_work_is_left_over() -> None:
    disk = Disk()
    disk.failing = True
    writer = Writer(disk.commit, "test", retry_s=FOREVER_S)
    for number in range(3 * LARGEST_BATCH):
        writer.post(number)

    async def within_reason() -> None:
        async with asyncio.timeout(NEVER_S):
            await writer.submit(-1)

    with pytest.raises(StoreFailed):
        asyncio.run(within_reason())
    disk.failing = False
    writer.close()
    assert sorted(disk.written) == list(range(3 * LARGEST_BATCH))


def test_close_does_not_wait_for_a_store_that_fails_and_says_what_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    disk = Disk()
    disk.failing = True
    writer = Writer(disk.commit, "accounts-test", gather_s=FOREVER_S, retry_s=FOREVER_S)
    for number in range(3 * LARGEST_BATCH):
        writer.post(number)
    writer.close()
    assert ended("accounts-test")
    assert disk.tried <= 3
    assert (
        caplog.messages[-1]
        == f"accounts-test: {3 * LARGEST_BATCH} rows are lost because the database could not be written"
    )


def test_what_waits_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    disk = Disk()
    disk.hold.clear()
    writer = Writer(disk.commit, "accounts-test", most_waiting=10)
    writer.post(0)
    assert disk.begun.wait(NEVER_S)
    for number in range(1, 15):
        writer.post(number)
    disk.hold.set()
    writer.close()
    assert disk.written == list(range(11))
    assert caplog.messages == ["accounts-test: 4 rows are lost because the database could not be written"]


def test_close_writes_at_once_what_was_left_to_gather() -> None:
    disk = Disk()
    writer = Writer(disk.commit, "test", gather_s=FOREVER_S)
    for number in range(20):
        writer.post(number)
    started = time.monotonic()
    writer.close()
    assert time.monotonic() - started < NEVER_S / 2
    assert disk.batches == [list(range(20))]


def test_a_full_batch_does_not_wait_for_more() -> None:
    disk = Disk()
    writer = Writer(disk.commit, "test", gather_s=FOREVER_S)
    for number in range(LARGEST_BATCH):
        writer.post(number)
    eventually(lambda: len(disk.written) == LARGEST_BATCH)
    writer.close()


def test_who_waits_takes_what_was_left_to_gather_along() -> None:
    disk = Disk()
    writer = Writer(disk.commit, "test", gather_s=FOREVER_S)
    writer.post(1)
    asyncio.run(asyncio.wait_for(writer.submit(2), NEVER_S))
    writer.close()
    assert disk.batches == [[1, 2]]


def test_the_commit_of_a_cancelled_waiter_goes_through() -> None:
    disk = Disk()
    disk.hold.clear()
    writer = Writer(disk.commit, "test")

    async def impatient() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await writer.submit(1)
        disk.hold.set()
        assert await writer.submit(2) == -2

    asyncio.run(impatient())
    writer.close()
    assert disk.written == [1, 2]


def test_a_cancelled_waiter_does_not_cost_the_others_their_answer() -> None:
    disk = Disk()
    disk.hold.clear()
    writer = Writer(disk.commit, "test")

    async def three() -> list[int]:
        async with asyncio.timeout(NEVER_S):
            tasks = [asyncio.create_task(writer.submit(number)) for number in range(3)]
            await asyncio.sleep(0)
            tasks[1].cancel()
            disk.hold.set()
            return [await tasks[0], await tasks[2]]

    assert asyncio.run(three()) == [0, -2]
    writer.close()


def test_a_loop_that_is_gone_does_not_end_the_thread() -> None:
    disk = Disk()
    disk.hold.clear()
    writer = Writer(disk.commit, "test")

    async def leave() -> None:
        task = asyncio.create_task(writer.submit(1))
        await asyncio.to_thread(disk.begun.wait, NEVER_S)
        task.cancel()

    asyncio.run(leave())  # its loop is closed when this returns, the commit still under way
    disk.hold.set()
    assert asyncio.run(writer.submit(2)) == -2
    writer.close()


def test_waiters_in_several_loops_are_all_answered() -> None:
    disk = Disk()
    writer = Writer(disk.commit, "test")
    answers: list[int] = []

    async def ask(start: int) -> None:
        answers.extend(await asyncio.gather(*(writer.submit(number) for number in range(start, start + 50))))

    threads = [threading.Thread(target=asyncio.run, args=(ask(start),)) for start in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(NEVER_S)
    writer.close()
    assert sorted(answers) == sorted(-number for start in (0, 100, 200) for number in range(start, start + 50))


def test_close_answers_those_who_wait_and_may_be_called_twice() -> None:
    disk = Disk()
    disk.hold.clear()
    writer = Writer(disk.commit, "accounts-closing")

    async def closing() -> list[int]:
        tasks = [asyncio.create_task(writer.submit(number)) for number in range(10)]
        await asyncio.sleep(0)
        disk.hold.set()
        await asyncio.to_thread(writer.close)
        return [await task for task in tasks]

    assert asyncio.run(closing()) == [-number for number in range(10)]
    writer.close()
    assert ended("accounts-closing")


def test_after_close_nothing_is_taken() -> None:
    writer = Writer(Disk().commit, "test")
    writer.close()
    with pytest.raises(StoreFailed, match="closed"):
        writer.post(1)
    with pytest.raises(StoreFailed, match="closed"):
        asyncio.run(writer.submit(1))


def test_a_failure_that_several_raise_does_not_grow_with_each() -> None:
    failure = StoreFailed("once for all")
    writer = Writer(lambda batch: [failure] * len(batch), "test")

    async def depth() -> int:
        try:
            await writer.submit(1)
        except StoreFailed as error:
            frames, trace = 0, error.__traceback__
            while trace:
                frames, trace = frames + 1, trace.tb_next
            return frames
        return -1

    assert asyncio.run(depth()) == asyncio.run(depth()) > 0
    writer.close()


def test_nobody_waits_for_ever_and_what_was_not_begun_is_left_alone() -> None:
    """As where a server stands still: its machine says that it is there, and nothing else."""
    disk, late, told = Disk(), [], threading.Event()
    disk.hold.clear()

    def tell(work: int, result: object) -> None:
        late.append((work, result))
        told.set()

    writer = Writer(disk.commit, "test", patience_s=0.05, late=tell)

    async def impatient() -> None:
        begun = asyncio.create_task(writer.submit(1))
        await asyncio.to_thread(disk.begun.wait, NEVER_S)
        for task in (begun, asyncio.create_task(writer.submit(2))):
            with pytest.raises(StoreFailed, match="nothing was heard"):
                await task
        writer.post(3)
        disk.hold.set()
        await asyncio.to_thread(told.wait, NEVER_S)

    asyncio.run(impatient())
    writer.close()
    assert disk.written == [1, 3]
    assert late == [(1, -1)]
