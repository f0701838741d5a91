"""What is done for the books while a process lives goes on whatever fails."""

import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import cast

from greatrouter_accounts.errors import RowRefused, StoreFailed
from greatrouter_accounts.housekeeping import Housekeeper
from greatrouter_accounts.sqlite import SqliteStore
from greatrouter_accounts.store import Owner
from tests.accounts.us import Us


def test_a_chore_that_fails_keeps_no_other_from_being_done(path: Path) -> None:
    done, rounds = threading.Semaphore(0), 3
    failures = iter([RowRefused("a row"), StoreFailed("the disk")] * rounds)

    def failing() -> None:
        if (failure := next(failures, None)) is not None:
            raise failure

    lease = timedelta(seconds=0.04)
    with closing(SqliteStore(path)) as store:
        owner = cast("Owner", Us())
        with closing(Housekeeper(store, owner, lambda: None, lease, chores=[failing, done.release])):
            assert all(done.acquire(timeout=10) for _ in range(rounds * 2))
