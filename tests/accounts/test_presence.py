"""Servers of the same accounts tell each other where they count what plans limit."""

import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.presence import Presence
from greatrouter_accounts.store import Store, open_store
from tests.accounts.conftest import query
from tests.api.conftest import eventually

Start = Callable[[str], "subprocess.Popen[str]"]


def test_each_learns_of_those_that_were_there_before(opened: Callable[[], Accounts]) -> None:
    first, second, third = opened(), opened(), opened()
    assert first.presence.announce("here") == []
    assert second.presence.announce("there") == ["here"]
    assert sorted(third.presence.announce("here")) == ["here", "there"]
    second.close()
    assert opened().presence.announce("here") == ["here", "here"]


def test_a_command_is_no_server(opened: Callable[[], Accounts]) -> None:
    opened()
    assert opened().presence.announce("here") == []


def test_who_died_serves_no_more(accounts: Accounts, process: Start, database: Path | str) -> None:
    child = process("accounts = opened(); accounts.presence.announce('there'); print('up', flush=True); input()")
    assert child.stdout is not None
    child.stdout.readline()
    assert accounts.presence.announce("here") == ["there"]
    child.kill()
    child.wait()
    assert eventually(lambda: accounts.presence.announce("here") == [], 20)
    assert query(database, "SELECT count(*) FROM deployment WHERE name LIKE 'limits:%'") == [(1,)]


class Renamed:
    """An owner whom the others took for dead once, and who has another name since."""

    certain = True

    def __init__(self) -> None:
        self.name = "own_1"

    def alive(self, connection: Connection) -> set[str]:
        return {self.name}

    def renew(self, store: Store) -> bool:
        return True

    def resign(self, connection: Connection) -> None: ...


def test_who_was_taken_for_dead_is_there_again_under_its_new_name(database: Path | str) -> None:
    with closing(open_store(database)) as store:
        owner = Renamed()
        presence = Presence(store, owner)
        presence.renew()  # no server yet
        assert presence.announce("here") == []
        owner.name = "own_2"
        presence.renew()
        assert presence.announce("here") == []
        assert query(database, "SELECT name, value FROM deployment") == [("limits:own_2", "here")]
        with store.write() as connection:
            presence.leave(connection)
        assert query(database, "SELECT name FROM deployment") == []
