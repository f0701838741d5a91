"""Money at the edge: what a provider says, or does not say, of what was used."""

import asyncio
import threading
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_accounts.accounts import Accounts
from greatrouter_api.activity import Entry
from greatrouter_api.charging import Charge, billed, is_free
from greatrouter_api.configured import models
from greatrouter_api.settings import ModelSettings, ProviderSettings, Settings
from greatrouter_catalog.model import Model
from greatrouter_catalog.pricing import Pricing
from greatrouter_ranking.profile import Expected
from greatrouter_serving.call import Usage
from tests.accounts.asking import logged
from tests.accounts.conftest import SECRET, held
from tests.api.conftest import Running, eventually

CODE = "Write a Python function that reverses a linked list"
COUNTS = st.integers(0, 10**9)


def model(**prices: Any) -> Model:
    settings = Settings(
        providers={"lab": ProviderSettings(base_url="http://x/v1", models=[ModelSettings(id="lab/m", **prices)])},
        local_models=[],
    )
    return models(settings)[0]


@given(
    usage=st.builds(
        Usage, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, st.decimals(0, 10**9, places=3), COUNTS, COUNTS, COUNTS, COUNTS
    ),
    expected=st.builds(
        Expected,
        st.integers(0, 10**6),
        st.just(0),
        st.integers(0, 10**5),
        st.integers(0, 10),
        st.decimals(0, 600, places=2),
    ),
)
def test_no_count_of_a_provider_can_empty_a_wallet(usage: Usage, expected: Expected) -> None:
    found = billed(usage, expected, model(input_per_million_tokens=Decimal(1), max_output_tokens=4_096))
    assert found.prompt_tokens <= 10 * expected.prompt_tokens + 200_000
    assert found.completion_tokens <= max(4_096, 10 * expected.completion_tokens)
    assert found.images <= max(1, expected.images)
    assert found.seconds <= 10 * max(expected.seconds, Decimal(60))
    assert found.cached_tokens + found.cache_write_tokens <= found.prompt_tokens


@pytest.mark.parametrize(
    ("expected", "unit"),
    [
        (Expected(prompt_tokens=50, searches=1, documents=3), "searches"),
        (Expected(seconds=Decimal(20), characters=300), "seconds"),
        (Expected(images=2), "images"),
        (Expected(prompt_tokens=40, completion_tokens=90), "completion_tokens"),
    ],
)
def test_a_unit_the_provider_does_not_count_is_charged_as_expected(expected: Expected, unit: str) -> None:
    assert getattr(billed(Usage(), expected, model()), unit) == getattr(expected, unit)


def test_a_token_count_of_zero_beside_another_is_believed() -> None:
    found = billed(Usage(prompt_tokens=7), Expected(prompt_tokens=9, completion_tokens=80), model())
    assert (found.prompt_tokens, found.completion_tokens) == (7, 0)


def test_a_count_that_cannot_be_is_charged_as_expected_beside_one_that_can() -> None:
    usage, expected = Usage(prompt_tokens=7, completion_tokens=9_000_000), Expected(9, completion_tokens=80)
    found = billed(usage, expected, model(context_window=32_000))
    assert (found.prompt_tokens, found.completion_tokens) == (7, 80)


def test_several_answers_may_be_longer_together_than_a_model_can_write_at_once() -> None:
    usage, expected = Usage(prompt_tokens=7, completion_tokens=100_000), Expected(9, completion_tokens=128 * 300)
    assert billed(usage, expected, model(context_window=32_000)).completion_tokens == 100_000


def test_a_model_without_stated_bounds_may_write_more_than_expected() -> None:
    usage = Usage(prompt_tokens=7, completion_tokens=1_500)
    assert billed(usage, Expected(9, completion_tokens=300), model()).completion_tokens == 1_500


def test_only_a_stated_price_of_zero_is_free() -> None:
    assert is_free(model(input_per_million_tokens=Decimal(0), output_per_million_tokens=Decimal(0)))
    assert not is_free(model(output_per_million_tokens=Decimal(1)))
    assert not is_free(model())


def test_garbled_usage_is_charged_as_the_estimate(server: Running) -> None:
    choices = [{"message": {"content": "hi"}}]
    server.provider.answer = lambda _path, _body: (200, {"choices": choices, "usage": {"prompt_tokens": 90_000_000}})
    answer = server.route(CODE, server.live).json()
    assert answer["charge_dollars"] == pytest.approx(answer["model"]["estimated_cost"])


class Broken:
    """Prices that nothing can be made of."""

    def cost_cents(self, _units: Usage) -> Decimal:
        raise ZeroDivisionError


@pytest.mark.parametrize("leaves", [False, True])
def test_whatever_goes_wrong_while_it_is_charged_leaves_nothing_set_aside(tmp_path: Path, leaves: bool) -> None:
    path = tmp_path / "accounts.sqlite3"

    async def request() -> None:
        caller = await accounts.authenticate(key)
        entry = Entry("req", caller.organization_id, "/v1/auto/route", "text", "hint")
        async with Charge(accounts, caller, entry, Decimal(4)) as charge:
            task = asyncio.current_task()
            if leaves and task is not None:
                task.cancel()
            await charge.settle(cast("Pricing", Broken()), entry)

    with closing(Accounts(path, SECRET)) as accounts:
        key = accounts.create_key("ada")
        accounts.office.credit("ada", Decimal(10))
        with pytest.raises(asyncio.CancelledError if leaves else ZeroDivisionError):
            asyncio.run(request())
        assert eventually(lambda: accounts.balance("ada") == 10)
        assert held(path) == 0
        asyncio.run(accounts.flush())
        [line] = logged(accounts, accounts.summary("ada").organization_id)
        assert (line["cost_cents"], line["rates"]) == (0, None)


def test_a_caller_who_leaves_has_one_line_in_the_log_and_pays_nothing(server: Running) -> None:
    before = server.accounts.balance("acme")
    server.provider.hold = threading.Event()
    with pytest.raises(httpx2.TimeoutException):
        server.client.post(
            "/v1/auto/route",
            json={"prompt": CODE, "input": {}},
            headers={"Authorization": f"Bearer {server.live}", "X-Request-Id": "left-early"},
            timeout=0.5,
        )

    def lines() -> list[dict[str, Any]]:
        rows = logged(server.accounts, server.organization_id, 200)
        return [row for row in rows if row["request_id"] == "left-early"]

    assert eventually(lines)
    assert [(row["status"], row["cost_cents"]) for row in lines()] == [(499, 0)]
    assert server.accounts.balance("acme") == before


@pytest.mark.parametrize("name", ["sandbox", "local"])
def test_a_provider_may_not_take_the_place_of_a_built_in_one(name: str) -> None:
    with pytest.raises(ValueError, match="built in"):
        Settings(providers={name: ProviderSettings(base_url="http://x/v1")})


def test_a_model_without_a_price_is_not_given_away(server: Running) -> None:
    unpriced = next(
        m["id"] for m in server.client.get("/v1/models?task_type=embeddings").json()["data"] if not m["pricing"]
    )
    assert server.post("/v1/embeddings", {"model": unpriced, "input": "a"}).status_code == 404
    answer = server.route("embed this", model=unpriced)
    assert answer.status_code == 404
    assert "price" in answer.json()["error"]["message"]
