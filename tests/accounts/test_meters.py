"""What is limited, counted by every store alike: in memory, in either database and in a real Redis; exact for tasks,
threads and processes that ask at once, and given back by whoever leaves or dies."""

import asyncio
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Dialect

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.errors import CounterFailed, RateLimited, StoreFailed
from greatrouter_accounts.gate import Plan
from greatrouter_accounts.keys import Caller
from greatrouter_accounts.limits import Give, Limits, Meter, Take, Taken, give, take
from greatrouter_accounts.meter_rows import MeterRows
from greatrouter_accounts.meters import KEPT, OwnMeters, open_meters
from greatrouter_accounts.redis_meters import RedisMeters
from greatrouter_accounts.store import Store, open_store
from tests import redis_server
from tests.accounts.asking import let_in
from tests.accounts.conftest import LEASE, SECRET, query
from tests.api.conftest import eventually

Start = Callable[[str], "subprocess.Popen[str]"]
PLANS = {"free": Plan(Limits(requests_per_minute=50, tokens_per_minute=1_000, concurrent_requests=None))}
FEW_AT_A_TIME = {"free": Plan(Limits(concurrent_requests=3))}


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with redis_server.running() as url:
        yield url


# -- every store does what the rules say ----------------------------------------------------------------------------

NAMES = ("org:ada", "org:bob", "key:one")
LIMITS = st.builds(Limits, *[st.one_of(st.none(), st.integers(1, 6))] * 3)
OPERATIONS = st.one_of(
    st.builds(
        lambda names, limits, asked: Take(tuple(zip(sorted(names), limits, strict=False)), *asked),
        st.sets(st.sampled_from(NAMES), min_size=1, max_size=2),
        st.lists(LIMITS, min_size=2, max_size=2),
        st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 4)),
    ),
    st.builds(
        lambda name, places, tokens, ago: ([name], places, tokens, ago),
        st.sampled_from(NAMES),
        st.integers(0, 1),
        st.integers(-4, 4),
        st.integers(0, 70),
    ),
)
# Now and then a clock is an hour ahead for a moment.
SECONDS = st.one_of(st.floats(-2, 40), st.sampled_from([-3_600.0, 3_600.0]))
STEPS = st.lists(st.tuples(SECONDS, st.lists(OPERATIONS, max_size=6)), max_size=8)


def told(result: Any) -> Any:
    if isinstance(result, RateLimited):
        return result.kind, result.meter, result.limit, result.wait_s, result.standing
    return (result.second, list(result.requests), list(result.tokens)) if isinstance(result, Taken) else result


def expected(operations: Sequence[Take | Give], meters: dict[str, Meter], now: float, owner: str) -> list[Any]:
    found: list[Any] = []
    for operation in operations:
        if isinstance(operation, Give):
            give(meters, operation, now)
            found.append(None)
        else:
            found.append(told(take(meters, operation, now, owner)))
    return found


def agrees(
    commit: Callable[[Sequence[Take | Give]], Sequence[Any]],
    owner: str,
    clock: list[float],
    steps: Sequence[tuple[float, Sequence[Any]]],
) -> None:
    meters = {name: Meter() for name in NAMES}
    for seconds, asked in steps:
        clock[0] += seconds
        operations: list[Take | Give] = []
        for one in asked:
            if isinstance(one, Take):
                operations.append(one)
            else:
                names, places, tokens, ago = one
                operations.append(Give(names, owner, places, tokens, int(clock[0]) - ago))
        assert [told(each) for each in commit(operations)] == expected(operations, meters, clock[0], owner)


ONE_STORE = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(steps=STEPS)
@ONE_STORE
def test_the_database_agrees_with_the_rules(database: Path | str, steps: Any) -> None:
    store = open_store(database, LEASE)
    try:
        owner, clock = store.enrol(), [1_000_000.0]
        with store.write() as connection:
            connection.exec_driver_sql("DELETE FROM meters")
        agrees(MeterRows(store, owner, lambda: clock[0]).commit, owner.name, clock, steps)
        with store.write() as connection:
            owner.resign(connection)
    finally:
        store.close()


@pytest.mark.slow
@given(steps=STEPS)
@settings(ONE_STORE, max_examples=150)
def test_redis_agrees_with_the_rules(redis_url: str, steps: Any) -> None:
    clock = [1_000_000.0]
    meters = RedisMeters(redis_url, LEASE, lambda: clock[0])
    try:
        with redis.Redis.from_url(redis_url) as client:
            client.flushdb()
        agrees(meters.commit, meters.name, clock, steps)
    finally:
        meters.close()


# -- all at once ----------------------------------------------------------------------------------------------------


@contextmanager
def gated(database: Path | str, plans: Any = PLANS, **counted: Any) -> Iterator[Accounts]:
    accounts = Accounts(database, SECRET, lease=LEASE, plans=plans, **counted)
    try:
        yield accounts
    finally:
        accounts.close()


def caller(accounts: Accounts, **own: Any) -> Caller:
    key = accounts.create_key("ada", **own)
    return asyncio.run(accounts.authenticate(key))


async def admitted(accounts: Accounts, who: Caller, times: int) -> int:
    """How many of so many requests at once are let in; they stay."""
    found = await asyncio.gather(*(let_in(accounts, who) for _ in range(times)), return_exceptions=True)
    wrong = [each for each in found if isinstance(each, BaseException) and not isinstance(each, RateLimited)]
    assert wrong == []
    return sum(not isinstance(each, BaseException) for each in found)


@pytest.mark.parametrize("shared", [False, True])
def test_of_200_requests_at_once_exactly_50_are_let_in(database: Path | str, shared: bool) -> None:
    with gated(database, shared=shared) as accounts:
        who = caller(accounts)
        assert asyncio.run(admitted(accounts, who, 200)) == 50
        assert asyncio.run(admitted(accounts, who, 10)) == 0
        other = asyncio.run(accounts.authenticate(accounts.create_key("bob")))
        assert asyncio.run(admitted(accounts, other, 60)) == 50


@pytest.mark.parametrize("shared", [False, True])
def test_a_key_has_limits_of_its_own(database: Path | str, shared: bool) -> None:
    with gated(database, shared=shared) as accounts:
        first, second = (caller(accounts, limits={"requests_per_minute": 20}) for _ in range(2))
        assert asyncio.run(admitted(accounts, first, 100)) == 20
        assert asyncio.run(admitted(accounts, second, 100)) == 20
        free = caller(accounts)
        assert asyncio.run(admitted(accounts, free, 100)) == 10  # what is left of the organization's


RACER = """
from greatrouter_accounts.gate import Plan
from greatrouter_accounts.limits import Limits
from greatrouter_accounts.errors import RateLimited
key, redis_url = sys.stdin.readline().split(",")
plans = {"free": Plan(Limits(requests_per_minute=50, tokens_per_minute=1000))}
accounts = Accounts(database, b"a secret of thirty-two bytes ....", lease=timedelta(seconds=2), plans=plans,
                    shared=True, redis_url=redis_url.strip() or None)
caller = asyncio.run(accounts.authenticate(key))
print("ready", flush=True)
sys.stdin.readline()
async def one(number):
    try:
        await accounts.gate.ticket(caller).admit()
    except RateLimited:
        return 0
    return 1
async def tokens(number):
    try:
        await accounts.gate.spend(caller, 30)
    except RateLimited:
        return 0
    return 30
async def main():
    return sum(await asyncio.gather(*map(one, range(50)))), sum(await asyncio.gather(*map(tokens, range(50))))
print(*asyncio.run(main()), flush=True)
accounts.close()
"""


def race(process: Start, key: str, redis_url: str = "") -> tuple[int, int]:
    """What four processes, each with 50 requests at once, get together."""
    racers = [process(RACER) for _ in range(4)]
    for racer in racers:
        assert racer.stdin is not None
        assert racer.stdout is not None
        racer.stdin.write(f"{key},{redis_url}\n")
        racer.stdin.flush()
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    results = [racer.communicate("\n", timeout=60) for racer in racers]
    assert [errors for _, errors in results] == [""] * 4
    counts = [tuple(map(int, output.split())) for output, _ in results]
    return sum(requests for requests, _ in counts), sum(tokens for _, tokens in counts)


@pytest.mark.slow
def test_four_processes_let_in_exactly_50_of_200(opened: Callable[[], Accounts], process: Start) -> None:
    key = opened().create_key("ada")
    assert race(process, key) == (50, 990)


@pytest.mark.slow
def test_four_processes_on_one_redis_let_in_exactly_50_of_200(path: Path, process: Start, redis_url: str) -> None:
    accounts = Accounts(path, SECRET, lease=LEASE)
    key = accounts.create_key("ada")
    accounts.close()
    assert race(process, key, redis_url) == (50, 990)


# -- places are given back ------------------------------------------------------------------------------------------


def test_whoever_leaves_makes_room(database: Path | str) -> None:
    with gated(database, FEW_AT_A_TIME, shared=True) as accounts:
        who = caller(accounts)

        async def work() -> None:
            tickets = [await let_in(accounts, who) for _ in range(3)]
            with pytest.raises(RateLimited, match="3 requests at a time"):
                await let_in(accounts, who)
            for ticket in tickets[:2]:
                assert ticket is not None
                ticket.release()
                ticket.release()  # once is enough
            again = [await let_in(accounts, who) for _ in range(2)]
            assert None not in again
            with pytest.raises(RateLimited):
                await let_in(accounts, who)

        asyncio.run(work())


def test_a_caller_who_leaves_while_it_waits_to_be_let_in_takes_no_place(database: Path | str) -> None:
    with gated(database, FEW_AT_A_TIME, shared=True) as accounts:
        who = caller(accounts)

        async def work() -> int:
            for _ in range(20):
                waiting = asyncio.ensure_future(let_in(accounts, who))
                await asyncio.sleep(0)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
            await asyncio.sleep(0.1)  # what was taken for them comes back meanwhile
            return await admitted(accounts, who, 5)

        assert asyncio.run(work()) == 3


DIES = """
from greatrouter_accounts.gate import Plan
from greatrouter_accounts.limits import Limits
key, redis_url = sys.stdin.readline().split(",")
accounts = Accounts(database, b"a secret of thirty-two bytes ....", lease=timedelta(seconds=2),
                    plans={"free": Plan(Limits(concurrent_requests=3))}, shared=True,
                    redis_url=redis_url.strip() or None)
caller = asyncio.run(accounts.authenticate(key))
async def main():
    for _ in range(3):
        await accounts.gate.ticket(caller).admit()
asyncio.run(main())
print("full", flush=True)
sys.stdin.readline()
"""


def outlived(accounts: Accounts, process: Start, redis_url: str = "") -> None:
    """A process that fills all places is killed, and its places are free again; while it lives they are not."""
    key = accounts.create_key("ada")
    who = asyncio.run(accounts.authenticate(key))
    child = process(DIES)
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(f"{key},{redis_url}\n")
    child.stdin.flush()
    assert child.stdout.readline() == "full\n"
    assert not eventually(lambda: asyncio.run(admitted(accounts, who, 1)), timeout_s=3)  # longer than its lease
    child.kill()
    child.wait()
    assert eventually(lambda: asyncio.run(admitted(accounts, who, 1)), timeout_s=20)
    assert asyncio.run(admitted(accounts, who, 5)) == 2


@pytest.mark.slow
def test_the_places_of_a_process_that_died_are_free_again(database: Path | str, process: Start) -> None:
    with gated(database, FEW_AT_A_TIME, shared=True) as accounts:
        outlived(accounts, process)


@pytest.mark.slow
def test_the_places_of_a_process_that_died_are_free_again_at_redis(path: Path, process: Start, redis_url: str) -> None:
    with gated(path, FEW_AT_A_TIME, redis_url=redis_url) as accounts:
        outlived(accounts, process, redis_url)


# -- where nobody can be asked --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_without_its_redis_nobody_is_let_in_and_it_is_found_again(path: Path) -> None:
    port = redis_server.free_port()
    with gated(path, redis_url=f"redis://127.0.0.1:{port}/0") as accounts:
        who = caller(accounts)
        for _ in range(2):
            with pytest.raises(StoreFailed, match="redis_url"):
                asyncio.run(let_in(accounts, who))
            with redis_server.running(port):
                assert asyncio.run(admitted(accounts, who, 60)) == 50


def test_an_outage_of_redis_is_told_once_and_so_is_its_end(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    port = redis_server.free_port()
    with gated(path, redis_url=f"redis://user:password@127.0.0.1:{port}/3") as accounts:
        who = caller(accounts)
        assert accounts.gate.place == f"Redis at 127.0.0.1:{port}/3"
        for _ in range(3):
            accounts.gate.renew()
            assert not accounts.gate.answers()
            with pytest.raises(CounterFailed, match=f"Redis at 127.0.0.1:{port}/3 of redis_url.*check that it runs"):
                asyncio.run(let_in(accounts, who))
        [told] = [record.getMessage() for record in caplog.records]
        assert f"127.0.0.1:{port}" in told
        caplog.clear()
    with gated(path, redis_url=f"redis://127.0.0.1:{port}/0") as accounts:
        assert not accounts.gate.answers()
        with redis_server.running(port):
            assert accounts.gate.answers()
            accounts.gate.renew()
        assert not accounts.gate.answers()
    assert ["answers again" in record.getMessage() for record in caplog.records] == [False, True, False]
    assert "password" not in caplog.text


@pytest.mark.slow
def test_a_redis_that_stalls_keeps_nobody_waiting(path: Path) -> None:
    """It takes connections and answers nothing, as one that is stopped or whose machine is busy."""
    with redis_server.process() as (url, server), gated(path, FEW_AT_A_TIME, redis_url=url) as accounts:
        who = caller(accounts)
        assert asyncio.run(admitted(accounts, who, 2)) == 2
        server.send_signal(signal.SIGSTOP)
        try:
            began = time.monotonic()
            with pytest.raises(CounterFailed):
                asyncio.run(let_in(accounts, who))
            assert 0.9 < time.monotonic() - began < 2
            began = time.monotonic()
            for _ in range(20):
                with pytest.raises(CounterFailed):
                    asyncio.run(let_in(accounts, who))
            assert time.monotonic() - began < 0.5
        finally:
            server.send_signal(signal.SIGCONT)
        assert eventually(accounts.gate.answers)
        # Whatever it still ran of those that heard nothing: two are under way, and the third has its place.
        assert eventually(lambda: asyncio.run(admitted(accounts, who, 3)) == 1)
        assert asyncio.run(admitted(accounts, who, 3)) == 0


def test_an_address_that_is_none_is_said_at_once(path: Path) -> None:
    with pytest.raises(StoreFailed, match="redis://HOST"):
        Accounts(path, SECRET, redis_url="127.0.0.1:6379")


@dataclass
class Unheard:
    """A store whose commits go through; of the next `lost` nobody hears that."""

    store: Store
    lost: int = 0

    @property
    def dialect(self) -> Dialect:
        return self.store.dialect

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        with self.store.write(durable=durable) as connection:
            yield connection
        if self.lost:
            self.lost -= 1
            raise StoreFailed("unheard")


def test_what_nobody_heard_of_costs_no_place_and_gives_none_away(database: Path | str) -> None:
    with closing(open_store(database, LEASE)) as store:
        unheard, owner = Unheard(store), store.enrol()
        meters = open_meters((cast("Store", unheard), owner), time.monotonic, LEASE)
        asked = Take((("org:ada", Limits(concurrent_requests=2)),), requests=1, places=1)

        async def work() -> None:
            for _ in range(3):
                unheard.lost = 1
                with pytest.raises(StoreFailed):
                    await meters.take(asked)
            meters.renew()
            await meters.settled()
            taken = [await meters.take(asked) for _ in range(2)]
            with pytest.raises(RateLimited):
                await meters.take(asked)
            unheard.lost = 1
            meters.give(Give(["org:ada"], taken[0].owner, places=1))  # tried again, though it went through
            await asyncio.sleep(0.1)
            await meters.settled()
            await meters.take(asked)
            with pytest.raises(RateLimited):
                await meters.take(asked)

        asyncio.run(work())
        meters.close()


def test_many_who_are_limited_keep_nobody_waiting() -> None:
    """What nobody uses any more is looked for now and then, and not at each request once there are many."""
    asked: list[None] = []
    meters = OwnMeters(lambda: float(asked.append(None) or 1_000))

    async def work() -> None:
        for number in range(KEPT + 500):
            await meters.take(Take(((f"org:{number}", Limits(requests_per_minute=9)),), requests=1))

    asyncio.run(work())
    assert len(asked) <= KEPT + 500 + 2


def test_a_process_alone_writes_nothing(path: Path) -> None:
    with gated(path) as accounts:
        asyncio.run(admitted(accounts, caller(accounts), 60))
    assert query(path, "SELECT count(*) FROM meters") == [(0,)]
