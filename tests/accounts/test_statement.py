"""What an organization is told of its money: every line with the balance after it, and the sums."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from greatrouter_accounts import books
from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.errors import UnknownOrganization
from greatrouter_accounts.operations import Return
from greatrouter_accounts.statement import Line, Period
from greatrouter_accounts.store import open_store
from tests.accounts.conftest import query
from tests.accounts.test_accounts import funded, row

NOW = datetime.now(UTC)


def told(accounts: Accounts, period: Period | None = None) -> list[Line]:
    return list(accounts.statement_lines("ada", period or Period()))


@pytest.fixture
def busy(accounts: Accounts) -> Accounts:
    """Requests that are paid from the wallet and, once it has one, from a pool; and one under way."""
    caller = funded(accounts, 100_000)

    async def ask(number: int) -> None:
        reservation = await accounts.till.reserve(caller, Decimal(3), f"req_{number}")
        await accounts.till.settle(reservation, Decimal(number % 4))

    async def crowd() -> None:
        for number in range(40):
            await ask(number)
        await accounts.till.reserve(caller, Decimal(10_000), "req_under_way")

    asyncio.run(crowd())
    accounts.office.order_paid("order_1", "ada", Decimal(70))
    accounts.office.order_refunded("order_1", "ada", Decimal(30))
    return accounts


def test_each_line_says_what_could_be_spent_after_it(busy: Accounts) -> None:
    lines = told(busy)
    assert lines[0].balance_cents == busy.balance("ada")
    assert lines[-1].balance_cents == lines[-1].amount_cents == 100_000
    for later, earlier in pairwise(lines):
        assert earlier.balance_cents + later.amount_cents == later.balance_cents
    assert {line.kind for line in lines} >= {"grant", "reserve", "charge", "top_up", "refund"}
    assert [line.request_id for line in lines if line.kind in {"top_up", "refund"}] == ["order:order_1"] * 2


def test_each_request_has_one_line_that_says_what_it_was_charged(busy: Accounts) -> None:
    """From a pool or from the wallet, for less than was reserved, for just that or for more."""
    lines = told(busy)
    charged = {line.request_id: line.charge_cents for line in lines if line.charge_cents is not None}
    assert len(charged) == len([line for line in lines if line.charge_cents is not None])
    assert charged == {f"req_{number}": number % 4 for number in range(40) if number % 4}
    assert sum(charged.values()) == busy.summary("ada").spent_today_cents


@pytest.mark.parametrize(("held", "cost"), [(5, 3), (5, 5), (5, 8), (8, 20)])
def test_a_settlement_says_what_came_back_and_what_was_charged(accounts: Accounts, held: int, cost: int) -> None:
    caller = funded(accounts, 10)
    reservation = asyncio.run(accounts.till.reserve(caller, Decimal(held), "req_1"))
    asyncio.run(accounts.till.settle(reservation, Decimal(cost)))
    charge = min(cost, 10)
    assert [(line.kind, line.amount_cents, line.charge_cents, line.balance_cents) for line in told(accounts)] == [
        ("settle", held - charge, charge, 10 - charge),
        ("reserve", -held, None, 10 - held),
        ("grant", 10, None, 10),
    ]


def test_a_request_beyond_what_its_pool_promised_is_one_line(accounts: Accounts) -> None:
    caller = funded(accounts, 100_000)

    async def ask() -> None:
        for number in range(3):  # the first finds no pool, the others one that is being filled or is there
            await accounts.till.settle(await accounts.till.reserve(caller, Decimal(1), f"req_{number}"), Decimal(1))
        await accounts.till.settle(await accounts.till.reserve(caller, Decimal(1), "req_beyond"), Decimal(5_000))

    asyncio.run(ask())
    [line] = [line for line in told(accounts) if line.request_id == "req_beyond"]
    assert (line.kind, line.amount_cents, line.charge_cents) == ("charge", -5_000, 5_000)
    assert line.balance_cents == accounts.balance("ada") == 94_997


def test_a_charge_that_was_given_back_is_negative(accounts: Accounts, database: Path | str) -> None:
    caller = funded(accounts, 10)
    asyncio.run(accounts.till.settle(asyncio.run(accounts.till.reserve(caller, Decimal(4), "req_1")), Decimal(4)))
    store = open_store(database)
    with store.write() as connection:
        books.post(connection, [Return("t1", caller.organization_id, Decimal(4), "req_1")], "own_1")
    store.close()
    assert [line.charge_cents for line in told(accounts)] == [-4, 4, None, None]


def test_nobody_is_found_before_anything_is_read(accounts: Accounts) -> None:
    with pytest.raises(UnknownOrganization, match="accounts show"):
        accounts.statement_lines("nobody", Period())


def test_a_part_of_a_statement_says_the_same_as_the_whole(busy: Accounts, database: Path | str) -> None:
    """Though the moments are not in the order of the lines: two processes may write the same millisecond."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for place, second in enumerate((3, 1, 2, 5, 4)):
        moment = (start + timedelta(seconds=second)).isoformat(timespec="milliseconds")
        first = "(SELECT min(sequence) FROM ledger AS own WHERE own.transaction_id = ledger.transaction_id)"
        query(database, f"UPDATE ledger SET created_at = '{moment}' WHERE {first} % 5 = {place}")
    whole = told(busy)
    assert len(whole) > 30
    for first in range(7):
        for last in range(7):
            after, before = start + timedelta(seconds=first), start + timedelta(seconds=last)
            own = [line for line in whole if after <= datetime.fromisoformat(line.timestamp) < before]
            assert told(busy, Period(after, before)) == own
            assert told(busy, Period(after, before, limit=3)) == own[:3]
    assert told(busy, Period(after=start + timedelta(seconds=3), limit=1)) == told(busy, Period(limit=1))


def test_it_is_read_as_it_is_taken_while_others_write(busy: Accounts) -> None:
    whole = told(busy)
    lines = busy.statement_lines("ada", Period())
    first = next(lines)
    busy.office.credit("ada", Decimal(5))
    assert [first, *lines] == whole
    abandoned = busy.statement_lines("ada", Period())
    next(abandoned)
    abandoned.close()
    assert told(busy)[0].balance_cents == whole[0].balance_cents + 5


def test_nobody_reads_anothers(busy: Accounts) -> None:
    busy.create_key("eve")
    assert list(busy.statement_lines("eve", Period())) == []
    found = busy.summary("eve")
    assert (found.balance_cents, found.held_cents, found.spent_this_month_cents) == (0, 0, 0)
    assert [key.organization for key in found.keys] == ["eve"]
    with pytest.raises(UnknownOrganization):
        list(busy.statement_lines("nobody", Period()))
    with pytest.raises(UnknownOrganization):
        busy.summary("nobody")


def test_the_summary(busy: Accounts, database: Path | str) -> None:
    found = busy.summary("ada")
    assert found.balance_cents == busy.balance("ada") == 100_000 - 60 - 10_000 + 70 - 30
    assert (found.held_cents, found.owed_cents, found.plan) == (10_000, 0, "free")
    assert found.spent_today_cents == found.spent_this_month_cents == 60
    long_ago = (NOW - timedelta(days=40)).isoformat(timespec="milliseconds")
    query(database, f"UPDATE ledger SET created_at = '{long_ago}'")
    assert busy.summary("ada").spent_this_month_cents == 0


def test_a_request_named_as_a_caller_likes_is_in_the_statement(accounts: Accounts) -> None:
    """What stands for pools was once a name that callers could give."""
    caller = funded(accounts, 10)
    reservation = asyncio.run(accounts.till.reserve(caller, Decimal(4), "pool"))
    assert accounts.balance("ada") == 6
    asyncio.run(accounts.till.settle(reservation, Decimal(3)))
    assert [(line.kind, line.request_id, line.balance_cents) for line in told(accounts)] == [
        ("settle", "pool", 7),
        ("reserve", "pool", 6),
        ("grant", None, 10),
    ]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["credit", "spend", "paid", "refunded"]), st.integers(0, 2**40)), max_size=8))
def test_the_lines_of_any_history_add_up(accounts: Accounts, history: list[tuple[str, int]]) -> None:
    caller = asyncio.run(accounts.authenticate(accounts.create_key("ada")))
    for number, (event, amount) in enumerate(history):
        exact = Decimal(amount).scaleb(-8)
        match event:
            case "credit":
                accounts.office.credit("ada", exact)
            case "spend" if accounts.balance("ada") >= exact:
                reservation = asyncio.run(accounts.till.reserve(caller, exact, f"req_{number}"))
                asyncio.run(accounts.till.settle(reservation, exact / 3))
            case "paid":
                accounts.office.order_paid(f"order_{number}", "ada", exact)
            case "refunded":
                accounts.office.order_refunded(f"order_{number - 1}", "ada", exact)
    lines = told(accounts)
    assert sum(line.amount_cents for line in lines) == accounts.balance("ada")
    assert all(line.balance_cents >= 0 for line in lines if line.kind != "repay")
    assert not lines or lines[0].balance_cents == accounts.balance("ada")
    assert accounts.verify() == []


# -- what `verify` finds beside the balances -----------------------------------------------------------------------


def test_a_charge_of_the_log_that_is_not_in_the_ledger_is_found(accounts: Accounts) -> None:
    """One name may be given to several requests: their charges are added up."""
    caller = funded(accounts, 100)
    for _ in range(2):
        reservation = asyncio.run(accounts.till.reserve(caller, Decimal(4), "again"))
        charged = asyncio.run(accounts.till.settle(reservation, Decimal(3)))
        accounts.record(row(organization_id=caller.organization_id, request_id="again", cost_cents=charged))
    asyncio.run(accounts.flush())
    assert accounts.verify() == []
    accounts.record(row(organization_id=caller.organization_id, request_id="again", cost_cents=Decimal("0.5")))
    asyncio.run(accounts.flush())
    [problem] = accounts.verify()
    assert problem == f"request again of {caller.organization_id}: the log says 6.5 cents, the ledger charged 6 cents"


def test_a_transaction_that_was_booked_twice_is_found(accounts: Accounts, database: Path | str) -> None:
    caller = funded(accounts, 100)
    asyncio.run(accounts.till.settle(asyncio.run(accounts.till.reserve(caller, Decimal(4), "req_1")), Decimal(4)))
    columns = "transaction_id, kind, account, amount_cents, request_id, created_at"
    query(database, f"INSERT INTO ledger ({columns}) SELECT {columns} FROM ledger WHERE kind = 'settle'")
    assert any("2 of its entries are there twice" in problem for problem in accounts.verify())
