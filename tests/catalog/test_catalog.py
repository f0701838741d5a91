"""A catalog in memory: finding models, the arrays that ranking reads, configured models; and importing newer feeds."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greatrouter_catalog import facts as catalog_facts
from greatrouter_catalog import snapshot
from greatrouter_catalog.arrays import ModelArrays, mask
from greatrouter_catalog.catalog import Catalog, with_models
from greatrouter_catalog.errors import FeedError, ImportFailed
from greatrouter_catalog.facts import Facts, update
from greatrouter_catalog.model import Model
from greatrouter_catalog.offer import Offer
from greatrouter_catalog.pricing import PRICE_FIELDS, Pricing
from greatrouter_catalog.taxonomy import CAPABILITIES, MODALITIES, PRICE_TIERS, TASK_TYPES, TASKS
from tests.catalog.examples import READ_ON, TODAY, facts_of, model, offers, score, source, text_offer

LATER = date(2026, 9, 10)
WRITES = "cache_write_input_per_million_tokens"


def catalog_of(facts: Facts, *extra: Model) -> Catalog:
    return Catalog(with_models(facts.models, extra), facts.scores, "v", facts.report)


def configured(model_id: str = "lab/small", provider: str = "lab", **fields: Any) -> Model:
    own = Model(
        id=model_id,
        provider=provider,
        upstream_model="small",
        task_type="text_generation",
        category="llm",
        tasks=("text", "code"),
        name=model_id,
        canonical="small",
        family="llm/lab--small",
        pricing=Pricing(input_per_million_tokens=Decimal("0.1"), output_per_million_tokens=Decimal("0.2")),
    )
    return replace(own, **fields)


# --- Finding ----------------------------------------------------------------------------------------------------------


def test_a_model_is_found_by_its_id_and_else_by_an_alias() -> None:
    catalog = catalog_of(
        facts_of(offers("litellm", text_offer("openai", "gpt-4o", aliases=["gpt-4o"]), text_offer("b")))
    )
    (row,) = catalog.find("openai/gpt-4o")
    assert catalog.model(row).id == catalog.ids[row] == "openai/gpt-4o"
    assert catalog.find("gpt-4o") == [row]
    assert catalog.find("gpt-5") == catalog.find("") == []


def test_an_id_comes_before_the_same_word_as_an_alias() -> None:
    catalog = catalog_of(facts_of(offers("litellm", text_offer("a", "x", aliases=["b/y"]), text_offer("b", "y"))))
    assert [catalog.ids[row] for row in catalog.find("b/y")] == ["b/y"]


def test_every_endpoint_of_an_id_is_found_and_the_catalogs_come_first() -> None:
    own = configured("acme/m-1", provider="mirror")
    catalog = catalog_of(facts_of(offers("litellm", text_offer())), own)
    assert [catalog.model(row).provider for row in catalog.find("acme/m-1")] == ["acme", "mirror"]


def test_scores_are_those_of_the_model_whoever_serves_it() -> None:
    facts = facts_of(
        offers("litellm", text_offer("a", "org/claude-opus-4-1"), text_offer("b", "claude-opus-4.1")),
        [score("claude-opus-4-1", 1400), score("claude-opus-4-1", 70, "aider-edit", "code"), score("gpt-9", 1)],
    )
    catalog = catalog_of(facts)
    assert {m.canonical for m in catalog} == {"claude-opus-4-1"}
    found = {(s.board, s.task, s.value, s.source, s.observed_on) for s in catalog.scores_of("claude-opus-4-1")}
    assert found == {
        ("arena-text", "text", 1400.0, "a board", READ_ON),
        ("aider-edit", "code", 70.0, "a board", READ_ON),
    }
    assert catalog.scores_of("gpt-9") == []


# --- Rows, models and arrays say the same -----------------------------------------------------------------------------

words = st.sampled_from(["alpha", "beta", "Gamma-7b", "org/delta", "ünïcode"])
any_model = st.builds(
    Offer,
    provider=st.sampled_from(["acme", "groq", "openrouter"]),
    upstream_model=words,
    task_type=st.sampled_from(list(TASK_TYPES)),
    name=st.none() | words,
    capabilities=st.lists(st.sampled_from(CAPABILITIES), max_size=4),
    input_modalities=st.lists(st.sampled_from(MODALITIES), max_size=3),
    output_modalities=st.lists(st.sampled_from(MODALITIES), max_size=3),
    context_window=st.none() | st.integers(1, 10**8),
    max_output_tokens=st.none() | st.integers(1, 10**8),
    open_weights=st.none() | st.booleans(),
    deprecated=st.none() | st.booleans(),
    released_on=st.none() | st.dates(date(2020, 1, 1), READ_ON),
    aliases=st.lists(words, max_size=2),
    prices=st.fixed_dictionaries({}, optional=dict.fromkeys(PRICE_FIELDS, st.decimals(0, 10**6, places=12))),
)
catalogs = st.lists(any_model, min_size=1, max_size=6).map(lambda found: facts_of(offers("litellm", *found)))


@settings(max_examples=40, deadline=None)
@given(catalogs)
def test_models_hold_exactly_what_the_table_says(facts: Facts) -> None:
    for found, row in zip(catalog_of(facts), facts.models.to_dicts(), strict=True):
        for name, value in row.items():
            own = getattr(found.pricing if name in PRICE_FIELDS else found, name)
            assert own == (tuple(value) if isinstance(value, list) else value), name


def bits(value: int, vocabulary: tuple[str, ...]) -> set[str]:
    return {name for i, name in enumerate(vocabulary) if int(value) >> i & 1}


@settings(max_examples=40, deadline=None)
@given(catalogs, st.sampled_from([[], [configured()], [configured(pricing=Pricing())]]))
def test_arrays_agree_with_the_models_row_by_row(facts: Facts, extra: list[Model]) -> None:
    catalog = catalog_of(facts, *extra)
    arrays = catalog.arrays
    assert {len(getattr(arrays, name)) for name in ModelArrays.__slots__[:12]} == {len(catalog)}
    for row, found in enumerate(catalog):
        assert arrays.price[row].tolist() == [float(rate) for rate in found.pricing.rates()]
        assert bits(arrays.tasks[row], TASKS) == set(found.tasks)
        assert bits(arrays.capabilities[row], CAPABILITIES) == set(found.capabilities)
        assert bits(arrays.inputs[row], MODALITIES) == set(found.input_modalities)
        assert bits(arrays.outputs[row], MODALITIES) == set(found.output_modalities)
        assert arrays.context[row] == (found.context_window or 0)
        assert arrays.max_output[row] == (found.max_output_tokens or 0)
        assert arrays.tier[row] == (PRICE_TIERS.index(found.price_tier) if found.price_tier else -1)
        assert arrays.routable[row] == found.routable
        assert arrays.providers[arrays.provider[row]] == found.provider
        assert arrays.canonicals[arrays.canonical[row]] == found.canonical
        assert arrays.families[arrays.family[row]] == found.family
    for names in (arrays.providers, arrays.canonicals, arrays.families):
        assert list(names) == sorted(set(names))


def test_arrays_have_the_types_that_ranking_computes_with() -> None:
    arrays = catalog_of(facts_of(offers("litellm", text_offer()))).arrays
    assert arrays.price.shape == (1, len(PRICE_FIELDS))
    assert arrays.price.flags.c_contiguous
    expected = {
        "price": np.float64, "tasks": np.uint16, "capabilities": np.uint32, "inputs": np.uint8, "outputs": np.uint8,
        "context": np.int64, "max_output": np.int64, "tier": np.int8, "routable": np.bool_, "provider": np.int32,
    }  # fmt: skip
    assert {name: getattr(arrays, name).dtype for name in expected} == expected
    assert len(TASKS) <= 16
    assert len(CAPABILITIES) <= 32
    assert len(MODALITIES) <= 8


@given(st.lists(st.sampled_from((*CAPABILITIES, "unheard-of"))))
def test_a_mask_is_a_set_of_the_known_words(names: list[str]) -> None:
    assert bits(mask(names, CAPABILITIES), CAPABILITIES) == set(names) - {"unheard-of"}


# --- Configured models ------------------------------------------------------------------------------------------------


def test_a_configured_model_is_a_row_like_any_other() -> None:
    own = configured(hosted=True, capabilities=("vision",), tags=("local",), visibility="featured")
    catalog = catalog_of(facts_of(offers("litellm", text_offer())), own)
    (row,) = catalog.find("lab/small")
    assert row == 1
    assert catalog.model(row) == replace(own, price_tier="flagship")  # as dear as the only other, or dearer
    assert not catalog.model(0).hosted
    assert catalog.arrays.routable[row]


def test_a_configured_price_stands_in_for_the_catalogs_and_the_rest_is_kept() -> None:
    known = text_offer("openai", "gpt-4o", 5, context_window=128_000, capabilities=["vision"], aliases=["gpt-4o"])
    own = configured("openai/gpt-4o", "openai", upstream_model="my-deployment", capabilities=("reasoning",))
    catalog = catalog_of(facts_of(offers("litellm", known, text_offer("z", deprecated=True))), own)
    assert len(catalog) == 2
    (row,) = catalog.find("openai/gpt-4o")
    assert catalog.find("gpt-4o") == [row]
    found = catalog.model(row)
    assert (found.pricing, found.upstream_model) == (own.pricing, "my-deployment")
    assert (found.context_window, found.canonical, found.creator) == (128_000, "gpt-4o", "openai")
    assert {"vision", "reasoning"} <= set(found.capabilities)
    assert found.routable


def test_a_configured_model_of_the_long_tail_is_routed_to() -> None:
    known = text_offer("openai", "gpt-5-pro", interface="responses")
    assert not catalog_of(facts_of(offers("litellm", known))).arrays.routable[0]
    catalog = catalog_of(facts_of(offers("litellm", known)), configured("openai/gpt-5-pro", "openai"))
    assert catalog.arrays.routable.tolist() == [True]


# --- Importing newer feeds --------------------------------------------------------------------------------------------


@pytest.fixture
def known() -> Facts:
    stated = pl.concat(
        [
            offers("litellm", text_offer("openai", "gpt-4o", 5), text_offer("acme", "claude-opus-4-1", 1)),
            offers("modelsdev", text_offer("openai", "gpt-4o", 6, context_window=128_000), text_offer("old", "m")),
        ]
    )
    return facts_of(stated, [score("gpt-4o", 1300), score("claude-opus-4-1", 1200)])


def test_a_changed_price_gets_a_line_in_the_history_and_counts_from_then_on(known: Facts) -> None:
    newer = offers("litellm", text_offer("openai", "gpt-4o", 4), observed_on=LATER)
    after = update(known, newer, [source("litellm", LATER)], LATER)
    lines = after.prices.filter(pl.col("id") == "openai/gpt-4o")
    assert lines["valid_from"].to_list() == [READ_ON, LATER]
    assert lines["input_per_million_tokens"].to_list() == [5, 4]
    row = model(after, "openai/gpt-4o")
    assert (row["input_per_million_tokens"], row["valid_from"], row["observed_on"]) == (4, LATER, LATER)


def test_an_unchanged_price_gets_no_line_but_is_known_to_hold_longer(known: Facts) -> None:
    newer = offers("litellm", text_offer("openai", "gpt-4o", 5), observed_on=LATER)
    after = update(known, newer, [source("litellm", LATER)], LATER)
    assert after.prices.equals(known.prices)
    row = model(after, "openai/gpt-4o")
    assert (row["valid_from"], row["observed_on"]) == (READ_ON, LATER)


def test_an_older_file_changes_no_price(known: Facts) -> None:
    older = offers("litellm", text_offer("openai", "gpt-4o", 9), observed_on=date(2026, 1, 1))
    after = update(known, older, [source()], LATER)
    assert model(after, "openai/gpt-4o")["input_per_million_tokens"] == 5


def test_the_same_file_read_again_with_another_price_is_the_newer_word(known: Facts) -> None:
    again = update(known, offers("litellm", text_offer("openai", "gpt-4o", 3)), [source()], TODAY)
    assert model(again, "openai/gpt-4o")["input_per_million_tokens"] == 3


def prices(facts: Facts, model_id: str = "openai/gpt-4o") -> list[tuple[Any, ...]]:
    """The lines of a model's history, in its order: from which day, recorded at which hour, at which rate."""
    lines = facts.prices.filter(pl.col("id") == model_id)
    return lines.select("valid_from", pl.col("recorded_at").dt.hour(), "input_per_million_tokens").rows()


def test_of_two_imports_of_one_day_both_prices_stay_in_the_history(known: Facts) -> None:
    now = known
    for hour, rate in ((9, 4), (12, 4), (15, 3), (18, 4)):
        newer = offers("litellm", text_offer("openai", "gpt-4o", rate), observed_on=LATER)
        moment = datetime(2026, 9, 10, hour, tzinfo=UTC)
        now = update(now, newer, [source("litellm", LATER)], LATER, moment)
        assert model(now, "openai/gpt-4o")["input_per_million_tokens"] == rate
    assert prices(now) == [(READ_ON, 0, 5), (LATER, 9, 4), (LATER, 15, 3), (LATER, 18, 4)]


AHEAD = date(2026, 10, 1)
ANNOUNCED = offers("genai-prices", text_offer("openai", "gpt-4o", 2, valid_from=AHEAD), observed_on=READ_ON)


def test_a_price_that_is_announced_begins_on_its_day_without_a_new_build(known: Facts, tmp_path: Path) -> None:
    facts = update(known, ANNOUNCED, [source("genai-prices")], LATER)
    path = snapshot.write(facts, tmp_path)

    def at(day: date) -> Model:
        catalog = Catalog.open(path, today=day, markup=Decimal(1))
        [row] = catalog.find("openai/gpt-4o")
        assert catalog.arrays.price[row, 0] == float(catalog.model(row).pricing.input_per_million_tokens or 0)
        return catalog.model(row)

    before, since, long_since = (at(day) for day in (AHEAD - timedelta(days=1), AHEAD, AHEAD + timedelta(days=300)))
    assert (before.pricing.input_per_million_tokens, before.price_feed, before.valid_from) == (10, "litellm", READ_ON)
    for begun in (since, long_since):
        assert begun.pricing == Pricing(input_per_million_tokens=Decimal(4), output_per_million_tokens=Decimal(16))
        assert (begun.price_feed, begun.valid_from, begun.observed_on) == ("genai-prices", AHEAD, AHEAD)
    others = [model for model in Catalog.open(path, today=AHEAD) if model.id != "openai/gpt-4o"]
    assert others == [model for model in Catalog.open(path, today=LATER) if model.id != "openai/gpt-4o"]


def test_an_operators_own_price_stands_whatever_is_announced(known: Facts, tmp_path: Path) -> None:
    path = snapshot.write(update(known, ANNOUNCED, [source("genai-prices")], LATER), tmp_path)
    own = configured("openai/gpt-4o", "openai")
    catalog = Catalog.open(path, [own], today=AHEAD)
    assert [catalog.model(row).pricing for row in catalog.find(own.id)] == [own.pricing]


def test_a_price_that_has_begun_meanwhile_is_what_the_next_build_goes_on_from(known: Facts) -> None:
    facts = update(known, ANNOUNCED, [source("genai-prices")], LATER)
    other = offers("litellm", text_offer("b"), observed_on=AHEAD)
    row = model(update(facts, other, [source("litellm", AHEAD)], AHEAD), "openai/gpt-4o")
    assert (row["input_per_million_tokens"], row["price_feed"], row["valid_from"]) == (2, "genai-prices", AHEAD)


def test_what_is_announced_no_longer_does_not_begin(known: Facts, tmp_path: Path) -> None:
    facts = update(known, ANNOUNCED, [source("genai-prices")], LATER)
    withdrawn = offers("genai-prices", text_offer("openai", "gpt-4o", 5), observed_on=LATER)
    facts = update(facts, withdrawn, [source("genai-prices", LATER)], LATER)
    catalog = Catalog.open(snapshot.write(facts, tmp_path), today=AHEAD)
    assert catalog.model(catalog.find("openai/gpt-4o")[0]).pricing.input_per_million_tokens == 5
    postponed = offers("genai-prices", text_offer("openai", "gpt-4o", 2, valid_from=AHEAD + timedelta(days=30)))
    facts = update(update(known, ANNOUNCED, [source("genai-prices")], LATER), postponed, [source()], LATER)
    assert [day for day, _, _ in prices(facts)] == [READ_ON, AHEAD + timedelta(days=30)]


def test_what_was_checked_by_hand_outlasts_what_a_feed_announces(known: Facts) -> None:
    checked = offers("supplement", text_offer("openai", "gpt-4o", 7), observed_on=LATER)
    facts = update(known, checked, [source("supplement", LATER)], LATER)
    facts = update(facts, ANNOUNCED, [source("genai-prices")], LATER)
    assert [day for day, _, _ in prices(facts)] == [READ_ON, LATER]


def test_anthropics_rule_prices_what_is_written_to_its_cache_where_no_feed_does() -> None:
    claude, other = text_offer("anthropic", "claude-x", 4), text_offer("acme", "claude-x", 4)
    stated = replace(text_offer("anthropic", "claude-y", 4), prices=claude.prices | {WRITES: Decimal(6)})
    catalog = catalog_of(facts_of(offers("litellm", claude, other, stated)))
    rates = {found.id: found.pricing.rate(WRITES) for found in catalog}
    assert rates == {"anthropic/claude-x": 5, "acme/claude-x": 4, "anthropic/claude-y": 6}


def test_new_models_are_added_and_what_is_not_mentioned_stays(known: Facts) -> None:
    newer = offers("litellm", text_offer("openai", "gpt-6", 7), observed_on=LATER)
    after = update(known, newer, [source("litellm", LATER)], LATER)
    assert set(after.models["id"]) == {*known.models["id"], "openai/gpt-6"}
    for model_id in known.models["id"]:
        kept, was = model(after, model_id), model(known, model_id)
        assert {name for name in was if kept[name] != was[name]} <= {"price_tier"}  # a fifth of one more model
    assert after.scores.equals(known.scores)
    assert after.conflicts.equals(known.conflicts)


def test_what_earlier_feeds_said_of_a_model_is_kept_beside_the_newer_one(known: Facts) -> None:
    newer = offers("litellm", text_offer("openai", "gpt-4o", 4, capabilities=["reasoning"]), observed_on=LATER)
    row = model(update(known, newer, [source("litellm", LATER)], LATER), "openai/gpt-4o")
    assert (row["context_window"], row["sources"]) == (128_000, ["litellm", "modelsdev"])
    assert "reasoning" in row["capabilities"]


def test_the_report_keeps_every_source_and_replaces_the_one_read_again(known: Facts) -> None:
    newer = offers("litellm", text_offer("openai", "gpt-4o", 4), observed_on=LATER)
    report = update(known, newer, [source("litellm", LATER)], LATER).report
    found = {entry["feed"]: (entry["observed_on"], entry["offers"], entry["licence"]) for entry in report["sources"]}
    assert found == {"modelsdev": (READ_ON.isoformat(), 2, "MIT"), "litellm": (LATER.isoformat(), 1, "MIT")}
    assert report["boards"] == known.report["boards"]


def test_an_id_keeps_its_spelling_when_a_feed_changes_its_case(known: Facts) -> None:
    newer = offers("litellm", text_offer("openai", "GPT-4o", 4), observed_on=LATER)
    after = update(known, newer, [source("litellm", LATER)], LATER)
    assert model(after, "openai/gpt-4o")["input_per_million_tokens"] == 4
    assert len(after.models) == len(known.models)


def test_a_model_that_retires_meanwhile_is_no_longer_routed_to() -> None:
    facts = facts_of(offers("litellm", text_offer("a", "m", retired_on=LATER), text_offer("b", "m")))
    assert model(facts, "a/m")["visibility"] == "standard"
    newer = offers("litellm", text_offer("b", "m", 2), observed_on=LATER)
    assert model(update(facts, newer, [source()], LATER), "a/m")["long_tail_because"] == "retired by its provider"


@settings(max_examples=25, deadline=None)
@given(st.lists(any_model, min_size=1, max_size=6))
def test_importing_what_is_known_changes_nothing(found: list[Offer]) -> None:
    stated = offers("litellm", *found)
    facts = facts_of(stated)
    again = update(facts, stated, [source()], TODAY)
    for name in ("models", "prices", "scores", "conflicts"):
        assert getattr(again, name).equals(getattr(facts, name)), name
    assert again.report == facts.report


def test_offers_from_the_future_are_refused_as_a_whole(known: Facts) -> None:
    future = offers("litellm", text_offer("b"), observed_on=LATER)
    with pytest.raises(ImportFailed, match=r"dated 2026-09-10, after today \(2026-08-20\)"):
        update(known, future, [source()], TODAY)
    with pytest.raises(ImportFailed, match="after today"):
        facts_of(future)


# --- The folder of facts ----------------------------------------------------------------------------------------------


def test_facts_are_read_back_as_they_were_written(known: Facts, tmp_path: Path) -> None:
    catalog_facts.write(known, tmp_path / "facts")
    back = catalog_facts.load(tmp_path / "facts")
    for name in ("models", "prices", "scores", "conflicts"):
        assert getattr(back, name).equals(getattr(known, name)), name
    assert back.report == known.report
    assert len(list((tmp_path / "facts").iterdir())) == 5


@pytest.mark.parametrize(
    "name", ["models.parquet", "prices.parquet", "scores.parquet", "conflicts.parquet", "report.json"]
)
@pytest.mark.parametrize(
    "damage",
    [Path.unlink, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(path.read_bytes()[:-20])],
)
def test_damaged_facts_are_one_clear_error(
    known: Facts, tmp_path: Path, name: str, damage: Callable[[Path], object]
) -> None:
    catalog_facts.write(known, tmp_path)
    damage(tmp_path / name)
    with pytest.raises(FeedError, match=r"cannot be read .*reinstall the package"):
        catalog_facts.load(tmp_path)


def test_facts_of_another_version_are_refused(known: Facts, tmp_path: Path) -> None:
    catalog_facts.write(known, tmp_path)
    known.models.drop("family").write_parquet(tmp_path / "models.parquet")
    with pytest.raises(FeedError, match="another version"):
        catalog_facts.load(tmp_path)


def test_facts_that_cannot_be_written_are_one_clear_error(known: Facts, tmp_path: Path) -> None:
    (tmp_path / "report.json").mkdir()
    with pytest.raises(ImportFailed, match="cannot write the catalog facts"):
        catalog_facts.write(known, tmp_path)
    assert not list(tmp_path.glob(".writing-*"))
    with pytest.raises(ImportFailed, match="cannot write the catalog facts"):
        catalog_facts.write(known, Path("/dev/null/facts"))


def test_building_needs_at_least_one_feed(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match=r"no feed found in .*expected litellm\.json"):
        catalog_facts.build(tmp_path, [source()], [], TODAY)


MANIFEST = """[litellm]
file = "litellm.json"
observed_on = 2026-08-06
licence = "MIT"
url = "https://example.org/litellm.json"
"""


@pytest.mark.parametrize(
    "text",
    [
        "[litellm",
        "litellm = 3",
        "[litellm]\nfile = 'x'",
        MANIFEST + "more = 1",
        MANIFEST.replace("litellm]", "unheard-of]"),
        MANIFEST.replace("2026-08-06", '"2026-08-06"'),
    ],
)
def test_a_malformed_manifest_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "feeds.toml"
    path.write_text(MANIFEST)
    assert catalog_facts.manifest(path) == [source()]
    path.write_text(text)
    with pytest.raises(FeedError, match=r"feeds\.toml"):
        catalog_facts.manifest(path)
    with pytest.raises(FeedError, match="cannot read the feed manifest"):
        catalog_facts.manifest(tmp_path / "nowhere.toml")


def test_a_snapshot_opens_as_the_same_catalog(known: Facts, tmp_path: Path) -> None:
    opened = Catalog.open(snapshot.write(known, tmp_path), [configured()])
    built = catalog_of(known, configured())
    assert list(opened) == list(built)
    assert opened.scores.equals(built.scores)
    assert opened.report == built.report


def test_a_creators_name_for_a_model_finds_it_wherever_it_is_served() -> None:
    rows = [
        configured("openrouter/acme/m-1", "openrouter", upstream_model="acme/m-1", creator="acme"),
        configured("cloud/@x/acme/m-1", "cloud", upstream_model="@x/acme/m-1", creator="acme"),
        configured("cloud/m-1-mini", "cloud", upstream_model="m-1-mini", creator="acme"),
    ]
    catalog = catalog_of(facts_of(offers("litellm", text_offer("b", "y"))), *rows)
    assert [catalog.model(row).provider for row in catalog.find("acme/m-1")] == ["openrouter", "cloud"]
    assert catalog.find("other/m-1") == []
