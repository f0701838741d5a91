"""Orders that were paid and refunded: each counts once, in whatever order and however often it is told of."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.errors import InvalidAmount, InvalidName, UnknownOrganization
from tests.accounts.asking import statement
from tests.accounts.conftest import query
from tests.accounts.test_accounts import funded

Open = Callable[[], Accounts]
CENT = Decimal(1)


def test_an_order_is_credited_once_however_often_it_is_delivered(accounts: Accounts) -> None:
    accounts.create_key("ada")
    with ThreadPoolExecutor(8) as crowd:
        credited = list(crowd.map(lambda _: accounts.office.order_paid("order_1", "ada", Decimal(500)), range(24)))
    assert sorted(credited) == [0] * 23 + [500]
    assert accounts.balance("ada") == 500
    assert [entry.kind for entry in statement(accounts, "ada")] == ["top_up"]
    assert accounts.verify() == []


def test_two_processes_that_are_told_of_the_same_orders_at_once_credit_each_once(opened: Open) -> None:
    """Orders of an organization that neither knows yet: both make it, and one of them is too late."""
    both = [opened(), opened()]
    told = [(store, f"order_{number}") for number in range(12) for store in both * 2]
    with ThreadPoolExecutor(8) as crowd:
        credited = list(crowd.map(lambda one: one[0].office.order_paid(one[1], "newcomer", Decimal(5)), told))
    assert sorted(credited) == [0] * 36 + [5] * 12
    with ThreadPoolExecutor(8) as crowd:
        taken = list(crowd.map(lambda one: one[0].office.order_refunded(one[1], "newcomer", Decimal(2)), told))
    assert sorted(taken) == [0] * 36 + [2] * 12
    assert both[0].balance("newcomer") == 36
    assert both[1].verify() == []


def test_an_organization_is_named_by_its_id_or_its_name_and_made_where_it_is_new(accounts: Accounts) -> None:
    caller = funded(accounts, 0)
    assert accounts.office.order_paid("order_1", caller.organization_id, CENT) == 1
    assert accounts.office.order_paid("order_2", "ada", CENT) == 1
    assert accounts.balance("ada") == 2
    assert accounts.office.order_paid("order_3", "newcomer", CENT) == 1
    assert accounts.balance("newcomer") == 1
    with pytest.raises(InvalidName):
        accounts.office.order_paid("order_4", "\n", CENT)
    with pytest.raises(InvalidAmount):
        accounts.office.order_paid("order_5", "ada", Decimal("1E+40"))
    assert accounts.office.order_paid("order_5", "ada", CENT) == 1
    assert accounts.verify() == []


@pytest.mark.parametrize("shape", ["org_{}", "ORG_{}", "key_{}", "txn_{}"])
def test_an_id_is_never_anybodys_name(accounts: Accounts, shape: str) -> None:
    """Or an order that names an organization by its id would credit who took that for a name; and a mistyped one
    would make an organization."""
    caller = funded(accounts, 0)
    digits = caller.organization_id.removeprefix("org_")
    for taken in (shape.format(digits), shape.format(digits.upper()), shape.format("0" * 32)):
        with pytest.raises(InvalidName, match="is an id"):
            accounts.create_key(taken)
        if taken != caller.organization_id:
            for told in (accounts.office.order_paid, accounts.office.order_refunded):
                with pytest.raises(UnknownOrganization, match="has the id"):
                    told("order_1", taken, CENT)
    assert accounts.office.order_paid("order_1", caller.organization_id, CENT) == 1
    assert [row.name for row in accounts.office.organizations()] == ["ada"]


def test_a_key_is_never_a_name(accounts: Accounts) -> None:
    key = funded(accounts, 0) and accounts.create_key("ada")
    gr = accounts.create_key("ada", gr=True)
    for secret in (key, gr, f"my {key}", f"x{gr}"):
        for attempt in (
            partial(accounts.create_key, secret),
            partial(accounts.office.order_paid, "order_1", secret, CENT),
        ):
            with pytest.raises(InvalidName) as refused:
                attempt()
            assert key not in str(refused.value)
            assert gr not in str(refused.value)
    assert [row.name for row in accounts.office.organizations()] == ["ada"]
    accounts.create_key("gr-consulting-partners-of-europe")


def test_a_name_is_one_however_its_accents_are_written(accounts: Accounts, database: Path | str) -> None:
    composed, decomposed = "Ren\u00e9e", "Rene\u0301e"
    caller = asyncio.run(accounts.authenticate(accounts.create_key(decomposed)))
    accounts.create_key(composed, plan="max")
    accounts.office.credit(decomposed, CENT)
    accounts.office.order_paid("order_1", decomposed, CENT)
    accounts.office.order_paid("order_2", composed, CENT)
    assert accounts.balance(composed) == accounts.balance(decomposed) == 3
    assert len(accounts.summary(decomposed).keys) == 2
    assert [(row.name, row.plan) for row in accounts.office.organizations()] == [(composed, "max")]
    # Names were once kept as they were given.
    query(database, f"UPDATE organizations SET name = '{decomposed}' WHERE id = '{caller.organization_id}'")
    for spelt in (composed, decomposed):
        assert accounts.balance(spelt) == 3
        accounts.create_key(spelt)
    assert [row.name for row in accounts.office.organizations()] == [decomposed]


@pytest.mark.parametrize("amount", ["-1", "-0.00000001", "NaN", "sNaN", "Infinity", "-Infinity", "1E+30"])
def test_what_is_no_amount_changes_nothing(accounts: Accounts, amount: str) -> None:
    accounts.create_key("ada")
    for told in (accounts.office.order_paid, accounts.office.order_refunded):
        with pytest.raises(InvalidAmount):
            told("order_1", "newcomer", Decimal(amount))
        with pytest.raises(InvalidAmount):
            told("order_1", "ada", Decimal(amount))
    with pytest.raises(UnknownOrganization):
        accounts.balance("newcomer")
    assert accounts.office.order_paid("order_1", "ada", Decimal(7)) == 7


@pytest.mark.parametrize("order", ["", " ", "a b", "a\0", "a\n", "\ud83d", "ö", "x" * 201])
def test_an_order_that_could_be_taken_for_another_is_refused(accounts: Accounts, order: str) -> None:
    accounts.create_key("ada")
    with pytest.raises(InvalidName):
        accounts.office.order_paid(order, "ada", CENT)
    assert accounts.balance("ada") == 0


def test_an_order_belongs_to_whom_it_was_credited(accounts: Accounts) -> None:
    accounts.create_key("ada")
    accounts.create_key("eve")
    assert accounts.office.order_paid("order_1", "ada", Decimal(500)) == 500
    assert accounts.office.order_paid("order_1", "eve", Decimal(500)) == 0
    assert accounts.office.order_paid("order_1", "nobody yet", Decimal(500)) == 0
    assert accounts.office.order_refunded("order_1", "eve", Decimal(200)) == 200
    assert (accounts.balance("ada"), accounts.balance("eve")) == (300, 0)
    with pytest.raises(UnknownOrganization):
        accounts.balance("nobody yet")
    assert accounts.verify() == []


def test_a_refund_that_comes_first_leaves_open_whose_the_order_is(accounts: Accounts) -> None:
    accounts.create_key("ada")
    accounts.create_key("eve")
    assert accounts.office.order_refunded("order_1", "eve", Decimal(200)) == 0
    assert accounts.office.order_paid("order_1", "ada", Decimal(500)) == 300
    assert (accounts.balance("ada"), accounts.balance("eve")) == (300, 0)
    assert accounts.verify() == []


def test_an_order_that_is_known_needs_nobody_named(accounts: Accounts) -> None:
    accounts.create_key("ada")
    for told in (accounts.office.order_paid, accounts.office.order_refunded):
        with pytest.raises(UnknownOrganization, match="order_1"):
            told("order_1", None, CENT)
    accounts.office.order_paid("order_1", "ada", Decimal(5))
    assert accounts.office.order_refunded("order_1", None, Decimal(2)) == 2


def test_a_refund_takes_back_what_is_left(accounts: Accounts) -> None:
    caller = funded(accounts, 0)
    accounts.office.order_paid("order_1", "ada", Decimal(500))
    assert accounts.office.order_refunded("order_1", "ada", Decimal(100)) == 100
    assert accounts.office.order_refunded("order_1", "ada", Decimal(100)) == 0  # delivered again
    assert accounts.office.order_refunded("order_1", "ada", Decimal(50)) == 0  # an older one, delivered late
    reservation = asyncio.run(accounts.till.reserve(caller, Decimal(300), "req_1"))
    asyncio.run(accounts.till.settle(reservation, Decimal(300)))
    assert accounts.office.order_refunded("order_1", "ada", Decimal(500)) == 100  # the rest was spent
    assert accounts.balance("ada") == 0
    assert accounts.verify() == []


def test_what_was_refunded_after_it_was_spent_is_owed(accounts: Accounts) -> None:
    """Else whoever spends and is paid back can spend the same money again."""
    caller = funded(accounts, 0)
    accounts.office.order_paid("order_1", "ada", Decimal(500))
    asyncio.run(accounts.till.settle(asyncio.run(accounts.till.reserve(caller, Decimal(400), "req_1")), Decimal(400)))
    assert accounts.office.order_refunded("order_1", "ada", Decimal(500)) == 100
    assert accounts.summary("ada").owed_cents == 400
    accounts.office.credit("ada", Decimal(150))
    assert (accounts.balance("ada"), accounts.summary("ada").owed_cents) == (0, 250)
    accounts.office.order_paid("order_2", "ada", Decimal(300))
    assert (accounts.balance("ada"), accounts.summary("ada").owed_cents) == (50, 0)
    assert accounts.verify() == []


def test_what_is_held_while_it_is_refunded_is_taken_when_it_comes_back(accounts: Accounts) -> None:
    """Else whoever holds a wallet with one long request keeps what was paid back."""
    caller = funded(accounts, 0)
    accounts.office.order_paid("order_1", "ada", Decimal(500))
    reservation = asyncio.run(accounts.till.reserve(caller, Decimal(500), "req_1"))
    assert accounts.office.order_refunded("order_1", "ada", Decimal(500)) == 0
    assert asyncio.run(accounts.till.settle(reservation, Decimal(20))) == 20
    assert (accounts.balance("ada"), accounts.summary("ada").owed_cents) == (0, 20)
    assert accounts.verify() == []


deliveries = st.lists(
    st.tuples(st.sampled_from(["paid", "refunded", "spent"]), st.sampled_from(["a", "b"]), st.integers(0, 5)),
    max_size=12,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deliveries)
def test_whatever_is_delivered_in_whatever_order_the_wallet_holds_what_the_orders_are_worth(
    accounts: Accounts, told: list[tuple[str, str, int]]
) -> None:
    """`paid` counts the first time, `refunded` is the largest total; what was spent and paid back is owed."""
    ada = uuid4().hex
    caller = asyncio.run(accounts.authenticate(accounts.create_key(ada)))
    paid: dict[str, int] = {}
    refunded: dict[str, int] = {}
    spent = Decimal(0)
    for event, order, amount in told:
        if event == "paid":
            accounts.office.order_paid(ada + order, ada, Decimal(amount))
            paid[order] = paid.get(order) or amount
        elif event == "refunded":
            accounts.office.order_refunded(ada + order, ada, Decimal(amount))
            refunded[order] = max(refunded.get(order, 0), amount)
        elif accounts.balance(ada) >= amount:
            reservation = asyncio.run(accounts.till.reserve(caller, Decimal(amount), "req"))
            spent += asyncio.run(accounts.till.settle(reservation, Decimal(amount)))
    worth = sum(max(0, amount - refunded.get(order, 0)) for order, amount in paid.items())
    found = accounts.summary(ada)
    assert found.balance_cents - found.owed_cents == worth - spent
    assert found.balance_cents == 0 or found.owed_cents == 0
    assert found.spent_today_cents == spent
    assert accounts.verify() == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (
            "UPDATE orders SET paid_cents = paid_cents + 100",
            "order order_1: it is worth 400.000001 cents, the ledger moved 400 cents",
        ),
        ("UPDATE orders SET id = 'order_2'", "order:order_1: the ledger moved 400"),
        (
            "UPDATE ledger SET request_id = NULL WHERE request_id LIKE 'order%'",
            "order order_1: it is worth 400 cents, the ledger moved 0 cents",
        ),
    ],
)
def test_an_order_that_does_not_agree_with_the_ledger_is_found(
    accounts: Accounts, database: Path | str, damage: str, said: str
) -> None:
    accounts.office.order_paid("order_1", "ada", Decimal(500))
    accounts.office.order_refunded("order_1", "ada", Decimal(100))
    assert accounts.verify() == []
    query(database, damage)
    assert any(said in problem for problem in accounts.verify()), accounts.verify()
