"""Gemini's streams as OpenAI's callers see them."""

import asyncio
from contextlib import aclosing
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk

from greatrouter_serving.call import Call, Target
from greatrouter_serving.errors import UpstreamFailed
from greatrouter_serving.providers.gemini_stream import CompletionStream
from greatrouter_serving.sse import EventSplitter, data_of, find_usage
from tests.serving.fake_gemini import (
    HELLO,
    NOW_S,
    candidate,
    error_answer,
    error_document,
    frame,
    frames_of,
    gemini_answer,
    open_gemini,
    response,
    text,
)
from tests.serving.fake_provider import Answer, event_answer

MODEL = "gemini-2.5-flash"
TARGET = Target("lab/small", "lab", MODEL)
HI = Call("text", "Hi", {"stream": True, "stream_options": {"include_usage": True}})
FIRST = frame(response(candidate(text("Hel"), finish=None), usage={"promptTokenCount": 12, "candidatesTokenCount": 1}))
SECOND = frame(response(candidate(text("lo"), finish=None), usage={"promptTokenCount": 12, "candidatesTokenCount": 2}))
LAST = frame(response(candidate(text("!"))))
THOUGHT = text("Hm.", thought=True)
CALL = {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}, "thoughtSignature": "c2ln"}


def streamed(*answers: Answer, timeout_s: float = 5.0) -> tuple[list[bytes], UpstreamFailed | None]:
    """The pieces that came, and what ended them if it was a failure."""

    async def main() -> tuple[list[bytes], UpstreamFailed | None]:
        pieces: list[bytes] = []
        async with open_gemini(*answers) as (provider, _):
            try:
                async with aclosing(provider.stream(TARGET, HI, timeout_s)) as stream:
                    async for piece in stream:
                        pieces.append(piece)
            except UpstreamFailed as error:
                return pieces, error
        return pieces, None

    return asyncio.run(main())


def chunks_in(stream: bytes, ended: bool = True) -> list[dict[str, Any]]:
    """The chunks, each one sound."""
    splitter = EventSplitter()
    data = [data_of(frame) or b"" for frame in splitter.feed(stream)]
    assert splitter.flush() == b""
    if ended:
        assert data.pop() == b"[DONE]"
    assert b"[DONE]" not in data
    for item in data:
        ChatCompletionChunk.model_validate_json(item)
    return list(map(orjson.loads, data))


def chunks_of(*answers: Answer) -> list[dict[str, Any]]:
    pieces, error = streamed(*answers)
    assert error is None
    return chunks_in(b"".join(pieces))


def message_of(chunks: list[dict[str, Any]]) -> tuple[dict[str, Any], list[str]]:
    """What a caller puts together from the deltas, and why the answer ended."""
    message: dict[str, Any] = {}
    endings = []
    for chunk in chunks:
        for choice in chunk["choices"]:
            for name, value in choice["delta"].items():
                message[name] = message[name] + value if name in message else value
            endings += [choice["finish_reason"]] if choice["finish_reason"] else []
    return message, endings


def test_a_plain_stream_chunk_by_chunk() -> None:
    head = {"id": "mAitaLmkHPPlz7IPvtfUqQ4", "created": int(NOW_S), "model": MODEL, "object": "chat.completion.chunk"}
    usage = {
        "prompt_tokens": 12,
        "completion_tokens": 3,
        "total_tokens": 15,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
    assert chunks_of(event_answer(FIRST, SECOND, LAST)) == [
        {**head, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hel"}, "finish_reason": None}]},
        {**head, "choices": [{"index": 0, "delta": {"content": "lo"}, "finish_reason": None}]},
        {**head, "choices": [{"index": 0, "delta": {"content": "!"}, "finish_reason": None}]},
        {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {**head, "choices": [], "usage": usage},
    ]


def test_the_stream_is_asked_for_as_events() -> None:
    async def main() -> str:
        async with open_gemini(gemini_answer()) as (provider, server):
            assert [piece async for piece in provider.stream(TARGET, HI, 5.0)]
            return server.requests[0].path

    assert asyncio.run(main()) == "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"


def test_thoughts_calls_and_signatures_in_pieces() -> None:
    whole = response(candidate(THOUGHT, text("Looking."), text("", thoughtSignature="dGV4dA=="), CALL, CALL))
    message, endings = message_of(chunks_of(event_answer(*frames_of(whole))))
    assert endings == ["tool_calls"]
    assert message["role"] == "assistant"
    assert message["reasoning_content"] == "Hm."
    assert message["content"] == "Looking."
    assert message["reasoning_details"][0]["data"] == "dGV4dA=="
    first, second = message["tool_calls"]
    assert (first["index"], second["index"]) == (0, 1)
    assert first["id"] != second["id"]
    assert first["function"] == {"name": "weather", "arguments": '{"city":"Oslo"}'}
    assert first["extra_content"] == {"google": {"thought_signature": "c2ln"}}


def test_citations_come_with_the_end() -> None:
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://example.org", "title": "x"}}],
        "groundingSupports": [{"segment": {"startIndex": 3, "endIndex": 5}, "groundingChunkIndices": [0]}],
    }
    last = response(candidate(text("!"), groundingMetadata=grounding))
    message, _ = message_of(chunks_of(event_answer(FIRST, SECOND, frame(last))))
    assert message["annotations"][0]["url_citation"] == {
        "start_index": 3,
        "end_index": 5,
        "url": "https://example.org",
        "title": "x",
    }


def test_several_candidates_each_have_their_end() -> None:
    chunks = chunks_of(
        event_answer(
            frame(response(candidate(text("a"), finish=None), candidate(text("x"), finish=None, index=1))),
            frame(response(candidate(text("y"), finish="MAX_TOKENS", index=1))),
            frame(response(candidate(text("b")))),
        )
    )
    found: dict[int, list[Any]] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            found.setdefault(choice["index"], []).append(choice["delta"].get("content") or choice["finish_reason"])
    assert found == {0: ["a", "b", "stop"], 1: ["x", "y", "length"]}


def test_a_blocked_prompt_is_a_complete_stream() -> None:
    blocked = response(promptFeedback={"blockReason": "SAFETY"}, usage={"promptTokenCount": 4})
    chunks = chunks_of(event_answer(frame(blocked)))
    message, endings = message_of(chunks)
    assert endings == ["content_filter"]
    assert "SAFETY" in message["refusal"]
    assert chunks[-1]["usage"]["prompt_tokens"] == 4


def test_an_answer_without_a_word_is_a_complete_stream() -> None:
    message, endings = message_of(chunks_of(event_answer(frame(response(candidate(finish="MAX_TOKENS"))))))
    assert (message, endings) == ({"role": "assistant"}, ["length"])


def test_a_server_that_stays_after_the_end_does_not_hold_the_caller() -> None:
    pieces, error = streamed(event_answer(FIRST, LAST, ending="hang"), timeout_s=60.0)
    assert error is None
    assert b"".join(pieces).endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("ending", ["cut", "complete"])
def test_a_reason_to_end_that_comes_twice_is_told_once(ending: Any) -> None:
    chunks = chunks_of(event_answer(FIRST, LAST, frame(response(candidate(text(" Bye.")))), ending=ending))
    assert message_of(chunks) == ({"role": "assistant", "content": "Hel! Bye."}, ["stop"])


def test_one_piece_a_read_however_many_events_it_holds() -> None:
    pieces, _ = streamed(event_answer(FIRST + SECOND + LAST))
    assert len(pieces) == 2


def test_nothing_is_given_before_something_is_said() -> None:
    silent = frame(response(candidate(finish=None)))
    counted = frame({"usageMetadata": {"promptTokenCount": 12}})
    pieces, error = streamed(
        event_answer(silent, counted, frame(response(candidate(finish="MALFORMED_FUNCTION_CALL"))))
    )
    assert pieces == []
    assert "MALFORMED_FUNCTION_CALL" in str(error)
    pieces, error = streamed(event_answer(silent, frame(error_document(503, "The model is overloaded."))))
    assert pieces == []
    assert "overloaded" in str(error)


def test_the_wait_for_the_first_word_is_limited_as_a_whole() -> None:
    silent = frame(response(candidate(finish=None)))
    pieces, error = streamed(event_answer(silent, silent, ending="hang"), timeout_s=0.1)
    assert (pieces, str(error)) == ([], "lab did not answer within 0.1 s")


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (event_answer(FIRST, SECOND), "without finishReason"),
        (event_answer(FIRST, SECOND, ending="cut"), "broke off"),
        (event_answer(FIRST, SECOND, LAST[:-20]), "without finishReason"),
        (event_answer(FIRST, SECOND, b"data: {garbage\r\n\r\n"), "not JSON"),
        (event_answer(FIRST, SECOND, b'data: {"candidates": 3}\r\n\r\n'), "not a list of objects"),
        (event_answer(FIRST, SECOND, frame(error_document(503, "The model is overloaded."))), "overloaded"),
        (event_answer(FIRST, SECOND, frame(response(candidate(finish="OTHER")))), "OTHER"),
        (event_answer(FIRST + SECOND + b"data: []\r\n\r\n"), "not an object"),
    ],
)
def test_a_stream_that_dies_gives_what_it_had_and_what_it_cost(after: Answer, words: str) -> None:
    pieces, error = streamed(after)
    assert words in str(error)
    chunks = chunks_in(b"".join(pieces), ended=False)
    message, endings = message_of(chunks)
    assert (message["content"], endings) == ("Hello", [])
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["prompt_tokens"] == 12


def test_where_we_stand_is_not_the_request_s_fault() -> None:
    pieces, error = streamed(error_answer(400, "User location is not supported for the API use."))
    assert pieces == []
    assert error is not None
    assert error.status == 400


# Without a network


def parse(data: bytes) -> dict[str, Any]:
    try:
        document: dict[str, Any] = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise UpstreamFailed("not JSON") from error
    return document


def stream_of(largest_event_bytes: int = 2**20, candidates: int = 1) -> CompletionStream:
    return CompletionStream("lab", MODEL, 0, parse, largest_event_bytes, candidates)


def all_of(*pieces: bytes) -> tuple[bytes, str]:
    stream = stream_of()
    made = b"".join(stream.feed(piece) for piece in pieces if stream.fault is None)
    if stream.fault is None:
        made += stream.end()
    return made, str(stream.fault)


WHOLE = b"".join(
    [
        b": a comment\n\n",
        *frames_of(response(candidate(THOUGHT, text("Ål \U0001f600 \\u00e5\r\n\r\n"), CALL, text("data: [DONE]")))),
    ]
)
BROKEN = WHOLE[:-40] + b"\r\n\r\ndata: {garbage\r\n\r\n"


@pytest.mark.parametrize("wire", [WHOLE, BROKEN, WHOLE.replace(b"\r\n", b"\n")])
def test_every_split_gives_the_same(wire: bytes) -> None:
    expected = all_of(wire)
    assert b"c2ln" in expected[0]
    for at in range(len(wire)):
        assert all_of(wire[:at], wire[at:]) == expected
    assert all_of(*(wire[at : at + 1] for at in range(len(wire)))) == expected


parts = st.one_of(
    st.text(max_size=8).map(text),
    st.text(max_size=8).map(lambda words: text(words, thought=True)),
    st.just(CALL),
    st.just({"inlineData": {"mimeType": "image/png", "data": "AAAA"}}),
)


@settings(max_examples=60)
@given(
    st.lists(parts, max_size=5),
    st.sampled_from(["STOP", "MAX_TOKENS", "SAFETY", "OTHER"]),
    st.lists(st.integers(0, 10_000), max_size=8),
)
def test_a_stream_says_what_the_whole_answer_says(said: list[dict[str, Any]], finish: str, cuts: list[int]) -> None:
    wire = b"".join(frames_of(response(candidate(*said, finish=finish))))
    places = sorted({0, len(wire), *(cut % len(wire) for cut in cuts)})
    made, fault = all_of(*(wire[start:end] for start, end in pairwise(places)))
    assert (fault == "None") == (finish != "OTHER")
    chunks = chunks_in(made, ended=finish != "OTHER")
    message, endings = message_of(chunks)
    assert len(endings) == (finish != "OTHER")
    assert message.get("content", "") == "".join(
        part["text"] for part in said if "text" in part and not part.get("thought")
    )
    assert len(message.get("tool_calls", [])) == said.count(CALL)
    assert len(message.get("images", [])) == sum("inlineData" in part for part in said)
    if finish != "OTHER":
        assert sum(find_usage(frame) is not None for frame in EventSplitter().feed(made)) == 1


def test_an_event_without_end_is_cut_off() -> None:
    stream = stream_of(largest_event_bytes=1000)
    assert stream.feed(FIRST)
    stream.feed(b"data: " + b"x" * 600)
    assert stream.fault is None
    stream.feed(b"x" * 600)
    assert "an event of more than" in str(stream.fault)


def test_the_end_is_not_due_before_every_candidate_has_begun() -> None:
    stream = stream_of(candidates=2)
    stream.feed(FIRST + LAST)
    assert not stream.finished
    stream.feed(frame(response(candidate(text("b"), index=1))))
    assert stream.finished
    assert stream.end().endswith(b"data: [DONE]\n\n")


def test_the_whole_answer_streams_through_the_fake() -> None:
    message, _ = message_of(chunks_of(gemini_answer(HELLO)))
    assert message["content"] == "Hello there!"
