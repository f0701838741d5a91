"""`/v1/embeddings` and `/v1/rerank`, through the clients that others wrote."""

import base64
from decimal import Decimal

import cohere
import httpx
import numpy as np
import openai
import pytest

from tests.api.conftest import FAKE, Running, eventually

DOCUMENTS = ["cats purr when they are happy", "claim a refund for a late train online", "bread needs yeast and time"]


def test_the_openai_client_embeds(server: Running) -> None:
    with openai.OpenAI(api_key=server.test, base_url=f"{server.url}/v1") as client:
        answer = client.embeddings.create(model=FAKE, input=["hello world", "goodbye"])
    assert [item.index for item in answer.data] == [0, 1]
    assert np.linalg.norm(answer.data[0].embedding) == pytest.approx(1.0, abs=1e-5)
    assert answer.usage.prompt_tokens == answer.usage.total_tokens > 0


def test_base64_and_floats_say_the_same(server: Running) -> None:
    body = {"model": FAKE, "input": "hello world"}
    floats = server.post("/v1/embeddings", body).json()["data"][0]["embedding"]
    encoded = server.post("/v1/embeddings", body | {"encoding_format": "base64"}).json()["data"][0]["embedding"]
    assert np.frombuffer(base64.b64decode(encoded), dtype="<f4").tolist() == pytest.approx(floats)


def test_a_batch_keeps_its_order(server: Running) -> None:
    texts = [f"text number {i} " + "word " * (i * 7 % 23) for i in range(40)]
    batch = server.post("/v1/embeddings", {"model": FAKE, "input": texts}).json()["data"]
    for i in (0, 13, 39):
        alone = server.post("/v1/embeddings", {"model": FAKE, "input": texts[i]}).json()["data"][0]["embedding"]
        assert batch[i]["embedding"] == pytest.approx(alone, abs=1e-5)


def test_the_cohere_client_reranks(server: Running) -> None:
    with httpx.Client() as transport:
        client = cohere.ClientV2(api_key=server.test, base_url=server.url, httpx_client=transport)
        answer = client.rerank(model=FAKE, query="refund late train", documents=DOCUMENTS, top_n=2)
    assert answer.results[0].index == 1
    assert len(answer.results) == 2
    assert answer.meta is not None
    assert answer.meta.billed_units is not None
    assert answer.meta.billed_units.search_units == 1


@pytest.mark.parametrize("model", [FAKE, f"route/{FAKE}", "router", "auto"])
def test_the_model_may_be_left_to_us(server: Running, model: str) -> None:
    answer = server.post("/v1/rerank", {"model": model, "query": "refund late train", "documents": DOCUMENTS}).json()
    assert (answer["model"], answer["provider"]) == (FAKE, "local")
    assert answer["results"][0]["document"]["text"] == DOCUMENTS[1]
    scores = [r["relevance_score"] for r in answer["results"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_documents_may_be_objects_and_need_not_come_back(server: Running) -> None:
    body = {
        "model": FAKE,
        "query": "refund",
        "documents": [{"text": text} for text in DOCUMENTS],
        "return_documents": False,
    }
    answer = server.post("/v1/rerank", body).json()
    assert [set(result) for result in answer["results"]] == [{"index", "relevance_score"}] * 3


def test_a_live_key_pays_by_the_document_and_half_in_the_batch_tier(server: Running) -> None:
    body = {"model": FAKE, "query": "refund", "documents": DOCUMENTS}
    before = server.accounts.balance("acme")
    realtime = server.post("/v1/rerank", body, server.live).json()["usage"]["cost"]
    batch = server.post("/v1/rerank", body, server.live, X_Tier="batch").json()["usage"]["cost"]
    assert (realtime, batch) == (0.00003, 0.000015)
    assert before - server.accounts.balance("acme") == (Decimal(str(realtime)) + Decimal(str(batch))) * 100


def test_failed_requests_cost_nothing(server: Running) -> None:
    before = server.accounts.balance("acme")
    assert server.post("/v1/embeddings", {"model": FAKE, "input": "a", "dimensions": 3}, server.live).status_code == 400
    assert server.post("/v1/embeddings", {"model": "nobody/nothing", "input": "a"}, server.live).status_code == 404
    assert eventually(lambda: server.accounts.balance("acme") == before)


def test_a_proxied_reranker_is_asked_in_coheres_shape(server: Running) -> None:
    answer = server.post("/v1/rerank", {"model": "cohere/rerank-v3.5", "query": "refund", "documents": DOCUMENTS})
    assert answer.json()["provider"] == "sandbox"
    assert answer.json()["results"][0]["document"]["text"] in DOCUMENTS
