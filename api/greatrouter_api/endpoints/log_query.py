"""The query of `GET /v1/org/logs`: which part of the log, and in what form."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any

from starlette.datastructures import QueryParams

from greatrouter_accounts.journal import Stretch
from greatrouter_api.errors import ApiError

FORMATS = ("json", "csv")
DEFAULT_LIMIT, LARGEST_LIMIT = 1_000, 10_000
WHOLE = re.compile(r"[1-9][0-9]{0,4}")
RFC_3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}:[0-9]{2}):([0-9]{2})(\.[0-9]+)?([Zz]|[+\- ][0-9]{2}:[0-9]{2})"
)
# Seconds since 1970 and, in what `next_before` holds, how many requests of that moment were read already.
SECONDS = re.compile(r"([0-9]{1,10}(?:\.[0-9]{1,9})?)(?:~([1-9][0-9]{0,5}))?")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
MOMENTS = "an RFC 3339 timestamp such as 2026-01-31T12:00:00Z, or seconds since 1970"

PARAMETERS: list[dict[str, Any]] = [
    {"name": "format", "in": "query", "schema": {"type": "string", "enum": [*FORMATS, ""], "default": "json"}},
    {
        "name": "limit",
        "in": "query",
        "schema": {
            "anyOf": [{"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT}, {"type": "string", "enum": [""]}],
            "default": DEFAULT_LIMIT,
        },
    },
    {
        "name": "before",
        "in": "query",
        "description": f"Only older requests: {MOMENTS}, or the `next_before` of the page before.",
        "schema": {"type": "string", "anyOf": [{"format": "date-time"}, {"pattern": f"^({SECONDS.pattern})?$"}]},
    },
    {
        "name": "after",
        "in": "query",
        "description": f"Only requests of this moment or newer: {MOMENTS}.",
        "schema": {
            "type": "string",
            "anyOf": [{"format": "date-time"}, {"pattern": r"^([0-9]{1,10}(\.[0-9]{1,9})?)?$"}],
        },
    },
]


@dataclass(frozen=True, slots=True)
class LogQuery:
    format: str
    stretch: Stretch


def parse(query: QueryParams) -> LogQuery:
    """Raises `ApiError` 400 that names the parameter and what is allowed."""
    given = {name: query.getlist(name) for name in ("format", "limit", "before", "after")}
    for name, values in given.items():
        if len(values) > 1:
            raise ApiError(400, f"{name} is given {len(values)} times; send it once", param=name)
    one = {name: values[0] for name, values in given.items() if values and values[0]}
    form = one.get("format", FORMATS[0])
    if form not in FORMATS:
        raise ApiError(400, f"format is {form!r}; allowed: {', '.join(FORMATS)}", param="format")
    before, seen = _cursor("before", one["before"]) if "before" in one else (None, None)
    after, misplaced = _cursor("after", one["after"]) if "after" in one else (None, None)
    if misplaced is not None:
        raise _no_moment("after", one["after"])
    return LogQuery(form, Stretch(_limit(one.get("limit")), after, before, seen))


def next_before(rows: Sequence[Mapping[str, Any]], stretch: Stretch) -> str:
    """What continues a page that ended with the last of `rows`, of which there is one at least.

    The moment alone would lose or repeat what happened in the same millisecond.
    """
    last = rows[-1]["timestamp"]
    moment, seen = datetime.fromisoformat(last), sum(row["timestamp"] == last for row in rows)
    if stretch.seen is not None and stretch.before == moment:
        seen += stretch.seen
    ms = (moment - EPOCH) // timedelta(milliseconds=1)
    return f"{ms // 1000}.{ms % 1000:03d}~{seen}"


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not WHOLE.fullmatch(text) or int(text) > LARGEST_LIMIT:
        raise ApiError(400, f"limit is {text!r}; allowed: a whole number from 1 to {LARGEST_LIMIT}", param="limit")
    return int(text)


def _cursor(name: str, text: str) -> tuple[datetime, int | None]:
    """The moment that `text` says, and how many requests of that moment were read already where it is a cursor."""
    if seconds := SECONDS.fullmatch(text):
        micros = (Decimal(seconds[1]) * 1_000_000).to_integral_value(ROUND_CEILING)
        return EPOCH + timedelta(microseconds=int(micros)), int(seconds[2]) if seconds[2] else None
    if parts := RFC_3339.fullmatch(text):
        return _rfc_3339(name, text, *parts.groups()), None
    raise _no_moment(name, text)


def _rfc_3339(name: str, text: str, date: str, minute: str, second: str, fraction: str | None, zone: str) -> datetime:
    """A leap second is the moment after it; a space is the + of a time zone that was not escaped in the URL."""
    leap = second == "60"
    written = f"{date}T{minute}:{'59' if leap else second}{fraction or ''}{zone.upper().replace(' ', '+')}"
    try:
        found = datetime.fromisoformat(written)
    except ValueError as error:
        raise _no_moment(name, text) from error
    try:
        return found.astimezone(UTC) + timedelta(seconds=leap)
    except OverflowError:  # a few hours beyond what a calendar of four digits holds
        return EARLIEST if found.year == 1 else LATEST


def _no_moment(name: str, text: str) -> ApiError:
    return ApiError(400, f"{name} is {text!r}; allowed: {MOMENTS}", param=name)
