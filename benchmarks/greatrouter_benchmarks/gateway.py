"""Chat by a named model, whole and streamed: our own cost beside a bare provider, a bare proxy and other gateways.

Every request of ours is authenticated, limited, charged on disk and logged. All servers run one worker on loopback
before the same fake provider, in the same run, and take turns in every round; slow peers get fewer requests.
"""

import argparse
import contextlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from greatrouter_api.settings import load as load_settings
from greatrouter_api.terminal import CommandFailed
from greatrouter_benchmarks import servers
from greatrouter_benchmarks.comparison import (
    Gateway,
    Target,
    compare_requests,
    in_turns,
    machine,
    middle,
    plural,
    refusal,
    say,
    show,
)
from greatrouter_benchmarks.load import load
from greatrouter_benchmarks.peers import PEERS, open_peers
from greatrouter_benchmarks.streams import StreamLoad
from greatrouter_benchmarks.usage import resident_bytes

# Of the streams of the memory test, so many parts go into one measurement of the other tables.
BURST_PART, PACED_PART = 20, 200
STREAM_CONNECTIONS = 8
# A start costs what a whole request does; what is asked here is what many open streams cost.
SLOW_BEGIN_OVER_CHUNKS = 4
MEMORY_READINGS = 20
STREAM_LEGEND = (
    "Of streams, all times are in ms: to the first byte of the body from the request, and of chunks from the moment "
    "that the provider sent each.\n"
)
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Kind:
    """What a stream is like; `pace_ms` apart its chunks are sent."""

    name: str
    chunks: int
    pace_ms: int

    @property
    def prompt(self) -> str:
        return f"Tell me of the sea: chunks={self.chunks} pace_ms={self.pace_ms}"

    def asked(self, gateways: Sequence[Gateway]) -> list[Target]:
        return [gateway.asked(self.prompt, stream=True) for gateway in gateways]


BURST = Kind("Burst streams", 100, 0)
PACED = Kind("Paced streams", 100, 10)
SLOW_CHUNKS = 12


def command() -> None:
    arguments = _arguments()
    names = {"all": list(PEERS), "none": []}.get(arguments.peers, [arguments.peers])
    environments = arguments.environments or load_settings().home / "environments"
    say(machine())
    say("One worker each. Bare provider: raw ASGI on uvicorn. Bare proxy: the same, with aiohttp for a client.")
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        try:
            provider = stack.enter_context(servers.provider())
            proxy = stack.enter_context(servers.proxy(provider))
            router = stack.enter_context(servers.router(Path(folder), provider))
        except servers.NotStarted as error:
            raise CommandFailed(str(error)) from error
        gateways = [
            Gateway("bare provider", provider),
            Gateway("bare proxy", proxy),
            Gateway("GreatRouter", router.server, headers=(("Authorization", f"Bearer {router.key}"),)),
        ]
        for gateway in gateways:
            if said := refusal(gateway):
                raise CommandFailed(f"{gateway.name} does not answer: {said}")
        gateways += open_peers(names, environments, provider, stack)
        _compare(gateways, arguments)
        balance = router.command("accounts", "show", "--org", "bench").splitlines()[0]
        say(f"{balance} of $1000; {router.command('accounts', 'verify')}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--requests", type=int, default=4000, help="whole answers for each measurement")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 8, 64], help="for whole answers")
    streams_help = "in the test of memory; a measurement takes a twentieth of burst, a two hundredth of paced streams"
    parser.add_argument("--streams", type=int, default=10_000, help=streams_help)
    parser.add_argument("--slow", type=int, default=500, help="slow streams at once")
    parser.add_argument("--pace-ms", type=int, default=500, help="from chunk to chunk of a slow stream")
    parser.add_argument("--rounds", type=int, default=3, help="the median of so many runs is printed")
    parser.add_argument("--peers", choices=["all", "none", *PEERS], default="all")
    environments_help = "where peers are installed; `environments` in GreatRouter's home if absent"
    parser.add_argument("--environments", type=Path, default=argparse.SUPPRESS, help=environments_help)
    return parser.parse_args(namespace=argparse.Namespace(environments=None))


def _compare(gateways: Sequence[Gateway], arguments: argparse.Namespace) -> None:
    streams, rounds = arguments.streams, arguments.rounds
    whole = [gateway.asked("Write a haiku about routing") for gateway in gateways]
    for connections in arguments.connections:
        compare_requests(whole, connections, arguments.requests, rounds)
    say(STREAM_LEGEND)
    _compare_streams(BURST, gateways, 1, streams // BURST_PART, rounds)
    _compare_streams(BURST, gateways, STREAM_CONNECTIONS, streams // BURST_PART, rounds)
    _compare_streams(PACED, gateways, STREAM_CONNECTIONS, streams // PACED_PART, rounds)
    _compare_slow(Kind("slow streams at once", SLOW_CHUNKS, arguments.pace_ms), gateways, arguments.slow, rounds)
    _compare_memory(gateways, streams)


def _compare_streams(kind: Kind, gateways: Sequence[Gateway], connections: int, streams: int, rounds: int) -> None:
    def measured(target: Target) -> StreamLoad:
        # A paced stream takes as long at everyone; and when its turn comes, the burst streams were the warm-up.
        total = max(streams, connections)
        if kind is BURST:
            total = target.portion(streams, connections)
            load(target.server, [target.request], connections, connections)
        over_s = kind.pace_ms / 1000
        done = load(target.server, [target.request], connections, total, keep=True, over_s=over_s)
        return StreamLoad(done, kind.chunks)

    targets = kind.asked(gateways)
    found = in_turns(targets, rounds, measured)
    bare = median(run.first_ms(50) for run in found[0])
    rows = []
    for target, runs in zip(targets, found, strict=True):
        first = median(run.first_ms(50) for run in runs)
        rows.append(
            (
                target.name,
                f"{first:,.2f}",
                f"{first - bare:+,.2f}",
                middle(2, (run.first_ms(99) for run in runs)),
                middle(2, (run.first_lag_ms(50) for run in runs)),
                middle(2, (run.lag_ms(99) for run in runs)),
                middle(0, (run.rate for run in runs)),
                middle(0, (run.load.cpu_us for run in runs)),
                sum(run.failures for run in runs),
            )
        )
    columns = (
        "target",
        "1st byte p50",
        "over bare",
        "p99",
        "1st chunk p50",
        "chunks p99",
        "streams/s",
        "CPU-µs each",
        "failed",
    )
    pace = f", one every {kind.pace_ms} ms" if kind.pace_ms else ""
    how = f"{plural(connections, 'connection')}, median of {plural(rounds, 'run')}"
    show(f"{kind.name} of {kind.chunks} chunks{pace}; {how}", columns, rows)


def _compare_slow(kind: Kind, gateways: Sequence[Gateway], streams: int, rounds: int) -> None:
    """All open at once, each with a connection of its own."""
    over_s = SLOW_BEGIN_OVER_CHUNKS * kind.pace_ms / 1000

    def measured(target: Target) -> StreamLoad:
        done = load(target.server, [target.request], streams, streams, keep=True, over_s=over_s)
        return StreamLoad(done, kind.chunks)

    targets = kind.asked(gateways)
    found = in_turns(targets, rounds, measured)
    bare = median(run.lag_ms(99) for run in found[0])
    rows = []
    for target, runs in zip(targets, found, strict=True):
        late = median(run.lag_ms(99) for run in runs)
        rows.append(
            (
                target.name,
                f"{min(len(run.whole) for run in runs)} of {streams}",
                middle(1, (run.first_ms(50) for run in runs)),
                middle(1, (run.first_ms(99) for run in runs)),
                middle(1, (run.lag_ms(50) for run in runs)),
                f"{late:,.1f}",
                f"{late - bare:+,.1f}",
                middle(1, (run.lag_ms(100) for run in runs)),
                middle(0, (run.load.cpu_us / kind.chunks for run in runs)),
            )
        )
    columns = (
        "target",
        "whole",
        "1st byte p50",
        "p99",
        "chunks p50",
        "p99",
        "over bare",
        "longest",
        "CPU-µs a chunk",
    )
    begun = f"{kind.chunks} chunks, one every {kind.pace_ms} ms, begun over {over_s:g} s"
    show(f"{streams} {kind.name}: {begun}; median of {plural(rounds, 'run')}", columns, rows)


def _compare_memory(gateways: Sequence[Gateway], streams: int) -> None:
    rows = []
    for target in BURST.asked(gateways):
        part = target.portion(streams // MEMORY_READINGS, STREAM_CONNECTIONS)
        failures, readings = 0, []
        for reading in range(MEMORY_READINGS + 1):
            # The first part is the warm-up: what a server allocates once is there before the first reading.
            failures += load(target.server, [target.request], STREAM_CONNECTIONS, part).failures
            readings.append((reading * part, resident_bytes(target.server.pid)))
        after, used = np.array(readings).T
        half = MEMORY_READINGS // 2
        rows.append(
            (
                target.name,
                f"{after[-1]:,}",
                *(f"{used[place] / MEGABYTE:.1f}" for place in (0, half, -1)),
                f"{_slope(after, used):+.0f}",
                f"{_slope(after[half:], used[half:]):+.0f}",
                failures,
            )
        )
    columns = ("target", "streams", "start MB", "middle MB", "end MB", "slope, all", "slope, second half", "failed")
    show("Resident memory over burst streams; slopes in kB for 1,000 streams", columns, rows)


def _slope(streams: np.ndarray, used: np.ndarray) -> float:
    """Least squares, in kB for each thousand streams."""
    return float(np.polyfit(streams, used, 1)[0])
