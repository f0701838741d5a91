"""Which names a model answers to, and which providers a request may ask for."""

from typing import Any

import pytest

from tests.api.conftest import FAKE, Running
from tests.api.test_contract_requests import DOCUMENTS, MESSAGES
from tests.api.test_errors import check

NAMED: dict[str, dict[str, Any]] = {
    "/v1/auto/route": {"prompt": "Say hello", "input": {}},
    "/v1/auto/suggest": {"prompt": "Say hello"},
    "/v1/models/route": {"query": "text", "input": {"messages": MESSAGES}},
    "/v1/models/price-comparison": {"prompt": "Say hello"},
    "/v1/chat/completions": {"messages": MESSAGES},
}


def chosen(server: Running, path: str, key: str | None = None, **fields: Any) -> str:
    """The model that answered, or would."""
    answer = server.post(path, {**NAMED[path], **fields}, key)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    if path == "/v1/chat/completions":
        return str(found["greatrouter"]["model"])
    if "suggestions" in found:
        first = found["suggestions"][0]
        return str(first.get("model_id") or first["model"]["id"])
    return str(found["model"].get("id") or found["model"]["model"]["id"])


@pytest.mark.parametrize("path", NAMED)
@pytest.mark.parametrize("name", ["openai/gpt-4o", "gpt-4o", "route/openai/gpt-4o", "route/gpt-4o"])
def test_a_model_answers_to_its_id_and_its_aliases(server: Running, path: str, name: str) -> None:
    assert chosen(server, path, model=name) == "openai/gpt-4o"


@pytest.mark.parametrize("path", NAMED)
@pytest.mark.parametrize("name", ["router", "auto", "greatrouter/auto"])
def test_the_choice_may_be_left_to_us(server: Running, path: str, name: str) -> None:
    prompt = {"messages": MESSAGES} if path == "/v1/chat/completions" else {}
    assert chosen(server, path, server.live, model=name, **prompt) in {"lab/small", "lab/large"}


@pytest.mark.parametrize(
    ("path", "name", "spelled"),
    [
        ("/v1/embeddings", "route/cohere-embed-v3-english-3", "embed-english-v3"),
        ("/v1/embeddings", "route/cohere-embed-v3-multilingual-3", "embed-multilingual-v3"),
        ("/v1/embeddings", "route/qwen3-embedding-8b", "qwen3-embedding-8b"),
        ("/v1/embeddings", "Qwen/Qwen3-Embedding-0.6B", "qwen3-embedding-0.6b"),
        ("/v1/rerank", "route/cohere-rerank-v4.0-pro", "rerank-v4.0-pro"),
        ("/v1/rerank", "cohere/rerank-v3.5", "rerank-v3.5"),
        ("/v1/rerank", f"route/{FAKE}", FAKE),
    ],
)
def test_the_names_that_the_pages_use_are_understood(server: Running, path: str, name: str, spelled: str) -> None:
    body = {"input": "the sea"} if path == "/v1/embeddings" else {"query": "tides", "documents": DOCUMENTS}
    answer = server.post(path, {"model": name, **body})
    assert answer.status_code == 200, answer.text
    words = set(answer.json()["model"].lower().replace("/", "-").split("-"))
    assert set(spelled.replace("/", "-").split("-")) - words <= {"embed", "v3", "english", "multilingual"}, words
    found = server.client.get(f"/v1/models/{name}")
    assert found.json()["task_type"] in (path.removeprefix("/v1/"), "embeddings")


@pytest.mark.parametrize("name", ["", "route/", "route/nothing", "nobody/nothing", "route/" + "x" * 10_000, "\x00"])
def test_other_names_are_a_404_that_says_which_field(server: Running, name: str) -> None:
    for path in ("/v1/auto/route", "/v1/auto/suggest", "/v1/models/route", "/v1/models/price-comparison"):
        error = check(server.post(path, {**NAMED[path], "model": name}), 404, "model_not_found")
        assert error["param"] == "model"


# -- providers ---------------------------------------------------------------------------------------------------------


def provider_of(server: Running, path: str, wish: Any) -> str:
    return chosen(server, path, provider=wish, **({"model": "router"} if "chat" in path else {})).split("/")[0]


@pytest.mark.parametrize("path", NAMED)
@pytest.mark.parametrize("wish", ["openai", "OpenAI", {"only": ["openai"]}, {"order": ["OpenAI"]}])
def test_a_provider_is_named_by_a_slug_or_in_an_object(server: Running, path: str, wish: Any) -> None:
    assert provider_of(server, path, wish) == "openai"


@pytest.mark.parametrize("wish", ["cohere", {"only": ["cohere"]}, {"order": ["Cohere"], "allow_fallbacks": False}])
def test_rerank_takes_either_form_too(server: Running, wish: Any) -> None:
    body = {"model": "cohere/rerank-v3.5", "query": "tides", "documents": DOCUMENTS, "provider": wish}
    for path in ("/v1/rerank", "/v2/rerank"):
        assert server.post(path, body).json()["model"] == "cohere/rerank-v3.5"
        error = check(server.post(path, {**body, "provider": "openai"}), 404, "model_not_found")
        assert error["param"] == "provider"


def test_what_a_request_ignores_is_added_to_what_its_organization_does(server: Running) -> None:
    key = server.accounts.create_key("ignoring", test=True)
    asked = {"prompt": "Say hello", "limit": 20, "optimization": "output-optimized"}

    def providers(**fields: Any) -> list[str]:
        found = server.post("/v1/auto/suggest", {**asked, **fields}, key).json()["suggestions"]
        return [suggestion["model"]["provider"] for suggestion in found]

    first = providers()[0]
    path, headers = "/v1/preferences/excluded_providers", {"X-API-Key": key}
    assert server.client.put(path, json={"value": [first]}, headers=headers).status_code == 200
    second = providers()[0]
    assert second != first
    assert not {first, second} & set(providers(provider={"ignore": [second]}))


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"provider": "nobody"}, "provider"),
        ({"provider": {"only": ["nobody"]}}, "provider"),
        ({"catalog_family": "llm/nobody--nothing"}, "catalog_family"),
    ],
)
def test_a_filter_that_leaves_nothing_is_named(server: Running, fields: dict[str, Any], param: str) -> None:
    for path in ("/v1/auto/route", "/v1/auto/suggest"):
        error = check(server.post(path, NAMED[path] | fields), 404, "model_not_found")
        assert error["param"] == param


# -- embeddings and rerank ---------------------------------------------------------------------------------------------


def test_a_model_served_here_says_its_state(server: Running) -> None:
    assert server.post("/v1/embeddings", {"model": FAKE, "input": "the sea"}).status_code == 200
    listed = {row["id"]: row for row in server.client.get("/v1/models?type=hosted").json()["data"]}
    assert (listed[FAKE]["state"], listed[FAKE]["available"]) == ("warm", True)


@pytest.mark.parametrize("input_", ["the sea", ["the sea"], [5, 6, 7], [[5, 6, 7]]])
def test_one_input_may_be_written_in_four_ways(server: Running, input_: Any) -> None:
    answer = server.post("/v1/embeddings", {"model": FAKE, "input": input_, "user": "u1"}).json()
    assert [item["index"] for item in answer["data"]] == [0]


def test_the_batch_tier_of_embeddings_costs_less(server: Running) -> None:
    body = {"model": FAKE, "input": ["the sea and the moon"] * 50}
    whole = server.post("/v1/embeddings", body, server.live).json()
    batch = server.post("/v1/embeddings", body, server.live, X_Tier="batch").json()
    assert batch["charge_dollars"] == pytest.approx(whole["charge_dollars"] / 2)
    assert whole["charge_dollars"] == pytest.approx(whole["usage"]["prompt_tokens"] * 0.01 / 1_000_000)


@pytest.mark.parametrize("top_n", [None, 1, 2, 9])
def test_the_best_n_are_answered(server: Running, top_n: int | None) -> None:
    body = {"query": "tides", "documents": DOCUMENTS, "top_n": top_n}
    for model in (FAKE, "cohere/rerank-v3.5"):
        results = server.post("/v1/rerank", {"model": model, **body}).json()["results"]
        assert len(results) == min(top_n or 9, len(DOCUMENTS))


def test_a_cut_document_counts_fewer_tokens(server: Running) -> None:
    body = {"model": FAKE, "query": "tides", "documents": ["the sea and the moon " * 20]}
    whole = server.post("/v1/rerank", body).json()["usage"]["prompt_tokens"]
    assert server.post("/v1/rerank", {**body, "max_tokens_per_doc": 5}).json()["usage"]["prompt_tokens"] < whole


# -- branches and lines of the catalog ---------------------------------------------------------------------------------


def test_a_branch_narrows_the_choice(server: Running) -> None:
    body = {"prompt": "a red boat at sea", "task": "image", "taxonomy": "image-generation", "limit": 20}
    suggested = server.post("/v1/auto/suggest", body).json()["suggestions"]
    assert {suggestion["model"]["task_type"] for suggestion in suggested} == {"image_generation"}
    within = server.post("/v1/auto/suggest", {**body, "provider": "google"}).json()["suggestions"]
    assert within
    made_by_google = ("google", "gemini", "imagen", "nano-banana")
    assert all(any(word in row["model"]["id"].lower() for word in made_by_google) for row in within)


@pytest.mark.parametrize(
    ("branch", "task"),
    [("image-generation", "image"), ("video-generation", "video"), ("music-generation", "music"), ("llm", "text")],
)
def test_a_branch_says_what_is_asked_for(server: Running, branch: str, task: str) -> None:
    for fields in ({"taxonomy": branch}, {"catalog_family": first_line(server, branch)}):
        found = server.post("/v1/auto/route", {"prompt": "a red boat at sea", "input": {}, **fields})
        assert found.status_code == 200, found.text
        assert found.json()["classification"]["task"] == task
        model = server.client.get(f"/v1/models/{found.json()['model']['model']['id']}").json()
        assert model["catalog_family"].startswith(f"{branch}/")


def first_line(server: Running, branch: str) -> str:
    query = f"taxonomy={branch}&routable_only=true&limit=1"
    return str(server.client.get(f"/v1/catalog/families?{query}").json()["data"][0]["id"])


def test_translation_is_a_branch_of_text(server: Running) -> None:
    body = {"prompt": "Translate into French: good morning", "taxonomy": "translation"}
    assert server.post("/v1/auto/suggest", body).json()["classification"]["task"] == "text"


@pytest.mark.parametrize("path", [*NAMED, "/v1/models/recommend"])
def test_an_unknown_branch_is_told_which_there_are(server: Running, path: str) -> None:
    error = check(
        server.post(path, {"model": "router", **NAMED.get(path, {}), "taxonomy": "x"}), 400, "invalid_request"
    )
    assert error["param"] == "taxonomy"
    assert "image-generation" in error["message"]


@pytest.mark.parametrize("path", NAMED)
def test_a_line_narrows_the_choice(server: Running, path: str) -> None:
    line = "llm/openai--gpt-4o"
    prompt = {"model": "router"} if "chat" in path else {}
    found = chosen(server, path, catalog_family=line, task="text", **prompt)
    assert server.client.get(f"/v1/models/{found}").json()["catalog_family"] == line
