"""Charges a second that are durable on disk, beside the bare database committing as many single rows in the same run.

A charge is a reservation and its settlement, as every request makes them; its latency is what both together add to the
request. All callers ask again as soon as they are answered, but for the last table, in which requests come by chance.
"""

import argparse
import asyncio
import contextlib
import os
import random
import sqlite3
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from statistics import median

import uvloop

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.errors import AccountsError
from greatrouter_accounts.keys import Caller
from greatrouter_api.terminal import CommandFailed
from greatrouter_benchmarks import servers
from greatrouter_benchmarks.comparison import machine, middle, plural, say, show
from greatrouter_benchmarks.load import percentile

Commit = Callable[[], object]
PRICE = Decimal("0.001")
# A pool is filled from a wallet that could pay for a thousand such reservations; a poorer one is reserved from on disk.
SMALL_ESTIMATE, LARGE_ESTIMATE, CREDIT = Decimal("0.002"), Decimal(10), Decimal(9_000)
FLUSHES = 200
ROW = ("txn_0192f3a4b5c67d8e9f001122334455", "charge", "wallet:org_0192f3a4b5c67d8e9f0011223344", 100_000, "req_1", "")
NAMES = "transaction_id, kind, account, amount_cents, request_id, created_at"
TABLE = "transaction_id TEXT, kind TEXT, account TEXT, amount_cents BIGINT, request_id TEXT, created_at TEXT"


@dataclass(frozen=True, slots=True)
class Run:
    """`latencies_ms` of each charge; `cpu_s` is what this process used, on all its threads."""

    latencies_ms: Sequence[float]
    seconds: float
    cpu_s: float

    @property
    def rate(self) -> float:
        return len(self.latencies_ms) / self.seconds

    @property
    def cpu_us(self) -> float:
        return self.cpu_s / len(self.latencies_ms) * 1e6


@dataclass(frozen=True, slots=True)
class Database:
    """`accounts` is what `Accounts` opens; `bare` gives what commits one row, once a thread, for so many callers; the
    stack closes it."""

    name: str
    accounts: Path | str
    bare: Callable[[contextlib.ExitStack, int], list[Commit]]


def command() -> None:
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="ledger-", dir=arguments.folder) as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        say(f"{machine()}; a flush of its disk takes {_flush_ms(folder):.2f} ms")
        databases = [Database("SQLite", folder / "accounts.sqlite3", partial(_bare_sqlite, folder / "bare.sqlite3"))]
        databases += _postgres(arguments.postgres, stack)
        for database in databases:
            try:
                _compare(database, arguments)
            except AccountsError as error:
                raise CommandFailed(str(error)) from error


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--charges", type=int, default=4000, help="for each measurement")
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument(
        "--paced", type=int, nargs="*", default=[100, 300], help="requests a second that come by chance"
    )
    parser.add_argument("--rounds", type=int, default=3, help="the median of so many runs is printed")
    parser.add_argument("--folder", type=Path, default=argparse.SUPPRESS, help="where SQLite's files are made")
    postgres_help = "the URL of an empty database, which is filled; one is started here if absent"
    parser.add_argument("--postgres", default=argparse.SUPPRESS, help=postgres_help)
    return parser.parse_args(namespace=argparse.Namespace(folder=None, postgres=None))


def _compare(database: Database, arguments: argparse.Namespace) -> None:
    accounts = Accounts(database.accounts, os.urandom(32))
    try:
        caller = asyncio.run(accounts.authenticate(accounts.create_key("bench")))
        for callers in arguments.callers:
            _compare_closed(database, accounts, caller, callers, arguments)
        if arguments.paced:
            _compare_paced(database, accounts, caller, arguments)
        if problems := accounts.verify():
            raise CommandFailed("the books do not agree:\n  " + "\n  ".join(problems))
        say(f"{database.name}: every balance agrees with its ledger\n")
    finally:
        accounts.close()


def _compare_closed(
    database: Database, accounts: Accounts, caller: Caller, callers: int, arguments: argparse.Namespace
) -> None:
    total = arguments.charges
    targets: dict[str, Callable[[], Run]] = {
        "bare database, a commit each": lambda: _committed(database, callers, total),
        "charged from a pool": lambda: _charged(accounts, caller, SMALL_ESTIMATE, callers, total),
        "reserved and charged on disk": lambda: _charged(accounts, caller, LARGE_ESTIMATE, callers, total),
    }
    by_round = [{name: measure() for name, measure in targets.items()} for _ in range(arguments.rounds)]
    found = {name: [runs[name] for runs in by_round] for name in targets}
    bare = median(run.rate for run in next(iter(found.values())))
    rows = [
        (
            name,
            middle(0, (run.rate for run in runs)),
            f"{median(run.rate for run in runs) / bare:.1f}",
            *(middle(2, (percentile(run.latencies_ms, q) for run in runs)) for q in (50, 99)),
            middle(0, (run.cpu_us for run in runs)),
        )
        for name, runs in found.items()
    ]
    columns = ("target", "charges/s", "times bare", "p50 ms", "p99 ms", "CPU-µs each")
    show(f"{database.name}, {plural(callers, 'caller')}, median of {plural(arguments.rounds, 'run')}", columns, rows)


def _compare_paced(database: Database, accounts: Accounts, caller: Caller, arguments: argparse.Namespace) -> None:
    rows = []
    for rate in arguments.paced:
        runs = [uvloop.run(_by_chance(accounts, caller, rate)) for _ in range(arguments.rounds)]
        latencies = [[percentile(run.latencies_ms, q) for run in runs] for q in (50, 99)]
        rows.append((f"{rate} a second", *(middle(2, each) for each in latencies), middle(0, (r.cpu_us for r in runs))))
    title = f"{database.name}, from a pool, by chance"
    show(title, ("requests", "p50 ms", "p99 ms", "CPU-µs each"), rows)


# -- charges ---------------------------------------------------------------------------------------------------------


def _charged(accounts: Accounts, caller: Caller, estimate: Decimal, callers: int, total: int) -> Run:
    """`total` charges by so many callers, each of which waits for one before it makes the next."""
    _top_up(accounts)

    async def work() -> Run:
        await _all(accounts, caller, estimate, callers, total // 10)
        return await _measured(lambda: _all(accounts, caller, estimate, callers, total))

    return uvloop.run(work())


async def _by_chance(accounts: Accounts, caller: Caller, rate: int) -> Run:
    """Requests of two seconds, at moments drawn at random."""
    _top_up(accounts)
    await _all(accounts, caller, SMALL_ESTIMATE, 1, 10)

    async def work() -> list[float]:
        tasks = []
        for _ in range(2 * rate):
            await asyncio.sleep(random.expovariate(rate))
            tasks.append(asyncio.create_task(_charge(accounts, caller, SMALL_ESTIMATE)))
        return await asyncio.gather(*tasks)

    return await _measured(work)


async def _measured(work: Callable[[], Awaitable[list[float]]]) -> Run:
    used, started = time.process_time(), time.perf_counter()
    latencies_ms = await work()
    return Run(latencies_ms, time.perf_counter() - started, time.process_time() - used)


async def _all(accounts: Accounts, caller: Caller, estimate: Decimal, callers: int, total: int) -> list[float]:
    turns = iter(range(total))

    async def one() -> list[float]:
        return [await _charge(accounts, caller, estimate) for _ in turns]

    return [latency for latencies in await asyncio.gather(*(one() for _ in range(callers))) for latency in latencies]


async def _charge(accounts: Accounts, caller: Caller, estimate: Decimal) -> float:
    """How long it took, in ms."""
    started = time.perf_counter()
    reservation = await accounts.till.reserve(caller, estimate, "req_bench")
    await accounts.till.settle(reservation, PRICE)
    return 1000 * (time.perf_counter() - started)


def _top_up(accounts: Accounts) -> None:
    """To what is too little for a pool of large reservations, and enough for all."""
    if (missing := CREDIT - accounts.balance("bench")) > 0:
        accounts.office.credit("bench", missing)


# -- the bare database -------------------------------------------------------------------------------------------------


def _committed(database: Database, callers: int, total: int) -> Run:
    """As many rows, each in a transaction of its own."""
    turns = iter(range(total))  # `next` of it is one step of the interpreter
    begin = threading.Event()

    def work(commit: Callable[[], object]) -> list[float]:
        latencies = []
        begin.wait()
        for _ in turns:
            started = time.perf_counter()
            commit()
            latencies.append(1000 * (time.perf_counter() - started))
        return latencies

    with contextlib.ExitStack() as stack, ThreadPoolExecutor(callers) as threads:
        connections = database.bare(stack, callers)
        futures = [threads.submit(work, connection) for connection in connections]
        used, started = time.process_time(), time.perf_counter()
        begin.set()
        latencies = [latency for future in futures for latency in future.result()]
        return Run(latencies, time.perf_counter() - started, time.process_time() - used)


def _bare_sqlite(path: Path, stack: contextlib.ExitStack, _callers: int) -> list[Commit]:
    """One thread with the settings of ours, however many callers: SQLite writes for one at a time, and several threads
    that take turns get through a quarter of that."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    stack.callback(connection.close)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"CREATE TABLE IF NOT EXISTS bare (sequence INTEGER PRIMARY KEY, {TABLE})")
    insert = f"INSERT INTO bare ({NAMES}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608 - names of our own

    def commit() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(insert, ROW)
        connection.execute("COMMIT")

    return [commit]


def _bare_postgres(url: str, stack: contextlib.ExitStack, callers: int) -> list[Commit]:
    """A connection each."""
    import psycopg

    insert = f"INSERT INTO bare ({NAMES}) VALUES (%s, %s, %s, %s, %s, %s)".encode()  # noqa: S608 - names of our own
    connections = [stack.enter_context(psycopg.connect(url, autocommit=True)) for _ in range(callers)]
    return [partial(connection.execute, insert, ROW) for connection in connections]


def _postgres(url: str | None, stack: contextlib.ExitStack) -> list[Database]:
    """None where it is neither given nor installed."""
    try:
        import psycopg

        from greatrouter_benchmarks.postgres import running

        if url is None:
            url = stack.enter_context(stack.enter_context(running(durable=True)).database())
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE TABLE IF NOT EXISTS bare (sequence BIGSERIAL PRIMARY KEY, {TABLE})".encode())
    except (ImportError, FileNotFoundError, servers.NotStarted) as error:
        say(f"PostgreSQL is left out: {error}")
        return []
    except psycopg.Error as error:
        raise CommandFailed(f"--postgres: {error}") from error
    return [Database("PostgreSQL", url, partial(_bare_postgres, url))]


def _flush_ms(folder: Path) -> float:
    """What one page that is appended and flushed takes; the median."""
    took = []
    with open(folder / "flushed", "wb", buffering=0) as file:
        for _ in range(FLUSHES):
            started = time.perf_counter()
            file.write(bytes(4096))
            os.fdatasync(file.fileno())
            took.append(1000 * (time.perf_counter() - started))
    return median(took)
