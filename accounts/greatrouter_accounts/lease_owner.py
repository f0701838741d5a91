"""Which processes that use a database are alive, told by leases: each says again and again that it lives.

Machines that share a database share no locks of an operating system. The database's clock is the only one that counts.
"""

from datetime import timedelta

from sqlalchemy import Connection, text

from greatrouter_accounts.ids import uuid7
from greatrouter_accounts.store import Store

ENROL = "INSERT INTO owners (name, alive_until) VALUES (:name, now() + :lease)"
RENEW = "UPDATE owners SET alive_until = now() + :lease WHERE name = :name AND alive_until > now()"
RESIGN = "DELETE FROM owners WHERE name = :name"
ALIVE = "SELECT name FROM owners WHERE alive_until > now()"
# Those that died long ago are forgotten; what they had set aside was given back before.
FORGET = "DELETE FROM owners WHERE alive_until < now() - INTERVAL '1 day'"


class LeaseOwner:
    """Whoever does not renew within `lease` is taken for dead."""

    certain = False

    def __init__(self, store: Store, lease: timedelta) -> None:
        self._lease = lease
        self.name = self._enrolled(store)

    def alive(self, connection: Connection) -> set[str]:
        return {self.name, *connection.execute(text(ALIVE)).scalars()}

    def renew(self, store: Store) -> bool:
        with store.write() as connection:
            if connection.execute(text(RENEW), {"name": self.name, "lease": self._lease}).rowcount:
                return True
        self.name = self._enrolled(store)
        return False

    def resign(self, connection: Connection) -> None:
        connection.execute(text(RESIGN), {"name": self.name})

    def _enrolled(self, store: Store) -> str:
        """A new name. Nobody uses it before its row is there for all to see."""
        name = uuid7("own_")
        with store.write() as connection:
            connection.execute(text(FORGET))
            connection.execute(text(ENROL), {"name": name, "lease": self._lease})
        return name
