"""`$defs` inside a document's schemas, moved to its components: there every tool finds what a `$ref` names."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

ROOT = "#/components/schemas/"
# What stands under these is data, whatever it looks like.
VALUES = frozenset({"const", "default", "enum", "example", "examples"})


def hoisted(document: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `document` without `$defs`. A `$ref` to one may name its place in the whole document, or begin at the
    schema it stands in, as pydantic writes it."""
    names = set(document.get("components", {}).get("schemas", {}))
    moved: dict[str, Any] = {}
    places: dict[str, str] = {}
    copy = _without_defs(document, "#", {}, names, moved, places)
    copy = _renamed(copy, places)
    if moved:
        components = copy.setdefault("components", {})
        components["schemas"] = {**components.get("schemas", {}), **_renamed(moved, places)}
    return dict(copy)


def at(document: Mapping[str, Any], ref: str) -> Any:
    """What `ref` (`#/...`) names. Raises `KeyError`."""
    found: Any = document
    for step in ref.removeprefix("#").split("/")[1:]:
        name = unquote(step).replace("~1", "/").replace("~0", "~")
        found = found[int(name)] if isinstance(found, list) else found[name]
    return found


def _without_defs(
    value: Any, place: str, near: Mapping[str, str], names: set[str], moved: dict[str, Any], places: dict[str, str]
) -> Any:
    """`near` says where the definitions of the schemas around `value` go, by the refs that pydantic writes."""
    if isinstance(value, list):
        return [_without_defs(item, f"{place}/{i}", near, names, moved, places) for i, item in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    definitions = value.get("$defs")
    if isinstance(definitions, Mapping):
        here = {}
        for name in definitions:
            here[f"#/$defs/{name}"] = places[f"{place}/$defs/{name}"] = ROOT + _free(name, names)
        near = {**near, **here}
        for name, schema in definitions.items():
            inside = _without_defs(schema, f"{place}/$defs/{name}", near, names, moved, places)
            moved[near[f"#/$defs/{name}"].removeprefix(ROOT)] = inside
        value = {name: item for name, item in value.items() if name != "$defs"}
    ref = value.get("$ref")
    if isinstance(ref, str) and ref in near:
        value = {**value, "$ref": near[ref]}
    return {
        name: item if name in VALUES else _without_defs(item, f"{place}/{_escaped(name)}", near, names, moved, places)
        for name, item in value.items()
    }


def _renamed(value: Any, places: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_renamed(item, places) for item in value]
    if not isinstance(value, Mapping):
        return value
    ref = value.get("$ref")
    if isinstance(ref, str) and ref in places:
        value = {**value, "$ref": places[ref]}
    return {name: item if name in VALUES else _renamed(item, places) for name, item in value.items()}


def _free(name: str, names: set[str]) -> str:
    """`name`, or with a number where another schema is called so."""
    free, number = name, 2
    while free in names:
        free, number = f"{name}{number}", number + 1
    names.add(free)
    return free


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
