"""Limits by their rules alone: what may be used, when it is free again, and that nothing is lost."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from greatrouter_accounts.errors import RateLimited
from greatrouter_accounts.limits import WINDOW_S, Give, Limits, Meter, Take, Taken, give, read, take, written

ORG, KEY = "org:ada", "key:one"
LIMITS = {
    ORG: Limits(requests_per_minute=7, tokens_per_minute=100, concurrent_requests=3),
    KEY: Limits(requests_per_minute=4, tokens_per_minute=60),
}
BOTH = tuple(LIMITS.items())


class Minutes(RuleBasedStateMachine):
    """Two meters, and the log of all that was admitted."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000_000.0
        self.meters = {name: Meter() for name in LIMITS}
        self.requests: list[tuple[float, str]] = []
        self.tokens: list[list[float]] = []
        self.under_way: list[tuple[str, tuple[str, ...]]] = []

    @rule(seconds=st.floats(0, 90))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(which=st.sampled_from([BOTH, BOTH[:1], BOTH[1:]]), owner=st.sampled_from(["a", "b"]))
    def enter(self, which: tuple[tuple[str, Limits], ...], owner: str) -> None:
        found = take(self.meters, Take(which, requests=1, places=1), self.now, owner)
        names = tuple(name for name, _ in which)
        room = all(self._requests_of(name, WINDOW_S) < (LIMITS[name].requests_per_minute or 0) for name in names)
        free = ORG not in names or self._places() < 3
        if isinstance(found, Taken):
            self.requests += [(self.now, name) for name in names]
            self.under_way.append((owner, names))
        else:
            assert not (room and free), "refused though all was there"

    @precondition(lambda self: self.under_way)
    @rule(place=st.integers(0, 100))
    def leave(self, place: int) -> None:
        owner, names = self.under_way.pop(place % len(self.under_way))
        give(self.meters, Give(names, owner, places=1), self.now)

    @rule(tokens=st.integers(1, 80), took=st.integers(0, 60))
    def spend(self, tokens: int, took: int) -> None:
        before = self._tokens_of(WINDOW_S - 1)
        found = take(self.meters, Take(BOTH[:1], tokens=tokens), self.now, "a")
        if isinstance(found, RateLimited):
            return
        assert before + tokens <= 100
        give(self.meters, Give([ORG], tokens=took - tokens, second=found.second), self.now)
        self.tokens.append([self.now, took])

    def _requests_of(self, name: str, seconds: float) -> int:
        return sum(then > self.now - seconds and which == name for then, which in self.requests)

    def _tokens_of(self, seconds: float) -> float:
        return sum(amount for then, amount in self.tokens if then > self.now - seconds)

    def _places(self) -> int:
        return sum(ORG in names for _, names in self.under_way)

    @invariant()
    def never_more_in_any_minute(self) -> None:
        for name, limits in LIMITS.items():
            assert self._requests_of(name, 60) <= (limits.requests_per_minute or 0)

    @invariant()
    def never_more_at_a_time(self) -> None:
        counted = Counter(owner for owner, names in self.under_way if ORG in names)
        assert self.meters[ORG].places == dict(counted)
        assert self._places() <= 3

    @invariant()
    def a_store_keeps_all_of_it(self) -> None:
        for meter in self.meters.values():
            assert written(read(written(meter))) == written(meter)


TestMinutes = Minutes.TestCase
TestMinutes.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def admitted(meter: Meter, limits: Limits, now: float, **asked: int) -> Taken | RateLimited:
    return take({"org:x": meter}, Take((("org:x", limits),), **asked), now, "")


@given(
    amounts=st.lists(st.tuples(st.floats(0, 30), st.integers(1, 40)), max_size=12),
    wanted=st.integers(1, 100),
)
def test_after_the_wait_there_is_room_and_before_it_there_is_none(
    amounts: list[tuple[float, int]], wanted: int
) -> None:
    meter, limits, now = Meter(), Limits(tokens_per_minute=100), 5_000.25
    for pause, amount in amounts:
        now += pause
        admitted(meter, limits, now, tokens=amount)
    refused = admitted(meter, limits, now, tokens=wanted)
    if isinstance(refused, Taken):
        return
    state = written(meter)
    assert 0 < refused.wait_s <= WINDOW_S
    # Counted from the beginning of a second.
    assert isinstance(admitted(read(state), limits, int(now) + refused.wait_s - 1, tokens=wanted), RateLimited)
    assert isinstance(admitted(read(state), limits, int(now) + refused.wait_s, tokens=wanted), Taken)


def test_what_can_never_be_admitted_says_so() -> None:
    refused = admitted(Meter(), Limits(tokens_per_minute=100), 0.0, tokens=101)
    assert isinstance(refused, RateLimited)
    assert refused.wait_s == float("inf")
    assert "send less" in str(refused)


def test_what_was_taken_at_the_end_of_a_minute_counts_in_the_next() -> None:
    meter, limits = Meter(), Limits(requests_per_minute=50)
    assert sum(isinstance(admitted(meter, limits, 119.9, requests=1), Taken) for _ in range(80)) == 50
    assert sum(isinstance(admitted(meter, limits, 120.1, requests=1), Taken) for _ in range(80)) == 0
    assert sum(isinstance(admitted(meter, limits, 179.9, requests=1), Taken) for _ in range(80)) == 0
    assert sum(isinstance(admitted(meter, limits, 180.1, requests=1), Taken) for _ in range(80)) == 50


@given(then=st.floats(0, 1_000), back=st.floats(0, 60))
def test_a_clock_that_goes_back_frees_nothing(then: float, back: float) -> None:
    meter, limits = Meter(), Limits(requests_per_minute=1)
    assert isinstance(admitted(meter, limits, then, requests=1), Taken)
    assert isinstance(admitted(meter, limits, max(0.0, then - back), requests=1), RateLimited)


def test_a_clock_that_was_an_hour_ahead_for_a_moment_shuts_nobody_out() -> None:
    meter, limits = Meter(), Limits(requests_per_minute=2, tokens_per_minute=20)
    assert isinstance(admitted(meter, limits, 1_000.0, requests=1, tokens=10), Taken)
    assert isinstance(admitted(meter, limits, 1_000.0 + 3_600, requests=2, tokens=20), Taken)
    taken = [admitted(read(written(meter)), limits, 1_001.0 + second, requests=1, tokens=10) for second in range(3)]
    assert all(isinstance(found, Taken) for found in taken)


def test_all_or_nothing() -> None:
    """What the key has is not taken where the organization has none."""
    meters = {ORG: Meter(), KEY: Meter()}
    limits = ((ORG, Limits(requests_per_minute=1)), (KEY, Limits(requests_per_minute=5)))
    assert isinstance(take(meters, Take(limits, requests=1), 0.0, ""), Taken)
    refused = take(meters, Take(limits, requests=1), 0.0, "")
    assert isinstance(refused, RateLimited)
    assert (refused.meter, meters[KEY].requests.total) == (ORG, 1)


def test_tokens_beyond_the_estimate_count_against_whoever_comes_next() -> None:
    meter, limits = Meter(), Limits(tokens_per_minute=100)
    found = admitted(meter, limits, 10.0, tokens=10)
    assert isinstance(found, Taken)
    give({"org:x": meter}, Give(["org:x"], tokens=110, second=found.second), 10.5)
    assert isinstance(admitted(meter, limits, 11.0, tokens=1), RateLimited)
    assert isinstance(admitted(meter, limits, 71.0, tokens=100), Taken)


@pytest.mark.parametrize("late", [True, False])
def test_what_was_too_much_and_counts_no_more_is_not_given_back(late: bool) -> None:
    meter, limits = Meter(), Limits(tokens_per_minute=100)
    found = admitted(meter, limits, 10.0, tokens=100)
    assert isinstance(found, Taken)
    if late:
        assert isinstance(admitted(meter, limits, 80.0, tokens=60), Taken)
    give({"org:x": meter}, Give(["org:x"], tokens=-100, second=found.second), 80.0 if late else 11.0)
    assert meter.tokens.total == (60 if late else 0)


def test_what_an_answer_of_over_a_minute_took_beyond_its_estimate_counts_from_its_end() -> None:
    meter, limits = Meter(), Limits(tokens_per_minute=100)
    found = admitted(meter, limits, 10.0, tokens=10)
    assert isinstance(found, Taken)
    give({"org:x": meter}, Give(["org:x"], tokens=150, second=found.second), 80.0)
    refused = admitted(meter, limits, 81.0, tokens=1)
    assert isinstance(refused, RateLimited)
    assert refused.wait_s == 60.0
    assert isinstance(admitted(meter, limits, 141.0, tokens=100), Taken)
