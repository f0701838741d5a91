"""The request flow of auto/route and auto/suggest, top to bottom: decide, reserve, run, charge, answer, log."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.ids import uuid7
from greatrouter_accounts.keys import Caller
from greatrouter_api import present
from greatrouter_api.activity import Entry
from greatrouter_api.charging import Done, billed, is_free, paid
from greatrouter_api.decision import Decider, Decision
from greatrouter_api.errors import ApiError, attempt_row
from greatrouter_api.schemas import RouteRequest, SuggestRequest
from greatrouter_api.sessions import Sessions
from greatrouter_catalog.catalog import Catalog
from greatrouter_catalog.model import Model
from greatrouter_ranking.ranker import Choice
from greatrouter_ranking.reasons import reason
from greatrouter_serving.call import Call, Outcome, Provider, Target
from greatrouter_serving.chain import run_chain

SANDBOX = "sandbox"


@dataclass(frozen=True, slots=True)
class Answered:
    """A request that ran. `times` are `perf_counter` seconds: started, classified, routed (ready to run), ran."""

    decision: Decision
    outcome: Outcome
    reason: str
    times: Sequence[float]


@dataclass(frozen=True, slots=True)
class Flow:
    """Everything a routed request passes through. Owned by one event loop."""

    catalog: Catalog
    view: present.ModelView
    decider: Decider
    accounts: Accounts
    sessions: Sessions
    providers: Mapping[str, Provider]
    timeout_s: float
    fallback_models: int

    async def suggest(self, request: SuggestRequest, caller: Caller) -> bytes:
        """The answer of `POST /v1/auto/suggest`: no inference, no charge, no upstream traffic."""
        session = self.sessions.get(caller.organization_id, request.session_id)
        decision = await self.decider.decide(
            request, request.prompt, request.input, caller, session, request.limit, request.mode
        )
        answer = {
            "classification": present.classification(decision.classification),
            "optimization": decision.optimization.value,
            "suggestions": [self._suggestion(decision, i) for i in range(len(decision.ranking.choices))],
            "price_comparison": self._comparison(decision),
            "catalog_version": self.catalog.version,
        }
        return orjson.dumps(answer if decision.available else answer | {"note": self._unavailable(decision)})

    async def route(self, request: RouteRequest, caller: Caller, request_id: str) -> bytes:
        """The answer of `POST /v1/auto/route`. Raises `ApiError` and what serving and accounts raise."""
        started = time.perf_counter()
        session = self.sessions.get(caller.organization_id, request.session_id)
        decision = await self.decider.decide(
            request, request.prompt, request.input, caller, session, self.fallback_models, request.mode
        )
        if not decision.available:
            raise ApiError(404, self._unavailable(decision), code="model_not_found", metadata=self._first(decision))
        targets = [self._target(choice, caller) for choice in decision.ranking.choices]
        call = Call(
            decision.classification.task,
            request.prompt,
            request.input,
            decision.classification.content_mode,
            request_id,
        )
        dearest = self._dearest(decision)
        estimate = dearest.pricing.cost_cents(decision.profile.expected)
        entry = self._entry(request_id, caller, decision)

        async def run() -> Done[Answered]:
            routed = time.perf_counter()
            outcome = await run_chain(targets, call, self.providers, timeout_s=self.timeout_s)
            rank = len(outcome.attempts) - 1
            model = self.catalog.model(decision.ranking.choices[rank].row)
            usage = billed(outcome.reply.usage, decision.profile.expected, model)
            why = self._reason(decision, rank)
            times = (started, decision.classified_at, routed, time.perf_counter())
            cents = model.pricing.cost_cents(usage)
            return Done(Answered(decision, outcome, why, times), cents, entry.answered(outcome.target, usage, why))

        done = await paid(self.accounts, caller, entry, estimate, run, free=is_free(dearest))
        return self._routed(request, caller, done.result, done.cents)

    # -- the pieces of an answer --------------------------------------------------------------------------------

    def _routed(self, request: RouteRequest, caller: Caller, answered: Answered, charged_cents: Decimal) -> bytes:
        decision, outcome = answered.decision, answered.outcome
        rank = len(outcome.attempts) - 1
        choice = decision.ranking.choices[rank]
        session_id = request.session_id or uuid7("ses_")
        prompts = self.sessions.remember(caller.organization_id, session_id, decision.classification)
        return orjson.dumps(
            {
                "classification": present.classification(decision.classification),
                "model": {
                    "model": self.view.short(choice.row),
                    "cost_tier": self.catalog.model(choice.row).price_tier,
                    "estimated_cost": present.rounded(choice.cost_dollars),
                },
                "price_comparison": self._comparison(decision, rank),
                "result": orjson.Fragment(outcome.reply.body),
                "provider": outcome.target.provider,
                "charge_dollars": present.dollars(charged_cents),
                "routing": {
                    "reason": answered.reason,
                    "fallback_chain": [self.catalog.ids[c.row] for c in decision.ranking.choices],
                    "attempts": [attempt_row(attempt) for attempt in outcome.attempts],
                },
                "timing": _timing(answered.times),
                "context": {
                    "session_id": session_id,
                    "session_prompts": prompts,
                    "contextual_boost": present.contextual_boost(decision.classification),
                },
            }
        )

    def _suggestion(self, decision: Decision, rank: int) -> dict[str, Any]:
        choice = decision.ranking.choices[rank]
        return present.suggestion(
            self.view, self.catalog, choice, self._reason(decision, rank), available=decision.available
        )

    def _reason(self, decision: Decision, rank: int) -> str:
        comparison = decision.ranking.comparison
        assert comparison is not None
        return reason(decision.ranking.choices[rank], rank, decision.profile, decision.optimization, comparison)

    def _comparison(self, decision: Decision, rank: int = 0) -> dict[str, Any]:
        comparison = decision.ranking.comparison
        assert comparison is not None
        return present.price_comparison(self.catalog, comparison, decision.ranking.choices[rank].cost_dollars)

    def _target(self, choice: Choice, caller: Caller) -> Target:
        model = self.catalog.model(choice.row)
        provider = SANDBOX if caller.test and not model.hosted else model.provider
        return Target(model.id, provider, model.upstream_model)

    def _dearest(self, decision: Decision) -> Model:
        """The dearest model of the chain by estimate: what is reserved must cover whichever answers."""
        return self.catalog.model(max(decision.ranking.choices, key=lambda choice: choice.cost_dollars).row)

    def _entry(self, request_id: str, caller: Caller, decision: Decision) -> Entry:
        found = decision.classification
        return Entry(
            request_id=request_id,
            organization_id=caller.organization_id,
            endpoint="/v1/auto/route",
            task=found.task.value,
            decision=found.decision.value,
            confidence=found.confidence,
            complexity_tier=found.complexity.tier.value,
            fallback_chain=" ".join(self.catalog.ids[choice.row] for choice in decision.ranking.choices),
        )

    # -- what is said where nothing reachable fits --------------------------------------------------------------

    def _unavailable(self, decision: Decision) -> str:
        model = self._best(decision)
        return (
            f"no reachable model fits; the best of the catalog is {model.id}: configure [providers.{model.provider}] "
            "in greatrouter.toml with its base_url and the environment variable that holds its key, or use a test key"
        )

    def _first(self, decision: Decision) -> dict[str, str]:
        model = self._best(decision)
        return {"model": model.id, "provider": model.provider}

    def _best(self, decision: Decision) -> Model:
        return self.catalog.model(decision.ranking.choices[0].row)


def _timing(times: Sequence[float]) -> dict[str, float]:
    started, classified, routed, ran = times
    return {
        "classification_ms": round(1000 * (classified - started), 3),
        "routing_ms": round(1000 * (routed - classified), 3),
        "inference_ms": round(1000 * (ran - routed), 3),
        "total_ms": round(1000 * (time.perf_counter() - started), 3),
    }
