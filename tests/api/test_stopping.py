"""A server that is told to stop: what runs is waited for, what takes longer is cut, and nobody pays for what they did
not get."""

import asyncio
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from starlette.testclient import TestClient

from greatrouter_accounts.accounts import Accounts
from greatrouter_api.app import create_app
from greatrouter_api.home import open_accounts
from greatrouter_api.http_protocol import CUT_S
from greatrouter_api.settings import Settings
from tests.accounts.asking import logged
from tests.api.conftest import WORDS, Events, Provider, chunk, completion, eventually, listening
from tests.api.test_errors import check
from tests.api.test_process import said_until, serving

TOML = """
embedder = ""
local_models = []
stop_timeout_s = {patience_s}
[providers.lab]
base_url = "http://127.0.0.1:{port}/v1"
models = [{{ id = "lab/small", input_per_million_tokens = 1000, output_per_million_tokens = 2000 }}]
"""
CHAT = "/v1/chat/completions"
SAY = {"model": "lab/small", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 100}
# What a start and an end may take on a machine that does much else.
SLACK_S = 15.0


class Served:
    """A process of its own, its provider here; `ask` does not wait for the answer."""

    def __init__(self, process: "subprocess.Popen[str]", url: str, accounts: Accounts, provider: Provider) -> None:
        self.process, self.url, self.accounts, self.provider = process, url, accounts, provider
        self.key = accounts.create_key("acme")
        accounts.office.credit("acme", Decimal(1000))
        self._callers = ThreadPoolExecutor(8)

    def ask(self, path: str = CHAT, body: Any = SAY, **headers: str) -> "Future[httpx2.Response]":
        asked = {"X-API-Key": self.key, **headers}
        return self._callers.submit(httpx2.post, f"{self.url}{path}", json=body, headers=asked, timeout=60)

    def connected(self) -> socket.socket:
        host, port = self.url.removeprefix("http://").split(":")
        return socket.create_connection((host, int(port)), timeout=SLACK_S)

    def refuses(self) -> bool:
        """Whether no process listens any more."""
        try:
            self.connected().close()
        except ConnectionRefusedError:
            return True
        except OSError:  # it was in the queue when that was closed
            return False
        return False

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def ended(self) -> tuple[int, str]:
        """Its status and what it said since it was ready."""
        said = said_until(self.process, "nothing ends it but the end")
        return self.process.wait(SLACK_S), said

    def spent(self) -> Decimal:
        assert self.accounts.verify() == []
        return 1000 - self.accounts.balance("acme")

    def log(self) -> dict[str, dict[str, Any]]:
        """The rows by the ids of their requests."""
        caller = asyncio.run(self.accounts.authenticate(self.key))
        return {row["request_id"]: row for row in logged(self.accounts, caller.organization_id)}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    with ExitStack() as stack:

        def started(patience_s: float, workers: int = 1) -> Served:
            provider = Provider()
            port = stack.enter_context(listening(provider))
            settings = TOML.format(port=port, patience_s=patience_s)
            arguments = ("--port", "0", "--workers", str(workers))
            process = stack.enter_context(serving(tmp_path, *arguments, settings=settings))
            ready = re.search(r"ready on (\S+)$", said_until(process, "ready"), re.M)
            assert ready is not None
            accounts = open_accounts(Settings(home=tmp_path))
            stack.callback(accounts.close)
            return Served(process, ready[1], accounts, provider)

        yield started


@pytest.mark.parametrize("workers", [1, 2])
def test_what_runs_is_waited_for_and_nobody_else_is_let_in(start: Callable[..., Served], workers: int) -> None:
    served = start(60, workers)
    go_on = threading.Event()

    def slow(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        assert go_on.wait(SLACK_S)
        return completion(path, body)

    served.provider.answer = slow
    answer = served.ask()
    assert eventually(lambda: served.provider.requests)
    served.stop()
    assert eventually(served.refuses)
    assert not answer.done()
    go_on.set()
    given = answer.result()
    assert given.status_code == 200
    assert given.headers["connection"] == "close"
    status, said = served.ended()
    assert status == (-signal.SIGTERM if workers == 1 else 0)
    assert said == "INFO greatrouter: stopping: requests that still run get 60 s to end\n"
    assert served.spent() == Decimal(str(given.json()["greatrouter"]["charge_dollars"])) * 100


@pytest.mark.parametrize("workers", [1, 2])
def test_what_takes_longer_is_cut_and_told_so(start: Callable[..., Served], workers: int) -> None:
    served = start(0.3, workers)
    served.provider.answer = lambda _path, body: (200, Events(WORDS[:2] if body.get("stream") else (), "hang"))
    whole = served.ask(**{"X-Request-Id": "whole"})
    routed = served.ask("/v1/auto/route", {"prompt": "hello", "input": {}}, **{"X-Request-Id": "routed"})
    stream = served.ask(CHAT, SAY | {"stream": True}, **{"X-Request-Id": "stream", "Idempotency-Key": "once"})
    assert eventually(lambda: len(served.provider.requests) == 3)
    with served.connected() as slow:
        slow.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nX-Request-Id: typing\r\nX-API-Key: "
            + served.key.encode()
            + b"\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n"
        )
        assert slow.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        stopped_at = time.monotonic()
        served.stop()
        status, said = served.ended()
        head, _, body = b"".join(iter(lambda: slow.recv(65536), b"")).partition(b"\r\n\r\n")
    assert time.monotonic() - stopped_at < SLACK_S
    assert said == "INFO greatrouter: stopping: requests that still run get 0.3 s to end\n"
    assert status == (-signal.SIGTERM if workers == 1 else 0)
    for answer in (whole.result(), routed.result()):
        error = check(answer, 503, "server_stopping")
        assert (answer.headers["retry-after"], answer.headers["connection"]) == ("5", "close")
        assert "send the request again" in error["message"]
    assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"\r\nretry-after: 5\r\n" in head
    assert b"\r\nx-request-id: typing\r\n" in head
    assert orjson.loads(body)["error"]["code"] == "server_stopping"
    *pieces, last = [piece for piece in stream.result().content.split(b"\n\n") if piece]
    assert [piece + b"\n\n" for piece in pieces] == list(WORDS[:2])
    error = orjson.loads(last.removeprefix(b"data: "))["error"]
    assert (error["code"], error["status"]) == ("server_stopping", 503)
    [attempt] = error["metadata"]["attempts"]
    assert (attempt["model"], attempt["error"]) == ("lab/small", None)
    charged = Decimal(str(error["metadata"]["charge_dollars"])) * 100
    assert served.spent() == charged > 0
    rows = served.log()
    assert {name: (row["status"], row["cost_cents"]) for name, row in rows.items()} == {
        "whole": (503, 0),
        "routed": (503, 0),
        "stream": (503, charged),
    }


def test_a_second_signal_cuts_at_once(start: Callable[..., Served]) -> None:
    served = start(60)
    served.provider.answer = lambda _path, _body: (200, Events((), "hang"))
    answer = served.ask()
    assert eventually(lambda: served.provider.requests)
    served.stop()
    assert eventually(served.refuses)
    assert not answer.done()
    served.stop()
    check(answer.result(SLACK_S), 503, "server_stopping")
    assert served.ended() == (
        -signal.SIGTERM,
        "INFO greatrouter: stopping: requests that still run get 60 s to end\n",
    )
    assert [row["status"] for row in served.log().values()] == [503]


def test_a_caller_who_does_not_read_keeps_nobody_waiting(start: Callable[..., Served]) -> None:
    served = start(0.3)
    words = chunk("hello", much="x" * 100_000)  # more than goes into the buffers in between
    served.provider.answer = lambda _path, _body: (200, Events((words,) * 500, "hang"))
    body = orjson.dumps(SAY | {"stream": True})
    with served.connected() as deaf:
        head = f"POST {CHAT} HTTP/1.1\r\nX-API-Key: {served.key}\r\nContent-Length: {len(body)}\r\n\r\n"
        deaf.sendall(head.encode() + body)
        assert deaf.recv(1) == b"H"
        stopped_at = time.monotonic()
        served.stop()
        status, said = served.ended()
    assert status == -signal.SIGTERM
    assert said == "INFO greatrouter: stopping: requests that still run get 0.3 s to end\n"
    assert time.monotonic() - stopped_at < CUT_S  # which a cut request may take beyond the 0.3
    [row] = served.log().values()
    assert row["status"] == 499
    assert served.spent() == row["cost_cents"] > 0


@contextmanager
def told_to_stop(home: Path) -> Iterator[TestClient]:
    front = create_app(Settings(home=home, local_models=[], embedder=None))
    with TestClient(front) as client:
        assert client.get("/readyz").status_code == 200
        front.stop()
        yield client


def test_a_server_that_is_told_to_stop_is_not_ready(tmp_path: Path) -> None:
    with told_to_stop(tmp_path) as client:
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["problems"]) == (503, {"server": "the server is stopping"})
        assert client.get("/healthz").status_code == 200
