"""What holds for every Provider, whatever it speaks to: one suite over all the wire protocols."""

import asyncio
import copy
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import orjson
import pytest
from openai.types import CreateEmbeddingResponse, ImagesResponse
from openai.types.audio import Transcription
from openai.types.chat import ChatCompletion

from greatrouter_serving.call import Call, Provider, Reply
from greatrouter_serving.errors import InvalidInput, UpstreamFailed, UpstreamRejected
from greatrouter_serving.providers.payload import endpoint_of
from tests.serving.conformance import (
    CALLS,
    CHAT_KINDS,
    DOCUMENTS,
    FAILURES,
    IMAGE_KINDS,
    PEERS,
    TASKS,
    assert_discreet,
    changed,
    every_kind,
    every_peer,
    every_remote,
    key_of,
    refusal,
    run,
    target_of,
)
from tests.serving.fake_provider import Answer, FakeServer, Received
from tests.serving.peers.peer import Peer

EXPECTED = {"openai", "anthropic", "gemini", "cohere", "replicate", "sandbox"}


def test_every_adapter_is_in_the_suite() -> None:
    assert {peer.name for peer in PEERS} == EXPECTED
    assert {kind for peer in PEERS for kind in peer.answers} == set(CALLS)


def answer_of(peer: Peer, kind: str, *answers: Answer, timeout_s: float = 5.0) -> Reply:
    async def act(provider: Provider, _: FakeServer) -> Reply:
        assert provider.name
        reply = await provider.call(target_of(peer), CALLS[kind], timeout_s)
        await provider.close()
        await provider.close()
        return reply

    reply: Reply = run(peer, *(answers or peer.answers[kind]), act=act)
    return reply


def failure_of(
    peer: Peer, call: Call, *answers: Answer, timeout_s: float = 5.0, hang_up: bool = False
) -> tuple[UpstreamFailed | UpstreamRejected, list[Received]]:
    """The error of a call, which shows neither our key nor where the server is, and what the server was asked."""

    async def act(provider: Provider, server: FakeServer) -> tuple[UpstreamFailed | UpstreamRejected, list[Received]]:
        if hang_up:
            server.hang_up()
        with pytest.raises(FAILURES) as caught:
            await provider.call(target_of(peer), call, timeout_s)
        return caught.value, list(server.requests)

    error, requests = run(peer, *answers, act=act)
    assert_discreet(peer, error)
    return error, requests


# What every answer is


@every_kind
def test_an_answer_is_a_json_object_in_openai_s_shape(peer: Peer, kind: str) -> None:
    before = copy.deepcopy(CALLS[kind])
    reply = answer_of(peer, kind)
    document = orjson.loads(reply.body)
    assert isinstance(document, dict)
    assert not document.get("error")
    assert CALLS[kind] == before
    SHAPES[kind](document)


def chat_shape(document: dict[str, Any]) -> None:
    # OpenAI's own types, as strict as their client is lenient.
    completion = ChatCompletion.model_validate(document)
    assert completion.choices[0].message.role == "assistant"
    assert completion.choices[0].message.content
    assert completion.usage
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens


def images_shape(document: dict[str, Any]) -> None:
    # Usage goes by our own rules: OpenAI's own type wants details that few servers count.
    images = ImagesResponse.model_validate({**document, "usage": None})
    assert images.data
    assert all(image.url or image.b64_json for image in images.data)


def embeddings_shape(document: dict[str, Any]) -> None:
    embeddings = CreateEmbeddingResponse.model_validate(document)
    assert [row.index for row in embeddings.data] == [0, 1]
    assert embeddings.usage.total_tokens >= embeddings.usage.prompt_tokens


def rerank_shape(document: dict[str, Any]) -> None:
    results = document["results"]
    assert sorted(result["index"] for result in results) == [0, 1]
    scores = [result["relevance_score"] for result in results]
    assert scores == sorted(scores, reverse=True)


def sound_shape(document: dict[str, Any]) -> None:
    assert document["audio"].get("data") or document["audio"]["url"]
    assert document["audio"]["format"]


def film_shape(document: dict[str, Any]) -> None:
    assert (document["object"], document["status"]) == ("video", "completed")
    assert document["id"]
    assert all(film.get("url") or film["b64_json"] for film in document["data"])
    assert document["data"]


def transcript_shape(document: dict[str, Any]) -> None:
    assert Transcription.model_validate(document).text


SHAPES = {
    **dict.fromkeys(CHAT_KINDS, chat_shape),
    **dict.fromkeys(IMAGE_KINDS, images_shape),
    "speech": sound_shape,
    "music": sound_shape,
    "transcription": transcript_shape,
    "video": film_shape,
    "embeddings": embeddings_shape,
    "rerank": rerank_shape,
}


@every_kind
def test_usage_is_in_the_task_s_units(peer: Peer, kind: str) -> None:
    reply = answer_of(peer, kind)
    usage = reply.usage
    assert 0 <= usage.cached_tokens <= usage.prompt_tokens
    assert 0 <= usage.reasoning_tokens <= usage.completion_tokens
    assert usage.images == (kind in IMAGE_KINDS)
    assert usage.documents == (len(DOCUMENTS) if kind == "rerank" else 0)
    assert usage.characters == (len("Good morning") if kind == "speech" else 0)
    assert usage.searches == (kind == "web_search") or kind == "rerank"
    assert usage.seconds >= 0
    assert (usage.seconds > 0) == (kind in {"video", "music"}) or kind == "transcription"
    if kind in CHAT_KINDS:
        counts = orjson.loads(reply.body)["usage"]
        assert usage.prompt_tokens == counts["prompt_tokens"] > 0
        assert usage.completion_tokens == counts["completion_tokens"] > 0


@every_kind
def test_the_same_request_is_sent_each_time(peer: Peer, kind: str) -> None:
    async def act(provider: Provider, server: FakeServer) -> list[Received]:
        for _ in range(2):
            await provider.call(target_of(peer), CALLS[kind], 5.0)
        return server.requests

    answers = peer.answers[kind]
    requests = run(peer, *answers, *answers, act=act)
    first, second = requests[: len(answers)], requests[len(answers) :]
    sent = [(request.method, request.path) for request in first]
    assert sent == [(request.method, request.path) for request in second]
    for one, other in zip(first, second, strict=True):
        # Only the border between the parts of a form differs.
        border, other_border = (r.headers.get("content-type", "").partition("boundary=")[2] for r in (one, other))
        assert one.body.replace(border.encode(), b"-") == other.body.replace(other_border.encode(), b"-")


@every_peer
def test_a_complete_answer_comes_even_where_a_stream_was_asked_for(peer: Peer) -> None:
    if "text" not in peer.answers:
        pytest.skip("does not chat")
    call = Call("text", "Hi", {"stream": True, "stream_options": {"include_usage": True}})

    async def act(provider: Provider, _: FakeServer) -> Reply:
        return await provider.call(target_of(peer), call, 5.0)

    chat_shape(orjson.loads(run(peer, *peer.answers["text"], act=act).body))


@every_peer
def test_a_task_that_it_does_not_do_moves_on_without_a_request(peer: Peer) -> None:
    done = {CALLS[kind].task for kind in peer.answers}
    for task in set(TASKS) - done:
        failed, requests = failure_of(peer, CALLS[task], Answer())
        assert isinstance(failed, UpstreamFailed)
        assert re.search(f"{task}|{endpoint_of(CALLS[task]).operation}", str(failed)), str(failed)
        assert not requests


@every_peer
@pytest.mark.parametrize(
    "call",
    [
        Call("dance", "x"),
        Call("rerank", "fruit"),
        Call("rerank", "fruit", {"documents": []}),
        Call("rerank", "fruit", {"documents": "apples"}),
        Call("text", "x", {"seed": 2**70}),
        Call("text", "x", {"messages": [{"role": "user", "content": "\ud800"}]}),
        Call("image", "\ud800"),
        Call("embeddings", "\ud800"),
        Call("speech", "x", {"file": "%%%"}),
    ],
)
def test_input_that_cannot_be_sent_is_refused_with_advice(peer: Peer, call: Call) -> None:
    if call.task != "dance" and endpoint_of(call) not in {endpoint_of(CALLS[kind]) for kind in peer.answers}:
        pytest.skip("does not do this task")
    kind = next((kind for kind in peer.answers if CALLS[kind].task == call.task), next(iter(peer.answers)))
    # The sandbox decodes no file; a protocol that has no such field leaves it out.
    lenient = "file" in call.input if peer.name == "sandbox" else "seed" in call.input and peer.name != "openai"

    async def act(provider: Provider, server: FakeServer) -> list[Received]:
        with suppress(InvalidInput) if lenient else pytest.raises(InvalidInput, match=r"expected|needs|use |base64"):
            await provider.call(target_of(peer), call, 5.0)
        return server.requests

    for request in run(peer, *peer.answers[kind], act=act):
        assert b"1180591620717411303424" not in request.body


MARKED: dict[str, Callable[[dict[str, Any]], str]] = {
    "text": lambda document: document["choices"][0]["message"]["content"],
    "image": lambda document: document["data"][0]["url"],
    "rerank": lambda document: document["id"],
}


@every_peer
def test_many_calls_at_once_do_not_mix(peer: Peer) -> None:
    kind = next(kind for kind in MARKED if kind in peer.answers)
    mark = MARKED[kind]

    async def act(provider: Provider, _: FakeServer) -> list[Reply]:
        calls = [Call(kind, f"https://example.com/question-{i};", {"documents": DOCUMENTS}) for i in range(20)]
        return list(await asyncio.gather(*(provider.call(target_of(peer), call, 5.0) for call in calls)))

    answers = peer.answers[kind]
    if answers:
        usual = orjson.dumps(mark(orjson.loads(answer_of(peer, kind).body)))[1:-1]

        def with_question(answer: Answer, request: Received) -> Answer:
            found = re.search(rb"https://example.com/question-\d+;", request.body)
            assert found
            assert usual in answer.body
            return replace(answer, body=answer.body.replace(usual, found[0]))

        answers = (changed(answers[-1], with_question),)
    for i, reply in enumerate(run(peer, *answers, act=act)):
        assert f"question-{i};" in mark(orjson.loads(reply.body))


@every_remote
def test_a_connection_serves_one_call_after_the_other(peer: Peer) -> None:
    kind = next(iter(peer.answers))

    async def act(provider: Provider, server: FakeServer) -> int:
        for _ in range(3):
            await provider.call(target_of(peer), CALLS[kind], 5.0)
        return server.connections

    assert run(peer, peer.answers[kind][-1], act=act) == 1


# What goes wrong before there is an answer


@every_remote
@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529, 401, 402, 403, 404])
def test_these_statuses_move_on(peer: Peer, status: int) -> None:
    refused = refusal(peer, status, f"not now, {key_of(peer)}")
    answer = replace(refused, headers={"Retry-After": "7"})
    for kind in peer.answers:
        failed, requests = failure_of(peer, CALLS[kind], answer)
        assert isinstance(failed, UpstreamFailed), kind
        assert failed.status == status, kind
        assert str(status) in str(failed), kind
        assert len(requests) == 1, f"{kind} was tried again: that is the chain's to decide"


@every_remote
@pytest.mark.parametrize("status", [400, 413, 422])
def test_these_statuses_blame_the_request(peer: Peer, status: int) -> None:
    refused = refusal(peer, status, f"width must be at most 2 (for {key_of(peer)})")
    for kind in peer.answers:
        error, requests = failure_of(peer, CALLS[kind], refused)
        assert isinstance(error, UpstreamRejected), kind
        assert error.status == status, kind
        assert "width must be at most 2" in str(error), kind
        assert "[redacted]" in str(error), kind
        assert len(requests) == 1, kind


@every_remote
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(peer: Peer, status: int) -> None:
    for kind in peer.answers:
        failed, requests = failure_of(peer, CALLS[kind], Answer(status=status, headers={"Location": "/elsewhere"}))
        assert isinstance(failed, UpstreamFailed), kind
        assert len(requests) == 1, kind


def half(answer: Answer) -> bytes:
    return answer.body[: len(answer.body) // 2]


def truncated(answer: Answer, _: Received) -> Answer:
    return Answer(half(answer) if answer.content_type == "application/json" else b"{")


NOTHING: dict[str, Callable[[Peer, Answer], Answer]] = {
    "reset": lambda _, __: Answer(ending="reset"),
    "empty": lambda _, __: Answer(b""),
    "no content": lambda _, __: Answer(b"", 204),
    "html": lambda _, __: Answer(b"<html><body>Bad gateway</body></html>", content_type="text/html"),
    "html that says json": lambda _, __: Answer(b"<html></html>"),
    "a list": lambda _, __: Answer(b"[1, 2]"),
    "a number": lambda _, __: Answer(b"1"),
    "null": lambda _, __: Answer(b"null"),
    "an empty object": lambda _, __: Answer(b"{}"),
    "truncated": lambda _, good: changed(good, truncated),
    "cut": lambda _, good: changed(good, lambda answer, _: Answer(half(answer), ending="cut")),
    "cut chunk": lambda _, good: changed(good, lambda answer, _: Answer(pieces=(half(answer),), ending="cut")),
    "an error with status 200": lambda peer, _: Answer(refusal(peer, 500, "overloaded").body),
    "not gzip": lambda _, __: Answer(headers={"Content-Encoding": "gzip"}, pieces=(b"not gzip",)),
    "not http": lambda _, __: Answer(b"{}", headers={"Content-Length": "x"}),
}


@every_remote
@pytest.mark.parametrize("fault", NOTHING)
def test_an_answer_that_is_none_moves_on(peer: Peer, fault: str) -> None:
    for kind in peer.answers:
        failed, _ = failure_of(peer, CALLS[kind], NOTHING[fault](peer, peer.answers[kind][-1]))
        assert isinstance(failed, UpstreamFailed), kind
        assert failed.status is None, kind


@every_remote
def test_nobody_at_home_moves_on(peer: Peer) -> None:
    for kind in peer.answers:
        failed, _ = failure_of(peer, CALLS[kind], Answer(), hang_up=True)
        assert isinstance(failed, UpstreamFailed), kind
        assert "cannot be reached" in str(failed), kind


@every_remote
@pytest.mark.parametrize("answer", [Answer(ending="hang"), Answer(pieces=(b"{",), ending="hang")])
def test_silence_times_out(peer: Peer, answer: Answer) -> None:
    for kind in peer.answers:
        failed, _ = failure_of(peer, CALLS[kind], answer, timeout_s=0.05)
        assert isinstance(failed, UpstreamFailed), kind
        assert "did not answer within 0.05 s" in str(failed), kind


@every_remote
def test_a_caller_who_leaves_leaves_no_request_behind(peer: Peer) -> None:
    kind = next(iter(peer.answers))

    async def act(provider: Provider, server: FakeServer) -> None:
        task = asyncio.create_task(provider.call(target_of(peer), CALLS[kind], 60.0))
        await server.arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.client_left.wait()

    run(peer, Answer(ending="hang"), act=act)


@every_peer
def test_no_key_is_in_the_provider_s_own_words(peer: Peer) -> None:
    async def act(provider: Provider, _: FakeServer) -> str:
        return f"{provider} {provider!r}"

    shown = run(peer, Answer(), act=act)
    assert peer.name == "sandbox" or key_of(peer) not in shown
