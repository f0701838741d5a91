"""Tiny feeds of each public shape, and offers and facts made of them. Ids and prices are those of 2026-08."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from greatrouter_catalog import boards, feeds
from greatrouter_catalog.facts import Facts, Feed, assemble
from greatrouter_catalog.offer import Offer, table

READ_ON = date(2026, 8, 6)
TODAY = date(2026, 8, 20)

LITELLM: dict[str, Any] = {
    "gpt-4o": {
        "litellm_provider": "openai",
        "mode": "chat",
        "input_cost_per_token": 2.5e-06,
        "cache_read_input_token_cost": 1.25e-06,
        "output_cost_per_token": 1e-05,
        "max_input_tokens": 128000,
        "max_output_tokens": 16384,
        "supports_vision": True,
        "supports_function_calling": True,
        "search_context_cost_per_query": {"search_context_size_medium": 0.035},
        "supports_web_search": True,
    },
    "together_ai/meta-llama/Llama-3.3-70B-Instruct-Turbo": {
        "litellm_provider": "together_ai",
        "mode": "chat",
        "input_cost_per_token": 8.8e-07,
        "output_cost_per_token": 8.8e-07,
        "max_tokens": 131072,
    },
}
OPENROUTER: dict[str, Any] = {
    "data": [
        {
            "id": "anthropic/claude-sonnet-4.5",
            "canonical_slug": "anthropic/claude-4.5-sonnet-20250929",
            "name": "Anthropic: Claude Sonnet 4.5",
            "created": 1759161676,
            "context_length": 1000000,
            "architecture": {"input_modalities": ["text", "image", "file"], "output_modalities": ["text"]},
            "pricing": {
                "prompt": "0.000003",
                "completion": "0.000015",
                "input_cache_read": "0.0000003",
                "web_search": "0.01",
            },
            "top_provider": {"max_completion_tokens": 64000},
            "supported_parameters": ["tools", "reasoning", "structured_outputs"],
        }
    ]
}
MODELSDEV: dict[str, Any] = {
    "provider": "groq",
    "model": "llama-3.3-70b-versatile",
    "name": "Llama 3.3 70B Versatile",
    "release_date": "2024-12-06",
    "open_weights": True,
    "tool_call": True,
    "cost": {"input": 0.59, "output": 0.79},
    "limit": {"context": 131072, "output": 32768},
    "modalities": {"input": ["text"], "output": ["text"]},
}
GENAI_PRICES: list[dict[str, Any]] = [
    {
        "id": "deepseek",
        "models": [
            {"id": "deepseek-chat", "name": "DeepSeek Chat", "prices": {"input_mtok": 0.28, "output_mtok": 0.42}}
        ],
    }
]
SUPPLEMENT: dict[str, Any] = {
    "provider": "google",
    "model": "lyria-3-pro-preview",
    "name": "Lyria 3 Pro",
    "task_type": "music_generation",
    "prices": {"price_per_request": 0.08},
    "source": "https://ai.google.dev/gemini-api/docs/pricing",
    "read_on": "2026-08-01",
}

# A well-formed file of each feed.
FILES: dict[str, bytes] = {
    "litellm": json.dumps(LITELLM).encode(),
    "openrouter": json.dumps(OPENROUTER).encode(),
    "modelsdev": json.dumps(MODELSDEV).encode() + b"\n",
    "genai-prices": json.dumps(GENAI_PRICES).encode(),
    "supplement": json.dumps(SUPPLEMENT).encode() + b"\n",
}


def litellm(key: str, mode: str, provider: str = "acme", **fields: Any) -> dict[str, Any]:
    return {key: {"litellm_provider": provider, "mode": mode, **fields}}


def openrouter(
    model: str, pricing: Mapping[str, object], outputs: Iterable[str] = ("text",), **fields: Any
) -> dict[str, Any]:
    architecture = {"input_modalities": ["text"], "output_modalities": list(outputs)}
    return {"data": [{"id": model, "architecture": architecture, "pricing": dict(pricing), **fields}]}


def modelsdev(provider: object, model: str, **fields: Any) -> dict[str, Any]:
    return MODELSDEV | {"provider": provider, "model": model} | fields


def read(feed: str, content: object, folder: Path, observed_on: date = READ_ON) -> pl.DataFrame:
    """The offers of a feed whose file holds `content`, as JSON unless it is bytes already."""
    path = folder / f"{feed}.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return feeds.read(feed, path, observed_on)


def rates(row: Mapping[str, Any]) -> dict[str, Decimal]:
    """The prices an offer or a model states, in plain decimals."""
    return {
        name: value.normalize()
        for name, value in row.items()
        if isinstance(value, Decimal) and (name.startswith("price_") or name.endswith("_tokens"))
    }


def text_offer(provider: str = "acme", model: str = "m-1", price: object = "1", **fields: Any) -> Offer:
    """A text model whose tokens cost `price` dollars for a million in and four times that out; None states no price."""
    prices = {}
    if price is not None:
        rate = Decimal(str(price))
        prices = {"input_per_million_tokens": rate, "output_per_million_tokens": 4 * rate}
    return Offer(provider, model, "text_generation", prices=prices, **fields)


def offers(feed: str, *stated: Offer, observed_on: date = READ_ON) -> pl.DataFrame:
    return table(feed, observed_on, ((str(n), offer) for n, offer in enumerate(stated)), lambda _, offer: [offer])


def source(feed: str = "litellm", observed_on: date = READ_ON) -> Feed:
    return Feed(feed, f"{feed}.json", observed_on, "MIT", f"https://example.org/{feed}.json")


def no_scores() -> pl.DataFrame:
    return pl.DataFrame(schema=boards.SCHEMA)


def score(name: str, value: float, board: str = "arena-text", task: str = "text") -> dict[str, Any]:
    """A row of a board, as `boards.read_boards` gives it."""
    blank = dict.fromkeys(boards.SCHEMA)
    return blank | {
        "board": board,
        "metric": "elo",
        "task": task,
        "name": name,
        "canonical": name,
        "score": value,
        "source": "a board",
        "observed_on": READ_ON,
        "licence": "CC-BY",
    }


def facts_of(stated: pl.DataFrame, scores: Iterable[Mapping[str, Any]] = (), today: date = TODAY) -> Facts:
    board_rows = pl.DataFrame([dict(row) for row in scores], schema=boards.SCHEMA)
    return assemble(stated, board_rows, [source(feed) for feed in stated["feed"].unique().sort()], today)


def model(facts: Facts, model_id: str) -> dict[str, Any]:
    """The one row of `facts.models` with the id."""
    (row,) = facts.models.filter(pl.col("id") == model_id).to_dicts()
    return row
