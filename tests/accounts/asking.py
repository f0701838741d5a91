"""What tests ask of accounts in a word."""

from typing import Any

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.gate import Ticket
from greatrouter_accounts.journal import Stretch
from greatrouter_accounts.keys import Caller
from greatrouter_accounts.statement import Line, Period


def logged(accounts: Accounts, organization_id: str, limit: int = 100) -> list[dict[str, Any]]:
    """The latest requests of an organization, newest first; those of one millisecond in the order of their writing."""
    return accounts.log_page(organization_id, Stretch(limit))


def statement(accounts: Accounts, organization: str, limit: int | None = None) -> list[Line]:
    """What changed an organization's balance, newest first."""
    return list(accounts.statement_lines(organization, Period(limit=limit)))


async def let_in(accounts: Accounts, caller: Caller) -> Ticket | None:
    """A request that is let in; None where nothing is limited. Raises `RateLimited`."""
    ticket = accounts.gate.ticket(caller)
    if ticket is not None:
        await ticket.admit()
    return ticket
