"""What a conversation changes: who answers next, and what feedback taught."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from greatrouter_api.settings import ModelSettings, ProviderSettings
from tests.api.conftest import Provider, Running, completion, listening, running


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Running]:
    """A server whose endpoints have no history."""
    with running(tmp_path) as server:
        yield server


def test_a_conversation_stays_with_the_model_that_holds_it_in_its_cache(fresh: Running) -> None:
    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        status, content = completion(path, body)
        content["usage"] = {"prompt_tokens": 5_000, "completion_tokens": 50, "total_tokens": 5_050}
        return status, content

    fresh.provider.answer = answer
    first = [{"role": "user", "content": "Write a poem about the sea"}]
    body = {"model": "router", "messages": first, "session_id": "cached", "optimization": "balanced"}
    said = fresh.post("/v1/chat/completions", body, fresh.live).json()["greatrouter"]
    more = [
        *first,
        {"role": "assistant", "content": "Words."},
        {"role": "user", "content": "Write a shorter poem about it"},
    ]
    again = fresh.post("/v1/chat/completions", {**body, "messages": more}, fresh.live).json()["greatrouter"]
    assert again["model"] == said["model"]
    assert "Stays with" in again["routing"]["reason"]
    assert again["context"]["session_prompts"] == 2


def cached(path: str, body: dict[str, Any]) -> tuple[int, Any]:
    """As by a provider that has a long conversation in its cache then."""
    status, content = completion(path, body)
    content["usage"] = {"prompt_tokens": 25_000, "completion_tokens": 50, "total_tokens": 25_050}
    return status, content


@pytest.fixture
def sticks(tmp_path: Path) -> Iterator[Running]:
    """One model at `stick1` and `stick2` for the same price, a tenth of it for what is cached, and dearer at `dear`."""
    provider = Provider()
    provider.answer = cached
    price = {"input_per_million_tokens": Decimal(1), "output_per_million_tokens": Decimal(2)}
    model = ModelSettings(id="lab/stick", **price, cached_input_per_million_tokens=Decimal("0.1"))
    dear = model.model_copy(update={name: 5 * rate for name, rate in price.items()})
    with listening(provider) as port:
        url = f"http://127.0.0.1:{port}/v1"
        models = {"stick1": model, "stick2": model, "dear": dear}
        providers = {name: ProviderSettings(base_url=url, models=[found]) for name, found in models.items()}
        with running(tmp_path, providers=providers) as server:
            yield server


def turn(server: Running, text: str = "Write a poem about the sea", **fields: Any) -> dict[str, Any]:
    """One turn of the same conversation; what is said beside the answer."""
    body = {"model": "lab/stick", "messages": [{"role": "user", "content": text}], "session_id": "one", **fields}
    found = server.post("/v1/chat/completions", body, server.live)
    assert found.status_code == 200, found.text
    said: dict[str, Any] = found.json()["greatrouter"]
    return said


@pytest.mark.parametrize("optimization", ["price-optimized", "balanced", "output-optimized"])
def test_a_named_model_stays_with_the_provider_that_holds_the_conversation(sticks: Running, optimization: str) -> None:
    first = turn(sticks, provider={"order": ["stick2"]})
    assert (first["provider"], turn(sticks, session_id="other")["provider"]) == ("stick2", "stick1")
    again = turn(sticks, optimization=optimization)
    assert again["provider"] == "stick2"
    assert again["routing"]["reason"] == (
        "lab/stick was named in the request; of its 3 endpoints the one at stick2 answered before, and may still hold "
        "this conversation in its cache"
    )


@pytest.mark.parametrize("wish", [{"order": ["stick1"]}, {"only": ["stick1", "dear"]}, {"ignore": ["stick2"]}])
def test_what_the_caller_prefers_counts_before_what_is_cached(sticks: Running, wish: dict[str, Any]) -> None:
    turn(sticks, provider={"order": ["stick2"]})
    assert turn(sticks, provider=wish)["provider"] == "stick1"


def test_staying_is_not_worth_more_than_the_cache_saves(sticks: Running) -> None:
    assert turn(sticks, provider={"order": ["dear"]})["provider"] == "dear"
    assert turn(sticks, "Shorter", optimization="output-optimized")["provider"] == "stick1"
    long = "word " * 20_000
    assert turn(sticks, long, provider={"order": ["dear"]})["provider"] == "dear"
    assert turn(sticks, long)["provider"] == "dear"


def test_feedback_changes_the_next_similar_prompt_of_its_organization_alone(server: Running) -> None:
    prompt = "Harbour lights over wet cobblestones, quarterly edition"
    before = server.suggest(prompt, server.live).json()["classification"]["task"]
    taught = "music" if before != "music" else "video"
    answer = server.post(
        "/v1/auto/feedback",
        {"prompt": prompt, "classified_task": before, "correct": False, "suggested_task": taught, "confidence": 0.4},
        server.live,
    )
    assert answer.json()["accepted"] is True
    assert answer.json()["id"]
    assert server.suggest(prompt, server.live).json()["classification"]["task"] == taught
    assert server.suggest(prompt, server.test).json()["classification"]["task"] == before


def test_preferences_are_the_defaults_of_routing(server: Running) -> None:
    key = server.accounts.create_key("choosy")

    def prefer(name: str, value: object) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        assert server.client.put(f"/v1/preferences/{name}", json={"value": value}, headers=headers).status_code == 200

    prefer("default_optimization", "price-optimized")
    prefer("excluded_models", ["lab/small"])
    answer = server.suggest("Write a poem about the sea", key).json()
    assert answer["optimization"] == "price-optimized"
    assert [suggestion["model"]["id"] for suggestion in answer["suggestions"]] == ["lab/large"]
    prefer("excluded_models", [])
    prefer("excluded_providers", ["lab"])
    assert not any(s["available"] for s in server.suggest("Write a poem", key).json()["suggestions"])
    prefer("default_task", "code")
    prefer("content_mode_default", "edit")
    found = server.suggest("zxqv plorb", key, mode="regex").json()["classification"]
    assert (found["task"], found["content_mode"]) == ("code", "edit")
