"""`GET /v1/org/logs`, by HTTP."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from greatrouter_accounts.clock import moment_text
from greatrouter_api.endpoints import log_query
from greatrouter_api.endpoints.log_rows import COLUMNS, FORMULA_STARTS, csv_text, exact_dollars
from greatrouter_api.errors import ApiError
from tests.api.account_app import ROW, Desk, desk

CONTRACT = (
    "timestamp,request_id,endpoint,task,decision,confidence,complexity_tier,model,provider,routing_reason,"
    "fallback_chain,status,prompt_tokens,completion_tokens,units,cost_dollars,latency_ms,cached"
)
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Ada made 60 requests in 20 milliseconds, three in each; Bob made one."""
    with desk(tmp_path_factory.mktemp("home")) as found:
        for number in range(60):
            moment = moment_text(START + timedelta(milliseconds=number // 3))
            found.record(found.ada, request_id=f"req_{number}", timestamp=moment)
        rates = '{"price_per_image":0.00006,"price_per_second":0.000002}'
        charged = {"units": "images=2 seconds=1.50", "rates": rates, "catalog_version": "v7"}
        found.record(found.bob, request_id="bobs", task=None, confidence=None, **charged)
        found.flush()
        yield found


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [row["request_id"] for row in answer.json()["data"]]


def paged(server: Desk, limit: int, **query: Any) -> list[str]:
    """All pages, as a caller follows `next_before`."""
    found: list[str] = []
    while True:
        answer = server.ask("GET", "/v1/org/logs", params={"limit": limit, **query})
        found += ids(answer)
        cursor = answer.json()["next_before"]
        assert answer.json()["has_more"] == (cursor is not None)
        assert answer.headers.get("x-next-before") == cursor
        if cursor is None:
            return found
        query["before"] = cursor


def test_a_row_has_the_columns_of_the_contract(server: Desk) -> None:
    answer = server.ask("GET", "/v1/org/logs", server.bob)
    assert answer.headers["content-type"] == "application/json"
    assert ",".join(COLUMNS) == CONTRACT
    page = answer.json()
    assert {name: page[name] for name in ("object", "has_more", "next_before")} == {
        "object": "list",
        "has_more": False,
        "next_before": None,
    }
    assert page["data"] == [
        {
            "timestamp": "2026-01-01T00:00:00.000+00:00",
            "request_id": "bobs",
            "endpoint": "/v1/auto/route",
            "task": None,
            "decision": "regex",
            "confidence": None,
            "complexity_tier": "SIMPLE",
            "model": "lab/small",
            "provider": "lab",
            "routing_reason": "the cheapest that fits",
            "fallback_chain": ["lab/small", "lab/large"],
            "status": 200,
            "prompt_tokens": 12,
            "completion_tokens": 34,
            "units": {"images": 2, "seconds": 1.5},
            "cost_dollars": 0.000123,
            "latency_ms": 12.3,
            "cached": False,
            "rates": {"price_per_image": 0.00006, "price_per_second": 0.000002},
            "catalog_version": "v7",
        }
    ]


def test_the_same_as_csv(server: Desk) -> None:
    answer = server.ask("GET", "/v1/org/logs?format=csv", server.bob)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="greatrouter-logs.csv"'
    head, row, end = answer.text.split("\r\n")
    assert head == CONTRACT
    assert row == (
        "2026-01-01T00:00:00.000+00:00,bobs,/v1/auto/route,,regex,,SIMPLE,lab/small,lab,the cheapest that fits,"
        "lab/small lab/large,200,12,34,images=2 seconds=1.50,0.000123,12.30,false"
    )
    assert end == ""


def test_an_empty_parameter_is_none(server: Desk) -> None:
    whole = server.ask("GET", "/v1/org/logs")
    assert server.ask("GET", "/v1/org/logs?format=&limit=&before=&after=").json() == whole.json()


def test_newest_first_and_a_thousand_unless_asked_otherwise(server: Desk) -> None:
    rows = server.ask("GET", "/v1/org/logs").json()["data"]
    assert len(rows) == 60
    moments = [row["timestamp"] for row in rows]
    assert moments == sorted(moments, reverse=True)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 59, 60, 61])
def test_pages_neither_lose_nor_repeat(server: Desk, limit: int) -> None:
    found = paged(server, limit)
    assert len(found) == 60
    assert found == ids(server.ask("GET", "/v1/org/logs"))


def test_pages_of_csv_say_what_comes_next(server: Desk) -> None:
    found: list[str] = []
    query: dict[str, Any] = {"format": "csv", "limit": 7}
    while True:
        answer = server.ask("GET", "/v1/org/logs", params=query)
        found += [row["request_id"] for row in csv.DictReader(io.StringIO(answer.text, newline=""))]
        if "x-next-before" not in answer.headers:
            break
        query["before"] = answer.headers["x-next-before"]
    assert found == ids(server.ask("GET", "/v1/org/logs"))


@pytest.mark.parametrize(
    "written",
    [
        lambda moment: moment.isoformat(timespec="milliseconds"),
        lambda moment: moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        lambda moment: moment.isoformat().replace("T", " ").replace("+00:00", "z"),
        lambda moment: moment.astimezone(timezone(timedelta(hours=9))).isoformat(),
        lambda moment: moment.astimezone(timezone(-timedelta(hours=9, minutes=30))).isoformat(),
        lambda moment: f"{(moment - log_query.EPOCH) / timedelta(seconds=1):.3f}",
    ],
)
def test_a_moment_may_be_written_in_many_ways(server: Desk, written: Any) -> None:
    tenth = written(START + timedelta(milliseconds=10))
    newer = server.ask("GET", "/v1/org/logs", params={"after": tenth})
    older = server.ask("GET", "/v1/org/logs", params={"before": tenth})
    assert len(ids(newer)) == len(ids(older)) == 30
    assert ids(newer) + ids(older) == ids(server.ask("GET", "/v1/org/logs"))
    assert paged(server, 4, after=tenth) == ids(newer)


def test_a_plus_that_was_not_escaped_in_the_url_is_meant_as_one(server: Desk) -> None:
    answer = server.ask("GET", "/v1/org/logs?after=2026-01-01T00:00:00.010+00:00")
    assert len(ids(answer)) == 30


@pytest.mark.parametrize(
    ("moment", "rows"),
    [
        ("0", 60),
        ("9999999999", 0),
        ("0001-01-01T00:00:00+14:00", 60),
        ("9999-12-31T23:59:59-14:00", 0),
        ("9999-12-31T23:59:60Z", 0),
        ("2025-12-31T23:59:60Z", 60),
    ],
)
def test_moments_at_the_edges(server: Desk, moment: str, rows: int) -> None:
    assert len(ids(server.ask("GET", "/v1/org/logs", params={"after": moment}))) == rows
    assert len(ids(server.ask("GET", "/v1/org/logs", params={"before": moment}))) == 60 - rows


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("limit", value) for value in ("abc", "-1", "0", "10001", "99999999999", "1.5", "+5", "١", "1e3")],
        *[("format", value) for value in ("xml", "CSV", "json,csv")],
        *[
            (name, value)
            for name in ("before", "after")
            for value in (
                "nonsense",
                "2026-01-01",
                "2026-01-01T00:00:00",
                "2026-13-01T00:00:00Z",
                "2026-02-30T00:00:00Z",
                "2026-01-01T25:00:00Z",
                "2026-01-01T00:00:00+25:00",
                "0000-01-01T00:00:00Z",
                "20260101T000000Z",
                "-5",
                "1e9",
                "1~",
                "1~0",
                "١",
            )
        ],
        ("after", "1767225600.010~2"),
    ],
)
def test_a_wrong_query_is_refused_with_what_is_allowed(server: Desk, name: str, value: str) -> None:
    answer = server.ask("GET", "/v1/org/logs", params={name: value})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "invalid_request", name)
    allowed = {"limit": "from 1 to 10000", "format": "json, csv"}.get(name, "an RFC 3339 timestamp")
    assert allowed in error["message"]


@pytest.mark.parametrize("name", ["limit", "format", "before", "after"])
def test_a_parameter_that_is_sent_twice_is_refused(server: Desk, name: str) -> None:
    answer = server.ask("GET", f"/v1/org/logs?{name}=1&{name}=2")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, name)


@given(st.text(max_size=40))
def test_any_query_is_read_or_refused_by_name(text: str) -> None:
    for name in ("limit", "format", "before", "after"):
        refused = None
        try:
            log_query.parse(QueryParams([(name, text)]))
        except ApiError as error:
            refused = error.status, error.param
        assert refused in {None, (400, name)}


offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.integers(-62_000_000_000_000_000, 250_000_000_000_000_000), offsets)
def test_any_moment_is_understood(micros: int, offset: timezone) -> None:
    moment = (log_query.EPOCH + timedelta(microseconds=micros)).astimezone(offset)
    assert log_query.parse(QueryParams([("before", moment.isoformat())])).stretch.before == moment


def test_nobody_sees_anothers_log(server: Desk) -> None:
    assert ids(server.ask("GET", "/v1/org/logs", server.bob)) == ["bobs"]
    assert "bobs" not in server.ask("GET", "/v1/org/logs?format=csv").text
    for query in ("", "?limit=abc", "?format=csv"):
        assert server.ask("GET", f"/v1/org/logs{query}", "pk_live_abcdefghi_" + "0" * 32).status_code == 401
        assert server.client.get(f"/v1/org/logs{query}").status_code == 401


# -- what stands in a row ------------------------------------------------------------------------------------------


def test_money_is_exact(tmp_path: Path) -> None:
    amounts = ["0.00000001", "12345678901.23456789", "0", "100", "33.33333333"]
    with desk(tmp_path) as server:
        for amount in amounts:
            server.record(server.ada, cost_cents=Decimal(amount))
        server.flush()
        text = server.ask("GET", "/v1/org/logs").text
        rows = csv.DictReader(io.StringIO(server.ask("GET", "/v1/org/logs?format=csv").text))
        expected = ["0.0000000001", "123456789.0123456789", "0", "1", "0.3333333333"]
        assert [row["cost_dollars"] for row in rows] == expected
        assert all(f'"cost_dollars":{amount},' in text for amount in expected)
        assert [row["cost_dollars"] for row in orjson.loads(text)["data"]] == [float(amount) for amount in expected]


@given(st.decimals(0, 10**8, places=8))
def test_dollars_are_the_cents_and_a_number_in_json(cents: Decimal) -> None:
    assert Decimal(exact_dollars(cents)) * 100 == cents
    assert orjson.loads(exact_dollars(cents)) == float(cents / 100)


def fields(**changes: Any) -> list[str]:
    """A row as a spreadsheet reads it."""
    head, row = csv.reader(io.StringIO(csv_text([{**ROW, **changes}]), newline=""))
    assert tuple(head) == COLUMNS
    return row


@given(st.text().filter(lambda text: "\0" not in text))
def test_any_text_comes_back_from_csv_and_is_no_formula(text: str) -> None:
    cell = fields(routing_reason=text)[COLUMNS.index("routing_reason")]
    assert not cell.startswith(FORMULA_STARTS)
    assert cell == (f"'{text}" if text.startswith(FORMULA_STARTS) else text)


@pytest.mark.parametrize("name", ["request_id", "model", "provider", "routing_reason", "fallback_chain", "task"])
@pytest.mark.parametrize("text", ['=HYPERLINK("http://x")', "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_text_that_a_spreadsheet_would_run_is_told_apart(name: str, text: str) -> None:
    assert fields(**{name: text})[COLUMNS.index(name)] == f"'{text}"
