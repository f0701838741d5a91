"""The catalog over HTTP: lists, search in pages, model lines, vocabularies, one model with all that is known of it."""

import threading
from collections import Counter
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from greatrouter_accounts.errors import StoreFailed
from greatrouter_api import intelligence, listing
from greatrouter_api.services import Services
from tests.api.conftest import FAKE, Running, running

SONNET = "llm/anthropic--claude-sonnet"


def query(server: Running, **body: Any) -> dict[str, Any]:
    answer = server.post("/v1/models/query", body)
    assert answer.status_code == 200, answer.text
    return cast(dict[str, Any], answer.json())


def error(answer: Any, status: int = 400) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    return cast(dict[str, Any], answer.json()["error"])


# --- Pages ------------------------------------------------------------------------------------------------------------


def test_paging_returns_every_model_exactly_once(server: Running) -> None:
    listed = [model["id"] for model in server.client.get("/v1/models").json()["data"]]
    paged: list[str] = []
    while page := query(server, limit=500, offset=len(paged))["data"]:
        paged += [model["id"] for model in page]
    assert paged == listed
    assert len(set(paged)) == len(paged) == query(server)["total"]


FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "provider": st.sampled_from(["openai", "groq", "cohere"]),
        "task": st.sampled_from(["text", "speech", "rerank"]),
        "text": st.sampled_from(["llama", "gpt mini", "rerank", "open weights"]),
        "tags": st.lists(st.sampled_from(["vision", "tools", "free", "nothing"]), max_size=2),
        "price_tier": st.sampled_from(["economy", "flagship"]),
        "capabilities": st.just(["vision"]),
        "catalog_visibility": st.sampled_from(["featured", "standard", "long_tail"]),
        "routable_only": st.booleans(),
    },
)


@given(filters=FILTERS, limit=st.integers(40, 500))
@settings(max_examples=25, deadline=None)
def test_any_query_in_pages_of_any_size_is_the_same_list(shared: Running, filters: dict[str, Any], limit: int) -> None:
    whole = query(shared, **filters, limit=500)
    paged: list[str] = []
    while len(paged) < min(whole["total"], 500):
        page = query(shared, **filters, limit=limit, offset=len(paged))
        assert (page["limit"], page["offset"], page["total"]) == (limit, len(paged), whole["total"])
        assert page["data"]
        paged += [model["id"] for model in page["data"]]
    assert paged[:500] == [model["id"] for model in whole["data"]]
    for model in whole["data"]:
        assert model["provider"] == filters.get("provider", model["provider"])
        assert model["price_tier"] == filters.get("price_tier", model["price_tier"])
        assert model["catalog_visibility"] == filters.get("catalog_visibility", model["catalog_visibility"])
        assert filters.get("task") in (None, *model["tasks"])
        assert set(filters.get("capabilities", [])) <= set(model["capabilities"])
        assert not filters.get("tags") or set(filters["tags"]) & set(model["tags"])
        assert not filters.get("routable_only") or model["catalog_visibility"] != "long_tail"


def test_a_page_beyond_the_end_is_empty_and_says_the_total(server: Running) -> None:
    page = query(server, provider="groq", offset=10**6)
    assert page["data"] == []
    assert page["total"] > 10
    assert (page["object"], page["limit"], page["offset"]) == ("list", 100, 10**6)


def test_null_is_absent_and_unknown_fields_are_ignored(server: Running) -> None:
    nulls = dict.fromkeys(("price_tier", "tags", "text", "limit", "offset", "provider", "routable_only", "task_type"))
    assert query(server, **nulls, surprise=1) == query(server)


# --- Text -------------------------------------------------------------------------------------------------------------


def test_text_finds_by_name_provider_and_id_best_first(server: Running) -> None:
    top = query(server, text="GPT-4o mini openai", limit=3)["data"]
    assert top[0]["id"] == "openai/gpt-4o-mini"
    assert {model["provider"] for model in query(server, text="groq whisper")["data"]} >= {"groq"}
    assert query(server, text="no-such-model-anywhere")["total"] == 0


def test_of_equal_matches_the_routed_to_come_first(server: Running) -> None:
    seen = [model["catalog_visibility"] for model in query(server, text="claude opus", limit=500)["data"]]
    assert seen[0] == "featured"
    assert "long_tail" in seen
    assert "long_tail" not in seen[:10]


# --- Refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "param", "allowed"),
    [
        ({"price_tier": "cheap"}, "price_tier", "flagship"),
        ({"task_type": "painting"}, "task_type", "image_generation"),
        ({"task": "painting"}, "task", "embeddings"),
        ({"type": "local"}, "type", "hosted"),
        ({"catalog_visibility": "hidden"}, "catalog_visibility", "long_tail"),
        ({"category": "paint"}, "category", "llm"),
        ({"capabilities": ["vision", "smell"]}, "capabilities", "function_calling"),
        ({"capabilities": "vision,smell"}, "capabilities", "function_calling"),
        ({"tags": "vision"}, "tags", "list"),
        ({"tags": [1]}, "tags", "string"),
        ({"limit": 0}, "limit", "1"),
        ({"limit": 501}, "limit", "500"),
        ({"limit": "10"}, "limit", "whole number"),
        ({"limit": True}, "limit", "whole number"),
        ({"offset": -1}, "offset", "0"),
        ({"offset": 1.5}, "offset", "whole number"),
        ({"offset": 10**15}, "offset", "1,000,000,000"),
        ({"text": 5}, "text", "string"),
        ({"text": "a" * 2001}, "text", "2,000"),
        ({"routable_only": "yes"}, "routable_only", "true or false"),
    ],
)
def test_a_wrong_query_names_the_field_and_what_is_allowed(
    server: Running, body: dict[str, Any], param: str, allowed: str
) -> None:
    found = error(server.post("/v1/models/query", body))
    assert (found["code"], found["param"].partition(".")[0]) == ("invalid_request", param)
    assert allowed in found["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"text"', b"\xff", b'{"offset": 1%s}' % (b"0" * 30)])
def test_a_body_that_is_no_query_is_a_400(server: Running, body: bytes) -> None:
    assert error(server.post("/v1/models/query", body))["code"] == "invalid_request"


def test_a_search_needs_a_key(server: Running) -> None:
    assert error(server.client.post("/v1/models/query", json={}), 401)["code"] == "authentication_failed"
    assert error(server.post("/v1/models/query", {}, key="nonsense"), 401)["code"] == "authentication_failed"


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("/v1/models?routable_only=maybe", "routable_only"),
        ("/v1/models?type=local", "type"),
        ("/v1/models?capabilities=vision,smell", "capabilities"),
        ("/v1/models?task=text&task=code", "task"),
        ("/v1/catalog/families?limit=abc", "limit"),
        ("/v1/catalog/families?limit=-1", "limit"),
        ("/v1/catalog/families?limit=101", "limit"),
        ("/v1/catalog/families?offset=99999999999999999999", "offset"),
        ("/v1/catalog/families?taxonomy=paintings", "taxonomy"),
        ("/v1/catalog/families?routable_only=1", "routable_only"),
    ],
)
def test_a_wrong_parameter_is_a_400_that_names_it(server: Running, path: str, param: str) -> None:
    assert error(server.client.get(path))["param"].partition(".")[0] == param


def test_capabilities_are_split_at_commas(server: Running) -> None:
    found = server.client.get("/v1/models?capabilities=vision, reasoning&provider=openai").json()["data"]
    assert found
    assert all({"vision", "reasoning"} <= set(model["capabilities"]) for model in found)
    assert [model["id"] for model in query(server, capabilities="vision,reasoning", provider="openai")["data"]] == [
        model["id"] for model in found
    ]


def test_an_empty_filter_is_no_filter(server: Running) -> None:
    names = list(listing.ModelListing.model_fields)
    everything = server.client.get("/v1/models").json()["total"]
    assert server.client.get(f"/v1/models?{'=&'.join(names)}=&x=1").json()["total"] == everything
    families = server.client.get("/v1/catalog/families").json()
    assert server.client.get("/v1/catalog/families?taxonomy=&offset=&limit=&routable_only=&q=").json() == families
    words = {
        name: "" for name in listing.ModelQuery.model_fields if name not in ("routable_only", "tags", "limit", "offset")
    }
    assert query(server, **words) == query(server)


# --- Vocabularies -----------------------------------------------------------------------------------------------------


def test_tags_are_those_of_the_models(server: Running) -> None:
    models = server.client.get("/v1/models").json()["data"]
    counted = Counter(tag for model in models for tag in model["tags"])
    tags = server.client.get("/v1/models/tags").json()
    assert {tag["tag"]: tag["model_count"] for tag in tags["data"]} == counted
    assert tags["total"] == len(counted) > 3


def test_price_tiers_are_fifths_of_a_typical_cost(server: Running) -> None:
    answer = server.client.get("/v1/models/price-tiers").json()
    tiers = answer["data"]
    assert [tier["price_tier"] for tier in tiers] == ["economy", "standard", "balanced", "premium", "flagship"]
    for cheaper, dearer in pairwise(tiers):
        for task_type in cheaper["typical_cost_dollars"].keys() & dearer["typical_cost_dollars"].keys():
            most = cheaper["typical_cost_dollars"][task_type]["max"]
            assert most <= dearer["typical_cost_dollars"][task_type]["min"], task_type
    assert answer["typical_requests"]["text_generation"] == "1,000 input tokens, 500 output tokens, 1 request"
    for tier in tiers:
        assert tier["model_count"] == query(server, price_tier=tier["price_tier"], limit=1)["total"]


def test_the_taxonomy_holds_every_family_once(server: Running) -> None:
    branches = server.client.get("/v1/catalog/taxonomy").json()["data"]
    assert {branch["taxonomy"] for branch in branches} >= {"llm", "image-generation", "rerank"}
    for branch in branches:
        found = server.client.get(f"/v1/catalog/families?limit=1&taxonomy={branch['taxonomy']}").json()
        assert found["total"] == branch["family_count"] == sum(p["family_count"] for p in branch["providers"])
    assert sum(branch["model_count"] for branch in branches) >= query(server)["total"]


# --- Families ---------------------------------------------------------------------------------------------------------


def test_families_in_pages_are_every_family_once(server: Running) -> None:
    seen: list[str] = []
    while page := server.client.get(f"/v1/catalog/families?limit=100&offset={len(seen)}").json()["data"]:
        seen += [family["id"] for family in page]
    models = server.client.get("/v1/models").json()["data"]
    assert len(seen) == len(set(seen))
    assert set(seen) >= {model["catalog_family"] for model in models}
    first = server.client.get("/v1/catalog/families").json()
    assert (first["limit"], first["offset"], len(first["data"]), first["total"]) == (24, 0, 24, len(seen))


def test_families_by_their_names(server: Running) -> None:
    found = server.client.get("/v1/catalog/families?q=claude sonnet").json()["data"]
    assert found[0]["id"] == SONNET
    assert all("claude" in family["id"] or "sonnet" in family["id"] for family in found[:1])
    assert server.client.get("/v1/catalog/families?q=claude&taxonomy=rerank").json()["total"] == 0


def test_routable_only_hides_lines_of_the_long_tail(server: Running) -> None:
    everything = server.client.get("/v1/catalog/families").json()["total"]
    routable = server.client.get("/v1/catalog/families?routable_only=true&limit=100").json()
    assert 0 < routable["total"] < everything
    assert all(family["routable"] and family["best_variant"] for family in routable["data"])


@pytest.mark.parametrize("slash", ["/", "%2F", "%2f"])
def test_one_family_with_its_models(server: Running, slash: str) -> None:
    answer = server.client.get(f"/v1/catalog/families/{SONNET.replace('/', slash)}")
    family = answer.json()
    assert family["id"] == SONNET
    ids = [model["id"] for model in family["models"]]
    assert len(ids) == len(set(ids)) == family["model_count"]
    assert all(model["catalog_family"] == SONNET for model in family["models"])
    best = next(model for model in family["models"] if model["id"] == family["best_variant"])
    assert best["catalog_visibility"] != "long_tail"
    prices = [m["pricing"].get("input_per_million_tokens") for m in family["models"]]
    span = family["price_range"]["input_per_million_tokens"]
    assert span["min"] in prices
    assert span["max"] in prices
    assert span["min"] <= best["pricing"]["input_per_million_tokens"] <= span["max"]


def test_an_unknown_family_is_a_404(server: Running) -> None:
    found = error(server.client.get("/v1/catalog/families/llm/nobody--nothing"), 404)
    assert found["code"] == "not_found"
    assert "/v1/catalog/families" in found["message"]


def test_a_reachable_variant_is_the_best_one(server: Running) -> None:
    family = server.client.get("/v1/models/lab/small").json()["catalog_family"]
    assert server.client.get(f"/v1/catalog/families/{family}").json()["best_variant"] == "lab/small"


# --- One model --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["openai/gpt-4o", "gpt-4o", "route/openai/gpt-4o", "openai%2Fgpt-4o"])
def test_a_model_is_found_by_id_alias_and_encoded_id(server: Running, path: str) -> None:
    model = server.client.get(f"/v1/models/{path}").json()
    assert model["id"] == "openai/gpt-4o"
    assert model["provenance"]["creator"] == "openai"
    assert model["provenance"]["license"] == "proprietary"
    assert {source["source"] for source in model["provenance"]["sources"]} >= {model["provenance"]["price_source"]}
    assert all(source["observed_on"] and source["url"] for source in model["provenance"]["sources"])
    assert model["benchmarks"][0]["observed_on"]
    assert model["performance_timeseries"] == []
    assert [endpoint["provider"] for endpoint in model["endpoints"]] == ["openai"]


def test_a_model_of_many_slashes_and_its_schemas(server: Running) -> None:
    models = server.client.get("/v1/models").json()["data"]
    for model in [model for model in models if model["id"].count("/") > 2][:3]:
        for path in (model["id"], model["id"].replace("/", "%2F")):
            assert server.client.get(f"/v1/models/{path}").json()["id"] == model["id"]
            schema = server.client.get(f"/v1/models/{path}/input-schema").json()
            assert schema["title"].startswith(f"Input of {model['id']} ")


def test_a_hosted_model_lists_an_endpoint_for_each_task(server: Running) -> None:
    model = server.client.get(f"/v1/models/{FAKE}").json()
    assert [endpoint["task_type"] for endpoint in model["endpoints"]] == ["embeddings", "rerank"]
    assert model["available"] is True


@pytest.mark.parametrize("path", ["nobody/nothing", "nothing", "a/b/c/d", "%20"])
def test_an_unknown_model_is_a_404(server: Running, path: str) -> None:
    assert error(server.client.get(f"/v1/models/{path}"), 404)["code"] == "model_not_found"


def test_performance_comes_from_the_accounts_and_is_left_out_where_they_fail() -> None:
    window = {"window": "hour", "success_rate": 1.0}

    def asked(performance: Any) -> dict[str, Any]:
        services = cast(Services, SimpleNamespace(accounts=SimpleNamespace(performance=performance)))
        return intelligence.performance(services, "a/b")

    def broken(model_id: str) -> Any:
        raise StoreFailed(model_id)

    assert asked(lambda model_id: [window | {"model": model_id}]) == {
        "performance_timeseries": [window | {"model": "a/b"}]
    }
    assert asked(broken) == {}


# --- As documented ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "documented"),
    [
        ("/v1/models?provider=openai", "/v1/models"),
        ("/v1/models?provider=local", "/v1/models"),
        ("/v1/models/tags", "/v1/models/tags"),
        ("/v1/models/price-tiers", "/v1/models/price-tiers"),
        ("/v1/models/openai/gpt-4o", "/v1/models/{provider}/{model}"),
        (f"/v1/models/{FAKE}", "/v1/models/{provider}/{model}"),
        ("/v1/models/gpt-4o", "/v1/models/{model}"),
        (f"/v1/models/{FAKE}/input-schema", "/v1/models/{provider}/{model}/input-schema"),
        ("/v1/models/openai/gpt-4o/output-schema", "/v1/models/{provider}/{model}/output-schema"),
        ("/v1/catalog/taxonomy", "/v1/catalog/taxonomy"),
        ("/v1/catalog/families?limit=100", "/v1/catalog/families"),
        (f"/v1/catalog/families/{SONNET}", "/v1/catalog/families/{id}"),
    ],
)
def test_answers_are_as_documented(server: Running, path: str, documented: str) -> None:
    document = server.client.get("/openapi.json").json()
    operation = document["paths"][documented]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    answer = server.client.get(path)
    assert answer.status_code == 200
    Draft202012Validator(schema | {"components": document["components"]}).validate(answer.json())


def test_every_filter_is_documented_with_what_it_allows(server: Running) -> None:
    paths = server.client.get("/openapi.json").json()["paths"]
    listed = {p["name"]: p["schema"] for p in paths["/v1/models"]["get"]["parameters"] if "name" in p}
    assert set(listed) >= {"task_type", "provider", "category", "capabilities", "type", "catalog_family"}
    assert set(listed) >= {"catalog_visibility", "routable_only"}
    assert listed["type"]["enum"] == ["hosted", "proxied", ""]
    assert "vision" in listed["capabilities"]["items"]["enum"]
    pages = {p["name"]: p["schema"] for p in paths["/v1/catalog/families"]["get"]["parameters"] if "name" in p}
    assert pages["limit"]["default"] == 24
    assert (pages["limit"]["anyOf"][0]["maximum"], pages["offset"]["anyOf"][0]["minimum"]) == (100, 0)
    body = paths["/v1/models/query"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]) >= {*listed, "price_tier", "tags", "text", "limit", "offset"}


def test_a_first_listing_does_not_hold_up_the_others(tmp_path: Path) -> None:
    """The first listing builds 7,900 models in a worker thread; meanwhile the event loop goes on answering."""
    with running(tmp_path) as fresh:
        fresh.client.get("/healthz")
        finished = threading.Event()
        waited: list[float] = []

        def list_everything() -> None:
            fresh.client.get("/v1/models")
            finished.set()

        lister = threading.Thread(target=list_everything)
        lister.start()
        while not finished.is_set():
            waited.append(fresh.client.get("/healthz").elapsed.total_seconds())
        lister.join()
    assert len(waited) > 3
    assert sorted(waited)[len(waited) // 2] < 0.25


def test_a_creators_name_stands_for_the_model_at_all_its_providers(server: Running) -> None:
    found = server.client.get("/v1/models/anthropic/claude-sonnet-4").json()
    assert found["id"] == "anthropic/claude-sonnet-4"
    assert len({endpoint["provider"] for endpoint in found["endpoints"]}) > 5
    assert all(endpoint["id"] for endpoint in found["endpoints"])
