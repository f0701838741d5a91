"""The ledger in the database does what the rules say: the same histories, through SQL."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from sqlalchemy import func, select

from greatrouter_accounts import audit, books, schema
from greatrouter_accounts.chart import REVENUE
from greatrouter_accounts.errors import RowRefused
from greatrouter_accounts.money import LARGEST_CENTS
from greatrouter_accounts.operations import Credit, Operation, Reserve, Settle
from greatrouter_accounts.sqlite import SqliteStore
from tests.accounts.test_ledger import Ledger, batches, plain
from tests.accounts.us import Us

# Each example makes a database and waits for the disk several times.
few = settings(max_examples=20, deadline=None)


def posted(store: SqliteStore, operations: Sequence[Operation], owner: str = "own_1") -> list[object]:
    with store.write() as connection:
        return plain(books.post(connection, operations, owner))


def balances(store: SqliteStore) -> dict[str, Decimal]:
    table = schema.balances
    with store.read() as connection:
        return {row.account: row.amount_cents for row in connection.execute(select(table))}


def problems(store: SqliteStore) -> list[str]:
    with store.read() as connection:
        return audit.problems(connection)


def nonzero(balances: dict[str, Decimal]) -> dict[str, Decimal]:
    """An account that never held anything has no row, and that of the revenue never has one."""
    return {account: amount for account, amount in balances.items() if amount and account != REVENUE}


@few
@given(batches())
def test_the_database_agrees_with_the_rules(parts: list[list[Operation]]) -> None:
    rules = Ledger()
    with TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "accounts.sqlite3")
        for part in parts:
            assert posted(store, part) == plain(rules.apply(part))
        assert nonzero(balances(store)) == nonzero(rules.balances)
        assert problems(store) == []
        store.close()


def test_a_batch_may_name_more_reservations_than_a_statement_has_variables(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "accounts.sqlite3")
    many = 40_000
    posted(store, [Credit("t", "ada", Decimal(many))])
    reserves = [Reserve(f"r{number}", "ada", Decimal(1), "q") for number in range(many)]
    assert posted(store, reserves) == [1] * many
    assert posted(store, [Settle(f"t{reserve.id}", reserve.id, Decimal(1)) for reserve in reserves]) == [1] * many
    assert problems(store) == []
    store.close()


def test_the_largest_balance_is_kept_to_the_last_digit(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "accounts.sqlite3")
    posted(store, [Credit("t", "ada", LARGEST_CENTS)])
    assert posted(store, [Reserve("r", "ada", LARGEST_CENTS, "q"), Settle("s", "r", LARGEST_CENTS)])[1] == LARGEST_CENTS
    assert nonzero(balances(store)) == {"promotions": -LARGEST_CENTS}
    assert problems(store) == []
    store.close()


def test_what_is_finer_than_the_finest_charge_is_rounded_the_same_everywhere(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "accounts.sqlite3")
    posted(store, [Credit("t", "ada", Decimal(1)), Reserve("r", "ada", Decimal("0.000000006"), "q")])
    assert problems(store) == []
    assert posted(store, [Settle("s", "r", Decimal("0.000000006"))]) == [Decimal("0.00000001")]
    assert problems(store) == []
    store.close()


def test_only_the_reservations_of_those_who_are_gone_are_orphans(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "accounts.sqlite3")
    posted(store, [Credit("t", "ada", Decimal(10))])
    posted(store, [Reserve("r1", "ada", Decimal(1), "q")], owner="own_alive")
    posted(store, [Reserve("r2", "ada", Decimal(2), "q")], owner="own_gone")
    assert books.release_orphans(store, Us({"own_alive"})) == 1
    assert books.release_orphans(store, Us({"own_alive"})) == 0
    assert balances(store)["wallet:ada"] == 9
    assert posted(store, [Settle("s2", "r2", Decimal(2)), Settle("s1", "r1", Decimal(1))]) == [0, 1]
    assert problems(store) == []
    store.close()


def test_a_batch_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "accounts.sqlite3")
    posted(store, [Credit("t", "ada", Decimal(10)), Reserve("r", "ada", Decimal(1), "q")])
    before = balances(store)
    with pytest.raises(RowRefused, match="UNIQUE"):
        posted(store, [Credit("t2", "ada", Decimal(5)), Reserve("r", "ada", Decimal(1), "the same id again")])
    with store.read() as connection:
        assert connection.scalar(select(func.count()).select_from(schema.ledger)) == 4
    assert balances(store) == before
    store.close()
