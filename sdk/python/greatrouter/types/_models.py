"""Models, and the catalog they stand in."""

from typing import Any, Generic, Literal, TypeVar

from greatrouter.types._answer import Answer
from greatrouter.types._names import PriceTier, Task

Row = TypeVar("Row")


class Listed(Answer, Generic[Row]):
    object: Literal["list"]
    data: list[Row]
    total: int


class Page(Listed[Row], Generic[Row]):
    """`total` counts what matches, on this page or not."""

    limit: int
    offset: int


class Modalities(Answer):
    input: list[str]
    output: list[str]


class Health(Answer):
    degraded: bool
    success_rate: float | None
    latency_p50_ms: float | None


class Endpoint(Answer):
    """One of several ways to reach a model."""

    id: str
    provider: str
    task_type: str
    pricing: dict[str, Any]
    available: bool


class Benchmark(Answer):
    benchmark: str
    metric: str
    task: str
    score: float
    source: str
    observed_on: str | None


class Provenance(Answer):
    creator: str | None
    license: str | None
    open_weights: bool | None
    released_on: str | None
    sources: list[dict[str, Any]]
    price_source: str | None
    observed_on: str | None
    valid_from: str | None
    catalog_version: str


class Performance(Answer):
    """How requests to a model did in one hour or day."""

    window: Literal["hour", "day"]
    start: str
    end: str
    success_rate: float
    p50_latency_ms: float | None
    p95_latency_ms: float | None


class Model(Answer):
    """The first seven fields wherever a model stands, the next where models are listed, and the last four in
    `get_model` alone. `state` and `dimensions` are there for models that the server itself runs."""

    id: str
    name: str
    provider: str
    task_type: str
    category: str
    capabilities: list[str]
    pricing: dict[str, Any]
    """US dollars per native unit."""

    created: int | None = None
    owned_by: str | None = None
    task: Task | None = None
    tasks: list[Task] | None = None
    type: Literal["hosted", "proxied"] | None = None
    catalog_family: str | None = None
    catalog_visibility: str | None = None
    long_tail_because: str | None = None
    price_tier: PriceTier | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    modalities: Modalities | None = None
    tags: list[str] | None = None
    description: str | None = None
    available: bool | None = None
    params: int | None = None
    health: Health | None = None
    state: Literal["cold", "warming", "warm"] | None = None
    dimensions: int | None = None

    endpoints: list[Endpoint] | None = None
    benchmarks: list[Benchmark] | None = None
    provenance: Provenance | None = None
    performance_timeseries: list[Performance] | None = None


ModelList = Listed[Model]
ModelPage = Page[Model]


class Tag(Answer):
    tag: str
    model_count: int


class PriceTierRow(Answer):
    price_tier: PriceTier
    rank: int
    description: str
    model_count: int
    routable_count: int
    typical_cost_dollars: dict[str, dict[str, float]]


class Branch(Answer):
    """A branch of the catalog."""

    taxonomy: str
    category: str
    task_type: str
    tasks: list[Task]
    family_count: int
    model_count: int
    routable_count: int
    providers: list[dict[str, Any]]


class Family(Answer):
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
    routable_count: int
    served_by: list[str]
    capabilities: list[str]
    context_window: int | None
    price_range: dict[str, dict[str, float]]
    price_tiers: list[PriceTier]
    best_variant: str | None
    models: list[Model] | None = None


class Problem(Answer):
    path: str
    message: str


class ValidationAnswer(Answer):
    valid: bool
    errors: list[Problem]


class HealthEntry(Answer):
    failures: int
    successes: int
    consecutiveFailures: int
    avgLatencyMs: float | None


class ModelHealth(Answer):
    model_id: str
    degraded: bool
    latency_penalty: float
    health_entry: HealthEntry
    endpoints: list[dict[str, Any]] | None = None


class HealthAnswer(Answer):
    health: list[ModelHealth]
    tenant_id: str
