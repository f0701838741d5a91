"""`greatrouter keys`."""

import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from greatrouter_api.cli_usage import NUMBER
from greatrouter_api.cli_values import Exemplified, Organization, cents, dollars, known_plan, moment, opened
from greatrouter_api.terminal import CommandFailed, fail_clearly

if TYPE_CHECKING:
    from greatrouter_accounts.directory import KeyRow

keys_app = typer.Typer(no_args_is_help=True)

COLUMNS = ("key", "scopes", "limits", "created", "ends", "last used")


@keys_app.command("create", cls=Exemplified, epilog="For example: greatrouter keys create --org acme --credit 20")
def create(  # noqa: PLR0913, PLR0917 - an option each
    org: Organization,
    test: Annotated[
        bool, typer.Option("--test", help="A key that costs nothing and never reaches a paid provider.")
    ] = False,
    credit: Annotated[str | None, typer.Option(help="US dollars to put into the wallet.")] = None,
    plan: Annotated[str | None, typer.Option(help="free, premium, max, ultra, or a plan of the settings.")] = None,
    gr: Annotated[bool, typer.Option("--gr", help="A key that begins with gr-, where a client asks for one.")] = False,
    scope: Annotated[
        list[str] | None, typer.Option(help="inference, read or admin; once for each. All of them where absent.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="When it ends: after 90d or 12h, or at 2027-01-31 or 2027-01-31T12:00 (UTC).")
    ] = None,
    rpm: Annotated[int | None, typer.Option(help="Requests a minute with this key.", **NUMBER)] = None,
    tpm: Annotated[int | None, typer.Option(help="Tokens a minute with this key.", **NUMBER)] = None,
    concurrent: Annotated[int | None, typer.Option(help="Requests at a time with this key.", **NUMBER)] = None,
    daily_budget: Annotated[str | None, typer.Option(help="US dollars that this key may spend in a day (UTC).")] = None,
    monthly_budget: Annotated[str | None, typer.Option(help="US dollars that it may spend in a month.")] = None,
) -> None:
    """Makes a key and prints it, alone, on standard output. It is shown only this once."""
    with fail_clearly(), opened() as accounts:
        from greatrouter_accounts.budgets import Allowance
        from greatrouter_accounts.keys import SCOPES

        if gr and test:
            raise CommandFailed("a test key always begins with pk_test_; leave out --gr")
        if test and credit is not None:
            raise CommandFailed(
                "a test key costs nothing, so it has no use for credit; leave out --credit, or leave out --test for a "
                "key that pays"
            )
        amount = None if credit is None else cents(credit)
        limits = {"requests_per_minute": rpm, "tokens_per_minute": tpm, "concurrent_requests": concurrent}
        key = accounts.create_key(
            org,
            test=test,
            plan=None if plan is None else known_plan(plan),
            gr=gr,
            scopes=scope or SCOPES,
            expires_at=None if expires is None else moment(expires),
            limits={name: limit for name, limit in limits.items() if limit is not None},
            budgets=Allowance(_bound_cents(daily_budget), _bound_cents(monthly_budget)),
        )
        if amount:
            accounts.office.credit(org, amount)
        sys.stdout.write(key + "\n")


@keys_app.command("list")
def list_keys() -> None:
    """All keys by the part of them that may be shown. Moments are UTC, the last use right to some seconds."""
    with fail_clearly(), opened() as accounts:
        from greatrouter_api.tables import table

        key, *rest = COLUMNS
        rows = [
            (shown, each.organization, each.plan, *more)
            for each in accounts.list_keys()
            for shown, *more in [key_row(each)]
        ]
        table("keys", (key, "org", "plan", *rest), rows, whole=1, drop_empty=True)


@keys_app.command("revoke", cls=Exemplified, epilog="For example: greatrouter keys revoke pk_live_k3v8q2m7x")
def revoke(
    key: Annotated[list[str], typer.Argument(help="The key, the part of it that is shown, or its id; or several.")],
) -> None:
    """Revokes keys; running servers refuse them within a second."""
    with fail_clearly(), opened() as accounts:
        from greatrouter_accounts.keys import shown

        if unknown := [shown(each) for each in key if not accounts.revoke_key(each.strip())]:
            raise CommandFailed(
                f"no key that is not revoked is, or begins with, {', '.join(map(repr, unknown))}; "
                "`greatrouter keys list` shows them"
            )
        sys.stderr.write("revoked\n")


def key_row(key: "KeyRow") -> tuple[str, ...]:
    """What a table shows of a key under `COLUMNS`."""
    from greatrouter_accounts.keys import ALL_SCOPES

    now = datetime.now(UTC)
    scopes = "all" if set(key.scopes.split()) >= ALL_SCOPES else key.scopes
    return (key.prefix, scopes, _limits(key), key.created_at[:10], _end(key, now), _ago(key.last_used_at, now))


def _end(key: "KeyRow", now: datetime) -> str:
    if key.revoked_at is not None:
        return f"revoked {key.revoked_at[:10]}"
    if key.expires_at is None:
        return ""
    left_s = (datetime.fromisoformat(key.expires_at) - now).total_seconds()
    # The day alone, but where it is near.
    words = key.expires_at[:10] if abs(left_s) > 48 * 3600 else f"{key.expires_at[:10]} {key.expires_at[11:16]}"
    return words if left_s > 0 else f"expired {words}"


def _ago(moment: str | None, now: datetime) -> str:
    """Short, as a table of many columns has no room for a date and a time."""
    if moment is None:
        return ""
    minutes = int((now - datetime.fromisoformat(moment)).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes}min ago"
    return f"{minutes // 60}h ago" if minutes < 48 * 60 else f"{minutes // (24 * 60)}d ago"


def _limits(key: "KeyRow") -> str:
    own = key.limits
    limits = {"rpm": own.requests_per_minute, "tpm": own.tokens_per_minute, "at once": own.concurrent_requests}
    parts = [f"{_short(limit)} {name}" for name, limit in limits.items() if limit is not None]
    budgets = {"a day": key.budgets.daily_cents, "a month": key.budgets.monthly_cents}
    return ", ".join(parts + [f"${dollars(amount)} {span}" for span, amount in budgets.items() if amount is not None])


def _short(number: float) -> str:
    """
    >>> _short(1_500_000), _short(250_000), _short(1_234)
    ('1.5M', '250k', '1,234')
    """
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size and number % (size / 10) == 0:
            return f"{number / size:,.12g}{letter}"
    return f"{number:,.12g}"


def _bound_cents(amount: str | None) -> Decimal | None:
    """0 leaves what is free or served here."""
    return None if amount is None else cents(amount, or_none=True)
