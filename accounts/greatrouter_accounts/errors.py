"""What accounts can refuse.

AccountsError
├── KeyRejected            missing, malformed, unknown, revoked or expired key
├── UnknownOrganization    a name or id that no organization has
├── InvalidName            a name that no organization or order may have
├── InvalidKey             a key that nobody may be given: unknown scope, an end in the past, a limit that is none
├── UnknownPreference      a key that no preference has
├── InvalidAmount          money that is negative, not a number or beyond what the books can hold
├── InsufficientCredit     the wallet cannot cover the estimated cost
├── BudgetExceeded         what is left of a day's or a month's budget cannot cover it
├── RateLimited            more at once, or in a minute, than a plan or a key allows
├── RequestRepeated        a request under a key that stands for another run of it
│   ├── StillRunning       whose answer is not there yet
│   ├── OtherRequest       which was another request
│   └── AnswerNotKept      whose answer is not there: too large, by itself or with others of a day, or changed since
├── RowRefused             one row that the database does not take; the others are kept
└── StoreFailed            the database cannot be opened, read or written
    ├── CommitUnheard      the answer to a commit was lost: it may have gone through
    └── CounterFailed      what counts the limits cannot be asked
"""

import math
from decimal import Decimal
from typing import TYPE_CHECKING

from greatrouter_accounts.text import dollars

if TYPE_CHECKING:
    from greatrouter_accounts.limits import Standing


class AccountsError(Exception):
    """Root of everything this package raises."""


class KeyRejected(AccountsError):
    pass


class UnknownOrganization(AccountsError):
    pass


class InvalidName(AccountsError):
    pass


class InvalidKey(AccountsError):
    pass


class UnknownPreference(AccountsError):
    pass


class InvalidAmount(AccountsError):
    pass


class RequestRepeated(AccountsError):
    pass


class StillRunning(RequestRepeated):
    pass


class OtherRequest(RequestRepeated):
    pass


class AnswerNotKept(RequestRepeated):
    pass


class RowRefused(AccountsError):
    pass


class StoreFailed(AccountsError):
    pass


class CommitUnheard(StoreFailed):
    pass


class CounterFailed(StoreFailed):
    pass


class InsufficientCredit(AccountsError):
    def __init__(self, needed_cents: Decimal, balance_cents: Decimal) -> None:
        self.needed_cents = needed_cents
        self.balance_cents = balance_cents
        super().__init__(
            f"the wallet holds ${dollars(balance_cents)} and this request may cost ${dollars(needed_cents)}; add credit"
        )


class BudgetExceeded(AccountsError):
    """`period` is a day (2026-07-01) or a month (2026-07) of UTC; `of_key` says that it is the asking key's own budget,
    not its organization's."""

    def __init__(
        self, period: str, budget_cents: Decimal, needed_cents: Decimal, left_cents: Decimal, *, of_key: bool = False
    ) -> None:
        self.period = period
        self.budget_cents = budget_cents
        self.needed_cents = needed_cents
        self.left_cents = left_cents
        self.of_key = of_key
        which = "daily budget" if len(period) == len("2026-07-01") else "monthly budget"
        whose = f"this key's {which}" if of_key else f"the {which}"
        super().__init__(
            f"{whose} is ${dollars(budget_cents)}, ${dollars(left_cents)} of it are left and this request "
            f"may cost ${dollars(needed_cents)}; free models and those served here still work"
        )


class RateLimited(AccountsError):
    """`meter` is whose limit it is, `wait_s` how long until so much is free again: infinite where the limit is less
    than what is `asked` for at once. `standing` is how a limit of so many a minute stands."""

    def __init__(
        self, kind: str, meter: str, limit: float, asked: int, wait_s: float, standing: "Standing | None" = None
    ) -> None:
        self.kind = kind
        self.meter = meter
        self.limit = limit
        self.wait_s = wait_s
        self.standing = standing
        whose = "this key" if meter.startswith("key:") else "the organization"
        what = {"requests": "requests a minute", "tokens": "tokens a minute", "concurrent": "requests at a time"}[kind]
        if wait_s == float("inf"):
            advice = f"this request alone may take {asked:,} tokens; send less, or lower max_tokens"
        elif kind == "concurrent":
            advice = "send the next one when one of them has ended"
        else:
            advice = f"try again in {math.ceil(wait_s)} s"
        super().__init__(f"{whose} may use {limit:,.10g} {what}; {advice}")
