"""What stands in an address's query, read as strictly as a body, and documented from the same model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import Path, Request
from pydantic import BaseModel, BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from greatrouter_api.errors import ApiError
from greatrouter_api.schemas import Body, parse

MOST_DIGITS = 15


def query_of(request: Request, model: type[Body]) -> Body:
    """The query as `model`; parameters that it does not name, or that are empty, are as good as absent. Raises
    `ApiError` 400 that names the parameter."""
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in model.model_fields:
            continue
        if name in given:
            raise ApiError(400, f"{name} is given twice; send it once (several values with commas between)", param=name)
        given[name] = value.encode("utf-8", "replace").decode()
    return parse(model, orjson.dumps({name: value for name, value in given.items() if value}))


def parameters(model: type[BaseModel]) -> dict[str, Any]:
    """`model`'s fields as the optional query parameters of an operation, for `openapi_extra`."""
    properties = model.model_json_schema()["properties"]
    return {"parameters": [_parameter(name, schema) for name, schema in properties.items()]}


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    # A query cannot say null, so that the arm for it goes.
    arms = [arm for arm in schema.get("anyOf", [schema]) if arm.get("type") != "null"]
    outside = {key: schema[key] for key in ("default", "description") if schema.get(key) is not None}
    inside = {key: value for key, value in (arms[0] | outside).items() if key not in ("title", "description")}
    if inside.get("type") in ("boolean", "integer"):
        default = {"default": inside.pop("default")} if "default" in inside else {}
        inside = {"anyOf": [inside, {"type": "string", "enum": [""]}], **default}
    found: dict[str, Any] = {"name": name, "in": "query", "required": False, "schema": inside}
    if "description" in outside:
        found["description"] = outside["description"]
    return found | ({"style": "form", "explode": False} if inside.get("type") == "array" else {})


@dataclass(frozen=True, slots=True)
class OneOf:
    """For `Annotated[str, OneOf(names)]`: a word of a closed vocabulary, which message and schema list; "" says
    nothing, where that is allowed."""

    names: Sequence[str]
    may_be_empty: bool = True

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._known, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "enum": [*self.names, *([""] if self.may_be_empty else [])]}

    def _known(self, value: str) -> str:
        if value in self.names or (self.may_be_empty and not value):
            return value
        said = {"value": repr(value[:80]), "names": ", ".join(self.names)}
        raise PydanticCustomError("not_allowed", "{value} is not allowed; expected one of {names}", said)


def _number(value: Any) -> Any:
    """`5` of a query, which is text; anything else stays what it is, and is refused as that."""
    digits = isinstance(value, str) and value.removeprefix("-").isdecimal() and value.isascii()
    return int(value) if digits and len(value) <= MOST_DIGITS else value


def _flag(value: Any) -> Any:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _listed(value: Any) -> Any:
    """`vision,reasoning` as a list."""
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


def example(value: str) -> Any:
    """A path parameter whose documentation shows `value`."""
    return Path(openapi_examples={value: {"value": value}})


NUMBER, FLAG, LISTED = BeforeValidator(_number), BeforeValidator(_flag), BeforeValidator(_listed)
EMPTY_IS_ABSENT = BeforeValidator(lambda value: None if value == "" else value)
