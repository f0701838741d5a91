"""An OpenAPI 3.1 document as one of version 3.0.3, for the many tools that read no other. Pure: documents in and out.

3.0 has a JSON Schema of its own: no null, no type lists, no const, nothing beside `$ref`. Most of what pydantic writes
can be said in both; then exactly the same values pass. What 3.0 cannot say (`prefixItems`, `patternProperties`, open
`propertyNames`, `minContains`, `unevaluated...`) is left out or widened, so that whatever passed before still passes.
"""

from collections.abc import Callable, Mapping
from typing import Any

from greatrouter_api.openapi_defs import VALUES, at, hoisted

VERSION = "3.0.3"
Schema = dict[str, Any]

# `type` must be there for `nullable` to mean anything; which it is does not matter.
NULL: Schema = {"type": "string", "nullable": True, "enum": [None]}
ANNOTATIONS = frozenset({"title", "description", "default", "example", "deprecated", "readOnly", "writeOnly"})
# They say nothing of null, so that a schema of these alone may be made nullable where it stands.
SILENT_ON_NULL = ANNOTATIONS | {
    *("type", "format", "pattern", "minLength", "maxLength", "multipleOf", "minimum", "maximum"),
    *("exclusiveMinimum", "exclusiveMaximum", "items", "minItems", "maxItems", "uniqueItems"),
    *("properties", "required", "additionalProperties", "minProperties", "maxProperties"),
}
# Names of things, and rules that 3.0 has no words for.
LEFT_OUT = frozenset(
    {
        *("$schema", "$id", "$anchor", "$comment", "$vocabulary", "$dynamicRef", "$dynamicAnchor", "contentSchema"),
        *("unevaluatedProperties", "unevaluatedItems", "minContains", "maxContains"),
    }
)
NOT_IN_30 = {"": ("webhooks", "jsonSchemaDialect"), "info": ("summary",), "components": ("pathItems",)}


def as_30(document: Mapping[str, Any]) -> dict[str, Any]:
    """The whole document. `document` itself stays as it is."""
    source = hoisted(document)
    for part, names in NOT_IN_30.items():
        for name in names:
            (source.get(part, {}) if part else source).pop(name, None)
    source.setdefault("paths", {})
    translate = Translation(lambda ref: at(source, ref)).schema
    return {**_translated(source, translate), "openapi": VERSION}


def _translated(value: Any, translate: Callable[[Any], Schema]) -> Any:
    """Everything but schemas stays; those stand under `schema`, and as the components of that name."""
    if isinstance(value, list):
        return [_translated(item, translate) for item in value]
    if not isinstance(value, Mapping):
        return value
    found = {}
    for name, item in value.items():
        if name == "schema":
            found[name] = translate(item)
        elif name == "schemas" and isinstance(item, Mapping):
            found[name] = {key: translate(schema) for key, schema in item.items()}
        elif name in VALUES:
            found[name] = item
        else:
            found[name] = _translated(item, translate)
    return found


class Translation:
    """`resolve` gives the schema that a `$ref` names."""

    def __init__(self, resolve: Callable[[str], Any]) -> None:
        self._resolve = resolve

    def schema(self, schema: Any) -> Schema:
        if isinstance(schema, bool):
            return {} if schema else {"not": {}}
        given = {name: value for name, value in schema.items() if name not in LEFT_OUT}
        if set(given) == {"$ref"}:
            return given
        found = {name: given.pop(name) for name in list(given) if name in ANNOTATIONS}
        also: list[Schema] = []
        if "$ref" in given:
            also.append({"$ref": given.pop("$ref")})
        self._types(given, found, also)
        self._values(given, found, also)
        self._numbers(given, found)
        self._strings(given, found)
        self._arrays(given, found, also)
        self._objects(given, found, also)
        self._branches(given, found, also)
        found |= given
        if len(also) == 1 and not set(found) - ANNOTATIONS and "$ref" not in also[0]:
            found |= also.pop()
        if also:
            found["allOf"] = [*found.get("allOf", []), *also]
        return _nullable(found)

    def _types(self, given: Schema, found: Schema, also: list[Schema]) -> None:
        if "type" not in given:
            return
        named = given.pop("type")
        names = [named] if isinstance(named, str) else list(named)
        others = [name for name in names if name != "null"]
        if len(others) == 1:
            found["type"] = others[0]
            if others[0] == "array" and "items" not in given and "prefixItems" not in given:
                found["items"] = {}
            if len(names) > 1:
                found["nullable"] = True
        elif others:
            arms: list[Schema] = [{"type": name, **({"items": {}} if name == "array" else {})} for name in others]
            also.append({"anyOf": [*arms, *([NULL] if len(others) < len(names) else [])]})
        else:
            also.append(NULL)

    def _values(self, given: Schema, found: Schema, also: list[Schema]) -> None:
        if "enum" in given:
            values = given.pop("enum")
            also += [] if values else [{"not": {}}]
            found |= {"enum": values} if values else {}
        if "const" in given:
            value = given.pop("const")
            also += [{"enum": [value]}] if "enum" in found else []
            found.setdefault("enum", [value])
        if examples := given.pop("examples", None):
            found.setdefault("example", examples[0])

    def _numbers(self, given: Schema, found: Schema) -> None:
        """The tighter of the two bounds holds, and 3.0 says of it whether it is itself allowed."""
        for bound, exclusive, tighter in (("minimum", "exclusiveMinimum", max), ("maximum", "exclusiveMaximum", min)):
            at, beyond = given.pop(bound, None), given.pop(exclusive, None)
            if beyond is not None and (at is None or tighter(at, beyond) == beyond):
                found |= {bound: beyond, exclusive: True}
            elif at is not None:
                found[bound] = at

    def _strings(self, given: Schema, found: Schema) -> None:
        encoding, media_type = given.pop("contentEncoding", None), given.pop("contentMediaType", None)
        if "format" not in given and found.get("type") == "string":
            if encoding == "base64":
                found["format"] = "byte"
            elif encoding is None and media_type == "application/octet-stream":
                found["format"] = "binary"

    def _arrays(self, given: Schema, found: Schema, also: list[Schema]) -> None:
        if "prefixItems" in given:
            first, rest = given.pop("prefixItems"), given.pop("items", True)
            if rest is False:
                given["maxItems"] = min(len(first), given.get("maxItems", len(first)))
                found["items"] = {"anyOf": [self.schema(item) for item in first]} if first else {}
            else:
                found["items"] = {"anyOf": [self.schema(item) for item in (*first, rest)]}
        elif "items" in given:
            found["items"] = self.schema(given.pop("items"))
        if "contains" in given:
            # Not every item is something else; with minContains 0 it would say nothing.
            other = {"not": self.schema(given.pop("contains"))}
            also.append({"not": {"type": "array", "items": other}})

    def _objects(self, given: Schema, found: Schema, also: list[Schema]) -> None:
        if "properties" in given:
            found["properties"] = {name: self.schema(schema) for name, schema in given.pop("properties").items()}
        others: Any = given.pop("additionalProperties", True)
        patterns = [self.schema(schema) for schema in given.pop("patternProperties", {}).values()]
        if patterns and others is not True:
            also_allowed = [] if others is False else [self.schema(others)]
            others = {"anyOf": [*patterns, *also_allowed]}
        elif not isinstance(others, bool):
            others = self.schema(others)
        names = self._closed(given.pop("propertyNames", True))
        if names is not None:
            known = found.get("properties", {})
            rest = {} if others is True else {"not": {}} if others is False else others
            found["properties"] = {name: known.get(name, rest) for name in names}
            others = False
        if others is not True:
            found["additionalProperties"] = others
        if not given.get("required", True):
            del given["required"]
        for name, needed in given.pop("dependentRequired", {}).items():
            if needed:
                also.append({"anyOf": [{"not": {"type": "object", "required": [name]}}, {"required": needed}]})
        for name, schema in given.pop("dependentSchemas", {}).items():
            also.append({"anyOf": [{"not": {"type": "object", "required": [name]}}, self.schema(schema)]})

    def _closed(self, names: Any) -> list[str] | None:
        """The vocabulary that property names are from, where it is one."""
        while isinstance(names, Mapping) and "$ref" in names:
            names = self._resolve(names["$ref"])
        if not isinstance(names, Mapping) or set(names) - ANNOTATIONS - {"type", "enum", "const"}:
            return None
        allowed = [names["const"]] if "const" in names else names.get("enum")
        return None if allowed is None else [name for name in allowed if isinstance(name, str)]

    def _branches(self, given: Schema, found: Schema, also: list[Schema]) -> None:
        for name in ("allOf", "anyOf", "oneOf"):
            if name in given:
                found[name] = [self.schema(arm) for arm in given.pop(name)]
        if "not" in given:
            found["not"] = self.schema(given.pop("not"))
        condition = self.schema(given.pop("if", True))
        then, otherwise = given.pop("then", None), given.pop("else", None)
        if then is not None:
            also.append({"anyOf": [{"not": condition}, self.schema(then)]})
        if otherwise is not None:
            also.append({"anyOf": [condition, self.schema(otherwise)]})


def _nullable(found: Schema) -> Schema:
    """`anyOf` of one thing and null, as that thing made nullable: what generators of clients understand best."""
    arms = found.get("anyOf", [])
    if len(arms) != 2 or NULL not in arms or set(found) - ANNOTATIONS - {"anyOf"}:
        return found
    other = arms[0] if arms[1] == NULL else arms[1]
    if "type" not in other or set(other) - SILENT_ON_NULL - {"enum"}:
        return found
    said = {name: value for name, value in found.items() if name != "anyOf"}
    values = {"enum": [*other["enum"], None]} if "enum" in other and None not in other["enum"] else {}
    return {**other, **values, "nullable": True, **said}
