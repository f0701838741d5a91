"""Which prices are believed. A unit mistake in a feed makes a model the cheapest or dearest answer to everything."""

import numpy as np
import polars as pl

from greatrouter_catalog.pricing import PRICE_FIELDS
from greatrouter_catalog.taxonomy import NOMINAL_UNITS

# Honest endpoints of one model lie within 9 times their median, save four small clouds; the mistakes in the feeds of
# 2026-08 are 10 to 300,000 times off (a price per 10 tokens, per second, or in another currency).
SAME_MODEL = 10.0
# Of all models of one task type, the cheapest honest ones are 90 times below the median (the smallest Llama), and the
# dearest 330 times above it among text models (o1-pro), 10 times elsewhere.
CHEAPER_THAN_ALL = 100.0
DEARER_THAN_ALL_TEXT = 1000.0
DEARER_THAN_ALL = 100.0


def with_plausibility(models: pl.DataFrame) -> pl.DataFrame:
    """Adds `typical_cost` in US dollars, of one request of `NOMINAL_UNITS`, and `price_doubt`, null where believed.

    A price is doubted where a text model's tokens are free in one direction only, where its typical cost is far off the
    median of its task type, or more than `SAME_MODEL` times off the median of the same model elsewhere. (Of two
    endpoints that differ so, the maker's own is believed.) A model that is free in every unit is believed: the feeds'
    readers take it as free only where its id says so.
    """
    models = models.with_columns(typical_cost=_typical_cost(models))
    models = models.with_columns(price_doubt=_doubt_by_task_type())
    same, doubt = _doubt_by_model()
    return models.with_columns(usual_cost=same, price_doubt=pl.coalesce("price_doubt", doubt))


def _doubt_by_task_type() -> pl.Expr:
    cost = pl.col("typical_cost")
    text = pl.col("task_type") == "text_generation"
    usual = pl.when(_counts()).then(cost).median().over("task_type")
    dearest = pl.when(text).then(DEARER_THAN_ALL_TEXT).otherwise(DEARER_THAN_ALL)
    free = pl.all_horizontal(pl.col(name).fill_null(0) == 0 for name in PRICE_FIELDS)
    half = (pl.col("input_per_million_tokens") == 0) != (pl.col("output_per_million_tokens") == 0)
    return (
        pl.when(~pl.col("priced") | free)
        .then(None)
        .when(text & half)
        .then(pl.lit("half of the price is zero"))
        .when(cost > dearest * usual)
        .then(pl.lit("far dearer than any such model"))
        .when(cost * CHEAPER_THAN_ALL < usual)
        .then(pl.lit("far cheaper than any such model"))
    )


def _doubt_by_model() -> tuple[pl.Expr, pl.Expr]:
    """What the same model usually costs (else its task type), and the doubt that follows from it."""
    cost = pl.col("typical_cost")
    counted = pl.when(_counts() & pl.col("price_doubt").is_null()).then(cost)
    model = ("canonical", "task_type")
    usual = counted.median().over(model)
    comparable = (counted.count().over(model) > 2) | ((counted.count().over(model) == 2) & ~pl.col("first_party"))
    doubt = (
        pl.when(counted.is_null() | ~comparable)
        .then(None)
        .when(cost > SAME_MODEL * usual)
        .then(pl.lit("far dearer than the same model elsewhere"))
        .when(cost * SAME_MODEL < usual)
        .then(pl.lit("far cheaper than the same model elsewhere"))
    )
    return pl.coalesce(usual, counted.median().over("task_type")), doubt


def _counts() -> pl.Expr:
    return pl.col("priced") & (pl.col("typical_cost") > 0)


def _typical_cost(models: pl.DataFrame) -> pl.Series:
    nominal = np.array([NOMINAL_UNITS[name] for name in models["task_type"]], dtype=np.float64)
    rates = models.select(pl.col(name).cast(pl.Float64).fill_null(0) for name in PRICE_FIELDS).to_numpy()
    return pl.Series((rates * nominal.reshape(-1, len(PRICE_FIELDS))).sum(axis=1))
