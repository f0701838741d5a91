"""Money set aside for many requests at once: it is the same money."""

import asyncio
import subprocess
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.budgets import Allowance
from greatrouter_accounts.errors import BudgetExceeded, InsufficientCredit, InvalidAmount
from greatrouter_accounts.gate import Plan
from greatrouter_accounts.keys import Caller
from greatrouter_accounts.ledger import POOL_SHARE
from greatrouter_accounts.ledger import post as posted
from greatrouter_accounts.operations import POOL, Charge, Fund, Operation, Reserve, Settle, Unfund
from greatrouter_accounts.pools import Hold, Pools
from greatrouter_accounts.writer import Writer
from tests.accounts.asking import statement
from tests.accounts.conftest import SECRET, held
from tests.accounts.test_accounts import flush, funded
from tests.api.conftest import eventually

Open = Callable[[], Accounts]
Start = Callable[[str], "subprocess.Popen[str]"]
RICH, CENT = 10_000, Decimal(1)


def pooled(accounts: Accounts, cents: int = RICH, name: str = "ada") -> "tuple[Hold, Callable[[], None]]":
    """A reservation out of a pool; the first request finds none and fills it for the next."""
    caller = funded(accounts, cents, name)

    async def take() -> Hold:
        for attempt in range(50):
            reservation = await accounts.till.reserve(caller, CENT, f"req_{attempt}")
            if isinstance(reservation, Hold):
                return reservation
            accounts.till.release(reservation)
            await asyncio.sleep(0)
        raise AssertionError("no pool was filled")

    hold = asyncio.run(take())
    flush(accounts)
    return hold, lambda: accounts.till.release(hold)


def another_key(accounts: Accounts) -> Caller:
    return asyncio.run(accounts.authenticate(accounts.create_key("ada")))


def test_a_rich_wallet_pays_from_a_pool_and_shows_one_balance(database: Path | str, accounts: Accounts) -> None:
    hold, _ = pooled(accounts)
    assert 0 < held(database) <= RICH * POOL_SHARE
    assert accounts.balance("ada") == RICH
    assert asyncio.run(accounts.till.settle(hold, Decimal("0.25"))) == Decimal("0.25")
    assert accounts.balance("ada") == RICH - Decimal("0.25")
    assert accounts.verify() == []


def test_a_statement_has_one_line_a_request_and_hides_what_only_moves(opened: Open) -> None:
    accounts = opened()
    hold, _ = pooled(accounts)
    asyncio.run(accounts.till.settle(hold, Decimal("0.25")))
    accounts.close()
    again = opened()
    lines = [(e.kind, e.amount_cents) for e in statement(again, "ada") if e.kind not in {"reserve", "release"}]
    assert lines == [("charge", Decimal("-0.25")), ("grant", Decimal(RICH))]
    assert sum(e.amount_cents for e in statement(again, "ada")) == again.balance("ada")


def test_what_costs_more_than_was_promised_is_charged_all_the_same(accounts: Accounts) -> None:
    hold, _ = pooled(accounts)
    assert asyncio.run(accounts.till.settle(hold, Decimal(5_000))) == 5_000
    assert accounts.balance("ada") == 5_000
    assert accounts.verify() == []


def test_no_charge_takes_a_wallet_below_zero(accounts: Accounts) -> None:
    hold, _ = pooled(accounts)
    assert asyncio.run(accounts.till.settle(hold, Decimal(RICH * 2))) == RICH
    assert accounts.balance("ada") == 0
    assert accounts.verify() == []


def test_a_promise_is_kept_or_given_back_once(accounts: Accounts) -> None:
    hold, release = pooled(accounts)
    release()
    release()
    assert asyncio.run(accounts.till.settle(hold, CENT)) == 0
    assert accounts.balance("ada") == RICH


@pytest.mark.parametrize("amount", ["NaN", "-1", "Infinity"])
def test_what_is_no_amount_charges_nothing(accounts: Accounts, amount: str) -> None:
    hold, _ = pooled(accounts)
    with pytest.raises(InvalidAmount):
        asyncio.run(accounts.till.settle(hold, Decimal(amount)))
    assert accounts.balance("ada") == RICH
    assert not hold.open


def test_a_poor_wallet_has_no_pool(database: Path | str, accounts: Accounts) -> None:
    caller = funded(accounts, 500)

    async def reserve() -> None:
        for number in range(5):
            assert not isinstance(await accounts.till.reserve(caller, CENT, f"req_{number}"), Hold)

    asyncio.run(reserve())
    assert held(database) == 5


def test_a_pool_goes_back_when_the_store_is_closed_and_when_its_process_is_killed(
    path: Path, opened: Open, process: Start
) -> None:
    accounts = opened()
    pooled(accounts)[1]()
    accounts.close()
    assert held(path) == 0
    child = process(
        """
accounts = opened()
caller = asyncio.run(accounts.authenticate(accounts.create_key("ada")))
async def main():
    for number in range(50):
        accounts.till.release(await accounts.till.reserve(caller, Decimal(1), "req"))
        await asyncio.sleep(0.001)
asyncio.run(main())
print("pooled", flush=True)
import time; time.sleep(60)
"""
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "pooled\n"
    assert held(path) > 0
    child.kill()
    child.wait()
    again = opened()
    assert held(path) == 0
    assert again.balance("ada") == RICH
    assert again.verify() == []


def test_another_process_may_spend_nearly_all_that_is_left(opened: Open) -> None:
    first, second = opened(), opened()
    pooled(first)[1]()
    caller = funded(second, 0)
    most = RICH * (1 - POOL_SHARE)
    reservation = asyncio.run(second.till.reserve(caller, most, "req_1"))
    assert asyncio.run(second.till.settle(reservation, most)) == most
    with pytest.raises(InsufficientCredit):
        asyncio.run(second.till.reserve(caller, RICH - most, "req_2"))
    first.close()
    assert second.balance("ada") == RICH - most
    assert asyncio.run(second.till.settle(asyncio.run(second.till.reserve(caller, RICH - most, "req_3")), CENT)) == 1


def test_a_request_that_the_wallet_covers_is_not_refused_for_what_is_kept_at_hand(accounts: Accounts) -> None:
    pooled(accounts)[1]()
    caller = funded(accounts, 0)
    with pytest.raises(InsufficientCredit):
        asyncio.run(accounts.till.reserve(caller, RICH + CENT, "req"))
    reservation = asyncio.run(accounts.till.reserve(caller, Decimal(RICH), "req"))
    assert asyncio.run(accounts.till.settle(reservation, Decimal(RICH))) == RICH
    assert accounts.verify() == []


def test_nor_for_what_is_kept_at_hand_of_a_budget(database: Path | str) -> None:
    with closing(
        Accounts(database, SECRET, plans={"free": Plan(budget=Allowance(daily_cents=Decimal(2_000)))})
    ) as accounts:
        pooled(accounts)[1]()
        caller = funded(accounts, 0)
        with pytest.raises(BudgetExceeded):
            asyncio.run(accounts.till.reserve(caller, Decimal(2_001), "req"))
        reservation = asyncio.run(accounts.till.reserve(caller, Decimal(2_000), "req"))
        assert asyncio.run(accounts.till.settle(reservation, Decimal(2_000))) == 2_000
        assert accounts.verify() == []


def test_what_was_promised_stays_promised_where_the_rest_is_given_back(accounts: Accounts) -> None:
    hold, _ = pooled(accounts)
    caller = funded(accounts, 0)
    reservation = asyncio.run(accounts.till.reserve(caller, RICH - CENT, "req"))
    assert asyncio.run(accounts.till.settle(reservation, RICH - CENT)) == RICH - 1
    assert asyncio.run(accounts.till.settle(hold, CENT)) == 1
    assert accounts.balance("ada") == 0
    assert accounts.verify() == []


def test_a_pool_that_is_forgotten_while_it_is_filled_is_given_back(database: Path | str, accounts: Accounts) -> None:
    caller = funded(accounts, RICH)

    async def begun() -> None:
        asking = asyncio.ensure_future(accounts.till.reserve(caller, CENT, "req"))
        for _ in range(2):  # until both it and what fills the pool wait for their commit
            await asyncio.sleep(0)
        accounts.till.forget_pools()
        accounts.till.release(await asking)
        await asyncio.gather(*(task for task in asyncio.all_tasks() if task is not asyncio.current_task()))

    asyncio.run(begun())
    assert eventually(lambda: held(database) == 0)
    assert accounts.balance("ada") == RICH
    assert accounts.verify() == []


def test_whatever_fails_in_a_commit_leaves_nothing_promised() -> None:
    def commit(operations: Sequence[Operation]) -> Sequence[Decimal]:
        if any(isinstance(operation, Charge) for operation in operations):
            raise ZeroDivisionError
        return [op.amount_cents if isinstance(op, Fund) else Decimal(0) for op in operations]

    with closing(Writer(commit, "test")) as writer, closing(Pools(writer)) as pools:

        async def spend() -> None:
            assert pools.take("ada", CENT, "req") is None
            await asyncio.gather(*(task for task in asyncio.all_tasks() if task is not asyncio.current_task()))
            hold = pools.take("ada", CENT, "req")
            assert hold is not None
            before = hold.pool.left
            with pytest.raises(ZeroDivisionError):
                await pools.settle(hold, CENT)
            assert (hold.pool.left, hold.pool.holds, hold.open) == (before + CENT, 0, False)

        asyncio.run(spend())


@settings(max_examples=15, deadline=None)
@given(
    requests=st.lists(
        st.tuples(
            st.decimals("0.001", "3", places=4), st.decimals(0, "5", places=4), st.sampled_from(["settle", "release"])
        ),
        max_size=60,
    )
)
def test_whatever_is_reserved_settled_and_released_the_books_agree(
    tmp_path_factory: pytest.TempPathFactory, requests: list[tuple[Decimal, Decimal, str]]
) -> None:
    path = tmp_path_factory.mktemp("pools") / "accounts.sqlite3"
    accounts = Accounts(path, SECRET)
    try:
        caller = funded(accounts, RICH)

        async def one(number: int, estimate: Decimal, cost: Decimal, end: str) -> Decimal:
            reservation = await accounts.till.reserve(caller, estimate, f"req_{number}")
            await asyncio.sleep(0)
            if end == "settle":
                return await accounts.till.settle(reservation, cost)
            accounts.till.release(reservation)
            return Decimal(0)

        async def main() -> list[Decimal]:
            return await asyncio.gather(*(one(number, *request) for number, request in enumerate(requests)))

        charged = asyncio.run(main())
        assert charged == [cost if end == "settle" else 0 for _, cost, end in requests]
        assert accounts.verify() == []
    finally:
        accounts.close()
    again = Accounts(path, SECRET)
    try:
        assert again.balance("ada") == RICH - sum(charged)
        assert again.verify() == []
        assert held(path) == 0
    finally:
        again.close()


# -- the rules, without a database --------------------------------------------------------------------------------

AMOUNTS = st.decimals(0, 2_000, places=2)
OPERATIONS = st.one_of(
    st.builds(lambda a, b: Fund("f", "pool", "ada", max(a, b), min(a, b)), AMOUNTS, AMOUNTS),
    st.builds(lambda a, b: Charge("c", "pool", "ada", a, b, "req"), AMOUNTS, AMOUNTS),
    st.builds(lambda a: Unfund("u", "pool", "ada", a), AMOUNTS),
    st.builds(lambda a: Reserve("r", "ada", a, "req"), AMOUNTS),
    st.builds(lambda: Settle("s", "pool", Decimal(0))),
)


@given(start=st.decimals(0, 5_000, places=2), operations=st.lists(OPERATIONS, max_size=20))
def test_no_order_of_operations_makes_or_loses_a_cent(
    start: Decimal, operations: list[Fund | Charge | Unfund | Reserve]
) -> None:
    posting = posted({"wallet:ada": start}, operations, {})
    assert sum(posting.changes.values()) == 0
    for account in ("wallet:ada", "held:ada", "revenue"):
        assert posting.balance(account) >= 0
    assert sum(r.amount_cents for r in posting.open.values() if r.id == "pool") <= posting.balance("held:ada")
    for operation, result in zip(operations, posting.results, strict=True):
        if isinstance(operation, Fund) and isinstance(result, Decimal):
            assert result == 0 or operation.least_cents <= result <= operation.amount_cents


def test_what_a_pool_lacks_the_wallet_pays() -> None:
    """A charge that nobody heard of took it: whoever comes next is not charged less for that."""
    before = {"wallet:ada": Decimal(5), "held:ada": Decimal(2)}
    pool = Reserve("pool", "ada", Decimal(2), POOL)
    charges = [Charge(name, "pool", "ada", Decimal(3), Decimal(0), "req") for name in ("c1", "c2", "c3")]
    assert posted(before, charges, {"pool": pool}).results == [3, 3, 1]


def test_whoever_is_put_under_a_budget_spends_no_more_of_what_is_at_hand(path: Path) -> None:
    plans = {"small": Plan(budget=Allowance(daily_cents=Decimal(20)))}
    with closing(Accounts(path, SECRET, plans=plans)) as accounts:
        _, release = pooled(accounts)
        release()
        accounts.office.set_plan("ada", "small")
        caller = replace(another_key(accounts), plan="small")

        async def spend() -> None:
            while True:
                await accounts.till.settle(await accounts.till.reserve(caller, CENT, "req"), CENT)

        with pytest.raises(BudgetExceeded):
            asyncio.run(spend())
        assert accounts.summary("ada").spent_today_cents == 20
        assert accounts.verify() == []


@pytest.mark.parametrize("amount", ["NaN", "-5", "Infinity", "-Infinity"])
def test_an_estimate_that_is_no_amount_is_refused(accounts: Accounts, amount: str) -> None:
    _, release = pooled(accounts)
    with pytest.raises(InvalidAmount):
        asyncio.run(accounts.till.reserve(another_key(accounts), Decimal(amount), "req"))
    release()
    assert accounts.balance("ada") == RICH
