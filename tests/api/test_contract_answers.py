"""Every field that the pages show in an answer is there, of the kind that they show."""

from collections.abc import Mapping
from typing import Any

import httpx2
import pytest

from tests.api.conftest import FAKE, Running
from tests.api.test_contract_requests import DOCUMENTS, LEAST, MESSAGES

NUMBER = (int, float)
Kinds = Mapping[str, Any]

CLASSIFICATION: Kinds = {
    "classification.task": str,
    "classification.confidence": NUMBER,
    "classification.reasoning": str,
    "classification.decision": str,
    "classification.content_mode": str,
    "classification.complexity_tier": str,
    "classification.complexity_score": NUMBER,
}
COMPARISON: Kinds = {
    "price_comparison.cheapest_model": str,
    "price_comparison.best_value_model": str,
    "price_comparison.best_quality_model": str,
    "price_comparison.estimated_cost_dollars": NUMBER,
    "price_comparison.savings_vs_highest_pct": NUMBER,
}
RAN: Kinds = {
    "provider": str,
    "charge_dollars": NUMBER,
    "routing.reason": str,
    "routing.fallback_chain": list,
    "routing.attempts.0.model": str,
    "routing.attempts.0.provider": str,
    "routing.attempts.0.status": int,
}
RESULT: Kinds = {
    "result.choices.0.message.role": str,
    "result.choices.0.message.content": str,
    "result.usage.prompt_tokens": int,
    "result.usage.completion_tokens": int,
    "result.usage.total_tokens": int,
}


def model_at(place: str) -> Kinds:
    names = {"id": str, "name": str, "provider": str, "task_type": str, "category": str, "capabilities": list}
    prices = {"pricing.input_per_million_tokens": NUMBER, "pricing.output_per_million_tokens": NUMBER}
    return {f"{place}.{name}": kind for name, kind in (names | prices).items()}


RERANKED: Kinds = {
    "id": str,
    "model": str,
    "provider": str,
    "results.0.index": int,
    "results.0.relevance_score": float,
    "results.0.document.text": str,
    "usage.prompt_tokens": int,
    "usage.total_tokens": int,
    "usage.search_units": int,
    "usage.cost": NUMBER,
    "meta.billed_units.search_units": int,
}
POSTED: Mapping[str, Kinds] = {
    "/v1/auto/route": {
        **CLASSIFICATION,
        **model_at("model.model"),
        "model.cost_tier": str,
        "model.estimated_cost": NUMBER,
        **COMPARISON,
        **RESULT,
        **RAN,
        "timing.classification_ms": NUMBER,
        "timing.routing_ms": NUMBER,
        "timing.inference_ms": NUMBER,
        "timing.total_ms": NUMBER,
        "context.session_id": str,
        "context.session_prompts": int,
        "context.contextual_boost": NUMBER,
    },
    "/v1/auto/suggest": {
        **CLASSIFICATION,
        "optimization": str,
        **model_at("suggestions.0.model"),
        "suggestions.0.cost_tier": str,
        "suggestions.0.estimated_cost": NUMBER,
        "suggestions.0.estimated_cost_dollars": NUMBER,
        "suggestions.0.score": NUMBER,
        "suggestions.0.reason": str,
        "suggestions.0.available": bool,
        **COMPARISON,
    },
    "/v1/models/price-comparison": {
        **CLASSIFICATION,
        "optimization": str,
        "suggestions.0.model_id": str,
        "suggestions.0.name": str,
        "suggestions.0.provider": str,
        "suggestions.0.task_type": str,
        "suggestions.0.cost_tier": str,
        "suggestions.0.score": NUMBER,
        "suggestions.0.estimated_cost_dollars": NUMBER,
        "suggestions.0.available": bool,
        **COMPARISON,
    },
    "/v1/models/route": {
        **model_at("model"),
        "cost_tier": str,
        "estimated_cost": NUMBER,
        **RESULT,
        **RAN,
        "timing.routing_ms": NUMBER,
        "timing.inference_ms": NUMBER,
        "timing.total_ms": NUMBER,
    },
    "/v1/models/recommend": {
        **model_at("data.0.model"),
        "data.0.score": NUMBER,
        "data.0.reason": str,
        "data.0.estimated_cost_dollars": NUMBER,
        **CLASSIFICATION,
    },
    "/v1/models/query": {"object": str, "data": list, "total": int, "limit": int, "offset": int},
    "/v1/auto/feedback": {"id": str, "accepted": bool},
    "/v1/chat/completions": {
        "id": str,
        "object": str,
        "created": int,
        "model": str,
        **{name.removeprefix("result."): kind for name, kind in RESULT.items()},
        "choices.0.index": int,
        "choices.0.finish_reason": str,
        **{
            f"greatrouter.{name}": kind
            for name, kind in {**CLASSIFICATION, **RAN, **COMPARISON, "estimated_cost_dollars": NUMBER}.items()
        },
    },
    "/v1/embeddings": {
        "object": str,
        "data.0.object": str,
        "data.0.embedding.0": float,
        "data.0.index": int,
        "model": str,
        "provider": str,
        "usage.prompt_tokens": int,
        "usage.total_tokens": int,
        "charge_dollars": NUMBER,
    },
    "/v1/rerank": RERANKED,
    "/v2/rerank": RERANKED,
}
LISTED: Kinds = {
    "id": str,
    "object": str,
    "created": int,
    "owned_by": str,
    "available": bool,
    "params": (int, type(None)),
    "pricing": dict,
    "task": str,
    "name": str,
    "provider": str,
    "task_type": str,
    "category": str,
    "capabilities": list,
    "type": str,
    "catalog_family": str,
    "catalog_visibility": str,
    "price_tier": str,
    "context_window": (int, type(None)),
    "max_output_tokens": (int, type(None)),
    "modalities.input": list,
    "modalities.output": list,
    "health": (dict, type(None)),
}
GOTTEN: Mapping[str, Kinds] = {
    "/v1/models": {"object": str, **{f"data.0.{name}": kind for name, kind in LISTED.items()}},
    "/v1/models/openai/gpt-5": {
        **LISTED,
        "provenance.creator": str,
        "provenance.license": str,
        "provenance.sources.0.source": str,
        "benchmarks.0.benchmark": str,
        "benchmarks.0.score": NUMBER,
        "benchmarks.0.source": str,
        "performance_timeseries": list,
    },
    f"/v1/models/{FAKE}": {
        "available": bool,
        "params": int,
        "pricing.unit": str,
        "pricing.realtime": NUMBER,
        "pricing.batch": NUMBER,
        "task": str,
        "state": str,
    },
    "/v1/models/openai/gpt-5/input-schema": {"$schema": str, "type": str, "properties": dict},
    "/v1/models/openai/gpt-5/output-schema": {"$schema": str, "type": str, "properties": dict},
    "/v1/models/tags": {"data.0.tag": str},
    "/v1/models/price-tiers": {"data.0.price_tier": str},
    "/v1/catalog/taxonomy": {"data.0.taxonomy": str, "data.0.providers.0.provider": str},
    "/v1/catalog/families": {"object": str, "data.0.id": str, "total": int, "limit": int, "offset": int},
    "/v1/catalog/families/llm/meta--llama-3.3": {"id": str, "taxonomy": str, "provider": str, "models.0.id": str},
    "/v1/preferences": {
        "default_optimization": str,
        "default_task": (str, type(None)),
        "excluded_providers": list,
        "excluded_models": list,
        "preferred_providers": list,
        "content_mode_default": (str, type(None)),
        "tenant_id": str,
    },
    "/v1/preferences/suggestions": {"suggestions": list},
    "/v1/model-health?models=openai/gpt-5": {
        "health.0.model_id": str,
        "health.0.degraded": bool,
        "health.0.latency_penalty": NUMBER,
        "health.0.health_entry.failures": int,
        "health.0.health_entry.successes": int,
        "health.0.health_entry.consecutiveFailures": int,
        "health.0.health_entry.avgLatencyMs": (*NUMBER, type(None)),
        "tenant_id": str,
    },
    "/v1/account": {
        "balance_dollars": NUMBER,
        "spend_today_dollars": NUMBER,
        "daily_budget_dollars": (*NUMBER, type(None)),
        "plan": str,
        "limits": dict,
        "last_calls": list,
    },
}
VALIDATED: Kinds = {"valid": bool, "errors.0.path": str, "errors.0.message": str}


def at(document: Any, place: str) -> Any:
    for name in place.split("."):
        document = document[int(name) if isinstance(document, list) else name]
    return document


def has(answer: httpx2.Response, kinds: Kinds) -> None:
    assert answer.status_code == 200, answer.text
    document = answer.json()
    for place, kind in kinds.items():
        value = at(document, place)
        assert isinstance(value, kind), (place, value)
        assert not isinstance(value, bool) or kind is bool, (place, value)


@pytest.mark.parametrize("path", POSTED)
def test_the_answer_to_a_post(server: Running, path: str) -> None:
    has(server.post(path, LEAST[path][1]), POSTED[path])


@pytest.mark.parametrize("path", GOTTEN)
def test_the_answer_to_a_get(server: Running, path: str) -> None:
    has(server.client.get(path, headers={"X-API-Key": server.test}), GOTTEN[path])


@pytest.mark.parametrize("side", ["input", "output"])
def test_the_answer_to_a_validation(server: Running, side: str) -> None:
    has(server.post(f"/v1/models/openai/gpt-5/validate-{side}", {}), VALIDATED)


def test_the_fields_of_a_routed_answer_say_the_same_as_the_preview(server: Running) -> None:
    least = LEAST["/v1/auto/route"][1]
    routed, previewed = server.route(**least).json(), server.suggest(least["prompt"]).json()
    assert routed["classification"] == previewed["classification"]
    first = previewed["suggestions"][0]
    assert routed["model"]["model"] == first["model"]
    assert routed["model"]["cost_tier"] == first["cost_tier"]
    assert routed["model"]["estimated_cost"] == first["estimated_cost"] == first["estimated_cost_dollars"]
    assert routed["price_comparison"] == previewed["price_comparison"]


def test_a_preview_knows_the_session_and_is_no_part_of_it(server: Running) -> None:
    server.route("Draw a watercolor fox", session_id="previewed")
    for _ in range(2):
        found = server.suggest("yes, again", session_id="previewed").json()["classification"]
        assert (found["task"], found["decision"]) == ("image", "session")
    again = server.route("yes, again", session_id="previewed").json()
    assert again["context"]["session_prompts"] == 2


def test_words_of_closed_vocabularies(server: Running) -> None:
    answer = server.route(**LEAST["/v1/auto/route"][1]).json()
    found = answer["classification"]
    assert found["complexity_tier"] in ("SIMPLE", "MEDIUM", "COMPLEX", "REASONING")
    assert 0 <= found["complexity_score"] <= 1
    assert 0 <= found["confidence"] <= 1
    assert found["decision"] in ("hint", "input", "regex", "knn", "session", "default")
    assert answer["model"]["cost_tier"] in ("economy", "standard", "balanced", "premium", "flagship")


def test_the_last_chunk_of_a_stream_has_what_a_whole_answer_has(server: Running) -> None:
    body = {"model": "router", "messages": MESSAGES, "stream": True}
    *_, last, done, nothing = server.post("/v1/chat/completions", body).text.split("\n\n")
    assert (done, nothing) == ("data: [DONE]", "")
    said = httpx2.Response(200, text=last.removeprefix("data: "))
    has(said, {name: kind for name, kind in POSTED["/v1/chat/completions"].items() if name.startswith("greatrouter.")})


def test_ranked_documents_come_best_first_and_ties_by_their_place(server: Running) -> None:
    documents = [*DOCUMENTS, "the moon", "tides of the moon"]
    for model in (FAKE, "cohere/rerank-v3.5"):
        body = {"model": model, "query": "tides of the moon", "documents": documents}
        results = server.post("/v1/rerank", body).json()["results"]
        order = [(-result["relevance_score"], result["index"]) for result in results]
        assert order == sorted(order)
        assert [result["document"]["text"] for result in results] == [documents[r["index"]] for r in results]
