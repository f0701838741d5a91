"""Accounts as the rest of the program sees them, over a database on disk."""

import asyncio
import logging
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from greatrouter_accounts import books
from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.errors import (
    InsufficientCredit,
    InvalidAmount,
    InvalidName,
    KeyRejected,
    RowRefused,
    StoreFailed,
    UnknownOrganization,
)
from greatrouter_accounts.key_cache import KEY_CACHE_S, KEY_FRESH_S
from greatrouter_accounts.keys import Caller
from greatrouter_accounts.operations import Reserve, Run
from tests.accounts.asking import logged, statement
from tests.accounts.conftest import SECRET, held, query
from tests.accounts.us import Us
from tests.api.conftest import eventually

Open = Callable[[], Accounts]
Start = Callable[[str], "subprocess.Popen[str]"]
CENT = Decimal(1)
ENTRY = "transaction_id, kind, account, amount_cents, request_id, created_at"


def funded(accounts: Accounts, cents: int = 100, name: str = "ada") -> Caller:
    """A caller of an organization with that much in its wallet."""
    key = accounts.create_key(name)
    accounts.office.credit(name, Decimal(cents))
    return asyncio.run(accounts.authenticate(key))


def flush(accounts: Accounts) -> None:
    """Waits for what was submitted before: both writers work in order."""

    async def last() -> None:
        await accounts.till.settle(Reserve("res_none", "org_none", CENT, "req_none"), CENT)
        await accounts.record_feedback({"organization_id": "org_none", "prompt": "", "correct": True})

    asyncio.run(last())


def row(organization_id: str = "org_1", **changes: Any) -> dict[str, Any]:
    """A row of activity."""
    return {
        "request_id": "req_1",
        "organization_id": organization_id,
        "timestamp": "2026-01-01T00:00:00.000+00:00",
        "endpoint": "/v1/auto/route",
        "task": "text",
        "decision": "regex",
        "confidence": "0.9000",
        "complexity_tier": "SIMPLE",
        "model": "lab/small",
        "provider": "lab",
        "routing_reason": "the cheapest that fits",
        "fallback_chain": "lab/small lab/large",
        "status": 200,
        "prompt_tokens": 12,
        "completion_tokens": 34,
        "units": "",
        "cost_cents": Decimal("0.00000001"),
        "latency_ms": "12.30",
        "cached": False,
        "rates": '{"input_per_million_tokens":0.1}',
        "catalog_version": "v1",
        **changes,
    }


# -- keys ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("test", [False, True])
def test_a_key_says_whose_it_is(accounts: Accounts, test: bool) -> None:
    key = accounts.create_key("ada", test=test, plan="max")
    caller = asyncio.run(accounts.authenticate(key))
    assert key.startswith("pk_test_" if test else "pk_live_")
    assert (caller.organization, caller.plan, caller.test) == ("ada", "max", test)
    assert caller == asyncio.run(accounts.authenticate(key))  # from the cache


def test_keys_are_listed_by_the_part_that_may_be_shown(accounts: Accounts) -> None:
    first, second = accounts.create_key("ada"), accounts.create_key("bob", test=True, plan="ultra")
    rows = accounts.list_keys()
    assert [(r.organization, r.plan, r.test, r.revoked_at) for r in rows] == [
        ("ada", "free", False, None),
        ("bob", "ultra", True, None),
    ]
    for key, shown in zip((first, second), rows, strict=True):
        assert key.startswith(shown.prefix)
        assert len(shown.prefix) == len("pk_live_") + 9


def test_a_second_key_belongs_to_the_same_organization_and_may_change_its_plan(accounts: Accounts) -> None:
    keys = [accounts.create_key("ada"), accounts.create_key("ada", plan="premium"), accounts.create_key("ada")]
    callers = [asyncio.run(accounts.authenticate(key)) for key in keys]
    assert len({caller.organization_id for caller in callers}) == 1
    assert {caller.plan for caller in callers} == {"premium"}


@pytest.mark.parametrize(
    "key",
    [
        "",
        "pk_live_",
        "Bearer pk_live_abcdefghi_" + "0" * 32,
        "pk_live_abcdefghi_" + "0" * 31,
        "pk_live_abcdefghi_" + "0" * 33,
        "pk_live_abcdefghi_" + "A" * 32,
        "pk_live_abcdefghi_" + "0" * 32 + "\n",
        "pk_live_abcdefghi_" + "\u0660" * 32,
        "gr-short",
        "gr-" + "x" * 201,
        "\ud800" * 10,
        "\0",
        "' OR 1=1 --",
        "x" * 1_000_000,
    ],
)
def test_a_malformed_key_is_refused_as_such(accounts: Accounts, key: str) -> None:
    with pytest.raises(KeyRejected, match="malformed"):
        asyncio.run(accounts.authenticate(key))


@pytest.mark.parametrize("key", ["pk_live_abcdefghi_" + "0" * 32, "gr-" + "x" * 40])
def test_an_unknown_key_is_refused_as_such(accounts: Accounts, key: str) -> None:
    with pytest.raises(KeyRejected, match="not known"):
        asyncio.run(accounts.authenticate(key))


def test_a_machine_with_another_secret_would_know_no_key_and_is_told_so(
    accounts: Accounts, database: Path | str
) -> None:
    accounts.create_key("ada")
    with pytest.raises(StoreFailed, match="copy the file `secret`"):
        Accounts(database, b"another secret of 32 bytes ......")


@pytest.mark.parametrize("secret", [b"", b"short", b"x" * 65])
def test_a_secret_that_protects_nothing_is_refused(database: Path | str, secret: bytes) -> None:
    with pytest.raises(StoreFailed, match="16 to 64"):
        Accounts(database, secret)


def test_a_revoked_key_is_refused_at_once_here_and_within_a_second_elsewhere(
    database: Path | str, accounts: Accounts
) -> None:
    now_s = 1000.0
    server = Accounts(database, SECRET, clock=lambda: now_s)
    key = accounts.create_key("ada")
    asyncio.run(accounts.authenticate(key))
    asyncio.run(server.authenticate(key))
    assert accounts.revoke_key(accounts.list_keys()[0].prefix) == 1
    with pytest.raises(KeyRejected, match="revoked"):
        asyncio.run(accounts.authenticate(key))
    now_s += KEY_FRESH_S - 0.001
    asyncio.run(server.authenticate(key))  # from the cache
    now_s += KEY_CACHE_S - KEY_FRESH_S + 0.001
    with pytest.raises(KeyRejected, match="revoked"):
        asyncio.run(server.authenticate(key))
    server.close()


def test_of_those_who_come_at_once_one_asks_the_database_again_and_its_answer_is_for_all(
    database: Path | str, accounts: Accounts
) -> None:
    now_s = 1000.0
    server = Accounts(database, SECRET, clock=lambda: now_s)
    key = accounts.create_key("ada")
    asyncio.run(server.authenticate(key))
    accounts.revoke_key(accounts.list_keys()[0].id)
    now_s += KEY_FRESH_S

    async def crowd() -> list[Any]:
        return await asyncio.gather(*(server.authenticate(key) for _ in range(50)), return_exceptions=True)

    refused = [answer for answer in asyncio.run(crowd()) if isinstance(answer, KeyRejected)]
    assert len(refused) == 1
    assert all(isinstance(answer, KeyRejected) for answer in asyncio.run(crowd()))
    server.close()


def test_an_answer_that_took_long_to_arrive_is_not_kept_longer_for_it(database: Path | str, accounts: Accounts) -> None:
    """The event loop was busy for five seconds after the database had answered; the key was revoked meanwhile."""
    moments = iter([0.0, 5.0])
    server = Accounts(database, SECRET, clock=lambda: next(moments))
    key = accounts.create_key("ada")
    asyncio.run(server.authenticate(key))
    accounts.revoke_key(accounts.list_keys()[0].id)
    with pytest.raises(KeyRejected, match="revoked"):
        asyncio.run(server.authenticate(key))
    server.close()


def test_revoking_takes_an_id_or_a_prefix_and_counts_each_key_once(accounts: Accounts) -> None:
    accounts.create_key("ada")
    accounts.create_key("ada")
    first, second = accounts.list_keys()
    assert accounts.revoke_key(first.id) == 1
    assert accounts.revoke_key(first.prefix) == 0
    assert accounts.revoke_key("") == accounts.revoke_key("pk_live_") == accounts.revoke_key("%") == 0
    assert accounts.list_keys()[1].revoked_at is None
    assert accounts.revoke_key(second.prefix) == 1


def test_the_clear_key_is_nowhere_on_disk(path: Path, opened: Open) -> None:
    accounts = opened()
    keys = [accounts.create_key("ada"), accounts.create_key("bob", test=True)]
    for key in keys:
        asyncio.run(accounts.authenticate(key))
    accounts.record(row())
    # A copy is read: closing a file of one's own process that SQLite has open would drop SQLite's locks on it.
    subprocess.run(["cp", "-r", str(path.parent), str(path.parent.parent / "copy")], check=True)
    accounts.close()
    files = [file for file in path.parent.parent.rglob("*") if file.is_file()]
    assert {file.name for file in files} >= {"accounts.sqlite3", "accounts.sqlite3-wal"}
    for file in files:
        content = file.read_bytes()
        for key in keys:
            assert key.encode() not in content
            assert key[-32:].encode() not in content
            assert bytes.fromhex(key[-32:]) not in content


@pytest.mark.parametrize("name", ["", " ", " ada", "ada\n", "a\0b", "\udcff", "x" * 201])
def test_a_name_that_nobody_could_read_is_refused(accounts: Accounts, name: str) -> None:
    with pytest.raises(InvalidName, match="expected 1 to 200 printable"):
        accounts.create_key(name)
    with pytest.raises(UnknownOrganization):
        accounts.balance(name)
    assert accounts.list_keys() == []


def test_names_that_look_like_sql_are_names(accounts: Accounts) -> None:
    name = "Robert'); DROP TABLE keys;-- 組織"
    funded(accounts, 7, name)
    assert accounts.balance(name) == 7
    assert accounts.list_keys()[0].organization == name


# -- money ---------------------------------------------------------------------------------------------------------


def test_a_request_is_reserved_settled_and_stated(accounts: Accounts) -> None:
    caller = funded(accounts, 10)

    async def request() -> Decimal:
        reservation = await accounts.till.reserve(caller, Decimal(4), "req_1")
        assert accounts.balance("ada") == 6
        return await accounts.till.settle(reservation, Decimal("1.5"))

    assert asyncio.run(request()) == Decimal("1.5")
    assert accounts.balance("ada") == Decimal("8.5")
    entries = [(e.kind, e.amount_cents, e.request_id) for e in statement(accounts, "ada")]
    assert entries == [("settle", Decimal("2.5"), "req_1"), ("reserve", -4, "req_1"), ("grant", 10, None)]
    assert [e.kind for e in statement(accounts, "ada", limit=1)] == ["settle"]
    assert accounts.verify() == []


def test_nothing_of_one_organization_shows_in_another(accounts: Accounts) -> None:
    ada, bob = funded(accounts, 10, "ada"), funded(accounts, 20, "bob")

    async def requests() -> None:
        await accounts.till.settle(await accounts.till.reserve(ada, Decimal(4), "req_same"), Decimal(3))
        accounts.record(row(ada.organization_id, request_id="req_same"))
        accounts.record(row(bob.organization_id, request_id="req_same", model="other"))

    asyncio.run(requests())
    flush(accounts)
    assert accounts.balance("bob") == 20
    assert [e.kind for e in statement(accounts, "bob")] == ["grant"]
    assert [a["model"] for a in logged(accounts, ada.organization_id)] == ["lab/small"]
    assert [a["model"] for a in logged(accounts, bob.organization_id)] == ["other"]


def test_an_organization_that_does_not_exist_is_named(accounts: Accounts) -> None:
    for ask in (lambda: accounts.balance("nobody"), lambda: statement(accounts, "nobody")):
        with pytest.raises(UnknownOrganization, match="'nobody'"):
            ask()
    with pytest.raises(UnknownOrganization, match="'nobody'"):
        accounts.office.credit("nobody", CENT)


@pytest.mark.parametrize("amount", ["-1", "NaN", "Infinity", "1E+20"])
def test_a_credit_that_is_no_amount_is_refused(accounts: Accounts, amount: str) -> None:
    funded(accounts, 10)
    with pytest.raises(InvalidAmount):
        accounts.office.credit("ada", Decimal(amount))
    assert accounts.balance("ada") == 10


def test_racing_for_the_last_cent_exactly_as_many_succeed_as_the_wallet_covers(accounts: Accounts) -> None:
    caller = funded(accounts, 37)

    async def race() -> list[Any]:
        tasks = (accounts.till.reserve(caller, CENT, f"req_{number}") for number in range(100))
        return await asyncio.gather(*tasks, return_exceptions=True)

    results = asyncio.run(race())
    refused = [result for result in results if isinstance(result, InsufficientCredit)]
    assert len(refused) == 63
    assert {(r.needed_cents, r.balance_cents) for r in refused} == {(CENT, Decimal(0))}
    assert accounts.balance("ada") == 0
    assert accounts.verify() == []


def test_a_cancelled_reservation_is_given_back_wherever_the_commit_was(
    database: Path | str, accounts: Accounts
) -> None:
    """Tasks are cancelled after 0 to 3 ms: before, during and after the commit that they wait for."""
    caller = funded(accounts, 1000)

    async def impatient(number: int) -> None:
        try:
            async with asyncio.timeout(number % 30 / 10_000):
                reservation = await accounts.till.reserve(caller, CENT, f"req_{number}")
        except TimeoutError:
            return
        accounts.till.release(reservation)

    async def crowd() -> None:
        await asyncio.gather(*(impatient(number) for number in range(300)))

    asyncio.run(crowd())
    flush(accounts)
    assert accounts.balance("ada") == 1000
    assert held(database) == 0
    assert accounts.verify() == []


def test_a_task_cancelled_while_its_reservation_commits_leaves_nothing_held(path: Path, accounts: Accounts) -> None:
    """The same at the worst moment: another process has the database, so the commit is certainly under way."""
    caller = funded(accounts, 10)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")

    async def cancelled() -> None:
        task = asyncio.create_task(accounts.till.reserve(caller, CENT, "req_1"))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        blocker.execute("COMMIT")

    asyncio.run(cancelled())
    blocker.close()
    flush(accounts)
    assert [e.kind for e in statement(accounts, "ada")] == ["release", "reserve", "grant"]
    assert accounts.balance("ada") == 10
    assert accounts.verify() == []


def test_a_task_cancelled_while_it_settles_is_charged_once(database: Path | str, accounts: Accounts) -> None:
    caller = funded(accounts, 10)

    async def cancelled() -> None:
        reservation = await accounts.till.reserve(caller, Decimal(4), "req_1")
        task = asyncio.create_task(accounts.till.settle(reservation, Decimal(3)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    flush(accounts)
    assert accounts.balance("ada") == 7
    assert held(database) == 0
    assert accounts.verify() == []


def test_releasing_gives_everything_back_and_may_be_repeated(database: Path | str, accounts: Accounts) -> None:
    caller = funded(accounts, 10)
    reservation = asyncio.run(accounts.till.reserve(caller, Decimal(4), "req_1"))
    accounts.till.release(reservation)
    accounts.till.release(reservation)
    assert asyncio.run(accounts.till.settle(reservation, Decimal(4))) == 0
    assert accounts.balance("ada") == 10
    assert held(database) == 0


def given_back(accounts: Accounts) -> None:
    """What anybody else had set aside, as if they were dead."""
    assert books.release_orphans(accounts._store, Us()) == 1


def test_work_is_charged_though_its_process_was_taken_for_dead_meanwhile(database: Path | str, opened: Open) -> None:
    accounts, other = opened(), opened()
    caller = funded(accounts, 10)
    reservation = asyncio.run(accounts.till.reserve(caller, Decimal(6), "req_1"))
    given_back(other)
    assert accounts.balance("ada") == 10
    assert asyncio.run(accounts.till.settle(reservation, Decimal(6))) == 6
    assert asyncio.run(accounts.till.settle(reservation, Decimal(6))) == 0  # once
    assert [line.kind for line in statement(accounts, "ada")] == ["settle", "release", "reserve", "grant"]
    # As far as the wallet reaches, and no further.
    reservation = asyncio.run(accounts.till.reserve(caller, Decimal(4), "req_2"))
    given_back(other)
    asyncio.run(other.till.reserve(caller, Decimal(3), "req_3"))
    assert asyncio.run(accounts.till.settle(reservation, Decimal(4))) == 1
    assert (accounts.balance("ada"), held(database)) == (0, 3)
    assert accounts.verify() == []


def test_what_this_process_gave_back_itself_is_not_charged(opened: Open) -> None:
    accounts = opened()
    reservation = asyncio.run(accounts.till.reserve(funded(accounts, 10), Decimal(4), "req_1"))
    accounts.till.release(reservation)
    flush(accounts)
    assert asyncio.run(accounts.till.settle(reservation, Decimal(4))) == 0
    assert accounts.balance("ada") == 10


def test_a_caller_who_was_told_that_nobody_answers_is_charged_nothing(
    path: Path, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit that it did not wait for goes through, and is undone."""
    caller = funded(accounts, 10)
    reservation = asyncio.run(accounts.till.reserve(caller, Decimal(4), "req_1"))
    monkeypatch.setattr(accounts.till._writer, "_patience_s", 0.1)
    with closing(sqlite3.connect(path, isolation_level=None)) as blocker:
        blocker.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreFailed, match="nothing was heard"):
            asyncio.run(accounts.till.settle(reservation, Decimal(4)))
        with pytest.raises(StoreFailed, match="nothing was heard"):
            asyncio.run(accounts.till.reserve(caller, Decimal(4), "req_2"))
        blocker.execute("COMMIT")
    assert eventually(lambda: accounts.balance("ada") == 10)
    assert held(path) == 0
    assert accounts.verify() == []


def test_a_settlement_that_is_no_amount_releases_the_reservation(database: Path | str, accounts: Accounts) -> None:
    caller = funded(accounts, 10)

    async def request() -> None:
        reservation = await accounts.till.reserve(caller, Decimal(4), "req_1")
        with pytest.raises(InvalidAmount):
            await accounts.till.settle(reservation, Decimal("NaN"))

    asyncio.run(request())
    flush(accounts)
    assert accounts.balance("ada") == 10
    assert accounts.verify() == []


def test_what_is_released_after_close_is_given_back_by_the_next(opened: Open) -> None:
    accounts = opened()
    caller = funded(accounts, 10)
    reservation = asyncio.run(accounts.till.reserve(caller, Decimal(4), "req_1"))
    accounts.close()
    accounts.till.release(reservation)
    accounts.record(row())
    again = opened()
    assert eventually(lambda: again.balance("ada") == 10, timeout_s=15)  # at once where a lock says who lives


def test_all_that_was_acknowledged_is_there_after_close(database: Path | str, opened: Open) -> None:
    accounts = opened()
    caller = funded(accounts, 100)

    async def requests() -> str:
        for number in range(10):
            accounts.record(
                row(caller.organization_id, request_id=f"req_{number}", timestamp=f"2026-01-01T00:00:0{number}")
            )
        await accounts.till.settle(await accounts.till.reserve(caller, Decimal(4), "req_1"), Decimal(3))
        return await accounts.record_feedback(
            {
                "organization_id": caller.organization_id,
                "prompt": "draw a cat",
                "classified_task": "text",
                "correct": False,
                "confidence": "0.5",
                "suggested_task": "image",
            }
        )

    feedback_id = asyncio.run(requests())
    accounts.close()
    accounts.close()
    again = opened()
    assert again.balance("ada") == 97
    assert [a["request_id"] for a in logged(again, caller.organization_id, limit=3)] == ["req_9", "req_8", "req_7"]
    assert len(logged(again, caller.organization_id)) == 10
    stored = query(database, "SELECT id, prompt, correct, suggested_task FROM feedback")
    assert stored == [(feedback_id, "draw a cat", 0, "image")]


# -- several processes ---------------------------------------------------------------------------------------------


RESERVES = """
accounts = opened()
caller = asyncio.run(accounts.authenticate(accounts.create_key("ada")))
asyncio.run(accounts.till.reserve(caller, Decimal(4), "req_1"))
print("reserved", flush=True)
sys.stdin.read()
"""


def test_what_a_killed_process_had_reserved_is_given_back(database: Path | str, opened: Open, process: Start) -> None:
    funded(opened(), 10)
    child = process(RESERVES)
    assert child.stdout is not None
    assert child.stdout.readline() == "reserved\n"
    meanwhile = opened()
    assert meanwhile.balance("ada") == 6  # the process lives, so does its reservation
    child.kill()
    child.wait()
    assert eventually(lambda: meanwhile.balance("ada") == 10, timeout_s=15)  # those who live give it back
    assert held(database) == 0
    assert statement(meanwhile, "ada")[0].kind == "release"
    assert meanwhile.verify() == []


def test_the_next_to_open_the_file_gives_back_at_once_what_a_killed_process_had_reserved(
    path: Path, opened: Open, process: Start
) -> None:
    funded(opened(), 10)
    child = process(RESERVES)
    assert child.stdout is not None
    assert child.stdout.readline() == "reserved\n"
    child.kill()
    child.wait()
    assert opened().balance("ada") == 10
    assert held(path) == 0


def test_an_opened_store_keeps_its_hands_off_its_neighbours_reservations(opened: Open) -> None:
    """Two in one process have the same process id, as the only processes of two containers have."""
    first = opened()
    caller = funded(first, 10)
    reservation = asyncio.run(first.till.reserve(caller, Decimal(4), "req_1"))
    second = opened()
    assert second.balance("ada") == 6
    assert asyncio.run(first.till.settle(reservation, Decimal(4))) == 4


def test_a_process_id_that_is_in_use_again_keeps_nothing_held(path: Path, opened: Open) -> None:
    """The orphan's owner is gone, whoever may have its number now."""
    accounts = opened()
    asyncio.run(accounts.till.reserve(funded(accounts, 10), Decimal(4), "req_1"))
    accounts.close()
    connection = sqlite3.connect(path)
    [[owner]] = connection.execute("SELECT owner FROM reservations").fetchall()
    connection.close()
    (path.parent / "accounts.sqlite3-owners" / owner).touch()  # as if it had crashed and left its file
    assert opened().balance("ada") == 10
    assert not (path.parent / "accounts.sqlite3-owners" / owner).exists()


def test_two_processes_spend_one_wallet_to_the_last_cent_and_no_further(accounts: Accounts, process: Start) -> None:
    funded(accounts, 150)
    script = """
accounts = opened()
caller = asyncio.run(accounts.authenticate(accounts.create_key("ada")))
async def one(number):
    try:
        await accounts.till.settle(await accounts.till.reserve(caller, Decimal(2), f"req_{number}"), Decimal(1))
    except InsufficientCredit:
        return 0
    return 1
async def all():
    print("ready", flush=True)
    sys.stdin.readline()
    spent = 0
    for _ in range(10):
        spent += sum(await asyncio.gather(*(one(number) for number in range(20))))
    return spent
print(asyncio.run(all()))
accounts.close()
"""
    children = [process(script), process(script)]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    outputs = [child.communicate("go\n", timeout=60) for child in children]
    assert [errors for _, errors in outputs] == ["", ""]
    spent = sum(int(output) for output, _ in outputs)
    assert 148 <= spent <= 150  # two cents are reserved for each, so the last cent is out of reach
    assert accounts.balance("ada") == 150 - spent
    assert accounts.verify() == []


# -- verify --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ("UPDATE balances SET amount_cents = amount_cents + 1 WHERE account LIKE 'wallet:%'", "the ledger says"),
        ("DELETE FROM balances WHERE account LIKE 'held:%'", "the ledger says"),
        ("UPDATE ledger SET amount_cents = amount_cents + 1 WHERE sequence = 1", "add up to"),
        ("DELETE FROM ledger WHERE sequence = 2", "add up to"),
        ("UPDATE ledger SET account = 'wallet:eve' WHERE sequence = 2", "wallet:eve"),
        ("UPDATE ledger SET amount_cents = -amount_cents", "the ledger says"),
        ("DELETE FROM reservations", "the open reservations say 0"),
        ("UPDATE reservations SET amount_cents = 1", "the open reservations say"),
        ("UPDATE ledger SET amount_cents = amount_cents + 7 WHERE sequence IN (1, 4)", "transaction txn_"),
        ("UPDATE ledger SET amount_cents = 5000 WHERE sequence = 1", "the ledger says"),
        (f"INSERT INTO ledger ({ENTRY}) SELECT {ENTRY} FROM ledger WHERE sequence IN (1, 2)", "are there twice"),
    ],
)
def test_tampering_is_found(database: Path | str, opened: Open, tampering: str, found: str) -> None:
    accounts = opened()
    asyncio.run(accounts.till.reserve(funded(accounts, 10), Decimal(4), "req_1"))
    assert accounts.verify() == []
    query(database, tampering)
    assert any(found in problem for problem in accounts.verify())


def test_a_run_that_was_charged_less_than_its_key_says_is_found(database: Path | str, accounts: Accounts) -> None:
    """Who takes it over would be given back more than was charged."""
    caller = funded(accounts, 10)

    async def charge() -> None:
        run = await accounts.repeats.begin(caller.organization_id, "key", [b"x"], "req_1")
        assert isinstance(run, Run)
        await accounts.till.settle(
            await accounts.till.reserve(replace(caller, run=run), Decimal(4), "req_1"), Decimal(3)
        )

    asyncio.run(charge())
    assert accounts.verify() == []
    query(database, "UPDATE idempotency SET charged_cents = charged_cents + 1")
    [problem] = accounts.verify()
    assert "req_1" in problem
    assert "its Idempotency-Key says 3.00000001 cents, the ledger charged 3 cents" in problem


def test_a_wallet_below_zero_is_a_problem_even_where_the_sums_agree(database: Path | str, accounts: Accounts) -> None:
    funded(accounts, 10)
    query(database, "UPDATE ledger SET amount_cents = -amount_cents")
    query(database, "UPDATE balances SET amount_cents = -amount_cents")
    [problem] = accounts.verify()
    assert "wallet:" in problem
    assert "below zero" in problem


# -- activity and feedback -----------------------------------------------------------------------------------------


def test_whatever_stands_in_a_row_of_activity_it_is_stored(opened: Open) -> None:
    accounts = opened()
    accounts.record(row(task=None, request_id="nul\0byte", routing_reason="half \ud83d of a pair", model="größer 模型"))
    accounts.record(
        row(request_id="huge", prompt_tokens=10**30, completion_tokens=-(10**30), cost_cents=Decimal("1E+40"))
    )
    accounts.close()
    odd, huge = logged(opened(), "org_1")
    assert (odd["request_id"], odd["routing_reason"], odd["model"]) == (
        "nul\ufffdbyte",
        "half ? of a pair",
        "größer 模型",
    )
    assert odd["task"] is None
    assert (huge["prompt_tokens"], huge["completion_tokens"]) == (2**63 - 1, 1 - 2**63)
    assert huge["cost_cents"] > 10**10


def test_columns_are_given_back_as_they_were_recorded(opened: Open) -> None:
    accounts = opened()
    accounts.record(row())
    accounts.close()
    assert logged(opened(), "org_1") == [row()]


@pytest.mark.parametrize(
    "bad",
    [
        {"status": None},
        {"status": "two hundred"},
        {"status": float("nan")},
        {"prompt_tokens": [1]},
        {"cost_cents": Decimal("NaN")},
        {"cost_cents": 0.5},
        {"model": 7},
        {"no_such_column": 1},
        {"task": None, "no_such_column": 1},
    ],
)
def test_a_row_that_cannot_be_stored_fails_alone(
    opened: Open, caplog: pytest.LogCaptureFixture, bad: dict[str, Any]
) -> None:
    accounts = opened()
    for number in range(5):
        accounts.record(row(request_id=f"before_{number}"))
    accounts.record(row(request_id="bad", routing_reason="a secret of the caller", **bad))
    for number in range(5):
        accounts.record(row(request_id=f"after_{number}"))
    accounts.close()
    stored = {a["request_id"] for a in logged(opened(), "org_1")}
    assert stored == {f"{when}_{number}" for when in ("before", "after") for number in range(5)}
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "secret" not in caplog.text


def test_a_row_without_some_column_does_not_take_it_from_the_others(opened: Open) -> None:
    accounts = opened()
    short = row(request_id="short")
    del short["task"]
    accounts.record(short)
    accounts.record(row(request_id="whole"))
    accounts.close()
    assert {a["request_id"]: a["task"] for a in logged(opened(), "org_1")} == {"short": None, "whole": "text"}


def test_feedback_that_cannot_be_stored_is_the_callers_error(accounts: Accounts) -> None:
    good = {"organization_id": "org_1", "prompt": "\ud800 \0", "correct": True}

    async def both() -> list[Any]:
        bad = {"organization_id": "org_1", "prompt": None, "correct": True}
        tasks = (accounts.record_feedback(feedback) for feedback in (good, bad, good))
        return await asyncio.gather(*tasks, return_exceptions=True)

    first, refused, last = asyncio.run(both())
    assert isinstance(refused, RowRefused)
    assert first < last


def test_the_writers_live_on_after_bad_rows(accounts: Accounts) -> None:
    caller = funded(accounts, 10)
    accounts.record({})
    accounts.record({"nonsense": object()})
    asyncio.run(accounts.record_feedback({"organization_id": "org_1", "prompt": "p", "correct": True}))
    asyncio.run(accounts.till.reserve(caller, CENT, "\ud800"))
    asyncio.run(accounts.till.reserve(caller, CENT, "req"))
    assert accounts.verify() == []
