"""One line of the activity log, from the moment a request is decided to its answer."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from greatrouter_serving.call import Target, Usage

# Beside all prompt and completion tokens; cached ones are among the former, reasoning ones among the latter.
UNITS = ("cached_tokens", "reasoning_tokens", "images", "seconds", "characters", "documents", "searches")


@dataclass(slots=True)
class Entry:
    """The columns of the activity table, in the types of the program. Never holds a prompt or an answer. It belongs to
    one request, which fills it in on its way; `optimization` is what the request itself asked for."""

    request_id: str
    organization_id: str
    endpoint: str
    task: str
    decision: str
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

    def answered(self, target: Target, usage: Usage, reason: str, status: int = 200) -> "Entry":
        self.model, self.provider = target.model_id, target.provider
        self.usage, self.routing_reason, self.status = usage, reason, status
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
        }
