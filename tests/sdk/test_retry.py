"""When a request is sent again, and after what wait, on both clients."""

import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from greatrouter import APIConnectionError, APITimeoutError, GreatRouterError, RateLimitError
from greatrouter._retry_after import MAX_RETRY_AFTER_S, retry_after_s

Start = Callable[..., Any]

OK: dict[str, Any] = {"json": {"fine": True}}


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_a_passing_failure_is_asked_again_with_the_same_request(start: Start, status: int) -> None:
    harness = start({"status": status}, {"status": status}, OK)
    assert harness.call("auto_route", prompt="hi") == {"fine": True}
    assert len(harness.requests) == 3
    assert len({request.headers["idempotency-key"] for request in harness.requests}) == 1
    assert {request.content for request in harness.requests} == {harness.request.content}


@pytest.mark.parametrize("status", [301, 400, 401, 402, 403, 404, 413, 422])
def test_any_other_status_is_final(start: Start, status: int) -> None:
    harness = start({"status": status}, OK)
    with pytest.raises(GreatRouterError) as caught:
        harness.call("account")
    assert caught.value.status == status
    assert len(harness.requests) == 1


@pytest.mark.parametrize(("max_retries", "sent"), [(0, 1), (1, 2), (5, 6)])
def test_the_last_failure_is_raised_when_the_retries_are_used_up(start: Start, max_retries: int, sent: int) -> None:
    harness = start({"status": 503}, max_retries=max_retries)
    with pytest.raises(GreatRouterError):
        harness.call("account")
    assert len(harness.requests) == sent
    assert len(harness.sleeps_s) == max_retries


def test_the_wait_doubles_to_a_cap_and_holds_chance(start: Start) -> None:
    harness = start({"status": 500}, max_retries=1100)  # 2.0 ** 1100 would overflow
    with pytest.raises(GreatRouterError):
        harness.call("account")
    for retry, slept_s in enumerate(harness.sleeps_s):
        longest_s = min(0.5 * 2 ** min(retry, 9), 8.0)
        assert 0.75 * longest_s <= slept_s <= longest_s
    assert len(set(harness.sleeps_s)) > 1000


@pytest.mark.parametrize(
    ("headers", "json", "slept_s"),
    [
        ({"Retry-After": "3"}, None, 3.0),
        ({"Retry-After": "1.5"}, None, 1.5),
        ({"retry-after-ms": "250", "Retry-After": "9"}, None, 0.25),
        ({"retry-after-ms": "soon", "Retry-After": "9"}, None, 9.0),
        ({}, {"error": {"retry_after_s": 7}}, 7.0),
        ({"Retry-After": "120"}, None, 120.0),
    ],
)
def test_the_wait_is_the_one_the_server_asks_for(
    start: Start, headers: dict[str, str], json: Any, slept_s: float
) -> None:
    harness = start({"status": 429, "headers": headers, "json": json}, OK)
    harness.call("account")
    assert harness.sleeps_s == [slept_s]


def test_the_wait_ends_at_the_date_the_server_names(start: Start) -> None:
    harness = start({"status": 503, "headers": {"Retry-After": formatdate(time.time() + 60, usegmt=True)}}, OK)
    harness.call("account")
    assert 50 < harness.sleeps_s[0] <= 60


@pytest.mark.parametrize("value", ["0", "-5", "nan", "inf", "soon", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_no_usable_wait_means_the_usual_one(start: Start, value: str) -> None:
    harness = start({"status": 503, "headers": {"Retry-After": value}}, OK)
    harness.call("account")
    assert 0.375 <= harness.sleeps_s[0] <= 0.5


@pytest.mark.parametrize("value", ["121", "9" * 400])
def test_a_server_that_asks_for_much_patience_is_not_asked_again(start: Start, value: str) -> None:
    harness = start({"status": 429, "headers": {"Retry-After": value}}, OK)
    with pytest.raises(RateLimitError) as caught:
        harness.call("account")
    assert caught.value.retry_after_s == min(float(value), MAX_RETRY_AFTER_S)
    assert harness.sleeps_s == []


def test_a_server_that_says_not_to_is_not_asked_again(start: Start) -> None:
    harness = start({"status": 429, "headers": {"x-should-retry": "false", "Retry-After": "1"}}, OK)
    with pytest.raises(RateLimitError):
        harness.call("account")
    assert len(harness.requests) == 1


def test_a_server_that_says_so_is_asked_again_whatever_the_status(start: Start) -> None:
    harness = start({"status": 400, "headers": {"x-should-retry": "TRUE"}}, OK)
    assert harness.call("auto_route", prompt="hi") == {"fine": True}
    assert len({request.headers["idempotency-key"] for request in harness.requests}) == 1


@pytest.mark.parametrize(
    "failure",
    [
        httpx2.ConnectError("refused"),
        httpx2.ConnectTimeout("slow"),
        httpx2.ReadTimeout("slow"),
        httpx2.WriteTimeout("slow"),
        httpx2.PoolTimeout("slow"),
        httpx2.ReadError("reset"),
        httpx2.RemoteProtocolError("closed"),
    ],
)
def test_a_broken_or_silent_connection_is_tried_again_with_the_same_request(start: Start, failure: Exception) -> None:
    harness = start(failure, {"status": 500}, OK)
    assert harness.call("auto_route", prompt="hi") == {"fine": True}
    assert len({request.headers["idempotency-key"] for request in harness.requests}) == 1


def test_a_connection_that_stays_broken_is_an_error(start: Start) -> None:
    harness = start(httpx2.ConnectError("refused"), base_url="http://router.test:8080/v1")
    with pytest.raises(APIConnectionError, match=r"http://router\.test:8080 could not be asked.*refused") as caught:
        harness.call("account")
    assert not isinstance(caught.value, APITimeoutError)
    assert isinstance(caught.value.__cause__, httpx2.ConnectError)
    assert len(harness.requests) == 3


def test_a_server_that_stays_silent_is_a_time_out(start: Start) -> None:
    harness = start(httpx2.ReadTimeout(""))
    with pytest.raises(APITimeoutError, match="timeout_s"):
        harness.call("auto_route", prompt="hi")
    assert len(harness.requests) == 3
    assert len({request.headers["idempotency-key"] for request in harness.requests}) == 1


@pytest.mark.parametrize("failure", [httpx2.DecodingError("bad gzip"), httpx2.UnsupportedProtocol("gopher")])
def test_a_failure_that_would_repeat_is_final(start: Start, failure: Exception) -> None:
    harness = start(failure, OK)
    with pytest.raises(APIConnectionError):
        harness.call("account")
    assert len(harness.requests) == 1


HEADER_VALUES = st.one_of(
    st.text(),
    st.from_regex(r"\A-?[0-9]{1,400}(\.[0-9]*)?\Z"),
    st.floats().map(str),
    st.datetimes().map(lambda when: when.strftime("%a, %d %b %Y %H:%M:%S GMT")),
    st.tuples(st.integers(0, 99), st.integers(0, 99999), st.integers(-9999, 9999)).map(
        lambda parts: f"Mon, {parts[0]} Nov {parts[1]} 08:49:37 {parts[2]:+05d}"
    ),
)


@given(HEADER_VALUES, HEADER_VALUES, st.floats(0, 1e11))
@example("", "Fri, 31 Dec 9999 23:59:59 -0001", 0.0)
@example("", "Mon, 01 Jan 0001 00:00:00 +0100", 0.0)
@example("", "Mon, 01 Jan 2024 00:00:00 -99999999999", 0.0)
@example("", "Mon, 01 Jan 2024 00:00:00 -9999999999999999999", 0.0)
def test_any_header_is_a_bounded_wait_or_none(milliseconds: str, seconds: str, now_s: float) -> None:
    wait_s = retry_after_s({"retry-after-ms": milliseconds, "retry-after": seconds}, now_s)
    assert wait_s is None or 0 <= wait_s <= MAX_RETRY_AFTER_S


@pytest.fixture
def _tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_tokyo")
@given(st.integers(0, int(MAX_RETRY_AFTER_S)), st.integers(0, 4_000_000_000))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_date_and_a_number_say_the_same_wherever_the_caller_is(wait_s: int, now_s: int) -> None:
    date = formatdate(now_s + wait_s, usegmt=True)
    assert retry_after_s({"retry-after": date}, now_s) == wait_s
    assert retry_after_s({"retry-after": date.replace("GMT", "-0000")}, now_s) == wait_s
    assert retry_after_s({"retry-after": str(wait_s)}, now_s) == wait_s
    assert retry_after_s({"retry-after-ms": str(wait_s * 1000)}, now_s) == wait_s
