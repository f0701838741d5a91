"""Money that one process has set aside for many requests of an organization: then a reservation is a subtraction in
memory, and a request is one commit instead of two.

Only of wallets that could pay a request a thousand times over and more; from a poorer one every request reserves for
itself, so that several processes can spend it to the last cent. What a dead process had pooled is given back like any
other reservation.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from greatrouter_accounts.budgets import Budget
from greatrouter_accounts.errors import AccountsError, InvalidAmount, StoreFailed
from greatrouter_accounts.ids import uuid7
from greatrouter_accounts.money import LARGEST_CENTS, ZERO, cents, check_amount
from greatrouter_accounts.operations import POOL, Charge, Fund, Operation, Reserve, Return, Run, Settle, Unfund
from greatrouter_accounts.writer import Writer

# What is set aside at once, in requests like the one that found the pool empty; where it is too little for the fewest,
# the wallet is too poor for a pool.
REQUESTS, FEWEST_REQUESTS = 256, 64
# A wallet that was too poor for a pool is not asked again for so long, nor by a pool that is being filled.
PAUSE_S = 1.0
# A pool that nobody used for so long goes back to the wallet.
IDLE_S = 5.0


@dataclass(slots=True)
class _Pool:
    """`left` is promised to nobody; `holds` requests are under way. It was filled within budgets of `bounds` cents."""

    id: str
    organization_id: str
    left: Decimal = ZERO
    holds: int = 0
    used_at: float = 0.0
    asked_at: float = float("-inf")
    funded: bool = False
    bounds: tuple[Decimal, ...] = ()


@dataclass(slots=True)
class Hold:
    """`amount_cents` of a pool, promised to one request. `open` until it is settled or released."""

    pool: _Pool
    amount_cents: Decimal
    request_id: str
    open: bool = True
    run: Run | None = None


class Pools:
    """Used from any thread. `clock` counts seconds."""

    def __init__(self, ledger: Writer, clock: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._clock = clock
        self._lock = threading.Lock()
        self._pools: dict[str, _Pool] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = threading.Event()
        self._sweeper: threading.Thread | None = None

    def take(
        self,
        organization_id: str,
        amount_cents: Decimal,
        request_id: str,
        run: Run | None = None,
        budgets: tuple[Budget, ...] = (),
    ) -> Hold | None:
        """None where the organization's pool holds too little; then it is being filled for those who come next, from
        what is left of `budgets`. One that was filled under other budgets (a change of plan) is given back."""
        amount, now = cents(min(amount_cents, LARGEST_CENTS)), self._clock()
        bounds = tuple([budget.cents for budget in budgets])
        with self._lock:
            pool = self._pools.get(organization_id)
            if pool is not None and pool.left and pool.bounds != bounds:
                self._empty(pool)
            if pool is not None and pool.left >= amount:
                pool.left -= amount
                pool.holds += 1
                pool.used_at = now
                return Hold(pool, amount, request_id, run=run)
            if pool is None:
                pool = self._pools[organization_id] = _Pool(uuid7("res_"), organization_id, used_at=now)
            if not amount or (now - pool.asked_at < PAUSE_S and not pool.funded):
                return None
            pool.asked_at, pool.funded, pool.bounds = now, False, bounds
            pool.holds += 1  # it must not be given back while it is being filled
        self._fill(organization_id, pool, amount, budgets)
        return None

    async def settle(self, hold: Hold, amount_cents: Decimal) -> Decimal:
        """The cents charged, on disk when this returns. Raises `StoreFailed` or `InvalidAmount`; then nothing is
        charged and the promise is taken back. What a commit that broke off may have charged is given back later."""
        try:
            check_amount(amount_cents)
        except InvalidAmount:
            self.release(hold)
            raise
        with self._lock:
            if not hold.open:
                return ZERO
            hold.open = False
            pool = hold.pool
            wanted = cents(min(amount_cents, LARGEST_CENTS))
            paid = min(wanted, hold.amount_cents + pool.left)
            pool.left += hold.amount_cents - paid
        charge = Charge(uuid7("txn_"), pool.id, pool.organization_id, paid, wanted - paid, hold.request_id, hold.run)
        free = paid  # of what was promised, once it is known
        try:
            charged: Decimal = await self._ledger.submit(charge)
            free = paid - min(paid, charged)  # of a run whose key is another's by now nothing is charged
        except (asyncio.CancelledError, GeneratorExit):
            free = ZERO  # it is charged
            raise
        except StoreFailed:
            free = ZERO  # the pool may have it or not: it is promised to nobody until all of the pool is given back
            if charge.run is None:
                self._post(Return(uuid7("txn_"), pool.organization_id, ZERO, hold.request_id, of=charge.id))
            raise
        finally:
            with self._lock:
                pool.left += free
                pool.holds -= 1
        return charged

    def release(self, hold: Hold) -> None:
        with self._lock:
            if hold.open:
                hold.open = False
                hold.pool.left += hold.amount_cents
                hold.pool.holds -= 1

    def drain(self, organization_id: str) -> bool:
        """Gives back what the organization's pool promised to nobody; whether that was anything. Does not wait: whoever
        asks the ledger next finds it in the wallet."""
        with self._lock:
            pool = self._pools.get(organization_id)
            if pool is None or not pool.left:
                return False
            self._empty(pool)
        return True

    def forget(self) -> None:
        """Promises nothing more of the pools as they are: the process was taken for dead, and the wallets have their
        money back. What is under way is charged to those."""
        with self._lock:
            self._pools = {}

    def close(self) -> None:
        """Gives every pool back; nobody may take from one any more."""
        self._closing.set()
        if self._sweeper is not None:
            self._sweeper.join()
        with self._lock:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            self._give_back(pool)

    def _empty(self, pool: _Pool) -> None:
        """With the lock held."""
        amount, pool.left = pool.left, ZERO
        pool.asked_at, pool.funded = self._clock(), False  # it is not filled again at once
        self._post(Unfund(uuid7("txn_"), pool.id, pool.organization_id, amount))

    def _fill(self, organization_id: str, pool: _Pool, amount: Decimal, budgets: tuple[Budget, ...]) -> None:
        most, fewest = amount * REQUESTS, amount * FEWEST_REQUESTS
        fund = Fund(uuid7("txn_"), pool.id, organization_id, most, fewest, budgets)

        async def fill() -> None:
            moved = ZERO
            try:
                moved = await self._ledger.submit(fund)
            except AccountsError:
                return  # the request that asked meets the same failure in its own reservation, and says so
            finally:
                with self._lock:
                    pool.left += moved
                    pool.holds -= 1
                    pool.funded = bool(moved)
                    forgotten = self._pools.get(organization_id) is not pool
                if forgotten:  # meanwhile: nobody else knows of it
                    self._give_back(pool)

        task = asyncio.ensure_future(fill())
        self._tasks.add(task)  # a task that nobody holds may be collected before it ends
        task.add_done_callback(self._tasks.discard)
        if self._sweeper is None:
            self._sweeper = threading.Thread(target=self._sweep, name="accounts-pools", daemon=True)
            self._sweeper.start()

    def _sweep(self) -> None:
        while not self._closing.wait(IDLE_S):
            now = self._clock()
            with self._lock:
                idle = [name for name, p in self._pools.items() if not p.holds and now - p.used_at >= IDLE_S]
                pools = [self._pools.pop(name) for name in idle]
            for pool in pools:
                self._give_back(pool)

    def _give_back(self, pool: _Pool) -> None:
        # It may be being filled by a commit that nobody heard of yet.
        made = Reserve(pool.id, pool.organization_id, ZERO, POOL)
        self._post(Settle(uuid7("txn_"), pool.id, ZERO, made=made))

    def _post(self, operation: Operation) -> None:
        with suppress(StoreFailed):  # closed: whoever lives, or comes next, gives back what is reserved
            self._ledger.post(operation)
