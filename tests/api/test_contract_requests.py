"""What every request has in common: null means absent, what is not known is ignored, what is wrong is named."""

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import BaseModel

from greatrouter_api.endpoints.feedback import FeedbackRequest
from greatrouter_api.listing import ModelQuery
from greatrouter_api.provider_preferences import ProviderRequest
from greatrouter_api.recommend import RecommendRequest
from greatrouter_api.schemas import (
    ChatRequest,
    EmbeddingsRequest,
    ModelsRouteRequest,
    PriceComparisonRequest,
    RerankRequest,
    RouteFilter,
    RouteRequest,
    SuggestRequest,
)
from tests.api.conftest import FAKE, Running
from tests.api.test_errors import check

MESSAGES = [{"role": "user", "content": "Write a poem about the sea"}]
DOCUMENTS = ["the sea", "the moon"]
# The least that each endpoint takes.
LEAST: Mapping[str, tuple[type[BaseModel], dict[str, Any]]] = {
    "/v1/auto/route": (RouteRequest, {"prompt": "Write a poem about the sea", "input": {}}),
    "/v1/auto/suggest": (SuggestRequest, {"prompt": "Write a poem about the sea"}),
    "/v1/auto/feedback": (FeedbackRequest, {"prompt": "Write a poem about the sea", "correct": True}),
    "/v1/models/route": (ModelsRouteRequest, {"query": "text", "input": {"messages": MESSAGES}}),
    "/v1/models/price-comparison": (PriceComparisonRequest, {}),
    "/v1/models/recommend": (RecommendRequest, {}),
    "/v1/models/query": (ModelQuery, {}),
    "/v1/chat/completions": (ChatRequest, {"model": "router", "messages": MESSAGES}),
    "/v1/embeddings": (EmbeddingsRequest, {"model": FAKE, "input": "the sea"}),
    "/v1/rerank": (RerankRequest, {"model": FAKE, "query": "tides", "documents": DOCUMENTS}),
    "/v2/rerank": (RerankRequest, {"model": FAKE, "query": "tides", "documents": DOCUMENTS}),
}
# Objects within requests, and where they stand.
WITHIN: Mapping[str, tuple[str, type[BaseModel], dict[str, Any]]] = {
    "filter": ("/v1/models/route", RouteFilter, {}),
    "provider": ("/v1/rerank", ProviderRequest, {}),
}
# No field takes a list in a list, save token ids, and those may not be empty.
WRONG: list[list[int]] = [[]]


def optional(model: type[BaseModel]) -> list[str]:
    return [name for name, field in model.model_fields.items() if not field.is_required()]


FIELDS = [(path, name) for path, (model, _) in LEAST.items() for name in model.model_fields]


@pytest.mark.parametrize("path", LEAST)
def test_the_least_of_a_request_is_enough(server: Running, path: str) -> None:
    assert server.post(path, LEAST[path][1]).status_code == 200


@pytest.mark.parametrize("path", LEAST)
def test_null_for_every_optional_field_is_as_good_as_nothing(server: Running, path: str) -> None:
    model, least = LEAST[path]
    answer = server.post(path, dict.fromkeys(optional(model)) | least)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("name", WITHIN)
def test_null_within_an_object_is_as_good_as_nothing(server: Running, name: str) -> None:
    path, model, inner = WITHIN[name]
    answer = server.post(path, LEAST[path][1] | {name: inner | dict.fromkeys(optional(model))})
    assert answer.status_code == 200, answer.text
    feedback = {"feedback": {"correct": True, "suggested_task": None}}
    assert server.post("/v1/auto/route", LEAST["/v1/auto/route"][1] | feedback).status_code == 200


@pytest.mark.parametrize("path", LEAST)
def test_fields_that_nobody_knows_are_ignored(server: Running, path: str) -> None:
    answer = server.post(path, LEAST[path][1] | {"a_field_of_next_year": {"deep": [1, None]}, "": 1})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(("path", "name"), FIELDS)
def test_a_value_of_the_wrong_kind_is_a_400_that_names_the_field(server: Running, path: str, name: str) -> None:
    error = check(server.post(path, LEAST[path][1] | {name: WRONG}), 400, "invalid_request")
    assert (error["param"] or "").split(".")[0] == name, error
    assert name in error["message"]


@pytest.mark.parametrize("path", [path for path, (_, least) in LEAST.items() if least])
def test_what_is_required_is_missed_by_name(server: Running, path: str) -> None:
    least = LEAST[path][1]
    for name in least:
        error = check(server.post(path, {key: least[key] for key in least if key != name}), 400, "invalid_request")
        assert error["param"] == name


ENUMS = {
    "task": ("text", "image", "video", "music", "speech", "code", "web_search", "rerank", "embeddings"),
    "content_mode": ("generate", "edit", "combine"),
    "optimization": ("price-optimized", "balanced", "output-optimized"),
    "mode": ("auto", "regex"),
    "maxCost": ("economy", "standard", "balanced", "premium", "flagship"),
    "price_tier": ("economy", "standard", "balanced", "premium", "flagship"),
    "task_type": ("text_generation", "image_generation", "rerank", "embeddings"),
    "type": ("hosted", "proxied"),
    "catalog_visibility": ("featured", "standard", "long_tail"),
    "encoding_format": ("float", "base64"),
    "suggested_task": ("text", "image", "video", "music", "speech", "code", "web_search", "rerank", "embeddings"),
}


@pytest.mark.parametrize(("path", "name"), [case for case in FIELDS if case[1] in ENUMS])
def test_a_word_that_is_not_allowed_is_told_which_are(server: Running, path: str, name: str) -> None:
    error = check(server.post(path, LEAST[path][1] | {name: "nonsense"}), 400, "invalid_request")
    assert error["param"] == name
    assert all(word in error["message"] for word in ENUMS[name])


@pytest.mark.parametrize(
    ("path", "name", "values"),
    [
        ("/v1/auto/suggest", "limit", (0, 21, -1, 1.5)),
        ("/v1/models/recommend", "limit", (0, 51)),
        ("/v1/models/query", "limit", (0, 501)),
        ("/v1/models/query", "offset", (-1,)),
        ("/v1/auto/feedback", "confidence", (-0.1, 1.1)),
        ("/v1/rerank", "top_n", (0, -1)),
        ("/v1/rerank", "max_tokens_per_doc", (0,)),
        ("/v1/embeddings", "dimensions", (0, 7)),
        ("/v1/embeddings", "input", ("", [], [""], [-1], [10**9], [[10**9]], ["a", [1]])),
        ("/v1/rerank", "query", ("", " ")),
        ("/v1/rerank", "documents", ([], [1], [{"title": "a"}])),
        ("/v1/chat/completions", "temperature", (-1, 3)),
    ],
)
def test_what_is_out_of_range_is_named(server: Running, path: str, name: str, values: tuple[Any, ...]) -> None:
    for value in values:
        error = check(server.post(path, LEAST[path][1] | {name: value}), 400, "invalid_request")
        assert error["param"] == name, error


@pytest.mark.parametrize("path", ["/v1/auto/route", "/v1/auto/suggest", "/v1/models/price-comparison"])
def test_every_word_of_the_vocabulary_is_taken(server: Running, path: str) -> None:
    least = LEAST[path][1]
    for name in ("content_mode", "optimization"):
        for word in ENUMS[name]:
            found = server.post(path, least | {name: word}).json()
            assert found.get("optimization", word) == word or name == "content_mode"
            assert found["classification"]["content_mode"] == word or name == "optimization"
    for task in ENUMS["task"]:
        given = {"input": {"query": "tides", "documents": DOCUMENTS}} if task == "rerank" and "input" in least else {}
        found = server.post(path, least | given | {"task": task})
        assert found.status_code == 200, found.text
        assert found.json()["classification"]["task"] == task
