"""Who holds a key, as the database said a moment ago: a request whose key is known costs no look into it."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from greatrouter_accounts import directory, keys
from greatrouter_accounts.errors import KeyRejected
from greatrouter_accounts.keys import Caller
from greatrouter_accounts.last_used import LastUsed
from greatrouter_accounts.store import Store

# A revoked key is refused everywhere within this long: that is how old a cached answer may be.
KEY_CACHE_S = 1.0
KEY_FRESH_S = 0.8
CACHED_KEYS = 10_000


class _Known(NamedTuple):
    """An answer about a key: asked for again from `fresh_until` on, and not used any more from `valid_until`."""

    caller: Caller
    fresh_until: float
    valid_until: float


class KeyCache:
    """Used by one event loop, but for `forget`. `clock` counts seconds; `last_used` is told of every look into the
    database."""

    def __init__(self, store: Store, secret: bytes, last_used: LastUsed, clock: Callable[[], float]) -> None:
        self._store = store
        self._secret = secret
        self._last_used = last_used
        self._clock = clock
        self._known: dict[bytes, _Known] = {}
        self._revocations = 0

    def forget(self) -> None:
        """After a revocation: whoever asks from now on is told what the database says then."""
        self._revocations += 1
        self._known.clear()

    async def authenticate(self, key: str) -> Caller:
        """Who holds `key`. Raises `KeyRejected` and `StoreFailed`."""
        digest = keys.digest(key, self._secret)
        asked_at = self._clock()
        known = self._known.get(digest)
        if known and asked_at < known.fresh_until:
            return known.caller
        if known and asked_at < known.valid_until:
            # This one asks again; whoever comes meanwhile takes what is still valid: one lookup and not one for each.
            self._known[digest] = _Known(known.caller, known.valid_until, known.valid_until)
        if not keys.well_formed(key):
            raise KeyRejected(
                "this API key is malformed; expected pk_live_..., pk_test_... or gr-... "
                "as `greatrouter keys create` prints it"
            )
        revocations = self._revocations
        try:
            caller = await asyncio.get_running_loop().run_in_executor(None, self._caller, digest)
        except KeyRejected:
            self._known.pop(digest, None)
            raise
        self._last_used.note(caller.key_id)
        if revocations != self._revocations:
            return caller  # who asked before the revocation; the next asks the database again
        if len(self._known) >= CACHED_KEYS:
            self._known.clear()
        # Counted from before the database was read: where the answer took long to get here, it is old already.
        self._known[digest] = _Known(caller, asked_at + KEY_FRESH_S, asked_at + KEY_CACHE_S)
        return caller

    def _caller(self, digest: bytes) -> Caller:
        with self._store.read() as connection:
            return directory.caller(connection, digest)
