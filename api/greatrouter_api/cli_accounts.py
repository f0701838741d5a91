"""`greatrouter keys` and `greatrouter accounts`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated

import typer

from greatrouter_api.terminal import CommandFailed, fail_clearly, settings

if TYPE_CHECKING:
    from greatrouter_accounts.accounts import Accounts

keys_app = typer.Typer(no_args_is_help=True)
accounts_app = typer.Typer(no_args_is_help=True)

Organization = Annotated[str, typer.Option("--org", help="The organization's name.")]


@contextmanager
def _opened() -> Iterator["Accounts"]:
    from greatrouter_api.services import open_accounts

    accounts = open_accounts(settings())
    try:
        yield accounts
    finally:
        accounts.close()


@keys_app.command("create")
def create(
    org: Organization,
    test: Annotated[
        bool, typer.Option("--test", help="A key that costs nothing and never reaches a paid provider.")
    ] = False,
    credit: Annotated[str | None, typer.Option(help="US dollars to put into the wallet.")] = None,
    plan: Annotated[str | None, typer.Option(help="free, premium, max or ultra.")] = None,
    gr: Annotated[bool, typer.Option("--gr", help="A key that begins with gr-, where a client asks for one.")] = False,
) -> None:
    """Makes a key and prints it, alone, on standard output. It is shown only this once."""
    with fail_clearly(), _opened() as accounts:
        if gr and test:
            raise CommandFailed("a test key always begins with pk_test_; leave out --gr")
        if test and credit is not None:
            raise CommandFailed(
                "a test key costs nothing, so it has no use for credit; leave out --credit, or leave out --test for a "
                "key that pays"
            )
        amount = None if credit is None else _cents(credit)
        key = accounts.create_key(org, test=test, plan=_plan(plan), gr=gr)
        if amount:
            accounts.credit(org, amount)
        sys.stdout.write(key + "\n")


@keys_app.command("list")
def list_keys() -> None:
    """All keys by the part of them that may be shown."""
    with fail_clearly(), _opened() as accounts:
        from greatrouter_api.tables import table

        rows = accounts.list_keys()
        table(
            "keys",
            ("prefix", "organization", "plan", "kind", "created", "revoked"),
            [
                (k.prefix, k.organization, k.plan, "test" if k.test else "live", k.created_at, k.revoked_at or "")
                for k in rows
            ],
        )


@keys_app.command("revoke")
def revoke(prefix: Annotated[str, typer.Argument(help="The shown prefix or the id of the key.")]) -> None:
    """Revokes a key; running servers refuse it within a second."""
    with fail_clearly(), _opened() as accounts:
        if not accounts.revoke_key(prefix):
            raise CommandFailed(
                f"no key that is not revoked begins with {prefix!r}; `greatrouter keys list` shows them"
            )
        sys.stderr.write("revoked\n")


@accounts_app.command("show")
def show(org: Organization) -> None:
    """An organization's balance."""
    with fail_clearly(), _opened() as accounts:
        sys.stdout.write(f"{org}: ${_dollars(accounts.balance(org))}\n")


@accounts_app.command("credit")
def credit(org: Organization, dollars: Annotated[str, typer.Argument(help="US dollars.")]) -> None:
    """Grants credit to an organization."""
    with fail_clearly(), _opened() as accounts:
        accounts.credit(org, _cents(dollars))
        sys.stdout.write(f"{org}: ${_dollars(accounts.balance(org))}\n")


@accounts_app.command("statement")
def statement(org: Organization, limit: Annotated[int, typer.Option(min=1)] = 50) -> None:
    """The latest entries of an organization's wallet."""
    with fail_clearly(), _opened() as accounts:
        from greatrouter_api.tables import table

        rows = accounts.statement(org, limit)
        table(
            f"{org}: wallet, in US dollars",
            ("when", "kind", "dollars", "request"),
            [(r["created_at"], r["kind"], _dollars(r["amount_cents"]), r["request_id"] or "") for r in rows],
        )


@accounts_app.command("verify")
def verify() -> None:
    """Exits with 0 only when every balance agrees with its ledger."""
    with fail_clearly(), _opened() as accounts:
        if problems := accounts.verify():
            raise CommandFailed("the books do not agree:\n  " + "\n  ".join(problems))
        sys.stdout.write("every balance agrees with its ledger\n")


def _cents(dollars: str) -> Decimal:
    try:
        amount = Decimal(dollars)
    except InvalidOperation:
        raise CommandFailed(f"{dollars!r} is not an amount of US dollars; write it as 12.50") from None
    if not amount.is_finite() or amount <= 0 or amount > 10_000_000:
        raise CommandFailed(f"{dollars} is out of range; allowed: more than 0, at most 10,000,000")
    return amount * 100


def _dollars(cents: Decimal) -> str:
    """Exact, without the zeros that say nothing."""
    return f"{(cents / 100).normalize():f}"


def _plan(plan: str | None) -> str | None:
    plans = ("free", "premium", "max", "ultra")
    if plan is not None and plan not in plans:
        raise CommandFailed(f"{plan!r} is not a plan; allowed: {', '.join(plans)}")
    return plan
