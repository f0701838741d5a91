"""`POST /v1/chat/completions`: OpenAI's chat, by a named model or by whichever suits the question best."""

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import orjson

from greatrouter_api import chat_form, conversation, guardrails, present
from greatrouter_api.activity import Entry
from greatrouter_api.answer_cache import Answer as Told
from greatrouter_api.answer_cache import AnswerCache, ttl_of
from greatrouter_api.charging import CALLER_LEFT, Charge
from greatrouter_api.completion_stream import Assembler, replayed_as_stream
from greatrouter_api.decision import AUTO_MODELS, Answered, Matter
from greatrouter_api.errors import ApiError, attempt_row, from_exception
from greatrouter_api.flow import Flow
from greatrouter_api.front import Answer, EventStream, Headers, Incoming
from greatrouter_api.plan import Asking, Plan
from greatrouter_api.relay import DONE, Relay
from greatrouter_api.runner import Ran
from greatrouter_api.schemas import ChatRequest
from greatrouter_api.sessions import Session
from greatrouter_classifier.classification import Task, Turn
from greatrouter_serving.call import Attempt, Streaming, Usage
from greatrouter_serving.errors import UpstreamFailed

# A request that asks for these wants a model's words, whatever its prompt sounds like.
WORDS_ONLY = frozenset({"tools", "functions", "response_format", "logprobs"})


@dataclass(frozen=True, slots=True)
class Talk:
    """One chat request on its way. `started` and `ready` (to run) are `perf_counter` readings."""

    request: ChatRequest
    asking: Asking
    plan: Plan
    session_id: str
    keep: "Keep"
    started: float
    ready: float


@dataclass(frozen=True, slots=True)
class Keep:
    """Under which key and for how long the answer is to be kept; a `ttl_s` of 0 says not at all."""

    key: bytes | None
    ttl_s: int

    @property
    def headers(self) -> Headers:
        return ((b"x-gr-cache", b"MISS"),) if self.ttl_s else ()


@dataclass(frozen=True, slots=True)
class Chat:
    """Owned by one event loop."""

    flow: Flow
    cache: AnswerCache

    async def complete(self, request: ChatRequest, incoming: Incoming) -> Answer | EventStream:
        """Raises `ApiError` and what serving and accounts raise."""
        started = time.perf_counter()
        fields = request.fields
        guardrails.check(incoming.header(b"x-gr-guardrails"), guardrails.texts_in(fields))
        keep = self._keep(incoming)
        if kept := self.cache.get(keep.key, keep.ttl_s):
            return self._replayed(request, incoming, kept)
        asking = Asking(incoming.caller, incoming.path, incoming.request_id)
        session_id = request.session_id or _conversation_id(request.messages)
        session = self.flow.sessions.get(incoming.caller.organization_id, session_id)
        plan = await self._plan(request, fields, asking, session)
        talk = Talk(request, asking, plan, session_id, keep, started, time.perf_counter())
        if plan.call.task not in chat_form.SPOKEN:
            return self._answer(request, await self._made(talk, fields), keep.headers)
        if request.stream:
            return EventStream(self._streamed(talk), keep.headers)
        return self._answer(request, await self._whole(talk), keep.headers)

    async def _plan(
        self, request: ChatRequest, fields: Mapping[str, Any], asking: Asking, session: Session | None
    ) -> Plan:
        prompt = conversation.question(request.messages)
        left_to_us = request.model in AUTO_MODELS
        tasks = chat_form.SPOKEN if left_to_us and WORDS_ONLY & fields.keys() else chat_form.SPOKEN | chat_form.MADE
        if not left_to_us:
            self._refuse_silent(request.model)
        previous = await self._previous(request, session) if left_to_us else None
        matter = Matter(prompt, fields, previous, tasks=tasks, answered_before=_answered(request, session))
        return await self.flow.planner.plan(request, matter, asking)

    def _refuse_silent(self, model_id: str) -> None:
        """Raises `ApiError` for a model that has an endpoint of its own and nothing to say here."""
        catalog = self.flow.planner.catalog
        tasks = {task for row in catalog.find(model_id) for task in catalog.model(row).tasks}
        if tasks and tasks <= {Task.EMBEDDINGS, Task.RERANK}:
            paths = " or ".join(f"/v1/{task}" for task in sorted(tasks))
            raise ApiError(400, f"{model_id} does not chat; send its work to {paths}", param="model")

    async def _previous(self, request: ChatRequest, session: Session | None) -> Turn | None:
        """What a follow-up follows: the session's latest prompt, or else the question before it in the conversation."""
        if request.session_id is not None and session is not None:
            return session.turn
        earlier = conversation.earlier_question(request.messages)
        return await self.flow.planner.decider.turn(earlier) if earlier else None

    # -- whole answers ------------------------------------------------------------------------------------------

    async def _whole(self, talk: Talk) -> Told:
        """The provider's document, byte for byte, and what we say of it."""
        ran = await self.flow.runner.run(talk.plan, talk.asking.caller)
        return self._told(talk, ran, ran.outcome.reply.body)

    async def _made(self, talk: Talk, fields: Mapping[str, Any]) -> Told:
        """A picture, film, song or speech as a chat completion."""
        material = chat_form.material(talk.request.messages, fields)
        plan = replace(talk.plan, call=replace(talk.plan.call, input=material))
        ran = await self.flow.runner.run(plan, talk.asking.caller)
        answer, model_id = ran.outcome.reply.body, ran.outcome.target.model_id
        return self._told(talk, ran, chat_form.completion(answer, talk.asking.request_id, model_id))

    def _told(self, talk: Talk, ran: Ran, document: bytes) -> Told:
        outcome = ran.outcome
        said = self._greatrouter(talk, outcome.attempts, outcome.reply.usage, ran.cents, ran.reason, ran.ended)
        told = Told(document, outcome.target.model_id, outcome.target.provider, said)
        self.cache.put(talk.keep.key, talk.keep.ttl_s, told)
        return told

    def _answer(self, request: ChatRequest, told: Told, headers: Headers) -> Answer | EventStream:
        """A whole answer in the form that was asked for."""
        if not request.stream:
            return Answer(told.document.rstrip()[:-1] + b',"greatrouter":' + told.greatrouter + b"}", headers)
        relay = Relay(told.provider, include_usage=True)
        stream = relay.feed(replayed_as_stream(told.document, request.include_usage))
        return EventStream(_once(stream + relay.last_chunk(told.greatrouter) + DONE), headers)

    # -- answers asked for before -------------------------------------------------------------------------------

    def _keep(self, incoming: Incoming) -> Keep:
        ttl_s = ttl_of(incoming.header(b"x-gr-cache-ttl"))
        if not ttl_s:
            return Keep(None, 0)
        caller, request = incoming.caller, orjson.loads(incoming.body)
        return Keep(self.cache.key(caller.organization_id, incoming.path, request, test=caller.test), ttl_s)

    def _replayed(self, request: ChatRequest, incoming: Incoming, kept: Told) -> Answer | EventStream:
        """The same answer once more: it costs nothing, and its line in the log says that it was cached."""
        said = orjson.loads(kept.greatrouter) | {"cached": True, "charge_dollars": 0.0}
        found = said["classification"]
        self.flow.runner.accounts.record(
            Entry(
                request_id=incoming.request_id,
                organization_id=incoming.caller.organization_id,
                endpoint=incoming.path,
                task=found["task"],
                decision=found["decision"],
                confidence=found["confidence"],
                complexity_tier=found["complexity_tier"],
                model=kept.model,
                provider=kept.provider,
                routing_reason="the organization asked the same before, and allowed a cached answer",
                fallback_chain=kept.model,
                cached=True,
            ).row()
        )
        return self._answer(request, replace(kept, greatrouter=orjson.dumps(said)), ((b"x-gr-cache", b"HIT"),))

    # -- streams ------------------------------------------------------------------------------------------------

    async def _streamed(self, talk: Talk) -> AsyncGenerator[bytes, None]:
        """The provider's stream as it comes, one chunk more, `[DONE]`. What fails before the first token is raised;
        what breaks off later ends the stream with an error event, and what was produced is charged."""
        runner, plan = self.flow.runner, talk.plan
        async with runner.charge(plan, talk.asking.caller) as charge:
            streaming = await runner.open(plan)
            include_usage = talk.request.include_usage
            relay = Relay(streaming.target.provider, include_usage=include_usage)
            assembler = Assembler() if talk.keep.ttl_s else None
            broken: UpstreamFailed | None = None
            async with aclosing(streaming.pieces) as pieces:
                try:
                    async for piece in pieces:
                        if assembler is not None:
                            assembler.feed(piece)
                        if passed := relay.feed(piece):
                            yield passed
                except UpstreamFailed as error:
                    broken = error
                except (asyncio.CancelledError, GeneratorExit):
                    self._observed(talk, streaming, relay, None)
                    await self._settle(talk, charge, streaming.attempts, relay, CALLER_LEFT)
                    raise
            attempts = self._observed(talk, streaming, relay, broken)
            cents = await self._settle(talk, charge, attempts, relay, 502 if broken else 200)
        if broken is not None:
            yield _error_event(broken, attempts, cents)
            return
        why = self.flow.planner.reason(plan.decision, plan.choices[len(attempts) - 1])
        said = self._greatrouter(talk, attempts, relay.usage, cents, why, time.perf_counter())
        if assembler is not None and (document := assembler.document()):
            target = streaming.target
            self.cache.put(talk.keep.key, talk.keep.ttl_s, Told(document, target.model_id, target.provider, said))
        missing = relay.usage_chunk(_used(talk, relay)) if include_usage and not relay.counted else b""
        yield missing + relay.last_chunk(said) + DONE

    async def _settle(
        self, talk: Talk, charge: Charge, attempts: Sequence[Attempt], relay: Relay, status: int
    ) -> Decimal:
        why = self.flow.planner.reason(talk.plan.decision, talk.plan.choices[len(attempts) - 1])
        return await self.flow.runner.settle(charge, talk.plan, attempts, _used(talk, relay), why, status)

    def _observed(
        self, talk: Talk, streaming: Streaming, relay: Relay, broken: UpstreamFailed | None
    ) -> tuple[Attempt, ...]:
        """The attempts, the last as it ended, which is what the endpoint's health is made of."""
        attempts = streaming.attempts
        if broken is not None:
            attempts = (*attempts[:-1], replace(attempts[-1], error=str(broken)))
        tokens = relay.usage.completion_tokens
        self.flow.runner.observe(talk.plan, attempts, tokens, time.perf_counter() - talk.ready)
        return attempts

    # -- what we say beside the answer --------------------------------------------------------------------------

    def _greatrouter(
        self, talk: Talk, attempts: Sequence[Attempt], usage: Usage, cents: Decimal, why: str, ended: float
    ) -> bytes:
        plan, rank = talk.plan, len(attempts) - 1
        target, decision = plan.targets[rank], plan.decision
        said: dict[str, Any] = {
            "classification": present.classification(decision.classification),
            "model": target.model_id,
            "provider": target.provider,
            "routing": {
                "reason": why,
                "fallback_chain": [target.model_id for target in plan.targets],
                "attempts": [attempt_row(attempt) for attempt in attempts],
            },
            "estimated_cost_dollars": present.rounded(plan.choices[rank].cost_dollars),
            "charge_dollars": present.dollars(cents),
            "cached": False,
            "timing": {
                "classification_ms": round(1000 * (decision.classified_at - talk.started), 3),
                "routing_ms": round(1000 * (talk.ready - decision.classified_at), 3),
                "inference_ms": round(1000 * (ended - talk.ready), 3),
                "total_ms": round(1000 * (time.perf_counter() - talk.started), 3),
            },
            "context": self.flow.remember(talk.asking.caller, talk.session_id, plan, target, usage.prompt_tokens),
        }
        if talk.request.model in AUTO_MODELS:
            said["price_comparison"] = self.flow.planner.comparison(decision, plan.choices[rank])
        return orjson.dumps(said)


async def _once(stream: bytes) -> AsyncGenerator[bytes, None]:
    yield stream


def _answered(request: ChatRequest, session: Session | None) -> Answered | None:
    """Who answered before, where this is the same conversation and not one that only begins alike."""
    goes_on = request.session_id is not None or any(message.get("role") == "assistant" for message in request.messages)
    return session.answered if session is not None and goes_on else None


def _used(talk: Talk, relay: Relay) -> Usage:
    """As the provider counted. Where its stream broke off before: the prompt and what was passed on, by estimate."""
    usage = relay.usage
    if relay.counted or not usage.completion_tokens:
        return usage
    return replace(usage, prompt_tokens=talk.plan.decision.profile.expected.prompt_tokens)


def _error_event(error: UpstreamFailed, attempts: Sequence[Attempt], cents: Decimal) -> bytes:
    answer = from_exception(error, "")
    answer.metadata = {
        "attempts": [attempt_row(attempt) for attempt in attempts],
        "charge_dollars": present.dollars(cents),
    }
    return b"data: " + answer.body() + b"\n\n"


def _conversation_id(messages: Sequence[Mapping[str, Any]]) -> str:
    """The same for every turn of a conversation: clients send it whole each time, so it begins the same."""
    beginning = next((i for i, message in enumerate(messages) if message.get("role") == "user"), 0)
    digest = hashlib.blake2b(orjson.dumps(messages[: beginning + 1]), digest_size=16)
    return f"conv_{digest.hexdigest()}"
