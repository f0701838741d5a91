"""HTTP as uvicorn reads it, with what it lacks: a limit to a request's head, errors in our one shape, streams for
HTTP/1.0, word of a caller who leaves, and a proper end of what a stopping server cannot wait for."""

from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from greatrouter_api.errors import STOPPING, ApiError, stopped
from greatrouter_api.front import LEFT, App, Message, Receive, Scope, Send, request_id

# Of a caller without a key, 60 MB of header lines took 470 MB. Browsers send 8 kB at most.
MOST_HEAD_BYTES = 64 * 1024
# What is cut when the server stops has so long to be charged, answered and written down: it takes milliseconds, where
# the disk and the caller do their part.
CUT_S = 5.0


class BoundedProtocol(HttpToolsProtocol):
    """Hangs up on a head that does not end.

    The state of each request's scope holds its connection: whoever serves it says in `interrupt` what is to happen when
    the caller hangs up or the server stops. Waiting for ASGI's `http.disconnect` takes a task for every request, 85 of
    650 CPU-us at 64 connections.

    A server that stops waits for as long as uvicorn's `timeout_graceful_shutdown`; what still runs `CUT_S` before that
    is cut.
    """

    interrupt: Callable[[str], None] | None = None
    _in_head = False
    _head_bytes = 0

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            # Without the packet that began it, which may hold the end of another request.
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self.transport.abort()
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"]["connection"] = self
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self.interrupt is not None:
            self.interrupt(LEFT)

    def shutdown(self) -> None:
        """The server stops: uvicorn closes what is idle, and what is not has the rest of its time."""
        super().shutdown()
        given_s = self.config.timeout_graceful_shutdown
        if given_s is not None and not self.transport.is_closing():
            self.loop.call_later(max(0.0, given_s - CUT_S), self.cut)

    def cut(self) -> None:
        """Models stop, and their caller is told by whoever runs them; any other request is refused here."""
        if self.transport.is_closing():
            return
        if self.flow.write_paused:
            self.transport.abort()  # a caller who does not read what it is told
        elif self.interrupt is not None:
            self.interrupt(STOPPING)
        elif self.cycle is None or self.cycle.response_started:
            self.transport.close()
        else:
            self.cycle.disconnected = True  # whatever would still be said to this caller is not
            known = request_id(dict(self.scope["headers"]).get(b"x-request-id"))
            self._refuse("503 Service Unavailable", stopped(), known)

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP request reaches no application."""
        error = ApiError(400, "this is not a request that HTTP/1.1 allows; look at its first line and headers")
        self._refuse("400 Bad Request", error, request_id(None))

    def _refuse(self, status: str, error: ApiError, known: str) -> None:
        body = error.body()
        own = {"content-type": "application/json", "content-length": str(len(body)), "x-request-id": known}
        lines = [f"{name}: {value}\r\n" for name, value in (own | error.headers()).items()]
        self.transport.write(f"HTTP/1.1 {status}\r\n{''.join(lines)}connection: close\r\n\r\n".encode() + body)
        self.transport.close()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        super()._start_asgi_task(cycle, app if cycle.scope["http_version"] != "1.0" else _unchunked(app, cycle))


def _unchunked(app: App, cycle: RequestResponseCycle) -> Any:
    """`app` for a caller who speaks HTTP/1.0 and knows no chunks, as older nginx does unless it is told otherwise: an
    answer of no stated length ends with its connection (RFC 9112, 6.3)."""

    async def asked(scope: Scope, receive: Receive, send: Send) -> None:
        stated = True

        async def sending(message: Message) -> None:
            nonlocal stated
            if message["type"] == "http.response.start":
                stated = any(name == b"content-length" for name, _ in message.get("headers", ()))
                if not stated:
                    cycle.chunked_encoding = False
            elif not stated:
                cycle.expected_content_length = len(message.get("body", b""))  # so that uvicorn takes it as it is
            await send(message)

        await app(scope, receive, sending)

    return asked
