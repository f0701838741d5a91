"""What an organization's plan and a key of its own allow, at the moment of asking."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from greatrouter_accounts.budgets import UNBOUNDED, Allowance, Budget, budgets_at
from greatrouter_accounts.errors import StoreFailed
from greatrouter_accounts.keys import Caller
from greatrouter_accounts.limits import NO_LIMITS, Give, Limited, Limits, Standing, Take, Taken
from greatrouter_accounts.meters import KEPT, Meters


@dataclass(frozen=True, slots=True)
class Plan:
    """What every organization of a plan may use, and spend."""

    limits: Limits = NO_LIMITS
    budget: Allowance = UNBOUNDED


NO_PLAN = Plan()
# How long the last byte of an answer waits for its place to be given back: 1 to 4 ms where what counts is well.
GIVEN_BACK_S = 0.25


class Gate:
    """Used by one event loop. An organization whose plan is not among `plans` has no limits but those of its keys."""

    def __init__(self, meters: Meters, plans: Mapping[str, Plan]) -> None:
        self._meters = meters
        self._plans = plans
        self._tokens: dict[str, Standing] = {}

    def plan(self, name: str) -> Plan:
        return self._plans.get(name, NO_PLAN)

    def ticket(self, caller: Caller) -> "Ticket | None":
        """For a request that is about to run models, not admitted yet; None where nothing is limited."""
        limited = self.meters(caller)
        return Ticket(self, limited) if limited else None

    async def spend(self, caller: Caller, tokens: int) -> "Spending | None":
        """Sets aside the tokens that a request may take; None where they are not limited. Raises `RateLimited`."""
        meters = tuple(limited for limited in self.meters(caller) if limited[1].tokens_per_minute is not None)
        if not meters or tokens <= 0:
            return None
        return Spending(self._meters, meters, await self.take(Take(meters, tokens=tokens)), tokens)

    def budgets(self, caller: Caller) -> tuple[Budget, ...]:
        """Those of the organization that hold now."""
        return budgets_at(datetime.now(UTC), self.plan(caller.plan).budget)

    def budgets_of_key(self, caller: Caller) -> tuple[Budget, ...]:
        """Those of the key itself."""
        return budgets_at(datetime.now(UTC), caller.budgets, caller.key_id)

    async def standing(self, caller: Caller) -> tuple[Limited, Taken]:
        """How the meters of a caller stand, without taking anything. Raises `StoreFailed`."""
        meters = self.meters(caller)
        return meters, await self.take(Take(meters))

    def meters(self, caller: Caller) -> Limited:
        """The organization's, and the key's own, as far as they have limits."""
        limits = self.plan(caller.plan).limits
        of_organization = ((f"org:{caller.organization_id}", limits),) if limits.any else ()
        of_key = ((f"key:{caller.key_id}", caller.limits),) if caller.limits.any else ()
        return of_organization + of_key

    def tokens(self, name: str) -> Standing | None:
        """How a meter's tokens stood when this process asked last."""
        return self._tokens.get(name)

    def renew(self) -> None:
        """Says that this process lives, for what it uses."""
        self._meters.renew()

    @property
    def place(self) -> str:
        """Where limits are counted, as it may be named to anyone."""
        return self._meters.place

    def answers(self) -> bool:
        """Whether limits can be counted, tried now."""
        return self._meters.answers()

    async def take(self, asked: Take) -> Taken:
        """Raises `RateLimited`."""
        taken = await self._meters.take(asked)
        if len(self._tokens) >= KEPT:
            self._tokens.clear()
        for (name, _), standing in zip(asked.meters, taken.tokens, strict=True):
            if standing is not None:
                self._tokens[name] = standing
        return taken

    def give(self, given: Give) -> None:
        """Does not wait."""
        with suppress(StoreFailed):  # closed: the places of a process that ended are nobody's
            self._meters.give(given)

    async def settled(self) -> None:
        """Waits until what was given back is there for others, but not for long."""
        with suppress(StoreFailed, TimeoutError):
            async with asyncio.timeout(GIVEN_BACK_S):
                await self._meters.settled()

    def close(self) -> None:
        self._meters.close()


class Ticket:
    """One request, under way from when it is admitted until it is released."""

    __slots__ = ("_asked", "_gate", "_limited", "_open", "_taken")

    def __init__(self, gate: Gate, limited: Limited) -> None:
        self._gate = gate
        self._limited = limited
        self._taken: Taken | None = None
        self._asked = False
        self._open = False

    async def admit(self) -> None:
        """Raises `RateLimited`."""
        self._asked = True
        self._taken = await self._gate.take(Take(self._limited, requests=1, places=1))
        self._open = True

    async def standing(self) -> Taken | None:
        """How the limits stood when it was admitted; where nobody asked for that, how they do now; None where it was
        refused. Raises `StoreFailed`."""
        return self._taken if self._asked else await self._gate.take(Take(self._limited))

    def tokens(self) -> list[Standing | None]:
        """How the tokens of each meter stood when this process asked last."""
        return [self._gate.tokens(name) for name, _ in self._limited]

    def release(self) -> bool:
        """Once is enough; whether there was anything to give back."""
        names = [name for name, limits in self._limited if limits.concurrent_requests is not None]
        if not names or not self._open or self._taken is None:
            return False
        self._open = False
        self._gate.give(Give(names, self._taken.owner, places=1))
        return True

    async def leave(self) -> None:
        """Releases it and waits until that is known: who is answered may come again at once, to another process."""
        if self.release():
            await self._gate.settled()


class Spending:
    """Tokens set aside for one request, until it says how many it took."""

    __slots__ = ("_meters", "_names", "_open", "_taken", "_tokens")

    def __init__(self, meters: Meters, limited: Limited, taken: Taken, tokens: int) -> None:
        self._meters = meters
        self._names = [name for name, _ in limited]
        self._taken = taken
        self._tokens = tokens
        self._open = True

    def settle(self, tokens: int) -> None:
        """Once counts. More than were set aside are counted against whoever comes next."""
        if self._open and tokens != self._tokens:
            with suppress(StoreFailed):
                self._meters.give(Give(self._names, tokens=tokens - self._tokens, second=self._taken.second))
        self._open = False
