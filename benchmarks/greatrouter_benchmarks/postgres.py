"""A real PostgreSQL of one's own: started on a free port of loopback, gone with the block."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg

from greatrouter_benchmarks.servers import NotStarted, free_port

# Debian keeps the server's programs out of the path.
FOLDERS = (*(str(folder) for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)),)
# The server refuses to run as root; either of these owns nothing of worth.
USERS = ("postgres", "nobody")
USER = "greatrouter"
PATIENCE_S = 30


class Server:
    """Listens on `port` of 127.0.0.1; may be stopped and started again."""

    def __init__(self, folder: Path, port: int, user: str | None, options: Sequence[str]) -> None:
        self.port = port
        self._log = folder / "log"
        self._user = user
        settings = (f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", *options)
        self._command = [_program("postgres"), "-D", str(folder / "data"), *(f"-c{setting}" for setting in settings)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Raises `NotStarted`."""
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, user=self._user)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                psycopg.connect(self.url(), connect_timeout=1).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise NotStarted(f"PostgreSQL did not start: {self._log.read_text()}")

    def stop(self, *, crash: bool = False) -> None:
        """Ends all sessions, wherever they are; what was committed stays. A `crash` leaves everything as it is."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT if crash else signal.SIGINT)
            self._process.wait(PATIENCE_S)
            self._process = None

    def url(self, name: str = "postgres") -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{name}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a new, empty database."""
        name = f"greatrouter_{uuid4().hex}"
        self._run(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def running(*, durable: bool = False) -> Iterator[Server]:
    """`durable` ones wait for the disk, as a benchmark must. Raises `FileNotFoundError` where PostgreSQL is not
    installed."""
    user = next((name for name in USERS if _exists(name)), None) if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="postgres-") as name:
        folder = Path(name)
        if user is not None:
            shutil.chown(folder, user)
        options = ["max_connections=200", *(() if durable else ("fsync=off",))]
        server = Server(folder, free_port(), user, options)
        init = ["-D", str(folder / "data"), "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run([_program("initdb"), *init], capture_output=True, user=user, check=True)
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(FOLDERS))
    if found is None:
        raise FileNotFoundError(f"{name} of PostgreSQL is not installed (Debian: apt-get install postgresql)")
    return found


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
