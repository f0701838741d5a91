"""What PostgreSQL adds: several processes on one wallet, a server that goes away, a process that is taken for dead."""

import asyncio
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from greatrouter_accounts import books
from greatrouter_accounts import postgres as postgres_store
from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.errors import AccountsError, StoreFailed
from greatrouter_accounts.keys import Caller
from greatrouter_accounts.operations import Reserve, Settle
from greatrouter_accounts.store import open_store
from tests import postgres
from tests.accounts.conftest import LEASE, SECRET, held, query
from tests.accounts.test_accounts import funded
from tests.accounts.test_pools import RICH, pooled
from tests.accounts.us import Us
from tests.api.conftest import eventually

pytestmark = pytest.mark.slow
Start = Callable[[str], "subprocess.Popen[str]"]
CENT = Decimal(1)


@pytest.fixture
def database(postgres_server: postgres.Server) -> Iterator[str]:
    with postgres_server.database() as url:
        yield url


# Each process asks for a cent 50 times at once, prints how many it got, and keeps or spends them.
RACER = """
accounts = opened()
caller = asyncio.run(accounts.authenticate(sys.stdin.readline().strip()))
async def one(number):
    try:
        reservation = await accounts.till.reserve(caller, Decimal(1), f"req_{number}")
    except InsufficientCredit:
        return 0
    await asyncio.sleep(0.01)
    return await accounts.till.settle(reservation, Decimal(1))
async def main():
    return await asyncio.gather(*(one(number) for number in range(50)))
print(sum(asyncio.run(main())), flush=True)
accounts.close()
"""


def test_four_processes_spend_one_wallet_to_the_last_cent_and_no_further(
    opened: Callable[[], Accounts], process: Start
) -> None:
    accounts = opened()
    key = accounts.create_key("ada")
    accounts.office.credit("ada", Decimal(50))
    racers = [process(RACER) for _ in range(4)]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write(f"{key}\n")
        racer.stdin.flush()
    results = [racer.communicate(timeout=60) for racer in racers]
    assert [errors for _, errors in results] == [""] * 4
    assert sum(Decimal(output) for output, _ in results) == 50
    assert accounts.balance("ada") == 0
    assert accounts.verify() == []


def test_two_processes_that_pool_the_same_wallet_lose_nothing(opened: Callable[[], Accounts]) -> None:
    first, second = opened(), opened()
    pooled(first)[1]()
    caller = funded(second, 0)

    async def spend(accounts: Accounts, name: str) -> Decimal:
        charged = Decimal(0)
        for number in range(100):
            reservation = await accounts.till.reserve(caller, CENT, f"{name}_{number}")
            charged += await accounts.till.settle(reservation, Decimal("0.3"))
        return charged

    async def both() -> Decimal:
        return sum(await asyncio.gather(spend(first, "first"), spend(second, "second")), Decimal(0))

    assert asyncio.run(both()) == 60
    assert first.balance("ada") == RICH - 60
    assert first.verify() == []


def test_two_machines_that_begin_at_the_same_time_make_the_tables_once(database: str, process: Start) -> None:
    children = [process("opened().close(); print('opened')") for _ in range(4)]
    assert [child.communicate(timeout=60) for child in children] == [("opened\n", "")] * 4


def test_a_process_that_was_taken_for_dead_charges_the_wallet_and_begins_anew(
    database: str, opened: Callable[[], Accounts]
) -> None:
    """Its lease is ended under it, as if its machine had stood still; the others give its pool back."""
    other = opened()
    silent = opened()
    hold, _ = pooled(silent)
    query(database, "UPDATE owners SET alive_until = now() - INTERVAL '1 hour'")
    assert eventually(lambda: held(database) == 0, timeout_s=20)
    assert asyncio.run(silent.till.settle(hold, Decimal("0.25"))) == Decimal("0.25")
    assert other.balance("ada") == RICH - Decimal("0.25")
    assert other.verify() == []
    caller = funded(silent, 0)
    reservation = asyncio.run(silent.till.reserve(caller, CENT, "req_anew"))
    assert asyncio.run(silent.till.settle(reservation, CENT)) == 1
    assert silent.verify() == []


def test_a_server_that_goes_away_charges_nobody_and_is_found_again() -> None:
    """Its sessions are ended in the middle of traffic, again and again."""
    with postgres.running() as server, server.database() as url:
        accounts = Accounts(url, SECRET, lease=LEASE)
        caller = funded(accounts, 1_000)
        stop = threading.Event()

        def interrupt() -> None:
            with psycopg.connect(server.url(), autocommit=True) as connection:
                while not stop.wait(0.05):
                    connection.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'greatrouter'"
                    )

        async def spend() -> tuple[int, int]:
            charged = refused = 0
            for number in range(200):
                try:
                    reservation = await accounts.till.reserve(caller, CENT, f"req_{number}")
                    charged += int(await accounts.till.settle(reservation, CENT))
                except AccountsError:
                    refused += 1
                    await asyncio.sleep(0.01)
            return charged, refused

        breaker = threading.Thread(target=interrupt)
        breaker.start()
        charged, refused = asyncio.run(spend())
        stop.set()
        breaker.join()
        assert charged + refused == 200
        assert charged > 0
        assert eventually(lambda: held(url) == 0, timeout_s=20)
        assert accounts.balance("ada") == 1_000 - charged
        assert accounts.verify() == []
        accounts.close()


def test_a_table_that_is_gone_for_a_while_is_nobodys_fault(database: str, opened: Callable[[], Accounts]) -> None:
    """As one is to which the right was taken away: the server calls both a programming error."""
    accounts = opened()
    caller = funded(accounts, 5)
    reservation = asyncio.run(accounts.till.reserve(caller, CENT, "req"))
    query(database, "ALTER TABLE ledger RENAME TO elsewhere")
    for _ in range(2):
        with pytest.raises(StoreFailed, match="does not exist"):
            asyncio.run(accounts.till.settle(reservation, CENT))
    query(database, "ALTER TABLE elsewhere RENAME TO ledger")
    assert eventually(lambda: held(database) == 0)
    assert accounts.balance("ada") == 5
    assert accounts.verify() == []


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux gives up on what it sent")
def test_a_machine_that_is_gone_without_a_word_is_given_up_before_a_caller_is(opened: Callable[[], Accounts]) -> None:
    with opened()._store.read() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        with socket.socket(fileno=os.dup(raw.fileno())) as wire:
            assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
            assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1


def test_who_stands_still_in_the_middle_of_a_charge_holds_up_nobody_else(
    opened: Callable[[], Accounts], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a machine does whose power is cut. Others of its organization wait until the server gives up on it."""
    monkeypatch.setattr(postgres_store, "IDLE_TIMEOUT_MS", 500)
    still, other = opened(), opened()
    ada, bob = funded(still, 100), funded(still, 100, "bob")

    async def charge(caller: Caller) -> Decimal:
        return await other.till.settle(await other.till.reserve(caller, CENT, "req"), CENT)

    def stand_still() -> None:
        with still._store.write() as connection:
            reserve, settle = Reserve("r", ada.organization_id, CENT, "req"), Settle("s", "r", CENT)
            assert list(books.post(connection, [reserve, settle], still._owner.name)) == [1, 1]
            assert asyncio.run(asyncio.wait_for(charge(bob), 0.4)) == 1  # before it is given up
            assert asyncio.run(charge(ada)) == 1

    with pytest.raises(StoreFailed):
        stand_still()
    assert other.balance("ada") == 99
    assert other.verify() == []


def test_who_starts_after_an_outage_does_not_take_the_living_for_dead(
    database: str, opened: Callable[[], Accounts]
) -> None:
    """Nobody could say that they live."""
    living = opened()
    reservation = asyncio.run(living.till.reserve(funded(living, 10), Decimal(4), "req"))
    query(database, "UPDATE owners SET alive_until = now() - INTERVAL '1 second'")
    opened()
    assert held(database) == 4
    assert asyncio.run(living.till.settle(reservation, Decimal(4))) == 4


def test_a_new_name_is_used_when_everybody_can_see_it(database: str) -> None:
    store = open_store(database, LEASE)
    owner = store.enrol()
    name = owner.name
    query(database, "UPDATE owners SET alive_until = now() - INTERVAL '1 second'")
    with psycopg.connect(database) as other, ThreadPoolExecutor(1) as threads:
        other.execute("LOCK TABLE owners IN SHARE MODE")
        renewed = threads.submit(owner.renew, store)
        assert eventually(
            lambda: query(database, "SELECT 1 FROM pg_locks WHERE relation = 'owners'::regclass AND NOT granted")
        )
        assert owner.name == name
        other.rollback()
        assert not renewed.result(10)
    assert query(database, f"SELECT 1 FROM owners WHERE name = '{owner.name}' AND alive_until > now()") == [(1,)]
    store.close()


def test_who_begins_while_somebody_looks_for_the_dead_is_none_of_them(opened: Callable[[], Accounts]) -> None:
    accounts = opened()
    caller = funded(accounts, 10)
    asyncio.run(accounts.till.reserve(caller, CENT, "req_dead"))

    class Slow(Us):
        def alive(self, connection: object) -> set[str]:
            found = super().alive(connection)
            asyncio.run(opened().till.reserve(caller, Decimal(4), "req_new"))
            return found

    assert books.release_orphans(accounts._store, Slow()) == 1
    assert accounts.balance("ada") == 6


def test_what_many_dead_requests_held_is_given_back_in_turns(database: str, opened: Callable[[], Accounts]) -> None:
    """More than a transaction's share: others lock the same wallets in the order of their names."""
    accounts = opened()
    first, last = sorted(funded(accounts, 1_000, name).organization_id for name in ("ada", "bob"))
    with accounts._store.write() as connection:
        reserves = [Reserve(f"res_{number:03}", last, CENT, "req") for number in range(books.CHUNK)]
        books.post(connection, [*reserves, Reserve("res_x", first, CENT, "req")], "own_dead")
    lock = "SELECT 1 FROM balances WHERE account = %s FOR UPDATE"
    with psycopg.connect(database) as traffic, ThreadPoolExecutor(1) as threads:
        traffic.execute(lock, [f"wallet:{first}"])
        released = threads.submit(books.release_orphans, accounts._store, Us())
        assert eventually(
            lambda: query(database, "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == [(1,)]
        )
        traffic.execute("SET lock_timeout = '5s'")
        traffic.execute(lock, [f"wallet:{last}"])
        traffic.rollback()
        assert released.result(10) == books.CHUNK + 1
    assert held(database) == 0
    assert accounts.verify() == []


def test_processes_that_are_the_first_to_reserve_do_not_wait_for_each_other(
    database: str, opened: Callable[[], Accounts]
) -> None:
    """What is held has a row of its own. A third process that made it while the first waited for the wallet, and the
    second came then, made them wait for each other until PostgreSQL refused one of them."""
    first, second = opened(), opened()
    caller = asyncio.run(first.authenticate(first.create_key("ada")))
    first.office.credit("ada", Decimal(100))
    with psycopg.connect(database) as third, psycopg.connect(database) as slow, ThreadPoolExecutor(2) as threads:

        def waiting() -> int:
            """Sessions that wait for a lock."""
            [[count]] = query(database, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            return int(count)

        def reserve(accounts: Accounts) -> "Future[Any]":
            return threads.submit(lambda: asyncio.run(accounts.till.reserve(caller, CENT, "req")))

        third.execute("UPDATE balances SET amount_cents = amount_cents WHERE account LIKE 'wallet:%'")
        third.execute(
            "INSERT INTO balances VALUES (%s, 0) ON CONFLICT (account) DO UPDATE SET amount_cents = 0",
            (f"held:{caller.organization_id}",),
        )
        one = reserve(first)
        assert eventually(lambda: waiting() == 1)
        slow.execute("LOCK TABLE ledger IN SHARE MODE")  # nobody can add an entry
        third.commit()
        assert eventually(
            lambda: query(database, "SELECT 1 FROM pg_locks WHERE relation = 'ledger'::regclass AND NOT granted")
        )
        other = reserve(second)
        assert eventually(lambda: waiting() == 2)
        slow.rollback()
        assert {one.result(30).amount_cents, other.result(30).amount_cents} == {CENT}
    assert first.verify() == []


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://ada@127.0.0.1/x", "expected postgresql://"),
        ("not a url", "no URL"),
        ("postgresql://ada:s3cret@127.0.0.1:1/x", "Connection refused"),
        ("postgresql://ada:s3cret@no-such-host.invalid/x", "correct the host"),
    ],
)
def test_a_database_that_cannot_be_reached_is_named_without_its_password(url: str, words: str) -> None:
    with pytest.raises(StoreFailed, match=words) as failure:
        Accounts(url, SECRET, lease=timedelta(seconds=1))
    assert "s3cret" not in str(failure.value)
