"""The OpenAPI document: FastAPI's own, with the hot endpoints that FastAPI never sees."""

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from greatrouter_api.errors import CODE_OF_STATUS
from greatrouter_api.front import Endpoint

ERROR_SCHEMA = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "type", "status"],
            "properties": {
                "code": {"type": "string", "description": "Stable; safe to branch on."},
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "status": {"type": "integer"},
                "retry_after_s": {"type": ["integer", "null"]},
                "metadata": {"type": ["object", "null"]},
            },
        }
    },
}


def document(app: FastAPI, endpoints: Iterable[Endpoint]) -> None:
    """Makes `app.openapi()` describe `endpoints` as well."""
    hot = list(endpoints)

    def build() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
            app.openapi_schema = _with_hot_endpoints(found, hot)
        return app.openapi_schema

    app.openapi = build  # type: ignore[method-assign]  # the way FastAPI's documentation gives for extending the schema


def query_parameters(names: Iterable[str]) -> dict[str, Any]:
    """Optional string parameters, for endpoints that read the query themselves."""
    return {
        "parameters": [{"name": name, "in": "query", "required": False, "schema": {"type": "string"}} for name in names]
    }


def _with_hot_endpoints(found: dict[str, Any], endpoints: list[Endpoint]) -> dict[str, Any]:
    components = found.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    requests = {endpoint.request for endpoint in endpoints}
    _, definitions = models_json_schema(
        [(model, "validation") for model in sorted(requests, key=lambda m: m.__name__)],
        ref_template="#/components/schemas/{model}",
    )
    schemas.update(definitions["$defs"])
    schemas["Error"] = ERROR_SCHEMA
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, pk_live_... or pk_test_..."},
        "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    for endpoint in endpoints:
        found["paths"][endpoint.path] = {"post": _operation(endpoint)}
    return found


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    failures = {
        str(status): {"description": code, "content": error} for status, code in CODE_OF_STATUS.items() if status != 405
    }
    return {
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "operationId": endpoint.path.strip("/").replace("/", "_"),
        "security": [{"bearer": []}, {"apiKey": []}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{endpoint.request.__name__}"}}},
        },
        "responses": {
            "200": {"description": "Success", "content": {"application/json": {"schema": {"type": "object"}}}},
            **failures,
        },
    }
