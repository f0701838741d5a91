"""Preferences are where they were put, at once here and soon elsewhere, and outlive a database that fails."""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.errors import StoreFailed, UnknownPreference
from greatrouter_accounts.preferences import CACHE_S, DEFAULTS, FRESH_S, KEYS, PreferenceBook, Preferences, from_values
from greatrouter_accounts.sqlite import SqliteStore
from tests.accounts.conftest import SECRET

VALUES = {
    "default_optimization": "price-optimized",
    "default_task": "code",
    "excluded_providers": ["lab", "größer"],
    "excluded_models": ["lab/small"],
    "preferred_providers": ["other"],
    "content_mode_default": "edit",
}


def preferred(accounts: Accounts, organization_id: str = "org_1", *, fresh: bool = False) -> Preferences:
    return asyncio.run(accounts.preferences(organization_id, fresh=fresh))


@contextmanager
def broken(path: Path) -> Iterator[None]:
    """Whoever asks for preferences within the block meets a database without that table."""
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE preferences RENAME TO elsewhere")
    connection.commit()
    try:
        yield
    finally:
        connection.execute("ALTER TABLE elsewhere RENAME TO preferences")
        connection.commit()
        connection.close()


# -- what is put there ---------------------------------------------------------------------------------------------


def test_where_nothing_was_set_the_defaults_hold(accounts: Accounts) -> None:
    assert preferred(accounts) == Preferences("balanced", None, (), (), (), None) == DEFAULTS
    assert accounts.preferences_set("org_1") == frozenset()


@pytest.mark.parametrize("key", KEYS)
def test_each_key_is_set_overwritten_and_deleted(opened: Callable[[], Accounts], key: str) -> None:
    accounts, value = opened(), VALUES[key]
    kept = tuple(value) if isinstance(value, list) else value
    for _ in range(2):
        assert getattr(accounts.set_preference("org_1", key, value), key) == kept
    assert accounts.preferences_set("org_1") == {key}
    accounts.close()
    accounts = opened()
    assert preferred(accounts) == from_values({key: value})
    assert accounts.delete_preference("org_1", key) == preferred(accounts) == DEFAULTS
    assert accounts.delete_preference("org_1", key) == DEFAULTS
    assert accounts.preferences_set("org_1") == frozenset()


def test_a_task_may_be_set_to_none(accounts: Accounts) -> None:
    accounts.set_preference("org_1", "default_task", None)
    assert preferred(accounts).default_task is None
    assert accounts.preferences_set("org_1") == {"default_task"}


@pytest.mark.parametrize("key", ["", "tenant_id", "Default_Task", "x' OR 1=1"])
def test_a_key_that_does_not_exist_is_refused_with_those_that_do(accounts: Accounts, key: str) -> None:
    allowed = r"allowed: default_optimization, .*, content_mode_default"
    with pytest.raises(UnknownPreference, match=allowed):
        accounts.set_preference("org_1", key, [])
    with pytest.raises(UnknownPreference, match=allowed):
        accounts.delete_preference("org_1", key)
    assert preferred(accounts) == DEFAULTS


def test_no_organization_sees_or_changes_anothers(accounts: Accounts) -> None:
    accounts.set_preference("org_1", "excluded_providers", ["lab"])
    accounts.set_preference("org_2", "excluded_providers", ["other"])
    accounts.delete_preference("org_3", "excluded_providers")
    assert preferred(accounts, "org_1").excluded_providers == ("lab",)
    assert preferred(accounts, "org_2").excluded_providers == ("other",)
    assert preferred(accounts, "org_3") == DEFAULTS
    assert accounts.preferences_set("org_3") == frozenset()


@given(st.dictionaries(st.sampled_from([*KEYS, "else"]), st.none() | st.integers() | st.text() | st.lists(st.text())))
def test_whatever_is_stored_each_preference_has_the_type_it_must_have(values: dict[str, Any]) -> None:
    found = from_values(values)
    assert isinstance(found.default_optimization, str)
    for value in (found.default_task, found.content_mode_default):
        assert value is None or isinstance(value, str)
    for names in (found.excluded_models, found.excluded_providers, found.preferred_providers):
        assert isinstance(names, tuple)
        assert all(isinstance(name, str) for name in names)


def test_a_value_that_is_no_json_is_a_default_and_the_others_stay(
    path: Path, accounts: Accounts, caplog: pytest.LogCaptureFixture
) -> None:
    accounts.set_preference("org_1", "default_task", "code")
    accounts.set_preference("org_1", "default_optimization", "price-optimized")
    connection = sqlite3.connect(path)
    connection.execute("UPDATE preferences SET value = '{half' WHERE key = 'default_task'")
    connection.commit()
    connection.close()
    assert preferred(accounts, fresh=True) == Preferences(default_optimization="price-optimized")
    assert "default_task" in caplog.text


# -- how fresh it is -----------------------------------------------------------------------------------------------


def test_a_change_shows_at_once_here_and_within_a_second_elsewhere(path: Path, accounts: Accounts) -> None:
    now_s = 0.0
    server = Accounts(path, SECRET, clock=lambda: now_s)
    assert preferred(server) == preferred(accounts) == DEFAULTS
    changed = accounts.set_preference("org_1", "default_task", "code")
    assert preferred(accounts) == changed == Preferences(default_task="code")
    now_s += FRESH_S - 0.001
    assert preferred(server) == DEFAULTS  # from memory
    assert preferred(server, fresh=True) == changed
    accounts.delete_preference("org_1", "default_task")
    now_s += CACHE_S
    assert preferred(server) == DEFAULTS
    server.close()


class CountedStore(SqliteStore):
    """Counts the times it is read; `hold` is called before each."""

    reads = 0
    hold: Callable[[], object] | None = None

    @contextmanager
    def read(self) -> Iterator[Any]:
        with super().read() as connection:
            type(self).reads += 1
            if self.hold:
                self.hold()
            yield connection


def test_of_those_who_come_at_once_one_asks_again_and_the_others_take_what_is_valid(path: Path) -> None:
    now_s = 0.0
    store = CountedStore(path)
    book = PreferenceBook(store, lambda: now_s)

    async def crowd() -> list[Preferences]:
        return await asyncio.gather(*(book.get("org_1") for _ in range(50)))

    asyncio.run(book.get("org_1"))
    now_s = FRESH_S - 0.001
    before = CountedStore.reads
    assert asyncio.run(crowd()) == [DEFAULTS] * 50
    assert CountedStore.reads == before
    now_s = FRESH_S
    assert asyncio.run(crowd()) == [DEFAULTS] * 50
    assert CountedStore.reads == before + 1
    store.close()


def test_an_answer_read_before_a_change_does_not_hide_it(path: Path) -> None:
    """The reader has seen the database and is held up; meanwhile the value changes; then the reader goes on."""
    store = CountedStore(path)
    book = PreferenceBook(store, lambda: 0.0)
    reading, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        reading.set()
        go_on.wait(10)

    store.hold = hold
    reader = threading.Thread(target=lambda: asyncio.run(book.get("org_1")))
    reader.start()
    assert reading.wait(10)
    store.hold = None
    book.put("org_1", "default_task", "code")
    go_on.set()
    reader.join(10)
    assert asyncio.run(book.get("org_1")).default_task == "code"
    store.close()


# -- a database that fails -----------------------------------------------------------------------------------------


def test_what_was_known_last_outlives_the_database(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    now_s = 0.0
    accounts = Accounts(path, SECRET, clock=lambda: now_s)
    known = accounts.set_preference("org_1", "excluded_providers", ["lab"])
    with broken(path):
        for _ in range(3):
            assert preferred(accounts) == known
            assert preferred(accounts, "org_2") == DEFAULTS
            now_s += 3600
        with pytest.raises(StoreFailed):
            accounts.set_preference("org_1", "default_task", "code")
        assert preferred(accounts) == known
    assert [record.levelno for record in caplog.records] == [logging.WARNING]  # once, not once a request
    now_s += CACHE_S
    assert accounts.set_preference("org_2", "default_task", "code") == preferred(accounts, "org_2")
    assert preferred(accounts) == known
    accounts.close()


def test_a_failing_database_is_not_asked_at_every_request(path: Path) -> None:
    store = CountedStore(path)
    book = PreferenceBook(store, lambda: 0.0)
    with broken(path):
        before = CountedStore.reads
        assert asyncio.run(book.get("org_1")) == asyncio.run(book.get("org_1")) == DEFAULTS
        assert CountedStore.reads == before + 1
    store.close()
