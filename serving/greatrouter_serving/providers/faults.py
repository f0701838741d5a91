"""What a provider's failure means: which statuses move on to the next model, and which words may be shown."""

import errno
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson

from greatrouter_serving.errors import ProviderUnreachable, UpstreamFailed, UpstreamRejected

# These 4xx say that our key, our account, our catalog or the moment is wrong, so another model may well answer. Every
# other 4xx blames the request itself, and every other model would be right to refuse it too.
NOT_THE_REQUEST = frozenset({401, 402, 403, 404, 405, 407, 408, 409, 410, 425, 429, 499})

# What a provider says about our key may quote a part of it, masked by its own rules and not by ours.
_ABOUT_OUR_ACCOUNT = {402: "wants its account funded", 403: "forbids this to our key"}
# Gemini and xAI say 400 where the others say 401. Only in a provider's first words, and where no field is blamed:
# further on it may quote what a caller wrote, who could then have everybody's requests avoid this provider.
_KEY_IS_WRONG = re.compile(
    r"api[ _-]?key (?:is |was )?(?:not valid|invalid|expired|not found)|(?:invalid|incorrect)[ _]api[ _-]?key", re.I
)

MAX_MESSAGE_CHARACTERS = 500
# Of a field's path or an error's code.
MAX_NAME_CHARACTERS = 200
# A daily quota may be that long in coming back; nothing a caller could wait for is longer.
LONGEST_WAIT_S = 86_400.0
# Google's way to say when: a google.rpc.RetryInfo among the error's details.
_RETRY_DELAY = re.compile(rb'"retryDelay"\s*:\s*"(\d{1,9}(?:\.\d{1,9})?)s"')


def fault_of(
    provider: str, status: int, body: bytes, secret: str | None, headers: Mapping[str, str] | None = None
) -> UpstreamFailed | UpstreamRejected:
    """The error for an answer with a status other than 2xx. `secret` never appears in it."""
    words = message_of(body, secret)
    wait_s = retry_after_s(headers or {}, body)
    blamed = _name_in(body, "param", secret)
    if status == 401 or (status == 400 and blamed is None and _KEY_IS_WRONG.match(words)):
        return ProviderUnreachable(f"{provider} refused our key (status {status})", status)
    if status in _ABOUT_OUR_ACCOUNT:
        return UpstreamFailed(f"{provider} {_ABOUT_OUR_ACCOUNT[status]} (status {status})", status)
    if 400 <= status < 500 and status not in NOT_THE_REQUEST:
        words = "" if _KEY_IS_WRONG.search(words) else words  # if it is our key after all, a part of it may be quoted
        words = words or f"{provider} refused the request with status {status} and no reason"
        return UpstreamRejected(words, status, blamed, _name_in(body, "code", secret))
    if 300 <= status < 400:
        return UpstreamFailed(f"{provider} redirects (status {status}): correct its base_url", status)
    return UpstreamFailed(f"{provider} answered status {status}" + (f": {words}" if words else ""), status, wait_s)


def retry_after_s(headers: Mapping[str, str], body: bytes = b"") -> float | None:
    """When the provider says that it may answer again: `Retry-After` as seconds or as a date, Azure's and OpenAI's
    `retry-after-ms`, Google's `RetryInfo`. None where it does not say, or says it in no way that can be read.

    >>> retry_after_s({"Retry-After": "7"}), retry_after_s({"retry-after-ms": "1500", "Retry-After": "2"})
    (7.0, 1.5)
    """
    given = {name.lower(): value.strip() for name, value in headers.items()}
    wait_s = _number(given.get("retry-after-ms", "")) / 1000
    if math.isnan(wait_s):
        wait_s = _number(given.get("retry-after", ""))
    if math.isnan(wait_s):
        wait_s = _until(given.get("retry-after", ""), given.get("date", ""))
    if math.isnan(wait_s) and (found := _RETRY_DELAY.search(body)):
        wait_s = float(found[1])
    return None if math.isnan(wait_s) else min(max(wait_s, 0.0), LONGEST_WAIT_S)


def _number(text: str) -> float:
    """NaN where it is none."""
    return float(text) if re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,15})?", text) else math.nan


def _until(date: str, now: str) -> float:
    """The seconds to an HTTP date, by the provider's own clock where it shows it; NaN where it is none."""
    moment, here = _moment(date), _moment(now) or datetime.now(UTC)
    return (moment - here).total_seconds() if moment else math.nan


def _moment(date: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def malformed(provider: str, what: str) -> UpstreamFailed:
    return UpstreamFailed(f"{provider} sent a malformed answer: {what}")


def lost_connection(provider: str, error: Exception, timeout_s: float) -> UpstreamFailed:
    """The error for a request that got no answer or half of one. In our words: aiohttp's would name internal hosts.

    Only a host that nobody knows is named: it leads nowhere, and whoever mistyped it has to see it.
    """
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return ProviderUnreachable(f"{provider} cannot be reached: no connection in time")
    if isinstance(error, TimeoutError):
        return UpstreamFailed(f"{provider} did not answer within {timeout_s:g} s")
    if isinstance(error, aiohttp.ClientConnectorError):
        return ProviderUnreachable(f"{provider} cannot be reached: {_obstacle(error)}")
    if isinstance(error, aiohttp.ClientPayloadError):
        return UpstreamFailed(f"{provider} broke off in the middle of its answer")
    if isinstance(error, aiohttp.ClientConnectionError):
        return UpstreamFailed(f"{provider} closed the connection before answering")
    return UpstreamFailed(f"{provider} sent something that is not HTTP ({type(error).__name__})")


def _obstacle(error: aiohttp.ClientConnectorError) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"its host {error.host} is unknown"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not valid"
    if isinstance(error, aiohttp.ClientSSLError):
        return "it does not speak TLS as its https:// address promises"
    reasons = {errno.ECONNREFUSED: "it refused the connection", errno.ECONNRESET: "it reset the connection"}
    return reasons.get(error.os_error.errno or 0, f"no way leads there ({type(error.os_error).__name__})")


def message_of(body: bytes, secret: str | None) -> str:
    """The human words in an error body, whatever its shape, redacted."""
    try:
        words = words_in(orjson.loads(body))
    except orjson.JSONDecodeError:
        # A proxy's page of HTML tells a caller nothing.
        words = "" if body.lstrip().startswith(b"<") else body.decode("utf-8", "replace")
    return redacted(words, secret)


def _name_in(body: bytes, key: str, secret: str | None) -> str | None:
    """A short string that OpenAI puts beside its words, and older servers on their own; None where there is none."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    error = document.get("error", document) if isinstance(document, dict) else None
    name = error.get(key) if isinstance(error, dict) else None
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME_CHARACTERS:
        return None
    return redacted(name, secret)


def redacted(words: str, secret: str | None) -> str:
    """One line without `secret`, cut to a readable length."""
    if secret:
        words = words.replace(secret, "[redacted]")
    words = " ".join(words.split())
    return words if len(words) <= MAX_MESSAGE_CHARACTERS else words[: MAX_MESSAGE_CHARACTERS - 1] + "…"


def words_in(document: Any) -> str:
    """OpenAI says error.message; others message, detail (a string, or FastAPI's list) or a bare error string."""
    if isinstance(document, str):
        return document
    if isinstance(document, list):
        return "; ".join(filter(None, map(words_in, document[:5])))
    if isinstance(document, dict):
        for name in ("error", "message", "detail", "msg"):
            if document.get(name):
                return words_in(document[name])
    return ""
