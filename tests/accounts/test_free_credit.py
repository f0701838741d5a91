"""What a new organization is given: once, with its first live key, whatever came before and whoever makes it."""

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.errors import InvalidAmount
from greatrouter_accounts.money import LARGEST_CENTS
from tests.accounts.asking import statement
from tests.accounts.conftest import LEASE, SECRET, query

Start = Callable[[str], "subprocess.Popen[str]"]
GIVEN = Decimal("500.00000001")


@contextmanager
def generous(database: Path | str, cents: Decimal = GIVEN) -> Iterator[Accounts]:
    accounts = Accounts(database, SECRET, lease=LEASE, free_credit_cents=cents)
    try:
        yield accounts
    finally:
        accounts.close()


def grants(accounts: Accounts, organization: str = "ada") -> list[tuple[str | None, Decimal]]:
    lines = statement(accounts, organization)
    return [(line.request_id, line.amount_cents) for line in lines if line.kind == "grant"]


def test_the_first_live_key_brings_it_and_no_other(database: Path | str) -> None:
    with generous(database) as accounts:
        accounts.create_key("ada", test=True)
        assert (accounts.balance("ada"), grants(accounts)) == (0, [])
        first = accounts.create_key("ada")
        assert grants(accounts) == [("free_credit", GIVEN)]
        assert accounts.balance("ada") == GIVEN
        accounts.create_key("ada", gr=True)
        assert accounts.revoke_key(first[:17]) == 1
        accounts.create_key("ada")
        assert grants(accounts) == [("free_credit", GIVEN)]
        caller = asyncio.run(accounts.authenticate(accounts.create_key("ada")))
        assert (
            asyncio.run(accounts.till.settle(asyncio.run(accounts.till.reserve(caller, GIVEN, "req")), GIVEN)) == GIVEN
        )
        assert accounts.verify() == []


def test_an_organization_that_paid_before_it_had_a_key_gets_it(database: Path | str) -> None:
    with generous(database) as accounts:
        accounts.office.order_paid("ord_1", "ada", Decimal(100))
        assert grants(accounts) == []
        accounts.create_key("ada")
        assert accounts.balance("ada") == 100 + GIVEN
        assert accounts.verify() == []


def test_whoever_had_a_live_key_when_it_was_nothing_gets_nothing_later(database: Path | str) -> None:
    with generous(database, Decimal(0)) as accounts:
        accounts.create_key("ada")
        assert grants(accounts) == []
    with generous(database) as accounts:
        accounts.create_key("ada")
        assert grants(accounts) == []


def test_a_credit_that_cannot_be_booked_makes_no_key(database: Path | str) -> None:
    """They are one transaction."""
    with generous(database) as accounts:
        accounts.create_key("rich")
        accounts.office.credit("rich", LARGEST_CENTS - GIVEN)
        with pytest.raises(InvalidAmount):
            accounts.create_key("ada")
        assert {key.organization for key in accounts.list_keys()} == {"rich"}
        assert accounts.verify() == []


def test_a_second_grant_is_found_by_verify(database: Path | str) -> None:
    with generous(database) as accounts:
        accounts.create_key("ada")
        columns = "kind, account, amount_cents, request_id, created_at"
        again = f"SELECT 'txn_again', {columns} FROM ledger WHERE kind = 'grant'"
        query(database, f"INSERT INTO ledger (transaction_id, {columns}) {again}")
        assert any("the free credit was granted 2 times" in problem for problem in accounts.verify())


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from(["live", "test", "gr", "paid", "revoke"])), max_size=12))
def test_once_for_each_organization_whatever_is_done(database: Path | str, steps: list[tuple[int, str]]) -> None:
    with generous(database) as one, generous(database) as two:
        names = [f"org {len(one.list_keys())} {number}" for number in range(2)]
        for who in (0, 1):
            one.create_key(names[who], test=True)
        live, orders = set[str](), len(query(database, "SELECT id FROM orders"))
        for number, (who, kind) in enumerate(steps):
            accounts = (one, two)[number % 2]
            match kind:
                case "paid":
                    accounts.office.order_paid(f"ord_{orders + number}", names[who], Decimal(1))
                case "revoke":
                    for key in one.list_keys():
                        accounts.revoke_key(key.id)
                case _:
                    accounts.create_key(names[who], test=kind == "test", gr=kind == "gr")
                    live |= set() if kind == "test" else {names[who]}
        for name in names:
            assert grants(two, name) == [("free_credit", GIVEN)] * (name in live)
        assert one.verify() == []


MAKER = """
accounts = Accounts(database, b"a secret of thirty-two bytes ....", lease=timedelta(seconds=2),
                    free_credit_cents=Decimal(500))
print("ready", flush=True)
sys.stdin.readline()
for number in range(20):
    accounts.create_key(f"org {number}")
accounts.close()
"""


def test_processes_that_make_keys_at_once_grant_it_once(database: Path | str, process: Start) -> None:
    """Half of the organizations are there already, so that nobody waits for who makes them."""
    with generous(database) as accounts:
        for number in range(10):
            accounts.create_key(f"org {number}", test=True)
    makers = [process(MAKER) for _ in range(3)]
    for maker in makers:
        assert maker.stdout is not None
        assert maker.stdout.readline() == "ready\n"
    for maker in makers:
        assert maker.stdin is not None
        maker.stdin.write("\n")
        maker.stdin.flush()
    assert [maker.communicate(timeout=60)[1] for maker in makers] == [""] * 3
    with generous(database) as accounts:
        assert len(accounts.list_keys()) == 10 + 60
        for number in range(20):
            assert grants(accounts, f"org {number}") == [("free_credit", Decimal(500))]
        assert accounts.verify() == []
