"""What routing endpoints answer: what was asked, which model was chosen and why, and what it made of it."""

from typing import Any

from greatrouter.types._answer import Answer
from greatrouter.types._models import Model
from greatrouter.types._names import ComplexityTier, ContentMode, Decision, Optimization, PriceTier, Task


class Classification(Answer):
    task: Task
    confidence: float
    reasoning: str
    decision: Decision
    content_mode: ContentMode
    complexity_tier: ComplexityTier
    complexity_score: float
    probabilities: dict[str, float] | None = None


class ChosenModel(Answer):
    model: Model
    cost_tier: PriceTier | None
    estimated_cost: float
    """What it was expected to cost before it ran."""


class PriceComparison(Answer):
    cheapest_model: str
    best_value_model: str
    best_quality_model: str
    estimated_cost_dollars: float
    savings_vs_highest_pct: float


class Attempt(Answer):
    """One try of the fallback chain."""

    model: str
    provider: str
    status: int | None
    """The provider's HTTP status; None where nothing answered."""
    error: str | None
    latency_ms: float


class Routing(Answer):
    reason: str
    fallback_chain: list[str]
    attempts: list[Attempt]


class Timing(Answer):
    """Milliseconds."""

    classification_ms: float | None = None
    routing_ms: float
    inference_ms: float
    total_ms: float


class Context(Answer):
    """What the session contributed."""

    session_id: str
    session_prompts: int
    contextual_boost: float


class RouteAnswer(Answer):
    classification: Classification
    model: ChosenModel
    price_comparison: PriceComparison
    result: dict[str, Any]
    """The provider's own document, as it came."""
    timing: Timing
    context: Context
    routing: Routing
    provider: str
    charge_dollars: float | None = None


class ExplicitRouteAnswer(Answer):
    model: Model
    cost_tier: PriceTier | None
    estimated_cost: float
    price_comparison: PriceComparison
    result: dict[str, Any]
    """The provider's own document, as it came."""
    timing: Timing
    routing: Routing
    provider: str
    charge_dollars: float | None = None


class Suggestion(ChosenModel):
    estimated_cost_dollars: float
    score: float
    quality: float | None = None
    """The estimated chance of a good answer."""
    reason: str
    available: bool


class SuggestAnswer(Answer):
    classification: Classification
    optimization: Optimization
    suggestions: list[Suggestion]
    price_comparison: PriceComparison
    catalog_version: str | None = None
    note: str | None = None


class ComparedModel(Answer):
    model_id: str
    name: str
    provider: str
    task_type: str
    cost_tier: PriceTier | None
    score: float
    quality: float | None = None
    estimated_cost_dollars: float
    reason: str | None = None
    available: bool


class PricedFor(Answer):
    """The units that the estimated costs are for; what nothing is expected of is 0."""

    typical: bool
    """Whether there was no prompt, and so a typical request of the task was priced."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    images: int = 0
    seconds: float = 0
    characters: int = 0
    documents: int = 0
    searches: int = 0


class PriceComparisonAnswer(Answer):
    classification: Classification
    optimization: Optimization
    suggestions: list[ComparedModel]
    price_comparison: PriceComparison
    priced_for: PricedFor | None = None
    catalog_version: str | None = None
    note: str | None = None


class RecommendedModel(Answer):
    model: Model
    score: float
    reason: str
    estimated_cost_dollars: float
    available: bool | None = None


class RecommendAnswer(Answer):
    data: list[RecommendedModel]
    priced_for: PricedFor | None = None
    classification: Classification
    optimization: Optimization | None = None
    catalog_version: str | None = None
    note: str | None = None


class FeedbackAnswer(Answer):
    id: str
    accepted: bool
