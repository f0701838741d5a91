"""What an operator does with organizations: lists them, changes their plans, takes back what was granted by mistake."""

import asyncio
import logging
from decimal import Decimal

import pytest

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.errors import InvalidAmount, InvalidName, UnknownOrganization
from greatrouter_accounts.office import OrganizationRow
from greatrouter_accounts.statement import Period
from tests.accounts.test_accounts import funded


def pooled(accounts: Accounts, cents: int) -> None:
    """A part of the wallet is in a pool."""
    caller = funded(accounts, cents)

    async def ask() -> None:
        for number in range(4):
            await accounts.till.settle(await accounts.till.reserve(caller, Decimal(1), f"req_{number}"), Decimal(0))

    asyncio.run(ask())


def test_all_organizations_with_plan_balance_and_keys(accounts: Accounts) -> None:
    pooled(accounts, 10_000)
    accounts.create_key("bob", plan="max")
    accounts.revoke_key(accounts.create_key("bob", test=True))
    accounts.office.order_paid("order_1", "Cyd", Decimal(5))
    accounts.office.order_refunded("order_1", "Cyd", Decimal(5))
    assert accounts.office.organizations() == [
        OrganizationRow("ada", "free", Decimal(10_000), Decimal(0), 1),
        OrganizationRow("bob", "max", Decimal(0), Decimal(0), 1),
        OrganizationRow("Cyd", "free", Decimal(0), Decimal(0), 0),
    ]
    assert accounts.office.plans() == {"free": 2, "max": 1}


def test_a_plan_is_changed_at_once_for_whoever_asks_next(accounts: Accounts) -> None:
    key = accounts.create_key("ada")
    assert accounts.office.set_plan("ada", "premium") == "free"
    assert asyncio.run(accounts.authenticate(key)).plan == "premium"
    with pytest.raises(UnknownOrganization, match="accounts show"):
        accounts.office.set_plan("nobody", "premium")


def test_a_grant_is_taken_back_with_its_reason(accounts: Accounts) -> None:
    funded(accounts, 500)
    assert accounts.office.debit("ada", Decimal(200), "granted twice") == 0
    [line, _] = accounts.statement_lines("ada", Period())
    assert (line.kind, line.amount_cents, line.balance_cents) == ("debit", -200, 300)
    assert line.request_id == "debit: granted twice"
    assert accounts.verify() == []


def test_more_than_there_is_is_refused_or_owed_as_is_asked(accounts: Accounts) -> None:
    funded(accounts, 500)
    with pytest.raises(InvalidAmount, match=r"ada has \$5.00, less than \$7.00.*--owe"):
        accounts.office.debit("ada", Decimal(700), "a mistake")
    assert accounts.balance("ada") == 500
    assert accounts.office.debit("ada", Decimal(700), "a mistake", owe=True) == 200
    assert (accounts.balance("ada"), accounts.summary("ada").owed_cents) == (0, 200)
    with pytest.raises(InvalidAmount, match=r"\$0.00"):
        accounts.office.debit("ada", Decimal(1), "more")
    accounts.office.credit("ada", Decimal(300))
    assert (accounts.balance("ada"), accounts.summary("ada").owed_cents) == (100, 0)
    assert accounts.verify() == []


def test_what_a_pool_holds_can_be_taken_back_too(accounts: Accounts) -> None:
    pooled(accounts, 10_000)
    assert accounts.office.debit("ada", Decimal(10_000), "all of it") == 0


@pytest.mark.parametrize("reason", ["", "two\nlines", "x" * 201])
def test_a_debit_needs_a_reason(accounts: Accounts, reason: str) -> None:
    funded(accounts, 500)
    with pytest.raises(InvalidName):
        accounts.office.debit("ada", Decimal(1), reason)
    with pytest.raises(UnknownOrganization):
        accounts.office.debit("nobody", Decimal(1), "a mistake")


def test_an_order_of_somebody_unknown_is_told(accounts: Accounts, caplog: pytest.LogCaptureFixture) -> None:
    accounts.create_key("acme")
    accounts.office.order_paid("order_1", "acme", Decimal(5))
    assert caplog.records == []
    for number, name in enumerate(("Acme", "Acme", "other")):
        accounts.office.order_paid(f"order_{number + 2}", name, Decimal(5))
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 2
    assert "'Acme'" in warnings[0]
    assert "differs from that of 'acme'" in warnings[0]
    assert "'other'" in warnings[1]
    assert "differs" not in warnings[1]
