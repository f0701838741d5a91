"""What a request may cost, what it did cost, and the money that moves between the two."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.keys import Caller
from greatrouter_accounts.ledger import Reserve
from greatrouter_catalog.model import Model
from greatrouter_catalog.pricing import Units
from greatrouter_serving.call import Usage

NOTHING = Decimal(0)


@dataclass(slots=True)
class Charge:
    """Open until `settle` is called; what is not settled when the request ends is released."""

    _accounts: Accounts
    _reservation: Reserve | None
    cents: Decimal = NOTHING
    _settled: bool = False

    async def settle(self, cents: Decimal) -> Decimal:
        """Charges `cents`, on disk when this returns; what was charged in the end."""
        self._settled = True
        if self._reservation is not None:
            self.cents = await self._accounts.settle(self._reservation, cents)
        return self.cents

    def release(self) -> None:
        if self._reservation is not None and not self._settled:
            self._accounts.release(self._reservation)


@asynccontextmanager
async def reserved(
    accounts: Accounts, caller: Caller, estimate_cents: Decimal, request_id: str
) -> AsyncIterator[Charge]:
    """Holds the estimate while the request runs. Test keys and free models move no money.

    Raises `InsufficientCredit` before anything is run.
    """
    free = caller.test or estimate_cents <= 0
    charge = Charge(accounts, None if free else await accounts.reserve(caller, estimate_cents, request_id))
    try:
        yield charge
    finally:
        charge.release()


def cost_cents(model: Model, usage: Usage, expected: Units) -> Decimal:
    """The price of what was used; of what was expected where the provider did not say what was used."""
    return model.pricing.cost_cents(usage if usage != Usage() else expected)
