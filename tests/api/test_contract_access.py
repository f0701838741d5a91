"""Who may ask, how a request is named, and the one shape of every error, over all endpoints that there are."""

import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.testclient import TestClient

from greatrouter_accounts.accounts import Accounts
from greatrouter_api.app import _add_errors
from greatrouter_api.front import Endpoint, Front, Incoming
from greatrouter_api.home import open_accounts
from greatrouter_api.settings import Settings
from tests.api.conftest import FAKE, Running
from tests.api.test_errors import check

FAMILY = "llm/meta--llama-3.3"
FILLED = {"provider": "openai", "model": "gpt-4o", "id": FAMILY}
OPEN = {
    "/v1/models",
    "/v1/models/tags",
    "/v1/models/price-tiers",
    "/v1/models/{model}",
    "/v1/models/{provider}/{model}",
    "/v1/models/{provider}/{model}/input-schema",
    "/v1/models/{provider}/{model}/output-schema",
    "/v1/catalog/taxonomy",
    "/v1/catalog/families",
    "/v1/catalog/families/{id}",
    "/v1/openapi.json",
    "/openapi.json",
    "/llms.txt",
    "/healthz",
    "/readyz",
}
# No key opens it: what is sent there is signed (test_webhooks.py).
SIGNED = ("POST", "/v1/webhooks/polar")


def operations(server: Running) -> Iterator[tuple[str, str]]:
    """(method, path) of every endpoint."""
    for path, item in server.client.get("/v1/openapi.json").json()["paths"].items():
        yield from ((method.upper(), path) for method in item)


def asked(server: Running, method: str, path: str, **headers: str) -> httpx2.Response:
    """Nothing that any endpoint takes, so that nothing is run or changed."""
    url = re.sub(r"\{(\w+)\}", lambda found: FILLED[found[1]], path)
    content = b"{}" if method in ("POST", "PUT") else None
    return server.client.request(method, url, content=content, headers=headers)


def test_only_what_is_public_answers_without_a_key(server: Running) -> None:
    answers = {(method, path): asked(server, method, path) for method, path in operations(server)}
    unlocked = {asked_of for asked_of, answer in answers.items() if answer.status_code != 401}
    assert unlocked == {("GET", path) for path in OPEN}
    for asked_of in answers.keys() - unlocked:
        check(answers[asked_of], 401, "authentication_failed")


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key"])
def test_every_endpoint_takes_the_key_in_either_header(server: Running, header: str) -> None:
    for method, path in set(operations(server)) - {SIGNED}:
        key = f"Bearer {server.test}" if header == "Authorization" else server.test
        assert asked(server, method, path, **{header: key}).status_code in (200, 400), (method, path)


@pytest.mark.parametrize("path", ["/v1/auto/suggest", "/v1/models/query"])
def test_two_keys_are_no_key(server: Running, path: str) -> None:
    """A proxy may look at one and this server at the other."""
    one, other = server.test, server.accounts.create_key("twice", test=True)

    def status(*headers: tuple[str, str]) -> int:
        return server.client.post(path, json={"prompt": "hi"}, headers=list(headers)).status_code

    assert status(("Authorization", f"Bearer {one}"), ("X-API-Key", one)) == 200
    assert status(("Authorization", "Basic abc"), ("X-API-Key", one)) == 200
    assert status(("Authorization", f"Bearer {one}"), ("X-API-Key", other)) == 401
    assert status(("Authorization", f"Bearer {one}"), ("Authorization", f"Bearer {other}")) == 401
    assert status(("X-API-Key", one), ("X-API-Key", other)) == 401


def test_a_key_that_begins_with_gr_is_a_key(server: Running) -> None:
    key = server.accounts.create_key("migrated", gr=True)
    assert key.startswith("gr-")
    for headers in ({"Authorization": f"Bearer {key}"}, {"X-API-Key": key}):
        assert server.client.get("/v1/account", headers=headers).json()["organization"] == "migrated"
    assert server.client.get("/v1/account", headers={"X-API-Key": "gr-" + "a" * 40}).status_code == 401


def test_the_command_line_makes_such_keys(tmp_path: Path) -> None:
    def create(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "greatrouter_api", "keys", "create", "--org", "ada", "--gr", *options]
        return subprocess.run(
            command, capture_output=True, text=True, env={"GREATROUTER_HOME": str(tmp_path)}, check=False
        )

    assert re.fullmatch(r"gr-[0-9a-f]{40}\n", create().stdout)
    assert "pk_test_" in create("--test").stderr


@pytest.mark.parametrize("test", [False, True])
def test_keys_look_as_documented_and_are_listed_in_part(server: Running, test: bool) -> None:
    key = server.accounts.create_key("shapely", test=test)
    assert re.fullmatch(rf"pk_{'test' if test else 'live'}_[A-Za-z0-9]{{9}}_[0-9a-f]{{32}}", key)
    shown = [row.prefix for row in server.accounts.list_keys() if row.organization == "shapely"]
    assert key[:17] in shown
    assert all(len(prefix) == 17 for prefix in shown)


def test_every_answer_echoes_the_request_id(server: Running) -> None:
    for number, (method, path) in enumerate(operations(server)):
        for key in ({}, {"X-API-Key": server.test}):
            answer = asked(server, method, path, **{"X-Request-Id": f"mine-{number}", **key})
            assert answer.headers["x-request-id"] == f"mine-{number}", (method, path)


def test_a_key_is_no_request_id(server: Running) -> None:
    """Ids are logged and shown."""
    for key in (server.test, server.live, "gr-" + "a" * 40, f"mine:{server.live}"):
        answer = server.post("/v1/auto/suggest", {"prompt": "hi"}, X_Request_Id=key)
        assert answer.headers["x-request-id"].startswith("req_")


def test_bodies_may_begin_with_anything_but_json_and_are_a_400_everywhere(server: Running) -> None:
    for method, path in set(operations(server)) - {SIGNED}:
        if method in ("POST", "PUT"):
            url = re.sub(r"\{(\w+)\}", lambda found: FILLED[found[1]], path)
            answer = server.client.request(method, url, content=b"<xml/>", headers={"X-API-Key": server.test})
            check(answer, 400, "invalid_request")


# -- statuses ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/auto/route", {"prompt": "Say hello", "input": {}}),
        ("/v1/models/route", {"query": "text", "input": {"messages": [{"role": "user", "content": "Say hello"}]}}),
        ("/v1/chat/completions", {"model": "router", "messages": [{"role": "user", "content": "Say hello"}]}),
        ("/v1/embeddings", {"model": FAKE, "input": "hello"}),
        ("/v1/rerank", {"model": FAKE, "query": "hello", "documents": ["a"]}),
        ("/v2/rerank", {"model": FAKE, "query": "hello", "documents": ["a"]}),
    ],
)
def test_an_empty_wallet_is_a_402_that_says_what_is_missing(server: Running, path: str, body: dict[str, Any]) -> None:
    poor = server.accounts.create_key("empty-handed")
    answer = server.post(path, body, poor)
    error = check(answer, 402, "insufficient_credit")
    assert error["metadata"]["needed_dollars"] > error["metadata"]["balance_dollars"] == 0
    assert answer.headers["x-should-retry"] == "false"
    assert "retry-after" not in answer.headers
    assert not server.provider.requests


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/auto/route", {"prompt": "Say hello", "input": {}}),
        ("/v1/auto/suggest", {"prompt": "Say hello"}),
        ("/v1/models/route", {"query": "text", "input": {"messages": [{"role": "user", "content": "Say hello"}]}}),
        ("/v1/models/price-comparison", {"task": "text"}),
        ("/v1/models/recommend", {"task": "text"}),
        ("/v1/chat/completions", {"model": "router", "messages": [{"role": "user", "content": "Say hello"}]}),
    ],
)
def test_a_budget_below_everything_names_the_cheapest(server: Running, path: str, body: dict[str, Any]) -> None:
    error = check(server.post(path, body | {"budget_dollars": 0}, server.live), 400, "budget_too_low")
    assert error["param"] == "budget_dollars"
    assert error["metadata"]["cheapest_estimate_dollars"] > 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", {"model": "openai/text-embedding-3-small", "input": "hello"}),
        ("/v1/rerank", {"model": "cohere/rerank-v3.5", "query": "hello", "documents": ["a"]}),
        ("/v1/chat/completions", {"model": "openai/gpt-4o", "messages": [{"role": "user", "content": "Say hello"}]}),
        ("/v1/auto/route", {"prompt": "Say hello", "input": {}, "model": "openai/gpt-4o"}),
    ],
)
def test_a_model_of_the_catalog_that_is_not_served_here_is_a_404(
    server: Running, path: str, body: dict[str, Any]
) -> None:
    check(server.post(path, body, server.live), 404, "model_not_found")
    assert server.post(path, body, server.test).status_code == 200, "the sandbox stands in for it"


async def _broken(_: Incoming) -> bytes:
    raise RuntimeError("the words of a bug")


def _broken_too() -> None:
    raise RuntimeError("the words of a bug")


@dataclass(frozen=True)
class Books:
    accounts: Accounts

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        yield


def test_a_bug_is_a_500_that_names_the_request_and_nothing_else(tmp_path: Path) -> None:
    accounts = open_accounts(Settings(home=tmp_path))
    try:
        app = FastAPI()
        _add_errors(app)
        app.get("/broken-too")(_broken_too)
        front = Front(app, {"/broken": Endpoint("/broken", "", BaseModel, _broken)}, Books(accounts), 1000, ())
        with TestClient(front, raise_server_exceptions=False) as client:
            key = {"X-API-Key": accounts.create_key("ada"), "X-Request-Id": "mine-5"}
            answers: list[Any] = [client.post("/broken", content=b"{}", headers=key)]
            answers.append(client.get("/broken-too", headers=key))
    finally:
        accounts.close()
    for answer in answers:
        error = check(answer, 500, "internal_error")
        assert "mine-5" in error["message"]
        assert "bug" not in answer.text
