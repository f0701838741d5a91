"""`greatrouter serve` as its operator sees it: when it says that it is ready, and why it is not."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from greatrouter_api.listener import bind, url
from greatrouter_api.terminal import CommandFailed
from tests.api.conftest import eventually

TOML = """
embedder = ""
local_models = []
[providers.lab]
base_url = "http://127.0.0.1:9/v1"
api_key_env = "A_KEY_THAT_NOBODY_SET"
models = [{ id = "lab/priced", price_per_request = 0 }, { id = "lab/unpriced" }]
"""


@contextmanager
def serving(home: Path, *arguments: str, settings: str = TOML) -> Iterator["subprocess.Popen[str]"]:
    (home / "greatrouter.toml").write_text(settings)
    command = [sys.executable, "-m", "greatrouter_api", "serve", *arguments]
    environment = {**os.environ, "GREATROUTER_HOME": str(home)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def said_until(process: "subprocess.Popen[str]", words: str) -> str:
    """All that was said up to the line with `words`, or to the end."""
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if words in line:
            break
    return said


@pytest.mark.parametrize(("workers", "end", "status"), [("1", signal.SIGINT, 0), ("2", signal.SIGTERM, 0)])
def test_ready_means_that_it_listens(tmp_path: Path, workers: str, end: int, status: int) -> None:
    with serving(tmp_path, "--port", "0", "--workers", workers) as process:
        said = said_until(process, "ready on")
        found = re.search(r"ready on (http://127\.0\.0\.1:\d+)$", said, re.M)
        assert found is not None, said
        assert httpx2.get(f"{found[1]}/healthz").status_code == 200
        process.send_signal(end)
        rest = said_until(process, "nothing ends it but the end")
        assert process.wait(20) == status
    assert rest == "INFO greatrouter: stopping: requests that still run get 120 s to end\n"
    assert said.count("INFO greatrouter: accounts: SQLite in ") == 1
    counter = "in this process" if workers == "1" else "in the accounts database"
    assert f"{tmp_path / 'accounts.sqlite3'}; limits: {counter}\n" in said
    doubts = [line for line in said.splitlines() if line.startswith("WARNING")]
    assert len(doubts) == 2
    assert "[providers.lab]" in doubts[0]
    assert "A_KEY_THAT_NOBODY_SET is not set" in doubts[0]
    assert "lab/unpriced of [providers.lab] has no price" in doubts[1]


def test_workers_end_with_the_parent_that_was_killed(tmp_path: Path) -> None:
    with serving(tmp_path, "--port", "0", "--workers", "2") as process:
        found = re.search(r"ready on http://127\.0\.0\.1:(\d+)$", said_until(process, "ready on"), re.M)
        assert found is not None
        process.kill()

        def gone() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", int(found[1]))) != 0

        assert eventually(gone, 20)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_busy_port_is_one_line_and_nothing_is_opened(tmp_path: Path, workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        with serving(tmp_path, "--port", port, "--workers", workers) as process:
            said = said_until(process, "nothing ends it but the end")
            assert process.wait(20) == 1
    assert said == (
        f"greatrouter: port {port} of 127.0.0.1 is in use by another program; stop it, or choose another --port\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["greatrouter.toml"]


def test_a_port_that_is_taken_while_it_opens_is_one_line_too(tmp_path: Path) -> None:
    """Two servers started at once: both may bind, only one may listen."""
    [other] = bind("127.0.0.1", 0)
    with other, serving(tmp_path, "--port", str(other.getsockname()[1])) as process:
        said_until(process, "starting")
        other.listen()
        said = said_until(process, "nothing ends it but the end")
        assert process.wait(20) == 1
    assert "ready" not in said
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith("greatrouter: cannot listen on http://127.0.0.1:")


@pytest.mark.parametrize(("host", "words"), [("192.0.2.1", "no address of this machine"), ("a..b", "not known")])
def test_a_host_that_is_not_this_machine_is_said(host: str, words: str) -> None:
    with pytest.raises(CommandFailed, match=words):
        bind(host, 0)


def test_every_address_of_a_name_gets_the_same_port() -> None:
    found = bind("localhost", 0)
    try:
        assert len({listener.getsockname()[1] for listener in found}) == 1
        assert url(found, "localhost") == f"http://localhost:{found[0].getsockname()[1]}"
        assert url(found, "::1").startswith("http://[::1]:")
    finally:
        for listener in found:
            listener.close()
