"""genai-prices (MIT): token prices per million by provider, some with the day from which they hold."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
import polars as pl

from greatrouter_catalog import providers
from greatrouter_catalog.feeds.task_names import task_type_of
from greatrouter_catalog.offer import Offer, day, decimal, integer, table, text

PRICE_OF = {
    "input_mtok": "input_per_million_tokens",
    "cache_read_mtok": "cached_input_per_million_tokens",
    "cache_write_mtok": "cache_write_input_per_million_tokens",
    "output_mtok": "output_per_million_tokens",
}
# A price that held before the first dated one; the feed does not say since when.
BEFORE_RECORDS = date(1970, 1, 1)

Prices = dict[str, Decimal | None]


def read(raw: bytes, observed_on: date) -> pl.DataFrame:
    return table("genai-prices", observed_on, _entries(orjson.loads(raw)), _offers)


def _entries(listing: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for provider in listing:
        if provider["id"].startswith("huggingface_"):
            continue  # Hugging Face's own routing of another provider's endpoints: that provider is listed itself
        for model in provider["models"]:
            yield f"{provider['id']}/{model.get('id')}", {**model, "provider": providers.slug(provider["id"])}


def _offers(_: str, model: dict[str, Any]) -> Iterator[Offer]:
    for valid_from, prices in _dated(model["prices"]):
        yield Offer(
            provider=model["provider"],
            upstream_model=model["id"],
            task_type=_task_type(model["id"]),
            name=text(model.get("name")),
            context_window=integer(model.get("context_window")),
            deprecated=bool(model.get("deprecated")) or None,
            valid_from=valid_from,
            prices=prices,
        )


def _task_type(model: str) -> str:
    return task_type_of(model) or ("embeddings" if model.lower().startswith("voyage-") else "text_generation")


def _dated(prices: Any) -> Iterator[tuple[date | None, Prices]]:
    """Each price with its first day, None where the feed dates none of them.

    Of prices that change with the hour the dearest stands: an estimate should not be too low.
    """
    entries = prices if isinstance(prices, list) else [{"prices": prices}]
    dated: list[tuple[date | None, Prices]] = []
    undated: list[Prices] = []
    for entry in entries:
        constraint = entry.get("constraint") or {}
        if "start_date" in constraint:
            dated.append((day(constraint["start_date"]), _prices(entry["prices"])))
        else:
            undated.append(_prices(entry["prices"]))
    if undated:
        yield BEFORE_RECORDS if dated else None, max(undated, key=_sum)
    yield from dated


def _sum(prices: Prices) -> Decimal:
    return sum((price for price in prices.values() if price is not None), Decimal(0))


def _prices(prices: Mapping[str, Any]) -> Prices:
    """The base rate of each: the surcharge for very long prompts is not modelled."""
    return {
        ours: decimal(value.get("base") if isinstance(value, Mapping) else value)
        for theirs, ours in PRICE_OF.items()
        if (value := prices.get(theirs)) is not None
    }
