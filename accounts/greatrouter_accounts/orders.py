"""Orders that a payment provider says were paid or refunded: each counts once, however often and in whatever order it
says so."""

import logging
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select, update

from greatrouter_accounts import books
from greatrouter_accounts import ledger as rules
from greatrouter_accounts.clock import now_text
from greatrouter_accounts.errors import AccountsError
from greatrouter_accounts.ids import uuid7
from greatrouter_accounts.money import ZERO, cents
from greatrouter_accounts.schema import orders
from greatrouter_accounts.text import storable

log = logging.getLogger("greatrouter")

# The first to name an order makes its row, and whoever names it at the same time waits for that one.
ADD = "INSERT INTO orders (id, organization_id, paid_cents, refunded_cents, created_at) VALUES "
ADD += "({0}, {0}, 0, 0, {0}) ON CONFLICT (id) DO NOTHING"
MARKS = {"sqlite": "?", "postgresql": "%s"}


def paid(connection: Connection, order_id: str, organization_id: str, amount_cents: Decimal, owner: str) -> Decimal:
    """Credits an order; the cents credited, 0 where that was done before. `connection` holds the write lock."""
    row = _row(connection, order_id, organization_id)
    amount = cents(max(amount_cents, ZERO))
    if row.paid_cents:
        return ZERO
    return _move(
        connection, order_id, row.organization_id, (ZERO, row.refunded_cents), (amount, row.refunded_cents), owner
    )


def refunded(connection: Connection, order_id: str, organization_id: str, total_cents: Decimal, owner: str) -> Decimal:
    """Takes back what was refunded of an order in all, as far as the wallet reaches; the cents credited, which are none
    or negative."""
    row = _row(connection, order_id, organization_id)
    total = max(row.refunded_cents, cents(max(total_cents, ZERO)))
    return _move(
        connection, order_id, row.organization_id, (row.paid_cents, row.refunded_cents), (row.paid_cents, total), owner
    )


def _row(connection: Connection, order_id: str, organization_id: str) -> Any:
    add = ADD.format(MARKS[connection.dialect.name])
    connection.exec_driver_sql(add, (storable(order_id), organization_id, now_text()))
    return connection.execute(select(orders).where(orders.c.id == storable(order_id)).with_for_update()).one()


def _move(
    connection: Connection,
    order_id: str,
    organization_id: str,
    before: tuple[Decimal, Decimal],
    after: tuple[Decimal, Decimal],
    owner: str,
) -> Decimal:
    """Brings the wallet from what an order was worth `before` (paid, refunded) to what it is worth `after`."""
    values = {"paid_cents": after[0], "refunded_cents": after[1]}
    connection.execute(update(orders).where(orders.c.id == storable(order_id)).values(values))
    worth = _worth(*after) - _worth(*before)
    if not worth:
        return ZERO
    operation: rules.Operation = (
        rules.Credit(uuid7("txn_"), organization_id, worth, paid=True)
        if worth > 0
        else rules.Refund(uuid7("txn_"), organization_id, -worth)
    )
    [moved] = books.post(connection, [operation], owner)
    if isinstance(moved, AccountsError):
        raise moved
    if worth < 0 and moved < -worth:
        log.error("order %s: %s cents were refunded that its wallet had spent already", order_id, -worth - moved)
    return moved if worth > 0 else -moved


def _worth(paid_cents: Decimal, refunded_cents: Decimal) -> Decimal:
    return max(ZERO, paid_cents - refunded_cents)
