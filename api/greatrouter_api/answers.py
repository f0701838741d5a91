"""What the routing endpoints answer, for the OpenAPI document alone: real answers are held against it in tests.

Nothing is parsed or written with these; an answer may have more than stands here, never less.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from greatrouter_classifier.classification import ComplexityTier, ContentMode, Decision, Task
from greatrouter_ranking.choice import Optimization

CostTier = Literal["economy", "standard", "balanced", "premium", "flagship"]


class Shape(BaseModel):
    model_config = ConfigDict(extra="allow")


def absent(description: str, **bounds: Any) -> Any:
    """A field that is not always there, and never null."""
    return Field(default=None, description=description, json_schema_extra=_without_default, **bounds)


def _without_default(schema: dict[str, Any]) -> None:
    del schema["default"]


class ClassificationShape(Shape):
    task: Task
    confidence: float = Field(ge=0, le=1)
    reasoning: str = Field(description="One sentence a person can read.")
    decision: Decision = Field(description="Which stage decided.")
    content_mode: ContentMode
    complexity_tier: ComplexityTier
    complexity_score: float = Field(ge=0, le=1)
    probabilities: dict[Task, float] = Field(description="By task; empty where no model of probabilities was asked.")


class BriefModel(Shape):
    id: str
    name: str
    provider: str
    task_type: str
    category: str
    capabilities: list[str]
    pricing: dict[str, float] = Field(description="US dollars per native unit; only what it is billed in.")


class ChosenModel(Shape):
    model: BriefModel
    cost_tier: CostTier | None = Field(description="Null where the model has no price.")
    estimated_cost: float = Field(ge=0, description="US dollars, before it ran.")


class PriceComparison(Shape):
    cheapest_model: str
    best_value_model: str
    best_quality_model: str
    estimated_cost_dollars: float = Field(ge=0)
    savings_vs_highest_pct: float = Field(ge=0, le=100)


class AttemptShape(Shape):
    """One try of the fallback chain."""

    model: str
    provider: str
    status: int | None = Field(description="The provider's HTTP status; null where nothing answered.")
    error: str | None = Field(description="Null where it succeeded.")
    latency_ms: float = Field(ge=0)


class Routing(Shape):
    reason: str = Field(description="One sentence a person can read.")
    fallback_chain: list[str] = Field(min_length=1, description="The models that were to be tried, in order.")
    attempts: list[AttemptShape] = Field(min_length=1, description="What was tried; the last one answered.")


class Timing(Shape):
    """Milliseconds."""

    classification_ms: float = Field(ge=0)
    routing_ms: float = Field(ge=0)
    inference_ms: float = Field(ge=0)
    total_ms: float = Field(ge=0)


class Context(Shape):
    """What the session contributed."""

    session_id: str
    session_prompts: int = Field(ge=1)
    contextual_boost: float = Field(ge=0, le=1)


class ProviderDocument(Shape):
    """The provider's own document, as it came."""


class Run(Shape):
    """What every routed answer says of the provider's answer, its money and its way there."""

    price_comparison: PriceComparison
    result: ProviderDocument
    provider: str = Field(description="Who answered; `sandbox` under a test key, `local` for a model served here.")
    charge_dollars: float = Field(ge=0)
    routing: Routing


class RouteAnswer(Run):
    classification: ClassificationShape
    model: ChosenModel
    timing: Timing
    context: Context


class ExplicitTiming(Shape):
    """Milliseconds."""

    routing_ms: float = Field(ge=0)
    inference_ms: float = Field(ge=0)
    total_ms: float = Field(ge=0)


class ModelsRouteAnswer(Run):
    model: BriefModel
    cost_tier: CostTier | None = Field(description="Null where the model has no price.")
    estimated_cost: float = Field(ge=0, description="US dollars, before it ran.")
    timing: ExplicitTiming


AVAILABLE: Any = Field(
    description="Whether the key that asks could have it run now. For a test key that is always so: the sandbox plays "
    "models of outside providers."
)
NOTE = (
    "Where nothing reachable fits: which provider's key would make the first one reachable. Under a test key, where "
    "the sandbox would play some of these: how many of them a live key could run."
)


class Suggestion(ChosenModel):
    estimated_cost_dollars: float = Field(ge=0, description="The same as `estimated_cost`.")
    score: float
    quality: float = Field(ge=0, le=1, description="The estimated chance of a good answer.")
    reason: str = Field(description="One sentence a person can read.")
    available: bool = AVAILABLE


class Compared(Shape):
    model_id: str
    name: str
    provider: str
    task_type: str
    cost_tier: CostTier | None
    score: float
    quality: float = Field(ge=0, le=1, description="The estimated chance of a good answer.")
    estimated_cost_dollars: float = Field(ge=0)
    reason: str
    available: bool = AVAILABLE


class Preview(Shape):
    """What would be chosen; nothing was run or charged."""

    classification: ClassificationShape
    optimization: Optimization
    price_comparison: PriceComparison
    catalog_version: str
    note: str = absent(NOTE)


class SuggestAnswer(Preview):
    suggestions: list[Suggestion] = Field(min_length=1, max_length=20, description="Best first.")


class PricedFor(Shape):
    """The units that the estimated costs are for; those that nothing is expected of are left out."""

    typical: bool = Field(description="Whether there was no prompt, and so a typical request of the task was priced.")
    prompt_tokens: int = absent("Tokens of the prompt, or of the texts and documents.", ge=1)
    completion_tokens: int = absent("Tokens of the answer that are expected.", ge=1)
    images: int = absent("Pictures.", ge=1)
    seconds: float = absent("Seconds of video, music, speech or recording.", gt=0)
    characters: int = absent("Characters read aloud.", ge=1)
    documents: int = absent("Documents ranked.", ge=1)
    searches: int = absent("Searches.", ge=1)


class PriceComparisonAnswer(Preview):
    priced_for: PricedFor
    suggestions: list[Compared] = Field(min_length=1, max_length=20, description="Best first.")


class Recommendation(Shape):
    model: BriefModel
    score: float = Field(ge=0, le=1)
    reason: str
    estimated_cost_dollars: float = Field(ge=0)
    available: bool = AVAILABLE


class RecommendAnswer(Shape):
    data: list[Recommendation] = Field(max_length=50, description="Best first.")
    priced_for: PricedFor
    classification: ClassificationShape
    optimization: Optimization
    catalog_version: str
    note: str = absent(NOTE)


class Alive(Shape):
    status: Literal["ok"]


class Ready(Shape):
    status: Literal["ready"]
    problems: dict[str, str] = Field(max_length=0)


class NotReady(Shape):
    status: Literal["not ready"]
    problems: dict[str, str] = Field(min_length=1, description="What does not work, by part.")


class OpenApi(Shape):
    """An OpenAPI document."""

    openapi: str = Field(pattern=r"^3\.[01]\.\d+$")
    info: dict[str, Any]
    paths: dict[str, Any]
    components: dict[str, Any]
