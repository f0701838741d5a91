"""Targets measured beside each other, and the tables that come of it."""

import os
import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeVar

import orjson
from rich.markup import escape

from greatrouter_api.tables import console, table
from greatrouter_benchmarks.load import Load, load, request_bytes
from greatrouter_benchmarks.servers import Server

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Target:
    """One request to one server. A slow one gets only a `share` of the requests the others get."""

    name: str
    server: Server
    request: bytes
    share: float = 1.0

    def portion(self, total: int, least: int) -> int:
        return max(int(total * self.share), least)


@dataclass(frozen=True, slots=True)
class Gateway:
    """A server that speaks OpenAI's chat and passes it on to the provider."""

    name: str
    server: Server
    model: str = "lab/small"
    headers: tuple[tuple[str, str], ...] = ()
    share: float = 1.0

    def asked(self, prompt: str, *, stream: bool = False) -> Target:
        body = {"model": self.model, "messages": [{"role": "user", "content": prompt}]}
        raw = orjson.dumps(body | {"stream": True} if stream else body)
        return Target(
            self.name, self.server, request_bytes("POST", "/v1/chat/completions", raw, self.headers), self.share
        )


def refusal(gateway: Gateway) -> str | None:
    """What it says where it does not answer, whole and streamed, with 200."""
    for stream in (False, True):
        request = gateway.asked("Are you there?", stream=stream).request
        tried = load(gateway.server, [request], connections=1, total=1, keep=True).exchanges
        if not tried or tried[0].status != 200:
            said = b"".join(piece for exchange in tried for _, piece in exchange.pieces)
            return said.decode(errors="replace")[:300] or "the connection broke"
    return None


def in_turns(targets: Sequence[Target], rounds: int, measure: Callable[[Target], Found]) -> list[list[Found]]:
    """The measurements of each target. All take turns in every round, so that a noisy minute hits all of them."""
    by_round = [[measure(target) for target in targets] for _ in range(rounds)]
    return [list(found) for found in zip(*by_round, strict=True)]


def compare_requests(targets: Sequence[Target], connections: int, requests: int, rounds: int) -> None:
    """One table of whole answers."""

    def measured(target: Target) -> Load:
        total = target.portion(requests, connections)
        load(target.server, [target.request], connections, max(total // 10, connections))
        return load(target.server, [target.request], connections, total)

    rows = []
    for target, runs in zip(targets, in_turns(targets, rounds, measured), strict=True):
        rows.append(
            (
                target.name,
                middle(2, (run.percentile_ms(50) for run in runs)),
                middle(2, (run.percentile_ms(99) for run in runs)),
                middle(0, (run.rate for run in runs)),
                middle(0, (run.cpu_us for run in runs)),
                sum(run.failures for run in runs),
            )
        )
    columns = ("target", "p50 ms", "p99 ms", "requests/s", "CPU-µs a request", "failed")
    show(f"{plural(connections, 'connection')}, median of {plural(rounds, 'run')}", columns, rows)


def middle(digits: int, values: Iterable[float]) -> str:
    """The median, written out."""
    return f"{median(values):,.{digits}f}"


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    table(escape(title), [escape(column) for column in columns], [[escape(str(cell)) for cell in row] for row in rows])


def say(text: str) -> None:
    console().print(escape(text))


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def machine() -> str:
    """What the figures are of."""
    cpu = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    cores, python = len(os.sched_getaffinity(0)), platform.python_version()
    name = cpu or platform.machine()
    return f"{plural(cores, 'core')} ({name}), Python {python}, load {os.getloadavg()[0]:.1f} at the start"


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()
