"""Client for a GreatRouter server: `GreatRouter` for ordinary code, `AsyncGreatRouter` for asyncio."""

from typing import TYPE_CHECKING

from greatrouter._async_client import AsyncGreatRouter
from greatrouter._client import GreatRouter
from greatrouter._errors import (
    APIConnectionError,
    APITimeoutError,
    AuthenticationError,
    GreatRouterError,
    RateLimitError,
    ValidationError,
)
from greatrouter._stream import AsyncChatStream, ChatStream

__all__ = [
    "APIConnectionError",
    "APITimeoutError",
    "AsyncChatStream",
    "AsyncGreatRouter",
    "AuthenticationError",
    "ChatStream",
    "GreatRouter",
    "GreatRouterError",
    "RateLimitError",
    "ValidationError",
    "__version__",
]

if TYPE_CHECKING:
    __version__: str
else:

    def __getattr__(name: str) -> str:
        # Read on demand: the version lives in a file, and importing this package opens none.
        if name == "__version__":
            from greatrouter._version import version

            return version()
        raise AttributeError(f"module 'greatrouter' has no attribute {name!r}")
