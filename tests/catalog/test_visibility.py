"""What is derived of merged offers: taxonomy, modalities, price tier, which prices are believed, what is routed to."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greatrouter_catalog.facts import Facts
from greatrouter_catalog.offer import Offer
from greatrouter_catalog.taxonomy import PRICE_TIERS, TASK_TYPES
from tests.catalog.examples import facts_of, model, offers, score, text_offer


def only(offer: Offer, *more: Offer) -> dict[str, Any]:
    """The row of `offer` in a catalog of it and `more`."""
    facts = facts_of(offers("litellm", offer, *more))
    return model(facts, f"{offer.provider}/{offer.upstream_model}")


def embedding(price: object, provider: str = "acme", name: str = "embed") -> Offer:
    return Offer(provider, name, "embeddings", prices={"input_per_million_tokens": Decimal(str(price))})


# --- Taxonomy ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task_type", TASK_TYPES)
def test_each_task_type_has_its_branch_tasks_and_modalities(task_type: str) -> None:
    row = only(Offer("groq", "meta-llama/llama-3.3-70b", task_type))
    kind = TASK_TYPES[task_type]
    assert (row["category"], row["tasks"]) == (kind.category, list(kind.tasks))
    assert row["family"] == f"{kind.taxonomy}/meta--llama-3.3"
    assert (row["input_modalities"], row["output_modalities"]) == ([kind.input_modality], [kind.output_modality])


def test_a_text_model_that_searches_also_answers_web_search() -> None:
    assert only(text_offer(capabilities=["web_search"]))["tasks"] == ["text", "code", "web_search"]
    assert only(embedding(1))["tasks"] == ["embeddings"]


def test_a_model_without_a_known_creator_is_of_its_providers_family() -> None:
    row = only(text_offer("acme", "rocinante-12b"))
    assert (row["creator"], row["family"]) == (None, "llm/acme--rocinante")


def test_names_in_another_script_are_models_of_their_own() -> None:
    facts = facts_of(offers("litellm", text_offer("acme", "文心"), text_offer("acme", "通义")))
    assert set(facts.models["canonical"]) == {"文心", "通义"}
    assert set(facts.models["family"]) == {"llm/acme--文心", "llm/acme--通义"}


def test_a_capability_implies_the_modality_it_takes() -> None:
    row = only(text_offer(capabilities=["vision", "pdf_input"]))
    assert row["input_modalities"] == ["file", "image", "text"]
    stated = only(text_offer(capabilities=["vision"], input_modalities=["video"]))
    assert stated["input_modalities"] == ["image", "text", "video"]


def test_embedding_models_and_rerankers_give_numbers_whatever_a_feed_says() -> None:
    for task_type, gives in (("embeddings", "embedding"), ("rerank", "score"), ("text_generation", "text")):
        row = only(Offer("acme", "m", task_type, input_modalities=["image"], output_modalities=["text"]))
        assert (row["input_modalities"], row["output_modalities"]) == (["image", "text"], [gives])


def test_speech_models_take_or_give_sound_even_where_a_feed_forgets_it() -> None:
    ear = only(Offer("acme", "whisper", "speech_to_text", input_modalities=["text"]))
    assert (ear["input_modalities"], ear["output_modalities"]) == (["audio", "text"], ["text"])
    voice = only(Offer("acme", "tts", "text_to_speech", output_modalities=["text"]))
    assert "audio" in voice["output_modalities"]


def test_names_tags_and_descriptions_are_made_of_the_facts() -> None:
    row = only(
        text_offer(
            "groq", "org/llama-3.3-70b", context_window=200_000, open_weights=True, capabilities=["function_calling"]
        )
    )
    assert row["name"] == "llama-3.3-70b"
    assert row["tags"] == ["open-weights", "long-context", "tools"]
    assert row["description"] == (
        "llama-3.3-70b by meta, served by groq: text generation, 200,000 tokens of context, open weights, tools."
    )


# --- Price tiers ------------------------------------------------------------------------------------------------------


def test_tiers_are_fifths_of_the_models_of_one_task_type() -> None:
    stated = [text_offer("acme", f"m-{i}", price=1 + i) for i in range(10)] + [embedding(2)]
    facts = facts_of(offers("litellm", *stated))
    tiers = [model(facts, f"acme/m-{i}")["price_tier"] for i in range(10)]
    assert tiers == [tier for tier in PRICE_TIERS for _ in range(2)]
    assert model(facts, "acme/embed")["price_tier"] in PRICE_TIERS


@settings(max_examples=20, deadline=None)
@given(st.lists(st.decimals("0.5", 20, places=2), min_size=2, max_size=15, unique=True))
def test_a_dearer_model_is_never_in_a_lower_tier(prices: list[Decimal]) -> None:
    stated = [text_offer("acme", f"m{chr(97 + i)}", price=price) for i, price in enumerate(sorted(prices))]
    facts = facts_of(offers("litellm", *stated))
    tiers = [PRICE_TIERS.index(model(facts, f"acme/{o.upstream_model}")["price_tier"]) for o in stated]
    assert tiers == sorted(tiers)


def test_a_model_without_a_believed_price_has_no_tier() -> None:
    facts = facts_of(offers("litellm", text_offer(price=None), *market("100000")))
    assert model(facts, "acme/m-1")["price_tier"] is None
    assert model(facts, "wrong/llama-3.3-70b")["price_tier"] is None


# --- Prices that are not believed -------------------------------------------------------------------------------------


def market(price: str, *, others: int = 3, provider: str = "wrong") -> list[Offer]:
    """One model at `others` providers for a dollar and at one more for `price`."""
    usual = [text_offer(f"cloud-{i}", "llama-3.3-70b", price=1) for i in range(others)]
    return [*usual, text_offer(provider, "llama-3.3-70b", price=price)]


def doubts(facts: Facts) -> dict[str, str]:
    return {found["id"]: found["price_doubt"] for found in facts.report["doubted_prices"]}


@pytest.mark.parametrize(
    ("price", "doubt"),
    [
        ("0.09", "far cheaper than the same model elsewhere"),
        ("0.11", None),
        ("9", None),
        ("11", "far dearer than the same model elsewhere"),
        ("0.001", "far cheaper than any such model"),
        ("100000", "far dearer than any such model"),
    ],
)
def test_a_price_far_off_what_the_model_costs_elsewhere_is_doubted_and_reported(price: str, doubt: str | None) -> None:
    facts = facts_of(offers("litellm", *market(price)))
    row = model(facts, "wrong/llama-3.3-70b")
    assert doubts(facts) == ({} if doubt is None else {"wrong/llama-3.3-70b": doubt})
    expected = ("standard", None) if doubt is None else ("long_tail", "its price is not believed")
    assert (row["visibility"], row["long_tail_because"]) == expected
    assert row["input_per_million_tokens"] == Decimal(price)  # what was stated is kept


def test_the_doubted_price_is_reported_beside_the_usual_one() -> None:
    (found,) = facts_of(offers("litellm", *market("100000"))).report["doubted_prices"]
    # A thousand tokens in at a dollar a million, and five hundred out at four.
    assert (found["price_feed"], found["typical_cost"], found["usual_cost"]) == ("litellm", 300, 0.003)


def test_mistakes_do_not_outvote_the_honest_price() -> None:
    """As with Whisper: most of its endpoints state the price of a second as that of a million tokens."""
    others = [text_offer("acme", f"{name}-1", price=1) for name in ("olive", "maple", "cedar", "birch", "aspen")]
    wrong = [*market("0.001", others=0, provider="a"), *market("0.001", others=0, provider="b")]
    facts = facts_of(offers("litellm", *others, *wrong, *market("1", others=0, provider="honest")))
    assert doubts(facts) == dict.fromkeys(["a/llama-3.3-70b", "b/llama-3.3-70b"], "far cheaper than any such model")


def test_of_two_endpoints_the_makers_own_price_is_believed() -> None:
    facts = facts_of(
        offers("litellm", text_offer("mistral", "mistral-large-3", 1), text_offer("shop", "mistral-large-3", 60))
    )
    assert doubts(facts) == {}
    facts = facts_of(
        offers("litellm", text_offer("mistral", "mistral-large-3", 60), text_offer("shop", "mistral-large-3", 1))
    )
    assert set(doubts(facts)) == {"shop/mistral-large-3"}


def test_a_text_price_that_is_free_in_one_direction_is_doubted() -> None:
    rate = {"input_per_million_tokens": Decimal(0), "output_per_million_tokens": Decimal(1)}
    row = only(Offer("perplexity", "pplx-7b-online", "text_generation", prices=rate))
    assert row["long_tail_because"] == "its price is not believed"
    assert only(embedding("0.1"))["long_tail_because"] is None  # embeddings have no output to bill


def test_a_model_that_says_it_is_free_is_believed_and_only_reached_by_its_id() -> None:
    free = text_offer("openrouter", "llama-3.3-70b:free", 0)
    row = only(free, *market("1"))
    assert (row["price_tier"], "free" in row["tags"]) == ("economy", True)
    assert row["long_tail_because"] == "a free trial with a daily cap"


def test_other_tasks_are_held_to_a_hundred_times_their_median() -> None:
    usual = [embedding("0.1", f"cloud-{i}", f"embed-{'abc'[i]}") for i in range(3)]
    assert only(embedding(70), *usual)["long_tail_because"] == "its price is not believed"
    assert only(embedding(5), *usual)["long_tail_because"] is None


# --- Visibility -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offer", "because"),
    [
        (text_offer(deprecated=True), "retired by its provider"),
        (text_offer(price=None), "no price for what it does"),
        (Offer("acme", "m", "text_generation", prices={"price_per_search": Decimal(1)}), "no price for what it does"),
        (text_offer("amazon-bedrock", "eu.anthropic.claude-haiku-4-5-v1:0"), "a copy for one region"),
        (text_offer("azure", "eu/gpt-4o"), "a copy for one region"),
        (text_offer("amazon-bedrock", "us-gov-west-1/anthropic.claude-v2"), "a copy for one region"),
        (
            Offer("tavily", "search", "web_search", prices={"price_per_search": Decimal(1)}),
            "a search index without a model",
        ),
        (text_offer("openrouter", "openrouter/auto"), "routes to other models"),
        (text_offer("azure", "model-router"), "routes to other models"),
        (text_offer("openai", "gpt-5-pro", interface="responses"), "not served as chat"),
        (text_offer("openai", "davinci-002", interface="completions"), "not served as chat"),
        (text_offer("openai", "gpt-realtime-2"), "spoken to in a live session"),
        (
            Offer("openai", "gpt-realtime-whisper", "speech_to_text", prices={"price_per_second": Decimal(1)}),
            "spoken to in a live session",
        ),
        (text_offer("groq", "meta-llama/llama-guard-4-12b"), "built for one special job"),
        (text_offer("openai", "omni-moderation-latest"), "built for one special job"),
        (text_offer("novita-ai", "deepseek/deepseek-ocr-2"), "built for one special job"),
        (text_offer("deepinfra", "allenai/olmOCR-7B"), "built for one special job"),
        (text_offer("alibaba", "qwen-mt-plus"), "built for one special job"),
        (text_offer("openai", "gpt-4o-audio-preview"), "built for one special job"),
        (text_offer("perplexity", "sonar-deep-research"), "built for one special job"),
        (text_offer("fireworks-ai", "deepseek-coder-7b-base"), "built for one special job"),
        (
            Offer("stability", "remove-background", "image_generation", prices={"price_per_image": Decimal(1)}),
            "edits only",
        ),
        (
            Offer("bfl", "flux-pro-1.0-fill", "image_generation", prices={"price_per_image": Decimal(1)}),
            "edits only",
        ),
    ],
)
def test_what_nobody_should_be_routed_to_is_in_the_long_tail_with_a_reason(offer: Offer, because: str) -> None:
    row = only(offer)
    assert (row["visibility"], row["long_tail_because"]) == ("long_tail", because)


@pytest.mark.parametrize(
    "offer",
    [
        text_offer("openai", "gpt-4o", interface="chat"),
        text_offer("openrouter", "openai/gpt-4o"),
        text_offer("google", "gemini-2.5-flash-lite"),
        text_offer("deepseek", "deepseek-chat"),
        text_offer("acme", "olive-7b"),
        text_offer("nano-gpt", "nvidia/nemotron-3-nano-omni"),
        text_offer("openai", "gpt-4o-search-preview"),
        Offer("deepgram", "whisper-base", "speech_to_text", prices={"price_per_second": Decimal(1)}),
        Offer("bfl", "flux-kontext-pro", "image_generation", prices={"price_per_image": Decimal(1)}),
        Offer("openai", "tts-1", "text_to_speech", prices={"price_per_million_characters": Decimal(15)}),
    ],
)
def test_ordinary_models_are_routed_to(offer: Offer) -> None:
    row = only(offer)
    assert (row["visibility"], row["long_tail_because"]) == ("standard", None)


def test_a_makers_own_endpoint_of_a_model_in_the_upper_quarter_of_a_board_is_featured() -> None:
    names = [f"claude-opus-4-{n}" for n in range(1, 6)]
    own = [text_offer("anthropic", name) for name in names]
    facts = facts_of(
        offers("litellm", *own, text_offer("shop", names[-1])), [score(n, 1000 + i) for i, n in enumerate(names)]
    )
    featured = {row["id"] for row in facts.models.to_dicts() if row["visibility"] == "featured"}
    assert featured == {f"anthropic/{name}" for name in names[-2:]}


def test_the_report_counts_why_models_are_not_routed_to() -> None:
    report = facts_of(offers("litellm", text_offer(), text_offer("b", price=None), text_offer("c", price=None))).report
    assert report["long_tail_by_reason"] == {"no price for what it does": 2}
    assert (report["models"], report["routable"]) == (3, 1)
