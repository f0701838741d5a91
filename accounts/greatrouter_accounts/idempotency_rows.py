"""The rows of requests that may be sent again under a key, and what one transaction does to them: the steps of
`idempotency.py`."""

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
from greatrouter_accounts.errors import AccountsError, AnswerNotKept, OtherRequest, StillRunning
from greatrouter_accounts.ids import uuid7
from greatrouter_accounts.kept_bytes import Room
from greatrouter_accounts.money import from_units
from greatrouter_accounts.operations import Return, Run
from greatrouter_accounts.store import MARKS, Owner

KEPT_FOR = timedelta(hours=24)
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


@dataclass(frozen=True, slots=True)
class Kept:
    """The answer to the first request; `body` is None where it was too large to be kept, by itself or beside the others
    of its organization."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Begin:
    run: Run
    request_id: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Finish:
    run: Run
    answer: Kept


@dataclass(frozen=True, slots=True)
class Abandon:
    """`delivered` says that what was charged was for something that the caller got."""

    run: Run
    delivered: bool


@dataclass(frozen=True, slots=True)
class Undo:
    run: Run


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Of a run that may have begun unheard, or may still: its commit may be under way."""

    run: Run


Step = Begin | Finish | Abandon | Undo | Withdraw


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


class Commit:
    """One transaction. Every statement is of one row, in the order of the keys, so that no two processes that share the
    database wait for each other; wallets come last, as they do for charges."""

    def __init__(self, connection: Connection, owner: Owner, seal: Seal, most_kept_bytes: int) -> None:
        self._connection = connection
        self._cursor: DBAPICursor = connection.connection.cursor()
        dialect = connection.dialect.name
        self._mark = MARKS[dialect]
        self._moments = {"now": AGO[dialect].format(seconds=0), "too_old": too_old(dialect)}
        self._room = Room(self._cursor, self._mark, self._moments, most_kept_bytes)
        self._owner = owner
        self._seal = seal
        self._bodies: dict[str, bytes] = {}
        self._alive: set[str] | None = None
        self._given_back: list[Return] = []

    def take(self, steps: Sequence[Step | None]) -> Sequence[Any]:
        results: list[Any] = [None] * len(steps)
        self._bodies = self._kept_bodies([step for step in steps if isinstance(step, Finish)])
        mine = [(step.run.organization_id, step.run.key, place) for place, step in enumerate(steps) if step is not None]
        for _, _, place in sorted(mine):
            results[place] = self._do(steps[place])
        if self._given_back:
            for moved in books.post(self._connection, self._given_back, self._owner.name):
                if isinstance(moved, AccountsError):
                    raise moved
        return results

    def _do(self, step: Step | None) -> Any:
        match step:
            case Begin():
                return self._begin(step)
            case Finish(run, answer):
                headers = orjson.dumps(list(answer.headers)).decode()
                self._run(FINISH, answer.status, headers, self._bodies.get(run.id), *_name(run))
            case Abandon(run, delivered):
                self._run(DELETE if delivered else DELETE_UNCHARGED, *_name(run))
                self._run(LEAVE, *_name(run))
            case Withdraw(run):
                self._run(FIND, run.organization_id, run.key, run.id, "", b"", self._owner.name)  # which waits for it
                self._run(DELETE_UNCHARGED, *_name(run))
            case Undo(run):
                self._run(UNDO, *_name(run))
                if row := self._cursor.fetchone():
                    self._give_back(run, *row)
        return None

    def _kept_bodies(self, finished: Sequence[Finish]) -> dict[str, bytes]:
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

    def _begin(self, begin: Begin) -> Kept | AccountsError | None:
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


def too_old(dialect: str) -> str:
    return AGO[dialect].format(seconds=int(KEPT_FOR.total_seconds()))
