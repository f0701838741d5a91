"""Accounts in SQLite: write-ahead log, every commit on disk before it is acknowledged."""

import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event, inspect

from greatrouter_accounts.errors import StoreFailed
from greatrouter_accounts.file_owner import FileOwner, identity
from greatrouter_accounts.migrations import migrate
from greatrouter_accounts.store import failures, heard_of

BUSY_TIMEOUT_S = 10.0
# Where a file has no tables yet, another process may be making it: between its first byte and its tables are some ms.
MADE_WITHIN_S = 2.0

ROWS_FAULTS = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
REMEDIES = {
    "file is not a database": "it is damaged or no accounts database; move it away or restore a backup",
    "database disk image is malformed": "it is damaged; restore a backup",
    "database or disk is full": "free some space on its disk",
    "disk I/O error": "check that its disk has free space and works",
    "database is locked": "another program has held it for 10 seconds; close what has it open",
    "unable to open database file": "expected a file in a folder that this user may write to",
    "attempt to write a readonly database": "let this user write to it and to its folder",
}


# What SQLite says before anything of a commit is written.
NOT_WRITTEN = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY}


class SqliteStore:
    """Opens (and migrates) the database at `path`. `write` takes the lock at once, `read` never blocks a writer."""

    def __init__(self, path: Path, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self.path = path
        # Beside the file itself, whatever link led to it.
        self._owners = path.resolve().with_name(f"{path.resolve().name}-owners")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreFailed(
                f"cannot create {path.parent}: {error.strerror}; set GREATROUTER_HOME to a writable folder"
            ) from error
        lost = self._looks_lost()
        _keep_to_owner(path)
        self._writing = _engine(path, "BEGIN IMMEDIATE", busy_timeout_s)
        self._reading = _engine(path, "BEGIN", busy_timeout_s)
        self._hurrying = _engine(path, "BEGIN IMMEDIATE", busy_timeout_s, synchronous="NORMAL")
        self._hasty: Connection | None = None
        # The threads of one process take turns with one connection: SQLite's own waiting is a poll every 1 to 100 ms.
        self._turn = threading.Lock()
        with ExitStack() as undo:  # what was opened before a failure is closed again
            undo.callback(self._writing.dispose)
            with self._failures():
                self._writer = self._writing.connect()
            undo.callback(self._writer.close)
            self._file = identity(self.path)
            self._migrate(lost=lost)
            undo.pop_all()

    @property
    def dialect(self) -> Dialect:
        return self._writing.dialect

    def write(self, *, durable: bool = True) -> AbstractContextManager[Connection]:
        return heard_of(self._transaction(durable), _refused)

    @contextmanager
    def _transaction(self, durable: bool) -> Iterator[Connection]:
        with self._turn, self._failures():
            connection = self._writer if durable else self._hasty
            if connection is None:
                connection = self._hasty = self._hurrying.connect()
            with connection.begin():
                self._require_same_file()
                yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        self._require_same_file()  # or a new connection would make an empty one
        with self._failures(), self._reading.connect() as connection:
            yield connection

    def enrol(self) -> FileOwner:
        with self.write():  # nobody may take a lock file that is being made for one of a dead process
            return FileOwner(self._owners)

    def close(self) -> None:
        self._writer.close()
        if self._hasty is not None:
            self._hasty.close()
        for engine in (self._writing, self._hurrying, self._reading):
            engine.dispose()

    def _looks_lost(self) -> bool:
        """Whether there were accounts here, should the file turn out to be empty: others have used it, or it is a copy
        without what was written last, which SQLite keeps beside it. Raises `StoreFailed` where it is gone."""
        used, beside = os.path.isdir(self._owners), f"{self.path.resolve()}-wal"
        if not os.path.exists(self.path):
            if used:
                raise self._lost()
            return False
        return used or (os.path.getsize(self.path) > 0 and not os.path.exists(beside))

    def _migrate(self, *, lost: bool) -> None:
        end_s = time.monotonic() + MADE_WITHIN_S
        while True:
            with self.write() as connection:
                if not lost or inspect(connection).has_table("schema_version"):
                    return migrate(connection)
            if time.monotonic() > end_s:
                raise self._lost()
            time.sleep(0.01)

    def _lost(self) -> StoreFailed:
        return StoreFailed(
            f"there are no accounts in {self.path}, but there were: the file was moved away, or copied without the one "
            "beside it whose name ends in -wal. Put both back, or restore a backup; to begin with empty accounts, "
            f"remove {self.path} and the folder {self._owners}"
        )

    def _require_same_file(self) -> None:
        """What is written to a file that was moved away or replaced is lost to whoever opens its place; SQLite itself
        does not look. 2 us. Raises `StoreFailed`."""
        if identity(self.path) != self._file:
            raise StoreFailed(
                f"the accounts database {self.path} was moved away or replaced while it was in use; put that file "
                "back, or stop every process that has it open and start again"
            )

    def _failures(self) -> AbstractContextManager[None]:
        return failures(str(self.path), _of_the_row, sqlite3.Error, REMEDIES)


def _refused(error: BaseException | None) -> bool:
    return isinstance(error, sqlite3.Error) and (error.sqlite_errorcode or 0) & 0xFF in NOT_WRITTEN


def _keep_to_owner(path: Path) -> None:
    """The file, and those that SQLite makes beside it with the same permissions, are for its owner's eyes only, whoever
    may look into their folder.

    One that is there is not opened: closing it would end the locks that this process may have on it by SQLite.
    """
    with suppress(OSError):  # it is there, or SQLite says what is wrong
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    for each in (path, *(Path(f"{path.resolve()}-{kind}") for kind in ("wal", "shm"))):
        with suppress(OSError):  # it is not there, or another's
            mode = each.stat().st_mode
            if stat.S_ISREG(mode) and mode & 0o077:
                each.chmod(stat.S_IMODE(mode) & ~0o077)


def _of_the_row(error: BaseException | None) -> bool:
    return isinstance(error, ROWS_FAULTS)


def _engine(path: Path, begin: str, busy_timeout_s: float, synchronous: str = "FULL") -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"check_same_thread": False, "timeout": busy_timeout_s},
        hide_parameters=True,  # what a failing row holds is nobody's business but its owner's
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we begin and end transactions ourselves
        _write_ahead(connection, busy_timeout_s)
        connection.execute(f"PRAGMA synchronous={synchronous}")
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
