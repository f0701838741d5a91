"""All that is known of one model: where its facts come from, published scores, and how it did here lately."""

from collections.abc import Sequence
from typing import Any

from greatrouter_accounts.errors import AccountsError
from greatrouter_api.errors import unknown_model
from greatrouter_api.listing import model_object
from greatrouter_api.services import Services
from greatrouter_catalog.model import Model

# The catalog knows whether weights are open, not under which text.
LICENSES = {True: "open weights", False: "proprietary", None: None}


def endpoints_of(services: Services, model_id: str) -> list[int]:
    """The rows of a model by id or alias, `route/` before it or not. Raises `ApiError` 404."""
    rows = services.catalog.find(model_id) or services.catalog.find(model_id.removeprefix("route/"))
    if not rows:
        raise unknown_model(model_id)
    return rows


def detail(services: Services, model_id: str) -> dict[str, Any]:
    """Raises `ApiError` 404. Reads the accounts, so not for the event loop."""
    rows = endpoints_of(services, model_id)
    model = services.catalog.model(rows[0])
    # A creator's name for a model stands for endpoints of several ids.
    named = {} if len({services.catalog.ids[row] for row in rows}) == 1 else {"id": model_id}
    return (
        model_object(services, rows)
        | named
        | {
            "endpoints": [services.view.endpoint(row) for row in rows],
            "benchmarks": benchmarks(services, model.canonical),
            "provenance": provenance(services, model),
            **performance(services, model.id),
        }
    )


def benchmarks(services: Services, canonical: str) -> list[dict[str, object]]:
    return [
        {
            "benchmark": score.board,
            "metric": score.metric,
            "task": score.task,
            "score": score.value,
            "source": score.source,
            "observed_on": str(score.observed_on) if score.observed_on else None,
        }
        for score in services.catalog.scores_of(canonical)
    ]


def provenance(services: Services, model: Model) -> dict[str, object]:
    """Who made it, and which feeds say what the catalog says; `price_source` is the one whose price holds."""
    return {
        "creator": model.creator,
        "license": LICENSES[model.open_weights],
        "open_weights": model.open_weights,
        "released_on": str(model.released_on) if model.released_on else None,
        "sources": _sources(services, model.sources),
        "price_source": model.price_feed,
        "observed_on": str(model.observed_on) if model.observed_on else None,
        "valid_from": str(model.valid_from) if model.valid_from else None,
        "catalog_version": services.catalog.version,
    }


def performance(services: Services, model_id: str) -> dict[str, Any]:
    """`performance_timeseries`, or nothing where the accounts cannot be read: the model is known all the same."""
    try:
        return {"performance_timeseries": services.accounts.performance(model_id)}
    except AccountsError:
        return {}


def _sources(services: Services, names: Sequence[str]) -> list[dict[str, Any]]:
    known = {str(source["feed"]): source for source in services.catalog.report.get("sources", ())}
    fields = ("url", "licence", "observed_on")
    return [{"source": name, **{field: known.get(name, {}).get(field) for field in fields}} for name in names]
