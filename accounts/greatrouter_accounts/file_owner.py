"""Which processes that use a database are alive, told by locks.

The operating system drops a lock with the process that holds it, however that process ends. A process id would not
do: it is used again after a while, and in two containers that share a volume everyone is process 1. The lock is
SQLite's own exclusive lock on an empty file, which works the same on every system.
"""

import sqlite3
from pathlib import Path

from sqlalchemy import Connection

from greatrouter_accounts.errors import StoreFailed
from greatrouter_accounts.ids import uuid7
from greatrouter_accounts.store import Store


class FileOwner:
    """Make it and ask it who is `alive` while holding the store's write lock."""

    certain = True

    def __init__(self, folder: Path) -> None:
        """Raises `StoreFailed`."""
        self._folder = folder
        self._enrol()

    def alive(self, connection: Connection) -> set[str]:
        """Our own name and those of the others that live; the files of those that ended are removed.

        Raises `StoreFailed`."""
        names = {self.name}
        for path in self._folder.glob("own_*"):
            if path.name == self.name:
                continue
            try:
                _locked(path).close()
            except sqlite3.Error:
                names.add(path.name)
            else:
                _remove(path)
        return names

    def renew(self, store: Store) -> bool:
        """A lock that is held needs no renewal, while it is where the others look: its file may have been removed, or
        replaced by one of a backup."""
        if identity(self._folder / self.name) == self._file:
            return True
        with store.write():
            self._lock.close()
            self._enrol()
        return False

    def resign(self, connection: Connection) -> None:
        self._lock.close()
        if identity(self._folder / self.name) == self._file:
            _remove(self._folder / self.name)

    def _enrol(self) -> None:
        name = uuid7("own_")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(self._folder / name)
        except (OSError, sqlite3.Error) as error:
            raise StoreFailed(f"cannot lock a file in {self._folder} ({error}); let this user write there") from error
        self.name, self._file = name, identity(self._folder / name)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreFailed(f"cannot remove {path} ({error}); let this user write to its folder") from error


def identity(path: Path) -> tuple[int, int] | None:
    """Tells a file from another that takes its place; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _locked(path: Path) -> sqlite3.Connection:
    """Raises `sqlite3.OperationalError` where another holds the lock."""
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=MEMORY")  # no second file beside the lock
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error:
        connection.close()
        raise
    return connection
