"""Facts that no feed carries, collected by hand: each line names its source and the day it was read."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl

from greatrouter_catalog.offer import Offer, day, decimal, flag, json_lines, table, text, texts


def read(raw: bytes, observed_on: date) -> pl.DataFrame:
    return table("supplement", observed_on, json_lines(raw), _offers)


def _offers(_: str, entry: dict[str, Any]) -> Iterator[Offer]:
    yield Offer(
        provider=entry["provider"],
        upstream_model=entry["model"],
        task_type=entry["task_type"],
        name=text(entry["name"]),
        capabilities=texts(entry.get("capabilities")),
        open_weights=flag(entry.get("open_weights")),
        valid_from=day(entry["read_on"]),
        aliases=texts(entry.get("aliases")),
        prices={name: decimal(value) for name, value in entry["prices"].items()},
    )
