"""Callers and providers that are hostile, or only unlucky, on the way of a chat."""

import asyncio
import logging
import re
import socket
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import orjson
import pytest

from tests.accounts.asking import logged
from tests.api.conftest import DONE, USAGE, WORDS, Running, chunk, eventually
from tests.api.scripted import Wire, scripted
from tests.api.test_chat import events
from tests.serving.fake_provider import COMPLETION, Answer, event_answer, json_answer

PROMPT = "ZEBRA-IN-THE-PROMPT"
SECRET = "sk-SECRET-OF-THE-OPERATOR-0123456789"
WHOLE = {"model": "lab/one", "messages": [{"role": "user", "content": PROMPT}]}
STREAM = {**WHOLE, "stream": True}
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
ROLE = chunk(choices=[{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])
MB = 1024 * 1024


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Wire]]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LAB_KEY", SECRET)
        with scripted(tmp_path_factory.mktemp("attacked"), api_key_env="LAB_KEY", upstream_timeout_s=20) as found:
            yield found


@pytest.fixture
def server(open_server: tuple[Running, Wire]) -> Iterator[Running]:
    """Whatever was tried, the books balance and nothing stays reserved."""
    running = open_server[0]
    yield running
    assert running.accounts.verify() == []


@pytest.fixture
def wire(open_server: tuple[Running, Wire]) -> Wire:
    return open_server[1]


def connect(server: Running) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1])), timeout=10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def request(server: Running, body: Any, *headers: bytes, length: int | None = None, close: bool = True) -> bytes:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    lines = [
        b"POST /v1/chat/completions HTTP/1.1",
        b"Host: x",
        b"Authorization: Bearer " + server.live.encode(),
        b"Content-Length: %d" % (len(raw) if length is None else length),
        b"Connection: " + (b"close" if close else b"keep-alive"),
        *headers,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + raw


def received(connection: socket.socket) -> bytes:
    """Everything until the server hangs up."""
    with connection:
        pieces = []
        while piece := connection.recv(65536):
            pieces.append(piece)
        return b"".join(pieces)


def unchunked(answer: bytes) -> bytes:
    """The body of an answer in chunked encoding."""
    rest, body = answer.partition(b"\r\n\r\n")[2], b""
    while size := int(rest.partition(b"\r\n")[0], 16):
        rest = rest.partition(b"\r\n")[2]
        body, rest = body + rest[:size], rest[size + 2 :]
    return body


def line_of(server: Running, request_id: str) -> dict[str, Any]:
    def lines() -> list[dict[str, Any]]:
        rows = logged(server.accounts, server.organization_id, 100)
        return [row for row in rows if row["request_id"] == request_id]

    assert eventually(lines), request_id
    [line] = lines()
    return line


def framed(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


# -- bodies -----------------------------------------------------------------------------------------------------


def with_field(raw: bytes) -> bytes:
    return orjson.dumps(WHOLE)[:-1] + b',"more":' + raw + b"}"


def with_content(raw: bytes) -> bytes:
    return b'{"model":"lab/one","messages":[{"role":"user","content":' + raw + b"}]}"


NOT_JSON = {
    "nothing": b"",
    "NaN": with_field(b"NaN"),
    "infinity": with_field(b"-Infinity"),
    "invalid UTF-8": with_content(b'"\xff\xfe"'),
    "a surrogate in UTF-8": with_content(b'"\xed\xa0\x80"'),
    "a lone surrogate": with_content(b'"\\ud800"'),
    "a lone surrogate as a name": with_field(b'{"\\ud800":1}'),
    "UTF-16": orjson.dumps(WHOLE).decode().encode("utf-16"),
    "deep": with_field(b"[" * 300 + b"]" * 300),
    "very deep": b"[" * 1_000_000,
    "a number too long to read": with_field(b"9" * 5_000),
    "a number too long to send": with_field(b"9" * 30),
    "such a number in a message": with_content(b'"x","n":' + b"9" * 30),
    "something behind it": orjson.dumps(WHOLE) + b"x",
}


@pytest.mark.parametrize("ttl", ["0", "60"])
@pytest.mark.parametrize("body", NOT_JSON)
def test_a_body_that_cannot_be_sent_on_is_a_400(server: Running, wire: Wire, body: str, ttl: str) -> None:
    wire.play(json_answer(COMPLETION))
    answer = server.post("/v1/chat/completions", NOT_JSON[body], server.live, x_gr_cache_ttl=ttl)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request"), answer.text
    assert PROMPT not in answer.text
    assert not wire.requests


def test_of_a_name_that_comes_twice_the_last_counts_for_all(server: Running, wire: Wire) -> None:
    """The guardrails, the router and the provider must not read different requests."""
    body = orjson.dumps(WHOLE)[:-1] + b',"model":"lab/two","messages":[{"role":"user","content":"jo@example.com"}]}'
    wire.play(json_answer(COMPLETION))
    blocked = server.post("/v1/chat/completions", body, server.live, x_gr_guardrails="moderate")
    assert blocked.json()["error"]["code"] == "guardrail_blocked"
    assert server.post("/v1/chat/completions", body, server.live).json()["greatrouter"]["model"] == "lab/two"
    assert wire.requests[-1].json() == {"model": "two", "messages": [{"role": "user", "content": "jo@example.com"}]}


WRONG_EVERYWHERE = {
    "messages": ("/v1/chat/completions", {"model": 5, "messages": [5] * 500_000}),
    "tools": ("/v1/chat/completions", {**WHOLE, "tools": [5] * 500_000}),
    "token ids": ("/v1/embeddings", {"model": "lab/embed", "input": [[1.5]] * 300_000}),
    "documents": ("/v1/rerank", {"model": "lab/rank", "query": "x", "documents": [5] * 500_000}),
    "order": ("/v1/chat/completions", {**WHOLE, "provider": {"order": [5] * 500_000}}),
    "empty lists": ("/v1/chat/completions", {**WHOLE, "more": [[]] * 2_000_000}),
}


@pytest.mark.parametrize("wrong", WRONG_EVERYWHERE)
def test_a_million_mistakes_are_refused_as_fast_as_one(server: Running, wrong: str) -> None:
    path, body = WRONG_EVERYWHERE[wrong]
    raw, started = orjson.dumps(body), time.process_time()
    answer = server.post(path, raw, server.live)
    # Of this whole process, the server among it. It was 12 s for token ids when every mistake was listed.
    assert time.process_time() - started < 2.5
    assert answer.status_code == 400
    assert len(answer.content) < 2_000


def test_a_prompt_of_megabytes_is_read_in_moments(server: Running, wire: Wire) -> None:
    wire.play(json_answer(COMPLETION))
    body = orjson.dumps({**WHOLE, "messages": [{"role": "user", "content": "[draw 4111 1111 a@b " * 300_000}]})
    started = time.process_time()
    assert server.post("/v1/chat/completions", body, server.live).status_code == 200
    assert time.process_time() - started < 2


ODD = ["lab/one\r\nX-Evil: 1", "lab/one\x00", "../../etc/passwd", "lab/one?x=1", "\u202elab/one", "x" * 100_000, "{}"]


@pytest.mark.parametrize("model", ODD)
def test_odd_model_ids_are_unknown_and_nothing_worse(server: Running, wire: Wire, model: str) -> None:
    wire.play(json_answer(COMPLETION))
    for form in (WHOLE, STREAM):
        answer = server.post("/v1/chat/completions", {**form, "model": model}, server.live)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
        assert "x-evil" not in answer.headers
    assert not wire.requests


# -- connections ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [b"a b", b"<script>", b"\xff\xfe", b"x" * 129, b"", b"a\tb"])
def test_a_request_id_that_is_not_sane_is_replaced(server: Running, wire: Wire, given: bytes) -> None:
    wire.play(json_answer(COMPLETION))
    with connect(server) as connection:
        connection.sendall(request(server, WHOLE, b"X-Request-Id: " + given))
        head = received(connection).partition(b"\r\n\r\n")[0]
    [told] = re.findall(rb"x-request-id: (.*)", head)
    assert told.startswith(b"req_")


@pytest.mark.parametrize("given", [b"a\r\n\r\nGET / HTTP/1.1", b"a\x00b", b"a\rb"])
def test_what_breaks_out_of_a_header_is_never_said_back(server: Running, wire: Wire, given: bytes) -> None:
    wire.play(json_answer(COMPLETION))
    with connect(server) as connection:
        connection.sendall(request(server, b"", b"X-Request-Id: " + given))
        head = received(connection).partition(b"\r\n\r\n")[0]
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"x-request-id: " + given not in head


LENGTHS = {"shorter": -5, "negative": -(10**6), "beyond reason": 10**30}


@pytest.mark.parametrize("lie", LENGTHS)
def test_a_length_that_lies_gets_a_400(server: Running, wire: Wire, lie: str) -> None:
    wire.play(json_answer(COMPLETION))
    with connect(server) as connection:
        connection.sendall(request(server, WHOLE, length=len(orjson.dumps(WHOLE)) + LENGTHS[lie]))
        assert received(connection).startswith(b"HTTP/1.1 400 ")
    assert not wire.requests


@pytest.mark.parametrize("extra", [b"Content-Length: 5", b"Transfer-Encoding: chunked", b"No colon"])
def test_smuggling_gets_a_400(server: Running, wire: Wire, extra: bytes) -> None:
    wire.play(json_answer(COMPLETION))
    with connect(server) as connection:
        connection.sendall(request(server, WHOLE, extra))
        head, _, body = received(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert orjson.loads(body)["error"]["code"] == "invalid_request"
    assert not wire.requests


@pytest.mark.parametrize("beginning", [b"GET / HTTP/1.1\r\nX: ", b"GET /"])
def test_a_head_without_an_end_is_not_listened_to(server: Running, beginning: bytes) -> None:
    with connect(server) as connection, pytest.raises(ConnectionError):
        connection.sendall(beginning + b"a" * 60 * MB)


def test_requests_in_one_packet_are_answered_in_order(server: Running, wire: Wire) -> None:
    wire.play(json_answer(COMPLETION), event_answer(*WORDS, USAGE, DONE), json_answer(COMPLETION))
    first = request(server, WHOLE, b"X-Request-Id: pipe-1", close=False)
    second = request(server, STREAM, b"X-Request-Id: pipe-2", close=False)
    with connect(server) as connection:
        connection.sendall(first + second + request(server, WHOLE, b"X-Request-Id: pipe-3"))
        answer = received(connection)
    assert re.findall(rb"x-request-id: (.*)\r", answer) == [b"pipe-1", b"pipe-2", b"pipe-3"]
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.count(DONE) == 1


@pytest.mark.parametrize("form", ["whole", "stream"])
def test_a_caller_who_hangs_up_half_way_is_gone(server: Running, wire: Wire, form: str) -> None:
    """Closing one direction closes both: nobody is charged, and nothing is left running."""
    wire.play(Answer(ending="hang"))
    before = server.accounts.balance("acme")
    with connect(server) as connection:
        connection.sendall(request(server, STREAM if form == "stream" else WHOLE))
        assert eventually(lambda: wire.requests)
        connection.shutdown(socket.SHUT_WR)
        assert received(connection) == b""
    assert wire.left.wait(5)
    assert eventually(lambda: server.accounts.balance("acme") == before)


def test_a_caller_who_leaves_with_a_second_request_waiting_stops_the_first(server: Running, wire: Wire) -> None:
    wire.play(Answer(ending="hang"))
    first = request(server, WHOLE, b"X-Request-Id: pipe-left", close=False)
    with connect(server) as connection:
        connection.sendall(first + request(server, WHOLE))
        assert eventually(lambda: wire.requests)
    assert wire.left.wait(5), "the upstream call goes on"
    assert line_of(server, "pipe-left")["status"] == 499


# (what the provider sends before it waits, what the caller waits to see, whether anything is charged)
STAGES = {
    "before the head": ((), b"", False),
    "before the first token": ((ROLE,), b"", False),
    "mid-stream": ((ROLE, WORDS[0]), b"Hello", True),
    "between the last piece and [DONE]": ((ROLE, *WORDS, USAGE), b"stop", True),
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_caller_may_leave_at_any_moment(server: Running, wire: Wire, stage: str) -> None:
    pieces, seen, charged = STAGES[stage]
    wire.play(event_answer(*pieces, ending="hang") if pieces else Answer(ending="hang"))
    before, request_id = server.accounts.balance("acme"), f"left-{list(STAGES).index(stage)}"
    with connect(server) as connection:
        connection.sendall(request(server, STREAM, b"X-Request-Id: " + request_id.encode()))
        assert eventually(lambda: wire.requests)
        answer = b""
        while seen not in answer:
            answer += connection.recv(65536)
    assert wire.left.wait(5), "the upstream call goes on"
    line = line_of(server, request_id)
    assert line["status"] == 499
    assert (line["cost_cents"] > 0) is charged
    assert eventually(lambda: before - server.accounts.balance("acme") == line["cost_cents"])


def test_a_caller_who_leaves_amid_the_body_was_never_there(server: Running, wire: Wire) -> None:
    wire.play(json_answer(COMPLETION))
    with connect(server) as connection:
        connection.sendall(request(server, WHOLE, length=10_000))
    assert server.post("/v1/chat/completions", WHOLE, server.live).status_code == 200
    assert len(wire.requests) == 1


def test_a_flood_waits_for_a_caller_who_does_not_read(server: Running, wire: Wire) -> None:
    """The provider is not read faster than the caller reads, so memory holds a few packets and no more."""
    sent, stalled = 0, threading.Event()
    flood = framed(chunk("x" * 60_000))

    async def handler(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(STREAM_HEAD)
        try:
            while sent < 200 * MB:
                writer.write(flood)
                sent += len(flood)
                try:
                    await asyncio.wait_for(writer.drain(), 0.3)
                except TimeoutError:
                    stalled.set()
                    await writer.drain()
        finally:
            wire.left.set()

    wire.play(handler=handler)
    with connect(server) as connection:
        connection.sendall(request(server, STREAM, b"X-Request-Id: flooded"))
        assert stalled.wait(10), "all 200 MB were taken"
        # What the kernel keeps of four loopback sockets' ends, and the server's own few hundred kilobytes.
        assert sent < 40 * MB
    assert wire.left.wait(5)
    assert line_of(server, "flooded")["status"] == 499


def test_five_hundred_streams_at_once(server: Running, wire: Wire) -> None:
    begun, count = threading.Event(), 500

    async def handler(writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + framed(WORDS[0]))
        await writer.drain()
        await asyncio.to_thread(begun.wait, 30)
        writer.write(b"".join(map(framed, (*WORDS[1:], USAGE, DONE))) + b"0\r\n\r\n")
        await writer.drain()

    async def main() -> list[bytes]:
        open_streams = 0

        async def talk() -> bytes:
            nonlocal open_streams
            reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rsplit(":", 1)[1]))
            writer.write(request(server, STREAM))
            await reader.readuntil(b"Hello")
            open_streams += 1
            if open_streams == count:
                begun.set()
            rest = await reader.read()
            writer.close()
            return rest

        return await asyncio.gather(*(talk() for _ in range(count)))

    wire.play(handler=handler)
    before = server.accounts.balance("acme")
    rests = asyncio.run(main())
    assert all(DONE in rest for rest in rests)
    assert eventually(lambda: before - server.accounts.balance("acme") == count * Decimal("0.2"))


# -- providers --------------------------------------------------------------------------------------------------

SPOKEN = b"".join((ROLE, *[WORDS[0]] * 300, USAGE, DONE))
PACKETS = {
    "a byte at a time": [SPOKEN[i : i + 1] for i in range(2_000)] + [SPOKEN[2_000:]],
    "ten thousand events at once": [ROLE + WORDS[0] * 10_000 + USAGE + DONE],
    "events of 10 MB": [ROLE, WORDS[0], chunk("y" * 10 * MB), USAGE, DONE],
    "a first event of 10 MB": [ROLE, chunk("y" * 10 * MB), USAGE, DONE],
    "a hundred thousand comments": [WORDS[0] + b": x\n\n" * 100_000 + USAGE + DONE],
    "nothing but line endings": [WORDS[0] + b"\r\n" * 100_000 + USAGE + DONE],
}


@pytest.mark.parametrize("packets", PACKETS)
def test_however_a_stream_is_cut_the_caller_gets_all_of_it(server: Running, wire: Wire, packets: str) -> None:
    wire.play(event_answer(*PACKETS[packets]))
    answer = server.post("/v1/chat/completions", STREAM, server.live)
    sent = b"".join(PACKETS[packets]).partition(USAGE)[0]
    assert answer.content.startswith(sent)
    last, done = events(answer.content[len(sent) :].lstrip())
    assert (last["greatrouter"]["provider"], done) == ("lab", "[DONE]")


ENDLESS = {
    "greetings": ([ROLE * 1_000], 502),
    "comments": ([b": %b\n\n" % (b"wait " * 50) * 400], 502),
    "half a first event": ([b"data: ", b"x" * 100_000], 502),
    "half a later event": ([WORDS[0], b"data: ", b"x" * 100_000], 200),
}


@pytest.mark.parametrize("endless", ENDLESS)
def test_a_stream_that_never_says_anything_is_given_up(server: Running, wire: Wire, endless: str) -> None:
    (*beginning, again), status = ENDLESS[endless]
    sent = 0

    async def handler(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(STREAM_HEAD + b"".join(map(framed, beginning)))
        while sent < 200 * MB:
            writer.write(framed(again))
            sent += len(again)
            await writer.drain()

    wire.play(handler=handler)
    answer = server.post("/v1/chat/completions", STREAM, server.live)
    assert answer.status_code == status
    assert b"upstream_error" in answer.content
    assert DONE not in answer.content
    assert sent < 60 * MB


GOOD = orjson.dumps(COMPLETION)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
LIES = {
    "too short": OK + b"Content-Length: %d\r\n\r\n" % (len(GOOD) - 5) + GOOD,
    "too long": OK + b"Content-Length: %d\r\n\r\n" % (len(GOOD) + 5) + GOOD,
    "two lengths": OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + GOOD,
    "a chunk of no size": OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + GOOD,
    "a chunk of any size": OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n" + GOOD,
    "not zipped": OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(GOOD) + GOOD,
    "another protocol": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + GOOD,
    "no protocol": GOOD,
    "a status of its own": b"HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n",
    "a long header": b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    "deep": OK + b'\r\n{"choices":' + b"[" * 100_000,
    "a lone surrogate": OK + b'\r\n{"choices":[{"message":{"content":"\\ud800"}}]}',
    "invalid UTF-8": OK + b'\r\n{"choices":[{"message":{"content":"\xff"}}]}',
}


@pytest.mark.parametrize("form", ["whole", "stream"])
@pytest.mark.parametrize("lie", LIES)
def test_a_provider_that_lies_about_its_answer_has_failed(server: Running, wire: Wire, lie: str, form: str) -> None:
    async def handler(writer: asyncio.StreamWriter) -> None:
        writer.write(LIES[lie])
        await writer.drain()

    wire.play(handler=handler)
    answer = server.post("/v1/chat/completions", STREAM if form == "stream" else WHOLE, server.live)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_error")


USAGES = (
    b'{"prompt_tokens":1.5,"completion_tokens":-3,"total_tokens":"x"}',
    b'{"prompt_tokens":99999999999999999999,"completion_tokens":18446744073709551615}',
    b'{"prompt_tokens":true,"completion_tokens":[],"prompt_tokens_details":7}',
    b'{"prompt_tokens":7,"completion_tokens":9000000}',
    b"[]",
)


@pytest.mark.parametrize("usage", USAGES)
def test_a_count_that_makes_no_sense_costs_about_the_estimate(server: Running, wire: Wire, usage: bytes) -> None:
    wire.play(Answer(GOOD[:-1].partition(b',"usage"')[0] + b',"usage":' + usage + b"}"))
    said = server.post("/v1/chat/completions", WHOLE, server.live).json()["greatrouter"]
    assert said["estimated_cost_dollars"] / 2 < said["charge_dollars"] < said["estimated_cost_dollars"] * 2


# -- what must never be said ------------------------------------------------------------------------------------


def test_neither_keys_nor_prompts_are_said_or_logged(
    server: Running, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told = []
    bodies = [
        orjson.dumps({"error": {"message": f"wrong key {SECRET} for {PROMPT}"}}),
        f"{SECRET} {PROMPT}".encode(),
        b"<html>" + SECRET.encode(),
        orjson.dumps({"error": SECRET}),
    ]
    for status in (200, 400, 401, 403, 422, 429, 500):
        for body in bodies:
            for form in (WHOLE, STREAM):
                wire.play(Answer(body, status))
                told.append(server.post("/v1/chat/completions", form, server.live).text)
    wire.play(event_answer(WORDS[0], chunk(error={"message": SECRET}), DONE))
    told.append(server.post("/v1/chat/completions", STREAM, server.live).text)
    for raw in NOT_JSON.values():
        told.append(server.post("/v1/chat/completions", raw, server.live, x_gr_cache_ttl="60").text)
    assert wire.requests[-1].headers["authorization"] == f"Bearer {SECRET}"
    assert not [answer for answer in told if SECRET in answer or server.live in answer]
    logged = caplog.text
    assert not [word for word in (SECRET, server.live, PROMPT) if word in logged]


@pytest.mark.parametrize("words", ["Incorrect API key provided: sk-SE***789", "Invalid API key: sk-SE***789"])
def test_not_even_a_part_of_our_key_is_said(server: Running, wire: Wire, words: str) -> None:
    wire.play(json_answer({"error": {"message": words}}, 400))
    answer = server.post("/v1/chat/completions", WHOLE, server.live)
    assert (answer.status_code, "sk-SE" in answer.text) == (502, False)


def test_a_wrong_key_is_not_said_back(server: Running) -> None:
    answer = server.client.post("/v1/chat/completions", headers={"Authorization": "Bearer pk_live_MINE_ALONE"})
    assert answer.status_code == 401
    assert "MINE" not in answer.text
