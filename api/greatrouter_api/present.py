"""How models, decisions and costs look in an answer. Money leaves here as US dollars."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from greatrouter_catalog.catalog import Catalog
from greatrouter_catalog.model import Model
from greatrouter_catalog.pricing import PRICE_FIELDS, Pricing
from greatrouter_classifier.classification import Classification, Decision
from greatrouter_classifier.pipeline import DEFAULT_CONFIDENCE, SESSION_CONFIDENCE
from greatrouter_ranking.ranker import Choice, Comparison
from greatrouter_serving.health import Health


def pricing(prices: Pricing) -> dict[str, float]:
    """The prices a model has, in US dollars per native unit."""
    return {name: float(value) for name in PRICE_FIELDS if (value := getattr(prices, name)) is not None}


def classification(found: Classification) -> dict[str, Any]:
    return {
        "task": found.task.value,
        "confidence": round(found.confidence, 4),
        "reasoning": found.reasoning,
        "decision": found.decision.value,
        "content_mode": found.content_mode.value,
        "complexity_tier": found.complexity.tier.value,
        "complexity_score": found.complexity.score,
        "probabilities": {task.value: p for task, p in found.probabilities.items()},
    }


def contextual_boost(found: Classification) -> float:
    """How much surer the session made the classifier than it would have been by default."""
    return round(SESSION_CONFIDENCE - DEFAULT_CONFIDENCE, 4) if found.decision is Decision.SESSION else 0.0


# The unit that a model is sold in, first by what is usual for the kind.
UNITS = {
    "price_per_document": "document",
    "price_per_search": "search",
    "price_per_image": "image",
    "price_per_second": "second",
    "price_per_million_characters": "million characters",
    "price_per_request": "request",
    "input_per_million_tokens": "million tokens",
    "output_per_million_tokens": "million tokens",
}


def unit_price(prices: Pricing) -> dict[str, Any]:
    """The price in the model's native unit. Only models of this process have a batch tier of their own."""
    for name, unit in UNITS.items():
        if (rate := getattr(prices, name)) is not None:
            return {"unit": unit, "realtime": float(rate), "batch": float(rate)}
    return {}


class ModelView:
    """The JSON of models. The short form stands in every routed answer, so its bytes are made once for each row."""

    def __init__(
        self,
        catalog: Catalog,
        hosted: Callable[[str], Mapping[str, Any]],
        available: NDArray[np.bool_],
        health: Health,
    ) -> None:
        """`hosted` gives what only a model of this process has (state, params, ...); nothing for any other."""
        self._health = health
        self._catalog = catalog
        self._hosted = hosted
        self._available = available
        self._short: dict[int, orjson.Fragment] = {}
        self._full: dict[int, orjson.Fragment] = {}

    def short(self, row: int) -> orjson.Fragment:
        known = self._short.get(row)
        if known is None:
            known = self._short[row] = orjson.Fragment(orjson.dumps(self._brief(self._catalog.model(row))))
        return known

    def listed(self, row: int) -> Any:
        """As `full`, made once for what does not change while the process runs: listing all of it takes 10 ms."""
        model = self._catalog.model(row)
        if model.hosted or self._health.glance(model.id, model.provider) is not None:
            return self.full(row)
        known = self._full.get(row)
        if known is None:
            known = self._full[row] = orjson.Fragment(orjson.dumps(self.full(row)))
        return known

    def full(self, row: int) -> dict[str, Any]:
        """The superset object of `GET /v1/models`."""
        model = self._catalog.model(row)
        return self._brief(model) | {
            "object": "model",
            "pricing": unit_price(model.pricing) | pricing(model.pricing),
            "created": _epoch(model),
            "owned_by": model.creator or model.provider,
            "task": model.tasks[0],
            "tasks": model.tasks,
            "type": "hosted" if model.hosted else "proxied",
            "catalog_family": model.family,
            "catalog_visibility": model.visibility,
            "long_tail_because": model.long_tail_because,
            "price_tier": model.price_tier,
            "context_window": model.context_window,
            "max_output_tokens": model.max_output_tokens,
            "modalities": {"input": model.input_modalities, "output": model.output_modalities},
            "tags": model.tags,
            "description": model.description,
            "available": self.reachable(row),
            "params": None,
            "health": self._health_of(model),
            **self._hosted(model.id),
        }

    def _health_of(self, model: Model) -> dict[str, Any] | None:
        """None for what was hardly tried. `GET /v1/model-health` says more."""
        found = self._health.glance(model.id, model.provider)
        if found is None or not found.telling:
            return None
        rate, latency_s = found.success_rate, found.latency_s()[0]
        return {
            "degraded": found.degraded,
            "success_rate": None if rate is None else round(rate, 4),
            "latency_p50_ms": None if np.isnan(latency_s) else round(1000 * latency_s, 2),
        }

    def reachable(self, row: int) -> bool:
        """By a live key, as the server is configured; a test key has all the others played by the sandbox."""
        return bool(self._available[row])

    def endpoint(self, row: int) -> dict[str, Any]:
        """One of several ways to reach the same model."""
        model = self._catalog.model(row)
        return {
            "id": model.id,
            "provider": model.provider,
            "task_type": model.task_type,
            "pricing": pricing(model.pricing),
            "available": self.reachable(row),
        }

    def _brief(self, model: Model) -> dict[str, Any]:
        return {
            "id": model.id,
            "name": model.name,
            "provider": model.provider,
            "task_type": model.task_type,
            "category": model.category,
            "capabilities": model.capabilities,
            "pricing": pricing(model.pricing),
        }


def price_comparison(catalog: Catalog, comparison: Comparison, cost_dollars: float) -> dict[str, Any]:
    highest = comparison.highest_cost_dollars
    savings = 100 * (1 - cost_dollars / highest) if highest > 0 else 0.0
    return {
        "cheapest_model": catalog.ids[comparison.cheapest],
        "best_value_model": catalog.ids[comparison.best_value],
        "best_quality_model": catalog.ids[comparison.best_quality],
        "estimated_cost_dollars": rounded(cost_dollars),
        "savings_vs_highest_pct": round(max(0.0, savings), 2),
    }


def suggestion(view: ModelView, catalog: Catalog, choice: Choice, reason: str, *, available: bool) -> dict[str, Any]:
    cost = rounded(choice.cost_dollars)
    return {
        "model": view.short(choice.row),
        "cost_tier": catalog.model(choice.row).price_tier,
        "estimated_cost": cost,
        "estimated_cost_dollars": cost,
        "score": round(choice.score, 4),
        "quality": round(choice.quality, 4),
        "reason": reason,
        "available": available,
    }


def sandbox_note(view: ModelView, rows: Sequence[int]) -> dict[str, str]:
    """What `available` means to a test key; nothing where a live key could run all of `rows`, too."""
    live = sum(map(view.reachable, rows))
    if live == len(rows):
        return {}
    share = f"{live} of these {len(rows)}" if live else "none of these"
    note = (
        "under a test key the sandbox plays models of outside providers, so each of these is available; with a live "
        f"key, {share} could be run as this server is configured"
    )
    return {"note": note}


def rounded(dollars: float) -> float:
    """Ten decimals: a hundred-millionth of a cent, the finest that is ever charged."""
    return round(dollars, 10)


def dollars(cents: Decimal) -> float:
    return float(cents / 100)


def _epoch(model: Model) -> int:
    """Seconds since 1970 of the model's release; 0 where no feed says."""
    return (model.released_on.toordinal() - 719_163) * 86_400 if model.released_on else 0
