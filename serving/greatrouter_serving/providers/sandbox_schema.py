"""A value that fits a JSON Schema: the same one each time, and a small one."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import floor
from typing import Any

from greatrouter_serving.errors import InvalidInput

_WORD = "sandbox"
_FORMATS = {
    "date-time": "2025-01-01T00:00:00Z",
    "date": "2025-01-01",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "sandbox@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "uri": "https://example.com/",
}
# Deeper than this, whatever may be left out or be smaller is: a schema that refers to itself has no other end.
_SMALL_BELOW = 4
_DEEPEST = 32
# An item, a property or ten characters each: a test key costs nobody anything, so it must not cost us much.
_MOST_PARTS = 2_000
_FIXED = {"boolean": True, "null": None}

Schema = Mapping[str, Any]
Bound = tuple[Fraction | None, bool]


def example_of(schema: object) -> Any:
    """A value with every required property, of the right types, within enumerations, bounds and lengths.

    Patterns, `not`, conditions and `uniqueItems` are not looked at. Raises InvalidInput where the value would be huge.

    >>> example_of({"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}, "required": ["n"]})
    {'n': 3}
    """
    return _Example(schema).value(schema, 0)


class _Example:
    def __init__(self, root: object) -> None:
        self._root = root
        self._parts = 0

    def value(self, given: object, depth: int) -> Any:
        self._spend(1)
        if depth > _DEEPEST:
            raise InvalidInput(f"the schema leads on for over {_DEEPEST} levels; give what refers to itself an end")
        schema = self._resolved(given, depth)
        if given_values := [schema["const"]] if "const" in schema else _items(schema.get("enum")):
            self._spend(len(str(given_values[0])) // 10)
            return given_values[0]
        kind = _type_of(schema)
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        if kind in {"integer", "number"}:
            return _number(schema, whole=kind == "integer")
        return _FIXED[kind] if kind in _FIXED else self._text(schema)

    def _spend(self, parts: int) -> None:
        self._parts += parts
        if self._parts > _MOST_PARTS:
            raise InvalidInput(
                f"the sandbox makes no value of more than {_MOST_PARTS:,} parts, as the schema asks for; "
                "take smaller minItems and minLength, and fewer required properties"
            )

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        properties, others = _mapping(schema.get("properties")), schema.get("additionalProperties")
        required = dict.fromkeys(name for name in _items(schema.get("required")) if isinstance(name, str))
        self._spend(sum(map(len, required)) // 10)
        return {name: self.value(properties.get(name, others), depth + 1) for name in required}

    def _array(self, schema: Schema, depth: int) -> list[Any]:
        """As many items as there must be; one where there may be none, unless that would lead on and on."""
        first, rest = _items(schema.get("prefixItems")), schema.get("items")
        usual = max(len(first), 1 if depth < _SMALL_BELOW and rest is not False else 0)
        count = max(_count(schema, "minItems", 0), min(usual, _count(schema, "maxItems", usual)))
        self._spend(count)
        return [self.value(first[i] if i < len(first) else rest, depth + 1) for i in range(count)]

    def _text(self, schema: Schema) -> str:
        text = _FORMATS.get(str(schema.get("format")), _WORD)
        shortest = _count(schema, "minLength", 0)
        self._spend(shortest // 10)
        if len(text) < shortest:
            return (text + f" {_WORD}" * (shortest // len(_WORD)))[:shortest]
        return text[: _count(schema, "maxLength", len(text))]

    def _resolved(self, given: object, depth: int) -> dict[str, Any]:
        """The schema with what it refers to and one of its alternatives in one place."""
        schema = dict(_mapping(given))
        for _ in range(_DEEPEST):
            if isinstance(reference := schema.pop("$ref", None), str):
                _merge(schema, self._at(reference))
            elif parts := _items(schema.pop("allOf", None)):
                for part in parts:
                    _merge(schema, _mapping(part))
            elif arms := _items(schema.pop("anyOf", None)) or _items(schema.pop("oneOf", None)):
                _merge(schema, self._arm(arms, depth))
            else:
                break
        return schema

    def _arm(self, arms: Sequence[Any], depth: int) -> Schema:
        """The first that is not null; far down the one that takes least."""
        known = [_mapping(arm) for arm in arms]
        if depth < _SMALL_BELOW:
            return next((arm for arm in known if arm.get("type") != "null"), known[0])
        return min(known, key=lambda arm: len(_items({**self._at(arm.get("$ref")), **arm}.get("required"))))

    def _at(self, reference: object) -> Schema:
        """What a reference within the schema points to; nothing for any other."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            return {}
        found = self._root
        for name in reference.removeprefix("#").strip("/").split("/") if len(reference) > 1 else ():
            found = _mapping(found).get(name.replace("~1", "/").replace("~0", "~"))
        return _mapping(found)


def _merge(schema: dict[str, Any], other: Schema) -> None:
    """`other` added in place; of properties and requirements both count, else what stands there already."""
    for name, value in other.items():
        if name == "properties":
            schema[name] = {**_mapping(value), **_mapping(schema.get(name))}
        elif name == "required":
            schema[name] = [*_items(schema.get(name)), *_items(value)]
        else:
            schema.setdefault(name, value)


def _type_of(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((name for name in kind if name != "null"), "null")
    if isinstance(kind, str):
        return kind
    if "properties" in schema or "required" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    return "number" if {"minimum", "maximum", "multipleOf"} & schema.keys() else "string"


def _number(schema: Schema, *, whole: bool) -> int | float:
    """1, or where that is out of bounds the middle of them, or what is next to the one that there is."""
    low, low_open = _bound(schema, "minimum", "exclusiveMinimum", max)
    high, high_open = _bound(schema, "maximum", "exclusiveMaximum", min)
    step = _fraction(schema.get("multipleOf")) or Fraction(0)
    if whole:
        step = Fraction(max(step.numerator, 1))  # of the multiples of p/q those of p are whole
    if step > 0:
        found = _multiple(step, (low, low_open), (high, high_open))
    elif low is not None:
        found = low + 1 if high is None else (low + high) / 2
    else:
        found = Fraction(1) if high is None else min(Fraction(1), high - 1)
    return int(found) if found.denominator == 1 else float(found)


def _multiple(step: Fraction, low: Bound, high: Bound) -> Fraction:
    """The least multiple above the lower bound; without one, the least positive, or the greatest below the upper."""
    if low[0] is not None:
        found = -floor(-low[0] / step) * step
        return found + step if low == (found, True) else found
    if high[0] is None or step < high[0]:
        return step
    found = floor(high[0] / step) * step
    return found - step if high == (found, True) else found


def _bound(schema: Schema, closed: str, opened: str, strictest: Callable[[list[Fraction]], Fraction]) -> Bound:
    """The bound, and whether it is itself excluded."""
    known = [bound for name in (closed, opened) if (bound := _fraction(schema.get(name))) is not None]
    found = strictest(known) if known else None
    return found, found is not None and found == _fraction(schema.get(opened))


def _fraction(value: object) -> Fraction | None:
    """Exact as it was written: 0.1 is a tenth."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Fraction(str(value)) if abs(value) < 1e18 else None


def _count(schema: Schema, name: str, default: int) -> int:
    """A whole number from 0 to just more than can be made."""
    value = schema.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        return default
    return int(min(value, 10 * _MOST_PARTS + 10))


def _mapping(value: object) -> Schema:
    return value if isinstance(value, Mapping) else {}


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
