"""Prices announced for a day to come: how they begin on that day, without the catalog being built anew."""

from datetime import date

import polars as pl

from greatrouter_catalog.pricing import PRICE_FIELDS

OF_A_PRICE = {"feed": "price_feed", "valid_from": "valid_from"} | {name: name for name in PRICE_FIELDS}


def with_announced(models: pl.DataFrame, prices: pl.DataFrame, built_on: date, today: date) -> pl.DataFrame:
    """`models` (of a build of `built_on`) with the prices that have begun since, by the history `prices`.

    What began until `built_on` is in the models already. A price takes its whole block's place, as it does in a build;
    the price tier and what else was estimated from the price before stay until the next one.
    """
    begun = prices.filter(pl.col("valid_from") > built_on, pl.col("valid_from") <= today)
    if begun.is_empty():
        return models
    latest = begun.sort("id", "valid_from", "recorded_at", nulls_last=False, maintain_order=True)
    latest = latest.unique("id", keep="last", maintain_order=True)
    new = latest.select("id", *(pl.col(name).alias(f"{to}:new") for name, to in OF_A_PRICE.items()))
    joined = models.join(new, on="id", how="left", maintain_order="left")
    has_begun = pl.col("valid_from:new").is_not_null()
    return joined.with_columns(
        *(pl.when(has_begun).then(f"{name}:new").otherwise(name).alias(name) for name in OF_A_PRICE.values()),
        observed_on=pl.when(has_begun).then("valid_from:new").otherwise("observed_on"),
    ).select(models.columns)
