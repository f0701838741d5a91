"""A server under load is killed at random moments, again and again: the books agree, and with what callers were told.

`SOAK_KILLS` says how often (`make soak`: 100), `SOAK_SEED` draws the same requests and moments again.
"""

import asyncio
import os
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import psycopg
import pytest
import uvloop

from greatrouter_accounts import books
from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.store import LEASE, open_store
from greatrouter_api.home import server_secret
from greatrouter_benchmarks.servers import free_port
from tests.soak.books import Books, disagreements
from tests.soak.clients import Crowd
from tests.soak.deployment import Home
from tests.soak.provider import Provider

KILLS = int(os.environ.get("SOAK_KILLS", "25"))
SEED = int(os.environ.get("SOAK_SEED", secrets.randbits(32)))
CLIENTS = 64
# Of the kills, so many come while the server starts; the others within so long after.
EARLY, BUSY_S = 0.2, 1.0
# What is credited: a rich organization's requests are paid from a pool, a poor one's are reserved one by one until
# nothing is left, for which it gets a little again after each restart.
ONCE = {"rich": Decimal(100_000)}
EACH_TIME = {"poor": Decimal("0.3")}
NOTHING = Decimal(0)
EXPECTED = {0, 200, 402}


@pytest.mark.slow
@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
def test_no_kill_loses_or_invents_a_charge(tmp_path: Path, url: str | None) -> None:
    uvloop.run(_crashes(tmp_path / "home", url))


async def _crashes(folder: Path, url: str | None) -> None:
    print(f"SOAK_SEED={SEED} SOAK_KILLS={KILLS}")  # shown with whatever fails
    random = Random(SEED)
    async with Provider().listening() as provider:
        home = Home(folder, provider.port, url)
        soak = Soak(home, provider, random)
        for kill in range(KILLS):
            await soak.live_and_die(early=random.random() < EARLY, lease_ends=kill < KILLS - 1)
        soak.give_back_what_is_held()
        soak.check()
    soak.report()
    assert home.run("accounts", "verify") == "every balance agrees with its ledger"
    assert {request.status for request in soak.crowd.asked} == EXPECTED  # or this has shown less than it says


class Soak:
    def __init__(self, home: Home, provider: Provider, random: Random) -> None:
        self.home = home
        self.provider = provider
        self.random = random
        self.port = free_port()
        self.start_s = 2.0
        self.checks = 0
        self.credited = dict.fromkeys([*ONCE, *EACH_TIME], NOTHING)
        with closing(self.accounts()) as accounts:
            self.crowd = Crowd({name: accounts.create_key(name) for name in self.credited}, random, CLIENTS)
        self.credit(ONCE)

    def accounts(self, lease: timedelta = LEASE) -> Accounts:
        return Accounts(self.home.database, server_secret(self.home.folder / "secret"), lease=lease)

    def credit(self, amounts: dict[str, Decimal]) -> None:
        with closing(self.accounts()) as accounts:
            for name, cents in amounts.items():
                accounts.office.credit(name, cents)
                self.credited[name] += cents

    async def live_and_die(self, *, early: bool, lease_ends: bool) -> None:
        """One life of the server: on SQLite its start gives back what the one before had set aside."""
        started, ended = time.monotonic(), asyncio.Event()
        with self.home.serve(self.port) as server:
            if early:
                lives_s = self.random.uniform(0, 1.2 * self.start_s)
            else:
                await asyncio.to_thread(server.ready)
                self.start_s = time.monotonic() - started
                self.check()
                self.credit(EACH_TIME)
                lives_s = self.random.uniform(0, BUSY_S)
            asking = asyncio.create_task(self.crowd.ask(self.port, ended))
            await asyncio.sleep(lives_s)
        ended.set()
        await asking
        odd = [
            (request.name, request.status, request.body)
            for request in self.crowd.asked
            if request.status not in EXPECTED
        ]
        assert odd[:3] == []
        assert "ERROR" not in server.said
        self.bury(lease_ends=lease_ends)

    def bury(self, *, lease_ends: bool) -> None:
        """Waits until PostgreSQL has noticed; and as nobody waits for its leases to end here, ends them, and gives back
        what the dead had set aside, as a peer does that was there all along."""
        if not isinstance(self.home.database, str):
            return
        with psycopg.connect(self.home.database, autocommit=True) as connection:
            others = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert _eventually(lambda: connection.execute(others).fetchone() == (0,), 10)
            if lease_ends:
                connection.execute("UPDATE owners SET alive_until = now() - INTERVAL '1 second'")
        if lease_ends:
            with closing(open_store(self.home.database)) as store:
                books.release_orphans(store, store.enrol())

    def give_back_what_is_held(self) -> None:
        """On PostgreSQL a peer that lives does so, once the lease of the dead is over."""
        with closing(self.accounts(lease=timedelta(seconds=2))), closing(Books(self.home.database)) as books:
            assert _eventually(lambda: books.held() == NOTHING, LEASE.total_seconds() + 10)

    def check(self) -> None:
        """While nobody asks."""
        self.checks += 1
        with closing(Books(self.home.database)) as books:
            # At once where a lock says who lives; else a peer has to have lived for a lease to know who does not.
            assert _eventually(lambda: books.held() == NOTHING, LEASE.total_seconds() + 20)
            assert books.problems() == []
            charges = books.charges()
            left = {name: books.wallet(name) for name in self.credited}
        assert disagreements(self.crowd.asked, charges, self.provider.produced) == []
        names = {request.name: request.payer for request in self.crowd.asked}
        assert charges.keys() <= names.keys()
        spent = {
            payer: sum((sum(paid) for name, paid in charges.items() if names[name] == payer), NOTHING)
            for payer in self.credited
        }
        assert {name: left[name] + spent[name] for name in left} == self.credited

    def report(self) -> None:
        asked = self.crowd.asked
        answers = Counter((request.kind, request.status) for request in asked)
        print(f"{KILLS} kills, {self.checks} checks, a start takes {self.start_s:.1f} s, {answers}")


def _eventually(condition: Callable[[], bool], timeout_s: float) -> bool:
    deadline, pause = time.monotonic() + timeout_s, threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            return False
        pause.wait(0.02)
    return True
