"""The ledger's SQL, for each database. The driver gets it as it stands here.

Built as SQLAlchemy expressions they made a batch of one take 0.9 ms of CPU time on SQLite; now it takes 0.25 ms, and
0.15 of them are the disk's flush.

Every statement takes all its rows as one JSON parameter. `executemany` lets go of the interpreter's lock at each row,
and beside a busy event loop that made seven switches of threads a request; on PostgreSQL it is a round trip each.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class LedgerSql:
    """`find_*` take a list of names, the others a list of rows, but for `entries_before`: the latest of an account
    before a place, so many; and `find_owners`, which takes nothing. Where several processes write at once, `find_*`
    lock what they find, in the order of its names, so that no two wait for each other; but for what is asked of owners,
    and `find_key_holds`, which is asked by who has locked the wallets of the keys' organizations.

    A balance that leaves 64 bits is refused; SQLite by itself would make a rounded number of it."""

    find_reservations: str
    find_balances: str
    find_key_holds: str
    add_entries: str
    change_balances: str
    open_reservations: str
    change_reservations: str
    close_reservations: str
    find_owners: str
    find_orphans: str
    find_runs: str
    charge_runs: str
    entries_before: str


FIND_OWNERS = "SELECT DISTINCT owner FROM reservations"

SQLITE = LedgerSql(
    find_reservations="""
        SELECT id, organization_id, amount_cents, request_id, key_id FROM reservations
        WHERE id IN (SELECT value FROM json_each(?))""",
    find_balances="SELECT account, amount_cents FROM balances WHERE account IN (SELECT value FROM json_each(?))",
    find_key_holds="""
        SELECT key_id, sum(amount_cents) FROM reservations
        WHERE key_id IN (SELECT value FROM json_each(?)) GROUP BY key_id""",
    add_entries="""
        INSERT INTO ledger (transaction_id, kind, account, amount_cents, request_id, created_at)
        SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
               json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]')
        FROM json_each(?) ORDER BY key""",
    change_balances="""
        INSERT INTO balances (account, amount_cents)
        SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?) WHERE true
        ON CONFLICT (account) DO UPDATE SET amount_cents =
            CASE typeof(balances.amount_cents + excluded.amount_cents)
            WHEN 'integer' THEN balances.amount_cents + excluded.amount_cents END""",
    open_reservations="""
        INSERT INTO reservations (id, organization_id, amount_cents, request_id, owner, created_at, key_id)
        SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
               json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]'),
               json_extract(value, '$[6]')
        FROM json_each(?)""",
    change_reservations="""
        UPDATE reservations SET amount_cents = changed.amount_cents FROM
            (SELECT json_extract(value, '$[0]') AS id, json_extract(value, '$[1]') AS amount_cents
             FROM json_each(?)) changed
        WHERE reservations.id = changed.id""",
    # Not DELETE ... RETURNING in place of this and the SELECT: SQLite takes 85 us for what these two do in 9.
    close_reservations="DELETE FROM reservations WHERE id IN (SELECT value FROM json_each(?))",
    find_owners=FIND_OWNERS,
    find_orphans="SELECT id FROM reservations WHERE owner IN (SELECT value FROM json_each(?)) ORDER BY id",
    find_runs="""
        SELECT kept.run FROM json_each(?) asked JOIN idempotency kept
            ON kept.organization_id = json_extract(asked.value, '$[0]') AND kept.key = json_extract(asked.value, '$[1]')
        WHERE kept.run = json_extract(asked.value, '$[2]')""",
    charge_runs="""
        UPDATE idempotency SET charged_cents = charged_cents + charged.amount_cents, charged_key_id = charged.key_id
        FROM (SELECT json_extract(value, '$[0]') AS organization_id, json_extract(value, '$[1]') AS name,
                     json_extract(value, '$[2]') AS key_id, json_extract(value, '$[3]') AS amount_cents
              FROM json_each(?)) charged
        WHERE idempotency.organization_id = charged.organization_id AND idempotency.key = charged.name""",
    entries_before="""
        SELECT sequence, transaction_id, amount_cents, created_at FROM ledger
        WHERE account = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?""",
)

POSTGRES = LedgerSql(
    find_reservations="""
        SELECT id, organization_id, amount_cents, request_id, key_id FROM reservations
        WHERE id IN (SELECT jsonb_array_elements_text(%s::jsonb)) ORDER BY id FOR UPDATE""",
    find_balances="""
        SELECT account, amount_cents FROM balances
        WHERE account IN (SELECT jsonb_array_elements_text(%s::jsonb)) ORDER BY account FOR UPDATE""",
    find_key_holds="""
        SELECT key_id, sum(amount_cents)::bigint FROM reservations
        WHERE key_id IN (SELECT jsonb_array_elements_text(%s::jsonb)) GROUP BY key_id""",
    add_entries="""
        INSERT INTO ledger (transaction_id, kind, account, amount_cents, request_id, created_at)
        SELECT entry->>0, entry->>1, entry->>2, (entry->>3)::bigint, entry->>4, entry->>5
        FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS entries (entry, place) ORDER BY place""",
    change_balances="""
        INSERT INTO balances (account, amount_cents)
        SELECT change->>0, (change->>1)::bigint FROM jsonb_array_elements(%s::jsonb) AS changes (change) ORDER BY 1
        ON CONFLICT (account) DO UPDATE SET amount_cents = balances.amount_cents + excluded.amount_cents""",
    open_reservations="""
        INSERT INTO reservations (id, organization_id, amount_cents, request_id, owner, created_at, key_id)
        SELECT opened->>0, opened->>1, (opened->>2)::bigint, opened->>3, opened->>4, opened->>5, opened->>6
        FROM jsonb_array_elements(%s::jsonb) AS rows (opened)""",
    change_reservations="""
        UPDATE reservations SET amount_cents = (change->>1)::bigint
        FROM jsonb_array_elements(%s::jsonb) AS changes (change) WHERE reservations.id = change->>0""",
    close_reservations="DELETE FROM reservations WHERE id IN (SELECT jsonb_array_elements_text(%s::jsonb))",
    find_owners=FIND_OWNERS,
    find_orphans="""
        SELECT id FROM reservations WHERE owner IN (SELECT jsonb_array_elements_text(%s::jsonb)) ORDER BY id""",
    find_runs="""
        SELECT kept.run FROM jsonb_array_elements(%s::jsonb) AS rows (asked) JOIN idempotency kept
            ON kept.organization_id = asked->>0 AND kept.key = asked->>1
        WHERE kept.run = asked->>2 ORDER BY kept.organization_id, kept.key FOR UPDATE OF kept""",
    charge_runs="""
        UPDATE idempotency SET charged_cents = charged_cents + (charged->>3)::bigint, charged_key_id = charged->>2
        FROM jsonb_array_elements(%s::jsonb) AS changes (charged)
        WHERE idempotency.organization_id = charged->>0 AND idempotency.key = charged->>1""",
    entries_before="""
        SELECT sequence, transaction_id, amount_cents, created_at FROM ledger
        WHERE account = %s AND sequence < %s ORDER BY sequence DESC LIMIT %s""",
)

BY_DIALECT: Mapping[str, LedgerSql] = {"sqlite": SQLITE, "postgresql": POSTGRES}


def rows_parameter(rows: Iterable[Any]) -> tuple[str]:
    """Rows, or names, as the one parameter that a statement takes."""
    return (orjson.dumps(list(rows)).decode(),)
