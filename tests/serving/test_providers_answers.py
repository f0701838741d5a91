"""Answers whose shape is wrong: each must move on to the next model, and the mendable ones be mended."""

import asyncio
import base64
from typing import Any

import orjson
import pytest

from greatrouter_serving.call import Call, Provider, Reply, Target
from greatrouter_serving.chain import run_chain
from greatrouter_serving.errors import UpstreamFailed
from greatrouter_serving.providers.openai import OpenAIProvider
from greatrouter_serving.providers.sandbox import SandboxProvider
from greatrouter_serving.providers.session import open_session
from greatrouter_serving.providers.transport import MAX_BYTES_IN_LOOP, MAX_CONTAINERS
from tests.serving.fake_provider import COMPLETION, Answer, fake_server, json_answer

TARGET = Target("lab/small", "lab", "small")
HELLO = Call("text", "Say hello")
TWO = Call("embeddings", "x", {"input": ["apple", "pear"]})
RANKING = Call("rerank", "fruit", {"documents": ["apple", "pear", "engine"]})
FOUR_BYTES = base64.b64encode(b"\0\0\x80?").decode()


def reply_to(call: Call, answer: Answer) -> Reply:
    async def main() -> Reply:
        async with fake_server(answer) as server, open_session() as session:
            return await OpenAIProvider("lab", server.url, None, session).call(TARGET, call, 5.0)

    return asyncio.run(main())


def rows(*embeddings: object) -> list[dict[str, object]]:
    return [{"index": place, "embedding": embedding} for place, embedding in enumerate(embeddings)]


def placed(*indices: object) -> list[dict[str, object]]:
    return [{"index": index, "embedding": [0.5]} for index in indices]


def scored(*pairs: tuple[object, object]) -> list[dict[str, object]]:
    return [{"index": index, "relevance_score": score} for index, score in pairs]


@pytest.mark.parametrize("choices", ["x", {"0": {}}, [None], ["x"], [{}, 1], 5])
def test_choices_must_be_objects(choices: object) -> None:
    with pytest.raises(UpstreamFailed, match="malformed answer: choices"):
        reply_to(HELLO, json_answer({"choices": choices}))


@pytest.mark.parametrize(
    "data",
    [
        "x",
        {"embedding": [0.5]},
        rows([0.5]),
        rows([0.5], [0.5], [0.5]),
        [[0.5], [0.5]],
        [{}, {}],
        rows([0.5], []),
        rows([0.5], None),
        rows([0.5], ["x"]),
        rows([0.5], [True]),
        rows([0.5], [None]),
        rows([0.5], ""),
        rows([0.5], "%%%"),
        rows([0.5], "é"),
        placed(0, 0),
        placed(1, 2),
        placed(-1, 0),
        placed("0", "1"),
        placed(False, 1),
        placed(0.0, 1),
        placed(1, None),
    ],
)
def test_malformed_embeddings_move_on(data: object) -> None:
    with pytest.raises(UpstreamFailed, match="malformed answer"):
        reply_to(TWO, json_answer({"data": data}))


@pytest.mark.parametrize(
    "data", [rows([0.5, 1], [0, 2]), rows(FOUR_BYTES, FOUR_BYTES), placed(None, None), [{"embedding": [1]}] * 2]
)
def test_sound_embeddings_come_back_byte_for_byte(data: object) -> None:
    body = b" " + orjson.dumps({"data": data, "usage": {"total_tokens": 4}}) + b"\n"
    reply = reply_to(TWO, Answer(body))
    assert reply.body == body
    assert reply.usage.prompt_tokens == 4


@pytest.mark.parametrize(
    ("given_input", "count"),
    [("apple", 1), (None, 1), ([1, 2, 3], 1), ([[1], [2]], 2), (["a", "b", "c"], 3), ([{"text": "a"}], 1)],
)
def test_there_is_one_vector_for_each_input(given_input: object, count: int) -> None:
    call = Call("embeddings", "x", {"input": given_input})
    assert reply_to(call, json_answer({"data": placed(*range(count))})).body
    with pytest.raises(UpstreamFailed, match=f"a list of {count} objects"):
        reply_to(call, json_answer({"data": placed(*range(count + 1))}))


def test_shuffled_embeddings_are_put_in_order() -> None:
    shuffled = {"object": "list", "data": list(reversed(rows([0.25], [0.75]))), "usage": {"prompt_tokens": 2}}
    reply = reply_to(TWO, json_answer(shuffled))
    assert orjson.loads(reply.body) == {**shuffled, "data": rows([0.25], [0.75])}
    assert reply.usage.prompt_tokens == 2


@pytest.mark.parametrize("key", ["results", "data"])
@pytest.mark.parametrize(
    "results",
    [
        "x",
        {"index": 0},
        [0.5],
        [{}],
        scored((3, 0.5)),
        scored((-1, 0.5)),
        scored((0, 0.5), (0, 0.4)),
        scored((True, 0.5)),
        scored(("0", 0.5)),
        scored((0.0, 0.5)),
        scored((None, 0.5)),
        scored(([], 0.5)),
        scored((0, None)),
        scored((0, "0.5")),
        scored((0, True)),
    ],
)
def test_a_malformed_ranking_moves_on(key: str, results: object) -> None:
    with pytest.raises(UpstreamFailed, match="malformed answer"):
        reply_to(RANKING, json_answer({key: results}))


def test_scores_beyond_numbers_are_malformed() -> None:
    for score in (b"NaN", b"Infinity", b"1e999"):
        with pytest.raises(UpstreamFailed, match="malformed answer"):
            reply_to(RANKING, Answer(b'{"results": [{"index": 0, "relevance_score": ' + score + b"}]}"))


def test_a_sound_ranking_comes_back_byte_for_byte() -> None:
    body = b" " + orjson.dumps({"results": scored((2, 0.5), (0, 0)), "meta": {"billed_units": {"search_units": 1}}})
    reply = reply_to(RANKING, Answer(body))
    assert reply.body == body
    assert (reply.usage.searches, reply.usage.documents) == (1, 3)


def test_a_ranking_under_data_is_translated() -> None:
    found: list[dict[str, Any]] = [{**result, "document": "x"} for result in scored((2, 0.5), (0, 0.25))]
    reply = reply_to(RANKING, json_answer({"object": "list", "data": found, "usage": {"total_tokens": 9}}))
    assert orjson.loads(reply.body) == {
        "object": "list",
        "results": scored((2, 0.5), (0, 0.25)),
        "usage": {"total_tokens": 9},
    }
    assert reply.usage.prompt_tokens == 9


def test_the_chain_goes_past_a_malformed_answer() -> None:
    async def main() -> list[str]:
        async with fake_server(json_answer({"results": scored((7, 0.5))})) as server, open_session() as session:
            providers: dict[str, Provider] = {
                "lab": OpenAIProvider("lab", server.url, None, session),
                "sandbox": SandboxProvider(),
            }
            targets = [TARGET, Target("lab/other", "sandbox", "other")]
            outcome = await run_chain(targets, RANKING, providers, timeout_s=5.0)
            return [attempt.error or attempt.provider for attempt in outcome.attempts]

    [failed, answered] = asyncio.run(main())
    assert "malformed" in failed
    assert answered == "sandbox"


def test_a_large_answer_is_read_like_a_small_one() -> None:
    content = "x" * (MAX_BYTES_IN_LOOP + 1)
    body = orjson.dumps({**COMPLETION, "choices": [{"message": {"content": content}}]})
    reply = reply_to(HELLO, Answer(body))
    assert reply.body == body
    assert reply.usage.prompt_tokens == 12
    with pytest.raises(UpstreamFailed, match="malformed answer: choices"):
        reply_to(HELLO, json_answer({"choices": [content]}))


def test_an_answer_of_very_many_values_is_not_parsed() -> None:
    body = b'{"choices":[' + b"[]," * MAX_CONTAINERS + b"[]]}"
    with pytest.raises(UpstreamFailed, match=f"more than {MAX_CONTAINERS} lists and objects"):
        reply_to(HELLO, Answer(body))
