"""`X-GR-Guardrails`: obvious personal data and secrets are stopped before a model sees them.

Precise rather than complete: whoever asks about a date, a price or a version must never be refused. What was found is
named by its kind alone; the text itself goes nowhere, neither into the answer nor into a log.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from greatrouter_api.errors import ApiError
from greatrouter_api.pii.addresses import ADDRESSES
from greatrouter_api.pii.detector import Detectors
from greatrouter_api.pii.folding import fold
from greatrouter_api.pii.numbers import NUMBERS
from greatrouter_api.pii.phones import PHONES
from greatrouter_api.pii.secrets import SECRETS

HEADER = "X-GR-Guardrails"
LEVELS = ("moderate",)
DETECTORS = (*ADDRESSES, *NUMBERS, *PHONES, *SECRETS)
KINDS = tuple(dict.fromkeys(detector.kind for detector in DETECTORS))

# Where a request's words stand: what people wrote, and what a program tells the model of its tools and its answer.
FIELDS = (
    *("prompt", "messages", "input", "query", "documents", "texts", "instructions", "system"),
    *("tools", "functions", "response_format", "prediction"),
)
# A JSON Schema may call a property anything; there, every text counts.
SCHEMAS = frozenset({"tools", "functions", "response_format"})
# Inside those: media, and names that the wire gives things.
NOT_WORDS = frozenset(
    {
        *("role", "type", "id", "model", "tool_call_id", "url", "image", "images", "image_url", "audio"),
        *("video", "input_audio", "file", "file_data", "data", "b64_json", "encrypted_content", "signature"),
    }
)


def check(header: str, texts: Iterable[str]) -> None:
    """Raises `ApiError` 400: `guardrail_blocked` where something was found, `invalid_request` for an unknown level."""
    level = header.strip().lower()
    if not level:
        return
    if level not in LEVELS:
        raise ApiError(400, f"{HEADER}: unknown level; allowed: {', '.join(LEVELS)}", param=HEADER)
    kinds = violations(texts)
    if kinds:
        named = ", ".join(kind.replace("_", " ") for kind in kinds)
        message = (
            f"the request was stopped by {HEADER}: it holds what looks like {named}; remove it or leave the header out"
        )
        raise ApiError(400, message, code="guardrail_blocked", metadata={"kinds": list(kinds)})


def violations(texts: Iterable[str]) -> tuple[str, ...]:
    """The kinds found, in the order of `KINDS`.

    >>> violations(["Write to me, jo@example.com", "a card: 4539 5787 6362 1486"])
    ('email_address', 'card_number')
    """
    found: set[str] = set()
    for text in texts:
        found |= _detectors().kinds(fold(text))
    return tuple(kind for kind in KINDS if kind in found)


@cache
def _detectors() -> Detectors:
    """Compiled at first use: 20 ms."""
    return Detectors(DETECTORS)


def texts_in(body: Mapping[str, Any]) -> Iterator[str]:
    """What people wrote in a request of any endpoint: a prompt, messages, an input, a query, documents.

    >>> list(texts_in({"model": "m", "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]}))
    ['hi']
    """
    yield from _strings({name: body.get(name) for name in FIELDS})


def _strings(value: Any) -> Iterator[str]:
    """Depth first, without recursion: a request may nest as deep as its parser lets it."""
    waiting: list[tuple[Any, Container[str]]] = [(value, NOT_WORDS)]
    while waiting:
        item, skipped = waiting.pop()
        if isinstance(item, str):
            if not item.startswith("data:"):
                yield item
        elif isinstance(item, Mapping | BaseModel):
            fields = [
                (part, () if name in SCHEMAS else skipped) for name, part in dict(item).items() if name not in skipped
            ]
            waiting.extend(reversed(fields))
        elif isinstance(item, list | tuple):
            waiting.extend((part, skipped) for part in reversed(item))
