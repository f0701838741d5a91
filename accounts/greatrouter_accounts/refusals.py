"""Which refusals are written into the log. Whoever is refused may ask again a thousand times a second, and pays for
none of it: a line for each would fill the database."""

from collections.abc import Callable

# Lines of one organization at once, and a second from then on; each process counts for itself.
AT_ONCE, A_SECOND = 20.0, 1.0
# Organizations that are remembered; then all of them begin anew.
KEPT = 10_000


class Refusals:
    """A bucket of tokens for each organization. `clock` counts seconds. Used by one event loop."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def unwritten(self, organization_id: str) -> int | None:
        """How many refusals of the organization were left out since its last line, where this one is to be written;
        None where it is left out too."""
        bucket = self._buckets.get(organization_id)
        if bucket is None:
            if len(self._buckets) >= KEPT:
                self._buckets.clear()
            bucket = self._buckets[organization_id] = _Bucket(self._clock())
        return bucket.take(self._clock())


class _Bucket:
    __slots__ = ("_at", "_left", "_unwritten")

    def __init__(self, now: float) -> None:
        self._left = AT_ONCE
        self._at = now
        self._unwritten = 0

    def take(self, now: float) -> int | None:
        self._left = min(AT_ONCE, self._left + A_SECOND * (now - self._at))
        self._at = now
        if self._left < 1:
            self._unwritten += 1
            return None
        self._left -= 1
        unwritten, self._unwritten = self._unwritten, 0
        return unwritten
