"""The accounts database goes away in the middle of traffic, and comes back: until then nothing is charged and everyone
who would pay is told to come again, and after it nobody has to start anything again."""

import asyncio
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, closing, contextmanager
from decimal import Decimal
from pathlib import Path
from random import Random

import httpx2
import psycopg
import pytest
import uvloop

from greatrouter_accounts.accounts import Accounts
from greatrouter_api.services import server_secret
from tests import postgres
from tests.soak.books import Books, disagreements
from tests.soak.clients import Crowd, Request
from tests.soak.deployment import Home
from tests.soak.provider import Provider

CLIENTS = 16
GOOD_S, BAD_S, PATIENCE_S = 0.7, 2.0, 20.0
# SQLite itself waits so long for another program.
LOCK_S = 11.0

REFUSE = b"""
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'it cannot be written' USING ERRCODE = '%s'; END $$"""

pytestmark = pytest.mark.slow
Trouble = Callable[[Home, int], AbstractContextManager[None]]


# -- what can go wrong: it does so for the length of the block -------------------------------------------------------


@contextmanager
def locked(home: Home, _pid: int) -> Iterator[None]:
    """By another program."""
    script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE')"
    command = [sys.executable, "-c", f"{script}; print(flush=True); sys.stdin.read()", str(home.database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        yield
        other.communicate()


@contextmanager
def full(home: Home, pid: int) -> Iterator[None]:
    """The server's files may not grow beyond what they are: to SQLite that is a full disk."""
    log = Path(f"{home.database}-wal")
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (log.stat().st_size, resource.RLIM_INFINITY))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def moved(home: Home, _pid: int) -> Iterator[None]:
    assert isinstance(home.database, Path)
    away = home.database.rename(home.folder / "away")
    yield
    away.rename(home.database)


def test_sqlite_is_locked_by_another_program(tmp_path: Path) -> None:
    uvloop.run(_outage(tmp_path / "home", None, locked, readable=True, bad_s=LOCK_S + BAD_S))


def test_the_disk_is_full(tmp_path: Path) -> None:
    uvloop.run(_outage(tmp_path / "home", None, full, readable=True))


def test_the_database_file_is_moved_away(tmp_path: Path) -> None:
    uvloop.run(_outage(tmp_path / "home", None, moved, readable=False))


def test_postgres_is_stopped_and_started_again(tmp_path: Path) -> None:
    with postgres.running() as server, server.database() as url:

        @contextmanager
        def stopped(_home: Home, _pid: int) -> Iterator[None]:
            server.stop()
            yield
            server.start()

        uvloop.run(_outage(tmp_path / "home", url, stopped, readable=False))


@pytest.mark.parametrize("code", ["25006", "53100"], ids=["read-only", "disk full"])
def test_postgres_takes_no_writes_for_a_while(tmp_path: Path, postgres_server: postgres.Server, code: str) -> None:
    """With the error that it has then: a standby cannot be had by a switch, nor a full disk."""
    with postgres_server.database() as url:

        @contextmanager
        def refusing(_home: Home, _pid: int) -> Iterator[None]:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(REFUSE % code.encode())
                connection.execute(b"CREATE TRIGGER refuse BEFORE INSERT ON ledger EXECUTE FUNCTION refuse()")
                yield
                connection.execute(b"DROP TRIGGER refuse ON ledger")

        uvloop.run(_outage(tmp_path / "home", url, refusing, readable=True))


# -- what must hold, whatever it was ---------------------------------------------------------------------------------


async def _outage(folder: Path, url: str | None, trouble: Trouble, *, readable: bool, bad_s: float = BAD_S) -> None:
    """`readable` is whether the database can still be read meanwhile."""
    async with Provider().listening() as provider:
        home = Home(folder, provider.port, url)
        with closing(Accounts(home.database, server_secret(folder / "secret"))) as accounts:
            crowd = Crowd({"acme": accounts.create_key("acme")}, Random(0), CLIENTS)
            accounts.credit("acme", Decimal(100_000))
            caller = await accounts.authenticate(crowd.keys["acme"])
            accounts.set_preference(caller.organization_id, "default_task", "code")
        with home.serve() as server:
            port = await asyncio.to_thread(server.ready)
            async with _asking(crowd, port):
                await asyncio.sleep(GOOD_S)
                with trouble(home, server.pid):
                    began = time.monotonic()
                    await asyncio.sleep(bad_s)
                    preferences = await asyncio.to_thread(_preferences, port, crowd.keys["acme"])
                    ended = time.monotonic()
                mended = time.monotonic()
                assert await _served_since(crowd, mended), server.said
            await asyncio.to_thread(server.stop)
            assert "ERROR" not in server.said
        with closing(Books(home.database)) as books:
            assert books.problems() == []
            assert books.held() == 0
            assert disagreements(crowd.asked, books.charges(), provider.produced) == []
    answered = [request for request in crowd.asked if began < request.answered_at < ended]
    assert 503 in Counter(request.status for request in answered)
    meanwhile = [request for request in answered if request.asked_at > began]
    assert [request for request in meanwhile if not _told_to_come_again(request)] == []
    assert preferences.status_code == (200 if readable else 503)
    if readable:
        assert preferences.json()["default_task"] == "code"


@asynccontextmanager
async def _asking(crowd: Crowd, port: int) -> AsyncIterator[None]:
    ended = asyncio.Event()
    asking = asyncio.create_task(crowd.ask(port, ended))
    try:
        yield
    finally:
        ended.set()
        await asking


async def _served_since(crowd: Crowd, mended: float) -> bool:
    """Whether somebody who asked since then is charged before long."""
    while time.monotonic() < mended + PATIENCE_S:
        if any(request.asked_at > mended and request.told for request in crowd.asked):
            return True
        await asyncio.sleep(0.05)
    return False


def _told_to_come_again(request: Request) -> bool:
    """Whoever paid nothing: by the status, or in a stream that had begun by its last event. Some had hung up before."""
    if request.status == 503:
        return request.retry_after == b"5" and b"nothing was charged" in request.body
    told = request.kind in ("stream", "leave") and b'"status":503' in request.body.rpartition(b"data: {")[2]
    return request.told is None and (told or request.status == 0)


def _preferences(port: int, key: str) -> httpx2.Response:
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client:
        return client.get("/v1/preferences", headers={"Authorization": f"Bearer {key}"})
