"""`greatrouter serve --workers 4`: what a plan limits is counted by all of them together."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from greatrouter_api.home import open_accounts
from greatrouter_api.settings import Settings
from tests import postgres, redis_server
from tests.api.test_keys_on_workers import children
from tests.api.test_process import said_until, serving

pytestmark = pytest.mark.slow
WORKERS = 4


@pytest.fixture(params=["sqlite", "postgres", "redis"])
def settings(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """In the environment as well, where the server finds them."""
    monkeypatch.setenv("GREATROUTER_HOME", str(tmp_path))
    monkeypatch.setenv("GREATROUTER_PLANS__FREE__REQUESTS_PER_MINUTE", "50")
    monkeypatch.setenv("GREATROUTER_PLANS__FREE__CONCURRENT_REQUESTS", "200")
    monkeypatch.setenv("GREATROUTER_PLANS__MAX__CONCURRENT_REQUESTS", "1")
    with ExitStack() as stack:
        if request.param == "postgres":
            server = stack.enter_context(postgres.running())
            monkeypatch.setenv("GREATROUTER_DATABASE_URL", stack.enter_context(server.database()))
        if request.param == "redis":
            monkeypatch.setenv("GREATROUTER_REDIS_URL", stack.enter_context(redis_server.running()))
        yield Settings()


async def statuses(url: str, key: str, times: int) -> list[int]:
    """Of so many requests at once, each over a connection of its own; the sandbox answers them."""
    limits = httpx2.Limits(max_connections=times)
    async with httpx2.AsyncClient(base_url=url, timeout=60, limits=limits) as client:

        async def one() -> int:
            asked = {"model": "lab/priced", "messages": [{"role": "user", "content": "hello"}]}
            answer = await client.post("/v1/chat/completions", json=asked, headers={"X-API-Key": key})
            return answer.status_code

        return await asyncio.gather(*(one() for _ in range(times)))


def test_of_200_requests_at_once_all_workers_together_run_exactly_50(settings: Settings) -> None:
    with serving(settings.home, "--port", "0", "--workers", str(WORKERS)) as process:
        ready = re.search(r"ready on (\S+)$", said_until(process, "ready"), re.M)
        assert ready is not None
        assert len(children(process.pid)) == WORKERS
        accounts = open_accounts(settings)
        try:
            key = accounts.create_key("ada", test=True)
        finally:
            accounts.close()
        found = asyncio.run(statuses(ready[1], key, 200))
        assert (found.count(200), found.count(429)) == (50, 150)
        assert asyncio.run(statuses(ready[1], key, 20)).count(200) == 0


def test_who_asks_one_after_another_never_finds_the_one_place_taken(settings: Settings) -> None:
    """Each time over a new connection, so that it is now this worker and now that one."""
    with serving(settings.home, "--port", "0", "--workers", "2") as process:
        ready = re.search(r"ready on (\S+)$", said_until(process, "ready"), re.M)
        assert ready is not None
        accounts = open_accounts(settings)
        try:
            key = accounts.create_key("ada", test=True, plan="max")
        finally:
            accounts.close()
        asked = {"model": "lab/priced", "messages": [{"role": "user", "content": "hello"}]}
        for stream in (False, True):
            for _ in range(150):
                answer = httpx2.post(
                    f"{ready[1]}/v1/chat/completions", json=asked | {"stream": stream}, headers={"X-API-Key": key}
                )
                assert answer.status_code == 200, answer.text
