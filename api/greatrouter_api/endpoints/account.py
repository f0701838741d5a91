"""`GET /v1/account`: who asks, what there is to spend, what was spent, and the last calls."""

from contextlib import suppress
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from greatrouter_accounts.errors import StoreFailed
from greatrouter_accounts.keys import Caller
from greatrouter_api.endpoints import account_limits
from greatrouter_api.endpoints.documented import failures
from greatrouter_api.endpoints.log_rows import charged_by, exact_dollars, units
from greatrouter_api.openapi import keyed
from greatrouter_api.plain import HasServices, caller_of, json_answer
from greatrouter_api.scopes import READ
from greatrouter_api.services import Services

LAST_CALLS = 20


class Key(BaseModel):
    prefix: str = Field(description="The part of the asking key that may be shown.")
    test: bool = Field(description="A test key never reaches a paid provider and is never charged.")


class LastCall(BaseModel):
    """`units` holds tokens and every other native unit that was used."""

    timestamp: str
    request_id: str
    endpoint: str
    task: str | None
    model: str | None
    provider: str | None
    status: int
    units: dict[str, float]
    charge_dollars: float
    latency_ms: float
    cached: bool
    rates: dict[str, float] | None = Field(description="What it was charged by; null where nothing was charged.")
    catalog_version: str | None


class Account(BaseModel):
    """Amounts are US dollars, exact to the last digit written."""

    organization: str
    tenant_id: str
    plan: str
    key: Key
    balance_dollars: float = Field(description="What may be spent; what requests under way have reserved is not in it.")
    spend_today_dollars: float = Field(
        description="What was charged since midnight (UTC), by the ledger, as is the balance: both are of one moment."
    )
    daily_budget_dollars: float | None = Field(description="Null where there is none.")
    limits: dict[str, Any] = Field(
        description="Each limit of the plan by its name, with `limit` and what is `left`; those of the key, with its "
        "own budgets, under `key`, and the patterns of the plan's models. Empty where nothing is limited."
    )
    last_calls: list[LastCall] = Field(
        description="Newest first, by the log: a call that another server process answered comes up to a second later."
    )


def add(app: FastAPI, server: HasServices) -> None:
    @app.get(
        "/v1/account",
        tags=["account"],
        summary="Balance, today's spend, plan, limits and the last calls",
        response_model=None,
        responses={200: {"model": Account, "description": "The account"}, **failures(401, 500, 503)},
        openapi_extra=keyed(READ),
    )
    async def account(request: Request) -> Response:
        caller = await caller_of(request, server.services, READ)
        with suppress(StoreFailed):  # what cannot be written now can still be read without the last calls
            await server.services.accounts.flush()
        minutes = await account_limits.minutes(server.services, caller)
        return json_answer(await run_in_threadpool(_account, server.services, caller, minutes))


def _account(services: Services, caller: Caller, minutes: dict[str, Any]) -> dict[str, Any]:
    found = services.accounts.overview(caller, LAST_CALLS)
    budgets, of_key = account_limits.budgets(services, caller)
    limits = minutes | budgets | account_limits.models(services, caller)
    if of_key:
        limits["key"] = limits.get("key", {}) | of_key
    return {
        "organization": caller.organization,
        "tenant_id": caller.organization_id,
        "plan": caller.plan,
        "key": {"prefix": found.key_prefix, "test": caller.test},
        "balance_dollars": orjson.Fragment(exact_dollars(found.balance_cents)),
        "spend_today_dollars": orjson.Fragment(exact_dollars(found.spent_today_cents)),
        "daily_budget_dollars": budgets.get("daily_budget_dollars", {}).get("limit"),
        "limits": limits,
        "last_calls": [_call(row) for row in found.calls],
    }


def _call(row: dict[str, Any]) -> dict[str, Any]:
    same = ("timestamp", "request_id", "endpoint", "task", "model", "provider", "status", "cached")
    tokens = {name: row[name] for name in ("prompt_tokens", "completion_tokens") if row[name]}
    return {
        **{name: row[name] for name in same},
        "units": tokens | units(row["units"]),
        "charge_dollars": orjson.Fragment(exact_dollars(row["cost_cents"])),
        "latency_ms": float(row["latency_ms"]),
        **charged_by(row),
    }
