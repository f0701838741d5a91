"""`greatrouter keys` and `greatrouter accounts`."""

import csv
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated

import typer

from greatrouter_api.terminal import CommandFailed, fail_clearly, settings

if TYPE_CHECKING:
    from greatrouter_accounts.accounts import Accounts
    from greatrouter_accounts.directory import KeyRow
    from greatrouter_accounts.statement import Line

keys_app = typer.Typer(no_args_is_help=True)
accounts_app = typer.Typer(no_args_is_help=True)

LINES_OF_A_TABLE = 50
DECIMALS = 10  # of a dollar, as the ledger keeps them

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
    plan: Annotated[str | None, typer.Option(help="free, premium, max, ultra, or a plan of the settings.")] = None,
    gr: Annotated[bool, typer.Option("--gr", help="A key that begins with gr-, where a client asks for one.")] = False,
    scope: Annotated[
        list[str] | None, typer.Option(help="inference, read or admin; once for each. All of them where absent.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="When it ends: after 90d or 12h, or at 2027-01-31 or 2027-01-31T12:00 (UTC).")
    ] = None,
    rpm: Annotated[int | None, typer.Option(help="Requests a minute with this key.", min=1)] = None,
    tpm: Annotated[int | None, typer.Option(help="Tokens a minute with this key.", min=1)] = None,
) -> None:
    """Makes a key and prints it, alone, on standard output. It is shown only this once."""
    with fail_clearly(), _opened() as accounts:
        from greatrouter_accounts.keys import SCOPES

        if gr and test:
            raise CommandFailed("a test key always begins with pk_test_; leave out --gr")
        if test and credit is not None:
            raise CommandFailed(
                "a test key costs nothing, so it has no use for credit; leave out --credit, or leave out --test for a "
                "key that pays"
            )
        amount = None if credit is None else _cents(credit)
        limits = {"requests_per_minute": rpm, "tokens_per_minute": tpm}
        key = accounts.create_key(
            org,
            test=test,
            plan=_plan(plan),
            gr=gr,
            scopes=scope or SCOPES,
            expires_at=None if expires is None else _moment(expires),
            limits={name: limit for name, limit in limits.items() if limit is not None},
        )
        if amount:
            accounts.credit(org, amount)
        sys.stdout.write(key + "\n")


@keys_app.command("list")
def list_keys() -> None:
    """All keys by the part of them that may be shown. Moments are UTC, the last use right to some seconds."""
    with fail_clearly(), _opened() as accounts:
        from greatrouter_api.tables import table

        rows = accounts.list_keys()
        table(
            "keys",
            ("prefix", "org", "plan", "scopes", "limits", "created", "expires", "last used", "revoked"),
            [(prefix, k.organization, k.plan, *rest) for k in rows for prefix, *rest in [_key_row(k)]],
            whole=1,
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
    """What an organization may spend, what is held of it, what was spent, its plan and its keys."""
    with fail_clearly(), _opened() as accounts:
        from greatrouter_api.tables import table

        found = accounts.summary(org)
        lines = [f"{org}: ${_dollars(found.balance_cents)}", f"plan: {found.plan}, {_allowance(found.plan)}"]
        lines.append(f"held: ${_dollars(found.held_cents)} more, for requests under way")
        if found.owed_cents:
            lines.append(
                f"owed: ${_dollars(found.owed_cents)}, paid back after it was spent; taken from what comes in next"
            )
        today, month = _dollars(found.spent_today_cents), _dollars(found.spent_this_month_cents)
        lines.append(f"spent: ${today} today, ${month} this month (UTC)")
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        columns = ("prefix", "scopes", "limits", "created", "expires", "last used", "revoked")
        table("keys", columns, [_key_row(key) for key in found.keys], whole=1)


@accounts_app.command("credit")
def credit(org: Organization, dollars: Annotated[str, typer.Argument(help="US dollars.")]) -> None:
    """Grants credit to an organization."""
    with fail_clearly(), _opened() as accounts:
        accounts.credit(org, _cents(dollars))
        sys.stdout.write(f"{org}: ${_dollars(accounts.balance(org))}\n")


@accounts_app.command("statement")
def statement(
    org: Organization,
    limit: Annotated[
        int | None, typer.Option(help="So many lines, 50 by default; as CSV all of them by default.", min=1)
    ] = None,
    after: Annotated[
        str | None, typer.Option(help="From 2026-01-31 or 2026-01-31T12:00 (UTC) on, or of the last 30d or 12h.")
    ] = None,
    before: Annotated[str | None, typer.Option(help="Only what is older; written like --after.")] = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="CSV on standard output, one row a line of the ledger.")
    ] = False,
) -> None:
    """What changed an organization's balance, newest first, with the balance after each."""
    with fail_clearly(), _opened() as accounts:
        from greatrouter_accounts.statement import Period
        from greatrouter_api.tables import table

        period = Period(_bound(after), _bound(before), limit if limit or as_csv else LINES_OF_A_TABLE)
        with closing(accounts.statement_lines(org, period)) as lines:
            if as_csv:
                _write_csv(lines)
                return
            rows = [
                (
                    *(line.timestamp[:19].replace("T", " "), line.kind, _dollars(line.amount_cents)),
                    *(_dollars(line.balance_cents), line.request_id or ""),
                )
                for line in lines
            ]
        table(f"{org}: wallet, in US dollars", ("when", "kind", "dollars", "balance", "request"), rows)


@accounts_app.command("verify")
def verify() -> None:
    """Exits with 0 only when every balance agrees with its ledger, and so do orders and the log."""
    with fail_clearly(), _opened() as accounts:
        if problems := accounts.verify():
            sys.stdout.write("\n".join(problems) + "\n")
            raise CommandFailed(f"the books do not agree: {len(problems)} problems")
        sys.stdout.write("every balance agrees with its ledger\n")


def _write_csv(lines: "Iterable[Line]") -> None:
    """As they come: of a million lines none is kept."""
    from greatrouter_api.endpoints.log_rows import harmless

    writer = csv.writer(sys.stdout)
    writer.writerow(("timestamp", "kind", "amount_dollars", "balance_after_dollars", "request_id", "transaction_id"))
    for line in lines:
        amounts = (_dollars(line.amount_cents), _dollars(line.balance_cents))
        writer.writerow(
            (line.timestamp, line.kind, *amounts, harmless(line.request_id or ""), harmless(line.transaction_id))
        )


def _key_row(key: "KeyRow") -> tuple[str, ...]:
    moments = (key.created_at, key.expires_at, key.last_used_at, key.revoked_at)
    return (key.prefix, key.scopes, _limits(key.limits), *map(_shown, moments))


def _allowance(plan: str) -> str:
    """What the settings say of a plan."""
    found = settings().plans.get(plan)
    if found is None:
        return "no limits"
    said = {
        "requests a minute": found.requests_per_minute,
        "tokens a minute": found.tokens_per_minute,
        "requests at once": found.concurrent_requests,
        "dollars a day": found.daily_budget_dollars,
        "dollars a month": found.monthly_budget_dollars,
    }
    parts = [f"{number:,} {what}" for what, number in said.items() if number is not None]
    models = [] if "*" in found.models else [f"models {' '.join(found.models)}"]
    return ", ".join(parts + models) or "no limits"


def _cents(dollars: str) -> Decimal:
    try:
        amount = Decimal(dollars)
    except InvalidOperation:
        raise CommandFailed(f"{dollars!r} is not an amount of US dollars; write it as 12.50") from None
    if not amount.is_finite() or amount <= 0 or amount > 10_000_000:
        raise CommandFailed(f"{dollars} is out of range; allowed: more than 0, at most 10,000,000")
    if amount != round(amount, DECIMALS):
        raise CommandFailed(f"{dollars} cannot be booked; at most {DECIMALS} decimals are kept")
    return amount * 100


def _dollars(cents: Decimal) -> str:
    """Exact, without the zeros that say nothing."""
    return f"{(cents / 100).normalize():f}"


def _moment(words: str, *, back: bool = False) -> datetime:
    """A span from now on, or back from now, such as 90d or 12h; or a date, in UTC where it names no zone."""
    try:
        if span := re.fullmatch(r"(\d{1,6})([dh])", words):
            hours = int(span[1]) * (24 if span[2] == "d" else 1)
            return datetime.now(UTC) + timedelta(hours=-hours if back else hours)
        found = datetime.fromisoformat(words)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise CommandFailed(
            f"{words!r} is no moment; write a span as 90d or 12h, or a date as 2027-01-31 or 2027-01-31T12:00"
        ) from None


def _bound(words: str | None) -> datetime | None:
    return None if words is None else _moment(words, back=True)


def _shown(moment: str | None) -> str:
    """To the minute."""
    return "" if moment is None else f"{moment[:10]} {moment[11:16]}"


def _limits(limits: Mapping[str, float] | None) -> str:
    short = {"requests_per_minute": "rpm", "tokens_per_minute": "tpm"}
    return ", ".join(f"{limit:,.12g} {short.get(name, name)}" for name, limit in (limits or {}).items())


def _plan(plan: str | None) -> str | None:
    """One that everybody knows, or that the settings have a table for."""
    plans = dict.fromkeys(("free", "premium", "max", "ultra", *settings().plans))
    if plan is not None and plan not in plans:
        raise CommandFailed(f"{plan!r} is not a plan; allowed: {', '.join(plans)}")
    return plan
