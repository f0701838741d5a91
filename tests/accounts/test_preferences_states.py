"""Preferences, whatever happens in whatever order: set, deleted and spoilt, here and elsewhere, while time passes and
the database breaks and is mended."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from greatrouter_accounts.errors import StoreFailed, UnknownPreference
from greatrouter_accounts.preferences import CACHE_S, DEFAULTS, FRESH_S, PreferenceBook, Preferences
from greatrouter_accounts.sqlite import SqliteStore

HERE, ELSEWHERE = range(2)
ORGANIZATIONS = ("ada", "bob")
# Good values by key, those that JSON can say and the key cannot have, and what is no JSON.
NAMES = st.lists(st.sampled_from(["lab", "größer", ""]), max_size=2)
GOOD: dict[str, st.SearchStrategy[Any]] = {
    "default_optimization": st.sampled_from(["price-optimized", "quality-optimized"]),
    "default_task": st.sampled_from([None, "code", "text"]),
    "excluded_providers": NAMES,
    "preferred_providers": NAMES,
}
BAD: dict[str, st.SearchStrategy[Any]] = {
    "default_optimization": st.sampled_from([None, 5, ["balanced"]]),
    "default_task": st.sampled_from([7, {}, [None]]),
    "excluded_providers": st.sampled_from([None, "lab", [3], {"lab": 1}]),
    "preferred_providers": st.sampled_from([False, [["lab"]]]),
}
NO_JSON = st.sampled_from(["", "{half", "price-optimized", "\x00", "NaN"])
settings_of = st.sampled_from(sorted(GOOD)).flatmap(
    lambda key: st.tuples(st.just(key), GOOD[key].map(lambda value: (True, value)) | BAD[key].map(lambda v: (False, v)))
)


class Database:
    """One file and two processes that have it open, for any number of examples; each has its own organizations."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.away = path.with_suffix(".away")
        self.stores = [SqliteStore(path), SqliteStore(path)]
        self.examples = 0

    def do(self, statement: str, *values: str) -> None:
        with closing(sqlite3.connect(self.path)) as file, file:
            file.execute(statement, values)


class PreferencesOverTime(RuleBasedStateMachine):
    """`history` has every state of an organization that was ever committed, with the moment it began; the last one is
    now. A book may answer with one that ended less than `CACHE_S` ago, if it has not written itself since."""

    def __init__(self, database: Database, loop: asyncio.Runner) -> None:
        super().__init__()
        self.database, self.loop = database, loop
        self.now_s = 0.0
        self.books = [PreferenceBook(store, lambda: self.now_s) for store in database.stores]
        database.examples += 1
        self.names = {name: f"{name}_{database.examples}" for name in ORGANIZATIONS}
        self.history: dict[str, list[tuple[float, Preferences]]] = {name: [(0.0, DEFAULTS)] for name in ORGANIZATIONS}
        self.set: dict[str, set[str]] = {name: set() for name in ORGANIZATIONS}
        # By book and organization: the place in the history of its own last write; what it knew last; and until when it
        # may go on with that after the database was mended.
        self.own: dict[tuple[int, str], int] = {}
        self.known: dict[tuple[int, str], Preferences] = {}
        self.excused: dict[tuple[int, str], float] = {}
        self.broken = ""

    def teardown(self) -> None:
        if self.broken:
            self.mended()

    # -- what is expected ------------------------------------------------------------------------------------------

    def now(self, name: str) -> Preferences:
        return self.history[name][-1][1]

    def changes(self, name: str, key: str, value: Any) -> Preferences:
        self.history[name].append((self.now_s, replace(self.now(name), **{key: value})))
        return self.now(name)

    def allowed(self, book: int, name: str) -> list[Preferences]:
        if self.broken:
            return [self.known.get((book, name), DEFAULTS)]
        states, first = self.history[name], self.own.get((book, name), 0)
        ends = [began for began, _ in states[1:]] + [float("inf")]
        found = [
            state
            for place, ((_, state), end) in enumerate(zip(states, ends, strict=True))
            if place >= first and end > self.now_s - CACHE_S
        ]
        if self.now_s < self.excused.get((book, name), float("-inf")):
            found.append(self.known.get((book, name), DEFAULTS))
        return found

    def seen(self, book: int, name: str, found: Preferences, *, fresh: bool) -> None:
        assert found in self.allowed(book, name)
        if self.broken:
            # It need not ask again at once.
            self.excused[book, name] = self.now_s + CACHE_S
        elif fresh:
            assert found == self.now(name)
            self.excused.pop((book, name), None)
        self.known[book, name] = found

    # -- what happens ----------------------------------------------------------------------------------------------

    books_ = st.sampled_from([HERE, ELSEWHERE])
    organizations = st.sampled_from(["ada", "ada", "ada", "bob"])  # what two do to each other shows with few of one
    moments = st.sampled_from([0.0, FRESH_S / 2, FRESH_S, CACHE_S - 0.001, CACHE_S, 1.5 * CACHE_S])

    @rule(
        book=books_,
        name=organizations,
        after_s=moments,
        many=st.booleans(),
        fresh=st.sampled_from([False] * 3 + [True]),
    )
    def read(self, book: int, name: str, after_s: float, many: bool, fresh: bool) -> None:
        self.now_s += after_s

        async def ask() -> list[Preferences]:
            get = self.books[book].get
            return await asyncio.gather(*(get(self.names[name], fresh=fresh) for _ in range(3 if many else 1)))

        answers = self.loop.run(ask())
        allowed = self.allowed(book, name)
        assert all(found in allowed for found in answers)
        if many:  # which of them the book goes on with is not said
            answers = [self.loop.run(self.books[book].get(self.names[name], fresh=True))]
        self.seen(book, name, answers[0], fresh=fresh or many)

    @rule(book=books_, name=organizations, chosen=settings_of)
    def put(self, book: int, name: str, chosen: tuple[str, tuple[bool, Any]]) -> None:
        key, (good, value) = chosen
        if self.broken:
            with pytest.raises(StoreFailed):
                self.books[book].put(self.names[name], key, value)
            return
        found = self.books[book].put(self.names[name], key, value)
        kept = (tuple(value) if isinstance(value, list) else value) if good else getattr(DEFAULTS, key)
        assert found == self.changes(name, key, kept)
        self.set[name].add(key)
        self.wrote(book, name)

    @rule(book=books_, name=organizations, key=st.sampled_from(sorted(GOOD)))
    def remove(self, book: int, name: str, key: str) -> None:
        if self.broken:
            with pytest.raises(StoreFailed):
                self.books[book].remove(self.names[name], key)
            return
        assert self.books[book].remove(self.names[name], key) == self.changes(name, key, getattr(DEFAULTS, key))
        self.set[name].discard(key)
        self.wrote(book, name)

    def wrote(self, book: int, name: str) -> None:
        self.own[book, name] = len(self.history[name]) - 1
        self.known[book, name] = self.now(name)
        self.excused.pop((book, name), None)

    @precondition(lambda self: not self.broken)
    @rule(name=organizations, key=st.sampled_from(sorted(GOOD)), text=NO_JSON)
    def spoil(self, name: str, key: str, text: str) -> None:
        """By a program that is not ours; and there is a key of a later version."""
        statement = "INSERT OR REPLACE INTO preferences VALUES (?, ?, ?, '')"
        self.database.do(statement, self.names[name], key, text)
        self.database.do(statement, self.names[name], "of_a_later_version", "5")
        self.changes(name, key, getattr(DEFAULTS, key))
        self.set[name].discard(key)
        self.set[name].add("of_a_later_version")

    @rule(book=books_, name=organizations)
    def ask_what_is_set(self, book: int, name: str) -> None:
        with pytest.raises(StoreFailed if self.broken == "moved away" else UnknownPreference):
            self.books[book].put(self.names[name], "tenant_id", "code")
        if self.broken:
            with pytest.raises(StoreFailed):
                self.books[book].keys_set(self.names[name])
        else:
            assert self.books[book].keys_set(self.names[name]) == self.set[name]

    @precondition(lambda self: not self.broken)
    @rule(how=st.sampled_from(["without its table", "moved away"]))
    def breaks(self, how: str) -> None:
        self.broken = how
        if how == "moved away":
            self.database.path.rename(self.database.away)
        else:
            self.database.do("ALTER TABLE preferences RENAME TO elsewhere")

    @precondition(lambda self: self.broken)
    @rule()
    def mended(self) -> None:
        if self.broken == "moved away":
            self.database.away.rename(self.database.path)
        else:
            self.database.do("ALTER TABLE elsewhere RENAME TO preferences")
        self.broken = ""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(tmp_path / "accounts.sqlite3")
    yield found
    for store in found.stores:
        store.close()


@pytest.mark.parametrize("examples", [30, pytest.param(500, marks=pytest.mark.slow)])
def test_preferences_over_time(database: Database, examples: int) -> None:
    with asyncio.Runner() as loop:
        run_state_machine_as_test(
            cast("type[PreferencesOverTime]", lambda: PreferencesOverTime(database, loop)),  # whatever makes one
            settings=settings(max_examples=examples, stateful_step_count=40, deadline=None),
        )
