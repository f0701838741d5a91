"""What the ordinary endpoints share: the services, who asks, what was sent, and the answer as JSON."""

import asyncio
from typing import Protocol

from fastapi import Request
from fastapi.responses import Response

from greatrouter_accounts.keys import Caller
from greatrouter_api import front, wire
from greatrouter_api.errors import ApiError
from greatrouter_api.schemas import Body, parse
from greatrouter_api.scopes import Scopes, require
from greatrouter_api.services import Services


class HasServices(Protocol):
    """The running server, as an endpoint sees it."""

    @property
    def services(self) -> Services: ...


async def caller_of(request: Request, services: Services, scopes: Scopes) -> Caller:
    """Who asks, with a key that has one of `scopes`. Raises `ApiError` 401 and 403, and `KeyRejected`."""
    key = front.key_in(front.by_name(request.headers.raw))
    caller = await services.accounts.authenticate(key)
    require(caller, scopes)
    return caller


async def body_of(request: Request, model: type[Body], services: Services) -> Body:
    """The request's body as `model`. Raises `ApiError` 400 and 413."""
    return parse(model, await raw_body(request, services))


async def raw_body(request: Request, services: Services, at_most: int | None = None) -> bytes:
    """The request's body as it came, of `at_most` so many bytes and never more than the settings allow. Raises
    `ApiError` 408 and 413."""
    limit, chunks, size = services.settings.max_body_bytes, [], 0
    limit = limit if at_most is None else min(limit, at_most)
    try:
        async with asyncio.timeout(front.BODY_TIMEOUT_S):
            async for chunk in request.stream():
                chunks.append(chunk)
                size += len(chunk)
                if size > limit:
                    raise ApiError(413, f"the body is larger than {limit:,} bytes")
    except TimeoutError as error:
        raise front.too_slow() from error
    return b"".join(chunks)


def json_answer(content: object, headers: dict[str, str] | None = None) -> Response:
    return Response(wire.dumps(content), headers=headers, media_type="application/json")
