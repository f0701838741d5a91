"""`/v1/preferences`: what an organization prefers, one key at a time, and what it could prefer."""

from dataclasses import asdict, replace
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from greatrouter_accounts.keys import Caller
from greatrouter_accounts.preferences import KEYS, Preferences
from greatrouter_api.endpoints import known_names
from greatrouter_api.endpoints.documented import failures
from greatrouter_api.endpoints.preference_values import VALUES
from greatrouter_api.endpoints.suggestions import suggest
from greatrouter_api.errors import ApiError
from greatrouter_api.openapi import keyed
from greatrouter_api.plain import HasServices, body_of, caller_of, json_answer
from greatrouter_api.scopes import MANAGE, READ
from greatrouter_api.services import Services
from greatrouter_classifier.classification import ContentMode, Task
from greatrouter_ranking.ranker import Optimization


class PreferencesAnswer(BaseModel):
    tenant_id: str
    default_optimization: Optimization
    default_task: Task | None
    excluded_providers: list[str]
    excluded_models: list[str]
    preferred_providers: list[str]
    content_mode_default: ContentMode | None


class SuggestedPreference(BaseModel):
    key: str
    value: Any = Field(description="As `PUT /v1/preferences/{key}` takes it.")
    reason: str
    confidence: float = Field(ge=0, le=1)
    evidence: dict[str, Any]


class SuggestionsAnswer(BaseModel):
    tenant_id: str
    suggestions: list[SuggestedPreference] = Field(description="The surest first; empty where nothing stands out.")


ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"model": PreferencesAnswer, "description": "The preferences as they are now"}
}
TAGS: list[Any] = ["preferences"]


def add(app: FastAPI, server: HasServices) -> None:
    @app.get(
        "/v1/preferences",
        tags=TAGS,
        summary="The organization's routing preferences",
        response_model=None,
        responses=ANSWER | failures(401, 500, 503),
        openapi_extra=keyed(READ),
    )
    async def get_preferences(request: Request) -> Response:
        caller = await caller_of(request, server.services, READ)
        return _answer(caller, await server.services.accounts.preferences(caller.organization_id, fresh=True))

    @app.get(
        "/v1/preferences/suggestions",
        tags=TAGS,
        summary="Preferences that the organization's own requests and feedback suggest",
        response_model=None,
        responses={200: {"model": SuggestionsAnswer, "description": "Suggestions"}, **failures(401, 500, 503)},
        openapi_extra=keyed(READ),
    )
    async def get_preference_suggestions(request: Request) -> Response:
        caller = await caller_of(request, server.services, READ)
        current = await server.services.accounts.preferences(caller.organization_id, fresh=True)
        return json_answer(await run_in_threadpool(_suggestions, server.services, caller, current))

    for key in KEYS:
        _add_key(app, server, key)

    @app.put("/v1/preferences/{key}", include_in_schema=False)
    @app.delete("/v1/preferences/{key}", include_in_schema=False)
    async def unknown_key(request: Request, key: str) -> Response:
        await caller_of(request, server.services, MANAGE)
        if key == "suggestions":
            raise ApiError(405, f"/v1/preferences/suggestions takes GET, not {request.method}", allow="GET")
        raise ApiError(400, f"no preference is called {key!r}; allowed: {', '.join(KEYS)}", param="key")


def _add_key(app: FastAPI, server: HasServices, key: str) -> None:
    """Each key is a path of its own, so that the interface's description can say what it takes."""
    taken = VALUES[key]
    schema = {"type": "object", "required": ["value"], "properties": {"value": taken.schema}}
    body = {"required": True, "content": {"application/json": {"schema": schema}}}

    @app.put(
        f"/v1/preferences/{key}",
        tags=TAGS,
        summary=f"Set {key}",
        description=f"`value` is {taken.words}.",
        operation_id=f"set_{key}",
        response_model=None,
        responses=ANSWER | failures(400, 401, 413, 500, 503),
        openapi_extra={**keyed(MANAGE), "requestBody": body},
    )
    async def set_preference(request: Request) -> Response:
        caller = await caller_of(request, server.services, MANAGE)
        try:
            given = await body_of(request, taken.model, server.services)
            value = given.model_dump(mode="json")["value"]
            if taken.kind is not None:
                kept = getattr(await server.services.accounts.preferences(caller.organization_id, fresh=True), key)
                # One that is set already may stay: a catalog that was refreshed since may have lost it.
                added = [name for name in value if name not in kept]
                await run_in_threadpool(known_names.check, taken.kind, added, server.services)
        except ApiError as error:
            if error.status == 400:
                error.message += f" (allowed for {key}: {taken.words})"
            raise
        set_ = server.services.accounts.set_preference
        return _answer(caller, await run_in_threadpool(set_, caller.organization_id, key, value))

    @app.delete(
        f"/v1/preferences/{key}",
        tags=TAGS,
        summary=f"Delete {key}: its default holds again",
        operation_id=f"delete_{key}",
        response_model=None,
        responses=ANSWER | failures(401, 500, 503),
        openapi_extra=keyed(MANAGE),
    )
    async def delete_preference(request: Request) -> Response:
        caller = await caller_of(request, server.services, MANAGE)
        delete = server.services.accounts.delete_preference
        return _answer(caller, await run_in_threadpool(delete, caller.organization_id, key))


def _answer(caller: Caller, preferences: Preferences) -> Response:
    return json_answer({**asdict(preferences), "tenant_id": caller.organization_id})


def _suggestions(services: Services, caller: Caller, current: Preferences) -> dict[str, Any]:
    accounts, organization_id = services.accounts, caller.organization_id
    usage = accounts.usage(organization_id)
    gone = {
        *known_names.unknown("model", {model for model, _ in usage.endpoints}, services),
        *known_names.unknown("provider", {provider for _, provider in usage.endpoints}, services),
    }
    endpoints = {names: tally for names, tally in usage.endpoints.items() if gone.isdisjoint(names)}
    usage = replace(usage, endpoints=endpoints)
    found = suggest(usage, current, accounts.preferences_set(organization_id))
    return {"suggestions": [asdict(suggestion) for suggestion in found], "tenant_id": organization_id}
