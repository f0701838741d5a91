"""When each key was last used: noted in memory, written by the housekeeper in one batch."""

from threading import Lock

from greatrouter_accounts import directory
from greatrouter_accounts.clock import now_text
from greatrouter_accounts.store import Store


class LastUsed:
    """A key in use is looked up again before a second has passed, and noted then: a request whose key is known from
    the one before costs nothing more, and what is written is right to the second."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._noted: dict[str, str] = {}
        self._lock = Lock()

    def note(self, key_id: str) -> None:
        with self._lock:
            self._noted[key_id] = now_text()

    def write(self) -> None:
        """What was noted since the last time. Raises `StoreFailed`, and then it is written the next time."""
        with self._lock:
            noted = dict(self._noted)
        if not noted:
            return
        with self._store.write() as connection:
            directory.note_uses(connection, noted)
        with self._lock:
            for key_id, moment in noted.items():
                if self._noted.get(key_id) == moment:
                    del self._noted[key_id]
