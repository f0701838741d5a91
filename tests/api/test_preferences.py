"""`/v1/preferences`, by HTTP."""

import sqlite3
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_accounts.clock import moment_text
from greatrouter_accounts.preferences import DEFAULTS, KEYS, Preferences
from greatrouter_accounts.usage import Tally, Usage
from greatrouter_api.endpoints.preference_values import VALUES
from greatrouter_api.endpoints.suggestions import FEWEST_TRIES, at_least, suggest
from greatrouter_api.schemas import parse
from greatrouter_api.wire import dumps
from greatrouter_classifier.classification import ContentMode, Task
from greatrouter_ranking.ranker import Optimization
from tests.api.account_app import Desk, desk

GOOD: dict[str, Any] = {
    "default_optimization": "price-optimized",
    "default_task": "code",
    "excluded_providers": ["lab"],
    "excluded_models": ["lab/small", "lab/large"],
    "preferred_providers": ["other"],
    "content_mode_default": "edit",
}
NOTHING_SET: dict[str, Any] = {
    "default_optimization": "balanced",
    "default_task": None,
    "excluded_providers": [],
    "excluded_models": [],
    "preferred_providers": [],
    "content_mode_default": None,
}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture
def server(opened: Desk) -> Desk:
    for key in KEYS:
        for holder in (opened.ada, opened.bob):
            opened.ask("DELETE", f"/v1/preferences/{key}", holder)
    return opened


def test_the_six_keys_and_whose_they_are(server: Desk) -> None:
    answer = server.ask("GET", "/v1/preferences")
    assert answer.status_code == 200
    assert answer.json() == {**NOTHING_SET, "tenant_id": server.organization_id(server.ada)}


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_set_read_and_deleted(server: Desk, key: str) -> None:
    expected = {**NOTHING_SET, key: GOOD[key], "tenant_id": server.organization_id(server.ada)}
    assert server.ask("PUT", f"/v1/preferences/{key}", json={"value": GOOD[key], "more": 1}).json() == expected
    assert server.ask("GET", "/v1/preferences").json() == expected
    assert server.ask("GET", "/v1/preferences", server.bob).json() == {
        **NOTHING_SET,
        "tenant_id": server.organization_id(server.bob),
    }
    deleted = server.ask("DELETE", f"/v1/preferences/{key}")
    assert (deleted.status_code, deleted.json()[key]) == (200, NOTHING_SET[key])
    assert server.ask("DELETE", f"/v1/preferences/{key}").status_code == 200


@pytest.mark.parametrize("key", ["default_task", "content_mode_default"])
def test_null_is_a_value_of_what_may_be_none(server: Desk, key: str) -> None:
    server.ask("PUT", f"/v1/preferences/{key}", json={"value": GOOD[key]})
    assert server.ask("PUT", f"/v1/preferences/{key}", json={"value": None}).json()[key] is None


def test_names_are_trimmed_and_each_is_kept_once(server: Desk) -> None:
    given = [" lab ", "other", "lab", "lab\n"]
    answer = server.ask("PUT", "/v1/preferences/preferred_providers", json={"value": given})
    assert answer.json()["preferred_providers"] == ["lab", "other"]
    many = [f"m{number}" for number in range(1000)]
    assert server.ask("PUT", "/v1/preferences/excluded_models", json={"value": many}).json()["excluded_models"] == many


NAMES = ("excluded_providers", "excluded_models", "preferred_providers")
BAD = [
    *[
        (key, value)
        for key in NAMES
        for value in ("lab", None, 1, {"a": 1}, [1], ["ok", None], [""], [" "], ["x" * 201])
    ],
    *[(key, [f"m{number}" for number in range(1001)]) for key in NAMES],
    *[("default_optimization", value) for value in ("cheap", "", None, 1, ["balanced"], "BALANCED")],
    *[("default_task", value) for value in ("poetry", "", 1, ["text"], "Text")],
    *[("content_mode_default", value) for value in ("delete", 0, True)],
]


@pytest.mark.parametrize(("key", "value"), BAD)
def test_a_wrong_value_is_refused_with_what_is_allowed(server: Desk, key: str, value: Any) -> None:
    answer = server.ask("PUT", f"/v1/preferences/{key}", json={"value": value})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "invalid_request", "value")
    assert VALUES[key].words in error["message"]
    assert server.ask("GET", "/v1/preferences").json()[key] == NOTHING_SET[key]


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("excluded_providers", ["lab", "labb"], "no provider is called 'labb'; did you mean lab?"),
        ("preferred_providers", ["größer", "?"], "no provider is called 'größer' (and 1 more); GET /v1/models lists"),
        ("excluded_models", ["lab/smal"], "no model is called 'lab/smal'; did you mean lab/small?"),
        ("excluded_models", ["lab/*"], "no model is called 'lab/*'"),
        ("excluded_models", ["lab"], "no model is called 'lab'"),
    ],
)
def test_a_name_that_the_catalog_has_not_is_a_typo(server: Desk, key: str, value: list[str], told: str) -> None:
    answer = server.ask("PUT", f"/v1/preferences/{key}", json={"value": value})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "invalid_request", "value")
    assert told in error["message"]
    assert error["metadata"]["unknown"][0] in told
    assert server.ask("GET", "/v1/preferences").json()[key] == []


def test_any_spelling_of_a_name_will_do(server: Desk) -> None:
    for key, names in (("excluded_providers", ["Lab", "LAB"]), ("excluded_models", ["m7", "route/lab/large"])):
        assert server.ask("PUT", f"/v1/preferences/{key}", json={"value": names}).json()[key] == names


def test_a_name_that_the_catalog_has_lost_since_may_stay(server: Desk) -> None:
    server.accounts.set_preference(server.organization_id(server.ada), "excluded_models", ["lab/lost"])
    put = server.ask("PUT", "/v1/preferences/excluded_models", json={"value": ["lab/lost", "lab/small"]})
    assert put.json()["excluded_models"] == ["lab/lost", "lab/small"]
    assert server.ask("PUT", "/v1/preferences/excluded_models", json={"value": ["lab/gone"]}).status_code == 400


def test_what_is_allowed_is_named_one_by_one(server: Desk) -> None:
    message = server.ask("PUT", "/v1/preferences/default_task", json={"value": "x"}).json()["error"]["message"]
    assert all(task in message for task in Task)
    message = server.ask("PUT", "/v1/preferences/default_optimization", json={"value": 1}).json()["error"]["message"]
    assert all(mode in message for mode in Optimization)
    message = server.ask("PUT", "/v1/preferences/content_mode_default", json={"value": 1}).json()["error"]["message"]
    assert all(mode in message for mode in ContentMode)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"7", b"null", b"{}", b'{"valu": "code"}', b'{"value": NaN}', b"\xff"]
)
def test_a_body_that_is_none_is_refused(server: Desk, body: bytes) -> None:
    answer = server.ask("PUT", "/v1/preferences/default_task", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("key", ["optimization", "tenant_id", "Default_Task", "%00", "ü"])
def test_an_unknown_key_is_refused_with_those_that_exist(server: Desk, method: str, key: str) -> None:
    answer = server.ask(method, f"/v1/preferences/{key}")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "invalid_request", "key")
    assert all(name in error["message"] for name in KEYS)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_suggestions_are_only_read(server: Desk, method: str) -> None:
    answer = server.ask(method, "/v1/preferences/suggestions")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_a_body_that_is_too_large_is_not_read(server: Desk) -> None:
    answer = server.ask("PUT", "/v1/preferences/excluded_models", json={"value": ["x" * 200_000]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/preferences"),
        ("GET", "/v1/preferences/suggestions"),
        ("PUT", "/v1/preferences/default_task"),
        ("DELETE", "/v1/preferences/default_task"),
        ("PUT", "/v1/preferences/nonsense"),
    ],
)
def test_a_key_is_needed(server: Desk, method: str, path: str) -> None:
    for key in ("nobody", "pk_live_abcdefghi_" + "0" * 32):
        answer = server.ask(method, path, key)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "authentication_failed")
    assert server.client.request(method, path).status_code == 401


def test_reading_survives_a_broken_database_and_writing_says_so(tmp_path: Path) -> None:
    with desk(tmp_path) as server:
        server.ask("PUT", "/v1/preferences/default_task", json={"value": "code"})
        connection = sqlite3.connect(tmp_path / "accounts.sqlite3")
        connection.execute("ALTER TABLE preferences RENAME TO elsewhere")
        connection.commit()
        known, unknown = server.ask("GET", "/v1/preferences"), server.ask("GET", "/v1/preferences", server.bob)
        assert (known.status_code, known.json()["default_task"]) == (200, "code")
        assert unknown.status_code == 200
        assert {key: unknown.json()[key] for key in KEYS} == NOTHING_SET
        failed = server.ask("PUT", "/v1/preferences/default_task", json={"value": "text"})
        assert (failed.status_code, failed.headers["retry-after"]) == (503, "5")
        connection.close()


# -- suggestions ---------------------------------------------------------------------------------------------------


def test_nothing_stands_out_of_nothing(server: Desk) -> None:
    answer = server.ask("GET", "/v1/preferences/suggestions", server.bob)
    assert answer.json() == {"suggestions": [], "tenant_id": server.organization_id(server.bob)}


def test_habits_and_failures_become_suggestions_until_they_are_set(tmp_path: Path) -> None:
    now = moment_text(datetime.now(UTC))
    with desk(tmp_path) as server:
        for _ in range(25):
            server.record(server.ada, timestamp=now, task="code", optimization="price-optimized", content_mode="edit")
        for number in range(30):
            organization_id = server.organization_id(server.ada)
            server.accounts.record_failed_attempt(organization_id, f"req_{number}", "other/one", "other", 503)
            server.accounts.record_failed_attempt(organization_id, f"req_gone_{number}", "gone/one", "gone", 503)
        server.flush()

        def suggested(key: str = server.ada) -> dict[str, Any]:
            answer = server.ask("GET", "/v1/preferences/suggestions", key).json()
            return {suggestion["key"]: suggestion for suggestion in answer["suggestions"]}

        found = suggested()
        assert {key: suggestion["value"] for key, suggestion in found.items()} == {
            "default_task": "code",
            "default_optimization": "price-optimized",
            "content_mode_default": "edit",
            "excluded_providers": ["other"],
        }
        assert found["excluded_providers"]["evidence"] == {"providers": {"other": {"attempts": 30, "failures": 30}}}
        assert found["default_task"]["evidence"] == {"requests": 25, "with_this_task": 25}
        assert suggested(server.bob) == {}
        for key, suggestion in found.items():
            assert server.ask("PUT", f"/v1/preferences/{key}", json={"value": suggestion["value"]}).status_code == 200
        assert suggested() == {}


names = st.text(min_size=1, max_size=5) | st.sampled_from(["lab", "other", " ", "x" * 201])
counts = st.integers(0, 100)
tallies = st.tuples(counts, counts).map(lambda pair: Tally(sum(pair), pair[0]))
usages = st.builds(
    Usage,
    tasks=st.dictionaries(st.sampled_from([*Task, "poetry"]), counts),
    optimizations=st.dictionaries(st.sampled_from([*Optimization, "cheap"]), counts),
    content_modes=st.dictionaries(st.sampled_from([*ContentMode, "x"]), counts),
    endpoints=st.dictionaries(st.tuples(names, names), tallies, max_size=6),
    corrections=st.dictionaries(st.sampled_from([*Task, "poetry"]), counts),
)
currents = st.builds(
    Preferences,
    default_optimization=st.sampled_from([mode.value for mode in Optimization]),
    excluded_providers=st.lists(names, max_size=3).map(tuple),
    excluded_models=st.lists(names, max_size=3).map(tuple),
    preferred_providers=st.lists(names, max_size=3).map(tuple),
)


@given(usages, currents, st.sets(st.sampled_from(KEYS)))
def test_whatever_happened_each_suggestion_can_be_set_and_says_something_new(
    usage: Usage, current: Preferences, keys_set: set[str]
) -> None:
    found = suggest(usage, current, keys_set)
    assert found == suggest(usage, current, keys_set)
    assert len({s.key for s in found}) == len(found)
    assert [s.confidence for s in found] == sorted((s.confidence for s in found), reverse=True)
    for suggestion in found:
        assert 0 <= suggestion.confidence <= 1
        assert suggestion.evidence
        assert suggestion.reason
        before = getattr(current, suggestion.key)
        if isinstance(before, tuple):
            added = suggestion.value[len(before) :]
            assert suggestion.value == [*before, *added]
            assert added
            assert not {*added} & {*before}
            parse(VALUES[suggestion.key].model, dumps({"value": added}))
        else:
            assert suggestion.key not in keys_set
            assert suggestion.value != before
            parse(VALUES[suggestion.key].model, dumps({"value": suggestion.value}))


@given(usages, currents)
def test_somebody_who_answers_is_left(usage: Usage, current: Preferences) -> None:
    """Taking every suggestion never excludes all that ever answered."""
    chosen = {s.key: s.value for s in suggest(usage, current, set())}
    if not {"excluded_providers", "excluded_models"} & chosen.keys():
        return
    after = {**asdict(current), **chosen}
    answered = {endpoint for endpoint, tally in usage.endpoints.items() if tally.attempts > tally.failures}
    if "excluded_providers" in chosen:
        assert any(provider not in after["excluded_providers"] for _, provider in answered)
    if "excluded_models" in chosen:
        assert any(
            model not in after["excluded_models"] and provider not in after["excluded_providers"]
            for model, provider in answered
        )


def test_a_model_that_fails_where_its_provider_does_not_is_suggested_by_itself() -> None:
    endpoints = {("a", "lab"): Tally(100, 0), ("b", "lab"): Tally(20, 10), ("c", "lab"): Tally(FEWEST_TRIES - 1, 9)}
    [suggestion] = suggest(Usage(endpoints=endpoints), DEFAULTS, set())
    assert (suggestion.key, suggestion.value) == ("excluded_models", ["b"])
    assert suggest(Usage(endpoints={("b", "lab"): Tally(20, 10)}), DEFAULTS, set()) == []  # nobody else answered


def test_feedback_says_more_than_habit() -> None:
    usage = Usage(tasks={"text": 100}, corrections={"image": 5})
    [suggestion] = suggest(usage, DEFAULTS, set())
    assert (suggestion.key, suggestion.value) == ("default_task", "image")
    assert "feedback" in suggestion.reason


def test_more_evidence_is_surer() -> None:
    sure = [at_least(8 * n, 10 * n) for n in (1, 2, 5, 20, 1000)]
    assert sure == sorted(sure)
    assert sure[-1] < 0.8
