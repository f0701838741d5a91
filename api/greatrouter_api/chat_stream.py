"""A chat answer that is streamed: from the provider to the caller, charged when it ends or where it breaks off."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from decimal import Decimal

from greatrouter_api import present
from greatrouter_api.answer_cache import Answer as Told
from greatrouter_api.charging import CALLER_LEFT, Charge
from greatrouter_api.completion_stream import Assembler
from greatrouter_api.errors import attempt_row, from_exception, is_stopping
from greatrouter_api.relay import DONE, Relay
from greatrouter_api.talk import Talk
from greatrouter_serving.call import Attempt, Streaming, Usage
from greatrouter_serving.errors import UpstreamFailed


async def streamed(talk: Talk) -> AsyncGenerator[bytes, None]:
    """The provider's stream as it comes, one chunk more, `[DONE]`. What fails before the first token is raised; what
    breaks off later, as all streams do when the server stops, ends with an error event, and what was produced is
    charged."""
    runner = talk.flow.runner
    charge, plan = await runner.hold(talk.plan, talk.asking.caller, talk.instead)
    talk = replace(talk, plan=plan)
    async with charge:
        streaming = await runner.open(plan)
        relay = Relay(streaming.target.provider, include_usage=talk.request.include_usage)
        assembler = Assembler() if talk.keep.ttl_s else None
        broken: BaseException | None = None
        async with aclosing(streaming.pieces) as pieces:
            try:
                async for piece in pieces:
                    if assembler is not None:
                        assembler.feed(piece)
                    if passed := relay.feed(piece):
                        yield passed
                    if relay.broken is not None:
                        raise relay.broken
            except UpstreamFailed as error:
                broken = error
            except (asyncio.CancelledError, GeneratorExit) as error:
                if not is_stopping(error):
                    _observe(talk, streaming.attempts, relay)
                    await _settle(talk, charge, streaming.attempts, relay, CALLER_LEFT)
                    raise
                broken = error
        attempts = _ended(streaming, broken)
        _observe(talk, attempts, relay)
        cents = await _settle(talk, charge, attempts, relay, from_exception(broken, "").status if broken else 200)
    if broken is not None:
        yield _error_event(broken, attempts, cents)
        return
    said = talk.greatrouter(attempts, relay.usage, cents, _why(talk, attempts))
    if assembler is not None and (document := assembler.document()):
        target, tokens = streaming.target, relay.usage.prompt_tokens
        talk.keep.put(Told(document, target.model_id, target.provider, said, tokens))
    yield relay.last_chunk(said, _used(talk, relay)) + DONE


def _ended(streaming: Streaming, broken: BaseException | None) -> tuple[Attempt, ...]:
    """The attempts, the last as it ended: that the server stops is no failure of the provider."""
    if not isinstance(broken, UpstreamFailed):
        return streaming.attempts
    *earlier, last = streaming.attempts
    return (*earlier, replace(last, error=str(broken)))


def _observe(talk: Talk, attempts: Sequence[Attempt], relay: Relay) -> None:
    tokens, elapsed_s = relay.usage.completion_tokens, time.perf_counter() - talk.ready
    talk.flow.runner.observe(talk.plan, attempts, tokens, elapsed_s)


async def _settle(talk: Talk, charge: Charge, attempts: Sequence[Attempt], relay: Relay, status: int) -> Decimal:
    used, why = _used(talk, relay), _why(talk, attempts)
    return await talk.flow.runner.settle(charge, talk.plan, attempts, used, why, status)


def _why(talk: Talk, attempts: Sequence[Attempt]) -> str:
    return talk.flow.planner.reason(talk.plan.decision, talk.plan.choices[talk.plan.place(attempts)])


def _used(talk: Talk, relay: Relay) -> Usage:
    """As the provider counted. Where its stream broke off before: the prompt and what was passed on, by estimate."""
    usage = relay.usage
    if relay.counted:
        return usage
    return replace(usage, prompt_tokens=talk.plan.decision.profile.expected.prompt_tokens)


def _error_event(error: BaseException, attempts: Sequence[Attempt], cents: Decimal) -> bytes:
    answer = from_exception(error, "")
    answer.metadata = {
        "attempts": [attempt_row(attempt) for attempt in attempts],
        "charge_dollars": present.dollars(cents),
    }
    return b"data: " + answer.body() + b"\n\n"
