"""An organization's money, as its owner reads it: what there is, what was spent, and every line of the ledger that
changed the balance."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, false, func, select, union_all

from greatrouter_accounts import books, directory
from greatrouter_accounts import ledger as rules
from greatrouter_accounts.clock import moment_text
from greatrouter_accounts.directory import KeyRow
from greatrouter_accounts.money import ZERO
from greatrouter_accounts.schema import balances, ledger, organizations, reservations

# Fetched at a time, however long a statement is.
CHUNK = 1_000
BEYOND = "~"  # after every moment, as text
SPENDING = (*rules.CHARGING, "return")


@dataclass(frozen=True, slots=True)
class Period:
    """What is as new as `after` or newer and older than `before`; the newest `limit` lines of it."""

    after: datetime | None = None
    before: datetime | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """`balance_cents` is what could be spent after it. An order's `request_id` is `order:ID`."""

    timestamp: str
    kind: str
    amount_cents: Decimal
    balance_cents: Decimal
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
    held = select(func.sum(reservations.c.amount_cents)).where(
        reservations.c.organization_id == organization_id, reservations.c.request_id != rules.POOL
    )
    owed = select(balances.c.amount_cents).where(balances.c.account == rules.owed(organization_id))
    plan = select(organizations.c.plan).where(organizations.c.id == organization_id)
    today, month = _spent(connection, organization_id, midnight, midnight.replace(day=1))
    return Summary(
        organization_id=organization_id,
        plan=connection.execute(plan).scalar_one(),
        balance_cents=books.balance(connection, organization_id),
        held_cents=connection.scalar(held) or ZERO,
        owed_cents=abs(connection.scalar(owed) or ZERO),
        spent_today_cents=today,
        spent_this_month_cents=month,
        keys=[key for key in directory.list_keys(connection) if key.organization == organization],
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
        balance -= connection.scalar(select(func.sum(shown.c.amount_cents)).where(place > (last or 0))) or ZERO
    left = period.limit
    query = _shown(organization_id, *where)
    newest_first = query.order_by(query.selected_columns.sequence.desc())
    with connection.execute(newest_first, execution_options={"yield_per": CHUNK}) as rows:
        for row in rows:
            if left == 0:
                return
            if after <= row.created_at < before:
                yield Line(row.created_at, row.kind, row.amount_cents, balance, row.request_id, row.transaction_id)
                left = None if left is None else left - 1
            balance -= row.amount_cents


def _shown(organization_id: str, *where: ColumnElement[bool]) -> Any:
    """The entries of a wallet and the charges to its pools. Two questions, each answered in the order of its index, so
    that nothing has to be sorted: with `or` the first line of a million came after 3 s."""

    def entries(*own: ColumnElement[bool]) -> Select[Any]:
        return select(ledger).where(*own, ledger.c.request_id.is_distinct_from(rules.POOL), *where)

    of_pools = entries(ledger.c.account == rules.held(organization_id), ledger.c.kind == "charge")
    return union_all(entries(ledger.c.account == rules.wallet(organization_id)), of_pools)


def _spent(connection: Connection, organization_id: str, day: datetime, month: datetime) -> tuple[Decimal, Decimal]:
    """Cents charged since `day` and since `month` began: what requests took out of the wallet and of what was held for
    them, less what came back."""
    own = (rules.wallet(organization_id), rules.held(organization_id))
    amount, written = ledger.c.amount_cents, ledger.c.created_at
    since_day = func.sum(case((written >= moment_text(day), amount), else_=ZERO))
    query = select(since_day, func.sum(amount)).where(
        ledger.c.account.in_(own), ledger.c.kind.in_(SPENDING), written >= moment_text(month)
    )
    of_day, of_month = connection.execute(query).one()
    return -(of_day or ZERO), -(of_month or ZERO)
