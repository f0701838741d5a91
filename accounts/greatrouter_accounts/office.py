"""What is done with organizations and their money by others than their requests: by an operator, and by whoever says
that an order was paid."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Select, func, select, update

from greatrouter_accounts import books, chart, directory, doubts, holds, orders
from greatrouter_accounts.errors import InvalidAmount, InvalidName, StoreFailed
from greatrouter_accounts.money import ZERO
from greatrouter_accounts.operations import Credit, Refund
from greatrouter_accounts.schema import balances, keys, organizations
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
        live = keys.c.revoked_at.is_(None)
        query = select(organizations.c.id, organizations.c.name, organizations.c.plan)
        with self._store.read() as connection:
            rows = connection.execute(query).all()
            kept = _by_name(connection, select(balances.c.account, balances.c.amount_cents))
            pooled = holds.pooled_by_organization(connection)
            owner = keys.c.organization_id
            counted = _by_name(connection, select(owner, func.count()).where(live).group_by(owner))
        return [
            OrganizationRow(
                row.name,
                row.plan,
                kept.get(chart.wallet(row.id), ZERO) + pooled.get(row.id, ZERO),
                abs(kept.get(chart.owed(row.id), ZERO)),
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

    def credit(self, organization: str, amount_cents: Decimal) -> None:
        """Grants credit to an organization by name. Raises `UnknownOrganization`, `InvalidAmount` and `StoreFailed`,
        which says so where it may have been granted all the same."""

        def grant(connection: Connection, name: str) -> None:
            organization_id = directory.organization_id(connection, organization)
            books.post_one(connection, Credit(name, organization_id, amount_cents), self._owner.name)

        doubts.once(self._store, grant)

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
            debit = Refund(name, organization_id, amount_cents, chart.PROMOTIONS, reference=f"debit: {reason}")
            books.post_one(connection, debit, self._owner.name)
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

    def order_paid(self, order_id: str, organization: str | None, amount_cents: Decimal) -> Decimal:
        """Credits an order that was paid to an organization by id or name, which is made where there is none of that
        name; the cents credited, 0 where that was done before. None says that nobody is named, which will do where the
        order is known. Raises `InvalidName`, `InvalidAmount`, `UnknownOrganization`, `StoreFailed`."""
        with self._store.write() as connection:
            return orders.paid(connection, order_id, organization, amount_cents, self._owner.name)

    def order_refunded(self, order_id: str, organization: str | None, total_cents: Decimal) -> Decimal:
        """Takes back what was refunded of an order in all; the cents taken back now. What the wallet does not hold is
        owed, and repaid from what comes in next. Raises as `order_paid`."""
        with self._store.write() as connection:
            return -orders.refunded(connection, order_id, organization, total_cents, self._owner.name)

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
    query = select(balances.c.amount_cents).where(balances.c.account == chart.owed(organization_id))
    found: Decimal = connection.scalar(query) or ZERO
    return abs(found)
