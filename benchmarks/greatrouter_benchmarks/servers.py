"""The servers a benchmark compares: started on a free port of loopback, ended with the block."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

CONFIG = """
[providers.lab]
kind = "openai"
base_url = "http://127.0.0.1:{port}/v1"
models = [
    {{ id = "lab/small", task = "text", input_per_million_tokens = 0.1, output_per_million_tokens = 0.2 }},
    {{ id = "lab/large", task = "text", input_per_million_tokens = 1.0, output_per_million_tokens = 2.0 }},
]
"""
FASTEST = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")
# As long as providers keep an idle connection: with uvicorn's 5 s a gateway that is behind sends on closed ones.
KEEP_ALIVE = ("--timeout-keep-alive", "75")


class NotStarted(Exception):
    """A server ended, or did not listen in time; the message ends with what it said last."""


@dataclass(frozen=True, slots=True)
class Server:
    """A process that listens on `port` of 127.0.0.1."""

    port: int
    pid: int


@dataclass(frozen=True, slots=True)
class Router:
    """GreatRouter with `lab/small` and `lab/large` behind the provider, and a live key with credit."""

    server: Server
    key: str
    home: Path

    def command(self, *arguments: str) -> str:
        """What a command of the command line prints."""
        return _greatrouter(self.home, *arguments)


@contextlib.contextmanager
def provider() -> Iterator[Server]:
    with _uvicorn("greatrouter_benchmarks.fake_provider:app", os.environ) as server:
        yield server


@contextlib.contextmanager
def proxy(upstream: Server) -> Iterator[Server]:
    url = f"http://127.0.0.1:{upstream.port}/v1/chat/completions"
    with _uvicorn("greatrouter_benchmarks.proxy:app", {**os.environ, "UPSTREAM": url}) as server:
        yield server


@contextlib.contextmanager
def router(home: Path, upstream: Server) -> Iterator[Router]:
    (home / "greatrouter.toml").write_text(CONFIG.format(port=upstream.port))
    key = _greatrouter(home, "keys", "create", "--org", "bench", "--credit", "1000")
    port = free_port()
    command = [sys.executable, "-m", "greatrouter_api", "serve", "--port", str(port)]
    with started(command, port, {**os.environ, "GREATROUTER_HOME": str(home)}) as server:
        yield Router(server, key, home)


@contextlib.contextmanager
def started(
    command: Sequence[str], port: int, environment: Mapping[str, str], patience_s: float = 60
) -> Iterator[Server]:
    """A program that listens on `port`. Raises `NotStarted`."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=said)
        try:
            _wait_for(port, process, patience_s, said)
            yield Server(port, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def _uvicorn(application: str, environment: Mapping[str, str]) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", application, "--port", str(port), *FASTEST, *KEEP_ALIVE]
    with started(command, port, environment) as server:
        yield server


def _greatrouter(home: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "greatrouter_api", *arguments]
    environment = {**os.environ, "GREATROUTER_HOME": str(home)}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def _wait_for(port: int, process: "subprocess.Popen[bytes]", patience_s: float, said: IO[bytes]) -> None:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    said.seek(0)
    lines = said.read().decode(errors="replace").strip().splitlines()
    raise NotStarted(f"nothing listens on port {port}: {lines[-1] if lines else 'it said nothing'}")
