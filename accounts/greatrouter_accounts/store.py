"""The database. SQLite: write-ahead log, every commit on disk before it is acknowledged."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from greatrouter_accounts.errors import RowRefused, StoreFailed
from greatrouter_accounts.migrations import migrate

BUSY_TIMEOUT_S = 10.0

# What a row can be at fault for; everything else is the database's.
OF_THE_ROW = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
# What to do, by the first words of SQLite's message.
REMEDIES = {
    "file is not a database": "it is damaged or no accounts database; move it away or restore a backup",
    "database disk image is malformed": "it is damaged; restore a backup",
    "database or disk is full": "free some space on its disk",
    "disk I/O error": "check that its disk has free space and works",
    "database is locked": "another program has held it for 10 seconds; close what has it open",
    "unable to open database file": "expected a file in a folder that this user may write to",
    "attempt to write a readonly database": "let this user write to it and to its folder",
}


class Store:
    """Opens (and migrates) the database at `path`. `write` takes the lock at once, `read` never blocks a writer."""

    def __init__(self, path: Path, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreFailed(
                f"cannot create {path.parent}: {error.strerror}; set GREATROUTER_HOME to a writable folder"
            ) from error
        self._writing = _engine(path, "BEGIN IMMEDIATE", busy_timeout_s)
        self._reading = _engine(path, "BEGIN", busy_timeout_s)
        # The threads of one process take turns with one connection: SQLite's own waiting is a poll every 1 to 100 ms.
        self._turn = threading.Lock()
        with ExitStack() as undo:  # what was opened before a failure is closed again
            undo.callback(self._writing.dispose)
            with _failures(path):
                self._writer = self._writing.connect()
            undo.callback(self._writer.close)
            with self.write() as connection:
                migrate(connection)
            undo.pop_all()

    @property
    def dialect(self) -> Dialect:
        return self._writing.dialect

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction under the write lock: committed at the end, rolled back by an exception.

        Raises `RowRefused` where a value cannot be stored, `StoreFailed` where nothing can.
        """
        with self._turn, _failures(self.path), self._writer.begin():
            yield self._writer

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One moment of the database, whatever is written meanwhile."""
        with _failures(self.path), self._reading.connect() as connection:
            yield connection

    def close(self) -> None:
        self._writer.close()
        self._writing.dispose()
        self._reading.dispose()


@contextmanager
def _failures(path: Path) -> Iterator[None]:
    """Errors of the driver become ours. Opening a connection raises the driver's own, everything later SQLAlchemy's."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, OF_THE_ROW):
            raise RowRefused(f"the accounts database does not take this row: {cause}") from error
        remedies = [remedy for words, remedy in REMEDIES.items() if str(cause).startswith(words)]
        remedy = remedies[0] if remedies else "check its disk and its permissions"
        raise StoreFailed(f"the accounts database {path} failed ({cause}): {remedy}") from error
    except (OverflowError, UnicodeError) as error:
        raise RowRefused(f"the accounts database does not take this row: {error}") from error


def _engine(path: Path, begin: str, busy_timeout_s: float) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"check_same_thread": False, "timeout": busy_timeout_s},
        hide_parameters=True,  # what a failing row holds is nobody's business but its owner's
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we begin and end transactions ourselves
        _write_ahead(connection, busy_timeout_s)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.connection.cursor().execute(begin)

    return engine


def _write_ahead(connection: Any, busy_timeout_s: float) -> None:
    """Where several processes do this to a new database at once, SQLite tells some of them that it is locked without
    waiting at all: 1 in 200 of four."""
    end_s = time.monotonic() + busy_timeout_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end_s:
                raise
            time.sleep(0.01)
        else:
            return
