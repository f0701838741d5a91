"""All accounts of a file of SQLite are carried over into an empty database: nothing is lost, and life goes on there."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.budgets import Allowance
from greatrouter_accounts.errors import KeyRejected, StoreFailed
from greatrouter_accounts.statement import Period
from tests.accounts.asking import logged
from tests.accounts.conftest import LEASE, SECRET
from tests.accounts.test_accounts import row


def lived_in(accounts: Accounts) -> list[str]:
    """Keys of an organization with a bit of everything; the last is revoked."""
    keys = [
        accounts.create_key("ada", plan="max", limits={"requests_per_minute": 7}),
        accounts.create_key("ada", budgets=Allowance(daily_cents=Decimal(500)), scopes=["inference", "read"]),
        accounts.create_key("ada", test=True),
    ]
    accounts.office.credit("ada", Decimal(100_000))

    async def ask() -> None:
        for key in keys[:2]:
            caller = await accounts.authenticate(key)
            for number in range(5):
                reservation = await accounts.till.reserve(caller, Decimal(3), f"req_{number}")
                await accounts.till.settle(reservation, Decimal("2.00000001"))
            accounts.record(row(caller.organization_id))
            await accounts.record_feedback(
                {"organization_id": caller.organization_id, "prompt": "h\u00e9llo", "correct": True}
            )
        await accounts.till.reserve(caller, Decimal(10), "req_under_way")
        await accounts.flush()

    asyncio.run(ask())
    accounts.office.order_paid("order_1", "Bob", Decimal(70))
    accounts.office.order_refunded("order_1", "Bob", Decimal(30))
    accounts.revoke_key(keys[2])
    caller = asyncio.run(accounts.authenticate(keys[0]))
    accounts.set_preference(caller.organization_id, "default_optimization", "price-optimized")
    return keys


def told(accounts: Accounts, key: str) -> list[object]:
    organizations, keys = accounts.office.organizations(), accounts.list_keys()
    statements = [line for each in organizations for line in accounts.statement_lines(each.name, Period())]
    owner = asyncio.run(accounts.authenticate(key)).organization_id
    kept = [logged(accounts, owner), accounts.feedback(owner, 10), accounts.preferences_set(owner)]
    return [organizations, keys, statements, accounts.verify(), *kept]


def test_everything_is_carried_over_and_goes_on(accounts: Accounts, tmp_path: Path) -> None:
    """`accounts` are the empty ones, in either database."""
    old = Accounts(tmp_path / "old.sqlite3", SECRET, lease=LEASE)
    keys = lived_in(old)
    old.close()  # what was under way then is given back at the next opening
    old = Accounts(tmp_path / "old.sqlite3", SECRET, lease=LEASE)
    before = told(old, keys[0])
    assert accounts.office.take_over(old.office) > 40
    old.close()
    assert told(accounts, keys[0]) == before
    assert accounts.verify() == []
    with pytest.raises(KeyRejected, match="revoked"):
        asyncio.run(accounts.authenticate(keys[2]))
    caller = asyncio.run(accounts.authenticate(keys[0]))
    reservation = asyncio.run(accounts.till.reserve(caller, Decimal(3), "req_new"))
    asyncio.run(accounts.till.settle(reservation, Decimal(1)))
    accounts.office.order_paid("order_1", "Bob", Decimal(70))  # which is known
    assert accounts.balance("Bob") == 40
    accounts.record(row(caller.organization_id, request_id="req_2"))
    asyncio.run(accounts.flush())
    assert accounts.verify() == []


def test_nothing_is_carried_over_into_accounts_that_are_used(accounts: Accounts, tmp_path: Path) -> None:
    accounts.create_key("ada")
    old = Accounts(tmp_path / "old.sqlite3", SECRET)
    old.create_key("bob")
    with pytest.raises(StoreFailed, match="into an empty one"):
        accounts.office.take_over(old.office)
    old.close()
    assert [row.name for row in accounts.office.organizations()] == ["ada"]


def test_nothing_is_carried_over_from_under_a_server(accounts: Accounts, tmp_path: Path) -> None:
    old, server = (Accounts(tmp_path / "old.sqlite3", SECRET) for _ in range(2))
    with pytest.raises(StoreFailed, match="stop every server"):
        accounts.office.take_over(old.office)
    server.close()
    assert accounts.office.take_over(old.office) == 0
    old.close()


def test_a_secret_of_other_accounts_is_told(opened: Callable[[], Accounts], tmp_path: Path) -> None:
    Accounts(tmp_path / "old.sqlite3", b"another secret of sufficient length").close()
    with pytest.raises(StoreFailed, match="copy the file `secret`"):
        Accounts(tmp_path / "old.sqlite3", SECRET)
