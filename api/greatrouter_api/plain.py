"""What the ordinary endpoints share: the services, who asks, what was sent, and the answer as JSON."""

from typing import Any, Protocol

from fastapi import Request
from fastapi.responses import Response

from greatrouter_accounts.keys import Caller
from greatrouter_api import wire
from greatrouter_api.errors import ApiError
from greatrouter_api.front import key_in
from greatrouter_api.schemas import Body, parse
from greatrouter_api.services import Services

# What a key is sent in, for OpenAPI's `security` of an endpoint that needs one.
KEYED: dict[str, Any] = {"security": [{"bearer": []}, {"apiKey": []}]}


class HasServices(Protocol):
    """The running server, as an endpoint sees it."""

    @property
    def services(self) -> Services: ...


async def caller_of(request: Request, services: Services) -> Caller:
    """Who asks. Raises `ApiError` 401 and `KeyRejected`."""
    return await services.accounts.authenticate(key_in({name.lower(): value for name, value in request.headers.raw}))


async def body_of(request: Request, model: type[Body], services: Services) -> Body:
    """The request's body as `model`. Raises `ApiError` 400 and 413."""
    limit, body = services.settings.max_body_bytes, b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise ApiError(413, f"the body is larger than {limit:,} bytes (max_body_bytes)")
    return parse(model, body)


def json_answer(content: object, headers: dict[str, str] | None = None) -> Response:
    return Response(wire.dumps(content), headers=headers, media_type="application/json")
