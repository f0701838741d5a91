"""`POST /v1/webhooks/polar`: what Polar says of orders. Signed, so it needs no key; each order counts once."""

import logging
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

import orjson
from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field, SecretStr
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.concurrency import run_in_threadpool

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.errors import InvalidAmount, InvalidName, RowRefused, UnknownOrganization
from greatrouter_accounts.orders import LONGEST_ID
from greatrouter_api.endpoints.documented import failures
from greatrouter_api.endpoints.log_rows import exact_dollars
from greatrouter_api.errors import ApiError
from greatrouter_api.plain import HasServices, json_answer, raw_body
from greatrouter_api.schemas import STRICT, parse
from greatrouter_api.settings import POLAR_VARIABLE

log = logging.getLogger("greatrouter")

PAID, REFUNDED = "order.paid", "order.refunded"
CURRENCY = "usd"
# The base64 of HMAC-SHA256. What has another shape cannot match, and the library stops at what it cannot read.
SIGNATURE = re.compile(r"v1,[A-Za-z0-9+/]{43}=")
# An order with fifty products has 60 kB.
LARGEST_EVENT = 256 * 1024
REFUSES = (InvalidAmount, InvalidName, RowRefused, UnknownOrganization)

Name = Annotated[str | None, Field(max_length=200, description="An organization's id or name.")]
CentsPaid = Annotated[int, Field(ge=0, description="US cents.")]


class Customer(BaseModel):
    model_config = STRICT

    external_id: Name = None


class Metadata(BaseModel):
    model_config = STRICT

    """Of Polar's kinds of values only a text names an organization."""

    organization: str | int | float | bool | None = Field(default=None, description="An organization's id or name.")


class Order(BaseModel):
    """The organization is the customer's `external_id`, or else `organization` of the order's metadata."""

    model_config = STRICT

    id: str = Field(min_length=1, max_length=LONGEST_ID)
    currency: str | None = Field(default=None, max_length=20, description="`usd`, which is what absent means.")
    customer: Customer | None = None
    metadata: Metadata | None = None

    @property
    def organization(self) -> str | None:
        if self.customer and self.customer.external_id:
            return self.customer.external_id
        named = self.metadata and self.metadata.organization
        return named if isinstance(named, str) and named else None


class PaidOrder(Order):
    net_amount: CentsPaid


class RefundedOrder(Order):
    refunded_amount: CentsPaid = Field(description="US cents in all, however many refunds there were.")


class OrderPaid(BaseModel):
    model_config = STRICT

    type: Literal["order.paid"]
    data: PaidOrder


class OrderRefunded(BaseModel):
    model_config = STRICT

    type: Literal["order.refunded"]
    data: RefundedOrder


class Event(BaseModel):
    """Any other is taken and nothing is done about it."""

    model_config = STRICT

    type: str


class EventAnswer(BaseModel):
    accepted: Literal[True]
    credited_dollars: float = Field(description="What the wallet got now, or less than 0 for what was taken out of it.")


_ONE_OF_THEM: dict[str, Any] = {"anyOf": [kind.model_json_schema() for kind in (OrderPaid, OrderRefunded, Event)]}
SIGNED: dict[str, Any] = {
    "security": [{"webhook": []}],
    "parameters": [
        {"name": name, "in": "header", "required": True, "description": said, "schema": {"type": "string"}}
        for name, said in (
            ("webhook-id", "Names the delivery."),
            ("webhook-timestamp", "Seconds since 1970; five minutes from now at most."),
        )
    ],
    "requestBody": {"required": True, "content": {"application/json": {"schema": _ONE_OF_THEM}}},
}


def add(app: FastAPI, server: HasServices) -> None:
    @app.post(
        "/v1/webhooks/polar",
        tags=["account"],
        summary="What Polar says of orders: `order.paid` credits, `order.refunded` takes back",
        description="Standard Webhooks: `webhook-signature` holds `v1,` and the base64 HMAC-SHA256 of "
        "`id.timestamp.body`, one or several with blanks between. Each order is credited once, however often and under "
        "however many ids it is delivered.",
        response_model=None,
        responses={
            200: {"model": EventAnswer, "description": "Taken; what it moved is on disk"},
            **failures(400, 401, 408, 413, 500, 503),
        },
        openapi_extra=SIGNED,
    )
    async def polar(request: Request) -> Response:
        services = server.services
        secret = services.settings.polar_webhook_secret
        if secret is None:
            raise ApiError(401, f"no webhook is taken here: the environment variable {POLAR_VARIABLE} is not set")
        _check_headers(request.headers)
        body = await raw_body(request, services, LARGEST_EVENT)
        credited = await run_in_threadpool(_take, services.accounts, secret, dict(request.headers), body)
        return json_answer({"accepted": True, "credited_dollars": orjson.Fragment(exact_dollars(credited))})


def _take(accounts: Accounts, secret: SecretStr, headers: Mapping[str, str], body: bytes) -> Decimal:
    """The cents credited, on disk. Raises `ApiError` and `StoreFailed`; then nothing was changed, and Polar delivers it
    again."""
    _verify(secret, headers, body)
    kind = ""
    try:
        kind = parse(Event, body).type
        if kind == PAID:
            paid = parse(OrderPaid, body).data
            return accounts.office.order_paid(paid.id, _payer(paid), Decimal(paid.net_amount))
        if kind == REFUNDED:
            refunded = parse(OrderRefunded, body).data
            return -accounts.office.order_refunded(refunded.id, _payer(refunded), Decimal(refunded.refunded_amount))
    except (ApiError, *REFUSES) as error:
        log.error("a signed webhook %r was refused, and is to be looked after: %s", kind[:40], error)
        raise error if isinstance(error, ApiError) else ApiError(400, str(error), param="data") from error
    return Decimal(0)


def _signatures(headers: Mapping[str, str]) -> list[str]:
    given = headers.get("webhook-signature", "").split()
    return [signature for signature in given if SIGNATURE.fullmatch(signature)]


def _check_headers(headers: Mapping[str, str]) -> None:
    """Before anything is read of what a stranger sends. Raises `ApiError` 401."""
    if not (headers.get("webhook-id") and headers.get("webhook-timestamp") and _signatures(headers)):
        raise _unsigned("a header is missing, or no signature looks like one")


def _unsigned(reason: str) -> ApiError:
    return ApiError(
        401,
        f"the webhook is not signed as expected ({reason}); it needs webhook-id, webhook-timestamp (within five "
        f"minutes of now) and webhook-signature, made with the secret in {POLAR_VARIABLE}",
    )


def _verify(secret: SecretStr, headers: Mapping[str, str], body: bytes) -> None:
    """Raises `ApiError` 401."""
    signatures = " ".join(_signatures(headers))
    # Bytes are the key as they are; a string would be read as base64, which Polar's secrets are not meant to be.
    webhook = Webhook(secret.get_secret_value().encode())
    try:
        webhook.verify(body, {**headers, "webhook-signature": signatures}, json_parse=False)
    except (WebhookVerificationError, ValueError) as error:  # ValueError: the body is not UTF-8
        reason = str(error) if isinstance(error, WebhookVerificationError) else "the body is not UTF-8"
        raise _unsigned(reason) from error


def _payer(order: Order) -> str | None:
    """Raises `ApiError` 400."""
    if order.currency is not None and order.currency.lower() != CURRENCY:
        raise ApiError(400, f"the order is in {order.currency}; only orders in {CURRENCY} are taken", param="data")
    return order.organization
