"""Cohere, version 2: rerank and embeddings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from greatrouter_serving.providers.cohere import CohereProvider
from greatrouter_serving.providers.session import open_session
from tests.serving.fake_provider import Answer, FakeServer, fake_server, json_answer
from tests.serving.peers.peer import Peer

KEY = "co-0123456789abcdef0123456789"
META = {"api_version": {"version": "2"}}


@asynccontextmanager
async def cohere(*answers: Answer) -> AsyncIterator[tuple[CohereProvider, FakeServer]]:
    async with fake_server(*answers) as server, open_session() as session:
        yield CohereProvider("cohere", server.url.removesuffix("/v1"), KEY, session), server


def refusal(status: int, message: str) -> Answer:
    return json_answer({"id": "1bf8a9b1-0000-4000-8000-3c1f7c4a9a51", "message": message}, status)


PEER = Peer(
    name="cohere",
    open=cohere,
    answers={
        "rerank": (
            json_answer(
                {
                    "id": "07734bd2-2473-4f07-94e1-0d9f0e6843cf",
                    "results": [{"index": 0, "relevance_score": 0.999071}, {"index": 1, "relevance_score": 0.327}],
                    "meta": {**META, "billed_units": {"search_units": 1.0}},
                }
            ),
        ),
        "embeddings": (
            json_answer(
                {
                    "id": "da6e531f-54c5-4a73-bf92-f60566d8d753",
                    "embeddings": {"float": [[0.016296387, -0.008354187], [0.04663086, -0.023239136]]},
                    "texts": ["apple", "pear"],
                    "meta": {**META, "billed_units": {"input_tokens": 2.0}},
                    "response_type": "embeddings_by_type",
                }
            ),
        ),
    },
    refusal=refusal,
)
