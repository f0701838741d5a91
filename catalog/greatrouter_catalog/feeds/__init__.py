"""Readers of the public feeds. Each turns one file into a table of offers (`offer.SCHEMA`)."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from greatrouter_catalog.errors import FeedError
from greatrouter_catalog.feeds import genai_prices, litellm, modelsdev, openrouter, supplement

Reader = Callable[[bytes, date], pl.DataFrame]

READERS: dict[str, Reader] = {
    "litellm": litellm.read,
    "modelsdev": modelsdev.read,
    "openrouter": openrouter.read,
    "genai-prices": genai_prices.read,
    "supplement": supplement.read,
}


def read(feed: str, path: Path, observed_on: date) -> pl.DataFrame:
    """The offers in a feed's file. Raises `FeedError` where it is missing, malformed or of another shape."""
    raw = _content(path)
    try:
        return READERS[feed](raw, observed_on)
    except FeedError as error:
        raise FeedError(f"{path}: {error}") from error
    except orjson.JSONDecodeError as error:
        raise FeedError(f"{path} is not valid JSON ({error}); download the {feed} feed again") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise FeedError(
            f"{path} does not have the shape of the {feed} feed ({type(error).__name__}: {str(error)[:200]}); "
            "check that it is the right file"
        ) from error


def detect(path: Path) -> str:
    """Which feed's shape a file has, by its first entries. Raises `FeedError` where it is none of them."""
    raw = _content(path)
    try:
        content = orjson.loads(raw)
    except orjson.JSONDecodeError as whole:
        try:  # one object a line
            content = orjson.loads(raw.lstrip().split(b"\n", 1)[0])
        except orjson.JSONDecodeError:
            raise FeedError(
                f"{path} is not valid JSON ({whole}); expected one of the feeds {', '.join(READERS)}"
            ) from whole
    found = _shape(content)
    if found is None:
        raise FeedError(f"{path} has the shape of no known feed; expected one of {', '.join(READERS)}")
    return found


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise FeedError(f"cannot read {path}: {error.strerror or error}; check the path") from error


def _shape(content: Any) -> str | None:
    if isinstance(content, list):
        first = content[0] if content else None
        return "genai-prices" if isinstance(first, dict) and "models" in first and "id" in first else None
    if not isinstance(content, dict):
        return None
    entries = [value for value in content.values() if isinstance(value, dict)]
    signs = {
        "openrouter": isinstance(content.get("data"), list),
        "modelsdev": {"provider", "modalities"} <= content.keys(),
        "supplement": {"provider", "prices"} <= content.keys(),
        "litellm": any("litellm_provider" in entry for entry in entries),
    }
    live = "modelsdev" if any(isinstance(entry.get("models"), dict) for entry in entries) else None
    return next((feed for feed, present in signs.items() if present), live)
