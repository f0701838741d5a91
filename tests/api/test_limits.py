"""Plans over HTTP: what is let in, what is refused and how, and that what a request used comes back when it ends."""

import asyncio
import re
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

import httpx2
import orjson
import pytest

from greatrouter_accounts.refusals import AT_ONCE
from greatrouter_api.settings import ModelSettings, PlanSettings, ProviderSettings, SettingsInvalid, load
from tests.api.conftest import (
    DONE,
    FAKE,
    LARGE,
    SMALL,
    USAGE,
    WORDS,
    Events,
    Provider,
    Running,
    completion,
    eventually,
    listening,
    running,
)
from tests.api.test_errors import check

FREE = ModelSettings(id="lab/free", input_per_million_tokens=Decimal(0), output_per_million_tokens=Decimal(0))
PLANS = {
    "slow": PlanSettings(requests_per_minute=3),
    "wordy": PlanSettings(tokens_per_minute=2_000),
    "narrow": PlanSettings(concurrent_requests=2),
    "poor": PlanSettings(daily_budget_dollars=Decimal("0.001")),
    "thrifty": PlanSettings(monthly_budget_dollars=Decimal("0.001")),
    "small": PlanSettings(models=["lab/small", "sentence-*"]),
    "max": PlanSettings(models=["lab/*"]),
    "ultra": PlanSettings(requests_per_minute=50, tokens_per_minute=1_000_000, daily_budget_dollars=Decimal(5)),
}
CHAT = "/v1/chat/completions"
SAY = {"model": "lab/small", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 100}


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with listening(provider := Provider()) as port:
        lab = ProviderSettings(base_url=f"http://127.0.0.1:{port}/v1", models=[SMALL, LARGE, FREE])
        home = tmp_path_factory.mktemp("home")
        with running(home, providers={"lab": lab}, plans=PLANS) as server:
            server.provider = provider
            yield server


@pytest.fixture
def server(limited: Running) -> Iterator[Running]:
    limited.provider.requests.clear()
    limited.provider.answer = completion
    limited.provider.hold = None
    yield limited
    limited.provider.hold = None


def key_of(server: Running, plan: str, **own: Any) -> str:
    """Of an organization of its own, which nobody used before."""
    name = f"{plan}-{len(server.accounts.list_keys())}"
    key = server.accounts.create_key(name, plan=plan, **own)
    server.accounts.office.credit(name, Decimal(1_000))
    return key


def say(server: Running, key: str, **fields: Any) -> httpx2.Response:
    return server.post(CHAT, SAY | fields, key)


def limits_in(answer: httpx2.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if "ratelimit" in name}


# -- requests and tokens a minute -----------------------------------------------------------------------------------


def test_a_plan_without_a_table_limits_nothing(server: Running) -> None:
    key = key_of(server, "free")
    assert all(say(server, key).status_code == 200 for _ in range(5))
    assert limits_in(say(server, key)) == {}
    account = server.client.get("/v1/account", headers={"X-API-Key": key}).json()
    assert (account["limits"], account["daily_budget_dollars"]) == ({}, None)


def test_requests_a_minute_are_counted_told_and_refused(server: Running) -> None:
    key = key_of(server, "slow")
    for left in (2, 1, 0):
        answer = say(server, key) if left else server.post(CHAT, {"model": "lab/small"}, key)  # an error counts too
        assert answer.status_code == (200 if left else 400)
        told = limits_in(answer)
        reset = re.fullmatch(r"1m[01]s", told.pop("x-ratelimit-reset-requests"))
        assert reset
        assert re.fullmatch(f'"requests";r={left};t=6[01]', told.pop("ratelimit"))
        assert told == {
            "x-ratelimit-limit-requests": "3",
            "x-ratelimit-remaining-requests": str(left),
            "ratelimit-policy": '"requests";q=3;w=61',
        }
    refused = say(server, key)
    error = check(refused, 429, "rate_limited")
    assert 0 < error["retry_after_s"] <= 61
    assert refused.headers["retry-after"] == str(error["retry_after_s"])
    assert "x-should-retry" not in refused.headers
    assert error["metadata"] == {"limit": "requests_per_minute", "allowed": 3, "of": "organization"}
    assert "3 requests a minute" in error["message"]
    assert limits_in(refused)["x-ratelimit-remaining-requests"] == "0"
    assert len(server.provider.requests) == 2  # and none of the refused
    # What runs nothing is not limited.
    assert server.suggest("hello", key).status_code == 200
    assert server.client.get("/v1/account", headers={"X-API-Key": key}).status_code == 200


def test_a_key_may_have_less(server: Running) -> None:
    key = key_of(server, "slow", limits={"requests_per_minute": 1})
    answer = say(server, key)
    assert (answer.status_code, answer.headers["x-ratelimit-limit-requests"]) == (200, "1")
    error = check(say(server, key), 429, "rate_limited")
    assert error["metadata"]["of"] == "key"
    other = server.accounts.create_key(server.accounts.list_keys()[-1].organization)
    assert say(server, other).headers["x-ratelimit-remaining-requests"] == "1"


def test_tokens_are_counted_by_the_estimate_and_then_as_they_were_used(server: Running) -> None:
    key = key_of(server, "wordy")
    first = say(server, key)  # 1,500 tokens, by the provider's count
    assert first.status_code == 200
    assert int(first.headers["x-ratelimit-remaining-tokens"]) in range(1_880, 1_900)
    assert first.headers["ratelimit-policy"] == '"tokens";q=2000;w=61'
    account = server.client.get("/v1/account", headers={"X-API-Key": key}).json()
    assert account["limits"]["tokens_per_minute"] == {"limit": 2_000, "left": 500}
    refused = say(server, key, max_tokens=600)
    error = check(refused, 429, "rate_limited")
    assert error["metadata"]["limit"] == "tokens_per_minute"
    assert refused.headers.get_list("x-ratelimit-remaining-tokens") == ["500"]
    assert say(server, key, max_tokens=300).status_code == 200
    assert len(server.provider.requests) == 2


def test_a_request_that_no_wait_lets_in_says_so(server: Running) -> None:
    refused = say(server, key_of(server, "wordy"), max_tokens=5_000)
    error = check(refused, 429, "rate_limited")
    assert refused.headers["x-should-retry"] == "false"
    assert (error["retry_after_s"], "retry-after" in refused.headers) == (None, False)  # waiting does not help
    assert "lower max_tokens" in error["message"]


@pytest.mark.parametrize("most", [10**9, 10**13, 2**63 - 1])
@pytest.mark.parametrize("beside", [{}, {"max_completion_tokens": 1}])
def test_no_bound_is_too_large_to_count(server: Running, most: int, beside: dict[str, int]) -> None:
    check(say(server, key_of(server, "wordy"), max_tokens=most, **beside), 429, "rate_limited")
    poor = key_of(server, "poor")
    server.accounts.office.credit(server.accounts.list_keys()[-1].organization, Decimal(1_000_000))
    check(say(server, poor, max_tokens=most, **beside), 429, "daily_budget_exceeded")
    check(say(server, key_of(server, "free"), max_tokens=most, **beside), 402, "insufficient_credit")
    assert server.provider.requests == []


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("bad", [0, -1, 1.5, True, "20", "2000000000", [5], 1e400])
def test_a_bound_that_nobody_can_read_is_refused(server: Running, name: str, bad: Any) -> None:
    key, raw = key_of(server, "free"), orjson.dumps({name: bad}).replace(b"null", b"1e400")
    for path, asked in (("/v1/auto/route", "prompt"), ("/v1/models/route", "query"), ("/v1/auto/suggest", "prompt")):
        body = b'{"%s": "Why is the sky blue?", "input": %s}' % (asked.encode(), raw)
        answer = server.client.post(path, content=body, headers={"X-API-Key": key})
        error = check(answer, 400, "invalid_request")
        assert (error["param"], f"input.{name}" in error["message"]) == ("input", True)
    assert server.provider.requests == []
    routed = {"prompt": "Why is the sky blue?", "input": {name: 5.0}}
    assert server.post("/v1/auto/route", routed, key).status_code == 200


def test_what_failed_used_no_tokens(server: Running) -> None:
    key = key_of(server, "wordy")
    server.provider.answer = lambda path, body: (500, {"error": {"message": "no"}})
    for _ in range(4):
        check(say(server, key, max_tokens=1_500), 502, "upstream_error")
    server.provider.answer = completion
    assert say(server, key, max_tokens=1_500).status_code == 200


def test_a_refused_request_is_in_the_log_where_it_was_planned_already(server: Running) -> None:
    key = key_of(server, "wordy")
    check(say(server, key, max_tokens=5_000), 429, "rate_limited")
    calls = server.client.get("/v1/account", headers={"X-API-Key": key}).json()["last_calls"]
    assert [call["status"] for call in calls] == [429]


def test_a_repetition_counts_for_nothing_and_no_limit_refuses_it(server: Running) -> None:
    key = key_of(server, "slow")
    first = server.post(CHAT, SAY, key, Idempotency_Key="one")
    assert (first.status_code, first.headers["x-ratelimit-remaining-requests"]) == (200, "2")
    again = server.post(CHAT, SAY, key, Idempotency_Key="one")
    assert again.content == first.content
    assert again.headers["x-ratelimit-remaining-requests"] == "2"
    other = server.post(CHAT, SAY | {"seed": 1}, key, Idempotency_Key="one")
    assert (other.status_code, other.headers["x-ratelimit-remaining-requests"]) == (422, "2")
    assert [say(server, key).headers["x-ratelimit-remaining-requests"] for _ in range(2)] == ["1", "0"]
    for name in ("two", "three"):
        refused = server.post(CHAT, SAY, key, Idempotency_Key=name)
        check(refused, 429, "rate_limited")
        assert refused.headers.get_list("x-ratelimit-remaining-requests") == ["0"]
    again = server.post(CHAT, SAY, key, Idempotency_Key="one")
    assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")
    assert again.headers["x-ratelimit-remaining-requests"] == "0"
    assert len(server.provider.requests) == 3


def test_of_50_requests_with_keys_at_once_exactly_3_are_run(server: Running) -> None:
    key = key_of(server, "slow")

    async def all_at_once() -> list[int]:
        async with httpx2.AsyncClient(base_url=server.url, timeout=60, headers={"X-API-Key": key}) as client:
            asking = (client.post(CHAT, json=SAY, headers={"Idempotency-Key": str(n)}) for n in range(50))
            return [answer.status_code for answer in await asyncio.gather(*asking)]

    assert sorted(asyncio.run(all_at_once())) == [200] * 3 + [429] * 47
    assert len(server.provider.requests) == 3


# -- what was refused, in the log -----------------------------------------------------------------------------------


def refusals(server: Running, key: str) -> list[dict[str, Any]]:
    """Those in the log, newest first."""
    page = server.client.get("/v1/org/logs", headers={"X-API-Key": key}).json()
    return [row for row in page["data"] if row["status"] != 200]


def test_what_is_refused_stands_in_the_log(server: Running) -> None:
    slow, small, poor = (key_of(server, plan) for plan in ("slow", "small", "poor"))
    for _ in range(3):
        say(server, slow)
    asked = {"X_Request_Id": "too-many"}
    check(server.post(CHAT, SAY, slow, **asked), 429, "rate_limited")
    check(server.post(CHAT, SAY | {"model": "lab/large"}, small), 403, "plan_required")
    check(server.post("/v1/embeddings", {"model": "lab/large", "input": "a"}, small), 404, "model_not_found")
    spent_out(server, poor)
    without_money = server.accounts.create_key("broke")
    check(server.post(CHAT, SAY, without_money), 402, "insufficient_credit")
    told = {
        slow: (429, "3 requests a minute"),
        small: (403, "lab/large"),
        poor: (429, "daily budget is $0.001"),
        without_money: (402, "the wallet holds $0"),
    }
    for key, (status, words) in told.items():
        assert eventually(lambda key=key: refusals(server, key)), words
        [row] = refusals(server, key)
        assert (row["status"], row["endpoint"], row["cost_dollars"], row["model"]) == (status, CHAT, 0, None)
        assert words in row["routing_reason"]
    assert refusals(server, slow)[0]["request_id"] == "too-many"
    # A refused preview is none of a run, and what has no key no organization.
    check(server.suggest("hello", small, model="lab/large"), 403, "plan_required")
    assert len(refusals(server, small)) == 1


def test_what_is_refused_is_no_failure_of_the_model(server: Running) -> None:
    key = key_of(server, "wordy")
    check(server.post("/v1/embeddings", {"model": FAKE, "input": "word " * 5_000}, key), 429, "rate_limited")
    assert eventually(lambda: refusals(server, key))
    [row] = refusals(server, key)
    assert (row["endpoint"], row["model"], row["fallback_chain"]) == ("/v1/embeddings", None, [FAKE])


def test_a_flood_of_refusals_leaves_some_lines_and_says_how_many_more_there_were(server: Running) -> None:
    key = key_of(server, "slow")
    for _ in range(3):
        say(server, key)
    asked_at = time.monotonic()
    for _ in range(100):
        check(say(server, key), 429, "rate_limited")
    took_s = time.monotonic() - asked_at
    assert eventually(lambda: len(refusals(server, key)) >= AT_ONCE)
    assert len(refusals(server, key)) <= AT_ONCE + took_s + 1

    def told() -> bool:
        check(say(server, key), 429, "rate_limited")
        return any("refusals before it are not listed" in row["routing_reason"] for row in refusals(server, key))

    assert eventually(told)


def test_of_200_requests_at_once_exactly_50_are_run(server: Running) -> None:
    key = key_of(server, "ultra")

    async def all_at_once() -> list[int]:
        async with httpx2.AsyncClient(base_url=server.url, timeout=60) as client:

            async def one() -> int:
                answer = await client.post(CHAT, json=SAY, headers={"X-API-Key": key})
                return answer.status_code

            return await asyncio.gather(*(one() for _ in range(200)))

    statuses = asyncio.run(all_at_once())
    assert (statuses.count(200), statuses.count(429)) == (50, 150)
    assert len(server.provider.requests) == 50


# -- requests at a time ---------------------------------------------------------------------------------------------


def test_requests_at_a_time_and_whoever_leaves_makes_room(server: Running) -> None:
    key = key_of(server, "narrow")
    server.provider.hold = threading.Event()

    def hold() -> None:
        with httpx2.Client(base_url=server.url, timeout=1.5) as client, suppress(httpx2.TimeoutException):
            client.post(CHAT, json=SAY, headers={"X-API-Key": key})

    held = [threading.Thread(target=hold) for _ in range(2)]
    for thread in held:
        thread.start()
    assert eventually(lambda: len(server.provider.requests) == 2)
    refused = say(server, key)
    error = check(refused, 429, "rate_limited")
    assert error["metadata"] == {"limit": "concurrent_requests", "allowed": 2, "of": "organization"}
    assert refused.headers["retry-after"] == "1"
    for thread in held:
        thread.join()
    server.provider.hold = None
    assert eventually(lambda: say(server, key).status_code == 200)
    assert [say(server, key).status_code for _ in range(5)] == [200] * 5


def test_a_repetition_needs_no_place_and_what_was_refused_one_runs_later(server: Running) -> None:
    key = key_of(server, "narrow")
    first = server.post(CHAT, SAY, key, Idempotency_Key="one")
    server.provider.requests.clear()
    server.provider.hold = threading.Event()

    def hold(name: str) -> None:
        with httpx2.Client(base_url=server.url, timeout=2) as client, suppress(httpx2.TimeoutException):
            client.post(CHAT, json=SAY, headers={"X-API-Key": key, "Idempotency-Key": name})

    held = [threading.Thread(target=hold, args=[f"held-{n}"]) for n in range(2)]
    for thread in held:
        thread.start()
    assert eventually(lambda: len(server.provider.requests) == 2)
    assert server.post(CHAT, SAY, key, Idempotency_Key="one").content == first.content
    check(server.post(CHAT, SAY, key, Idempotency_Key="two"), 429, "rate_limited")
    for thread in held:
        thread.join()
    server.provider.hold = None
    assert eventually(lambda: server.post(CHAT, SAY, key, Idempotency_Key="two").status_code == 200)


@pytest.mark.parametrize("ending", ["complete", "cut"])
def test_a_stream_keeps_its_place_until_it_ends(server: Running, ending: Any) -> None:
    key = key_of(server, "narrow")
    server.provider.answer = lambda path, body: (200, Events((*WORDS, USAGE, DONE), ending))
    for _ in range(5):
        with server.client.stream("POST", CHAT, json=SAY | {"stream": True}, headers={"X-API-Key": key}) as stream:
            assert stream.status_code == 200
            assert b"Hello" in b"".join(stream.iter_bytes())


# -- budgets --------------------------------------------------------------------------------------------------------


def spent_out(server: Running, key: str) -> httpx2.Response:
    """A call is 0.02 cents; the budget is a tenth."""
    answers = [say(server, key) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    return answers[-1]


def test_a_used_up_budget_is_told_and_free_and_local_models_still_work(server: Running) -> None:
    key = key_of(server, "poor")
    refused = spent_out(server, key)
    error = check(refused, 429, "daily_budget_exceeded")
    assert refused.headers["x-should-retry"] == "false"
    assert 0 < error["retry_after_s"] <= 24 * 3600
    assert refused.headers["retry-after"] == str(error["retry_after_s"])
    assert "daily budget is $0.001" in error["message"]
    assert (error["metadata"]["budget_dollars"], error["metadata"]["left_dollars"]) == (0.001, 0)
    assert say(server, key, model="lab/free").status_code == 200
    embedded = server.post("/v1/embeddings", {"model": FAKE, "input": "hello"}, key)
    assert (embedded.status_code, embedded.json()["charge_dollars"] > 0) == (200, True)
    ranked = server.post("/v1/auto/route", {"prompt": "", "input": {"query": "a", "documents": ["a"]}}, key)
    assert ranked.status_code == 200
    assert ranked.json()["provider"] == "local"
    account = server.client.get("/v1/account", headers={"X-API-Key": key}).json()
    assert account["daily_budget_dollars"] == 0.001
    assert account["limits"] == {"daily_budget_dollars": {"limit": 0.001, "left": 0}, "models": ["*"]}


@pytest.mark.parametrize("plan", ["poor", "thrifty"])
def test_with_a_used_up_budget_the_router_chooses_among_free_and_local_models(server: Running, plan: str) -> None:
    key = key_of(server, plan)
    spent_out(server, key)
    before = server.accounts.balance(server.accounts.list_keys()[-1].organization)
    paid_out = "The budget is used up, which leaves free models and those served here. "
    routed = server.post("/v1/auto/route", {"prompt": "Write a haiku", "input": {}}, key, X_Request_Id="haiku").json()
    by_filter = server.post("/v1/models/route", {"query": "text", "input": {"prompt": "Write a haiku"}}, key).json()
    assert routed["model"]["model"]["id"] == by_filter["model"]["id"] == "lab/free"
    for answer in (routed, by_filter):
        assert answer["routing"]["reason"].startswith(paid_out)
        assert (answer["routing"]["fallback_chain"], answer["charge_dollars"]) == (["lab/free"], 0)
    said = say(server, key, model="router").json()["greatrouter"]
    assert (said["model"], said["charge_dollars"]) == ("lab/free", 0)
    assert said["routing"]["reason"].startswith(paid_out)
    server.provider.answer = lambda path, body: (200, Events((*WORDS, USAGE, DONE)))
    with server.client.stream(
        "POST", CHAT, json=SAY | {"model": "router", "stream": True}, headers={"X-API-Key": key}
    ) as stream:
        assert b'"model":"lab/free"' in b"".join(stream.iter_bytes())
    ranked = server.post("/v1/auto/route", {"prompt": "", "input": {"query": "a", "documents": ["a"]}}, key).json()
    assert ranked["provider"] == "local"
    assert server.accounts.balance(server.accounts.list_keys()[-1].organization) < before  # by what ours costs
    # Each has one line in the log, that of the answer.
    rows = lambda: server.client.get("/v1/org/logs", headers={"X-API-Key": key}).json()["data"]  # noqa: E731
    assert eventually(lambda: len(rows()) == 11)
    [row] = [row for row in rows() if row["request_id"] == "haiku"]
    assert (row["status"], row["model"], row["cost_dollars"], row["rates"]) == (200, "lab/free", 0, None)
    assert sorted(row["status"] for row in rows()) == [200] * 10 + [429]


def test_with_a_used_up_budget_the_free_of_several_named_models_answers(server: Running) -> None:
    key = key_of(server, "poor")
    spent_out(server, key)
    said = say(server, key, model="lab/small", models=["lab/small", "lab/free"]).json()["greatrouter"]
    assert said["model"] == "lab/free"


def test_with_a_used_up_budget_what_no_free_model_does_is_still_refused(server: Running) -> None:
    key = key_of(server, "poor")
    spent_out(server, key)
    named = say(server, key, models=["lab/small", "lab/large"])
    for answer in (named, server.route("Write a haiku", key, model="lab/large")):
        error = check(answer, 429, "daily_budget_exceeded")
        assert "free models and those served here still work" in error["message"]
    assert eventually(lambda: len(refusals(server, key)) == 3)


def test_with_an_empty_wallet_free_models_work_by_name(server: Running) -> None:
    key = server.accounts.create_key("penniless")
    assert say(server, key, model="lab/free").status_code == 200
    check(say(server, key, model="router"), 402, "insufficient_credit")
    check(server.post("/v1/embeddings", {"model": FAKE, "input": "hello"}, key), 402, "insufficient_credit")


def test_a_month_s_budget_has_the_same_code_and_other_words(server: Running) -> None:
    refused = spent_out(server, key_of(server, "thrifty"))
    error = check(refused, 429, "daily_budget_exceeded")
    assert "monthly budget is $0.001" in error["message"]
    assert len(error["metadata"]["period"]) == len("2026-07")


def test_a_test_key_has_no_budget(server: Running) -> None:
    key = key_of(server, "poor", test=True)
    assert [say(server, key).status_code for _ in range(8)] == [200] * 8


# -- models ---------------------------------------------------------------------------------------------------------


def test_a_model_of_another_plan_is_a_403_that_names_the_plans(server: Running) -> None:
    key = key_of(server, "small")
    assert say(server, key).status_code == 200
    for answer in (
        say(server, key, model="lab/large"),
        server.route("hello", key, model="lab/large"),
        server.suggest("hello", key, model="lab/large"),
    ):
        error = check(answer, 403, "plan_required")
        assert error["param"] == "model"
        assert error["metadata"]["plan"] == "small"
        assert {"max", "ultra", "slow"} <= set(error["metadata"]["plans"])
        assert "small" not in error["metadata"]["plans"]
        assert "max" in error["message"]
        # Which have no table, and so every model.
        assert {"free", "premium"} <= set(error["metadata"]["plans"])
    error = check(say(server, key, model="openai/gpt-4o"), 403, "plan_required")
    assert "max" not in error["metadata"]["plans"]
    assert server.provider.requests == [("/v1/chat/completions", {**SAY, "model": "small"})]


def test_free_and_local_models_are_in_every_plan(server: Running) -> None:
    key = key_of(server, "small")
    assert say(server, key, model="lab/free").status_code == 200
    assert server.post("/v1/embeddings", {"model": FAKE, "input": "hello"}, key).status_code == 200
    error = check(
        server.post("/v1/embeddings", {"model": "openai/text-embedding-3-small", "input": "x"}, key_of(server, "max")),
        404,
        "model_not_found",
    )
    assert error["param"] == "model"


@pytest.mark.parametrize("optimization", ["price-optimized", "balanced", "output-optimized"])
@pytest.mark.parametrize("test", [False, True])
def test_the_router_chooses_within_the_plan(server: Running, optimization: str, test: bool) -> None:
    key = key_of(server, "small", test=test)
    for prompt in ("hello", "Write a Python function that reverses a list", "Prove that there are infinite primes"):
        answer = server.route(prompt, key, optimization=optimization)
        assert answer.status_code == 200, answer.text
        assert "lab/large" not in answer.json()["routing"]["fallback_chain"]
        rows = server.suggest(prompt, key, limit=20).json()["suggestions"]
        assert rows
        assert [row for row in rows if row["model"]["id"] != "lab/small" and row["estimated_cost"]] == []


def test_a_list_of_models_passes_over_those_outside_the_plan(server: Running) -> None:
    answer = say(server, key_of(server, "small"), models=["lab/large", "lab/small"], model="lab/large")
    assert answer.json()["greatrouter"]["model"] == "lab/small"


def test_where_the_plan_leaves_nothing_it_says_so(server: Running) -> None:
    key = key_of(server, "small")
    error = check(server.route("Draw a cat", key, task="image"), 403, "plan_required")
    assert "image" in error["message"]
    by_filter = {"query": "image", "task": "image", "input": {"prompt": "Draw a cat"}}
    preview = {"prompt": "Draw a cat", "task": "image"}
    for path, body in (("/v1/models/route", by_filter), ("/v1/auto/suggest", preview)):
        assert check(server.post(path, body, key), 403, "plan_required")["metadata"] == error["metadata"]
    told = error["metadata"]
    assert (told["plan"], told["rejected"]["plan"] > 0) == ("small", True)
    assert {"free", "premium", "ultra", "slow"} <= set(told["plans"])
    assert not {"small", "max"} & set(told["plans"])  # lab has no pictures either


# -- what the account says, and the settings ------------------------------------------------------------------------


def test_the_account_says_what_is_left(server: Running) -> None:
    key = key_of(server, "ultra", limits={"tokens_per_minute": 9_000})
    say(server, key)
    limits = server.client.get("/v1/account", headers={"X-API-Key": key}).json()["limits"]
    assert limits == {
        "requests_per_minute": {"limit": 50, "left": 49},
        "tokens_per_minute": {"limit": 1_000_000, "left": 998_500},
        "daily_budget_dollars": {"limit": 5, "left": 4.9998},
        "models": ["*"],
        "key": {"tokens_per_minute": {"limit": 9_000, "left": 7_500}},
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[plans.free]\nrequest_per_minute = 3", "requests_per_minute"),
        ("[plans.free]\nrequests_per_minute = 0", "more than 0"),
        ("[plans.free]\nrequests_per_minute = 99999999999999999999", "at most 1,000,000,000,000"),
        ("[plans.free]\ndaily_budget_dollars = -1", "at least 0"),
        ("[plans.free]\ndaily_budget_dollars = 1e30", "at most 10,000,000"),
        ("[plans.free]\nmonthly_budget_dollars = 0.00000000001", "at most 10 decimals"),
        ("[plans.FREE]\nrequests_per_minute = 3", "did you mean free?"),
        ("[plans.gold]\n[plans.Gold]", "capital letters count"),
        ("[plans.' free']\nrequests_per_minute = 3", "no name of a plan"),
        ("[plans.free]\nmodels = ['']", "matches no model"),
        ("[plans.free]\nmodels = ['lab/*', '[z-a]']", "plans.free.models[1]"),
        ("[plans.free]\nmodels = ['lab/small ']", "matches no model"),
        ("redis_url = 'http://user:s3cret@host'", "redis://HOST:PORT/0"),
    ],
)
def test_a_mistake_in_a_plan_is_told(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, content: str, words: str) -> None:
    monkeypatch.setenv("GREATROUTER_HOME", str(tmp_path))
    (tmp_path / "greatrouter.toml").write_text(content)
    with pytest.raises(SettingsInvalid, match=re.escape(words)) as mistake:
        load()
    assert "s3cret" not in str(mistake.value)
    assert len(str(mistake.value).splitlines()) == 2  # what it is about, and the mistake


def test_a_plan_may_be_set_in_the_environment(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREATROUTER_HOME", str(tmp_path))
    monkeypatch.setenv("GREATROUTER_PLANS__FREE__REQUESTS_PER_MINUTE", "60")
    monkeypatch.setenv("GREATROUTER_REDIS_URL", "redis://127.0.0.1:6379/0")
    settings = load()
    assert settings.plans["free"].requests_per_minute == 60
    assert settings.redis_url is not None
