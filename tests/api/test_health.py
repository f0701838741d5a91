"""Model health is made of the requests that were really made."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.api.conftest import WORDS, Events, Running, running


def health(server: Running, models: str | None = None) -> dict[str, Any]:
    query = {"models": models} if models is not None else {}
    answer = server.client.get("/v1/model-health", params=query, headers={"Authorization": f"Bearer {server.live}"})
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


def test_the_sandbox_says_nothing_of_the_models_it_stands_in_for(server: Running) -> None:
    before = health(server, "openai/gpt-4o")
    body = {"model": "openai/gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    assert server.post("/v1/chat/completions", body, server.test).status_code == 200
    assert health(server, "openai/gpt-4o") == before


def test_an_unknown_model_is_a_404(server: Running) -> None:
    answer = server.client.get(
        "/v1/model-health?models=nobody/nothing", headers={"Authorization": f"Bearer {server.live}"}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer pk_live_nobody"}])
def test_a_key_is_needed(server: Running, headers: dict[str, str]) -> None:
    assert server.client.get("/v1/model-health", headers=headers).status_code == 401
