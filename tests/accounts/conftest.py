"""What the tests of accounts share: a store of its own on each database, and other processes that use it.

A test of `opened`, `accounts`, `process` or `database` runs on SQLite and, among the slow ones, on PostgreSQL; one that
asks for `path`, SQLite's file, runs on SQLite alone; a module with a `database` of its own runs on that.
"""

import inspect
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from greatrouter_accounts.accounts import Accounts
from tests import postgres

SECRET = b"a secret of thirty-two bytes ...."
# Long enough for a busy machine, short enough to wait for.
LEASE = timedelta(seconds=2)

# What every script of another process begins with: `database` is the database, `opened()` opens the store.
PREAMBLE = """
import asyncio, sys
from decimal import Decimal
from datetime import timedelta
from pathlib import Path
from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.errors import AccountsError, InsufficientCredit, StoreFailed
database = sys.argv[1] if "://" in sys.argv[1] else Path(sys.argv[1])
def opened():
    return Accounts(database, b"a secret of thirty-two bytes ....", lease=timedelta(seconds=2))
"""


def query(database: Path | str, statement: str) -> list[tuple[Any, ...]]:
    """What a statement without parameters gives, past everything that would mind."""
    if isinstance(database, str):
        with psycopg.connect(database) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []
    with closing(sqlite3.connect(database)) as file, file:
        return file.execute(statement).fetchall()


def held(database: Path | str) -> Decimal:
    """What is held of all wallets, as the table has it."""
    [[units]] = query(database, "SELECT coalesce(sum(amount_cents), 0) FROM balances WHERE account LIKE 'held:%'")
    return Decimal(units).scaleb(-8)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    own = "path" in inspect.signature(metafunc.function).parameters or hasattr(metafunc.module, "database")
    if "database" in metafunc.fixturenames and not own:
        both = ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)]
        metafunc.parametrize("database", both, indirect=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    with postgres.running() as server:
        yield server


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "accounts.sqlite3"


@pytest.fixture
def database(request: pytest.FixtureRequest, path: Path) -> Iterator[Path | str]:
    """A file of SQLite or the URL of an empty database of PostgreSQL."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield path
        return
    server: postgres.Server = request.getfixturevalue("postgres_server")
    with server.database() as url:
        yield url


@pytest.fixture
def opened(database: Path | str) -> Iterator[Callable[[], Accounts]]:
    """Opens the store, as often as it is called; what is still open at the end is closed."""
    everything: list[Accounts] = []

    def open_() -> Accounts:
        everything.append(Accounts(database, SECRET, lease=LEASE))
        return everything[-1]

    yield open_
    for accounts in everything:
        accounts.close()


@pytest.fixture
def accounts(opened: Callable[[], Accounts]) -> Accounts:
    return opened()


@pytest.fixture
def process(database: Path | str) -> Iterator[Callable[[str], "subprocess.Popen[str]"]]:
    """Starts a script in another process; `PREAMBLE` comes before it."""
    started: list[subprocess.Popen[str]] = []

    def start(script: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-W", "error", "-c", PREAMBLE + script, str(database)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True))
        return started[-1]

    yield start
    for child in started:
        child.kill()
        child.communicate()
