"""What holds for the streams of every Provider that chats, whatever it speaks to."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import orjson
import pytest
from openai.types.chat import ChatCompletionChunk

from greatrouter_serving.call import Call, Provider
from greatrouter_serving.errors import UpstreamFailed, UpstreamRejected
from greatrouter_serving.providers.payload import endpoint_of
from greatrouter_serving.sse import EventSplitter, data_of, find_usage
from tests.serving.conformance import (
    CALLS,
    FAILURES,
    PEERS,
    assert_discreet,
    every_peer,
    every_streaming,
    key_of,
    named,
    refusal,
    run,
    stream_of,
    target_of,
)
from tests.serving.fake_provider import Answer, FakeServer, Received, event_answer
from tests.serving.peers.peer import Peer


async def read_into(pieces: list[bytes], stream: AsyncGenerator[bytes, None]) -> None:
    """So that a test sees what came even where the stream fails afterwards."""
    async for piece in stream:
        pieces.append(piece)


def pieces_of(peer: Peer, *answers: Answer, call: Call = CALLS["text"], timeout_s: float = 5.0) -> list[bytes]:
    pieces: list[bytes] = []

    async def act(provider: Provider, _: FakeServer) -> None:
        async with aclosing(provider.stream(target_of(peer), call, timeout_s)) as stream:
            await read_into(pieces, stream)

    run(peer, *answers, act=act)
    return pieces


def broken(peer: Peer, *answers: Answer, timeout_s: float = 5.0) -> tuple[bytes, UpstreamFailed | UpstreamRejected]:
    """What came before the failure, and the failure."""
    pieces: list[bytes] = []

    async def act(provider: Provider, _: FakeServer) -> UpstreamFailed | UpstreamRejected:
        async with aclosing(provider.stream(target_of(peer), CALLS["text"], timeout_s)) as stream:
            with pytest.raises(FAILURES) as caught:
                await read_into(pieces, stream)
        return caught.value

    error: UpstreamFailed | UpstreamRejected = run(peer, *answers, act=act)
    assert_discreet(peer, error)
    return b"".join(pieces), error


def frames_of(stream: bytes) -> list[bytes]:
    splitter = EventSplitter()
    frames = splitter.feed(stream)
    assert splitter.flush() == b"", "the stream ends in the middle of a frame"
    return [frame for frame in frames if data_of(frame) is not None]


def words_of(stream: bytes) -> list[str]:
    """The text of each chunk that has one."""
    documents = [orjson.loads(data_of(frame) or b"null") for frame in frames_of(stream)[:-1]]
    deltas = [choice["delta"] for document in documents for choice in document["choices"]]
    return [delta["content"] for delta in deltas if delta.get("content")]


def text_of(stream: bytes) -> str:
    return "".join(words_of(stream))


@named([peer for peer in PEERS if peer.stream is not None])
def test_a_stream_is_chunks_with_one_usage_and_an_end(peer: Peer) -> None:
    stream = b"".join(pieces_of(peer, event_answer(*stream_of(peer))))
    frames = frames_of(stream)
    assert data_of(frames[-1]) == b"[DONE]"
    chunks = [ChatCompletionChunk.model_validate_json(data_of(frame) or b"") for frame in frames[:-1]]
    assert len({chunk.id for chunk in chunks}) == 1
    assert any(chunk.choices and chunk.choices[0].delta.content for chunk in chunks)
    endings = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert len(endings) == 1
    usages = [usage for usage in map(find_usage, frames) if usage]
    assert len(usages) == 1
    assert usages[0]["prompt_tokens"] > 0
    assert usages[0]["total_tokens"] == usages[0]["prompt_tokens"] + usages[0]["completion_tokens"]


@every_streaming
def test_a_stream_says_the_same_wherever_it_is_cut_into_packets(peer: Peer) -> None:
    whole = b"".join(stream_of(peer))
    expected = text_of(b"".join(pieces_of(peer, event_answer(*stream_of(peer)))))
    assert expected
    in_bytes = tuple(whole[at : at + 1] for at in range(len(whole)))
    in_sevens = tuple(whole[at : at + 7] for at in range(0, len(whole), 7))
    for packets in ((whole,), in_sevens, in_bytes):
        assert text_of(b"".join(pieces_of(peer, event_answer(*packets)))) == expected


@every_peer
def test_only_chat_streams(peer: Peer) -> None:
    for kind in ("image", "embeddings", "rerank", *(("text",) if peer.stream is None else ())):
        with pytest.raises(UpstreamFailed, match=f"{kind}|{endpoint_of(CALLS[kind]).operation}"):
            pieces_of(peer, Answer(), call=CALLS[kind])


@every_streaming
@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529, 401, 402, 403])
def test_a_failing_status_comes_before_the_first_byte(peer: Peer, status: int) -> None:
    got, failed = broken(peer, refusal(peer, status, f"not now, {key_of(peer)}"))
    assert isinstance(failed, UpstreamFailed)
    assert (got, failed.status) == (b"", status)


@every_streaming
@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_stream_is_the_caller_s(peer: Peer, status: int) -> None:
    got, error = broken(peer, refusal(peer, status, f"width must be at most 2 (for {key_of(peer)})"))
    assert isinstance(error, UpstreamRejected)
    assert (got, error.status) == (b"", status)
    assert "width must be at most 2 (for [redacted])" in str(error)


def error_event(peer: Peer) -> bytes:
    return b"event: error\ndata: " + refusal(peer, 529, "overloaded").body + b"\n\n"


BEFORE: dict[str, Callable[[Peer], Answer]] = {
    "an error": lambda peer: event_answer(error_event(peer)),
    "an error after a comment": lambda peer: event_answer(b": waiting\n\n", error_event(peer)),
    "garbage": lambda _: event_answer(b"data: {garbage\n\n"),
    "no events": lambda _: event_answer(),
    "comments": lambda _: event_answer(b": waiting\n\n"),
    "json": lambda peer: Answer(refusal(peer, 500, "overloaded").body),
    "html": lambda _: Answer(b"<html></html>", content_type="text/html"),
    "a redirect": lambda _: Answer(status=302, headers={"Location": "/elsewhere"}),
    "a reset": lambda _: Answer(ending="reset"),
    "a cut": lambda _: event_answer(b"data: ", ending="cut"),
    "a cut in the first frame": lambda peer: event_answer(stream_of(peer)[0][:-3], ending="cut"),
}


@every_streaming
@pytest.mark.parametrize("fault", BEFORE)
def test_what_fails_before_the_first_event_yields_nothing(peer: Peer, fault: str) -> None:
    got, failed = broken(peer, BEFORE[fault](peer))
    assert isinstance(failed, UpstreamFailed)
    assert got == b""


@every_streaming
def test_a_refused_connection_yields_nothing(peer: Peer) -> None:
    async def act(provider: Provider, server: FakeServer) -> None:
        server.hang_up()
        with pytest.raises(UpstreamFailed, match="cannot be reached"):
            await anext(provider.stream(target_of(peer), CALLS["text"], 5.0))

    run(peer, Answer(), act=act)


@every_streaming
def test_a_stream_that_is_cut_gives_what_it_had_and_fails(peer: Peer) -> None:
    stream = peer.stream or ()
    last = len(b"".join(stream[:-1]))
    whole = b"".join(stream)
    complete = b"".join(pieces_of(peer, event_answer(whole)))
    gave = set()
    # Inside tokens, between them, and inside the bytes that end a frame.
    for cut in sorted({len(stream[0]), *range(1, last, 37), last - 1, last}):
        got, failed = broken(peer, event_answer(whole[:cut], ending="cut"))
        assert isinstance(failed, UpstreamFailed), cut
        assert failed.status is None, cut
        assert b"[DONE]" not in got, cut
        gave.add(bool(got))
        assert len(got) <= len(complete), cut
    assert gave == {True, False}


@every_streaming
def test_a_stream_that_ends_too_soon_fails(peer: Peer) -> None:
    # Before the last three there is no word of why it ended.
    got, failed = broken(peer, event_answer(*stream_of(peer)[:-3]))
    assert isinstance(failed, UpstreamFailed)
    assert got
    assert b"[DONE]" not in got


@every_streaming
@pytest.mark.parametrize("ending", ["complete", "cut", "error"])
def test_a_stream_that_breaks_off_keeps_the_prompt_s_count(peer: Peer, ending: str) -> None:
    if peer.name == "openai":
        pytest.skip("counts at the end alone")
    said = stream_of(peer)[:-3]
    answer = event_answer(*said, ending="cut") if ending == "cut" else event_answer(*said)
    if ending == "error":
        answer = event_answer(*said, error_event(peer))
    got, _ = broken(peer, answer)
    *_, usage = map(find_usage, frames_of(got))
    assert usage is not None
    assert usage["prompt_tokens"] == 12


@every_streaming
def test_an_error_after_tokens_fails_after_them(peer: Peer) -> None:
    got, failed = broken(peer, event_answer(*stream_of(peer)[:-1], error_event(peer)))
    assert isinstance(failed, UpstreamFailed)
    assert got
    assert b"[DONE]" not in got


@every_streaming
@pytest.mark.parametrize("garbage", [b"data: {garbage\n\n", b"data: [1]\n\n", b"data: null\n\n", b"\xff\xfe: \x00\n\n"])
def test_garbage_among_the_frames_ends_the_stream_or_is_passed_by(peer: Peer, garbage: bytes) -> None:
    """Where bytes pass untouched, it is whoever reads them that sees garbage; nothing else may come of it."""
    stream = peer.stream or ()
    answer = event_answer(*stream[:-1], garbage, stream[-1])
    try:
        got = b"".join(pieces_of(peer, answer))
    except UpstreamFailed:
        return
    assert data_of(frames_of(got)[-1]) == b"[DONE]"


@every_streaming
@pytest.mark.parametrize("answer", [Answer(ending="hang"), event_answer(b": waiting\n\n", ending="hang")])
def test_a_slow_first_event_times_out(peer: Peer, answer: Answer) -> None:
    got, failed = broken(peer, answer, timeout_s=0.1)
    assert isinstance(failed, UpstreamFailed)
    assert got == b""
    assert "within 0.1 s" in str(failed)


@every_streaming
def test_silence_between_events_times_out(peer: Peer) -> None:
    got, failed = broken(peer, event_answer(*stream_of(peer)[:-1], ending="hang"), timeout_s=0.3)
    assert isinstance(failed, UpstreamFailed)
    assert got
    assert "within 0.3 s" in str(failed)


@every_streaming
def test_tokens_are_passed_on_as_they_come(peer: Peer) -> None:
    """The server sends nothing after them: a relay that waited for more would hang here."""

    async def act(provider: Provider, _: FakeServer) -> bytes:
        async with aclosing(provider.stream(target_of(peer), CALLS["text"], 60.0)) as stream:
            got = b""
            async for piece in stream:
                got += piece
                if b'"content":"' in got.replace(b'"content":""', b""):
                    return got
        return got

    assert run(peer, event_answer(*stream_of(peer)[:-1], ending="hang"), act=act)


@every_streaming
def test_closing_the_stream_closes_the_connection(peer: Peer) -> None:
    async def act(provider: Provider, server: FakeServer) -> None:
        async with aclosing(provider.stream(target_of(peer), CALLS["text"], 60.0)) as stream:
            assert await anext(stream)
        await server.client_left.wait()

    run(peer, event_answer(*stream_of(peer)[:-1], ending="hang"), act=act)


@every_streaming
@pytest.mark.parametrize("sent", [0, -1])
def test_a_reader_who_is_cancelled_closes_the_connection(peer: Peer, sent: int) -> None:
    async def act(provider: Provider, server: FakeServer) -> None:
        reading = asyncio.Event()

        async def read() -> None:
            async with aclosing(provider.stream(target_of(peer), CALLS["text"], 60.0)) as stream:
                async for _ in stream:
                    reading.set()

        task = asyncio.create_task(read())
        await (reading if sent else server.arrived).wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.client_left.wait()

    run(peer, event_answer(*stream_of(peer)[:sent], ending="hang"), act=act)


@every_streaming
def test_a_finished_stream_frees_its_connection(peer: Peer) -> None:
    async def act(provider: Provider, server: FakeServer) -> int:
        for _ in range(3):
            assert [piece async for piece in provider.stream(target_of(peer), CALLS["text"], 5.0)]
        return server.connections

    assert run(peer, event_answer(*stream_of(peer)), act=act) == 1


@every_streaming
def test_streams_at_once_do_not_mix(peer: Peer) -> None:
    stream = b"".join(stream_of(peer))
    word = words_of(b"".join(pieces_of(peer, event_answer(stream))))[0]
    assert word.encode() in stream

    def asked(request: Received) -> Answer:
        found = re.search(rb"question-\d+;", request.body)
        assert found
        return event_answer(stream.replace(word.encode(), found[0]))

    async def act(provider: Provider, _: FakeServer) -> list[str]:
        async def read(i: int) -> str:
            call = Call("text", f"question-{i};")
            return text_of(b"".join([piece async for piece in provider.stream(target_of(peer), call, 5.0)]))

        return list(await asyncio.gather(*(read(i) for i in range(10))))

    for i, text in enumerate(run(peer, Answer(reply=asked), act=act)):
        assert f"question-{i};" in text
