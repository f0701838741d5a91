"""Bad input: each a clear error in the one shape, never a traceback."""

from typing import Any

import httpx2
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
    check(server.client.get("/v1/models/", headers={"Host": "evil.example"}), 404, "not_found")
    check(server.client.delete("/v1/models"), 405, "invalid_request")


def test_a_sane_request_id_is_kept_and_any_other_replaced(server: Running) -> None:
    assert server.post("/v1/auto/suggest", {"prompt": "hi"}, X_Request_Id="mine-1").headers["x-request-id"] == "mine-1"
    replaced = server.post("/v1/auto/suggest", {"prompt": "hi"}, X_Request_Id="a b" * 100).headers["x-request-id"]
    assert replaced.startswith("req_")
    assert server.client.get("/healthz", headers={"X-Request-Id": "mine-2"}).headers["x-request-id"] == "mine-2"


def test_keys_are_not_echoed(server: Running) -> None:
    secret = "pk_live_abcdefghi_0123456789abcdef0123456789abcdef"
    assert secret not in server.suggest("hello", secret).text
