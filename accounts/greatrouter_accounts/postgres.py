"""Accounts in PostgreSQL: several server processes, on several machines, spend from the same wallets.

The write lock is each row's own: whoever changes wallets locks their rows first, in the order of their names, so that
no two processes wait for each other (`statements.py`).
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta

import psycopg
from sqlalchemy import Connection, Dialect, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError

from greatrouter_accounts.errors import RowRefused, StoreFailed
from greatrouter_accounts.lease_owner import LeaseOwner
from greatrouter_accounts.migrations import migrate
from greatrouter_accounts.store import failures

CONNECT_TIMEOUT_S = 5
# A statement that waits longer for a lock or a disk than a caller would is given up, and the caller told.
STATEMENT_TIMEOUT_MS = 10_000
# The writers' two threads and those who read; a burst of readers may open more for a while.
CONNECTIONS, MORE_CONNECTIONS = 8, 24
# Migrations of all processes take turns under this lock, whatever number it is.
MIGRATION_LOCK = 0x6772_6163_6374_7301

OF_THE_ROW = (psycopg.IntegrityError, psycopg.DataError, psycopg.ProgrammingError)
REMEDIES = {
    "password authentication failed": "correct the user and password in GREATROUTER_DATABASE_URL",
    "no password supplied": "put user and password into GREATROUTER_DATABASE_URL",
    "does not exist": "create it, or correct GREATROUTER_DATABASE_URL",
    "permission denied": "let this user create and change tables in it",
    "could not translate host name": "correct the host in GREATROUTER_DATABASE_URL",
    "failed to resolve host": "correct the host in GREATROUTER_DATABASE_URL",
    "No space left": "free some space on its disk",
    "read-only transaction": "it is a standby or read-only; connect to the primary",
    "statement timeout": "something holds it for over 10 seconds; look into pg_stat_activity",
    "too many": "raise its max_connections, or run fewer workers",
}


class PostgresStore:
    """`url` is `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`; the password is never shown."""

    def __init__(self, url: str, lease: timedelta) -> None:
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError):  # ValueError: the port, or what an unescaped password makes look like one
            raise StoreFailed(
                "GREATROUTER_DATABASE_URL is no URL; expected postgresql://USER:PASSWORD@HOST/NAME"
            ) from None
        if parsed.drivername.partition("+")[0] not in {"postgresql", "postgres"}:
            raise StoreFailed(f"GREATROUTER_DATABASE_URL begins with {parsed.drivername}://; expected postgresql://")
        self._name = parsed.set(username=None, password=None).render_as_string()
        self._lease = lease
        self._engine = create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,  # after the server's restart the first to come finds that its connection is gone
            pool_size=CONNECTIONS,
            max_overflow=MORE_CONNECTIONS,
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT_S,
                "application_name": "greatrouter",
                "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c synchronous_commit=on -c timezone=UTC",
            },
            hide_parameters=True,
        )
        with ExitStack() as undo:
            undo.callback(self.close)
            try:
                with self.write() as connection:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
                    migrate(connection)
            except RowRefused as error:  # as which the driver's refusal of an option in the URL comes out
                words = str(error).partition(": ")[2]
                raise StoreFailed(f"GREATROUTER_DATABASE_URL cannot be used ({words}): correct it") from None
            undo.pop_all()

    @property
    def dialect(self) -> Dialect:
        return self._engine.dialect

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        with self._failures(), self._engine.begin() as connection:
            if not durable:
                connection.connection.cursor().execute("SET LOCAL synchronous_commit TO off")
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self._failures(), self._engine.connect() as connection:
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            yield connection

    def enrol(self) -> LeaseOwner:
        with self.write() as connection:
            return LeaseOwner(connection, self._lease)

    def close(self) -> None:
        self._engine.dispose()

    def _failures(self) -> AbstractContextManager[None]:
        return failures(self._name, OF_THE_ROW, psycopg.Error, REMEDIES)
