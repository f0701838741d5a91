"""The front door: pure ASGI. Hot endpoints are answered here by exact path; everything else goes on to FastAPI.

Going through FastAPI's and Starlette's routing costs 25 to 80 CPU-microseconds a request, as much as classifying and
ranking together, so the endpoints that applications call all the time are looked up in a dict instead. They are
documented in the OpenAPI document like all the others (`openapi.py`).
"""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.gate import Ticket
from greatrouter_accounts.ids import uuid7
from greatrouter_accounts.keys import SHAPE as KEY_SHAPE
from greatrouter_accounts.keys import Caller
from greatrouter_api import rate_limits
from greatrouter_api.activity import refused_at_the_door
from greatrouter_api.errors import EXPECTED, STOPPING, ApiError, from_exception, is_stopping, stopped
from greatrouter_api.relay import DONE
from greatrouter_api.scopes import ASK, RUN, Scopes, require
from greatrouter_api.settings import SettingsInvalid

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger("greatrouter")
JSON = (b"content-type", b"application/json")
# nginx holds back what it is not told to pass on.
EVENTS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
)
SANE_ID_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:")
LONGEST_ID = 128
SHORTEST_KEY = 23  # gr- and twenty characters
BODY_TIMEOUT_S = 30.0
IDEMPOTENCY_KEY = b"idempotency-key"
LEFT = "the caller left"


class CallerLeft(Exception):
    """The connection is gone, so there is nobody to answer."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A hot endpoint's request: headers in lower case, the whole body, and who asks. A `ticket` is there where the
    caller is limited; it is admitted already, but where the request may be a repetition."""

    path: str
    headers: Mapping[bytes, bytes]
    body: bytes
    caller: Caller
    request_id: str
    ticket: Ticket | None = None

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1").strip()


Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Answer:
    """JSON, with headers of its own."""

    body: bytes
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class EventStream:
    """Server-sent events. What `pieces` raises before its first is answered as any other error."""

    pieces: AsyncGenerator[bytes, None]
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One hot endpoint: POST, JSON in, a key required. Where it runs models, a caller who leaves stops it.

    `answer_model` describes the answer in the OpenAPI document and does nothing else."""

    path: str
    summary: str
    request: type[BaseModel]
    answer: Callable[[Incoming], Coroutine[Any, Any, bytes | Answer | EventStream]]
    tag: str = "routing"
    runs_models: bool = True
    answer_model: type[BaseModel] | None = None

    @property
    def scopes(self) -> Scopes:
        return RUN if self.runs_models else ASK


class Connection(Protocol):
    """Of one caller; `interrupt` is called with `LEFT` when it ends, and with `STOPPING` when it must."""

    interrupt: Callable[[str], None] | None


class Backing(Protocol):
    """What stands behind the door: open within `running()`, and then it knows who a key belongs to. Who sets `stopping`
    is about to close the door."""

    stopping: bool

    def running(self) -> AbstractAsyncContextManager[None]: ...

    @property
    def accounts(self) -> Accounts: ...


class Front:
    """One instance serves one event loop."""

    def __init__(
        self, app: App, endpoints: Mapping[str, Endpoint], backing: Backing, max_body_bytes: int, cors: Sequence[str]
    ) -> None:
        self.app = app
        self._cors = frozenset(origin.encode() for origin in cors)
        self._endpoints = endpoints
        self._backing = backing
        self._max_body_bytes = max_body_bytes

    def stop(self) -> None:
        """Nothing is refused yet, but whoever asks is told that it will be."""
        self._backing.stopping = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["path"].endswith("/") and scope["path"] != "/":  # the same place; a redirect would lose the body
            scope = {**scope, "path": scope["path"].rstrip("/") or "/"}
        headers = by_name(scope["headers"])
        known = request_id(headers.get(b"x-request-id"))
        if self._cors:
            origin = headers.get(b"origin", b"*")
            allowed = bool(self._cors & {b"*", origin})
            send = _told_to_browsers(send, origin if allowed else None)
            if allowed and scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
                await _send_preflight(send, headers, known)
                return
        endpoint = self._endpoints.get(scope["path"])
        if endpoint is None:
            await self._pass_on(scope, receive, send, known)
            return
        try:
            if scope["method"] != "POST":
                raise ApiError(405, f"{endpoint.path} takes POST, not {scope['method']}", allow="POST")
            await self._serve(endpoint, scope, headers, receive, send, known)
        except CallerLeft:
            return
        except Exception as error:  # noqa: BLE001 - the outermost place: whatever it is, the caller gets the one error shape
            await _send_error(send, error, known)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        """What keeps the server from starting is said in one line; a bug shows its traceback."""
        await receive()
        try:
            async with self._backing.running():
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except (*EXPECTED, SettingsInvalid) as error:
            await send({"type": "lifespan.startup.failed", "message": f"greatrouter: {error}"})
            return
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(
        self,
        endpoint: Endpoint,
        scope: Scope,
        headers: Mapping[bytes, bytes],
        receive: Receive,
        send: Send,
        request_id: str,
    ) -> None:
        accounts = self._backing.accounts
        caller = await accounts.authenticate(key_in(headers))
        require(caller, endpoint.scopes)
        if not endpoint.runs_models:
            await self._work(endpoint, scope, headers, receive, send, request_id, caller)
            return
        ticket = accounts.gate.ticket(caller)
        if ticket is not None:
            send = _telling(send, ticket)
        try:
            # A repetition runs nothing and counts for nothing: whoever knows that it is none admits it.
            if ticket is not None and IDEMPOTENCY_KEY not in headers:
                await ticket.admit()
            await self._work(endpoint, scope, headers, receive, send, request_id, caller, ticket)
        except CallerLeft:
            raise
        except Exception as error:  # noqa: BLE001 - as outside, but that the log and the limits are told too
            if (row := refused_at_the_door(error, endpoint.path, request_id, caller)) is not None:
                accounts.record_refused(row)
            await _send_error(send, error, request_id)
        finally:
            if ticket is not None:
                ticket.release()

    async def _work(
        self,
        endpoint: Endpoint,
        scope: Scope,
        headers: Mapping[bytes, bytes],
        receive: Receive,
        send: Send,
        request_id: str,
        caller: Caller,
        ticket: Ticket | None = None,
    ) -> None:
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                body = await _read(receive, headers, self._max_body_bytes)
        except TimeoutError as error:
            raise too_slow() from error
        answering = _answer(endpoint, Incoming(endpoint.path, headers, body, caller, request_id, ticket), send)
        # Behind another server than ours nobody says when a caller leaves; the work is then done all the same.
        connection: Connection | None = scope.get("state", {}).get("connection") if endpoint.runs_models else None
        await (answering if connection is None else _unless_interrupted(answering, connection))

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        started = False

        async def with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        scope["greatrouter.request_id"] = request_id
        try:
            await self.app(scope, receive, with_id)
        except Exception as error:
            if started:
                raise
            await _send_error(send, error, request_id)


def _telling(send: Send, ticket: Ticket) -> Send:
    """`send` that adds how the limits stand when an answer begins, in place of what the answer says of it (a refusal
    says so itself), and gives the request's place back before the last of the answer goes out: whoever has it may come
    again at once, and of a hundred that came over a new connection 2 to 7 found their own place taken."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            if (standing := await ticket.standing()) is not None:
                told = dict(rate_limits.of_admitted(ticket, standing))
                message["headers"] = [*(h for h in message.get("headers", []) if h[0] not in told), *told.items()]
        elif not message.get("more_body") or message["body"].endswith(DONE):
            await _leave(ticket)
        await send(message)

    return sending


async def _leave(ticket: Ticket) -> None:
    """The answer is there and charged: that the server stops does not keep it back."""
    try:
        await ticket.leave()
    except asyncio.CancelledError as error:
        if not is_stopping(error):
            raise


def _told_to_browsers(send: Send, origin: bytes | None) -> Send:
    """`send` that lets web pages of `origin` read answers, errors and all; None lets nobody, and caches must know that
    others may. No cookies count, so no credentials do."""
    extra = [(b"vary", b"origin")]
    if origin is not None:
        extra += [(b"access-control-allow-origin", origin), (b"access-control-expose-headers", b"*")]

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *extra]
        await send(message)

    return sending


async def _send_preflight(send: Send, headers: Mapping[bytes, bytes], request_id: str) -> None:
    """A browser's question before the request: it may send every header that it asks for ("*" spares the key's)."""
    wanted = headers.get(b"access-control-request-headers", b"")
    answer = [(b"access-control-allow-methods", b"GET, POST, PUT, DELETE"), (b"access-control-allow-headers", wanted)]
    answer += [(b"access-control-max-age", b"7200"), (b"x-request-id", request_id.encode())]
    await send({"type": "http.response.start", "status": 204, "headers": answer})
    await send({"type": "http.response.body", "body": b""})


def by_name(raw: Sequence[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers, of which the names are in lower case. The last of several counts, but of those that say who asks and for
    what: to a proxy that looks at the first the request would be another's, so together they are no key."""
    headers = dict(raw)
    if len(headers) != len(raw):
        for single in (b"authorization", b"x-api-key", IDEMPOTENCY_KEY):
            given = [value for name, value in raw if name == single]
            if len(given) > 1:
                headers[single] = b", ".join(given)
    return headers


def key_in(headers: Mapping[bytes, bytes]) -> str:
    """The API key a request carries. Raises `ApiError` 401 where it carries none, or two."""
    scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    key = token.strip() if scheme.lower() == "bearer" else ""
    other = headers.get(b"x-api-key", b"").decode("latin-1").strip()
    if key and other and key != other:
        raise ApiError(401, "Authorization and X-API-Key hold different keys; send one of them")
    key = key or other
    if not key:
        raise ApiError(401, "an API key is required: send `Authorization: Bearer KEY` or `X-API-Key: KEY`")
    return key


def too_slow() -> ApiError:
    return ApiError(408, f"the body did not arrive within {BODY_TIMEOUT_S:.0f} s")


async def _read(receive: Receive, headers: Mapping[bytes, bytes], limit: int) -> bytes:
    """The whole body. Raises `ApiError` 413 as soon as it is known to be too large."""
    stated = headers.get(b"content-length", b"")
    if stated.isdigit() and int(stated) > limit:
        raise ApiError(413, f"the body has {int(stated):,} bytes; at most {limit:,} are taken (max_body_bytes)")
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise CallerLeft
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise ApiError(413, f"the body is larger than {limit:,} bytes (max_body_bytes)")
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


async def _answer(endpoint: Endpoint, incoming: Incoming, send: Send) -> None:
    answer = await endpoint.answer(incoming)
    if isinstance(answer, EventStream):
        await _send_events(send, answer, incoming.request_id)
    elif isinstance(answer, Answer):
        await _send(send, 200, answer.body, incoming.request_id, answer.headers)
    else:
        await _send(send, 200, answer, incoming.request_id)


async def _send_events(send: Send, stream: EventStream, request_id: str) -> None:
    """The status goes out with the first piece, so that a failure before it can still be an error with its own."""
    async with aclosing(stream.pieces) as pieces:
        try:
            piece = await anext(pieces)
        except StopAsyncIteration:
            piece = b""
        headers = [*EVENTS, (b"x-request-id", request_id.encode()), *stream.headers]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        try:
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except BaseException as error:  # the outermost place: the status is gone, so it is said in the stream
            if not isinstance(error, Exception) and not is_stopping(error):
                raise
            answer = _logged(error, request_id)
            await send({"type": "http.response.body", "body": b"data: " + answer.body() + b"\n\n", "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _unless_interrupted(answer: Coroutine[Any, Any, None], connection: Connection) -> None:
    """A caller who hangs up stops the work for it, and so does the end of the server: the upstream call is closed and
    what was reserved is released.

    Raises `CallerLeft` then, or `ApiError` 503; a cancellation from anywhere else goes on as it is.
    """
    work = asyncio.current_task()
    assert work is not None  # a coroutine always runs in a task
    why = ""

    def interrupt(reason: str) -> None:
        nonlocal why
        if not why:  # once: what is to be done then must not be interrupted as well
            why = reason
            work.cancel(reason)

    connection.interrupt = interrupt
    try:
        await answer
    except asyncio.CancelledError as error:
        if why and work.uncancel() == 0:
            raise (stopped() if why == STOPPING else CallerLeft()) from error
        raise
    finally:
        connection.interrupt = None


def request_id(given: bytes | None) -> str:
    """The caller's own id where it is sane, else a new one. One that holds an API key would be logged and shown."""
    if given and len(given) <= LONGEST_ID:
        text = given.decode("latin-1")
        if SANE_ID_CHARACTERS.issuperset(text) and not (len(text) >= SHORTEST_KEY and KEY_SHAPE.search(text)):
            return text
    return uuid7("req_")


async def _send_error(send: Send, error: Exception, request_id: str) -> None:
    answer = _logged(error, request_id)
    extra = [(name.encode(), value.encode("latin-1", "replace")) for name, value in answer.headers().items()]
    await _send(send, answer.status, answer.body(), request_id, extra)


def _logged(error: BaseException, request_id: str) -> ApiError:
    answer = from_exception(error, request_id)
    if answer.status == 500:
        log.error(json.dumps({"event": "internal_error", "request_id": request_id}), exc_info=error)
    return answer


async def _send(send: Send, status: int, body: bytes, request_id: str, extra: Headers = ()) -> None:
    headers = [JSON, (b"content-length", b"%d" % len(body)), (b"x-request-id", request_id.encode()), *extra]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
