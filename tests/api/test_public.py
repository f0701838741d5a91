"""What needs no key."""

import pytest

from tests.api.conftest import FAKE, Running


def test_the_catalog_is_listed_in_one_superset_object(server: Running) -> None:
    answer = server.client.get("/v1/models").json()
    assert answer["object"] == "list"
    assert answer["total"] == len(answer["data"]) > 2500
    ids = [model["id"] for model in answer["data"]]
    assert len(ids) == len(set(ids))
    for model in answer["data"][:: len(ids) // 50]:
        assert set(model) >= {
            "id",
            "object",
            "created",
            "owned_by",
            "available",
            "params",
            "pricing",
            "task",
            "name",
            "provider",
            "task_type",
            "category",
            "capabilities",
            "type",
            "catalog_family",
            "catalog_visibility",
            "price_tier",
            "context_window",
            "max_output_tokens",
            "modalities",
            "health",
        }


def test_what_is_reachable_is_available(server: Running) -> None:
    available = [m["id"] for m in server.client.get("/v1/models").json()["data"] if m["available"]]
    assert sorted(available) == sorted([FAKE, "lab/large", "lab/small"])


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ({"task_type": "text_generation"}, lambda m: m["task_type"] == "text_generation"),
        ({"provider": "openai"}, lambda m: m["provider"] == "openai"),
        ({"category": "image"}, lambda m: m["category"] == "image"),
        ({"capabilities": "vision,reasoning"}, lambda m: {"vision", "reasoning"} <= set(m["capabilities"])),
        ({"type": "hosted"}, lambda m: m["type"] == "hosted"),
        ({"catalog_visibility": "featured"}, lambda m: m["catalog_visibility"] == "featured"),
        ({"routable_only": "true"}, lambda m: m["catalog_visibility"] != "long_tail"),
        (
            {"provider": "groq", "task_type": "speech_to_text"},
            lambda m: m["provider"] == "groq" and m["task"] == "speech",
        ),
    ],
)
def test_filters(server: Running, query: dict[str, str], holds: object) -> None:
    data = server.client.get("/v1/models", params=query).json()["data"]
    assert data
    assert callable(holds)
    assert all(holds(model) for model in data)


def test_a_value_no_model_can_have_is_a_400(server: Running) -> None:
    error = server.client.get("/v1/models", params={"task_type": "painting"}).json()["error"]
    assert "image_generation" in error["message"]


@pytest.mark.parametrize("path", ["openai/gpt-4o", "openrouter/openai/gpt-4o", "openrouter/openai%2Fgpt-4o"])
def test_one_model_with_its_benchmarks(server: Running, path: str) -> None:
    model = server.client.get(f"/v1/models/{path}").json()
    assert model["pricing"]["input_per_million_tokens"] == 2.5
    assert model["catalog_family"].startswith("llm/openai--gpt-4o")
    assert {"benchmark", "score", "source", "observed_on", "metric", "task"} <= set(model["benchmarks"][0])
    assert model["provenance"]["creator"] == "openai"


def test_a_local_model_shows_both_its_tasks_and_prices(server: Running) -> None:
    model = server.client.get(f"/v1/models/{FAKE}").json()
    assert model["tasks"] == ["embeddings", "rerank"]
    assert model["state"] in ("cold", "warming", "warm")
    assert set(model["pricing"]) >= {"unit", "realtime", "batch"}


def test_an_unknown_model_is_a_404(server: Running) -> None:
    assert server.client.get("/v1/models/nobody/nothing").json()["error"]["code"] == "model_not_found"


def test_health(server: Running) -> None:
    assert server.client.get("/healthz").json() == {"status": "ok"}
    assert server.client.get("/readyz").json() == {"status": "ready", "problems": {}}
