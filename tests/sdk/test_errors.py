"""What an error says, whatever the server sent."""

import json
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from greatrouter import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    GreatRouterError,
    RateLimitError,
    ValidationError,
)
from greatrouter._errors import error_from_event, error_from_response
from greatrouter._retry_after import MAX_RETRY_AFTER_S

Start = Callable[..., Any]


def error_body(**fields: Any) -> dict[str, Any]:
    return {"error": {"code": "a_code", "message": "Say more.", "type": "t", "param": None, "status": 0, **fields}}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ValidationError),
        (401, AuthenticationError),
        (402, GreatRouterError),
        (404, GreatRouterError),
        (422, GreatRouterError),
        (429, RateLimitError),
        (500, GreatRouterError),
        (502, GreatRouterError),
    ],
)
def test_status_decides_the_class(start: Start, status: int, kind: type[GreatRouterError]) -> None:
    body = error_body(metadata={"attempts": []}, retry_after_s=4)
    harness = start({"status": status, "json": body, "headers": {"X-Request-Id": "r7"}}, max_retries=0)
    with pytest.raises(GreatRouterError) as caught:
        harness.call("account")
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.code, error.message) == (status, "a_code", "Say more.")
    assert (error.request_id, error.retry_after_s, error.metadata) == ("r7", 4.0, {"attempts": []})
    assert str(error) == f"Say more. (status {status}, a_code, request r7)"


def test_header_goes_before_the_body(start: Start) -> None:
    outcome = {"status": 429, "json": error_body(retry_after_s=4), "headers": {"Retry-After": "6"}}
    with pytest.raises(RateLimitError) as caught:
        start(outcome, max_retries=0).call("account")
    assert caught.value.retry_after_s == 6


@pytest.mark.parametrize("value", [True, -1, float("nan"), "soon", None, [4]])
def test_a_wait_that_is_no_number_of_seconds_is_ignored(value: object) -> None:
    body = json.dumps(error_body(retry_after_s=value)).encode()
    error = error_from_response(httpx2.Response(429, content=body), secret="k", now_s=0.0)
    assert (error.retry_after_s, error.message) == (None, "Say more.")


@pytest.mark.parametrize(
    "content", [b"", b"Bad gateway", b"null", b'{"error": "no"}', b'{"detail": "Not Found"}', b"\xff", b"[" * 100_000]
)
def test_a_body_of_another_shape_is_quoted_in_brief(start: Start, content: bytes) -> None:
    harness = start({"status": 502, "content": content}, max_retries=0)
    with pytest.raises(GreatRouterError, match="502 Bad Gateway; check that base_url") as caught:
        harness.call("account")
    assert (caught.value.code, caught.value.metadata) == (None, None)
    assert content[:100].decode("utf-8", "replace") in str(caught.value)
    assert len(str(caught.value)) < 500


def test_no_error_repeats_the_key(start: Start) -> None:
    key = start().key
    echoes: list[Any] = [
        {"status": 401, "json": error_body(message=f"unknown key {key}", metadata={"sent": key})},
        {"status": 502, "content": f"Authorization: Bearer {key}".encode()},
        {"status": 200, "content": f"Authorization: Bearer {key}".encode()},
        httpx2.LocalProtocolError(f"Illegal header value Bearer {key}"),
    ]
    for echo in echoes:
        with pytest.raises(GreatRouterError) as caught:
            start(echo, max_retries=0).call("account")
        error = caught.value
        assert "[api key]" in str(error)
        assert key not in f"{error} {error!r} {vars(error)}"
        if not isinstance(echo, Exception):
            assert key not in "".join(traceback.format_exception(error))


def test_tree() -> None:
    assert issubclass(APITimeoutError, APIConnectionError)
    for kind in (APIConnectionError, AuthenticationError, RateLimitError, ValidationError):
        assert issubclass(kind, GreatRouterError)


def test_an_error_survives_the_way_to_another_process() -> None:
    error = RateLimitError("Slow down.", status=429, code="rate_limited", request_id="r", retry_after_s=2, metadata={})
    other = pickle.loads(pickle.dumps(error))
    assert (type(other), vars(other), str(other)) == (RateLimitError, vars(error), str(error))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
FIELDS = ("code", "message", "status", "retry_after_s", "metadata")
DOCUMENTS = st.one_of(
    JSON,
    JSON.map(lambda error: {"error": error}),
    st.dictionaries(st.sampled_from(FIELDS), JSON).map(lambda error: {"error": error}),
)
BODIES = st.one_of(st.binary(), DOCUMENTS.map(lambda document: json.dumps(document).encode()))


def assert_sound(error: GreatRouterError) -> None:
    assert error.message
    assert error.message in str(error)
    assert error.code is None or isinstance(error.code, str)
    assert error.metadata is None or isinstance(error.metadata, dict)
    assert error.retry_after_s is None or 0 <= error.retry_after_s <= MAX_RETRY_AFTER_S


@given(BODIES, st.sampled_from([302, 400, 401, 404, 429, 500, 599]))
@example(b'{"error": {"retry_after_s": 1' + b"0" * 400 + b"}}", 429)
@example(b'{"error": {"retry_after_s": NaN, "message": ""}}', 429)
@example(b'{"error": {"message": "\\ud800"}}', 400)
def test_any_body_makes_a_sound_error(body: bytes, status: int) -> None:
    error = error_from_response(httpx2.Response(status, content=body), secret="pk_live_x", now_s=0.0)
    assert_sound(error)
    assert error.status == status


@given(BODIES)
def test_any_event_makes_a_sound_error(body: bytes) -> None:
    assert_sound(error_from_event(body.decode("utf-8", "replace"), request_id=None, secret="pk_live_x"))
