"""Chat answers that arrive piece by piece, on both clients."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx2
import pytest

from greatrouter import (
    APIConnectionError,
    APITimeoutError,
    AsyncChatStream,
    AsyncGreatRouter,
    GreatRouter,
    GreatRouterError,
    RateLimitError,
)

Start = Callable[..., Any]

CHUNKS = [
    {"choices": [{"index": 0, "delta": {"content": 'Grüße, "error" 🦉'}}], "error": None},
    {"choices": [], "greatrouter": {"task": "text"}},
]
EVENTS = "".join(f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n" for chunk in CHUNKS).encode()
DONE = b"data: [DONE]\n\n"


class Pieces(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body that arrives in pieces; an exception among them breaks the connection there."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces = pieces
        self.closed = False
        self.gone = asyncio.Event()

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True
        self.gone.set()


def events(*pieces: bytes | Exception) -> dict[str, Any]:
    return {"stream": Pieces(*pieces), "headers": {"Content-Type": "text/event-stream", "X-Request-Id": "r3"}}


def test_chunks_arrive_until_done(start: Start) -> None:
    answer = events(EVENTS, DONE, b"data: this is not read\n\n")
    harness = start(answer)
    assert harness.chunks() == CHUNKS
    assert answer["stream"].closed
    assert harness.request.headers["accept"] == "text/event-stream"
    assert json.loads(harness.request.content) == {"stream": True}


def test_a_dict_may_ask_for_the_stream(start: Start) -> None:
    harness = start(events(DONE))
    assert type(harness.call("chat_completions", {"stream": True})).__name__.endswith("ChatStream")


def test_the_pieces_of_the_body_do_not_matter(start: Start) -> None:
    body = b": a comment\r\n\r\n" + EVENTS + DONE
    harness = start(*(events(body[:cut], body[cut:]) for cut in range(len(body))))
    for _ in range(len(body)):
        assert harness.chunks() == CHUNKS


def test_an_event_may_be_as_large_as_an_image(start: Start) -> None:
    chunk = {"choices": [{"delta": {"content": "A" * 3_000_000}}]}
    assert start(events(f"data: {json.dumps(chunk)}\n\n".encode(), DONE)).chunks() == [chunk]


def test_the_last_chunk_closes_the_connection_without_a_with_block(start: Start) -> None:
    answer = events(EVENTS, DONE, b"data: this is not read\n\n")
    harness = start(answer)
    stream = harness.call("chat_completions", stream=True)
    if isinstance(stream, AsyncChatStream):

        async def read() -> list[Any]:
            return [chunk async for chunk in stream]

        assert harness.runner.run(read()) == CHUNKS
    else:
        assert list(stream) == CHUNKS
    assert answer["stream"].closed


def test_leaving_early_closes_the_connection(start: Start) -> None:
    answer = events(EVENTS, DONE)
    assert start(answer).chunks(stop_after=1) == CHUNKS[:1]
    assert answer["stream"].closed


def test_a_stream_that_is_never_read_can_be_closed(start: Start) -> None:
    answer = events(EVENTS, DONE)
    harness = start(answer)
    stream = harness.call("chat_completions", stream=True)
    assert not answer["stream"].closed
    if isinstance(stream, AsyncChatStream):
        harness.runner.run(stream.aclose())
    else:
        stream.close()
    assert answer["stream"].closed


def test_a_stream_that_is_dropped_half_read_closes_at_once() -> None:
    answer = events(EVENTS, DONE)
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, **answer))
    with GreatRouter("k", transport=transport) as client:
        for _ in client.chat_completions(stream=True):
            break
        assert answer["stream"].closed

    answer = events(EVENTS, DONE)

    async def drop() -> None:
        async with AsyncGreatRouter("k", transport=transport) as client:
            async for _ in await client.chat_completions(stream=True):
                break
            await answer["stream"].gone.wait()  # the event loop closes what was dropped at its next turns

    asyncio.run(asyncio.wait_for(drop(), timeout=5))


def test_failures_before_the_first_chunk_are_tried_again(start: Start) -> None:
    harness = start({"status": 503, "headers": {"Retry-After": "2"}}, httpx2.ConnectError(""), events(EVENTS, DONE))
    assert harness.chunks() == CHUNKS
    assert harness.sleeps_s[0] == 2
    assert len({request.headers["idempotency-key"] for request in harness.requests}) == 1


def test_a_status_is_an_error_with_its_message(start: Start) -> None:
    body = json.dumps({"error": {"code": "rate_limited", "message": "Slow down."}}).encode()
    with pytest.raises(RateLimitError, match="Slow down"):
        start({"status": 429, "stream": Pieces(body)}, max_retries=0).chunks()


def test_an_error_event_ends_the_stream(start: Start) -> None:
    error = {"code": "upstream_error", "message": "The model went away.", "status": 502}
    for event in (b"", b"event: error\n"):
        answer = events(EVENTS, event + b"data: " + json.dumps({"error": error}).encode() + b"\n\n", DONE)
        harness = start(answer)
        with pytest.raises(GreatRouterError, match="went away") as caught:
            harness.chunks()
        assert (caught.value.status, caught.value.code, caught.value.request_id) == (502, "upstream_error", "r3")
        assert answer["stream"].closed
        assert len(harness.requests) == 1


def test_an_error_event_does_not_repeat_the_key(start: Start) -> None:
    key = start().key
    with pytest.raises(GreatRouterError, match=r"\[api key\]") as caught:
        start(events(b"event: error\ndata: " + json.dumps({"oops": key}).encode() + b"\n\n")).chunks()
    assert key not in f"{caught.value} {vars(caught.value)}"


def test_a_chunk_has_fields(start: Start) -> None:
    first, last = start(events(EVENTS, DONE)).chunks()
    assert first.choices[0].delta.content == first["choices"][0]["delta"]["content"] == 'Grüße, "error" 🦉'
    assert (last.choices, last.greatrouter["task"], last.usage) == ([], "text", None)


@pytest.mark.parametrize(
    ("pieces", "kind", "match"),
    [
        ((EVENTS,), APIConnectionError, "ended before its"),
        ((EVENTS, b"data: [DONE]"), APIConnectionError, "ended before its"),
        ((), APIConnectionError, "ended before its"),
        ((EVENTS, httpx2.ReadError("reset")), APIConnectionError, "reset"),
        ((EVENTS, httpx2.ReadTimeout("")), APITimeoutError, "in time"),
        ((EVENTS, b"data: {half\n\n"), GreatRouterError, "not JSON"),
    ],
)
def test_an_incomplete_answer_never_passes_for_a_whole_one(
    start: Start, pieces: tuple[bytes | Exception, ...], kind: type[GreatRouterError], match: str
) -> None:
    answer = events(*pieces)
    harness = start(answer)
    with pytest.raises(GreatRouterError, match=match) as caught:
        harness.chunks()
    assert type(caught.value) is kind
    assert answer["stream"].closed
    assert len(harness.requests) == 1


def test_an_answer_that_is_no_stream_is_an_error(start: Start) -> None:
    with pytest.raises(APIConnectionError, match="text/event-stream"):
        start({"json": {"choices": []}}).chunks()
