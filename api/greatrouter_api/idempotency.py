"""`Idempotency-Key`: a request that is sent again under its key is answered with the first answer, and charged once.

Only answers that succeeded are kept, so a request that failed runs when it is tried again.
"""

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from greatrouter_accounts.errors import StoreFailed
from greatrouter_accounts.idempotency import Repeats
from greatrouter_accounts.idempotency_rows import Kept
from greatrouter_accounts.keys import Caller
from greatrouter_accounts.operations import Run
from greatrouter_api.errors import ApiError
from greatrouter_api.front import EVENTS, JSON, Answer, Backing, Endpoint, EventStream, Headers, Incoming, by_name
from greatrouter_api.front import IDEMPOTENCY_KEY as KEY
from greatrouter_api.relay import DONE

LONGEST_KEY = 255
REPLAYED = (b"idempotent-replayed", b"true")
# What is larger is not kept: 500 texts embedded in 1,024 dimensions have 5 MB, a picture in base64 has 2.
MOST_KEPT_BYTES = 4 * 1024 * 1024
# The headers by which the same body asks for something else. `Prefer` only says how long the caller waits.
ASKING = (b"x-tier", b"x-gr-cache-ttl", b"x-gr-guardrails")
SUCCESS = 200

Answering = Callable[[Incoming], Coroutine[Any, Any, bytes | Answer | EventStream]]


def repeatable(endpoint: Endpoint, backing: Backing) -> Endpoint:
    """The endpoint, which heeds the header. A request without it costs 0.04 us more.

    Where the database is gone, what runs no model is answered all the same: to run it twice does no harm."""
    first = endpoint.answer

    def answer(incoming: Incoming) -> Coroutine[Any, Any, bytes | Answer | EventStream]:
        if KEY not in incoming.headers:
            return first(incoming)
        return once(backing.accounts.repeats, incoming, first, harmless=not endpoint.runs_models)

    return replace(endpoint, answer=answer)


async def plain_once(
    repeats: Repeats, request: Request, caller: Caller, body: bytes, run: Callable[[], Coroutine[Any, Any, bytes]]
) -> Response:
    """For an endpoint that FastAPI calls: what `run` answers is JSON."""
    headers = by_name(request.headers.raw)
    incoming = Incoming(request.url.path, headers, body, caller, request.scope.get("greatrouter.request_id", ""))
    if KEY not in headers:
        return Response(await run(), media_type=JSON[1].decode())
    answer = await once(repeats, incoming, lambda _: run())
    assert isinstance(answer, Answer)
    extra = {name.decode(): value.decode("latin-1") for name, value in answer.headers}
    return Response(answer.body, headers=extra, media_type=JSON[1].decode())


async def once(
    repeats: Repeats, incoming: Incoming, answer: Answering, *, harmless: bool = False
) -> Answer | EventStream:
    """The first answer, or what `answer` says now. Raises `ApiError`, what accounts refuse and what `answer` raises."""
    key = _key(incoming)
    try:
        begun = await repeats.begin(incoming.caller.organization_id, key, _request(incoming), incoming.request_id)
    except StoreFailed:
        if not harmless:
            raise
        return _whole(await answer(incoming))
    if isinstance(begun, Kept):
        return _replayed(begun)
    try:
        if incoming.ticket is not None:
            await incoming.ticket.admit()
        given = _whole(await answer(replace(incoming, caller=replace(incoming.caller, run=begun))))
    except BaseException:  # a caller who left, too
        with suppress(StoreFailed):  # then it is freed later
            await repeats.abandon(begun)
        raise
    if isinstance(given, EventStream):
        return replace(given, pieces=_recorded(repeats, begun, given))
    with suppress(StoreFailed):
        await repeats.finish(begun, _kept(given.headers, given.body))
    return given


async def _recorded(repeats: Repeats, run: Run, stream: EventStream) -> AsyncGenerator[bytes, None]:
    """The stream as it comes. It is kept before its end goes out, so that whoever saw the end can have it again.

    One that breaks off frees the key; what was charged for the part that was delivered stays so.
    """
    sent: list[bytes] = []
    size = 0
    delivered = ended = False
    try:
        async with aclosing(stream.pieces) as pieces:
            async for piece in pieces:
                size += len(piece)
                if size <= MOST_KEPT_BYTES:
                    sent.append(piece)
                else:
                    sent.clear()
                if piece.endswith(DONE):
                    ended = True
                    body = b"".join(sent) if size <= MOST_KEPT_BYTES else None
                    with suppress(StoreFailed):
                        await repeats.finish(run, _kept((EVENTS[0], *stream.headers), body))
                delivered = True
                yield piece
    finally:
        if not ended:
            with suppress(StoreFailed):
                await repeats.abandon(run, delivered=delivered)


def _key(incoming: Incoming) -> str:
    key = incoming.header(KEY)
    if 1 <= len(key) <= LONGEST_KEY and key.isascii() and key.isprintable():
        return key
    raise ApiError(
        400,
        f"Idempotency-Key has {len(key)} characters; expected 1 to {LONGEST_KEY} printable ones of ASCII, "
        "such as a UUID that is made for each request and sent again with its retries",
        param="Idempotency-Key",
    )


def _request(incoming: Incoming) -> list[bytes]:
    """All that makes a request what it is. A test key's request is another than a live one's: it runs elsewhere."""
    kind = b"test" if incoming.caller.test else b"live"
    return [incoming.path.encode(), kind, *(incoming.headers.get(name, b"") for name in ASKING), incoming.body]


def _whole(given: bytes | Answer | EventStream) -> Answer | EventStream:
    return Answer(given) if isinstance(given, bytes) else given


def _kept(headers: Headers, body: bytes | None) -> Kept:
    if body is not None and len(body) > MOST_KEPT_BYTES:
        body = None
    return Kept(SUCCESS, [(name.decode(), value.decode("latin-1")) for name, value in headers], body)


def _replayed(kept: Kept) -> Answer | EventStream:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in kept.headers]
    body = kept.body or b""
    if EVENTS[0] not in headers:
        return Answer(body, (*headers, REPLAYED))
    headers.remove(EVENTS[0])
    return EventStream(_at_once(body), (*headers, REPLAYED))


async def _at_once(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body
