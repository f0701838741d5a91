"""What an organization did lately, counted: what its preferences could be is read off here."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, select

from greatrouter_accounts.clock import moment_text
from greatrouter_accounts.performance import BLAMES_THE_REQUEST, SANDBOX
from greatrouter_accounts.schema import activity, failed_attempts, feedback

PERIOD = timedelta(days=30)
# The latest so many rows of each table stand for the period.
MOST_ROWS = 5_000
# Decisions that say what was wanted; "input" needs no preference, and "default" is what a preference would replace.
TELLING = frozenset({"hint", "regex", "knn", "session"})


@dataclass(frozen=True, slots=True)
class Tally:
    attempts: int = 0
    failures: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.attempts + other.attempts, self.failures + other.failures)


@dataclass(frozen=True, slots=True)
class Usage:
    """Requests by task, optimization and content mode, each where one was asked for or recognized; tries by (model,
    provider); and `corrections`, how often feedback named each task as the right one instead of what was recognized."""

    tasks: Mapping[str, int] = field(default_factory=dict)
    optimizations: Mapping[str, int] = field(default_factory=dict)
    content_modes: Mapping[str, int] = field(default_factory=dict)
    endpoints: Mapping[tuple[str, str], Tally] = field(default_factory=dict)
    corrections: Mapping[str, int] = field(default_factory=dict)


def usage(connection: Connection, organization_id: str, now: datetime) -> Usage:
    since = moment_text(now - PERIOD)
    tasks: Counter[str] = Counter()
    optimizations: Counter[str] = Counter()
    modes: Counter[str] = Counter()
    answered: Counter[tuple[str, str]] = Counter()
    failed: Counter[tuple[str, str]] = Counter()
    for row in _latest(connection, activity, organization_id, since):
        if row.confidence is not None and row.decision in TELLING:
            tasks[row.task] += 1
        optimizations[row.optimization] += 1
        modes[row.content_mode] += 1
        if row.status < 400 and not row.cached and row.provider != SANDBOX:
            answered[row.model, row.provider] += 1
    for row in _latest(connection, failed_attempts, organization_id, since):
        if row.status not in BLAMES_THE_REQUEST and row.provider != SANDBOX:
            failed[row.model, row.provider] += 1
    wrong = [row for row in _latest(connection, feedback, organization_id, since) if not row.correct]
    return Usage(
        tasks=_named(tasks),
        optimizations=_named(optimizations),
        content_modes=_named(modes),
        endpoints={
            endpoint: Tally(answered[endpoint] + failed[endpoint], failed[endpoint])
            for endpoint in sorted(key for key in answered.keys() | failed.keys() if None not in key)
        },
        corrections=_named(Counter(row.suggested_task for row in wrong if row.suggested_task != row.classified_task)),
    )


def _latest(connection: Connection, table: Table, organization_id: str, since: str) -> Any:
    query = select(table).where(table.c.organization_id == organization_id, table.c.timestamp >= since)
    return connection.execute(query.order_by(table.c.timestamp.desc()).limit(MOST_ROWS))


def _named(counts: "Counter[Any]") -> dict[str, int]:
    return {name: count for name, count in counts.items() if name is not None}
