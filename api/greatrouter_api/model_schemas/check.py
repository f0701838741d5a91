"""Whether a value fits a schema, and if not, what was expected where."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, cast

from jsonschema import Draft202012Validator, ValidationError, validators

from greatrouter_api.errors import ApiError
from greatrouter_api.model_schemas.parts import Schema

# A value takes up to 20 microseconds, so that what is sent to keep the server busy is refused unread.
MOST_VALUES = 50_000
MOST_ERRORS = 50
SHOWN = 60
KINDS = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}
Problem = dict[str, str]


def problems(schema: Schema, value: Any) -> list[Problem]:
    """One `{"path", "message"}` for each place that does not fit, the first 50; `path` is a JSON Pointer, "" for the
    whole. Raises `ApiError` 413 for a value of more than 50,000 parts."""
    if _too_large(value):
        message = f"the value has more than {MOST_VALUES:,} parts; only smaller ones are validated"
        raise ApiError(413, message)
    found: dict[str, Problem] = {}
    for path, message in islice(_told(_Validator(schema).iter_errors(value)), 10 * MOST_ERRORS):
        found.setdefault(path, {"path": path, "message": message})
        if len(found) == MOST_ERRORS:
            break
    return list(found.values())


def _any_of(validator: Any, arms: list[Schema], value: Any, schema: Schema) -> Iterator[ValidationError]:
    """As jsonschema's own, which collects every complaint of every arm: 5 s for a list of 48,000 empty objects."""
    complaints: list[ValidationError] = []
    for place, arm in enumerate(arms):
        errors = list(islice(validator.descend(value, arm, schema_path=place), MOST_ERRORS))
        if not errors:
            return
        complaints += errors
    yield ValidationError("fits none of the arms", context=complaints)


_extend: Any = validators.extend  # without types in its stubs
_Validator = _extend(Draft202012Validator, {"anyOf": _any_of})


def _too_large(value: Any) -> bool:
    """Counted without recursion: an object nested 1,000 deep is no more work than a flat one."""
    count, waiting = 1, [value]
    while waiting:
        item = waiting.pop()
        inside = item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
        count += len(inside)
        if count > MOST_VALUES:
            return True
        waiting.extend(part for part in inside if isinstance(part, dict | list))
    return False


def _told(errors: Iterator[ValidationError]) -> Iterator[tuple[str, str]]:
    for error in errors:
        if error.validator == "anyOf":
            yield from _of_arms(error)
        else:
            yield _pointer(error), _message(error)


def _of_arms(error: ValidationError) -> Iterator[tuple[str, str]]:
    """The complaints of the arm that was meant: of the value's kind, with most of its fields and least to complain of.
    Where none is of its kind, what all arms ask for."""
    arms = cast(list[Schema], error.validator_value)
    if all("required" in arm and "type" not in arm for arm in arms):
        names = [name for arm in arms for name in arm["required"]]
        yield _pointer(error), f"lacks what it is about; expected one of {', '.join(names)}"
        return
    meant = [place for place, arm in enumerate(arms) if _is_kind(error.instance, arm)]
    if not meant:
        kinds = dict.fromkeys(KINDS[name] for arm in arms for name in _types(arm) if name != "null")
        yield _pointer(error), f"is {_shown(error.instance)}; expected {' or '.join(kinds)}"
        return
    complaints = Counter(child.schema_path[0] for child in error.context)
    best = min(meant, key=lambda place: (-_known_fields(error.instance, arms[place]), complaints[place]))
    yield from _told(child for child in error.context if child.schema_path[0] == best)


def _known_fields(value: Any, arm: Mapping[str, Any]) -> int:
    return len(arm.get("properties", {}).keys() & value.keys()) if isinstance(value, dict) else 0


def _is_kind(value: Any, arm: Mapping[str, Any]) -> bool:
    return any(Draft202012Validator.TYPE_CHECKER.is_type(value, name) for name in _types(arm))


def _types(arm: Mapping[str, Any]) -> list[str]:
    stated = arm.get("type", list(KINDS) if "anyOf" not in arm else [])
    return [stated] if isinstance(stated, str) else list(stated)


def _message(error: ValidationError) -> str:
    why = error.schema.get("description") if isinstance(error.schema, Mapping) else None
    if why and error.validator == "type" and error.validator_value == "null":
        return str(why)
    say = SAY.get(str(error.validator))
    if say is not None:
        return say(error.validator_value, error.instance)
    return f"is {_shown(error.instance)}; expected {error.validator} {error.validator_value}"[:300]


def _kinds(wanted: str | list[str]) -> str:
    names = [wanted] if isinstance(wanted, str) else wanted
    return " or ".join(KINDS[name] for name in names if name != "null")


def _lacking(wanted: list[str], value: Mapping[str, Any]) -> str:
    lacking = ", ".join(name for name in wanted if name not in value)
    return f"lacks {lacking}; expected an object with {', '.join(wanted)}"


SAY: Mapping[str, Callable[[Any, Any], str]] = {
    "type": lambda wanted, value: f"is {_shown(value)}; expected {_kinds(wanted)}",
    "enum": lambda wanted, value: f"is {_shown(value)}; expected one of {', '.join(filter(None, wanted))}",
    "required": _lacking,
    "minimum": lambda wanted, value: f"is {_shown(value)}; expected at least {wanted:,}",
    "maximum": lambda wanted, value: f"is {_shown(value)}; expected at most {wanted:,}",
    "minLength": lambda wanted, _: f"is empty; expected at least {wanted} character",
    "minItems": lambda wanted, _: f"is empty; expected at least {wanted} item",
    "maxItems": lambda wanted, value: f"has {len(value):,} items; expected at most {wanted:,}",
}


def _shown(value: Any) -> str:
    """A value in a message: of an object or a list only that it is one."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    text = repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def _pointer(error: ValidationError) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in error.absolute_path)
