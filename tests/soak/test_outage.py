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
from greatrouter_accounts.store import open_store
from greatrouter_api.home import server_secret
from tests import postgres
from tests.soak.books import Books, disagreements
from tests.soak.clients import Crowd, Request
from tests.soak.deployment import Home
from tests.soak.provider import Provider

CLIENTS = 16
GOOD_S, BAD_S, PATIENCE_S = 0.7, 2.0, 20.0
# So long either database waits for others.
LOCK_S = 11.0
ASKED_WITH_A_KEY = ("/v1/preferences", "/v1/auto/suggest")

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
    with _files_end_at(Path(f"{home.database}-wal").stat().st_size, pid):
        yield


@contextmanager
def read_only(_home: Home, pid: int) -> Iterator[None]:
    """Not a byte of any file may be written, as on a disk that its system has made read-only after an error."""
    with _files_end_at(0, pid):
        yield


@contextmanager
def _files_end_at(size: int, pid: int) -> Iterator[None]:
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
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


@pytest.mark.parametrize("trouble", [full, read_only])
def test_the_disk_takes_no_more(tmp_path: Path, trouble: Trouble) -> None:
    uvloop.run(_outage(tmp_path / "home", None, trouble, readable=True))


def test_the_database_file_is_moved_away(tmp_path: Path) -> None:
    uvloop.run(_outage(tmp_path / "home", None, moved, readable=False))


@pytest.mark.parametrize(("crash", "times"), [(False, 1), (True, 4)], ids=["stopped", "crashed"])
def test_postgres_is_gone_for_a_while(tmp_path: Path, crash: bool, times: int) -> None:
    with postgres.running() as server, server.database() as url:

        @contextmanager
        def gone(_home: Home, _pid: int) -> Iterator[None]:
            server.stop(crash=crash)
            yield
            server.start()

        uvloop.run(_outage(tmp_path / "home", url, gone, readable=False, times=times))


def test_postgres_is_read_only_for_a_while(tmp_path: Path, postgres_server: postgres.Server) -> None:
    """As managed ones are whose disk is nearly full."""
    with postgres_server.database() as url:

        @contextmanager
        def standing(_home: Home, _pid: int) -> Iterator[None]:
            _make_read_only(url, "on")
            yield
            _make_read_only(url, "off")

        uvloop.run(_outage(tmp_path / "home", url, standing, readable=True))


def _make_read_only(url: str, state: str) -> None:
    with psycopg.connect(url, autocommit=True, options="-c default_transaction_read_only=off") as connection:
        connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {state}".encode())
        connection.execute(b"SELECT pg_reload_conf()")
    found = None
    while found != (state,):  # new sessions have it when all others were told
        with psycopg.connect(url) as connection:
            found = connection.execute(b"SHOW default_transaction_read_only").fetchone()


def test_postgres_is_locked_by_somebody_else(tmp_path: Path, postgres_server: postgres.Server) -> None:
    with postgres_server.database() as url:

        @contextmanager
        def held(_home: Home, _pid: int) -> Iterator[None]:
            with psycopg.connect(url) as connection:
                connection.execute(b"LOCK TABLE balances IN EXCLUSIVE MODE")  # they can be read
                yield

        uvloop.run(_outage(tmp_path / "home", url, held, readable=True, bad_s=2 * LOCK_S))


@pytest.mark.parametrize("code", ["53100", "42501"], ids=["disk full", "no right to it"])
def test_postgres_takes_no_entries_for_a_while(tmp_path: Path, postgres_server: postgres.Server, code: str) -> None:
    """With the error that it has then."""
    with postgres_server.database() as url:

        @contextmanager
        def refusing(_home: Home, _pid: int) -> Iterator[None]:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(REFUSE % code.encode())
                connection.execute(b"CREATE TRIGGER refuse BEFORE INSERT ON ledger EXECUTE FUNCTION refuse()")
                yield
                connection.execute(b"DROP TRIGGER refuse ON ledger")

        uvloop.run(_outage(tmp_path / "home", url, refusing, readable=True))


@pytest.mark.parametrize("url", ["sqlite", "postgres"], indirect=True)
def test_preferences_that_cannot_be_read_keep_nobody_waiting(tmp_path: Path, url: str | None) -> None:
    """What is known of them holds, and the defaults where nothing is; everybody is answered and charged as ever."""
    uvloop.run(_without_preferences(tmp_path / "home", url))


# -- what must hold, whatever it was ---------------------------------------------------------------------------------


async def _outage(
    folder: Path, url: str | None, trouble: Trouble, *, readable: bool, bad_s: float = BAD_S, times: int = 1
) -> None:
    """`readable` is whether the database can still be read meanwhile."""
    async with Provider().listening() as provider:
        home = Home(folder, provider.port, url)
        crowd = await _crowd(home)
        with home.serve() as server:
            port = await asyncio.to_thread(server.ready)
            async with _asking(crowd, port):
                for _ in range(times):
                    await asyncio.sleep(GOOD_S)
                    with trouble(home, server.pid):
                        began = time.monotonic()
                        await asyncio.sleep(bad_s)
                        seen = await asyncio.to_thread(_looked, port, crowd.keys["acme"])
                        ended = time.monotonic()
                    mended = time.monotonic()
                    assert await _served_since(crowd, mended), server.said
            await asyncio.to_thread(server.stop)
            assert "ERROR" not in server.said
        _check(home, crowd, provider)
    answered = [request for request in crowd.asked if began < request.answered_at < ended]
    assert 503 in Counter(request.status for request in answered)
    meanwhile = [request for request in answered if request.asked_at > began]
    assert [request for request in meanwhile if not _told_to_come_again(request)] == []
    # Whose key it is cannot be told without the database, and one that was revoked must not be taken.
    assert seen == {"/healthz": 200, "/v1/models": 200} | dict.fromkeys(ASKED_WITH_A_KEY, "code" if readable else 503)


async def _without_preferences(folder: Path, url: str | None) -> None:
    away, back = "ALTER TABLE preferences RENAME TO elsewhere", "ALTER TABLE elsewhere RENAME TO preferences"
    async with Provider().listening() as provider:
        home = Home(folder, provider.port, url)
        crowd = await _crowd(home)
        with home.serve() as server:
            port = await asyncio.to_thread(server.ready)
            async with _asking(crowd, port):
                await asyncio.sleep(GOOD_S)
                known = await asyncio.to_thread(_looked, port, crowd.keys["acme"])
                _execute(home, away)
                await asyncio.sleep(BAD_S)
                seen = await asyncio.to_thread(_looked, port, crowd.keys["acme"])
                _execute(home, back)
                await asyncio.sleep(GOOD_S)
            await asyncio.to_thread(server.stop)
            assert "ERROR" not in server.said
        _check(home, crowd, provider)
    assert seen == known
    assert {request.status for request in crowd.asked if request.kind != "leave"} == {200}


def _execute(home: Home, statement: str) -> None:
    with closing(open_store(home.database)) as store, store.write() as connection:
        connection.exec_driver_sql(statement)


async def _crowd(home: Home) -> Crowd:
    """Of an organization that can pay, and prefers code."""
    with closing(Accounts(home.database, server_secret(home.folder / "secret"))) as accounts:
        crowd = Crowd({"acme": accounts.create_key("acme")}, Random(0), CLIENTS)
        accounts.office.credit("acme", Decimal(100_000))
        caller = await accounts.authenticate(crowd.keys["acme"])
        accounts.set_preference(caller.organization_id, "default_task", "code")
    return crowd


def _check(home: Home, crowd: Crowd, provider: Provider) -> None:
    with closing(Books(home.database)) as books:
        assert books.problems() == []
        assert books.held() == 0
        assert disagreements(crowd.asked, books.charges(), provider.produced) == []


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


def _looked(port: int, key: str) -> dict[str, object]:
    """What is answered to those who run nothing: the status, or the task that the organization prefers."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client:
        seen: dict[str, object] = {path: client.get(path).status_code for path in ("/healthz", "/v1/models")}
        client.headers["Authorization"] = f"Bearer {key}"
        preferences = client.get("/v1/preferences")
        preview = client.post("/v1/auto/suggest", json={"prompt": "Zinnia"})
    tasks = (lambda: preferences.json()["default_task"], lambda: preview.json()["classification"]["task"])
    for path, answer, task in zip(ASKED_WITH_A_KEY, (preferences, preview), tasks, strict=True):
        seen[path] = task() if answer.status_code == 200 else answer.status_code
    return seen
