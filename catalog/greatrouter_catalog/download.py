"""Fetches the public feeds. The only place in the catalog that uses the network."""

import urllib.request
from http.client import HTTPException
from pathlib import Path

from greatrouter_catalog.errors import FeedError
from greatrouter_catalog.facts import Feed

TIMEOUT_S = 30.0
MAX_BYTES = 64 * 1024 * 1024


def fetch(feed: Feed, folder: Path) -> Path:
    """Downloads a feed into `folder`. Raises `FeedError` where it cannot be reached or is implausibly large."""
    if not feed.url.startswith("https://"):
        raise FeedError(
            f"the {feed.name} feed has no https url; import its file with `greatrouter catalog import FILE`"
        )
    request = urllib.request.Request(feed.url, headers={"User-Agent": "greatrouter-catalog"})  # noqa: S310 - https only, checked above
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - as above
            raw = answer.read(MAX_BYTES + 1)
    except (OSError, HTTPException, ValueError) as error:  # URLError and TimeoutError are OSErrors
        reason = getattr(error, "reason", error)
        raise FeedError(f"the {feed.name} feed at {feed.url} cannot be reached ({reason})") from error
    if len(raw) > MAX_BYTES:
        raise FeedError(f"the {feed.name} feed at {feed.url} is larger than {MAX_BYTES:,} bytes")
    path = folder / f"{feed.name}{Path(feed.file).suffix}"
    try:
        path.write_bytes(raw)
    except OSError as error:
        raise FeedError(f"the {feed.name} feed cannot be kept at {path} ({error.strerror}); free some space") from error
    return path
