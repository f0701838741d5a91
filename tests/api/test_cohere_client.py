"""Cohere's own Python client, unmodified: only its base URL and key are ours."""

import asyncio
from collections.abc import Iterator
from typing import Any

import cohere
import httpx
import pytest
from cohere.core.api_error import ApiError

from tests.api.conftest import FAKE, Running

QUERY = "refund late train"
DOCUMENTS = ["cats purr when they are happy", "claim a refund for a late train online", "bread needs yeast and time"]


def connected(server: Running, key: str, http: httpx.Client) -> cohere.ClientV2:
    return cohere.ClientV2(api_key=key, base_url=server.url, httpx_client=http)


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client() as http:
        yield http


@pytest.fixture
def client(server: Running, http: httpx.Client) -> cohere.ClientV2:
    return connected(server, server.test, http)


@pytest.mark.parametrize("model", [FAKE, "router"])
def test_rerank_by_a_model_served_here(client: cohere.ClientV2, model: str) -> None:
    answer = client.rerank(model=model, query=QUERY, documents=DOCUMENTS, top_n=2)
    assert answer.results[0].index == 1
    assert len(answer.results) == 2
    assert answer.id
    scores = [result.relevance_score for result in answer.results]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert answer.meta is not None
    assert answer.meta.billed_units is not None
    assert answer.meta.billed_units.search_units == 1


def test_rerank_by_coheres_own_model(client: cohere.ClientV2) -> None:
    """Under a test key by the sandbox; fields of Cohere's that we do not have are ignored."""
    answer = client.rerank(
        model="cohere/rerank-v3.5", query=QUERY, documents=DOCUMENTS, max_tokens_per_doc=100, priority=3
    )
    assert sorted(result.index for result in answer.results) == [0, 1, 2]
    assert answer.results[0].index == 1
    assert answer.meta is not None
    assert answer.meta.billed_units is not None
    assert answer.meta.billed_units.search_units == 1


def test_the_raw_answer_has_the_headers(client: cohere.ClientV2) -> None:
    raw = client.with_raw_response.rerank(
        model=FAKE, query=QUERY, documents=DOCUMENTS, request_options={"additional_headers": {"X-Request-Id": "mine-2"}}
    )
    assert raw.headers["x-request-id"] == "mine-2"
    assert raw.data.results[0].index == 1


def test_the_asynchronous_client_does_the_same(server: Running) -> None:
    async def main() -> cohere.V2RerankResponse:
        async with httpx.AsyncClient() as http:
            client = cohere.AsyncClientV2(api_key=server.test, base_url=server.url, httpx_client=http)
            return await client.rerank(model=FAKE, query=QUERY, documents=DOCUMENTS)

    assert asyncio.run(main()).results[0].index == 1


@pytest.mark.parametrize(
    ("fields", "kind", "code", "param"),
    [
        ({"model": "nobody/nothing"}, cohere.NotFoundError, "model_not_found", "model"),
        ({"documents": []}, cohere.BadRequestError, "invalid_request", "documents"),
        ({"query": ""}, cohere.BadRequestError, "invalid_request", "query"),
        ({"top_n": 0}, cohere.BadRequestError, "invalid_request", "top_n"),
        ({"documents": [{"title": "no text"}]}, cohere.BadRequestError, "invalid_request", "documents"),
    ],
)
def test_errors_are_typed(
    client: cohere.ClientV2, fields: dict[str, Any], kind: type[ApiError], code: str, param: str
) -> None:
    with pytest.raises(kind) as caught:
        client.rerank(**{"model": FAKE, "query": QUERY, "documents": DOCUMENTS, **fields})
    assert caught.value.headers is not None
    assert caught.value.headers["x-request-id"]
    assert (caught.value.body["error"]["code"], caught.value.body["error"]["param"]) == (code, param)


def test_an_unknown_key_is_unauthorized(server: Running, http: httpx.Client) -> None:
    with pytest.raises(cohere.UnauthorizedError) as caught:
        connected(server, "pk_test_unknown00_" + "0" * 32, http).rerank(model=FAKE, query=QUERY, documents=DOCUMENTS)
    assert caught.value.body["error"]["code"] == "authentication_failed"


def test_an_empty_wallet_is_a_402_that_is_sent_once(server: Running) -> None:
    sent: list[httpx.Request] = []
    broke = server.accounts.create_key("broke-ranker")
    with httpx.Client(event_hooks={"request": [sent.append]}) as http, pytest.raises(ApiError) as caught:
        connected(server, broke, http).rerank(model=FAKE, query=QUERY, documents=DOCUMENTS)
    assert (caught.value.status_code, caught.value.body["error"]["code"]) == (402, "insufficient_credit")
    assert len(sent) == 1
