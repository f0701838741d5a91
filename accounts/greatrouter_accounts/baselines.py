"""The baselines that budgets are measured from, in the database (`budgets.py` says what they are).

Every function but `left` takes a connection that holds the lock of the organization's wallet.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from sqlalchemy import Connection, delete, insert, select, update

from greatrouter_accounts import ledger as rules
from greatrouter_accounts import schema
from greatrouter_accounts.budgets import Budget
from greatrouter_accounts.errors import AccountsError
from greatrouter_accounts.money import ZERO, cents

table = schema.baselines
SPENDING = (*rules.CHARGING, "return")
# Entries are read from the newest back to the period's first, so many at a time.
CHUNK = 200


def find(
    connection: Connection, operations: Sequence[rules.Operation], before: Mapping[str, Decimal]
) -> dict[tuple[str, str], Decimal]:
    """Those that `operations` are measured by; the first to ask in a period makes its baseline."""
    wanted = {
        (operation.organization_id, budget.period)
        for operation in operations
        if isinstance(operation, rules.Reserve | rules.Fund)
        for budget in operation.budgets
    }
    if not wanted:
        return {}
    query = select(table).where(table.c.organization_id.in_({organization_id for organization_id, _ in wanted}))
    found = {(row.organization_id, row.period): row.cents for row in connection.execute(query)}
    for organization_id, period in sorted(wanted - found.keys()):
        found[organization_id, period] = _baseline(connection, organization_id, period, before)
        if rules.wallet(organization_id) in before:  # else nothing is locked, and there is nothing to spend
            _keep(connection, organization_id, period, found[organization_id, period])
    return found


def follow(connection: Connection, operations: Sequence[rules.Operation], results: Sequence[rules.Result]) -> None:
    """What was credited or refunded was not spent."""
    for operation, result in zip(operations, results, strict=True):
        if isinstance(operation, rules.Credit | rules.Refund) and not isinstance(result, AccountsError):
            change = {"cents": table.c.cents + rules.put_in(operation)}
            connection.execute(update(table).where(table.c.organization_id == operation.organization_id).values(change))


def left(connection: Connection, organization_id: str, budgets: Sequence[Budget]) -> list[Decimal]:
    """Cents that may still be spent of each budget, never below zero. As in the balance, what pools hold is there."""
    kept, open_ = schema.balances, schema.reservations
    names = [name(organization_id) for name in (rules.wallet, rules.owed, rules.held)]
    rows = connection.execute(select(kept.c.account, kept.c.amount_cents).where(kept.c.account.in_(names)))
    before = {row.account: row.amount_cents for row in rows}
    pooled = select(open_.c.amount_cents).where(
        open_.c.organization_id == organization_id, open_.c.request_id == rules.POOL
    )
    free = rules.worth(before, organization_id) + sum(connection.scalars(pooled), ZERO)
    query = select(table.c.period, table.c.cents).where(table.c.organization_id == organization_id)
    known = {row.period: row.cents for row in connection.execute(query)}
    found = []
    for budget in budgets:
        baseline = known.get(budget.period)
        if baseline is None:
            baseline = _baseline(connection, organization_id, budget.period, before)
        found.append(max(ZERO, budget.cents - (baseline - free)))
    return found


def _baseline(connection: Connection, organization_id: str, period: str, before: Mapping[str, Decimal]) -> Decimal:
    now = rules.worth(before, organization_id) + before.get(rules.held(organization_id), ZERO)
    return now + _spent(connection, organization_id, period)


def _spent(connection: Connection, organization_id: str, since: str) -> Decimal:
    """Cents charged since the period began. Its day is the beginning of the moments in it."""
    ledger, total = schema.ledger, ZERO
    for account in (rules.wallet(organization_id), rules.held(organization_id)):
        newest = None
        while True:
            query = select(ledger.c.sequence, ledger.c.kind, ledger.c.amount_cents, ledger.c.created_at)
            query = query.where(ledger.c.account == account)
            if newest is not None:
                query = query.where(ledger.c.sequence < newest)
            rows = connection.execute(query.order_by(ledger.c.sequence.desc()).limit(CHUNK)).all()
            total -= sum((r.amount_cents for r in rows if r.kind in SPENDING and r.created_at >= since), ZERO)
            if len(rows) < CHUNK or rows[-1].created_at < since:
                break
            newest = rows[-1].sequence
    return total


def _keep(connection: Connection, organization_id: str, period: str, baseline: Decimal) -> None:
    """And forgets those of the months before."""
    over = (table.c.organization_id == organization_id) & (table.c.period < period[:7])
    connection.execute(delete(table).where(over))
    row = {"organization_id": organization_id, "period": period, "cents": cents(baseline)}
    connection.execute(insert(table).values(row))
