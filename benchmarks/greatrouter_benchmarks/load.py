"""A small HTTP load generator, and the CPU time of the process it loads.

Requests are prepared bytes over kept-alive connections, so that the generator costs little beside what it measures.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True, slots=True)
class Measured:
    """`cpu_us` is user and system time of the server's process for each request; None where its pid is not known."""

    requests: int
    seconds: float
    latencies_ms: np.ndarray
    cpu_us: float | None
    failures: int

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    def percentile(self, q: float) -> float:
        return float(np.percentile(self.latencies_ms, q))


def request_bytes(method: str, path: str, body: bytes = b"", headers: Sequence[tuple[str, str]] = ()) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Length: {len(body)}",
        "Content-Type: application/json",
    ]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def measure(port: int, requests: Sequence[bytes], connections: int, total: int, pid: int | None) -> Measured:
    """Sends `total` requests, in turn from `requests`, over `connections` connections as fast as answers come."""
    clients = [_Client() for _ in range(connections)]
    loop = asyncio.get_running_loop()
    for client in clients:
        await loop.create_connection(lambda c=client: c, "127.0.0.1", port)  # type: ignore[misc]
    shares = [total // connections + (i < total % connections) for i in range(connections)]
    before, started = cpu_seconds(pid), time.perf_counter()
    await asyncio.gather(
        *(client.run(requests, n, i) for i, (client, n) in enumerate(zip(clients, shares, strict=True)))
    )
    seconds = time.perf_counter() - started
    used = cpu_seconds(pid) - before if pid else None
    for client in clients:
        client.close()
    latencies = np.concatenate([client.latencies_ms for client in clients])
    failures = sum(client.failures for client in clients)
    return Measured(total, seconds, latencies, used / total * 1e6 if used is not None else None, failures)


def cpu_seconds(pid: int | None) -> float:
    """User and system time a process has used so far (Linux)."""
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class _Client(asyncio.Protocol):
    """One connection: a request at a time, the answer's end found by its content length."""

    def __init__(self) -> None:
        self.latencies_ms: list[float] = []
        self.failures = 0
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._done: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if self._done and not self._done.done():
            self._done.set_exception(error or ConnectionResetError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator or len(body) < _content_length(head):
            return
        self.failures += not head.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200"))
        self._buffer = b""
        if self._done and not self._done.done():
            self._done.set_result(None)

    async def run(self, requests: Sequence[bytes], count: int, offset: int) -> None:
        assert self._transport is not None
        loop = asyncio.get_running_loop()
        for i in range(count):
            self._done = loop.create_future()
            started = time.perf_counter()
            self._transport.write(requests[(i + offset) % len(requests)])
            await self._done
            self.latencies_ms.append((time.perf_counter() - started) * 1000)

    def close(self) -> None:
        if self._transport:
            self._transport.close()


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0
