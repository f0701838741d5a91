"""The tables, made or brought up to date when a store is opened.

A new database gets the tables of `schema.py` as they are now. One that exists gets the migrations it has not had, in
order: functions named m001_..., m002_..., each changing the tables of the version before, all in one transaction.

One that is on main is never changed, for databases have had it: what is wrong with it the next one puts right. The
tests hold a digest of what each says to the database, and a dump of every version that they bring up to now: whoever
adds a migration adds its digest and a dump of the version before it (`tests/accounts/versions`).

PostgreSQL came with version 2: no database of it was ever older, so that the first two are written for SQLite alone.
Whatever comes later runs on both. VARCHAR, TEXT, INTEGER, BIGINT and BOOLEAN are called so by both, and so are ADD
COLUMN, which goes to the end of `schema.py`'s columns too, CREATE INDEX and UPDATE. Bytes, moments and rows that number
themselves are not: `column.type.compile(dialect=connection.dialect)` is a type's name, and statements that differ are
chosen by `connection.dialect.name`. Nothing of `schema.py` may be used otherwise, for it is what it is now and not what
it was then. Where SQLite cannot alter a table it is made anew, its rows copied, and the old one dropped; not one that
others refer to, whose rows would go with it.
"""

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, insert, inspect, select, update

from greatrouter_accounts.errors import StoreFailed
from greatrouter_accounts.schema import metadata, schema_version

Migration = Callable[[Connection], None]


def m001_account_surface(connection: Connection) -> None:
    """Preferences, tries that failed, and what the log needs for preferences that suggest themselves."""
    for statement in (
        "ALTER TABLE activity ADD COLUMN optimization VARCHAR",
        "ALTER TABLE activity ADD COLUMN content_mode VARCHAR",
        "CREATE INDEX activity_by_model ON activity (model, timestamp)",
        """CREATE TABLE failed_attempts (
            sequence INTEGER NOT NULL, request_id VARCHAR NOT NULL, organization_id VARCHAR NOT NULL,
            timestamp VARCHAR NOT NULL, model VARCHAR NOT NULL, provider VARCHAR NOT NULL, status INTEGER,
            PRIMARY KEY (sequence))""",
        "CREATE INDEX failed_attempts_by_organization ON failed_attempts (organization_id, timestamp)",
        "CREATE INDEX failed_attempts_by_model ON failed_attempts (model, timestamp)",
        """CREATE TABLE preferences (
            organization_id VARCHAR NOT NULL, "key" VARCHAR NOT NULL, value TEXT NOT NULL, updated_at VARCHAR NOT NULL,
            PRIMARY KEY (organization_id, "key"))""",
    ):
        connection.exec_driver_sql(statement)


def m002_trusted_money(connection: Connection) -> None:
    """Leases, orders, answers to repeated requests, and what a key may do. The first version on PostgreSQL too, so
    what comes before is written for SQLite alone."""
    for statement in (
        "CREATE TABLE owners (name VARCHAR NOT NULL, alive_until DATETIME NOT NULL, PRIMARY KEY (name))",
        "CREATE TABLE deployment (name VARCHAR NOT NULL, value VARCHAR NOT NULL, PRIMARY KEY (name))",
        "ALTER TABLE keys ADD COLUMN scopes VARCHAR DEFAULT 'inference read admin' NOT NULL",
        "ALTER TABLE keys ADD COLUMN expires_at VARCHAR",
        "ALTER TABLE keys ADD COLUMN last_used_at VARCHAR",
        "ALTER TABLE keys ADD COLUMN limits TEXT",
        """CREATE TABLE baselines (
            organization_id VARCHAR NOT NULL, period VARCHAR NOT NULL, cents BIGINT NOT NULL,
            PRIMARY KEY (organization_id, period))""",
        "CREATE TABLE meters (name VARCHAR NOT NULL, state TEXT NOT NULL, PRIMARY KEY (name))",
        """CREATE TABLE orders (
            id VARCHAR NOT NULL, organization_id VARCHAR NOT NULL, paid_cents BIGINT NOT NULL,
            refunded_cents BIGINT NOT NULL, created_at VARCHAR NOT NULL, PRIMARY KEY (id))""",
        """CREATE TABLE idempotency (
            organization_id VARCHAR NOT NULL, "key" VARCHAR NOT NULL, run VARCHAR NOT NULL, request_id VARCHAR NOT NULL,
            fingerprint BLOB NOT NULL, owner VARCHAR NOT NULL, charged_cents BIGINT NOT NULL,
            created_at VARCHAR NOT NULL, status INTEGER, headers TEXT, body BLOB,
            PRIMARY KEY (organization_id, "key"))""",
        "CREATE INDEX idempotency_by_age ON idempotency (created_at)",
        # What stands for pools was a name that a caller could give to a request.
        "UPDATE ledger SET request_id = '(pool)' WHERE request_id = 'pool'",
        "UPDATE reservations SET request_id = '(pool)' WHERE request_id = 'pool'",
    ):
        connection.exec_driver_sql(statement)


def m003_budgets_of_keys(connection: Connection) -> None:
    """Budgets of keys. Baselines are made anew from the ledger by whoever asks first."""
    for statement in (
        "ALTER TABLE keys ADD COLUMN daily_budget_cents BIGINT",
        "ALTER TABLE keys ADD COLUMN monthly_budget_cents BIGINT",
        "ALTER TABLE reservations ADD COLUMN key_id VARCHAR",
        "CREATE INDEX reservations_by_key ON reservations (key_id) WHERE key_id IS NOT NULL",
        "ALTER TABLE idempotency ADD COLUMN charged_key_id VARCHAR",
        "DROP TABLE baselines",
        """CREATE TABLE baselines (
            account VARCHAR NOT NULL, period VARCHAR NOT NULL, cents BIGINT NOT NULL, sequence BIGINT NOT NULL,
            PRIMARY KEY (account, period))""",
    ):
        connection.exec_driver_sql(statement)


def m004_prices_of_calls(connection: Connection) -> None:
    """What each call was charged by."""
    for statement in (
        "ALTER TABLE activity ADD COLUMN rates TEXT",
        "ALTER TABLE activity ADD COLUMN catalog_version VARCHAR",
    ):
        connection.exec_driver_sql(statement)


def m005_kept_bytes(connection: Connection) -> None:
    """How much of repeated requests' answers each organization has kept."""
    for statement in (
        """CREATE TABLE kept_bytes (
            organization_id VARCHAR NOT NULL, hour VARCHAR NOT NULL, bytes BIGINT NOT NULL,
            PRIMARY KEY (organization_id, hour))""",
        """INSERT INTO kept_bytes (organization_id, hour, bytes)
            SELECT organization_id, substr(created_at, 1, 13), sum(length(body)) FROM idempotency
            WHERE body IS NOT NULL GROUP BY organization_id, substr(created_at, 1, 13)""",
    ):
        connection.exec_driver_sql(statement)


def m006_revenue_is_not_kept(connection: Connection) -> None:
    """Its balance, for which every charge waited."""
    connection.exec_driver_sql("DELETE FROM balances WHERE account = 'revenue'")


MIGRATIONS: tuple[Migration, ...] = (
    m001_account_surface,
    m002_trusted_money,
    m003_budgets_of_keys,
    m004_prices_of_calls,
    m005_kept_bytes,
    m006_revenue_is_not_kept,
)


def migrate(connection: Connection, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Brings the database to the latest version. The caller holds the write lock. Raises `StoreFailed`."""
    latest = len(migrations)
    if not inspect(connection).has_table("schema_version"):
        metadata.create_all(connection)
        connection.execute(insert(schema_version).values(version=latest))
        return
    version = connection.execute(select(schema_version.c.version)).scalar_one()
    if version > latest:
        raise StoreFailed(
            f"the accounts database has version {version}, this program knows {latest}: it was used by a newer "
            "greatrouter; install that one again, or restore a backup from before"
        )
    for number, migration in enumerate(migrations[version:], start=version + 1):
        migration(connection)
        connection.execute(update(schema_version).values(version=number))
