import asyncio
from contextlib import aclosing

import orjson
import pytest

from greatrouter_serving.call import Call, Target
from greatrouter_serving.errors import UpstreamFailed, UpstreamRejected
from greatrouter_serving.providers.openai import OpenAIProvider
from greatrouter_serving.providers.session import open_session
from tests.serving.fake_provider import Answer, FakeServer, event_answer, fake_server, json_answer

TARGET = Target("lab/small", "lab", "small")
HELLO = Call("text", "Say hello", {"stream": False, "stream_options": {"x": 1}})
FIRST = b'data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n'
SECOND = b'data: {"choices":[{"delta":{"content":"lo"}}]}\n\n'
DONE = b"data: [DONE]\n\n"


async def stream_of(server: FakeServer, pieces: list[bytes], timeout_s: float = 5.0) -> None:
    """Puts what comes into `pieces`, so that a test sees it even where the stream fails afterwards."""
    async with open_session() as session:
        provider = OpenAIProvider("lab", server.url, "sk-secret", session)
        async with aclosing(provider.stream(TARGET, HELLO, timeout_s)) as stream:
            async for piece in stream:
                pieces.append(piece)


def pieces_of(answer: Answer, timeout_s: float = 5.0) -> list[bytes]:
    async def main() -> list[bytes]:
        pieces: list[bytes] = []
        async with fake_server(answer) as server:
            await stream_of(server, pieces, timeout_s)
            sent = server.requests[0].json()
            assert sent["stream"] is True
            assert sent["stream_options"] == {"x": 1, "include_usage": True}
        return pieces

    return asyncio.run(main())


def failing_pieces_of(answer: Answer, timeout_s: float = 5.0) -> tuple[bytes, str, int | None]:
    """What came before the failure, its words, and its status."""

    async def main() -> tuple[bytes, str, int | None]:
        pieces: list[bytes] = []
        async with fake_server(answer) as server:
            with pytest.raises(UpstreamFailed) as caught:
                await stream_of(server, pieces, timeout_s)
        return b"".join(pieces), str(caught.value), caught.value.status

    return asyncio.run(main())


def test_bytes_pass_untouched() -> None:
    pieces = (b": waiting\n\n", FIRST[:20], FIRST[20:], SECOND + DONE)
    assert b"".join(pieces_of(event_answer(*pieces))) == b"".join(pieces)


def test_each_piece_is_passed_on_as_it_comes() -> None:
    async def main() -> None:
        async with fake_server(event_answer(FIRST, ending="hang")) as server, open_session() as session:
            provider = OpenAIProvider("lab", server.url, None, session)
            async with aclosing(provider.stream(TARGET, HELLO, 5.0)) as stream:
                # The server sends nothing more: a relay that waited for the next piece would hang here.
                assert await anext(stream) == FIRST

    asyncio.run(main())


@pytest.mark.parametrize("sent", [(), (b": waiting\n\n",), (FIRST,)])
def test_a_client_who_leaves_closes_the_connection(sent: tuple[bytes, ...]) -> None:
    async def main() -> None:
        async with fake_server(event_answer(*sent, ending="hang")) as server, open_session() as session:
            provider = OpenAIProvider("lab", server.url, None, session)
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
            # The session is still open: only the stream itself can have closed its connection.
            async with asyncio.timeout(5):
                await server.client_left.wait()

    asyncio.run(main())


def test_a_client_who_stops_reading_closes_the_connection() -> None:
    async def main() -> None:
        async with fake_server(event_answer(FIRST, ending="hang")) as server, open_session() as session:
            async with aclosing(OpenAIProvider("lab", server.url, None, session).stream(TARGET, HELLO, 60.0)) as stream:
                assert await anext(stream) == FIRST
            async with asyncio.timeout(5):
                await server.client_left.wait()

    asyncio.run(main())


def test_a_finished_stream_frees_its_connection_for_the_next() -> None:
    async def main() -> int:
        async with fake_server(event_answer(FIRST, DONE)) as server, open_session() as session:
            provider = OpenAIProvider("lab", server.url, None, session)
            for _ in range(3):
                assert [piece async for piece in provider.stream(TARGET, HELLO, 5.0)]
            return server.connections

    assert asyncio.run(main()) == 1


def test_a_server_that_stays_after_done_does_not_hold_the_caller() -> None:
    assert b"".join(pieces_of(event_answer(FIRST, DONE, ending="hang"), timeout_s=60.0)) == FIRST + DONE


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503, 401])
def test_a_failing_status_comes_before_the_first_byte(status: int) -> None:
    got, _, failed_status = failing_pieces_of(json_answer({"error": {"message": "busy"}}, status))
    assert (got, failed_status) == (b"", status)


def test_a_refusal_is_the_caller_s() -> None:
    with pytest.raises(UpstreamRejected, match="too long"):
        pieces_of(json_answer({"error": {"message": "too long"}}, 400))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (event_answer(b'data: {"error":{"message":"overloaded"}}\n\n', DONE), "overloaded"),
        (event_answer(b": waiting\n\n", b'data: {"error":{"message":"overloaded"}}\n\n'), "overloaded"),
        (event_answer(DONE), "without events"),
        (event_answer(), "an empty stream"),
        (json_answer({"error": {"message": "overloaded"}}), "overloaded"),
        (event_answer(b"data: {broken\n\n"), "not JSON"),
        (Answer(ending="reset"), "closed the connection"),
        (event_answer(b"data: ", ending="cut"), "broke off"),
    ],
)
def test_what_fails_before_the_first_event_yields_nothing(answer: Answer, words: str) -> None:
    got, message, _ = failing_pieces_of(answer)
    assert got == b""
    assert words in message


STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
USED = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n'


@pytest.mark.parametrize("pieces", [(FIRST, STOP), (FIRST, STOP, USED), (FIRST, STOP[:40], STOP[40:] + USED)])
def test_an_answer_that_told_why_it_ended_is_whole_without_done(pieces: tuple[bytes, ...]) -> None:
    assert b"".join(pieces_of(event_answer(*pieces))) == b"".join(pieces) + DONE


def test_every_answer_that_was_asked_for_must_have_ended() -> None:
    async def read(*pieces: bytes) -> bytes:
        got = []
        async with fake_server(event_answer(*pieces)) as server, open_session() as session:
            two = Call("text", "Say hello", {"n": 2})
            async with aclosing(OpenAIProvider("lab", server.url, None, session).stream(TARGET, two, 5.0)) as stream:
                async for piece in stream:
                    got.append(piece)
        return b"".join(got)

    other = STOP.replace(b'"index":0', b'"index":1')
    assert asyncio.run(read(FIRST, STOP, other)) == FIRST + STOP + other + DONE
    with pytest.raises(UpstreamFailed, match="incomplete"):
        asyncio.run(read(FIRST, STOP))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (event_answer(FIRST, SECOND), "without [DONE]"),
        (event_answer(FIRST, STOP, ending="cut"), "broke off"),
        (event_answer(FIRST, STOP.replace(b"stop", b"error")), "without [DONE]"),
        (event_answer(FIRST, b'data: {"x":"data: [DONE]"}\n\n'), "without [DONE]"),
        (event_answer(FIRST, SECOND, ending="cut"), "broke off"),
    ],
)
def test_a_stream_that_dies_later_gives_what_it_had_and_fails(answer: Answer, words: str) -> None:
    got, message, status = failing_pieces_of(answer)
    assert got == b"".join(answer.pieces or ())
    assert words in message
    assert status is None


@pytest.mark.parametrize(
    "failure",
    [
        b'data: {"choices":[],"error":{"message":"overloaded, sk-secret"}}\n\n',
        b'event: error\ndata: {"message":"overloaded, sk-secret"}\n\n',
        b"event: error\r\ndata: overloaded, sk-secret\r\n\r\n",
    ],
)
def test_a_server_that_fails_in_its_stream_is_quoted_without_our_key(failure: bytes) -> None:
    for pieces in ((FIRST, failure, DONE), (FIRST + failure + SECOND + DONE,)):
        got, message, _ = failing_pieces_of(event_answer(*pieces))
        assert (got, message) == (FIRST, "lab answered with an error: overloaded, [redacted]")


def test_words_about_errors_are_words() -> None:
    said = b'data: {"choices":[{"delta":{"content":"\\"error\\": event: error"}}],"error":null}\n\n'
    assert b"".join(pieces_of(event_answer(FIRST, said, b"event: message\n" + SECOND, DONE))).count(b"data:") == 4


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(ending="hang"), b""),
        (event_answer(b": waiting\n\n", ending="hang"), b""),
        (event_answer(FIRST, ending="hang"), FIRST),
    ],
)
def test_silence_times_out_before_and_between_pieces(answer: Answer, expected: bytes) -> None:
    got, message, _ = failing_pieces_of(answer, timeout_s=0.1)
    assert got == expected
    assert "within 0.1 s" in message


def test_a_long_first_event_arrives_whole() -> None:
    event = b"data: " + orjson.dumps({"choices": [{"delta": {"content": "x" * 300_000}}]}) + b"\n\n"
    halves = (event[:150_000], event[150_000:], DONE)
    assert b"".join(pieces_of(event_answer(*halves))) == b"".join(halves)
