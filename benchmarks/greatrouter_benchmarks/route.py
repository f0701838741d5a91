"""The router's own time, beside the bare provider and a bare proxy, in one run."""

import argparse
import asyncio
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
from statistics import median

import orjson

from greatrouter_api.tables import console, table
from greatrouter_benchmarks.load import Measured, measure, request_bytes

CHAT = {"model": "small", "messages": [{"role": "user", "content": "Write a haiku about routing"}]}
BY_RULE = "Write a Python function that reverses a linked list"
BY_NEIGHBOURS = "the sea at dusk, gulls and an old lighthouse keeper mending nets"
CONFIG = """
[providers.lab]
kind = "openai"
base_url = "http://127.0.0.1:{port}/v1"
models = [
    {{ id = "lab/small", task = "text", input_per_million_tokens = 0.1, output_per_million_tokens = 0.2 }},
    {{ id = "lab/large", task = "text", input_per_million_tokens = 1.0, output_per_million_tokens = 2.0 }},
]
"""


@dataclass(frozen=True, slots=True)
class Target:
    name: str
    port: int
    pid: int
    request: bytes


def command() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=4000, help="for each measurement")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--rounds", type=int, default=3, help="the median of so many runs is printed")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        targets = _start(Path(folder), stack)
        for connections in arguments.connections:
            _report(targets, connections, arguments.requests, arguments.rounds)


def _start(home: Path, stack: contextlib.ExitStack) -> Sequence[Target]:
    provider_port, proxy_port, router_port = (_free_port() for _ in range(3))
    chat = request_bytes("POST", "/v1/chat/completions", orjson.dumps(CHAT))
    environment = {
        **os.environ,
        "GREATROUTER_HOME": str(home),
        "UPSTREAM": f"http://127.0.0.1:{provider_port}/v1/chat/completions",
    }
    provider = stack.enter_context(_uvicorn("greatrouter_benchmarks.fake_provider:app", provider_port, environment))
    proxy = stack.enter_context(_uvicorn("greatrouter_benchmarks.proxy:app", proxy_port, environment))
    (home / "greatrouter.toml").write_text(CONFIG.format(port=provider_port))
    key = _run(environment, "keys", "create", "--org", "bench", "--credit", "1000")
    router = stack.enter_context(
        _process(["-m", "greatrouter_api", "serve", "--port", str(router_port)], router_port, environment)
    )

    def ask(path: str, prompt: str) -> bytes:
        body = orjson.dumps({"prompt": prompt, "input": {}})
        return request_bytes("POST", path, body, [("Authorization", f"Bearer {key}")])

    return (
        Target("bare provider (raw ASGI)", provider_port, provider, chat),
        Target("bare proxy (raw ASGI + aiohttp)", proxy_port, proxy, chat),
        Target("/v1/auto/suggest, decided by a rule", router_port, router, ask("/v1/auto/suggest", BY_RULE)),
        Target("/v1/auto/suggest, decided by neighbours", router_port, router, ask("/v1/auto/suggest", BY_NEIGHBOURS)),
        Target("/v1/auto/route by a rule, charged, logged", router_port, router, ask("/v1/auto/route", BY_RULE)),
    )


def _report(targets: Sequence[Target], connections: int, requests: int, rounds: int) -> None:
    """One table; the targets take turns in every round, so that a noisy minute hits all of them."""
    runs: Mapping[str, list[Measured]] = {target.name: [] for target in targets}
    for _ in range(rounds):
        for target in targets:
            slow = "neighbours" in target.name
            total = max(requests // 20 if slow else requests, connections)
            runs[target.name].append(asyncio.run(_measured(target, connections, total)))
    rows = []
    for target in targets:
        found = runs[target.name]
        rows.append(
            (
                target.name,
                f"{median(m.percentile(50) for m in found):.2f}",
                f"{median(m.percentile(99) for m in found):.2f}",
                f"{median(m.rate for m in found):,.0f}",
                f"{median(m.cpu_us or 0 for m in found):,.0f}",
                sum(m.failures for m in found),
            )
        )
    columns = ("target", "p50 ms", "p99 ms", "requests/s", "CPU-µs a request", "failed")
    table(f"{connections} connection{'s' if connections > 1 else ''}, median of {rounds} runs", columns, rows)


async def _measured(target: Target, connections: int, total: int) -> Measured:
    await measure(target.port, [target.request], connections, max(total // 10, connections), None)
    return await measure(target.port, [target.request], connections, total, target.pid)


def _run(environment: Mapping[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "greatrouter_api", *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


@contextlib.contextmanager
def _uvicorn(application: str, port: int, environment: Mapping[str, str]) -> Iterator[int]:
    options = [
        "--port",
        str(port),
        "--loop",
        "uvloop",
        "--http",
        "httptools",
        "--no-access-log",
        "--log-level",
        "warning",
    ]
    with _process(["-m", "uvicorn", application, *options], port, environment) as pid:
        yield pid


@contextlib.contextmanager
def _process(arguments: Sequence[str], port: int, environment: Mapping[str, str]) -> Iterator[int]:
    """A Python process that listens on `port`, ended with the block; its pid."""
    process = subprocess.Popen([sys.executable, *arguments], env=environment, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    console().print(f"[red]nothing listens on port {port}[/]")
    raise SystemExit(1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
