"""An organization's log read page by page: every request once, in order, and nobody else's."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.clock import moment_text
from greatrouter_accounts.journal import Stretch
from greatrouter_accounts.keys import Caller
from greatrouter_accounts.ledger import SPENDING
from greatrouter_accounts.schema import ledger
from greatrouter_accounts.statement import spent
from greatrouter_accounts.store import open_store
from tests.accounts.conftest import SECRET
from tests.accounts.test_accounts import flush, row

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(ms: int) -> str:
    return moment_text(START + timedelta(milliseconds=ms))


def paged(accounts: Accounts, limit: int, organization_id: str = "org_1") -> list[dict[str, Any]]:
    """Everything, as a caller pages through it."""
    found: list[dict[str, Any]] = []
    stretch = Stretch(limit)
    while rows := accounts.log_page(organization_id, stretch):
        found += rows
        last = rows[-1]["timestamp"]
        before = datetime.fromisoformat(last)
        earlier = (stretch.seen or 0) if stretch.before == before else 0
        stretch = Stretch(limit, before=before, seen=earlier + sum(r["timestamp"] == last for r in rows))
    return found


@settings(max_examples=25, deadline=None)
@given(moments=st.lists(st.integers(0, 4), max_size=25), limit=st.integers(1, 6))
def test_pages_neither_miss_nor_repeat_a_request(moments: Sequence[int], limit: int) -> None:
    with TemporaryDirectory() as folder:
        accounts = Accounts(Path(folder) / "accounts.sqlite3", SECRET)
        for number, ms in enumerate(moments):
            accounts.record(row(request_id=f"req_{number}", timestamp=at(ms)))
            accounts.record(row("org_2", request_id="another's", timestamp=at(ms)))
        flush(accounts)
        found = [r["request_id"] for r in paged(accounts, limit)]
        accounts.close()
    assert found == [f"req_{n}" for n in sorted(range(len(moments)), key=lambda n: (-moments[n], n))]


def test_a_request_written_late_is_not_missed_and_pushes_none_out(accounts: Accounts) -> None:
    """It belongs to the very millisecond at which the first page ended."""
    for number in range(3):
        accounts.record(row(request_id=f"req_{number}", timestamp=at(5)))
    flush(accounts)
    assert [r["request_id"] for r in accounts.log_page("org_1", Stretch(2))] == ["req_0", "req_1"]
    accounts.record(row(request_id="late", timestamp=at(5)))
    flush(accounts)
    rest = accounts.log_page("org_1", Stretch(9, before=START + timedelta(milliseconds=5), seen=2))
    assert [r["request_id"] for r in rest] == ["req_2", "late"]


def test_after_is_included_and_before_is_not(accounts: Accounts) -> None:
    for ms in range(5):
        accounts.record(row(request_id=str(ms), timestamp=at(ms)))
    flush(accounts)

    def ids(after: datetime | None = None, before: datetime | None = None) -> list[str]:
        return [r["request_id"] for r in accounts.log_page("org_1", Stretch(9, after, before))]

    second, fourth = START + timedelta(milliseconds=1), START + timedelta(milliseconds=3)
    assert ids(second, fourth) == ["2", "1"]
    assert ids(after=fourth) == ["4", "3"]
    assert ids(before=second) == ["0"]
    tokyo = timezone(timedelta(hours=9))
    assert ids(second.astimezone(tokyo), fourth.astimezone(tokyo)) == ["2", "1"]
    # Finer than what is stored: half a millisecond before the fourth, it is in and the third is out.
    between = fourth - timedelta(microseconds=500)
    assert ids(after=between) == ["4", "3"]
    assert ids(before=between) == ["2", "1", "0"]
    assert ids(before=datetime.max.replace(tzinfo=UTC)) == ["4", "3", "2", "1", "0"]
    assert ids(after=datetime.min.replace(tzinfo=UTC)) == ["4", "3", "2", "1", "0"]


def test_the_overview_is_the_callers_own(accounts: Accounts) -> None:
    key = accounts.create_key("ada")
    accounts.create_key("bob")
    accounts.office.credit("ada", Decimal(500))
    accounts.office.credit("bob", Decimal(700))
    caller = asyncio.run(accounts.authenticate(key))
    today, yesterday = moment_text(datetime.now(UTC)), moment_text(datetime.now(UTC) - timedelta(days=1))
    for organization_id, moment, cents in (
        (caller.organization_id, today, "0.00000001"),
        (caller.organization_id, today, "1.5"),
        (caller.organization_id, yesterday, "40"),
        ("org_2", today, "300"),
    ):
        accounts.record(row(organization_id, timestamp=moment, cost_cents=Decimal(cents)))
    flush(accounts)
    charge(accounts, caller, "1.50000001")
    overview = accounts.overview(caller, 2)
    assert overview.balance_cents == Decimal("498.49999999")
    assert overview.spent_today_cents == Decimal("1.50000001")
    assert key.startswith(overview.key_prefix)
    assert len(overview.key_prefix) == len("pk_live_") + 9
    assert [call["cost_cents"] for call in overview.calls] == [Decimal("1.5"), Decimal("0.00000001")]
    assert {call["organization_id"] for call in overview.calls} == {caller.organization_id}


def charge(accounts: Accounts, caller: Caller, cents: str) -> None:
    reservation = asyncio.run(accounts.till.reserve(caller, Decimal(3), "req_1"))
    asyncio.run(accounts.till.settle(reservation, Decimal(cents)))


def test_what_was_spent_agrees_with_the_balance_whoever_has_charged_and_logged_it(accounts: Accounts) -> None:
    """The log of the process that charged is written later; and a day has its charges, not those of the day before."""
    caller = asyncio.run(accounts.authenticate(accounts.create_key("ada")))
    accounts.office.credit("ada", Decimal(500))
    for number in range(1, 31):
        charge(accounts, caller, "1.25")
        overview = accounts.overview(caller, 1)
        assert overview.spent_today_cents == 500 - overview.balance_cents == number * Decimal("1.25")


@pytest.mark.parametrize("pace_s", [1, 5_000])
def test_what_was_spent_since_a_moment_is_what_was_charged_since(
    accounts: Accounts, database: Path | str, pace_s: int
) -> None:
    """From a wallet and from pools, over days, and by clocks that differ a little."""
    caller = asyncio.run(accounts.authenticate(accounts.create_key("ada")))
    accounts.office.credit("ada", Decimal(500))
    for _ in range(40):
        charge(accounts, caller, "1.25")
    store = open_store(database)
    with store.write() as connection:
        for entry in connection.execute(select(ledger.c.sequence)).scalars().all():
            moment = START + timedelta(seconds=pace_s * entry + (-1) ** entry * 1_700)
            connection.execute(update(ledger).where(ledger.c.sequence == entry).values(created_at=moment_text(moment)))
        entries = connection.execute(select(ledger)).all()
        for since in (START - timedelta(days=1), START, *(START + timedelta(seconds=pace_s * n) for n in (7, 33, 60))):
            charged = (
                entry.amount_cents
                for entry in entries
                if entry.account != "revenue"
                and entry.kind in SPENDING
                and datetime.fromisoformat(entry.created_at) >= since
            )
            assert spent(connection, caller.organization_id, since) == -sum(charged)
    store.close()


def test_an_account_without_requests_spent_nothing(accounts: Accounts) -> None:
    caller = asyncio.run(accounts.authenticate(accounts.create_key("ada")))
    overview = accounts.overview(caller, 10)
    assert overview.balance_cents == overview.spent_today_cents == 0
    assert list(overview.calls) == []
