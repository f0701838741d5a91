"""The building blocks of the schemas. An optional field may be null, which means absent."""

from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
ANY_TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
OBJECT: Schema = {"type": "object"}
COUNT: Schema = {"type": "integer", "minimum": 0}


def whole(lowest: int, highest: int | None = None) -> Schema:
    return {"type": "integer", "minimum": lowest} | ({} if highest is None else {"maximum": highest})


def number(lowest: float, highest: float) -> Schema:
    return {"type": "number", "minimum": lowest, "maximum": highest}


def words(*names: str) -> Schema:
    return {"type": "string", "enum": list(names)}


def array(items: Schema, fewest: int = 0, most: int | None = None) -> Schema:
    found: Schema = {"type": "array", "items": items}
    if fewest:
        found["minItems"] = fewest
    if most is not None:
        found["maxItems"] = most
    return found


def either(*arms: Schema) -> Schema:
    return {"anyOf": list(arms)}


def optional(schema: Schema) -> Schema:
    if "anyOf" in schema:
        return schema | {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    found = schema | {"type": [schema["type"], "null"]}
    return found | {"enum": [*schema["enum"], None]} if "enum" in schema else found


def refused(why: str) -> Schema:
    """A field that must be absent; `why` is what a caller is told."""
    return {"type": "null", "description": why}


def record(required: Mapping[str, Schema], may: Mapping[str, Schema] | None = None, **more: Any) -> Schema:
    """An object with the fields of `required` and any of `may`; fields of neither go through to the provider."""
    fields = {**required, **{name: optional(schema) for name, schema in (may or {}).items()}}
    found: Schema = {"type": "object", "properties": fields, **more}
    return found | ({"required": list(required)} if required else {})


def one_present(names: Sequence[str]) -> Schema:
    """At least one of the fields is there, and not null."""
    return {"anyOf": [{"required": [name], "properties": {name: {"not": {"type": "null"}}}} for name in names]}


def when(field: str, values: Sequence[str], then: Schema) -> Schema:
    """`then` must hold of an object whose `field` has one of `values`."""
    condition = {"type": "object", "properties": {field: {"enum": list(values)}}, "required": [field]}
    return {"if": condition, "then": then}
