"""The tables, made or brought up to date when a store is opened.

A new database gets the tables of `schema.py` as they are now. One that exists gets the migrations it has not had, in
order: functions named m001_..., m002_..., each changing the tables of the version before. One that has shipped is
never changed.
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


MIGRATIONS: tuple[Migration, ...] = (m001_account_surface, m002_trusted_money)


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
