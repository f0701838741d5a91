"""What a request may cost, what it did cost, and the money that moves between the two."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Generic, TypeVar

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.errors import AccountsError
from greatrouter_accounts.keys import Caller
from greatrouter_accounts.ledger import Reserve
from greatrouter_api.activity import Entry
from greatrouter_api.errors import from_exception
from greatrouter_catalog.model import Model
from greatrouter_ranking.profile import Expected
from greatrouter_serving.call import Usage
from greatrouter_serving.errors import ServingError

T = TypeVar("T")
log = logging.getLogger("greatrouter")
NOTHING = Decimal(0)
# A provider's count beyond these is garbled, whatever else it is: it would empty a wallet for a greeting. A prompt may
# carry pictures and files that an estimate does not see; an answer may think far longer than it is.
PROMPT_TOKENS_BEYOND_ESTIMATE = 200_000
LONGEST_ANSWER_TOKENS = 1_000_000
TIMES_THE_ESTIMATE = 10
CALLER_LEFT = 499  # nginx's status for a caller who hung up; it is only logged


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """Work that ran: its result, its price, and the line of the log that only lacks what was charged."""

    result: T
    cents: Decimal
    entry: Entry


@dataclass(frozen=True, slots=True)
class Paid(Generic[T]):
    result: T
    cents: Decimal


async def paid(
    accounts: Accounts,
    caller: Caller,
    entry: Entry,
    estimate_cents: Decimal,
    run: Callable[[], Awaitable[Done[T]]],
    *,
    free: bool,
) -> Paid[T]:
    """Reserve, run, settle, log. Whatever happens there is one line in the log, and it says what was charged.

    A caller who leaves while the work runs pays nothing; one who leaves while it is being settled pays, and the line
    is written. Raises what `run` and `accounts` raise.
    """
    started, settling = time.perf_counter(), False

    def log_failure(status: int) -> None:
        accounts.record(replace(entry, status=status, latency_ms=_since(started)).row())

    try:
        async with reserved(accounts, caller, estimate_cents, entry.request_id, free=free) as charge:
            done = await run()
            settling = True
            cents = await asyncio.shield(_settle(accounts, charge, done, started))
    except (ServingError, AccountsError) as error:
        log_failure(from_exception(error, entry.request_id).status)
        raise
    except asyncio.CancelledError:
        if not settling:
            log_failure(CALLER_LEFT)
        raise
    return Paid(done.result, cents)


async def _settle(accounts: Accounts, charge: "Charge", done: Done[T], started: float) -> Decimal:
    cents = await charge.settle(done.cents)
    accounts.record(replace(done.entry, cost_cents=cents, latency_ms=_since(started)).row())
    return cents


def _since(started: float) -> float:
    return 1000 * (time.perf_counter() - started)


@dataclass(slots=True)
class Charge:
    """Open until `settle` is called; what is not settled when the request ends is released."""

    _accounts: Accounts
    _reservation: Reserve | None
    cents: Decimal = NOTHING
    _settled: bool = False

    async def settle(self, cents: Decimal) -> Decimal:
        """Charges `cents`, on disk when this returns; what was charged in the end."""
        self._settled = True
        if self._reservation is not None:
            self.cents = await self._accounts.settle(self._reservation, cents)
        return self.cents

    def release(self) -> None:
        if self._reservation is not None and not self._settled:
            self._accounts.release(self._reservation)


@asynccontextmanager
async def reserved(
    accounts: Accounts, caller: Caller, estimate_cents: Decimal, request_id: str, *, free: bool = False
) -> AsyncIterator[Charge]:
    """Holds the estimate while the request runs. Test keys and free models move no money.

    Raises `InsufficientCredit` before anything is run.
    """
    unpaid = caller.test or free
    charge = Charge(accounts, None if unpaid else await accounts.reserve(caller, estimate_cents, request_id))
    try:
        yield charge
    finally:
        charge.release()


def is_free(model: Model) -> bool:
    """Whether the operator or the provider says that the model costs nothing, rather than not saying what it costs."""
    return model.pricing.known and not any(model.pricing.rates())


def billed(usage: Usage, expected: Expected, model: Model) -> Usage:
    """The units to charge: what the provider counted, and what was expected of each unit it did not count.

    A count that cannot be right is taken as not given, and logged.
    """
    limits = _limits(expected, model)
    counted = {name: _believed(getattr(usage, name), limit, f"{name} of {model.id}") for name, limit in limits.items()}
    tokens = counted["prompt_tokens"] or counted["completion_tokens"]
    units: dict[str, Any] = {
        name: count if count or (tokens and name.endswith("_tokens")) else getattr(expected, name)
        for name, count in counted.items()
    }
    return replace(usage, **units, cached_tokens=min(usage.cached_tokens, units["prompt_tokens"]))


def _believed(count: int | Decimal, limit: int | Decimal, what: str) -> int | Decimal:
    if count <= limit:
        return count
    log.warning("a provider counted %s %s, which cannot be; the estimate is charged", count, what)
    return 0


def _limits(expected: Expected, model: Model) -> dict[str, int | Decimal]:
    """The most of each unit that a request of this size can have used."""
    longest = max(model.max_output_tokens or 0, model.context_window or 0, expected.completion_tokens)
    return {
        "prompt_tokens": TIMES_THE_ESTIMATE * expected.prompt_tokens + PROMPT_TOKENS_BEYOND_ESTIMATE,
        "completion_tokens": longest or LONGEST_ANSWER_TOKENS,
        "images": max(1, expected.images),
        "seconds": TIMES_THE_ESTIMATE * max(expected.seconds, Decimal(60)),
        "characters": TIMES_THE_ESTIMATE * max(expected.characters, 100),
        "documents": max(1, expected.documents),
        "searches": TIMES_THE_ESTIMATE * max(1, expected.searches),
    }
