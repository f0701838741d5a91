"""The OpenAPI documents: FastAPI's own with the endpoints that FastAPI never sees, and the same in version 3.0.3.

FastAPI writes what it knows (paths, models, parameters); here every operation gets what all of them share: the errors
that can happen there with their codes, and the headers that come and go.
"""

from collections.abc import Iterable, Mapping
from http import HTTPMethod
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from greatrouter_api import openapi_parts as parts
from greatrouter_api.answers import OpenApi
from greatrouter_api.answers_wire import ChatCompletionChunk
from greatrouter_api.front import Endpoint
from greatrouter_api.openapi_30 import as_30
from greatrouter_api.openapi_defs import hoisted
from greatrouter_api.openapi_examples import EXAMPLES
from greatrouter_api.scopes import Scopes, listed

DESCRIPTION = """\
Requests and answers are JSON. Amounts of money are US dollars. Unknown fields are ignored, and null for an optional
field means that it is absent. An API key goes into `Authorization: Bearer KEY` or `X-API-Key: KEY`. Every error has one
shape, `{"error": {"code", "message", ...}}`, whatever the endpoint. A path that is not listed here is a 404
`not_found`, a method that a path does not take a 405 with `Allow`."""

CHAT = "/v1/chat/completions"
# What an endpoint reads beside its body, and answers beside `X-Request-Id`.
REQUEST_HEADERS = {
    CHAT: ("X-GR-Cache-TTL", "X-GR-Guardrails"),
    "/v1/auto/route": ("X-GR-Guardrails", "X-Tier"),
    "/v1/models/route": ("X-GR-Guardrails", "X-Tier"),
    "/v1/embeddings": ("X-GR-Guardrails", "X-Tier", "Prefer"),
    "/v1/rerank": ("X-GR-Guardrails", "X-Tier", "Prefer"),
    "/v2/rerank": ("X-GR-Guardrails", "X-Tier", "Prefer"),
}
ANSWER_HEADERS = {
    CHAT: ("X-GR-Cache",),
    "/v1/embeddings": ("Preference-Applied",),
    "/v1/rerank": ("Preference-Applied",),
    "/v2/rerank": ("Preference-Applied",),
}
# Before version 3.2, what stands under `text/event-stream` describes one event.
CHUNK = {"anyOf": [{"$ref": parts.SCHEMAS + name} for name in ("ChatCompletionChunk", "Error")]}
EVENT = {
    "type": "object",
    "description": "One server-sent event.",
    "required": ["data"],
    "properties": {
        "data": {
            "anyOf": [
                {"type": "string", "enum": ["[DONE]"]},
                {
                    "type": "string",
                    "contentMediaType": "application/json",
                    "contentSchema": CHUNK,
                    "description": "A ChatCompletionChunk as JSON; or, where the provider failed midway, an Error.",
                },
            ]
        }
    },
}
CHAT_ANSWER = (
    "The whole answer; or with `stream: true` one server-sent event a chunk as the provider sends them, one more with "
    "the `greatrouter` object, then `[DONE]`. A failure after the first chunk is an event with the error shape."
)
# An endpoint that runs models can fail in every way there is, one that only reads and ranks in these.
READING = (400, 401, 404, 408, 409, 413, 422, 500, 503)
RUNNING = (*READING, 402, 403, 429, 502)
# OpenAPI has no word for the scopes of a key that is sent as it is.
SCOPED = "x-any-of-scopes"
METHODS = frozenset(method.lower() for method in HTTPMethod)


def document(app: FastAPI, endpoints: Iterable[Endpoint]) -> None:
    """Makes `app.openapi()` describe `endpoints` as well."""
    routes = [_route(endpoint) for endpoint in endpoints]
    routes += [_own_route(path, version) for path, version in ((app.openapi_url, "3.1"), ("/v1/openapi.json", "3.0.3"))]

    def build() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(
                title=app.title,
                version=app.version,
                summary=app.summary,
                description=DESCRIPTION,
                routes=[*routes, *app.routes],
                servers=[{"url": "/"}],
            )
            app.openapi_schema = hoisted(_completed(found))
        return app.openapi_schema

    app.openapi = build  # type: ignore[method-assign]  # the way FastAPI's documentation gives for extending the schema


def document_30(app: FastAPI) -> dict[str, Any]:
    """The same as version 3.0.3, made once: it takes 14 ms."""
    if not hasattr(app.state, "openapi_30"):
        app.state.openapi_30 = as_30(app.openapi())
    found: dict[str, Any] = app.state.openapi_30
    return found


def keyed(scopes: Scopes) -> dict[str, Any]:
    """What is said of an operation that needs a key, and which scopes the key may have for it."""
    return {"security": [{"bearer": []}, {"apiKey": []}], SCOPED: listed(scopes)}


def query_parameters(names: Iterable[str]) -> dict[str, Any]:
    """Optional string parameters, for endpoints that read the query themselves."""
    return {
        "parameters": [{"name": name, "in": "query", "required": False, "schema": {"type": "string"}} for name in names]
    }


def _route(endpoint: Endpoint) -> APIRoute:
    """A hot endpoint as FastAPI would know it; it is never called."""

    def answer(body: Any) -> None: ...

    answer.__annotations__["body"] = endpoint.request
    success: dict[str, Any] = {"description": "Success"}
    if endpoint.answer_model is not None:
        success["model"] = endpoint.answer_model
    if endpoint.path == CHAT:
        success |= {"description": CHAT_ANSWER, "content": {"text/event-stream": {"schema": EVENT}}}
    responses: dict[int | str, dict[str, Any]] = {200: success}
    responses |= {status: {"description": ""} for status in (RUNNING if endpoint.runs_models else READING)}
    return APIRoute(
        endpoint.path,
        answer,
        methods=["POST"],
        tags=[endpoint.tag],
        summary=endpoint.summary,
        operation_id=endpoint.path.strip("/").replace("/", "_").replace("-", "_"),
        response_model=None,
        responses=responses,
        openapi_extra=keyed(endpoint.scopes),
    )


def _own_route(path: str | None, version: str) -> APIRoute:
    def answer() -> None: ...

    return APIRoute(
        path or "/openapi.json",
        answer,
        tags=["service"],
        summary=f"This interface as OpenAPI {version}",
        operation_id=f"openapi_{version.replace('.', '_')}",
        response_model=None,
        responses={200: {"model": OpenApi, "description": "This document"}},
    )


def _completed(found: dict[str, Any]) -> dict[str, Any]:
    for path, item in found["paths"].items():
        for operation in (item[method] for method in METHODS & item.keys()):
            _complete(path, operation)
    shared = found.setdefault("components", {})
    for name in ("HTTPValidationError", "ValidationError"):
        shared.get("schemas", {}).pop(name, None)
    _, chunk = models_json_schema([(ChatCompletionChunk, "serialization")], ref_template=parts.SCHEMAS + "{model}")
    shared["schemas"] = chunk["$defs"] | shared["schemas"] | {"Error": parts.ERROR_SCHEMA}
    shared |= parts.components()
    return found


def _complete(path: str, operation: dict[str, Any]) -> None:
    """Failures, headers and an example. FastAPI's 422 goes: what is malformed is a 400 here. Ours is for requests that
    may be sent again under a key."""
    answers: dict[str, Any] = operation["responses"]
    repeatable = "409" in answers
    if not repeatable:
        answers.pop("422", None)
    common = (401, 403, 500, 503) if SCOPED in operation else (500,)
    sent = (400, 413) if "requestBody" in operation else ()
    failing = {int(status) for status in answers if int(status) in parts.WHEN and not _has_own_shape(answers[status])}
    for status in (*failing, *common, *sent):
        if status in failing or str(status) not in answers:
            answers[str(status)] = parts.failure(status)
    for status, answer in answers.items():
        if "$ref" not in answer:
            extra: tuple[str, ...] = ANSWER_HEADERS.get(path, ()) if status == "200" else ()
            extra += ("Idempotent-Replayed",) if status == "200" and repeatable else ()
            extra += tuple(parts.RATE_LIMITS) if status == "200" and "502" in answers else ()
            answer["headers"] = parts.headers(extra) | answer.get("headers", {})
    operation["responses"] = dict(sorted(answers.items()))
    names = ("X-Request-Id", *(("Idempotency-Key",) if repeatable else ()), *REQUEST_HEADERS.get(path, ()))
    operation["parameters"] = [*operation.get("parameters", []), *map(parts.parameter, names)]
    if path in EXAMPLES:
        operation["requestBody"]["content"]["application/json"]["example"] = EXAMPLES[path]


def _has_own_shape(answer: Mapping[str, Any]) -> bool:
    """Whether an answer is something else than the one error shape, such as the 503 of `/readyz`."""
    contents = answer.get("content", {}).values()
    schemas = [content.get("schema", {}) for content in contents]
    return any(schema.get("$ref", parts.ERROR) != parts.ERROR for schema in schemas)
