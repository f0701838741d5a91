"""The `provider` field: what may stand in it, whom it lets through, and one model at several providers."""

import doctest
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_api import configured, provider_preferences
from greatrouter_api.errors import ApiError
from greatrouter_api.provider_preferences import ALIASES, ProviderNames, ProviderRequest
from greatrouter_api.schemas import SuggestRequest, parse
from greatrouter_api.settings import ModelSettings, ProviderSettings, Settings
from greatrouter_ranking.provider_preferences import Cutoffs, MaxPrice, ProviderPreferences, Sort
from tests.api.conftest import Provider, Running, listening, running

PROMPT = "Write a haiku about autumn leaves"
SHARED = "shared/model"
NAMES = ProviderNames(["openai", "amazon-bedrock", "deepinfra", "togetherai", "google", "Lab"])


# -- what is read ----------------------------------------------------------------------------------------------------


def read(provider: Any) -> Any:
    return parse(SuggestRequest, json.dumps({"prompt": "x", "provider": provider}).encode()).provider


def wished(**fields: Any) -> ProviderPreferences:
    found = NAMES.preferences(read(fields), ["temperature"])
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("provider", "message"),
    [
        (3, "provider's slug, or an object"),
        ([], "provider's slug, or an object"),
        ({"sort": "cheapest"}, "provider.sort.by: must be one of price, throughput, latency, exacto"),
        ({"sort": 1}, "sort: must be price, throughput, latency or exacto"),
        ({"sort": {"by": "price", "partition": "all"}}, "sort.partition: must be one of model, none"),
        ({"order": "openai"}, "order: must be a list"),
        ({"only": [1]}, "only[0]: must be a string"),
        ({"ignore": [""]}, "ignore[0]: must not be empty"),
        ({"allow_fallbacks": "no"}, "allow_fallbacks: must be true or false"),
        ({"data_collection": "maybe"}, "data_collection: must be one of allow, deny"),
        ({"zdr": 1}, "zdr: must be true or false"),
        ({"quantizations": ["int3"]}, "quantizations[0]: must be one of int4"),
        ({"max_price": {"prompt": "cheap"}}, "max_price.prompt: must be a number, or a string of one"),
        ({"max_price": {"image": -1}}, "max_price.image: must be 0 or more"),
        ({"max_price": {"image": True}}, "max_price.image: must be a number"),
        ({"max_price": 3}, "max_price: must be an object"),
        ({"preferred_max_latency": "fast"}, "preferred_max_latency: must be a number (for p50) or an object"),
        ({"preferred_min_throughput": {"p90": "9"}}, "preferred_min_throughput.p90: must be a number"),
        ({"require_parameters": 0}, "require_parameters: must be true or false"),
        ({"enforce_distillable_text": True}, "enforce_distillable_text: cannot be true"),
        ({"enforce_distillable_text": 0}, "enforce_distillable_text: must be false"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_allowed(provider: Any, message: str) -> None:
    with pytest.raises(ApiError) as refused:
        read(provider)
    assert refused.value.status == 400
    assert refused.value.param == "provider"
    assert message in refused.value.message


@pytest.mark.parametrize("provider", [None, ""])
def test_nothing_is_nothing(provider: Any) -> None:
    assert read(provider) is None


def test_null_is_absent_and_what_is_not_known_is_ignored() -> None:
    fields = dict.fromkeys(ProviderRequest.model_fields)
    assert NAMES.preferences(read({**fields, "unheard_of": 1}), []) is None
    assert NAMES.preferences(read({"only": [], "enforce_distillable_text": False}), []) is None


def test_everything_is_handed_on() -> None:
    assert wished(
        order=["Amazon Bedrock", "openai"],
        only=["deepinfra/turbo", "openai"],
        ignore=["Together"],
        allow_fallbacks=False,
        max_price={"prompt": "0.5", "completion": 2, "request": None},
        data_collection="deny",
        zdr=True,
        quantizations=["fp8"],
        require_parameters=True,
        preferred_max_latency=1.5,
        preferred_min_throughput={"p90": 20},
    ) == ProviderPreferences(
        order=("amazon-bedrock", "openai"),
        only=("deepinfra", "openai"),
        ignore=("togetherai",),
        allow_fallbacks=False,
        max_price=MaxPrice(prompt=0.5, completion=2),
        deny_collection=True,
        zero_retention=True,
        quantizations=("fp8",),
        parameters=("temperature",),
        max_latency_s=Cutoffs(p50=1.5),
        min_throughput=Cutoffs(p90=20),
    )


def test_a_sort_is_a_word_or_an_object_and_gives_way_to_an_order() -> None:
    assert wished(sort="latency") == ProviderPreferences(sort_by=Sort.LATENCY)
    assert wished(sort={"by": "price", "partition": "none"}) == ProviderPreferences(sort_by=Sort.PRICE, together=True)
    assert wished(sort={"partition": "none"}) == ProviderPreferences(together=True)
    assert wished(sort="exacto", order=["openai"]) == ProviderPreferences(order=("openai",))


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("openai", "openai"),
        ("OpenAI", "openai"),
        ("Amazon Bedrock", "amazon-bedrock"),
        ("deepinfra/turbo", "deepinfra"),
        ("DeepInfra/fp8", "deepinfra"),
        ("Together", "togetherai"),
        ("Google AI Studio", "google"),
        ("Lab", "Lab"),
        ("nobody", "nobody"),
    ],
)
def test_a_provider_is_found_by_any_of_its_spellings(spelling: str, name: str) -> None:
    assert NAMES.of(spelling) == name


def test_the_example_holds() -> None:
    assert doctest.testmod(provider_preferences).failed == 0


def test_every_alias_is_a_provider_of_the_catalog(server: Running) -> None:
    listed = {model["provider"] for model in server.client.get("/v1/models").json()["data"]}
    assert set(ALIASES.values()) <= listed


def test_unknown_providers_are_refused_where_nothing_else_is_allowed_and_harmless_elsewhere() -> None:
    for fields in ({"only": ["nobody"]}, {"order": ["nobody"], "allow_fallbacks": False}):
        with pytest.raises(ApiError) as refused:
            wished(**fields)
        assert (refused.value.status, refused.value.code) == (404, "model_not_found")
        assert "'nobody'" in refused.value.message
    assert wished(only=["nobody", "openai"]).only == ("nobody", "openai")
    assert wished(ignore=["nobody"], order=["nobody"]).order == ("nobody",)


@given(
    st.dictionaries(
        st.sampled_from([*ProviderRequest.model_fields]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["by", "p50", "prompt"]), inner)
            ),
            max_leaves=4,
        ),
    )
)
def test_any_json_is_read_or_refused_with_a_400(provider: Any) -> None:
    try:
        status = 200 if isinstance(read(provider), ProviderRequest) else 500
    except ApiError as refused:
        status = refused.status
    assert status in {200, 400}


# -- what the operator states ----------------------------------------------------------------------------------------


def model(**fields: Any) -> ModelSettings:
    prices = {"input_per_million_tokens": Decimal(1), "output_per_million_tokens": Decimal(1)}
    return ModelSettings(**{"id": SHARED, **prices, **fields})


def provider(port: int = 9, *models: ModelSettings, **fields: Any) -> ProviderSettings:
    return ProviderSettings(base_url=f"http://127.0.0.1:{port}/v1", models=list(models), **fields)


def test_one_id_at_two_providers_is_one_model() -> None:
    one, two = provider(9, model(upstream_model="lab-small-v2")), provider(9, model(upstream_model="other-name"))
    rows = configured.models(Settings(providers={"one": one, "two": two}, local_models=[]))

    assert {row.canonical for row in rows} == {"lab-small-v2"}
    assert [row.upstream_model for row in rows] == ["lab-small-v2", "other-name"]


def test_a_models_terms_are_its_own_or_else_its_providers() -> None:
    models = [model(id="a/1"), model(id="a/2", zero_data_retention=False, data_collection="allow", quantization="fp8")]
    private = provider(9, *models, zero_data_retention=True, data_collection="deny")
    settings = Settings(providers={"one": private}, local_models=[])

    first, second = configured.models(settings)
    assert (first.zero_data_retention, first.data_collection, first.quantization) == (True, "deny", None)
    assert (second.zero_data_retention, second.data_collection, second.quantization) == (False, "allow", "fp8")
    assert configured.terms(settings)["one"].zero_data_retention is True


# -- on a running server ---------------------------------------------------------------------------------------------


@dataclass
class Two:
    """A server with one model at two providers, the cheap `one` and the private `two`, and a model of each alone."""

    server: Running
    one: Provider
    two: Provider

    def tried(self, **fields: Any) -> list[str]:
        answer = self.server.route(PROMPT, self.server.live, **fields).json()
        attempts = answer["routing"]["attempts"] if "routing" in answer else answer["error"]["metadata"]["attempts"]
        return [attempt["provider"] for attempt in attempts]


def brief(path: str, _body: dict[str, Any]) -> tuple[int, Any]:
    if path.endswith("/rerank"):
        return 200, {"results": [{"index": 0, "relevance_score": 0.9}], "meta": {"billed_units": {"search_units": 1}}}
    usage = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
    return 200, {"choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}}], "usage": usage}


def down(_path: str, _body: dict[str, Any]) -> tuple[int, Any]:
    return 503, {"error": {"message": "down"}}


@contextmanager
def two_providers(home: Path) -> Iterator[Two]:
    with ExitStack() as stack:
        one, two = Provider(), Provider()
        ports = [stack.enter_context(listening(app)) for app in (one, two)]
        dear = {"input_per_million_tokens": Decimal(2), "output_per_million_tokens": Decimal(2)}
        fast = model(id="two/only", upstream_model="only", **dear, supported_parameters=["seed"])
        providers = {
            "one": provider(ports[0], model()),
            "two": provider(ports[1], model(**dear, quantization="fp8"), fast, zero_data_retention=True),
        }
        reranker = model(id="shared/reranker", task="rerank", price_per_search=Decimal("0.002"))
        cheap = reranker.model_copy(update={"price_per_search": Decimal("0.001")})
        providers["one"].models.append(cheap)
        providers["two"].models.append(reranker)
        yield Two(stack.enter_context(running(home, providers=providers)), one, two)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with two_providers(tmp_path_factory.mktemp("home")) as both:
        yield both


@pytest.fixture
def two(pair: Two) -> Two:
    return ready(pair)


@pytest.fixture
def frail(tmp_path: Path) -> Iterator[Two]:
    """For tests whose providers fail: a failure counts in the choices of the next request."""
    with two_providers(tmp_path) as both:
        yield ready(both)


def ready(both: Two) -> Two:
    for peer in (both.one, both.two):
        peer.answer = brief
        peer.requests.clear()
    return both


def test_a_named_model_falls_back_to_its_other_endpoint_at_its_own_price(frail: Two) -> None:
    frail.one.answer = down
    answer = frail.server.route(PROMPT, frail.server.live, model=SHARED).json()

    assert [a["provider"] for a in answer["routing"]["attempts"]] == ["one", "two"]
    assert {a["model"] for a in answer["routing"]["attempts"]} == {SHARED}
    assert answer["provider"] == answer["model"]["model"]["provider"] == "two"
    assert answer["charge_dollars"] == pytest.approx(30 * 2 / 1e6)


@pytest.mark.parametrize(
    ("wish", "first"),
    [
        ({}, "one"),
        ({"order": ["two", "one"]}, "two"),
        ({"order": ["TWO"]}, "two"),
        ({"order": ["nobody"]}, "one"),
        ({"only": ["two"]}, "two"),
        ({"ignore": ["one"]}, "two"),
        ({"sort": "price"}, "one"),
        ({"max_price": {"prompt": 1.5}}, "one"),
        ({"zdr": True}, "two"),
        ({"data_collection": "deny"}, "two"),
        ({"data_collection": "allow"}, "one"),
        ({"quantizations": ["fp8"]}, "two"),
    ],
)
def test_the_first_endpoint_tried(two: Two, wish: dict[str, Any], first: str) -> None:
    assert two.tried(model=SHARED, provider=wish) == [first]


def test_an_order_moves_on_to_the_next_and_then_to_whoever_is_left(frail: Two) -> None:
    frail.two.answer = down
    assert frail.tried(model=SHARED, provider={"order": ["two"]}) == ["two", "one"]
    assert frail.tried(model=SHARED, provider={"order": ["two"], "allow_fallbacks": False}) == ["two"]


def test_without_fallbacks_only_the_first_endpoint_is_tried(frail: Two) -> None:
    frail.one.answer = down
    assert frail.tried(model=SHARED, provider={"allow_fallbacks": False}) == ["one"]


def test_preferences_hold_where_the_model_is_left_to_us(two: Two) -> None:
    assert set(two.tried(provider={"only": ["two"]})) == {"two"}
    assert two.tried(provider={"order": ["two"]}) == ["two"]
    assert two.tried(provider="two") == ["two"]
    assert two.tried(provider="Two") == ["two"]


def test_required_parameters_are_those_of_the_input(two: Two) -> None:
    needs_seed = {"require_parameters": True}
    answer = two.server.route(PROMPT, two.server.live, input={"seed": 7}, provider=needs_seed).json()
    assert answer["model"]["model"]["id"] == "two/only"
    refused = two.server.route(PROMPT, two.server.live, input={"top_k": 7}, model=SHARED, provider=needs_seed)
    assert refused.status_code == 404
    assert "support every parameter" in refused.json()["error"]["message"]


NAMED = "shared/model was named in the request; of its 2 endpoints"


@pytest.mark.parametrize(
    ("wish", "grounds"),
    [
        (None, f"{NAMED} the one at one comes first by price, health and the organization's preferences"),
        ({"order": ["two"]}, f"{NAMED} the one at two comes first by the provider preferences"),
        ({"sort": "price"}, f"{NAMED} the one at one comes first by price, health and the organization's preferences"),
        ({"only": ["two"]}, f"{NAMED} only the one at two is allowed"),
        ("two", f"{NAMED} only the one at two is allowed"),
    ],
)
def test_the_reason_says_why_this_endpoint(two: Two, wish: Any, grounds: str) -> None:
    answer = two.server.route(PROMPT, two.server.live, model=SHARED, provider=wish).json()
    assert answer["routing"]["reason"] == grounds
    preview = two.server.suggest(PROMPT, two.server.live, model=SHARED, provider=wish).json()
    assert preview["suggestions"][0]["reason"] == grounds
    only = two.server.route(PROMPT, two.server.live, model="two/only").json()
    assert only["routing"]["reason"] == "two/only was named in the request"


def test_the_reason_says_that_another_endpoint_was_first(frail: Two) -> None:
    frail.one.answer = down
    answer = frail.server.route(PROMPT, frail.server.live, model=SHARED).json()
    assert answer["routing"]["reason"] == f"{NAMED} the one at two is number 2"


def test_a_preview_tries_what_route_tries(two: Two) -> None:
    for wish in ({"order": ["two"]}, {"zdr": True}, {"sort": {"by": "price", "partition": "none"}}):
        first = two.server.suggest(PROMPT, two.server.live, provider=wish).json()["suggestions"][0]["model"]
        assert [first["provider"]] == two.tried(provider=wish)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"only": ["nobody"]}, "provider.only names no provider of the catalog"),
        ({"ignore": ["one", "two"]}, "provider.ignore"),
        ({"quantizations": ["int4"]}, "provider.quantizations"),
        ({"max_price": {"prompt": 0.5}}, "provider.max_price"),
        ({"zdr": True, "only": ["one"]}, "retain nothing"),
    ],
)
def test_where_nothing_is_left_the_wish_is_named(two: Two, wish: dict[str, Any], said: str) -> None:
    answer = two.server.route(PROMPT, two.server.live, model=SHARED, provider=wish)
    error = answer.json()["error"]

    assert (answer.status_code, error["code"], error["param"]) == (404, "model_not_found", "provider")
    assert said in error["message"]
    assert not two.one.requests
    assert not two.two.requests


def test_what_is_served_here_passes_every_promise(two: Two) -> None:
    promises = {"zdr": True, "data_collection": "deny"}
    query = {"query": "a b", "documents": ["a", "b"]}
    answer = two.server.route("rank", two.server.live, input=query, provider=promises).json()
    assert answer["provider"] == "local"


def rerank(two: Two, **fields: Any) -> Any:
    body = {"model": "shared/reranker", "query": "refund", "documents": ["how to claim a refund"], **fields}
    return two.server.post("/v1/rerank", body, two.server.live)


def test_rerank_tries_the_endpoints_of_its_model_at_their_own_prices(frail: Two) -> None:
    first = rerank(frail).json()
    assert first["provider"] == "one"
    frail.one.answer = down
    second = rerank(frail).json()
    assert second["provider"] == "two"
    assert second["usage"]["cost"] - first["usage"]["cost"] == pytest.approx(0.001)


@pytest.mark.parametrize("wish", ["two", {"only": ["two"]}, {"order": ["two"]}, {"zdr": True}])
def test_rerank_keeps_to_the_preferences(frail: Two, wish: Any) -> None:
    assert rerank(frail, provider=wish).json()["provider"] == "two"
    frail.two.answer = down
    moves_on = wish == {"order": ["two"]}
    assert rerank(frail, provider=wish).status_code == (200 if moves_on else 502)


def test_rerank_refuses_where_no_endpoint_is_left(two: Two) -> None:
    answer = rerank(two, provider={"ignore": ["one", "two"]})
    assert (answer.status_code, answer.json()["error"]["param"]) == (404, "provider")
    assert "provider.ignore" in answer.json()["error"]["message"]
    assert rerank(two, provider={"sort": "cheapest"}).status_code == 400


def test_bad_preferences_are_a_400(two: Two) -> None:
    answer = two.server.route(PROMPT, provider={"sort": "cheapest"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "provider")
