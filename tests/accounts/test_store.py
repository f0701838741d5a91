"""The database opens, or says why not; it is migrated once, whoever opens it at the same time."""

import asyncio
import os
import shutil
import sqlite3
import stat
import subprocess
import threading
import traceback
from collections.abc import Callable
from contextlib import closing, suppress
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import Connection, insert, inspect

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.errors import RowRefused, StoreFailed
from greatrouter_accounts.file_owner import FileOwner
from greatrouter_accounts.migrations import MIGRATIONS, migrate
from greatrouter_accounts.schema import feedback, metadata
from greatrouter_accounts.sqlite import SqliteStore
from tests.accounts.conftest import SECRET

Start = Callable[[str], "subprocess.Popen[str]"]


# -- who may look into it ------------------------------------------------------------------------------------------


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_the_database_is_its_owners_alone_in_whatever_folder(tmp_path: Path, umask: int) -> None:
    tmp_path.chmod(0o755)
    before = os.umask(umask)
    try:
        accounts = Accounts(tmp_path / "accounts.sqlite3", SECRET)
        accounts.create_key("ada")
        assert modes(tmp_path) == dict.fromkeys(
            ["accounts.sqlite3", "accounts.sqlite3-wal", "accounts.sqlite3-shm"], 0o600
        )
        (tmp_path / "accounts.sqlite3").chmod(0o644)  # as it was once made
        (tmp_path / "accounts.sqlite3-wal").chmod(0o664)
        Accounts(tmp_path / "accounts.sqlite3", SECRET).close()
        assert set(modes(tmp_path).values()) == {0o600}
        accounts.close()
    finally:
        os.umask(before)


def test_what_may_not_be_written_stays_so(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "accounts.sqlite3").close()
    (tmp_path / "accounts.sqlite3").chmod(0o444)
    with suppress(StoreFailed):
        SqliteStore(tmp_path / "accounts.sqlite3").close()
    assert modes(tmp_path)["accounts.sqlite3"] == 0o400


# -- what can be wrong ---------------------------------------------------------------------------------------------


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("not a folder")
    with pytest.raises(StoreFailed, match=r"cannot create .*home: .*set GREATROUTER_HOME to a writable folder"):
        SqliteStore(tmp_path / "home" / "accounts.sqlite3")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is unwritable to root")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StoreFailed, match="expected a file in a folder that this user may write to"):
            SqliteStore(tmp_path / "accounts.sqlite3")
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_in_place_of_the_database(tmp_path: Path) -> None:
    (tmp_path / "accounts.sqlite3").mkdir()
    with pytest.raises(StoreFailed, match="expected a file in a folder that this user may write to"):
        SqliteStore(tmp_path / "accounts.sqlite3")


def test_a_file_in_place_of_the_owners(tmp_path: Path) -> None:
    (tmp_path / "accounts.sqlite3-owners").write_text("not a folder")
    with pytest.raises(StoreFailed, match=r"cannot lock a file in .*let this user write there"):
        Accounts(tmp_path / "accounts.sqlite3", SECRET)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "accounts.sqlite3").write_bytes(b"these are not the tables you are looking for" * 100)
    with pytest.raises(StoreFailed, match="it is damaged or no accounts database"):
        SqliteStore(tmp_path / "accounts.sqlite3")


def test_a_damaged_database(tmp_path: Path) -> None:
    path = tmp_path / "accounts.sqlite3"
    SqliteStore(path).close()
    content = bytearray(path.read_bytes())
    content[100:] = os.urandom(len(content) - 100)
    path.write_bytes(content)
    with pytest.raises(StoreFailed, match="damaged"):
        SqliteStore(path)


def test_a_database_of_a_newer_version(tmp_path: Path) -> None:
    path = tmp_path / "accounts.sqlite3"
    store = SqliteStore(path)
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE schema_version SET version = 1000")
    store.close()
    with pytest.raises(StoreFailed, match=r"version 1000, this program knows .*newer"):
        SqliteStore(path)


def test_an_error_does_not_repeat_what_the_row_held(tmp_path: Path) -> None:
    """Tracebacks are logged; prompts and digests have no business there."""
    store = SqliteStore(tmp_path / "accounts.sqlite3")
    row = {
        "id": "fb_1",
        "organization_id": "org_1",
        "timestamp": "",
        "prompt": "a secret of the caller",
        "correct": True,
    }

    def twice() -> None:
        with store.write() as connection:
            connection.execute(insert(feedback), [row, row])

    with pytest.raises(RowRefused) as failure:
        twice()
    assert "secret" not in "".join(traceback.format_exception(failure.value))
    store.close()


def test_a_locked_database_fails_in_time_and_works_again_afterwards(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "accounts.sqlite3", busy_timeout_s=0.01)
    blocker = sqlite3.connect(tmp_path / "accounts.sqlite3", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    for _ in range(3):
        with pytest.raises(StoreFailed, match="another program has held it"), store.write():
            pass
    with store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM keys").scalar_one() == 0
    blocker.execute("COMMIT")
    blocker.close()
    with store.write() as connection:
        connection.exec_driver_sql("INSERT INTO balances VALUES ('wallet:ada', 1)")
    store.close()


def test_nothing_is_written_to_a_file_that_was_moved_away_or_replaced(tmp_path: Path) -> None:
    """Whoever restores a backup under a running server must not lose what it charges from then on."""
    path, away = tmp_path / "accounts.sqlite3", tmp_path / "away.sqlite3"
    store = SqliteStore(path)
    path.rename(away)
    for replaced in (False, True):
        if replaced:
            path.write_bytes(away.read_bytes())
        with pytest.raises(StoreFailed, match="moved away or replaced"), store.write():
            pass
        with pytest.raises(StoreFailed, match="moved away or replaced"), store.read():
            pass
    away.rename(path)
    with store.write() as connection:
        connection.exec_driver_sql("INSERT INTO balances VALUES ('wallet:ada', 1)")
    with store.read() as connection:
        assert connection.exec_driver_sql("SELECT amount_cents FROM balances").scalar_one() == 1
    store.close()


# The child's files may not grow beyond what they are: to SQLite that is a full disk.
FULL_DISK = """
import os, resource, sqlite3
accounts = opened()
caller = asyncio.run(accounts.authenticate(accounts.create_key("ada")))
accounts.office.credit("ada", Decimal(1_000_000))
def largest(cents):
    resource.setrlimit(resource.RLIMIT_FSIZE, (cents, resource.RLIM_INFINITY))
async def fill():
    charged = 0
    largest(os.path.getsize(f"{database}-wal") + 100_000)
    try:
        while True:
            reservation = await accounts.till.reserve(caller, Decimal(2), "req")
            await accounts.till.settle(reservation, Decimal(1))
            charged += 1
    except StoreFailed as error:
        return charged, str(error)
async def settle_on_a_full_disk():
    largest(resource.RLIM_INFINITY)
    reservation = await accounts.till.reserve(caller, Decimal(5), "req_last")
    largest(os.path.getsize(f"{database}-wal"))
    try:
        await accounts.till.settle(reservation, Decimal(5))
    except StoreFailed:
        largest(resource.RLIM_INFINITY)
        return "refused"
charged, message = asyncio.run(fill())
print(message)
print(asyncio.run(settle_on_a_full_disk()))
accounts.close()
connection = sqlite3.connect(database)
print(connection.execute("SELECT count(*) FROM reservations").fetchone())
connection.close()
accounts = opened()
print(accounts.verify(), accounts.balance("ada") + charged)
accounts.close()
"""


def test_a_full_disk_refuses_work_and_loses_nothing(path: Path, process: Start) -> None:
    child = process(FULL_DISK)
    output, errors = child.communicate(timeout=60)
    message, refused, left_open, books = output.splitlines() or ["", "", "", errors]
    assert "disk" in message
    assert "free" in message
    assert refused == "refused"
    assert left_open == "(0,)"  # released as soon as the disk had room again
    assert books == "[] 1000000.00000000"
    assert "Traceback" not in errors


# -- opening -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a?mode=ro", "a#b", "a%20b", "a b", "größer", "a&b=c:d@e"])
def test_any_folder_name_will_do(tmp_path: Path, name: str) -> None:
    path = tmp_path / name / "accounts.sqlite3"
    Accounts(path, SECRET).close()
    assert path.is_file()


def test_a_commit_is_on_disk_before_it_is_acknowledged(tmp_path: Path) -> None:
    """The write-ahead log is flushed at every commit (FULL is 2)."""
    store = SqliteStore(tmp_path / "accounts.sqlite3")
    with store.write() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
    store.close()


def test_an_exception_undoes_what_was_written(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "accounts.sqlite3")

    def half_way() -> None:
        with store.write() as connection:
            connection.exec_driver_sql("INSERT INTO balances VALUES ('wallet:ada', 1)")
            raise KeyError

    with pytest.raises(KeyError):
        half_way()
    with store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM balances").scalar_one() == 0
    store.close()


def test_a_reader_sees_one_moment(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "accounts.sqlite3")
    count = "SELECT count(*) FROM balances"
    with store.read() as reading:
        assert reading.exec_driver_sql(count).scalar_one() == 0
        with store.write() as writing:
            writing.exec_driver_sql("INSERT INTO balances VALUES ('wallet:ada', 1)")
        assert reading.exec_driver_sql(count).scalar_one() == 0
    with store.read() as reading:
        assert reading.exec_driver_sql(count).scalar_one() == 1
    store.close()


def test_threads_take_turns(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "accounts.sqlite3", busy_timeout_s=0.0)
    with store.write() as connection:
        connection.exec_driver_sql("INSERT INTO balances VALUES ('wallet:ada', 0)")

    def add() -> None:
        for _ in range(20):
            with store.write() as connection:
                connection.exec_driver_sql("UPDATE balances SET amount_cents = amount_cents + 1")

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as connection:
        assert connection.exec_driver_sql("SELECT amount_cents FROM balances").scalar_one() == 80
    store.close()


def test_a_copy_without_what_was_written_last_is_not_taken_for_a_new_one(tmp_path: Path) -> None:
    """SQLite keeps that beside it until there is much of it."""
    path, copy = tmp_path / "accounts.sqlite3", tmp_path / "copy" / "accounts.sqlite3"
    store = SqliteStore(path)
    copy.parent.mkdir()
    shutil.copyfile(path, copy)
    with pytest.raises(StoreFailed, match="copied without the one beside it whose name ends in -wal"):
        SqliteStore(copy)
    shutil.copyfile(f"{path}-wal", f"{copy}-wal")
    SqliteStore(copy).close()
    store.close()


def test_where_there_were_accounts_no_empty_ones_begin_by_themselves(tmp_path: Path) -> None:
    path = tmp_path / "accounts.sqlite3"
    Accounts(path, SECRET).close()
    path.rename(tmp_path / "away")
    for empty in (False, True):
        if empty:
            path.touch()
        with pytest.raises(StoreFailed, match=r"the file was moved away.*to begin with empty accounts, remove"):
            Accounts(path, SECRET)
        assert path.exists() == empty
        path.unlink(missing_ok=True)
    (tmp_path / "away").rename(path)
    Accounts(path, SECRET).close()


# -- migrations ----------------------------------------------------------------------------------------------------


def add_notes(connection: Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE notes (text VARCHAR)")


def add_authors(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE notes ADD COLUMN author VARCHAR")


def break_off(connection: Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE half_done (x INTEGER)")
    connection.exec_driver_sql("this is not SQL")


def version(store: SqliteStore) -> int:
    with store.read() as connection:
        return int(connection.exec_driver_sql("SELECT version FROM schema_version").scalar_one())


def test_a_new_database_has_the_tables_of_now_and_its_version(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "accounts.sqlite3")
    with store.read() as connection:
        assert set(inspect(connection).get_table_names()) == set(metadata.tables)
    assert version(store) == len(MIGRATIONS)
    store.close()


def test_a_migration_runs_once_and_in_order(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "accounts.sqlite3")
    for added in ((add_notes,), (add_notes,), (add_notes, add_authors), (add_notes, add_authors)):
        migrations = (*MIGRATIONS, *added)
        with store.write() as connection:
            migrate(connection, migrations)
        assert version(store) == len(migrations)
    with store.write() as connection:
        connection.exec_driver_sql("INSERT INTO notes (text, author) VALUES ('a', 'b')")
    store.close()


def test_a_migration_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "accounts.sqlite3")
    with pytest.raises(StoreFailed, match="syntax error"), store.write() as connection:
        migrate(connection, (*MIGRATIONS, add_notes, add_authors, break_off))
    assert version(store) == len(MIGRATIONS)
    with store.read() as connection:
        assert set(inspect(connection).get_table_names()) == set(metadata.tables)
    store.close()


def test_processes_that_open_a_new_database_at_once_all_find_it_whole(process: Start) -> None:
    children = [process("print(1, flush=True); sys.stdin.readline(); opened().close(); print(2)") for _ in range(3)]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "1\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    assert [child.communicate(timeout=60) for child in children] == [("2\n", "")] * 3


# -- who is alive --------------------------------------------------------------------------------------------------


def test_an_owner_knows_the_living_and_forgets_the_dead(tmp_path: Path) -> None:
    connection = cast("Connection", None)  # locks need none
    first, second = FileOwner(tmp_path), FileOwner(tmp_path)
    (tmp_path / "own_dead").touch()
    assert first.alive(connection) == second.alive(connection) == {first.name, second.name}
    assert not (tmp_path / "own_dead").exists()
    second.resign(connection)
    assert first.alive(connection) == {first.name}
    first.resign(connection)
    assert list(tmp_path.iterdir()) == []


def test_an_owner_whose_lock_is_out_of_sight_takes_another_name(tmp_path: Path) -> None:
    """Somebody removed the folder, or put that of a backup back."""
    store = SqliteStore(tmp_path / "accounts.sqlite3")
    owner, other = store.enrol(), store.enrol()
    folder, name = tmp_path / "accounts.sqlite3-owners", owner.name
    assert owner.renew(store)
    shutil.copytree(folder, tmp_path / "backup")
    shutil.rmtree(folder)
    (tmp_path / "backup").rename(folder)
    assert not owner.renew(store)
    assert owner.renew(store)
    assert owner.name != name
    shutil.rmtree(folder)
    for each in (owner, other):
        assert not each.renew(store)
    with store.write() as connection:
        assert owner.alive(connection) == other.alive(connection) == {owner.name, other.name}
        owner.resign(connection)
        other.resign(connection)
    assert list(folder.iterdir()) == []
    store.close()


def test_whoever_comes_by_a_link_sees_who_lives(tmp_path: Path) -> None:
    path, link = tmp_path / "real" / "accounts.sqlite3", tmp_path / "link.sqlite3"
    with closing(Accounts(path, SECRET)) as first:
        caller = asyncio.run(first.authenticate(first.create_key("ada")))
        first.office.credit("ada", Decimal(10))
        reservation = asyncio.run(first.till.reserve(caller, Decimal(4), "req"))
        link.symlink_to(path)
        with closing(Accounts(link, SECRET)) as second:
            assert second.balance("ada") == 6
        assert asyncio.run(first.till.settle(reservation, Decimal(4))) == 4
    assert not (tmp_path / "link.sqlite3-owners").exists()
