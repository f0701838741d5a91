"""What nobody knows of whether it went through.

Where the connection breaks while the database commits, a charge may be in the ledger whose caller was told that nothing
was charged. What was said holds: it is given back as soon as the database answers again. What an operator asked for is
looked up, and said.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

from greatrouter_accounts.chart import PROMOTIONS, held, revenue
from greatrouter_accounts.clock import moment_text
from greatrouter_accounts.errors import CommitUnheard, StoreFailed
from greatrouter_accounts.ids import made_at, uuid7
from greatrouter_accounts.ledger_sql import BY_DIALECT, LedgerSql, rows_parameter
from greatrouter_accounts.money import LARGEST_UNITS, ZERO, from_units
from greatrouter_accounts.operations import Operation, Return, Unfund
from greatrouter_accounts.store import Store

T = TypeVar("T")
# Entries are read from the newest back to the charges in doubt, so many at a time: a ledger may have millions before
# them. The clocks of machines that share it may differ by so much.
PAGE, MARGIN = 1000, timedelta(minutes=2)


def resolved(cursor: DBAPICursor, sql: LedgerSql, operations: Sequence[Operation]) -> list[Operation]:
    """The operations; those that give back a charge in doubt, with what it charged, and with nothing what would take
    out of a pool once more what went through unheard. The balances of their organizations are locked: a commit that was
    under way is over."""
    operations = [_not_again(cursor, sql, op) if isinstance(op, Unfund) else op for op in operations]
    doubted = {op.of: op for op in operations if isinstance(op, Return) and op.of is not None}
    if not doubted:
        return operations
    since = _since(*doubted)
    names = {*doubted, *(op.id for op in doubted.values())}
    booked: dict[str, Decimal] = {}
    for account in {revenue(op.key_id) for op in doubted.values()}:
        booked |= _booked(cursor, sql, account, names, since)
    return [_given_back(operation, booked) for operation in operations]


def _not_again(cursor: DBAPICursor, sql: LedgerSql, unfund: Unfund) -> Unfund:
    """A pool is emptied at most once a second, so that all of them can be looked up."""
    booked = _booked(cursor, sql, held(unfund.organization_id), {unfund.id}, _since(unfund.id))
    return replace(unfund, amount_cents=ZERO) if booked else unfund


def _given_back(operation: Operation, booked: dict[str, Decimal]) -> Operation:
    if not isinstance(operation, Return) or operation.of is None:
        return operation
    done = operation.id in booked  # this may have gone through unheard, too
    return replace(operation, amount_cents=ZERO if done else booked.get(operation.of, ZERO))


def once(store: Store, book: Callable[[Connection, str], T]) -> T:
    """Books a grant, or what takes one back, under the name that `book` is given; where the answer to the commit is
    lost, only if it was not booked is that a failure. Raises what `book` does and `StoreFailed`."""
    name = uuid7("txn_")
    try:
        with store.write() as connection:
            result = book(connection, name)
    except CommitUnheard as failure:
        if not _went_through(store, name, failure):
            raise
    return result


def _went_through(store: Store, name: str, failure: StoreFailed) -> bool:
    try:
        with store.write() as connection:
            cursor, sql = connection.connection.cursor(), BY_DIALECT[connection.dialect.name]
            cursor.execute(sql.find_balances, rows_parameter([PROMOTIONS]))  # locked: no commit is under way
            return name in _booked(cursor, sql, PROMOTIONS, {name}, _since(name))
    except StoreFailed:
        raise StoreFailed(
            f"{failure}; it may be done all the same: look at the statement before you ask for it again"
        ) from failure


def _since(*names: str) -> str:
    return moment_text(datetime.fromtimestamp(min(map(made_at, names)), UTC) - MARGIN)


def _booked(
    cursor: DBAPICursor, sql: LedgerSql, account: str, names: Collection[str], since: str
) -> dict[str, Decimal]:
    """What each transaction of those names moved on the account."""
    found: dict[str, Decimal] = {}
    before = LARGEST_UNITS
    while True:
        cursor.execute(sql.entries_before, (account, before, PAGE))
        rows = cursor.fetchall()
        found |= {name: from_units(units) for _, name, units, _ in rows if name in names}
        if len(rows) < PAGE or max(moment for *_, moment in rows) < since:
            return found
        before = rows[-1][0]
