"""Real servers as an operator runs them: a home with settings, processes of `greatrouter serve`, the command line."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

SETTINGS = """
embedder = ""
fallback_models = 1
local_models = [{{ id = "lab/vectors", backend = "fake", embeddings_per_million_tokens = 10 }}]
[providers.lab]
base_url = "http://127.0.0.1:{port}/v1"
models = [{{ id = "lab/small", {price} }}]
"""
BY_TOKEN = "input_per_million_tokens = 1, output_per_million_tokens = 2"
READY = re.compile(r"ready on http://127\.0\.0\.1:(\d+)$", re.M)
PATIENCE_S = 60.0


class Process:
    """A server, in a session of its own so that its workers end with it; what it says is in `log`."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], log: Path) -> None:
        self.log = log
        with open(log, "wb") as file:
            self._process = subprocess.Popen(command, env=environment, stdout=file, stderr=file, start_new_session=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()

    @property
    def port(self) -> int | None:
        """None until it serves. Fails where it has ended."""
        found = READY.search(self.said)
        assert self._process.poll() is None, self.said
        return int(found[1]) if found else None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def ready(self) -> int:
        """Its port, as soon as it serves."""
        deadline = time.monotonic() + PATIENCE_S
        pause = threading.Event()
        while (port := self.port) is None:
            assert time.monotonic() < deadline, self.said
            pause.wait(0.02)
        return port

    def stop(self) -> None:
        """As an operator does it: what runs ends first."""
        self._process.send_signal(signal.SIGINT)
        assert self._process.wait(PATIENCE_S) == 0, self.said

    def kill(self) -> None:
        """As a crash does it: nothing is closed, nothing said."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE_S)


class Home:
    """`database` is the URL of PostgreSQL, None for SQLite's file in the home. `provider` is the port of the server of
    the one model `lab/small`."""

    def __init__(self, folder: Path, provider: int, database: str | None, price: str = BY_TOKEN) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.database: Path | str = folder / "accounts.sqlite3" if database is None else database
        self._environment = {**os.environ, "GREATROUTER_HOME": str(folder)}
        if database is not None:
            self._environment["GREATROUTER_DATABASE_URL"] = database
        (folder / "greatrouter.toml").write_text(SETTINGS.format(port=provider, price=price), encoding="utf-8")
        self._started = 0

    def run(self, *arguments: str) -> str:
        """What a command prints."""
        done = subprocess.run(
            [sys.executable, "-m", "greatrouter_api", *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def serve(self, port: int = 0, workers: int = 1) -> Process:
        """Not ready yet; killed at the end of the block."""
        self._started += 1
        command = [sys.executable, "-m", "greatrouter_api", "serve", "--port", str(port), "--workers", str(workers)]
        return Process(command, self._environment, self.folder / f"server-{self._started}.log")


@contextmanager
def serving(homes: Sequence[Home], workers: int = 1) -> Iterator[list[int]]:
    """One server in each home; their ports, once all of them serve."""
    with ExitStack() as stack:
        servers = [stack.enter_context(home.serve(workers=workers)) for home in homes]
        yield [server.ready() for server in servers]
