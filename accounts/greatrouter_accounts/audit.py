"""Whether the books agree with themselves: what `greatrouter accounts verify` runs."""

from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Select, func, select

from greatrouter_accounts import ledger as rules
from greatrouter_accounts import schema
from greatrouter_accounts.money import ZERO

MOST_TRANSACTIONS = 20
NEVER_NEGATIVE = ("wallet:", "held:", rules.REVENUE)


def problems(connection: Connection) -> list[str]:
    """What is wrong, one line each; empty where all is well. `connection` reads one moment of the database."""
    return [*_balances(connection), *_transactions(connection), *_holds(connection)]


def _balances(connection: Connection) -> list[str]:
    """Every balance is the sum of its entries, and none is negative that may not be."""
    ledger, kept = schema.ledger, schema.balances
    summed = _by_name(connection, select(ledger.c.account, func.sum(ledger.c.amount_cents)).group_by(ledger.c.account))
    stored = _by_name(connection, select(kept.c.account, kept.c.amount_cents))
    wrong = [
        f"{account}: the ledger says {summed.get(account, ZERO)} cents, the balance {stored.get(account, ZERO)}"
        for account in sorted(summed.keys() | stored.keys())
        if summed.get(account, ZERO) != stored.get(account, ZERO)
    ]
    below = [
        f"{name} is below zero: {x} cents"
        for name, x in sorted(stored.items())
        if x < 0 and name.startswith(NEVER_NEGATIVE)
    ]
    return wrong + below


def _transactions(connection: Connection) -> list[str]:
    """The entries of every transaction add up to zero."""
    ledger = schema.ledger
    total = func.sum(ledger.c.amount_cents)
    query = select(ledger.c.transaction_id, total).group_by(ledger.c.transaction_id).having(total != ZERO)
    rows = connection.execute(query.limit(MOST_TRANSACTIONS)).all()
    return [
        f"transaction {transaction_id}: its entries add up to {amount} cents instead of 0"
        for transaction_id, amount in rows
    ]


def _holds(connection: Connection) -> list[str]:
    """What is held is what the open reservations set aside."""
    kept, reservations = schema.balances, schema.reservations
    organization, amount = reservations.c.organization_id, reservations.c.amount_cents
    reserved = _by_name(connection, select(organization, func.sum(amount)).group_by(organization))
    wanted = {rules.held(name): total for name, total in reserved.items()}
    stored = _by_name(connection, select(kept.c.account, kept.c.amount_cents).where(kept.c.account.startswith("held:")))
    differing = (
        name for name in sorted(wanted.keys() | stored.keys()) if wanted.get(name, ZERO) != stored.get(name, ZERO)
    )
    return [
        f"{name}: the open reservations say {wanted.get(name, ZERO)} cents, the balance {stored.get(name, ZERO)}"
        for name in differing
    ]


def _by_name(connection: Connection, query: Select[Any]) -> dict[str, Decimal]:
    return {name: amount for name, amount in connection.execute(query)}  # noqa: C416 - a Row is not a pair to the type checker
