"""What an organization prefers when its requests are routed.

The values are JSON in the database and are not judged here, for accounts knows neither tasks nor models: whoever writes
them has checked them. What is read back is made to fit all the same, so that a value nobody understands is a default
and not a failure.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, delete, insert, select

from greatrouter_accounts.clock import now_text
from greatrouter_accounts.errors import StoreFailed, UnknownPreference
from greatrouter_accounts.schema import preferences as table
from greatrouter_accounts.store import Store

log = logging.getLogger("greatrouter")

# What another process wrote is seen within this long; asked for again, by one caller, a little earlier.
CACHE_S = 1.0
FRESH_S = 0.8
CACHED_ORGANIZATIONS = 10_000
EXPIRED = float("-inf")


@dataclass(frozen=True, slots=True)
class Preferences:
    """The defaults are what holds where nothing was set, and where nothing can be read."""

    default_optimization: str = "balanced"
    default_task: str | None = None
    excluded_providers: tuple[str, ...] = ()
    excluded_models: tuple[str, ...] = ()
    preferred_providers: tuple[str, ...] = ()
    content_mode_default: str | None = None


DEFAULTS = Preferences()
KEYS = tuple(field.name for field in fields(Preferences))


def from_values(values: Mapping[str, Any]) -> Preferences:
    """The preferences that stored values say; a value of a type that its key cannot have is left out.

    >>> from_values({"default_task": "code", "excluded_models": 5}).excluded_models
    ()
    """
    if not values:
        return DEFAULTS  # itself, as most have set nothing: to compare is to look at the same object
    found: dict[str, Any] = {}
    for key in values.keys() & set(KEYS):
        value, default = values[key], getattr(DEFAULTS, key)
        if isinstance(default, tuple):
            if isinstance(value, list) and all(isinstance(item, str) for item in value):
                found[key] = tuple(value)
        elif isinstance(value, str) or (value is None and default is None):
            found[key] = value
    return Preferences(**found)


def stored(connection: Connection, organization_id: str) -> dict[str, Any]:
    """The values that were set, by key."""
    query = select(table.c.key, table.c.value).where(table.c.organization_id == organization_id)
    found = {}
    for key, value in connection.execute(query):
        try:
            found[key] = orjson.loads(value)
        except (orjson.JSONDecodeError, TypeError):
            log.warning("the preference %s of %s is not JSON; its default is used", key, organization_id)
    return found


def write(connection: Connection, organization_id: str, key: str, value: object) -> None:
    """`value` is what JSON can say. Raises `UnknownPreference`."""
    erase(connection, organization_id, key)
    text = orjson.dumps(value).decode()
    row = {"organization_id": organization_id, "key": key, "value": text, "updated_at": now_text()}
    connection.execute(insert(table), row)


def erase(connection: Connection, organization_id: str, key: str) -> None:
    """Raises `UnknownPreference`."""
    if key not in KEYS:
        raise UnknownPreference(f"no preference is called {key!r}; allowed: {', '.join(KEYS)}")
    connection.execute(delete(table).where(table.c.organization_id == organization_id, table.c.key == key))


class _Known(NamedTuple):
    """Asked for again from `fresh_until` on; not used any more from `valid_until`, unless the database is broken."""

    preferences: Preferences
    fresh_until: float
    valid_until: float


class PreferenceBook:
    """Every organization's preferences, kept in memory for the hot path: 0.4 us instead of a query of 300."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._turn = threading.Lock()  # around what is known and `_writes`, never around the database
        self._writes = 0
        self._failing = False

    async def get(self, organization_id: str, *, fresh: bool = False) -> Preferences:
        """Never raises: where the database fails it is what was known last, else the defaults.

        `fresh` asks the database even where the answer is known.
        """
        asked_at = self._clock()
        known = self._known.get(organization_id)
        if known is not None and not fresh:
            if asked_at < known.fresh_until:
                return known.preferences
            if asked_at < known.valid_until:
                # This one asks again; whoever comes meanwhile takes what is still valid.
                with self._turn:
                    if self._known.get(organization_id) is known:
                        self._known[organization_id] = known._replace(fresh_until=known.valid_until)
        return await asyncio.get_running_loop().run_in_executor(None, self._read, organization_id, asked_at)

    def keys_set(self, organization_id: str) -> frozenset[str]:
        """The keys that have a value of the organization's own. Raises `StoreFailed`."""
        with self._store.read() as connection:
            return frozenset(stored(connection, organization_id))

    def put(self, organization_id: str, key: str, value: object) -> Preferences:
        """Raises `UnknownPreference` and `StoreFailed`."""
        return self._change(organization_id, lambda connection: write(connection, organization_id, key, value))

    def remove(self, organization_id: str, key: str) -> Preferences:
        """Raises `UnknownPreference` and `StoreFailed`."""
        return self._change(organization_id, lambda connection: erase(connection, organization_id, key))

    def _change(self, organization_id: str, change: Callable[[Connection], None]) -> Preferences:
        """What holds then; whoever asks this book afterwards sees it."""
        with self._store.write() as connection:
            change(connection)
            found = from_values(stored(connection, organization_id))
        with self._turn:
            self._writes += 1
            # Expired from the start: of two who write at once the later commit may well come here first.
            self._remember(organization_id, _Known(found, EXPIRED, EXPIRED))
        return found

    def _read(self, organization_id: str, asked_at: float) -> Preferences:
        """On a thread of its own."""
        with self._turn:
            writes = self._writes
        try:
            with self._store.read() as connection:
                found = from_values(stored(connection, organization_id))
            self._failing = False
        except StoreFailed as error:
            found, asked_at = self._last(organization_id, error), self._clock()
        with self._turn:
            if writes == self._writes:  # else this may have been read before the write, which must show at once
                self._remember(organization_id, _Known(found, asked_at + FRESH_S, asked_at + CACHE_S))
        return found

    def _last(self, organization_id: str, error: StoreFailed) -> Preferences:
        known = self._known.get(organization_id)
        if not self._failing:
            self._failing = True
            log.warning("preferences cannot be read; what was known last, or the defaults, hold meanwhile: %s", error)
        return known.preferences if known else DEFAULTS

    def _remember(self, organization_id: str, known: _Known) -> None:
        if len(self._known) >= CACHED_ORGANIZATIONS:
            self._known.clear()
        self._known[organization_id] = known
