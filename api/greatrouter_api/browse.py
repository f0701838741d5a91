"""The catalog by its branches: taxonomy, model lines, tags and price tiers, as JSON. Prices are US dollars."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, Field

from greatrouter_api.catalog_index import CatalogIndex
from greatrouter_api.errors import ApiError
from greatrouter_api.families import Family
from greatrouter_api.listing import LARGEST_OFFSET, LONGEST_TEXT, listed
from greatrouter_api.present import rounded
from greatrouter_api.query import EMPTY_IS_ABSENT, FLAG, NUMBER, OneOf
from greatrouter_api.schemas import STRICT
from greatrouter_api.services import Services
from greatrouter_catalog.model import Model
from greatrouter_catalog.pricing import PRICE_FIELDS
from greatrouter_catalog.taxonomy import NOMINAL_UNITS, PRICE_TIERS, TASK_TYPES, TASKS

TAXONOMIES = tuple(kind.taxonomy for kind in TASK_TYPES.values())
# What each price is for, and how many of it a unit of `NOMINAL_UNITS` is.
UNITS = {
    "input_per_million_tokens": ("input tokens", 1_000_000),
    "output_per_million_tokens": ("output tokens", 1_000_000),
    "price_per_image": ("images", 1),
    "price_per_second": ("seconds", 1),
    "price_per_million_characters": ("characters", 1_000_000),
    "price_per_document": ("documents", 1),
    "price_per_search": ("searches", 1),
    "price_per_request": ("requests", 1),
}


class FamilyQuery(BaseModel):
    """`GET /v1/catalog/families`"""

    model_config = STRICT

    taxonomy: Annotated[str, OneOf(TAXONOMIES)] | None = Field(default=None, description="Branch of the catalog.")
    offset: Annotated[int, Field(ge=0, le=LARGEST_OFFSET), NUMBER] = 0
    limit: Annotated[int, Field(ge=1, le=100), NUMBER] = 24
    routable_only: Annotated[bool | None, FLAG] = Field(
        default=None, description="true leaves out lines of which no model is ever chosen by itself."
    )
    q: Annotated[str | None, Field(max_length=LONGEST_TEXT), EMPTY_IS_ABSENT] = Field(
        default=None, description="Words (or how they begin) that the line's names must all have; the best match first."
    )


def families(services: Services, index: CatalogIndex, query: FamilyQuery) -> dict[str, Any]:
    found = list(index.families.values())
    if query.q is not None:
        fit = index.family_names.scores(query.q, every_word=True)
        found = [found[row] for row in np.argsort(-fit, kind="stable") if fit[row] > 0]
    found = [
        family
        for family in found
        if query.taxonomy in (None, "", family.taxonomy) and (family.routable or not query.routable_only)
    ]
    shown = found[query.offset : query.offset + query.limit]
    return {
        "object": "list",
        "data": [summary(services, index, family) for family in shown],
        "total": len(found),
        "limit": query.limit,
        "offset": query.offset,
    }


def family(services: Services, index: CatalogIndex, family_id: str) -> dict[str, Any]:
    """One line with its models. Raises `ApiError` 404."""
    found = index.families.get(family_id)
    if found is None:
        message = f"no model line is called {family_id!r}; GET /v1/catalog/families lists them"
        raise ApiError(404, message, "not_found", "id")
    by_id: dict[str, list[int]] = {}
    for row in found.rows:
        by_id.setdefault(services.catalog.ids[row], []).append(row)
    models = [listed(services, endpoints) for endpoints in by_id.values()]
    return summary(services, index, found) | {"models": models}


def summary(services: Services, index: CatalogIndex, family: Family) -> dict[str, Any]:
    models = [index.catalog.model(row) for row in family.rows]
    routable = [model for model in models if model.routable]
    first = models[0]
    return {
        "id": family.id,
        "object": "catalog_family",
        "name": family.line,
        "taxonomy": family.taxonomy,
        "provider": family.provider,
        "category": first.category,
        "task_type": first.task_type,
        "tasks": [task for task in TASKS if any(task in model.tasks for model in models)],
        "catalog_visibility": family.visibility,
        "routable": family.routable,
        "available": any(bool(services.available[row]) for row in family.rows),
        "model_count": len({model.id for model in models}),
        "routable_count": len({model.id for model in routable}),
        "served_by": sorted({model.provider for model in models}),
        "capabilities": sorted({name for model in models for name in model.capabilities}),
        "context_window": max(model.context_window or 0 for model in models) or None,
        "price_range": price_range(routable or models),
        "price_tiers": [tier for tier in PRICE_TIERS if any(model.price_tier == tier for model in models)],
        "best_variant": best_variant(services, index, family),
    }


def price_range(models: Sequence[Model]) -> dict[str, dict[str, float]]:
    """The lowest and the highest price in each unit that any of `models` is billed in."""
    rates = {name: [r for model in models if (r := getattr(model.pricing, name)) is not None] for name in PRICE_FIELDS}
    return {name: {"min": float(min(found)), "max": float(max(found))} for name, found in rates.items() if found}


def best_variant(services: Services, index: CatalogIndex, family: Family) -> str | None:
    """The model to take of the line: reachable before any other, then the ablest, there where it is cheapest, its
    maker's own endpoint before another at that price. None where none of the line is routed to."""
    arrays, ability = index.catalog.arrays, index.abilities.value
    routable = [row for row in family.rows if index.catalog.model(row).routable]
    if not routable:
        return None
    task = TASKS.index(index.catalog.model(routable[0]).tasks[0])

    def worth(row: int) -> tuple[bool, float, float, bool]:
        able = round(float(ability[arrays.canonical[row], task]), 6)
        own = index.catalog.model(row).provider == family.provider
        return bool(services.available[row]), able, -float(index.typical_cost[row]), own

    return index.catalog.ids[max(routable, key=worth)]


def taxonomy(index: CatalogIndex) -> dict[str, Any]:
    """The branches, each with the makers whose lines hang on it, the maker of most lines first."""
    branches = []
    for kind in TASK_TYPES.values():
        families = [family for family in index.families.values() if family.taxonomy == kind.taxonomy]
        makers = Counter(family.provider for family in families)
        models = [index.catalog.model(row) for family in families for row in family.rows]
        branches.append(
            {
                "taxonomy": kind.taxonomy,
                "category": kind.category,
                "task_type": kind.name,
                "tasks": kind.tasks,
                "family_count": len(families),
                "model_count": _ids(models),
                "routable_count": _ids(model for model in models if model.routable),
                "providers": [{"provider": name, "family_count": n} for name, n in makers.most_common()],
            }
        )
    return {"object": "list", "data": branches, "total": len(branches)}


def tags(index: CatalogIndex) -> dict[str, Any]:
    """Every tag, the most frequent first."""
    of_model = {model.id: model.tags for model in index.catalog}
    found = Counter(tag for names in of_model.values() for tag in names)
    data = [{"tag": tag, "model_count": n} for tag, n in sorted(found.items(), key=lambda item: (-item[1], item[0]))]
    return {"object": "list", "data": data, "total": len(data)}


def price_tiers(index: CatalogIndex) -> dict[str, Any]:
    """Each tier with what a typical request costs in it, by task type."""
    data = []
    for rank, tier in enumerate(PRICE_TIERS):
        rows = [row for row, model in enumerate(index.catalog) if model.price_tier == tier]
        models = [index.catalog.model(row) for row in rows]
        data.append(
            {
                "price_tier": tier,
                "rank": rank + 1,
                "description": f"Fifth {rank + 1} of 5 of a task type's models, by what a typical request costs.",
                "model_count": _ids(models),
                "routable_count": _ids(model for model in models if model.routable),
                "typical_cost_dollars": _bounds(index, rows),
            }
        )
    requests = {task_type: _typical(NOMINAL_UNITS[task_type]) for task_type in TASK_TYPES}
    return {"object": "list", "data": data, "total": len(data), "typical_requests": requests}


def _bounds(index: CatalogIndex, rows: Sequence[int]) -> dict[str, dict[str, float]]:
    """The lowest and the highest cost of a typical request of each task type. What is served here has a tier of its
    own choosing, and does not count."""
    costs: dict[str, list[float]] = {}
    for row in rows:
        model = index.catalog.model(row)
        if not model.hosted:
            costs.setdefault(model.task_type, []).append(float(index.typical_cost[row]))
    return {name: {"min": rounded(min(found)), "max": rounded(max(found))} for name, found in costs.items()}


def _typical(units: Sequence[float]) -> str:
    """A typical request in words.

    >>> _typical(NOMINAL_UNITS["text_generation"])
    '1,000 input tokens, 500 output tokens, 1 request'
    """
    amounts = zip(PRICE_FIELDS, units, strict=True)
    said = [(round(amount * UNITS[name][1]), UNITS[name][0]) for name, amount in amounts if amount]
    return ", ".join(f"{n:,} {_singular(name) if n == 1 else name}" for n, name in said)


def _singular(name: str) -> str:
    return name.removesuffix("es") if name == "searches" else name.removesuffix("s")


def _ids(models: Iterable[Model]) -> int:
    return len({model.id for model in models})
