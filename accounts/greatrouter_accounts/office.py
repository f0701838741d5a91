"""What an operator does with organizations."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Select, func, select, update

from greatrouter_accounts import books, directory, doubts
from greatrouter_accounts import ledger as rules
from greatrouter_accounts.errors import AccountsError, InvalidAmount, InvalidName, StoreFailed
from greatrouter_accounts.money import ZERO
from greatrouter_accounts.schema import balances, keys, organizations, reservations
from greatrouter_accounts.store import Owner, Store
from greatrouter_accounts.text import dollars
from greatrouter_accounts.transfer import carry_over

LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class OrganizationRow:
    """`keys` are those that are not revoked."""

    name: str
    plan: str
    balance_cents: Decimal
    owed_cents: Decimal
    keys: int


class Office:
    def __init__(self, store: Store, owner: Owner) -> None:
        self._store = store
        self._owner = owner

    def organizations(self) -> list[OrganizationRow]:
        """All of them, by name, whatever their letters' case."""
        pool, live = reservations.c.request_id == rules.POOL, keys.c.revoked_at.is_(None)
        query = select(organizations.c.id, organizations.c.name, organizations.c.plan)
        with self._store.read() as connection:
            rows = connection.execute(query).all()
            kept = _by_name(connection, select(balances.c.account, balances.c.amount_cents))
            owner = reservations.c.organization_id
            amount = func.sum(reservations.c.amount_cents)
            pooled = _by_name(connection, select(owner, amount).where(pool).group_by(owner))
            owner = keys.c.organization_id
            counted = _by_name(connection, select(owner, func.count()).where(live).group_by(owner))
        return [
            OrganizationRow(
                row.name,
                row.plan,
                kept.get(rules.wallet(row.id), ZERO) + pooled.get(row.id, ZERO),
                abs(kept.get(rules.owed(row.id), ZERO)),
                counted.get(row.id, 0),
            )
            for row in sorted(rows, key=lambda row: (row.name.casefold(), row.name))
        ]

    def plans(self) -> dict[str, int]:
        """How many organizations have each plan."""
        query = select(organizations.c.plan, func.count()).group_by(organizations.c.plan).order_by(organizations.c.plan)
        with self._store.read() as connection:
            return _by_name(connection, query)

    def set_plan(self, organization: str, plan: str) -> str:
        """The plan that it had before; running servers heed the new one within a second. Raises
        `UnknownOrganization`."""
        with self._store.write() as connection:
            organization_id = directory.organization_id(connection, organization)
            own = organizations.c.id == organization_id
            before: str = connection.execute(select(organizations.c.plan).where(own)).scalar_one()
            connection.execute(update(organizations).where(own).values(plan=plan))
        return before

    def debit(self, organization: str, amount_cents: Decimal, reason: str, *, owe: bool = False) -> Decimal:
        """Takes back credit that was granted by mistake; the cents that are owed then, all in all. More than there is
        is refused, unless `owe` says that the rest is to be owed: whatever comes in next repays it first. `reason`
        stands in the ledger.

        Raises `UnknownOrganization`, `InvalidName` for the reason, `InvalidAmount` and `StoreFailed`, which says so
        where it may have been taken all the same.
        """
        if not 0 < len(reason) <= LONGEST_REASON or not reason.isprintable():
            raise InvalidName(f"{reason!r} is no reason; expected 1 to {LONGEST_REASON} printable characters")

        def take(connection: Connection, name: str) -> Decimal:
            organization_id = directory.organization_id(connection, organization)
            before = books.balance(connection, organization_id)
            debit = rules.Refund(name, organization_id, amount_cents, rules.PROMOTIONS, reference=f"debit: {reason}")
            [result] = books.post(connection, [debit], self._owner.name)
            if isinstance(result, AccountsError):
                raise result
            # What pools hold repays a debt when it comes back, so that it counts as there.
            left = books.balance(connection, organization_id)
            owed = max(ZERO, _owed(connection, organization_id) - left)
            if owed and not owe:
                raise InvalidAmount(
                    f"{organization} has ${dollars(before)}, less than ${dollars(amount_cents)}; nothing was taken. "
                    "Debit no more than it has, or add --owe: the rest is then owed, and repaid from what comes in next"
                )
            return owed

        return doubts.once(self._store, take)

    def take_over(self, other: "Office") -> int:
        """Carries all accounts of another database over into this one, where there are none yet; the rows carried over.
        Nobody else may use the other. Raises `StoreFailed`."""
        with other._store.write() as connection:
            neighbours = other._owner.alive(connection) - {other._owner.name}
        if neighbours:
            raise StoreFailed("the accounts that are to be carried over are in use; stop every server of theirs first")
        with other._store.read() as source, self._store.write() as target:
            return carry_over(source, target)


def _by_name(connection: Connection, query: Select[Any]) -> dict[str, Any]:
    return {row[0]: row[1] for row in connection.execute(query)}


def _owed(connection: Connection, organization_id: str) -> Decimal:
    query = select(balances.c.amount_cents).where(balances.c.account == rules.owed(organization_id))
    found: Decimal = connection.scalar(query) or ZERO
    return abs(found)
