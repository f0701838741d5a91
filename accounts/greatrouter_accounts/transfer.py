"""All that one accounts database holds, carried over into another: from SQLite to PostgreSQL."""

from sqlalchemy import Connection, Table, func, insert, select

from greatrouter_accounts.errors import StoreFailed
from greatrouter_accounts.schema import metadata, organizations
from greatrouter_accounts.store import take_your_time

# What tells of the processes that use a database, or of the database itself.
OWN = ("schema_version", "deployment", "owners", "meters")
CHUNK = 1_000


def carry_over(source: Connection, target: Connection) -> int:
    """Rows carried over. `source` reads a database that nobody else uses, and `target` holds the write lock of one in
    which there is no organization. Raises `StoreFailed`."""
    take_your_time(source)
    take_your_time(target)
    if target.scalar(select(func.count()).select_from(organizations)):
        raise StoreFailed(
            "the accounts database has organizations already; accounts are carried over into an empty one"
        )
    carried = 0
    for table in metadata.sorted_tables:
        if table.name in OWN:
            continue
        with source.execute(select(table), execution_options={"yield_per": CHUNK}) as rows:
            for chunk in rows.mappings().partitions():
                target.execute(insert(table), [dict(row) for row in chunk])
                carried += len(chunk)
        if "sequence" in table.c and table.c.sequence.primary_key and target.dialect.name == "postgresql":
            _count_on(target, table)
    return carried


def _count_on(target: Connection, table: Table) -> None:
    """PostgreSQL numbers the next row after those that were numbered elsewhere."""
    numbers = func.pg_get_serial_sequence(table.name, "sequence")
    target.execute(select(func.setval(numbers, func.max(table.c.sequence))))
