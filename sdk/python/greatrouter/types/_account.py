"""The organization: its money, its preferences and its calls."""

from typing import Any, Literal

from greatrouter.types._answer import Answer
from greatrouter.types._names import ContentMode, Optimization, Task


class AccountKey(Answer):
    prefix: str
    test: bool


class LastCall(Answer):
    timestamp: str
    request_id: str
    endpoint: str
    task: str | None
    model: str | None
    provider: str | None
    status: int
    units: dict[str, float]
    charge_dollars: float
    latency_ms: float
    cached: bool


class Account(Answer):
    organization: str
    tenant_id: str
    plan: str
    key: AccountKey
    balance_dollars: float
    spend_today_dollars: float
    daily_budget_dollars: float | None
    limits: dict[str, Any]
    last_calls: list[LastCall]


class Preferences(Answer):
    tenant_id: str
    default_optimization: Optimization
    default_task: Task | None
    excluded_providers: list[str]
    excluded_models: list[str]
    preferred_providers: list[str]
    content_mode_default: ContentMode | None


class SuggestedPreference(Answer):
    key: str
    value: Any
    """As `set_preference` takes it."""
    reason: str
    confidence: float
    evidence: dict[str, Any]


class PreferenceSuggestions(Answer):
    tenant_id: str
    suggestions: list[SuggestedPreference]


class LogRow(Answer):
    """One request."""

    timestamp: str
    request_id: str
    endpoint: str
    task: str | None
    decision: str | None
    confidence: float | None
    complexity_tier: str | None
    model: str | None
    provider: str | None
    routing_reason: str | None
    fallback_chain: list[str]
    status: int
    prompt_tokens: int
    completion_tokens: int
    units: dict[str, float]
    """Native units beyond tokens, such as `{"images": 2}`."""
    cost_dollars: float
    latency_ms: float
    cached: bool


class LogPage(Answer):
    """Newest first. `next_before`, given as `before`, asks for the next page."""

    object: Literal["list"]
    data: list[LogRow]
    has_more: bool
    next_before: str | None
