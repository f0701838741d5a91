"""What an endpoint's recent attempts say of it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_serving.call import Attempt
from greatrouter_serving.health import HALF_LIFE_S, EndpointHealth, Health


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


GOOD = Attempt("lab/small", "lab", 200, None, 100.0)
BAD = Attempt("lab/small", "lab", 503, "overloaded", 20.0)
REFUSED = Attempt("lab/small", "lab", 400, "too long", 5.0, rejected=True)


UNSENT = Attempt("lab/small", "lab", None, "n: one answer a call", 0.1, unsent=True)


def after(*attempts: Attempt, clock: Clock | None = None) -> EndpointHealth:
    health = Health(clock or Clock())
    for attempt in attempts:
        health.observe([attempt])
    found = health.of("lab/small", "lab")
    assert found is not None
    return found


def test_what_was_never_tried_has_no_health() -> None:
    assert Health().of("lab/small", "lab") is None


def test_successes_and_failures_are_counted_apart() -> None:
    found = after(GOOD, GOOD, BAD)
    assert (found.total_successes, found.total_failures, found.consecutive_failures) == (2, 1, 1)
    assert found.mean_latency_ms == 100.0
    assert not found.degraded


def test_what_was_never_sent_says_nothing() -> None:
    assert after(BAD, UNSENT) == after(BAD)
    health = Health(Clock())
    health.observe([UNSENT, BAD])
    assert after(BAD) == health.of("lab/small", "lab")
    health.observe([UNSENT], 20, 1000.0)


def test_three_failures_in_a_row_degrade_and_one_success_mends() -> None:
    assert after(GOOD, BAD, BAD, BAD).degraded
    assert not after(*[GOOD] * 20, BAD, BAD, BAD, GOOD).degraded


def test_failures_fade_so_that_an_endpoint_is_tried_again() -> None:
    clock = Clock()
    health = Health(clock)
    health.observe([BAD])
    health.observe([BAD])
    health.observe([BAD])
    now = health.of("lab/small", "lab")
    assert now is not None
    assert now.degraded
    clock.now = 3 * HALF_LIFE_S
    later = health.of("lab/small", "lab")
    assert later is not None
    assert not later.degraded


def test_a_provider_is_out_of_reach_after_three_calls_that_could_not_be_made_whichever_models_they_were_for() -> None:
    clock = Clock()
    health = Health(clock)
    gone = [Attempt(f"lab/{i}", "lab", None, "cannot be reached", 1.0, unreachable=True) for i in range(3)]
    health.observe(gone[:2])
    assert health.out_of_reach() == []
    health.observe([BAD, gone[0], gone[1]])
    assert health.out_of_reach() == []  # a failure that was heard shows that it can be reached
    health.observe([gone[2]])
    assert health.out_of_reach() == ["lab"]
    clock.now = 3 * HALF_LIFE_S
    assert health.out_of_reach() == []
    health.observe([gone[0]])
    assert health.out_of_reach() == ["lab"]
    health.observe([GOOD])
    assert health.out_of_reach() == []


def test_a_refusal_that_blames_the_request_says_nothing_against_the_endpoint() -> None:
    found = after(REFUSED, REFUSED, REFUSED)
    assert (found.degraded, found.penalty, found.total_failures) == (False, 0.0, 0)
    assert found.mean_latency_ms is None


@given(st.lists(st.sampled_from([GOOD, BAD, REFUSED]), min_size=1, max_size=40))
def test_the_penalty_is_a_share_and_grows_with_failures(attempts: list[Attempt]) -> None:
    penalty = after(*attempts).penalty
    assert 0 <= penalty < 1
    assert after(*attempts, BAD).penalty > penalty
    assert after(*attempts, GOOD).penalty <= penalty


@given(st.lists(st.floats(1, 1e5), min_size=1, max_size=64))
def test_percentiles_are_latencies_that_happened_in_order(latencies_ms: list[float]) -> None:
    found = after(*(Attempt("lab/small", "lab", 200, None, ms) for ms in latencies_ms))
    seconds = found.latency_s()
    assert list(seconds) == sorted(seconds)
    assert set(seconds) <= {ms / 1000 for ms in latencies_ms}
    assert seconds[-1] == max(latencies_ms) / 1000


def test_throughput_is_tokens_over_the_time_of_the_answer() -> None:
    health = Health(Clock())
    for tokens in (100, 200, 400):
        health.observe([BAD, GOOD], tokens, 2000.0)
    found = health.of("lab/small", "lab")
    assert found is not None
    assert found.tokens_per_s()[0] == pytest.approx(100)
    assert found.tokens_per_s()[-1] == pytest.approx(50)
    assert all(math.isnan(value) for value in EndpointHealth().tokens_per_s())
