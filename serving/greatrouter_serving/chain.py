"""The fallback chain: one target after the other until one answers."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from greatrouter_serving.call import Attempt, Call, Outcome, Provider, Reply, Target
from greatrouter_serving.errors import ChainExhausted, UpstreamFailed, UpstreamRejected


class ChainRejected(UpstreamRejected):
    """The provider's refusal as it came, with every attempt that led to it; the last one is the refusal itself."""

    def __init__(self, rejected: UpstreamRejected, attempts: Sequence[Attempt]) -> None:
        super().__init__(str(rejected), rejected.status)
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

    A failure moves on; a refusal that blames the request ends the chain as ChainRejected; when all have failed,
    ChainExhausted. A caller who is cancelled cancels the request under way.
    """
    attempts: list[Attempt] = []
    for target in targets:
        started = clock()
        try:
            reply = await _try(target, call, providers, timeout_s)
        except UpstreamFailed as error:
            attempts.append(_attempt(target, error.status, str(error), clock() - started))
        except UpstreamRejected as error:
            attempts.append(_attempt(target, error.status, str(error), clock() - started))
            raise ChainRejected(error, attempts) from error
        else:
            attempts.append(_attempt(target, 200, None, clock() - started))
            return Outcome(target, reply, tuple(attempts))
    raise ChainExhausted(attempts)


async def _try(target: Target, call: Call, providers: Mapping[str, Provider], timeout_s: float) -> Reply:
    provider = providers.get(target.provider)
    if provider is None:
        raise UpstreamFailed(f"no provider named {target.provider} is configured")
    try:
        # Providers keep the limit themselves; this one holds for those that do not.
        async with asyncio.timeout(timeout_s):
            return await provider.call(target, call, timeout_s)
    except TimeoutError as error:
        raise UpstreamFailed(f"{target.provider} did not answer within {timeout_s:g} s") from error


def _attempt(target: Target, status: int | None, error: str | None, elapsed_s: float) -> Attempt:
    return Attempt(target.model_id, target.provider, status, error, elapsed_s * 1000)
