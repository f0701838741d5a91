"""The ledger in the database: the rules of `ledger.py`, applied to what the tables hold."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from sqlalchemy import Connection, select
from sqlalchemy.engine.interfaces import DBAPICursor

from greatrouter_accounts import baselines, chart, doubts, holds, schema
from greatrouter_accounts import ledger as rules
from greatrouter_accounts.clock import now_text
from greatrouter_accounts.errors import AccountsError
from greatrouter_accounts.ids import uuid7
from greatrouter_accounts.ledger_sql import BY_DIALECT, LedgerSql, rows_parameter
from greatrouter_accounts.money import ZERO, cents, from_units, to_units
from greatrouter_accounts.operations import Charge, Fund, Operation, Reserve, Result, Run, Settle, Unfund
from greatrouter_accounts.store import Owner, Store

# Orphans given back at a time.
CHUNK = 500


def post(connection: Connection, operations: Sequence[Operation], owner: str) -> Sequence[Result]:
    """Applies a batch; one result an operation, the cents moved or the refusal.

    `connection` holds the write lock. `owner` is the process that new reservations belong to.
    """
    cursor, sql = connection.connection.cursor(), BY_DIALECT[connection.dialect.name]
    operations = _still_ours(cursor, sql, operations)
    named = [name for operation in operations if (name := _reservation_named(operation))]
    known = _reservations(cursor, sql, named) if named else {}
    before = _balances(cursor, sql, rules.accounts_of(operations, known))
    if late := [name for name in _made(operations) if name not in known]:
        known |= _reservations(cursor, sql, late)  # the wallet's lock waited for a commit that may have made them
    operations = doubts.resolved(cursor, sql, operations)
    measured = baselines.find(connection, operations, before)
    posting = rules.post(before, operations, known, measured, _key_holds(cursor, sql, operations) if measured else {})
    _write(cursor, sql, posting, known, owner)
    baselines.follow(connection, operations, posting.results)
    _charge_runs(cursor, sql, operations, posting.results, known)
    return posting.results


def post_one(connection: Connection, operation: Operation, owner: str) -> Decimal:
    """Applies one operation; the cents moved. Raises its refusal."""
    [result] = post(connection, [operation], owner)
    if isinstance(result, AccountsError):
        raise result
    return result


def release_orphans(store: Store, owner: Owner) -> int:
    """Gives back what the dead had set aside; how many reservations that were.

    Whose there are is asked before who lives: whoever begins in between is not looked at. Each chunk is a transaction
    of its own: in one for all, the wallets of the second would be locked out of turn, after those of the first.
    """
    with store.write() as connection:
        cursor, sql = connection.connection.cursor(), BY_DIALECT[connection.dialect.name]
        cursor.execute(sql.find_owners)
        found = {row[0] for row in cursor.fetchall()}
        dead = found - owner.alive(connection) if found else found
        if not dead:
            return 0
        cursor.execute(sql.find_orphans, rows_parameter(dead))
        orphans = [Settle(uuid7("txn_"), row[0], ZERO) for row in cursor.fetchall()]
    for start in range(0, len(orphans), CHUNK):
        with store.write() as connection:
            post(connection, orphans[start : start + CHUNK], owner.name)
    return len(orphans)


def balance(connection: Connection, organization_id: str) -> Decimal:
    """Cents that an organization may spend: its wallet, and what processes hold of it in pools."""
    kept = schema.balances
    wallet = select(kept.c.amount_cents).where(kept.c.account == chart.wallet(organization_id))
    return (connection.scalar(wallet) or ZERO) + holds.pooled(connection, organization_id)


def _reservation_named(operation: Operation) -> str | None:
    match operation:
        case Settle():
            return operation.reservation_id
        case Fund() | Unfund() | Charge():
            return operation.pool_id
    return None


def _made(operations: Sequence[Operation]) -> list[str]:
    """The reservations that were made, or may have been, by those who settle them."""
    return [op.reservation_id for op in operations if isinstance(op, Settle) and op.made is not None]


def _still_ours(cursor: DBAPICursor, sql: LedgerSql, operations: Sequence[Operation]) -> list[Operation]:
    """The operations, without any money in those of a run whose key is another's by now; the keys stay locked."""
    runs = {op.run for op in operations if isinstance(op, Settle | Charge) and op.run is not None}
    if not runs:
        return list(operations)
    cursor.execute(sql.find_runs, rows_parameter([run.organization_id, run.key, run.id] for run in runs))
    ours = {row[0] for row in cursor.fetchall()}
    return [_of_run(operation, ours) for operation in operations]


def _of_run(operation: Operation, ours: Collection[str]) -> Operation:
    match operation:
        case Settle(run=Run() as run) if run.id not in ours:
            return replace(operation, amount_cents=ZERO)
        case Charge(run=Run() as run) if run.id not in ours:
            return replace(operation, amount_cents=ZERO, extra_cents=ZERO)
    return operation


def _charge_runs(
    cursor: DBAPICursor,
    sql: LedgerSql,
    operations: Sequence[Operation],
    results: Sequence[Result],
    known: Mapping[str, Reserve],
) -> None:
    """Writes down what each run was charged, and which key: whoever takes over gives it back."""
    charged: dict[tuple[str, str, str | None], int] = {}
    for operation, result in zip(operations, results, strict=True):
        if isinstance(operation, Settle | Charge) and operation.run and isinstance(result, Decimal):
            settle = operation if isinstance(operation, Settle) else None
            reservation = known.get(settle.reservation_id, settle.made) if settle else None
            key_id = reservation.key_id if reservation else None
            name = (operation.run.organization_id, operation.run.key, key_id)
            charged[name] = charged.get(name, 0) + to_units(result)
    rows = [(*name, units) for name, units in charged.items() if units]
    if rows:
        cursor.execute(sql.charge_runs, rows_parameter(rows))


def _reservations(cursor: DBAPICursor, sql: LedgerSql, ids: Sequence[str]) -> dict[str, Reserve]:
    cursor.execute(sql.find_reservations, rows_parameter(ids))
    return {row[0]: Reserve(row[0], row[1], from_units(row[2]), row[3], key_id=row[4]) for row in cursor.fetchall()}


def _key_holds(cursor: DBAPICursor, sql: LedgerSql, operations: Sequence[Operation]) -> dict[str, Decimal]:
    """What is set aside for the keys whose budgets `operations` name."""
    keys = {
        budget.key_id
        for operation in operations
        if isinstance(operation, Reserve)
        for budget in operation.budgets
        if budget.key_id is not None
    }
    if not keys:
        return {}
    cursor.execute(sql.find_key_holds, rows_parameter(keys))
    return {key_id: from_units(units) for key_id, units in cursor.fetchall()}


def _balances(cursor: DBAPICursor, sql: LedgerSql, accounts: Iterable[str]) -> dict[str, Decimal]:
    cursor.execute(sql.find_balances, rows_parameter(accounts))
    return {account: from_units(units) for account, units in cursor.fetchall()}


def _write(cursor: DBAPICursor, sql: LedgerSql, posting: rules.Posting, known: dict[str, Reserve], owner: str) -> None:
    moment = now_text()
    entries = [
        (e.transaction_id, e.kind, e.account, to_units(e.amount_cents), e.request_id, moment) for e in posting.entries
    ]
    kept = ((account, amount) for account, amount in posting.changes.items() if account != chart.REVENUE)
    changes = [(account, to_units(amount)) for account, amount in kept if amount]
    opened = [
        (r.id, r.organization_id, to_units(cents(r.amount_cents)), r.request_id, owner, moment, r.key_id)
        for r in posting.open.values()
        if r.id not in known
    ]
    changed = [
        (r.id, to_units(r.amount_cents)) for r in posting.open.values() if r.id in known and known[r.id] is not r
    ]
    closed = [name for name in known if name not in posting.open]
    written = (
        (sql.add_entries, entries),
        (sql.change_balances, changes),
        (sql.open_reservations, opened),
        (sql.change_reservations, changed),
        (sql.close_reservations, closed),
    )
    for statement, rows in written:
        if rows:
            cursor.execute(statement, rows_parameter(rows))
