"""One line of the activity log, from the moment a request is decided to its answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from greatrouter_accounts.errors import BudgetExceeded, InsufficientCredit, RateLimited
from greatrouter_accounts.keys import Caller
from greatrouter_api.errors import ApiError, from_exception
from greatrouter_serving.call import Target, Usage

REFUSALS = (BudgetExceeded, InsufficientCredit, RateLimited)
# Beside all prompt and completion tokens; those of a cache are among the former, reasoning ones among the latter.
UNITS = (
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "images",
    "seconds",
    "characters",
    "documents",
    "searches",
)


@dataclass(slots=True)
class Entry:
    """The columns of the activity table, in the types of the program. Never holds a prompt or an answer. It belongs to
    one request, which fills it in on its way; `optimization` is what the request itself asked for, `rates` are what it
    is charged by: US dollars per native unit, by the price's name."""

    request_id: str
    organization_id: str
    endpoint: str
    task: str | None = None
    decision: str | None = None
    confidence: float | None = None
    complexity_tier: str | None = None
    model: str | None = None
    provider: str | None = None
    routing_reason: str | None = None
    fallback_chain: str | None = None
    status: int = 200
    usage: Usage = field(default_factory=Usage)
    cost_cents: Decimal = Decimal(0)
    latency_ms: float = 0.0
    cached: bool = False
    optimization: str | None = None
    content_mode: str | None = None
    catalog_version: str | None = None
    rates: Mapping[str, Decimal] = field(default_factory=dict)

    def answered(self, target: Target, usage: Usage, reason: str, status: int = 200) -> "Entry":
        self.model, self.provider = target.model_id, target.provider
        self.usage, self.routing_reason, self.status = usage, reason, status
        return self

    def refused(self, status: int, why: str) -> "Entry":
        """No model has anything to do with it: what is refused is nobody's failure."""
        self.model = self.provider = None
        self.status, self.routing_reason = status, why
        return self

    def row(self) -> dict[str, Any]:
        """As the accounts store takes it."""
        usage = self.usage
        return {
            "request_id": self.request_id,
            "organization_id": self.organization_id,
            "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "endpoint": self.endpoint,
            "task": self.task,
            "decision": self.decision,
            "confidence": None if self.confidence is None else f"{self.confidence:.4f}",
            "complexity_tier": self.complexity_tier,
            "model": self.model,
            "provider": self.provider,
            "routing_reason": self.routing_reason,
            "fallback_chain": self.fallback_chain,
            "status": self.status,
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "units": " ".join(f"{name}={value}" for name in UNITS if (value := getattr(usage, name))),
            "cost_cents": self.cost_cents,
            "latency_ms": f"{self.latency_ms:.2f}",
            "cached": self.cached,
            "optimization": self.optimization,
            "content_mode": self.content_mode,
            "rates": _exact(self.rates) if self.rates else None,
            "catalog_version": self.catalog_version if self.rates else None,
        }


def _exact(rates: Mapping[str, Decimal]) -> str:
    """JSON with every digit of each.

    >>> _exact({"price_per_image": Decimal("0.040"), "price_per_document": Decimal("1E-7")})
    '{"price_per_image":0.04,"price_per_document":0.0000001}'
    """
    return "{" + ",".join(f'"{name}":{_plain(rate)}' for name, rate in rates.items()) + "}"


def _plain(rate: Decimal) -> str:
    text = f"{rate:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def refused_at_the_door(error: Exception, endpoint: str, request_id: str, caller: Caller) -> dict[str, Any] | None:
    """The row of a request that is refused before it is known what it would take: a 403 for a model that the plan does
    not include, and a 429 of requests a minute or at a time. Whatever else is refused or fails is written down where it
    was planned (`charging.py`)."""
    by_limit = isinstance(error, RateLimited) and error.kind != "tokens"
    if not by_limit and not (isinstance(error, ApiError) and error.status == 403):
        return None
    status = from_exception(error, request_id).status
    return Entry(request_id, caller.organization_id, endpoint).refused(status, str(error)).row()
