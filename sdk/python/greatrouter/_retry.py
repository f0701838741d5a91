"""When a request is sent again, and after how long a wait.

No I/O here: the clients send, sleep, and report to `retrying` what came of it.
"""

import random
import time
from collections.abc import Generator

import httpx2

from greatrouter._errors import GreatRouterError, error_from_failure, error_from_response

FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 8.0
# A server that asks for more patience than this gets none: the caller is told, and plans the wait better than we can.
LONGEST_WAIT_S = 120.0

_RETRIED_STATUSES = frozenset({408, 409, 429})
# The request may not have arrived, or its answer was lost; by its Idempotency-Key a server knows a second arrival.
_RETRIED_FAILURES = (httpx2.TimeoutException, httpx2.NetworkError, httpx2.RemoteProtocolError)

Outcome = httpx2.Response | httpx2.RequestError
"""What one attempt brings. A response that is not 2xx must have been read."""


def retrying(*, max_retries: int, server: str, secret: str) -> Generator[float, Outcome, httpx2.Response]:
    """Yields the seconds to wait before each attempt, takes its outcome; returns the 2xx response or raises."""
    wait_s = 0.0
    retries = 0
    while True:
        outcome = yield wait_s
        if isinstance(outcome, httpx2.Response):
            if outcome.is_success:
                return outcome
            error = error_from_response(outcome, secret=secret, now_s=time.time())
        else:
            error = error_from_failure(outcome, server=server, secret=secret)
        next_wait_s = _wait_s(error, retries)
        if retries == max_retries or next_wait_s > LONGEST_WAIT_S or not _is_transient(outcome):
            raise error from (None if isinstance(outcome, httpx2.Response) else outcome)
        wait_s = next_wait_s
        retries += 1


def _is_transient(outcome: Outcome) -> bool:
    if not isinstance(outcome, httpx2.Response):
        return isinstance(outcome, _RETRIED_FAILURES)
    advice = outcome.headers.get("x-should-retry", "").lower()
    if advice in {"true", "false"}:
        return advice == "true"
    return outcome.status_code in _RETRIED_STATUSES or outcome.status_code >= 500


def _wait_s(error: GreatRouterError, retries: int) -> float:
    if error.retry_after_s:  # "now" (0, or a date gone by) is no reason to skip the backoff
        return error.retry_after_s
    # A quarter of it is chance, so that clients that failed together do not come back together. The exponent is capped
    # because 2.0 ** 1024 overflows.
    longest_s = min(FIRST_BACKOFF_S * 2.0 ** min(retries, 10), LONGEST_BACKOFF_S)
    return longest_s * random.uniform(0.75, 1.0)
