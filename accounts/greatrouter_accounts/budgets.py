"""What an organization, or a key of its own, may spend in a day or a month of UTC.

What was spent is not counted a second time, for it could differ from the ledger. An organization's worth is its wallet
less what it owes. A baseline, made at its first request of a period, is its worth and what it had in holds when the
period began, and follows what is credited and refunded since. So the baseline less its worth now is what was spent in
the period and what is held: a budget is a level that the wallet may not be reserved below, checked where it is
reserved, and exact for all processes that share the ledger.

A key with budgets has an account of its own (`chart.revenue`) for all that it was ever charged. Its worth is less than
nothing: what it was charged and what is held for it. Everything else is as for an organization, but that nothing is
credited to a key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

DAY = "2026-07-01"  # how long the name of a day is; that of a month is shorter

Baselines = Mapping[tuple[str, str], Decimal]  # by the account that is measured, and the period


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `cents` in `period`, a day (2026-07-01) or a month (2026-07): of the organization, or of its key
    `key_id`."""

    period: str
    cents: Decimal
    key_id: str | None = None


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may be spent in a day and in a month; None is no bound."""

    daily_cents: Decimal | None = None
    monthly_cents: Decimal | None = None

    @property
    def any(self) -> bool:
        return self != UNBOUNDED


UNBOUNDED = Allowance()


def budgets_at(moment: datetime, allowance: Allowance, key_id: str | None = None) -> tuple[Budget, ...]:
    """Those of the day and the month of `moment`, which is of UTC."""
    if not allowance.any:
        return ()
    day = moment.date().isoformat()
    found = ((day, allowance.daily_cents), (day[:7], allowance.monthly_cents))
    return tuple(Budget(period, amount, key_id) for period, amount in found if amount is not None)


def ends_at(period: str) -> datetime:
    """
    >>> ends_at("2026-12").isoformat(), ends_at("2026-07-31").isoformat()
    ('2027-01-01T00:00:00+00:00', '2026-08-01T00:00:00+00:00')
    """
    if len(period) == len(DAY):
        return datetime.fromisoformat(period).replace(tzinfo=UTC) + timedelta(days=1)
    return (datetime.fromisoformat(f"{period}-28").replace(tzinfo=UTC) + timedelta(days=4)).replace(day=1)
