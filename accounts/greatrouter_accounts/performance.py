"""How a model did lately, over everyone's requests: success rate and latency by the hour and by the day.

Nothing here says how many requests there were or whose they were.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, false, func, or_, select

from greatrouter_accounts.clock import moment_text
from greatrouter_accounts.schema import activity, failed_attempts, organizations
from greatrouter_accounts.store import Store

# The name of a window, its length, and how many of them there are up to now.
WINDOWS = (("hour", timedelta(hours=1), 24), ("day", timedelta(days=1), 7))
# Fewer requests than this could be one person's; and of fewer organizations one of them could tell how the others do,
# but where there is only one at all.
FEWEST, FEWEST_ORGANIZATIONS = 5, 3
# The latest of a window stand for all of it, so that a busy model takes no longer than a quiet one.
SAMPLE = 500
SANDBOX = "sandbox"  # the provider that stands in for others under test keys
# A try that was refused for what was asked says nothing about the model.
BLAMES_THE_REQUEST = (400, 413, 422)

# Anybody may ask, and an answer takes up to a tenth of a second.
CACHE_S = 60.0
CACHED_MODELS = 1_000

Windows = list[dict[str, Any]]


class PerformanceBook:
    """The latest answers, kept for a minute."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[str, tuple[float, Windows]] = {}

    def get(self, model: str) -> Windows:
        """Raises `StoreFailed`."""
        asked_at = self._clock()
        valid_until, found = self._known.get(model, (-math.inf, []))
        if asked_at < valid_until:
            return found
        with self._store.read() as connection:
            found = windows(connection, model, datetime.now(UTC))
        if len(self._known) >= CACHED_MODELS:
            self._known.clear()
        self._known[model] = asked_at + CACHE_S, found
        return found


def windows(connection: Connection, model: str, now: datetime) -> Windows:
    """Windows with `FEWEST` requests or more, of `FEWEST_ORGANIZATIONS` where there are several, oldest first, hours
    before days: `window` ("hour" or "day"), `start` and `end` (UTC, RFC 3339), `success_rate` (0..1, in hundredths),
    `p50_latency_ms` and `p95_latency_ms` (of the answers, as their callers saw it; null where there was none)."""
    alone = (connection.scalar(select(func.count()).select_from(organizations)) or 0) <= 1
    least = 1 if alone else FEWEST_ORGANIZATIONS
    found = ((name, start, end, _summary(connection, model, start, end, least)) for name, start, end in _spans(now))
    return [
        {"window": name, "start": moment_text(start), "end": moment_text(end), **summary}
        for name, start, end, summary in found
        if summary
    ]


def _spans(now: datetime) -> Iterator[tuple[str, datetime, datetime]]:
    """The current hour (day) of the clock is the last and grows until it is over."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for name, length, count in WINDOWS:
        current = midnight + length * ((now - midnight) // length)
        for back in range(count - 1, -1, -1):
            start = current - back * length
            yield name, start, start + length


def _summary(connection: Connection, model: str, start: datetime, end: datetime, least: int) -> dict[str, Any] | None:
    """None where fewer than `least` organizations, or `FEWEST` requests, would stand for it."""
    ended = connection.execute(_ended(model, moment_text(start), moment_text(end))).all()
    failed = connection.execute(_failed(model, moment_text(start), moment_text(end))).all()
    # Where one of the two was cut off, the other is cut at the same moment: their proportion is what is asked for.
    since = max((rows[-1].timestamp for rows in (ended, failed) if len(rows) == SAMPLE), default="")
    latencies, failures = _told_apart(ended, failed, since)
    total = len(latencies) + failures
    if total < FEWEST or len({row.organization_id for row in (*ended, *failed)}) < least:
        return None
    return {
        "success_rate": round(len(latencies) / total, 2),
        "p50_latency_ms": _percentile(latencies, 0.50),
        "p95_latency_ms": _percentile(latencies, 0.95),
    }


def _ended(model: str, start: str, end: str) -> Select[Any]:
    """Requests that this model answered, or that failed with its name on them; not those that say nothing about it: the
    caller's own mistakes, and those who left."""
    table = activity
    wanted = (table.c.model == model, table.c.timestamp >= start, table.c.timestamp < end, table.c.cached == false())
    told = or_(table.c.status < 400, table.c.status == 429, table.c.status >= 500)
    live = or_(table.c.provider.is_(None), table.c.provider != SANDBOX)
    columns = (table.c.timestamp, table.c.status, table.c.latency_ms, table.c.organization_id, table.c.request_id)
    return select(*columns).where(*wanted, told, live).order_by(table.c.timestamp.desc()).limit(SAMPLE)


def _failed(model: str, start: str, end: str) -> Select[Any]:
    table = failed_attempts
    wanted = (table.c.model == model, table.c.timestamp >= start, table.c.timestamp < end)
    told = or_(table.c.status.is_(None), table.c.status.not_in(BLAMES_THE_REQUEST))
    columns = (table.c.timestamp, table.c.organization_id, table.c.request_id)
    return select(*columns).where(*wanted, told).order_by(table.c.timestamp.desc()).limit(SAMPLE)


def _told_apart(ended: Sequence[Row[Any]], failed: Sequence[Row[Any]], since: str) -> tuple[Sequence[float], int]:
    """The latencies of the answers, sorted, and how many failures there were. A request whose failed try was written
    down is not counted once more for having failed."""
    tries = {(row.organization_id, row.request_id) for row in failed}
    latencies, failures = [], sum(row.timestamp >= since for row in failed)
    for row in ended:
        if row.timestamp >= since:
            if row.status < 400:
                latencies.append(float(row.latency_ms))
            else:
                failures += (row.organization_id, row.request_id) not in tries
    return sorted(latencies), failures


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    """The nearest rank."""
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None
