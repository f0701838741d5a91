"""How each endpoint and each provider has done lately, from the attempts that were really made."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field

from greatrouter_serving.call import Attempt

# What happened so long ago counts half as much as what happens now.
HALF_LIFE_S = 300.0
# So many failures in a row, or fewer successes than this share of so many attempts or more: the endpoint is avoided.
FAILURES_IN_A_ROW = 3
LOWEST_SUCCESS_RATE, FEWEST_ATTEMPTS = 0.8, 5.0
# Percentiles are over the latest successes; 64 tell p90 from p99 and cost 1 kB an endpoint.
SAMPLES = 64
PERCENTILES = (0.5, 0.75, 0.9, 0.99)
# A stream's or a short answer's rate says nothing of how fast an endpoint writes.
FEWEST_TOKENS = 16
MOST_ENDPOINTS = 10_000
# What is told to everybody is told of so many attempts or more: of fewer it could be one caller's doing.
FEWEST_TOLD = 5

Endpoint = tuple[str, str]


@dataclass(slots=True)
class EndpointHealth:
    """`successes` and `failures` are decayed counts as of `updated_at`, in seconds of the health's own clock. The
    latency of a streamed answer is the time to its first token, of any other the time to its end."""

    successes: float = 0.0
    failures: float = 0.0
    consecutive_failures: int = 0
    updated_at: float = 0.0
    total_successes: int = 0
    total_failures: int = 0
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    rates: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))

    def count(self, now: float, *, failed: bool) -> None:
        self.decay(now)
        if failed:
            self.failures += 1
            self.total_failures += 1
            self.consecutive_failures += 1
        else:
            self.successes += 1
            self.total_successes += 1
            self.consecutive_failures = 0

    def decay(self, now: float) -> None:
        share = 0.5 ** ((now - self.updated_at) / HALF_LIFE_S)
        self.successes *= share
        self.failures *= share
        self.updated_at = now

    @property
    def success_rate(self) -> float | None:
        total = self.successes + self.failures
        return self.successes / total if total else None

    @property
    def degraded(self) -> bool:
        attempts = self.successes + self.failures
        rate = self.success_rate
        poor = rate is not None and attempts >= FEWEST_ATTEMPTS and rate < LOWEST_SUCCESS_RATE
        return poor or self.silent

    @property
    def silent(self) -> bool:
        """Whether nothing but failures came lately. It is tried again once they have faded to less than one."""
        return self.consecutive_failures >= FAILURES_IN_A_ROW and self.failures >= 1

    @property
    def penalty(self) -> float:
        """What its failures take off the chance of a good answer, 0..1. One failure among few attempts is no proof."""
        return self.failures / (self.successes + self.failures + 2.0)

    @property
    def telling(self) -> bool:
        """Whether there is enough of it to be told to everybody."""
        return self.total_successes + self.total_failures >= FEWEST_TOLD

    @property
    def mean_latency_ms(self) -> float | None:
        return sum(self.latencies_ms) / len(self.latencies_ms) if self.latencies_ms else None

    def latency_s(self) -> tuple[float, ...]:
        """At `PERCENTILES`; NaN where nothing is known."""
        return tuple(value / 1000 for value in _percentiles(self.latencies_ms))

    def tokens_per_s(self) -> tuple[float, ...]:
        """At `PERCENTILES` of the slowest: p90 is what nine in ten answers reach."""
        return tuple(-value for value in _percentiles([-rate for rate in self.rates]))


class Health:
    """By endpoint (model id and provider). `clock` counts seconds. Owned by one event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._endpoints: dict[Endpoint, EndpointHealth] = {}
        # Of a provider only this counts as a failure: that it could not be reached at all.
        self._providers: dict[str, EndpointHealth] = {}
        self.version = 0

    def observe(self, attempts: Sequence[Attempt], completion_tokens: int = 0, duration_ms: float = 0.0) -> None:
        """Counts each attempt. The last, where it succeeded, produced `completion_tokens` in `duration_ms`.

        A refusal that blames the request says nothing against the endpoint, so it counts as the answer it is. What was
        never sent says nothing at all.
        """
        for attempt in attempts:
            if not attempt.unsent:
                self._count(attempt)
        if attempts and attempts[-1].error is None and completion_tokens >= FEWEST_TOKENS and duration_ms > 0:
            last = self._endpoints[attempts[-1].model_id, attempts[-1].provider]
            last.rates.append(1000 * completion_tokens / duration_ms)

    def _count(self, attempt: Attempt) -> None:
        key, now = (attempt.model_id, attempt.provider), self._clock()
        found = self._endpoints.get(key)
        if found is None:
            if len(self._endpoints) >= MOST_ENDPOINTS:
                self._endpoints.clear()
            found = self._endpoints[key] = EndpointHealth(updated_at=now)
        found.count(now, failed=attempt.failed)
        self.version += 1
        if attempt.error is None:
            found.latencies_ms.append(attempt.latency_ms)
        reach = self._providers.get(attempt.provider)
        if attempt.unreachable and reach is None:
            reach = self._providers[attempt.provider] = EndpointHealth(updated_at=now)
        if reach is not None:
            reach.count(now, failed=attempt.unreachable)

    def out_of_reach(self) -> list[str]:
        """The providers that none of the latest calls could reach: their other endpoints will fail alike."""
        now = self._clock()
        for reach in self._providers.values():
            reach.decay(now)
        return [provider for provider, reach in self._providers.items() if reach.silent]

    def of(self, model_id: str, provider: str) -> EndpointHealth | None:
        """As of now; None where it was never tried."""
        found = self._endpoints.get((model_id, provider))
        if found is not None:
            found.decay(self._clock())
        return found

    def glance(self, model_id: str, provider: str) -> EndpointHealth | None:
        """As `of`, from any thread: nothing is changed by looking."""
        found = self._endpoints.get((model_id, provider))
        if found is not None:
            found = copy(found)
            found.decay(self._clock())
        return found

    def __iter__(self) -> Iterator[tuple[Endpoint, EndpointHealth]]:
        now = self._clock()
        for endpoint, found in self._endpoints.items():
            found.decay(now)
            yield endpoint, found


def _percentiles(values: Sequence[float] | deque[float]) -> tuple[float, ...]:
    if not values:
        return (math.nan,) * len(PERCENTILES)
    ordered = sorted(values)
    return tuple(ordered[min(len(ordered) - 1, math.ceil(p * len(ordered)) - 1)] for p in PERCENTILES)
