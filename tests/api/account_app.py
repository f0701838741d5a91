"""The account endpoints by themselves: FastAPI over a real store, without the rest of a server."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.testclient import TestClient

from greatrouter_accounts.accounts import Accounts
from greatrouter_api.endpoints import account, logs, preferences, webhooks
from greatrouter_api.errors import EXPECTED, ApiError, from_exception
from greatrouter_api.home import open_accounts
from greatrouter_api.services import Services
from greatrouter_api.settings import Settings
from greatrouter_catalog.catalog import Catalog, with_models
from tests.catalog.examples import facts_of, offers, text_offer

ROW: dict[str, Any] = {
    "request_id": "req_1",
    "timestamp": "2026-01-01T00:00:00.000+00:00",
    "endpoint": "/v1/auto/route",
    "task": "text",
    "decision": "regex",
    "confidence": "0.9500",
    "complexity_tier": "SIMPLE",
    "model": "lab/small",
    "provider": "lab",
    "routing_reason": "the cheapest that fits",
    "fallback_chain": "lab/small lab/large",
    "status": 200,
    "prompt_tokens": 12,
    "completion_tokens": 34,
    "units": "",
    "cost_cents": Decimal("0.0123"),
    "latency_ms": "12.30",
    "cached": False,
}


@dataclass
class Fake:
    """The running server, as the endpoints see it."""

    services: Services


@dataclass
class Desk:
    client: TestClient
    accounts: Accounts
    home: Path
    ada: str
    bob: str

    def ask(self, method: str, path: str, key: str | None = None, **options: Any) -> Any:
        return self.client.request(method, path, headers={"Authorization": f"Bearer {key or self.ada}"}, **options)

    def organization_id(self, key: str) -> str:
        return asyncio.run(self.accounts.authenticate(key)).organization_id

    def record(self, key: str, **changes: Any) -> None:
        """A request of the organization that holds `key`."""
        self.accounts.record({**ROW, "organization_id": self.organization_id(key), **changes})

    def flush(self) -> None:
        """Waits for what was recorded before: it is written in order."""
        nothing = {"organization_id": "org_none", "prompt": "", "correct": True}
        asyncio.run(self.accounts.record_feedback(nothing))


@cache
def catalog() -> Catalog:
    """Three models at two providers; one of them has more other names than a preference may list."""
    many = [f"m{number}" for number in range(1_001)]
    named = [("lab", "small", many), ("lab", "large", []), ("other", "one", [])]
    stated = [text_offer(provider, model, aliases=aliases) for provider, model, aliases in named]
    facts = facts_of(offers("litellm", *stated))
    return Catalog(with_models(facts.models, []), facts.scores, "v", facts.report)


@contextmanager
def desk(home: Path) -> Iterator[Desk]:
    settings = Settings(home=home, max_body_bytes=100_000)
    accounts = open_accounts(settings)
    server = Fake(cast(Services, SimpleNamespace(accounts=accounts, settings=settings, catalog=catalog())))
    app = FastAPI(redirect_slashes=False)
    for endpoints in (preferences, logs, account):
        endpoints.add(app, server)
    _add_errors(app)
    with TestClient(app) as client:
        yield Desk(client, accounts, home, accounts.create_key("ada"), accounts.create_key("bob"))
    accounts.close()


def webhook_client(settings: Settings, accounts: Accounts) -> TestClient:
    """The webhooks alone."""
    app = FastAPI(redirect_slashes=False)
    webhooks.add(app, Fake(cast(Services, SimpleNamespace(accounts=accounts, settings=settings))))
    _add_errors(app)
    return TestClient(app)


def _add_errors(app: FastAPI) -> None:
    def answer(_: Request, error: Exception) -> Response:
        known = from_exception(error, "req_test")
        return Response(known.body(), known.status, known.headers(), "application/json")

    for kind in (ApiError, *EXPECTED):
        app.add_exception_handler(kind, answer)
