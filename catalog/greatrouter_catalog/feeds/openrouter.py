"""OpenRouter's `GET /api/v1/models` answer, live or saved: US dollars per single token, image or search."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
import polars as pl

from greatrouter_catalog.feeds.image_tokens import price_of_image
from greatrouter_catalog.feeds.task_names import task_type_of
from greatrouter_catalog.offer import Offer, day, decimal, epoch_day, integer, per_million, table, text, texts

CAPABILITY_OF_PARAMETER = {
    "tools": "function_calling",
    "structured_outputs": "structured_output",
    "reasoning": "reasoning",
    "web_search_options": "web_search",
}


def read(raw: bytes, observed_on: date) -> pl.DataFrame:
    listing = orjson.loads(raw)["data"]
    named = ((str(entry.get("id")) if isinstance(entry, dict) else "?", entry) for entry in listing)
    return table("openrouter", observed_on, named, _offers)


def _offers(_: str, entry: dict[str, Any]) -> Iterator[Offer]:
    architecture, top = entry["architecture"], entry.get("top_provider") or {}
    inputs = texts(architecture.get("input_modalities"))
    outputs = texts(architecture.get("output_modalities")) or ["text"]
    task_type = _task_type(entry["id"], outputs)
    slug = text(entry.get("canonical_slug"))
    yield Offer(
        provider="openrouter",
        upstream_model=entry["id"],
        task_type=task_type,
        name=text(entry.get("name")),
        capabilities=_capabilities(entry, inputs, outputs),
        input_modalities=inputs,
        output_modalities=outputs,
        context_window=integer(entry.get("context_length")),
        max_output_tokens=integer(top.get("max_completion_tokens")),
        open_weights=bool(entry.get("hugging_face_id")) or None,
        deprecated=False,  # its own list names what it serves
        retired_on=day(entry.get("expiration_date")),
        released_on=epoch_day(entry.get("created")),
        aliases=[slug] if slug and slug != entry["id"] else [],
        prices=_prices(entry["id"], entry["pricing"], task_type),
    )


def _task_type(model: str, outputs: list[str]) -> str:
    """By name, else by what comes out; the routers among them can put out everything and are none of it."""
    router = model.startswith("openrouter/")
    return task_type_of(model) or ("image_generation" if "image" in outputs and not router else "text_generation")


def _capabilities(entry: dict[str, Any], inputs: list[str], outputs: list[str]) -> list[str]:
    parameters = texts(entry.get("supported_parameters"))
    found = [name for parameter, name in CAPABILITY_OF_PARAMETER.items() if parameter in parameters]
    flags = {
        "vision": "image" in inputs,
        "image_edit": "image" in inputs and "image" in outputs,
        "audio_input": "audio" in inputs,
        "video_input": "video" in inputs,
        "pdf_input": "file" in inputs,
        "prompt_caching": "input_cache_read" in entry["pricing"],
        "web_search": "web_search" in entry["pricing"],
    }
    return found + [name for name, has in flags.items() if has]


def _prices(model: str, pricing: Mapping[str, Any], task_type: str) -> dict[str, Decimal | None]:
    if task_type == "image_generation":
        return {"price_per_image": price_of_image(model, decimal(pricing.get("image_output")))}
    if task_type == "music_generation":
        return {}  # quoted per song in prose only
    return {
        "input_per_million_tokens": per_million(pricing.get("prompt")),
        "cached_input_per_million_tokens": per_million(pricing.get("input_cache_read")),
        "cache_write_input_per_million_tokens": per_million(pricing.get("input_cache_write")),
        "output_per_million_tokens": per_million(pricing.get("completion")),
        "price_per_search": decimal(pricing.get("web_search")),
        "price_per_request": decimal(pricing.get("request")) or None,
    }
