"""How long the server asks its caller to wait."""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

# A daily budget renews within a day; nothing asks for more, so a longer wait is a broken header or clock.
MAX_RETRY_AFTER_S = 86_400.0

_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


def retry_after_s(headers: Mapping[str, str], now_s: float) -> float | None:
    """Seconds in 0..MAX_RETRY_AFTER_S, or None where no header can be read.

    `retry-after-ms` (milliseconds) goes before `Retry-After` (seconds or an HTTP date). `now_s` is Unix time;
    `headers` must ignore case.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return bounded_s(milliseconds / 1000)
    text = headers.get("retry-after", "")
    seconds = _number(text)
    if seconds is None:
        seconds = _seconds_until(text, now_s)
    return None if seconds is None else bounded_s(seconds)


def bounded_s(seconds: float) -> float:
    return float(min(max(seconds, 0.0), MAX_RETRY_AFTER_S))


def _number(text: str) -> float | None:
    # A pattern, because float() also takes "nan", "inf", "1_0" and "-1".
    return float(text) if _NUMBER.fullmatch(text.strip()) else None


def _seconds_until(http_date: str, now_s: float) -> float | None:
    try:
        when = parsedate_to_datetime(http_date)
        # A date without a zone ("-0000") is UTC in HTTP, but would be read as local time.
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now_s
    except (ValueError, OverflowError):
        return None
