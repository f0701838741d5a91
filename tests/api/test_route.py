"""`POST /v1/auto/route`: what is run, what is charged, what is said."""

import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from greatrouter_api.settings import ProviderSettings
from tests.accounts.asking import logged
from tests.api.conftest import FAKE, SMALL, Running, eventually, running

CODE = "Write a Python function that reverses a linked list"


def balance(server: Running) -> Decimal:
    return server.accounts.balance("acme")


def test_the_answer_has_every_field_of_the_contract(server: Running) -> None:
    answer = server.route(CODE, server.live).json()
    assert answer["classification"]["task"] == "code"
    assert answer["classification"]["decision"] == "regex"
    assert set(answer["classification"]) >= {
        "task",
        "confidence",
        "reasoning",
        "content_mode",
        "complexity_tier",
        "complexity_score",
    }
    assert answer["model"]["model"]["id"] in {"lab/small", "lab/large"}
    assert set(answer["model"]["model"]) == {
        "id",
        "name",
        "provider",
        "task_type",
        "category",
        "capabilities",
        "pricing",
    }
    assert set(answer["price_comparison"]) == {
        "cheapest_model",
        "best_value_model",
        "best_quality_model",
        "estimated_cost_dollars",
        "savings_vs_highest_pct",
    }
    assert answer["result"]["choices"][0]["message"]["content"].endswith("says hello")
    assert answer["provider"] == "lab"
    assert set(answer["timing"]) == {"classification_ms", "routing_ms", "inference_ms", "total_ms"}
    assert answer["context"]["session_prompts"] == 1
    assert answer["routing"]["reason"]
    assert len(answer["routing"]["attempts"]) == 1
    assert answer["routing"]["fallback_chain"][0] == answer["model"]["model"]["id"]


def test_an_empty_input_makes_the_prompt_the_user_message(server: Running) -> None:
    server.route(CODE, server.live)
    path, body = server.provider.requests[0]
    assert path == "/v1/chat/completions"
    assert body["messages"] == [{"role": "user", "content": CODE}]


def test_what_the_caller_puts_into_input_passes_through(server: Running) -> None:
    messages = [{"role": "system", "content": "Be brief"}, {"role": "user", "content": CODE}]
    server.route(CODE, server.live, input={"messages": messages, "temperature": 0.2, "unheard_of": [1]})
    body = server.provider.requests[0][1]
    assert (body["messages"], body["temperature"], body["unheard_of"]) == (messages, 0.2, [1])


def test_the_charge_is_what_was_used_at_the_models_price_and_is_the_same_everywhere(server: Running) -> None:
    before = balance(server)
    answer = server.route(CODE, server.live, model="lab/large")
    charged = Decimal(str(answer.json()["charge_dollars"]))
    assert charged == Decimal("0.002")  # 1,000 tokens at $1 and 500 at $2 a million
    assert before - balance(server) == charged * 100
    assert server.accounts.verify() == []
    request_id = answer.headers["x-request-id"]
    assert eventually(lambda: rows_of(server, request_id))
    assert rows_of(server, request_id)[0]["cost_cents"] == charged * 100


def rows_of(server: Running, request_id: str) -> list[dict[str, Any]]:
    rows = logged(server.accounts, server.organization_id, 1000)
    return [row for row in rows if row["request_id"] == request_id]


def test_a_failing_model_is_followed_by_the_next_and_only_the_answer_is_charged(server: Running) -> None:
    def first_fails(_path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if len(server.provider.requests) == 1:
            return 503, {"error": {"message": "overloaded"}}
        return 200, {
            "choices": [{"message": {"content": "ok"}}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 10},
        }

    server.provider.answer = first_fails
    answer = server.route(CODE, server.live).json()
    attempts = answer["routing"]["attempts"]
    assert [a["status"] for a in attempts] == [503, 200]
    assert answer["model"]["model"]["id"] == attempts[1]["model"] != attempts[0]["model"]
    assert server.accounts.verify() == []


@pytest.mark.parametrize(
    "content", [b"", b"not json", b"[1,2]", b'{"choices":', {"error": {"message": "upstream of upstream is down"}}]
)
def test_a_malformed_answer_moves_on(server: Running, content: Any) -> None:
    ok = {"choices": [{"message": {"content": "ok"}}]}
    server.provider.answer = lambda _path, _body: (200, content if len(server.provider.requests) == 1 else ok)
    answer = server.route(CODE, server.live)
    assert answer.status_code == 200
    assert len(answer.json()["routing"]["attempts"]) == 2


def test_a_request_the_provider_blames_is_handed_back_once_and_not_charged(server: Running) -> None:
    server.provider.answer = lambda _path, _body: (400, {"error": {"message": "temperature must be below 2"}})
    before = balance(server)
    answer = server.route(CODE, server.live)
    assert answer.status_code == 400
    assert "temperature must be below 2" in answer.json()["error"]["message"]
    assert len(server.provider.requests) == 1
    assert eventually(lambda: balance(server) == before)


def test_when_every_model_fails_the_caller_sees_each_attempt_and_pays_nothing(server: Running) -> None:
    server.provider.answer = lambda _path, _body: (500, {"error": {"message": "boom"}})
    before = balance(server)
    answer = server.route(CODE, server.live)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (502, "upstream_error")
    assert {a["model"] for a in error["metadata"]["attempts"]} == {"lab/small", "lab/large"}
    assert eventually(lambda: balance(server) == before)
    assert server.accounts.verify() == []


def test_without_credit_nothing_is_sent_upstream(server: Running) -> None:
    poor = server.accounts.create_key("poor")
    answer = server.route(CODE, poor)
    assert (answer.status_code, answer.json()["error"]["code"]) == (402, "insufficient_credit")
    assert answer.headers["x-should-retry"] == "false"
    assert server.provider.requests == []


def test_a_test_key_never_reaches_a_provider_costs_nothing_and_repeats_itself(server: Running) -> None:
    first, second = server.route(CODE), server.route(CODE)
    assert server.provider.requests == []
    assert first.json()["provider"] == "sandbox"
    assert first.json()["charge_dollars"] == 0
    assert first.json()["result"] == second.json()["result"]


@pytest.mark.parametrize(
    ("prompt", "task"),
    [
        ("Draw a watercolor fox reading a newspaper", "image"),
        ("Compose a lo-fi hip hop track with a mellow piano", "music"),
        ("Read this aloud in a calm voice: the train leaves at nine", "speech"),
        ("What are the latest headlines about the telescope this week?", "web_search"),
        ("Write a haiku about autumn leaves", "text"),
        ("Generate a video of a drone flying over snowy mountains", "video"),
    ],
)
def test_every_task_is_answered_under_a_test_key(server: Running, prompt: str, task: str) -> None:
    answer = server.route(prompt).json()
    assert answer["classification"]["task"] == task
    assert answer["result"]


def test_rerank_runs_here_even_under_a_test_key(server: Running) -> None:
    documents = ["cats purr", "how to claim a refund for a late train", "bread needs yeast"]
    answer = server.route("which helps?", input={"query": "refund late train", "documents": documents}).json()
    assert answer["classification"]["decision"] == "input"
    assert answer["provider"] == "local"
    assert answer["result"]["results"][0]["index"] == 1


def test_a_hint_decides(server: Running) -> None:
    found = server.route("a fox", server.live, task="code").json()["classification"]
    assert (found["task"], found["decision"], found["confidence"]) == ("code", "hint", 1.0)


def test_an_explicit_model_is_the_only_one_tried(server: Running) -> None:
    server.provider.answer = lambda _path, _body: (500, {})
    answer = server.route(CODE, server.live, model="lab/small")
    assert [a["model"] for a in answer.json()["error"]["metadata"]["attempts"]] == ["lab/small"]


def test_an_explicit_model_brings_its_own_task(server: Running) -> None:
    answer = server.route("a fox in the rain", model="openai/dall-e-3").json()
    assert answer["classification"]["task"] == "image"
    assert answer["model"]["model"]["id"] == "openai/dall-e-3"


def test_an_unknown_model_is_a_404(server: Running) -> None:
    answer = server.route(CODE, model="nobody/nothing")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


def test_a_budget_below_the_cheapest_names_the_cheapest(server: Running) -> None:
    answer = server.route(CODE, server.live, budget_dollars=1e-12)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "budget_too_low")
    assert error["metadata"]["cheapest_estimate_dollars"] > 0


def test_a_live_key_without_a_provider_for_the_task_is_told_which_to_configure(server: Running) -> None:
    answer = server.route("Draw a watercolor fox", server.live)
    assert answer.status_code == 404
    assert "[providers." in answer.json()["error"]["message"]


def test_a_follow_up_takes_its_task_from_the_session(server: Running) -> None:
    first = server.route("Draw a watercolor fox", session_id="s-1").json()
    second = server.route("yes, again", session_id="s-1").json()
    assert first["classification"]["task"] == second["classification"]["task"] == "image"
    assert second["classification"]["decision"] == "session"
    assert second["context"] == {"session_id": "s-1", "session_prompts": 2, "contextual_boost": 0.5}


def test_sessions_of_other_organizations_are_not_seen(server: Running) -> None:
    server.route("Draw a watercolor fox", session_id="shared-name")
    other = server.accounts.create_key("other", test=True)
    assert server.route("yes, again", other, session_id="shared-name").json()["classification"]["decision"] == "default"


def test_feedback_in_the_request_is_accepted(server: Running) -> None:
    assert server.route(CODE, feedback={"correct": False, "suggested_task": "text"}).status_code == 200


def test_a_caller_who_hangs_up_stops_the_upstream_call_and_gets_the_reservation_back(server: Running) -> None:
    before = balance(server)
    server.provider.hold = threading.Event()
    with pytest.raises(httpx2.TimeoutException):
        server.client.post(
            "/v1/auto/route",
            json={"prompt": CODE, "input": {}},
            headers={"Authorization": f"Bearer {server.live}"},
            timeout=0.5,
        )
    assert server.provider.dropped.wait(5), "the upstream call went on"
    assert eventually(lambda: balance(server) == before)


def test_local_models_are_charged_to_live_keys(server: Running) -> None:
    answer = server.route("rank", server.live, input={"query": "a b", "documents": ["a", "b"]}).json()
    assert answer["model"]["model"]["id"] == FAKE
    assert Decimal(str(answer["charge_dollars"])) == Decimal("0.00002")


def test_a_key_that_is_missing_from_the_environment_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAB_KEY", raising=False)
    lab = ProviderSettings(base_url="http://127.0.0.1:9/v1", api_key_env="LAB_KEY", models=[SMALL])
    with running(tmp_path, providers={"lab": lab}) as server:
        answer = server.route("Write a poem about the sea", server.live)
        note = server.suggest("Write a poem about the sea", server.live).json()["note"]
    words = "started without LAB_KEY, the key of [providers.lab], in its environment: set it and start again"
    assert words in answer.json()["error"]["message"]
    assert words in note


def test_a_test_key_gets_a_line_of_the_catalog_that_is_not_served_here(server: Running) -> None:
    fields = {"task": "embeddings", "catalog_family": "embeddings/openai--text-embedding-3"}
    answer = server.route("the tide", input={"input": ["the tide"]}, **fields)
    assert answer.status_code == 200, answer.text
    assert "text-embedding-3" in answer.json()["model"]["model"]["id"]
