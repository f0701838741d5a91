"""The queue's promises, as properties: it is pure, so no thread and no clock is needed."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_serving.errors import Overloaded
from greatrouter_serving.local.queue import Queue, Tier, Work

BUDGET = 128
lengths = st.lists(st.integers(1, 200), max_size=60)
tiers = st.sampled_from([Tier.REALTIME, Tier.BATCH])


def works(sizes: list[int], tier: Tier = Tier.REALTIME) -> list[Work]:
    return [Work(np.zeros(size, dtype=np.int64), tier) for size in sizes]


def drain(queue: Queue, now_s: float = 0.0) -> list[list[Work]]:
    batches = []
    while batch := queue.take(now_s):
        batches.append(batch)
    return batches


@given(st.lists(st.tuples(st.integers(1, 200), tiers), max_size=60))
def test_nothing_is_lost_or_taken_twice(sizes: list[tuple[int, Tier]]) -> None:
    queue = Queue(padded_tokens=BUDGET)
    everything = [work for size, tier in sizes for work in works([size], tier)]
    for work in everything:
        queue.submit([work], now_s=0.0)
    taken = [work for batch in drain(queue) for work in batch]
    assert len(taken) == len(set(taken)) == len(everything)
    assert set(taken) == set(everything)
    assert queue.waiting_tokens == 0


@given(lengths)
def test_every_batch_keeps_the_budget_and_wastes_little(sizes: list[int]) -> None:
    """A text longer than the whole budget still runs, alone."""
    queue = Queue(padded_tokens=BUDGET, padding=0.15)
    queue.submit(works(sizes), now_s=0.0)
    for batch in drain(queue):
        padded, real = len(batch) * max(work.length for work in batch), sum(work.length for work in batch)
        assert len(batch) == 1 or (padded <= BUDGET and padded <= real * 1.15)


@given(lengths)
def test_every_batch_starts_with_the_oldest_text(sizes: list[int]) -> None:
    queue = Queue(padded_tokens=BUDGET)
    pending = works(sizes)
    queue.submit(pending, now_s=0.0)
    while batch := queue.take(0.0):
        assert batch[0] is pending[0]
        pending = [work for work in pending if work not in batch]


@given(lengths, st.randoms())
def test_cancelled_work_never_runs_and_stops_counting(sizes: list[int], random: Random) -> None:
    queue = Queue(padded_tokens=BUDGET)
    everything = works(sizes)
    queue.submit(everything, now_s=0.0)
    taken = queue.take(0.0)
    left = [work for work in everything if random.random() < 0.5]
    queue.cancel(left)
    queue.cancel(left)
    assert queue.waiting_tokens == sum(work.length for work in everything if work not in taken and work not in left)
    assert {work for batch in drain(queue) for work in batch} == set(everything) - set(left) - set(taken)
    assert queue.waiting_tokens == 0


@given(st.lists(st.integers(1, 60), min_size=1, max_size=20), st.integers(1, 60))
def test_the_batch_tier_waits_but_does_not_starve(patient: list[int], busy: int) -> None:
    """Realtime work keeps coming, a full batch at every step; each patient text still gets its turn."""
    queue = Queue(padded_tokens=BUDGET, patience_s=5.0, share=4)
    waiting = works(patient, Tier.BATCH)
    queue.submit(waiting, now_s=0.0)
    taken: set[Work] = set()
    for step in range(5 + 4 * len(patient)):
        queue.submit(works([busy] * (BUDGET // busy)), now_s=float(step))
        taken.update(queue.take(now_s=float(step)))
    assert taken >= set(waiting)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=20))
def test_realtime_work_keeps_most_turns_however_long_the_batch_tier_waited(patient: list[int]) -> None:
    queue = Queue(padded_tokens=60, patience_s=5.0, share=4)
    queue.submit(works(patient, Tier.BATCH), now_s=0.0)
    seeds = []
    for _ in range(40):
        queue.submit(works([60]), now_s=100.0)
        seeds.append(queue.take(now_s=100.0)[0].tier)
    assert all(seeds[step : step + 4].count(Tier.BATCH) <= 1 for step in range(len(seeds) - 3))


def test_realtime_work_overtakes_the_batch_tier() -> None:
    queue = Queue(padded_tokens=BUDGET)
    [slow], [fast] = works([100], Tier.BATCH), works([100])
    queue.submit([slow], now_s=0.0)
    queue.submit([fast], now_s=1.0)
    assert [queue.take(1.0), queue.take(1.0)] == [[fast], [slow]]


def test_room_that_realtime_work_leaves_is_filled_from_the_batch_tier() -> None:
    queue = Queue(padded_tokens=BUDGET)
    patient, urgent = works([30, 31], Tier.BATCH), works([30])
    queue.submit(patient, now_s=0.0)
    queue.submit(urgent, now_s=0.0)
    assert set(queue.take(0.0)) == {*patient, *urgent}


def test_a_lone_text_does_not_wait_for_company() -> None:
    queue = Queue(padded_tokens=BUDGET)
    queue.submit(works([7]), now_s=3.0)
    assert len(queue.take(3.0)) == 1


def test_a_probe_goes_first_even_through_a_full_queue() -> None:
    queue = Queue(padded_tokens=BUDGET, capacity_tokens=100)
    queue.submit(works([100] * 3), now_s=0.0)
    [probe] = works([5], Tier.PROBE)
    queue.submit([probe], now_s=1.0)
    assert queue.take(1.0)[0] is probe


def test_a_full_queue_refuses_the_whole_request_and_says_when_to_come_back() -> None:
    queue = Queue(padded_tokens=BUDGET, capacity_tokens=1000)
    queue.submit(works([100] * 50), now_s=0.0)
    for _ in range(30):
        queue.finished(tokens=500, elapsed_s=1.0)
    with pytest.raises(Overloaded) as refusal:
        queue.submit(works([1, 1]), now_s=0.0)
    assert refusal.value.retry_after_s == pytest.approx((5000 - 500) / 500, rel=0.05)
    assert queue.waiting_tokens == 5000
    assert sum(len(batch) for batch in drain(queue)) == 50
    queue.submit(works([1]), now_s=0.0)


def test_a_request_larger_than_the_capacity_is_served_when_it_comes_first() -> None:
    queue = Queue(padded_tokens=BUDGET, capacity_tokens=10)
    queue.submit(works([50] * 4), now_s=0.0)
    assert sum(len(batch) for batch in drain(queue)) == 4


@given(st.integers(1, 10**6), st.floats(1e-3, 1e3))
def test_the_advice_to_retry_is_never_below_a_second(tokens: int, elapsed_s: float) -> None:
    queue = Queue(capacity_tokens=1)
    queue.submit(works([1]), now_s=0.0)
    queue.finished(tokens, elapsed_s)
    with pytest.raises(Overloaded) as refusal:
        queue.check_room()
    assert refusal.value.retry_after_s >= 1
