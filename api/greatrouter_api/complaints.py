"""What is wrong with a request: every field that is, where it stands, and what may stand there."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

MOST_NAMED = 8
# What may stand where a field takes several kinds of value; each of those complains for itself.
UNIONS = {
    "documents": "must be a string or an object with a string `text`",
    "input": "must be a string, a list of strings, a list of token ids, or a list of such lists, and of one kind",
    "stop": "must be a string or a list of strings",
    "tool_choice": "must be auto, none, required, or an object that names a tool",
}
WHOLE = "the body"
Place = tuple[str | int, ...]


def _least(unit: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda said: (
        "must not be empty" if said["min_length"] == 1 else f"must have {said['min_length']} {unit} or more"
    )


WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "is required",
    "string_type": lambda _: "must be a string",
    "int_type": lambda _: "must be a whole number",
    "int_from_float": lambda _: "must be a whole number",
    "float_type": lambda _: "must be a number",
    "finite_number": lambda _: "must be a finite number",
    "bool_type": lambda _: "must be true or false",
    "list_type": lambda _: "must be a list",
    "dict_type": lambda _: "must be an object",
    "model_type": lambda _: "must be an object",
    "model_attributes_type": lambda _: "must be an object",
    "literal_error": lambda said: f"must be one of {_listed(said)}",
    "enum": lambda said: f"must be one of {_listed(said)}",
    "string_too_short": _least("characters"),
    "too_short": _least("items"),
    "string_too_long": lambda said: f"must have {said['max_length']:,} characters at most",
    "too_long": lambda said: f"must have {said['max_length']:,} items at most",
    "greater_than_equal": lambda said: f"must be {_number(said['ge'])} or more",
    "greater_than": lambda said: f"must be more than {_number(said['gt'])}",
    "less_than_equal": lambda said: f"must be {_number(said['le'])} or less",
    "less_than": lambda said: f"must be less than {_number(said['lt'])}",
}


def told(error: ValidationError, body: bytes) -> tuple[str, str | None]:
    """The whole complaint and the field that it names first, of the request in `body`."""
    document = from_json(body)
    problems: dict[Place, list[Mapping[str, Any]]] = {}
    for problem in error.errors(include_url=False, include_input=False):
        problems.setdefault(place_of(problem, document), []).append(problem)
    found = [_complaint(place, alike) for place, alike in problems.items()]
    more = f"; and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    field = re.split(r"[:.\[]", found[0], maxsplit=1)[0]
    return "; ".join(found[:MOST_NAMED]) + more, None if field == WHOLE else field


def words(problem: Mapping[str, Any]) -> str:
    """What may stand where pydantic found a problem; those of our own validators say so themselves."""
    said = WORDS.get(problem["type"])
    return str(problem["msg"]).removeprefix("Value error, ") if said is None else said(problem.get("ctx", {}))


def path(place: Sequence[str | int]) -> str:
    """
    >>> path(("messages", 0, "role"))
    'messages[0].role'
    """
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")


def place_of(problem: Mapping[str, Any], document: Any) -> Place:
    """Where in the document; pydantic goes on with the names of a union's arms, which no caller knows."""
    place: Place = ()
    for part in problem["loc"]:
        if (isinstance(document, dict) and part in document) or (isinstance(document, list) and isinstance(part, int)):
            document = document[part]
            place = (*place, part)
        else:
            missing = problem["type"] == "missing" and (*place, part) == problem["loc"]
            return (*place, part) if missing else place
    return place


def _complaint(place: Place, problems: Sequence[Mapping[str, Any]]) -> str:
    first = problems[0]
    if first["type"] == "value_error":  # says itself where in the field
        return words(first)
    union = UNIONS.get(str(place[0])) if place and place != first["loc"] else None
    return f"{path(place) or WHOLE}: {union or words(first)}"


def _listed(said: Mapping[str, Any]) -> str:
    """Pydantic's `'a', 'b' or 'c'` as a plain list."""
    return str(said["expected"]).replace(" or ", ", ").replace("'", "")


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else str(value)
