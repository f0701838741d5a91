"""models.dev (MIT): US dollars per million tokens. Its live `api.json`, or a saved table, one provider-model a line."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
import polars as pl

from greatrouter_catalog import providers
from greatrouter_catalog.feeds.task_names import task_type_of
from greatrouter_catalog.offer import Offer, day, decimal, flag, integer, json_lines, table, text, texts


def read(raw: bytes, observed_on: date) -> pl.DataFrame:
    return table("modelsdev", observed_on, _entries(raw), _offers)


def _entries(raw: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        content = orjson.loads(raw)
    except orjson.JSONDecodeError:
        if b"\n" not in raw.strip():
            raise
        content = None
    if content is None or "modalities" in content:
        yield from json_lines(raw)
        return
    for provider, listing in content.items():
        for model, entry in listing["models"].items():
            # An entry's own `provider` tells how that one model is called, where that differs.
            yield f"{provider}/{model}", {**entry, "provider": provider, "model": model, "call": entry.get("provider")}


def _offers(_: str, entry: dict[str, Any]) -> Iterator[Offer]:
    # In the saved table 165 of 5,276 rows lost their provider to that override, and cannot be told apart.
    if isinstance(entry["provider"], dict):
        return
    task_type = _task_type(entry)
    if task_type is None:
        return
    limit = entry.get("limit") or {}
    call = entry.get("call")
    yield Offer(
        provider=providers.slug(entry["provider"]),
        upstream_model=entry["model"],
        task_type=task_type,
        name=text(entry.get("name")),
        interface="responses" if isinstance(call, Mapping) and call.get("shape") == "responses" else None,
        capabilities=_capabilities(entry),
        input_modalities=_modalities(entry, "input"),
        output_modalities=_modalities(entry, "output"),
        context_window=integer(limit.get("context")),
        max_output_tokens=integer(limit.get("output")),
        open_weights=flag(entry.get("open_weights")),
        deprecated=entry.get("status") == "deprecated" or None,
        released_on=day(entry.get("release_date")),
        prices=_prices(entry.get("cost") or {}, task_type),
    )


def _modalities(entry: Mapping[str, Any], side: str) -> list[str]:
    return texts((entry.get("modalities") or {}).get(side))


def _task_type(entry: Mapping[str, Any]) -> str | None:
    outputs, inputs = _modalities(entry, "output"), _modalities(entry, "input")
    if named := task_type_of(entry["model"]):
        return named
    if "text" in outputs:
        return "speech_to_text" if inputs == ["audio"] else "text_generation"
    if "audio" in outputs:
        return "text_to_speech"
    return {"image": "image_generation", "video": "video_generation"}.get(outputs[0] if outputs else "")


def _capabilities(entry: Mapping[str, Any]) -> list[str]:
    inputs, outputs = _modalities(entry, "input"), _modalities(entry, "output")
    flags = {
        "vision": "image" in inputs and "text" in outputs,
        "audio_input": "audio" in inputs,
        "video_input": "video" in inputs,
        "pdf_input": "pdf" in inputs,
        "image_edit": "image" in inputs and "image" in outputs,
        "image_generation": "image" in outputs,
        "function_calling": bool(entry.get("tool_call")),
        "structured_output": bool(entry.get("structured_output")),
        "reasoning": bool(entry.get("reasoning")),
        "prompt_caching": (entry.get("cost") or {}).get("cache_read") is not None,
    }
    return [name for name, has in flags.items() if has]


def _prices(cost: Mapping[str, Any], task_type: str) -> dict[str, Decimal | None]:
    if task_type in ("image_generation", "video_generation", "music_generation"):
        return {}  # token prices of models that are sold by the image, second or song: not comparable
    return {
        "input_per_million_tokens": decimal(cost.get("input")),
        "cached_input_per_million_tokens": decimal(cost.get("cache_read")),
        "cache_write_input_per_million_tokens": decimal(cost.get("cache_write")),
        "output_per_million_tokens": decimal(cost.get("output")),
    }
