import asyncio
import base64
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greatrouter_serving.call import Call, Reply, Target, Usage
from greatrouter_serving.errors import InvalidInput, UpstreamFailed, UpstreamRejected
from greatrouter_serving.providers.cohere import MAX_TEXTS_A_CALL, CohereProvider
from greatrouter_serving.providers.session import open_session
from greatrouter_serving.providers.transport import MAX_BYTES_IN_LOOP
from tests.serving.fake_cohere import KEY, META, cohere_answer, vector_of
from tests.serving.fake_provider import Answer, Received, fake_server, json_answer

TARGET = Target("cohere/embed", "cohere", "embed-v4.0")
REAL = Answer(reply=cohere_answer)


def run(
    call: Call,
    *answers: Answer,
    key: str = KEY,
    target: Target = TARGET,
    address: str = "",
    timeout_s: float = 5.0,
) -> tuple[Reply, list[Received]]:
    """The reply, and what the server saw. `address` is what stands behind the host."""

    async def main() -> tuple[Reply, list[Received]]:
        async with fake_server(*(answers or (REAL,))) as server, open_session() as session:
            provider = CohereProvider("cohere", server.url.removesuffix("/v1") + address, key, session)
            return await provider.call(target, call, timeout_s), server.requests

    return asyncio.run(main())


def embedded(count: int, **fields: Any) -> tuple[Reply, list[Received]]:
    return run(Call("embeddings", "x", {"input": [f"text {i}" for i in range(count)], **fields}))


# Rerank


def test_a_ranking_is_asked_for_with_what_cohere_knows_and_nothing_else() -> None:
    fields = {
        "query": "red fruit",
        "documents": ["an engine", {"text": "red fruit"}, "fruit"],
        "top_n": 2,
        "max_tokens_per_doc": 512,
        "return_documents": True,
        "rank_fields": ["text"],
        "user": "somebody",
        "model": "router",
        "priority": None,
    }
    reply, [request] = run(Call("rerank", "ignored", fields))
    assert (request.method, request.path) == ("POST", "/v2/rerank")
    assert request.json() == {
        "model": "embed-v4.0",
        "query": "red fruit",
        "documents": ["an engine", "red fruit", "fruit"],
        "top_n": 2,
        "max_tokens_per_doc": 512,
    }
    results = orjson.loads(reply.body)["results"]
    assert results == [{"index": 1, "relevance_score": 0.2}, {"index": 2, "relevance_score": 0.1}]
    assert reply.usage == Usage(documents=3, searches=1)


def test_the_prompt_is_the_query_where_there_is_none() -> None:
    _, [request] = run(Call("rerank", "red fruit", {"documents": ["fruit"]}))
    assert request.json()["query"] == "red fruit"


def test_search_units_are_what_cohere_bills() -> None:
    reply, _ = run(Call("rerank", "red fruit", {"documents": ["fruit"] * 250}))
    assert reply.usage == Usage(documents=250, searches=3)


@pytest.mark.parametrize("document", [5, None, ["fruit"], {"title": "fruit"}, {"text": 5}])
def test_documents_are_texts(document: object) -> None:
    with pytest.raises(InvalidInput, match="needs each of"):
        run(Call("rerank", "red fruit", {"documents": ["fruit", document]}))


# Embeddings


@pytest.mark.parametrize(
    ("fields", "texts"),
    [
        ({}, ["the prompt"]),
        ({"input": None}, ["the prompt"]),
        ({"input": "apple"}, ["apple"]),
        ({"input": ["apple", "pear"]}, ["apple", "pear"]),
        ({"texts": ["apple"]}, ["apple"]),
        ({"input": "apple", "texts": ["pear"]}, ["apple"]),
    ],
)
def test_texts_are_embedded_as_documents(fields: dict[str, Any], texts: list[str]) -> None:
    reply, [request] = run(Call("embeddings", "the prompt", fields))
    assert (request.method, request.path) == ("POST", "/v2/embed")
    assert request.json() == {
        "model": "embed-v4.0",
        "texts": texts,
        "input_type": "search_document",
        "embedding_types": ["float"],
    }
    tokens = sum(len(text.split()) for text in texts)
    assert orjson.loads(reply.body) == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": vector_of(text, 4)} for index, text in enumerate(texts)
        ],
        "model": "embed-v4.0",
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    assert reply.usage == Usage(prompt_tokens=tokens)


def test_parameters_go_by_cohere_s_names() -> None:
    fields = {
        "dimensions": 8,
        "input_type": "search_query",
        "truncate": "END",
        "user": "somebody",
        "encoding_format": "float",
    }
    reply, [request] = embedded(1, **fields)
    sent = request.json()
    assert (sent["output_dimension"], sent["input_type"], sent["truncate"]) == (8, "search_query", "END")
    assert not sent.keys() & {"user", "encoding_format", "dimensions", "input"}
    assert len(orjson.loads(reply.body)["data"][0]["embedding"]) == 8


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 5 * MAX_TEXTS_A_CALL) | st.sampled_from([MAX_TEXTS_A_CALL, MAX_TEXTS_A_CALL + 1]))
def test_long_lists_are_split_and_joined_in_order(count: int) -> None:
    reply, requests = embedded(count)
    rows = orjson.loads(reply.body)["data"]
    assert [row["index"] for row in rows] == list(range(count))
    assert [row["embedding"] for row in rows] == [vector_of(f"text {i}", 4) for i in range(count)]
    assert reply.usage.prompt_tokens == 2 * count
    assert len(requests) == -(-count // MAX_TEXTS_A_CALL)


def test_base64_is_little_endian_float32() -> None:
    reply, _ = embedded(2, encoding_format="base64")
    for i, row in enumerate(orjson.loads(reply.body)["data"]):
        vector = np.frombuffer(base64.b64decode(row["embedding"]), "<f4")
        assert vector.tolist() == pytest.approx(vector_of(f"text {i}", 4))


def test_large_answers_are_read_like_small_ones() -> None:
    reply, _ = embedded(MAX_TEXTS_A_CALL, dimensions=1536)
    assert len(reply.body) > MAX_BYTES_IN_LOOP
    rows = orjson.loads(reply.body)["data"]
    assert rows[-1]["embedding"] == vector_of(f"text {MAX_TEXTS_A_CALL - 1}", 1536)


@pytest.mark.parametrize("given_input", [[1, 2, 3], [[1], [2]], [], "", ["apple", ""], ["apple", None], 5, {"a": 1}])
def test_only_texts_can_be_embedded(given_input: object) -> None:
    with pytest.raises(InvalidInput, match="Cohere needs input to be a text"):
        run(Call("embeddings", "x", {"input": given_input}))


@pytest.mark.parametrize(
    "embeddings",
    [
        [[0.5], [0.5]],
        {},
        {"float": None},
        {"int8": [[1], [2]]},
        {"float": [[0.5]]},
        {"float": [[0.5], [0.5], [0.5]]},
        {"float": [[0.5], []]},
        {"float": [[0.5], ["x"]]},
        {"float": [[0.5], [True]]},
        {"float": [[0.5], None]},
        {"float": "xx"},
    ],
)
def test_malformed_embeddings_move_on(embeddings: object) -> None:
    call = Call("embeddings", "x", {"input": ["apple", "pear"]})
    with pytest.raises(UpstreamFailed, match="malformed answer"):
        run(call, json_answer({"id": "1", "embeddings": embeddings, "meta": META}))


@pytest.mark.parametrize("meta", [None, 5, {}, {"billed_units": [3]}, {"billed_units": {"input_tokens": -1}}])
def test_a_garbled_bill_costs_nothing(meta: object) -> None:
    answer = json_answer({"embeddings": {"float": [[0.5]]}, "meta": meta})
    assert run(Call("embeddings", "apple"), answer)[0].usage == Usage()


def test_a_failure_of_one_part_is_the_failure_of_all() -> None:
    asked = 0

    def second_fails(request: Received) -> Answer:
        nonlocal asked
        asked += 1
        return json_answer({"message": "trial keys are limited"}, 429) if asked == 2 else cohere_answer(request)

    call = Call("embeddings", "x", {"input": ["apple"] * 5 * MAX_TEXTS_A_CALL})
    with pytest.raises(UpstreamFailed, match="trial keys are limited") as caught:
        run(call, Answer(reply=second_fails))
    assert caught.value.status == 429


def test_the_time_limit_holds_for_all_parts_together() -> None:
    call = Call("embeddings", "x", {"input": ["apple"] * 9 * MAX_TEXTS_A_CALL})
    with pytest.raises(UpstreamFailed, match=r"within 0\.1 s"):
        run(call, *[REAL] * 8, Answer(ending="hang"), timeout_s=0.1)


def test_a_caller_who_leaves_closes_every_connection() -> None:
    async def main() -> None:
        async with fake_server(Answer(ending="hang")) as server, open_session() as session:
            provider = CohereProvider("cohere", server.url, KEY, session)
            call = Call("embeddings", "x", {"input": ["apple"] * 200})
            task = asyncio.create_task(provider.call(TARGET, call, 60.0))
            await server.arrived.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            async with asyncio.timeout(5):
                await server.client_left.wait()

    asyncio.run(main())


# Where, and with which key


@pytest.mark.parametrize("address", ["", "/", "/v2", "/v2/", "/v1"])
def test_the_base_url_may_name_the_version(address: str) -> None:
    for call, path in (
        (Call("embeddings", "apple"), "/v2/embed"),
        (Call("rerank", "x", {"documents": ["a"]}), "/v2/rerank"),
    ):
        assert run(call, address=address)[1][0].path == path


def test_no_base_url_is_cohere_itself() -> None:
    async def main() -> None:
        async with open_session() as session:
            provider = CohereProvider("cohere", None, KEY, session)
            assert provider.name == "cohere"

    asyncio.run(main())


@pytest.mark.parametrize("call", [Call("embeddings", "apple"), Call("rerank", "x", {"documents": ["a"]})])
def test_a_wrong_key_is_ours(call: Call) -> None:
    with pytest.raises(UpstreamFailed, match="refused our key") as caught:
        run(call, key="co-wrong")
    assert caught.value.status == 401


@pytest.mark.parametrize("call", [Call("embeddings", "apple"), Call("rerank", "x", {"documents": ["a"]})])
def test_an_invalid_token_is_ours_too(call: Call) -> None:
    """498 is Cohere's own."""
    with pytest.raises(UpstreamFailed) as caught:
        run(call, json_answer({"message": f"invalid token {KEY[:8]}"}, 498))
    assert str(caught.value) == "cohere refused our key (status 498)"
    assert caught.value.status == 498
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("call", [Call("embeddings", "apple"), Call("rerank", "x", {"documents": ["a"]})])
@pytest.mark.parametrize("status", [499, 501])
def test_other_statuses_of_cohere_move_on(call: Call, status: int) -> None:
    with pytest.raises(UpstreamFailed) as caught:
        run(call, json_answer({"id": "1", "message": "gone"}, status))
    assert caught.value.status == status


def test_a_model_that_is_gone_moves_on() -> None:
    with pytest.raises(UpstreamFailed, match="make sure the correct model"):
        run(Call("embeddings", "apple"), target=Target("cohere/gone", "cohere", "gone"))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (Call("embeddings", "apple", {"input_type": "poem"}), "valid input_type must be provided"),
        (Call("embeddings", "apple", {"dimensions": 0}), "is no output_dimension"),
        (Call("rerank", " ", {"documents": ["a"]}), "query must not be empty"),
    ],
)
def test_what_cohere_refuses_is_told_in_its_words(call: Call, words: str) -> None:
    with pytest.raises(UpstreamRejected, match=words):
        run(call)


def test_chat_is_pointed_to_where_it_is() -> None:
    with pytest.raises(UpstreamFailed, match="configure kind openai"):
        run(Call("text", "Hello"))
