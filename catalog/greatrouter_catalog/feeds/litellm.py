"""LiteLLM's `model_prices_and_context_window.json` (MIT): one object per provider-model, US dollars per single unit."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
import polars as pl

from greatrouter_catalog import providers
from greatrouter_catalog.feeds.image_tokens import price_of_image
from greatrouter_catalog.feeds.task_names import task_type_of
from greatrouter_catalog.offer import Offer, day, decimal, integer, per_million, table, texts

TASK_TYPE_OF_MODE = {
    "chat": "text_generation",
    "completion": "text_generation",
    "responses": "text_generation",
    "image_generation": "image_generation",
    "image_edit": "image_generation",
    "video_generation": "video_generation",
    "audio_speech": "text_to_speech",
    "audio_transcription": "speech_to_text",
    "search": "web_search",
    "rerank": "rerank",
    "embedding": "embeddings",
}
INTERFACE_OF_MODE = {"chat": "chat", "completion": "completions", "responses": "responses"}

CAPABILITY_OF_FLAG = {
    "supports_vision": "vision",
    "supports_audio_input": "audio_input",
    "supports_video_input": "video_input",
    "supports_pdf_input": "pdf_input",
    "supports_function_calling": "function_calling",
    "supports_response_schema": "structured_output",
    "supports_reasoning": "reasoning",
    "supports_prompt_caching": "prompt_caching",
    "supports_web_search": "web_search",
    "supports_computer_use": "computer_use",
}

# `hd/1024-x-1792/dall-e-3`, `1024-x-1024/50-steps/...`: prices of one quality and size, not models of their own.
VARIANT = re.compile(
    r"^(?:(?P<quality>hd|standard|low|medium|high)/)?(?P<size>\d+-x-\d+|max-x-max)/(?:\S+-steps/)?(?P<model>.+)$"
)
STANDARD_VARIANT = ("medium", "standard", None)
PIXELS_PER_IMAGE = 1024 * 1024

Entry = Mapping[str, Any]
Prices = dict[str, Decimal | None]


def read(raw: bytes, observed_on: date) -> pl.DataFrame:
    entries = orjson.loads(raw)
    variants = _standard_variants(entries)
    return table("litellm", observed_on, entries.items(), lambda key, entry: _offers(key, entry, variants))


def _offers(key: str, entry: Entry, variants: Mapping[tuple[str, str], Decimal]) -> Iterator[Offer]:
    # Entries without a mode are settings of LiteLLM itself; a key that ends in "/" stands for whatever a provider
    # serves; `ft:` are one's own fine-tunes.
    if "mode" not in entry or key == "sample_spec" or key.startswith("ft:") or key.endswith("/"):
        return
    provider = providers.slug(entry["litellm_provider"])
    upstream = upstream_model(key, provider)
    task_type = _task_type(upstream, entry)
    if task_type is None or VARIANT.match(upstream):
        return
    yield Offer(
        provider=provider,
        upstream_model=upstream,
        task_type=task_type,
        interface=INTERFACE_OF_MODE.get(str(entry.get("mode"))) if task_type == "text_generation" else None,
        capabilities=_capabilities(entry),
        input_modalities=_modalities(entry.get("supported_modalities")),
        output_modalities=_modalities(entry.get("supported_output_modalities")),
        context_window=integer(entry.get("max_input_tokens")) or integer(entry.get("max_tokens")),
        max_output_tokens=integer(entry.get("max_output_tokens")),
        retired_on=day(entry.get("deprecation_date")),
        aliases=[key] if key != f"{provider}/{upstream}" else [],
        prices=_prices(upstream, entry, task_type, variants.get((provider, upstream))),
    )


def _task_type(model: str, entry: Entry) -> str | None:
    mode, outputs = entry.get("mode"), texts(entry.get("supported_output_modalities"))
    if "lyria" in model:
        return "music_generation"
    if mode in INTERFACE_OF_MODE:
        if named := task_type_of(model):
            return named
        if outputs == ["audio"]:
            return "text_to_speech"
        if outputs and "text" not in outputs:
            return {"image": "image_generation", "video": "video_generation"}.get(outputs[0])
    return TASK_TYPE_OF_MODE.get(str(mode))


def upstream_model(key: str, provider: str) -> str:
    """The provider's own id: the key without the leading segment that names the provider.

    >>> upstream_model("together_ai/meta-llama/Llama-3.3-70B", "togetherai")
    'meta-llama/Llama-3.3-70B'
    """
    head, _, rest = key.partition("/")
    return rest if rest and (providers.slug(head) == provider or providers.slug(head) == "bedrock") else key


def _standard_variants(entries: Mapping[str, Entry]) -> dict[tuple[str, str], Decimal]:
    """(provider, model) -> dollars for one standard 1024 x 1024 image, of models priced by quality and size."""
    found: dict[tuple[str, str], tuple[int, Decimal]] = {}
    for key, entry in entries.items():
        if "-x-" not in key:
            continue
        provider = providers.slug(str(entry.get("litellm_provider", "")))
        match = VARIANT.match(upstream_model(key, provider))
        if not match or match["size"] != "1024-x-1024" or match["quality"] not in STANDARD_VARIANT:
            continue
        price = _image_price(match["model"], entry)
        rank = STANDARD_VARIANT.index(match["quality"])
        known = found.get((provider, match["model"]))
        if price and (known is None or (rank, price) < known):
            found[provider, match["model"]] = (rank, price)
    return {model: price for model, (_, price) in found.items()}


def _image_price(model: str, entry: Entry) -> Decimal | None:
    if price := _positive(entry, "output_cost_per_image", "input_cost_per_image"):
        return price
    if price := _positive(entry, "input_cost_per_pixel", "output_cost_per_pixel"):
        return (price * PIXELS_PER_IMAGE).quantize(Decimal("0.000001"))
    return price_of_image(model, decimal(entry.get("output_cost_per_image_token")))


def _prices(model: str, entry: Entry, task_type: str, variant: Decimal | None) -> Prices:
    if task_type == "image_generation":
        # Prompt tokens are a rounding error beside the image; fireworks' "per token" is per denoising step: not known.
        return {"price_per_image": variant or _image_price(model, entry)}
    return _PRICES.get(task_type, _token_prices)(entry)


def _video_prices(entry: Entry) -> Prices:
    return {"price_per_second": _positive(entry, "output_cost_per_video_per_second", "output_cost_per_second")}


def _music_prices(entry: Entry) -> Prices:
    # LiteLLM's documentation: a song's flat price stands in the image field (docs.litellm.ai, read 2026-11).
    return {"price_per_request": decimal(entry.get("output_cost_per_image"))}


def _speech_prices(entry: Entry) -> Prices:
    if per_second := _positive(entry, "output_cost_per_second"):
        return {"price_per_second": per_second}
    if per_character := per_million(entry.get("input_cost_per_character")):
        return {"price_per_million_characters": per_character}
    return _token_prices(entry, output="output_cost_per_audio_token")


def _transcription_prices(entry: Entry) -> Prices:
    if per_second := _positive(entry, "input_cost_per_second", "output_cost_per_second"):
        return {"price_per_second": per_second}
    return _token_prices(entry, input_="input_cost_per_audio_token")


def _query_prices(entry: Entry) -> Prices:
    if per_query := _positive(entry, "input_cost_per_query"):
        return {"price_per_search": per_query}
    return _token_prices(entry)


def _text_prices(entry: Entry) -> Prices:
    return _token_prices(entry) | {"price_per_search": _search_price(entry)}


def _token_prices(entry: Entry, *, input_: str = "", output: str = "") -> Prices:
    """Prices per million tokens; `input_` and `output` name fields that come before the plain ones where stated."""
    return {
        "input_per_million_tokens": per_million(entry.get(input_, entry.get("input_cost_per_token"))),
        "cached_input_per_million_tokens": per_million(entry.get("cache_read_input_token_cost")),
        "cache_write_input_per_million_tokens": per_million(entry.get("cache_creation_input_token_cost")),
        "output_per_million_tokens": per_million(entry.get(output, entry.get("output_cost_per_token"))),
    }


def _positive(entry: Entry, *names: str) -> Decimal | None:
    """The first of the fields with a price: a zero beside it only says that this is not the field it is sold by."""
    return next((price for name in names if (price := decimal(entry.get(name)))), None)


def _search_price(entry: Entry) -> Decimal | None:
    by_size = entry.get("search_context_cost_per_query")
    return decimal(by_size.get("search_context_size_medium")) if isinstance(by_size, Mapping) else None


_PRICES = {
    "text_generation": _text_prices,
    "video_generation": _video_prices,
    "music_generation": _music_prices,
    "text_to_speech": _speech_prices,
    "speech_to_text": _transcription_prices,
    "rerank": _query_prices,
    "web_search": _query_prices,
}


def _capabilities(entry: Entry) -> list[str]:
    found = [name for flag, name in CAPABILITY_OF_FLAG.items() if entry.get(flag)]
    mode = entry.get("mode")
    takes_images = mode == "image_generation" and "image" in texts(entry.get("supported_modalities"))
    if mode == "image_edit" or takes_images or "/v1/images/edits" in texts(entry.get("supported_endpoints")):
        found.append("image_edit")
    return found


def _modalities(names: object) -> list[str]:
    return [name.lower() for name in texts(names)]
