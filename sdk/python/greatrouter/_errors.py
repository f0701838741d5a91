"""What can go wrong with a request.

GreatRouterError                 any other status, and answers that cannot be read
  · ValidationError              400
  · AuthenticationError          401, or no usable key was given
  · RateLimitError               429
  · APIConnectionError           nothing (or not everything) came back
      - APITimeoutError          nothing came back in time
"""

import json
from collections.abc import Mapping
from typing import Any

import httpx2

from greatrouter._retry_after import bounded_s, retry_after_s

_EXCERPT_CHARACTERS = 200


class GreatRouterError(Exception):
    """`status` is the HTTP status and `code` the server's stable code for it, each None where nothing was answered.

    `retry_after_s` is set where the server says when to come back, `metadata` where it says what to change.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after_s: float | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        self.metadata = metadata

    def __str__(self) -> str:
        facts = [
            f"status {self.status}" if self.status is not None else "",
            self.code or "",
            f"request {self.request_id}" if self.request_id else "",
        ]
        known = ", ".join(fact for fact in facts if fact)
        return f"{self.message} ({known})" if known else self.message


class ValidationError(GreatRouterError):
    pass


class AuthenticationError(GreatRouterError):
    pass


class RateLimitError(GreatRouterError):
    pass


class APIConnectionError(GreatRouterError):
    pass


class APITimeoutError(APIConnectionError):
    pass


_BY_STATUS = {400: ValidationError, 401: AuthenticationError, 429: RateLimitError}


def error_from_response(response: httpx2.Response, *, secret: str, now_s: float) -> GreatRouterError:
    """The error of a read response that is not 2xx, whatever its body holds. `secret` is blotted out of it."""
    text = redacted(response.content.decode("utf-8", "replace"), secret)
    error = error_object(text)
    asked_s = retry_after_s(response.headers, now_s)
    return _error(
        error if error is not None else {"message": _unreadable(response, text)},
        status=response.status_code,
        request_id=response.headers.get("x-request-id"),
        asked_s=asked_s,
    )


def error_from_event(text: str, *, request_id: str | None, secret: str) -> GreatRouterError:
    """The error that ends a stream: its HTTP status was already 200, so the object's own `status` counts."""
    text = redacted(text, secret)
    error = error_object(text) or {"message": f"the stream ended with an error: {_excerpt(text)}"}
    status = error.get("status")
    return _error(error, status=status if type(status) is int else None, request_id=request_id, asked_s=None)


def error_from_failure(failure: httpx2.RequestError, *, server: str, secret: str) -> APIConnectionError:
    """The error of a request that was not answered in full; `server` is the scheme, host and port asked."""
    what = redacted(f"{type(failure).__name__} {failure}".strip(), secret)
    if isinstance(failure, httpx2.TimeoutException):
        return APITimeoutError(f"{server} did not answer in time ({what}); give the client a longer timeout_s")
    return APIConnectionError(f"{server} could not be asked ({what}); check base_url, and that the server runs there")


def unreadable_answer(response: httpx2.Response, *, secret: str) -> GreatRouterError:
    """The error of a 2xx answer that is not JSON."""
    text = redacted(response.content.decode("utf-8", "replace"), secret)
    return GreatRouterError(
        _unreadable(response, text),
        status=response.status_code,
        code="invalid_response",
        request_id=response.headers.get("x-request-id"),
    )


def redacted(text: str, secret: str) -> str:
    return text.replace(secret, "[api key]")


def error_object(text: str) -> dict[str, Any] | None:
    """The object under `error` in a JSON document, or None where there is no such thing."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):  # a deep enough nest of brackets exhausts the parser's stack
        return None
    error = document.get("error") if isinstance(document, dict) else None
    return error if isinstance(error, dict) else None


def _error(
    error: Mapping[str, object], *, status: int | None, request_id: str | None, asked_s: float | None
) -> GreatRouterError:
    message, code, metadata = error.get("message"), error.get("code"), error.get("metadata")
    kind = _BY_STATUS.get(status, GreatRouterError) if status is not None else GreatRouterError
    return kind(
        message if isinstance(message, str) and message else "the server gave no reason",
        status=status,
        code=code if isinstance(code, str) else None,
        request_id=request_id,
        retry_after_s=asked_s if asked_s is not None else _seconds(error.get("retry_after_s")),
        metadata=metadata if isinstance(metadata, dict) else None,
    )


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:  # NaN is not >= 0
        return None
    return bounded_s(value)


def _unreadable(response: httpx2.Response, text: str) -> str:
    return (
        f"expected JSON as GreatRouter sends it, got {_excerpt(text)} with {response.status_code} "
        f"{response.reason_phrase}; check that base_url is a GreatRouter server's, as in http://127.0.0.1:8080/v1"
    )


def _excerpt(text: str) -> str:
    return repr(" ".join(text.split())[:_EXCERPT_CHARACTERS])
