"""Budgets of a day and a month: what is spent and held never passes them by more than requests cost beyond their
estimate, whoever asks, and nothing that was not spent counts."""

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greatrouter_accounts import baselines, books, chart
from greatrouter_accounts import ledger as rules
from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.budgets import Allowance, Budget, budgets_at, ends_at
from greatrouter_accounts.errors import AccountsError, BudgetExceeded, InsufficientCredit
from greatrouter_accounts.gate import Plan
from greatrouter_accounts.keys import Caller
from greatrouter_accounts.operations import Credit, Fund, Operation, Refund, Reserve, Settle
from greatrouter_accounts.store import Store, open_store
from tests.accounts.conftest import LEASE, SECRET, query
from tests.accounts.test_pools import RICH, pooled

Start = Callable[[str], "subprocess.Popen[str]"]
CENT, ZERO = Decimal(1), Decimal(0)
TODAY = budgets_at(datetime.now(UTC), Allowance(CENT, CENT))
DAY, MONTH = (budget.period for budget in TODAY)
FIFTY = {"free": Plan(budget=Allowance(daily_cents=Decimal(50)))}


# -- by the rules ---------------------------------------------------------------------------------------------------

AMOUNTS = st.decimals(0, 40, places=2)


@settings(max_examples=200, deadline=None)
@given(
    steps=st.lists(
        st.one_of(
            st.tuples(st.just("credit"), AMOUNTS),
            st.tuples(st.just("refund"), AMOUNTS),
            st.tuples(st.just("reserve"), AMOUNTS),
            st.tuples(st.just("fund"), AMOUNTS),
            st.tuples(st.just("settle"), st.decimals(0, 1, places=2)),
            st.tuples(st.just("release"), AMOUNTS),
        ),
        max_size=25,
    ),
    daily=AMOUNTS,
    monthly=AMOUNTS,
    size=st.integers(1, 4),
)
def test_what_is_spent_and_held_never_passes_a_budget(
    steps: list[tuple[str, Decimal]], daily: Decimal, monthly: Decimal, size: int
) -> None:
    """Where no request costs more than its estimate; with several operations in a batch as well as one."""
    bounds = (Budget(DAY, daily), Budget(MONTH, monthly))
    balances: dict[str, Decimal] = {}
    open_: dict[str, Reserve] = {}
    lines = {(chart.wallet("x"), DAY): ZERO, (chart.wallet("x"), MONTH): ZERO}
    spent = ZERO
    operations: list[Operation] = []
    for number, (kind, amount) in enumerate(steps):
        match kind:
            case "credit":
                operations.append(Credit(f"t{number}", "x", amount))
            case "refund":
                operations.append(Refund(f"t{number}", "x", amount))
            case "reserve":
                operations.append(Reserve(f"r{number}", "x", amount, "req", None, bounds))
            case "fund":
                operations.append(Fund(f"t{number}", f"p{number}", "x", amount, ZERO, bounds))
            case "settle" | "release" if open_:
                name, reserve = min(open_.items())
                share = amount if kind == "settle" else ZERO
                operations.append(Settle(f"t{number}", name, reserve.amount_cents * share))
        if len(operations) < size:
            continue
        posting = rules.post(balances, operations, dict(open_), lines)
        for operation, result in zip(operations, posting.results, strict=True):
            if isinstance(operation, Settle) and isinstance(result, Decimal):
                spent += result
            if isinstance(operation, Credit | Refund) and not isinstance(result, AccountsError):
                lines = {name: line + rules.put_in(operation) for name, line in lines.items()}
        balances = {name: posting.balance(name) for name in balances.keys() | posting.changes.keys()}
        open_, operations = dict(posting.open), []
        held = balances.get(chart.held("x"), ZERO)
        assert posting.baselines == lines
        assert spent + held == lines[chart.wallet("x"), DAY] - rules.worth(balances, "x")
        assert spent + held <= min(daily, monthly)


def test_a_period_has_an_end() -> None:
    assert ends_at("2026-02-28") == datetime(2026, 3, 1, tzinfo=UTC)
    assert ends_at("2028-02") == datetime(2028, 3, 1, tzinfo=UTC)
    assert budgets_at(datetime(2026, 12, 31, 23, 59, tzinfo=UTC), Allowance(monthly_cents=CENT)) == (
        Budget("2026-12", CENT),
    )


# -- in the databases -----------------------------------------------------------------------------------------------


@contextmanager
def budgeted(database: Path | str, plans: Any = FIFTY) -> Iterator[Accounts]:
    accounts = Accounts(database, SECRET, lease=LEASE, plans=plans)
    try:
        yield accounts
    finally:
        accounts.close()


def funded(accounts: Accounts, cents: int) -> Caller:
    caller = asyncio.run(accounts.authenticate(accounts.create_key("ada")))
    if cents:
        accounts.office.credit("ada", Decimal(cents))
    return caller


async def spend(accounts: Accounts, caller: Caller, amount: Decimal = CENT, cost: Decimal | None = None) -> Decimal:
    reservation = await accounts.till.reserve(caller, amount, "req")
    return await accounts.till.settle(reservation, amount if cost is None else cost)


def left(accounts: Accounts, caller: Caller) -> list[Decimal]:
    return [amount for _, amount in accounts.budgets_left(caller)]


def test_of_200_requests_at_once_exactly_the_budget_s_50_are_run(database: Path | str) -> None:
    with budgeted(database) as accounts:
        caller = funded(accounts, 1_000)

        async def all_at_once() -> list[Any]:
            return await asyncio.gather(*(spend(accounts, caller) for _ in range(200)), return_exceptions=True)

        found = asyncio.run(all_at_once())
        assert sum(each == CENT for each in found) == 50
        refused = [each for each in found if isinstance(each, BudgetExceeded)]
        assert len(refused) == 150
        assert refused[0].period == DAY
        assert "daily budget is $0.5" in str(refused[0])
        assert left(accounts, caller) == [0]
        assert accounts.balance("ada") == 950
        assert accounts.verify() == []
    with budgeted(database) as again:  # it is not forgotten with the process
        with pytest.raises(BudgetExceeded):
            asyncio.run(spend(again, caller))
        assert left(again, caller) == [0]


def test_an_empty_wallet_is_told_before_a_used_up_budget(database: Path | str) -> None:
    with budgeted(database) as accounts:
        caller = funded(accounts, 0)
        with pytest.raises(InsufficientCredit):
            asyncio.run(spend(accounts, caller))
        assert left(accounts, caller) == [50]


def test_what_is_credited_or_paid_back_is_not_spent(database: Path | str) -> None:
    with budgeted(database) as accounts:
        caller = funded(accounts, 100)
        asyncio.run(spend(accounts, caller, Decimal(20)))
        accounts.office.credit("ada", Decimal(500))
        assert left(accounts, caller) == [30]
        assert accounts.office.order_paid("ord_1", "ada", Decimal(200)) == 200
        assert accounts.office.order_refunded("ord_1", "ada", Decimal(150)) == 150
        assert left(accounts, caller) == [30]
        with pytest.raises(BudgetExceeded):
            asyncio.run(spend(accounts, caller, Decimal("30.01")))
        assert asyncio.run(spend(accounts, caller, Decimal(30))) == 30
        assert left(accounts, caller) == [0]


def test_what_is_owed_is_not_spent(database: Path | str) -> None:
    with budgeted(database) as accounts:
        caller = funded(accounts, 0)
        accounts.office.order_paid("ord_1", "ada", Decimal(100))
        asyncio.run(spend(accounts, caller, Decimal(20)))
        accounts.office.order_refunded("ord_1", "ada", Decimal(100))  # 20 cents of it are owed
        assert left(accounts, caller) == [30]
        accounts.office.credit("ada", Decimal(100))
        assert accounts.balance("ada") == 80
        assert left(accounts, caller) == [30]
        with pytest.raises(BudgetExceeded):
            asyncio.run(spend(accounts, caller, Decimal(31)))
        assert asyncio.run(spend(accounts, caller, Decimal(30))) == 30


def test_what_was_spent_before_there_was_a_budget_counts(database: Path | str) -> None:
    with budgeted(database, {}) as accounts:
        caller = funded(accounts, 1_000)
        for _ in range(3):
            asyncio.run(spend(accounts, caller, Decimal(10)))
    with budgeted(database) as accounts:
        assert left(accounts, caller) == [20]
        with pytest.raises(BudgetExceeded):
            asyncio.run(spend(accounts, caller, Decimal(21)))
        assert asyncio.run(spend(accounts, caller, Decimal(20))) == 20


def test_what_is_held_counts_and_what_comes_back_does_not(database: Path | str) -> None:
    with budgeted(database) as accounts:
        caller = funded(accounts, 1_000)

        async def work() -> None:
            reservation = await accounts.till.reserve(caller, Decimal(50), "req")
            with pytest.raises(BudgetExceeded):
                await accounts.till.reserve(caller, CENT, "req")
            accounts.till.release(reservation)
            assert await spend(accounts, caller, Decimal(50), cost=Decimal(10)) == 10
            assert await spend(accounts, caller, Decimal(40)) == 40

        asyncio.run(work())


def test_a_request_that_costs_more_than_its_estimate_is_paid_and_no_other_is_run(database: Path | str) -> None:
    with budgeted(database) as accounts:
        caller = funded(accounts, 1_000)
        assert asyncio.run(spend(accounts, caller, Decimal(40), cost=Decimal(60))) == 60
        assert left(accounts, caller) == [0]
        with pytest.raises(BudgetExceeded) as refused:
            asyncio.run(spend(accounts, caller))
        assert refused.value.left_cents == 0


def test_the_month_counts_where_the_day_has_room(database: Path | str) -> None:
    plans = {"free": Plan(budget=Allowance(daily_cents=Decimal(50), monthly_cents=Decimal(30)))}
    with budgeted(database, plans) as accounts:
        caller = funded(accounts, 1_000)
        assert asyncio.run(spend(accounts, caller, Decimal(30))) == 30
        assert left(accounts, caller) == [20, 0]
        with pytest.raises(BudgetExceeded, match="monthly") as refused:
            asyncio.run(spend(accounts, caller))
        assert refused.value.period == MONTH


def test_what_needs_no_budget_is_run_and_counts(database: Path | str) -> None:
    with budgeted(database) as accounts:
        caller = funded(accounts, 1_000)

        async def work() -> None:
            await spend(accounts, caller, Decimal(50))
            reservation = await accounts.till.reserve(caller, Decimal(5), "req", budgeted=False)
            assert await accounts.till.settle(reservation, Decimal(5)) == 5
            with pytest.raises(BudgetExceeded):
                await spend(accounts, caller)

        asyncio.run(work())


def test_a_pool_is_filled_from_the_budget_alone(database: Path | str) -> None:
    """A wallet that could fill a pool ten times over, with a budget that cannot."""
    plans = {"free": Plan(budget=Allowance(daily_cents=Decimal(500)))}
    with budgeted(database, plans) as accounts:
        caller = funded(accounts, RICH)

        async def work() -> Decimal:
            spent = ZERO
            while True:
                try:
                    spent += await spend(accounts, caller)
                except BudgetExceeded:
                    return spent

        assert asyncio.run(work()) == 500
        assert accounts.balance("ada") == RICH - 500


def test_money_in_a_pool_is_spent_once(database: Path | str) -> None:
    plans = {"free": Plan(budget=Allowance(daily_cents=Decimal(RICH // 2)))}
    with budgeted(database, plans) as accounts:
        hold, _ = pooled(accounts)
        assert query(database, "SELECT count(*) FROM reservations WHERE request_id = '(pool)'") == [(1,)]
        caller = funded(accounts, 0)
        before = left(accounts, caller)
        assert asyncio.run(accounts.till.settle(hold, CENT)) == 1
        assert left(accounts, caller) == [before[0] - 1]
        assert accounts.verify() == []


# -- from one day to the next ---------------------------------------------------------------------------------------


@pytest.fixture
def store(database: Path | str) -> Iterator[Store]:
    found = open_store(database, LEASE)
    yield found
    found.close()


def run(store: Store, *operations: Operation) -> list[Any]:
    with store.write() as connection:
        return list(books.post(connection, operations, "own_test"))


def test_every_day_begins_with_the_whole_budget(store: Store) -> None:
    """The day before is made so in the table, as no clock can be set back."""
    before = Budget("2026-06-30", Decimal(50))
    after = Budget("2026-07-01", Decimal(50))
    run(store, Credit("t0", "x", Decimal(1_000)))
    reserve = Reserve("r1", "x", Decimal(50), "req", None, (before,))
    assert run(store, reserve) == [50]
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE ledger SET created_at = '2026-06-30T23:59:59.000+00:00'")
    assert run(store, Settle("t1", "r1", Decimal(50))) == [50]
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE ledger SET created_at = '2026-06-30T23:59:59.500+00:00'")
    [refused] = run(store, replace(reserve, id="r2", amount_cents=CENT))
    assert isinstance(refused, BudgetExceeded)
    assert run(store, replace(reserve, id="r3", budgets=(after,))) == [50]
    [refused] = run(store, replace(reserve, id="r4", amount_cents=CENT, budgets=(after,)))
    assert isinstance(refused, BudgetExceeded)
    with store.read() as connection:
        assert baselines.left(connection, "x", (after, Budget("2026-07-02", CENT))) == [0, 0]
        kept = connection.exec_driver_sql("SELECT period FROM baselines").scalars().all()
    assert kept == ["2026-07-01"]  # the month before is over


def test_a_long_history_is_read_back_to_the_beginning_of_the_day(store: Store) -> None:
    run(store, Credit("t", "x", Decimal(10_000)))
    for number in range(3):
        batch: list[Operation] = []
        for place in range(100):
            name = f"{number}_{place}"
            batch += [Reserve(f"r{name}", "x", CENT, "req"), Settle(f"t{name}", f"r{name}", CENT)]
        run(store, *batch[::2])
        run(store, *batch[1::2])
        if number == 0:
            with store.write() as connection:
                connection.exec_driver_sql("UPDATE ledger SET created_at = '2020-01-01T00:00:00.000+00:00'")
    today = Budget(DAY, Decimal(1_000))
    with store.read() as connection:
        assert baselines.left(connection, "x", (today, Budget("2020-01", Decimal(1_000)))) == [800, 700]
    assert run(store, Reserve("r", "x", Decimal(800), "req", None, (today,))) == [800]


# -- several processes ----------------------------------------------------------------------------------------------

RACER = """
from greatrouter_accounts.budgets import Allowance
from greatrouter_accounts.errors import BudgetExceeded
from greatrouter_accounts.gate import Plan
accounts = Accounts(database, b"a secret of thirty-two bytes ....", lease=timedelta(seconds=2),
                    plans={"free": Plan(budget=Allowance(daily_cents=Decimal(50)))})
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
def test_four_processes_spend_one_budget_to_the_last_cent_and_no_further(
    opened: Callable[[], Accounts], process: Start
) -> None:
    accounts = opened()
    key = accounts.create_key("ada")
    accounts.office.credit("ada", Decimal(1_000))
    racers = [process(RACER) for _ in range(4)]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write(f"{key}\n")
        racer.stdin.flush()
    results = [racer.communicate(timeout=60) for racer in racers]
    assert [errors for _, errors in results] == [""] * 4
    assert sum(Decimal(output) for output, _ in results) == 50
    assert accounts.balance("ada") == 950
    assert accounts.verify() == []
