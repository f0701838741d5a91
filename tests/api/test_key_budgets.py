"""Budgets and limits of a key over HTTP and on the command line, and the free credit of a new organization."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from greatrouter_accounts.budgets import Allowance
from greatrouter_api.settings import ModelSettings, PlanSettings, ProviderSettings, SettingsInvalid, load
from tests.accounts.asking import statement
from tests.api.conftest import FAKE, LARGE, SMALL, Provider, Running, completion, eventually, listening, running
from tests.api.test_errors import check

FREE = ModelSettings(id="lab/free", input_per_million_tokens=Decimal(0), output_per_million_tokens=Decimal(0))
PLANS = {"poor": PlanSettings(daily_budget_dollars=Decimal("0.001"))}
CHAT = "/v1/chat/completions"
SAY = {"model": "lab/small", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 100}
TENTH = Allowance(daily_cents=Decimal("0.1"))  # a call is 0.02 cents
FREE_CREDIT = Decimal("2.5")


@pytest.fixture(scope="module")
def thrifty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with listening(provider := Provider()) as port:
        lab = ProviderSettings(base_url=f"http://127.0.0.1:{port}/v1", models=[SMALL, LARGE, FREE])
        home = tmp_path_factory.mktemp("home")
        with running(home, providers={"lab": lab}, plans=PLANS, free_credit_dollars=FREE_CREDIT) as server:
            server.provider = provider
            yield server


@pytest.fixture
def server(thrifty: Running) -> Running:
    thrifty.provider.requests.clear()
    thrifty.provider.answer = completion
    return thrifty


def key_of(server: Running, budgets: Allowance = TENTH, plan: str = "free", **own: Any) -> str:
    """Of an organization of its own, with ten dollars."""
    name = f"{plan}-{len(server.accounts.list_keys())}"
    key = server.accounts.create_key(name, plan=plan, budgets=budgets, **own)
    server.accounts.office.credit(name, Decimal(1_000))
    return key


def other_key(server: Running) -> str:
    """Of the organization that got the latest."""
    return server.accounts.create_key(server.accounts.list_keys()[-1].organization)


def say(server: Running, key: str, **fields: Any) -> httpx2.Response:
    return server.post(CHAT, SAY | fields, key)


def limits_of(server: Running, key: str) -> Any:
    return server.client.get("/v1/account", headers={"X-API-Key": key}).json()["limits"]


def test_a_used_up_budget_of_a_key_is_told_and_free_and_local_models_still_work(server: Running) -> None:
    key = key_of(server)
    other = other_key(server)
    answers = [say(server, key) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    error = check(answers[-1], 429, "daily_budget_exceeded")
    assert answers[-1].headers["x-should-retry"] == "false"
    assert 0 < error["retry_after_s"] <= 24 * 3600
    assert answers[-1].headers["retry-after"] == str(error["retry_after_s"])
    assert "this key's daily budget is $0.001" in error["message"]
    assert error["metadata"]["of"] == "key"
    assert (error["metadata"]["budget_dollars"], error["metadata"]["left_dollars"]) == (0.001, 0)
    check(say(server, key, stream=True), 429, "daily_budget_exceeded")
    check(say(server, key, model="lab/large"), 429, "daily_budget_exceeded")
    assert len(server.provider.requests) == 5
    routed = server.route("Write a haiku", key).json()  # the router finds one that costs nothing
    assert (routed["model"]["model"]["id"], routed["charge_dollars"]) == ("lab/free", 0)
    assert say(server, key, model="lab/free").status_code == 200
    embedded = server.post("/v1/embeddings", {"model": FAKE, "input": "hello"}, key)
    assert (embedded.status_code, embedded.json()["charge_dollars"] > 0) == (200, True)
    assert say(server, other).status_code == 200
    assert server.accounts.verify() == []


def test_a_month_s_budget_of_a_key_ends_with_the_month(server: Running) -> None:
    key = key_of(server, Allowance(monthly_cents=Decimal("0.1")))
    answers = [say(server, key) for _ in range(6)]
    error = check(answers[-1], 429, "daily_budget_exceeded")
    assert "this key's monthly budget is $0.001" in error["message"]
    assert len(error["metadata"]["period"]) == len("2026-07")


def test_an_organization_s_budget_is_said_to_be_its_own(server: Running) -> None:
    key = key_of(server, Allowance(daily_cents=Decimal(100)), plan="poor")
    error = check([say(server, key) for _ in range(6)][-1], 429, "daily_budget_exceeded")
    assert error["metadata"]["of"] == "organization"
    assert "this key" not in error["message"]


def test_what_failed_is_not_spent(server: Running) -> None:
    key = key_of(server)
    server.provider.answer = lambda path, body: (500, {"error": {"message": "no"}})
    for _ in range(10):
        check(say(server, key), 502, "upstream_error")
    server.provider.answer = completion
    assert [say(server, key).status_code for _ in range(6)] == [200] * 5 + [429]


def test_the_account_shows_the_key_s_budget_beside_the_organization_s(server: Running) -> None:
    budgets = Allowance(Decimal("0.1"), Decimal("12.5"))
    key = key_of(server, budgets, plan="poor", limits={"concurrent_requests": 4})
    other = other_key(server)
    assert say(server, key).status_code == 200
    assert say(server, other).status_code == 200
    limits = limits_of(server, key)
    assert limits["daily_budget_dollars"] == {"limit": 0.001, "left": 0.0006}
    assert limits["key"] == {
        "concurrent_requests": {"limit": 4},
        "daily_budget_dollars": {"limit": 0.001, "left": 0.0008},
        "monthly_budget_dollars": {"limit": 0.125, "left": 0.1248},
    }
    assert "key" not in limits_of(server, other)


def test_a_key_s_requests_at_a_time(server: Running) -> None:
    key = key_of(server, Allowance(), limits={"concurrent_requests": 1})
    other = other_key(server)
    server.provider.hold = threading.Event()

    def hold() -> None:
        with httpx2.Client(base_url=server.url, timeout=1.5) as client, suppress(httpx2.TimeoutException):
            client.post(CHAT, json=SAY, headers={"X-API-Key": key})

    holding = threading.Thread(target=hold)
    holding.start()
    assert eventually(lambda: len(server.provider.requests) == 1)
    server.provider.hold = None
    error = check(say(server, key), 429, "rate_limited")
    assert error["metadata"] == {"limit": "concurrent_requests", "allowed": 1, "of": "key"}
    assert say(server, other).status_code == 200
    holding.join()
    assert eventually(lambda: say(server, key).status_code == 200)


def test_the_free_credit_can_be_spent_and_stands_in_the_statement(server: Running) -> None:
    key = server.accounts.create_key("newcomer")
    server.accounts.create_key("newcomer")
    account = server.client.get("/v1/account", headers={"X-API-Key": key}).json()
    assert account["balance_dollars"] == 2.5
    [line] = statement(server.accounts, "newcomer")
    assert (line.kind, line.request_id, line.amount_cents) == ("grant", "free_credit", 250)
    assert say(server, key).status_code == 200


# -- the command line -----------------------------------------------------------------------------------------------


def command(home: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "GREATROUTER_HOME": str(home), "COLUMNS": "400", **variables}
    whole = [sys.executable, "-m", "greatrouter_api", *arguments]
    return subprocess.run(whole, check=False, env=environment, capture_output=True, text=True)


def test_keys_are_made_with_budgets_and_listed_with_them(tmp_path: Path) -> None:
    credit = {"GREATROUTER_FREE_CREDIT_DOLLARS": "1.25"}
    options = ("--daily-budget", "2.50", "--monthly-budget", "20", "--concurrent", "4")
    made = command(tmp_path, "keys", "create", "--org", "acme", *options, **credit)
    assert (made.returncode, made.stdout[:8]) == (0, "pk_live_"), made.stderr
    command(tmp_path, "keys", "create", "--org", "acme", "--daily-budget", "0", **credit)
    for listing in (("keys", "list"), ("accounts", "show", "--org", "acme")):
        words = " ".join(command(tmp_path, *listing).stdout.split())
        assert "4 at once, $2.50 a day, $20.00 a month" in words
        assert "$0.00 a day" in words
    assert "acme: $1.25\n" in command(tmp_path, "accounts", "show", "--org", "acme").stdout
    statement = command(tmp_path, "accounts", "statement", "--org", "acme", "--csv").stdout.splitlines()
    assert len(statement) == 2
    assert ",grant,1.25,1.25," in statement[1]
    assert "free_credit" in statement[1]
    assert command(tmp_path, "accounts", "verify").returncode == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--daily-budget", "-1"), "at least 0"),
        (("--daily-budget", "lots"), "12.50"),
        (("--monthly-budget", "0.00000000001"), "at most 10 decimals"),
        (("--concurrent", "0"), "0"),
        (("--test", "--daily-budget", "5"), "a test key costs nothing"),
    ],
)
def test_a_budget_that_is_none_is_told(tmp_path: Path, options: tuple[str, ...], told: str) -> None:
    refused = command(tmp_path, "keys", "create", "--org", "acme", *options)
    assert refused.returncode != 0
    assert told in refused.stderr
    assert (refused.stdout, "Traceback" in refused.stderr) == ("", False)


def test_a_free_credit_below_nothing_is_no_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREATROUTER_HOME", str(tmp_path))
    monkeypatch.setenv("GREATROUTER_FREE_CREDIT_DOLLARS", "-1")
    with pytest.raises(SettingsInvalid, match="at least 0"):
        load()
