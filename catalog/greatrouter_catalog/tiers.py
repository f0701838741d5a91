"""The price tier of a model that an operator configured: where its typical request would stand among the catalog's."""

import polars as pl

from greatrouter_catalog.model import Model
from greatrouter_catalog.pricing import PRICE_FIELDS
from greatrouter_catalog.taxonomy import NOMINAL_UNITS, PRICE_TIERS


def tier_of(model: Model, rows: pl.DataFrame) -> str | None:
    """The lowest tier that has a dearer model of the same task type; None where nothing says what it costs, or
    what others do."""
    units = NOMINAL_UNITS.get(model.task_type)
    if units is None or not model.pricing.known:
        return None
    cost = sum(float(rate) * unit for rate, unit in zip(model.pricing.rates(), units, strict=True))
    priced = pl.sum_horizontal(
        pl.col(name).cast(pl.Float64).fill_null(0) * unit for name, unit in zip(PRICE_FIELDS, units, strict=True)
    )
    peers = rows.filter(pl.col("task_type") == model.task_type, pl.col("price_tier").is_not_null())
    dearest = dict(peers.group_by("price_tier").agg(priced.max()).iter_rows())
    if not dearest:
        return None
    return next((tier for tier in PRICE_TIERS if dearest.get(tier, -1.0) >= cost), PRICE_TIERS[-1])
