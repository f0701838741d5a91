"""One chat request on its way, and what is said of it beside the answer."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from greatrouter_api import conversation, present
from greatrouter_api.answer_cache import Answer as Told
from greatrouter_api.answer_cache import AnswerCache
from greatrouter_api.decision import AUTO_MODELS, Answered
from greatrouter_api.errors import attempt_row
from greatrouter_api.flow import Flow
from greatrouter_api.front import Headers
from greatrouter_api.plan import Asking, Plan
from greatrouter_api.runner import Instead
from greatrouter_api.schemas import ChatRequest
from greatrouter_serving.call import Attempt, Usage


@dataclass(frozen=True, slots=True)
class Keep:
    """Under which key and for how long the answer is to be kept; a `ttl_s` of 0 says not at all, None that the caller
    said nothing of it."""

    cache: AnswerCache
    key: bytes | None
    ttl_s: int | None

    @property
    def headers(self) -> Headers:
        return ((b"x-gr-cache", b"MISS"),) if self.ttl_s is not None else ()

    def get(self) -> Told | None:
        return self.cache.get(self.key, self.ttl_s or 0)

    def put(self, told: Told) -> None:
        self.cache.put(self.key, self.ttl_s or 0, told)


@dataclass(frozen=True, slots=True)
class Talk:
    """`instead` plans without what a used-up budget pays for; `started` and `ready` (to run) are `perf_counter`
    readings."""

    flow: Flow
    request: ChatRequest
    asking: Asking
    plan: Plan
    instead: Instead
    session_id: str
    keep: Keep
    started: float
    ready: float

    def greatrouter(self, attempts: Sequence[Attempt], usage: Usage, cents: Decimal, why: str) -> bytes:
        """The `greatrouter` object of the answer, once it is there; JSON."""
        ended = time.perf_counter()
        plan, rank = self.plan, self.plan.place(attempts)
        target, decision = plan.targets[rank], plan.decision
        answered = Answered(target.model_id, target.provider, usage.prompt_tokens)
        alone = (
            self.request.session_id is None
        )  # then the conversation says itself what it is about, and how long it is
        prompt = "" if alone else plan.call.prompt
        context = self.flow.remember(self.asking.caller, self.session_id, plan, prompt, answered)
        if alone:
            context["session_prompts"] = conversation.questions(self.request.messages)
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
                "classification_ms": round(1000 * (decision.classified_at - self.started), 3),
                "routing_ms": round(1000 * (self.ready - decision.classified_at), 3),
                "inference_ms": round(1000 * (ended - self.ready), 3),
                "total_ms": round(1000 * (ended - self.started), 3),
            },
            "context": context,
        }
        if self.request.model in AUTO_MODELS:
            said["price_comparison"] = self.flow.planner.comparison(decision, plan.choices[rank])
        return orjson.dumps(said)
