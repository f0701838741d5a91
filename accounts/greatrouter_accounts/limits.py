"""How much is used of what is limited: rules without a clock or a store, which every store applies.

A minute is any sixty seconds in a row, not those from one full minute to the next: whoever may ask fifty times a minute
never gets fifty answers at 12:00:59 and fifty more at 12:01:00. What is taken is counted by the second. What was taken
within second 0 counts until second 61 begins, so of any sixty seconds no more than the limit is ever admitted, and what
was taken is free again after 60 to 61 seconds. A log of every request would free it to the instant, but grows with the
limit; this is at most 61 numbers a limit, small enough for a row that several processes share.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import orjson

from greatrouter_accounts.errors import RateLimited

WINDOW_S = 61  # so many whole seconds hold any sixty seconds in a row
# When somebody's request ends, nobody knows.
WAIT_FOR_A_PLACE_S = 1.0

Kind = Literal["requests", "tokens", "concurrent"]


@dataclass(frozen=True, slots=True)
class Limits:
    """None is no limit."""

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    concurrent_requests: float | None = None

    @property
    def any(self) -> bool:
        return self != NO_LIMITS


NO_LIMITS = Limits()
Limited = tuple[tuple[str, Limits], ...]  # meters by name, each with its limits


@dataclass(frozen=True, slots=True)
class Take:
    """Asks several meters for the same, and gets it of all of them or of none."""

    meters: Limited
    requests: int = 0
    places: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Give:
    """Gives back `places` that `owner` took, and `tokens` more (or, below zero, fewer) than were taken in `second`."""

    names: Sequence[str]
    owner: str = ""
    places: int = 0
    tokens: int = 0
    second: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left of a limit of so many a minute, and in how many seconds all of it will be."""

    limit: float
    left: float
    reset_s: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken, when and by whom, and how each meter then stood, None where there is no such limit."""

    second: int
    owner: str
    requests: Sequence[Standing | None]
    tokens: Sequence[Standing | None]


class Window:
    """What was taken in the last minute, by the second in which it was."""

    __slots__ = ("_taken", "total")

    def __init__(self, taken: Sequence[tuple[int, int]] = ()) -> None:
        self._taken = dict(taken)  # the oldest first
        self.total = sum(self._taken.values())

    def __iter__(self) -> "zip[tuple[int, int]]":
        return zip(self._taken.keys(), self._taken.values(), strict=True)

    @property
    def newest(self) -> int:
        return next(reversed(self._taken), 0)

    def forget(self, second: int) -> None:
        """Whatever is over in `second`, and what was counted more than a minute after it, by a clock that was wrong."""
        while self.newest > second + WINDOW_S:
            self.total -= self._taken.popitem()[1]
        while self._taken and (oldest := next(iter(self._taken))) <= second - WINDOW_S:
            self.total -= self._taken.pop(oldest)

    def add(self, second: int, amount: int) -> None:
        """`second` is not before any other."""
        if amount:
            self._taken[second] = self._taken.get(second, 0) + amount
            self.total += amount

    def correct(self, second: int, amount: int, now: int) -> None:
        """Where what was taken in `second` counts no more, what it was short of counts from `now`, for it was taken
        since; and what was too much does not."""
        known = self._taken.get(second)
        if known is not None:
            amount = max(amount, -known)
            self._taken[second] = known + amount
            self.total += amount
        elif amount > 0:
            self.add(now, amount)

    def wait_s(self, second: int, room: float) -> float:
        """How long until `room` or more is left of what was taken."""
        left = self.total
        for then, amount in self._taken.items():
            left -= amount
            if left <= room:
                return then + WINDOW_S - second
        return 0.0

    def standing(self, limit: float | None, second: int) -> Standing | None:
        if limit is None:
            return None
        reset_s = self.newest + WINDOW_S - second if self.total else 0
        return Standing(limit, max(0.0, limit - self.total), reset_s)


@dataclass(slots=True)
class Meter:
    """What one key or organization uses; `places` are its requests under way, by the process that runs them."""

    requests: Window = field(default_factory=Window)
    tokens: Window = field(default_factory=Window)
    places: dict[str, int] = field(default_factory=dict)

    def second(self, now: float) -> int:
        """The second to count in. It goes back by no less than a minute, for one that clocks disagree about must not be
        counted short."""
        for window in (self.requests, self.tokens):
            window.forget(int(now))
        second = max(int(now), self.requests.newest, self.tokens.newest)
        for window in (self.requests, self.tokens):
            window.forget(second)
        return second

    @property
    def idle(self) -> bool:
        return not (self.requests.total or self.tokens.total or self.places)


def take(meters: Mapping[str, Meter], asked: Take, now: float, owner: str) -> Taken | RateLimited:
    """Takes all that is asked for, or says which limit makes the caller wait longest."""
    refusals = []
    known = [(name, limits, meters[name]) for name, limits in asked.meters]
    second = max((meter.second(now) for _, _, meter in known), default=int(now))
    for name, limits, meter in known:
        meter.second(second)
        refusals += _refusals(name, meter, limits, asked, second)
    if refusals:
        return max(refusals, key=lambda refusal: refusal.wait_s)
    for _, limits, meter in known:
        if limits.requests_per_minute is not None:
            meter.requests.add(second, asked.requests)
        if limits.tokens_per_minute is not None:
            meter.tokens.add(second, asked.tokens)
        if limits.concurrent_requests is not None and asked.places:
            meter.places[owner] = meter.places.get(owner, 0) + asked.places
    return Taken(
        second,
        owner,
        [meter.requests.standing(limits.requests_per_minute, second) for _, limits, meter in known],
        [meter.tokens.standing(limits.tokens_per_minute, second) for _, limits, meter in known],
    )


def give(meters: Mapping[str, Meter], given: Give, now: float) -> None:
    for name in given.names:
        meter = meters[name]
        if given.tokens:
            meter.tokens.correct(given.second, given.tokens, meter.second(now))
        if given.places and given.owner in meter.places:
            meter.places[given.owner] -= given.places
            if meter.places[given.owner] <= 0:
                del meter.places[given.owner]


def _refusals(name: str, meter: Meter, limits: Limits, asked: Take, second: int) -> list[RateLimited]:
    found = []
    windows: tuple[tuple[Kind, Window, float | None, int], ...] = (
        ("requests", meter.requests, limits.requests_per_minute, asked.requests),
        ("tokens", meter.tokens, limits.tokens_per_minute, asked.tokens),
    )
    for kind, window, limit, amount in windows:
        if limit is not None and amount and window.total + amount > limit:
            wait_s = window.wait_s(second, limit - amount) if amount <= limit else float("inf")
            standing = window.standing(limit, second)
            found.append(RateLimited(kind, name, limit, amount, wait_s, standing))
    limit = limits.concurrent_requests
    if limit is not None and asked.places and sum(meter.places.values()) + asked.places > limit:
        found.append(RateLimited("concurrent", name, limit, asked.places, WAIT_FOR_A_PLACE_S))
    return found


def written(meter: Meter) -> str:
    """A meter as a store keeps it."""
    return orjson.dumps([list(meter.requests), list(meter.tokens), meter.places]).decode()


def read(state: str) -> Meter:
    """Of an empty one nothing is kept."""
    if not state:
        return Meter()
    requests, tokens, places = orjson.loads(state)
    return Meter(Window(requests), Window(tokens), places)
