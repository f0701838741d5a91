"""Requests that may be sent again under a key of the caller's: one of them runs, the others get its answer.

The first to come with a key makes its row, which stands for its run. What the run is charged is written into the row in
the transaction of the charge (`books.py`). The key is free again where the run failed, and where its process died; if
it was charged by then, whoever comes next gets that back in the transaction in which the key becomes its own.
"""

import asyncio
import hashlib
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from sqlalchemy import Connection
from sqlalchemy.engine.interfaces import DBAPICursor

from greatrouter_accounts import books
from greatrouter_accounts.clock import moment_text, now_text
from greatrouter_accounts.errors import AccountsError, AnswerNotKept, OtherRequest, StillRunning, StoreFailed
from greatrouter_accounts.ids import uuid7
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
# One statement that finds the row or makes it: nobody can come between, and it is locked from then on.
FIND = """
    INSERT INTO idempotency
        (organization_id, "key", run, request_id, fingerprint, owner, created_at, charged_cents)
    VALUES ({0}, {0}, {0}, {0}, {0}, {0}, {0}, 0)
    ON CONFLICT (organization_id, "key") DO UPDATE SET run = idempotency.run
    RETURNING run, fingerprint, owner, created_at, charged_cents, request_id, status, headers, body"""
TAKE_OVER = """
    UPDATE idempotency SET run = {0}, request_id = {0}, fingerprint = {0}, owner = {0}, created_at = {0},
        charged_cents = 0, status = NULL, headers = NULL, body = NULL
    WHERE organization_id = {0} AND "key" = {0}"""
FINISH = """
    UPDATE idempotency SET status = {0}, headers = {0}, body = {0}
    WHERE organization_id = {0} AND "key" = {0} AND run = {0} AND status IS NULL"""
DELETE = """
    DELETE FROM idempotency
    WHERE organization_id = {0} AND "key" = {0} AND run = {0} AND status IS NULL"""
DELETE_UNCHARGED = f"{DELETE} AND charged_cents = 0"
# Nobody's: nobody that lives has no name.
LEAVE = """
    UPDATE idempotency SET owner = '', run = ''
    WHERE organization_id = {0} AND "key" = {0} AND run = {0} AND status IS NULL"""
SWEEP = {
    "sqlite": "DELETE FROM idempotency WHERE rowid IN"
    " (SELECT rowid FROM idempotency WHERE created_at < ? ORDER BY created_at LIMIT ?)",
    "postgresql": 'DELETE FROM idempotency WHERE (organization_id, "key") IN (SELECT organization_id, "key"'
    " FROM idempotency WHERE created_at < %s ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED)",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer to the first request; `body` is None where it was too large to be kept."""

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


_Step = _Begin | _Finish | _Abandon


class Repeats:
    """`secret` (16 to 64 bytes) keys the hashes of keys and requests, and seals the answers: they may quote what was
    asked, and nothing of that is to be read in the database."""

    def __init__(self, store: Store, owner: Owner, secret: bytes) -> None:
        self._store = store
        self._owner = owner
        self._secret = secret
        self._seal = Seal(hashlib.blake2b(key=secret, digest_size=32, person=b"answer").digest())
        self._writer = Writer(self._commit, "accounts-repeats")

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
        except (asyncio.CancelledError, GeneratorExit, StoreFailed):
            # The commit may be under way, or have gone through unheard.
            self._post(_Abandon(run, delivered=False))
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

    def sweep(self) -> None:
        """Deletes what is too old. Raises `StoreFailed`."""
        for _ in range(SWEEPS):
            with self._store.write() as connection:
                cursor = connection.connection.cursor()
                cursor.execute(SWEEP[connection.dialect.name], (_too_old(), SWEPT))
                swept = cursor.rowcount
            if swept < SWEPT:
                return

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
            return _Commit(connection, self._owner, self._seal).take(steps)

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

    def __init__(self, connection: Connection, owner: Owner, seal: Seal) -> None:
        self._connection = connection
        self._cursor: DBAPICursor = connection.connection.cursor()
        self._mark = MARKS[connection.dialect.name]
        self._owner = owner
        self._seal = seal
        self._alive: set[str] | None = None
        self._given_back: list[Return] = []

    def take(self, steps: Sequence[_Step | None]) -> Sequence[Any]:
        results: list[Any] = [None] * len(steps)
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
                body = None if answer.body is None else self._seal.close(run.id, zlib.compress(answer.body, 1))
                headers = orjson.dumps(list(answer.headers)).decode()
                self._run(FINISH, answer.status, headers, body, *_name(run))
            case _Abandon(run, delivered):
                self._run(DELETE if delivered else DELETE_UNCHARGED, *_name(run))
                self._run(LEAVE, *_name(run))
        return None

    def _begin(self, begin: _Begin) -> Kept | AccountsError | None:
        run, now = begin.run, now_text()
        self._run(
            FIND, run.organization_id, run.key, run.id, begin.request_id, begin.fingerprint, self._owner.name, now
        )
        row = self._cursor.fetchone()
        assert row is not None  # it was found or made
        first, fingerprint, owner, created_at, charged, request_id, status, headers, body = row
        if first == run.id:
            return None
        expired = created_at < _too_old()
        if expired or (status is None and not self._lives(owner)):
            if charged and status is None and not expired:
                amount = from_units(charged)
                self._given_back.append(Return(uuid7("txn_"), run.organization_id, amount, request_id))
            taken = (run.id, begin.request_id, begin.fingerprint, self._owner.name, now)
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
                "the first request with this Idempotency-Key was answered, but its answer was too large to be kept; "
                "send a new key to run it once more"
            )
        try:
            text = zlib.decompress(self._seal.open(run, bytes(body)))
        except InvalidTag:
            return AnswerNotKept(
                "the answer to the first request with this Idempotency-Key was changed where it is kept; "
                "send a new key to run it once more"
            )
        return Kept(status, [(name, value) for name, value in orjson.loads(headers)], text)

    def _lives(self, owner: str) -> bool:
        if owner == self._owner.name:
            return True
        if self._alive is None:
            self._alive = self._owner.alive(self._connection)
        return owner in self._alive

    def _run(self, statement: str, *values: Any) -> None:
        self._cursor.execute(statement.format(self._mark), values)


def _name(run: Run) -> tuple[str, str, str]:
    return run.organization_id, run.key, run.id


def _too_old() -> str:
    return moment_text(datetime.now(UTC) - KEPT_FOR)
