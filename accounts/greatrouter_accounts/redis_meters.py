"""Meters in Redis: counted by scripts (`redis_scripts.py`), each of which Redis runs whole before anything else.

A meter is one hash: `r<second>` and `t<second>` are the requests and tokens taken in a second, `c<process>` its
requests under way. A process says again and again that it lives; the places of one that does not are nobody's.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from greatrouter_accounts.errors import CounterFailed, RateLimited, StoreFailed
from greatrouter_accounts.ids import uuid7
from greatrouter_accounts.limits import WINDOW_S, Give, Kind, Limits, Standing, Take, Taken
from greatrouter_accounts.redis_scripts import GIVE, GIVE_SHA, TAKE, TAKE_SHA

log = logging.getLogger("greatrouter")

PREFIX = "greatrouter:"
# A round trip takes 0.2 ms, and everyone who is limited waits for the one that is under way.
TIMEOUT_S = 1.0
# Who asks a Redis that did not answer in time is refused at once for so long, before it is tried again.
STALLED_S = 1.0
FORGOTTEN_S = 86_400
KINDS: tuple[Kind, ...] = ("requests", "tokens", "concurrent")


class RedisMeters:
    """`commit` and `renew` may run on a thread each. `clock` counts seconds for all processes alike; None is Redis's
    own.

    Of scripts whose answer was lost nobody knows whether they ran, or will. So the process goes on under a new name
    that has the places which it knows of, and those of its old name are nobody's.
    """

    def __init__(self, url: str, lease: timedelta, clock: Callable[[], float] | None = None) -> None:
        self.name = uuid7("own_")
        self._lease_ms = int(lease.total_seconds() * 1000)
        self._clock = clock
        try:
            self._redis = redis.Redis.from_url(
                url,
                socket_timeout=TIMEOUT_S,
                socket_connect_timeout=TIMEOUT_S,
                retry=Retry(NoBackoff(), 0),  # what may have run must not run once more
            )
        except ValueError:  # whose words may quote a part of the password
            raise StoreFailed("redis_url is no address of a Redis; expected redis://HOST:PORT/0") from None
        self.place = _place(self._redis)
        self._failing = False
        self._stalled_until = float("-inf")
        self._outage = threading.Lock()
        self._mine: Counter[str] = Counter()  # the places that this process has, by their meters
        self._known = False  # whether Redis knows the scripts, this process by its name, and its places

    def commit(self, operations: Sequence[Take | Give]) -> Sequence[Any]:
        """One round trip for all of them, in order. Raises `CounterFailed`."""
        try:
            return self._tried(operations)
        except CounterFailed as failure:
            if not isinstance(failure.__cause__, redis.exceptions.NoScriptError):
                raise
            return self._tried(operations)  # Redis was emptied: nothing ran

    def _tried(self, operations: Sequence[Take | Give]) -> Sequence[Any]:
        known, self._known = self._known, False
        with self._answering(), self._redis.pipeline(transaction=False) as pipeline:
            said = 0 if known else self._introduce(pipeline)
            for operation in operations:
                self._ask(pipeline, operation)
            answers = pipeline.execute()[said:]
        self._known = True
        results = [_result(each, self.name, answer) for each, answer in zip(operations, answers, strict=True)]
        for operation, result in zip(operations, results, strict=True):
            self._note(operation, result)
        return results

    def _introduce(self, pipeline: Any) -> int:
        """How many answers that takes."""
        former, self.name = self.name, uuid7("own_")
        for script in (TAKE, GIVE):
            pipeline.script_load(script)
        pipeline.set(_process(self.name), 1, px=self._lease_ms)
        pipeline.delete(_process(former))
        for name, places in self._mine.items():
            pipeline.hset(_meter(name), f"c{self.name}", places)
            pipeline.hdel(_meter(name), f"c{former}")
        return 4 + 2 * len(self._mine)

    def _note(self, operation: Take | Give, result: object) -> None:
        if isinstance(operation, Give):
            self._count(operation.names, -operation.places)
        elif isinstance(result, Taken):
            counted = [name for name, limits in operation.meters if limits.concurrent_requests is not None]
            self._count(counted, operation.places)

    def _count(self, names: Sequence[str], places: int) -> None:
        for name in names:
            self._mine[name] += places
            if self._mine[name] <= 0:
                del self._mine[name]

    def renew(self) -> None:
        """Never raises: the log is told, and whoever asks for something next."""
        self.answers()

    def answers(self) -> bool:
        """Whether Redis does, tried now."""
        with suppress(CounterFailed), self._answering():
            self._redis.set(_process(self.name), 1, px=self._lease_ms)
            return True
        return False

    def close(self) -> None:
        with suppress(redis.RedisError):
            self._redis.delete(_process(self.name))
        self._redis.close()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Raises `CounterFailed` where Redis does not answer; the log is told once of an outage, and of its end."""
        problem = f"the {self.place} of redis_url, which counts the limits, failed"
        if time.monotonic() < self._stalled_until:
            raise CounterFailed(f"{problem} a moment ago (it does not answer): check that it runs")
        try:
            yield
        except redis.RedisError as error:
            if isinstance(error, redis.TimeoutError):
                self._stalled_until = time.monotonic() + STALLED_S
            problem = f"{problem} ({error}): check that it runs"
            with self._outage:
                if not self._failing:
                    log.warning("%s; until it answers nobody who is limited is let in", problem)
                self._failing = True
            raise CounterFailed(problem) from error
        with self._outage:
            if self._failing:
                log.warning("the %s, which counts the limits, answers again", self.place)
            self._failing = False

    def _ask(self, pipeline: Any, operation: Take | Give) -> None:
        clock = "" if self._clock is None else self._clock()
        if isinstance(operation, Give):
            keys = [_meter(name) for name in operation.names]
            given = (self.name, operation.places, operation.tokens, operation.second, WINDOW_S, clock)
            pipeline.evalsha(GIVE_SHA, len(keys), *keys, *given)
            return
        keys = [_meter(name) for name, _ in operation.meters]
        fixed = (WINDOW_S, FORGOTTEN_S, self.name, self._lease_ms, f"{PREFIX}process:", clock)
        asked = (operation.requests, operation.tokens, operation.places)
        limits = ["" if each is None else each for _, limits in operation.meters for each in _limits(limits)]
        pipeline.evalsha(TAKE_SHA, len(keys), *keys, *fixed, *asked, *limits)


def _meter(name: str) -> str:
    return f"{PREFIX}meter:{name}"


def _process(name: str) -> str:
    return f"{PREFIX}process:{name}"


def _place(client: "redis.Redis") -> str:
    """As it may be named to anyone."""
    known = client.connection_pool.connection_kwargs
    where = known.get("path") or f"{known.get('host', 'localhost')}:{known.get('port', 6379)}"
    return f"Redis at {where}/{known.get('db', 0)}"


def _limits(limits: Limits) -> tuple[float | None, float | None, float | None]:
    return limits.requests_per_minute, limits.tokens_per_minute, limits.concurrent_requests


def _result(operation: Take | Give, owner: str, answer: Any) -> Taken | RateLimited | None:
    if isinstance(operation, Give):
        return None
    meter, kind, wait_s, second, *counts = answer
    standings = [
        _standings(limits, counts[4 * place : 4 * place + 4], second)
        for place, (_, limits) in enumerate(operation.meters)
    ]
    if not meter:
        requests, tokens = zip(*standings, strict=True) if standings else ((), ())
        return Taken(second, owner, requests, tokens)
    name, limits = operation.meters[meter - 1]
    limit = _limits(limits)[kind - 1]
    assert limit is not None  # it refused
    asked = (operation.requests, operation.tokens, operation.places)[kind - 1]
    standing = (*standings[meter - 1], None)[kind - 1]
    wait = float("inf") if wait_s < 0 else float(wait_s)
    return RateLimited(KINDS[kind - 1], name, limit, asked, wait, standing)


def _standings(limits: Limits, counts: Sequence[int], second: int) -> tuple[Standing | None, Standing | None]:
    requests, newest_request, tokens, newest_tokens = counts
    return (
        _standing(limits.requests_per_minute, requests, newest_request, second),
        _standing(limits.tokens_per_minute, tokens, newest_tokens, second),
    )


def _standing(limit: float | None, total: int, newest: int, second: int) -> Standing | None:
    if limit is None:
        return None
    return Standing(limit, max(0.0, limit - total), newest + WINDOW_S - second if total else 0)
