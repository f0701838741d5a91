"""Model health is made of the requests that were really made."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from greatrouter_api.settings import ModelSettings, ProviderSettings
from tests.api.conftest import LARGE, SMALL, WORDS, Events, Provider, Running, eventually, listening, running


def health(server: Running, models: str | None = None, key: str | None = None) -> dict[str, Any]:
    query = {"models": models} if models is not None else {}
    headers = {"Authorization": f"Bearer {key or server.live}"}
    answer = server.client.get("/v1/model-health", params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def chat(server: Running, **fields: Any) -> httpx2.Response:
    body = {"model": "lab/small", "messages": [{"role": "user", "content": "Say hello"}], **fields}
    return server.post("/v1/chat/completions", body, server.live)


def test_successes_and_failures_of_every_kind_are_counted(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        [before] = health(server, "lab/small")["health"]
        assert before["health_entry"] == {
            "failures": 0,
            "successes": 0,
            "consecutiveFailures": 0,
            "avgLatencyMs": None,
        }
        assert chat(server).status_code == 200
        assert server.route("Write a poem about the sea", server.live, model="lab/small").status_code == 200
        server.provider.answer = lambda _path, _body: (503, {"error": {"message": "busy"}})
        assert [chat(server).status_code for _ in range(2)] == [502, 502]
        server.provider.answer = lambda _path, _body: (200, Events(WORDS[:2], "cut"))
        assert "upstream_error" in chat(server, stream=True).text
        server.provider.answer = lambda _path, _body: (400, {"error": {"message": "too long"}})
        assert chat(server).status_code == 400
        found = health(server, "lab/small,lab/large")
        small, large = found["health"]
        assert found["tenant_id"] == server.organization_id
        assert (small["health_entry"]["successes"], small["health_entry"]["failures"]) == (3, 3)
        assert small["health_entry"]["avgLatencyMs"] > 0
        assert small["latency_penalty"] > 0
        assert small["endpoints"][0]["provider"] == "lab"
        assert (large["degraded"], large["health_entry"]["successes"]) == (False, 0)
        listed = server.client.get("/v1/models?provider=lab").json()["data"]
        assert {row["id"]: row["health"] is not None for row in listed} == {"lab/small": True, "lab/large": False}
        assert server.client.get("/v1/models/lab/small").json()["health"]["success_rate"] < 1
        assert {"lab/small", "lab/large"} <= {state["model_id"] for state in health(server)["health"]}


def test_nobody_sees_how_often_another_asks(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        bob = server.accounts.create_key("bob")
        for _ in range(3):
            assert chat(server).status_code == 200
        [own] = health(server, "lab/small")["health"]
        [seen] = health(server, "lab/small", bob)["health"]
        assert (own["health_entry"]["successes"], own["endpoints"][0]["success_rate"]) == (3, 1)
        assert (seen["health_entry"]["successes"], seen["health_entry"]["avgLatencyMs"]) == (0, None)
        assert (seen["endpoints"][0]["success_rate"], seen["endpoints"][0]["latency_p50_ms"]) == (None, None)
        assert server.client.get("/v1/models/lab/small").json()["health"] is None
        for _ in range(2):
            assert chat(server).status_code == 200
        [seen] = health(server, "lab/small", bob)["health"]
        assert (seen["health_entry"]["successes"], seen["endpoints"][0]["success_rate"]) == (0, 1)
        assert server.client.get("/v1/models/lab/small").json()["health"]["success_rate"] == 1


def test_the_sandbox_says_nothing_of_the_models_it_stands_in_for(server: Running) -> None:
    before = health(server, "openai/gpt-4o")
    body = {"model": "openai/gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    assert server.post("/v1/chat/completions", body, server.test).status_code == 200
    assert health(server, "openai/gpt-4o") == before


@pytest.mark.parametrize(
    "query",
    ["model=lab/small&model=lab/large", "models=lab/small,&models=lab/large", "models=lab/small&model=lab/large"],
)
def test_models_may_be_named_one_by_one(server: Running, query: str) -> None:
    answer = server.client.get(f"/v1/model-health?{query}", headers={"Authorization": f"Bearer {server.live}"})
    assert [state["model_id"] for state in answer.json()["health"]] == ["lab/small", "lab/large"]


def test_an_unknown_model_is_a_404(server: Running) -> None:
    answer = server.client.get(
        "/v1/model-health?models=nobody/nothing", headers={"Authorization": f"Bearer {server.live}"}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer pk_live_nobody"}])
def test_a_key_is_needed(server: Running, headers: dict[str, str]) -> None:
    assert server.client.get("/v1/model-health", headers=headers).status_code == 401


def test_a_dead_provider_costs_nobody_an_answer(tmp_path: Path) -> None:
    """Its endpoints are the best of all, so every chain begins with them; the last place is another provider's."""
    with closed_port() as port, listening(Provider()) as alive:
        dear = {"input_per_million_tokens": Decimal(20), "output_per_million_tokens": Decimal(40)}
        dead = [ModelSettings(id=f"dead/m{i}", **dear) for i in range(4)]
        providers = {
            "dead": ProviderSettings(base_url=f"http://127.0.0.1:{port}/v1", models=dead),
            "lab": ProviderSettings(base_url=f"http://127.0.0.1:{alive}/v1", models=[SMALL, LARGE]),
        }
        with running(tmp_path, providers=providers) as server:
            asked = [route(server) for _ in range(4)]
            tried = [[attempt["provider"] for attempt in answer["routing"]["attempts"]] for answer in asked]
            assert tried[:3] == [["dead", "lab"]] * 3
            assert asked[0]["routing"]["fallback_chain"][0].startswith("dead/")
            assert asked[0]["routing"]["reason"].startswith("Best at another provider")
            states = {state["model_id"]: state["degraded"] for state in health(server)["health"]}
            assert all(states[f"dead/m{i}"] for i in range(4))
            # What is known of the endpoints is read anew once a second.
            assert eventually(lambda: route(server)["routing"]["attempts"][0]["provider"] == "lab")


def route(server: Running) -> dict[str, Any]:
    answer = server.route("Write a poem about the sea", server.live, optimization="output-optimized")
    found: dict[str, Any] = answer.json()
    return found


@contextmanager
def closed_port() -> Iterator[int]:
    """Bound and not listening, so that nobody else can answer there."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]
