"""The rule by which many feeds become one row per provider-model: each sentence of it, and what always holds."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greatrouter_catalog.merge import FEED_ORDER, Merged, merge
from greatrouter_catalog.offer import Offer
from greatrouter_catalog.pricing import PRICE_FIELDS
from greatrouter_catalog.taxonomy import PRICED_BY, TASK_TYPES
from tests.catalog.examples import READ_ON, TODAY, offers, rates, text_offer

BEFORE, AFTER = READ_ON - timedelta(days=10), READ_ON + timedelta(days=10)


def merged(*tables: pl.DataFrame, today: date = TODAY) -> Merged:
    return merge(pl.concat(tables), today)


def only(result: Merged) -> dict[str, Any]:
    (row,) = result.models.to_dicts()
    return row


def input_rate(result: Merged) -> Any:
    return only(result)["input_per_million_tokens"]


# --- 1. What belongs together -----------------------------------------------------------------------------------------


def test_offers_of_one_provider_and_model_are_one_row_whatever_their_case() -> None:
    result = merged(
        offers("litellm", text_offer("acme", "Org/M-1")), offers("modelsdev", text_offer("acme", "org/m-1"))
    )
    assert only(result)["id"] == "acme/Org/M-1"
    assert only(result)["sources"] == ["litellm", "modelsdev"]


def test_another_provider_or_another_id_is_another_row() -> None:
    result = merged(offers("litellm", text_offer("a", "m"), text_offer("b", "m"), text_offer("a", "m-2")))
    assert result.models["id"].to_list() == ["a/m", "a/m-2", "b/m"]


# --- 2. Dates ---------------------------------------------------------------------------------------------------------


def test_of_dated_prices_the_latest_that_holds_counts_and_all_are_kept() -> None:
    prices = {date(2025, 1, 1): 10, date(2026, 6, 1): 2, date(2026, 9, 1): 3}
    stated = offers("genai-prices", *(text_offer(price=price, valid_from=day) for day, price in prices.items()))
    for today, expected in ((TODAY, 2), (date(2026, 9, 1), 3), (date(2026, 12, 1), 3)):
        result = merged(stated, today=today)
        assert input_rate(result) == expected
        assert only(result)["valid_from"] == max(day for day in prices if day <= today)
        assert result.prices["valid_from"].to_list() == list(prices)


def test_a_price_announced_by_an_older_feed_counts_from_its_day_on() -> None:
    announced = offers("genai-prices", text_offer(price=3, valid_from=AFTER), observed_on=BEFORE)
    read_since = offers("litellm", text_offer(price=2))
    assert input_rate(merged(announced, read_since, today=AFTER - timedelta(days=1))) == 2
    assert input_rate(merged(announced, read_since, today=AFTER)) == 3


def test_a_model_that_begins_in_the_future_is_not_yet_in_the_catalog() -> None:
    result = merged(
        offers("genai-prices", text_offer(valid_from=AFTER)), offers("litellm", text_offer("b")), today=READ_ON
    )
    assert result.models["id"].to_list() == ["b/m-1"]


# --- 3. The order -----------------------------------------------------------------------------------------------------


def test_the_feed_read_last_wins() -> None:
    for late, early in (("litellm", "modelsdev"), ("modelsdev", "litellm"), ("genai-prices", "litellm")):
        result = merged(offers(early, text_offer(price=1)), offers(late, text_offer(price=2), observed_on=AFTER))
        assert (input_rate(result), only(result)["price_feed"]) == (2, late)
        assert only(result)["observed_on"] == AFTER


def test_on_the_same_day_the_order_of_feeds_decides() -> None:
    for i, feed in enumerate(FEED_ORDER):
        rest = [offers(other, text_offer(price=9)) for other in FEED_ORDER[i + 1 :]]
        assert input_rate(merged(*rest, offers(feed, text_offer(price=5)))) == 5


def test_facts_checked_by_hand_win_over_any_later_feed() -> None:
    checked = offers("supplement", text_offer(price=5), observed_on=BEFORE)
    assert input_rate(merged(offers("litellm", text_offer(price=1)), checked)) == 5


def test_a_providers_own_list_wins_over_later_collections_but_only_for_that_provider() -> None:
    own = offers("openrouter", text_offer("openrouter", price=5), text_offer("acme", price=5), observed_on=BEFORE)
    copied = offers("litellm", text_offer("openrouter", price=1), text_offer("acme", price=1))
    found = {row["provider"]: row["price_feed"] for row in merged(own, copied).models.to_dicts()}
    assert found == {"openrouter": "openrouter", "acme": "litellm"}


def test_of_one_feeds_repetitions_the_chat_endpoint_and_then_the_dearer_stands() -> None:
    repeated = [text_offer(price=1), text_offer(price=3), text_offer(price=2)]
    assert input_rate(merged(offers("litellm", *repeated))) == 3
    chat, completion = text_offer(price=1, interface="chat"), text_offer(price=2, interface="completions")
    assert only(merged(offers("litellm", completion, chat)))["interface"] == "chat"


# --- 4. and 5. Prices as one block ------------------------------------------------------------------------------------


def test_prices_are_one_block_from_one_offer_never_mixed() -> None:
    complete = Decimal(1)
    late = Offer(
        "acme",
        "m-1",
        "text_generation",
        prices={"input_per_million_tokens": complete, "output_per_million_tokens": complete},
    )
    early = Offer(
        "acme",
        "m-1",
        "text_generation",
        prices=dict.fromkeys(PRICE_FIELDS, Decimal(2)),
    )
    row = only(merged(offers("litellm", late), offers("modelsdev", early, observed_on=BEFORE)))
    assert rates(row) == {"input_per_million_tokens": 1, "output_per_million_tokens": 1}


def test_an_offer_without_a_price_leaves_the_price_to_the_next() -> None:
    result = merged(
        offers("litellm", text_offer(price=None)), offers("modelsdev", text_offer(price=2), observed_on=BEFORE)
    )
    assert (input_rate(result), only(result)["price_feed"], only(result)["observed_on"]) == (2, "modelsdev", BEFORE)


def test_an_offer_whose_price_the_task_cannot_be_costed_by_does_not_count_as_priced() -> None:
    searches_only = Offer("acme", "m-1", "text_generation", prices={"price_per_search": Decimal("0.01")})
    half = Offer("acme", "m-1", "text_generation", prices={"input_per_million_tokens": Decimal(1)})
    for partial in (searches_only, half):
        alone = only(merged(offers("litellm", partial)))
        assert (alone["priced"], rates(alone), alone["price_feed"]) == (False, {}, None)
        assert input_rate(merged(offers("litellm", partial), offers("genai-prices", text_offer(price=2)))) == 2


def test_the_first_offer_says_what_a_model_does_and_others_do_not_price_it() -> None:
    voice = Offer("openai", "gpt-4o-mini-tts", "text_to_speech", prices={"price_per_second": Decimal("0.00025")})
    silent = Offer("openai", "gpt-4o-mini-tts", "text_to_speech")
    text = text_offer("openai", "gpt-4o-mini-tts", price=3)
    for first, expected in ((voice, {"price_per_second": Decimal("0.00025")}), (silent, {})):
        row = only(merged(offers("litellm", first), offers("genai-prices", text)))
        assert (row["task_type"], rates(row)) == ("text_to_speech", expected)


@pytest.mark.parametrize("task_type", TASK_TYPES)
def test_every_group_of_prices_that_a_task_is_sold_by_prices_it(task_type: str) -> None:
    for group in PRICED_BY[task_type]:
        stated = Offer("acme", "m", task_type, prices=dict.fromkeys(group, Decimal("0.5")))
        assert only(merged(offers("litellm", stated)))["priced"]


# --- 6. Everything else -----------------------------------------------------------------------------------------------


def test_other_fields_come_from_the_first_that_states_them_and_lists_are_united() -> None:
    late = text_offer(name="Late", capabilities=["vision"], aliases=["late"], context_window=None)
    early = text_offer(
        name="Early",
        capabilities=["reasoning"],
        aliases=["early"],
        context_window=8192,
        open_weights=True,
        released_on=BEFORE,
        input_modalities=["image", "text"],
    )
    row = only(merged(offers("litellm", late), offers("modelsdev", early, observed_on=BEFORE)))
    assert (row["name"], row["context_window"], row["open_weights"], row["released_on"]) == ("Late", 8192, True, BEFORE)
    assert row["capabilities"] == ["coding", "reasoning", "text_generation", "vision"]
    assert row["aliases"] == ["early", "late"]
    assert row["input_modalities"] == ["image", "text"]  # the later feed does not say


# --- 7. Retirement ----------------------------------------------------------------------------------------------------


def test_a_model_retires_on_the_day_a_feed_announced() -> None:
    stated = offers("litellm", text_offer(retired_on=AFTER))
    assert not only(merged(stated, today=AFTER - timedelta(days=1)))["deprecated"]
    assert only(merged(stated, today=AFTER))["deprecated"]


def test_any_feed_can_say_that_a_model_is_retired() -> None:
    assert only(merged(offers("litellm", text_offer()), offers("modelsdev", text_offer(deprecated=True))))["deprecated"]


def test_what_the_providers_own_list_no_longer_names_is_retired_there() -> None:
    own = offers("openrouter", text_offer("openrouter", "a", deprecated=False))
    collection = offers(
        "genai-prices",
        *(text_offer("openrouter", name) for name in ("a", "gone")),
        text_offer("acme", "gone"),
        Offer("openrouter", "embed", "embeddings", prices={"input_per_million_tokens": Decimal(1)}),
    )
    retired = dict(merged(own, collection).models.select("id", "deprecated").iter_rows())
    # Embeddings are not in the list at all, so their absence says nothing.
    expected = {"openrouter/a": False, "openrouter/gone": True, "acme/gone": False, "openrouter/embed": False}
    assert retired == expected
    without_list = merged(collection).models
    assert not without_list["deprecated"].any()


# --- 8. Conflicts -----------------------------------------------------------------------------------------------------


def test_a_disagreement_of_more_than_one_percent_is_reported() -> None:
    chosen = offers("litellm", text_offer(price=1, context_window=100_000))
    other = offers("modelsdev", text_offer(price="1.02", context_window=200_000))
    close = offers("genai-prices", text_offer(price="1.009", context_window=100_500))
    conflicts = merged(chosen, other, close).conflicts.to_dicts()
    assert [(c["field"], c["chosen_value"], c["other_value"]) for c in conflicts] == [
        ("context_window", 100_000, 200_000),
        ("input_per_million_tokens", 1, 1.02),
        ("output_per_million_tokens", 4, 4.08),
    ]
    assert {(c["id"], c["chosen_feed"], c["other_feed"]) for c in conflicts} == {("acme/m-1", "litellm", "modelsdev")}


def test_the_context_window_of_a_conflict_is_credited_to_the_feed_that_states_it() -> None:
    chosen = offers("litellm", text_offer(context_window=None))
    second = offers("modelsdev", text_offer(context_window=1000))
    third = offers("genai-prices", text_offer(context_window=2000))
    (conflict,) = merged(chosen, second, third).conflicts.to_dicts()
    assert (conflict["chosen_feed"], conflict["other_feed"]) == ("modelsdev", "genai-prices")


def test_a_feeds_own_past_price_is_no_conflict() -> None:
    chosen = offers("litellm", text_offer(price=2))
    dated = offers("genai-prices", *(text_offer(price=p, valid_from=d) for p, d in ((10, BEFORE), (2, READ_ON))))
    assert merged(chosen, dated).conflicts.is_empty()


def test_a_price_for_another_task_is_no_conflict() -> None:
    voice = Offer("openai", "tts", "speech_to_text", prices={"input_per_million_tokens": Decimal(6)})
    assert merged(offers("litellm", voice), offers("genai-prices", text_offer("openai", "tts"))).conflicts.is_empty()


# --- 9. History -------------------------------------------------------------------------------------------------------


def test_history_has_a_line_for_each_change_and_only_of_the_feed_that_won() -> None:
    days = [date(2026, month, 1) for month in (1, 2, 3, 4)]
    stated = [text_offer(price=price, valid_from=day) for price, day in zip((1, 1, 2, 1), days, strict=True)]
    result = merged(offers("genai-prices", *stated), offers("modelsdev", text_offer(price=7), observed_on=BEFORE))
    assert result.prices.select("valid_from", "feed").rows() == [(days[i], "genai-prices") for i in (0, 2, 3)]
    assert result.prices["input_per_million_tokens"].to_list() == [1, 2, 1]
    assert only(result)["valid_from"] == days[3]


# --- What always holds ------------------------------------------------------------------------------------------------

days = st.sampled_from([BEFORE, READ_ON, AFTER])
rate = st.none() | st.decimals(min_value=0, max_value=1000, places=6)
any_offer = st.builds(
    Offer,
    provider=st.sampled_from(["openrouter", "acme"]),
    upstream_model=st.sampled_from(["m", "M", "org/m", "n:free"]),
    task_type=st.sampled_from(["text_generation", "embeddings", "image_generation"]),
    name=st.none() | st.sampled_from(["A", "B"]),
    interface=st.sampled_from([None, "chat", "responses"]),
    capabilities=st.lists(st.sampled_from(["vision", "reasoning"]), max_size=2),
    input_modalities=st.lists(st.sampled_from(["text", "image"]), max_size=2),
    context_window=st.none() | st.integers(1, 10**6),
    open_weights=st.none() | st.booleans(),
    deprecated=st.none() | st.booleans(),
    retired_on=st.none() | days,
    valid_from=st.none() | days,
    aliases=st.lists(st.sampled_from(["x", "y"]), max_size=2),
    prices=st.fixed_dictionaries({}, optional=dict.fromkeys(PRICE_FIELDS, rate)),
)
readings = st.lists(st.tuples(st.sampled_from(FEED_ORDER), days, any_offer), min_size=1, max_size=8)


def stated_by(reading: list[tuple[str, date, Offer]]) -> pl.DataFrame:
    return pl.concat([offers(feed, offer, observed_on=observed_on) for feed, observed_on, offer in reading])


def same(left: Merged, right: Merged) -> bool:
    return (
        left.models.equals(right.models) and left.prices.equals(right.prices) and left.conflicts.equals(right.conflicts)
    )


@settings(max_examples=60, deadline=None)
@given(readings.flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))))
def test_the_order_in_which_offers_arrive_does_not_matter(pair: tuple[list[Any], list[Any]]) -> None:
    found, shuffled = pair
    assert same(merge(stated_by(found), AFTER), merge(stated_by(shuffled), AFTER))


@settings(max_examples=60, deadline=None)
@given(readings)
def test_hearing_everything_twice_changes_nothing(found: list[Any]) -> None:
    assert same(merge(stated_by(found), AFTER), merge(stated_by(found + found), AFTER))


@settings(max_examples=60, deadline=None)
@given(readings)
def test_nothing_is_lost_and_nothing_invented(found: list[Any]) -> None:
    stated = stated_by(found)
    result = merge(stated, AFTER)
    models = {(row["provider"], row["key"]): row for row in result.models.to_dicts()}
    assert set(models) == {(row["provider"], row["upstream_model"].lower()) for row in stated.to_dicts()}
    assert result.models["id"].is_unique().all()
    blocks = {(row["provider"], row["upstream_model"].lower(), tuple(rates(row).items())) for row in stated.to_dicts()}
    for key, row in models.items():
        of_model = [o for o in stated.to_dicts() if (o["provider"], o["upstream_model"].lower()) == key]
        assert set(row["capabilities"]) == {name for o in of_model for name in o["capabilities"]}
        assert set(row["aliases"]) == {name for o in of_model for name in o["aliases"]}
        assert set(row["sources"]) == {o["feed"] for o in of_model}
        assert row["priced"] == (row["price_feed"] is not None) == bool(rates(row))
        if row["priced"]:
            assert (*key, tuple(rates(row).items())) in blocks
            current = result.prices.filter(pl.col("id") == row["id"], pl.col("valid_from") == row["valid_from"])
            assert [rates(line) for line in current.to_dicts()] == [rates(row)]
