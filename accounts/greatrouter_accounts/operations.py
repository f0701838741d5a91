"""What may be asked of the ledger: one operation moves money once, by the rules of `ledger.py`."""

from dataclasses import dataclass
from decimal import Decimal

from greatrouter_accounts.budgets import Budget
from greatrouter_accounts.chart import CASH, PROMOTIONS
from greatrouter_accounts.errors import AccountsError

# Stands for the request in the entries that fill a pool or give it back. No caller can name a request so.
POOL = "(pool)"
# The reference of the grant that an organization's first live key brings.
FREE_CREDIT = "free_credit"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a request that may be sent again under a key (`idempotency.py`). What it costs is charged only while
    the key is its own: where another run took over, that one pays."""

    organization_id: str
    key: str
    id: str


@dataclass(frozen=True, slots=True)
class Credit:
    """Money put into a wallet: a grant of ours, or a top-up that was paid; `reference` says for what."""

    id: str
    organization_id: str
    amount_cents: Decimal
    paid: bool = False
    reference: str | None = None

    @property
    def source(self) -> str:
        return CASH if self.paid else PROMOTIONS


@dataclass(frozen=True, slots=True)
class Refund:
    """Takes money back out of a wallet: a top-up that was paid back to its owner, or a grant of ours, whose `source` is
    `PROMOTIONS`. What the wallet does not hold any more is owed. The result is what the wallet held of it."""

    id: str
    organization_id: str
    amount_cents: Decimal
    source: str = CASH
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Reserve:
    """Sets `amount_cents` aside before the work starts. Refused where the wallet holds less, or less is left of one of
    `budgets`. `key_id` is the key that asks, where it has budgets of its own: what is charged counts against them."""

    id: str
    organization_id: str
    amount_cents: Decimal
    request_id: str
    run: Run | None = None
    budgets: tuple[Budget, ...] = ()
    key_id: str | None = None


@dataclass(frozen=True, slots=True)
class Settle:
    """Charges `amount_cents` of what a reservation set aside and gives the rest back; 0 releases all of it.

    Where the work cost more than was reserved, the rest is taken from the wallet as far as the wallet reaches: a
    wallet never goes below zero, and the difference is our loss, not the caller's surprise. So is all of it where the
    reservation is gone and `made` says what it was: its process was taken for dead, the wallet has the money back, and
    the work was done. Without it, one that is gone was settled or given back, and moves nothing.

    What releases a reservation whose commit may still be under way says what was `made`, too: that commit is waited
    for.
    """

    id: str
    reservation_id: str
    amount_cents: Decimal
    run: Run | None = None
    made: Reserve | None = None


@dataclass(frozen=True, slots=True)
class Fund:
    """Sets money aside for many requests at once, in the reservation `pool_id` that one process pays them from.

    At most `amount_cents`, and only a part of the wallet (`POOL_SHARE`), or of what is left of one of `budgets`, so
    that what another process cannot see stays small; nothing where that part is less than `least_cents`. The result is
    what was set aside.
    """

    id: str
    pool_id: str
    organization_id: str
    amount_cents: Decimal
    least_cents: Decimal
    budgets: tuple[Budget, ...] = ()


@dataclass(frozen=True, slots=True)
class Unfund:
    """Takes `amount_cents` of a pool that nobody was promised back into the wallet. The result is what that was."""

    id: str
    pool_id: str
    organization_id: str
    amount_cents: Decimal


@dataclass(frozen=True, slots=True)
class Charge:
    """Charges `amount_cents` to a pool, and `extra_cents` to the wallet as far as that reaches. What the pool has not
    the wallet pays too: where the pool is gone (its process was taken for dead), it has the money back."""

    id: str
    pool_id: str
    organization_id: str
    amount_cents: Decimal
    extra_cents: Decimal
    request_id: str
    run: Run | None = None


@dataclass(frozen=True, slots=True)
class Return:
    """Gives back what a request was charged whose answer nobody was given; `key_id` as in its reservation.

    With `of`, the transaction that would have charged it, nobody knows whether it was: `doubts.py` finds out how much.
    """

    id: str
    organization_id: str
    amount_cents: Decimal
    request_id: str
    key_id: str | None = None
    of: str | None = None


Operation = Credit | Refund | Reserve | Settle | Fund | Unfund | Charge | Return
Result = Decimal | AccountsError
