"""Who counts what is limited: this process alone, or all that share a database or a Redis."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Protocol

from greatrouter_accounts.errors import RateLimited, StoreFailed
from greatrouter_accounts.limits import Give, Meter, Take, Taken, give, take
from greatrouter_accounts.store import Owner, Store
from greatrouter_accounts.writer import Writer

IN_THIS_PROCESS, IN_THE_DATABASE = "in this process", "in the accounts database"
# Meters that nobody uses any more are forgotten when there are so many.
KEPT = 10_000


class Meters(Protocol):
    """`place` is where it is counted, as it may be named to anyone."""

    @property
    def place(self) -> str: ...

    async def take(self, asked: Take) -> Taken:
        """Raises `RateLimited`, and `StoreFailed` where nobody can be asked."""

    def give(self, given: Give) -> None:
        """Does not wait, so that it also works while a request is being cancelled."""

    async def settled(self) -> None:
        """Waits until what was given back before is there for others. Raises `StoreFailed` where nobody can be asked;
        it is given back then as soon as somebody can."""

    def renew(self) -> None:
        """Says that this process lives, and the places that it took are taken."""

    def answers(self) -> bool:
        """Whether it can be asked, tried now."""

    def close(self) -> None: ...


def open_meters(shared: tuple[Store, Owner] | str | None, clock: Callable[[], float], lease: timedelta) -> "Meters":
    """Counted in the accounts database or at the URL of a Redis; None is in the memory of this process, which is then
    the only one."""
    if shared is None:
        return OwnMeters(clock)
    if isinstance(shared, str):
        from greatrouter_accounts.redis_meters import RedisMeters

        redis = RedisMeters(shared, lease)
        return SharedMeters(redis.commit, redis.place, renew=redis.renew, answers=redis.answers, close=redis.close)
    from greatrouter_accounts.meter_rows import MeterRows

    return SharedMeters(MeterRows(*shared).commit, IN_THE_DATABASE)


class OwnMeters:
    """In the memory of the only process there is: 26 us for all that a request takes and gives back. `clock` counts
    seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.place = IN_THIS_PROCESS
        self._clock = clock
        self._meters: defaultdict[str, Meter] = defaultdict(Meter)
        self._most = KEPT

    async def take(self, asked: Take) -> Taken:
        if len(self._meters) >= self._most:
            self._forget()
        found = take(self._meters, asked, self._clock(), "")
        if isinstance(found, RateLimited):
            raise found
        return found

    def give(self, given: Give) -> None:
        give(self._meters, given, self._clock())

    async def settled(self) -> None:
        """It is at once."""

    def renew(self) -> None:
        """Nobody else asks."""

    def answers(self) -> bool:
        return True

    def close(self) -> None:
        """There is nothing to keep."""

    def _forget(self) -> None:
        now = self._clock()
        for meter in self._meters.values():
            meter.second(now)
        self._meters = defaultdict(Meter, {name: meter for name, meter in self._meters.items() if not meter.idle})
        self._most = max(KEPT, 2 * len(self._meters))  # so that looking at all of them stays rare


class SharedMeters:
    """Asked on a thread of its own, for all requests that wait at once: `commit` takes what they ask for and give back,
    in order, and returns a result for each. Where it failed, what it may have counted is put right by the next."""

    def __init__(
        self,
        commit: Callable[[Sequence[Take | Give]], Sequence[Any]],
        place: str,
        *,
        renew: Callable[[], None] = lambda: None,
        answers: Callable[[], bool] = lambda: True,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._commit = commit
        self._renew = renew
        self._close = close
        self._in_doubt = self._counting_again = False
        self.place = place
        self.answers = answers
        self._writer = Writer(self._tried, "accounts-limits", late=self._undo)

    async def take(self, asked: Take) -> Taken:
        taking: asyncio.Task[Taken] = asyncio.ensure_future(self._writer.submit(asked))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:  # it may be taken all the same
            taking.add_done_callback(lambda done: self._left(asked, done))
            raise

    def give(self, given: Give) -> None:
        self._writer.post(given)

    def renew(self) -> None:
        """After a failure it also has counted again what this process uses, which nobody else may come to ask for."""
        self._renew()
        if self._in_doubt and not self._counting_again and self.answers():
            self._counting_again = True
            with suppress(StoreFailed):  # closed
                self._writer.post(Give(()))

    async def settled(self) -> None:
        await self._writer.submit(Give(()))  # behind the others in the queue

    def close(self) -> None:
        self._writer.close()
        self._close()

    def _tried(self, operations: Sequence[Take | Give]) -> Sequence[Any]:
        self._in_doubt = True
        results = self._commit(operations)
        self._in_doubt = self._counting_again = False
        return results

    def _left(self, asked: Take, done: "asyncio.Task[Taken]") -> None:
        if not done.cancelled() and done.exception() is None:
            self._undo(asked, done.result())

    def _undo(self, asked: Take | Give, taken: Any) -> None:
        """Gives back what was taken for somebody who does not wait any more."""
        if not isinstance(asked, Take) or not isinstance(taken, Taken):
            return
        names = [name for name, _ in asked.meters]
        with suppress(StoreFailed):  # closed: what an ended process had is nobody's
            self.give(Give(names, taken.owner, asked.places, -asked.tokens, taken.second))
