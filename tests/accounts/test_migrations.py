"""A database of any earlier version becomes one of now, with everything in it."""

import asyncio
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from greatrouter_accounts import keys
from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.migrations import MIGRATIONS
from greatrouter_accounts.statement import Period
from tests.accounts.conftest import SECRET

KEY = "pk_live_abcdefghi_" + "0123456789abcdef" * 2

# The tables as the first release made them.
VERSION_0 = """
CREATE TABLE schema_version (version INTEGER NOT NULL);
CREATE TABLE organizations (
    id VARCHAR NOT NULL, name VARCHAR NOT NULL, "plan" VARCHAR NOT NULL, created_at VARCHAR NOT NULL,
    PRIMARY KEY (id), UNIQUE (name));
CREATE TABLE ledger (
    sequence INTEGER NOT NULL, transaction_id VARCHAR NOT NULL, kind VARCHAR NOT NULL, account VARCHAR NOT NULL,
    amount_cents BIGINT NOT NULL, request_id VARCHAR, created_at VARCHAR NOT NULL, PRIMARY KEY (sequence));
CREATE INDEX ledger_by_account ON ledger (account, sequence);
CREATE TABLE balances (account VARCHAR NOT NULL, amount_cents BIGINT NOT NULL, PRIMARY KEY (account)) WITHOUT ROWID;
CREATE TABLE reservations (
    id VARCHAR NOT NULL, organization_id VARCHAR NOT NULL, amount_cents BIGINT NOT NULL, request_id VARCHAR NOT NULL,
    owner VARCHAR NOT NULL, created_at VARCHAR NOT NULL, PRIMARY KEY (id)) WITHOUT ROWID;
CREATE TABLE activity (
    sequence INTEGER NOT NULL, request_id VARCHAR NOT NULL, organization_id VARCHAR NOT NULL,
    timestamp VARCHAR NOT NULL, endpoint VARCHAR NOT NULL, task VARCHAR, decision VARCHAR, confidence VARCHAR,
    complexity_tier VARCHAR, model VARCHAR, provider VARCHAR, routing_reason TEXT, fallback_chain TEXT,
    status INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, units TEXT NOT NULL,
    cost_cents BIGINT NOT NULL, latency_ms VARCHAR NOT NULL, cached BOOLEAN NOT NULL, PRIMARY KEY (sequence));
CREATE INDEX activity_by_organization ON activity (organization_id, timestamp);
CREATE TABLE feedback (
    id VARCHAR NOT NULL, organization_id VARCHAR NOT NULL, timestamp VARCHAR NOT NULL, prompt TEXT NOT NULL,
    classified_task VARCHAR, correct BOOLEAN NOT NULL, confidence VARCHAR, suggested_task VARCHAR, PRIMARY KEY (id));
CREATE INDEX feedback_by_organization ON feedback (organization_id, timestamp);
CREATE TABLE keys (
    id VARCHAR NOT NULL, organization_id VARCHAR NOT NULL, digest BLOB NOT NULL, prefix VARCHAR NOT NULL,
    test BOOLEAN NOT NULL, created_at VARCHAR NOT NULL, revoked_at VARCHAR, PRIMARY KEY (id),
    FOREIGN KEY(organization_id) REFERENCES organizations (id), UNIQUE (digest));

INSERT INTO schema_version VALUES (0);
INSERT INTO organizations VALUES ('org_1', 'ada', 'max', '2026-01-01T00:00:00.000+00:00');
INSERT INTO ledger VALUES
    (1, 'txn_1', 'grant', 'promotions', -1000000005, NULL, '2026-01-01T00:00:00.000+00:00'),
    (2, 'txn_1', 'grant', 'wallet:org_1', 1000000005, NULL, '2026-01-01T00:00:00.000+00:00'),
    (3, 'txn_2', 'fund', 'wallet:org_1', -62500000, 'pool', '2026-01-01T00:00:00.500+00:00'),
    (4, 'txn_2', 'fund', 'held:org_1', 62500000, 'pool', '2026-01-01T00:00:00.500+00:00'),
    (5, 'txn_3', 'charge', 'held:org_1', -5, 'req_1', '2026-01-01T00:00:01.000+00:00'),
    (6, 'txn_3', 'charge', 'revenue', 5, 'req_1', '2026-01-01T00:00:01.000+00:00');
INSERT INTO balances VALUES
    ('promotions', -1000000005), ('wallet:org_1', 937500005), ('held:org_1', 62499995), ('revenue', 5);
INSERT INTO reservations VALUES
    ('res_1', 'org_1', 62499995, 'pool', 'own_of_a_process_that_died', '2026-01-01T00:00:00.500+00:00');
INSERT INTO activity VALUES (
    7, 'req_1', 'org_1', '2026-01-01T00:00:01.000+00:00', '/v1/auto/route', 'text', 'regex', '0.9500', 'SIMPLE',
    'lab/small', 'lab', 'why not', 'lab/small lab/large', 200, 12, 34, '', 5, '6.70', 0);
INSERT INTO feedback VALUES ('fb_1', 'org_1', '2026-01-01T00:00:02.000+00:00', 'a prompt', 'text', 0, '0.5', 'code');
"""


def version_0(path: Path) -> None:
    path.parent.mkdir(parents=True)
    connection = sqlite3.connect(path)
    connection.executescript(VERSION_0)
    row = ("key_1", "org_1", keys.digest(KEY, SECRET), keys.shown(KEY), False, "2026-01-01T00:00:00.000+00:00", None)
    connection.execute("INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    connection.commit()
    connection.close()


def tables(path: Path) -> dict[str, Any]:
    """Every table's columns (in order: name, type, may be null, place in the primary key) and indexes."""
    connection = sqlite3.connect(path)
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {
        name: (
            connection.execute('SELECT name, type, "notnull", pk FROM pragma_table_info(?)', (name,)).fetchall(),
            {
                (index if origin == "c" else origin): [c for (c,) in connection.execute(COLUMNS_OF_INDEX, (index,))]
                for index, origin in connection.execute("SELECT name, origin FROM pragma_index_list(?)", (name,))
            },
        )
        for name in names
    }
    connection.close()
    return found


COLUMNS_OF_INDEX = "SELECT name FROM pragma_index_info(?)"


def test_the_first_release_becomes_what_a_new_database_is(path: Path, tmp_path: Path) -> None:
    version_0(path)
    new = tmp_path / "new.sqlite3"
    Accounts(path, SECRET).close()
    Accounts(new, SECRET).close()
    assert tables(path) == tables(new)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT version FROM schema_version").fetchall() == [(len(MIGRATIONS),)]
    connection.close()


def test_everything_the_first_release_held_is_still_there(path: Path, opened: Callable[[], Accounts]) -> None:
    version_0(path)
    opened().close()
    accounts = opened()  # and a second time, when there is nothing left to do
    caller = asyncio.run(accounts.authenticate(KEY))
    assert (caller.organization, caller.plan, caller.test) == ("ada", "max", False)
    assert accounts.balance("ada") == 10
    assert accounts.verify() == []
    assert [line.kind for line in accounts.statement_lines("ada", Period())] == ["charge", "grant"]
    [request] = accounts.activity("org_1")
    assert (request["request_id"], request["cost_cents"]) == ("req_1", Decimal("0.00000005"))
    assert asyncio.run(accounts.preferences("org_1")).default_optimization == "balanced"
    assert accounts.set_preference("org_1", "default_task", "code").default_task == "code"
