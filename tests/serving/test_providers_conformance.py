"""What holds for every Provider, whatever it speaks to."""

import asyncio
import copy
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import orjson
import pytest

from greatrouter_serving.call import Call, Provider, Reply, Target
from greatrouter_serving.errors import InvalidInput, UpstreamFailed
from greatrouter_serving.providers.openai import OpenAIProvider
from greatrouter_serving.providers.sandbox import SandboxProvider
from greatrouter_serving.providers.session import open_session
from greatrouter_serving.sse import EventSplitter, data_of, find_usage
from tests.serving.fake_provider import COMPLETION, Answer, event_answer, fake_server, json_answer

TARGET = Target("lab/small", "lab", "small")
DOCUMENTS = ["apples", "pears"]
CALLS = {
    "text": Call("text", "Say hello"),
    "code": Call("code", "Sort a list", {"temperature": 0}),
    "web_search": Call("web_search", "Who won?", {"messages": [{"role": "user", "content": "Who won?"}]}),
    "image": Call("image", "A red boat"),
    "speech": Call("speech", "Good morning"),
    "transcription": Call("speech", "Write this down", {"file": "UklGRg=="}),
    "video": Call("video", "Waves"),
    "embeddings": Call("embeddings", "apple", {"input": ["apple", "pear"]}),
    "rerank": Call("rerank", "fruit", {"query": "apples", "documents": DOCUMENTS}),
}
ANSWERS = {
    "image": json_answer({"created": 1, "data": [{"b64_json": "AA=="}]}),
    "speech": Answer(b"ID3sound", content_type="audio/mpeg"),
    "transcription": json_answer({"text": "good morning"}),
    "video": json_answer({"id": "v1", "object": "video", "status": "completed", "seconds": "4", "data": [{}]}),
    "embeddings": json_answer({"data": [{"embedding": [0.1]}, {"embedding": [0.2]}], "usage": {"prompt_tokens": 2}}),
    "rerank": json_answer({"results": [{"index": 0, "relevance_score": 0.9}]}),
}
CHUNK = {"choices": [{"delta": {"content": "Hi"}}], "usage": None}
STREAM = event_answer(
    b"data: " + orjson.dumps(CHUNK) + b"\n\n",
    b"data: " + orjson.dumps({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 1}}) + b"\n\n",
    b"data: [DONE]\n\n",
)
Open = Callable[[Answer], AbstractAsyncContextManager[Any]]


@asynccontextmanager
async def openai(answer: Answer) -> AsyncIterator[OpenAIProvider]:
    async with fake_server(answer) as server, open_session() as session:
        yield OpenAIProvider("lab", server.url, "sk-secret", session)


@asynccontextmanager
async def sandbox(_: Answer) -> AsyncIterator[SandboxProvider]:
    yield SandboxProvider()


every_provider = pytest.mark.parametrize("open_provider", [openai, sandbox])


def answer_of(open_provider: Open, call: Call, answer: Answer) -> Reply:
    async def main() -> Reply:
        async with open_provider(answer) as provider:
            typed: Provider = provider
            assert typed.name
            reply = await typed.call(TARGET, call, 5.0)
            await typed.close()
            await typed.close()
            return reply

    return asyncio.run(main())


@every_provider
@pytest.mark.parametrize("kind", CALLS)
def test_an_answer_is_a_json_object_with_usage(open_provider: Open, kind: str) -> None:
    call = CALLS[kind]
    before = copy.deepcopy(call)
    reply = answer_of(open_provider, call, ANSWERS.get(kind, json_answer(COMPLETION)))
    document = orjson.loads(reply.body)
    assert isinstance(document, dict)
    assert not document.get("error")
    assert call == before
    usage = reply.usage
    assert 0 <= usage.cached_tokens <= usage.prompt_tokens
    assert 0 <= usage.reasoning_tokens <= usage.completion_tokens
    assert usage.searches == (kind == "web_search")
    assert usage.images == (kind == "image")
    assert usage.documents == (len(DOCUMENTS) if kind == "rerank" else 0)
    assert usage.characters == (len("Good morning") if kind == "speech" else 0)
    assert (usage.seconds > 0) == (kind == "video")


@every_provider
def test_a_complete_answer_comes_even_where_a_stream_was_asked_for(open_provider: Open) -> None:
    call = Call("text", "Hi", {"stream": True, "stream_options": {"include_usage": True}})
    reply = answer_of(open_provider, call, json_answer(COMPLETION))
    assert orjson.loads(reply.body)["choices"][0]["message"]["role"] == "assistant"


@every_provider
@pytest.mark.parametrize(
    "call",
    [
        Call("dance", "x"),
        Call("rerank", "fruit"),
        Call("rerank", "fruit", {"documents": []}),
        Call("rerank", "fruit", {"documents": "apples"}),
        Call("text", "x", {"seed": 2**70}),
        Call("text", "x", {"messages": [{"role": "user", "content": "\ud800"}]}),
    ],
)
def test_input_that_cannot_be_sent_is_refused_with_advice(open_provider: Open, call: Call) -> None:
    with pytest.raises(InvalidInput, match=r"expected|needs|use "):
        answer_of(open_provider, call, json_answer(COMPLETION))


@every_provider
def test_a_stream_is_events_with_usage_and_an_end(open_provider: Open) -> None:
    async def main() -> bytes:
        async with open_provider(STREAM) as provider:
            return b"".join([piece async for piece in provider.stream(TARGET, CALLS["text"], 5.0)])

    splitter = EventSplitter()
    frames = splitter.feed(asyncio.run(main()))
    assert splitter.flush() == b""
    data = [data_of(frame) for frame in frames]
    assert data[-1] == b"[DONE]"
    assert all(isinstance(orjson.loads(item or b"0"), dict) for item in data[:-1])
    usages = [usage for usage in map(find_usage, frames) if usage]
    assert len(usages) == 1
    assert usages[0]["prompt_tokens"] > 0


@every_provider
def test_only_chat_streams(open_provider: Open) -> None:
    async def main() -> None:
        async with open_provider(STREAM) as provider:
            async for _ in provider.stream(TARGET, CALLS["image"], 5.0):
                pytest.fail("an image came as a stream")

    with pytest.raises(UpstreamFailed, match="streams chat only"):
        asyncio.run(main())


@every_provider
def test_many_calls_at_once_do_not_mix(open_provider: Open) -> None:
    async def main() -> list[Reply]:
        async with open_provider(Answer(echo=True)) as provider:
            calls = (provider.call(TARGET, Call("text", f"question {i};"), 5.0) for i in range(20))
            return list(await asyncio.gather(*calls))

    for i, reply in enumerate(asyncio.run(main())):
        assert f"question {i};" in orjson.loads(reply.body)["choices"][0]["message"]["content"]
