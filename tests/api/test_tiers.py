"""`X-Tier` over HTTP: what it may be, what it costs, and that work of the batch tier yields."""

import asyncio
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from greatrouter_api.local_provider import LocalProvider
from greatrouter_serving.call import Call, Target
from greatrouter_serving.errors import InferenceFailed, UpstreamFailed
from greatrouter_serving.local.engine import Engine
from tests.accounts.asking import statement
from tests.api.conftest import FAKE, Running, eventually
from tests.api.test_errors import check

RANKED = {"query": "tides", "documents": ["the sea", "the moon"]}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/embeddings": {"model": FAKE, "input": "the sea"},
    "/v1/rerank": {"model": FAKE, **RANKED},
    "/v2/rerank": {"model": FAKE, **RANKED},
    "/v1/auto/route": {"prompt": "", "input": RANKED},
    "/v1/models/route": {"query": "rerank", "input": RANKED},
}


@pytest.mark.parametrize("path", BODIES)
def test_an_unknown_tier_is_refused_and_told_which_there_are(server: Running, path: str) -> None:
    before = server.accounts.balance("acme")
    for tier in ("bulk", "batch,realtime", "0"):
        error = check(server.post(path, BODIES[path], server.live, x_tier=tier), 400, "invalid_request")
        assert error["message"] == f"X-Tier is {tier!r}; allowed: realtime, batch"
        assert error["param"] == "X-Tier"
    assert server.accounts.balance("acme") == before


@pytest.mark.parametrize("path", BODIES)
def test_the_batch_tier_is_charged_half_on_every_endpoint_that_serves_local_models(server: Running, path: str) -> None:
    def charge(tier: str) -> Decimal:
        request_id = f"tier-{tier}-{path.replace('/', '-')}"
        answer = server.post(path, BODIES[path], server.live, x_tier=tier, x_request_id=request_id)
        assert answer.status_code == 200, answer.text
        entries = [line for line in statement(server.accounts, "acme", 500) if line.request_id == request_id]
        return -sum((Decimal(line.amount_cents) for line in entries), Decimal(0))

    assert 2 * charge("batch") == charge("realtime") == charge("") > 0


def test_a_model_of_two_tasks_shows_both_prices_of_the_batch_tier(server: Running) -> None:
    model = server.client.get(f"/v1/models/{FAKE}").json()
    [listed] = [row for row in server.client.get("/v1/models?type=hosted").json()["data"] if row["id"] == FAKE]
    assert set(model["tasks"]) == {"embeddings", "rerank"}
    for pricing in (model["pricing"], listed["pricing"]):
        assert pricing["batch_input_per_million_tokens"] * 2 == pricing["input_per_million_tokens"] > 0
        assert pricing["batch_price_per_document"] * 2 == pricing["price_per_document"] > 0


@pytest.mark.parametrize("batch", [False, True])
def test_routed_work_of_the_batch_tier_waits_in_its_queue(batch: bool) -> None:
    queued = []

    async def work(*_: Any, batch_tier: bool, **__: Any) -> Any:
        queued.append(batch_tier)
        raise InferenceFailed("as far as this goes")

    provider = LocalProvider(cast(Engine, SimpleNamespace(rerank=work, embed=work)))
    target = Target(FAKE, "local", FAKE)
    for task, given in (("rerank", {"query": "a", "documents": ["b"]}), ("embeddings", {"input": "a"})):
        with pytest.raises(UpstreamFailed, match="as far as this goes"):
            asyncio.run(provider.call(target, Call(task, "", given, batch=batch), 1))
    assert queued == [batch, batch]


def test_test_keys_may_name_a_tier(server: Running) -> None:
    answer = server.post("/v1/auto/route", BODIES["/v1/auto/route"], server.test, x_tier="BATCH", x_request_id="tiered")
    assert (answer.status_code, answer.json()["charge_dollars"]) == (200, 0)
    asked = {"Authorization": f"Bearer {server.test}"}
    assert eventually(lambda: "tiered" in server.client.get("/v1/org/logs", headers=asked).text)
