"""3.1 to 3.0.3: what passes under the one passes under the other."""

from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from greatrouter_api.openapi_30 import as_30
from greatrouter_api.openapi_defs import at, hoisted

NAMES = ("a", "b", "c")
KINDS = ("string", "integer", "number", "boolean", "object", "array", "null")
SHARED = {
    "Word": {"type": "string", "enum": ["a", "b"]},
    "Point": {"type": "object", "required": ["a"], "properties": {"a": {"type": ["integer", "null"]}}},
    "List": {"anyOf": [{"type": "null"}, {"type": "array", "items": {"$ref": "#/components/schemas/List"}}]},
}


def document(schema: Any) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1", "summary": "s"},
        "paths": {
            "/": {
                "get": {
                    "responses": {
                        "200": {
                            "description": "d",
                            "content": {
                                "application/json": {"schema": {"$ref": "#/components/schemas/Subject"}},
                            },
                        }
                    }
                }
            }
        },
        "components": {"schemas": {**SHARED, "Subject": schema}},
    }


# No 1.0, which JSON Schema counts among the integers and the reader of 3.0 schemas used here does not.
scalars = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([-1.5, 0.5, 2.5, "", "a", "b", "ab", "x", "xyz"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=6,
)
numbers = st.integers(-2, 2) | st.sampled_from([-0.5, 1.5])
names = st.lists(st.sampled_from(NAMES), unique=True, max_size=2)
kinds = st.sampled_from(KINDS) | st.lists(st.sampled_from(KINDS), min_size=1, max_size=3, unique=True)


def leaves() -> st.SearchStrategy[Any]:
    return st.one_of(
        st.booleans(),
        st.builds(dict),
        st.fixed_dictionaries({"type": kinds}),
        st.fixed_dictionaries(
            {"type": st.just(["string", "null"])}, optional={"enum": st.lists(scalars, max_size=3, unique_by=repr)}
        ),
        st.fixed_dictionaries({"const": values}),
        st.fixed_dictionaries({"enum": st.lists(values, max_size=3, unique_by=repr)}),
        st.fixed_dictionaries({"pattern": st.sampled_from(["^a", "b$"]), "minLength": st.integers(0, 2)}),
        st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"), numbers),
        ),
        st.fixed_dictionaries({"examples": st.lists(values, max_size=2), "title": st.just("t")}),
        st.sampled_from([{"$ref": f"#/components/schemas/{name}"} for name in SHARED]),
    )


def exact(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One keyword or a few that belong together, with schemas inside."""
    arms = st.lists(inner, min_size=1, max_size=3)
    properties = st.dictionaries(st.sampled_from(NAMES), inner, max_size=2)
    return st.one_of(
        st.fixed_dictionaries({"anyOf": arms}),
        st.fixed_dictionaries({"oneOf": arms}),
        st.fixed_dictionaries({"allOf": arms}),
        inner.map(lambda schema: {"anyOf": [schema, {"type": "null"}]}),
        st.fixed_dictionaries({"not": inner}),
        st.fixed_dictionaries(
            {"items": inner}, optional={"minItems": st.integers(0, 2), "maxItems": st.integers(1, 3)}
        ),
        st.fixed_dictionaries({"contains": inner}),
        st.fixed_dictionaries({"properties": properties}, optional={"required": names, "additionalProperties": inner}),
        st.fixed_dictionaries({"propertyNames": st.fixed_dictionaries({"enum": names})}),
        st.just({"propertyNames": {"$ref": "#/components/schemas/Word"}}),
        st.fixed_dictionaries({"dependentRequired": st.dictionaries(st.sampled_from(NAMES), names, max_size=2)}),
        st.fixed_dictionaries({"dependentSchemas": st.dictionaries(st.sampled_from(NAMES), inner, max_size=2)}),
        st.fixed_dictionaries({"if": inner}, optional={"then": inner, "else": inner}),
    )


def loose(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What 3.0 has no words for."""
    patterns = st.dictionaries(st.sampled_from(["^a", "b"]), inner, min_size=1, max_size=2)
    return st.one_of(
        st.fixed_dictionaries({"prefixItems": st.lists(inner, max_size=2)}, optional={"items": inner}),
        st.fixed_dictionaries({"patternProperties": patterns}, optional={"additionalProperties": inner}),
        st.fixed_dictionaries({"propertyNames": st.just({"pattern": "^a"})}),
        st.fixed_dictionaries({"contains": inner, "minContains": st.integers(1, 2)}),
        st.fixed_dictionaries({"unevaluatedProperties": st.booleans()}),
    )


def together(parts: list[Any]) -> Any:
    """Several keywords side by side, as one schema."""
    merged: dict[str, Any] = {}
    for part in parts:
        merged |= part if isinstance(part, dict) else {"not": {}}
    return merged


def schemas(*, exactly: bool) -> st.SearchStrategy[Any]:
    def grow(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        parts = st.one_of(exact(inner), leaves()) if exactly else st.one_of(exact_but_not(inner), loose(inner))
        return st.lists(parts, min_size=1, max_size=3).map(together)

    def exact_but_not(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        # Below `not`, `oneOf` and the like, something wider would make the whole narrower.
        return st.one_of(
            st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=2)}),
            st.fixed_dictionaries({"items": inner}),
            st.fixed_dictionaries({"properties": st.dictionaries(st.sampled_from(NAMES), inner, max_size=2)}),
            st.fixed_dictionaries({"additionalProperties": inner}),
        )

    return st.recursive(leaves(), grow, max_leaves=6)


def passes(found: dict[str, Any], value: Any) -> bool:
    subject = {"allOf": [{"$ref": "#/components/schemas/Subject"}]}
    reader = OAS30Validator if found["openapi"].startswith("3.0") else Draft202012Validator
    return bool(reader({**subject, "components": found["components"]}).is_valid(value))


@settings(max_examples=400, deadline=None)
@given(schemas(exactly=True), st.lists(values, min_size=3, max_size=6))
def test_the_same_values_pass(schema: Any, given_values: list[Any]) -> None:
    before = document(schema)
    after = as_30(before)
    for value in given_values:
        assert passes(before, value) == passes(after, value), (value, after["components"]["schemas"]["Subject"])
        event(f"passes: {passes(before, value)}")


@settings(max_examples=200, deadline=None)
@given(schemas(exactly=False), st.lists(values, min_size=3, max_size=6))
def test_what_passed_passes_where_3_0_lacks_the_words(schema: Any, given_values: list[Any]) -> None:
    before = document(schema)
    after = as_30(before)
    for value in given_values:
        assert passes(after, value) or not passes(before, value), (value, after["components"]["schemas"]["Subject"])


@settings(max_examples=60, deadline=None)
@given(schemas(exactly=True) | schemas(exactly=False))
def test_the_result_is_a_document_of_3_0_and_the_source_is_left_alone(schema: Any) -> None:
    before, copy = document(schema), document(schema)
    after = as_30(before)
    assert not list(OpenAPIV30SpecValidator(after).schema_validator.iter_errors(after))
    assert before == copy
    assert after["info"] == {"title": "t", "version": "1"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        (
            {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "default": None, "title": "N"},
            {"type": "integer", "minimum": 1, "nullable": True, "default": None, "title": "N"},
        ),
        (
            {"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}]},
            {"type": "string", "enum": ["a", None], "nullable": True},
        ),
        (
            {"$ref": "#/components/schemas/Word", "description": "d"},
            {"description": "d", "allOf": [{"$ref": "#/components/schemas/Word"}]},
        ),
        ({"const": "list", "type": "string"}, {"type": "string", "enum": ["list"]}),
        ({"type": "number", "exclusiveMinimum": 0}, {"type": "number", "minimum": 0, "exclusiveMinimum": True}),
        ({"type": "number", "exclusiveMinimum": 0, "minimum": 1}, {"type": "number", "minimum": 1}),
        ({"type": "string", "examples": ["a", "b"]}, {"type": "string", "example": "a"}),
        ({"type": "string", "contentEncoding": "base64"}, {"type": "string", "format": "byte"}),
        (
            {"type": "string", "contentMediaType": "application/octet-stream"},
            {"type": "string", "format": "binary"},
        ),
        (
            {"type": "array", "prefixItems": [{"type": "string"}], "items": False},
            {"type": "array", "items": {"anyOf": [{"type": "string"}]}, "maxItems": 1},
        ),
        (
            {
                "type": "object",
                "propertyNames": {"$ref": "#/components/schemas/Word"},
                "additionalProperties": {"type": "number"},
            },
            {
                "type": "object",
                "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
                "additionalProperties": False,
            },
        ),
        (
            {"type": "object", "patternProperties": {"^x": {"type": "number"}}, "additionalProperties": False},
            {"type": "object", "additionalProperties": {"anyOf": [{"type": "number"}]}},
        ),
    ],
)
def test_it_reads_as_3_0_is_written(schema: Any, expected: Any) -> None:
    assert as_30(document(schema))["components"]["schemas"]["Subject"] == expected


def test_definitions_inside_a_schema_become_components_under_free_names() -> None:
    inline = {
        "$defs": {"Word": {"type": "integer"}, "Tree": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}},
        "properties": {
            "word": {"$ref": "#/$defs/Word"},
            "tree": {"$ref": "#/components/schemas/Subject/$defs/Tree"},
            "other": {"$ref": "#/components/schemas/Word"},
        },
    }
    found = hoisted(document(inline))
    OpenAPIV31SpecValidator(found).validate()
    properties = found["components"]["schemas"]["Subject"]["properties"]
    named = {name: at(found, schema["$ref"]) for name, schema in properties.items()}
    assert named["word"] == {"type": "integer"}
    assert named["tree"] == {"type": "array", "items": properties["tree"]}
    assert named["other"] == SHARED["Word"]
    assert "$defs" not in str(found)


def test_what_is_no_schema_stays() -> None:
    before = document({})
    before["webhooks"] = {}
    operation = before["paths"]["/"]["get"]
    operation["parameters"] = [
        {"name": "q", "in": "query", "schema": {"type": ["string", "null"]}, "examples": {"one": {"value": None}}}
    ]
    operation["responses"]["200"]["headers"] = {"X": {"schema": {"const": "a"}}}
    operation["responses"]["200"]["content"]["application/json"]["example"] = {"schema": {"const": 1}}
    after = as_30(before)
    found = after["paths"]["/"]["get"]
    assert "webhooks" not in after
    assert found["parameters"][0] == {**operation["parameters"][0], "schema": {"type": "string", "nullable": True}}
    assert found["responses"]["200"]["headers"] == {"X": {"schema": {"enum": ["a"]}}}
    assert found["responses"]["200"]["content"]["application/json"]["example"] == {"schema": {"const": 1}}
