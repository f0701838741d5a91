"""Runs a plan: reserve, call the chain, charge, log, remember how the endpoints did."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.errors import BudgetExceeded
from greatrouter_accounts.keys import Caller
from greatrouter_api.charging import Charge, billed
from greatrouter_api.errors import ApiError
from greatrouter_api.outcomes import Outcomes
from greatrouter_api.plan import Plan, Planner
from greatrouter_serving.call import Attempt, Outcome, Provider, Streaming, Usage
from greatrouter_serving.chain import ChainRejected, open_chain, run_chain
from greatrouter_serving.errors import ChainExhausted

# Plans once more, among what no budget counts. Raises `ApiError` where there is nothing.
Instead = Callable[[], Awaitable[Plan]]


@dataclass(frozen=True, slots=True)
class Ran:
    """A plan that was run. `rank` is the place of the choice that answered; `started` and `ended` are `perf_counter`
    readings around the inference."""

    plan: Plan
    outcome: Outcome
    reason: str
    cents: Decimal
    started: float
    ended: float

    @property
    def rank(self) -> int:
        return self.plan.place(self.outcome.attempts)


@dataclass(frozen=True, slots=True)
class Runner:
    """Owned by one event loop."""

    planner: Planner
    accounts: Accounts
    providers: Mapping[str, Provider]
    outcomes: Outcomes
    timeout_s: float

    async def run(self, plan: Plan, caller: Caller, instead: Instead) -> Ran:
        """Raises what the chain and the accounts raise; then nothing is charged."""
        charge, plan = await self.hold(plan, caller, instead)
        async with charge:
            started = time.perf_counter()
            try:
                outcome = await run_chain(plan.targets, plan.call, self.providers, timeout_s=self.timeout_s)
            except (ChainExhausted, ChainRejected) as error:
                self.observe(plan, error.attempts)
                raise
            ended = time.perf_counter()
            self.observe(plan, outcome.attempts, outcome.reply.usage.completion_tokens, ended - started)
            why = self.planner.reason(plan.decision, plan.choices[plan.place(outcome.attempts)])
            cents = await self.settle(charge, plan, outcome.attempts, outcome.reply.usage, why)
        return Ran(plan, outcome, why, cents, started, ended)

    async def open(self, plan: Plan) -> Streaming:
        """The stream of the first target that begins one, within a `charge`. Raises what the chain raises."""
        try:
            return await open_chain(plan.targets, plan.call, self.providers, timeout_s=self.timeout_s)
        except (ChainExhausted, ChainRejected) as error:
            self.observe(plan, error.attempts)
            raise

    async def hold(self, plan: Plan, caller: Caller, instead: Instead) -> tuple[Charge, Plan]:
        """The charge of what is run, to be entered at once, and its plan: where a budget is used up, what `instead`
        finds that no budget counts. Raises `BudgetExceeded` where that finds nothing."""
        charge = self._charge(plan, caller)
        try:
            await charge.hold()
        except BudgetExceeded as used_up:
            try:
                plan = await instead()
            except ApiError:
                charge.refuse(used_up)
                raise used_up from None
            charge = self._charge(plan, caller)
            await charge.hold()
        return charge, plan

    def _charge(self, plan: Plan, caller: Caller) -> Charge:
        return Charge(
            self.accounts,
            caller,
            plan.entry,
            plan.estimate_cents,
            free=plan.free,
            budgeted=plan.budgeted,
            tokens=plan.tokens,
        )

    async def settle(
        self, charge: Charge, plan: Plan, attempts: Sequence[Attempt], counted: Usage, why: str, status: int = 200
    ) -> Decimal:
        """Charges what the last attempt used; the cents charged."""
        rank = plan.place(attempts)
        model, target = self.planner.catalog.model(plan.choices[rank].row), plan.targets[rank]
        usage = billed(counted, plan.decision.profile.expected, model)
        return await charge.settle(plan.prices[rank], plan.entry.answered(target, usage, why, status))

    def observe(
        self, plan: Plan, attempts: Sequence[Attempt], completion_tokens: int = 0, elapsed_s: float = 0.0
    ) -> None:
        entry = plan.entry
        self.outcomes.seen(entry.organization_id, entry.request_id, attempts, completion_tokens, elapsed_s)
