"""The native units of an answer, from its JSON document. Whatever a provider leaves out or garbles counts as zero."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
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
        units["images"] = len(data) if isinstance(data, list) else 0
    elif endpoint is SPEECH:
        units["characters"] = len(spoken_text(call))
    elif endpoint is TRANSCRIPTION:
        usage = document.get("usage")
        length = usage.get("seconds") if isinstance(usage, dict) else None
        units["seconds"] = _seconds(length or document.get("duration"))
    elif endpoint is VIDEO:
        units["seconds"] = _seconds(document.get("seconds") or call.input.get("seconds"))
    elif endpoint is RERANK:
        units["documents"] = len(documents_in(call.input))
    return units


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
    cached = _part(get("prompt_tokens_details") or get("input_tokens_details"), "cached_tokens")
    reasoning = _part(get("completion_tokens_details") or get("output_tokens_details"), "reasoning_tokens")
    # A part larger than its whole would make the rest negative on the bill.
    return Usage(prompt, completion, min(cached, prompt), min(reasoning, completion))


def _part(details: object, name: str) -> int:
    return _count(details.get(name)) if isinstance(details, dict) else 0


def _count(value: object) -> int:
    """A whole number of at least zero; JavaScript servers may send 12.0."""
    if type(value) is int:
        return max(value, 0)
    if isinstance(value, float) and value.is_integer():
        return max(int(value), 0)
    return 0


def _seconds(value: object) -> Decimal:
    """Sora sends the length as a string, transcription as a number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return Decimal(0)
    try:
        seconds = Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)
    return seconds if seconds.is_finite() and seconds > 0 else Decimal(0)
