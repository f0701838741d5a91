"""The answers of the catalog's endpoints, for the OpenAPI document alone: they are checked against it in tests."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Dollars = float


class Shape(BaseModel):
    model_config = ConfigDict(extra="allow")


class Modalities(Shape):
    input: list[str]
    output: list[str]


class HealthShape(Shape):
    degraded: bool
    success_rate: float | None
    latency_p50_ms: float | None


class ModelShape(Shape):
    """One model. What is served by this process also has `state`, `dimensions`, `backend` and prices by tier."""

    id: str
    object: Literal["model"]
    created: int = Field(description="Seconds since 1970 of its release; 0 where nobody says.")
    owned_by: str
    name: str
    provider: str
    task: str
    tasks: list[str]
    task_type: str
    category: str
    capabilities: list[str]
    type: Literal["hosted", "proxied"]
    pricing: dict[str, Dollars | str] = Field(description="US dollars per native unit; only what it is billed in.")
    catalog_family: str
    catalog_visibility: Literal["featured", "standard", "long_tail"]
    long_tail_because: str | None
    price_tier: Literal["economy", "standard", "balanced", "premium", "flagship"] | None
    context_window: int | None
    max_output_tokens: int | None
    modalities: Modalities
    tags: list[str]
    description: str
    available: bool = Field(
        description="Whether this server can run it for a live key. A test key has any routable model, whatever stands "
        "here: what is not available is played by the sandbox."
    )
    params: int | None
    health: HealthShape | None = Field(description="Null for what was not tried lately.")


class Endpoint(Shape):
    id: str
    provider: str
    task_type: str
    pricing: dict[str, Dollars | str]
    available: bool


class Benchmark(Shape):
    benchmark: str
    metric: str
    task: str
    score: float
    source: str
    observed_on: str | None


class Source(Shape):
    source: str
    url: str | None
    licence: str | None
    observed_on: str | None


class Provenance(Shape):
    creator: str | None
    license: Literal["open weights", "proprietary"] | None
    open_weights: bool | None
    released_on: str | None
    sources: list[Source]
    price_source: str | None = Field(description="The source whose price holds.")
    observed_on: str | None = Field(description="When that source was last seen to state it.")
    valid_from: str | None
    catalog_version: str


class Window(Shape):
    window: Literal["hour", "day"]
    start: str
    end: str
    success_rate: float
    p50_latency_ms: float | None
    p95_latency_ms: float | None


class ModelDetail(ModelShape):
    endpoints: list[Endpoint]
    benchmarks: list[Benchmark]
    provenance: Provenance
    performance_timeseries: list[Window] = Field(
        default=[], description="By the hour and by the day, from requests served here; absent without a database."
    )


class ModelList(Shape):
    object: Literal["list"]
    data: list[ModelShape]
    total: int


class ModelPage(ModelList):
    limit: int
    offset: int


class Tag(Shape):
    tag: str
    model_count: int


class TagList(Shape):
    object: Literal["list"]
    data: list[Tag]
    total: int


class Range(Shape):
    min: Dollars
    max: Dollars


class PriceTier(Shape):
    price_tier: str
    rank: int
    description: str
    model_count: int
    routable_count: int
    typical_cost_dollars: dict[str, Range] = Field(description="By task type; see `typical_requests`.")


class PriceTierList(Shape):
    object: Literal["list"]
    data: list[PriceTier]
    total: int
    typical_requests: dict[str, str]


class Maker(Shape):
    provider: str
    family_count: int


class Branch(Shape):
    taxonomy: str
    category: str
    task_type: str
    tasks: list[str]
    family_count: int
    model_count: int
    routable_count: int
    providers: list[Maker]


class Taxonomy(Shape):
    object: Literal["list"]
    data: list[Branch]
    total: int


class FamilyShape(Shape):
    """One model line."""

    id: str
    object: Literal["catalog_family"]
    name: str
    taxonomy: str
    provider: str = Field(description="Who makes it.")
    category: str
    task_type: str
    tasks: list[str]
    catalog_visibility: Literal["featured", "standard", "long_tail"]
    routable: bool
    available: bool
    model_count: int
    routable_count: int
    served_by: list[str]
    capabilities: list[str]
    context_window: int | None
    price_range: dict[str, Range] = Field(description="US dollars per native unit, of the routable models.")
    price_tiers: list[str]
    best_variant: str | None


class FamilyPage(Shape):
    object: Literal["list"]
    data: list[FamilyShape]
    total: int
    limit: int
    offset: int


class FamilyDetail(FamilyShape):
    models: list[ModelShape]
