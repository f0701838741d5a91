"""What is set aside for a request before it runs."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_api.configured import models
from greatrouter_api.reservation import bound, most_cents
from greatrouter_api.settings import ModelSettings, ProviderSettings, Settings
from greatrouter_catalog.model import Model
from greatrouter_classifier.classification import (
    Classification,
    Complexity,
    ComplexityTier,
    ContentMode,
    Decision,
    Task,
)
from greatrouter_ranking.profile import Expected, Profile, profile

PRICES: dict[str, Any] = {"input_per_million_tokens": Decimal(1), "output_per_million_tokens": Decimal(10)}


def model(kind: Any = "openai", **fields: Any) -> Model:
    lab = ProviderSettings(kind=kind, base_url="http://x/v1", models=[ModelSettings(id="lab/m", **PRICES | fields)])
    return models(Settings(providers={"lab": lab}, local_models=[]))[0]


def asked(score: float = 0.0, **input_: Any) -> Profile:
    found = Classification(
        task=Task.TEXT,
        confidence=1.0,
        reasoning="",
        decision=Decision.HINT,
        content_mode=ContentMode.GENERATE,
        complexity=Complexity(score, ComplexityTier.SIMPLE),
    )
    return profile(found, "Why?", input_)


def tokens(needs: Profile, endpoint: Model) -> Decimal:
    """Of the answers, in what is set aside."""
    prompt = endpoint.pricing.cost_cents(Expected(prompt_tokens=needs.expected.prompt_tokens))
    return (most_cents(needs, endpoint, endpoint.pricing) - prompt) * 10**6 / 1000


@pytest.mark.parametrize("n", [None, 1, 2, 8, 128])
@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_the_bound_of_each_answer_counts_as_often_as_answers_are_asked_for(n: int | None, name: str) -> None:
    needs = asked(**{name: 3_000, "n": n})
    assert needs.answers == (n or 1)
    assert bound(needs, model()).completion_tokens == tokens(needs, model()) == 3_000 * (n or 1)
    assert tokens(needs, model(capabilities=["reasoning"])) == 3_000 * (n or 1)  # thoughts are within the bound


@pytest.mark.parametrize("most", [10**9 - 1, 10**9, 10**13, 2**63 - 1, 10**400])
def test_a_bound_beyond_every_model_is_set_aside_as_the_most_there_can_be(most: int) -> None:
    needs = asked(max_tokens=most, max_completion_tokens=1, n=2)
    assert tokens(needs, model()) >= 2 * (10**9 - 1)
    assert tokens(needs, model(max_output_tokens=8_192)) == 2 * 8_192


def test_without_a_bound_the_likely_answers_are_set_aside() -> None:
    assert tokens(asked(), model()) == 150
    assert tokens(asked(n=4), model()) == 600


def test_a_model_that_reasons_is_given_room_to_think_where_there_is_no_bound() -> None:
    thinker = model(capabilities=["reasoning"])
    assert tokens(asked(0.0), thinker) == 150 + 1_000
    assert tokens(asked(1.0), thinker) == 1_500 + 16_000
    assert tokens(asked(1.0, n=3), thinker) == 3 * (1_500 + 16_000)
    assert tokens(asked(1.0, n=3), replace(thinker, max_output_tokens=8_000)) == 24_000
    assert tokens(asked(1.0), replace(thinker, max_output_tokens=10)) == 1_500  # a limit that cannot be


def test_a_prompt_that_may_be_written_to_a_dearer_cache_is_set_aside_as_written() -> None:
    needs = asked(max_tokens=1)
    plain, claude = model(), model(kind="anthropic")
    assert claude.pricing.cache_write_input_per_million_tokens == Decimal("1.25")
    prompt = needs.expected.prompt_tokens
    more = most_cents(needs, claude, claude.pricing) - most_cents(needs, plain, plain.pricing)
    assert more == prompt * Decimal("0.25") / 10**4
    stated = model(kind="anthropic", cache_write_input_per_million_tokens=Decimal(2))
    assert stated.pricing.cache_write_input_per_million_tokens == 2


@given(st.floats(0, 1), st.integers(0, 5_000), st.integers(0, 200), st.booleans())
def test_no_less_is_set_aside_than_is_expected(score: float, most: int, n: int, reasons: bool) -> None:
    needs = asked(score, max_tokens=most, n=n)
    endpoint = model(capabilities=["reasoning"] if reasons else [])
    assert most_cents(needs, endpoint, endpoint.pricing) >= endpoint.pricing.cost_cents(needs.expected)
    assert bound(needs, endpoint).completion_tokens >= needs.answers * most
