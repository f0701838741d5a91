"""What an organization and the asking key may use, and what is left of it, for `GET /v1/account`."""

from decimal import Decimal
from typing import Any

import orjson

from greatrouter_accounts.budgets import DAY
from greatrouter_accounts.errors import StoreFailed
from greatrouter_accounts.keys import Caller
from greatrouter_accounts.limits import Limits, Standing
from greatrouter_api.endpoints.log_rows import exact_dollars
from greatrouter_api.services import Services


async def minutes(services: Services, caller: Caller) -> dict[str, Any]:
    """Limits of so many a minute and at a time. Those of the key stand under `key`. What is left is left out where
    nobody who counts it can be asked."""
    gate = services.accounts.gate
    try:
        limited, taken = await gate.standing(caller)
        standings = list(zip(taken.requests, taken.tokens, strict=True))
    except StoreFailed:
        limited = gate.meters(caller)
        standings = [(None, None)] * len(limited)
    found: dict[str, Any] = {}
    for (name, limits), (requests, tokens) in zip(limited, standings, strict=True):
        told = _told(limits, requests, tokens)
        found |= {"key": told} if name.startswith("key:") else told
    return found


def budgets(services: Services, caller: Caller) -> tuple[dict[str, Any], dict[str, Any]]:
    """Those of the day and the month: the organization's, and the key's own."""
    of_organization: dict[str, Any] = {}
    of_key: dict[str, Any] = {}
    for budget, left in services.accounts.budgets_left(caller):
        name = "daily_budget_dollars" if len(budget.period) == len(DAY) else "monthly_budget_dollars"
        found = of_organization if budget.key_id is None else of_key
        found[name] = {"limit": _dollars(budget.cents), "left": _dollars(left)}
    return of_organization, of_key


def models(services: Services, caller: Caller) -> dict[str, Any]:
    """The patterns of the plan, where the settings know it."""
    plan = services.settings.plans.get(caller.plan)
    return {} if plan is None else {"models": plan.models}


def _told(limits: Limits, requests: Standing | None, tokens: Standing | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, limit, standing in (
        ("requests_per_minute", limits.requests_per_minute, requests),
        ("tokens_per_minute", limits.tokens_per_minute, tokens),
        ("concurrent_requests", limits.concurrent_requests, None),
    ):
        if limit is not None:
            found[name] = {"limit": _whole(limit)} | ({} if standing is None else {"left": _whole(standing.left)})
    return found


def _whole(number: float) -> float:
    """As people write it: 2 and not 2.0."""
    return int(number) if number == int(number) else number


def _dollars(cents: Decimal) -> orjson.Fragment:
    return orjson.Fragment(exact_dollars(cents))
