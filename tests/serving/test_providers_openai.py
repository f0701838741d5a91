import asyncio
import base64
import socket
from decimal import Decimal
from typing import Any

import aiohttp
import orjson
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_serving.call import Call, Reply, Target, Usage
from greatrouter_serving.errors import InvalidInput, ProviderUnreachable, UpstreamFailed, UpstreamRejected
from greatrouter_serving.providers.faults import fault_of
from greatrouter_serving.providers.openai import OpenAIProvider
from greatrouter_serving.providers.session import open_session
from greatrouter_serving.providers.transport import MAX_CHAT_BYTES
from greatrouter_serving.providers.usage import token_usage
from tests.serving.fake_provider import COMPLETION, Answer, Received, fake_server, json_answer

KEY = "sk-live-do-not-show-0123456789"
TARGET = Target("lab/small", "lab", "small")
HELLO = Call("text", "Say hello", {"temperature": 0.5})
PNG = base64.b64encode(b"\x89PNG picture").decode()
WAV = base64.b64encode(b"RIFF....WAVEsound").decode()


def run(
    call: Call, *answers: Answer, timeout_s: float = 5.0, key: str | None = KEY, **options: Any
) -> tuple[Reply, list[Received]]:
    """The reply, and what the server saw."""

    async def main() -> tuple[Reply, list[Received]]:
        async with fake_server(*answers) as server, open_session() as session:
            provider = OpenAIProvider("lab", server.url + "/", key, session, poll_interval_s=0.001, **options)
            reply = await provider.call(TARGET, call, timeout_s)
            return reply, server.requests

    return asyncio.run(main())


def failure_of(call: Call, *answers: Answer, timeout_s: float = 5.0) -> UpstreamFailed | UpstreamRejected:
    try:
        run(call, *answers, timeout_s=timeout_s)
    except (UpstreamFailed, UpstreamRejected) as error:
        shown = f"{error!s} {error!r}"
        assert KEY not in shown
        assert "127.0.0.1" not in shown
        return error
    raise AssertionError("it did not fail")


# What is sent


def test_chat_is_sent_as_the_caller_wrote_it() -> None:
    fields = {"messages": [{"role": "user", "content": "Hi"}], "tools": [{"type": "function"}], "model": "router"}
    reply, [request] = run(Call("text", "ignored", fields), json_answer(COMPLETION), headers={"X-Title": "tests"})
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.json() == {**fields, "model": "small"}
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-title"] == "tests"
    assert reply.body == orjson.dumps(COMPLETION)
    assert reply.usage == Usage(prompt_tokens=12, completion_tokens=3)


def test_no_key_sends_no_authorization() -> None:
    _, [request] = run(HELLO, json_answer(COMPLETION), key=None)
    assert "authorization" not in request.headers


@pytest.mark.parametrize(
    ("call", "path", "sent"),
    [
        (HELLO, "/v1/chat/completions", {"messages": [{"role": "user", "content": "Say hello"}], "temperature": 0.5}),
        (Call("text", "p", {"prompt": "q"}), "/v1/chat/completions", {"messages": [{"role": "user", "content": "q"}]}),
        (Call("image", "A boat", {"n": 2}), "/v1/images/generations", {"prompt": "A boat", "n": 2}),
        (Call("image", "A boat", {"messages": []}, "edit"), "/v1/images/generations", {"prompt": "A boat"}),
        (
            Call("image", "Bluer", {"image": ["https://x.test/a.png", PNG]}, "edit"),
            "/v1/images/edits",
            {
                "prompt": "Bluer",
                "images": [{"image_url": "https://x.test/a.png"}, {"image_url": f"data:image/png;base64,{PNG}"}],
            },
        ),
        (Call("speech", "Good day"), "/v1/audio/speech", {"input": "Good day", "voice": "alloy"}),
        (
            Call("speech", "read it", {"text": "Good day", "voice": "echo", "stream_format": "sse"}),
            "/v1/audio/speech",
            {"input": "Good day", "voice": "echo"},
        ),
        (Call("embeddings", "apple"), "/v1/embeddings", {"input": "apple"}),
        (
            Call("rerank", "fruit", {"documents": ["a", {"text": "b"}], "top_n": 1}),
            "/v1/rerank",
            {"query": "fruit", "documents": ["a", "b"], "top_n": 1},
        ),
    ],
)
def test_each_task_has_its_endpoint_and_the_prompt_fills_what_lacks(
    call: Call, path: str, sent: dict[str, Any]
) -> None:
    answer: dict[str, Any] = {
        "choices": [{"message": {}}],
        "data": [{"embedding": [0.1]}],
        "results": [{"index": 0, "relevance_score": 0.5}],
        "audio": {},
    }
    _, [request] = run(call, json_answer(answer))
    assert request.path == path
    assert request.json() == {**sent, "model": "small"}


@pytest.mark.parametrize(
    ("call", "path", "parts"),
    [
        (
            Call(
                "image",
                "Bluer",
                {"image": PNG, "size": "64x64", "n": 2, "mask": f"data:image/png;base64,{PNG}"},
                "edit",
            ),
            "/v1/images/edits",
            [b'name="image"; filename="image.png"', b'name="mask"', b"\x89PNG picture", b"64x64", b"Bluer", b"small"],
        ),
        (
            Call("image", "Join", {"images": [{"image_url": {"url": f"data:image/png;base64,{PNG}"}}, PNG]}, "combine"),
            "/v1/images/edits",
            [b'name="image[]"; filename="image.png"'],
        ),
        (
            Call(
                "speech", "Write down", {"audio": {"data": WAV, "format": "wav"}, "timestamp_granularities": ["word"]}
            ),
            "/v1/audio/transcriptions",
            [b'name="file"; filename="file.wav"', b"audio/wav", b'name="timestamp_granularities[]"'],
        ),
    ],
)
def test_files_go_as_a_form(call: Call, path: str, parts: list[bytes]) -> None:
    _, [request] = run(call, json_answer({"data": [{}], "text": "hello"}))
    assert request.path == path
    assert request.headers["content-type"].startswith("multipart/form-data")
    for part in parts:
        assert part in request.body
    assert b"Write down" not in request.body


@pytest.mark.parametrize("sound", ["https://x.test/a.wav", "%%%", "data:audio/wav;base64,"])
def test_a_file_must_be_base64(sound: str) -> None:
    with pytest.raises(InvalidInput, match="file"):
        run(Call("speech", "Write down", {"file": sound}), json_answer({"text": "hello"}))


def test_a_large_body_arrives_whole() -> None:
    text = "x" * 3_000_000
    _, [request] = run(Call("text", text), json_answer(COMPLETION))
    assert request.json()["messages"][0]["content"] == text


def test_music_has_no_endpoint() -> None:
    assert "no music endpoint" in str(failure_of(Call("music", "A waltz"), json_answer({})))


def test_connections_are_reused() -> None:
    async def main() -> int:
        async with fake_server() as server, open_session() as session:
            provider = OpenAIProvider("lab", server.url, KEY, session)
            for _ in range(5):
                await provider.call(TARGET, HELLO, 5.0)
            return server.connections

    assert asyncio.run(main()) == 1


# What comes back


@pytest.mark.parametrize(
    ("media_type", "asked", "expected"),
    [
        ("audio/mpeg", {}, "mp3"),
        ("audio/wav", {"response_format": "mp3"}, "wav"),
        ("application/octet-stream", {"response_format": "opus"}, "opus"),
    ],
)
def test_sound_is_wrapped_as_json(media_type: str, asked: dict[str, str], expected: str) -> None:
    reply, _ = run(Call("speech", "Good day", asked), Answer(b"sound", content_type=media_type))
    assert orjson.loads(reply.body) == {"audio": {"data": base64.b64encode(b"sound").decode(), "format": expected}}
    assert reply.usage == Usage(characters=8)


def test_subtitles_are_wrapped_as_json() -> None:
    call = Call("speech", "Write down", {"file": WAV, "response_format": "srt"})
    reply, _ = run(call, Answer(b"1\n00:00 Hello", content_type="text/plain"))
    assert orjson.loads(reply.body) == {"text": "1\n00:00 Hello"}


def test_a_transcript_of_silence_is_an_answer() -> None:
    reply, _ = run(Call("speech", "x", {"file": WAV}), json_answer({"text": "", "usage": {"seconds": 2.5}}))
    assert reply.usage == Usage(seconds=Decimal("2.5"))


def test_a_film_is_polled_for_and_fetched() -> None:
    job = {"id": "v/1", "object": "video", "error": None, "seconds": "8"}
    reply, requests = run(
        Call("video", "Waves", {"seconds": "8"}),
        json_answer({**job, "status": "queued"}),
        json_answer({}, 503),
        json_answer({**job, "status": "in_progress"}),
        json_answer({**job, "status": "completed"}),
        Answer(b"film", content_type="video/mp4"),
    )
    assert [(request.method, request.path) for request in requests] == [
        ("POST", "/v1/videos"),
        ("GET", "/v1/videos/v%2F1"),
        ("GET", "/v1/videos/v%2F1"),
        ("GET", "/v1/videos/v%2F1"),
        ("GET", "/v1/videos/v%2F1/content"),
    ]
    film = {"b64_json": base64.b64encode(b"film").decode(), "mime_type": "video/mp4"}
    assert orjson.loads(reply.body) == {**job, "status": "completed", "data": [film]}
    assert reply.usage == Usage(seconds=Decimal(8))


def test_a_film_without_an_address_is_the_finished_job() -> None:
    done = {"id": "v1", "status": "completed", "seconds": "4"}
    reply, _ = run(Call("video", "Waves"), json_answer(done), json_answer({}, 404))
    assert orjson.loads(reply.body) == done


@pytest.mark.parametrize(
    "answers",
    [
        [json_answer({"id": "v1", "status": "failed", "error": {"code": "x", "message": "too wet"}})],
        [json_answer({"id": "v1", "status": "cancelled"})],
        [json_answer({"id": "v1", "status": "queued"}), json_answer({}, 500)],
        [json_answer({"status": "queued"})],
    ],
)
def test_a_film_that_fails_moves_on(answers: list[Answer]) -> None:
    assert isinstance(failure_of(Call("video", "Waves"), *answers), UpstreamFailed)


def test_a_film_that_takes_too_long_times_out() -> None:
    failed = failure_of(Call("video", "Waves"), json_answer({"id": "v1", "status": "queued"}), timeout_s=0.05)
    assert "within 0.05 s" in str(failed)


# Usage


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, Usage()),
        ("many", Usage()),
        ({}, Usage()),
        ({"prompt_tokens": None, "completion_tokens": "3"}, Usage()),
        ({"prompt_tokens": 12.0, "completion_tokens": -1}, Usage(12)),
        ({"prompt_tokens": True}, Usage()),
        ({"total_tokens": 7}, Usage(7)),
        ({"input_tokens": 5, "output_tokens": 6, "input_tokens_details": {"cached_tokens": 2}}, Usage(5, 6, 2)),
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 20,
                "prompt_tokens_details": {"cached_tokens": 4},
                "completion_tokens_details": {"reasoning_tokens": 15},
            },
            Usage(10, 20, 4, 15),
        ),
        ({"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 9}}, Usage(1, 0, 1)),
        (
            {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 5}},
            Usage(9, 0, 2, cache_write_tokens=5),
        ),
        (
            {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 8}},
            Usage(9, 0, 2, cache_write_tokens=7),
        ),
        ({"prompt_tokens": 1, "prompt_tokens_details": None, "completion_tokens_details": []}, Usage(1)),
    ],
)
def test_token_usage(usage: object, expected: Usage) -> None:
    assert token_usage(usage) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    ["prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details"]
)
DETAILS = st.dictionaries(st.sampled_from(["cached_tokens", "cache_write_tokens", "reasoning_tokens"]), JSON)


@given(st.dictionaries(NAMES, JSON | DETAILS) | JSON)
def test_no_usage_makes_a_negative_bill(usage: object) -> None:
    read = token_usage(usage)
    assert 0 <= read.cached_tokens <= read.prompt_tokens
    assert 0 <= read.cache_write_tokens <= read.prompt_tokens - read.cached_tokens
    assert 0 <= read.reasoning_tokens <= read.completion_tokens


# What goes wrong


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529, 401, 402, 403, 404, 410])
def test_these_statuses_move_on(status: int) -> None:
    failed = failure_of(HELLO, json_answer({"error": {"message": f"not now, {KEY}"}}, status))
    assert isinstance(failed, UpstreamFailed)
    assert failed.status == status
    assert f"status {status}" in str(failed)


@pytest.mark.parametrize("status", [400, 413, 415, 422, 451])
def test_these_statuses_blame_the_request(status: int) -> None:
    refused = failure_of(HELLO, json_answer({"error": {"message": "temperature must be\nat most 2"}}, status))
    assert isinstance(refused, UpstreamRejected)
    assert refused.status == status
    assert str(refused) == "temperature must be at most 2"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": "no such field"}', "no such field"),
        (b'{"message": "no such field"}', "no such field"),
        (b'{"detail": [{"msg": "no such field"}, {"msg": "too long"}]}', "no such field; too long"),
        (b"no such field", "no such field"),
        (b"<html>nginx</html>", "lab refused the request with status 400 and no reason"),
        (b"", "lab refused the request with status 400 and no reason"),
        (b'{"error": {}}', "lab refused the request with status 400 and no reason"),
        (b"x" * 9000, "x" * 499 + "…"),
    ],
)
def test_the_words_of_a_refusal_are_found_in_any_shape(body: bytes, words: str) -> None:
    assert str(fault_of("lab", 400, body, KEY)) == words


@pytest.mark.parametrize("words", ["API key not valid. Please pass a valid API key.", "invalid_api_key"])
def test_a_400_about_our_key_is_not_the_caller_s_fault(words: str) -> None:
    failed = failure_of(HELLO, json_answer({"error": {"message": words}}, 400))
    assert isinstance(failed, UpstreamFailed)
    assert "refused our key" in str(failed)


@pytest.mark.parametrize(
    "error",
    [
        {"message": "Invalid value: 'invalid api key'. Supported values are: 'text', 'json_object'."},
        {"message": "Invalid API key names a function that does not exist", "param": "tools[0].name"},
        {"message": "Error: Invalid API key: sk-SE***789"},
    ],
)
def test_what_a_caller_wrote_does_not_take_the_provider_from_everybody(error: dict[str, Any]) -> None:
    failed = failure_of(HELLO, json_answer({"error": error}, 400))
    assert isinstance(failed, UpstreamRejected)
    assert "sk-SE" not in str(failed)


@given(st.text(), st.text(), st.integers(300, 599))
def test_our_key_is_never_shown(before: str, after: str, status: int) -> None:
    body = f"{before} {KEY} {after}".encode("utf-8", "replace")
    assert KEY not in str(fault_of("lab", status, body, KEY))


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    failed = failure_of(HELLO, Answer(status=status, headers={"Location": "http://127.0.0.1:1/v1/chat/completions"}))
    assert isinstance(failed, UpstreamFailed)
    assert "correct its base_url" in str(failed)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(b""), "an empty body"),
        (Answer(b"", 204), "an empty body"),
        (Answer(b"<html>", content_type="text/html"), "not JSON"),
        (Answer(b'{"choices": [{"mess'), "not JSON"),
        (Answer(b'{"choices": [NaN]}'), "not JSON"),
        (json_answer([COMPLETION]), "not an object"),
        (json_answer({}), "without choices"),
        (json_answer({"choices": []}), "without choices"),
        (json_answer({"choices": None}), "without choices"),
        (json_answer({"error": {"message": f"overloaded {KEY}"}}), "overloaded [redacted]"),
        (json_answer({**COMPLETION, "error": {"code": 502}}), "answered with an error"),
        (Answer(b'{"choices": []', ending="cut"), "broke off"),
        (Answer(pieces=(b'{"choices":', b" ["), ending="cut"), "broke off"),
        (Answer(ending="reset"), "closed the connection"),
        (Answer(b"", headers={"Content-Encoding": "gzip"}, pieces=(b"not gzip",)), "broke off"),
        (Answer(b"{}", headers={"Content-Length": "x"}), "not HTTP"),
    ],
)
def test_a_malformed_or_missing_answer_moves_on(answer: Answer, words: str) -> None:
    failed = failure_of(HELLO, answer)
    assert isinstance(failed, UpstreamFailed)
    assert failed.status is None
    assert words in str(failed)


def test_sound_must_be_sound() -> None:
    for answer in (Answer(b"<html>", content_type="text/html"), Answer(b"", content_type="audio/mpeg")):
        assert "instead of audio" in str(failure_of(Call("speech", "Good day"), answer))


@pytest.mark.parametrize(
    "answer",
    [
        Answer(headers={"Content-Length": str(MAX_CHAT_BYTES + 1)}, ending="hang", body=b"x"),
        Answer(pieces=(b" " * 4_000_000,) * 5, ending="hang"),
    ],
)
def test_an_endless_answer_is_given_up(answer: Answer) -> None:
    assert "more than 16 MB" in str(failure_of(HELLO, answer))


FAILED_CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Hel"}, "finish_reason": "error"}


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"index": 0}, "a choice without a message"),
        ({"index": 0, "message": None}, "a choice without a message"),
        ({"index": 0, "text": "legacy"}, "a choice without a message"),
        ({"index": 0, "message": "Hello!"}, "a choice without a message"),
        (FAILED_CHOICE, "answered with an error: it does not say which"),
        ({**FAILED_CHOICE, "error": {"code": 502, "message": f"overloaded {KEY}"}}, "overloaded [redacted]"),
    ],
)
def test_a_choice_that_is_no_answer_moves_on(choice: dict[str, Any], words: str) -> None:
    good = COMPLETION["choices"][0]
    for choices in ([choice], [good, choice]):
        failed = failure_of(HELLO, json_answer({**COMPLETION, "choices": choices}))
        assert isinstance(failed, UpstreamFailed)
        assert words in str(failed)


@pytest.mark.parametrize(
    ("error", "param", "code"),
    [
        ({"param": "messages", "code": "context_length_exceeded"}, "messages", "context_length_exceeded"),
        ({"param": None, "code": 400}, None, None),
        ({"param": {"a": 1}, "code": "x" * 201}, None, None),
        ({"param": f"tools {KEY}", "code": f"{KEY}\n"}, "tools [redacted]", "[redacted]"),
        ({}, None, None),
    ],
)
def test_a_refusal_keeps_the_provider_s_names_for_what_is_wrong(
    error: dict[str, Any], param: str | None, code: str | None
) -> None:
    for body in ({"error": {"message": "too long", **error}}, {"message": "too long", **error}):
        refused = failure_of(HELLO, json_answer(body, 400))
        assert isinstance(refused, UpstreamRejected)
        assert (str(refused), refused.param, refused.code) == ("too long", param, code)


def test_nobody_at_home_moves_on() -> None:
    async def main() -> None:
        async with open_session() as session:
            # Port 1 is reserved and never listens.
            await OpenAIProvider("lab", "http://127.0.0.1:1/v1", KEY, session).call(TARGET, HELLO, 5.0)

    with pytest.raises(UpstreamFailed, match=r"cannot be reached") as caught:
        asyncio.run(main())
    assert "127.0.0.1" not in str(caught.value)


class NoSuchHost(AbstractResolver):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        raise OSError(-2, "Name or service not known")

    async def close(self) -> None:
        pass


def test_a_host_that_nobody_knows_is_named_in_our_own_words() -> None:
    async def main() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=NoSuchHost())) as session:
            await OpenAIProvider("lab", "http://modles.example/v1", KEY, session).call(TARGET, HELLO, 5.0)

    with pytest.raises(ProviderUnreachable) as caught:
        asyncio.run(main())
    assert str(caught.value) == "lab cannot be reached: its host modles.example is unknown"


def test_an_https_address_of_a_plain_server_is_said_to_be_one() -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def main() -> None:
        async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server, open_session() as session:
            url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            await OpenAIProvider("lab", url, KEY, session).call(TARGET, HELLO, 5.0)

    with pytest.raises(ProviderUnreachable, match="lab cannot be reached: it does not speak TLS"):
        asyncio.run(main())


def test_silence_times_out() -> None:
    for answer in (Answer(ending="hang"), Answer(pieces=(b"{",), ending="hang")):
        failed = failure_of(HELLO, answer, timeout_s=0.05)
        assert isinstance(failed, UpstreamFailed)
        assert "did not answer within 0.05 s" in str(failed)


def test_a_cancelled_caller_cancels_the_request() -> None:
    async def main() -> None:
        async with fake_server(Answer(ending="hang")) as server, open_session() as session:
            provider = OpenAIProvider("lab", server.url, KEY, session)
            task = asyncio.create_task(provider.call(TARGET, HELLO, 30.0))
            await server.arrived.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            async with asyncio.timeout(5):
                await server.client_left.wait()

    asyncio.run(main())


def test_the_key_is_not_in_the_provider_s_own_words() -> None:
    async def main() -> str:
        async with open_session() as session:
            provider = OpenAIProvider("lab", "http://127.0.0.1:1/v1", KEY, session)
            return f"{provider} {provider!r}"

    assert KEY not in asyncio.run(main())
