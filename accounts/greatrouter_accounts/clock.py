"""The moment as it is written into the tables: UTC, milliseconds, so that the order of the texts is that of time."""

from datetime import UTC, datetime, timedelta


def now_text() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def moment_text(moment: datetime) -> str:
    """`moment` (with a time zone) as it is compared with what the tables hold: up to the next whole millisecond.

    >>> moment_text(datetime(2026, 1, 2, 3, 4, 5, 678_001, UTC))
    '2026-01-02T03:04:05.679+00:00'
    """
    above = -moment.microsecond % 1000
    if above and moment < datetime.max.replace(tzinfo=UTC) - timedelta(milliseconds=1):
        moment += timedelta(microseconds=above)
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
