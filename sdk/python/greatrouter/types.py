"""The fields of requests and answers, for editors and type checkers: at run time all of them are plain dicts.

Answers may carry more than what stands here, and fields that do not apply are absent. A request may too: pass a dict
where a keyword argument is not listed. Money is in US dollars.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, Literal, TypedDict, TypeVar

Task = Literal["text", "image", "video", "music", "speech", "code", "web_search", "rerank", "embeddings"]
Optimization = Literal["price-optimized", "balanced", "output-optimized"]
ContentMode = Literal["generate", "edit", "combine"]
PriceTier = Literal["economy", "standard", "balanced", "premium", "flagship"]

Row = TypeVar("Row")


class RouteFields(TypedDict, total=False):
    prompt: str
    input: Mapping[str, Any] | None
    task: Task | None
    content_mode: ContentMode | None
    optimization: Optimization
    mode: Literal["auto", "regex"]
    session_id: str | None
    budget_dollars: float | None
    taxonomy: str | None
    provider: str | Mapping[str, Any] | None
    catalog_family: str | None
    model: str | None
    feedback: Mapping[str, Any] | None


class SuggestFields(TypedDict, total=False):
    prompt: str
    input: Mapping[str, Any] | None
    task: Task | None
    content_mode: ContentMode | None
    optimization: Optimization
    limit: int
    session_id: str | None
    budget_dollars: float | None
    taxonomy: str | None
    provider: str | None
    catalog_family: str | None
    model: str | None


class PriceComparisonFields(TypedDict, total=False):
    prompt: str | None
    task: Task | None
    optimization: Optimization
    budget_dollars: float | None


class ExplicitRouteFilter(TypedDict, total=False):
    task_type: str
    capabilities: Sequence[str]


class ExplicitRouteFields(TypedDict, total=False):
    query: str
    input: Mapping[str, Any]
    maxCost: PriceTier | None
    filter: ExplicitRouteFilter | None


class ModelFilter(TypedDict, total=False):
    task_type: str | None
    provider: str | None
    category: str | None
    capabilities: Sequence[str] | str | None
    type: Literal["hosted", "proxied"] | None
    catalog_family: str | None
    catalog_visibility: str | None
    routable_only: bool | None


class ModelQuery(ModelFilter, total=False):
    price_tier: PriceTier | None
    tags: Sequence[str] | None
    text: str | None
    limit: int
    offset: int


class FamilyFilter(TypedDict, total=False):
    taxonomy: str | None
    offset: int
    limit: int
    routable_only: bool | None
    q: str | None


class RecommendFields(TypedDict, total=False):
    task: Task | None
    prompt: str | None
    limit: int
    optimization: Optimization


class FeedbackFields(TypedDict, total=False):
    prompt: str
    classified_task: Task
    correct: bool
    confidence: float
    suggested_task: Task | None


class EmbeddingsOptions(TypedDict, total=False):
    encoding_format: Literal["float", "base64"]
    dimensions: int | None
    user: str | None


class RerankOptions(TypedDict, total=False):
    return_documents: bool
    max_tokens_per_doc: int | None
    provider: Mapping[str, Any] | None


class LogsFilter(TypedDict, total=False):
    limit: int
    before: str | None
    after: str | None


class Classification(TypedDict, total=False):
    task: Task
    confidence: float
    reasoning: str
    decision: Literal["hint", "input", "regex", "knn", "session", "default"]
    content_mode: ContentMode
    complexity_tier: Literal["SIMPLE", "MEDIUM", "COMPLEX", "REASONING"]
    complexity_score: float


class Model(TypedDict, total=False):
    id: str
    name: str
    provider: str
    task_type: str
    category: str
    capabilities: list[str]
    type: Literal["hosted", "proxied"]
    pricing: dict[str, Any]
    price_tier: PriceTier
    catalog_family: str
    catalog_visibility: str
    context_window: int | None
    max_output_tokens: int | None
    modalities: dict[str, list[str]]
    available: bool
    state: Literal["cold", "warming", "warm"]
    health: dict[str, Any] | None


class ChosenModel(TypedDict, total=False):
    model: Model
    cost_tier: PriceTier
    estimated_cost: float


class Suggestion(ChosenModel, total=False):
    estimated_cost_dollars: float
    score: float
    reason: str
    available: bool


class PriceComparison(TypedDict, total=False):
    cheapest_model: str
    best_value_model: str
    best_quality_model: str
    estimated_cost_dollars: float
    savings_vs_highest_pct: float


class Routing(TypedDict, total=False):
    reason: str
    fallback_chain: list[str]
    attempts: list[dict[str, Any]]


class RouteAnswer(TypedDict, total=False):
    classification: Classification
    model: ChosenModel
    price_comparison: PriceComparison
    result: dict[str, Any]
    timing: dict[str, float]
    context: dict[str, Any]
    routing: Routing
    provider: str
    charge_dollars: float


class ExplicitRouteAnswer(TypedDict, total=False):
    model: Model
    cost_tier: PriceTier
    estimated_cost: float
    result: dict[str, Any]
    timing: dict[str, float]


class SuggestAnswer(TypedDict, total=False):
    classification: Classification
    optimization: Optimization
    suggestions: list[Suggestion]
    price_comparison: PriceComparison
    note: str | None


class ComparedModel(TypedDict, total=False):
    model_id: str
    name: str
    provider: str
    task_type: str
    cost_tier: PriceTier
    score: float
    estimated_cost_dollars: float
    available: bool


class PriceComparisonAnswer(TypedDict, total=False):
    classification: Classification
    optimization: Optimization
    suggestions: list[ComparedModel]
    price_comparison: PriceComparison
    note: str | None


class Listed(TypedDict, Generic[Row], total=False):
    object: Literal["list"]
    data: list[Row]
    total: int


class Page(Listed[Row], total=False):
    """`total` counts what matches, on this page or not."""

    limit: int
    offset: int


ModelList = Listed[Model]
ModelPage = Page[Model]


class Tag(TypedDict, total=False):
    tag: str
    model_count: int


class PriceTierRow(TypedDict, total=False):
    price_tier: PriceTier
    rank: int
    description: str
    model_count: int
    routable_count: int
    typical_cost_dollars: dict[str, dict[str, float]]


class Branch(TypedDict, total=False):
    """A branch of the catalog."""

    taxonomy: str
    category: str
    task_type: str
    tasks: list[Task]
    family_count: int
    model_count: int
    routable_count: int
    providers: list[dict[str, Any]]


class Family(TypedDict, total=False):
    """A model line, such as `llm/meta--llama-3.3`. `models` is there where one line was asked for."""

    id: str
    name: str
    taxonomy: str
    provider: str
    category: str
    task_type: str
    tasks: list[Task]
    catalog_visibility: str
    routable: bool
    available: bool
    model_count: int
    capabilities: list[str]
    context_window: int | None
    price_range: dict[str, dict[str, float]]
    price_tiers: list[PriceTier]
    best_variant: str | None
    models: list[Model]


class Problem(TypedDict, total=False):
    path: str
    message: str


class ValidationAnswer(TypedDict, total=False):
    valid: bool
    errors: list[Problem]


class RecommendedModel(TypedDict, total=False):
    model: Model
    score: float
    reason: str
    estimated_cost_dollars: float


class RecommendAnswer(TypedDict, total=False):
    data: list[RecommendedModel]
    classification: Classification
    note: str | None


class ModelHealth(TypedDict, total=False):
    model_id: str
    degraded: bool
    latency_penalty: float
    health_entry: dict[str, Any]


class HealthAnswer(TypedDict, total=False):
    health: list[ModelHealth]
    tenant_id: str


class FeedbackAnswer(TypedDict, total=False):
    id: str
    accepted: bool


class ChatCompletion(TypedDict, total=False):
    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[dict[str, Any]]
    usage: dict[str, Any]
    greatrouter: dict[str, Any]


class ChatChunk(TypedDict, total=False):
    """`choices[0]["delta"]` holds the new piece; the last chunk has no choices, and holds `greatrouter`."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[dict[str, Any]]
    usage: dict[str, Any] | None
    greatrouter: dict[str, Any]


class Embedding(TypedDict, total=False):
    object: Literal["embedding"]
    index: int
    embedding: list[float] | str
    """A list, or base64 of little-endian float32 where `encoding_format` asks for it."""


class EmbeddingsAnswer(TypedDict, total=False):
    object: Literal["list"]
    data: list[Embedding]
    model: str
    provider: str
    usage: dict[str, Any]


class RankedDocument(TypedDict, total=False):
    index: int
    relevance_score: float
    document: dict[str, str]


class RerankAnswer(TypedDict, total=False):
    id: str
    model: str
    provider: str
    results: list[RankedDocument]
    usage: dict[str, Any]
