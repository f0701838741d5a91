"""`greatrouter accounts` beside a server that runs: another process, on SQLite and on PostgreSQL."""

import asyncio
import csv
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from greatrouter_accounts.accounts import Accounts
from greatrouter_api.home import open_accounts
from greatrouter_api.settings import Settings
from tests import postgres
from tests.accounts.conftest import query

Run = Callable[..., "subprocess.CompletedProcess[str]"]
COLUMNS = ["timestamp", "kind", "amount_dollars", "balance_after_dollars", "charge_dollars"]
COLUMNS += ["request_id", "transaction_id"]


PLANS = """
[plans.max]
requests_per_minute = 600
daily_budget_dollars = "20.50"
models = ["lab/*", "openai/*"]
"""


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    home = tmp_path_factory.mktemp("home")
    (home / "greatrouter.toml").write_text(PLANS)
    with ExitStack() as stack:
        url = None
        if request.param == "postgres":
            url = SecretStr(stack.enter_context(stack.enter_context(postgres.running()).database()))
        yield Settings(home=home, database_url=url)


@pytest.fixture(scope="module")
def accounts(place: Settings) -> Iterator[Accounts]:
    """The store of a server that runs meanwhile, with requests that are over and one under way."""
    found = open_accounts(place)
    found.create_key("other")
    found.office.credit("other", Decimal(1))
    caller = asyncio.run(found.authenticate(found.create_key("acme", plan="max", limits={"requests_per_minute": 7})))
    found.office.credit("acme", Decimal(2000))

    async def ask() -> None:
        for name, cost in (("req_1", "0.00000001"), ("-1+cmd", "2"), ("=SUM(A1)", "3.5")):
            await found.till.settle(await found.till.reserve(caller, Decimal(500), name), Decimal(cost))
        await found.till.reserve(caller, Decimal(500), "req_under_way")

    asyncio.run(ask())
    found.office.order_paid("order_1", "acme", Decimal(250))
    yield found
    found.close()


@pytest.fixture(scope="module")
def run(place: Settings, accounts: Accounts) -> Run:
    url = place.database_url
    extra = {} if url is None else {"GREATROUTER_DATABASE_URL": url.get_secret_value()}

    def command(*arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [sys.executable, "-m", "greatrouter_api", "accounts", *arguments],
            check=False,
            env={**os.environ, "GREATROUTER_HOME": str(place.home), **extra},
            capture_output=True,
            text=True,
        )
        assert not check or done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        return done

    return command


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_show_says_what_there_is_and_what_was_spent(run: Run) -> None:
    lines = run("show", "--org", "acme").stdout.splitlines()
    assert lines[:4] == [
        "acme: $17.4449999999",
        "plan: max (in the settings as they are now: 600 requests a minute, $20.50 a day, models lab/* openai/*)",
        "held: $5.00 more, for requests under way",
        "spent: $0.0550000001 today, $0.0550000001 this month (UTC)",
    ]
    [key] = [line for line in lines if "pk_live_" in line]
    assert "7 rpm" in key
    assert "other" not in "".join(lines)


def test_a_statement_as_csv_is_exact_to_the_last_digit(run: Run, accounts: Accounts) -> None:
    done = run("statement", "--org", "acme", "--csv")
    assert done.stderr == ""
    found = rows(done.stdout)
    assert list(found[0]) == COLUMNS
    assert [tuple(row[name] for name in COLUMNS[1:5]) for row in found] == [
        ("top_up", "2.5", "17.4449999999", ""),
        ("reserve", "-5", "14.9449999999", ""),
        ("settle", "4.965", "19.9449999999", "0.035"),
        ("reserve", "-5", "14.9799999999", ""),
        ("settle", "4.98", "19.9799999999", "0.02"),
        ("reserve", "-5", "14.9999999999", ""),
        ("settle", "4.9999999999", "19.9999999999", "0.0000000001"),
        ("reserve", "-5", "15", ""),
        ("grant", "20", "20", ""),
    ]
    assert sum(Decimal(row["charge_dollars"] or 0) for row in found) == accounts.summary("acme").spent_today_cents / 100
    assert sum(Decimal(row["amount_dollars"]) for row in found) == accounts.balance("acme") / 100
    assert len({row["transaction_id"] for row in found}) == len(found)
    assert all(datetime.fromisoformat(row["timestamp"]).tzinfo for row in found)


def test_no_cell_of_the_csv_is_a_formula(run: Run) -> None:
    found = rows(run("statement", "--org", "acme", "--csv").stdout)
    assert {row["request_id"] for row in found} == {
        *("", "req_1", "'-1+cmd", "'=SUM(A1)", "req_under_way", "order:order_1"),
    }
    text = [row[name] for row in found for name in COLUMNS if not name.endswith("_dollars")]
    assert not [cell for cell in text if cell.startswith(("=", "+", "-", "@"))]
    assert all(float(row[name] or 0) is not None for row in found for name in COLUMNS if name.endswith("_dollars"))


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        (("--limit", "2"), slice(0, 2)),
        (("--after", "1h"), slice(None)),
        (("--after", "2000-01-01", "--limit", "1"), slice(0, 1)),
        (("--before", "1h"), slice(0, 0)),
        (("--after", "9998-01-01"), slice(0, 0)),
        (("--before", "9998-12-31T23:59:59+01:00"), slice(None)),
        (("--before", "2000-01-01"), slice(0, 0)),
    ],
)
def test_a_part_of_a_statement(run: Run, options: tuple[str, ...], lines: slice) -> None:
    whole = rows(run("statement", "--org", "acme", "--csv").stdout)
    assert rows(run("statement", "--org", "acme", "--csv", *options).stdout) == whole[lines]


def test_a_part_between_two_moments(run: Run) -> None:
    whole = rows(run("statement", "--org", "acme", "--csv").stdout)
    bounds = ("--after", whole[6]["timestamp"], "--before", whole[2]["timestamp"])
    own = [row for row in whole if bounds[1] <= row["timestamp"] < bounds[3]]
    assert rows(run("statement", "--org", "acme", "--csv", *bounds).stdout) == own


def test_a_statement_as_a_table_has_the_balance_too(run: Run) -> None:
    lines = run("statement", "--org", "acme", "--limit", "1").stdout.splitlines()
    assert any(line.split()[2:] == ["top_up", "2.50", "17.4449999999", "order:order_1"] for line in lines)
    assert not any("grant" in line for line in lines)


def test_without_a_name_all_organizations_are_shown(run: Run) -> None:
    lines = run("show").stdout.splitlines()
    assert any(line.split() == ["acme", "max", "17.4449999999", "1"] for line in lines)
    assert any(line.split() == ["other", "free", "0.01", "1"] for line in lines)


def test_nobody_s_statement_leaves_no_header(run: Run) -> None:
    done = run("statement", "--org", "nobody", "--csv", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "`greatrouter accounts show` lists them" in done.stderr


def test_a_plan_is_changed(run: Run, accounts: Accounts) -> None:
    key = accounts.create_key("changing")
    done = run("plan", "--org", "changing", "gold", check=False)
    assert done.returncode == 1
    assert "allowed: free, premium, max, ultra" in done.stderr
    assert run("plan", "--org", "changing", "max").stdout.startswith(
        "changing: max (in the settings as they are now: 600"
    )
    assert asyncio.run(accounts.authenticate(key)).plan == "max"
    assert run("plan", "--org", "changing", "ultra").stdout.endswith("so no limits); it was max\n")


def test_a_mistaken_grant_is_taken_back(run: Run, accounts: Accounts) -> None:
    accounts.create_key("lucky")
    accounts.office.credit("lucky", Decimal(500))
    assert run("debit", "--org", "lucky", "2", "--reason", "granted twice").stdout == "lucky: $3.00\n"
    done = run("debit", "--org", "lucky", "4", "--reason", "again", check=False)
    assert done.returncode == 1
    assert "lucky has $3.00, less than $4.00; nothing was taken" in done.stderr
    assert run("debit", "--org", "lucky", "4", "--reason", "again", "--owe").stdout == "lucky: $0.00, and owes $1.00\n"
    assert "owed: $1.00" in run("show", "--org", "lucky").stdout
    assert "debit: granted twice" in run("statement", "--org", "lucky").stdout
    assert run("debit", "--org", "lucky", "4", check=False).returncode == 2  # a reason is asked for
    assert run("verify").returncode == 0


def test_accounts_are_carried_over_into_an_empty_database(run: Run, place: Settings, tmp_path: Path) -> None:
    """From another home, whose secret is the same."""
    old = Settings(home=tmp_path)
    shutil.copy(place.home / "secret", tmp_path / "secret")
    with closing(open_accounts(old)) as accounts:
        accounts.create_key("carried")
        accounts.office.credit("carried", Decimal(5))
    done = run("copy", str(tmp_path / "accounts.sqlite3"), check=False)
    assert done.returncode == 1
    assert "into an empty one" in done.stderr
    assert "there is no file" in run("copy", str(tmp_path / "nothing.sqlite3"), check=False).stderr
    (tmp_path / "new").mkdir()
    shutil.copy(place.home / "secret", tmp_path / "new" / "secret")
    environment = {**os.environ, "GREATROUTER_HOME": str(tmp_path / "new")}
    copy = [sys.executable, "-m", "greatrouter_api", "accounts", "copy", str(old.accounts_database)]
    done = subprocess.run(copy, check=True, env=environment, capture_output=True, text=True)
    assert f"rows carried over into SQLite in {tmp_path / 'new' / 'accounts.sqlite3'}" in done.stdout
    with closing(open_accounts(Settings(home=tmp_path / "new"))) as accounts:
        assert accounts.balance("carried") == 5
        assert accounts.verify() == []


def test_credit_is_there_for_the_server_that_runs(run: Run, accounts: Accounts) -> None:
    assert run("credit", "--org", "other", "0.0000000001").stdout == "other: $0.0100000001\n"
    assert accounts.balance("other") == Decimal("1.00000001")


def test_whoever_reads_no_further_is_no_error(run: Run, place: Settings) -> None:
    command = f"{sys.executable} -m greatrouter_api accounts statement --org acme --csv | head -1"
    url = place.database_url
    extra = {} if url is None else {"GREATROUTER_DATABASE_URL": url.get_secret_value()}
    environment = {**os.environ, "GREATROUTER_HOME": str(place.home), **extra}
    done = subprocess.run(command, shell=True, check=False, env=environment, capture_output=True, text=True)
    assert (done.stdout.strip(), "Traceback" in done.stderr) == (",".join(COLUMNS), False)


DAMAGE: list[tuple[str, str, str]] = [
    ("balances", "UPDATE balances SET amount_cents = amount_cents + 7 WHERE account LIKE 'wallet:%'", "the balance"),
    ("orders", "UPDATE orders SET refunded_cents = 100", "order order_1: it is worth 249.999999 cents"),
    ("ledger", "UPDATE ledger SET amount_cents = 0 WHERE account = 'revenue'", "add up to"),
    ("reservations", "UPDATE reservations SET amount_cents = 5", "the open reservations say 0.00000005 cents"),
]


@pytest.mark.parametrize(("table", "damage", "said"), DAMAGE, ids=[table for table, *_ in DAMAGE])
def test_verify_says_what_does_not_agree(run: Run, place: Settings, table: str, damage: str, said: str) -> None:
    assert run("verify").stdout == "every balance agrees with its ledger\n"
    database = place.accounts_database
    kept: Any = query(database, f"SELECT * FROM {table}")
    query(database, damage)
    try:
        done = run("verify", check=False)
        assert done.returncode == 1
        assert said in done.stdout
        assert "do not agree" in done.stderr
    finally:
        values = ", ".join(str(tuple(row)).replace("None", "NULL") for row in kept)
        query(database, f"DELETE FROM {table}")
        query(database, f"INSERT INTO {table} VALUES {values}")
    assert run("verify").returncode == 0
