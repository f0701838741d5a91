"""Orders that a payment provider says were paid or refunded: each counts once, however often and in whatever order it
says so.

What an order is worth is what was paid for it less what was refunded, and never less than nothing; the ledger's entries
that name it (`reference`) add up to that.
"""

import logging
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select, update

from greatrouter_accounts import books, directory
from greatrouter_accounts.clock import now_text
from greatrouter_accounts.errors import InvalidName, UnknownOrganization
from greatrouter_accounts.ids import uuid7
from greatrouter_accounts.money import ZERO, cents, check_amount
from greatrouter_accounts.operations import Credit, Operation, Refund
from greatrouter_accounts.schema import orders
from greatrouter_accounts.store import MARKS

log = logging.getLogger("greatrouter")

LONGEST_ID = 200
# The first to name an order makes its row, and whoever names it at the same time waits for that one.
ADD = "INSERT INTO orders (id, organization_id, paid_cents, refunded_cents, created_at) VALUES "
ADD += "({0}, {0}, 0, 0, {0}) ON CONFLICT (id) DO NOTHING"


def reference(order_id: str) -> str:
    """What stands for an order in the ledger."""
    return f"order:{order_id}"


def paid(connection: Connection, order_id: str, organization: str | None, amount_cents: Decimal, owner: str) -> Decimal:
    """Credits an order; the cents credited, 0 where that was done before. `connection` holds the write lock.

    Where an order is told of again it belongs to whom it was credited first, whatever is said then.
    """
    check_amount(amount_cents)
    amount = cents(amount_cents)
    row = _row(connection, order_id, organization)
    if row.paid_cents or not amount:
        return ZERO
    organization_id = row.organization_id if organization is None else directory.payer(connection, organization)
    before, after = (ZERO, row.refunded_cents), (amount, row.refunded_cents)
    return _move(connection, order_id, organization_id, before, after, owner)


def refunded(
    connection: Connection, order_id: str, organization: str | None, total_cents: Decimal, owner: str
) -> Decimal:
    """Takes back what was refunded of an order in all: what the wallet holds of it at once, the rest is owed. The cents
    credited, which are none or negative.

    An order that is known needs no `organization`: its owner may not be a customer of the provider any more.
    """
    check_amount(total_cents)
    total = cents(total_cents)
    row = _row(connection, order_id, organization)
    before, after = (row.paid_cents, row.refunded_cents), (row.paid_cents, max(row.refunded_cents, total))
    return _move(connection, order_id, row.organization_id, before, after, owner)


def _row(connection: Connection, order_id: str, organization: str | None) -> Any:
    """The order, locked; made where it is new."""
    if not 0 < len(order_id) <= LONGEST_ID or not (order_id.isascii() and order_id.isprintable()) or " " in order_id:
        raise InvalidName(f"no order is called {order_id[:80]!r}; expected up to {LONGEST_ID} printable characters")
    query = select(orders).where(orders.c.id == order_id).with_for_update()
    known = connection.execute(query).one_or_none()
    if known is not None:
        return known
    if organization is None:
        raise UnknownOrganization(f"the order {order_id} is not known here, and it does not say who pays it")
    add = ADD.format(MARKS[connection.dialect.name])
    connection.exec_driver_sql(add, (order_id, directory.payer(connection, organization), now_text()))
    return connection.execute(query).one()


def _move(
    connection: Connection,
    order_id: str,
    organization_id: str,
    before: tuple[Decimal, Decimal],
    after: tuple[Decimal, Decimal],
    owner: str,
) -> Decimal:
    """Brings the wallet from what an order was worth `before` (paid, refunded) to what it is worth `after`."""
    values = {"organization_id": organization_id, "paid_cents": after[0], "refunded_cents": after[1]}
    connection.execute(update(orders).where(orders.c.id == order_id).values(values))
    worth = _worth(*after) - _worth(*before)
    if not worth:
        return ZERO
    operation: Operation = (
        Credit(uuid7("txn_"), organization_id, worth, paid=True, reference=reference(order_id))
        if worth > 0
        else Refund(uuid7("txn_"), organization_id, -worth, reference=reference(order_id))
    )
    moved = books.post_one(connection, operation, owner)
    if worth < 0 and moved < -worth:
        log.warning(
            "order %s: %s cents of its refund were spent or held already and are owed", order_id, -worth - moved
        )
    return moved if worth > 0 else -moved


def _worth(paid_cents: Decimal, refunded_cents: Decimal) -> Decimal:
    return max(ZERO, paid_cents - refunded_cents)
