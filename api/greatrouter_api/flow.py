"""The request flow of auto/route and models/route, top to bottom: plan, run (reserve, call, charge, log), answer."""

import time
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson

from greatrouter_accounts.ids import uuid7
from greatrouter_accounts.keys import Caller
from greatrouter_api import conversation, present
from greatrouter_api.decision import Answered, Matter
from greatrouter_api.errors import ApiError, attempt_row
from greatrouter_api.plan import Asking, Plan, Planner
from greatrouter_api.runner import Instead, Ran, Runner
from greatrouter_api.schemas import ModelsRouteRequest, RouteFilter, RouteRequest, SuggestRequest
from greatrouter_api.sessions import Sessions, continued
from greatrouter_catalog.arrays import CAPABILITIES, MODALITIES, PRICE_TIERS, TASKS, mask
from greatrouter_catalog.taxonomy import TASK_TYPES
from greatrouter_classifier.classification import Task, Turn
from greatrouter_classifier.shape import content_mode_of
from greatrouter_serving.chain import ChainRejected
from greatrouter_serving.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Flow:
    """Everything a routed request passes through. Owned by one event loop."""

    planner: Planner
    runner: Runner
    sessions: Sessions
    view: present.ModelView

    async def route(self, request: RouteRequest, asking: Asking) -> bytes:
        """The answer of `POST /v1/auto/route`. Raises `ApiError` and what serving and accounts raise."""
        started = time.perf_counter()
        matter = matter_of(request, self.sessions, asking.caller)
        plan = await self._planned(request, matter, asking)
        ran = await self._run(plan, asking, partial(self._planned, request, replace(matter, unpaid_only=True), asking))
        session_id = request.session_id or uuid7("ses_")
        tokens = ran.outcome.reply.usage.prompt_tokens
        answered = Answered(ran.outcome.target.model_id, ran.outcome.target.provider, tokens)
        context = self.remember(asking.caller, session_id, ran.plan, ran.plan.call.prompt, answered)
        answer = {"classification": present.classification(plan.decision.classification), **self.routed(ran)}
        return orjson.dumps(answer | {"timing": timing(started, ran), "context": context})

    async def route_explicitly(self, request: ModelsRouteRequest, asking: Asking) -> bytes:
        """The answer of `POST /v1/models/route`."""
        started = time.perf_counter()
        request, matter = explicit_matter(request)
        again = partial(self.planner.plan, request, replace(matter, unpaid_only=True), asking)
        ran = await self._run(await self.planner.plan(request, matter, asking), asking, again)
        routed, timed = self.routed(ran), timing(started, ran)
        timed["routing_ms"] += timed.pop("classification_ms")
        return orjson.dumps({**routed, **routed["model"], "timing": timed})

    async def _planned(self, request: RouteRequest, matter: Matter, asking: Asking) -> Plan:
        plan = await self.planner.plan(request, matter, asking)
        if not request.session_id or content_mode_of(request.input) is not None:
            return plan  # what is handed over is what "it" means
        session = self.sessions.get(asking.caller.organization_id, request.session_id)
        prompt = continued(session, plan.decision.classification.task, request.prompt)
        return replace(plan, call=replace(plan.call, prompt=prompt))

    async def _run(self, plan: Plan, asking: Asking, instead: Instead) -> Ran:
        """A field at fault is named as the caller wrote it: here it stands within `input`."""
        try:
            return await self.runner.run(plan, asking.caller, instead)
        except (InvalidInput, ChainRejected) as error:
            error.param = error.param and f"input.{error.param}"
            raise

    def routed(self, ran: Ran) -> dict[str, Any]:
        """What every routed answer says of its model, its money and its way there."""
        choice = ran.plan.choices[ran.rank]
        return {
            "model": {
                "model": self.view.short(choice.row),
                "cost_tier": self.planner.catalog.model(choice.row).price_tier,
                "estimated_cost": present.rounded(choice.cost_dollars),
            },
            "price_comparison": self.planner.comparison(ran.plan.decision, choice),
            "result": orjson.Fragment(ran.outcome.reply.body),
            "provider": ran.outcome.target.provider,
            "charge_dollars": present.dollars(ran.cents),
            "routing": {
                "reason": ran.reason,
                "fallback_chain": [target.model_id for target in ran.plan.targets],
                "attempts": [attempt_row(attempt) for attempt in ran.outcome.attempts],
            },
        }

    def remember(self, caller: Caller, session_id: str, plan: Plan, prompt: str, answered: Answered) -> dict[str, Any]:
        """Makes this prompt the session's latest; the `context` of the answer."""
        found = plan.decision.classification
        turn = Turn(found.task, found.content_mode, found.complexity)
        prompts = self.sessions.remember(caller.organization_id, session_id, turn, prompt, answered)
        return {
            "session_id": session_id,
            "session_prompts": prompts,
            "contextual_boost": present.contextual_boost(found),
        }


def matter_of(request: RouteRequest | SuggestRequest, sessions: Sessions, caller: Caller) -> Matter:
    """Raises `ApiError` 400 where there is nothing to go by."""
    if not request.prompt.strip() and not request.input:
        raise ApiError(400, "prompt is empty, and so is input: say what you want", param="prompt")
    session, regex_only = sessions.get(caller.organization_id, request.session_id), request.mode == "regex"
    if session is None:
        return Matter(request.prompt, request.input, regex_only=regex_only)
    return Matter(request.prompt, request.input, session.turn, regex_only=regex_only, answered_before=session.answered)


def explicit_matter(request: ModelsRouteRequest) -> tuple[ModelsRouteRequest, Matter]:
    """`query` is a task or a task type by name, or else words that are classified and stand in for a missing prompt.

    Raises `ApiError` 400.
    """
    wanted = request.filter or RouteFilter()
    named = TASK_TYPES.get(wanted.task_type or request.query)
    task = request.task or (Task(request.query) if request.query in TASKS else None)
    if task is None and named is not None:
        task = Task(named.tasks[0])
    if named is not None and task is not None and task not in named.tasks:
        raise ApiError(400, f"filter.task_type is {named.name}, which does not do {task.value}", param="filter")
    prompt = conversation.prompt_of(request.input) or (
        "" if task and request.query in (*TASKS, *TASK_TYPES) else request.query
    )
    if not prompt and not request.input:
        raise ApiError(400, "input is empty: send what the model is to work on", param="input")
    matter = Matter(
        prompt,
        request.input,
        capabilities=mask(wanted.capabilities, CAPABILITIES),
        max_tier=PRICE_TIERS.index(request.maxCost) if request.maxCost else None,
        output=mask([named.output_modality], MODALITIES) if named is not None and task is Task.SPEECH else 0,
    )
    return request.model_copy(update={"task": task}), matter


def timing(started: float, ran: Ran) -> dict[str, float]:
    """In milliseconds; `started` is a `perf_counter` reading."""
    classified = ran.plan.decision.classified_at
    return {
        "classification_ms": round(1000 * (classified - started), 3),
        "routing_ms": round(1000 * (ran.started - classified), 3),
        "inference_ms": round(1000 * (ran.ended - ran.started), 3),
        "total_ms": round(1000 * (time.perf_counter() - started), 3),
    }
