"""The baselines that budgets are measured from, in the database (`budgets.py` says what they are).

Every function but `left` takes a connection that holds the lock of the organization's wallet; whatever a key of it is
charged or holds is changed under that lock too.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from sqlalchemy import Connection, delete, func, insert, select, update

from greatrouter_accounts import chart, holds, schema
from greatrouter_accounts import ledger as rules
from greatrouter_accounts.budgets import DAY, Budget
from greatrouter_accounts.errors import AccountsError
from greatrouter_accounts.money import ZERO, cents
from greatrouter_accounts.operations import Credit, Fund, Operation, Refund, Reserve, Result

table = schema.baselines
# Entries are read from the newest back to the period's first, so many at a time.
CHUNK = 200


def find(
    connection: Connection, operations: Sequence[Operation], before: Mapping[str, Decimal]
) -> dict[tuple[str, str], Decimal]:
    """Those that `operations` are measured by; the first to ask in a period makes its baseline."""
    wanted = {
        (chart.measured(operation.organization_id, budget), budget.period): (operation.organization_id, budget)
        for operation in operations
        if isinstance(operation, Reserve | Fund)
        for budget in operation.budgets
    }
    if not wanted:
        return {}
    found = _known(connection, {account for account, _ in wanted})
    for name in sorted(wanted.keys() - found.keys()):
        organization_id, budget = wanted[name]
        found[name], sequence = _baseline(connection, organization_id, budget, before)
        if chart.wallet(organization_id) in before:  # else nothing is locked, and there is nothing to spend
            _keep(connection, name, found[name], sequence)
    return found


def follow(connection: Connection, operations: Sequence[Operation], results: Sequence[Result]) -> None:
    """What was credited or refunded was not spent."""
    for operation, result in zip(operations, results, strict=True):
        if isinstance(operation, Credit | Refund) and not isinstance(result, AccountsError):
            change = {"cents": table.c.cents + rules.put_in(operation)}
            own = chart.wallet(operation.organization_id)
            connection.execute(update(table).where(table.c.account == own).values(change))


def left(connection: Connection, organization_id: str, budgets: Sequence[Budget]) -> list[Decimal]:
    """Cents that may still be spent of each budget, never below zero. As in the balance, what pools hold is there."""
    kept = schema.balances
    accounts = {chart.measured(organization_id, budget) for budget in budgets}
    names = {name(organization_id) for name in (chart.wallet, chart.owed, chart.held)} | accounts
    rows = connection.execute(select(kept.c.account, kept.c.amount_cents).where(kept.c.account.in_(names)))
    before = {row.account: row.amount_cents for row in rows}
    free = rules.worth(before, organization_id) + holds.pooled(connection, organization_id)
    known = _known(connection, accounts)
    found = []
    for budget in budgets:
        account = chart.measured(organization_id, budget)
        baseline = known.get((account, budget.period))
        if baseline is None:
            baseline, _ = _baseline(connection, organization_id, budget, before)
        now = free if budget.key_id is None else -before.get(account, ZERO) - holds.of_key(connection, budget.key_id)
        found.append(max(ZERO, budget.cents - (baseline - now)))
    return found


def _known(connection: Connection, accounts: set[str]) -> dict[tuple[str, str], Decimal]:
    query = select(table.c.account, table.c.period, table.c.cents).where(table.c.account.in_(accounts))
    return {(row.account, row.period): row.cents for row in connection.execute(query)}


def _baseline(
    connection: Connection, organization_id: str, budget: Budget, before: Mapping[str, Decimal]
) -> tuple[Decimal, int]:
    """The worth and the holds of when the period began, and the last line of the ledger that they were counted of."""
    if budget.key_id is not None:
        account = chart.revenue(budget.key_id)
        charged, newest = _moved(connection, account, budget.period)
        return charged - before.get(account, ZERO), newest
    own, holds = chart.wallet(organization_id), chart.held(organization_id)
    (paid, last_paid), (taken, last_taken) = (_moved(connection, name, budget.period) for name in (own, holds))
    now = rules.worth(before, organization_id) + before.get(holds, ZERO)
    return now - paid - taken, max(last_paid, last_taken)


def _moved(connection: Connection, account: str, since: str) -> tuple[Decimal, int]:
    """Cents that charges moved on an account since the period began, whose day is the beginning of the moments in it;
    and the account's latest entry."""
    ledger, total, newest, before = schema.ledger, ZERO, 0, None
    while True:
        query = select(ledger.c.sequence, ledger.c.kind, ledger.c.amount_cents, ledger.c.created_at)
        query = query.where(ledger.c.account == account)
        if before is not None:
            query = query.where(ledger.c.sequence < before)
        rows = connection.execute(query.order_by(ledger.c.sequence.desc()).limit(CHUNK)).all()
        total += sum((r.amount_cents for r in rows if r.kind in rules.SPENDING and r.created_at >= since), ZERO)
        newest = max([newest, *(r.sequence for r in rows[:1])])
        # Clocks of several machines may differ, so that one entry of before is not yet the end.
        if len(rows) < CHUNK or all(r.created_at < since for r in rows):
            return total, newest
        before = rows[-1].sequence


def _keep(connection: Connection, name: tuple[str, str], baseline: Decimal, sequence: int) -> None:
    """And forgets those of the days or months before."""
    account, period = name
    over = table.c.period < period[:7]
    if len(period) == len(DAY):
        over |= (table.c.period < period) & (func.length(table.c.period) == len(DAY))
    connection.execute(delete(table).where(table.c.account == account, over))
    row = {"account": account, "period": period, "cents": cents(baseline), "sequence": sequence}
    connection.execute(insert(table).values(row))
