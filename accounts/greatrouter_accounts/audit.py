"""Whether the books agree with themselves: what `greatrouter accounts verify` runs."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, distinct, func, literal, or_, select, type_coerce

from greatrouter_accounts import chart, orders, schema
from greatrouter_accounts import ledger as rules
from greatrouter_accounts.money import ZERO, Cents
from greatrouter_accounts.operations import FREE_CREDIT

# Of each kind of problem; a database that is damaged has many of one kind.
MOST = 20
NEVER_NEGATIVE = ("wallet:", "held:", chart.REVENUE)
PUT_IN = ("grant", "top_up", "refund", "debit")


def problems(connection: Connection) -> list[str]:
    """What is wrong, one line each; empty where all is well. `connection` reads one moment of the database."""
    checks = (
        *(_balances, _transactions, _holds, _baselines, _free_credit),
        *(_orders, _order_entries, _charges, _runs, _answers),
    )
    return [problem for check in checks for problem in check(connection)]


def _balances(connection: Connection) -> Iterable[str]:
    """Every balance is the sum of its entries, and none is negative that may not be. That of the revenue is not kept:
    where no transaction makes or loses money, it is what all others lack to zero."""
    ledger, kept = schema.ledger, schema.balances
    sums = select(ledger.c.account, func.sum(ledger.c.amount_cents)).group_by(ledger.c.account)
    summed = _by_name(connection, sums.where(ledger.c.account != chart.REVENUE))
    stored = _by_name(connection, select(kept.c.account, kept.c.amount_cents).where(kept.c.account != chart.REVENUE))
    for account in sorted(summed.keys() | stored.keys()):
        if summed.get(account, ZERO) != stored.get(account, ZERO):
            yield f"{account}: the ledger says {_said(summed.get(account))}, the balance {_said(stored.get(account))}"
    for account, amount in [*sorted(stored.items()), (chart.REVENUE, -sum(stored.values(), ZERO))]:
        if amount < 0 and account.startswith(NEVER_NEGATIVE):
            yield f"{account} is below zero: {_said(amount)}"
        if amount > 0 and account.startswith("owed:"):
            yield f"{account} is above zero: {_said(amount)} were repaid that nobody owed"


def _transactions(connection: Connection) -> Iterable[str]:
    """The entries of every transaction add up to zero, and none of them is there twice."""
    ledger = schema.ledger
    total = func.sum(ledger.c.amount_cents)
    repeated = func.count() - func.count(distinct(ledger.c.kind + literal(" ") + ledger.c.account))
    query = select(ledger.c.transaction_id, total, repeated).group_by(ledger.c.transaction_id)
    query = query.having(or_(total != ZERO, repeated != 0)).limit(MOST)
    for transaction_id, amount, times in connection.execute(query):
        if amount:
            yield f"transaction {transaction_id}: its entries add up to {_said(amount)} instead of 0"
        if times:
            yield f"transaction {transaction_id}: {times} of its entries are there twice"


def _holds(connection: Connection) -> Iterable[str]:
    """What is held is what the open reservations set aside."""
    kept, reservations = schema.balances, schema.reservations
    organization, amount = reservations.c.organization_id, reservations.c.amount_cents
    reserved = _by_name(connection, select(organization, func.sum(amount)).group_by(organization))
    wanted = {chart.held(name): total for name, total in reserved.items()}
    stored = _by_name(connection, select(kept.c.account, kept.c.amount_cents).where(kept.c.account.startswith("held:")))
    for name in sorted(wanted.keys() | stored.keys()):
        if wanted.get(name, ZERO) != stored.get(name, ZERO):
            yield f"{name}: the open reservations say {_said(wanted.get(name))}, the balance {_said(stored.get(name))}"


def _baselines(connection: Connection) -> Iterable[str]:
    """Every budget is measured from what the ledger says."""
    kept = schema.baselines
    for row in connection.execute(select(kept).order_by(kept.c.account, kept.c.period)).all():
        counted = connection.scalar(_counted(row.account, row.period, row.sequence)) or ZERO
        if counted != row.cents:
            said = f"the ledger says {_said(counted)}, the baseline {_said(row.cents)}"
            yield f"budget of {row.period} measured on {row.account}: {said}"


def _counted(account: str, period: str, sequence: int) -> Select[Any]:
    """All that was ever put in, less what was spent before the period began: what moves between a wallet, its holds and
    what it owes is neither. What was spent is counted up to the line of the ledger at which the baseline was made."""
    ledger = schema.ledger
    kind, amount = ledger.c.kind, ledger.c.amount_cents
    spent = kind.in_(rules.SPENDING) & (ledger.c.sequence <= sequence) & (ledger.c.created_at < period)
    organization_id = account.removeprefix("wallet:")
    if organization_id == account:  # a key's own: its charges come in there
        return select(func.sum(case((spent, -amount), else_=ZERO))).where(ledger.c.account == account)
    own = (account, chart.held(organization_id), chart.owed(organization_id))
    counted = case((kind.in_(PUT_IN), amount), (spent, amount), else_=ZERO)
    return select(func.sum(counted)).where(ledger.c.account.in_(own))


def _free_credit(connection: Connection) -> Iterable[str]:
    """No organization got it twice."""
    ledger = schema.ledger
    granted = (ledger.c.kind == "grant") & (ledger.c.request_id == FREE_CREDIT) & (ledger.c.amount_cents > ZERO)
    query = select(ledger.c.account, func.count()).where(granted).group_by(ledger.c.account)
    for account, times in connection.execute(query.having(func.count() > 1).limit(MOST)):
        yield f"{account}: the free credit was granted {times} times"


def _orders(connection: Connection) -> Iterable[str]:
    """Every order moved what it is worth: what was paid for it, less what was refunded."""
    known, moved = schema.orders, _moved_by_order()
    paid, refunded = known.c.paid_cents, known.c.refunded_cents
    worth = type_coerce(case((paid > refunded, paid - refunded), else_=0), Cents())
    booked = func.coalesce(moved.c.cents, ZERO)
    joined = known.outerjoin(moved, moved.c.request_id == literal(orders.reference("")) + known.c.id)
    query = select(known.c.id, worth, booked).select_from(joined).where(worth != booked).limit(MOST)
    for order_id, wanted, found in connection.execute(query):
        yield f"order {order_id}: it is worth {_said(wanted)}, the ledger moved {_said(found)}"


def _order_entries(connection: Connection) -> Iterable[str]:
    """Whatever the ledger names is an order that is known."""
    known, moved, named = schema.orders, _moved_by_order(), orders.reference("")
    joined = moved.outerjoin(known, moved.c.request_id == literal(named) + known.c.id)
    query = select(moved.c.request_id, moved.c.cents).select_from(joined).where(known.c.id.is_(None))
    for name, amount in connection.execute(query.where(moved.c.request_id.startswith(named)).limit(MOST)):
        yield f"{name}: the ledger moved {_said(amount)} for an order that is not known"


def _charges(connection: Connection) -> Iterable[str]:
    """Every charge that was logged is in the ledger. Not the other way round: a crash may lose the last lines of the
    log, never money. Callers may name several requests alike, so what is compared is the sum of each name."""
    activity, charged = schema.activity, _charged(rules.CHARGING)
    logged = (
        select(activity.c.organization_id, activity.c.request_id, func.sum(activity.c.cost_cents).label("cents"))
        .where(activity.c.cost_cents > ZERO)
        .group_by(activity.c.organization_id, activity.c.request_id)
        .subquery()
    )
    yield from _missing(connection, logged, charged, "the log")


def _runs(connection: Connection) -> Iterable[str]:
    """What a run under an Idempotency-Key was charged, and whoever takes it over gives back, is in the ledger and was
    not given back yet."""
    kept, charged = schema.idempotency, _charged(rules.SPENDING)
    written = (
        select(kept.c.organization_id, kept.c.request_id, func.sum(kept.c.charged_cents).label("cents"))
        .where(kept.c.charged_cents > ZERO)
        .group_by(kept.c.organization_id, kept.c.request_id)
        .subquery()
    )
    yield from _missing(connection, written, charged, "its Idempotency-Key")


def _charged(kinds: Sequence[str]) -> Any:
    """Cents that each request of each organization was charged, by entries of these kinds."""
    ledger = schema.ledger
    owner = case(
        (ledger.c.account.startswith("wallet:"), func.substr(ledger.c.account, len("wallet:") + 1)),
        else_=func.substr(ledger.c.account, len("held:") + 1),
    ).label("owner")
    of_organizations = or_(ledger.c.account.startswith("wallet:"), ledger.c.account.startswith("held:"))
    query = select(owner, ledger.c.request_id, (-func.sum(ledger.c.amount_cents)).label("cents"))
    return query.where(ledger.c.kind.in_(kinds), of_organizations).group_by(owner, ledger.c.request_id).subquery()


def _missing(connection: Connection, said: Any, charged: Any, who: str) -> Iterable[str]:
    """Requests of which `said` (organization_id, request_id, cents) knows of more than the ledger charged."""
    same = (charged.c.owner == said.c.organization_id) & (charged.c.request_id == said.c.request_id)
    booked = func.coalesce(charged.c.cents, ZERO)
    query = select(said.c.organization_id, said.c.request_id, said.c.cents, booked)
    query = query.select_from(said.outerjoin(charged, same)).where(said.c.cents > booked).limit(MOST)
    for organization_id, request_id, more, found in connection.execute(query):
        named = f"request {request_id} of {organization_id}"
        yield f"{named}: {who} says {_said(more)}, the ledger charged {_said(found)}"


def _answers(connection: Connection) -> Iterable[str]:
    """Answers that are kept for repetitions are whole."""
    kept = schema.idempotency
    whole = kept.c.status.is_(None) | (kept.c.status.between(200, 599) & kept.c.headers.is_not(None))
    wrong = or_(~whole, kept.c.charged_cents < ZERO)
    for organization_id, request_id in connection.execute(
        select(kept.c.organization_id, kept.c.request_id).where(wrong).limit(MOST)
    ):
        yield f"request {request_id} of {organization_id}: the answer that is kept for its repetition is not whole"


def _moved_by_order() -> Any:
    """Cents that came in by the names of what paid them."""
    ledger = schema.ledger
    of_orders: ColumnElement[bool] = ledger.c.account == chart.CASH
    query = select(ledger.c.request_id, (-func.sum(ledger.c.amount_cents)).label("cents")).where(of_orders)
    return query.group_by(ledger.c.request_id).subquery()


def _said(amount: Decimal | None) -> str:
    return f"{(amount or ZERO).normalize():f} cents"


def _by_name(connection: Connection, query: Select[Any]) -> dict[str, Decimal]:
    return {name: amount for name, amount in connection.execute(query)}  # noqa: C416 - a Row is not a pair to the type checker
