"""Many feeds, one row per provider-model.

The rule, applied in this order:
1. Offers belong together when the provider's slug and the provider's own model id (ignoring case) are equal.
2. An offer dates from the day its feed was read, or from the day its price begins where that is later. An offer
   whose price begins after the day of the build does not count yet.
3. Offers stand in order: facts checked by hand (`supplement`) first, then what a provider's own list says of it
   (`OWN_LISTS`), then the latest date first. On the same date the order is `FEED_ORDER`, and a new word comes before
   what the catalog knew. Of one feed's dated prices the latest comes first; of its undated repetitions the chat
   endpoint, then the dearer one.
4. The first offer says what the model does. Offers that take it for another task type do not price it.
5. Prices are taken as one block, never mixed: from the first offer that states a price the task can be costed by
   (`PRICED_BY`).
6. Any other field comes from the first offer that states it; capabilities, aliases and sources are united.
7. A model is retired from the day a feed announced, and where the provider's own list no longer names it.
8. A price or context window that another feed states more than 1% apart is kept as a conflict and reported.
9. Every dated price of the feed whose price won is kept, once for each change, so that a past decision can be costed;
   so is one that any feed announces, where it will count. None is ever replaced: what two builds of one day state for
   the same day is two lines, told apart by the moment at which each was recorded. Only what a feed announced and no
   longer does is dropped.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import polars as pl

from greatrouter_catalog.pricing import PRICE_FIELDS
from greatrouter_catalog.tables import PRICE_COLUMNS
from greatrouter_catalog.taxonomy import PRICED_BY

# The collections by how often they are updated.
FEED_ORDER = ("supplement", "openrouter", "litellm", "modelsdev", "genai-prices")
# Feeds that are a provider's own answer, complete for every task type in them: feed -> provider.
OWN_LISTS = {"openrouter": "openrouter"}
TOLERANCE = 0.01
COMPARED = (
    "input_per_million_tokens",
    "output_per_million_tokens",
    "price_per_image",
    "price_per_second",
    "price_per_million_characters",
    "context_window",
)
UNITED = ("capabilities", "aliases", "sources")
KEY = ["provider", "key"]
# Working columns, not part of the result.
INTERNAL = ("feed", "authority", "rank", "known", "priced", "date", "observed_on", "valid_from", "tie")


@dataclass(frozen=True, slots=True)
class Merged:
    """`models` has one row per provider-model, `prices` every dated price, `conflicts` every disagreement."""

    models: pl.DataFrame
    prices: pl.DataFrame
    conflicts: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Known:
    """What the catalog knew before: its models as offers with their `sources`, and their dated prices."""

    offers: pl.DataFrame
    prices: pl.DataFrame


def merge(offers: pl.DataFrame, today: date, known: Known | None = None, recorded_at: datetime | None = None) -> Merged:
    """`recorded_at` is the moment of the build; the beginning of `today` by default."""
    new = offers.with_columns(known=pl.lit(value=False), sources=pl.concat_list("feed"))
    if known is not None:
        before = known.offers.with_columns(known=pl.lit(value=True)).select(new.columns)
        new = pl.concat([before, new])
    ordered = _ordered(new)
    current = ordered.filter(pl.col("valid_from") <= today)
    models = _with_retirement(_first_stated(current), today)
    moment = recorded_at or datetime.combine(today, time(), UTC)
    history = _history(ordered, models, known, today, moment)
    return Merged(_with_valid_from(models, history, today), history, _conflicts(current, models))


def _ordered(offers: pl.DataFrame) -> pl.DataFrame:
    """Rules 1 to 5: the offers of each model in their order, with `priced` where an offer may price it."""
    rank = {feed: i for i, feed in enumerate(FEED_ORDER)}
    rates = [f"{name}:order" for name in PRICE_FIELDS]

    def latest(name: str) -> pl.Expr:
        return -pl.col(name).dt.epoch("d")

    return (
        offers.with_columns(
            (-pl.col(name).cast(pl.Float64)).alias(order) for name, order in zip(PRICE_FIELDS, rates, strict=True)
        )
        .with_columns(
            key=pl.col("upstream_model").str.to_lowercase(),
            date=pl.max_horizontal("observed_on", "valid_from"),
            rank=pl.col("feed").replace_strict(rank, default=len(rank), return_dtype=pl.Int8),
            authority=_authority("feed"),
            endpoint=pl.col("interface").fill_null("chat"),
            tie=_everything(),
        )
        .sort(
            [
                *KEY,
                "authority",
                latest("date"),
                "rank",
                "feed",
                "known",
                latest("valid_from"),
                "endpoint",
                *rates,
                "tie",
            ],
            nulls_last=True,
        )
        .drop(*rates, "endpoint")
        .with_columns(priced=_priced() & (pl.col("task_type") == pl.col("task_type").first().over(KEY)))
    )


def _authority(feed: str) -> pl.Expr:
    """Of the feed in the column of that name: the lower, the weightier."""
    named = pl.col(feed)
    own = pl.any_horizontal((named == own) & (pl.col("provider") == name) for own, name in OWN_LISTS.items())
    return pl.when(named == "supplement").then(0).when(own).then(1).otherwise(2)


def _everything() -> pl.Expr:
    """All else an offer says, as text: the last resort that makes the order of two offers certain."""
    plain = ("upstream_model", "name", "task_type", "context_window", "max_output_tokens", "open_weights")
    dated = ("deprecated", "retired_on", "released_on")
    lists = ("input_modalities", "output_modalities", "capabilities", "aliases")
    parts = [pl.col(name).cast(pl.String) for name in (*plain, *dated)] + [
        pl.col(name).list.join(",") for name in lists
    ]
    return pl.concat_str([part.fill_null("") for part in parts], separator="|")


def _priced() -> pl.Expr:
    return pl.any_horizontal(
        (pl.col("task_type") == task_type) & pl.all_horizontal(pl.col(name).is_not_null() for name in group)
        for task_type, groups in PRICED_BY.items()
        for group in groups
    )


def _first_stated(offers: pl.DataFrame) -> pl.DataFrame:
    """Rules 5 and 6. `date` becomes `observed_on`: the day on which the price was last seen to hold."""
    plain = [n for n in offers.columns if n not in {*PRICE_FIELDS, *UNITED, *KEY, *INTERNAL, "upstream_model"}]
    block = {name: name for name in PRICE_FIELDS} | {"feed": "price_feed", "date": "observed_on"}
    stated = pl.col("feed").filter(pl.col("context_window").is_not_null())
    return (
        offers.group_by(KEY, maintain_order=True)
        .agg(
            # Callers hold on to an id, so its spelling does not follow a feed that writes it in another case.
            pl.col("upstream_model").sort_by(~pl.col("known"), maintain_order=True).first(),
            *(pl.col(name).drop_nulls().first() for name in plain),
            *(pl.col(name).explode(keep_nulls=False, empty_as_null=False).unique().sort() for name in UNITED),
            *(
                pl.col(name).sort_by(~pl.col("priced"), maintain_order=True).first().alias(to)
                for name, to in block.items()
            ),
            context_feed=stated.first(),
            priced=pl.col("priced").any(),
        )
        .with_columns(
            *(pl.when("priced").then(name) for name in (*PRICE_FIELDS, "price_feed")),
            id=pl.col("provider") + "/" + pl.col("upstream_model"),
        )
        .sort("id")
    )


def _with_retirement(models: pl.DataFrame, today: date) -> pl.DataFrame:
    """Rule 7. Embeddings are not in OpenRouter's list of models, so their absence says nothing."""
    unlisted = pl.lit(value=False)
    for feed, provider in OWN_LISTS.items():
        listed = (pl.col("provider") == provider) & pl.col("sources").list.contains(feed)
        covered = listed.any().over("provider", "task_type")
        unlisted |= (pl.col("provider") == provider) & covered & ~listed
    announced = (pl.col("retired_on") <= today).fill_null(value=False)
    return models.with_columns(deprecated=pl.col("deprecated").fill_null(value=False) | announced | unlisted)


def _history(
    offers: pl.DataFrame, models: pl.DataFrame, known: Known | None, today: date, recorded_at: datetime
) -> pl.DataFrame:
    """Rule 9: `PRICE_COLUMNS`, one line for each change."""
    heard = offers.filter("priced", ~pl.col("known")).join(
        models.select(*KEY, "id", "price_feed", weight=_authority("price_feed")), on=KEY, maintain_order="left"
    )
    is_ahead = pl.col("valid_from") > today
    lines = (
        heard.filter((pl.col("feed") == pl.col("price_feed")) | (is_ahead & (pl.col("authority") <= pl.col("weight"))))
        .unique(["id", "valid_from"], keep="first", maintain_order=True)
        .with_columns(recorded_at=pl.lit(recorded_at.astimezone(UTC).replace(tzinfo=None), pl.Datetime("us")))
        .select(PRICE_COLUMNS)
    )
    if known is not None:
        withdrawn = known.prices.filter(is_ahead).join(heard, on=["id", "feed"], how="semi")
        stand = known.prices.join(withdrawn, on=["id", "valid_from", "feed"], how="anti", maintain_order="left")
        lines = pl.concat([stand.select(PRICE_COLUMNS), lines])
    lines = lines.sort("id", "valid_from", "recorded_at", nulls_last=False, maintain_order=True)
    changed = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift().over("id")) for name in PRICE_FIELDS)
    return lines.filter(changed)


def _with_valid_from(models: pl.DataFrame, history: pl.DataFrame, today: date) -> pl.DataFrame:
    began = history.filter(pl.col("valid_from") <= today).group_by("id").agg(pl.col("valid_from").max())
    return models.join(began, on="id", how="left", maintain_order="left")


def _conflicts(offers: pl.DataFrame, models: pl.DataFrame) -> pl.DataFrame:
    """Rule 8 as a long table: id, field, chosen feed and value, the other feed and its value."""
    values = [pl.col(name).cast(pl.Float64) for name in COMPARED]
    feeds = ["price_feed", "context_feed"]
    index = [*KEY, "id", "task_type", *feeds]
    chosen = models.select(*index, *values).unpivot(
        COMPARED, index=index, variable_name="field", value_name="chosen_value"
    )
    latest = offers.unique([*KEY, "feed", "task_type"], keep="first", maintain_order=True)
    said = [*KEY, "feed", "task_type"]
    others = latest.select(*said, *values).unpivot(
        COMPARED, index=said, variable_name="field", value_name="other_value"
    )
    larger = pl.max_horizontal(pl.col("chosen_value").abs(), pl.col("other_value").abs())
    chosen_feed = pl.when(pl.col("field") == "context_window").then("context_feed").otherwise("price_feed")
    return (
        chosen.drop_nulls("chosen_value")
        .join(others.drop_nulls("other_value"), on=[*KEY, "task_type", "field"])
        .filter((pl.col("chosen_value") - pl.col("other_value")).abs() > TOLERANCE * larger)
        .select("id", "field", "chosen_value", "other_value", chosen_feed=chosen_feed, other_feed="feed")
        .filter(pl.col("chosen_feed") != pl.col("other_feed"))
        .select("id", "field", "chosen_feed", "chosen_value", "other_feed", "other_value")
        .sort("id", "field", "other_feed")
    )
