"""What would be chosen, and what it would cost: no inference, no charge, no upstream traffic."""

from dataclasses import dataclass
from typing import Any

import orjson

from greatrouter_accounts.keys import Caller
from greatrouter_api import present
from greatrouter_api.decision import Decision, Matter
from greatrouter_api.flow import matter_of
from greatrouter_api.plan import Planner
from greatrouter_api.schemas import PriceComparisonRequest, SuggestRequest
from greatrouter_api.sessions import Sessions
from greatrouter_api.typical import kind_asked, priced_for, typical
from greatrouter_catalog.taxonomy import TASK_TYPES
from greatrouter_classifier.classification import Task
from greatrouter_ranking.choice import Choice


@dataclass(frozen=True, slots=True)
class Preview:
    """Owned by one event loop."""

    planner: Planner
    sessions: Sessions
    view: present.ModelView

    async def suggest(self, request: SuggestRequest, caller: Caller) -> bytes:
        """The answer of `POST /v1/auto/suggest`."""
        matter = matter_of(request, self.sessions, caller)
        decision = await self.planner.decider.decide(request, matter, caller, request.limit)
        suggestions = [self._suggestion(decision, choice) for choice in decision.ranking.choices]
        return self._answer(decision, suggestions, caller)

    async def compare(self, request: PriceComparisonRequest, caller: Caller) -> bytes:
        """The answer of `POST /v1/models/price-comparison`. Without a prompt a typical request of the task is priced,
        one of text where nothing says which task."""
        prompt = request.prompt or ""
        is_typical = not prompt.strip()
        matter = Matter(prompt, {})
        if is_typical:
            kind = kind_asked(request, self.planner.catalog)
            matter = typical(kind)
            request = request.model_copy(update={"task": request.task or Task(TASK_TYPES[kind].tasks[0])})
        decision = await self.planner.decider.decide(request, matter, caller, request.limit)
        compared = [self._compared(decision, choice) for choice in decision.ranking.choices]
        told = priced_for(decision.profile.expected, is_typical=is_typical)
        return self._answer(decision, compared, caller, priced_for=told)

    def _answer(self, decision: Decision, suggestions: list[dict[str, Any]], caller: Caller, **more: Any) -> bytes:
        answer: dict[str, Any] = {
            "classification": present.classification(decision.classification),
            "optimization": decision.optimization.value,
            "suggestions": suggestions,
            "price_comparison": self.planner.comparison(decision, decision.ranking.choices[0]),
            "catalog_version": self.planner.catalog.version,
            **more,
        }
        if not decision.available:
            answer["note"] = self.planner.advice(decision)
        elif caller.test:
            answer |= present.sandbox_note(self.view, [choice.row for choice in decision.ranking.choices])
        return orjson.dumps(answer)

    def _suggestion(self, decision: Decision, choice: Choice) -> dict[str, Any]:
        why = self.planner.reason(decision, choice)
        return present.suggestion(self.view, self.planner.catalog, choice, why, available=decision.available)

    def _compared(self, decision: Decision, choice: Choice) -> dict[str, Any]:
        model = self.planner.catalog.model(choice.row)
        return {
            "model_id": model.id,
            "name": model.name,
            "provider": model.provider,
            "task_type": model.task_type,
            "cost_tier": model.price_tier,
            "score": round(choice.score, 4),
            "quality": round(choice.quality, 4),
            "estimated_cost_dollars": present.rounded(choice.cost_dollars),
            "reason": self.planner.reason(decision, choice),
            "available": decision.available,
        }
