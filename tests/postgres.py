"""A real PostgreSQL for the tests that need one: started on a free port of loopback, gone with the tests."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg

# Debian keeps the server's programs out of the path.
FOLDERS = (*(str(folder) for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)),)
# The server refuses to run as root; either of these owns nothing of worth.
USERS = ("postgres", "nobody")
USER = "greatrouter"


@dataclass(frozen=True)
class Server:
    """`durable` ones wait for the disk, as a benchmark must."""

    port: int

    def url(self, name: str = "postgres") -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{name}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new, empty database."""
        name = f"test_{uuid4().hex}"
        self._run(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def running(*, durable: bool = False) -> Iterator[Server]:
    """Raises `FileNotFoundError` where PostgreSQL is not installed."""
    user = next((name for name in USERS if _exists(name)), None) if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        if user is not None:
            shutil.chown(folder, user)
        data, port = f"{folder}/data", _free_port()
        _run([_program("initdb"), "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"], user)
        options = ["-c", f"port={port}", "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"]
        options += ["-c", "max_connections=200", *(() if durable else ("-c", "fsync=off"))]
        with open(f"{folder}/log", "wb") as log:
            server = subprocess.Popen([_program("postgres"), "-D", data, *options], stdout=log, stderr=log, user=user)
        try:
            _wait_for(port, server, Path(folder, "log"))
            yield Server(port)
        finally:
            server.send_signal(signal.SIGINT)  # ends its sessions and stops
            server.wait(30)


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(FOLDERS))
    if found is None:
        raise FileNotFoundError(f"{name} of PostgreSQL is not installed (Debian: apt-get install postgresql)")
    return found


def _run(command: Sequence[str], user: str | None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, user=user, check=False)
    assert done.returncode == 0, done.stderr


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, server: "subprocess.Popen[bytes]", log: Path, patience_s: float = 30) -> None:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline and server.poll() is None:
        try:
            psycopg.connect(f"postgresql://{USER}@127.0.0.1:{port}/postgres", connect_timeout=1).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"PostgreSQL did not start: {log.read_text()}")
