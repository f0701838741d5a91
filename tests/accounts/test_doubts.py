"""A connection that breaks while the database commits: what callers were told of their money holds all the same."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import Connection

from greatrouter_accounts import books, doubts
from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.errors import CommitUnheard, StoreFailed
from greatrouter_accounts.ids import uuid7
from greatrouter_accounts.operations import Charge, Credit, Fund, Operation, Reserve, Return, Run, Settle, Unfund
from greatrouter_accounts.pools import Hold
from greatrouter_accounts.sqlite import SqliteStore
from greatrouter_accounts.store import Store
from tests import postgres
from tests.accounts.asking import statement
from tests.accounts.conftest import LEASE, SECRET, held, query
from tests.accounts.test_accounts import funded
from tests.accounts.test_books import balances, posted, problems
from tests.accounts.test_pools import RICH, pooled
from tests.api.conftest import eventually

CENT = Decimal(1)
MANY = 2500  # more than are read at a time
LATE_S = 0.7

# -- what is given back ------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(tmp_path / "accounts.sqlite3")) as store:
        posted(store, [Credit("t", "ada", Decimal(10_000))])
        yield store


def back(charge: str, name: str = "back") -> Return:
    return Return(name, "ada", Decimal(0), "q", of=charge)


def test_a_settlement_that_went_through_is_given_back_once(store: SqliteStore) -> None:
    settle = Settle(uuid7("txn_"), "r", Decimal(3))
    posted(store, [Reserve("r", "ada", Decimal(5), "q"), settle])
    assert posted(store, [back(settle.id)]) == [Decimal(3)]
    assert posted(store, [back(settle.id)]) == [Decimal(0)]  # its own commit may have broken off, too
    assert balances(store)["wallet:ada"] == 10_000
    assert problems(store) == []


def test_a_charge_to_a_pool_is_found_behind_all_that_came_since(store: SqliteStore) -> None:
    charge = Charge(uuid7("txn_"), "pool", "ada", CENT, Decimal(2), "q")
    posted(store, [Fund("f", "pool", "ada", Decimal(500), CENT), charge])
    posted(store, [Charge(uuid7("txn_"), "pool", "ada", Decimal("0.01"), Decimal(0), "q") for _ in range(MANY)])
    before = balances(store)["wallet:ada"]
    assert posted(store, [back(charge.id)]) == [Decimal(3)]
    assert balances(store)["wallet:ada"] == before + 3
    assert problems(store) == []


def test_what_did_not_go_through_gives_nothing_back(store: SqliteStore) -> None:
    operations: list[Operation] = [Reserve("r", "ada", Decimal(5), "q"), back(uuid7("txn_")), Settle("s", "r", CENT)]
    assert posted(store, operations) == [5, 0, 1]
    assert balances(store)["wallet:ada"] == 9_999
    assert problems(store) == []


def test_what_is_taken_out_of_a_pool_once_more_is_taken_once(store: SqliteStore) -> None:
    unfund = Unfund(uuid7("txn_"), "pool", "ada", Decimal(100))
    posted(store, [Fund("f", "pool", "ada", Decimal(500), CENT)])
    assert posted(store, [unfund]) == [100]
    assert posted(store, [unfund]) == [0]  # its own commit may have broken off
    assert balances(store)["held:ada"] == 400
    assert problems(store) == []


def test_the_whole_ledger_is_not_read_for_a_charge_of_today(store: SqliteStore, path: Path) -> None:
    with store.write() as connection:
        rows = ", ".join(["('old', 'grant', 'revenue', 0, NULL, '2026-01-01')"] * MANY)
        names = "transaction_id, kind, account, amount_cents, request_id, created_at"
        connection.exec_driver_sql(f"INSERT INTO ledger ({names}) VALUES {rows}")
        read: list[str] = []
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.set_trace_callback(read.append)
        books.post(connection, [back(uuid7("txn_"))], "own_1")
    assert sum("FROM ledger" in statement for statement in read) == 1


# -- a connection that breaks ------------------------------------------------------------------------------------------


@dataclass
class Wire:
    """Between accounts and PostgreSQL. Where it is `armed`, the answer to the next commit that added rows is lost, and
    the connection with it. Where it is `slow`, the next commit of a reservation or a run comes to the server only a
    while after the connection broke.
    """

    server: int
    port: int = 0
    armed: threading.Event = field(default_factory=threading.Event)
    slow: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def connected(self) -> Iterator["Wire"]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
            yield self

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):  # closed
            while True:
                ours, theirs = listener.accept()[0], socket.create_connection(("127.0.0.1", self.server))
                for source, target in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=self._pass, args=(source, target), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        changed = begun = False
        with source, target, suppress(OSError):
            while data := source.recv(65536):
                changed = changed or b"INSERT 0 " in data
                if b"COMMIT\0" in data:
                    if changed and self.armed.is_set():
                        self.armed.clear()
                        break
                    changed = False
                begun = begun or b'"res_' in data or b"run_" in data
                if begun and b"COMMIT" in data and self.slow.is_set():
                    self.slow.clear()
                    source.shutdown(socket.SHUT_RDWR)
                    time.sleep(LATE_S)
                target.sendall(data)
            for end in (source, target):
                end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def wire(postgres_server: postgres.Server) -> Iterator[Wire]:
    with Wire(postgres_server.port).connected() as wire:
        yield wire


@pytest.fixture
def url(postgres_server: postgres.Server) -> Iterator[str]:
    with postgres_server.database() as url:
        yield url


@pytest.fixture
def accounts(url: str, wire: Wire, postgres_server: postgres.Server) -> Iterator[Accounts]:
    with closing(Accounts(url.replace(str(postgres_server.port), str(wire.port)), SECRET, lease=LEASE)) as found:
        yield found


@pytest.mark.slow
def test_a_reservation_that_nobody_heard_of_is_given_back(accounts: Accounts, wire: Wire, url: str) -> None:
    caller = funded(accounts, 5)
    wire.armed.set()
    with pytest.raises(CommitUnheard):
        asyncio.run(accounts.till.reserve(caller, CENT, "req"))
    assert not wire.armed.is_set()
    assert eventually(lambda: query(url, "SELECT 1 FROM ledger WHERE kind = 'release'"))
    assert held(url) == 0
    assert accounts.balance("ada") == 5
    assert accounts.verify() == []


@pytest.mark.slow
def test_so_is_one_whose_commit_the_release_overtook(accounts: Accounts, wire: Wire, url: str) -> None:
    caller = funded(accounts, 5)
    wire.slow.set()
    with pytest.raises(StoreFailed):
        asyncio.run(accounts.till.reserve(caller, CENT, "req"))
    assert not query(url, "SELECT 1 FROM ledger WHERE kind = 'reserve'")
    assert eventually(lambda: query(url, "SELECT 1 FROM ledger WHERE kind = 'release'"))
    assert held(url) == 0
    assert accounts.balance("ada") == 5


@pytest.mark.slow
def test_a_run_that_began_unheard_leaves_its_key_free(accounts: Accounts, wire: Wire, url: str) -> None:
    caller = funded(accounts, 5)
    wire.slow.set()
    with pytest.raises(StoreFailed):
        asyncio.run(accounts.repeats.begin(caller.organization_id, "key", [b"body"], "req"))
    assert not wire.slow.is_set()
    time.sleep(2 * LATE_S)
    assert query(url, "SELECT run FROM idempotency") == []


@pytest.mark.slow
def test_a_charge_that_nobody_heard_of_is_given_back(accounts: Accounts, wire: Wire, url: str) -> None:
    caller = funded(accounts, 5)
    reservation = asyncio.run(accounts.till.reserve(caller, CENT, "req"))
    wire.armed.set()
    with pytest.raises(StoreFailed):
        asyncio.run(accounts.till.settle(reservation, CENT))
    assert eventually(lambda: accounts.balance("ada") == 5)
    assert [line.kind for line in statement(accounts, "ada")] == ["return", "settle", "reserve", "grant"]
    assert accounts.verify() == []


@pytest.mark.slow
def test_so_is_one_that_was_paid_from_a_pool(accounts: Accounts, wire: Wire, url: str) -> None:
    hold, _ = pooled(accounts)
    wire.armed.set()
    with pytest.raises(StoreFailed):
        asyncio.run(accounts.till.settle(hold, Decimal("0.25")))
    assert eventually(lambda: query(url, "SELECT 1 FROM ledger WHERE kind = 'return'"))
    assert accounts.balance("ada") == RICH
    assert accounts.verify() == []
    accounts.close()
    assert held(url) == 0


@pytest.mark.slow
@pytest.mark.parametrize("cents", [5, RICH])
def test_so_is_one_of_a_run_and_its_key_is_free(accounts: Accounts, wire: Wire, url: str, cents: int) -> None:
    """Nobody has to come again for it."""
    if cents == RICH:
        pooled(accounts)[1]()
    caller = funded(accounts, 5 if cents == 5 else 0)
    run = asyncio.run(accounts.repeats.begin(caller.organization_id, "key", [b"body"], "req"))
    assert isinstance(run, Run)
    reservation = asyncio.run(accounts.till.reserve(replace(caller, run=run), CENT, "req"))
    assert isinstance(reservation, Hold) == (cents == RICH)
    wire.armed.set()
    with pytest.raises(StoreFailed):
        asyncio.run(accounts.till.settle(reservation, CENT))
    assert eventually(lambda: query(url, "SELECT 1 FROM ledger WHERE kind = 'return'"))
    assert accounts.balance("ada") == cents
    assert isinstance(asyncio.run(accounts.repeats.begin(caller.organization_id, "key", [b"body"], "req")), Run)
    assert accounts.verify() == []


@pytest.mark.slow
def test_charges_to_a_pool_that_nobody_heard_of_make_nobody_else_s_free(accounts: Accounts, wire: Wire) -> None:
    hold, _ = pooled(accounts)
    caller = funded(accounts, 0)

    async def spend() -> list[object]:
        holds = [hold, *[await accounts.till.reserve(caller, CENT, "req") for _ in range(20)]]
        wire.armed.set()
        lost = await asyncio.gather(*(accounts.till.settle(one, CENT) for one in holds), return_exceptions=True)
        later = [await accounts.till.settle(await accounts.till.reserve(caller, CENT, "req"), CENT) for _ in range(300)]
        assert later == [CENT] * 300
        return lost

    charged = sum(isinstance(one, Decimal) for one in asyncio.run(spend()))
    assert charged < 21
    assert eventually(lambda: accounts.balance("ada") == RICH - 300 - charged)
    assert accounts.verify() == []


@pytest.mark.slow
def test_what_an_operator_asked_for_is_looked_up(accounts: Accounts, wire: Wire) -> None:
    funded(accounts, 5)
    wire.armed.set()
    accounts.office.credit("ada", Decimal(1_000))
    wire.armed.set()
    assert accounts.office.debit("ada", Decimal(300), "too much") == 0
    assert not wire.armed.is_set()
    assert [line.kind for line in statement(accounts, "ada")] == ["debit", "grant", "grant"]
    assert accounts.balance("ada") == 705


@dataclass
class Unheard:
    """A store whose commits go through, and which says that they did not; one that is gone says so at once."""

    store: SqliteStore
    gone: bool = False

    @contextmanager
    def write(self) -> Iterator[Connection]:
        if self.gone:
            raise StoreFailed("gone")
        with self.store.write() as connection:
            yield connection
        self.gone = True
        raise CommitUnheard("unheard")


def test_where_it_cannot_be_looked_up_the_operator_is_told_so(store: SqliteStore) -> None:
    def grant(connection: Connection, name: str) -> None:
        books.post(connection, [Credit(name, "ada", CENT)], "own_1")

    unheard = Unheard(store)
    with pytest.raises(StoreFailed, match=r"unheard; it may be done all the same: look at the statement"):
        doubts.once(cast("Store", unheard), grant)
    with pytest.raises(StoreFailed, match=r"^gone$"):  # it was not
        doubts.once(cast("Store", unheard), grant)
    assert balances(store)["wallet:ada"] == 10_001


@pytest.mark.slow
def test_a_line_of_the_log_that_nobody_heard_of_is_there_once(accounts: Accounts, wire: Wire, url: str) -> None:
    caller = funded(accounts, 5)
    wire.armed.set()
    accounts.record_failed_attempt(caller.organization_id, "req", "a/b", "a", 503)
    assert eventually(lambda: not wire.armed.is_set())
    accounts.record_failed_attempt(caller.organization_id, "req", "c/d", "c", None)
    asyncio.run(accounts.flush())
    assert eventually(lambda: query(url, "SELECT count(*) FROM failed_attempts WHERE model = 'c/d'") == [(1,)])
    accounts.close()
    assert sorted(query(url, "SELECT model FROM failed_attempts")) == [("a/b",), ("c/d",)]
