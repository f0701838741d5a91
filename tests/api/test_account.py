"""`GET /v1/account`, by HTTP, and what the account endpoints say about themselves."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from fastapi import FastAPI

from greatrouter_accounts.clock import moment_text
from greatrouter_accounts.preferences import KEYS
from greatrouter_api.endpoints.account import LAST_CALLS
from tests.api.account_app import Desk, desk


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("home")) as found:
        found.accounts.office.credit("ada", Decimal("1234.8075"))
        found.accounts.office.credit("bob", Decimal(9900))
        today = moment_text(datetime.now(UTC))
        for number in range(LAST_CALLS + 5):
            found.record(found.ada, timestamp=today, request_id=f"req_{number}", units="images=2")
        found.record(found.ada, cost_cents=Decimal(10**6))  # of another day
        found.record(found.bob, timestamp=today, request_id="bobs", cost_cents=Decimal(777))
        found.flush()
        asyncio.run(_charge(found, Decimal("0.3075")))
        yield found


async def _charge(server: Desk, cents: Decimal) -> None:
    caller = await server.accounts.authenticate(server.ada)
    await server.accounts.till.settle(await server.accounts.till.reserve(caller, Decimal(1), "req_0"), cents)


def test_the_account(server: Desk) -> None:
    answer = server.ask("GET", "/v1/account")
    assert answer.status_code == 200
    account = answer.json()
    calls = account.pop("last_calls")
    assert account == {
        "organization": "ada",
        "tenant_id": server.organization_id(server.ada),
        "plan": "free",
        "key": {"prefix": server.ada[: len("pk_live_") + 9], "test": False},
        "balance_dollars": 12.345,
        "spend_today_dollars": 0.003075,
        "daily_budget_dollars": None,
        "limits": {},
    }
    assert [call["request_id"] for call in calls] == [f"req_{n}" for n in range(LAST_CALLS + 4, 4, -1)]
    calls[0].pop("timestamp")
    assert calls[0] == {
        "request_id": f"req_{LAST_CALLS + 4}",
        "endpoint": "/v1/auto/route",
        "task": "text",
        "model": "lab/small",
        "provider": "lab",
        "status": 200,
        "units": {"prompt_tokens": 12, "completion_tokens": 34, "images": 2},
        "charge_dollars": 0.000123,
        "latency_ms": 12.3,
        "cached": False,
        "rates": None,
        "catalog_version": None,
    }


def test_a_key_sees_its_own_account_and_is_never_shown_whole(server: Desk) -> None:
    bob = server.ask("GET", "/v1/account", server.bob)
    assert (bob.json()["organization"], bob.json()["balance_dollars"]) == ("bob", 99)
    assert [call["request_id"] for call in bob.json()["last_calls"]] == ["bobs"]
    assert server.bob not in bob.text
    test_key = server.accounts.create_key("ada", test=True, plan="max")
    account = server.ask("GET", "/v1/account", test_key).json()
    assert (account["key"]["test"], account["plan"], account["balance_dollars"]) == (True, "max", 12.345)
    assert server.ask("GET", "/v1/account", "pk_live_abcdefghi_" + "0" * 32).status_code == 401


def test_a_call_is_in_the_account_as_soon_as_it_is_charged(server: Desk) -> None:
    for number in range(5):
        server.record(server.ada, timestamp=moment_text(datetime.now(UTC)), request_id=f"req_just_now_{number}")
        calls = server.ask("GET", "/v1/account").json()["last_calls"]
        assert calls[0]["request_id"] == f"req_just_now_{number}"


# -- the description of the interface ------------------------------------------------------------------------------


def described(server: Desk) -> dict[str, Any]:
    app = server.client.app
    assert isinstance(app, FastAPI)
    document = app.openapi()
    # The whole server adds this one.
    document["components"]["schemas"]["Error"] = {"type": "object", "required": ["error"]}
    return document


def valid(document: dict[str, Any], path: str, method: str, answer: Any) -> None:
    """The answer's status is described, and its body is what the description says."""
    described_ = document["paths"][path][method]["responses"][str(answer.status_code)]
    kind = answer.headers["content-type"].partition(";")[0]
    schema = {**described_["content"][kind]["schema"], "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(answer.json() if kind.endswith("json") else answer.text)


def test_every_answer_is_as_described(server: Desk) -> None:
    document = described(server)
    for path in ("/v1/account", "/v1/preferences", "/v1/preferences/suggestions", "/v1/org/logs"):
        valid(document, path, "get", server.ask("GET", path))
        valid(document, path, "get", server.ask("GET", path, "nobody"))
    valid(document, "/v1/org/logs", "get", server.ask("GET", "/v1/org/logs?format=csv"))
    valid(document, "/v1/org/logs", "get", server.ask("GET", "/v1/org/logs?limit=0"))
    for key in KEYS:
        path = f"/v1/preferences/{key}"
        valid(document, path, "put", server.ask("PUT", path, json={"value": 5}))
        valid(document, path, "delete", server.ask("DELETE", path))
        [value] = document["paths"][path]["put"]["requestBody"]["content"]["application/json"]["schema"][
            "properties"
        ].values()
        named = "lab/small" if key == "excluded_models" else "lab"
        good = [named] if value.get("type") == "array" else (value.get("enum") or value["anyOf"][0]["enum"])[-1]
        jsonschema.Draft202012Validator(value).validate(good)
        answer = server.ask("PUT", path, json={"value": good})
        assert answer.json()[key] == good
        valid(document, path, "put", answer)
        server.ask("DELETE", path)


def test_every_operation_says_that_it_needs_a_key_and_what_it_is(server: Desk) -> None:
    document = described(server)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert operation["summary"]
            assert operation["tags"]
            assert operation["security"] == [{"bearer": []}, {"apiKey": []}], path
            assert "422" not in operation["responses"]
            assert {"401", "503"} <= operation["responses"].keys()
