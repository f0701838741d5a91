"""What a model takes and gives, as JSON Schema 2020-12, and whether a value fits: below `/v1/models/ID/`."""

from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import BaseModel, Field, RootModel

from greatrouter_api.endpoints.documented import failures
from greatrouter_api.intelligence import endpoints_of
from greatrouter_api.model_schemas.check import problems
from greatrouter_api.model_schemas.parts import Schema
from greatrouter_api.model_schemas.schemas import Side, schema_of
from greatrouter_api.openapi import keyed
from greatrouter_api.plain import HasServices, body_of, caller_of, json_answer
from greatrouter_api.query import example
from greatrouter_api.scopes import ASK
from greatrouter_api.services import Services

MODEL = "/v1/models/{provider}/{model:path}"
Provider = Annotated[str, example("openai")]
ModelName = Annotated[str, example("gpt-4o")]
SIDES: tuple[Side, ...] = ("input", "output")


class AnyJson(RootModel[Any]):
    """Whatever JSON there is."""


class Problem(BaseModel):
    path: str = Field(description='A JSON Pointer into the value, "" for the whole.')
    message: str


class Verdict(BaseModel):
    valid: bool
    errors: list[Problem] = Field(description="One for each place that does not fit, the first 50.")


class JsonSchema(BaseModel):
    """A JSON Schema of draft 2020-12."""

    model_config = {"extra": "allow"}

    dialect: str = Field(alias="$schema")
    title: str
    description: str


def add(app: FastAPI, server: HasServices) -> None:
    for side in SIDES:
        _add_schema(app, server, side)
        _add_validation(app, server, side)


def _add_schema(app: FastAPI, server: HasServices, side: Side) -> None:
    @app.get(
        f"{MODEL}/{side}-schema",
        tags=["catalog"],
        summary=f"The {side} of a model as JSON Schema",
        operation_id=f"model_{side}_schema",
        response_model=None,
        responses={200: {"model": JsonSchema, "description": "Success"}, **failures(404, 500, 503)},
    )
    def get_schema(provider: Provider, model: ModelName) -> Response:
        return json_answer(_schema(server.services, side, f"{provider}/{model}"))


def _add_validation(app: FastAPI, server: HasServices, side: Side) -> None:
    body = {"description": f"The {side} itself; the same in an object as its only field `{side}` is taken too."}

    @app.post(
        f"{MODEL}/validate-{side}",
        tags=["catalog"],
        summary=f"Whether a value fits the {side} of a model",
        operation_id=f"model_validate_{side}",
        response_model=None,
        responses={200: {"model": Verdict, "description": "Success"}, **failures(400, 401, 404, 413, 500, 503)},
        openapi_extra=keyed(ASK)
        | {"requestBody": {"required": True, "content": {"application/json": {"schema": body}}}},
    )
    async def validate(request: Request, provider: Provider, model: ModelName) -> Response:
        services = server.services
        await caller_of(request, services, ASK)
        schema = _schema(services, side, f"{provider}/{model}")
        value = (await body_of(request, AnyJson, services)).root
        found = await run_in_threadpool(problems, schema, _unwrapped(value, side))
        return json_answer({"valid": not found, "errors": found})


def _schema(services: Services, side: Side, model_id: str) -> Schema:
    """Raises `ApiError` 404."""
    rows = endpoints_of(services, model_id)
    dimensions = services.view.full(rows[0]).get("dimensions")
    return schema_of(side, [services.catalog.model(row) for row in rows], dimensions)


def _unwrapped(value: Any, side: Side) -> Any:
    """`{"input": {...}}` is the object inside: no model has a field of that name that takes an object."""
    inside = value.get(side) if isinstance(value, dict) and len(value) == 1 else None
    return inside if isinstance(inside, dict) else value
