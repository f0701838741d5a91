"""What organizations say of their classifications, kept in accounts and turned into their overlays at once."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from greatrouter_accounts.errors import AccountsError
from greatrouter_classifier.classification import Task
from greatrouter_classifier.overlay import CAPACITY, Overlay, lesson_of

log = logging.getLogger("greatrouter")

# What another process accepted is seen here after so long: one query a second for each organization that is busy.
FRESH_S = 1.0
# Rows are committed a little out of the order of their timestamps: what is this much older is read again.
OVERLAP = timedelta(seconds=5)
MAX_ORGANIZATIONS = 10_000
# 10 KB each, and 1.5 KB more once the encoder has read it.
MAX_LESSONS = 50_000

Row = Mapping[str, Any]


class FeedbackStore(Protocol):
    """What is needed of accounts. A row has the columns of its table of feedback."""

    async def record_feedback(self, row: dict[str, Any]) -> str:
        """The id of the row, on disk when this returns."""
        ...

    def feedback(self, organization_id: str, limit: int, since: str | None = None) -> Sequence[Row]:
        """The newest `limit` rows of an organization whose timestamp is not before `since`. Blocks: reads the disk."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """`said` is what the prompt was classified as, `confidence` how surely, `suggested` what it should have been."""

    prompt: str
    correct: bool
    said: Task | None = None
    suggested: Task | None = None
    confidence: float | None = None


@dataclass(slots=True)
class _Shelf:
    """One organization's overlay as of `read_at`; the last row's timestamp (`newest`), the last rows' ids (`read`)."""

    overlay: Overlay = field(default_factory=Overlay)
    read_at: float | None = None
    newest: str | None = None
    read: frozenset[str] = frozenset()
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class FeedbackDesk:
    """Owned by one event loop. `clock` counts seconds."""

    def __init__(
        self,
        store: FeedbackStore,
        clock: Callable[[], float],
        *,
        max_organizations: int = MAX_ORGANIZATIONS,
        max_lessons: int = MAX_LESSONS,
    ) -> None:
        self._store = store
        self._clock = clock
        self._max_organizations = max_organizations
        self._max_lessons = max_lessons
        self._shelves: OrderedDict[str, _Shelf] = OrderedDict()

    async def accept(self, organization_id: str, verdict: Verdict) -> str:
        """The id it is recorded under; the organization's next prompt sees its effect. Raises `AccountsError`."""
        shelf = self._shelf(organization_id)
        async with shelf.lock:
            feedback_id = await self._store.record_feedback(
                {
                    "organization_id": organization_id,
                    "prompt": verdict.prompt,
                    "classified_task": verdict.said,
                    "correct": verdict.correct,
                    "confidence": None if verdict.confidence is None else f"{verdict.confidence:.4f}",
                    "suggested_task": verdict.suggested,
                }
            )
            _learn(shelf.overlay, verdict)
        self._make_room()
        return feedback_id

    async def overlay(self, organization_id: str) -> Overlay | None:
        """What the organization taught; None where that is nothing. Waits for the disk at most once a second.

        Where the disk cannot be read, what was known before still holds.
        """
        shelf = self._shelves.get(organization_id) or self._shelf(organization_id)
        if shelf.read_at is None or self._clock() - shelf.read_at >= FRESH_S:
            self._shelves.move_to_end(organization_id)
            # Whoever comes while another reads takes what there is, unless there is nothing yet.
            if shelf.read_at is None or not shelf.lock.locked():
                await self._refresh(organization_id, shelf)
        return shelf.overlay or None

    async def _refresh(self, organization_id: str, shelf: _Shelf) -> None:
        async with shelf.lock:
            now = self._clock()
            if shelf.read_at is not None and now - shelf.read_at < FRESH_S:
                return
            try:
                learned = await asyncio.to_thread(self._read, organization_id, shelf)
            except AccountsError as error:
                log.warning("the feedback of %s cannot be read, so its prompts go without: %s", organization_id, error)
                learned = False
            shelf.read_at = now
        if learned:
            self._make_room()

    def _read(self, organization_id: str, shelf: _Shelf) -> bool:
        """Learns what is new, oldest first; whether anything was. 60 us a row: in a thread."""
        since = None if shelf.newest is None else _before(shelf.newest)
        rows = self._store.feedback(organization_id, CAPACITY, since)
        rows = sorted(rows, key=lambda row: (row["timestamp"], row["id"]))
        ids = frozenset(row["id"] for row in rows)
        if ids <= shelf.read:
            return False
        # All of them, though some are known: what was said last of a prompt must be learned last.
        for row in rows:
            _learn(shelf.overlay, _verdict(row))
        shelf.newest, shelf.read = rows[-1]["timestamp"], ids
        return True

    def _shelf(self, organization_id: str) -> _Shelf:
        shelf = self._shelves.setdefault(organization_id, _Shelf())
        self._shelves.move_to_end(organization_id)
        if len(self._shelves) > self._max_organizations:
            self._shelves.popitem(last=False)
        return shelf

    def _make_room(self) -> None:
        """The organizations that were longest away go; their next prompt reads their feedback again."""
        lessons = sum(len(shelf.overlay) for shelf in self._shelves.values())
        while lessons > self._max_lessons and len(self._shelves) > 1:
            _, gone = self._shelves.popitem(last=False)
            lessons -= len(gone.overlay)


def _learn(overlay: Overlay, verdict: Verdict) -> None:
    lesson = lesson_of(verdict.said, verdict.suggested, correct=verdict.correct)
    if lesson is not None:
        overlay.learn(verdict.prompt, lesson)


def _before(timestamp: str) -> str:
    return (datetime.fromisoformat(timestamp) - OVERLAP).isoformat(timespec="milliseconds")


def _verdict(row: Row) -> Verdict:
    return Verdict(row["prompt"], bool(row["correct"]), _task(row["classified_task"]), _task(row["suggested_task"]))


def _task(name: str | None) -> Task | None:
    """A row of another version may name a task that this one does not know."""
    return Task(name) if name in tuple(Task) else None
