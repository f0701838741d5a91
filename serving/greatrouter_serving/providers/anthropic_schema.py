"""JSON Schemas as Anthropic's structured outputs take them.

Its grammar knows a part of JSON Schema only and refuses the rest with 400, so what it cannot hold the model to is told
to the model in the description instead, as Anthropic's own clients do.
"""

from typing import Any

import orjson

from greatrouter_serving.errors import InvalidInput

MAX_DEPTH = 64

_AS_IT_IS = frozenset({"type", "title", "description", "enum", "const", "default", "required", "$ref", "pattern"})
_NAMED_SCHEMAS = frozenset({"properties", "$defs", "definitions"})
_CHOICES = {"anyOf": "anyOf", "oneOf": "anyOf", "allOf": "allOf"}
_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"},
)
# What only describes the schema itself.
_SILENT = frozenset({"$schema", "$id", "$comment", "additionalProperties", "examples"})


def enforceable(schema: object, param: str | None = None, depth: int = 0) -> Any:
    """`schema` with every object closed and without the keywords that would be refused; it stands in the field `param`.

    >>> enforceable({"type": "integer", "minimum": 1, "description": "How many"})
    {'type': 'integer', 'description': 'How many (minimum: 1)'}
    """
    if not isinstance(schema, dict):
        return schema
    if depth > MAX_DEPTH:
        raise InvalidInput(f"a JSON Schema nests deeper than {MAX_DEPTH} levels; use a flatter one", param)
    kept: dict[str, Any] = {}
    told = []
    for key, value in schema.items():
        if key in _NAMED_SCHEMAS and isinstance(value, dict):
            kept[key] = {name: enforceable(part, param, depth + 1) for name, part in value.items()}
        elif key in _CHOICES and isinstance(value, list):
            kept.setdefault(_CHOICES[key], []).extend(enforceable(part, param, depth + 1) for part in value)
        elif key == "items":
            kept[key] = enforceable(value, param, depth + 1)
        elif key in _AS_IT_IS or _is_held(key, value):
            kept[key] = value
        elif key not in _SILENT:
            told.append(f"{key}: {_written(value, param)}")
    if _is_object(kept):
        kept["additionalProperties"] = False
    if told:
        kept["description"] = f"{kept.get('description') or ''} ({', '.join(told)})".strip()
    return kept


def _is_held(key: str, value: object) -> bool:
    return (key == "minItems" and value in (0, 1)) or (key == "format" and value in _FORMATS)


def _is_object(schema: dict[str, Any]) -> bool:
    kind = schema.get("type")
    return kind == "object" or "properties" in schema or (isinstance(kind, list) and "object" in kind)


def _written(value: object, param: str | None) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError as error:
        raise InvalidInput(f"a JSON Schema cannot be sent: {error}; use strings and 64-bit numbers", param) from error
