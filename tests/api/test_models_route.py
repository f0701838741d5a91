"""Routing by explicit filters, and what models would cost."""

from typing import Any

import httpx2
import pytest

from tests.api.conftest import Running


def explicit(server: Running, key: str | None = None, **fields: Any) -> httpx2.Response:
    body = {"query": "text_generation", "input": {"messages": [{"role": "user", "content": "Say hello"}]}, **fields}
    return server.post("/v1/models/route", body, key)


def test_the_answer_is_as_the_page_shows_it(server: Running) -> None:
    answer = explicit(server, server.live).json()
    assert answer["model"]["id"] in {"lab/small", "lab/large"}
    assert answer["model"]["task_type"] == "text_generation"
    assert answer["estimated_cost"] > 0
    assert answer["result"]["choices"][0]["message"]["content"].endswith("says hello")
    assert set(answer["timing"]) == {"routing_ms", "inference_ms", "total_ms"}
    assert answer["charge_dollars"] > 0
    assert answer["routing"]["fallback_chain"]


@pytest.mark.parametrize(
    ("query", "input_", "task_type"),
    [
        ("image", {"prompt": "a red boat"}, "image_generation"),
        ("image_generation", {"prompt": "a red boat"}, "image_generation"),
        ("text_to_speech", {"input": "Good morning"}, "text_to_speech"),
        ("speech_to_text", {"file": "UklGRg=="}, "speech_to_text"),
        ("Draw a picture of a red boat", {}, "image_generation"),
        ("video", {"prompt": "waves"}, "video_generation"),
    ],
)
def test_the_query_is_a_task_a_task_type_or_a_description(
    server: Running, query: str, input_: dict[str, Any], task_type: str
) -> None:
    answer = explicit(server, query=query, input=input_)
    assert answer.status_code == 200, answer.text
    assert answer.json()["model"]["task_type"] == task_type


@pytest.mark.parametrize("tier", ["economy", "standard", "balanced", "premium", "flagship"])
def test_max_cost_is_a_ceiling_on_the_price_tier(server: Running, tier: str) -> None:
    tiers = ["economy", "standard", "balanced", "premium", "flagship"]
    answer = explicit(server, maxCost=tier, optimization="output-optimized").json()
    assert tiers.index(answer["cost_tier"]) <= tiers.index(tier)


def test_a_configured_model_has_the_tier_of_its_price(server: Running) -> None:
    answer = explicit(server, server.live, maxCost="economy", optimization="output-optimized").json()
    assert (answer["model"]["id"], answer["cost_tier"]) == ("lab/small", "economy")
    assert server.client.get("/v1/models/lab/large").json()["price_tier"] in {"standard", "balanced"}


def test_every_capability_of_the_filter_is_there(server: Running) -> None:
    wanted = ["vision", "reasoning"]
    answer = explicit(server, filter={"task_type": "text_generation", "capabilities": wanted}).json()
    assert set(wanted) <= set(answer["model"]["capabilities"])


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"query": ""}, "query"),
        ({"query": None}, "query"),
        ({"input": None}, "input"),
        ({"query": "text", "input": {}}, "input"),
        ({"maxCost": "cheap"}, "maxCost"),
        ({"filter": {"task_type": "poetry"}}, "filter"),
        ({"filter": {"capabilities": ["telepathy"]}}, "filter"),
        ({"filter": {"capabilities": "vision"}}, "filter"),
        ({"query": "image", "filter": {"task_type": "rerank"}}, "filter"),
    ],
)
def test_bad_input_is_a_400_that_names_the_field(server: Running, fields: dict[str, Any], param: str) -> None:
    answer = explicit(server, **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text


def compare(server: Running, key: str | None = None, **fields: Any) -> httpx2.Response:
    return server.post("/v1/models/price-comparison", fields, key)


def test_a_comparison_without_anything_is_about_text(server: Running) -> None:
    answer = compare(server).json()
    assert answer["classification"]["task"] == "text"
    assert answer["optimization"] == "balanced"
    assert len(answer["suggestions"]) == 10
    first = answer["suggestions"][0]
    assert {"model_id", "name", "provider", "task_type", "cost_tier", "score", "estimated_cost_dollars"} <= first.keys()
    assert answer["price_comparison"]["savings_vs_highest_pct"] > 0


def test_a_comparison_classifies_its_prompt_and_keeps_to_the_budget(server: Running) -> None:
    answer = compare(server, prompt="Draw a picture of a cat", optimization="price-optimized").json()
    assert answer["classification"]["task"] == "image"
    budget = answer["suggestions"][0]["estimated_cost_dollars"] * 2
    within = compare(server, prompt="Draw a picture of a cat", budget_dollars=budget).json()["suggestions"]
    assert within
    assert all(suggestion["estimated_cost_dollars"] <= budget for suggestion in within)


@pytest.mark.parametrize(
    ("fields", "task", "units"),
    [
        ({}, "text", {"prompt_tokens": 75, "completion_tokens": 756}),
        ({"task": "image"}, "image", {"prompt_tokens": 75, "images": 1}),
        ({"task": "video"}, "video", {"prompt_tokens": 75, "seconds": 5.0}),
        ({"task": "rerank"}, "rerank", {"prompt_tokens": 5000, "documents": 50, "searches": 1}),
        ({"task": "embeddings"}, "embeddings", {"prompt_tokens": 1000}),
        ({"taxonomy": "speech-to-text"}, "speech", {"prompt_tokens": 600, "completion_tokens": 150, "seconds": 60.0}),
        ({"model": "openai/sora-2"}, "video", {"prompt_tokens": 75, "seconds": 5.0}),
        ({"catalog_family": "music-generation/google--lyria-3"}, "music", {"prompt_tokens": 75, "seconds": 60.0}),
    ],
)
def test_a_comparison_without_a_prompt_prices_a_typical_request_and_says_so(
    server: Running, fields: dict[str, Any], task: str, units: dict[str, Any]
) -> None:
    answer = compare(server, prompt="  ", **fields).json()
    assert answer["classification"]["task"] == task
    assert answer["priced_for"] == {"typical": True, **units}


def test_a_comparison_prices_the_prompt_that_there_is(server: Running) -> None:
    answer = compare(server, task="text", prompt="Say hello").json()
    assert answer["priced_for"]["typical"] is False
    assert answer["priced_for"]["prompt_tokens"] == 3
    assert answer["suggestions"][0]["estimated_cost_dollars"] > 0


def test_a_comparison_runs_and_charges_nothing(server: Running) -> None:
    before = server.accounts.balance("acme")
    assert compare(server, server.live, task="text").status_code == 200
    assert server.accounts.balance("acme") == before
    assert not server.provider.requests


def test_where_nothing_is_reachable_the_comparison_says_what_would_be(server: Running) -> None:
    answer = compare(server, server.live, task="video").json()
    assert not any(suggestion["available"] for suggestion in answer["suggestions"])
    assert "greatrouter.toml" in answer["note"]
