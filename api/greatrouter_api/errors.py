"""The one error shape, and the one table that maps what the packages raise to it."""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from greatrouter_accounts.budgets import ends_at
from greatrouter_accounts.errors import (
    AccountsError,
    AnswerNotKept,
    BudgetExceeded,
    CounterFailed,
    InsufficientCredit,
    KeyRejected,
    OtherRequest,
    RateLimited,
    StillRunning,
    StoreFailed,
)
from greatrouter_api import rate_limits
from greatrouter_catalog.errors import CatalogError
from greatrouter_classifier.errors import ClassifierError
from greatrouter_serving.errors import (
    ChainExhausted,
    InferenceFailed,
    InvalidInput,
    ModelLoadFailed,
    ModelNotServed,
    Overloaded,
    ServingError,
    UpstreamFailed,
    UpstreamRejected,
)

# What the packages raise on purpose: its message says what to do, so a traceback would only hide it.
EXPECTED = (AccountsError, CatalogError, ClassifierError, ServingError)

TYPE_OF_STATUS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "invalid_request_error",
    409: "idempotency_error",
    413: "invalid_request_error",
    422: "idempotency_error",
    429: "rate_limit_error",
    502: "upstream_error",
    503: "unavailable_error",
}
CODE_OF_STATUS = {
    400: "invalid_request",
    401: "authentication_failed",
    402: "insufficient_credit",
    403: "plan_required",
    404: "not_found",
    405: "invalid_request",
    408: "invalid_request",
    409: "request_in_progress",
    413: "request_too_large",
    422: "idempotency_key_reused",
    429: "rate_limited",
    500: "internal_error",
    502: "upstream_error",
    503: "model_warming",
}

# What a task is cancelled with when the server stops and has waited for it long enough.
STOPPING = "the server stops"
STARTED_AGAIN_S = 5
# What a retry does not cure, beside every 402.
NO_RETRY = ("daily_budget_exceeded", "answer_not_kept")


@dataclass(slots=True)
class ApiError(Exception):
    """An answer that is an error. `code` is stable; `message` says what was wrong, what was expected, what to do."""

    status: int
    message: str
    code: str = ""
    param: str | None = None
    retry_after_s: int | None = None
    metadata: Mapping[str, Any] | None = None
    allow: str | None = None
    more_headers: Mapping[str, str] | None = None

    def __str__(self) -> str:
        return self.message

    def headers(self) -> dict[str, str]:
        found = {"allow": self.allow} if self.allow else {}
        if self.retry_after_s is not None:
            found["retry-after"] = str(self.retry_after_s)
        if self.status == 402 or self.code in NO_RETRY:
            found["x-should-retry"] = "false"
        return found | dict(self.more_headers or {})

    def body(self) -> bytes:
        return orjson.dumps(
            {
                "error": {
                    "code": self.code or CODE_OF_STATUS.get(self.status, "internal_error"),
                    "message": self.message.encode("utf-8", "replace").decode(),
                    "type": TYPE_OF_STATUS.get(self.status, "api_error"),
                    "param": self.param,
                    "status": self.status,
                    "retry_after_s": self.retry_after_s,
                    "metadata": self.metadata,
                }
            }
        )


def unknown_model(model_id: str) -> ApiError:
    return ApiError(404, f"no model is called {model_id!r}; GET /v1/models lists them", "model_not_found", "model")


def is_stopping(error: BaseException) -> bool:
    """Whether it ends a request because the server stops."""
    return isinstance(error, asyncio.CancelledError) and STOPPING in error.args


def stopped() -> ApiError:
    return ApiError(
        503,
        "the server is stopping and could not wait for this answer any longer; send the request again",
        code="server_stopping",
        retry_after_s=STARTED_AGAIN_S,
    )


def from_exception(error: BaseException, request_id: str) -> ApiError:
    """What the caller sees of an exception; anything unforeseen is a 500 that only names the request."""
    if isinstance(error, ApiError):
        return error
    if is_stopping(error):
        return stopped()
    for kind in type(error).__mro__:
        if kind in TABLE:
            return TABLE[kind](error)
    return ApiError(500, f"something went wrong here; report the request id {request_id}")


def _insufficient(error: Any) -> ApiError:
    amounts = {"needed_dollars": error.needed_cents / 100, "balance_dollars": error.balance_cents / 100}
    return ApiError(402, str(error), metadata={name: float(amount) for name, amount in amounts.items()})


def _rate_limited(error: Any) -> ApiError:
    limit = "concurrent_requests" if error.kind == "concurrent" else f"{error.kind}_per_minute"
    whose = "key" if error.meter.startswith("key:") else "organization"
    return ApiError(
        429,
        str(error),
        retry_after_s=None if math.isinf(error.wait_s) else max(1, math.ceil(error.wait_s)),  # no wait lets it in
        metadata={"limit": limit, "allowed": error.limit, "of": whose},
        more_headers=rate_limits.of_refused(error),
    )


def _over_budget(error: Any) -> ApiError:
    amounts = {"budget": error.budget_cents, "left": error.left_cents, "needed": error.needed_cents}
    end = ends_at(error.period)
    return ApiError(
        429,
        str(error),
        code="daily_budget_exceeded",
        retry_after_s=max(1, math.ceil((end - datetime.now(UTC)).total_seconds())),
        metadata={
            "of": "key" if error.of_key else "organization",
            "period": error.period,
            "ends_at": end.isoformat(),
            **{f"{name}_dollars": float(amount / 100) for name, amount in amounts.items()},
        },
    )


def _rejected(error: Any) -> ApiError:
    metadata: dict[str, Any] = {"attempts": [attempt_row(attempt) for attempt in getattr(error, "attempts", ())]}
    if error.code is not None:
        metadata["provider_code"] = error.code
    # The contract has no other 4xx for a request that is at fault; the provider's own status stands in the attempts.
    return ApiError(400, str(error), param=error.param, metadata=metadata)


def _exhausted(error: Any) -> ApiError:
    attempts = [attempt_row(attempt) for attempt in error.attempts]
    wait_s = None if error.retry_after_s is None else max(1, math.ceil(error.retry_after_s))
    return ApiError(502, str(error), retry_after_s=wait_s, metadata={"attempts": attempts})


TABLE: Mapping[type, Callable[[Any], ApiError]] = {
    KeyRejected: lambda error: ApiError(401, str(error)),
    InsufficientCredit: _insufficient,
    BudgetExceeded: _over_budget,
    RateLimited: _rate_limited,
    StillRunning: lambda error: ApiError(409, str(error), param="Idempotency-Key", retry_after_s=1),
    AnswerNotKept: lambda error: ApiError(409, str(error), "answer_not_kept", "Idempotency-Key", A_DAY_S),
    OtherRequest: lambda error: ApiError(422, str(error), param="Idempotency-Key"),
    StoreFailed: lambda _: ApiError(503, ACCOUNTS_DOWN, code="internal_error", retry_after_s=5),
    CounterFailed: lambda _: ApiError(503, COUNTER_DOWN, code="internal_error", retry_after_s=5),
    ModelNotServed: lambda error: ApiError(404, str(error), code="model_not_found", param="model"),
    InvalidInput: lambda error: ApiError(400, str(error), param=error.param),
    Overloaded: lambda error: ApiError(429, str(error), retry_after_s=max(1, round(error.retry_after_s))),
    ModelLoadFailed: lambda error: ApiError(503, str(error), retry_after_s=30),
    UpstreamRejected: _rejected,
    UpstreamFailed: lambda error: ApiError(502, str(error)),
    InferenceFailed: lambda error: ApiError(500, str(error)),
    ChainExhausted: _exhausted,
}
A_DAY_S = 24 * 3600  # then the key is free
COUNTER_DOWN = (
    "what counts the limits of this organization or key is unavailable at the moment, so that nobody who is limited is "
    "let in; nothing was charged"
)
ACCOUNTS_DOWN = "accounts are unavailable at the moment; nothing was charged"


def attempt_row(attempt: Any) -> dict[str, Any]:
    return {
        "model": attempt.model_id,
        "provider": attempt.provider,
        "status": attempt.status,
        "error": attempt.error,
        "latency_ms": round(attempt.latency_ms, 2),
    }
