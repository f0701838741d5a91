"""Which texts go through a model together, and when a model has enough to do."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Any

from greatrouter_serving.errors import Overloaded
from greatrouter_serving.local.backend import Floats, Ids

# A CPU core does some 4,000 tokens/s of a MiniLM; half of that until the first batches have been timed.
ASSUMED_TOKENS_PER_S = 2_000.0


class Tier(IntEnum):
    """The order in which work is taken. Probes are one text each and are never refused."""

    PROBE = 0
    REALTIME = 1
    BATCH = 2


class State(Enum):
    NEW = "new"
    PENDING = "pending"
    TAKEN = "taken"
    CANCELLED = "cancelled"


@dataclass(slots=True, eq=False)
class Work:
    """One text to encode. `reduce(vector, tokens)` makes its result; without one the result is the vector alone."""

    ids: Ids
    tier: Tier = Tier.REALTIME
    reduce: Callable[[Floats, Floats], Any] | None = None
    state: State = field(default=State.NEW, init=False)
    order: int = field(default=-1, init=False)
    queued_s: float = field(default=0.0, init=False)

    @property
    def length(self) -> int:
        return len(self.ids)


class Queue:
    """Pending work of one model. Pure: no thread, no clock; the owner passes the time in and holds a lock.

    A batch starts with the oldest text and is filled with those nearest to it in length while it holds at most
    `padded_tokens` (texts times longest) and padding adds at most `padding` of the real tokens: on a CPU that decides
    throughput, not the number of texts (mixed lengths: 12 texts/s in batches of 32 as they came, 69 under this rule).
    No text waits for company.

    The batch tier yields, but a text that waited `patience_s` starts every `share`-th batch.
    """

    def __init__(
        self,
        *,
        padded_tokens: int = 1024,
        padding: float = 0.15,
        capacity_tokens: int = 65_536,
        patience_s: float = 5.0,
        share: int = 4,
    ) -> None:
        self._padded_tokens = padded_tokens
        self._padding = padding
        self._capacity_tokens = capacity_tokens
        self._patience_s = patience_s
        self._share = share
        # For each tier: length -> texts of that length, oldest first.
        self._pending: dict[Tier, dict[int, deque[Work]]] = {tier: {} for tier in Tier}
        self._ordered = 0
        self._since_patient = 0
        self._tokens_per_s = ASSUMED_TOKENS_PER_S
        self.waiting_tokens = 0

    def check_room(self) -> None:
        """Raises Overloaded where the backlog has reached the capacity.

        The newcomer's own size does not count: otherwise a request larger than the capacity could never run. So at most
        the capacity and one request wait.
        """
        if self.waiting_tokens >= self._capacity_tokens:
            excess_tokens = self.waiting_tokens - self._capacity_tokens / 2
            raise Overloaded(retry_after_s=max(1.0, excess_tokens / self._tokens_per_s))

    def submit(self, works: Sequence[Work], now_s: float) -> None:
        """Adds all of them or, with Overloaded, none."""
        if any(work.tier is not Tier.PROBE for work in works):
            self.check_room()
        for work in works:
            work.state, work.order, work.queued_s = State.PENDING, self._ordered, now_s
            self._ordered += 1
            self._pending[work.tier].setdefault(work.length, deque()).append(work)
            self.waiting_tokens += work.length

    def cancel(self, works: Iterable[Work]) -> None:
        """Nobody waits for these any more: those not yet taken never run, and stop counting at once."""
        for work in works:
            if work.state is State.PENDING:
                self.waiting_tokens -= work.length
            if work.state is not State.TAKEN:
                work.state = State.CANCELLED

    def take(self, now_s: float) -> list[Work]:
        """The next batch, oldest text first; empty where nothing waits."""
        seed = self._next_seed(now_s)
        if seed is None:
            return []
        batch = [self._pop(seed)]
        longest = real = seed.length
        for tier in Tier:
            for length in sorted(self._pending[tier], key=lambda length: abs(length - seed.length)):
                while (work := self._head(tier, length)) and self._fits(
                    len(batch) + 1, max(longest, length), real + length
                ):
                    batch.append(self._pop(work))
                    longest, real = max(longest, length), real + length
        return batch

    def finished(self, tokens: int, elapsed_s: float) -> None:
        """A batch of `tokens` took `elapsed_s`: the drain rate behind `retry_after_s`, half-life three batches."""
        if elapsed_s > 0:
            self._tokens_per_s += 0.2 * (tokens / elapsed_s - self._tokens_per_s)

    def _fits(self, count: int, longest: int, real: int) -> bool:
        padded = count * longest
        return padded <= self._padded_tokens and padded <= real * (1 + self._padding)

    def _next_seed(self, now_s: float) -> Work | None:
        oldest = {tier: self._oldest(tier) for tier in Tier}
        patient = oldest[Tier.BATCH]
        overdue = patient is not None and now_s - patient.queued_s >= self._patience_s
        self._since_patient += 1
        if overdue and self._since_patient >= self._share and oldest[Tier.PROBE] is None:
            self._since_patient = 0
            return patient
        return next((work for work in oldest.values() if work is not None), None)

    def _oldest(self, tier: Tier) -> Work | None:
        heads = (self._head(tier, length) for length in list(self._pending[tier]))
        return min((work for work in heads if work), key=lambda work: work.order, default=None)

    def _head(self, tier: Tier, length: int) -> Work | None:
        """The oldest text of this length that somebody still waits for."""
        bucket = self._pending[tier].get(length)
        while bucket and bucket[0].state is State.CANCELLED:
            bucket.popleft()
        if bucket:
            return bucket[0]
        self._pending[tier].pop(length, None)
        return None

    def _pop(self, head: Work) -> Work:
        self._pending[head.tier][head.length].popleft()
        self.waiting_tokens -= head.length
        head.state = State.TAKEN
        return head
