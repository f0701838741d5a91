"""What each method sends and returns, on both clients."""

import asyncio
import doctest
import inspect
import json
import re
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from typing import Any

import httpx2
import pytest

import greatrouter
from greatrouter import AsyncGreatRouter, AuthenticationError, GreatRouter, GreatRouterError, _base
from greatrouter.types import _answer

Start = Callable[..., Any]

MESSAGES = [{"role": "user", "content": "Draw a heron"}]

# method, positional arguments, keyword arguments, HTTP method, path and query, JSON body
CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any], str, str, Any]] = [
    (
        "auto_route",
        ({"prompt": "Draw a heron", "input": {"messages": MESSAGES}, "budget_dollars": 0.05},),
        {},
        "POST",
        "/v1/auto/route",
        {"prompt": "Draw a heron", "input": {"messages": MESSAGES}, "budget_dollars": 0.05},
    ),
    ("auto_route", (), {"prompt": "hi"}, "POST", "/v1/auto/route", {"prompt": "hi", "input": {}}),
    ("auto_route", ({"prompt": "hi", "input": None},), {}, "POST", "/v1/auto/route", {"prompt": "hi", "input": {}}),
    ("auto_suggest", (), {"prompt": "hi", "limit": 5}, "POST", "/v1/auto/suggest", {"prompt": "hi", "limit": 5}),
    ("feedback", (), {"prompt": "hi", "correct": True}, "POST", "/v1/auto/feedback", {"prompt": "hi", "correct": True}),
    ("auto_feedback", ({"correct": False},), {}, "POST", "/v1/auto/feedback", {"correct": False}),
    (
        "models_route",
        ({"query": "text", "input": {}},),
        {"maxCost": "economy", "filter": {"capabilities": ["vision"]}},
        "POST",
        "/v1/models/route",
        {"query": "text", "input": {}, "maxCost": "economy", "filter": {"capabilities": ["vision"]}},
    ),
    ("price_comparison", (), {}, "POST", "/v1/models/price-comparison", {}),
    ("price_comparison", ({"task": "text"},), {}, "POST", "/v1/models/price-comparison", {"task": "text"}),
    ("list_models", (), {}, "GET", "/v1/models", None),
    (
        "list_models",
        ({"task_type": "text_generation", "provider": None},),
        {"capabilities": ["vision", "reasoning"], "routable_only": True},
        "GET",
        "/v1/models?task_type=text_generation&capabilities=vision%2Creasoning&routable_only=true",
        None,
    ),
    ("query_models", (), {"text": "llama", "limit": 2}, "POST", "/v1/models/query", {"text": "llama", "limit": 2}),
    ("recommend", ({"task": "image"},), {}, "POST", "/v1/models/recommend", {"task": "image"}),
    ("get_model", ("meta", "llama-3.3-70b"), {}, "GET", "/v1/models/meta/llama-3.3-70b", None),
    ("get_model", ("lab", "a b/c?d#e"), {}, "GET", "/v1/models/lab/a%20b%2Fc%3Fd%23e", None),
    ("get_model_health", (), {}, "GET", "/v1/model-health", None),
    ("get_model_health", (["a/b", "c/d"],), {}, "GET", "/v1/model-health?models=a%2Fb%2Cc%2Fd", None),
    ("get_model_health", ("a/b",), {}, "GET", "/v1/model-health?models=a%2Fb", None),
    ("tags", (), {}, "GET", "/v1/models/tags", None),
    ("price_tiers", (), {}, "GET", "/v1/models/price-tiers", None),
    ("get_input_schema", ("lab", "small"), {}, "GET", "/v1/models/lab/small/input-schema", None),
    ("get_output_schema", ("lab", "a/b"), {}, "GET", "/v1/models/lab/a%2Fb/output-schema", None),
    ("validate_input", ("lab", "small", {"a": 1}), {}, "POST", "/v1/models/lab/small/validate-input", {"a": 1}),
    ("validate_output", ("lab", "small", {}), {}, "POST", "/v1/models/lab/small/validate-output", {}),
    ("catalog_taxonomy", (), {}, "GET", "/v1/catalog/taxonomy", None),
    ("catalog_families", (), {}, "GET", "/v1/catalog/families", None),
    (
        "catalog_families",
        ({"taxonomy": "llm"},),
        {"q": "llama", "limit": 2},
        "GET",
        "/v1/catalog/families?taxonomy=llm&q=llama&limit=2",
        None,
    ),
    ("get_catalog_family", ("llm/meta--llama-3.3",), {}, "GET", "/v1/catalog/families/llm%2Fmeta--llama-3.3", None),
    ("get_preferences", (), {}, "GET", "/v1/preferences", None),
    ("get_preference_suggestions", (), {}, "GET", "/v1/preferences/suggestions", None),
    ("set_preference", ("default_task", "code"), {}, "PUT", "/v1/preferences/default_task", {"value": "code"}),
    ("set_preference", ("excluded_models", []), {}, "PUT", "/v1/preferences/excluded_models", {"value": []}),
    ("delete_preference", ("default_task",), {}, "DELETE", "/v1/preferences/default_task", None),
    ("account", (), {}, "GET", "/v1/account", None),
    ("org_logs", (), {}, "GET", "/v1/org/logs?format=json", None),
    ("org_logs", ({"format": "csv"},), {"limit": 9}, "GET", "/v1/org/logs?format=csv&limit=9", None),
    (
        "chat_completions",
        (),
        {"model": "router", "messages": MESSAGES, "logit_bias": {"1": 2}},
        "POST",
        "/v1/chat/completions",
        {"model": "router", "messages": MESSAGES, "logit_bias": {"1": 2}},
    ),
    (
        "embeddings",
        ("m", "x"),
        {"dimensions": 8},
        "POST",
        "/v1/embeddings",
        {"model": "m", "input": "x", "dimensions": 8},
    ),
    ("embeddings", (), {"model": "m", "input": []}, "POST", "/v1/embeddings", {"model": "m", "input": []}),
    ("embeddings", ({"model": "m", "input": ["x"]},), {}, "POST", "/v1/embeddings", {"model": "m", "input": ["x"]}),
    (
        "rerank",
        ("m", "q", ["d"], 3),
        {},
        "POST",
        "/v1/rerank",
        {"model": "m", "query": "q", "documents": ["d"], "top_n": 3},
    ),
    (
        "rerank",
        ({"model": "m"},),
        {"query": "q", "top_n": 1},
        "POST",
        "/v1/rerank",
        {"model": "m", "query": "q", "top_n": 1},
    ),
]


# What runs a model or is written down; a preview costs nothing to repeat, and its key a commit.
ONCE = {"auto_route", "models_route", "chat_completions", "embeddings", "rerank", "feedback", "auto_feedback"}


@pytest.mark.parametrize(("name", "args", "fields", "method", "target", "body"), CALLS)
def test_request(
    start: Start, name: str, args: tuple[Any, ...], fields: dict[str, Any], method: str, target: str, body: Any
) -> None:
    harness = start({"json": {"answer": 1}})
    answer = harness.call(name, *args, **fields)
    request = harness.request
    assert (request.method, request.url.raw_path.decode()) == (method, target)
    assert (json.loads(request.content) if request.content else None) == body
    assert answer == ('{"answer":1}' if "format=csv" in target else {"answer": 1})
    assert request.headers["authorization"] == f"Bearer {harness.key}"
    assert request.headers["user-agent"] == f"greatrouter-python/{greatrouter.__version__}"
    assert ("idempotency-key" in request.headers) == (name in ONCE)


def test_table_covers_every_method() -> None:
    methods = {name for name in vars(GreatRouter) if not name.startswith("_")} - {"close"}
    assert methods == {name for name, *_ in CALLS}


def test_clients_take_the_same_arguments() -> None:
    def parameters(cls: type, name: str) -> list[inspect.Parameter]:
        return list(inspect.signature(getattr(cls, name)).parameters.values())

    shared = {name for name, *_ in CALLS} | {"with_options"}
    assert {name: parameters(GreatRouter, name) for name in shared} == {
        name: parameters(AsyncGreatRouter, name) for name in shared
    }
    assert [p.name for p in parameters(GreatRouter, "__init__")] == [
        p.name for p in parameters(AsyncGreatRouter, "__init__")
    ]


def test_keyword_argument_goes_before_the_dict_which_is_left_alone(start: Start) -> None:
    harness = start()
    request = {"prompt": "one", "limit": 2}
    harness.call("auto_suggest", request, limit=3)
    assert json.loads(harness.request.content) == {"prompt": "one", "limit": 3}
    harness.call("auto_route", request)
    assert request == {"prompt": "one", "limit": 2}


def test_each_call_has_its_own_idempotency_key_unless_the_caller_gives_one(start: Start) -> None:
    harness = start()
    for _ in range(3):
        harness.call("auto_route", prompt="hi")
    assert len({request.headers["idempotency-key"] for request in harness.requests}) == 3
    harness.client = harness.client.with_options(headers={"idempotency-key": "mine"})
    harness.call("auto_suggest", prompt="hi")
    assert harness.request.headers.get_list("idempotency-key") == ["mine"]


@pytest.mark.parametrize("base_url", ["https://router.test/v1", "https://router.test/v1/"])
def test_base_url(start: Start, base_url: str) -> None:
    harness = start(base_url=base_url)
    harness.call("account")
    assert str(harness.request.url) == "https://router.test/v1/account"


def test_an_empty_answer_has_no_fields(start: Start) -> None:
    assert start({"status": 204}).call("delete_preference", "default_task") == {}


@pytest.mark.parametrize("document", [None, [], [{"id": "m"}], "text", 3])
def test_an_answer_of_another_shape_is_handed_over_as_it_is(start: Start, document: Any) -> None:
    assert start({"content": json.dumps(document).encode()}).call("auto_route", prompt="hi") == document


def test_what_an_answer_holds_can_be_sent_back(start: Start) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call], "thinking": {"budget": 3}}
    harness = start({"json": {"choices": [{"index": 0, "message": message}]}})
    answer = harness.call("chat_completions", model="router", messages=MESSAGES)
    harness.call("chat_completions", model="router", messages=[*MESSAGES, answer.choices[0].message])
    assert json.loads(harness.request.content)["messages"] == [*MESSAGES, message]
    harness.call("validate_output", "lab", "small", answer)
    assert json.loads(harness.request.content) == {"choices": [{"index": 0, "message": message}]}


@pytest.mark.parametrize("value", [{1, 2}, object(), b"bytes"])
def test_a_request_that_is_no_json_is_refused_before_it_is_sent(start: Start, value: object) -> None:
    harness = start()
    with pytest.raises(TypeError, match=f"holds a {type(value).__name__}"):
        harness.call("auto_suggest", prompt=value)
    assert harness.requests == []


def test_the_body_is_json_in_utf_8(start: Start) -> None:
    harness = start()
    harness.call("auto_suggest", prompt="Grüße 🦉")
    assert harness.request.headers["content-type"] == "application/json"
    assert harness.request.content == '{"prompt":"Grüße 🦉"}'.encode()
    harness.call("account")
    assert "content-type" not in harness.request.headers


@pytest.mark.parametrize("content", [b"<html>Welcome</html>", b"\xff\xfe\x00", b"[" * 100_000])
def test_an_answer_that_is_not_json_is_an_error(start: Start, content: bytes) -> None:
    with pytest.raises(GreatRouterError, match="base_url") as caught:
        start({"content": content, "headers": {"X-Request-Id": "r1"}}).call("account")
    assert (caught.value.status, caught.value.code, caught.value.request_id) == (200, "invalid_response", "r1")


@pytest.mark.parametrize("name", ["auto_route", "list_models", "rerank"])
@pytest.mark.parametrize("request_", [["prompt"], 3])
def test_a_request_that_is_no_dict_is_refused_before_it_is_sent(start: Start, name: str, request_: object) -> None:
    harness = start()
    with pytest.raises(TypeError, match="expected one dict"):
        harness.call(name, request_)
    assert harness.requests == []


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("get_model", ("", "m")),
        ("get_model", ("..", "preferences")),
        ("get_model", ("p", ".")),
        ("get_input_schema", ("p", "..")),
        ("validate_output", ("", "m", {})),
        ("get_catalog_family", ("",)),
        ("set_preference", ("", 1)),
        ("delete_preference", ("..",)),
    ],
)
def test_a_name_that_would_reach_another_endpoint_is_refused(start: Start, name: str, args: tuple[Any, ...]) -> None:
    harness = start()
    with pytest.raises(ValueError, match="must not be"):
        harness.call(name, *args)
    assert harness.requests == []


def sent_key(cls: type[Any], *key: str) -> str:
    """The Authorization header of a request by a new client."""
    sent: list[str] = []

    def serve(request: httpx2.Request) -> httpx2.Response:
        sent.append(request.headers["authorization"])
        return httpx2.Response(200, json={})

    called = cls(*key, transport=httpx2.MockTransport(serve)).account()
    if inspect.iscoroutine(called):
        asyncio.run(called)
    return sent[0]


@pytest.mark.parametrize("cls", [GreatRouter, AsyncGreatRouter])
class TestConstruction:
    def test_without_a_key_it_takes_that_of_the_environment(
        self, cls: type[GreatRouter], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GREATROUTER_API_KEY", "pk_live_from_the_environment")
        assert sent_key(cls) == "Bearer pk_live_from_the_environment"
        assert sent_key(cls, "pk_live_given") == "Bearer pk_live_given"

    def test_no_key_at_all_is_an_error(self, cls: type[GreatRouter], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("GREATROUTER_API_KEY", raising=False)
        for arguments in ((), ("",)):
            with pytest.raises(AuthenticationError, match="no api_key was given") as caught:
                cls(*arguments)
            assert (caught.value.status, caught.value.code) == (None, "missing_api_key")

    @pytest.mark.parametrize("key", ["pk_live_x\n", "pk live", "pk_live_ключ"])
    def test_a_malformed_key_is_refused_and_not_repeated(self, cls: type[GreatRouter], key: str) -> None:
        with pytest.raises(AuthenticationError) as caught:
            cls(key)
        assert key.strip() not in str(caught.value)

    def test_proxy_settings_of_the_environment_are_not_read(
        self, cls: type[GreatRouter], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ALL_PROXY", "gopher://proxy.test")  # an httpx2 client that reads it refuses it
        assert "127.0.0.1:8080" in repr(cls("k"))

    @pytest.mark.parametrize(
        "options",
        [
            {"base_url": "127.0.0.1:8080/v1"},
            {"base_url": "ftp://router.test"},
            {"base_url": "http://user:word@router.test/v1"},
            {"base_url": "http://router.test/v1?a=1"},
            {"base_url": "http://router.test:port"},
            {"timeout_s": 0},
            {"timeout_s": float("nan")},
            {"max_retries": -1},
            {"transport": httpx2.MockTransport(lambda _: httpx2.Response(200)), "http_client": httpx2.Client()},
        ],
    )
    def test_options_that_cannot_work_are_refused(self, cls: type[GreatRouter], options: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match=next(iter(options))) as caught:
            cls("k", **options)
        assert "word" not in str(caught.value)


def test_with_options_changes_only_the_copy(start: Start) -> None:
    harness = start()
    original = harness.client
    harness.client = original.with_options(headers={"X-Tier": "batch"}, timeout_s=5, max_retries=0)
    harness.client = harness.client.with_options(headers={"Prefer": "wait=9"})
    harness.call("embeddings", "m", "x")
    request = harness.request
    assert (request.headers["x-tier"], request.headers["prefer"]) == ("batch", "wait=9")
    assert request.extensions["timeout"] == {"connect": 5, "read": 5, "write": 5, "pool": 5}
    harness.client = original
    harness.call("embeddings", "m", "x")
    assert "x-tier" not in harness.request.headers
    assert harness.request.extensions["timeout"]["read"] == 120


def test_leaving_the_block_closes_the_connections() -> None:
    class Transport(httpx2.MockTransport):
        closed = 0

        def close(self) -> None:
            self.closed += 1

        async def aclose(self) -> None:
            self.closed += 1

    transport = Transport(lambda _: httpx2.Response(200, json={}))
    with GreatRouter("k", transport=transport) as client:
        with client.with_options(max_retries=0) as copy:
            copy.account()
        client.account()
    assert transport.closed == 1

    async def leave() -> None:
        async with AsyncGreatRouter("k", transport=transport) as client:
            async with client.with_options(max_retries=0) as copy:
                await copy.account()
            await client.account()

    asyncio.run(leave())
    assert transport.closed == 2


def test_a_client_that_was_handed_in_stays_open() -> None:
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, json={"team": request.headers["x-team"]}))
    with httpx2.Client(transport=transport, headers={"X-Team": "blue"}) as http:
        with GreatRouter("k", http_client=http) as client:
            assert client.account() == {"team": "blue"}
        assert not http.is_closed

    async def leave() -> bool:
        async with httpx2.AsyncClient(transport=transport, headers={"X-Team": "blue"}) as http:
            async with AsyncGreatRouter("k", http_client=http) as client:
                assert await client.account() == {"team": "blue"}
            return http.is_closed

    assert not asyncio.run(leave())


def test_key_is_not_in_the_representation(start: Start) -> None:
    harness = start()
    assert harness.key not in repr(harness.client) + repr(vars(harness.client))


def test_version_is_that_of_the_installed_distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = tmp_path / "greatrouter-98.7.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: greatrouter\nVersion: 98.7\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert greatrouter.__version__ == "98.7"
    with pytest.raises(AttributeError, match="no attribute 'version_info'"):
        attrgetter("version_info")(greatrouter)


def test_documentation_matches_the_code() -> None:
    readme = (Path(__file__).parents[2] / "sdk/python/README.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        compile(block, "README.md", "exec")
    table = readme.split("## Methods")[1].split("## Errors")[0]
    named = {
        name
        for row in table.splitlines()
        if row.startswith("| `")
        for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert named == {name for name, *_ in CALLS}
    for module in (_base, _answer):
        assert doctest.testmod(module).failed == 0
        assert doctest.testmod(module).attempted > 0
