"""An organization's money, as its owner reads it: what there is, what was spent, and every line of the ledger that
changed the balance."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, false, func, select, union_all

from greatrouter_accounts import books, chart, directory, holds
from greatrouter_accounts import ledger as rules
from greatrouter_accounts.clock import moment_text
from greatrouter_accounts.directory import KeyRow
from greatrouter_accounts.money import ZERO
from greatrouter_accounts.operations import POOL
from greatrouter_accounts.schema import balances, ledger, organizations

# Fetched at a time, however long a statement is.
CHUNK = 1_000
BEYOND = "~"  # after every moment, as text
# Entries stand in the order in which they were committed, by the clocks of several machines.
CLOCKS_APART = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Period:
    """What is as new as `after` or newer and older than `before`; the newest `limit` lines of it."""

    after: datetime | None = None
    before: datetime | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One transaction: what it added to what could be spent, `amount_cents`, and what could be spent after it.
    `charge_cents` is what it charged a request: of a settlement not the amount, which is what came back of the
    reservation less that; negative where a charge was given back, None where nothing was charged. An order's
    `request_id` is `order:ID`."""

    timestamp: str
    kind: str
    amount_cents: Decimal
    balance_cents: Decimal
    charge_cents: Decimal | None
    request_id: str | None
    transaction_id: str


@dataclass(frozen=True, slots=True)
class Summary:
    """`held_cents` are set aside for requests under way, `owed_cents` were paid back after they were spent. What was
    spent is read off the ledger; days and months begin at midnight UTC."""

    organization_id: str
    plan: str
    balance_cents: Decimal
    held_cents: Decimal
    owed_cents: Decimal
    spent_today_cents: Decimal
    spent_this_month_cents: Decimal
    keys: list[KeyRow]


def summary(connection: Connection, organization: str, now: datetime) -> Summary:
    """Of an organization by name; `now` is in UTC. Raises `UnknownOrganization`."""
    organization_id = directory.organization_id(connection, organization)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    owed = select(balances.c.amount_cents).where(balances.c.account == chart.owed(organization_id))
    known = select(organizations.c.name, organizations.c.plan).where(organizations.c.id == organization_id)
    name, plan = connection.execute(known).one()
    return Summary(
        organization_id=organization_id,
        plan=plan,
        balance_cents=books.balance(connection, organization_id),
        held_cents=holds.under_way(connection, organization_id),
        owed_cents=abs(connection.scalar(owed) or ZERO),
        spent_today_cents=spent(connection, organization_id, midnight),
        spent_this_month_cents=spent(connection, organization_id, midnight.replace(day=1)),
        keys=[key for key in directory.list_keys(connection) if key.organization == name],
    )


def lines(connection: Connection, organization_id: str, period: Period) -> Iterator[Line]:
    """Newest first, read as they are taken. `connection` reads one moment of the database.

    What only moves between a wallet and its pools is left out. Several processes may write the same millisecond out of
    order, so the balance is counted along the order of the ledger, and the period picks lines out of that.
    """
    after, before, where = "", BEYOND, []
    balance, shown = books.balance(connection, organization_id), _shown(organization_id).subquery()
    place, written = shown.c.sequence, shown.c.created_at
    if period.after is not None:
        after = moment_text(period.after)
        first = connection.scalar(select(func.min(place)).where(written >= after))
        where.append(false() if first is None else ledger.c.sequence >= first)
    if period.before is not None:
        before = moment_text(period.before)
        last = connection.scalar(select(func.max(place)).where(written < before))
        where.append(false() if last is None else ledger.c.sequence <= last)
        counted = (shown.c.kind != "settle") | (shown.c.account == chart.wallet(organization_id))
        balance -= connection.scalar(select(func.sum(shown.c.amount_cents)).where(counted, place > (last or 0))) or ZERO
    left = period.limit
    query = _shown(organization_id, *where)
    newest_first = query.order_by(query.selected_columns.sequence.desc())
    with connection.execute(newest_first, execution_options={"yield_per": CHUNK}) as rows:
        for _, entries in groupby(rows, key=lambda row: (row.transaction_id, row.kind)):
            if left == 0:
                return
            line = _line(list(entries), balance)
            if after <= line.timestamp < before:
                yield line
                left = None if left is None else left - 1
            balance -= line.amount_cents


def _line(entries: Sequence[Any], balance: Decimal) -> Line:
    """Of the entries of one transaction that are shown."""
    entry = entries[0]
    moved = sum((each.amount_cents for each in entries), ZERO)
    back = sum((e.amount_cents for e in entries if e.kind != "settle" or e.account.startswith("wallet:")), ZERO)
    charge = -moved if entry.kind in rules.SPENDING else None
    return Line(entry.created_at, entry.kind, back, balance, charge, entry.request_id, entry.transaction_id)


def _shown(organization_id: str, *where: ColumnElement[bool]) -> Any:
    """The entries of a wallet, and those of what is held for requests that charge one: of a pool, or of a reservation,
    whose wallet may have no entry where it cost just that. Two questions, each answered in the order of its index, so
    that nothing has to be sorted: with `or` the first line of a million came after 3 s."""

    def entries(*own: ColumnElement[bool]) -> Select[Any]:
        return select(ledger).where(*own, ledger.c.request_id.is_distinct_from(POOL), *where)

    charges = entries(ledger.c.account == chart.held(organization_id), ledger.c.kind.in_(rules.CHARGING))
    return union_all(entries(ledger.c.account == chart.wallet(organization_id)), charges)


def spent(connection: Connection, organization_id: str, since: datetime) -> Decimal:
    """Cents charged since a moment of UTC: what requests took out of the wallet and of what was held for them, less
    what came back. Read back from the newest entry, as far as that moment and an hour more."""
    amount, place, written = ledger.c.amount_cents, ledger.c.sequence, ledger.c.created_at
    total = ZERO
    for account in (chart.wallet(organization_id), chart.held(organization_id)):
        older = select(place).where(ledger.c.account == account, written < moment_text(since - CLOCKS_APART))
        last = func.coalesce(older.order_by(place.desc()).limit(1).scalar_subquery(), 0)
        found = select(func.sum(amount)).where(
            ledger.c.account == account, ledger.c.kind.in_(rules.SPENDING), written >= moment_text(since), place > last
        )
        total -= connection.scalar(found) or ZERO
    return total
