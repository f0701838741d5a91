"""The native units of an answer, from its JSON document. Whatever a provider leaves out or garbles counts as zero.

Nothing here raises: by the time usage is read the work is done and paid for, so a garbled count must not lose it.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, DecimalException
from typing import Any

from greatrouter_serving.call import Call, Usage
from greatrouter_serving.providers.payload import (
    CHAT,
    IMAGE_EDITS,
    IMAGES,
    RERANK,
    SPEECH,
    TRANSCRIPTION,
    VIDEO,
    Endpoint,
    documents_in,
    spoken_text,
)

# What no single request consumes: beyond these a count is garbled, not large.
MAX_TOKENS = 100_000_000
MAX_SECONDS = 86_400
MAX_IMAGES = 1_000
MAX_CHARACTERS = 100_000_000
MAX_DOCUMENTS = MAX_SEARCHES = 1_000_000
# Decimal reads a string of any length, in time that grows with it.
_MAX_SECONDS_DIGITS = 32
_MIN_SECONDS = Decimal("0.000001")


def usage_of(endpoint: Endpoint, call: Call, document: Mapping[str, Any]) -> Usage:
    """What `document`, the answer of `endpoint` to `call`, consumed."""
    tokens = token_usage(document.get("usage"))
    if endpoint is CHAT and call.task != "web_search":
        return tokens
    return replace(tokens, **_units(endpoint, call, document))


def _units(endpoint: Endpoint, call: Call, document: Mapping[str, Any]) -> dict[str, Any]:
    """What is billed by anything but tokens, as the arguments of Usage."""
    units: dict[str, Any] = {}
    if endpoint is CHAT:
        units["searches"] = 1
    elif endpoint is IMAGES or endpoint is IMAGE_EDITS:
        data = document.get("data")
        units["images"] = _count(len(data), MAX_IMAGES) if isinstance(data, list) else 0
    elif endpoint is SPEECH:
        units["characters"] = _count(len(spoken_text(call)), MAX_CHARACTERS)
    elif endpoint is TRANSCRIPTION:
        usage = document.get("usage")
        length = usage.get("seconds") if isinstance(usage, dict) else None
        units["seconds"] = _seconds(length) or _seconds(document.get("duration"))
    elif endpoint is VIDEO:
        units["seconds"] = _seconds(document.get("seconds")) or _seconds(call.input.get("seconds"))
    elif endpoint is RERANK:
        units["documents"] = _count(len(documents_in(call.input)), MAX_DOCUMENTS)
        units["searches"] = _search_units(document)
    return units


def _search_units(document: Mapping[str, Any]) -> int:
    """Cohere's own unit of billing, under its name for it or beside the tokens."""
    meta = document.get("meta")
    billed = meta.get("billed_units") if isinstance(meta, dict) else None
    return _part(billed, "search_units", MAX_SEARCHES) or _part(document.get("usage"), "search_units", MAX_SEARCHES)


def token_usage(usage: object) -> Usage:
    """Tokens of a `usage` object, under the names of OpenAI's chat or of its newer endpoints (`input_tokens`, ...).

    Also for the object that `sse.find_usage` finds in a stream.
    """
    if not isinstance(usage, dict):
        return Usage()
    get = usage.get
    prompt = _count(get("prompt_tokens")) or _count(get("input_tokens"))
    completion = _count(get("completion_tokens")) or _count(get("output_tokens"))
    # Some embedding and rerank servers count the total alone.
    if not prompt and not completion:
        prompt = _count(get("total_tokens"))
    prompts = get("prompt_tokens_details") or get("input_tokens_details")
    cached, written = _part(prompts, "cached_tokens"), _part(prompts, "cache_write_tokens")
    reasoning = _part(get("completion_tokens_details") or get("output_tokens_details"), "reasoning_tokens")
    # A part larger than its whole would make the rest negative on the bill.
    searches = _part(get("server_tool_use"), "web_search_requests", MAX_SEARCHES)
    cached = min(cached, prompt)
    return Usage(
        prompt,
        completion,
        cached,
        min(reasoning, completion),
        searches=searches,
        cache_write_tokens=min(written, prompt - cached),
    )


def _part(details: object, name: str, largest: int = MAX_TOKENS) -> int:
    return _count(details.get(name), largest) if isinstance(details, dict) else 0


def _count(value: object, largest: int = MAX_TOKENS) -> int:
    """A whole number within 0..largest, or else 0; JavaScript servers may send 12.0."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 <= value <= largest else 0


def _seconds(value: object) -> Decimal:
    """Sora sends the length as a string, transcription as a number."""
    if isinstance(value, int):
        # A huge one cannot even be written out.
        value = _count(value, MAX_SECONDS)
    if not isinstance(value, (int, float, str)) or (isinstance(value, str) and len(value) > _MAX_SECONDS_DIGITS):
        return Decimal(0)
    try:
        seconds = Decimal(str(value))
    except DecimalException:
        return Decimal(0)
    # Below a microsecond is garbled too: 1e-999999 would underflow on the bill.
    return seconds if seconds.is_finite() and _MIN_SECONDS <= seconds <= MAX_SECONDS else Decimal(0)
