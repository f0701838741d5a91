"""The moment as it is written into the tables."""

from datetime import UTC, datetime


def now_text() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
