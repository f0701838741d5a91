"""What a key is for: each endpoint takes the keys that the OpenAPI document says, and no others."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from greatrouter_accounts.keys import SCOPES
from tests.api.conftest import FAKE, Running, eventually
from tests.api.test_contract_access import asked
from tests.api.test_errors import check


def scoped(server: Running) -> Iterator[tuple[str, str, list[str]]]:
    """(method, path, any of which scopes) of every endpoint that needs a key."""
    for path, item in server.client.get("/v1/openapi.json").json()["paths"].items():
        for method, operation in item.items():
            if {"bearer": []} in operation.get("security", ()):
                yield method.upper(), path, operation["x-any-of-scopes"]


@pytest.mark.parametrize("scope", SCOPES)
def test_every_endpoint_takes_the_scopes_that_are_documented_and_no_others(server: Running, scope: str) -> None:
    key = server.accounts.create_key("scoped", scopes=[scope])
    found = {"may": 0, "may not": 0}
    for method, path, any_of in scoped(server):
        answer = asked(server, method, path, **{"X-API-Key": key})
        if scope in any_of:
            found["may"] += 1
            assert answer.status_code in (200, 400), (method, path, answer.text)
        else:
            found["may not"] += 1
            error = check(answer, 403, "scope_required")
            assert error["metadata"] == {"required_scopes": any_of, "key_scopes": [scope]}
            assert all(f"{needed}" in error["message"] for needed in any_of)
    assert all(found.values())


def test_a_key_that_may_only_read_changes_nothing_and_runs_nothing(server: Running) -> None:
    reader = server.accounts.create_key("scoped", scopes=["read"])
    before = server.client.get("/v1/account", headers={"X-API-Key": reader}).json()
    body: dict[str, Any]
    for path, body in (
        ("/v1/auto/route", {"prompt": "Say hello", "input": {}}),
        ("/v1/chat/completions", {"model": "lab/small", "messages": [{"role": "user", "content": "hi"}]}),
        ("/v1/embeddings", {"model": FAKE, "input": "hello"}),
        ("/v1/auto/feedback", {"prompt": "hello", "correct": True}),
    ):
        check(server.post(path, body, reader), 403, "scope_required")
    assert server.suggest("Say hello", reader).status_code == 200
    assert not server.provider.requests
    assert server.client.get("/v1/account", headers={"X-API-Key": reader}).json() == before


def test_what_is_wrong_with_a_body_is_not_told_to_a_key_that_may_not_send_it(server: Running) -> None:
    reader = server.accounts.create_key("scoped", scopes=["read"])
    check(server.post("/v1/auto/route", b"{", reader), 403, "scope_required")


def test_a_key_has_every_scope_where_none_was_named(server: Running) -> None:
    key = {"X-API-Key": server.accounts.create_key("scoped")}
    for method, path, _ in scoped(server):
        assert asked(server, method, path, **key).status_code in (200, 400)


def test_an_expired_key_is_told_so(server: Running) -> None:
    key = server.accounts.create_key("scoped", expires_at=datetime.now(UTC) + timedelta(seconds=1))
    account = {"X-API-Key": key}
    assert server.client.get("/v1/account", headers=account).status_code == 200
    assert eventually(lambda: server.client.get("/v1/account", headers=account).status_code == 401)
    assert (
        "expired" in check(server.client.get("/v1/account", headers=account), 401, "authentication_failed")["message"]
    )


def test_the_table_of_the_documentation_is_so(server: Running) -> None:
    page = (Path(__file__).parents[2] / "docs" / "keys.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+) (\S+)` \|(.*)\|$", page, flags=re.M)
    told = {(method, path): [cell.strip() for cell in cells.split("|")] for method, path, cells in rows}
    found = {}
    for method, path, any_of in scoped(server):
        name = re.sub(r"^(/v1/preferences)/(?!suggestions)\w+$", r"\1/{key}", path)
        found[method, name] = ["yes" if scope in any_of else "" for scope in SCOPES]
    assert told == found
