"""The activity of an organization, read: its log page by page, its latest requests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from greatrouter_accounts import schema
from greatrouter_accounts.clock import moment_text
from greatrouter_accounts.schema import activity as table

# Kept for what preferences suggest, and no part of the log.
INTERNAL = {"sequence", "optimization", "content_mode"}
COLUMNS = tuple(column for column in table.columns if column.name not in INTERNAL)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a log: what is as new as `after` or newer, and older than `before`.

    Where `seen` is given, the requests of `before` itself belong to it too, but for the first `seen` of them. So a page
    that ended among requests of one millisecond is continued with the next of them.
    """

    limit: int
    after: datetime | None = None
    before: datetime | None = None
    seen: int | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """An account at one moment: what it may spend and what it spent since midnight (UTC), both by the ledger, the part
    of the asking key that may be shown, and its latest requests by the log."""

    balance_cents: Decimal
    spent_today_cents: Decimal
    key_prefix: str
    calls: Sequence[dict[str, Any]]


def page(connection: Connection, organization_id: str, stretch: Stretch) -> list[dict[str, Any]]:
    """Newest first; those of one millisecond in the order in which they were written.

    So one that is written late comes after those of its millisecond that were read already, and paging with `seen`
    neither repeats nor misses one. A place in the table would say more, but it counts everyone's requests.
    """
    query = select(*COLUMNS).where(table.c.organization_id == organization_id)
    if stretch.after is not None:
        query = query.where(table.c.timestamp >= moment_text(stretch.after))
    if stretch.before is not None and stretch.seen is not None:
        query = query.where(table.c.timestamp <= moment_text(stretch.before)).offset(stretch.seen)
    elif stretch.before is not None:
        query = query.where(table.c.timestamp < moment_text(stretch.before))
    query = query.order_by(table.c.timestamp.desc(), table.c.sequence.asc()).limit(stretch.limit)
    return [dict(row) for row in connection.execute(query).mappings()]


def latest(connection: Connection, organization_id: str, limit: int) -> list[dict[str, Any]]:
    """An organization's requests, newest first."""
    query = select(*COLUMNS).where(table.c.organization_id == organization_id)
    query = query.order_by(table.c.timestamp.desc(), table.c.sequence.desc()).limit(limit)
    return [dict(row) for row in connection.execute(query).mappings()]


def latest_feedback(
    connection: Connection, organization_id: str, limit: int, since: str | None
) -> list[dict[str, Any]]:
    """What an organization said of its classifications, newest first, from the timestamp `since` on."""
    said = schema.feedback
    query = select(said).where(said.c.organization_id == organization_id)
    if since is not None:
        query = query.where(said.c.timestamp >= since)
    query = query.order_by(said.c.timestamp.desc(), said.c.id.desc()).limit(limit)
    return [dict(row) for row in connection.execute(query).mappings()]
