"""`POST /v1/auto/suggest`: a preview of the decision, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.api.conftest import Running

CODE = "Write a Python function that reverses a linked list"


def test_a_preview_is_what_route_does(server: Running) -> None:
    for key in (server.live, server.test):
        preview = server.suggest(CODE, key).json()
        assert server.route(CODE, key).json()["model"]["model"] == preview["suggestions"][0]["model"]


def test_nothing_is_run_or_charged(server: Running) -> None:
    before = server.accounts.balance("acme")
    server.suggest(CODE, server.live)
    assert server.provider.requests == []
    assert server.accounts.balance("acme") == before


def test_each_suggestion_says_what_it_costs_and_why(server: Running) -> None:
    answer = server.suggest(CODE, limit=5).json()
    assert len(answer["suggestions"]) == 5
    for suggestion in answer["suggestions"]:
        assert suggestion["estimated_cost"] == suggestion["estimated_cost_dollars"] >= 0
        assert 0 <= suggestion["score"] <= 1
        assert suggestion["reason"].endswith(".")
        assert suggestion["available"] is True
    scores = [s["score"] for s in answer["suggestions"]]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("limit", [1, 20])
def test_the_limit_is_kept(server: Running, limit: int) -> None:
    assert len(server.suggest(CODE, limit=limit).json()["suggestions"]) == limit


def test_where_nothing_is_reachable_the_catalog_is_ranked_and_the_missing_key_named(server: Running) -> None:
    answer = server.suggest("Draw a watercolor fox", server.live).json()
    assert answer["suggestions"]
    assert not any(s["available"] for s in answer["suggestions"])
    assert f"[providers.{answer['suggestions'][0]['model']['provider']}]" in answer["note"]


def test_a_test_key_is_told_what_the_sandbox_plays(server: Running) -> None:
    bodies = {
        "/v1/auto/suggest": {"prompt": CODE},
        "/v1/models/price-comparison": {"task": "code"},
        "/v1/models/recommend": {"task": "code"},
    }
    for path, body in bodies.items():
        answer = server.post(path, body, server.test).json()
        assert all(row["available"] for row in answer.get("suggestions") or answer["data"])
        assert "the sandbox plays models of outside providers" in answer["note"]
        assert "with a live key, none of these could be run" in answer["note"]
    mixed = server.suggest(CODE, server.test, limit=20, catalog_family="llm/lab--small").json()
    assert "note" not in mixed  # a live key has the same
    assert "note" not in server.suggest(CODE, server.live).json()


def test_null_means_absent(server: Running) -> None:
    fields = dict.fromkeys(
        ("task", "content_mode", "optimization", "limit", "session_id", "budget_dollars", "input", "mode")
    )
    assert server.suggest(CODE, **fields).json()["optimization"] == "balanced"


def test_filters_hold_for_every_suggestion(server: Running) -> None:
    by_provider = server.suggest(CODE, provider="openai").json()["suggestions"]
    assert {s["model"]["provider"] for s in by_provider} == {"openai"}
    family = server.client.get("/v1/models/openai/gpt-4o").json()["catalog_family"]
    for suggestion in server.suggest(CODE, catalog_family=family).json()["suggestions"]:
        model = server.client.get(f"/v1/models/{suggestion['model']['id']}").json()
        assert model["catalog_family"] == family


def test_optimizing_for_price_never_costs_more_than_optimizing_for_output(server: Running) -> None:
    costs = {
        mode: server.suggest(CODE, optimization=mode, limit=1).json()["suggestions"][0]["estimated_cost"]
        for mode in ("price-optimized", "balanced", "output-optimized")
    }
    assert costs["price-optimized"] <= costs["balanced"] <= costs["output-optimized"]


@given(prompt=st.text(min_size=1, max_size=300))
def test_any_text_is_classified(shared: Running, prompt: str) -> None:
    answer = shared.suggest(prompt)
    assert answer.status_code == (200 if prompt.strip() else 400), answer.text


def test_within_a_branch_a_provider_is_also_a_maker(server: Running) -> None:
    found = server.suggest("Write a poem about the sea", taxonomy="llm", provider="meta", limit=20).json()
    assert found["suggestions"]
    assert all("llama" in s["model"]["id"].lower() or s["model"]["provider"] == "meta" for s in found["suggestions"])
    assert {s["model"]["provider"] for s in found["suggestions"]} - {"meta"}
