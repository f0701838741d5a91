"""From a request to a plan: decided, priced, ready to run. Every endpoint that routes goes through here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from typing import Any

from greatrouter_accounts.keys import Caller
from greatrouter_api import present
from greatrouter_api.activity import Entry
from greatrouter_api.charging import is_free
from greatrouter_api.decision import Decider, Decision, Matter
from greatrouter_api.errors import ApiError
from greatrouter_api.reservation import bound, most_cents
from greatrouter_api.schemas import Asked
from greatrouter_api.tiers import Tiers
from greatrouter_catalog.catalog import Catalog
from greatrouter_catalog.model import Model
from greatrouter_catalog.pricing import Pricing
from greatrouter_ranking.ranker import Choice
from greatrouter_ranking.reasons import of_named, reason
from greatrouter_serving.call import Attempt, Call, Target

SANDBOX = "sandbox"
USED_UP = "The budget is used up, which leaves free models and those served here. "


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, through which endpoint, under which request id; `batch` for the discounted tier of what is served
    here."""

    caller: Caller
    endpoint: str
    request_id: str
    batch: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """`targets` are tried in order, one for each of `choices`, charged by one each of `prices`; `estimate_cents` covers
    the dearest of them, `tokens` what each may take. `budgeted` is false where all are free or served here."""

    decision: Decision
    choices: Sequence[Choice]
    targets: Sequence[Target]
    prices: Sequence[Pricing]
    call: Call
    entry: Entry
    estimate_cents: Decimal
    free: bool
    budgeted: bool = True
    tokens: int = 0

    def place(self, attempts: Sequence[Attempt]) -> int:
        """Which of the targets the last attempt was at: those of a provider out of reach are passed over."""
        last = attempts[-1]
        tried = ((target.model_id, target.provider) for target in self.targets)
        return next(place for place, target in enumerate(tried) if target == (last.model_id, last.provider))


@dataclass(frozen=True, slots=True)
class Planner:
    """`attempts` is how many endpoints one request may try; `tiers` say what each costs; `unset_keys` are the
    environment variables that were to hold a key and did not, by provider."""

    catalog: Catalog
    decider: Decider
    attempts: int
    tiers: Tiers
    unset_keys: Mapping[str, str] = field(default_factory=dict)

    async def plan(self, request: Asked, matter: Matter, asking: Asking) -> Plan:
        """As `Decider.decide`. Raises `ApiError` where nothing reachable fits."""
        decision = await self.decider.decide(request, matter, asking.caller, self.attempts)
        if not decision.available:
            raise self.unavailable(decision)
        found, choices = decision.classification, decision.ranking.endpoints
        models = [self.catalog.model(choice.row) for choice in choices]
        prices = [self.tiers.pricing(model, batch=asking.batch) for model in models]
        units = [bound(decision.profile, model) for model in models]
        return Plan(
            decision=decision,
            choices=choices,
            targets=[self._target(choice, asking.caller) for choice in choices],
            prices=prices,
            call=Call(found.task, matter.prompt, matter.input, found.content_mode, asking.request_id, asking.batch),
            entry=Entry(
                request_id=asking.request_id,
                organization_id=asking.caller.organization_id,
                endpoint=asking.endpoint,
                task=found.task.value,
                decision=found.decision.value,
                confidence=found.confidence,
                complexity_tier=found.complexity.tier.value,
                fallback_chain=" ".join(self.catalog.ids[choice.row] for choice in choices),
                optimization=request.optimization,
                content_mode=found.content_mode.value,
                catalog_version=self.catalog.version,
            ),
            # What is reserved must cover whichever model answers.
            estimate_cents=max(map(partial(most_cents, decision.profile), models, prices)),
            free=all(map(is_free, models)),
            budgeted=not all(model.hosted or is_free(model) for model in models),
            tokens=max(each.prompt_tokens + each.completion_tokens for each in units),
        )

    def reason(self, decision: Decision, choice: Choice) -> str:
        """Why a choice, or an endpoint to try, stands where it does."""
        return f"{USED_UP}{self._reason(decision, choice)}" if decision.unpaid_only else self._reason(decision, choice)

    def _reason(self, decision: Decision, choice: Choice) -> str:
        if decision.explicit:
            model = self.catalog.model(choice.row)
            return of_named(model.id, model.provider, choice, decision.ranking)
        comparison = decision.ranking.comparison
        assert comparison is not None  # there are choices
        return reason(choice, choice.rank, decision.profile, decision.optimization, comparison)

    def comparison(self, decision: Decision, choice: Choice) -> dict[str, Any]:
        comparison = decision.ranking.comparison
        assert comparison is not None  # there are choices
        return present.price_comparison(self.catalog, comparison, choice.cost_dollars)

    def unavailable(self, decision: Decision) -> ApiError:
        """What to say where nothing reachable fits: which provider would make the best model of all reachable."""
        model = self._best(decision)
        metadata = {"model": model.id, "provider": model.provider}
        return ApiError(404, self.advice(decision), code="model_not_found", metadata=metadata)

    def advice(self, decision: Decision) -> str:
        model = self._best(decision)
        best = f"no reachable model fits; the best of the catalog is {model.id}"
        if self.unset_keys:
            unset = " and ".join(f"{key}, the key of [providers.{name}]," for name, key in self.unset_keys.items())
            return f"{best}; the server was started without {unset} in its environment: set it and start again"
        return (
            f"{best}: configure [providers.{model.provider}] in greatrouter.toml with its base_url and the environment "
            "variable that holds its key, or use a test key"
        )

    def _best(self, decision: Decision) -> Model:
        return self.catalog.model(decision.ranking.choices[0].row)

    def _target(self, choice: Choice, caller: Caller) -> Target:
        model = self.catalog.model(choice.row)
        provider = SANDBOX if caller.test and not model.hosted else model.provider
        return Target(model.id, provider, model.upstream_model)


def joined(plans: Sequence[Plan], most: int) -> Plan:
    """One plan over the endpoints of all, those of the first plan first: `most` together, and as far as that goes one
    at least of each."""
    places: dict[Target, tuple[Plan, Choice]] = {}
    for later, plan in zip(range(len(plans) - 1, -1, -1), plans, strict=True):
        room = max(1, most - len(places) - later)
        places |= {
            target: (plan, choice) for target, choice in list(zip(plan.targets, plan.choices, strict=True))[:room]
        }
    targets = list(places)[:most]
    prices = {target: price for plan in plans for target, price in zip(plan.targets, plan.prices, strict=True)}
    used = [places[target][0] for target in targets]
    first, dearest = plans[0], max(used, key=lambda plan: plan.estimate_cents)
    return replace(
        first,
        choices=[places[target][1] for target in targets],
        targets=targets,
        prices=[prices[target] for target in targets],
        entry=replace(first.entry, fallback_chain=" ".join(target.model_id for target in targets)),
        estimate_cents=dearest.estimate_cents,
        free=all(plan.free for plan in used),
        budgeted=any(plan.budgeted for plan in used),
        tokens=max(plan.tokens for plan in used),
    )
