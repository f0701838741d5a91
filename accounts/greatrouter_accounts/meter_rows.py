"""Meters in the accounts database, a row each: what several processes on one database count together."""

import time
from collections.abc import Callable, Sequence

from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

from greatrouter_accounts.errors import RateLimited
from greatrouter_accounts.ledger_sql import rows_parameter
from greatrouter_accounts.limits import Give, Meter, Take, Taken, give, read, take, written
from greatrouter_accounts.store import Owner, Store

FIND = "SELECT name, state FROM meters WHERE name IN (SELECT value FROM json_each(?))"
SAVE = """
    INSERT INTO meters (name, state)
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?) WHERE true
    ON CONFLICT (name) DO UPDATE SET state = excluded.state"""
# The rows are locked in the order of their names, so that no two processes wait for each other, and the clock is read
# when they are: the database's, for it is the only one that its machines share.
FIND_LOCKED = """
    WITH locked AS MATERIALIZED (
        SELECT name, state FROM meters
        WHERE name IN (SELECT jsonb_array_elements_text(%s::jsonb)) ORDER BY name FOR UPDATE)
    SELECT name, state, extract(epoch FROM clock_timestamp())::float8 FROM locked"""
MAKE_LOCKED = """
    INSERT INTO meters (name, state) SELECT made, '' FROM jsonb_array_elements_text(%s::jsonb) AS names (made)
    ORDER BY made ON CONFLICT DO NOTHING"""
SAVE_LOCKED = """
    UPDATE meters SET state = change->>1 FROM jsonb_array_elements(%s::jsonb) AS changes (change)
    WHERE meters.name = change->>0"""
# Who is alive is asked again after so long, where a limit of requests at a time is reached.
ASK_WHO_LIVES_S = 1.0

Operation = Take | Give
Result = Taken | RateLimited | None


class MeterRows:
    """`commit` is for one thread. `clock` counts seconds for all processes alike; None is the database's."""

    def __init__(self, store: Store, owner: Owner, clock: Callable[[], float] | None = None) -> None:
        self._store = store
        self._owner = owner
        self._clock = clock
        self._asked_who_lives_at = float("-inf")
        # The places that this process has, by their meters, and under which name: it knows better than a row whose last
        # commit nobody heard of.
        self._mine: dict[str, int] = {}
        self._mine_as = owner.name
        self._in_doubt: set[str] = set()

    def commit(self, operations: Sequence[Operation]) -> Sequence[Result]:
        """Raises `StoreFailed`; what may have been counted by then is put right by the next commit."""
        if self._mine_as != self._owner.name:  # it was taken for dead, and has none any more
            self._mine, self._mine_as = {}, self._owner.name
        names = {name for each in operations for name in _names(each)}
        self._in_doubt |= names
        with self._store.write(durable=False) as connection:  # a crash of the machine may cost a moment's counts
            meters, now = self._load(connection, sorted(self._in_doubt))
            before = {name: written(meter) for name, meter in meters.items()}
            for name, meter in meters.items():
                _put_right(meter, self._mine_as, self._mine.get(name, 0))
            results = [self._apply(connection, meters, operation, now) for operation in operations]
            after = {name: written(meter) for name, meter in meters.items()}
            self._save(connection, [(name, state) for name, state in after.items() if state != before[name]])
        self._in_doubt.clear()
        self._mine |= {name: meter.places.get(self._mine_as, 0) for name, meter in meters.items()}
        for name in [name for name in meters if not self._mine[name]]:
            del self._mine[name]
        return results

    def _apply(self, connection: Connection, meters: dict[str, Meter], operation: Operation, now: float) -> Result:
        if isinstance(operation, Give):
            give(meters, operation, now)
            return None
        found = take(meters, operation, now, self._owner.name)
        if isinstance(found, RateLimited) and found.kind == "concurrent" and self._free_the_dead(connection, meters):
            return take(meters, operation, now, self._owner.name)
        return found

    def _free_the_dead(self, connection: Connection, meters: dict[str, Meter]) -> bool:
        """Frees the places of processes that ended; whether there were any."""
        if time.monotonic() - self._asked_who_lives_at < ASK_WHO_LIVES_S:
            return False
        self._asked_who_lives_at = time.monotonic()
        alive = self._owner.alive(connection)
        freed = False
        for meter in meters.values():
            for owner in meter.places.keys() - alive:
                del meter.places[owner]
                freed = True
        return freed

    def _load(self, connection: Connection, names: Sequence[str]) -> tuple[dict[str, Meter], float]:
        cursor = connection.connection.cursor()
        if connection.dialect.name == "sqlite":
            cursor.execute(FIND, rows_parameter(names))
            known: dict[str, str] = dict(cursor.fetchall())
            now = time.time()
        else:
            known, now = self._lock(cursor, names)
        return {name: read(known.get(name, "")) for name in names}, now if self._clock is None else self._clock()

    def _lock(self, cursor: DBAPICursor, names: Sequence[str]) -> tuple[dict[str, str], float]:
        cursor.execute(FIND_LOCKED, rows_parameter(names))
        rows = cursor.fetchall()
        if len(rows) < len(names):
            cursor.execute(MAKE_LOCKED, rows_parameter(names))
            cursor.execute(FIND_LOCKED, rows_parameter(names))
            rows = cursor.fetchall()
        return {name: state for name, state, _ in rows}, max((moment for _, _, moment in rows), default=0.0)

    def _save(self, connection: Connection, states: Sequence[tuple[str, str]]) -> None:
        if states:
            statement = SAVE if connection.dialect.name == "sqlite" else SAVE_LOCKED
            connection.connection.cursor().execute(statement, rows_parameter(states))


def _put_right(meter: Meter, owner: str, places: int) -> None:
    if places:
        meter.places[owner] = places
    else:
        meter.places.pop(owner, None)


def _names(operation: Operation) -> Sequence[str]:
    return operation.names if isinstance(operation, Give) else [name for name, _ in operation.meters]
