"""Anthropic's events as OpenAI's chunks."""

import asyncio
from contextlib import aclosing
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_serving.call import Call, Target
from greatrouter_serving.errors import UpstreamFailed, UpstreamRejected
from greatrouter_serving.providers.anthropic import AnthropicProvider
from greatrouter_serving.providers.anthropic_answer import completion_of
from greatrouter_serving.providers.anthropic_request import messages_body
from greatrouter_serving.providers.anthropic_stream import ChunkStream
from greatrouter_serving.providers.session import open_session
from greatrouter_serving.sse import EventSplitter, data_of, find_usage
from tests.serving.fake_anthropic import error_answer, error_frame, frame, frames_of, message, messages_answer
from tests.serving.fake_provider import Answer, FakeServer, event_answer, fake_server, json_answer
from tests.serving.peers.anthropic import SEARCHED

TARGET = Target("lab/small", "claude", "small")
HELLO = Call("text", "Say hello", {"stream": False, "stream_options": {"x": 1}})
THOUGHT = {"type": "thinking", "thinking": "Let me think about it.", "signature": "c2lnbmVk"}
WORDS = {"type": "text", "text": "Good morning, Rīga 🌍!"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Rīga", "days": [1, 2]}}
IDLE = {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}}
RICH = message(THOUGHT, {"type": "redacted_thinking", "data": "c2Vh"}, WORDS, USE, IDLE, stop_reason="tool_use")
GREETING = frames_of(message())
# The message's start, a ping, and a text block that is still empty.
EMPTY, FIRST = GREETING[:3], GREETING[3]


def parsed(data: bytes) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(data)
    return document


def translated(*pieces: bytes, model: str = "small") -> bytes:
    stream = ChunkStream("claude", model, 7, parsed)
    given_bytes = b"".join(map(stream.feed, pieces))
    assert stream.done
    assert stream.failure is None
    return given_bytes


def chunks_in(stream: bytes) -> list[dict[str, Any]]:
    splitter = EventSplitter()
    frames = splitter.feed(stream)
    assert splitter.flush() == b""
    *data, done = [data_of(frame) or b"" for frame in frames]
    assert done == b"[DONE]"
    return [orjson.loads(item) for item in data]


def whole(stream: bytes) -> dict[str, Any]:
    """The answer that a client puts together: strings of deltas are joined, lists by their index."""
    *chunks, last = chunks_in(stream)
    assert last["choices"] == []
    said: dict[str, Any] = {}
    for chunk in chunks:
        join(said, chunk["choices"][0]["delta"])
    reasons = {name: chunks[-1]["choices"][0][name] for name in ("finish_reason", "native_finish_reason")}
    return {"message": said, **reasons, "usage": last["usage"]}


def join(said: dict[str, Any], delta: dict[str, Any]) -> None:
    for key, value in delta.items():
        if key == "annotations":
            said.setdefault(key, []).extend(value)
        elif isinstance(value, list):
            rows = said.setdefault(key, [])
            for row in value:
                if row["index"] == len(rows):
                    rows.append({})
                join(rows[row["index"]], row)
        elif isinstance(value, dict):
            join(said.setdefault(key, {}), value)
        elif isinstance(value, str) and key not in ("type", "role"):
            said[key] = said.get(key, "") + value
        else:
            said[key] = value


def expected_of(document: dict[str, Any]) -> dict[str, Any]:
    """The same from the answer that comes in one piece."""
    completion = completion_of("claude", document, "small", 7)
    [choice] = completion["choices"]
    said = {key: value for key, value in choice["message"].items() if key != "refusal"}
    said["content"] = said["content"] or ""
    if "tool_calls" in said:
        said["tool_calls"] = [{"index": place, **call} for place, call in enumerate(said["tool_calls"])]
    reasons = {name: choice[name] for name in ("finish_reason", "native_finish_reason")}
    return {"message": said, **reasons, "usage": completion["usage"]}


# The translation


def test_chunks_are_openai_s() -> None:
    chunks = chunks_in(translated(*frames_of(message(), size=3)))
    common = {"id": "msg_01", "object": "chat.completion.chunk", "created": 7, "model": "small"}
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}, {"content": "Hel"}, {"content": "lo!"}]
    assert [{**chunk, "usage": None} for chunk in chunks[:-2]] == [
        {**common, "choices": [{"index": 0, "delta": delta, "finish_reason": None}], "usage": None} for delta in deltas
    ]
    assert chunks[-2]["choices"] == [
        {"index": 0, "delta": {}, "finish_reason": "stop", "native_finish_reason": "end_turn"}
    ]
    assert (chunks[-1]["choices"], chunks[-1]["usage"]["total_tokens"]) == ([], 15)


def test_calls_are_given_in_pieces() -> None:
    deltas = [
        chunk["choices"][0]["delta"]["tool_calls"][0]
        for chunk in chunks_in(translated(*frames_of(message(USE, IDLE), size=20)))
        if chunk["choices"] and "tool_calls" in chunk["choices"][0]["delta"]
    ]
    opening = {"type": "function", "function": {"name": "weather", "arguments": ""}}
    assert deltas[0] == {"index": 0, "id": "toolu_1", **opening}
    assert [delta["index"] for delta in deltas] == [0, 0, 0, 1, 1]
    assert "".join(delta["function"]["arguments"] for delta in deltas[:3]) == '{"city":"Rīga","days":[1,2]}'
    assert deltas[-1] == {"index": 1, "function": {"arguments": "{}"}}


@pytest.mark.parametrize("document", [message(), RICH, SEARCHED, message(content=[], stop_reason="refusal")])
def test_the_stream_says_what_the_answer_says(document: dict[str, Any]) -> None:
    assert whole(translated(*frames_of(document))) == expected_of(document)


TEXTS = st.builds(lambda text: {"type": "text", "text": text}, st.text(max_size=12))
THOUGHTS = st.builds(lambda text: {**THOUGHT, "thinking": text}, st.text(max_size=12))
ARGUMENTS = st.dictionaries(st.text(max_size=4), st.text(max_size=4) | st.integers(-9, 9) | st.none(), max_size=3)
USES = st.builds(
    lambda name, given_input: {**USE, "name": name, "input": given_input}, st.sampled_from("abc"), ARGUMENTS
)
BLOCKS = st.lists(TEXTS | THOUGHTS | USES | st.just({"type": "redacted_thinking", "data": "c2Vh"}), max_size=6)


@given(BLOCKS, st.integers(1, 5))
def test_every_stream_says_what_its_answer_says(blocks: list[dict[str, Any]], size: int) -> None:
    document = message(content=blocks)
    assert whole(translated(*frames_of(document, size))) == expected_of(document)


def test_it_is_the_same_wherever_it_is_cut_in_two() -> None:
    stream = b"".join(frames_of(RICH))
    expected = translated(stream)
    for cut in range(0, len(stream), 3):
        assert translated(stream[:cut], stream[cut:]) == expected


@given(st.data())
def test_it_is_the_same_however_it_is_cut(data: st.DataObject) -> None:
    stream = b"".join(frames_of(RICH))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert translated(*pieces) == translated(stream)


def test_it_is_the_same_byte_by_byte_and_with_other_line_ends() -> None:
    stream = b"".join(frames_of(RICH))
    expected = translated(stream)
    assert translated(*(bytes([byte]) for byte in stream)) == expected
    assert translated(stream.replace(b"\n", b"\r\n"), b"") == expected


@given(BLOCKS)
def test_an_answer_goes_back_as_it_came(blocks: list[dict[str, Any]]) -> None:
    """Its thoughts, then its text, then its calls: what the next turn needs of it."""
    uses = [
        {**block, "id": f"toolu_{place}"} if block["type"] == "tool_use" else block
        for place, block in enumerate(blocks)
    ]
    said = whole(translated(*frames_of(message(content=uses))))["message"]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "ok"} for call in said.get("tool_calls", [])]
    messages = [{"role": "user", "content": "Go"}, said, *results, {"role": "user", "content": "On"}]
    body = orjson.loads(messages_body("small", Call("text", "x", {"messages": messages})))
    back = [block for turn in body["messages"] if turn["role"] == "assistant" for block in turn["content"]]
    thinking = ("thinking", "redacted_thinking")
    assert [block for block in back if block["type"] in thinking] == [
        block for block in uses if block["type"] in thinking
    ]
    assert [block for block in back if block["type"] == "tool_use"] == [
        block for block in uses if block["type"] == "tool_use"
    ]


def test_counts_are_cumulative() -> None:
    usage = {
        "input_tokens": 900,
        "cache_read_input_tokens": 50,
        "output_tokens": 40,
        "server_tool_use": {"web_search_requests": 2},
    }
    *frames, _, stop = frames_of(message())
    early = frame("message_delta", delta={}, usage={"output_tokens": 20, "input_tokens": None})
    late = frame("message_delta", delta={"stop_reason": "max_tokens"}, usage=usage)
    got = whole(translated(*frames, early, late, stop))
    assert got["finish_reason"] == "length"
    assert got["usage"]["prompt_tokens"] == 950
    assert got["usage"]["completion_tokens"] == 40
    assert got["usage"]["server_tool_use"] == {"web_search_requests": 2}


def test_events_and_blocks_that_came_later_are_passed_over() -> None:
    start, *rest = GREETING
    news = [frame("weather_report", mood={"x": 1}), b": comment\n\n", b"event: x\n\n"]
    delta = frame("content_block_delta", index=0, delta={"type": "hologram_delta"})
    assert translated(start, *news, *rest[:3], delta, *rest[3:]) == translated(*GREETING)


# Over the wire


async def stream_of(server: FakeServer, pieces: list[bytes], timeout_s: float = 5.0, call: Call = HELLO) -> None:
    """Puts what comes into `pieces`, so that a test sees it even where the stream fails afterwards."""
    async with open_session() as session:
        provider = AnthropicProvider("claude", server.url, "sk-secret", session, clock=lambda: 7.0)
        async with aclosing(provider.stream(TARGET, call, timeout_s)) as stream:
            async for piece in stream:
                pieces.append(piece)


def pieces_of(answer: Answer) -> list[bytes]:
    async def main() -> list[bytes]:
        pieces: list[bytes] = []
        async with fake_server(answer) as server:
            await stream_of(server, pieces)
            assert server.requests[0].json()["stream"] is True
        return pieces

    return asyncio.run(main())


def failure_of(answer: Answer, timeout_s: float = 5.0) -> tuple[bytes, UpstreamFailed]:
    async def main() -> tuple[bytes, UpstreamFailed]:
        pieces: list[bytes] = []
        async with fake_server(answer) as server:
            with pytest.raises(UpstreamFailed) as caught:
                await stream_of(server, pieces, timeout_s)
        return b"".join(pieces), caught.value

    return asyncio.run(main())


def test_a_stream_over_the_wire() -> None:
    pieces = pieces_of(messages_answer(RICH))
    assert b"".join(pieces) == translated(*frames_of(RICH))
    assert all(pieces)
    assert len(list(filter(None, map(find_usage, EventSplitter().feed(b"".join(pieces)))))) == 1


def test_each_piece_is_passed_on_as_it_comes() -> None:
    async def main() -> None:
        async with fake_server(event_answer(*EMPTY, FIRST, ending="hang")) as server, open_session() as session:
            provider = AnthropicProvider("claude", server.url, None, session, headers={"x-api-key": "k"})
            async with aclosing(provider.stream(TARGET, HELLO, 5.0)) as stream:
                # The server sends nothing more: whoever waited for the next piece would hang here.
                assert b'"content":"Hell"' in await anext(stream)
            async with asyncio.timeout(5):
                await server.client_left.wait()

    asyncio.run(main())


@pytest.mark.parametrize("sent", [(), tuple(EMPTY), (*EMPTY, FIRST)])
def test_a_client_who_leaves_closes_the_connection(sent: tuple[bytes, ...]) -> None:
    async def main() -> None:
        async with fake_server(event_answer(*sent, ending="hang")) as server, open_session() as session:
            provider = AnthropicProvider("claude", server.url, "sk-secret", session)
            reading = asyncio.Event()

            async def read() -> None:
                async with aclosing(provider.stream(TARGET, HELLO, 60.0)) as stream:
                    async for _ in stream:
                        reading.set()

            task = asyncio.create_task(read())
            await (reading if FIRST in sent else server.arrived).wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            async with asyncio.timeout(5):
                await server.client_left.wait()

    asyncio.run(main())


def test_a_finished_stream_frees_its_connection_for_the_next() -> None:
    async def main() -> int:
        async with fake_server(event_answer(*GREETING)) as server, open_session() as session:
            provider = AnthropicProvider("claude", server.url, "sk-secret", session)
            for _ in range(3):
                assert [piece async for piece in provider.stream(TARGET, HELLO, 5.0)]
            return server.connections

    assert asyncio.run(main()) == 1


def test_a_server_that_stays_after_the_end_does_not_hold_the_caller() -> None:
    assert b"".join(pieces_of(event_answer(*GREETING, ending="hang"))).endswith(b"data: [DONE]\n\n")


# What goes wrong


@pytest.mark.parametrize("status", [401, 429, 500, 529])
def test_a_failing_status_comes_before_the_first_byte(status: int) -> None:
    got, failure = failure_of(error_answer(status, "busy"))
    assert (got, failure.status) == (b"", status)


def test_a_refusal_is_the_caller_s_and_an_empty_account_is_not() -> None:
    with pytest.raises(UpstreamRejected, match="too long"):
        pieces_of(error_answer(400, "prompt is too long"))
    assert "account" in str(failure_of(error_answer(400, "Your credit balance is too low"))[1])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (event_answer(error_frame(529, "Overloaded")), "Overloaded"),
        (event_answer(EMPTY[0], error_frame(529, "Overloaded sk-secret")), "Overloaded [redacted]"),
        (event_answer(*EMPTY, error_frame(529, "Overloaded")), "Overloaded"),
        (event_answer(b"".join(EMPTY) + error_frame(500, "Internal")), "Internal"),
        (event_answer(*EMPTY, b"data: {broken\n\n"), "not JSON"),
        (event_answer(*EMPTY), "without message_stop"),
        (event_answer(FIRST), "does not begin with message_start"),
        (event_answer(EMPTY[0], frame("content_block_delta", index=0)), "an event without delta"),
        (event_answer(EMPTY[0], frame("content_block_delta", delta={"type": "text_delta"})), "without text"),
        (event_answer(), "an empty stream"),
        (json_answer(message()), "not an event stream"),
        (Answer(ending="reset"), "closed the connection"),
        (event_answer(*EMPTY, b"data: ", ending="cut"), "broke off"),
    ],
)
def test_what_fails_before_there_is_content_yields_nothing(answer: Answer, words: str) -> None:
    got, failure = failure_of(answer)
    assert got == b""
    assert words in str(failure)


@pytest.mark.parametrize(
    ("rest", "ending", "words"),
    [
        ((error_frame(529, "Overloaded"),), "complete", "Overloaded"),
        ((), "complete", "without message_stop"),
        (tuple(GREETING[4:-1]), "complete", "without message_stop"),
        ((b"data: \xff\xfe{}\n\n",), "complete", "not JSON"),
        ((b"data: [1]\n\n",), "complete", "not an object"),
        ((), "cut", "broke off"),
    ],
)
def test_a_stream_that_dies_later_gives_what_it_had_and_fails(rest: tuple[bytes, ...], ending: Any, words: str) -> None:
    got, failure = failure_of(event_answer(*EMPTY, FIRST, *rest, ending=ending))
    assert b'"content":"Hell"' in got
    assert b"[DONE]" not in got
    assert words in str(failure)


CACHED = frame(
    "message_start",
    message={"id": "m", "model": "small", "usage": {"input_tokens": 10, "cache_read_input_tokens": 20}},
)


@pytest.mark.parametrize(
    ("rest", "completion_tokens"),
    [
        ((FIRST,), 1),
        ((FIRST.replace(b"Hell", b"Good morning to everybody"),), 7),
        ((FIRST.replace(b"Hell", "おはよう".encode()), FIRST), 5),
        ((FIRST, GREETING[-2]), 3),  # counted: all but message_stop came
    ],
)
@pytest.mark.parametrize("ending", [(), (error_frame(529, "Overloaded"),)])
def test_a_stream_that_dies_later_keeps_the_count_of_its_prompt(
    rest: tuple[bytes, ...], completion_tokens: int, ending: tuple[bytes, ...]
) -> None:
    late = [piece.replace(b'"input_tokens":12', b'"input_tokens":10') for piece in rest]
    late = [piece.replace(b'"cache_read_input_tokens":0', b'"cache_read_input_tokens":20') for piece in late]
    got, _ = failure_of(event_answer(CACHED, *EMPTY[1:], *late, *ending, ending="complete" if ending else "cut"))
    [usage] = filter(None, map(find_usage, EventSplitter().feed(got)))
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (30, completion_tokens)
    assert usage["prompt_tokens_details"]["cached_tokens"] == 20


def test_a_stream_that_counted_nothing_tells_no_usage() -> None:
    start = frame("message_start", message={"id": "m", "model": "small"})
    got, _ = failure_of(event_answer(start, *EMPTY[1:], FIRST, ending="cut"))
    assert b"Hell" in got
    assert not any(map(find_usage, EventSplitter().feed(got)))


def test_content_and_a_failure_in_one_piece_come_in_this_order() -> None:
    got, failure = failure_of(event_answer(b"".join([*EMPTY, FIRST, error_frame(529, "Overloaded")])))
    assert b'"content":"Hell"' in got
    assert "Overloaded" in str(failure)


@pytest.mark.parametrize("sent", [(), tuple(EMPTY), (*EMPTY, FIRST)])
def test_silence_times_out_before_and_between_pieces(sent: tuple[bytes, ...]) -> None:
    got, failure = failure_of(event_answer(*sent, ending="hang"), timeout_s=0.1)
    assert (b"Hell" in got) == (FIRST in sent)
    assert "within 0.1 s" in str(failure)


def test_an_endless_event_is_given_up() -> None:
    endless = (b"x" * 4_000_000,) * 5
    assert "more than 16 MB" in str(failure_of(event_answer(*EMPTY, b"data: ", *endless, ending="hang"))[1])


def test_only_chat_streams() -> None:
    async def main() -> None:
        async with fake_server(messages_answer()) as server:
            await stream_of(server, [], call=Call("image", "A boat"))

    with pytest.raises(UpstreamFailed, match="streams chat only, not image"):
        asyncio.run(main())
