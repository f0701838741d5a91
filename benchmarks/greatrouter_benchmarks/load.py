"""A small HTTP load generator, and the CPU time of the server it loads.

Requests are prepared bytes over kept-alive connections and answers are parsed in C, so that the generator costs little
beside what it measures.
"""

import asyncio
import itertools
import time
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httptools
import numpy as np
import uvloop

from greatrouter_benchmarks.servers import Server
from greatrouter_benchmarks.usage import cpu_seconds

# A server that has not answered by then will not: what is missing counts as failed.
PATIENCE_S = 120.0


@dataclass(slots=True)
class Exchange:
    """One request and its answer. Times are `time.monotonic` readings, which on Linux mean the same in every process.
    `pieces` are the parts of the body with the time each came; `status` is 0 where no whole answer came."""

    started: float
    ended: float
    status: int
    pieces: list[tuple[float, bytes]]


@dataclass(frozen=True)
class Load:
    """What came of `asked` requests; `cpu_s` is what the server's process and its descendants used meanwhile."""

    exchanges: Sequence[Exchange]
    asked: int
    seconds: float
    cpu_s: float

    @cached_property
    def answered(self) -> Sequence[Exchange]:
        return [exchange for exchange in self.exchanges if exchange.status == 200]

    @property
    def failures(self) -> int:
        return self.asked - len(self.answered)

    @property
    def rate(self) -> float:
        return len(self.answered) / self.seconds

    @property
    def cpu_us(self) -> float:
        return self.cpu_s / self.asked * 1e6

    def percentile_ms(self, q: float) -> float:
        """Of the time to the end of an answer; not a number where there was none."""
        return percentile([1000 * (exchange.ended - exchange.started) for exchange in self.answered], q)


def percentile(values: Sequence[float], q: float) -> float:
    return float(np.percentile(values, q)) if len(values) else float("nan")


def request_bytes(method: str, path: str, body: bytes = b"", headers: Sequence[tuple[str, str]] = ()) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Length: {len(body)}",
        "Content-Type: application/json",
    ]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def load(
    server: Server, requests: Sequence[bytes], connections: int, total: int, *, keep: bool = False, over_s: float = 0.0
) -> Load:
    """Sends `total` requests, in turn from `requests`, over `connections` connections as fast as answers come.

    `keep` keeps the answers' bodies. The connections begin one after the other within `over_s`.
    """
    return uvloop.run(_load(server, requests, connections, total, keep=keep, over_s=over_s))


async def _load(
    server: Server, requests: Sequence[bytes], connections: int, total: int, *, keep: bool, over_s: float
) -> Load:
    clients = [Connection(server.port, keep=keep) for _ in range(connections)]
    await asyncio.gather(*(client.open() for client in clients))
    exchanges: list[Exchange] = []
    turns = itertools.islice(itertools.cycle(requests), total)
    before, started = cpu_seconds(server.pid), time.monotonic()
    waits = (i * over_s / connections for i in range(connections))
    await _within(
        PATIENCE_S, [_run(client, turns, exchanges, wait) for client, wait in zip(clients, waits, strict=True)]
    )
    seconds, used = time.monotonic() - started, cpu_seconds(server.pid) - before
    for client in clients:
        client.close()
    return Load(exchanges, total, seconds, used)


async def _run(client: "Connection", turns: Iterator[bytes], exchanges: list[Exchange], wait_s: float) -> None:
    await asyncio.sleep(wait_s)
    for request in turns:
        exchanges.append(await client.exchange(request))


async def _within(seconds: float, work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Runs all; what has not ended by then is given up."""
    done, pending = await asyncio.wait([asyncio.create_task(one) for one in work], timeout=seconds)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()


class Connection(asyncio.Protocol):
    """One kept-alive connection, one request at a time; opened again where the server closed it."""

    def __init__(self, port: int, *, keep: bool) -> None:
        self._port = port
        self._keep = keep
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._answer = Exchange(0.0, 0.0, 0, [])
        self._ended: asyncio.Future[None] | None = None
        self._now = 0.0

    async def open(self) -> asyncio.Transport:
        self._parser = httptools.HttpResponseParser(self)
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_connection(lambda: self, "127.0.0.1", self._port)
        return self._transport

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    async def exchange(self, request: bytes) -> Exchange:
        try:
            transport = self._transport or await self.open()
        except OSError:
            return Exchange(now := time.monotonic(), now, 0, [])
        self._ended = asyncio.get_running_loop().create_future()
        self._answer = Exchange(time.monotonic(), 0.0, 0, [])
        transport.write(request)
        await self._ended
        return self._answer

    # -- what the transport calls -------------------------------------------------------------------------------

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._end(0)

    def data_received(self, data: bytes) -> None:
        self._now = time.monotonic()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()
            self._end(0)

    # -- what the parser calls ----------------------------------------------------------------------------------

    def on_body(self, piece: bytes) -> None:
        if self._keep:
            self._answer.pieces.append((self._now, piece))

    def on_message_complete(self) -> None:
        if not self._parser.should_keep_alive():
            self.close()
        self._end(self._parser.get_status_code())

    def _end(self, status: int) -> None:
        if self._ended is not None and not self._ended.done():
            self._answer.ended, self._answer.status = time.monotonic(), status
            self._ended.set_result(None)
