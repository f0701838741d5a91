"""A real Redis for the tests that need one: started on a free port of loopback, gone with the tests."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import redis


@contextmanager
def running(port: int | None = None, password: str | None = None) -> Iterator[str]:
    """Its URL. Raises `FileNotFoundError` where Redis is not installed."""
    with process(port, password) as (url, _):
        yield url


@contextmanager
def process(port: int | None = None, password: str | None = None) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Its URL and itself. Raises as `running`."""
    program = shutil.which("redis-server")
    if program is None:
        raise FileNotFoundError("redis-server is not installed (Debian: apt-get install redis-server)")
    port = port or free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no"]
    options += [] if password is None else ["--requirepass", password]
    server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"redis://{'' if password is None else f':{password}@'}127.0.0.1:{port}/0"
        _wait_for(url, server)
        yield url, server
    finally:
        server.terminate()
        server.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(url: str, server: "subprocess.Popen[bytes]", patience_s: float = 30) -> None:
    deadline = time.monotonic() + patience_s
    with redis.Redis.from_url(url) as client:
        while time.monotonic() < deadline and server.poll() is None:
            try:
                client.ping()
            except redis.ConnectionError:
                time.sleep(0.02)
            else:
                return
    raise AssertionError("Redis did not start")
