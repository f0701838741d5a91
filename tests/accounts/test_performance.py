"""How a model did, told from what happened, and no more than that."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.clock import moment_text
from greatrouter_accounts.performance import CACHE_S, FEWEST, SAMPLE, WINDOWS, windows
from greatrouter_accounts.sqlite import SqliteStore
from tests.accounts.conftest import SECRET
from tests.accounts.test_accounts import flush, row

NOW = datetime(2026, 3, 10, 15, 30, tzinfo=UTC)
MODEL = "lab/small"


def ago(**time: float) -> str:
    return moment_text(NOW - timedelta(**time))


def answers(accounts: Accounts, latencies_ms: Sequence[float], timestamp: str, **fields: Any) -> None:
    for latency_ms in latencies_ms:
        accounts.record(row(timestamp=timestamp, latency_ms=f"{latency_ms:.2f}", **fields))


def seen(accounts: Accounts, path: Path, model: str = MODEL) -> list[dict[str, Any]]:
    flush(accounts)
    store = SqliteStore(path)
    with store.read() as connection:
        found = windows(connection, model, NOW)
    store.close()
    return found


def test_nothing_is_known_of_a_model_that_nobody_used(accounts: Accounts, path: Path) -> None:
    answers(accounts, [1.0] * 9, ago(minutes=1), model="lab/other")
    assert seen(accounts, path) == []


def test_an_hour_is_told_by_itself_and_in_its_day(accounts: Accounts, path: Path) -> None:
    answers(accounts, [float(n) for n in range(1, 101)], ago(minutes=10))
    summary = {"success_rate": 1.0, "p50_latency_ms": 50.0, "p95_latency_ms": 95.0}
    hour = {"window": "hour", "start": "2026-03-10T15:00:00.000+00:00", "end": "2026-03-10T16:00:00.000+00:00"}
    day = {"window": "day", "start": "2026-03-10T00:00:00.000+00:00", "end": "2026-03-11T00:00:00.000+00:00"}
    assert seen(accounts, path) == [hour | summary, day | summary]


def test_windows_are_in_order_and_reach_back_a_day_and_a_week(accounts: Accounts, path: Path) -> None:
    for hours in range(24 * 9):
        answers(accounts, [7.0] * FEWEST, ago(hours=hours))
    found = seen(accounts, path)
    assert [w["window"] for w in found] == ["hour"] * 24 + ["day"] * 7
    for name, length, count in WINDOWS:
        starts = [datetime.fromisoformat(w["start"]) for w in found if w["window"] == name]
        assert len(starts) == count
        assert {b - a for a, b in pairwise(starts)} == {length}
        assert starts[-1] <= NOW < starts[-1] + length


@pytest.mark.parametrize("requests", [FEWEST - 1, FEWEST])
def test_a_window_of_few_requests_is_left_out(accounts: Accounts, path: Path, requests: int) -> None:
    answers(accounts, [3.0] * requests, ago(minutes=1))
    assert bool(seen(accounts, path)) == (requests == FEWEST)


def test_failures_count_wherever_they_are_written_down(accounts: Accounts, path: Path) -> None:
    answers(accounts, [10.0] * 6, ago(minutes=1))
    answers(accounts, [9000.0], ago(minutes=1), status=502, request_id="direct")
    failing = [("org_1", "first", None), ("org_2", "second", 500), ("org_1", "direct", 500), ("org_1", "busy", 429)]
    for organization_id, request_id, status in failing:
        accounts.record_failed_attempt(organization_id, request_id, MODEL, "lab", status)
    flush(accounts)
    store = SqliteStore(path)
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE failed_attempts SET timestamp = ?", (ago(minutes=1),))
    store.close()
    [hour, _] = seen(accounts, path)
    assert hour["success_rate"] == 0.6  # the one named "direct" is the same failure twice
    assert hour["p95_latency_ms"] == 10.0  # of answers only


@pytest.mark.parametrize(
    "fields",
    [
        {"status": 400},
        {"status": 402},
        {"status": 404},
        {"status": 499},
        {"cached": True},
        {"provider": "sandbox"},
        {"timestamp": ago(days=8)},
        {"timestamp": ago(days=-2)},
    ],
)
def test_what_says_nothing_about_the_model_does_not_count(
    accounts: Accounts, path: Path, fields: dict[str, Any]
) -> None:
    answers(accounts, [10.0] * FEWEST, ago(minutes=1))
    before = seen(accounts, path)
    for _ in range(20):
        accounts.record(row(**{"timestamp": ago(minutes=1), "latency_ms": "9999.00", **fields}))
    assert seen(accounts, path) == before


def test_a_try_that_was_refused_for_what_was_asked_is_not_the_models_failure(accounts: Accounts, path: Path) -> None:
    answers(accounts, [10.0] * FEWEST, moment_text(datetime.now(UTC)))
    for status in (400, 413, 422):
        accounts.record_failed_attempt("org_1", "req", MODEL, "lab", status)
    flush(accounts)
    assert {w["success_rate"] for w in accounts.performance(MODEL)} == {1.0}


def test_a_busy_model_is_told_by_its_latest_requests(accounts: Accounts, path: Path) -> None:
    answers(accounts, [5000.0] * SAMPLE, ago(minutes=20))
    answers(accounts, [20.0] * SAMPLE, ago(minutes=10))
    [hour, day] = seen(accounts, path)
    assert hour["p95_latency_ms"] == day["p95_latency_ms"] == 20.0


def test_where_the_sample_is_cut_the_failures_are_cut_with_it(accounts: Accounts, path: Path) -> None:
    """Old failures against new answers alone would look worse than it was."""
    answers(accounts, [20.0] * SAMPLE, ago(minutes=10))
    for number in range(50):
        accounts.record_failed_attempt("org_1", f"req_{number}", MODEL, "lab", 500)
    flush(accounts)
    store = SqliteStore(path)
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE failed_attempts SET timestamp = ?", (ago(minutes=20),))
    store.close()
    assert [w["success_rate"] for w in seen(accounts, path)] == [1.0, 1.0]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([200, 429, 500, 502]), st.floats(0.01, 1e5)), min_size=FEWEST, max_size=20))
def test_any_traffic_is_told_within_its_bounds(
    tmp_path_factory: pytest.TempPathFactory, traffic: list[tuple[int, float]]
) -> None:
    path = tmp_path_factory.mktemp("store") / "accounts.sqlite3"
    accounts = Accounts(path, SECRET)
    for number, (status, latency_ms) in enumerate(traffic):
        answers(accounts, [latency_ms], ago(minutes=1), status=status, request_id=str(number))
    [hour, day] = seen(accounts, path)
    accounts.close()
    latencies = [float(f"{latency_ms:.2f}") for status, latency_ms in traffic if status == 200]
    assert hour["success_rate"] == round(len(latencies) / len(traffic), 2) == day["success_rate"]
    if latencies:
        assert min(latencies) <= hour["p50_latency_ms"] <= hour["p95_latency_ms"] <= max(latencies)
    else:
        assert hour["p50_latency_ms"] is hour["p95_latency_ms"] is None


def test_only_shares_and_times_are_told(accounts: Accounts, path: Path) -> None:
    answers(accounts, [10.0] * 7, ago(minutes=1))
    answers(accounts, [10.0] * 3, ago(minutes=1), status=500)
    for window in seen(accounts, path):
        assert set(window) == {"window", "start", "end", "success_rate", "p50_latency_ms", "p95_latency_ms"}


def test_an_answer_is_kept_for_a_minute(path: Path) -> None:
    now_s = 0.0
    accounts = Accounts(path, SECRET, clock=lambda: now_s)
    assert accounts.performance(MODEL) == []
    answers(accounts, [10.0] * FEWEST, moment_text(datetime.now(UTC)))
    flush(accounts)
    assert accounts.performance(MODEL) == []
    now_s += CACHE_S
    assert accounts.performance(MODEL) != []
    accounts.close()


@pytest.mark.parametrize("organizations", [1, 2, 3])
def test_where_there_are_others_no_window_is_of_fewer_than_three(
    accounts: Accounts, path: Path, organizations: int
) -> None:
    accounts.create_key("ada")
    accounts.create_key("bob")
    for number in range(organizations):
        answers(accounts, [7.0] * FEWEST, ago(minutes=1), organization_id=f"org_{number}")
    assert bool(seen(accounts, path)) == (organizations == 3)
