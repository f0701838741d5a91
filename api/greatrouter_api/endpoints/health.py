"""`GET /v1/model-health`: how models have done lately, from the requests that were really made.

What is counted is the caller's own; rates and times are over everybody's attempts where those are enough not to be
one caller's, else over the caller's own.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from greatrouter_api.endpoints.documented import failures
from greatrouter_api.errors import unknown_model
from greatrouter_api.openapi import keyed, query_parameters
from greatrouter_api.plain import HasServices, caller_of, json_answer
from greatrouter_api.scopes import READ
from greatrouter_api.services import Services
from greatrouter_serving.health import EndpointHealth, Health


class HealthEntry(BaseModel):
    """Of the organization's own requests; names as the published page has them."""

    failures: int
    successes: int
    consecutiveFailures: int
    avgLatencyMs: float | None = Field(description="Of the latest successes; a stream counts to its first token.")


class EndpointState(BaseModel):
    provider: str
    degraded: bool
    success_rate: float | None = Field(description="With a half-life of five minutes; null where nothing was tried.")
    latency_p50_ms: float | None
    latency_p90_ms: float | None
    throughput_p50: float | None = Field(description="Tokens a second.")


class ModelState(BaseModel):
    model_id: str
    degraded: bool = Field(description="Whether every endpoint of the model is avoided at the moment.")
    latency_penalty: float = Field(ge=0, le=1, description="What ranking takes off the chance of a good answer.")
    health_entry: HealthEntry
    endpoints: list[EndpointState]


class HealthAnswer(BaseModel):
    health: list[ModelState]
    tenant_id: str


def add(app: FastAPI, server: HasServices) -> None:
    @app.get(
        "/v1/model-health",
        tags=["routing"],
        summary="How models have done lately",
        openapi_extra={**query_parameters(["models", "model"]), **keyed(READ)},
        responses={200: {"model": HealthAnswer, "description": "Their health"}, **failures(401, 404, 500, 503)},
        response_model=None,
    )
    async def model_health(request: Request) -> Response:
        caller = await caller_of(request, server.services, READ)
        given = (value for name, value in request.query_params.multi_items() if name in ("models", "model"))
        named = [name.strip() for value in given for name in value.split(",") if name.strip()]
        health = states(server.services, caller.organization_id, list(dict.fromkeys(named)))
        return json_answer({"health": health, "tenant_id": caller.organization_id})


def states(services: Services, organization_id: str, named: Sequence[str]) -> list[dict[str, Any]]:
    """Of the named models, or else of all that can be reached or were tried. Raises `ApiError` 404."""
    health, own = services.outcomes.health, services.outcomes.own(organization_id)
    known = {model_id for (model_id, _), _ in health}
    if not named:
        reachable = (services.catalog.ids[row] for row in np.flatnonzero(services.available))
        named = list(dict.fromkeys((*sorted(known), *reachable)))
    gone = health.out_of_reach()
    return [_state(services, own, model_id, gone, tried=model_id in known) for model_id in named]


def _state(services: Services, own: Health, model_id: str, gone: Collection[str], *, tried: bool) -> dict[str, Any]:
    """`gone` are the providers out of reach."""
    rows = services.catalog.find(model_id)
    if not rows and not tried:
        raise replace(unknown_model(model_id), param="models")
    # A creator's name for a model stands for endpoints of several ids.
    tried_at = dict.fromkeys((services.catalog.ids[row], services.catalog.model(row).provider) for row in rows)
    found = [(provider, services.outcomes.health.of(name, provider) or EndpointHealth()) for name, provider in tried_at]
    mine = [own.of(name, provider) or EndpointHealth() for name, provider in tried_at]
    return {
        "model_id": model_id,
        "degraded": bool(found) and all(name in gone or health.degraded for name, health in found),
        "latency_penalty": round(min((health.penalty for _, health in found), default=0.0), 4),
        "health_entry": {
            "failures": sum(health.total_failures for health in mine),
            "successes": sum(health.total_successes for health in mine),
            "consecutiveFailures": min((health.consecutive_failures for health in mine), default=0),
            "avgLatencyMs": _mean(ms for health in mine for ms in health.latencies_ms),
        },
        "endpoints": [
            _endpoint(name, health, here, gone=name in gone) for (name, health), here in zip(found, mine, strict=True)
        ],
    }


def _endpoint(provider: str, health: EndpointHealth, mine: EndpointHealth, *, gone: bool) -> dict[str, Any]:
    told = health if health.telling else mine
    latency_s = told.latency_s()
    return {
        "provider": provider,
        "degraded": gone or health.degraded,
        "success_rate": _rounded(told.success_rate),
        "latency_p50_ms": _rounded(1000 * latency_s[0]),
        "latency_p90_ms": _rounded(1000 * latency_s[2]),
        "throughput_p50": _rounded(told.tokens_per_s()[0]),
    }


def _mean(values: Iterable[float]) -> float | None:
    given = list(values)
    return round(sum(given) / len(given), 2) if given else None


def _rounded(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else round(value, 4)
