"""Budgets of a key: what it spends and holds never passes them by more than requests cost beyond their estimate,
whatever the other keys of its organization do, and the ledger says so."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from greatrouter_accounts import audit, baselines, books, directory, schema
from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.budgets import Allowance, Budget, budgets_at
from greatrouter_accounts.errors import AccountsError, BudgetExceeded, InvalidKey
from greatrouter_accounts.gate import Plan
from greatrouter_accounts.idempotency_rows import Kept
from greatrouter_accounts.ids import uuid7
from greatrouter_accounts.keys import Caller, budget_columns
from greatrouter_accounts.operations import Credit, Operation, Refund, Reserve, Result, Return, Run, Settle
from greatrouter_accounts.store import Store, open_store
from tests.accounts.conftest import LEASE, SECRET, held, query
from tests.accounts.us import Us

Open = Callable[[], Accounts]
Start = Callable[[str], "subprocess.Popen[str]"]
CENT, ZERO = Decimal(1), Decimal(0)
FIFTY = Allowance(daily_cents=Decimal(50))
# A wallet from which a process would set money aside for many requests at once.
RICH = 100_000
DAY, MONTH = (budget.period for budget in budgets_at(datetime.now(UTC), Allowance(CENT, CENT)))


def keyed(accounts: Accounts, budgets: Allowance = FIFTY, cents: int = 0) -> Caller:
    """Of ada, who is credited so much more."""
    caller = asyncio.run(accounts.authenticate(accounts.create_key("ada", budgets=budgets)))
    if cents:
        accounts.office.credit("ada", Decimal(cents))
    return caller


async def spend(accounts: Accounts, caller: Caller, amount: Decimal = CENT, cost: Decimal | None = None) -> Decimal:
    reservation = await accounts.till.reserve(caller, amount, "req")
    return await accounts.till.settle(reservation, amount if cost is None else cost)


def left(accounts: Accounts, caller: Caller) -> list[Decimal]:
    """Of the key's budgets."""
    return [amount for budget, amount in accounts.budgets_left(caller) if budget.key_id is not None]


# -- any order of anything ------------------------------------------------------------------------------------------

AMOUNTS = st.decimals(0, 40, places=2)
WHO = st.integers(0, 2)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), WHO, AMOUNTS),
        st.tuples(st.just("reserve"), WHO, AMOUNTS),
        st.tuples(st.just("reserve unbudgeted"), WHO, AMOUNTS),
        st.tuples(st.just("settle"), WHO, st.decimals(0, 2, places=2)),
        st.tuples(st.just("release"), WHO, AMOUNTS),
        st.tuples(st.just("give back"), WHO, AMOUNTS),
        st.tuples(st.just("credit"), WHO, AMOUNTS),
        st.tuples(st.just("refund"), WHO, AMOUNTS),
        st.tuples(st.just("die"), WHO, AMOUNTS),
    ),
    max_size=30,
)


@dataclass
class Model:
    """What each key was charged and holds, as a test counts it; and what may still be settled or given back."""

    used: dict[str, Decimal] = field(default_factory=dict)
    open: dict[str, Reserve] = field(default_factory=dict)
    charges: list[tuple[str | None, Decimal]] = field(default_factory=list)

    def took(self, key_id: str | None, amount: Decimal) -> None:
        if key_id is not None:
            self.used[key_id] = self.used.get(key_id, ZERO) + amount

    def see(self, operation: Operation, result: Result) -> None:
        match operation:
            case Reserve(key_id=key_id, amount_cents=amount) if isinstance(result, Decimal):
                self.took(key_id, amount)
                self.open[operation.id] = operation
                for budget in operation.budgets:
                    assert self.used[str(key_id)] <= budget.cents
            case Reserve(key_id=key_id, amount_cents=amount) if isinstance(result, BudgetExceeded):
                assert result.of_key
                used = self.used.get(str(key_id), ZERO)
                assert any(used + amount > budget.cents for budget in operation.budgets)
                assert result.left_cents == max(ZERO, result.budget_cents - used)
            case Settle() if operation.reservation_id in self.open:
                reserve = self.open.pop(operation.reservation_id)
                assert isinstance(result, Decimal)
                self.took(reserve.key_id, result - reserve.amount_cents)
                self.charges.append((reserve.key_id, result))
            case Return(key_id=key_id, amount_cents=amount):
                self.took(key_id, -amount)


@pytest.fixture
def store(database: Path | str) -> Iterator[Store]:
    found = open_store(database, LEASE)
    yield found
    found.close()


def run(store: Store, *operations: Operation) -> list[Any]:
    with store.write() as connection:
        return list(books.post(connection, operations, "own_test"))


def problems(store: Store) -> list[str]:
    with store.read() as connection:
        return audit.problems(connection)


def two_keys_and_one_without(store: Store, name: str) -> tuple[str, list[str | None]]:
    """An organization of its own with credit; what it holds is held by no process that could be found dead."""
    terms = {"prefix": "pk_live_abcdefghi", "test": False, "scopes": "inference", "expires_at": None, "limits": None}
    with store.write() as connection:
        organization_id = directory.ensure_organization(connection, name, None)
        for _ in range(2):
            row = {**terms, "digest": os.urandom(32), **budget_columns(FIFTY, test=False)}
            directory.add_key(connection, organization_id, row)
        made = select(schema.keys.c.id).where(schema.keys.c.organization_id == organization_id)
        keys = list(connection.scalars(made.order_by(schema.keys.c.id)))
    assert run(store, Credit(uuid7("t_"), organization_id, Decimal(150))) == [150]
    return organization_id, [*keys, None]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, daily=AMOUNTS, monthly=AMOUNTS, size=st.integers(1, 4))
def test_no_interleaving_spends_more_than_a_key_s_budget_and_the_books_agree(
    store: Store, steps: list[tuple[str, int, Decimal]], daily: Decimal, monthly: Decimal, size: int
) -> None:
    """A key is refused exactly where its own budget would be passed, with several operations in a batch as well as one;
    and everybody who asks is told what is left."""
    with store.read() as connection:
        made = connection.exec_driver_sql("SELECT count(*) FROM organizations").scalar_one()
    organization_id, keys = two_keys_and_one_without(store, f"ada {made}")
    model, batch = Model(), list[Operation]()
    budgets = {key: budgets_at(datetime.now(UTC), Allowance(daily, monthly), key) if key else () for key in keys}

    def commit() -> None:
        for operation, result in zip(batch, run(store, *batch), strict=True):
            model.see(operation, result)
        batch.clear()

    for kind, who, amount in steps:
        key_id, name = keys[who], uuid7("t_")
        pending = {o.reservation_id for o in batch if isinstance(o, Settle)}
        ours = [r for r in model.open.values() if r.key_id == key_id and r.id not in pending]
        match kind:
            case "reserve" | "reserve unbudgeted":
                bounds = budgets[key_id] if kind == "reserve" else ()
                batch.append(Reserve(name, organization_id, amount, "req", None, bounds, key_id))
            case "settle" | "release" if ours:
                share = amount if kind == "settle" else ZERO
                batch.append(Settle(name, ours[0].id, ours[0].amount_cents * share))
            case "give back" if model.charges:
                batch.append(Return(name, organization_id, model.charges[0][1], "req", model.charges.pop(0)[0]))
            case "credit":
                batch.append(Credit(name, organization_id, amount))
            case "refund":
                batch.append(Refund(name, organization_id, amount))
            case "die":
                commit()
                books.release_orphans(store, Us())
                for reserve in model.open.values():
                    model.took(reserve.key_id, -reserve.amount_cents)
                model.open.clear()
        if len(batch) >= size:
            commit()
    commit()
    assert problems(store) == []
    with store.read() as connection:
        for key_id in keys[:2]:
            used = model.used.get(str(key_id), ZERO)
            expected = [max(ZERO, budget.cents - used) for budget in budgets[key_id]]
            assert baselines.left(connection, organization_id, budgets[key_id]) == expected


# -- through the store ----------------------------------------------------------------------------------------------


def test_of_200_requests_at_once_exactly_the_key_s_50_are_run(opened: Open) -> None:
    accounts = opened()
    caller, other = keyed(accounts, cents=RICH), keyed(accounts, Allowance())

    async def all_at_once() -> list[Any]:
        both = [spend(accounts, who) for _ in range(200) for who in (caller, other)]
        return await asyncio.gather(*both, return_exceptions=True)

    found = asyncio.run(all_at_once())
    assert sum(each == CENT for each in found[::2]) == 50
    assert found[1::2] == [CENT] * 200
    refused = [each for each in found[::2] if isinstance(each, BudgetExceeded)]
    assert len(refused) == 150
    assert (refused[0].period, refused[0].of_key) == (DAY, True)
    assert "this key's daily budget is $0.5" in str(refused[0])
    assert left(accounts, caller) == [0]
    assert accounts.verify() == []
    accounts.close()
    again = opened()
    assert again.balance("ada") == RICH - 250
    with pytest.raises(BudgetExceeded):
        asyncio.run(spend(again, caller))
    assert left(again, caller) == [0]
    assert again.verify() == []


def test_every_process_counts_what_the_others_hold(opened: Open) -> None:
    """However rich the wallet: nothing is set aside for a key with budgets where others cannot see it."""
    first, second = opened(), opened()
    caller = keyed(first, cents=RICH)

    async def work() -> None:
        for _ in range(3):
            await spend(first, caller, Decimal(10))
        reservation = await first.till.reserve(caller, Decimal(20), "req")
        with pytest.raises(BudgetExceeded) as refused:
            await second.till.reserve(caller, CENT, "req")
        assert refused.value.left_cents == 0
        assert left(second, caller) == [0]
        first.till.release(reservation)
        assert await spend(first, caller, Decimal(5)) == 5  # behind the release
        assert await spend(second, caller, Decimal(15), cost=Decimal(25)) == 25
        with pytest.raises(BudgetExceeded):
            await spend(first, caller)

    asyncio.run(work())
    assert first.verify() == []


def test_what_needs_no_budget_is_run_and_counts(accounts: Accounts) -> None:
    caller = keyed(accounts, Allowance(daily_cents=ZERO), cents=100)

    async def work() -> None:
        with pytest.raises(BudgetExceeded):
            await spend(accounts, caller)
        reservation = await accounts.till.reserve(caller, Decimal(5), "req", budgeted=False)
        assert await accounts.till.settle(reservation, Decimal(5)) == 5

    asyncio.run(work())
    assert left(accounts, caller) == [0]
    assert accounts.verify() == []


def test_credit_and_refunds_are_not_a_key_s_spending(accounts: Accounts) -> None:
    caller = keyed(accounts, cents=100)
    asyncio.run(spend(accounts, caller, Decimal(20)))
    accounts.office.credit("ada", Decimal(500))
    accounts.office.order_paid("ord_1", "ada", Decimal(200))
    accounts.office.order_refunded("ord_1", "ada", Decimal(150))
    assert left(accounts, caller) == [30]
    with pytest.raises(BudgetExceeded):
        asyncio.run(spend(accounts, caller, Decimal("30.01")))
    assert asyncio.run(spend(accounts, caller, Decimal(30))) == 30
    assert accounts.verify() == []


@contextmanager
def planned(database: Path | str) -> Iterator[Accounts]:
    plans = {"free": Plan(budget=Allowance(daily_cents=Decimal(50), monthly_cents=Decimal(80)))}
    accounts = Accounts(database, SECRET, lease=LEASE, plans=plans)
    yield accounts
    accounts.close()


def test_the_organization_s_budgets_hold_beside_the_key_s(database: Path | str) -> None:
    with planned(database) as accounts:
        caller = keyed(accounts, Allowance(Decimal(40), Decimal(45)), cents=RICH)
        other = keyed(accounts, Allowance())
        asyncio.run(spend(accounts, caller, Decimal(30)))
        with pytest.raises(BudgetExceeded, match="this key's daily") as refused:
            asyncio.run(spend(accounts, caller, Decimal(15)))
        assert (refused.value.period, refused.value.left_cents) == (DAY, 10)
        asyncio.run(spend(accounts, other, Decimal(15)))
        with pytest.raises(BudgetExceeded, match="the daily") as refused:
            asyncio.run(spend(accounts, caller, Decimal(6)))
        assert not refused.value.of_key
        found = [(budget.key_id is None, amount) for budget, amount in accounts.budgets_left(caller)]
        assert found == [(True, 5), (True, 35), (False, 10), (False, 15)]
        assert accounts.verify() == []


def test_what_a_run_gives_back_is_the_key_s_again(accounts: Accounts) -> None:
    """A request that may be repeated was charged and failed after: whoever repeats it gives that back."""
    caller = keyed(accounts, cents=100)

    async def begin() -> Run:
        run = await accounts.repeats.begin(caller.organization_id, "a key", (b"what is asked",), "req")
        assert isinstance(run, Run)
        return run

    async def work() -> None:
        run = await begin()
        await spend(accounts, replace(caller, run=run), Decimal(50))
        with pytest.raises(BudgetExceeded):
            await spend(accounts, caller)
        await accounts.repeats.abandon(run)
        again = await begin()
        assert left(accounts, caller) == [50]
        assert await spend(accounts, replace(caller, run=again), Decimal(50)) == 50
        await accounts.repeats.finish(again, Kept(200, (), b"an answer"))

    asyncio.run(work())
    assert left(accounts, caller) == [0]
    assert accounts.balance("ada") == 50
    assert accounts.verify() == []


def test_a_key_of_no_budget_is_nowhere_apart(accounts: Accounts, database: Path | str) -> None:
    caller = keyed(accounts, Allowance(), cents=100)
    asyncio.run(spend(accounts, caller))
    assert left(accounts, caller) == []
    assert query(database, "SELECT count(*) FROM balances WHERE account LIKE 'revenue:%'") == [(0,)]


@pytest.mark.parametrize(
    ("budgets", "test", "told"),
    [
        (Allowance(daily_cents=Decimal(-1)), False, "daily_budget_cents: -1 is out of range; expected 0 to 92233"),
        (Allowance(monthly_cents=Decimal("NaN")), False, "monthly_budget_cents: NaN is out of range"),
        (Allowance(monthly_cents=Decimal("sNaN")), False, "out of range"),
        (Allowance(monthly_cents=Decimal("1E+30")), False, "out of range"),
        (FIFTY, True, "a test key costs nothing, so it has no use for a budget"),
    ],
)
def test_a_budget_that_is_none_is_refused_and_nothing_is_made(
    accounts: Accounts, budgets: Allowance, test: bool, told: str
) -> None:
    with pytest.raises(InvalidKey, match=told):
        accounts.create_key("ada", budgets=budgets, test=test)
    assert accounts.list_keys() == []


def test_budgets_are_kept_to_the_last_digit(accounts: Accounts) -> None:
    budgets = Allowance(Decimal("0.00000001"), Decimal("12345678901.12345678"))
    caller = keyed(accounts, budgets)
    assert caller.budgets == budgets
    [row] = accounts.list_keys()
    assert row.budgets == budgets
    hash(caller)


# -- from one period to the next ------------------------------------------------------------------------------------


def test_a_key_s_day_begins_with_the_whole_budget_and_a_month_goes_on(store: Store) -> None:
    """The day before is made so in the table, as no clock can be set back."""
    organization_id, [key_id, *_] = two_keys_and_one_without(store, "ada")
    day, next_day = Budget("2026-06-29", Decimal(50), key_id), Budget("2026-06-30", Decimal(50), key_id)
    month = Budget("2026-06", Decimal(80), key_id)
    reserve = Reserve("r1", organization_id, Decimal(50), "req", None, (day, month), key_id)
    assert run(store, reserve) == [50]
    assert run(store, Settle("t1", "r1", Decimal(50))) == [50]
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE ledger SET created_at = '2026-06-29T23:59:59.500+00:00'")
    [refused] = run(store, replace(reserve, id="r2", amount_cents=CENT))
    assert isinstance(refused, BudgetExceeded)
    [refused] = run(store, replace(reserve, id="r3", budgets=(next_day, month)))
    assert isinstance(refused, BudgetExceeded)
    assert (refused.period, refused.left_cents) == ("2026-06", 30)
    assert run(store, replace(reserve, id="r4", amount_cents=Decimal(30), budgets=(next_day, month))) == [30]
    assert problems(store) == []
    with store.read() as connection:
        budgets = (day, next_day, month, Budget("2026-07-01", CENT, key_id))
        assert baselines.left(connection, organization_id, budgets) == [0, 20, 0, 0]  # what is held is held of each
        kept = connection.exec_driver_sql("SELECT period FROM baselines ORDER BY period").scalars().all()
    assert kept == ["2026-06", "2026-06-30"]  # the day before is over


def test_clocks_that_differ_about_the_end_of_a_day_are_no_disagreement(store: Store) -> None:
    """Another machine, whose clock is a little late, charges when the day has begun here."""
    organization_id, [key_id, *_] = two_keys_and_one_without(store, "ada")
    bounds = (Budget(DAY, Decimal(50)), Budget(DAY, Decimal(50), key_id))
    reserve = Reserve("r1", organization_id, CENT, "req", None, bounds, key_id)
    run(store, reserve, Settle("t1", "r1", CENT))
    assert problems(store) == []
    with store.write() as connection:
        before = datetime.fromisoformat(DAY).replace(year=2020).isoformat()
        connection.exec_driver_sql(f"UPDATE ledger SET created_at = '{before}' WHERE kind = 'settle'")
    assert problems(store) == []


# -- what `verify` finds --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("period", [DAY, MONTH])
@pytest.mark.parametrize("whose", ["wallet:", "revenue:"])
def test_a_budget_that_is_measured_from_elsewhere_is_found(database: Path | str, whose: str, period: str) -> None:
    with planned(database) as accounts:
        caller = keyed(accounts, Allowance(Decimal(40), Decimal(45)), cents=1_000)
        asyncio.run(spend(accounts, caller, Decimal(30)))
        accounts.office.order_paid("ord_1", "ada", Decimal(200))
        asyncio.run(spend(accounts, caller, Decimal(5)))
        accounts.office.order_refunded("ord_1", "ada", Decimal(60))
        assert accounts.verify() == []
        where = f"WHERE account LIKE '{whose}%' AND period = '{period}'"
        query(database, f"UPDATE baselines SET cents = cents + 100000000 {where}")
        [problem] = accounts.verify()
        owner = caller.organization_id if whose == "wallet:" else caller.key_id
        counted = (1_140, 1_141) if whose == "wallet:" else (0, 1)
        told = f"budget of {period} measured on {whose}{owner}: the ledger says {counted[0]} cents, the baseline"
        assert problem == f"{told} {counted[1]} cents"


def test_a_charge_that_is_moved_to_another_key_is_found(accounts: Accounts, database: Path | str) -> None:
    caller, other = keyed(accounts, cents=100), keyed(accounts)
    asyncio.run(spend(accounts, caller))
    moved = f"SET account = 'revenue:{other.key_id}' WHERE account = 'revenue:{caller.key_id}'"
    query(database, f"UPDATE ledger {moved}")
    assert len([problem for problem in accounts.verify() if "revenue:" in problem]) == 2


# -- several processes ----------------------------------------------------------------------------------------------

HOLDER = """
accounts = opened()
async def go():
    caller = await accounts.authenticate(sys.stdin.readline().strip())
    charged = await accounts.till.settle(await accounts.till.reserve(caller, Decimal(10), "req_1"), Decimal(10))
    await accounts.till.reserve(caller, Decimal(40), "req_2")
    print("charged", charged, flush=True)
    sys.stdin.read()
asyncio.run(go())
"""


def test_what_a_killed_process_held_of_a_key_s_budget_comes_back(
    opened: Open, process: Start, database: Path | str
) -> None:
    accounts = opened()
    key = accounts.create_key("ada", budgets=FIFTY)
    accounts.office.credit("ada", Decimal(RICH))
    caller = asyncio.run(accounts.authenticate(key))
    child = process(HOLDER)
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(f"{key}\n")
    child.stdin.flush()
    assert child.stdout.readline().split() == ["charged", "10.00000000"]
    with pytest.raises(BudgetExceeded):
        asyncio.run(spend(accounts, caller))
    assert left(accounts, caller) == [0]
    child.kill()
    child.wait()

    async def eventually() -> Decimal:
        for _ in range(200):
            try:
                return await spend(accounts, caller, Decimal(40))
            except BudgetExceeded:
                await asyncio.sleep(0.05)  # until its lease is over, or somebody looks whether it lives
        return ZERO

    assert asyncio.run(eventually()) == 40
    assert left(accounts, caller) == [0]
    assert accounts.verify() == []
    accounts.close()
    assert held(database) == 0


RACER = """
from greatrouter_accounts.errors import BudgetExceeded
accounts = opened()
caller = asyncio.run(accounts.authenticate(sys.stdin.readline().strip()))
async def one(number):
    try:
        reservation = await accounts.till.reserve(caller, Decimal(1), f"req_{number}")
    except BudgetExceeded:
        return 0
    await asyncio.sleep(0.01)
    return await accounts.till.settle(reservation, Decimal(1))
async def main():
    return await asyncio.gather(*(one(number) for number in range(50)))
print(sum(asyncio.run(main())), flush=True)
accounts.close()
"""


@pytest.mark.slow
def test_four_processes_spend_two_keys_budgets_to_the_last_cent_and_no_further(opened: Open, process: Start) -> None:
    accounts = opened()
    keys = [accounts.create_key("ada", budgets=FIFTY) for _ in range(2)]
    accounts.office.credit("ada", Decimal(RICH))
    racers = [process(RACER) for _ in range(4)]
    for racer, key in zip(racers, [*keys, *keys], strict=True):
        assert racer.stdin is not None
        racer.stdin.write(f"{key}\n")
        racer.stdin.flush()
    results = [racer.communicate(timeout=60) for racer in racers]
    assert [errors for _, errors in results] == [""] * 4
    spent = [Decimal(output) for output, _ in results]
    assert [spent[0] + spent[2], spent[1] + spent[3]] == [50, 50]
    assert accounts.balance("ada") == RICH - 100
    assert accounts.verify() == []


def test_an_amount_that_is_none_is_refused_whoever_asks(accounts: Accounts) -> None:
    caller = keyed(accounts, cents=100)
    with pytest.raises(AccountsError, match="cannot be booked"):
        asyncio.run(accounts.till.reserve(caller, Decimal(-1), "req"))
    assert left(accounts, caller) == [50]
