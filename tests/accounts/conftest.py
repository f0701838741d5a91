"""What the tests of accounts share: a store in a folder of its own, and other processes that use it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from greatrouter_accounts.accounts import Accounts

SECRET = b"a secret of thirty-two bytes ...."

# What every script of another process begins with: `path` is the database, `accounts` the opened store.
PREAMBLE = """
import asyncio, sys
from decimal import Decimal
from pathlib import Path
from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.errors import AccountsError, InsufficientCredit, StoreFailed
path = Path(sys.argv[1])
def opened():
    return Accounts(path, b"a secret of thirty-two bytes ....")
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "accounts.sqlite3"


@pytest.fixture
def opened(path: Path) -> Iterator[Callable[[], Accounts]]:
    """Opens the store at `path`, as often as it is called; what is still open at the end is closed."""
    everything: list[Accounts] = []

    def open_() -> Accounts:
        everything.append(Accounts(path, SECRET))
        return everything[-1]

    yield open_
    for accounts in everything:
        accounts.close()


@pytest.fixture
def accounts(opened: Callable[[], Accounts]) -> Accounts:
    return opened()


@pytest.fixture
def process(path: Path) -> Iterator[Callable[[str], "subprocess.Popen[str]"]]:
    """Starts a script in another process; `PREAMBLE` comes before it."""
    started: list[subprocess.Popen[str]] = []

    def start(script: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-W", "error", "-c", PREAMBLE + script, str(path)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        pipe = subprocess.PIPE
        started.append(subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True))
        return started[-1]

    yield start
    for child in started:
        child.kill()
        child.communicate()
