"""What a caller wishes of the endpoints that serve a model: OpenRouter's `provider` object."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

PERCENTILES = ("p50", "p75", "p90", "p99")


class Sort(StrEnum):
    """`EXACTO` is the endpoint that fails least, and then the fastest: what is known here of how well one serves."""

    PRICE = "price"
    THROUGHPUT = "throughput"
    LATENCY = "latency"
    EXACTO = "exacto"


@dataclass(frozen=True, slots=True)
class MaxPrice:
    """US dollars: per million tokens of prompt and completion, per request, per image, per second of audio. A request
    for rerank costs its searches and documents, too."""

    prompt: float | None = None
    completion: float | None = None
    request: float | None = None
    image: float | None = None
    audio: float | None = None


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """Seconds, or tokens per second, at each of `PERCENTILES`. Every one that is stated must be met."""

    p50: float | None = None
    p75: float | None = None
    p90: float | None = None
    p99: float | None = None

    def stated(self) -> list[tuple[int, float]]:
        """Index into `PERCENTILES` and value."""
        values = (getattr(self, name) for name in PERCENTILES)
        return [(i, value) for i, value in enumerate(values) if value is not None]


@dataclass(frozen=True, slots=True)
class ProviderPreferences:
    """Providers by their names in the catalog; one that it does not have is nobody's.

    Hard filters, which turn endpoints away: `only`, `ignore`, `max_price`, `deny_collection`, `zero_retention`,
    `quantizations`, `parameters` (what the endpoint must support), and `order` where `allow_fallbacks` is false.
    `only` None allows every provider, empty none. What nobody knows of an endpoint passes none of them, save that its
    quantization is then `unknown`, which can be asked for by that name.

    The others order: `order` names the providers to try first; without it `sort_by` orders the endpoints of each
    model, or of all ranked models `together`. An endpoint that misses a cutoff comes after all that do not; one that
    has not been measured misses none, or it would never be tried and measured.
    """

    order: Sequence[str] = ()
    only: Sequence[str] | None = None
    ignore: Sequence[str] = ()
    allow_fallbacks: bool = True
    sort_by: Sort | None = None
    together: bool = False
    max_price: MaxPrice = field(default_factory=MaxPrice)
    deny_collection: bool = False
    zero_retention: bool = False
    quantizations: Sequence[str] = ()
    parameters: Sequence[str] = ()
    max_latency_s: Cutoffs = field(default_factory=Cutoffs)
    min_throughput: Cutoffs = field(default_factory=Cutoffs)
