"""What accounts can refuse.

AccountsError
├── KeyRejected            missing, malformed, unknown, revoked or expired key
├── OrganizationExists     a name that is taken
├── UnknownOrganization    a name or id that no organization has
├── InvalidName            a name that no organization may have
├── UnknownPreference      a key that no preference has
├── InvalidAmount          money that is negative, not a number or beyond what the books can hold
├── InsufficientCredit     the wallet cannot cover the estimated cost
├── RowRefused             one row that the database does not take; the others are kept
└── StoreFailed            the database cannot be opened, read or written
"""

from decimal import Decimal


class AccountsError(Exception):
    """Root of everything this package raises."""


class KeyRejected(AccountsError):
    pass


class OrganizationExists(AccountsError):
    pass


class UnknownOrganization(AccountsError):
    pass


class InvalidName(AccountsError):
    pass


class UnknownPreference(AccountsError):
    pass


class InvalidAmount(AccountsError):
    pass


class RowRefused(AccountsError):
    pass


class StoreFailed(AccountsError):
    pass


class InsufficientCredit(AccountsError):
    def __init__(self, needed_cents: Decimal, balance_cents: Decimal) -> None:
        self.needed_cents = needed_cents
        self.balance_cents = balance_cents
        super().__init__(
            f"the wallet holds {_dollars(balance_cents)} and this request may cost {_dollars(needed_cents)}; add credit"
        )


def _dollars(cents: Decimal) -> str:
    return f"${(cents / 100).normalize():f}"
