"""Requests that may be sent again under a key of the caller's: one of them runs, the others get its answer.

The first to come with a key makes its row, which stands for its run. What the run is charged is written into the row in
the transaction of the charge (`books.py`). The key is free again where the run failed, and where its process died; if
it was charged by then, whoever comes next gets that back in the transaction in which the key becomes its own. Where its
caller was told that nothing was charged, nobody has to come for that.
"""

import asyncio
import hashlib
import os
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

from greatrouter_accounts import books
from greatrouter_accounts.errors import (
    AccountsError,
    AnswerNotKept,
    CommitUnheard,
    OtherRequest,
    StillRunning,
    StoreFailed,
)
from greatrouter_accounts.ids import uuid7
from greatrouter_accounts.kept_bytes import MOST_BYTES, Room
from greatrouter_accounts.ledger import Return, Run
from greatrouter_accounts.money import from_units
from greatrouter_accounts.store import Owner, Store
from greatrouter_accounts.text import storable
from greatrouter_accounts.writer import Writer

KEPT_FOR = timedelta(hours=24)
# Rows that are too old are deleted so many at a time, so that nobody waits for the lock meanwhile, and at most so often
# in a row: what is left is deleted in the next round.
SWEPT, SWEEPS = 100, 50

MARKS = {"sqlite": "?", "postgresql": "%s"}
# So many seconds ago by the database's clock, for that is the only one that its machines share; as `clock.py` says it.
AGO = {
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now', '-{seconds} seconds')",
    "postgresql": """to_char((clock_timestamp() - INTERVAL '{seconds} s') AT TIME ZONE 'UTC',
        'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"')""",
}
# One statement that finds the row or makes it: nobody can come between, and it is locked from then on.
FIND = """
    INSERT INTO idempotency
        (organization_id, "key", run, request_id, fingerprint, owner, created_at, charged_cents)
    VALUES ({0}, {0}, {0}, {0}, {0}, {0}, {now}, 0)
    ON CONFLICT (organization_id, "key") DO UPDATE SET run = idempotency.run
    RETURNING run, fingerprint, owner, created_at < {too_old}, charged_cents, request_id, status, headers, body,
        charged_key_id"""
TAKE_OVER = """
    UPDATE idempotency SET run = {0}, request_id = {0}, fingerprint = {0}, owner = {0}, created_at = {now},
        charged_cents = 0, status = NULL, headers = NULL, body = NULL
    WHERE organization_id = {0} AND "key" = {0}"""
FINISH = """
    UPDATE idempotency SET status = {0}, headers = {0}, body = {0}
    WHERE organization_id = {0} AND "key" = {0} AND run = {0} AND status IS NULL"""
DELETE = """
    DELETE FROM idempotency
    WHERE organization_id = {0} AND "key" = {0} AND run = {0} AND status IS NULL"""
DELETE_UNCHARGED = f"{DELETE} AND charged_cents = 0"
UNDO = f"{DELETE} RETURNING charged_cents, request_id, charged_key_id"
# Nobody's: nobody that lives has no name.
LEAVE = """
    UPDATE idempotency SET owner = '', run = ''
    WHERE organization_id = {0} AND "key" = {0} AND run = {0} AND status IS NULL"""
# Those without an answer belong to whoever lives, however old they are.
SWEEP = """
    DELETE FROM idempotency WHERE (organization_id, "key") IN
        (SELECT organization_id, "key" FROM idempotency
         WHERE created_at < {too_old} AND (status IS NOT NULL OR owner NOT IN ({listed}))
         ORDER BY created_at LIMIT {0} {skipping})"""
LISTED = {"sqlite": "SELECT value FROM json_each(?)", "postgresql": "SELECT jsonb_array_elements_text(%s::jsonb)"}
SKIPPING = {"sqlite": "", "postgresql": "FOR UPDATE SKIP LOCKED"}


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer to the first request; `body` is None where it was too large to be kept, by itself or beside the others
    of its organization."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class _Begin:
    run: Run
    request_id: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class _Finish:
    run: Run
    answer: Kept


@dataclass(frozen=True, slots=True)
class _Abandon:
    """`delivered` says that what was charged was for something that the caller got."""

    run: Run
    delivered: bool


@dataclass(frozen=True, slots=True)
class _Undo:
    run: Run


@dataclass(frozen=True, slots=True)
class _Withdraw:
    """Of a run that may have begun unheard, or may still: its commit may be under way."""

    run: Run


_Step = _Begin | _Finish | _Abandon | _Undo | _Withdraw


class Repeats:
    """`secret` (16 to 64 bytes) keys the hashes of keys and requests, and seals the answers: they may quote what was
    asked, and nothing of that is to be read in the database. Of one organization's it keeps `most_kept_bytes` in a
    day."""

    def __init__(self, store: Store, owner: Owner, secret: bytes, *, most_kept_bytes: int = MOST_BYTES) -> None:
        self._most_kept_bytes = most_kept_bytes
        self._store = store
        self._owner = owner
        self._secret = secret
        self._seal = Seal(hashlib.blake2b(key=secret, digest_size=32, person=b"answer").digest())
        self._writer = Writer(self._commit, "accounts-repeats", late=self._unwanted)

    def close(self) -> None:
        self._writer.close()

    async def begin(self, organization_id: str, key: str, request: Sequence[bytes], request_id: str) -> Run | Kept:
        """A run of the caller's own, which must be finished or abandoned; or the answer that is kept. `request` is
        everything that makes it the request it is.

        Raises `StillRunning`, `OtherRequest`, `AnswerNotKept` and `StoreFailed`.
        """
        run = Run(organization_id, self._hash(b"key", (organization_id.encode(), key.encode())).hex(), uuid7("run_"))
        begin = _Begin(run, storable(request_id), self._hash(b"request", request))
        try:
            kept: Kept | None = await self._writer.submit(begin)
        except (asyncio.CancelledError, GeneratorExit, CommitUnheard):
            self._post(_Withdraw(run))
            raise
        return run if kept is None else kept

    async def finish(self, run: Run, answer: Kept) -> None:
        """Keeps the answer; on disk when this returns. Where it raises `StoreFailed`, it is kept as soon as the
        database can be written."""
        self._post(_Finish(run, answer))
        await self._writer.submit(None)

    async def abandon(self, run: Run, *, delivered: bool = False) -> None:
        """Frees the key, so that the next with it runs. What the run was charged is given back then, unless it was for
        something that was `delivered`. Raises `StoreFailed` as `finish` does."""
        self._post(_Abandon(run, delivered))
        await self._writer.submit(None)

    def undo(self, run: Run) -> None:
        """Frees the key, and gives back what the run was charged: its caller was told that nothing was. Does not
        wait."""
        self._post(_Undo(run))

    def sweep(self) -> None:
        """Deletes what is too old. Raises `StoreFailed`."""
        for _ in range(SWEEPS):
            with self._store.write() as connection:
                dialect, cursor = connection.dialect.name, connection.connection.cursor()
                words = {"listed": LISTED[dialect], "skipping": SKIPPING[dialect], "too_old": _too_old(dialect)}
                alive = orjson.dumps(sorted(self._owner.alive(connection))).decode()
                cursor.execute(SWEEP.format(MARKS[dialect], **words), (alive, SWEPT))
                swept = cursor.rowcount
            if swept < SWEPT:
                return

    def _unwanted(self, step: _Step | None, result: object) -> None:
        """Of what nobody waited for any more: it is done, its commit is in doubt, or it was refused."""
        if isinstance(step, _Begin) and (result is None or isinstance(result, CommitUnheard)):
            self._post(_Withdraw(step.run))

    def _post(self, step: _Step) -> None:
        """Does not wait, so that it also works while a request is being cancelled. Where the store is closed, the next
        to come finds that this process is gone."""
        try:
            self._writer.post(step)
        except StoreFailed:
            return

    # -- the commit, on the writer's thread ---------------------------------------------------------------------

    def _commit(self, steps: Sequence[_Step | None]) -> Sequence[Any]:
        """None stands for nothing but the wait of who submitted it."""
        with self._store.write() as connection:
            return _Commit(connection, self._owner, self._seal, self._most_kept_bytes).take(steps)

    def _hash(self, purpose: bytes, parts: Sequence[bytes]) -> bytes:
        found = hashlib.blake2b(key=self._secret, digest_size=32, person=purpose)
        for part in parts:
            found.update(len(part).to_bytes(8))
            found.update(part)
        return found.digest()


class Seal:
    """ChaCha20-Poly1305 (RFC 8439): whoever cannot open what another run's row holds cannot be shown it. `key` has 32
    bytes."""

    NONCE = 12

    def __init__(self, key: bytes) -> None:
        self._cipher = ChaCha20Poly1305(key)

    def close(self, run: str, text: bytes) -> bytes:
        nonce = os.urandom(self.NONCE)
        return nonce + self._cipher.encrypt(nonce, text, run.encode())

    def open(self, run: str, sealed: bytes) -> bytes:
        """Raises `cryptography.exceptions.InvalidTag` where it was not closed by this key for this run."""
        return self._cipher.decrypt(sealed[: self.NONCE], sealed[self.NONCE :], run.encode())


class _Commit:
    """One transaction. Every statement is of one row, in the order of the keys, so that no two processes that share the
    database wait for each other; wallets come last, as they do for charges."""

    def __init__(self, connection: Connection, owner: Owner, seal: Seal, most_kept_bytes: int) -> None:
        self._connection = connection
        self._cursor: DBAPICursor = connection.connection.cursor()
        dialect = connection.dialect.name
        self._mark = MARKS[dialect]
        self._moments = {"now": AGO[dialect].format(seconds=0), "too_old": _too_old(dialect)}
        self._room = Room(self._cursor, self._mark, self._moments, most_kept_bytes)
        self._owner = owner
        self._seal = seal
        self._bodies: dict[str, bytes] = {}
        self._alive: set[str] | None = None
        self._given_back: list[Return] = []

    def take(self, steps: Sequence[_Step | None]) -> Sequence[Any]:
        results: list[Any] = [None] * len(steps)
        self._bodies = self._kept_bodies([step for step in steps if isinstance(step, _Finish)])
        mine = [(step.run.organization_id, step.run.key, place) for place, step in enumerate(steps) if step is not None]
        for _, _, place in sorted(mine):
            results[place] = self._do(steps[place])
        if self._given_back:
            for moved in books.post(self._connection, self._given_back, self._owner.name):
                if isinstance(moved, AccountsError):
                    raise moved
        return results

    def _do(self, step: _Step | None) -> Any:
        match step:
            case _Begin():
                return self._begin(step)
            case _Finish(run, answer):
                headers = orjson.dumps(list(answer.headers)).decode()
                self._run(FINISH, answer.status, headers, self._bodies.get(run.id), *_name(run))
            case _Abandon(run, delivered):
                self._run(DELETE if delivered else DELETE_UNCHARGED, *_name(run))
                self._run(LEAVE, *_name(run))
            case _Withdraw(run):
                self._run(FIND, run.organization_id, run.key, run.id, "", b"", self._owner.name)  # which waits for it
                self._run(DELETE_UNCHARGED, *_name(run))
            case _Undo(run):
                self._run(UNDO, *_name(run))
                if row := self._cursor.fetchone():
                    self._give_back(run, *row)
        return None

    def _kept_bodies(self, finished: Sequence[_Finish]) -> dict[str, bytes]:
        """Those that may be kept, sealed, by their runs. What counts them is locked before everything else."""
        sealed: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
        for run, body in ((each.run, each.answer.body) for each in finished):
            if body is not None:
                sealed[run.organization_id][run.id] = self._seal.close(run.id, zlib.compress(body, 1))
        found: dict[str, bytes] = {}
        for organization_id, bodies in sorted(sealed.items()):
            fits = self._room.kept(organization_id, [len(body) for body in bodies.values()])
            found |= {run: body for (run, body), fit in zip(bodies.items(), fits, strict=True) if fit}
        return found

    def _begin(self, begin: _Begin) -> Kept | AccountsError | None:
        run = begin.run
        taken = (run.id, begin.request_id, begin.fingerprint, self._owner.name)
        self._run(FIND, run.organization_id, run.key, *taken)
        row = self._cursor.fetchone()
        assert row is not None  # it was found or made
        first, fingerprint, owner, expired, charged, request_id, status, headers, body, key_id = row
        if first == run.id:
            return None
        free = not self._lives(owner) if status is None else expired
        if free:
            if status is None and not expired:
                self._give_back(run, charged, request_id, key_id)
            self._run(TAKE_OVER, *taken, run.organization_id, run.key)
            return None
        if bytes(fingerprint) != begin.fingerprint:
            return OtherRequest(
                "this Idempotency-Key came before with another request; send that one again as it was, or a new key"
            )
        if status is None:
            return StillRunning("the first request with this Idempotency-Key is still running; ask again in a moment")
        return self._kept(first, status, headers, body)

    def _kept(self, run: str, status: int, headers: str, body: bytes | None) -> Kept | AccountsError:
        if body is None:
            return AnswerNotKept(
                "the first request with this Idempotency-Key was answered, but its answer was not kept: it was too "
                "large, by itself or with the others of a day; send a new key to run it once more"
            )
        try:
            text = zlib.decompress(self._seal.open(run, bytes(body)))
        except InvalidTag:
            return AnswerNotKept(
                "the answer to the first request with this Idempotency-Key was changed where it is kept; "
                "send a new key to run it once more"
            )
        return Kept(status, [(name, value) for name, value in orjson.loads(headers)], text)

    def _give_back(self, run: Run, charged: int, request_id: str, key_id: str | None) -> None:
        if charged:
            amount = from_units(charged)
            self._given_back.append(Return(uuid7("txn_"), run.organization_id, amount, request_id, key_id))

    def _lives(self, owner: str) -> bool:
        if owner == self._owner.name:
            return True
        if self._alive is None:
            self._alive = self._owner.alive(self._connection)
        return owner in self._alive

    def _run(self, statement: str, *values: Any) -> None:
        self._cursor.execute(statement.format(self._mark, **self._moments), values)


def _name(run: Run) -> tuple[str, str, str]:
    return run.organization_id, run.key, run.id


def _too_old(dialect: str) -> str:
    return AGO[dialect].format(seconds=int(KEPT_FOR.total_seconds()))
