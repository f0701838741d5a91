"""One charge, the same number everywhere: in the answer, in the account, in the log and in the ledger."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from greatrouter_api.settings import ModelSettings, ProviderSettings
from tests.api.conftest import FAKE, Provider, Running, eventually, listening, running

THINKER = ModelSettings(
    id="lab/thinker",
    input_per_million_tokens=Decimal(2),
    cached_input_per_million_tokens=Decimal("0.5"),
    output_per_million_tokens=Decimal(10),
)
PAINTER = ModelSettings(id="lab/painter", task="image", price_per_image=Decimal("0.04"))
USAGE = {
    "prompt_tokens": 1_000,
    "completion_tokens": 300,
    "total_tokens": 1_300,
    "prompt_tokens_details": {"cached_tokens": 600},
    "completion_tokens_details": {"reasoning_tokens": 250},
}


def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
    if path.endswith("/images/generations"):
        return 200, {"created": 1, "data": [{"b64_json": "aGk="}] * int(body.get("n") or 1)}
    message = {"role": "assistant", "content": "hello"}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return 200, {"id": "c1", "object": "chat.completion", "choices": choices, "usage": USAGE}


def charges(server: Running, request_id: str) -> set[Decimal]:
    """What the log, the account and the ledger say of one request, in dollars."""
    headers = {"Authorization": f"Bearer {server.live}"}
    assert eventually(lambda: request_id in server.client.get("/v1/org/logs?format=json", headers=headers).text)
    log = server.client.get("/v1/org/logs?format=json", headers=headers).json()["data"]
    calls = server.client.get("/v1/account", headers=headers).json()["last_calls"]
    told = [Decimal(str(row["cost_dollars"])) for row in log if row["request_id"] == request_id]
    told += [Decimal(str(call["charge_dollars"])) for call in calls if call["request_id"] == request_id]
    entries = [row for row in server.accounts.statement("acme", 200) if row["request_id"] == request_id]
    return {*told, -sum((row["amount_cents"] for row in entries), Decimal(0)) / 100}


@pytest.mark.parametrize("markup", [Decimal(0), Decimal("0.25")])
def test_tokens_cached_and_reasoned_are_billed_and_told_apart(tmp_path: Path, markup: Decimal) -> None:
    with listening(provider := Provider()) as port:
        provider.answer = answer
        lab = ProviderSettings(base_url=f"http://127.0.0.1:{port}/v1", models=[THINKER, PAINTER])
        with running(tmp_path, providers={"lab": lab}, markup=markup) as server:
            body = {"model": "lab/thinker", "messages": [{"role": "user", "content": "Think"}]}
            chat = server.post("/v1/chat/completions", body, server.live, x_request_id="bill-chat")
            expected = (400 * Decimal(2) + 600 * Decimal("0.5") + 300 * Decimal(10)) / 10**6 * (1 + markup)
            assert Decimal(str(chat.json()["greatrouter"]["charge_dollars"])) == expected
            assert charges(server, "bill-chat") == {expected}
            [row] = [r for r in server.accounts.activity(server.organization_id) if r["request_id"] == "bill-chat"]
            assert row["units"] == "cached_tokens=600 reasoning_tokens=250"

            body = {"prompt": "A fox", "input": {"n": 2}, "model": "lab/painter"}
            image = server.post("/v1/auto/route", body, server.live, x_request_id="bill-image")
            expected = 2 * Decimal("0.04") * (1 + markup)
            assert Decimal(str(image.json()["charge_dollars"])) == expected
            assert charges(server, "bill-image") == {expected}
            shown = server.client.get("/v1/models/lab/painter").json()["pricing"]["price_per_image"]
            assert Decimal(str(shown)) == Decimal("0.04") * (1 + markup)
            assert server.accounts.verify() == []


def test_the_batch_tier_of_a_local_model_is_charged_as_it_is_told(server: Running) -> None:
    body = {"model": FAKE, "query": "tides", "documents": ["the sea", "the moon"]}
    whole = server.post("/v1/rerank", body, server.live, x_request_id="bill-now").json()["usage"]["cost"]
    half = server.post("/v1/rerank", body, server.live, x_request_id="bill-batch", x_tier="batch").json()["usage"][
        "cost"
    ]
    assert Decimal(str(half)) * 2 == Decimal(str(whole))
    assert charges(server, "bill-batch") == {Decimal(str(half))}
