"""`POST /v1/chat/completions`: OpenAI's chat, by a named model or by whichever suits the question best."""

import hashlib
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson

from greatrouter_api import chat_form, conversation
from greatrouter_api.activity import Entry
from greatrouter_api.answer_cache import Answer as Told
from greatrouter_api.answer_cache import AnswerCache, ttl_of
from greatrouter_api.chat_stream import streamed
from greatrouter_api.completion_stream import replayed_as_stream
from greatrouter_api.decision import AUTO_MODELS, Answered, Matter
from greatrouter_api.errors import ApiError
from greatrouter_api.flow import Flow
from greatrouter_api.front import Answer, EventStream, Headers, Incoming
from greatrouter_api.named_models import requests_of
from greatrouter_api.plan import Asking, Plan, joined
from greatrouter_api.relay import DONE, Relay
from greatrouter_api.runner import Ran
from greatrouter_api.schemas import ChatRequest
from greatrouter_api.sessions import MADE_OF_WORDS, Session, continued
from greatrouter_api.talk import Keep, Talk
from greatrouter_classifier.classification import Complexity, ComplexityTier, ContentMode, Task, Turn
from greatrouter_classifier.session import is_follow_up
from greatrouter_classifier.shape import content_mode_of

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
        session_id = request.session_id or _conversation_id(request.messages)
        session = self.flow.sessions.get(incoming.caller.organization_id, session_id)
        keep = self._keep(request, incoming, session)
        if kept := keep.get():
            return self._replayed(request, incoming, kept, started)
        asking = Asking(incoming.caller, incoming.path, incoming.request_id)
        plan = await self._plan(request, fields, asking, session)
        instead = partial(self._instead, plan, request, fields, asking, session)
        talk = Talk(self.flow, request, asking, plan, instead, session_id, keep, started, time.perf_counter())
        if plan.call.task not in chat_form.SPOKEN:
            return self._answer(request, await self._made(talk), keep.headers)
        if request.stream:
            return EventStream(streamed(talk), keep.headers)
        return self._answer(request, await self._whole(talk), keep.headers)

    async def _instead(
        self,
        plan: Plan,
        request: ChatRequest,
        fields: Mapping[str, Any],
        asking: Asking,
        session: Session | None,
    ) -> Plan:
        """`plan` without what a used-up budget pays for."""
        other = await self._plan(request, fields, asking, session, unpaid_only=True)
        if (other.call.task in chat_form.SPOKEN) != (plan.call.task in chat_form.SPOKEN):
            raise ApiError(404, "no free model does it", code="model_not_found")
        return other

    async def _plan(
        self,
        request: ChatRequest,
        fields: Mapping[str, Any],
        asking: Asking,
        session: Session | None,
        *,
        unpaid_only: bool = False,
    ) -> Plan:
        prompt = conversation.question(request.messages)
        left_to_us = request.model in AUTO_MODELS
        tasks = chat_form.SPOKEN if left_to_us and WORDS_ONLY & fields.keys() else chat_form.SPOKEN | chat_form.MADE
        previous = await self._previous(request, session) if left_to_us else None
        answered = _answered(request, session)
        matter = Matter(prompt, fields, previous, tasks=tasks, answered_before=answered, unpaid_only=unpaid_only)
        plan = await self._planned(request, matter, asking)
        if plan.decision.classification.task in MADE_OF_WORDS:
            return await self._continued(plan, request, matter, asking, session)
        return plan

    async def _planned(self, request: ChatRequest, matter: Matter, asking: Asking) -> Plan:
        """Over every model that the request names; those that cannot be used now are passed over."""
        planner = self.flow.planner
        requests = requests_of(request, planner.catalog)
        if len(requests) == 1:
            return await planner.plan(requests[0], matter, asking)
        plans, refusals = [], []
        for named in requests:
            try:
                plans.append(await planner.plan(named, matter, asking))
            except ApiError as refusal:
                refusals.append(refusal)
        if not plans:
            raise refusals[0]
        kinds = {"text" if plan.call.task in chat_form.SPOKEN else plan.call.task for plan in plans}
        if len(kinds) > 1:
            raise ApiError(
                400, f"models: these are for {' and '.join(sorted(kinds))}; name models for one", param="models"
            )
        return joined(plans, planner.attempts)

    async def _continued(
        self, plan: Plan, request: ChatRequest, matter: Matter, asking: Asking, session: Session | None
    ) -> Plan:
        """A change to a picture is made to the picture that was answered, where a model can; any other follow-up goes
        on from the words that what it follows was made of."""
        found = plan.decision.classification
        if content_mode_of(chat_form.material(request.messages, matter.input)) is not None:
            return plan  # what the caller hands over is what "it" means
        changes = is_follow_up(matter.prompt) or found.content_mode is ContentMode.EDIT
        if found.task is Task.IMAGE and changes and request.content_mode in (None, ContentMode.EDIT):
            picture = chat_form.answered_picture(request.messages)
            if picture and (edit := await self._edit(request, matter, asking, picture)):
                return edit
        told = session if request.session_id is not None else None  # a conversation says itself what it is about
        prompt = continued(told, found.task, conversation.words(request.messages))
        return replace(plan, call=replace(plan.call, prompt=prompt))

    async def _edit(self, request: ChatRequest, matter: Matter, asking: Asking, picture: str) -> Plan | None:
        """None where no model that may be asked edits pictures."""
        given = replace(matter, input={**matter.input, "image": picture})
        try:
            plan = await self._planned(request, given, asking)
        except ApiError:
            return None
        models = (self.flow.planner.catalog.model(choice.row) for choice in plan.choices)
        return plan if all("image_edit" in model.capabilities for model in models) else None

    async def _previous(self, request: ChatRequest, session: Session | None) -> Turn | None:
        """What a follow-up follows: the session's latest prompt, or else the question before it in the conversation."""
        if request.session_id is not None and session is not None:
            return session.turn
        earlier = conversation.earlier_question(request.messages)
        return await self.flow.planner.decider.turn(earlier) if earlier else None

    # -- whole answers ------------------------------------------------------------------------------------------

    async def _whole(self, talk: Talk) -> Told:
        """The provider's document, byte for byte, and what we say of it."""
        ran = await self.flow.runner.run(talk.plan, talk.asking.caller, talk.instead)
        return self._told(talk, ran, ran.outcome.reply.body)

    async def _made(self, talk: Talk) -> Told:
        """A picture, film, song or speech as a chat completion."""

        def of_material(plan: Plan) -> Plan:
            material = chat_form.material(talk.request.messages, plan.call.input)
            mode = talk.request.content_mode or content_mode_of(material) or plan.call.content_mode
            return replace(plan, call=replace(plan.call, input=material, content_mode=mode))

        async def instead() -> Plan:
            return of_material(await talk.instead())

        ran = await self.flow.runner.run(of_material(talk.plan), talk.asking.caller, instead)
        answer, model_id = ran.outcome.reply.body, ran.outcome.target.model_id
        return self._told(talk, ran, chat_form.completion(answer, talk.asking.request_id, model_id, int(time.time())))

    def _told(self, talk: Talk, ran: Ran, document: bytes) -> Told:
        outcome = ran.outcome
        talk = replace(talk, plan=ran.plan)
        said = talk.greatrouter(outcome.attempts, outcome.reply.usage, ran.cents, ran.reason)
        told = Told(document, outcome.target.model_id, outcome.target.provider, said, outcome.reply.usage.prompt_tokens)
        talk.keep.put(told)
        return told

    def _answer(self, request: ChatRequest, told: Told, headers: Headers) -> Answer | EventStream:
        """A whole answer in the form that was asked for."""
        if not request.stream:
            return Answer(told.document.rstrip()[:-1] + b',"greatrouter":' + told.greatrouter + b"}", headers)
        relay = Relay(told.provider, include_usage=request.include_usage)
        stream = relay.feed(replayed_as_stream(told.document, request.include_usage))
        return EventStream(_once(stream + relay.last_chunk(told.greatrouter, relay.usage) + DONE), headers)

    # -- answers asked for before -------------------------------------------------------------------------------

    def _keep(self, request: ChatRequest, incoming: Incoming, session: Session | None) -> Keep:
        ttl_s = ttl_of(incoming.header(b"x-gr-cache-ttl"))
        if not ttl_s:
            return Keep(self.cache, None, ttl_s)
        try:
            asked = orjson.loads(incoming.body)
        except orjson.JSONDecodeError:  # it was read before by a reader that takes more numbers
            return Keep(self.cache, None, ttl_s)
        if request.session_id and session and is_follow_up(conversation.question(request.messages)):
            # What it means, the session says.
            asked["session_id"] = [request.session_id, session.turn.task, session.turn.content_mode, session.words]
        caller = incoming.caller
        return Keep(self.cache, self.cache.key(caller.organization_id, incoming.path, asked, test=caller.test), ttl_s)

    def _replayed(self, request: ChatRequest, incoming: Incoming, kept: Told, started: float) -> Answer | EventStream:
        """The same answer once more: it costs nothing, its line in the log says that it was cached, and it is the
        latest of its session as any other."""
        said = orjson.loads(kept.greatrouter) | {"cached": True, "charge_dollars": 0.0}
        found = said["classification"]
        said["context"] |= self._remembered(request, incoming, kept, found)
        elapsed_ms = round(1000 * (time.perf_counter() - started), 3)
        nothing = {"classification_ms": 0.0, "inference_ms": 0.0}
        said["timing"] = {**nothing, "routing_ms": elapsed_ms, "total_ms": elapsed_ms}
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

    def _remembered(
        self, request: ChatRequest, incoming: Incoming, kept: Told, found: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What the session contributes to an answer that was kept, which becomes the session's latest."""
        session_id = request.session_id or _conversation_id(request.messages)
        complexity = Complexity(found["complexity_score"], ComplexityTier(found["complexity_tier"]))
        turn = Turn(Task(found["task"]), ContentMode(found["content_mode"]), complexity)
        answered = Answered(kept.model, kept.provider, kept.prompt_tokens)
        alone, organization_id = request.session_id is None, incoming.caller.organization_id
        prompt = "" if alone else conversation.words(request.messages)
        prompts = self.flow.sessions.remember(organization_id, session_id, turn, prompt, answered)
        return {
            "session_id": session_id,
            "session_prompts": conversation.questions(request.messages) if alone else prompts,
        }


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
