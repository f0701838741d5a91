"""What all processes that share the database must have in common, by name: the rows of `schema.deployment`."""

from sqlalchemy import Connection, select, text

from greatrouter_accounts.schema import deployment as table

ADD = "INSERT INTO deployment (name, value) VALUES (:name, :value) ON CONFLICT (name) DO NOTHING"


def add(connection: Connection, name: str, value: str) -> None:
    """Where the name has none yet. `connection` holds the write lock."""
    connection.execute(text(ADD), {"name": name, "value": value})


def agree(connection: Connection, name: str, value: str) -> bool:
    """Whether all processes that share the database have the same `value` under `name`; the first to come sets it."""
    add(connection, name, value)
    return connection.scalar(select(table.c.value).where(table.c.name == name)) == value
