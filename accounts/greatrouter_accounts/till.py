"""Where requests pay: an estimate is set aside before the work, charged after it, or given back."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal

from greatrouter_accounts import books
from greatrouter_accounts.errors import BudgetExceeded, CommitUnheard, InsufficientCredit, StoreFailed
from greatrouter_accounts.gate import Gate
from greatrouter_accounts.idempotency import Repeats
from greatrouter_accounts.ids import uuid7
from greatrouter_accounts.keys import Caller
from greatrouter_accounts.money import ZERO, check_amount
from greatrouter_accounts.operations import Operation, Reserve, Result, Return, Settle
from greatrouter_accounts.pools import Hold, Pools
from greatrouter_accounts.store import Owner, Store
from greatrouter_accounts.text import storable
from greatrouter_accounts.writer import Writer

Reservation = Reserve | Hold


class Till:
    """Of one process. `gate` says which budgets hold for a caller; `repeats` frees the key of a run whose charge
    failed."""

    def __init__(self, store: Store, owner: Owner, gate: Gate, repeats: Repeats) -> None:
        self._store = store
        self._owner = owner
        self._gate = gate
        self._repeats = repeats
        self._writer = Writer(self._commit, "accounts-ledger", late=self._unwanted)
        self._pools = Pools(self._writer)
        self._open: set[str] = set()  # the reservations of this process that are neither settled nor given back

    def close(self) -> None:
        """Everything that was charged or given back is on disk when this returns."""
        self._pools.close()
        self._writer.close()

    def forget_pools(self) -> None:
        """The process was taken for dead, and the wallets have their money back (`Pools.forget`)."""
        self._pools.forget()

    async def reserve(
        self, caller: Caller, amount_cents: Decimal, request_id: str, *, budgeted: bool = True
    ) -> Reservation:
        """Sets the estimate aside: in memory where the process has a pool of this organization's money, else on disk
        when this returns. What is not `budgeted` counts against the budgets, and works when they are used up.

        Raises `InsufficientCredit`, `BudgetExceeded`, `InvalidAmount` and `StoreFailed`."""
        check_amount(amount_cents)
        request_id, organization_id = storable(request_id), caller.organization_id
        budgets, of_key = self._gate.budgets(caller), self._gate.budgets_of_key(caller)
        if not of_key:  # what a key of its own budgets holds must be known to every process
            hold = self._pools.take(organization_id, amount_cents, request_id, caller.run, budgets)
            if hold is not None:
                return hold
        reservation = Reserve(
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
                self._repeats.undo(reservation.run)
            raise

    def release(self, reservation: Reservation) -> None:
        """Gives a reservation back; does not wait, so that it also works while a request is being cancelled."""
        if isinstance(reservation, Hold):
            self._pools.release(reservation)
            return
        self._open.discard(reservation.id)
        self._post(Settle(uuid7("txn_"), reservation.id, ZERO))

    async def _reserve(self, reservation: Reserve) -> None:
        try:
            await self._writer.submit(reservation)
        except (CommitUnheard, asyncio.CancelledError, GeneratorExit):
            self._withdraw(reservation)  # behind it in the queue
            raise
        self._open.add(reservation.id)

    async def _settle(self, reservation: Reserve, amount_cents: Decimal) -> Decimal:
        made = reservation if reservation.id in self._open else None
        settle = Settle(uuid7("txn_"), reservation.id, amount_cents, reservation.run, made)
        try:
            charged: Decimal = await self._writer.submit(settle)
        except BaseException as error:
            self.release(reservation)  # behind the settlement: where that went through, this moves nothing
            if isinstance(error, StoreFailed) and settle.run is None:
                owner, key_id = reservation.organization_id, reservation.key_id
                self._post(Return(uuid7("txn_"), owner, ZERO, reservation.request_id, key_id, settle.id))
            raise
        finally:
            self._open.discard(reservation.id)
        return charged

    def _unwanted(self, operation: Operation, result: object) -> None:
        """Of what nobody waited for any more: it is done, its commit is in doubt, or it was refused."""
        if isinstance(operation, Reserve) and isinstance(result, Decimal | CommitUnheard):
            self._withdraw(operation)

    def _withdraw(self, reservation: Reserve) -> None:
        """Gives back what may have been reserved, or may still be: its commit may be under way."""
        self._post(Settle(uuid7("txn_"), reservation.id, ZERO, made=reservation))

    def _post(self, operation: Operation) -> None:
        with suppress(StoreFailed):  # closed: whoever lives, or comes next, gives back what is reserved
            self._writer.post(operation)

    def _commit(self, operations: Sequence[Operation]) -> Sequence[Result]:
        """On the writer's thread."""
        with self._store.write() as connection:
            return books.post(connection, operations, self._owner.name)
