"""Requests that may be sent again under a key of the caller's: one of them runs, the others get its answer.

The first to come with a key makes its row, which stands for its run. What the run is charged is written into the row in
the transaction of the charge (`books.py`). The key is free again where the run failed, and where its process died; if
it was charged by then, whoever comes next gets that back in the transaction in which the key becomes its own. Where its
caller was told that nothing was charged, nobody has to come for that.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

from greatrouter_accounts.errors import CommitUnheard, StoreFailed
from greatrouter_accounts.idempotency_rows import (
    Abandon,
    Begin,
    Commit,
    Finish,
    Kept,
    Seal,
    Step,
    Undo,
    Withdraw,
    too_old,
)
from greatrouter_accounts.ids import uuid7
from greatrouter_accounts.kept_bytes import MOST_BYTES
from greatrouter_accounts.ledger_sql import rows_parameter
from greatrouter_accounts.operations import Run
from greatrouter_accounts.store import MARKS, Owner, Store
from greatrouter_accounts.text import storable
from greatrouter_accounts.writer import Writer

# Rows that are too old are deleted so many at a time, so that nobody waits for the lock meanwhile, and at most so often
# in a row: what is left is deleted in the next round.
SWEPT, SWEEPS = 100, 50
# Those without an answer belong to whoever lives, however old they are.
SWEEP = """
    DELETE FROM idempotency WHERE (organization_id, "key") IN
        (SELECT organization_id, "key" FROM idempotency
         WHERE created_at < {too_old} AND (status IS NOT NULL OR owner NOT IN ({listed}))
         ORDER BY created_at LIMIT {0} {skipping})"""
LISTED = {"sqlite": "SELECT value FROM json_each(?)", "postgresql": "SELECT jsonb_array_elements_text(%s::jsonb)"}
SKIPPING = {"sqlite": "", "postgresql": "FOR UPDATE SKIP LOCKED"}


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
        begin = Begin(run, storable(request_id), self._hash(b"request", request))
        try:
            kept: Kept | None = await self._writer.submit(begin)
        except (asyncio.CancelledError, GeneratorExit, CommitUnheard):
            self._post(Withdraw(run))
            raise
        return run if kept is None else kept

    async def finish(self, run: Run, answer: Kept) -> None:
        """Keeps the answer; on disk when this returns. Where it raises `StoreFailed`, it is kept as soon as the
        database can be written."""
        self._post(Finish(run, answer))
        await self._writer.submit(None)

    async def abandon(self, run: Run, *, delivered: bool = False) -> None:
        """Frees the key, so that the next with it runs. What the run was charged is given back then, unless it was for
        something that was `delivered`. Raises `StoreFailed` as `finish` does."""
        self._post(Abandon(run, delivered))
        await self._writer.submit(None)

    def undo(self, run: Run) -> None:
        """Frees the key, and gives back what the run was charged: its caller was told that nothing was. Does not
        wait."""
        self._post(Undo(run))

    def sweep(self) -> None:
        """Deletes what is too old. Raises `StoreFailed`."""
        for _ in range(SWEEPS):
            with self._store.write() as connection:
                dialect, cursor = connection.dialect.name, connection.connection.cursor()
                words = {"listed": LISTED[dialect], "skipping": SKIPPING[dialect], "too_old": too_old(dialect)}
                alive = rows_parameter(sorted(self._owner.alive(connection)))
                cursor.execute(SWEEP.format(MARKS[dialect], **words), (*alive, SWEPT))
                swept = cursor.rowcount
            if swept < SWEPT:
                return

    def _unwanted(self, step: Step | None, result: object) -> None:
        """Of what nobody waited for any more: it is done, its commit is in doubt, or it was refused."""
        if isinstance(step, Begin) and (result is None or isinstance(result, CommitUnheard)):
            self._post(Withdraw(step.run))

    def _post(self, step: Step) -> None:
        """Does not wait, so that it also works while a request is being cancelled. Where the store is closed, the next
        to come finds that this process is gone."""
        try:
            self._writer.post(step)
        except StoreFailed:
            return

    # -- the commit, on the writer's thread ---------------------------------------------------------------------

    def _commit(self, steps: Sequence[Step | None]) -> Sequence[Any]:
        """None stands for nothing but the wait of who submitted it."""
        with self._store.write() as connection:
            return Commit(connection, self._owner, self._seal, self._most_kept_bytes).take(steps)

    def _hash(self, purpose: bytes, parts: Sequence[bytes]) -> bytes:
        found = hashlib.blake2b(key=self._secret, digest_size=32, person=purpose)
        for part in parts:
            found.update(len(part).to_bytes(8))
            found.update(part)
        return found.digest()
