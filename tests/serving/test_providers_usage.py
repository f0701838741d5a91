"""Usage from answers that report nonsense."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_serving.call import Call, Usage
from greatrouter_serving.providers.payload import CHAT, EMBEDDINGS, IMAGES, RERANK, SPEECH, TRANSCRIPTION, VIDEO
from greatrouter_serving.providers.usage import MAX_IMAGES, MAX_SEARCHES, MAX_SECONDS, MAX_TOKENS, token_usage, usage_of

RANKING = Call("rerank", "fruit", {"documents": ["a", "b"]})
CALLS = [
    (CHAT, Call("text", "x")),
    (CHAT, Call("web_search", "x")),
    (IMAGES, Call("image", "x")),
    (SPEECH, Call("speech", "x")),
    (TRANSCRIPTION, Call("speech", "x", {"file": "UklGRg=="})),
    (VIDEO, Call("video", "x")),
    (EMBEDDINGS, Call("embeddings", "x")),
    (RERANK, RANKING),
]
NONSENSE = [
    "1e999999",
    "1e-999999",
    "1e30",
    1e30,
    -1,
    "-1",
    float("nan"),
    float("inf"),
    "NaN",
    "sNaN",
    "Infinity",
    True,
    False,
    None,
    "",
    "many",
    "9" * 100_000,
    10**400,
    [8],
    {"seconds": 8},
]
NAMES = [
    "usage",
    "meta",
    "data",
    "seconds",
    "duration",
    "billed_units",
    "search_units",
    "prompt_tokens",
    "completion_tokens",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "prompt_tokens_details",
    "completion_tokens_details",
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
]
JSON = st.recursive(
    st.sampled_from(NONSENSE) | st.integers() | st.floats() | st.decimals().map(str) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(NAMES), JSON), st.sampled_from(CALLS))
def test_no_answer_makes_an_absurd_bill(document: dict[str, Any], case: tuple[Any, Call]) -> None:
    usage = usage_of(*case, document)
    assert 0 <= usage.cached_tokens <= usage.prompt_tokens <= MAX_TOKENS
    assert 0 <= usage.cache_write_tokens <= usage.prompt_tokens - usage.cached_tokens
    assert 0 <= usage.reasoning_tokens <= usage.completion_tokens <= MAX_TOKENS
    assert 0 <= usage.images <= MAX_IMAGES
    assert 0 <= usage.searches <= MAX_SEARCHES
    assert usage.seconds == 0 or Decimal("0.000001") <= usage.seconds <= MAX_SECONDS


@pytest.mark.parametrize("seconds", NONSENSE, ids=lambda value: repr(value)[:12])
def test_garbled_seconds_are_not_reported(seconds: object) -> None:
    assert usage_of(VIDEO, Call("video", "x"), {"seconds": seconds}) == Usage()
    assert usage_of(VIDEO, Call("video", "x", {"seconds": "8"}), {"seconds": seconds}).seconds == 8
    answer = {"usage": {"seconds": seconds}, "duration": 2.5}
    assert usage_of(TRANSCRIPTION, Call("speech", "x", {"file": "AA=="}), answer).seconds == Decimal("2.5")


@pytest.mark.parametrize(
    ("count", "expected"),
    [(MAX_TOKENS, MAX_TOKENS), (MAX_TOKENS + 1, 0), (1e30, 0), (-1, 0), ("12", 0), (True, 0), (12.0, 12), (12.5, 0)],
)
def test_a_token_count_has_bounds(count: object, expected: int) -> None:
    assert token_usage({"prompt_tokens": count, "completion_tokens": count}) == Usage(expected, expected)


@pytest.mark.parametrize(
    ("document", "searches"),
    [
        ({"meta": {"billed_units": {"search_units": 3}}}, 3),
        ({"meta": {"billed_units": {"search_units": 3.0}}}, 3),
        ({"usage": {"search_units": 2, "total_tokens": 7}}, 2),
        ({"meta": {"billed_units": {"search_units": 1e12}}}, 0),
        ({"meta": {"billed_units": [3]}}, 0),
        ({}, 0),
    ],
)
def test_rerankers_may_bill_searches(document: dict[str, Any], searches: int) -> None:
    usage = usage_of(RERANK, RANKING, document)
    assert (usage.searches, usage.documents) == (searches, 2)
