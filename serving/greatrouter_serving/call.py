"""What serving is asked to run (`Call`), where (`Target`), and what came back (`Reply`, `Outcome`)."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Call:
    """One piece of work, independent of the model that will do it.

    `task` is one of the nine router tasks. `input` is the caller's object and passes through; where it lacks what the
    task needs, the adapter fills it from `prompt` (a user message, a query, ...). `batch` yields to other work where
    the model is served here.
    """

    task: str
    prompt: str
    input: Mapping[str, Any] = field(default_factory=dict)
    content_mode: str = "generate"
    request_id: str = ""
    batch: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """One endpoint: `model_id` is the catalog's id, `upstream_model` what its provider calls it."""

    model_id: str
    provider: str
    upstream_model: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Native units consumed. As OpenAI counts, prompt tokens include cached and those written to a cache, completion
    tokens reasoning ones."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    images: int = 0
    seconds: Decimal = Decimal(0)
    characters: int = 0
    documents: int = 0
    searches: int = 0
    cache_write_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """A provider's answer: `body` is its JSON document as bytes, exactly as it came (checked to be JSON)."""

    body: bytes
    usage: Usage


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of the fallback chain. `error` is None where it succeeded; `status` is None where nothing answered;
    `rejected` where the provider blamed the request, `unreachable` where none of its models could have answered,
    `unsent` where its protocol has no way to say what was asked for."""

    model_id: str
    provider: str
    status: int | None
    error: str | None
    latency_ms: float
    rejected: bool = False
    unreachable: bool = False
    unsent: bool = False

    @property
    def failed(self) -> bool:
        """Whether it speaks against the endpoint; a refusal that blames the request does not."""
        return self.error is not None and not self.rejected and not self.unsent


@dataclass(frozen=True, slots=True)
class Outcome:
    """The reply of the first target that answered, with every attempt that led there, the last one successful."""

    target: Target
    reply: Reply
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Streaming:
    """A chat answer under way, from the first target that began one. `pieces` is the provider's event stream, to be
    closed by whoever takes it over; it raises `UpstreamFailed` where the stream breaks off."""

    target: Target
    pieces: AsyncGenerator[bytes, None]
    attempts: tuple[Attempt, ...]


class Provider(Protocol):
    """One way to reach models. Both methods raise `UpstreamFailed` (try the next), `UpstreamRejected` (caller's fault)
    or `InvalidInput` (its protocol cannot say this; the next one's may).

    `stream` gives the bytes of an event stream in OpenAI's chunks, the usage and `[DONE]` included, and nothing before
    the first event that carries data. Closing it closes the connection to the provider.
    """

    name: str

    async def call(self, target: Target, call: Call, timeout_s: float) -> Reply: ...

    def stream(self, target: Target, call: Call, timeout_s: float) -> AsyncGenerator[bytes, None]: ...

    async def close(self) -> None: ...
