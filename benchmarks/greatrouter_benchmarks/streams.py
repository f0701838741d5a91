"""What is read from a load of streams: whether they came whole, and how late each chunk was."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from greatrouter_benchmarks.fake_provider import SENT_AT
from greatrouter_benchmarks.load import Exchange, Load, percentile


@dataclass(frozen=True, slots=True)
class Stream:
    """Times in milliseconds. `first` is from the request to the first byte of the body; `lags` are from the moment the
    provider sent each chunk to the moment it was here."""

    first: float
    lags: tuple[float, ...]


@dataclass(frozen=True)
class StreamLoad:
    """A load whose exchanges are streams of `chunks` chunks; those that are not whole count as failed."""

    load: Load
    chunks: int

    @cached_property
    def whole(self) -> list[Stream]:
        read = ((exchange, list(lags_ms(exchange))) for exchange in self.load.answered)
        return [
            Stream(1000 * (exchange.pieces[0][0] - exchange.started), tuple(lags))
            for exchange, lags in read
            if len(lags) == self.chunks and _has_ended(exchange)
        ]

    @property
    def failures(self) -> int:
        return self.load.asked - len(self.whole)

    @property
    def rate(self) -> float:
        return len(self.whole) / self.load.seconds

    def first_ms(self, q: float) -> float:
        return percentile([stream.first for stream in self.whole], q)

    def first_lag_ms(self, q: float) -> float:
        return percentile([stream.lags[0] for stream in self.whole], q)

    def lag_ms(self, q: float) -> float:
        return percentile([lag for stream in self.whole for lag in stream.lags], q)


def lags_ms(exchange: Exchange) -> Iterator[float]:
    """How long each chunk was on its way; one that came in two pieces was here with its second."""
    body = b"".join(piece for _, piece in exchange.pieces)
    ends = list(accumulate(len(piece) for _, piece in exchange.pieces))
    for found in SENT_AT.finditer(body):
        arrived = exchange.pieces[bisect_left(ends, found.end())][0]
        yield 1000 * (arrived - float(found[1]))


def _has_ended(exchange: Exchange) -> bool:
    last = b"".join(piece for _, piece in exchange.pieces[-2:])
    return last.rstrip().endswith(b"data: [DONE]")
