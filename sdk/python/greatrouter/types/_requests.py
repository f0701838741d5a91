"""The fields of requests, as keyword arguments have them. The server checks them.

A dict may hold fields that are not listed here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from greatrouter.types._names import ContentMode, Optimization, PriceTier, Task


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
    task: Task | str | None
    """A router task, or a registry task type such as `text_generation`."""
    prompt: str | None
    limit: int
    optimization: Optimization
    content_mode: ContentMode | None
    budget_dollars: float | None
    provider: str | Mapping[str, Any] | None
    taxonomy: str | None
    catalog_family: str | None


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
    provider: Mapping[str, Any] | None


class RerankOptions(TypedDict, total=False):
    return_documents: bool
    max_tokens_per_doc: int | None
    provider: Mapping[str, Any] | None


class LogsFilter(TypedDict, total=False):
    limit: int
    before: str | None
    after: str | None
