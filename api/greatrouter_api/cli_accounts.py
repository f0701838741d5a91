"""`greatrouter accounts`."""

import csv
import sys
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from greatrouter_api.cli_keys import COLUMNS, key_row
from greatrouter_api.cli_usage import NUMBER
from greatrouter_api.cli_values import Exemplified, Organization, cents, dollars, known_plan, moment, opened
from greatrouter_api.terminal import CommandFailed, fail_clearly, settings

if TYPE_CHECKING:
    from greatrouter_accounts.accounts import Accounts
    from greatrouter_accounts.statement import Line

accounts_app = typer.Typer(no_args_is_help=True)

LINES_OF_A_TABLE = 50
CSV_COLUMNS = ("timestamp", "kind", "amount_dollars", "balance_after_dollars", "charge_dollars", "request_id")

Dollars = Annotated[str, typer.Argument(help="US dollars.")]


@accounts_app.command("show")
def show(
    org: Annotated[str | None, typer.Option("--org", help="The organization's name; all of them where absent.")] = None,
) -> None:
    """What an organization may spend, what is held of it, what was spent, its plan and its keys; or all of them."""
    with fail_clearly(), opened() as accounts:
        if org is None:
            _show_all(accounts)
        else:
            _show_one(accounts, org)


def _show_all(accounts: "Accounts") -> None:
    from greatrouter_api.tables import table

    rows = [
        (row.name, row.plan, dollars(row.balance_cents), dollars(row.owed_cents) if row.owed_cents else "", row.keys)
        for row in accounts.office.organizations()
    ]
    table("organizations, in US dollars", ("org", "plan", "balance", "owed", "keys"), rows, drop_empty=True)


def _show_one(accounts: "Accounts", org: str) -> None:
    from greatrouter_api.tables import table

    found = accounts.summary(org)
    lines = [f"{org}: ${dollars(found.balance_cents)}", f"plan: {found.plan} ({_allowance(found.plan)})"]
    lines.append(f"held: ${dollars(found.held_cents)} more, for requests under way")
    if found.owed_cents:
        lines.append(
            f"owed: ${dollars(found.owed_cents)}, taken back after it was spent; repaid from what comes in next"
        )
    today, month = dollars(found.spent_today_cents), dollars(found.spent_this_month_cents)
    lines.append(f"spent: ${today} today, ${month} this month (UTC)")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    table("keys", COLUMNS, [key_row(key) for key in found.keys], whole=1, drop_empty=True)


@accounts_app.command("credit", cls=Exemplified, epilog="For example: greatrouter accounts credit --org acme 12.50")
def credit(org: Organization, amount: Dollars) -> None:
    """Grants credit to an organization."""
    with fail_clearly(), opened() as accounts:
        accounts.office.credit(org, cents(amount))
        sys.stdout.write(f"{org}: ${dollars(accounts.balance(org))}\n")


@accounts_app.command(
    "debit",
    cls=Exemplified,
    epilog='For example: greatrouter accounts debit --org acme 5 --reason "granted twice"',
)
def debit(
    org: Organization,
    amount: Dollars,
    reason: Annotated[str, typer.Option(help="Why; it stands in the statement.")],
    owe: Annotated[
        bool,
        typer.Option("--owe", help="Also more than there is: the rest is owed, and repaid from what comes in next."),
    ] = False,
) -> None:
    """Takes back credit that was granted by mistake. What Polar was paid is refunded in Polar."""
    with fail_clearly(), opened() as accounts:
        owed = accounts.office.debit(org, cents(amount), reason, owe=owe)
        said = f", and owes ${dollars(owed)}" if owed else ""
        sys.stdout.write(f"{org}: ${dollars(accounts.balance(org))}{said}\n")


@accounts_app.command("plan", cls=Exemplified, epilog="For example: greatrouter accounts plan --org acme premium")
def plan(
    org: Organization,
    name: Annotated[str, typer.Argument(metavar="PLAN", help="free, premium, max, ultra, or a plan of the settings.")],
) -> None:
    """Changes an organization's plan; running servers heed it within a second."""
    with fail_clearly(), opened() as accounts:
        before = accounts.office.set_plan(org, known_plan(name))
        sys.stdout.write(f"{org}: {name} ({_allowance(name)}); it was {before}\n")


@accounts_app.command("statement", cls=Exemplified, epilog="For example: greatrouter accounts statement --org acme")
def statement(
    org: Organization,
    limit: Annotated[
        int | None, typer.Option(help="So many lines, 50 by default; as CSV all of them by default.", **NUMBER)
    ] = None,
    after: Annotated[
        str | None, typer.Option(help="From 2026-01-31 or 2026-01-31T12:00 (UTC) on, or of the last 30d or 12h.")
    ] = None,
    before: Annotated[str | None, typer.Option(help="Only what is older; written like --after.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV on standard output, one row a transaction.")] = False,
) -> None:
    """What changed an organization's balance, newest first, with the balance after each and what each request was
    charged."""
    with fail_clearly(), opened() as accounts:
        from greatrouter_accounts.statement import Period
        from greatrouter_api.tables import table

        period = Period(_bound(after), _bound(before), limit if limit or as_csv else LINES_OF_A_TABLE)
        with closing(accounts.statement_lines(org, period)) as lines:
            if as_csv:
                _write_csv(lines)
                return
            rows = [
                (
                    *(line.timestamp[:19].replace("T", " "), line.kind, dollars(line.amount_cents)),
                    *(dollars(line.balance_cents), _charge(line), line.request_id or ""),
                )
                for line in lines
            ]
        columns = ("when", "kind", "amount", "balance", "charged", "request")
        table(f"{org}: wallet, in US dollars", columns, rows, drop_empty=True)


@accounts_app.command("copy", cls=Exemplified, epilog="For example: greatrouter accounts copy accounts.sqlite3")
def copy(
    file: Annotated[Path, typer.Argument(help="The accounts.sqlite3 of a home, which no server uses.", dir_okay=False)],
) -> None:
    """Carries all accounts of an SQLite file over into the database of the settings, where there are none yet."""
    with fail_clearly(), opened() as accounts:
        from greatrouter_api.home import open_accounts

        if not file.is_file():
            raise CommandFailed(f"there is no file {file}; name the accounts.sqlite3 of a home")
        with closing(open_accounts(settings(), database=file)) as other:
            carried = accounts.office.take_over(other.office)
        sys.stdout.write(f"{carried:,} rows carried over into {accounts.place}\n")


@accounts_app.command("verify")
def verify() -> None:
    """Exits with 0 only when every balance agrees with its ledger, and so do orders and the log."""
    with fail_clearly(), opened() as accounts:
        if problems := accounts.verify():
            sys.stdout.write("\n".join(problems) + "\n")
            raise CommandFailed(f"the books do not agree: {len(problems)} problems")
        sys.stdout.write("every balance agrees with its ledger\n")


def _write_csv(lines: "Iterable[Line]") -> None:
    """As they come: of a million lines none is kept. Amounts are exact, without zeros that say nothing."""
    from greatrouter_api.endpoints.log_rows import harmless

    writer = csv.writer(sys.stdout)
    writer.writerow((*CSV_COLUMNS, "transaction_id"))
    for line in lines:
        charge = "" if line.charge_cents is None else _exact(line.charge_cents)
        amounts = (_exact(line.amount_cents), _exact(line.balance_cents), charge)
        writer.writerow(
            (line.timestamp, line.kind, *amounts, harmless(line.request_id or ""), harmless(line.transaction_id))
        )


def _exact(amount_cents: Decimal) -> str:
    return f"{(amount_cents / 100).normalize():f}"


def _charge(line: "Line") -> str:
    return "" if line.charge_cents is None else dollars(line.charge_cents)


def _allowance(plan: str) -> str:
    """What the settings say of a plan. Servers that run heed what the settings said when they started."""
    found = settings().plans.get(plan)
    if found is None:
        return "no table in the settings, so no limits"
    said = {
        "requests a minute": found.requests_per_minute,
        "tokens a minute": found.tokens_per_minute,
        "requests at once": found.concurrent_requests,
    }
    budgets = {"a day": found.daily_budget_dollars, "a month": found.monthly_budget_dollars}
    parts = [f"{number:,} {what}" for what, number in said.items() if number is not None]
    parts += [f"${dollars(amount * 100)} {span}" for span, amount in budgets.items() if amount is not None]
    models = [] if "*" in found.models else [f"models {' '.join(found.models)}"]
    limits = ", ".join(parts + models)
    return f"in the settings as they are now: {limits}" if limits else "no limits in the settings"


def _bound(words: str | None) -> datetime | None:
    return None if words is None else moment(words, back=True)
