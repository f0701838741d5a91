"""The fallback chain: one target after the other until one answers."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypeVar

import orjson

from greatrouter_serving.call import Attempt, Call, Outcome, Provider, Reply, Streaming, Target
from greatrouter_serving.errors import (
    ChainExhausted,
    InvalidInput,
    ProviderUnreachable,
    UpstreamFailed,
    UpstreamRejected,
)
from greatrouter_serving.sse import EventSplitter, data_of, is_error

T = TypeVar("T")
# What is kept until the first token is there, which may be a picture. More of greetings and comments is an attack.
MOST_BYTES_BEFORE_FIRST_TOKEN = 16 * 1024 * 1024
FIELDS = (b":", b"event:", b"id:", b"retry:")


class ChainRejected(UpstreamRejected):
    """The provider's refusal as it came, with every attempt that led to it; the last one is the refusal itself."""

    def __init__(self, rejected: UpstreamRejected, attempts: Sequence[Attempt]) -> None:
        super().__init__(str(rejected), rejected.status, rejected.param, rejected.code)
        self.attempts = tuple(attempts)


async def run_chain(
    targets: Sequence[Target],
    call: Call,
    providers: Mapping[str, Provider],
    *,
    timeout_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> Outcome:
    """The first answer, each target given `timeout_s`. `providers` is keyed by `Target.provider`.

    A failure moves on, past all targets of a provider that could not be reached, and so does an input that the target's
    protocol cannot say; a refusal that blames the request ends the chain as ChainRejected; when all have failed,
    ChainExhausted, or the first InvalidInput where nothing could be sent to any. A caller who is cancelled cancels the
    request under way.
    """

    async def answer(target: Target) -> Reply:
        # Providers keep the limit themselves; this one holds for those that do not.
        async with asyncio.timeout(timeout_s):
            return await _provider(providers, target).call(target, call, timeout_s)

    target, reply, attempts = await _first(targets, answer, timeout_s, clock)
    return Outcome(target, reply, attempts)


async def open_chain(
    targets: Sequence[Target],
    call: Call,
    providers: Mapping[str, Provider],
    *,
    timeout_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> Streaming:
    """As `run_chain`, for a stream: a target has answered when its first token is there, and from then on there is no
    other. Raises the same."""

    async def begin(target: Target) -> tuple[bytes, AsyncGenerator[bytes, None]]:
        pieces = _provider(providers, target).stream(target, call, timeout_s)
        try:
            async with asyncio.timeout(timeout_s):
                return await _to_first_token(target.provider, pieces), pieces
        except StopAsyncIteration as error:
            raise UpstreamFailed(f"{target.provider} ended its stream before the first token") from error
        except BaseException:
            await pieces.aclose()
            raise

    target, (first, pieces), attempts = await _first(targets, begin, timeout_s, clock)
    return Streaming(target, _resumed(first, pieces), attempts)


async def _to_first_token(provider: str, pieces: AsyncGenerator[bytes, None]) -> bytes:
    """All pieces up to the one with the first token. Raises `StopAsyncIteration` where there is none, `UpstreamFailed`
    where something else comes than a stream of chunks."""
    splitter, seen, size = EventSplitter(), [], 0
    while size <= MOST_BYTES_BEFORE_FIRST_TOKEN:
        piece = await anext(pieces)
        seen.append(piece)
        size += len(piece)
        if any(_begins_answer(provider, frame) for frame in splitter.feed(piece)):
            return b"".join(seen)
    raise UpstreamFailed(f"{provider} sent {size // 1024**2} MB before the first token")


def _begins_answer(provider: str, frame: bytes) -> bool:
    """Whether a frame of a chat stream is more than a greeting: some servers send the role, or a comment, long before
    the first token, and until that is there another model can still take over."""
    if is_error(frame):
        raise UpstreamFailed(f"{provider} failed before the first token")
    data = data_of(frame)
    if data == b"[DONE]" or (data is None and (frame.startswith(FIELDS) or not frame.strip())):
        return False
    try:
        document = orjson.loads(data or b"")
    except orjson.JSONDecodeError as error:
        raise UpstreamFailed(f"{provider} sent something that is no event before the first token") from error
    if not isinstance(document, dict) or document.get("error"):
        raise UpstreamFailed(f"{provider} failed before the first token")
    choices = document.get("choices")
    if not isinstance(choices, list) or not choices:
        # Azure's streams begin with an event about the prompt.
        return False
    return any(_says_something(provider, choice) for choice in choices)


def _says_something(provider: str, choice: Any) -> bool:
    """Raises `UpstreamFailed` for a choice that failed: OpenRouter says so within it."""
    if not isinstance(choice, dict) or choice.get("error") or choice.get("finish_reason") == "error":
        raise UpstreamFailed(f"{provider} failed before the first token")
    delta = choice.get("delta")
    said = delta.items() if isinstance(delta, dict) else ()
    return bool(choice.get("finish_reason")) or any(value for name, value in said if name != "role")


async def _resumed(first: bytes, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(pieces):
        yield first
        async for piece in pieces:
            yield piece


async def _first(
    targets: Sequence[Target],
    try_one: Callable[[Target], Awaitable[T]],
    timeout_s: float,
    clock: Callable[[], float],
) -> tuple[Target, T, tuple[Attempt, ...]]:
    attempts: list[Attempt] = []
    waits_s: list[float | None] = []
    unreachable: set[str] = set()
    invalid: InvalidInput | None = None
    for target in targets:
        if target.provider in unreachable:
            continue
        started = clock()
        try:
            found = await try_one(target)
        except TimeoutError:
            late = f"{target.provider} did not answer within {timeout_s:g} s"
            attempts.append(_attempt(target, None, late, clock() - started))
            waits_s.append(None)
        except UpstreamFailed as error:
            attempt = _attempt(target, error.status, str(error), clock() - started)
            attempts.append(replace(attempt, unreachable=isinstance(error, ProviderUnreachable)))
            if attempts[-1].unreachable and error.status is None:  # a key may be refused for one model only
                unreachable.add(target.provider)
            waits_s.append(error.retry_after_s)
        except InvalidInput as error:
            unsent = _attempt(target, None, str(error), clock() - started)
            attempts.append(replace(unsent, unsent=True))
            invalid = invalid or error
        except UpstreamRejected as error:
            refusal = _attempt(target, error.status, str(error), clock() - started)
            attempts.append(replace(refusal, rejected=True))
            raise ChainRejected(error, attempts) from error
        else:
            attempts.append(_attempt(target, 200, None, clock() - started))
            return target, found, tuple(attempts)
    if invalid is not None and all(attempt.unsent for attempt in attempts):
        raise invalid
    named = [wait_s for wait_s in waits_s if wait_s is not None]
    raise ChainExhausted(attempts, min(named) if named and len(named) == len(waits_s) else None)


def _provider(providers: Mapping[str, Provider], target: Target) -> Provider:
    provider = providers.get(target.provider)
    if provider is None:
        raise UpstreamFailed(f"no provider named {target.provider} is configured")
    return provider


def _attempt(target: Target, status: int | None, error: str | None, elapsed_s: float) -> Attempt:
    return Attempt(target.model_id, target.provider, status, error, elapsed_s * 1000)
