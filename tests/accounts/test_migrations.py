"""A database of any earlier version becomes one of now, with everything in it, and no migration is ever changed."""

import asyncio
import hashlib
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import URL, Engine, create_engine, event, inspect, make_url

from greatrouter_accounts import postgres as postgres_store
from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.idempotency_rows import Kept
from greatrouter_accounts.migrations import MIGRATIONS
from greatrouter_accounts.statement import Period
from greatrouter_accounts.store import open_store
from tests.accounts import versions
from tests.accounts.asking import logged
from tests.accounts.conftest import LEASE, SECRET, held
from tests.api.conftest import eventually

NOW = len(MIGRATIONS)
# The key of "ada" in every dump.
KEY = "pk_live_abcdefghi_" + "0123456789abcdef" * 2

# What each migration does, by what it says to the database: `digests` below. A migration that is on main is never
# changed, for databases have had it: write another one. Only the digest of one that is not on main yet may be.
FROZEN = {
    "sqlite": {
        "m001_account_surface": "4f67c4bc7e477250796ffb5b2e7609d67382531c66f129909c8a0d2c574e2e91",
        "m002_trusted_money": "636ddec4ff726fe88eeb7b44da82140cff27135afa0886a9bd4199a9dfba64fe",
        "m003_budgets_of_keys": "7764191afd283b23f7783b394a7c51d6f3dd26a10565a8a693c5549bb58b7901",
        "m004_prices_of_calls": "e29eed2b75ecbb32b079f9e5ccad5a013167bdc048648b4dccd9c9acc00348b7",
        "m005_kept_bytes": "77b49193c91d8810a0c5331c2a9b8432c711d0f888b2a6e7e568d78e4d545e43",
        "m006_revenue_is_not_kept": "01af3feb0c0dda6f73583700ff29fabbfa05a043c57851c91e6040f834371434",
    },
    "postgresql": {
        "m003_budgets_of_keys": "7764191afd283b23f7783b394a7c51d6f3dd26a10565a8a693c5549bb58b7901",
        "m004_prices_of_calls": "e29eed2b75ecbb32b079f9e5ccad5a013167bdc048648b4dccd9c9acc00348b7",
        "m005_kept_bytes": "77b49193c91d8810a0c5331c2a9b8432c711d0f888b2a6e7e568d78e4d545e43",
        "m006_revenue_is_not_kept": "01af3feb0c0dda6f73583700ff29fabbfa05a043c57851c91e6040f834371434",
    },
}

# Tables that are made of others, and may be made anew.
DERIVED = {"baselines", "kept_bytes"}
# What migrations change of what is there, on purpose: version before, table, column, value before and after.
CHANGED = {
    (1, "ledger", "request_id", "pool", "(pool)"),
    (1, "reservations", "request_id", "pool", "(pool)"),
}
# Rows that they delete, on purpose: version before, table, column, value.
GONE = {
    (5, "balances", "account", "revenue"),
}


@dataclass(frozen=True)
class Old:
    """A database that was last opened by the program of a `version`."""

    database: Path | str
    version: int

    @property
    def dialect(self) -> str:
        return "sqlite" if isinstance(self.database, Path) else "postgresql"


def each(dialect: str, version: int) -> Any:
    marks = [pytest.mark.slow] if dialect == "postgresql" else []
    return pytest.param((dialect, version), id=f"{dialect}-{version}", marks=marks)


OLDEST = [each(dialect, first) for dialect, first in versions.FIRST.items()]
OLD = [each(dialect, version) for dialect, first in versions.FIRST.items() for version in range(first, NOW)]


@pytest.fixture(params=OLD)
def old(request: pytest.FixtureRequest, path: Path) -> Iterator[Old]:
    dialect, version = request.param
    if dialect == "sqlite":
        versions.load(path, version)
        yield Old(path, version)
        return
    with request.getfixturevalue("postgres_server").database() as url:
        versions.load(url, version)
        yield Old(url, version)


@pytest.fixture
def database(old: Old) -> Path | str:
    return old.database


@pytest.fixture
def new(old: Old, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path | str]:
    """A new database of the same kind."""
    if old.dialect == "sqlite":
        yield tmp_path / "new.sqlite3"
        return
    with request.getfixturevalue("postgres_server").database() as url:
        yield url


# -- what a database holds -----------------------------------------------------------------------------------------


def engine(database: Path | str) -> Engine:
    if isinstance(database, Path):
        return create_engine(URL.create("sqlite", database=str(database)))
    return create_engine(make_url(database).set(drivername="postgresql+psycopg"))


def upgraded(database: Path | str) -> None:
    """Nothing but its migrations."""
    open_store(database, LEASE).close()


def tables(database: Path | str) -> dict[str, Any]:
    """Every table's columns in order, keys and indexes."""
    connected = engine(database)
    seen = inspect(connected)
    found = {
        name: {
            "columns": [(c["name"], str(c["type"]), c["nullable"], c["default"]) for c in seen.get_columns(name)],
            "primary key": seen.get_pk_constraint(name)["constrained_columns"],
            "foreign keys": [(k["constrained_columns"], k["referred_table"]) for k in seen.get_foreign_keys(name)],
            "unique": sorted(found["column_names"] for found in seen.get_unique_constraints(name)),
            "indexes": {
                index["name"]: (index["column_names"], index["unique"], options(index))
                for index in seen.get_indexes(name)
            },
        }
        for name in seen.get_table_names()
    }
    connected.dispose()
    return found


def options(index: Any) -> dict[str, str]:
    return {name: str(value) for name, value in index.get("dialect_options", {}).items()}


def rows(database: Path | str) -> dict[str, list[Mapping[str, Any]]]:
    """Everything that is in every table."""
    connected = engine(database)
    with connected.connect() as connection:
        found = {
            name: [dict(row) for row in connection.exec_driver_sql(f'SELECT * FROM "{name}"').mappings()]
            for name in inspect(connection).get_table_names()
        }
    connected.dispose()
    return {name: sorted(table, key=str) for name, table in found.items()}


def changed(version: int, table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as the migrations after `version` are meant to leave it."""
    found = dict(row)
    for since, name, column, before, after in CHANGED:
        if version <= since and table == name and row.get(column) == before:
            found[column] = after
    return found


def gone(version: int, table: str, row: Mapping[str, Any]) -> bool:
    return any(version <= since and table == name and row.get(key) == value for since, name, key, value in GONE)


# -- a dump of every version ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", versions.FIRST)
def test_a_dump_of_every_version_before_this_one_is_kept(dialect: str) -> None:
    """`tests/accounts/versions` says how."""
    assert versions.kept(dialect) == list(range(versions.FIRST[dialect], NOW))


def test_every_table_of_a_dump_holds_something(old: Old) -> None:
    found = rows(old.database)
    assert found["schema_version"] == [{"version": old.version}]
    assert [name for name, table in found.items() if not table] == []


# -- what becomes of it --------------------------------------------------------------------------------------------


def test_an_old_database_gets_the_tables_of_a_new_one(old: Old, new: Path | str) -> None:
    upgraded(old.database)
    upgraded(new)
    assert tables(old.database) == tables(new)
    assert rows(old.database)["schema_version"] == rows(new)["schema_version"] == [{"version": NOW}]


def test_migrations_lose_nothing(old: Old) -> None:
    before = rows(old.database)
    upgraded(old.database)
    after = rows(old.database)
    for table in before.keys() - DERIVED - {"schema_version"}:
        kept = [{column: row[column] for column in before[table][0]} for row in after[table]]
        wanted = [changed(old.version, table, row) for row in before[table] if not gone(old.version, table, row)]
        assert sorted(kept, key=str) == sorted(wanted, key=str)
    for table in after.keys() - before.keys() - DERIVED:
        assert after[table] == []


def test_answers_that_were_kept_before_they_were_counted_are_counted(old: Old) -> None:
    upgraded(old.database)
    found = rows(old.database)
    kept = sum(len(row["body"]) for row in found["idempotency"] if row["body"] is not None)
    assert sum(row["bytes"] for row in found["kept_bytes"]) == kept
    assert (kept > 0) == (old.version >= 2)


def test_what_a_dead_process_left_is_given_back_and_the_books_agree(old: Old, opened: Callable[[], Accounts]) -> None:
    assert held(old.database) > 0
    accounts = opened()
    assert accounts.verify() == []
    assert eventually(lambda: held(old.database) == 0, timeout_s=20)
    assert accounts.verify() == []
    spent = Decimal("0.5")
    if old.version >= 1:
        spent += 3 * Decimal("0.00000005")
    if old.version >= 2:
        spent += 3 + 7
    assert accounts.balance("ada") == Decimal("1000.00000005") - spent
    lines = [(line.kind, line.amount_cents) for line in accounts.statement_lines("ada", Period())]
    assert sum(cents for _, cents in lines) == accounts.balance("ada")
    assert lines[-1] == ("grant", Decimal("1000.00000005"))


def test_keys_logs_and_feedback_are_what_they_were(old: Old, opened: Callable[[], Accounts]) -> None:
    accounts = opened()
    caller = asyncio.run(accounts.authenticate(KEY))
    assert (caller.organization, caller.plan, caller.test) == ("ada", "max", False)
    assert caller.scopes == {"inference", "read", "admin"}
    assert [(key.organization, key.test, bool(key.revoked_at)) for key in accounts.list_keys()] == [
        ("ada", False, False),
        ("ada", True, False),
        ("bob", False, True),
    ]
    requests = logged(accounts, caller.organization_id)
    assert (requests[0]["request_id"], requests[-1]["request_id"]) == ("req_1", "req_last")  # one moment's
    assert requests[0]["cost_cents"] == Decimal("0.5")
    [feedback] = accounts.feedback(caller.organization_id, 10)
    assert (feedback["prompt"], feedback["correct"], feedback["suggested_task"]) == ("a prompt", False, "code")
    known = asyncio.run(accounts.preferences(caller.organization_id))
    task, excluded = ("code", ("größer",)) if old.version >= 1 else (None, ())
    assert (known.default_task, known.excluded_providers) == (task, excluded)
    assert accounts.set_preference(caller.organization_id, "default_task", "text").default_task == "text"


def test_an_old_database_is_written_to_like_a_new_one(old: Old, opened: Callable[[], Accounts]) -> None:
    """Where the numbers of rows began anew, or a column were missing, this would fail."""
    accounts = opened()
    caller = asyncio.run(accounts.authenticate(KEY))
    before = accounts.balance("ada")

    async def request() -> None:
        reservation = await accounts.till.reserve(caller, Decimal(2), "req_new")
        assert await accounts.till.settle(reservation, Decimal(1)) == 1
        accounts.record({**logged(accounts, caller.organization_id)[0], "request_id": "req_new"})
        accounts.record_failed_attempt(caller.organization_id, "req_new", "lab/small", "lab", None)
        await accounts.flush()

    asyncio.run(request())
    assert accounts.office.order_paid("order_new", "bob", Decimal(30)) == 30
    assert accounts.balance("ada") == before - 1
    assert accounts.balance("bob") == (30 + 3 if old.version < 2 else 30 - 12)  # it repaid what it owed
    assert logged(accounts, caller.organization_id)[-1]["request_id"] == "req_new"


def test_orders_and_answers_of_before_count_once(old: Old, opened: Callable[[], Accounts]) -> None:
    if old.version < 2:
        assert not {"orders", "idempotency"} & rows(old.database).keys()
        return
    accounts = opened()
    assert accounts.office.order_paid("order_1", "bob", Decimal(20)) == 0
    assert accounts.office.order_refunded("order_1", "bob", Decimal(20)) == 0
    caller = asyncio.run(accounts.authenticate(KEY))
    before = accounts.balance("ada")

    async def again() -> None:
        kept = await accounts.repeats.begin(caller.organization_id, "again", [b"body"], "req_again")
        assert kept == Kept(200, [("content-type", "application/json")], b'{"answer": 42}')
        # Its process died after it was charged seven cents: they are given back, and it runs anew.
        run = await accounts.repeats.begin(caller.organization_id, "broken off", [b"body"], "req_again")
        assert not isinstance(run, Kept)
        reservation = await accounts.till.reserve(replace(caller, run=run), Decimal(5), "req_again")
        assert await accounts.till.settle(reservation, Decimal(5)) == 5

    asyncio.run(again())
    assert accounts.balance("ada") == before + 7 - 5
    assert accounts.verify() == []


def test_a_second_opening_changes_nothing(old: Old, opened: Callable[[], Accounts]) -> None:
    opened().close()
    first = tables(old.database), rows(old.database)
    opened().close()
    assert (tables(old.database), rows(old.database)) == first


@pytest.mark.parametrize("old", OLDEST, indirect=True)
def test_processes_that_open_an_old_database_at_once_migrate_it_once(
    old: Old, process: Callable[[str], "subprocess.Popen[str]"], tmp_path: Path
) -> None:
    children = [process("print(1, flush=True); sys.stdin.readline(); opened().close(); print(2)") for _ in range(2)]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "1\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    assert [child.communicate(timeout=60) for child in children] == [("2\n", "")] * 2
    assert rows(old.database)["schema_version"] == [{"version": NOW}]
    accounts = Accounts(old.database, SECRET, lease=LEASE)
    assert eventually(lambda: held(old.database) == 0, timeout_s=20)
    assert accounts.verify() == []
    accounts.close()


@pytest.mark.slow
def test_who_opens_a_database_waits_for_a_migration_however_long_it_takes(
    postgres_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than any other statement may take."""
    monkeypatch.setattr(postgres_store, "STATEMENT_TIMEOUT_MS", 200)
    with postgres_server.database() as url, psycopg.connect(url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [postgres_store.MIGRATION_LOCK])
        migrated = threading.Timer(1.0, other.rollback)
        migrated.start()
        upgraded(url)
        migrated.join()
        assert rows(url)["schema_version"] == [{"version": NOW}]


# -- frozen --------------------------------------------------------------------------------------------------------


def digests(old: Old) -> dict[str, str]:
    """What each migration from the old version on says to the database, as a digest by its name."""
    connected = engine(old.database)
    said: list[str] = []

    @event.listens_for(connected, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        said.append(f"{' '.join(statement.split())} {parameters or ()!r}\n")

    found = {}
    with connected.connect() as connection, connection.begin():
        for migration in MIGRATIONS[old.version :]:
            said.clear()
            migration(connection)
            found[getattr(migration, "__name__", "")] = hashlib.sha256("".join(said).encode()).hexdigest()
    connected.dispose()
    return found


@pytest.mark.parametrize("old", OLDEST, indirect=True)
def test_no_migration_is_changed(old: Old) -> None:
    assert digests(old) == FROZEN[old.dialect]


def test_a_digest_tells_one_statement_from_another(path: Path) -> None:
    versions.load(path, 0)
    assert len(set(digests(Old(path, 0)).values())) == NOW


def test_a_migration_is_named_by_its_version() -> None:
    names = [getattr(migration, "__name__", "") for migration in MIGRATIONS]
    assert [name[:5] for name in names] == [f"m{number:03}_" for number in range(1, NOW + 1)]
