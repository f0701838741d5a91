"""What commands about keys and accounts take and show: the accounts themselves, money, moments, plans."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from greatrouter_api.terminal import CommandFailed, settings

if TYPE_CHECKING:
    from greatrouter_accounts.accounts import Accounts

DECIMALS = 10  # of a dollar, as the ledger keeps them
# `Decimal` would take 1_0, blanks around it and the digits of every script, which few meant to write.
AMOUNT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")

Organization = Annotated[str, typer.Option("--org", help="The organization's name.")]


class Exemplified(TyperCommand):
    """Its epilog is an example, which is also given where something is missing."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().make_context(*arguments, **options)
        except typer.BadParameter as error:
            error.message = " ".join(filter(None, (error.message, self.epilog)))
            raise


@contextmanager
def opened() -> Iterator["Accounts"]:
    from greatrouter_api.home import open_accounts

    accounts = open_accounts(settings())
    try:
        yield accounts
    finally:
        accounts.close()


def cents(amount: str, *, or_none: bool = False) -> Decimal:
    """Of an amount of US dollars. Raises `CommandFailed`."""
    if not AMOUNT.fullmatch(amount):
        raise CommandFailed(f"{amount!r} is not an amount of US dollars; write it as 12.50")
    found = Decimal(amount)
    if found < 0 or not (found or or_none) or found > 10_000_000:
        least = "at least 0" if or_none else "more than 0"
        raise CommandFailed(f"{amount} is out of range; allowed: {least}, at most 10,000,000")
    if found != round(found, DECIMALS):
        raise CommandFailed(f"{amount} cannot be booked; at most {DECIMALS} decimals are kept")
    return found * 100


def dollars(amount_cents: Decimal) -> str:
    """As people read it: with two decimals, and as many more as say something."""
    from greatrouter_accounts.text import dollars as written

    return written(amount_cents)


def moment(words: str, *, back: bool = False) -> datetime:
    """A span from now on, or back from now, such as 90d or 12h; or a date, in UTC where it names no zone."""
    try:
        if span := re.fullmatch(r"([0-9]{1,6})([dh])", words):
            hours = int(span[1]) * (24 if span[2] == "d" else 1)
            return datetime.now(UTC) + timedelta(hours=-hours if back else hours)
        found = datetime.fromisoformat(words if words.isascii() else "")
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise CommandFailed(
            f"{words!r} is no moment; write a span as 90d or 12h, or a date as 2027-01-31 or 2027-01-31T12:00"
        ) from None


def known_plan(plan: str) -> str:
    """One that everybody knows, or that the settings have a table for. Raises `CommandFailed`."""
    plans = settings().models_of_plans
    if plan not in plans:
        raise CommandFailed(f"{plan!r} is not a plan; allowed: {', '.join(plans)}")
    return plan
