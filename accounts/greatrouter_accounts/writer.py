"""The one owner of writes: a thread that takes whatever is waiting and commits it together.

A commit that waits for the disk costs about a millisecond here, so the requests that arrive meanwhile share the next
one (845 commits a second with one each). Nothing is acknowledged before its commit returned.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from greatrouter_accounts.errors import StoreFailed

log = logging.getLogger("greatrouter")

# One commit's share: it keeps the write lock for a few milliseconds and a statement within SQLite's 32,766 variables.
LARGEST_BATCH = 500
# Posted work waits in memory while the disk is full or the database is locked; beyond this many it is dropped.
MOST_WAITING = 100_000
RETRY_S = 1.0
# Whoever waits is told after so long that nothing came of it: longer than either database waits for a lock (10 s).
PATIENCE_S = 15.0
# After a shared commit the next waits until as many wait again, and at most this long, for those who were answered
# together come back together: eight callers in a closed loop share one commit instead of two by turns. Over HTTP, 2 ms
# against 0.5: 1,030 CPU-us a routed request instead of 1,260, and a median of 7.5 ms instead of 9.
SHARE_S = 0.002

Waiter = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]"]


class _Item(NamedTuple):
    work: Any
    waiter: Waiter | None


class _Patience:
    """Tells those who wait in one event loop when it is over: one timer for all of them, for one each took 5 us."""

    def __init__(self, loop: asyncio.AbstractEventLoop, patience_s: float) -> None:
        self.loop = loop
        self._patience_s = patience_s
        self._waiting: deque[tuple[float, asyncio.Future[Any]]] = deque()  # the first to lose patience first
        self._timed = False

    def begin(self, future: "asyncio.Future[Any]") -> None:
        self._forget()
        self._waiting.append((self.loop.time() + self._patience_s, future))
        self._time()

    def _forget(self) -> None:
        while self._waiting and self._waiting[0][1].done():
            self._waiting.popleft()

    def _time(self) -> None:
        if self._waiting and not self._timed:
            self._timed = True
            self.loop.call_at(self._waiting[0][0], self._end)

    def _end(self) -> None:
        self._timed = False
        self._forget()
        wait = f"{self._patience_s:g} s"
        while self._waiting and self._waiting[0][0] <= self.loop.time():
            future = self._waiting.popleft()[1]
            future.set_result(StoreFailed(f"nothing was heard of the accounts database for {wait}; check that it runs"))
            self._forget()
        self._time()


class Writer:
    """Calls `commit(batch)` on its own thread with the work submitted since the last call, in order; `commit` returns
    one result an item, an `AccountsError` for one that is refused.

    Where `commit` raises `StoreFailed` everyone who waits gets it, and what was posted is tried again later. Where it
    raises anything else one of the items is bad: the batch is halved until that item fails alone.
    `gather_s` is how long posted work waits for more to share its commit, unless someone waits for some of it.

    Nobody waits for longer than `patience_s`: then it is `StoreFailed`, too. What was not begun by then is left alone;
    what was begun may go through, and where it does `late` is called with the work and its result.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Any]], Sequence[Any]],
        name: str,
        *,
        gather_s: float = 0.0,
        retry_s: float = RETRY_S,
        most_waiting: int = MOST_WAITING,
        share_s: float = SHARE_S,
        patience_s: float = PATIENCE_S,
        late: Callable[[Any, Any], None] = lambda work, result: None,
    ) -> None:
        self._commit = commit
        self._gather_s = gather_s
        self._retry_s = retry_s
        self._most_waiting = most_waiting
        self._share_s = share_s
        self._patience_s = patience_s
        self._patience: _Patience | None = None  # of the event loop that asked last
        self._late = late
        self._pending: deque[_Item] = deque()
        self._wake = threading.Condition(threading.Lock())
        self._waiting = 0  # how many of the pending items someone waits for
        self._enough = 1  # how many of those the thread is waiting for
        self._pause_s = 0.0
        self._closing = False
        self._dropped = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def submit(self, work: Any) -> Any:
        """Waits until `work` is committed; returns its result or raises its refusal.

        The commit happens whether or not the caller still waits.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._put(_Item(work, (loop, future)))
        if self._patience is None or self._patience.loop is not loop:
            self._patience = _Patience(loop, self._patience_s)
        self._patience.begin(future)
        result = await future
        if isinstance(result, BaseException):
            raise result.with_traceback(None)  # several waiters may raise the same failure
        return result

    def post(self, work: Any) -> None:
        """Submits `work` without waiting for it. Raises `StoreFailed` once closed."""
        self._put(_Item(work, None))

    def close(self) -> None:
        """Commits all that was submitted, then ends the thread."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def _put(self, item: _Item) -> None:
        with self._wake:
            if self._closing:
                raise StoreFailed("the accounts store is closed; the server is shutting down")
            if item.waiter is None and len(self._pending) >= self._most_waiting:
                self._dropped += 1
                return
            self._pending.append(item)
            self._waiting += item.waiter is not None
            if item.waiter is not None:
                wakes = self._waiting == self._enough
            else:
                wakes = len(self._pending) == 1 == self._enough
            if wakes or len(self._pending) == LARGEST_BATCH:
                self._wake.notify()

    @property
    def _full(self) -> bool:
        return len(self._pending) >= LARGEST_BATCH

    # -- the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while taken := self._take():
            batch = [each for each in taken if not (each.waiter and each.waiter[1].done() and _told(each.waiter[1]))]
            if not batch:
                continue
            results = self._results(batch)
            # First: whoever is answered may close at once, and what is kept then is not lost.
            self._keep(batch, results)
            self._deliver(batch, results)
            if 1 < (waited := sum(item.waiter is not None for item in batch)) < LARGEST_BATCH:
                self._come_back(waited)

    def _come_back(self, many: int) -> None:
        with self._wake:
            self._enough = many
            self._wake.wait_for(lambda: self._waiting >= many or self._full or self._closing, self._share_s)
            self._enough = 1

    def _take(self) -> list[_Item]:
        """The next batch, waiting for it; empty when closed and all is done."""
        with self._wake:
            self._wake.wait_for(lambda: self._pending or self._closing)
            if self._pause_s:
                self._wake.wait_for(lambda: self._waiting or self._closing, self._pause_s)
            elif not self._waiting:
                self._wake.wait_for(lambda: self._waiting or self._full or self._closing, self._gather_s)
            batch = [self._pending.popleft() for _ in range(min(LARGEST_BATCH, len(self._pending)))]
            self._waiting -= sum(item.waiter is not None for item in batch)
            return batch

    def _results(self, batch: Sequence[_Item]) -> Sequence[Any]:
        try:
            results = self._commit([item.work for item in batch])
        except StoreFailed as error:
            return [error] * len(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to the waiters; a dead writer would hang them all
            if len(batch) == 1:
                return [error]
            middle = len(batch) // 2
            return [*self._results(batch[:middle]), *self._results(batch[middle:])]
        return results

    def _deliver(self, batch: Sequence[_Item], results: Sequence[Any]) -> None:
        """One call into each event loop for all of its waiters."""
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any, Any]]] = {}
        for item, result in zip(batch, results, strict=True):
            if item.waiter:
                loop, future = item.waiter
                by_loop.setdefault(loop, []).append((future, result, item.work))
        for loop, answers in by_loop.items():
            with suppress(RuntimeError):  # that loop is closed: nobody waits there any more
                loop.call_soon_threadsafe(self._resolve, answers)

    def _resolve(self, answers: Sequence[tuple[asyncio.Future[Any], Any, Any]]) -> None:
        for future, result, work in answers:
            if not future.done():
                future.set_result(result)
            elif _told(future):
                self._late(work, result)

    def _keep(self, batch: Sequence[_Item], results: Sequence[Any]) -> None:
        """Puts posted work that met a failing store back into the queue, and tells the log what was lost."""
        failed = [(i, r) for i, r in zip(batch, results, strict=True) if i.waiter is None and isinstance(r, Exception)]
        kept = [item for item, result in failed if isinstance(result, StoreFailed)]
        with self._wake:
            self._pause_s = self._retry_s if kept else 0.0
            self._pending.extend(kept)  # behind those who wait: they must hear of the failure
            if kept and self._closing:
                waited = [item for item in self._pending if item.waiter]
                self._dropped += len(self._pending) - len(waited)
                self._pending = deque(waited)
            lost, self._dropped = self._dropped, 0
        for _, result in failed:
            if not isinstance(result, StoreFailed):
                log.warning("%s: one row was not stored: %s", self._thread.name, result)
        if lost:
            log.error("%s: %d rows are lost because the database could not be written", self._thread.name, lost)


def _told(future: "asyncio.Future[Any]") -> bool:
    """Whether its caller heard already, before any result, that nothing came of it."""
    return future.done() and not future.cancelled()
