"""Rerank and embeddings by providers: who may see the texts, who is asked first, what goes on, what is logged."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from greatrouter_api.settings import ModelSettings, ProviderSettings
from greatrouter_ranking.tokens import estimate_tokens
from tests.api.conftest import FAKE, Provider, Running, eventually, listening, running

QUERY, DOCUMENTS = "refund", ["how to claim a refund", "bread needs yeast"]
BODIES: dict[str, dict[str, Any]] = {
    "/v1/embeddings": {"input": ["the sea"]},
    "/v1/rerank": {"query": QUERY, "documents": DOCUMENTS},
    "/v2/rerank": {"query": QUERY, "documents": DOCUMENTS},
}


def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
    """Of an OpenAI-compatible server, of Cohere or of Gemini, by the path that was asked."""
    if path.endswith("/rerank"):
        results = [{"index": i, "relevance_score": 0.5} for i in range(len(body["documents"]))]
        return 200, {"results": results, "meta": {"billed_units": {"search_units": 1}}}
    if path.endswith("/embed"):
        billed = {"billed_units": {"input_tokens": 3}}
        return 200, {"embeddings": {"float": [[0.5, 0.25] for _ in body["texts"]]}, "meta": billed}
    if path.endswith(":batchEmbedContents"):
        return 200, {"embeddings": [{"values": [0.5, 0.25]} for _ in body["requests"]]}
    data = [{"object": "embedding", "index": i, "embedding": [0.5, 0.25]} for i in range(len(body["input"]))]
    return 200, {"object": "list", "data": data, "usage": {"prompt_tokens": 3, "total_tokens": 3}}


@dataclass
class Servers:
    """`one` and `two` serve the same models at the same price; `coh` speaks Cohere's protocol, `gem` Gemini's."""

    server: Running
    peers: dict[str, Provider]

    def ask(self, path: str, model: str, key: str | None = None, **fields: Any) -> Any:
        return self.server.post(path, {"model": model, **BODIES[path], **fields}, key or self.server.live)

    def organization(self, **preferences: list[str]) -> str:
        """The key of a new one with credit and these preferences."""
        name = f"org-{time.monotonic_ns()}"
        key = self.server.accounts.create_key(name)
        self.server.accounts.office.credit(name, Decimal(10))
        for preference, value in preferences.items():
            headers = {"Authorization": f"Bearer {key}"}
            set_ = self.server.client.put(f"/v1/preferences/{preference}", json={"value": value}, headers=headers)
            assert set_.status_code == 200, set_.text
        return key

    def seen(self) -> list[str]:
        return [name for name, peer in self.peers.items() if peer.requests]

    def last(self, name: str) -> dict[str, Any]:
        return self.peers[name].requests[-1][1]

    def logged(self, request_id: str, key: str | None = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {key or self.server.live}"}

        def row() -> dict[str, Any] | None:
            rows = self.server.client.get("/v1/org/logs", headers=headers).json()["data"]
            return next((row for row in rows if row["request_id"] == request_id), None)

        assert eventually(row)
        return row() or {}


def models(prefix: str) -> list[ModelSettings]:
    return [
        ModelSettings(id=f"{prefix}/embed", task="embeddings", input_per_million_tokens=Decimal("0.1")),
        ModelSettings(id=f"{prefix}/rank", task="rerank", price_per_search=Decimal("0.002")),
    ]


def started(stack: ExitStack, home: Path) -> Servers:
    peers = {name: Provider() for name in ("one", "two", "coh", "gem", "cohere")}
    urls = {name: f"http://127.0.0.1:{stack.enter_context(listening(peer))}" for name, peer in peers.items()}
    for peer in peers.values():
        peer.answer = answer
    providers = {
        "one": ProviderSettings(base_url=f"{urls['one']}/v1", models=[*models("shared"), *models("one")]),
        "two": ProviderSettings(base_url=f"{urls['two']}/v1", models=models("shared")),
        "coh": ProviderSettings(kind="cohere", base_url=urls["coh"], models=models("coh")),
        "gem": ProviderSettings(kind="gemini", base_url=f"{urls['gem']}/v1beta", models=models("gem")[:1]),
        "cohere": ProviderSettings(kind="cohere", base_url=urls["cohere"]),
    }
    return Servers(stack.enter_context(running(home, providers=providers)), peers)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with ExitStack() as stack:
        yield started(stack, tmp_path_factory.mktemp("home"))


@pytest.fixture
def servers(kept: Servers) -> Servers:
    for peer in kept.peers.values():
        peer.requests.clear()
    return kept


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Servers]:
    """Whose endpoints have no history."""
    with ExitStack() as stack:
        yield started(stack, tmp_path)


def model_of(path: str, prefix: str) -> str:
    return f"{prefix}/embed" if path == "/v1/embeddings" else f"{prefix}/rank"


# -- who may see the texts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", BODIES)
def test_what_the_organization_excludes_never_sees_a_text(servers: Servers, path: str) -> None:
    alone, shared = model_of(path, "one"), model_of(path, "shared")
    for excluded in ({"excluded_providers": ["one"]}, {"excluded_models": [alone]}):
        refused = servers.ask(path, alone, servers.organization(**excluded))
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "model_not_found")
        assert "excluded" in refused.json()["error"]["message"]
    assert servers.seen() == []
    key = servers.organization(excluded_providers=["one"])
    assert servers.ask(path, shared, key).json()["provider"] == "two"
    assert servers.seen() == ["two"]


@pytest.mark.parametrize("path", BODIES)
def test_a_model_of_this_process_can_be_excluded_too(servers: Servers, path: str) -> None:
    key = servers.organization(excluded_models=[FAKE])
    for name in (FAKE, "router"):
        assert servers.ask(path, name, key).status_code == 404
        assert servers.ask(path, name).status_code == 200


@pytest.mark.parametrize("path", BODIES)
def test_preferred_providers_come_first_among_equals(servers: Servers, path: str) -> None:
    shared = model_of(path, "shared")
    assert servers.ask(path, shared).json()["provider"] == "one"
    assert servers.ask(path, shared, servers.organization(preferred_providers=["two"])).json()["provider"] == "two"


@pytest.mark.parametrize("wish", ["two", {"only": ["two"]}, {"order": ["two"]}, {"ignore": ["one"]}])
def test_embeddings_keep_to_the_provider_preferences(servers: Servers, wish: Any) -> None:
    assert servers.ask("/v1/embeddings", "shared/embed", provider=wish).json()["provider"] == "two"
    assert "provider" not in servers.last("two")


@pytest.mark.parametrize(("limit", "status"), [(0.0001, 404), (0.002, 200), ("0.002", 200)])
def test_the_most_that_a_request_may_cost_counts_its_search(servers: Servers, limit: Any, status: int) -> None:
    found = servers.ask("/v1/rerank", "shared/rank", provider={"max_price": {"request": limit}})
    assert found.status_code == status
    if status == 404:
        assert "provider.max_price" in found.json()["error"]["message"]
        assert servers.seen() == []


# -- who is asked first ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wish", [{"sort": "latency"}, {"preferred_max_latency": 0.05}])
@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/rerank"])
def test_what_was_measured_orders_the_endpoints(fresh: Servers, path: str, wish: dict[str, Any]) -> None:
    def slow(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        time.sleep(0.1)
        return answer(path, body)

    fresh.peers["one"].answer = slow
    shared = model_of(path, "shared")
    for name in ("one", "two"):
        assert fresh.ask(path, shared, provider={"order": [name]}).json()["provider"] == name
    assert eventually(lambda: fresh.ask(path, shared, provider=wish).json()["provider"] == "two")


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/rerank"])
def test_an_endpoint_that_failed_is_not_asked_first(fresh: Servers, path: str) -> None:
    fresh.peers["one"].answer = lambda _path, _body: (503, {"error": {"message": "down"}})
    shared = model_of(path, "shared")

    def passed_over() -> bool:
        fresh.peers["one"].requests.clear()
        assert fresh.ask(path, shared).json()["provider"] == "two"
        return not fresh.peers["one"].requests

    assert not passed_over()
    assert eventually(passed_over)


# -- what goes on to the provider --------------------------------------------------------------------------------------


def test_fields_beyond_openais_go_on_to_the_provider(servers: Servers) -> None:
    fields = {"input_type": "search_query", "truncate": "NONE", "task_type": "RETRIEVAL_QUERY", "instruction": None}
    for name in ("one", "coh", "gem"):
        assert servers.ask("/v1/embeddings", f"{name}/embed", **fields).status_code == 200
    compatible = servers.last("one")
    assert {name: compatible.get(name) for name in fields} == fields
    assert "instruction" not in compatible
    assert (servers.last("coh")["input_type"], servers.last("coh")["truncate"]) == ("search_query", "NONE")
    assert servers.last("gem")["requests"][0]["taskType"] == "RETRIEVAL_QUERY"


def test_a_model_of_this_process_ignores_them(servers: Servers) -> None:
    plain, more = (
        servers.ask("/v1/embeddings", FAKE, **fields).json() for fields in ({}, {"input_type": "search_query", "x": {}})
    )
    assert more["data"] == plain["data"]


@pytest.mark.parametrize(
    ("name", "upstream"),
    [
        ("route/cohere-rerank-v4.0-pro", "rerank-v4.0-pro"),
        ("cohere/rerank-v4.0-pro", "rerank-v4.0-pro"),
        ("rerank-v4.0-fast", "rerank-v4.0-fast"),
    ],
)
def test_coheres_fourth_reranker_is_reached_at_cohere(servers: Servers, name: str, upstream: str) -> None:
    found = servers.ask("/v1/rerank", name)
    assert found.status_code == 200, found.text
    assert (found.json()["model"], found.json()["provider"]) == (f"cohere/{upstream}", "cohere")
    assert servers.last("cohere")["model"] == upstream


# -- what is said of it ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(
    ("name", "wish", "decision", "reason"),
    [
        ("router", None, "input", "the choice was left to us; local/fake is the best model served here for {task}"),
        (FAKE, None, "hint", "local/fake was named in the request, and is served here"),
        ("one", None, "hint", "{model} was named in the request"),
        (
            "shared",
            {"order": ["two"]},
            "hint",
            "{model} was named in the request; of its 2 endpoints the one at two comes first by the provider "
            "preferences",
        ),
    ],
)
def test_the_log_says_why(servers: Servers, path: str, name: str, wish: Any, decision: str, reason: str) -> None:
    model = model_of(path, name) if name in servers.peers or name == "shared" else name
    found = servers.ask(path, model, **({"provider": wish} if wish else {}))
    assert found.status_code == 200, found.text
    row = servers.logged(found.headers["x-request-id"])
    task = "embeddings" if path == "/v1/embeddings" else "rerank"
    assert (row["decision"], row["routing_reason"]) == (decision, reason.format(model=model, task=task))


def test_tokens_that_a_provider_does_not_count_are_estimated(servers: Servers) -> None:
    usage = servers.ask("/v1/rerank", "shared/rank").json()["usage"]
    estimate = sum(estimate_tokens(QUERY) + estimate_tokens(text) for text in DOCUMENTS)
    assert usage["prompt_tokens"] == usage["total_tokens"] == estimate > 0
