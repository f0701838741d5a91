"""Bad input: each a clear error in the one shape, never a traceback."""

import gzip
from typing import Any

import httpx2
import orjson
import pytest

from tests.api.conftest import Running

ENDPOINTS = ("/v1/auto/route", "/v1/auto/suggest", "/v1/embeddings", "/v1/rerank", "/v2/rerank")
VALID: dict[str, dict[str, Any]] = {
    "/v1/auto/route": {"prompt": "hello", "input": {}},
    "/v1/auto/suggest": {"prompt": "hello"},
    "/v1/embeddings": {"model": "local/fake", "input": "hello"},
    "/v1/rerank": {"model": "local/fake", "query": "hello", "documents": ["a"]},
    "/v2/rerank": {"model": "local/fake", "query": "hello", "documents": ["a"]},
}


def check(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"code", "message", "type", "param", "status", "retry_after_s", "metadata"}
    assert (answer.status_code, error["status"], error["code"]) == (status, status, code), error
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"]
    assert "Traceback" not in answer.text
    return error


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b"[" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"prompt": "\\ud800", "input": {}, "model": "\\ud800"}',
        b'{"prompt": NaN}',
    ],
)
def test_what_is_not_a_request_is_a_400(server: Running, path: str, body: bytes) -> None:
    check(server.post(path, body), 400, "invalid_request")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (gzip.compress(b'{"prompt": "hi"}', mtime=0), "compressed by gzip"),
        (b"\x28\xb5\x2f\xfd\x04", "compressed by zstd"),
        ('{"prompt": "hi"}'.encode("utf-16"), "text in UTF-16"),
        (b"--x\r\nContent-Disposition: form-data", "a form"),
        (b" \n", "the body is empty; send a JSON object"),
    ],
)
def test_a_body_of_another_kind_is_told_what_it_is(server: Running, body: bytes, told: str) -> None:
    for method, path in (("POST", "/v1/auto/suggest"), ("PUT", "/v1/preferences/default_task")):
        headers = {"Authorization": f"Bearer {server.test}"}
        answer = server.client.request(method, path, content=body, headers=headers)
        assert told in check(answer, 400, "invalid_request")["message"]


def test_a_byte_order_mark_is_no_fault(server: Running) -> None:
    assert server.post("/v1/auto/suggest", b'\xef\xbb\xbf{"prompt": "hi"}').status_code == 200
    check(
        server.post("/v1/auto/suggest", b'\xef\xbb\xbf{"prompt": "hi", "budget_dollars": NaN}'), 400, "invalid_request"
    )


RERANK = VALID["/v1/rerank"]
CHAT = {"messages": [{"role": "user", "content": "hello"}]}


@pytest.mark.parametrize(
    ("path", "body", "param", "told"),
    [
        ("/v1/rerank", {}, "model", "model: is required; query: is required; documents: is required"),
        (
            *("/v1/rerank", {**RERANK, "documents": ["a", {"title": "t"}]}, "documents"),
            "documents[1]: must be a string or an object with a string `text`",
        ),
        (
            *("/v1/rerank", {**RERANK, "top_n": 0, "query": "", "return_documents": 1}, "query"),
            "query: must not be empty; top_n: must be 1 or more; return_documents: must be true or false",
        ),
        (
            *("/v1/embeddings", {"model": "local/fake", "input": ["a", 1]}, "input"),
            "input: must be a string, a list of strings, a list of token ids, or a list of such lists, and of one kind",
        ),
        ("/v1/embeddings", [], None, "the body: must be an object"),
        ("/v1/chat/completions", {}, "model", "model: is required; messages: is required"),
        (
            *("/v1/chat/completions", {"model": "router", "messages": [{}]}, "messages"),
            "messages[0].role: must be one of system, developer, user, assistant, tool, function",
        ),
        (
            *("/v1/chat/completions", {"messages": ["hi"], "stop": 5}, "model"),
            "model: is required; messages[0]: must be an object; stop: must be a string or a list of strings",
        ),
        (
            *(
                "/v1/chat/completions",
                {"model": "router", **CHAT, "stream_options": {"include_usage": "x"}},
                "stream_options",
            ),
            "stream_options.include_usage: must be true or false",
        ),
        (
            *(
                "/v1/chat/completions",
                {"model": "router", **CHAT, "provider": {"only": [1], "sort": "best"}},
                "provider",
            ),
            "provider.only[0]: must be a string; provider.sort.by: must be one of price, throughput, latency, exacto",
        ),
        (
            *(
                "/v1/models/route",
                {"query": "text", "input": {}, "filter": {"task_type": "x"}, "maxCost": 1},
                "maxCost",
            ),
            "maxCost: must be one of economy, standard, balanced, premium, flagship; filter.task_type: must be one of",
        ),
    ],
)
def test_everything_that_is_wrong_is_told_in_our_words(
    server: Running, path: str, body: Any, param: str | None, told: str
) -> None:
    error = check(server.post(path, body), 400, "invalid_request")
    assert error["param"] == param
    assert error["message"].startswith(told)


def test_so_many_wrong_fields_are_named(server: Running) -> None:
    wrong = dict.fromkeys(("stream", "n", "seed", "logprobs", "tools", "temperature", "top_p", "max_tokens"), "")
    error = check(
        server.post("/v1/chat/completions", {"model": "router", **CHAT, **wrong, "stop": 5}), 400, "invalid_request"
    )
    assert error["message"].count("must be") == 8
    assert error["message"].endswith("; and 1 more")


def test_a_number_that_no_provider_can_be_sent_is_told_with_the_limit(server: Running) -> None:
    body = orjson.dumps({"model": "lab/small", **CHAT})[:-1] + b', "a_field_of_next_year": 18446744073709551616}'
    error = check(server.post("/v1/chat/completions", body, server.live), 400, "invalid_request")
    assert error["param"] == "a_field_of_next_year"
    assert "64 bits" in error["message"]


@pytest.mark.parametrize(
    ("path", "change", "named"),
    [
        ("/v1/auto/route", {"prompt": 1}, "prompt"),
        ("/v1/auto/route", {"prompt": None}, "prompt"),
        ("/v1/auto/route", {"input": []}, "input"),
        ("/v1/auto/route", {"task": "painting"}, "task"),
        ("/v1/auto/route", {"content_mode": "destroy"}, "content_mode"),
        ("/v1/auto/route", {"optimization": "cheap"}, "optimization"),
        ("/v1/auto/route", {"mode": "fast"}, "mode"),
        ("/v1/auto/route", {"budget_dollars": -1}, "budget_dollars"),
        ("/v1/auto/route", {"budget_dollars": "much"}, "budget_dollars"),
        ("/v1/auto/route", {"feedback": {}}, "feedback"),
        ("/v1/auto/suggest", {"limit": 0}, "limit"),
        ("/v1/auto/suggest", {"limit": 21}, "limit"),
        ("/v1/auto/route", {"prompt": " "}, "prompt"),
        ("/v1/auto/route", {"budget_dollars": True}, "budget_dollars"),
        ("/v1/auto/route", {"provider": {"only": "lab"}}, "provider"),
        ("/v1/auto/suggest", {"limit": "5"}, "limit"),
        ("/v1/rerank", {"return_documents": "no"}, "return_documents"),
        ("/v1/rerank", {"provider": {"zdr": "yes"}}, "provider"),
        ("/v1/embeddings", {"input": [True, False]}, "input"),
        ("/v1/embeddings", {"input": []}, "input"),
        ("/v1/embeddings", {"input": ""}, "input"),
        ("/v1/embeddings", {"input": ["a", ""]}, "input"),
        ("/v1/embeddings", {"input": ["a"] * 2049}, "input"),
        ("/v1/embeddings", {"input": {"text": "a"}}, "input"),
        ("/v1/embeddings", {"encoding_format": "hex"}, "encoding_format"),
        ("/v1/embeddings", {"dimensions": 0}, "dimensions"),
        ("/v1/embeddings", {"dimensions": 7}, "dimensions"),
        ("/v1/rerank", {"documents": []}, "documents"),
        ("/v1/rerank", {"documents": [1]}, "documents"),
        ("/v1/rerank", {"documents": "one"}, "documents"),
        ("/v1/rerank", {"query": ""}, "query"),
        ("/v1/rerank", {"top_n": 0}, "top_n"),
    ],
)
def test_a_wrong_field_is_named(server: Running, path: str, change: dict[str, Any], named: str) -> None:
    error = check(server.post(path, VALID[path] | change), 400, "invalid_request")
    assert named in error["message"]


def test_an_unknown_enum_value_lists_the_allowed_ones(server: Running) -> None:
    error = check(server.suggest("hello", task="painting"), 400, "invalid_request")
    assert error["param"] == "task"
    assert all(
        task in error["message"]
        for task in ("text", "image", "video", "music", "speech", "code", "web_search", "rerank")
    )


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_body_over_the_limit_is_a_413(server: Running, path: str) -> None:
    body = VALID[path] | {"prompt": "x" * 10_000_000}
    check(server.post(path, body), 413, "request_too_large")


def test_a_body_of_unstated_length_over_the_limit_is_a_413(server: Running) -> None:
    chunks = (b"x" * 1_000_000 for _ in range(10))
    headers = {"Authorization": f"Bearer {server.test}", "Content-Type": "application/json"}
    check(server.client.post("/v1/auto/suggest", content=chunks, headers=headers), 413, "request_too_large")


@pytest.mark.parametrize("prompt", ["a\x00b", "\x00", "word " * 200_000, "\ufeff", "🦊" * 50_000, "\u202e"])
def test_odd_but_legal_prompts_are_answered(server: Running, prompt: str) -> None:
    assert server.suggest(prompt).status_code == 200
    assert server.route(prompt).status_code == 200


def test_deep_nesting_within_input_is_answered_or_refused(server: Running) -> None:
    nested: Any = "x"
    for _ in range(100):
        nested = [nested]
    assert server.suggest("hello", input={"messages": nested}).status_code in (200, 400)


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic abc"},
        {"Authorization": "Bearer nonsense"},
        {"X-API-Key": "nonsense"},
        {"Authorization": "Bearer pk_live_abcdefghi_0123456789abcdef0123456789abcdef"},
        {"Authorization": "Bearer \xff\xfe"},
    ],
)
def test_without_a_valid_key_it_is_a_401(server: Running, path: str, headers: dict[str, str]) -> None:
    encoded = {name: value.encode("latin-1") for name, value in headers.items()}
    check(server.client.post(path, json=VALID[path], headers=encoded), 401, "authentication_failed")


def test_the_key_may_come_as_x_api_key(server: Running) -> None:
    assert (
        server.client.post("/v1/auto/suggest", json={"prompt": "hi"}, headers={"X-API-Key": server.test}).status_code
        == 200
    )


def test_a_revoked_key_is_refused_within_a_second(server: Running) -> None:
    key = server.accounts.create_key("brief", test=True)
    assert server.suggest("hello", key).status_code == 200
    assert server.accounts.revoke_key(key[:17]) == 1
    import time

    time.sleep(1.1)
    check(server.suggest("hello", key), 401, "authentication_failed")


def test_unknown_paths_and_methods(server: Running) -> None:
    check(server.client.get("/v1/nothing"), 404, "not_found")
    answer = server.client.get("/v1/auto/route")
    check(answer, 405, "invalid_request")
    assert answer.headers["allow"] == "POST"
    check(server.client.delete("/v1/models"), 405, "invalid_request")


def test_a_slash_at_the_end_makes_no_difference(server: Running) -> None:
    key = {"Authorization": f"Bearer {server.test}"}
    for path, body in VALID.items():
        assert server.post(f"{path}/", body).status_code == 200
        check(server.client.get(f"{path}/", headers=key), 405, "invalid_request")
    for path in ("/v1/models", "/v1/models/openai/gpt-4o", "/v1/catalog/families/llm/meta--llama-3.3", "/v1/account"):
        answer = server.client.get(f"{path}/", headers={**key, "Host": "evil.example"}, follow_redirects=False)
        assert answer.status_code == 200, path
        assert server.client.head(f"{path}/", headers=key).status_code == 200
    check(server.client.get("/", headers=key), 404, "not_found")
    check(server.client.get("/v1/nothing/"), 404, "not_found")


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/chat/completions", "/v1/chat/completions"),
        ("/v1/v1/chat/completions", "/v1/chat/completions"),
        ("//v1//auto/suggest", "/v1/auto/suggest"),
        ("/v1/auto/sugest", "/v1/auto/suggest"),
        ("/V1/Models", "/v1/models"),
        ("/account", "/v1/account"),
    ],
)
def test_a_path_that_is_nearly_one_is_told_which(server: Running, path: str, meant: str) -> None:
    for method in ("GET", "POST"):
        error = check(server.client.request(method, server.url + path), 404, "not_found")
        assert error["message"] == f"there is no {method} {path}; did you mean {meant}?"
    assert "lists the endpoints" in check(server.client.get("/v1/" + "x" * 5_000), 404, "not_found")["message"]


@pytest.mark.parametrize("path", ["/healthz", "/llms.txt", "/v1/models/tags", "/v1/models/gpt-4o", "/v1/account"])
def test_head_is_what_get_would_be_without_its_body(server: Running, path: str) -> None:
    headers = {"Authorization": f"Bearer {server.test}"}
    whole, head = server.client.get(path, headers=headers), server.client.head(path, headers=headers)
    assert (head.status_code, head.content) == (200, b"")
    changing = {"date", "x-request-id"}
    assert {name: head.headers[name] for name in head.headers if name not in changing} == {
        name: whole.headers[name] for name in whole.headers if name not in changing
    }
    # The connection goes on with the next request, so nothing was written after the head.
    assert server.client.get("/healthz").json() == {"status": "ok"}
    assert server.client.head("/v1/nothing").status_code == 404
    assert server.client.head("/v1/auto/feedback").status_code == 405


def test_a_sane_request_id_is_kept_and_any_other_replaced(server: Running) -> None:
    assert server.post("/v1/auto/suggest", {"prompt": "hi"}, X_Request_Id="mine-1").headers["x-request-id"] == "mine-1"
    replaced = server.post("/v1/auto/suggest", {"prompt": "hi"}, X_Request_Id="a b" * 100).headers["x-request-id"]
    assert replaced.startswith("req_")
    assert server.client.get("/healthz", headers={"X-Request-Id": "mine-2"}).headers["x-request-id"] == "mine-2"


def test_keys_are_not_echoed(server: Running) -> None:
    secret = "pk_live_abcdefghi_0123456789abcdef0123456789abcdef"
    assert secret not in server.suggest("hello", secret).text
