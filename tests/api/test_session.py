"""What a conversation changes: who answers next, and what feedback taught."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Running, completion, running


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
