"""One model's thread: it takes batches from the queue and hands each result to whoever waits for it."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from greatrouter_serving.errors import InferenceFailed, ServingError
from greatrouter_serving.local.backend import Backend
from greatrouter_serving.local.queue import Queue, Work


class Ticket:
    """A caller's texts and the future that resolves to their results, in the caller's order."""

    def __init__(self, works: Sequence[Work]) -> None:
        self.works = works
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[list[Any]] = self.loop.create_future()
        self._results: dict[Work, Any] = {}

    def settle(self, results: Sequence[tuple[Work, Any]]) -> None:
        """Runs on the caller's loop."""
        self._results.update(results)
        if len(self._results) == len(self.works) and not self.future.done():
            self.future.set_result([self._results[work] for work in self.works])

    def fail(self, error: ServingError) -> None:
        """Runs on the caller's loop."""
        if not self.future.done():
            self.future.set_exception(error)


class Worker:
    """Owns a model's queue and the only thread that runs its batches.

    Every batch is a job of a one-thread executor. The executor's future holds whatever the batch raised, so nothing a
    backend does can end the thread, and a failed batch fails the callers in it and nobody else.
    """

    def __init__(self, name: str, backend: Backend, queue: Queue, clock: Callable[[], float]) -> None:
        self._name = name
        self._backend = backend
        self._queue = queue
        self._clock = clock
        self._lock = threading.Lock()
        self._tickets: dict[Work, Ticket] = {}
        self._busy = False
        self._closed = False
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"model-{name}")

    def check_room(self) -> None:
        """Raises Overloaded where new work would be refused: ask before doing anything costly for it."""
        with self._lock:
            self._queue.check_room()

    async def run(self, works: Sequence[Work]) -> list[Any]:
        """The result of each text, in order. Raises Overloaded, or the error of the batch that any of them was in."""
        if not works:
            return []
        ticket = Ticket(works)
        with self._lock:
            self._check_open()
            self._queue.submit(works, self._clock())
            self._tickets.update((work, ticket) for work in works)
            if not self._busy:
                self._busy = True
                self._executor.submit(self._next_batch)
        try:
            return await ticket.future
        finally:
            self._forget(works)  # does nothing unless the caller left or a batch failed

    def close(self) -> None:
        """Fails what waits, lets the running batch end and joins the thread: call it from a thread of its own."""
        with self._lock:
            self._closed = True
            stranded = list(self._tickets.values())
            self._queue.cancel(self._tickets)
            self._tickets.clear()
        for ticket in dict.fromkeys(stranded):
            self._tell(ticket, ticket.fail, InferenceFailed(f"model {self._name} was closed; send the request again"))
        self._executor.shutdown(wait=True)
        self._backend.close()

    def _check_open(self) -> None:
        if self._closed:
            raise InferenceFailed(f"model {self._name} is closing; send the request again")

    def _forget(self, works: Sequence[Work]) -> None:
        with self._lock:
            self._queue.cancel(works)
            for work in works:
                self._tickets.pop(work, None)

    def _next_batch(self) -> None:
        """Runs in the model's thread, so the batch it submits starts only after the callback is in place."""
        with self._lock:
            batch = [] if self._closed else self._queue.take(self._clock())
            self._busy = bool(batch)
            if batch:
                # Under the lock: close() must not shut the executor down in between.
                job = self._executor.submit(self._run_batch, batch)
                job.add_done_callback(lambda done: self._deliver(batch, done))

    def _run_batch(self, batch: Sequence[Work]) -> list[Any]:
        started_s = self._clock()
        encoded = self._backend.forward([work.ids for work in batch], any(work.reduce for work in batch))
        results = []
        for row, work in enumerate(batch):
            vector = encoded.pooled[row]
            results.append(work.reduce(vector, encoded.tokens[row]) if work.reduce and encoded.tokens else vector)
        with self._lock:
            self._queue.finished(sum(work.length for work in batch), self._clock() - started_s)
        return results

    def _deliver(self, batch: Sequence[Work], job: Future[list[Any]]) -> None:
        try:
            by_ticket: dict[Ticket, list[tuple[int, Work]]] = {}
            with self._lock:
                for row, work in enumerate(batch):
                    ticket = self._tickets.pop(work, None)
                    if ticket is not None:
                        by_ticket.setdefault(ticket, []).append((row, work))
            error = job.exception()
            for ticket, rows in by_ticket.items():
                if error is None:
                    self._tell(ticket, ticket.settle, [(work, job.result()[row]) for row, work in rows])
                else:
                    self._tell(ticket, ticket.fail, self._ours(error, len(batch)))
        finally:
            self._next_batch()

    def _ours(self, error: BaseException, texts: int) -> ServingError:
        """A fresh exception for each caller: one instance raised in several tasks would mix their tracebacks."""
        ours = InferenceFailed(f"model {self._name} failed on a batch of {texts} texts: {error}")
        ours.__cause__ = error
        return ours

    def _tell(self, ticket: Ticket, deliver: Callable[[Any], None], outcome: object) -> None:
        try:
            ticket.loop.call_soon_threadsafe(deliver, outcome)
        except RuntimeError:
            self._forget(ticket.works)  # that event loop is closed: nobody is left to tell
