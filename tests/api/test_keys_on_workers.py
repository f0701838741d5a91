"""`greatrouter serve --workers 2`: a key that is revoked or has expired is refused by each process within a second."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.key_cache import KEY_CACHE_S
from greatrouter_api.home import open_accounts
from greatrouter_api.settings import Settings
from tests.api.conftest import eventually
from tests.api.test_process import said_until, serving

MOST_CONNECTIONS = 200
# For the machine's own slowness between the last moment a key is taken and our hearing of it.
PATIENCE_S = 0.5


def sockets(pid: str) -> int:
    found = 0
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found += os.readlink(descriptor).startswith("socket:")
        except FileNotFoundError:
            continue  # closed since
    return found


def children(pid: int) -> list[str]:
    """The workers, and none of the other processes that Python starts for its own ends."""
    pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [child for child in pids if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[httpx2.Client], Accounts]]:
    """Clients of one connection each, which stays: every worker has some of them."""
    home = tmp_path_factory.mktemp("workers")
    with ExitStack() as stack:
        process = stack.enter_context(serving(home, "--port", "0", "--workers", "2"))
        ready = re.search(r"ready on (\S+)$", said_until(process, "ready"), re.M)
        assert ready is not None
        workers = children(process.pid)
        assert len(workers) == 2
        idle = {worker: sockets(worker) for worker in workers}
        clients: list[httpx2.Client] = []
        while len(clients) < MOST_CONNECTIONS and not all(sockets(worker) > idle[worker] + 2 for worker in workers):
            clients.append(stack.enter_context(httpx2.Client(base_url=ready[1], timeout=20)))
            assert clients[-1].get("/healthz").status_code == 200
        assert len(clients) < MOST_CONNECTIONS, "one worker gets no connections"
        accounts = open_accounts(Settings(home=home))
        stack.callback(accounts.close)
        yield clients, accounts


def answers(clients: list[httpx2.Client], key: str) -> list[httpx2.Response]:
    return [client.get("/v1/account", headers={"X-API-Key": key}) for client in clients]


def test_a_revoked_key_is_refused_by_every_worker_within_a_second(
    served: tuple[list[httpx2.Client], Accounts],
) -> None:
    clients, accounts = served
    key = accounts.create_key("ada")
    assert {answer.status_code for answer in answers(clients, key)} == {200}
    accounts.revoke_key(accounts.list_keys()[-1].id)
    revoked_at_s = time.monotonic()
    assert eventually(lambda: all(answer.status_code == 401 for answer in answers(clients, key)))
    assert time.monotonic() - revoked_at_s < KEY_CACHE_S + PATIENCE_S
    refused = answers(clients, key)
    assert all("revoked" in answer.json()["error"]["message"] for answer in refused)


def test_a_key_is_refused_by_every_worker_within_a_second_of_its_end(
    served: tuple[list[httpx2.Client], Accounts],
) -> None:
    clients, accounts = served
    ends_at = datetime.now(UTC) + timedelta(seconds=1.5)
    key = accounts.create_key("ada", expires_at=ends_at)
    assert {answer.status_code for answer in answers(clients, key)} == {200}
    assert eventually(lambda: all(answer.status_code == 401 for answer in answers(clients, key)))
    late_s = (datetime.now(UTC) - ends_at).total_seconds()
    assert 0 <= late_s < KEY_CACHE_S + PATIENCE_S
    refused = answers(clients, key)
    assert all("expired" in answer.json()["error"]["message"] for answer in refused)


def test_the_last_use_is_seen_by_whoever_lists_keys(served: tuple[list[httpx2.Client], Accounts]) -> None:
    clients, accounts = served
    key = accounts.create_key("ada")
    answers(clients, key)
    assert eventually(lambda: accounts.list_keys()[-1].last_used_at, timeout_s=15)
