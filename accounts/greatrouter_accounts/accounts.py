"""Everything the rest of the program asks of accounts, over one database."""

import time
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import literal, select

from greatrouter_accounts import audit, baselines, books, deployment, directory, journal, schema, usage
from greatrouter_accounts import keys as api_keys
from greatrouter_accounts.budgets import UNBOUNDED, Allowance, Budget
from greatrouter_accounts.clock import now_text
from greatrouter_accounts.directory import KeyRow
from greatrouter_accounts.errors import StoreFailed
from greatrouter_accounts.gate import Gate, Plan
from greatrouter_accounts.housekeeping import Housekeeper
from greatrouter_accounts.idempotency import Repeats
from greatrouter_accounts.ids import uuid7
from greatrouter_accounts.key_cache import KeyCache
from greatrouter_accounts.keys import Caller
from greatrouter_accounts.last_used import LastUsed
from greatrouter_accounts.meters import open_meters
from greatrouter_accounts.money import ZERO
from greatrouter_accounts.office import Office
from greatrouter_accounts.operations import FREE_CREDIT, Credit
from greatrouter_accounts.performance import PerformanceBook
from greatrouter_accounts.preferences import PreferenceBook, Preferences
from greatrouter_accounts.presence import Presence
from greatrouter_accounts.records import Records
from greatrouter_accounts.refusals import Refusals
from greatrouter_accounts.statement import Line, Period, Summary, lines, spent, summary
from greatrouter_accounts.store import LEASE, open_store, place, take_your_time
from greatrouter_accounts.till import Till
from greatrouter_accounts.writer import Writer

# Activity waits this long for more to share its commit: 20 commits a second at most, whatever the load.
GATHER_S = 0.05


class Accounts:
    """Organizations, keys, the ledger, preferences, activity and feedback, in one database that several processes may
    share.

    `database` is the file of SQLite or the URL of PostgreSQL; `secret` (16 to 64 bytes) keys the hash of API keys;
    `clock` counts seconds for what is kept in memory; `lease` is how long a process may be silent before the others
    take it for dead, where no lock says whether it is. `plans` say what organizations may use; `shared` that other
    processes count it too, in the database or at `redis_url`. `free_credit_cents` are granted with an organization's
    first live key.

    `place` is the database as it may be named to anyone.
    """

    def __init__(
        self,
        database: Path | str,
        secret: bytes,
        clock: Callable[[], float] = time.monotonic,
        lease: timedelta = LEASE,
        *,
        plans: Mapping[str, Plan] = MappingProxyType({}),
        shared: bool = False,
        redis_url: str | None = None,
        free_credit_cents: Decimal = ZERO,
    ) -> None:
        if not 16 <= len(secret) <= 64:
            raise StoreFailed(f"the secret that keys the hash of API keys has {len(secret)} bytes; expected 16 to 64")
        self._secret = secret
        self._free_credit_cents = free_credit_cents
        with ExitStack() as undo:  # what was opened before a failure is closed again
            self._store = open_store(database, lease)
            undo.callback(self._store.close)
            self._owner = self._store.enrol()
            self.presence = Presence(self._store, self._owner)
            undo.callback(self._resign)
            with self._store.write() as connection:
                if not deployment.agree(connection, "secret", api_keys.digest("", secret).hex()):
                    raise StoreFailed(
                        "this machine's secret is not the one that the keys in the accounts database were hashed with; "
                        "copy the file `secret` from the GREATROUTER_HOME of a machine that knows them"
                    )
            if self._owner.certain:  # else the housekeeper does, once it is
                books.release_orphans(self._store, self._owner)
            counter = redis_url or ((self._store, self._owner) if shared else None)
            self.gate = Gate(open_meters(counter, clock, lease), plans)
            undo.pop_all()
        self.place = place(database)
        self._preferences = PreferenceBook(self._store, clock)
        self._performance = PerformanceBook(self._store, clock)
        records = Records(self._store, (schema.activity, schema.failed_attempts, schema.feedback))
        self._log_writer = Writer(records.commit, "accounts-records", gather_s=GATHER_S)
        self._refusals = Refusals(clock)
        self._last_used = LastUsed(self._store)
        self._key_cache = KeyCache(self._store, secret, self._last_used, clock)
        self.repeats = Repeats(self._store, self._owner, secret)
        self.till = Till(self._store, self._owner, self.gate, self.repeats)
        self.office = Office(self._store, self._owner)
        chores = [self._last_used.write, self.repeats.sweep, self.presence.renew, self.gate.renew]
        self._house = Housekeeper(self._store, self._owner, self.till.forget_pools, lease, chores=chores)

    def answers(self) -> bool:
        """Whether the database can be read, tried now."""
        with suppress(StoreFailed), self._store.read() as connection:
            return bool(connection.scalar(select(literal(True))))
        return False

    def close(self) -> None:
        """Everything acknowledged or recorded is on disk when this returns."""
        self._house.close()
        self.gate.close()
        self.till.close()
        self.repeats.close()
        self._log_writer.close()
        with suppress(StoreFailed):
            self._last_used.write()
        self._resign()
        self._store.close()

    def _resign(self) -> None:
        with suppress(StoreFailed), self._store.write() as connection:
            self.presence.leave(connection)
            self._owner.resign(connection)

    # -- organizations and keys ---------------------------------------------------------------------------------

    def create_key(
        self,
        organization: str,
        *,
        test: bool = False,
        plan: str | None = None,
        gr: bool = False,
        scopes: Collection[str] = api_keys.SCOPES,
        expires_at: datetime | None = None,
        limits: Mapping[str, float] | None = None,
        budgets: Allowance = UNBOUNDED,
    ) -> str:
        """A new key for an organization, which is made where there is none of that name. The key is shown only here;
        `gr` makes one that begins with `gr-`. `expires_at` has a time zone; `limits` are the key's own, by the names of
        `keys.LIMITS`, and so are `budgets`. The organization's first live key brings the free credit, in the same
        transaction.

        Raises `InvalidName`, `InvalidKey`, `InvalidAmount` and `StoreFailed`.
        """
        key = api_keys.generate(test=test, gr=gr)
        row = {
            "digest": api_keys.digest(key, self._secret),
            "prefix": api_keys.shown(key),
            "test": test,
            "scopes": api_keys.scopes_text(scopes),
            "expires_at": api_keys.expiry_text(expires_at),
            "limits": api_keys.limits_text(limits),
            **api_keys.budget_columns(budgets, test=test),
        }
        with self._store.write() as connection:
            owner_id = directory.ensure_organization(connection, organization, plan)
            first = bool(self._free_credit_cents) and not test and not directory.had_live_key(connection, owner_id)
            directory.add_key(connection, owner_id, row)
            if first:
                gift = Credit(uuid7("txn_"), owner_id, self._free_credit_cents, reference=FREE_CREDIT)
                books.post_one(connection, gift, self._owner.name)
        return key

    def list_keys(self) -> list[KeyRow]:
        with self._store.read() as connection:
            return directory.list_keys(connection)

    def revoke_key(self, name: str) -> int:
        """Revokes every key whose id or shown prefix is `name`, or which is `name` itself; how many there were."""
        digest = api_keys.digest(name, self._secret) if api_keys.well_formed(name) else None
        with self._store.write() as connection:
            revoked = directory.revoke(connection, name, digest)
        self._key_cache.forget()
        return revoked

    async def authenticate(self, key: str) -> Caller:
        """Who holds `key`. Raises `KeyRejected` and `StoreFailed`."""
        return await self._key_cache.authenticate(key)

    # -- preferences --------------------------------------------------------------------------------------------

    async def preferences(self, organization_id: str, *, fresh: bool = False) -> Preferences:
        """What the organization prefers, at most a second old. Never raises: where the database fails it is what was
        known last, else the defaults. `fresh` asks the database even where the answer is known."""
        return await self._preferences.get(organization_id, fresh=fresh)

    def set_preference(self, organization_id: str, key: str, value: object) -> Preferences:
        """What is preferred then. `value` is what JSON can say and was checked by the caller.

        Raises `UnknownPreference` and `StoreFailed`.
        """
        return self._preferences.put(organization_id, key, value)

    def delete_preference(self, organization_id: str, key: str) -> Preferences:
        """What is preferred then, whether or not the key was set. Raises `UnknownPreference` and `StoreFailed`."""
        return self._preferences.remove(organization_id, key)

    def preferences_set(self, organization_id: str) -> frozenset[str]:
        """The keys that have a value of the organization's own. Raises `StoreFailed`."""
        return self._preferences.keys_set(organization_id)

    # -- money, read --------------------------------------------------------------------------------------------------

    def balance(self, organization: str) -> Decimal:
        """Cents an organization may spend. Raises `UnknownOrganization`."""
        with self._store.read() as connection:
            return books.balance(connection, directory.organization_id(connection, organization))

    def statement_lines(self, organization: str, period: Period) -> Generator[Line, None, None]:
        """What changed an organization's balance, a transaction a line, with the balance after each, newest first and
        however many: a read is open until the iterator ends or is closed. Raises `UnknownOrganization`."""
        with self._store.read() as connection:
            organization_id = directory.organization_id(connection, organization)
        return self._lines(organization_id, period)

    def _lines(self, organization_id: str, period: Period) -> Generator[Line, None, None]:
        with self._store.read() as connection:
            take_your_time(connection)
            yield from lines(connection, organization_id, period)

    def summary(self, organization: str) -> Summary:
        """What an organization has, owes and spent, and its keys. Raises `UnknownOrganization`."""
        with self._store.read() as connection:
            take_your_time(connection)
            return summary(connection, organization, datetime.now(UTC))

    def overview(self, caller: Caller, calls: int) -> journal.Overview:
        """The caller's account, with as many of its latest requests."""
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        organization_id = caller.organization_id
        with self._store.read() as connection:
            return journal.Overview(
                balance_cents=books.balance(connection, organization_id),
                spent_today_cents=spent(connection, organization_id, midnight),
                key_prefix=directory.prefix(connection, caller.key_id),
                calls=journal.latest(connection, organization_id, calls),
            )

    def budgets_left(self, caller: Caller) -> list[tuple[Budget, Decimal]]:
        """The budgets that hold now, of the organization and of the key, and the cents that are left of each."""
        budgets = (*self.gate.budgets(caller), *self.gate.budgets_of_key(caller))
        with self._store.read() as connection:
            return list(zip(budgets, baselines.left(connection, caller.organization_id, budgets), strict=True))

    def verify(self) -> list[str]:
        """What is wrong with the books, one line each; empty where every balance agrees with its ledger."""
        with self._store.read() as connection:
            take_your_time(connection)
            return audit.problems(connection)

    # -- activity and feedback ----------------------------------------------------------------------------------

    def record(self, row: dict[str, Any]) -> None:
        """Queues one activity row (columns of `schema.activity`); on disk within moments, and on a clean stop."""
        with suppress(StoreFailed):  # closed: the answer that is logged here is on its way all the same
            self._log_writer.post((schema.activity, row))

    def record_refused(self, row: dict[str, Any]) -> None:
        """The same for a request that was refused before it ran, and whose `routing_reason` says why; of many at once
        only some are written (`refusals.py`)."""
        unwritten = self._refusals.unwritten(row["organization_id"])
        if unwritten:
            row = row | {"routing_reason": f"{row['routing_reason']} ({unwritten:,} refusals before it are not listed)"}
        if unwritten is not None:
            self.record(row)

    def record_failed_attempt(
        self, organization_id: str, request_id: str, model: str, provider: str, status: int | None
    ) -> None:
        """Queues a try that failed, whether or not another model answered then. `status` is None where nothing did."""
        row = {"organization_id": organization_id, "request_id": request_id, "timestamp": now_text()}
        with suppress(StoreFailed):
            self._log_writer.post(
                (schema.failed_attempts, row | {"model": model, "provider": provider, "status": status})
            )

    async def flush(self) -> None:
        """Waits until what was recorded before is on disk. Raises `StoreFailed`."""
        await self._log_writer.submit(None)

    async def record_feedback(self, row: dict[str, Any]) -> str:
        """Stores one piece of feedback; its id, on disk when this returns. Raises `RowRefused` and `StoreFailed`."""
        feedback_id = uuid7("fb_")
        await self._log_writer.submit((schema.feedback, {**row, "id": feedback_id, "timestamp": now_text()}))
        return feedback_id

    def feedback(self, organization_id: str, limit: int, since: str | None = None) -> list[dict[str, Any]]:
        """The newest `limit` pieces of feedback whose timestamp is not before `since`, newest first."""
        with self._store.read() as connection:
            return journal.latest_feedback(connection, organization_id, limit, since)

    def log_page(self, organization_id: str, stretch: journal.Stretch) -> list[dict[str, Any]]:
        """A part of an organization's log, newest first."""
        with self._store.read() as connection:
            return journal.page(connection, organization_id, stretch)

    def usage(self, organization_id: str) -> usage.Usage:
        """What the organization did in the last 30 days, counted."""
        with self._store.read() as connection:
            return usage.usage(connection, organization_id, datetime.now(UTC))

    def performance(self, model_id: str) -> list[dict[str, Any]]:
        """How a model did lately, over everyone's requests: `performance.windows`, up to a minute old."""
        return self._performance.get(model_id)
