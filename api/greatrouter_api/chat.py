"""`POST /v1/chat/completions`: OpenAI's chat, by a named model or by whichever suits the question best."""

import hashlib
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from greatrouter_api import chat_form, conversation, guardrails
from greatrouter_api.activity import Entry
from greatrouter_api.answer_cache import Answer as Told
from greatrouter_api.answer_cache import AnswerCache, ttl_of
from greatrouter_api.chat_stream import streamed
from greatrouter_api.completion_stream import replayed_as_stream
from greatrouter_api.decision import AUTO_MODELS, Answered, Matter
from greatrouter_api.errors import ApiError
from greatrouter_api.flow import Flow
from greatrouter_api.front import Answer, EventStream, Headers, Incoming
from greatrouter_api.plan import Asking, Plan
from greatrouter_api.relay import DONE, Relay
from greatrouter_api.runner import Ran
from greatrouter_api.schemas import ChatRequest
from greatrouter_api.sessions import Session
from greatrouter_api.talk import Keep, Talk
from greatrouter_classifier.classification import Task, Turn

# A request that asks for these wants a model's words, whatever its prompt sounds like.
WORDS_ONLY = frozenset({"tools", "functions", "response_format", "logprobs"})


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
        if kept := keep.get():
            return self._replayed(request, incoming, kept)
        asking = Asking(incoming.caller, incoming.path, incoming.request_id)
        session_id = request.session_id or _conversation_id(request.messages)
        session = self.flow.sessions.get(incoming.caller.organization_id, session_id)
        plan = await self._plan(request, fields, asking, session)
        talk = Talk(self.flow, request, asking, plan, session_id, keep, started, time.perf_counter())
        if plan.call.task not in chat_form.SPOKEN:
            return self._answer(request, await self._made(talk, fields), keep.headers)
        if request.stream:
            return EventStream(streamed(talk), keep.headers)
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
        said = talk.greatrouter(outcome.attempts, outcome.reply.usage, ran.cents, ran.reason)
        told = Told(document, outcome.target.model_id, outcome.target.provider, said)
        talk.keep.put(told)
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
            return Keep(self.cache, None, 0)
        try:
            request = orjson.loads(incoming.body)
        except orjson.JSONDecodeError:  # it was read before by a reader that takes numbers such as NaN
            return Keep(self.cache, None, ttl_s)
        caller = incoming.caller
        return Keep(self.cache, self.cache.key(caller.organization_id, incoming.path, request, test=caller.test), ttl_s)

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


async def _once(stream: bytes) -> AsyncGenerator[bytes, None]:
    yield stream


def _answered(request: ChatRequest, session: Session | None) -> Answered | None:
    """Who answered before, where this is the same conversation and not one that only begins alike."""
    goes_on = request.session_id is not None or any(message.get("role") == "assistant" for message in request.messages)
    return session.answered if session is not None and goes_on else None


def _conversation_id(messages: Sequence[Mapping[str, Any]]) -> str:
    """The same for every turn of a conversation: clients send it whole each time, so it begins the same."""
    beginning = next((i for i, message in enumerate(messages) if message.get("role") == "user"), 0)
    words = "\n".join(conversation.text_of(message.get("content")) for message in messages[: beginning + 1])
    return f"conv_{hashlib.blake2b(words.encode('utf-8', 'replace'), digest_size=16).hexdigest()}"
