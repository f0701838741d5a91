"""The catalog's content as tables, and their columns."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from greatrouter_catalog.pricing import PRICE_FIELDS

TABLES = ("models", "prices", "scores", "conflicts")
MODEL_COLUMNS = (
    "id", "provider", "upstream_model", "canonical", "creator", "name", "task_type", "category", "tasks", "family",
    "visibility", "long_tail_because", "price_tier", "capabilities", "input_modalities", "output_modalities",
    "context_window", "max_output_tokens", "interface", "open_weights", "deprecated", "retired_on", "released_on",
    "tags", "description", "aliases", "sources", "price_feed", "observed_on", "valid_from", *PRICE_FIELDS,
)  # fmt: skip
PRICE_COLUMNS = ("id", "provider", "valid_from", "recorded_at", "feed", *PRICE_FIELDS)


@dataclass(frozen=True, slots=True)
class Facts:
    """`report` says where the tables come from and what was found.

    `models` has `MODEL_COLUMNS`, one row per provider-model. `prices` (`PRICE_COLUMNS`) has a line for each change of a
    price, past, present or announced; of two for one day the later `recorded_at` (UTC) stands. `scores` has one row per
    canonical model and board, `conflicts` one per field on which two feeds disagree.
    """

    models: pl.DataFrame
    prices: pl.DataFrame
    scores: pl.DataFrame
    conflicts: pl.DataFrame
    report: dict[str, Any]
