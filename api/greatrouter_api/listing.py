"""The catalog's models as a list: `GET /v1/models` in full, `POST /v1/models/query` searched and in pages."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from greatrouter_api.catalog_index import CatalogIndex
from greatrouter_api.query import EMPTY_IS_ABSENT, FLAG, LISTED, OneOf
from greatrouter_api.schemas import STRICT
from greatrouter_api.services import Services
from greatrouter_catalog.model import Model
from greatrouter_catalog.taxonomy import CAPABILITIES, PRICE_TIERS, TASK_TYPES, TASKS, VISIBILITIES

CATEGORIES = tuple(dict.fromkeys(kind.category for kind in TASK_TYPES.values()))
LARGEST_PAGE, PAGE, LARGEST_OFFSET = 500, 100, 1_000_000_000
LONGEST_TEXT = 2_000
# Of models that fit a text equally well, those that are routed to come first. Nothing is found that does not fit.
PROMINENCE = {"featured": 1.2, "standard": 1.0, "long_tail": 0.8}

Name = Annotated[str | None, EMPTY_IS_ABSENT]
Capability = Annotated[str, OneOf(CAPABILITIES, may_be_empty=False)]
Names = Annotated[list[Capability] | None, LISTED]


class ModelFilters(BaseModel):
    """What a model must be to be listed; all that is said must hold."""

    model_config = STRICT

    task: Annotated[str, OneOf(TASKS)] | None = Field(default=None, description="A router task it answers.")
    task_type: Annotated[str, OneOf(tuple(TASK_TYPES))] | None = Field(default=None, description="Registry task type.")
    provider: Name = Field(default=None, description="Where it is served, such as openai or groq.")
    category: Annotated[str, OneOf(CATEGORIES)] | None = None
    capabilities: Names = Field(default=None, description="Each of them, with commas between.")
    type: Annotated[str, OneOf(("hosted", "proxied"))] | None = Field(
        default=None, description="Served by this process, or by a provider."
    )
    catalog_family: Name = Field(default=None, description="Model line, such as llm/meta--llama-3.3.")
    catalog_visibility: Annotated[str, OneOf(VISIBILITIES)] | None = None
    routable_only: bool | None = Field(default=None, description="Leave out what is never chosen by itself.")


class ModelListing(ModelFilters):
    """`GET /v1/models`"""

    routable_only: Annotated[bool | None, FLAG] = Field(
        default=None, description="true leaves out what is never chosen by itself."
    )


def _nullable(default: int, **bounds: int) -> tuple[BeforeValidator, WithJsonSchema]:
    """A whole number, which JSON may write as 5.0, or null, which means the default."""
    schema = {"anyOf": [{"type": "integer", **bounds}, {"type": "null"}]}

    def number(value: Any) -> Any:
        if isinstance(value, float) and value.is_integer():
            return int(value)
        return default if value is None else value

    return BeforeValidator(number), WithJsonSchema(schema)


_ONE = "|".join(CAPABILITIES)
_ARRAY_OR_TEXT = {
    "anyOf": [
        {"type": "array", "items": {"type": "string", "enum": list(CAPABILITIES)}},
        {"type": "string", "pattern": f"^(({_ONE})(,({_ONE}))*)?$"},
        {"type": "null"},
    ]
}


class ModelQuery(ModelFilters):
    """`POST /v1/models/query`"""

    price_tier: Annotated[str, OneOf(PRICE_TIERS)] | None = None
    tags: list[str] | None = Field(default=None, description="Any of them; GET /v1/models/tags lists them.")
    text: Annotated[str | None, Field(max_length=LONGEST_TEXT), EMPTY_IS_ABSENT] = Field(
        default=None, description="Words that name, description, provider or id must all have; the best match first."
    )
    capabilities: Annotated[Names, WithJsonSchema(_ARRAY_OR_TEXT)] = Field(
        default=None, description="Each of them: a list, or one text with commas between."
    )
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE), *_nullable(PAGE, minimum=1, maximum=LARGEST_PAGE)] = PAGE
    offset: Annotated[int, Field(ge=0, le=LARGEST_OFFSET), *_nullable(0, minimum=0, maximum=LARGEST_OFFSET)] = 0


HOLDS: Mapping[str, Callable[[Model, Any], bool]] = {
    "task": lambda model, value: value in model.tasks,
    "task_type": lambda model, value: model.task_type == value,
    "provider": lambda model, value: model.provider == value,
    "category": lambda model, value: model.category == value,
    "capabilities": lambda model, value: set(value) <= set(model.capabilities),
    "type": lambda model, value: model.hosted == (value == "hosted"),
    "catalog_family": lambda model, value: model.family == value,
    "catalog_visibility": lambda model, value: model.visibility == value,
    "routable_only": lambda model, value: model.routable or not value,
    "price_tier": lambda model, value: model.price_tier == value,
    "tags": lambda model, value: not set(value).isdisjoint(model.tags),
}


def rows(services: Services, filters: ModelFilters) -> list[object]:
    """The models that pass every filter, in the catalog's order; the endpoints of one id are one object. 15 ms."""
    found: dict[str, list[int]] = {}
    for row in passing(services, filters):
        found.setdefault(services.catalog.ids[row], []).append(row)
    return [listed(services, endpoints) for endpoints in found.values()]


def page(services: Services, index: CatalogIndex, query: ModelQuery) -> dict[str, object]:
    """One page of the models that pass, the best match of `text` first; the pages together hold each exactly once."""
    relevance = None if query.text is None else index.text.scores(query.text, every_word=True)
    found: dict[str, list[int]] = {}
    best: dict[str, float] = {}
    for row in passing(services, query):
        model = services.catalog.model(row)
        if relevance is not None:
            if not relevance[row]:
                continue
            best[model.id] = max(best.get(model.id, 0.0), float(relevance[row]) * PROMINENCE[model.visibility])
        found.setdefault(model.id, []).append(row)
    ids = sorted(found, key=lambda model_id: -best[model_id]) if best else list(found)
    shown = ids[query.offset : query.offset + query.limit]
    return {
        "object": "list",
        "data": [listed(services, found[model_id]) for model_id in shown],
        "total": len(ids),
        "limit": query.limit,
        "offset": query.offset,
    }


def passing(services: Services, filters: ModelFilters) -> Iterator[int]:
    """The rows of the catalog that every filter lets through. 8 ms for all of it."""
    said = ((HOLDS[name], value) for name, value in filters if name in HOLDS)
    tests = [(holds, value) for holds, value in said if value not in (None, "", [], False)]
    for row in range(len(services.catalog)):
        model = services.catalog.model(row)
        if all(holds(model, value) for holds, value in tests):
            yield row


def listed(services: Services, endpoints: Sequence[int]) -> object:
    if len(endpoints) == 1:
        return services.view.listed(endpoints[0])
    return model_object(services, endpoints)


def model_object(services: Services, endpoints: Sequence[int]) -> dict[str, object]:
    """One model with all its endpoints: the first's fields, the tasks and the availability of all."""
    found = services.view.full(endpoints[0])
    if len(endpoints) == 1:
        return found
    models = [services.catalog.model(row) for row in endpoints]
    return found | {
        "tasks": list(dict.fromkeys(task for model in models for task in model.tasks)),
        "available": any(bool(services.available[row]) for row in endpoints),
        "endpoints": [services.view.endpoint(row) for row in endpoints],
    }
