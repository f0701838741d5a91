"""What a key may do, until when, how much, and when it was last used."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_accounts import keys
from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.errors import InvalidKey, KeyRejected
from greatrouter_accounts.key_cache import KEY_CACHE_S
from greatrouter_accounts.keys import ALL_SCOPES, LIMITS, SCOPES
from greatrouter_accounts.limits import NO_LIMITS, Limits
from tests.accounts.conftest import query
from tests.api.conftest import eventually

Open = Callable[[], Accounts]


def soon(seconds: float = 1.0) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_a_key_carries_its_scopes_and_limits(accounts: Accounts) -> None:
    key = accounts.create_key("ada", scopes=["read", "inference"], limits={"requests_per_minute": 10})
    caller = asyncio.run(accounts.authenticate(key))
    assert caller.scopes == {"inference", "read"}
    assert caller.limits == Limits(requests_per_minute=10)
    [row] = accounts.list_keys()
    assert (row.scopes, row.limits, row.expires_at) == ("inference read", Limits(requests_per_minute=10), None)
    hash(caller)


def test_a_key_may_do_everything_without_limits_of_its_own_where_nothing_is_said(accounts: Accounts) -> None:
    caller = asyncio.run(accounts.authenticate(accounts.create_key("ada")))
    assert (caller.scopes, caller.limits) == (ALL_SCOPES, NO_LIMITS)


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"scopes": ["inference", "root"]}, "no scope is called 'root'; allowed: inference, read, admin"),
        ({"scopes": []}, "can do nothing"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "expired already at 2020-01-01T00:00:00.000"),
        ({"limits": {"requests_per_minute": 0}}, "requests_per_minute: 0 is out of range"),
        ({"limits": {"tokens_per_minute": float("nan")}}, "out of range"),
        ({"limits": {"tokens_per_minute": float("inf")}}, "out of range"),
        ({"limits": {"kilometres": 1}}, "no key can be limited in 'kilometres'; allowed: requests_per_minute"),
    ],
)
def test_what_no_key_may_have_is_refused_and_nothing_is_made(
    accounts: Accounts, wanted: dict[str, Any], told: str
) -> None:
    with pytest.raises(InvalidKey, match=told):
        accounts.create_key("ada", **wanted)
    assert accounts.list_keys() == []


@given(st.sets(st.sampled_from(SCOPES), min_size=1))
def test_scopes_are_kept_whatever_their_order(scopes: set[str]) -> None:
    assert {*keys.scopes_text(sorted(scopes)).split()} == scopes
    assert keys.scopes_text(sorted(scopes)) == keys.scopes_text(sorted(scopes, reverse=True))


@given(st.timedeltas(timedelta(days=1), timedelta(days=36_500)), st.integers(-14, 14))
def test_moments_sort_as_their_texts_whatever_their_zone(ahead: timedelta, hours: int) -> None:
    here = datetime(2100, 1, 1, tzinfo=timezone(timedelta(hours=hours))) + ahead
    later = keys.expiry_text(here + timedelta(milliseconds=1))
    text = keys.expiry_text(here)
    assert text is not None
    assert later is not None
    assert text < later
    assert timedelta(0) <= datetime.fromisoformat(text) - here < timedelta(milliseconds=1)


@given(st.dictionaries(st.sampled_from(LIMITS), st.integers(1, 10**9), min_size=1))
def test_limits_come_back_as_they_were_given(limits: dict[str, float]) -> None:
    text = keys.limits_text(limits)
    assert text is not None
    assert json.loads(text) == limits


# -- the end of a key --------------------------------------------------------------------------------------------------


def test_a_key_is_refused_from_its_end_on_within_a_second_wherever_it_is_known(
    accounts: Accounts, opened: Open
) -> None:
    other = opened()
    ends_at = soon()
    key = accounts.create_key("ada", expires_at=ends_at)
    for each in (accounts, other):
        assert asyncio.run(each.authenticate(key)).organization == "ada"

    def refused(each: Accounts) -> bool:
        try:
            asyncio.run(each.authenticate(key))
        except KeyRejected as error:
            return "expired at" in str(error)
        return False

    assert eventually(lambda: refused(accounts) and refused(other))
    assert timedelta(0) <= datetime.now(UTC) - ends_at < timedelta(seconds=KEY_CACHE_S + 1)


def test_a_key_that_was_revoked_and_has_expired_was_revoked(accounts: Accounts) -> None:
    key = accounts.create_key("ada", expires_at=soon(0.05))
    accounts.revoke_key(accounts.list_keys()[0].id)
    with pytest.raises(KeyRejected, match="revoked"):
        asyncio.run(accounts.authenticate(key))


def test_a_key_that_is_revoked_while_it_is_looked_up_is_not_remembered(accounts: Accounts) -> None:
    """The look-up has read the database and its answer is on its way back when the key is revoked."""
    key = accounts.create_key("ada")

    async def look_up_and_revoke() -> None:
        with ThreadPoolExecutor(1) as executor:
            asyncio.get_running_loop().set_default_executor(executor)
            looking = asyncio.ensure_future(accounts.authenticate(key))
            await asyncio.sleep(0)  # it has begun
            executor.submit(int).result()  # it has read the database, and the event loop was not told yet
            assert accounts.revoke_key(accounts.list_keys()[0].id) == 1
            assert (await looking).organization == "ada"
            with pytest.raises(KeyRejected, match="revoked"):
                await accounts.authenticate(key)

    asyncio.run(look_up_and_revoke())


# -- the last use ------------------------------------------------------------------------------------------------------


def test_the_last_use_is_written_by_the_housekeeper_and_not_by_each_request(accounts: Accounts) -> None:
    keys_ = [accounts.create_key("ada") for _ in range(3)]
    before = datetime.now(UTC)

    async def use() -> None:
        for key in keys_[:2]:
            for _ in range(100):
                await accounts.authenticate(key)

    asyncio.run(use())
    assert [row.last_used_at for row in accounts.list_keys()] == [None, None, None]
    assert eventually(lambda: all(row.last_used_at for row in accounts.list_keys()[:2]))
    *used, unused = [row.last_used_at for row in accounts.list_keys()]
    for moment in used:
        assert moment is not None
        assert before - timedelta(seconds=1) <= datetime.fromisoformat(moment) <= datetime.now(UTC)
    assert unused is None


def test_a_clean_stop_writes_the_last_use(opened: Open, database: Path | str) -> None:
    accounts = opened()
    asyncio.run(accounts.authenticate(accounts.create_key("ada")))
    accounts.close()
    [[moment]] = query(database, "SELECT last_used_at FROM keys")
    assert moment is not None
    opened()


def test_a_use_that_is_written_late_does_not_undo_a_later_one(opened: Open, database: Path | str) -> None:
    first, second = opened(), opened()
    key = first.create_key("ada")
    asyncio.run(first.authenticate(key))
    query(database, "UPDATE keys SET last_used_at = '2999-01-01T00:00:00.000+00:00'")
    first.close()
    assert second.list_keys()[0].last_used_at == "2999-01-01T00:00:00.000+00:00"


def test_who_is_refused_does_not_count_as_a_use(accounts: Accounts, opened: Open, database: Path | str) -> None:
    other = opened()
    key = accounts.create_key("ada")
    accounts.revoke_key(accounts.list_keys()[0].id)
    with pytest.raises(KeyRejected):
        asyncio.run(other.authenticate(key))
    other.close()
    assert query(database, "SELECT last_used_at FROM keys") == [(None,)]
