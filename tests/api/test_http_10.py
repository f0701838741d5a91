"""HTTP/1.0, which knows no chunks: a proxy that speaks it, or a very old client, by a raw socket."""

import socket

import orjson
import pytest

from tests.api.conftest import DONE, USAGE, WORDS, Events, Running

SAY = {"model": "lab/small", "messages": [{"role": "user", "content": "hello"}]}


def asked(server: Running, method: str, path: str, body: bytes = b"", *, keep: bool = False) -> tuple[bytes, bytes]:
    """The head of the answer in small letters, and all that comes until the connection ends."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as caller:
        head = f"{method} {path} HTTP/1.0\r\nX-API-Key: {server.live}\r\nContent-Length: {len(body)}\r\n"
        caller.sendall(head.encode() + b"Connection: keep-alive\r\n" * keep + b"\r\n" + body)
        answer = b"".join(iter(lambda: caller.recv(65536), b""))
    top, _, rest = answer.partition(b"\r\n\r\n")
    return top.lower(), rest


@pytest.mark.parametrize("keep", [False, True])
def test_a_stream_comes_as_it_is_and_ends_with_its_connection(server: Running, keep: bool) -> None:
    server.provider.answer = lambda _path, _body: (200, Events((*WORDS, USAGE, DONE)))
    head, body = asked(server, "POST", "/v1/chat/completions", orjson.dumps(SAY | {"stream": True}), keep=keep)
    assert head.startswith(b"http/1.1 200 ok")
    assert b"transfer-encoding" not in head
    assert b"content-length" not in head
    assert b"connection: close" in head
    pieces = body.split(b"\n\n")
    assert [piece + b"\n\n" for piece in pieces[:3]] == list(WORDS)
    assert all(piece.startswith(b"data: ") for piece in pieces if piece)
    assert body.endswith(DONE)


def test_a_stream_that_breaks_off_ends_with_its_error(server: Running) -> None:
    server.provider.answer = lambda _path, _body: (200, Events(WORDS[:1], "cut"))
    _, body = asked(server, "POST", "/v1/chat/completions", orjson.dumps(SAY | {"stream": True}))
    first, last, _ = body.split(b"\n\n")
    assert first + b"\n\n" == WORDS[0]
    assert orjson.loads(last.removeprefix(b"data: "))["error"]["code"] == "upstream_error"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/v1/chat/completions", 200), ("GET", "/v1/models", 200), ("GET", "/nowhere", 404)],
)
def test_whole_answers_state_their_length(server: Running, method: str, path: str, status: int) -> None:
    head, body = asked(server, method, path, orjson.dumps(SAY) if method == "POST" else b"")
    assert head.startswith(b"http/1.1 %d" % status)
    assert b"transfer-encoding" not in head
    assert b"content-length: %d\r\n" % len(body) in head + b"\r\n"
    assert isinstance(orjson.loads(body), dict)


def test_a_large_csv_is_not_chunked_either(server: Running) -> None:
    head, body = asked(server, "GET", "/v1/org/logs?format=csv")
    assert head.startswith(b"http/1.1 200")
    assert b"transfer-encoding" not in head
    assert body.startswith(b"timestamp,")


def test_head_has_no_body(server: Running) -> None:
    head, body = asked(server, "HEAD", "/v1/models")
    assert head.startswith(b"http/1.1 200")
    assert body == b""
