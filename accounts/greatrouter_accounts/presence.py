"""Which servers serve these accounts, and where each of them counts what plans limit: those that count in different
places let in more together than a plan allows."""

from sqlalchemy import Connection, delete, select

from greatrouter_accounts import deployment
from greatrouter_accounts.schema import deployment as table
from greatrouter_accounts.store import Owner, Store

# Before the name of the owner, in the table of what all have in common.
PREFIX = "limits:"


class Presence:
    """Of one process; one that is no server announces nothing."""

    def __init__(self, store: Store, owner: Owner) -> None:
        self._store = store
        self._owner = owner
        self._place: str | None = None
        self._known_as: str | None = None

    def announce(self, place: str) -> list[str]:
        """Says that this process is a server that counts at `place`; where the others that live do. Raises
        `StoreFailed`."""
        self._place = place
        self.renew()
        with self._store.write() as connection:  # of two that start at once, one at least sees the other's row
            alive = {PREFIX + name for name in self._owner.alive(connection)}
            rows = connection.execute(select(table).where(table.c.name.startswith(PREFIX)))
            found: dict[str, str] = {row.name: row.value for row in rows}
            dead = [name for name in found if name not in alive]
            connection.execute(delete(table).where(table.c.name.in_(dead)))
        return [found[name] for name in sorted(found.keys() & alive) if name != f"{PREFIX}{self._known_as}"]

    def renew(self) -> None:
        """Once the others had to take this process for dead it has another name. Raises `StoreFailed`."""
        if self._place is None or self._known_as == self._owner.name:
            return
        name = self._owner.name
        with self._store.write() as connection:
            deployment.add(connection, PREFIX + name, self._place)
        self._known_as = name

    def leave(self, connection: Connection) -> None:
        """It serves no more. `connection` holds the write lock."""
        if self._known_as is not None:
            connection.execute(delete(table).where(table.c.name == PREFIX + self._known_as))
