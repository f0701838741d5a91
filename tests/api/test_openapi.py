"""The OpenAPI documents: everything that is served stands in them, and what stands in them is so."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

import greatrouter_api
from greatrouter_api.app import Server, create_app
from greatrouter_api.errors import CODE_OF_STATUS
from greatrouter_api.openapi_defs import at
from greatrouter_api.openapi_examples import EXAMPLES
from greatrouter_api.openapi_parts import codes
from greatrouter_api.settings import LocalModelSettings, Settings
from tests.api.conftest import FAKE, Running

METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")
# Hidden on purpose: each key has a path of its own, this one only refuses what is no key.
CATCH_ALL = ("/v1/preferences/{key}",)
# Where `Idempotency-Key` is heeded: every POST with a key that runs, charges or changes something, and those beside it.
REPEATABLE = (
    "/v1/auto/feedback",
    "/v1/auto/route",
    "/v1/auto/suggest",
    "/v1/chat/completions",
    "/v1/embeddings",
    "/v1/models/price-comparison",
    "/v1/models/recommend",
    "/v1/models/route",
    "/v1/rerank",
    "/v2/rerank",
)


@pytest.fixture(scope="module")
def document(shared: Running) -> dict[str, Any]:
    return dict(shared.client.get("/openapi.json").json())


@pytest.fixture(scope="module")
def document_30(shared: Running) -> dict[str, Any]:
    return dict(shared.client.get("/v1/openapi.json").json())


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def answer_of(document: dict[str, Any], operation: dict[str, Any], status: int) -> dict[str, Any]:
    answer = operation["responses"][str(status)]
    return dict(at(document, answer["$ref"]) if "$ref" in answer else answer)


def problems(document: dict[str, Any], schema: Any, value: Any) -> list[str]:
    whole = {"components": document["components"], "allOf": [schema]}
    return [f"{error.json_path}: {error.message[:300]}" for error in Draft202012Validator(whole).iter_errors(value)]


def test_both_documents_are_valid(document: dict[str, Any], document_30: dict[str, Any]) -> None:
    assert (document["openapi"][:3], document_30["openapi"]) == ("3.1", "3.0.3")
    OpenAPIV31SpecValidator(document).validate()
    OpenAPIV30SpecValidator(document_30).validate()


def test_both_documents_say_the_same(document: dict[str, Any], document_30: dict[str, Any]) -> None:
    def outline(found: dict[str, Any]) -> Any:
        return {
            (path, method): (
                operation["summary"],
                operation.get("security"),
                sorted(operation["responses"]),
                [
                    parameter.get("$ref") or (parameter["name"], parameter["in"])
                    for parameter in operation["parameters"]
                ],
                operation.get("requestBody", {}).get("content", {}).keys(),
            )
            for path, method, operation in operations(found)
        }

    assert outline(document) == outline(document_30)
    for part in ("schemas", "responses", "headers", "parameters", "securitySchemes"):
        assert document["components"][part].keys() == document_30["components"][part].keys()


def test_every_route_is_documented_and_nothing_else_is(document: dict[str, Any], tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, embedder=None, local_models=[LocalModelSettings(id=FAKE, backend="fake")])
    app = cast(FastAPI, create_app(settings).app)
    served = {("post", path) for path in Server(settings, lambda: None).endpoints()} | {("get", "/openapi.json")}
    for route in app.routes:
        if isinstance(route, APIRoute) and route.path not in CATCH_ALL:
            served |= {(method.lower(), route.path_format) for method in route.methods or () if method != "HEAD"}
    assert served == {(method, path) for path, method, _ in operations(document)}


def test_every_error_is_documented_with_its_status_and_codes(document: dict[str, Any]) -> None:
    named = {}
    for status in CODE_OF_STATUS:
        answer = document["components"]["responses"][f"Error{status}"]
        schema = answer["content"]["application/json"]["schema"]
        error = schema["allOf"][1]["properties"]["error"]["properties"]
        assert error["status"] == {"const": status}
        named[status] = error["code"]["enum"]
        assert all(f"`{code}`" in answer["description"] for code in named[status])
    raised = set(raised_codes())
    assert len(raised) >= 5
    assert {(status, code) for status, code in raised if code not in named[status]} == set()
    assert {status: codes(status) for status in CODE_OF_STATUS} == named


def raised_codes() -> Iterator[tuple[int, str]]:
    """Every `ApiError(status, ..., code)` of the source whose status and code are written out."""
    for file in Path(greatrouter_api.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ApiError":
                status, code = node.args[0], node.args[2] if len(node.args) > 2 else None
                code = next((keyword.value for keyword in node.keywords if keyword.arg == "code"), code)
                if isinstance(status, ast.Constant) and isinstance(code, ast.Constant) and code.value:
                    yield int(str(status.value)), str(code.value)


def test_only_what_can_happen_is_documented(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        statuses = {int(status) for status in operation["responses"]}
        repeatable = {"$ref": "#/components/parameters/Idempotency-Key"} in operation["parameters"]
        assert (409 in statuses) == (422 in statuses) == repeatable, path
        assert repeatable == ("requestBody" in operation and path in REPEATABLE), path
        assert {200, 500} <= statuses, path
        assert (401 in statuses) == ("security" in operation), path
        if "requestBody" in operation:
            assert {400, 413} <= statuses, path
        runs = any(path.endswith(end) for end in ("/route", "/completions", "/embeddings", "/rerank"))
        assert ({402, 403, 502} <= statuses) == runs, path
        assert method == "post" or 402 not in statuses
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_header_is_documented(document: dict[str, Any]) -> None:
    def headers(path: str, method: str, status: int) -> set[str]:
        return set(answer_of(document, document["paths"][path][method], status)["headers"])

    def sent(path: str) -> set[str]:
        references = (parameter.get("$ref", "") for parameter in document["paths"][path]["post"]["parameters"])
        return {reference.rpartition("/")[2] for reference in references}

    for _, _, operation in operations(document):
        assert {"$ref": "#/components/parameters/X-Request-Id"} in operation["parameters"]
        for status in map(int, operation["responses"]):
            assert "X-Request-Id" in answer_of(document, operation, status)["headers"]
    assert "Retry-After" in headers("/v1/auto/route", "post", 503)
    assert headers("/v1/auto/route", "post", 429) >= {"Retry-After", "x-should-retry"}
    assert "x-should-retry" in headers("/v1/auto/route", "post", 402)
    assert "X-GR-Cache" in headers("/v1/chat/completions", "post", 200)
    assert "Preference-Applied" in headers("/v1/embeddings", "post", 200)
    assert "Allow" in document["components"]["responses"]["Error405"]["headers"]
    assert headers("/v1/auto/route", "post", 409) >= {"Retry-After", "x-should-retry"}
    assert all("Idempotent-Replayed" in headers(path, "post", 200) for path in REPEATABLE)
    common = {"X-Request-Id", "Idempotency-Key"}
    assert sent("/v1/chat/completions") == {*common, "X-GR-Cache-TTL", "X-GR-Guardrails"}
    assert sent("/v1/auto/route") == sent("/v1/models/route") == {*common, "X-GR-Guardrails", "X-Tier"}
    served = {*common, "X-GR-Guardrails", "X-Tier", "Prefer"}
    assert sent("/v1/embeddings") == sent("/v1/rerank") == sent("/v2/rerank") == served
    assert {scheme["type"] for scheme in document["components"]["securitySchemes"].values()} == {"http", "apiKey"}


def test_no_answer_is_described_as_just_anything(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        for media_type, content in answer_of(document, operation, 200)["content"].items():
            schema = content["schema"]
            schema = at(document, schema["$ref"]) if "$ref" in schema else schema
            assert schema.get("required") or schema["type"] == "string", (path, method, media_type)


def test_every_example_is_valid(document: dict[str, Any]) -> None:
    found = [(place, schema, value) for place, schema, value in examples(document)]
    assert len(found) > len(EXAMPLES)
    assert {place: wrong for place, schema, value in found if (wrong := problems(document, schema, value))} == {}


def examples(value: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Each with the schema it must pass, wherever OpenAPI or JSON Schema let one stand."""
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from examples(item, f"{place}/{i}")
    elif isinstance(value, dict):
        schema = value.get("schema", value)
        if "example" in value:
            yield f"{place}/example", schema, value["example"]
        given = value.get("examples", ())
        for name, item in given.items() if isinstance(given, dict) else enumerate(given):
            yield f"{place}/examples/{name}", schema, item["value"] if isinstance(given, dict) else item
        for name, item in value.items():
            if name not in ("example", "examples"):
                yield from examples(item, f"{place}/{name}")


@pytest.mark.parametrize("path", EXAMPLES)
def test_the_example_requests_are_answered_as_documented(server: Running, document: dict[str, Any], path: str) -> None:
    response = server.post(path, EXAMPLES[path])
    assert response.status_code == 200, response.text
    answer = answer_of(document, document["paths"][path]["post"], 200)
    schema = answer["content"]["application/json"]["schema"]
    assert problems(document, schema, response.json()) == []
    required = at(document, schema["$ref"])["required"]
    for name in required:
        rest = {key: item for key, item in response.json().items() if key != name}
        assert problems(document, schema, rest), f"{name} is not missed"


def test_every_event_of_a_stream_is_as_documented(server: Running, document: dict[str, Any]) -> None:
    body = {**EXAMPLES["/v1/chat/completions"], "stream": True, "stream_options": {"include_usage": True}}
    response = server.post("/v1/chat/completions", body)
    *events, done = [line.removeprefix("data: ") for line in response.text.splitlines() if line]
    assert done == "[DONE]"
    chunk = {"$ref": "#/components/schemas/ChatCompletionChunk"}
    contents = answer_of(document, document["paths"]["/v1/chat/completions"]["post"], 200)["content"]
    said = contents["text/event-stream"]["schema"]["properties"]["data"]["anyOf"][1]["contentSchema"]
    assert chunk in said["anyOf"]
    parsed = [orjson.loads(event) for event in events]
    assert [problems(document, chunk, event) for event in parsed] == [[]] * len(events)
    assert "greatrouter" in parsed[-1]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/auto/route", b"{", 400),
        ("POST", "/v1/auto/suggest", b'{"prompt": "hi", "limit": 21}', 400),
        ("POST", "/v1/embeddings", b'{"model": "nobody/nothing", "input": "a"}', 404),
        ("GET", "/v1/models?task_type=painting", b"", 400),
        ("GET", "/v1/models/nobody/nothing", b"", 404),
        ("GET", "/v1/auto/route", b"", 405),
        ("DELETE", "/v1/models", b"", 405),
        ("GET", "/v1/nothing", b"", 404),
    ],
)
def test_errors_are_as_documented(
    server: Running, document: dict[str, Any], method: str, path: str, body: bytes, status: int
) -> None:
    response = server.client.request(method, path, content=body, headers={"Authorization": f"Bearer {server.test}"})
    assert response.status_code == status
    answer = document["components"]["responses"][f"Error{status}"]
    assert problems(document, answer["content"]["application/json"]["schema"], response.json()) == []
    for name, header in answer["headers"].items():
        found = at(document, header["$ref"])
        if found.get("required"):
            assert problems(document, found["schema"], response.headers[name]) == []


def test_llms_txt_names_every_endpoint(server: Running, document: dict[str, Any]) -> None:
    """A path or a pattern for several of them: `/v1/preferences/KEY`, `/v1/models/PROVIDER/MODEL`."""
    response = server.client.get("/llms.txt")
    assert response.headers["content-type"].startswith("text/plain")
    patterns = re.findall(r"\b(GET|POST|PUT|DELETE) (/\S+?)[,:.;)]*(?=\s|$)", response.text)
    matches = [(method, re.compile(re.sub(r"[A-Z]{2,}", "[^/]+", path))) for method, path in patterns]
    missing = [
        f"{method.upper()} {path}"
        for path, method, _ in operations(document)
        if not any(method.upper() == named and pattern.fullmatch(path) for named, pattern in matches)
    ]
    assert missing == []
    known = [(method.upper(), re.sub(r"\{\w+\}", "x", path)) for path, method, _ in operations(document)]
    unknown = [
        f"{method} {pattern.pattern}"
        for method, pattern in matches
        if not any(method == other and pattern.fullmatch(path) for other, path in known)
    ]
    assert unknown == []
