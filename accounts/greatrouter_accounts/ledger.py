"""The ledger's rules, without a database: operations in, entries out.

Every transaction is a set of entries that add up to zero. A wallet can only be spent down to zero; what an
organization may spend is what its wallet holds, so a reservation moves money from the wallet to a hold and nothing else
has to be counted. What was paid back to its owner after it was spent, or while it was held, is owed, and the wallet
repays it from whatever comes in next.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from types import MappingProxyType

from greatrouter_accounts.budgets import Baselines, Budget
from greatrouter_accounts.chart import CASH, REVENUE, held, measured, owed, revenue, wallet
from greatrouter_accounts.errors import BudgetExceeded, InsufficientCredit, InvalidAmount
from greatrouter_accounts.money import EXACT, LARGEST_CENTS, ZERO, cents, check_amount
from greatrouter_accounts.operations import (
    POOL,
    Charge,
    Credit,
    Fund,
    Operation,
    Refund,
    Reserve,
    Result,
    Return,
    Settle,
    Unfund,
)

# What a pool may hold of a wallet: a sixteenth, so that another process sees nearly all of it.
POOL_SHARE = Decimal(1) / 16
# The kinds of transactions that charge a request, and those that say what was spent.
CHARGING = ("settle", "charge")
SPENDING = (*CHARGING, "return")


@dataclass(frozen=True, slots=True)
class Entry:
    transaction_id: str
    kind: str
    account: str
    amount_cents: Decimal
    request_id: str | None


@dataclass(slots=True)
class Posting:
    """What a batch of operations did: `changes` by account, and one result an operation, the cents moved or the
    refusal. `open` starts as the reservations that operations name and that exist, pools too; what it holds in the
    end stays open. `key_holds` is what is set aside for keys that have budgets.
    """

    before: Mapping[str, Decimal]
    open: dict[str, Reserve]
    entries: list[Entry] = field(default_factory=list)
    changes: dict[str, Decimal] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    baselines: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    key_holds: dict[str, Decimal] = field(default_factory=dict)

    def balance(self, account: str) -> Decimal:
        return self.before.get(account, ZERO) + self.changes.get(account, ZERO)

    def book(self, transaction_id: str, kind: str, request_id: str | None, moves: Mapping[str, Decimal]) -> None:
        """One transaction; the amounts of `moves` (by account) add up to zero."""
        for account, amount in moves.items():
            if amount:
                self.entries.append(Entry(transaction_id, kind, account, amount, request_id))
                self.changes[account] = self.changes.get(account, ZERO) + amount

    def hold(self, key_id: str, amount: Decimal) -> None:
        self.key_holds[key_id] = self.key_holds.get(key_id, ZERO) + amount


def accounts_of(operations: Sequence[Operation], open_: Mapping[str, Reserve]) -> set[str]:
    """The accounts whose balances `post` needs to know, and all that it may change but for `REVENUE`, of which none is
    kept: where several processes write at once, each locks these in the order of their names, so that none waits for
    one that waits for it."""
    reservations = [*open_.values(), *(op.made for op in operations if isinstance(op, Settle) and op.made is not None)]
    organizations = {reservation.organization_id for reservation in reservations}
    others = {revenue(reservation.key_id) for reservation in reservations if reservation.key_id is not None}
    for operation in operations:
        if isinstance(operation, Settle):
            reservation = open_.get(operation.reservation_id, operation.made)
            if reservation is not None:
                others.add(owed(reservation.organization_id))
            continue
        organizations.add(operation.organization_id)
        if isinstance(operation, Credit | Refund):
            others |= {operation.source, owed(operation.organization_id)}
        elif isinstance(operation, Return | Unfund) or (isinstance(operation, Reserve | Fund) and operation.budgets):
            others.add(owed(operation.organization_id))
        if isinstance(operation, Reserve | Return) and operation.key_id is not None:
            others.add(revenue(operation.key_id))
    return others | {name(organization) for organization in organizations for name in (wallet, held)}


def worth(balances: Mapping[str, Decimal], organization_id: str) -> Decimal:
    """What an organization may spend, less what it owes."""
    return balances.get(wallet(organization_id), ZERO) + balances.get(owed(organization_id), ZERO)


def put_in(operation: Credit | Refund) -> Decimal:
    """By how much an organization's worth grows; not by what it spends or gets back of that."""
    amount = cents(operation.amount_cents)
    return amount if isinstance(operation, Credit) else -amount


def post(
    before: Mapping[str, Decimal],
    operations: Sequence[Operation],
    open_: Mapping[str, Reserve],
    baselines: Baselines = MappingProxyType({}),
    key_holds: Mapping[str, Decimal] = MappingProxyType({}),
) -> Posting:
    """Applies `operations` in order. `before` holds the balances of `accounts_of` them, `baselines` those of every
    budget that they name, `key_holds` what is set aside for the keys of these.

    `open_` are the reservations that exist: settling one that is already closed moves nothing, so a settlement may be
    repeated. What is refused moves nothing and leaves no reservation behind.
    """
    posting = Posting(before, dict(open_), baselines=dict(baselines), key_holds=dict(key_holds))
    with localcontext(EXACT):
        for operation in operations:
            try:
                posting.results.append(_apply(posting, operation))
            except (InsufficientCredit, BudgetExceeded, InvalidAmount) as refusal:
                posting.results.append(refusal)
                continue
            if posting.baselines and isinstance(operation, Credit | Refund):
                _follow(posting, operation)
    return posting


def _apply(posting: Posting, operation: Operation) -> Decimal:
    check_amount(operation.amount_cents)
    match operation:
        case Credit():
            moved = _credit(posting, operation)
        case Refund():
            moved = _refund(posting, operation)
        case Reserve():
            moved = _reserve(posting, operation)
        case Settle():
            moved = _settle(posting, operation)
        case Fund():
            moved = _fund(posting, operation)
        case Unfund():
            moved = _unfund(posting, operation)
        case Charge():
            moved = _charge(posting, operation)
        case Return():
            moved = _return(posting, operation)
    return moved


def _credit(posting: Posting, credit: Credit) -> Decimal:
    amount, own, source = cents(credit.amount_cents), wallet(credit.organization_id), credit.source
    # Every balance stays within what can be stored: what is held comes back, every other move shifts what was credited.
    cents(posting.balance(own) + posting.balance(held(credit.organization_id)) + amount)
    cents(posting.balance(source) - amount)
    posting.book(credit.id, "top_up" if credit.paid else "grant", credit.reference, {source: -amount, own: amount})
    _repay(posting, credit.id, credit.organization_id)
    return amount


def _refund(posting: Posting, refund: Refund) -> Decimal:
    own, debt = wallet(refund.organization_id), owed(refund.organization_id)
    total = cents(refund.amount_cents)
    amount = min(total, max(ZERO, posting.balance(own)))
    cents(posting.balance(refund.source) + total)  # as for a credit
    cents(posting.balance(debt) - (total - amount))
    moves = {own: -amount, debt: amount - total, refund.source: total}
    kind = "refund" if refund.source == CASH else "debit"
    posting.book(refund.id, kind, refund.reference, moves)
    return amount


def _repay(posting: Posting, transaction_id: str, organization_id: str) -> None:
    """Whatever came into a wallet pays its organization's debt first, in the same transaction."""
    own, debt = wallet(organization_id), owed(organization_id)
    amount = min(-posting.balance(debt), posting.balance(own))
    if amount > 0:
        posting.book(transaction_id, "repay", None, {own: -amount, debt: amount})


def _reserve(posting: Posting, reserve: Reserve) -> Decimal:
    own = wallet(reserve.organization_id)
    amount, available = cents(min(reserve.amount_cents, LARGEST_CENTS)), posting.balance(own)
    if amount > available:
        raise InsufficientCredit(amount, available)
    for budget in reserve.budgets:
        left = _left(posting, reserve.organization_id, budget)
        if amount > left:
            of_key = budget.key_id is not None
            raise BudgetExceeded(budget.period, budget.cents, amount, max(ZERO, left), of_key=of_key)
    posting.book(reserve.id, "reserve", reserve.request_id, {own: -amount, held(reserve.organization_id): amount})
    posting.open[reserve.id] = reserve
    if reserve.key_id is not None:
        posting.hold(reserve.key_id, amount)
    return amount


def _left(posting: Posting, organization_id: str, budget: Budget) -> Decimal:
    """What is neither spent nor held of a budget."""
    account, key_id = measured(organization_id, budget), budget.key_id
    if key_id is None:
        now = posting.balance(account) + posting.balance(owed(organization_id))
    else:
        now = -posting.balance(account) - posting.key_holds.get(key_id, ZERO)
    return budget.cents - (posting.baselines[account, budget.period] - now)


def _follow(posting: Posting, operation: Credit | Refund) -> None:
    own = wallet(operation.organization_id)
    for name in posting.baselines:
        if name[0] == own:
            posting.baselines[name] += put_in(operation)


def _settle(posting: Posting, settle: Settle) -> Decimal:
    reservation = posting.open.pop(settle.reservation_id, None)
    if reservation is None:
        return ZERO if settle.made is None else _settle_late(posting, settle, settle.made)
    own, reserved = wallet(reservation.organization_id), cents(reservation.amount_cents)
    charge = cents(min(settle.amount_cents, reserved + max(ZERO, posting.balance(own))))
    kind = "settle" if charge else "release"
    if reservation.key_id is not None:
        posting.hold(reservation.key_id, -reserved)
    moves = {
        held(reservation.organization_id): -reserved,
        revenue(reservation.key_id): charge,
        own: reserved - charge,
    }
    posting.book(settle.id, kind, reservation.request_id, moves)
    _repay(posting, settle.id, reservation.organization_id)
    return charge


def _settle_late(posting: Posting, settle: Settle, reservation: Reserve) -> Decimal:
    own = wallet(reservation.organization_id)
    charge = cents(min(settle.amount_cents, max(ZERO, posting.balance(own))))
    posting.book(settle.id, "settle", reservation.request_id, {own: -charge, revenue(reservation.key_id): charge})
    return charge


def _fund(posting: Posting, fund: Fund) -> Decimal:
    own = wallet(fund.organization_id)
    known = posting.open.get(fund.pool_id)
    pooled = known.amount_cents if known else ZERO
    left = min([posting.balance(own), *(_left(posting, fund.organization_id, budget) for budget in fund.budgets)])
    share = EXACT.multiply(left + pooled, POOL_SHARE) - pooled
    if share < fund.least_cents:
        return ZERO
    amount = cents(min(share, fund.amount_cents))
    posting.book(fund.id, "fund", POOL, {own: -amount, held(fund.organization_id): amount})
    posting.open[fund.pool_id] = Reserve(fund.pool_id, fund.organization_id, pooled + amount, POOL)
    return amount


def _unfund(posting: Posting, unfund: Unfund) -> Decimal:
    pool = posting.open.get(unfund.pool_id)
    if pool is None:
        return ZERO
    amount, own = cents(min(unfund.amount_cents, pool.amount_cents)), wallet(unfund.organization_id)
    posting.book(unfund.id, "fund", POOL, {held(unfund.organization_id): -amount, own: amount})
    posting.open[pool.id] = Reserve(pool.id, pool.organization_id, pool.amount_cents - amount, POOL)
    _repay(posting, unfund.id, unfund.organization_id)
    return amount


def _charge(posting: Posting, charge: Charge) -> Decimal:
    """Only what the pool holds and the wallet has."""
    pool = posting.open.get(charge.pool_id)
    pooled = ZERO if pool is None else pool.amount_cents
    own = wallet(charge.organization_id)
    amount = cents(min(charge.amount_cents, pooled))
    beyond = charge.amount_cents - amount + charge.extra_cents
    extra = cents(min(beyond, max(ZERO, posting.balance(own))))
    moves = {held(charge.organization_id): -amount, own: -extra, REVENUE: amount + extra}
    posting.book(charge.id, "charge", charge.request_id, moves)
    if pool is not None:
        posting.open[charge.pool_id] = Reserve(pool.id, pool.organization_id, pooled - amount, POOL)
    return amount + extra


def _return(posting: Posting, given_back: Return) -> Decimal:
    amount, own = cents(given_back.amount_cents), wallet(given_back.organization_id)
    cents(posting.balance(own) + posting.balance(held(given_back.organization_id)) + amount)
    moves = {revenue(given_back.key_id): -amount, own: amount}
    posting.book(given_back.id, "return", given_back.request_id, moves)
    _repay(posting, given_back.id, given_back.organization_id)
    return amount
