"""Everything the rest of the program asks of accounts, over one database."""

import asyncio
import time
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Connection

from greatrouter_accounts import audit, baselines, books, directory, doubts, journal, orders, records, schema, usage
from greatrouter_accounts import keys as api_keys
from greatrouter_accounts import ledger as rules
from greatrouter_accounts.budgets import UNBOUNDED, Allowance, Budget
from greatrouter_accounts.clock import now_text
from greatrouter_accounts.directory import KeyRow
from greatrouter_accounts.errors import (
    AccountsError,
    BudgetExceeded,
    CommitUnheard,
    InsufficientCredit,
    KeyRejected,
    StoreFailed,
)
from greatrouter_accounts.gate import Gate, Plan
from greatrouter_accounts.housekeeping import Housekeeper
from greatrouter_accounts.idempotency import Repeats
from greatrouter_accounts.ids import uuid7
from greatrouter_accounts.keys import Caller
from greatrouter_accounts.last_used import LastUsed
from greatrouter_accounts.meters import open_meters
from greatrouter_accounts.money import ZERO, check_amount
from greatrouter_accounts.office import Office
from greatrouter_accounts.performance import PerformanceBook
from greatrouter_accounts.pools import Hold, Pools
from greatrouter_accounts.preferences import PreferenceBook, Preferences
from greatrouter_accounts.presence import Presence
from greatrouter_accounts.refusals import Refusals
from greatrouter_accounts.statement import Line, Period, Summary, lines, spent, summary
from greatrouter_accounts.store import LEASE, open_store, place, take_your_time
from greatrouter_accounts.text import storable
from greatrouter_accounts.writer import Writer

# A revoked key is refused everywhere within this long: that is how old a cached answer may be.
KEY_CACHE_S = 1.0
KEY_FRESH_S = 0.8
CACHED_KEYS = 10_000
# Activity waits this long for more to share its commit: 20 commits a second at most, whatever the load.
GATHER_S = 0.05


Reservation = rules.Reserve | Hold


class _Known(NamedTuple):
    """An answer about a key: asked for again from `fresh_until` on, and not used any more from `valid_until`."""

    caller: Caller
    fresh_until: float
    valid_until: float


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
        self._clock = clock
        self._free_credit_cents = free_credit_cents
        self._cache: dict[bytes, _Known] = {}
        self._revocations = 0
        with ExitStack() as undo:  # what was opened before a failure is closed again
            self._store = open_store(database, lease)
            undo.callback(self._store.close)
            self._owner = self._store.enrol()
            self.presence = Presence(self._store, self._owner)
            undo.callback(self._resign)
            with self._store.write() as connection:
                if not directory.agree(connection, "secret", api_keys.digest("", secret).hex()):
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
        self._rows = records.Records(self._store.dialect, (schema.activity, schema.failed_attempts, schema.feedback))
        self._preferences = PreferenceBook(self._store, clock)
        self._performance = PerformanceBook(self._store, clock)
        self._ledger = Writer(self._commit_ledger, "accounts-ledger", late=self._unwanted)
        self._records = Writer(self._commit_records, "accounts-records", gather_s=GATHER_S)
        self._pools = Pools(self._ledger)
        self._open: set[str] = set()  # the reservations of this process that are neither settled nor given back
        self._last_used = LastUsed(self._store)
        self._refusals = Refusals(clock)
        self.repeats = Repeats(self._store, self._owner, secret)
        self.office = Office(self._store, self._owner)
        chores = [self._last_used.write, self.repeats.sweep, self.presence.renew, self.gate.renew]
        self._house = Housekeeper(self._store, self._owner, self._pools.forget, lease, chores=chores)

    def close(self) -> None:
        """Everything acknowledged or recorded is on disk when this returns."""
        self._house.close()
        self.gate.close()
        self._pools.close()
        self._ledger.close()
        self.repeats.close()
        self._records.close()
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
                self._grant(connection, owner_id, self._free_credit_cents, uuid7("txn_"), rules.FREE_CREDIT)
        return key

    def list_keys(self) -> list[KeyRow]:
        with self._store.read() as connection:
            return directory.list_keys(connection)

    def revoke_key(self, name: str) -> int:
        """Revokes every key whose id or shown prefix is `name`, or which is `name` itself; how many there were."""
        digest = api_keys.digest(name, self._secret) if api_keys.well_formed(name) else None
        with self._store.write() as connection:
            revoked = directory.revoke(connection, name, digest)
        self._revocations += 1
        self._cache.clear()
        return revoked

    async def authenticate(self, key: str) -> Caller:
        """Who holds `key`. Raises `KeyRejected` and `StoreFailed`."""
        digest = api_keys.digest(key, self._secret)
        asked_at = self._clock()
        known = self._cache.get(digest)
        if known and asked_at < known.fresh_until:
            return known.caller
        if known and asked_at < known.valid_until:
            # This one asks again; whoever comes meanwhile takes what is still valid: one lookup and not one for each.
            self._cache[digest] = _Known(known.caller, known.valid_until, known.valid_until)
        if not api_keys.well_formed(key):
            raise KeyRejected(
                "this API key is malformed; expected pk_live_..., pk_test_... or gr-... "
                "as `greatrouter keys create` prints it"
            )
        revocations = self._revocations
        try:
            caller = await asyncio.get_running_loop().run_in_executor(None, self._caller, digest)
        except KeyRejected:
            self._cache.pop(digest, None)
            raise
        self._last_used.note(caller.key_id)
        if revocations != self._revocations:
            return caller  # who asked before the revocation; the next asks the database again
        if len(self._cache) >= CACHED_KEYS:
            self._cache.clear()
        # Counted from before the database was read: where the answer took long to get here, it is old already.
        self._cache[digest] = _Known(caller, asked_at + KEY_FRESH_S, asked_at + KEY_CACHE_S)
        return caller

    def _caller(self, digest: bytes) -> Caller:
        with self._store.read() as connection:
            return directory.caller(connection, digest)

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

    # -- money --------------------------------------------------------------------------------------------------

    async def reserve(
        self, caller: Caller, amount_cents: Decimal, request_id: str, *, budgeted: bool = True
    ) -> Reservation:
        """Sets the estimate aside: in memory where the process has a pool of this organization's money, else on disk
        when this returns. What is not `budgeted` counts against the budgets, and works when they are used up.

        Raises `InsufficientCredit`, `BudgetExceeded`, `InvalidAmount` and `StoreFailed`."""
        check_amount(amount_cents)
        request_id, organization_id = storable(request_id), caller.organization_id
        budgets, of_key = self.gate.budgets(caller), self.gate.budgets_of_key(caller)
        if not of_key:  # what a key of its own budgets holds must be known to every process
            hold = self._pools.take(organization_id, amount_cents, request_id, caller.run, budgets)
            if hold is not None:
                return hold
        reservation = rules.Reserve(
            uuid7("res_"),
            organization_id,
            amount_cents,
            request_id,
            caller.run,
            budgets=(*budgets, *of_key) if budgeted else (),
            key_id=caller.key_id if of_key else None,
        )
        try:
            await self._reserve(reservation)
        except (InsufficientCredit, BudgetExceeded) as refusal:
            # What this process keeps at hand is the wallet's, too.
            if (isinstance(refusal, BudgetExceeded) and refusal.of_key) or not self._pools.drain(organization_id):
                raise
            await self._reserve(reservation)
        return reservation

    async def _reserve(self, reservation: rules.Reserve) -> None:
        try:
            await self._ledger.submit(reservation)
        except (CommitUnheard, asyncio.CancelledError, GeneratorExit):
            self._withdraw(reservation)  # behind it in the queue
            raise
        self._open.add(reservation.id)

    def _unwanted(self, operation: rules.Operation, result: object) -> None:
        """Of what nobody waited for any more: it is done, its commit is in doubt, or it was refused."""
        if isinstance(operation, rules.Reserve) and isinstance(result, Decimal | CommitUnheard):
            self._withdraw(operation)

    def _withdraw(self, reservation: rules.Reserve) -> None:
        """Gives back what may have been reserved, or may still be: its commit may be under way."""
        self._post(rules.Settle(uuid7("txn_"), reservation.id, ZERO, made=reservation))

    async def settle(self, reservation: Reservation, amount_cents: Decimal) -> Decimal:
        """Charges what the work cost and gives the rest back; the cents charged, on disk when this returns.

        A cancelled caller is charged all the same, for the work is done. Where this raises anything else nothing is
        charged: the reservation, and what a commit that broke off may have charged, is given back as soon as the
        database can be written.
        """
        try:
            if isinstance(reservation, Hold):
                return await self._pools.settle(reservation, amount_cents)
            return await self._settle(reservation, amount_cents)
        except StoreFailed:
            if reservation.run is not None:
                self.repeats.undo(reservation.run)
            raise

    async def _settle(self, reservation: rules.Reserve, amount_cents: Decimal) -> Decimal:
        made = reservation if reservation.id in self._open else None
        settle = rules.Settle(uuid7("txn_"), reservation.id, amount_cents, reservation.run, made)
        try:
            charged: Decimal = await self._ledger.submit(settle)
        except BaseException as error:
            self.release(reservation)  # behind the settlement: where that went through, this moves nothing
            if isinstance(error, StoreFailed) and settle.run is None:
                owner, key_id = reservation.organization_id, reservation.key_id
                self._post(rules.Return(uuid7("txn_"), owner, ZERO, reservation.request_id, key_id, settle.id))
            raise
        finally:
            self._open.discard(reservation.id)
        return charged

    def release(self, reservation: Reservation) -> None:
        """Gives a reservation back; does not wait, so that it also works while a request is being cancelled."""
        if isinstance(reservation, Hold):
            self._pools.release(reservation)
            return
        self._open.discard(reservation.id)
        self._post(rules.Settle(uuid7("txn_"), reservation.id, ZERO))

    def _post(self, operation: rules.Operation) -> None:
        with suppress(StoreFailed):  # closed: the next to open the database gives back what is reserved
            self._ledger.post(operation)

    def credit(self, organization: str, amount_cents: Decimal) -> None:
        """Grants credit to an organization by name. Raises `UnknownOrganization`, `InvalidAmount` and `StoreFailed`,
        which says so where it may have been granted all the same."""

        def grant(connection: Connection, name: str) -> None:
            self._grant(connection, directory.organization_id(connection, organization), amount_cents, name)

        doubts.once(self._store, grant)

    def _grant(
        self,
        connection: Connection,
        organization_id: str,
        amount_cents: Decimal,
        name: str,
        reference: str | None = None,
    ) -> None:
        credit = rules.Credit(name, organization_id, amount_cents, reference=reference)
        [result] = books.post(connection, [credit], self._owner.name)
        if isinstance(result, AccountsError):
            raise result

    def order_paid(self, order_id: str, organization: str | None, amount_cents: Decimal) -> Decimal:
        """Credits an order that was paid to an organization by id or name, which is made where there is none of that
        name; the cents credited, 0 where that was done before. None says that nobody is named, which will do where the
        order is known. Raises `InvalidName`, `InvalidAmount`, `UnknownOrganization`, `StoreFailed`."""
        with self._store.write() as connection:
            return orders.paid(connection, order_id, organization, amount_cents, self._owner.name)

    def order_refunded(self, order_id: str, organization: str | None, total_cents: Decimal) -> Decimal:
        """Takes back what was refunded of an order in all; the cents taken back now. What the wallet does not hold is
        owed, and repaid from what comes in next. Raises as `order_paid`."""
        with self._store.write() as connection:
            return -orders.refunded(connection, order_id, organization, total_cents, self._owner.name)

    def balance(self, organization: str) -> Decimal:
        """Cents an organization may spend. Raises `UnknownOrganization`."""
        with self._store.read() as connection:
            return books.balance(connection, directory.organization_id(connection, organization))

    def statement(self, organization: str, limit: int = 50) -> list[dict[str, Any]]:
        """What changed an organization's balance, newest first. Raises `UnknownOrganization`."""
        with self._store.read() as connection:
            return books.latest_entries(connection, directory.organization_id(connection, organization), limit)

    def statement_lines(self, organization: str, period: Period) -> Generator[Line, None, None]:
        """The same, a transaction a line, with the balance after each, newest first and however many: a read is open
        until the iterator ends or is closed. Raises `UnknownOrganization`."""
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
            self._records.post((schema.activity, row))

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
            self._records.post((schema.failed_attempts, row | {"model": model, "provider": provider, "status": status}))

    async def flush(self) -> None:
        """Waits until what was recorded before is on disk. Raises `StoreFailed`."""
        await self._records.submit(None)

    async def record_feedback(self, row: dict[str, Any]) -> str:
        """Stores one piece of feedback; its id, on disk when this returns. Raises `RowRefused` and `StoreFailed`."""
        feedback_id = uuid7("fb_")
        await self._records.submit((schema.feedback, {**row, "id": feedback_id, "timestamp": now_text()}))
        return feedback_id

    def feedback(self, organization_id: str, limit: int, since: str | None = None) -> list[dict[str, Any]]:
        """The newest `limit` pieces of feedback whose timestamp is not before `since`, newest first."""
        with self._store.read() as connection:
            return journal.latest_feedback(connection, organization_id, limit, since)

    def activity(self, organization_id: str, limit: int = 100) -> list[dict[str, Any]]:
        """The latest requests of an organization, newest first."""
        with self._store.read() as connection:
            return journal.latest(connection, organization_id, limit)

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

    # -- commits, on the writers' threads -----------------------------------------------------------------------

    def _commit_ledger(self, operations: Sequence[rules.Operation]) -> Sequence[rules.Result]:
        with self._store.write() as connection:
            return books.post(connection, operations, self._owner.name)

    def _commit_records(self, rows: Sequence[records.Record | None]) -> Sequence[None]:
        """None stands for nothing but the wait of who submitted it."""
        records = [row for row in rows if row is not None]
        with self._store.write() as connection:
            self._rows.add(connection, records)
        self._rows.committed(records)
        return [None] * len(rows)
