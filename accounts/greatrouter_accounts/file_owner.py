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


class FileOwner:
    """Make it and ask it who is `alive` while holding the store's write lock."""

    def __init__(self, folder: Path) -> None:
        """Raises `StoreFailed`."""
        self.name = uuid7("own_")
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(folder / self.name)
        except (OSError, sqlite3.Error) as error:
            raise StoreFailed(f"cannot lock a file in {folder} ({error}); let this user write there") from error

    def alive(self, connection: Connection) -> set[str]:
        """Our own name and those of the others that live; the files of those that ended are removed."""
        names = {self.name}
        for path in self._folder.glob("own_*"):
            if path.name == self.name:
                continue
            try:
                _locked(path).close()
            except sqlite3.Error:
                names.add(path.name)
            else:
                path.unlink(missing_ok=True)
        return names

    def renew(self, connection: Connection) -> bool:
        """A lock that is held needs no renewal."""
        return True

    def resign(self, connection: Connection) -> None:
        self._lock.close()
        (self._folder / self.name).unlink(missing_ok=True)


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
