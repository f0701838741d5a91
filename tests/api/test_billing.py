"""One charge, the same number everywhere: in the answer, in the account, in the log and in the ledger, and that number
is what the prices of that moment give for the units that are told."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
import pytest

from greatrouter_accounts.money import cents
from greatrouter_api.settings import LocalModelSettings, ModelSettings, ProviderSettings
from greatrouter_catalog.pricing import Pricing
from greatrouter_serving.call import Usage
from tests.accounts.asking import statement
from tests.api.conftest import DONE, FAKE, WORDS, Events, Provider, Running, chunk, eventually, listening, running

CHAT = "/v1/chat/completions"
ASKED = [{"role": "user", "content": "Think"}]
IN, OUT = Decimal(2), Decimal(10)
THINKER = ModelSettings(
    id="lab/thinker",
    input_per_million_tokens=IN,
    cached_input_per_million_tokens=Decimal("0.5"),
    cache_write_input_per_million_tokens=Decimal("2.5"),
    output_per_million_tokens=OUT,
)
PAINTER = ModelSettings(id="lab/painter", task="image", price_per_image=Decimal("0.04"))
VOICE = ModelSettings(id="lab/voice", task="speech", price_per_million_characters=Decimal(15))
FILM = ModelSettings(id="lab/film", task="video", price_per_second=Decimal("0.05"))
RANK = ModelSettings(id="lab/rank", task="rerank", price_per_search=Decimal("0.002"))
EMBED = ModelSettings(id="lab/embed", task="embeddings", input_per_million_tokens=Decimal("0.1"))
# The same id is served here: an endpoint that costs more than ours, and one that only stands behind it.
OWN_RANK = ModelSettings(id=FAKE, task="rerank", price_per_document=Decimal("0.5"))
MODELS = [THINKER, PAINTER, VOICE, FILM, RANK, EMBED, OWN_RANK]
USED = {
    "prompt_tokens": 1_000,
    "completion_tokens": 300,
    "total_tokens": 1_300,
    "prompt_tokens_details": {"cached_tokens": 600, "cache_write_tokens": 200},
    "completion_tokens_details": {"reasoning_tokens": 250},
}
USED_DOLLARS = (200 * IN + 600 * Decimal("0.5") + 200 * Decimal("2.5") + 300 * OUT) / 10**6
ENDED = (*WORDS, chunk(choices=[], usage=USED), DONE)


def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
    if body.get("stream"):
        return 200, Events(ENDED)
    ranked = [{"index": i, "relevance_score": 0.5} for i in range(len(body.get("documents", ())))]
    vector = {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}
    made = {
        "/images/generations": {"created": 1, "data": [{"b64_json": "aGk="}] * int(body.get("n") or 1)},
        "/audio/speech": {"audio": "aGk="},
        "/videos": {"id": "v1", "status": "completed", "seconds": "8"},
        "/rerank": {"results": ranked, "meta": {"billed_units": {"search_units": 3}}},
        "/embeddings": {"object": "list", "data": [vector], "usage": {"prompt_tokens": 7, "total_tokens": 7}},
    }
    if path.removeprefix("/v1") in made:
        return 200, made[path.removeprefix("/v1")]
    message = {"role": "assistant", "content": "hello"}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return 200, {"id": "c1", "object": "chat.completion", "choices": choices, "usage": USED}


@dataclass
class Till:
    """A server at which everything is for sale, at `factor` of its price."""

    server: Running
    provider: Provider
    factor: Decimal

    def post(self, path: str, body: dict[str, Any], request_id: str, **headers: str) -> Any:
        found = self.server.post(path, body, self.server.live, x_request_id=request_id, **headers)
        assert found.status_code == 200, found.text
        return found

    def row(self, request_id: str) -> dict[str, Any]:
        """Of the log, once it is there."""

        def rows() -> list[dict[str, Any]]:
            asked = {"Authorization": f"Bearer {self.server.live}"}
            log = self.server.client.get("/v1/org/logs?format=json", headers=asked).json()["data"]
            return [row for row in log if row["request_id"] == request_id]

        assert eventually(rows)
        [found] = rows()
        return found

    def charges(self, request_id: str) -> set[Decimal]:
        """What the log, the account and the ledger say of one request, in dollars, and what its rates come to."""
        row = self.row(request_id)
        asked = {"Authorization": f"Bearer {self.server.live}"}
        calls = self.server.client.get("/v1/account", headers=asked).json()["last_calls"]
        [call] = [call for call in calls if call["request_id"] == request_id]
        entries = [line for line in statement(self.server.accounts, "acme", 500) if line.request_id == request_id]
        booked = -sum((line.amount_cents for line in entries), Decimal(0)) / 100
        assert (call["rates"], call["catalog_version"]) == (row["rates"], row["catalog_version"])
        assert (row["rates"] is None) == (row["catalog_version"] is None) == (booked == 0)
        told = {Decimal(str(row["cost_dollars"])), Decimal(str(call["charge_dollars"])), booked}
        return told | ({costed(row)} if row["rates"] else set())


def costed(row: dict[str, Any]) -> Decimal:
    """What a row of the log costs by its own rates and units, in dollars."""
    units = {name: row[name] for name in ("prompt_tokens", "completion_tokens")} | row["units"]
    seconds = Decimal(str(units.pop("seconds", 0)))
    pricing = Pricing(**{name: Decimal(str(rate)) for name, rate in row["rates"].items()})
    return cents(pricing.cost_cents(Usage(seconds=seconds, **units))) / 100


@pytest.fixture(scope="module", params=[Decimal(0), Decimal("0.25")], ids=["at cost", "with a markup"])
def till(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Till]:
    markup: Decimal = request.param
    local = LocalModelSettings(id=FAKE, backend="fake", batch_discount=Decimal("0.3"))
    with ExitStack() as stack:
        provider = Provider()
        port = stack.enter_context(listening(provider))
        lab = ProviderSettings(base_url=f"http://127.0.0.1:{port}/v1", models=MODELS)
        home = tmp_path_factory.mktemp("home")
        server = stack.enter_context(
            running(home, providers={"lab": lab}, local_models=[local], markup=markup, fallback_models=3)
        )
        yield Till(server, provider, 1 + markup)
        assert server.accounts.verify() == []


@pytest.fixture(autouse=True)
def fresh(till: Till) -> None:
    till.provider.requests.clear()
    till.provider.answer = answer


def of_chat(found: Any) -> Decimal:
    return Decimal(str(found.json()["greatrouter"]["charge_dollars"]))


def of_stream(found: Any) -> Decimal:
    [said] = [line for line in found.text.splitlines() if '"greatrouter"' in line]
    return Decimal(str(orjson.loads(said.removeprefix("data: "))["greatrouter"]["charge_dollars"]))


def of_charge(found: Any) -> Decimal:
    return Decimal(str(found.json()["charge_dollars"]))


def of_usage(found: Any) -> Decimal:
    return Decimal(str(found.json()["usage"]["cost"]))


@dataclass(frozen=True)
class Sale:
    """`dollars` without a markup; `ours` is sold without one. `units` as the log has them."""

    path: str
    body: dict[str, Any]
    said: Callable[[Any], Decimal]
    dollars: Decimal
    units: dict[str, float]
    tier: str = ""
    ours: bool = False


DOCUMENTS = ["the sea", "the moon"]
TOKENS = {"cached_tokens": 600, "cache_write_tokens": 200, "reasoning_tokens": 250}
SALES = {
    "chat": Sale(CHAT, {"model": "lab/thinker", "messages": ASKED}, of_chat, USED_DOLLARS, TOKENS),
    "stream": Sale(CHAT, {"model": "lab/thinker", "messages": ASKED, "stream": True}, of_stream, USED_DOLLARS, TOKENS),
    "embeddings": Sale(
        "/v1/embeddings", {"model": "lab/embed", "input": "the sea"}, of_charge, Decimal("0.0000007"), {}
    ),
    "a provider's rerank": Sale(
        "/v1/rerank",
        {"model": "lab/rank", "query": "tides", "documents": DOCUMENTS},
        of_usage,
        Decimal("0.006"),
        {"documents": 2, "searches": 3},
    ),
    "our rerank": Sale(
        "/v1/rerank",
        {"model": FAKE, "query": "tides", "documents": DOCUMENTS},
        of_usage,
        Decimal("0.00002"),
        {"documents": 2},
        ours=True,
    ),
    "our rerank in the batch tier, beside a dearer endpoint": Sale(
        "/v1/rerank",
        {"model": FAKE, "query": "tides", "documents": DOCUMENTS},
        of_usage,
        Decimal("0.000006"),
        {"documents": 2},
        tier="batch",
        ours=True,
    ),
    "the dearer endpoint in the batch tier": Sale(
        "/v1/rerank",
        {"model": FAKE, "query": "tides", "documents": DOCUMENTS, "provider": {"only": ["lab"]}},
        of_usage,
        Decimal(1),
        {"documents": 2, "searches": 3},
        tier="batch",
    ),
    "our rerank, routed": Sale(
        "/v1/auto/route",
        {"prompt": "", "input": {"query": "tides", "documents": DOCUMENTS}, "model": FAKE, "provider": "local"},
        of_charge,
        Decimal("0.00002"),
        {"documents": 2},
        tier="realtime",
        ours=True,
    ),
    "our rerank, routed in the batch tier": Sale(
        "/v1/auto/route",
        {"prompt": "", "input": {"query": "tides", "documents": DOCUMENTS}, "model": FAKE, "provider": "local"},
        of_charge,
        Decimal("0.000006"),
        {"documents": 2},
        tier="batch",
        ours=True,
    ),
    "images": Sale(
        "/v1/auto/route",
        {"prompt": "A fox", "input": {"n": 2}, "model": "lab/painter"},
        of_charge,
        Decimal("0.08"),
        {"images": 2},
    ),
    "images, by their filter": Sale(
        "/v1/models/route",
        {"query": "image", "input": {"prompt": "A fox", "n": 3}, "model": "lab/painter"},
        of_charge,
        Decimal("0.12"),
        {"images": 3},
    ),
    "characters": Sale(
        "/v1/auto/route",
        {"prompt": "Read this", "input": {"input": "twelve signs"}, "model": "lab/voice"},
        of_charge,
        Decimal("0.00018"),
        {"characters": 12},
    ),
    "seconds": Sale(
        "/v1/auto/route",
        {"prompt": "The sea", "input": {"seconds": 8}, "model": "lab/film"},
        of_charge,
        Decimal("0.4"),
        {"seconds": 8},
    ),
}


@pytest.mark.parametrize("what", SALES)
def test_one_charge_is_the_same_number_everywhere(till: Till, what: str) -> None:
    sale = SALES[what]
    request_id = f"sale-{list(SALES).index(what)}"
    found = till.post(sale.path, sale.body, request_id, **({"x_tier": sale.tier} if sale.tier else {}))
    expected = sale.dollars * (1 if sale.ours else till.factor)
    assert sale.said(found) == expected
    assert till.charges(request_id) == {expected}
    row = till.row(request_id)
    assert sale.units.items() <= row["units"].items()  # the rest by estimate, and at no price
    assert row["catalog_version"] == till.server.suggest("hello").json()["catalog_version"]


def test_what_was_charged_by_has_the_markup_and_the_tier_in_it(till: Till) -> None:
    till.post(CHAT, SALES["chat"].body, "rates-chat")
    assert till.row("rates-chat")["rates"] == {
        "input_per_million_tokens": float(2 * till.factor),
        "cached_input_per_million_tokens": float(Decimal("0.5") * till.factor),
        "cache_write_input_per_million_tokens": float(Decimal("2.5") * till.factor),
        "output_per_million_tokens": float(10 * till.factor),
    }
    till.post("/v1/rerank", SALES["our rerank"].body, "rates-batch", x_tier="batch")
    assert till.row("rates-batch")["rates"] == {"price_per_document": 0.000003}
    shown = till.server.client.get("/v1/models/lab/painter").json()["pricing"]["price_per_image"]
    assert Decimal(str(shown)) == Decimal("0.04") * till.factor
    csv = till.server.client.get("/v1/org/logs?format=csv", headers={"X-API-Key": till.server.live}).text
    assert csv.splitlines()[0].endswith("latency_ms,cached")  # its columns are the contract's


def test_a_stream_that_breaks_off_is_charged_for_what_was_passed_on(till: Till) -> None:
    till.provider.answer = lambda path, body: (200, Events((WORDS[0],), "cut"))
    found = till.post(CHAT, SALES["stream"].body, "broken")
    [said] = [line for line in found.text.splitlines() if '"error"' in line]
    error = orjson.loads(said.removeprefix("data: "))["error"]
    charged = Decimal(str(error["metadata"]["charge_dollars"]))
    assert 0 < charged < USED_DOLLARS
    assert till.charges("broken") == {charged}
    assert till.row("broken")["status"] == 502


def test_an_answer_from_the_cache_costs_nothing_anywhere(till: Till) -> None:
    body = SALES["chat"].body | {"user": "cached"}
    first = till.post(CHAT, body, "cache-1", x_gr_cache_ttl="60")
    again = till.post(CHAT, body, "cache-2", x_gr_cache_ttl="60")
    assert (first.headers["x-gr-cache"], again.headers["x-gr-cache"]) == ("MISS", "HIT")
    assert of_chat(again) == 0
    assert till.charges("cache-2") == {Decimal(0)}
    assert till.charges("cache-1") == {of_chat(first)}


def test_a_repetition_says_the_first_charge_and_moves_nothing(till: Till) -> None:
    body = SALES["chat"].body | {"user": "repeated"}
    first = till.post(CHAT, body, "repeat-1", idempotency_key="repeat")
    before = till.server.accounts.balance("acme")
    again = till.post(CHAT, body, "repeat-2", idempotency_key="repeat")
    assert (again.headers["idempotent-replayed"], of_chat(again)) == ("true", of_chat(first))
    assert till.server.accounts.balance("acme") == before
    assert till.charges("repeat-1") == {of_chat(first)}
    assert "repeat-2" not in {line.request_id for line in statement(till.server.accounts, "acme", 500)}


def test_what_costs_nothing_has_no_rates(till: Till) -> None:
    body = {"model": FAKE, "query": "tides", "documents": DOCUMENTS}
    found = till.server.post("/v1/rerank", body, till.server.test, x_request_id="free")
    assert of_usage(found) == 0
    asked = {"Authorization": f"Bearer {till.server.test}"}
    rows = lambda: till.server.client.get("/v1/org/logs", headers=asked).json()["data"]  # noqa: E731
    assert eventually(lambda: any(row["request_id"] == "free" for row in rows()))
    [row] = [row for row in rows() if row["request_id"] == "free"]
    assert (row["cost_dollars"], row["rates"], row["catalog_version"]) == (0, None, None)


# -- what is set aside ----------------------------------------------------------------------------------------------


def reserved_dollars(till: Till, body: dict[str, Any], request_id: str) -> Decimal:
    """By the ledger: a new organization's requests are not paid from what a busy process keeps at hand."""
    key = till.server.accounts.create_key(f"{request_id}-{till.factor}")
    till.server.accounts.office.credit(f"{request_id}-{till.factor}", Decimal(1_000))
    found = till.server.post(CHAT, body, key, x_request_id=request_id)
    assert found.status_code == 200, found.text
    lines = lambda: statement(till.server.accounts, f"{request_id}-{till.factor}", 50)  # noqa: E731
    assert eventually(lambda: any(line.kind == "settle" for line in lines()))
    [held] = [line for line in lines() if line.kind == "reserve"]
    return Decimal(-held.amount_cents) / 100


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("bound", ["max_tokens", "max_completion_tokens"])
def test_the_bound_of_every_answer_is_set_aside(till: Till, stream: bool, bound: str) -> None:
    body = {"model": "lab/thinker", "messages": ASKED, "stream": stream, bound: 3_000}
    for answers in (1, 8, 128):
        held = reserved_dollars(till, body | {"n": answers}, f"n-{answers}-{bound}-{stream}")
        most = answers * 3_000 * OUT / 10**6 * till.factor
        assert most < held < most + Decimal("0.001")
