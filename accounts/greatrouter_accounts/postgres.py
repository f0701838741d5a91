"""Accounts in PostgreSQL: several server processes, on several machines, spend from the same wallets.

The write lock is each row's own: whoever changes wallets locks their rows first, in the order of their names, so that
no two processes wait for each other (`ledger_sql.py`).
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from typing import Any

import psycopg
from sqlalchemy import Connection, Dialect, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError

from greatrouter_accounts.errors import RowRefused, StoreFailed
from greatrouter_accounts.lease_owner import LeaseOwner
from greatrouter_accounts.migrations import migrate
from greatrouter_accounts.store import failures, heard_of, take_your_time

CONNECT_TIMEOUT_S = 5
# Of a machine that is gone without a word nobody hears for two hours, and for a quarter of one after something was sent
# to it: unless one asks every few seconds.
SILENCE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}
# A statement that waits longer for a lock or a disk than a caller would is given up, and the caller told.
STATEMENT_TIMEOUT_MS = 10_000
# Who says nothing for so long in the middle of a transaction is gone or stands still, and others wait for its locks:
# the server gives up on it, and finds out as fast as we do where a machine is gone.
IDLE_TIMEOUT_MS = 5_000
# The writers' four threads, the housekeeper and those who read; a burst of readers may open more for a while.
CONNECTIONS, MORE_CONNECTIONS = 8, 24
# Migrations of all processes take turns under this lock, whatever number it is.
MIGRATION_LOCK = 0x6772_6163_6374_7301

# The driver finds out by itself what it cannot send; what the server calls a programming error (no such table, no
# right to it) has no row to blame.
ROWS_FAULTS = (psycopg.IntegrityError, psycopg.DataError, psycopg.errors.DatatypeMismatch)
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
    "Connection refused": "check that it runs, and that host and port in GREATROUTER_DATABASE_URL are its own",
    "timeout expired": "check that it can be reached from here, and host and port in GREATROUTER_DATABASE_URL",
    "": "check that it runs and can be reached, its disk and its permissions",
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
        # An option may be a password, too.
        self._name = parsed.set(username=None, password=None, query={}).render_as_string()
        self._lease = lease
        self._engine = create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,  # after the server's restart the first to come finds that its connection is gone
            pool_size=CONNECTIONS,
            max_overflow=MORE_CONNECTIONS,
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT_S,
                **SILENCE,
                "application_name": "greatrouter",
                "options": _options(),
            },
            hide_parameters=True,
        )
        event.listen(self._engine, "checkin", _as_it_was)
        with ExitStack() as undo:
            undo.callback(self.close)
            try:
                with self.write() as connection:
                    take_your_time(connection)
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
                    migrate(connection)
            except RowRefused as error:  # as which the driver's refusal of an option in the URL comes out
                words = str(error).partition(": ")[2]
                raise StoreFailed(f"GREATROUTER_DATABASE_URL cannot be used ({words}): correct it") from None
            undo.pop_all()

    @property
    def dialect(self) -> Dialect:
        return self._engine.dialect

    def write(self, *, durable: bool = True) -> AbstractContextManager[Connection]:
        return heard_of(self._transaction(durable), _refused)

    @contextmanager
    def _transaction(self, durable: bool) -> Iterator[Connection]:
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
        return LeaseOwner(self, self._lease)

    def close(self) -> None:
        self._engine.dispose()

    def _failures(self) -> AbstractContextManager[None]:
        return failures(self._name, _of_the_row, psycopg.Error, REMEDIES)


def _options() -> str:
    """What the server is told of each connection."""
    options = {
        "statement_timeout": STATEMENT_TIMEOUT_MS,
        "idle_in_transaction_session_timeout": IDLE_TIMEOUT_MS,
        **{name if name.startswith("tcp_") else f"tcp_{name}": value for name, value in SILENCE.items()},
        "synchronous_commit": "on",
        "timezone": "UTC",
    }
    return " ".join(f"-c {name}={value}" for name, value in options.items())


def _as_it_was(connection: Any, _record: Any) -> None:
    """A connection that was read from is made writable again, also where the server says that nothing is to be written
    (`default_transaction_read_only`, as managed ones do whose disk is nearly full): that is the server's to say."""
    if connection is not None:
        connection.read_only = None


def _refused(error: BaseException | None) -> bool:
    """Whether the server said that nothing was committed; one that is shut down may say so (57P) after it was."""
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    return state is not None and not state.startswith(("08", "57P"))


def _of_the_row(error: BaseException | None) -> bool:
    return isinstance(error, ROWS_FAULTS) or (isinstance(error, psycopg.ProgrammingError) and error.sqlstate is None)
