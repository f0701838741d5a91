"""What can go wrong in serving.

ServingError
├── ModelNotServed       no local model has this id
├── ModelLoadFailed      its folder or files are missing, unsupported, or gave wrong vectors
├── InferenceFailed      the forward pass itself failed
├── Overloaded           the queue is full; retry after `retry_after_s`
├── InvalidInput         the caller's input cannot be served as it stands; by another model perhaps
├── UpstreamFailed       a provider failed in a way the next model may not: try it
│   └── ProviderUnreachable  ... and in a way that its other models will, too: try another provider
├── UpstreamRejected     a provider blames the request: hand its message back
└── ChainExhausted       every model of the fallback chain failed
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from greatrouter_serving.call import Attempt


class ServingError(Exception):
    """Anything this package raises on purpose."""


class ModelNotServed(ServingError):
    """No local model has the id that was asked for."""


class ModelLoadFailed(ServingError):
    """A model cannot be loaded. The message names the path, what was expected there, and what to do."""


class InferenceFailed(ServingError):
    """The forward pass of a batch raised; its cause is chained. Only the texts of that batch are affected."""


class Overloaded(ServingError):
    """More work waits than the model can do soon. Nothing of the refused request was queued."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(f"the model's queue is full; retry in {retry_after_s:.0f} s, or send less at once")
        self.retry_after_s = retry_after_s


class InvalidInput(ServingError):
    """The input is empty, out of range or not the model's. The message says what is allowed, `param` in which field."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class UpstreamFailed(ServingError):
    """A 408, 409, 429 or 5xx (`status`), or a time-out, a reset or a malformed answer (`status` is None).

    `retry_after_s` is what the provider itself said of when to come back.
    """

    def __init__(self, message: str, status: int | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s


class ProviderUnreachable(UpstreamFailed):
    """No connection could be made, or our key is refused (`status`): mostly so whichever of its models is asked."""


class UpstreamRejected(ServingError):
    """A 4xx that blames the request. `message` is the provider's own words, as are `param` (the field at fault) and
    `code` where it has them; another model would say the same."""

    def __init__(self, message: str, status: int, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code


class ChainExhausted(ServingError):
    """`attempts` holds every try in order, each with its error. `retry_after_s` is when the first of them may answer
    again; None unless each of them said when, as any that did not may answer at once."""

    def __init__(self, attempts: Sequence["Attempt"], retry_after_s: float | None = None) -> None:
        tried = ", ".join(f"{attempt.model_id} ({attempt.error})" for attempt in attempts)
        super().__init__(f"every model of the chain failed: {tried or 'none could be tried'}")
        self.attempts = tuple(attempts)
        self.retry_after_s = retry_after_s
