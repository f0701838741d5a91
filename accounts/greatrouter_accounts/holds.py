"""What is set aside of wallets, read off the open reservations."""

from decimal import Decimal

from sqlalchemy import ColumnElement, Connection, func, select

from greatrouter_accounts.money import ZERO
from greatrouter_accounts.operations import POOL
from greatrouter_accounts.schema import reservations as table

OF_POOL = table.c.request_id == POOL


def pooled(connection: Connection, organization_id: str) -> Decimal:
    """Cents that processes hold of an organization's wallet in pools: they may still be spent."""
    return _sum(connection, table.c.organization_id == organization_id, OF_POOL)


def pooled_by_organization(connection: Connection) -> dict[str, Decimal]:
    """The same of every organization that has any, by its id."""
    query = select(table.c.organization_id, func.sum(table.c.amount_cents)).where(OF_POOL)
    return {row[0]: row[1] for row in connection.execute(query.group_by(table.c.organization_id))}


def under_way(connection: Connection, organization_id: str) -> Decimal:
    """Cents that an organization's requests hold for themselves."""
    return _sum(connection, table.c.organization_id == organization_id, ~OF_POOL)


def of_key(connection: Connection, key_id: str) -> Decimal:
    """Cents that requests hold with a key that has budgets."""
    return _sum(connection, table.c.key_id == key_id)


def _sum(connection: Connection, *which: ColumnElement[bool]) -> Decimal:
    return connection.scalar(select(func.sum(table.c.amount_cents)).where(*which)) or ZERO
