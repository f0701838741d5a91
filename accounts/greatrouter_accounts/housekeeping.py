"""What a process does for the books while it lives: it says so, gives back what the dead had set aside, and writes what
could wait."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

from greatrouter_accounts import books
from greatrouter_accounts.errors import AccountsError
from greatrouter_accounts.store import Owner, Store

log = logging.getLogger("greatrouter")

ROUNDS_A_LEASE = 4


class Housekeeper:
    """A thread of its own. `on_presumed_dead` is called after the others had to take this process for dead, whose money
    they then gave back. `clock` counts seconds. `chores` are done in every round, whichever of them fails.

    Whoever could not reach the database until a moment ago is not yet sure who else could not: it gives nothing back
    before it was steady for a whole lease.
    """

    def __init__(
        self,
        store: Store,
        owner: Owner,
        on_presumed_dead: Callable[[], None],
        lease: timedelta,
        clock: Callable[[], float] = time.monotonic,
        chores: Sequence[Callable[[], None]] = (),
    ) -> None:
        self._store = store
        self._owner = owner
        self._on_presumed_dead = on_presumed_dead
        self._lease_s = lease.total_seconds()
        self._clock = clock
        self._chores = chores
        self._steady_since = clock()
        self._failing = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="accounts-house", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(self._lease_s / ROUNDS_A_LEASE):
            try:
                self._round()
            except AccountsError as error:
                self._steady_since = self._clock()
                if not self._failing:
                    log.warning("the accounts database does not answer; nothing is charged until it does: %s", error)
                self._failing = True
            else:
                if self._failing:
                    log.warning("the accounts database answers again")
                self._failing = False

    def _round(self) -> None:
        if not self._owner.renew(self._store):
            log.warning("this process was silent for so long that what it had set aside was given back")
            self._steady_since = self._clock()
            self._on_presumed_dead()
        failures = [failure for chore in self._chores if (failure := _failure(chore)) is not None]
        if failures:
            raise failures[0]
        if self._clock() - self._steady_since < self._lease_s:
            return
        if orphans := books.release_orphans(self._store, self._owner):
            log.warning("%d reservations of processes that ended were given back", orphans)


def _failure(chore: Callable[[], None]) -> AccountsError | None:
    try:
        chore()
    except AccountsError as failure:
        return failure
    return None
