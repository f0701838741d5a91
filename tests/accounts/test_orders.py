"""Orders that were paid and refunded: each counts once, in whatever order and however often it is told of."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.errors import InvalidAmount, InvalidName
from tests.accounts.conftest import SECRET
from tests.accounts.test_accounts import funded

Open = Callable[[], Accounts]
CENT = Decimal(1)


def test_an_order_is_credited_once_however_often_it_is_delivered(accounts: Accounts) -> None:
    accounts.create_key("ada")
    with ThreadPoolExecutor(8) as crowd:
        credited = list(crowd.map(lambda _: accounts.order_paid("order_1", "ada", Decimal(500)), range(24)))
    assert sorted(credited) == [0] * 23 + [500]
    assert accounts.balance("ada") == 500
    assert [entry["kind"] for entry in accounts.statement("ada")] == ["top_up"]
    assert accounts.verify() == []


def test_an_organization_is_named_by_its_id_or_its_name_and_made_where_it_is_new(accounts: Accounts) -> None:
    caller = funded(accounts, 0)
    assert accounts.order_paid("order_1", caller.organization_id, CENT) == 1
    assert accounts.order_paid("order_2", "ada", CENT) == 1
    assert accounts.balance("ada") == 2
    assert accounts.order_paid("order_3", "newcomer", CENT) == 1
    assert accounts.balance("newcomer") == 1
    with pytest.raises(InvalidName):
        accounts.order_paid("order_4", "\n", CENT)
    with pytest.raises(InvalidAmount):
        accounts.order_paid("order_5", "ada", Decimal("1E+40"))
    assert accounts.order_paid("order_5", "ada", CENT) == 1
    assert accounts.verify() == []


def test_a_refund_takes_back_what_is_left(accounts: Accounts) -> None:
    caller = funded(accounts, 0)
    accounts.order_paid("order_1", "ada", Decimal(500))
    assert accounts.order_refunded("order_1", "ada", Decimal(100)) == 100
    assert accounts.order_refunded("order_1", "ada", Decimal(100)) == 0  # delivered again
    assert accounts.order_refunded("order_1", "ada", Decimal(50)) == 0  # an older one, delivered late
    reservation = asyncio.run(accounts.reserve(caller, Decimal(300), "req_1"))
    asyncio.run(accounts.settle(reservation, Decimal(300)))
    assert accounts.order_refunded("order_1", "ada", Decimal(500)) == 100  # the rest was spent
    assert accounts.balance("ada") == 0
    assert accounts.verify() == []


deliveries = st.lists(
    st.tuples(st.sampled_from(["paid", "refunded"]), st.sampled_from(["a", "b"]), st.integers(0, 5)), max_size=12
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deliveries)
def test_whatever_is_delivered_in_whatever_order_the_wallet_holds_what_the_orders_are_worth(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[str, str, int]]
) -> None:
    """`paid` counts the first time, `refunded` is the largest total; nothing is spent meanwhile."""
    accounts = Accounts(Path(tmp_path_factory.mktemp("orders")) / "accounts.sqlite3", SECRET)
    accounts.create_key("ada")
    paid: dict[str, int] = {}
    refunded: dict[str, int] = {}
    for event, order, amount in told:
        if event == "paid":
            accounts.order_paid(order, "ada", Decimal(amount))
            paid[order] = paid.get(order) or amount
        else:
            accounts.order_refunded(order, "ada", Decimal(amount))
            refunded[order] = max(refunded.get(order, 0), amount)
    worth = sum(max(0, amount - refunded.get(order, 0)) for order, amount in paid.items())
    assert accounts.balance("ada") == worth
    assert accounts.verify() == []
    accounts.close()
