"""Requests that are sent again under a key: one runs, is charged and is answered for all of them."""

import asyncio
import os
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from greatrouter_accounts import clock
from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.errors import AnswerNotKept, OtherRequest, RequestRepeated, StillRunning
from greatrouter_accounts.idempotency import SWEPT, Repeats
from greatrouter_accounts.idempotency_rows import Kept
from greatrouter_accounts.keys import Caller
from greatrouter_accounts.operations import Run
from tests import postgres
from tests.accounts.asking import statement
from tests.accounts.conftest import SECRET, held, query
from tests.accounts.test_accounts import funded
from tests.api.conftest import eventually

Open = Callable[[], Accounts]
Start = Callable[[str], "subprocess.Popen[str]"]
T = TypeVar("T")
KEY, ASKED = "a key of the caller's", (b"/v1/auto/route", b"what is asked")
ANSWER = Kept(200, [("x-gr-cache", "MISS")], b'{"answer": "a secret answer"}')
# A wallet that can pay a request a thousand times over is paid from by way of a pool.
RICH, POOR = 100_000, 100


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    """One event loop for the whole of a test: what fills a pool ends with its loop."""
    with asyncio.Runner() as runner:
        yield runner


async def begun(accounts: Accounts, caller: Caller, asked: tuple[bytes, ...] = ASKED, key: str = KEY) -> Run | Kept:
    return await accounts.repeats.begin(caller.organization_id, key, asked, "req_1")


async def mine(accounts: Accounts, caller: Caller) -> Run:
    found = await begun(accounts, caller)
    assert isinstance(found, Run)
    return found


async def charged(accounts: Accounts, caller: Caller, run: Run | None, cents: int = 10) -> Decimal:
    reservation = await accounts.till.reserve(replace(caller, run=run), Decimal(cents), "req_1")
    return await accounts.till.settle(reservation, Decimal(cents))


async def pooled(accounts: Accounts, caller: Caller) -> None:
    """Makes the wallet's money ready in a pool, where it is enough for one."""
    await charged(accounts, caller, None, 1)
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task is not asyncio.current_task()))


def kinds(accounts: Accounts) -> list[str]:
    return [entry.kind for entry in reversed(statement(accounts, "ada"))]


def test_the_first_answer_is_given_again_and_again(accounts: Accounts, loop: asyncio.Runner) -> None:
    caller = funded(accounts)
    run = loop.run(mine(accounts, caller))
    with pytest.raises(StillRunning):
        loop.run(begun(accounts, caller))
    assert loop.run(charged(accounts, caller, run)) == 10
    loop.run(accounts.repeats.finish(run, ANSWER))
    for _ in range(3):
        assert loop.run(begun(accounts, caller)) == ANSWER
    with pytest.raises(OtherRequest):
        loop.run(begun(accounts, caller, (*ASKED, b"more")))
    with pytest.raises(OtherRequest):
        loop.run(begun(accounts, caller, (ASKED[0] + ASKED[1],)))
    assert isinstance(loop.run(begun(accounts, caller, key="another key")), Run)
    assert accounts.balance("ada") == 90


def test_a_key_means_something_to_its_organization_alone(accounts: Accounts, loop: asyncio.Runner) -> None:
    ada, bob = funded(accounts), funded(accounts, name="bob")
    run = loop.run(mine(accounts, ada))
    loop.run(accounts.repeats.finish(run, ANSWER))
    assert isinstance(loop.run(begun(accounts, bob)), Run)
    assert loop.run(begun(accounts, ada)) == ANSWER


def test_an_answer_that_is_too_large_is_not_run_again(accounts: Accounts, loop: asyncio.Runner) -> None:
    caller = funded(accounts)
    run = loop.run(mine(accounts, caller))
    loop.run(accounts.repeats.finish(run, Kept(200, (), None)))
    with pytest.raises(AnswerNotKept, match="new key"):
        loop.run(begun(accounts, caller))


def kept_of(loop: asyncio.Runner, repeats: Repeats, caller: Caller, keys: Sequence[str], size: int) -> list[bool]:
    """Which of some answers of so many bytes, given at once, can be had again."""

    async def answered() -> list[bool]:
        runs = [await repeats.begin(caller.organization_id, key, ASKED, "req_1") for key in keys]
        answers = [repeats.finish(run, Kept(200, (), os.urandom(size))) for run in runs if isinstance(run, Run)]
        assert len(answers) == len(keys)
        await asyncio.gather(*answers)
        again = (repeats.begin(caller.organization_id, key, ASKED, "req_1") for key in keys)
        found = await asyncio.gather(*again, return_exceptions=True)
        assert all(isinstance(one, Kept | AnswerNotKept) for one in found)
        return [isinstance(one, Kept) for one in found]

    return loop.run(answered())


def test_an_organization_keeps_so_much_a_day_whichever_process_answers(
    opened: Open, loop: asyncio.Runner, database: Path | str
) -> None:
    accounts, other = opened(), opened()
    ada, bob = funded(accounts), funded(accounts, name="bob")
    here, there = (Repeats(each._store, each._owner, SECRET, most_kept_bytes=10_000) for each in (accounts, other))
    assert kept_of(loop, here, ada, ["a", "b", "c"], 2_000) == [True] * 3
    assert kept_of(loop, there, ada, ["d", "e"], 3_000).count(True) == 1
    assert kept_of(loop, here, ada, ["f"], 2_000) == [False]
    assert kept_of(loop, here, ada, ["g"], 500) == [True]  # what fits is kept all the same
    assert kept_of(loop, there, bob, ["a", "b"], 4_000) == [True, True]
    query(database, "UPDATE kept_bytes SET hour = '2026-01-01T00'")
    assert kept_of(loop, there, ada, ["h", "i"], 4_000) == [True, True]
    rows = query(
        database, f"SELECT hour > '2026-01-02', bytes FROM kept_bytes WHERE organization_id = '{ada.organization_id}'"
    )
    [(of_now, kept)] = rows
    assert (bool(of_now), 8_000 < kept < 8_200) == (True, True)
    here.close()
    there.close()


def test_what_processes_keep_at_once_is_no_more_than_one_may(opened: Open, loop: asyncio.Runner) -> None:
    accounts = [opened(), opened()]
    caller = funded(accounts[0])
    stores = [Repeats(each._store, each._owner, SECRET, most_kept_bytes=10_000) for each in accounts]

    def crowd(number: int) -> int:
        with asyncio.Runner() as own:
            return sum(kept_of(own, stores[number % 2], caller, [f"{number}-{key}" for key in range(8)], 1_000))

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(crowd, range(4))) == 9  # and 37 bytes more each
    for each in stores:
        each.close()


def test_of_many_at_once_one_runs(opened: Open, loop: asyncio.Runner) -> None:
    here, there = opened(), opened()
    caller = funded(here)

    async def crowd() -> list[Any]:
        asking = (begun(accounts, caller) for accounts in (here, there) * 100)
        return await asyncio.gather(*asking, return_exceptions=True)

    found = loop.run(crowd())
    assert sum(isinstance(outcome, Run) for outcome in found) == 1
    assert sum(isinstance(outcome, StillRunning) for outcome in found) == 199


def test_another_process_answers_what_the_first_kept(opened: Open, loop: asyncio.Runner) -> None:
    first, second = opened(), opened()
    caller = funded(first)
    run = loop.run(mine(first, caller))
    with pytest.raises(StillRunning):
        loop.run(begun(second, caller))
    loop.run(first.repeats.finish(run, ANSWER))
    first.close()
    assert loop.run(begun(second, caller)) == ANSWER


@pytest.mark.parametrize("cents", [POOR, RICH])
def test_who_fails_frees_the_key_and_what_was_charged_comes_back(
    accounts: Accounts, loop: asyncio.Runner, cents: int
) -> None:
    caller = funded(accounts, cents)
    loop.run(pooled(accounts, caller))
    run = loop.run(mine(accounts, caller))
    loop.run(accounts.repeats.abandon(run))
    run = loop.run(mine(accounts, caller))
    loop.run(charged(accounts, caller, run))
    loop.run(accounts.repeats.abandon(run))
    assert accounts.balance("ada") == cents - 11  # until somebody asks again, it stands
    run = loop.run(mine(accounts, caller))
    assert accounts.balance("ada") == cents - 1
    assert statement(accounts, "ada", 1)[0].kind == "return"
    loop.run(charged(accounts, caller, run))
    loop.run(accounts.repeats.finish(run, ANSWER))
    assert loop.run(begun(accounts, caller)) == ANSWER
    assert accounts.balance("ada") == cents - 11
    assert accounts.verify() == []


def test_what_was_delivered_stays_charged(accounts: Accounts, loop: asyncio.Runner) -> None:
    caller = funded(accounts)
    run = loop.run(mine(accounts, caller))
    loop.run(charged(accounts, caller, run))
    loop.run(accounts.repeats.abandon(run, delivered=True))
    run = loop.run(mine(accounts, caller))
    assert accounts.balance("ada") == 90


@pytest.mark.parametrize("cents", [POOR, RICH])
def test_who_has_lost_the_key_is_not_charged(accounts: Accounts, loop: asyncio.Runner, cents: int) -> None:
    caller = funded(accounts, cents)
    loop.run(pooled(accounts, caller))
    late = loop.run(mine(accounts, caller))
    reservation = loop.run(accounts.till.reserve(replace(caller, run=late), Decimal(10), "req_late"))
    loop.run(accounts.repeats.abandon(late))
    run = loop.run(mine(accounts, caller))
    assert loop.run(accounts.till.settle(reservation, Decimal(10))) == 0
    assert loop.run(charged(accounts, caller, run)) == 10
    loop.run(accounts.repeats.finish(run, ANSWER))
    loop.run(accounts.repeats.finish(late, Kept(200, (), b"too late")))
    loop.run(accounts.repeats.abandon(late, delivered=True))
    assert loop.run(begun(accounts, caller)) == ANSWER
    assert accounts.balance("ada") == cents - 11
    # And what was not charged is still there to be spent.
    assert loop.run(charged(accounts, caller, None, 80)) == 80
    assert accounts.verify() == []


def test_who_leaves_while_it_begins_leaves_the_key_free(accounts: Accounts, loop: asyncio.Runner) -> None:
    caller = funded(accounts)

    async def leave() -> None:
        asking = asyncio.create_task(begun(accounts, caller))
        await asyncio.sleep(0)  # it is submitted
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    loop.run(leave())
    assert isinstance(loop.run(begun(accounts, caller)), Run)


BETWEEN = """
from dataclasses import replace
accounts = opened()
async def go():
    key, cents = sys.argv[2:] if len(sys.argv) > 2 else sys.stdin.readline().split()
    caller = await accounts.authenticate(key)
    first = await accounts.till.reserve(caller, Decimal(1), "req_0")
    await accounts.till.settle(first, Decimal(1))
    await asyncio.sleep(0.2)  # a pool is filled
    run = await accounts.repeats.begin(caller.organization_id, "a key of the caller's",
                                       (b"/v1/auto/route", b"what is asked"), "req_dead")
    reservation = await accounts.till.reserve(replace(caller, run=run), Decimal(cents), "req_dead")
    print("charged", await accounts.till.settle(reservation, Decimal(cents)), flush=True)
    sys.stdin.read()
asyncio.run(go())
"""


@pytest.mark.parametrize("cents", [POOR, RICH])
def test_a_process_killed_between_charge_and_answer_costs_nobody_anything(
    opened: Open, process: Start, database: Path | str, loop: asyncio.Runner, cents: int
) -> None:
    accounts = opened()
    key = accounts.create_key("ada")
    accounts.office.credit("ada", Decimal(cents))
    caller = loop.run(accounts.authenticate(key))
    child = process(BETWEEN)
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(f"{key} 10\n")
    child.stdin.flush()
    assert child.stdout.readline().split() == ["charged", "10.00000000"]
    with pytest.raises(StillRunning):
        loop.run(begun(accounts, caller))
    child.kill()
    child.wait()
    run = loop.run(eventually_mine(accounts, caller))
    assert [row.request_id for row in statement(accounts, "ada") if row.kind == "return"] == ["req_dead"]
    assert loop.run(charged(accounts, caller, run)) == 10
    loop.run(accounts.repeats.finish(run, ANSWER))
    assert loop.run(begun(accounts, caller)) == ANSWER
    assert accounts.verify() == []
    accounts.close()
    again = opened()  # which gives back what the dead had pooled
    assert again.balance("ada") == cents - 11
    assert eventually(lambda: held(database) == 0, timeout_s=15)  # where no lock says who lives, after its lease
    assert again.verify() == []


async def eventually_mine(accounts: Accounts, caller: Caller) -> Run:
    """As soon as the lease of whoever died is over, where no lock says that it did."""
    for _ in range(200):
        try:
            return await mine(accounts, caller)
        except StillRunning:
            await asyncio.sleep(0.05)
    return await mine(accounts, caller)


def test_a_process_taken_for_dead_is_not_charged_for_what_another_does(
    opened: Open, database: Path | str, loop: asyncio.Runner
) -> None:
    """It may be alive: only its lease is over, or somebody removed its lock."""
    silent, other = opened(), opened()
    caller = funded(silent)
    late = loop.run(mine(silent, caller))
    reservation = loop.run(silent.till.reserve(replace(caller, run=late), Decimal(10), "req_late"))
    query(database, "UPDATE idempotency SET owner = 'own_gone'")
    run = loop.run(mine(other, caller))
    assert loop.run(silent.till.settle(reservation, Decimal(10))) == 0
    assert loop.run(charged(other, caller, run)) == 10
    loop.run(silent.repeats.finish(late, Kept(200, (), b"too late")))
    loop.run(other.repeats.finish(run, ANSWER))
    assert loop.run(begun(silent, caller)) == ANSWER
    assert other.balance("ada") == 90
    assert other.verify() == []


def test_after_a_day_a_key_is_free_and_its_row_goes(
    accounts: Accounts, database: Path | str, loop: asyncio.Runner
) -> None:
    caller = funded(accounts)
    many = SWEPT + 1

    async def fill() -> None:
        for number in range(many):
            run = await begun(accounts, caller, key=f"key {number}")
            assert isinstance(run, Run)
            await accounts.repeats.finish(run, ANSWER)

    loop.run(fill())
    query(database, "UPDATE idempotency SET created_at = '2026-01-01T00:00:00.000+00:00'")
    assert isinstance(loop.run(begun(accounts, caller, key="key 0")), Run)
    accounts.repeats.sweep()
    assert query(database, "SELECT count(*) FROM idempotency") == [(1,)]
    with pytest.raises(StillRunning):
        loop.run(begun(accounts, caller, key="key 0"))


def test_one_that_is_under_way_for_a_day_keeps_its_key(
    accounts: Accounts, database: Path | str, loop: asyncio.Runner
) -> None:
    """Or the clock of another machine says so."""
    caller = funded(accounts)
    run = loop.run(mine(accounts, caller))
    query(database, "UPDATE idempotency SET created_at = '2026-01-01T00:00:00.000+00:00'")
    accounts.repeats.sweep()
    with pytest.raises(StillRunning):
        loop.run(begun(accounts, caller))
    assert loop.run(charged(accounts, caller, run)) == 10
    query(database, "UPDATE idempotency SET owner = 'own_gone'")
    accounts.repeats.sweep()
    assert query(database, "SELECT count(*) FROM idempotency") == [(0,)]


class Ahead(datetime):
    """The clock of a machine that nobody sets."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Ahead":
        return super().now(tz) + timedelta(hours=25)


@pytest.mark.slow
def test_the_age_of_an_answer_is_that_of_the_database_s_clock(
    postgres_server: postgres.Server, loop: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres_server.database() as url, closing(Accounts(url, SECRET)) as accounts:
        caller = funded(accounts)
        with monkeypatch.context() as ahead:
            ahead.setattr(clock, "datetime", Ahead)
            loop.run(accounts.repeats.finish(loop.run(mine(accounts, caller)), ANSWER))
        [[moment]] = query(url, "SELECT created_at FROM idempotency")
        [[now]] = query(url, "SELECT now()")
        assert timedelta() <= now - datetime.fromisoformat(moment) < timedelta(hours=1)
        assert len(moment) == len(clock.now_text())


def test_nothing_of_key_request_or_answer_is_to_be_read_in_the_database(
    accounts: Accounts, database: Path | str, loop: asyncio.Runner
) -> None:
    caller = funded(accounts)
    run = loop.run(mine(accounts, caller))
    loop.run(accounts.repeats.finish(run, ANSWER))
    [row] = query(database, "SELECT * FROM idempotency")
    written = b" ".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
    for secret in (KEY.encode(), ASKED[1], b"secret answer"):
        assert secret not in written
    assert loop.run(begun(accounts, caller)) == ANSWER


def test_an_answer_moved_to_another_row_is_given_to_nobody(
    accounts: Accounts, database: Path | str, loop: asyncio.Runner
) -> None:
    ada, bob = funded(accounts), funded(accounts, name="bob")
    for caller in (ada, bob):
        loop.run(accounts.repeats.finish(loop.run(mine(accounts, caller)), ANSWER))
    theirs = f"(SELECT body FROM idempotency WHERE organization_id = '{bob.organization_id}')"
    query(database, f"UPDATE idempotency SET body = {theirs} WHERE organization_id = '{ada.organization_id}'")
    with pytest.raises(AnswerNotKept, match="was changed"):
        loop.run(begun(accounts, ada))
    assert loop.run(begun(accounts, bob)) == ANSWER


@dataclass
class Model:
    """What a key stands for: whose run, in which process, asked what, charged what; `answer` where it is finished,
    `free` where nobody runs it any more."""

    run: Run | None
    process: int
    asked: bytes
    free: bool = False
    charged: int = 0
    answer: Kept | None = None


class Interleavings(RuleBasedStateMachine):
    """Two processes over one database, few keys, few requests; every run may charge, finish, fail, or die with its
    process, and do so after it lost its key. Whatever they do, a key has one run, and its answer is charged once."""

    runs = Bundle("runs")
    keys = st.sampled_from(["k1", "k2"])
    processes = st.integers(0, 1)

    @initialize()
    def start(self) -> None:
        self.stack = ExitStack()
        self.path = Path(self.stack.enter_context(TemporaryDirectory())) / "accounts.sqlite3"
        self.loop = self.stack.enter_context(asyncio.Runner())
        self.accounts = [Accounts(self.path, SECRET), Accounts(self.path, SECRET)]
        self.caller = funded(self.accounts[0], RICH)
        self.balance = RICH
        self.kept: dict[str, Model] = {}
        self.dead: set[str] = set()

    def teardown(self) -> None:
        for accounts in self.accounts:
            accounts.close()
        self.stack.close()

    def do(self, work: Awaitable[T]) -> T:
        async def go() -> T:
            return await work

        return self.loop.run(go())

    @rule(target=runs, key=keys, process=processes, asked=st.sampled_from([b"x", b"y"]))
    def begin(self, key: str, process: int, asked: bytes) -> Any:
        known = self.kept.get(key)
        free = known is None or known.free
        outcome: Run | Kept | type[RequestRepeated]
        try:
            outcome = self.do(begun(self.accounts[process], self.caller, (asked,), key))
        except RequestRepeated as refusal:
            outcome = type(refusal)
        if free:
            assert isinstance(outcome, Run)
            self.balance += known.charged if known else 0
            self.kept[key] = Model(outcome, process, asked)
            return (key, process, outcome)
        assert known is not None
        if known.asked != asked:
            assert outcome is OtherRequest
        elif known.answer is None:
            assert outcome is StillRunning
        else:
            assert outcome == known.answer
        return (key, process, known.run)  # one that acts twice, or where it does not run

    def own(self, key: str, run: Run) -> Model | None:
        known = self.kept.get(key)
        return known if known and known.run == run and known.answer is None else None

    @rule(run=runs, cents=st.integers(1, 9))
    def charge(self, run: Any, cents: int) -> None:
        key, process, name = run
        if name is None or ((known := self.kept.get(key)) and known.run == name and known.answer is not None):
            return  # nobody charges for an answer that was given
        known = self.own(key, name)
        found = self.do(charged(self.accounts[process], self.caller, name, cents))
        assert found == (cents if known else 0)
        if known:
            known.charged += cents
            self.balance -= cents

    @rule(run=consumes(runs), body=st.binary(max_size=20))
    def finish(self, run: Any, body: bytes) -> None:
        key, process, name = run
        if name is None:
            return
        answer = Kept(200, [], body)
        self.do(self.accounts[process].repeats.finish(name, answer))
        if known := self.own(key, name):
            known.answer, known.free = answer, False

    @rule(run=runs, delivered=st.booleans())
    def abandon(self, run: Any, delivered: bool) -> None:
        key, process, name = run
        if name is None:
            return
        self.do(self.accounts[process].repeats.abandon(name, delivered=delivered))
        if known := self.own(key, name):
            if delivered or not known.charged:
                del self.kept[key]
            else:
                known.run, known.free = None, True

    @rule(process=processes)
    def end(self, process: int) -> None:
        """Its keys are free, as those of a process that was killed; what it began may still charge and finish, as in a
        process that was only taken for dead, until another has the key."""
        self.accounts[process].close()
        self.accounts[process] = Accounts(self.path, SECRET)
        for known in self.kept.values():
            if known.process == process and known.answer is None:
                known.free = True

    @invariant()
    def money_is_conserved(self) -> None:
        assert self.accounts[0].balance("ada") == self.balance
        assert self.accounts[1].verify() == []


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
