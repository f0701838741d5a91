"""What is wrong with the settings: a line a mistake, with where it stands, what was given and what is allowed."""

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

PREFIX = "GREATROUTER_"
# A password in an address, or a key where its variable's name belongs, must not end in a log.
NEVER_SHOWN = frozenset({"base_url", "api_key_env", "database_url", "redis_url"})
LONGEST_SHOWN = 60
KINDS = {"integer": "a whole number", "number": "a number", "boolean": "true or false", "object": "a table"}
BOUNDS = {"minimum": "at least", "exclusiveMinimum": "more than", "maximum": "at most", "exclusiveMaximum": "less than"}

Schema = Mapping[str, Any]
Place = Sequence[str | int]


def lines(error: ValidationError, schema: Schema, file: Path, variables: Collection[str]) -> list[str]:
    """`schema` is that of the settings, `variables` are the names of all environment variables."""
    found = (
        (_where(mistake["loc"], file, {name.upper() for name in variables}), mistake)
        for mistake in error.errors(include_url=False)
    )
    return [f"{where}: {_what(mistake, schema)}" for where, mistake in found]


def _where(place: Place, file: Path, variables: Collection[str]) -> str:
    """The variable that the value comes from, else the name in the file: `providers.lab.models[0].task in FILE`."""
    parts = [str(part) for part in place]
    names = [PREFIX + "__".join(parts[:length]).upper() for length in range(len(parts), 0, -1)]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
    if (variable := next((name for name in names if name in variables), None)) is not None:
        return variable if variable == names[0] else f"{path} in {variable}"
    if file.is_file():
        return f"{path} in {file}"
    return names[0] if any(name.startswith(names[-1]) for name in variables) else path


def _what(mistake: Mapping[str, Any], schema: Schema) -> str:
    place, kind = mistake["loc"], mistake["type"]
    if kind == "extra_forbidden":
        known = sorted(_at(place[:-1], schema).get("properties", {}))
        alike = get_close_matches(str(place[-1]), known, n=1)
        return f"there is no such setting; {f'did you mean {alike[0]}?' if alike else 'there are ' + ', '.join(known)}"
    if kind == "missing":
        return f"is missing; allowed: {_allowed(_at(place, schema))}"
    given = _given(place, mistake["input"])
    if kind == "value_error":
        return f"{given}{mistake['ctx']['error']}"
    return f"{given}allowed: {_allowed(_at(place, schema))}"


def _given(place: Place, value: object) -> str:
    if place[-1] in NEVER_SHOWN or isinstance(value, dict | list):
        return ""
    shown = repr(value)
    return f"{shown if len(shown) <= LONGEST_SHOWN else shown[:LONGEST_SHOWN] + '…'} was given; "


def _at(place: Place, schema: Schema) -> Schema:
    """The part of the schema that describes the value at `place`; nothing where there is no such place."""
    found = schema
    for part in place:
        below = found.get("items", {}) if isinstance(part, int) else found.get("properties", {}).get(part)
        found = found.get("additionalProperties") or {} if below is None else below
        found = found.get("anyOf", [found])[0]  # the others are null, and a number written as a text
        if "$ref" in found:
            found = schema["$defs"][found["$ref"].rpartition("/")[2]]
    return found


def _allowed(schema: Schema) -> str:
    if "enum" in schema:
        return ", ".join(schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        return f"a list of {'texts' if schema['items'].get('type') == 'string' else 'tables'}"
    if kind == "string":
        return "a path in quotes" if schema.get("format") == "path" else "a text in quotes"
    bounds = [f"{words} {schema[name]:,.15g}" for name, words in BOUNDS.items() if name in schema]
    return ", ".join([KINDS.get(str(kind), "another kind of value"), *bounds])
