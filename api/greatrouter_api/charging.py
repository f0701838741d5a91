"""What a request may cost, what it did cost, and the money that moves between the two."""

import asyncio
import logging
import time
from dataclasses import replace
from decimal import Decimal
from types import TracebackType
from typing import Any, Self

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.errors import AccountsError, BudgetExceeded
from greatrouter_accounts.gate import Spending
from greatrouter_accounts.keys import Caller
from greatrouter_accounts.till import Reservation
from greatrouter_api.activity import REFUSALS, Entry
from greatrouter_api.errors import from_exception, is_stopping
from greatrouter_catalog.model import Model
from greatrouter_catalog.pricing import Pricing
from greatrouter_ranking.profile import Expected
from greatrouter_serving.call import Usage

log = logging.getLogger("greatrouter")
NOTHING = Decimal(0)
# A provider's count beyond these is garbled, whatever else it is: it would empty a wallet for a greeting. A prompt may
# carry pictures and files that an estimate does not see; an answer may think far longer than it is.
PROMPT_TOKENS_BEYOND_ESTIMATE = 200_000
LONGEST_ANSWER_TOKENS = 1_000_000
TIMES_THE_ESTIMATE = 10
CALLER_LEFT = 499  # nginx's status for a caller who hung up; it is only logged


class Charge:
    """Holds the estimate while a request runs, and writes the one line of the log that every request has.

    Within the block `settle` takes what the work cost; what is not settled when the block ends is given back. A caller
    who leaves while the work runs pays nothing; one who leaves while it is being settled pays. A server that stops does
    not interrupt what is being settled: the answer is there. Test keys and free models move no money. Entering raises
    `InsufficientCredit`, `BudgetExceeded` and `RateLimited` before anything is run. `budgeted` is false for what works
    when the budgets are used up; `tokens` is what it may take of the tokens a minute.
    """

    __slots__ = (
        "_accounts",
        "_budgeted",
        "_caller",
        "_entry",
        "_estimate_cents",
        "_held",
        "_left",
        "_reservation",
        "_settling",
        "_spending",
        "_started",
        "_tokens",
        "_unpaid",
    )

    def __init__(
        self,
        accounts: Accounts,
        caller: Caller,
        entry: Entry,
        estimate_cents: Decimal,
        *,
        free: bool = False,
        budgeted: bool = True,
        tokens: int = 0,
    ) -> None:
        self._accounts = accounts
        self._caller = caller
        self._entry = entry
        self._estimate_cents = estimate_cents
        self._unpaid = caller.test or free
        self._budgeted = budgeted
        self._tokens = tokens
        self._spending: Spending | None = None
        self._reservation: Reservation | None = None
        self._held = False
        self._settling = False
        self._left = False
        self._started = time.perf_counter()

    async def __aenter__(self) -> Self:
        try:
            await self.hold()
        except BudgetExceeded as error:
            self.refuse(error)
            raise
        return self

    async def hold(self) -> None:
        """Sets aside what it may cost, if that was not done. Whoever calls it enters next. Raises as entering does, but
        that `BudgetExceeded` is not logged: another plan may do."""
        if self._held:
            return
        try:
            self._spending = await self._accounts.gate.spend(self._caller, self._tokens)
            if not self._unpaid:
                request_id, estimate = self._entry.request_id, self._estimate_cents
                self._reservation = await self._accounts.till.reserve(
                    self._caller, estimate, request_id, budgeted=self._budgeted
                )
        except BudgetExceeded:
            self._took(0)
            raise
        except REFUSALS as error:
            self._took(0)
            self.refuse(error)
            raise
        except BaseException as error:
            self._took(0)
            self._log_failure(error)
            raise
        self._held = True

    def refuse(self, error: Exception) -> None:
        """Logs it as refused."""
        status = from_exception(error, self._entry.request_id).status
        self._accounts.record_refused(self._timed(self._entry.refused(status, str(error))).row())

    async def settle(self, pricing: Pricing, entry: Entry) -> Decimal:
        """Charges the units of `entry` by `pricing` and logs it; what was charged in the end, on disk when this
        returns."""
        self._settling = True
        settling = asyncio.ensure_future(self._settle(pricing, entry))
        try:
            return await asyncio.shield(settling)
        except asyncio.CancelledError as error:
            if is_stopping(error):
                return await settling
            self._left = True
            raise

    async def _settle(self, pricing: Pricing, entry: Entry) -> Decimal:
        charged = NOTHING
        if self._reservation is not None:
            try:
                cents, rates = pricing.cost_cents(entry.usage), pricing.stated()
                charged = await self._accounts.till.settle(self._reservation, cents)
            except asyncio.CancelledError:
                raise  # with its loop; it is charged
            except BaseException as error:
                self._settling = False  # nothing was charged: it is logged as the failure it is
                if not self._left:
                    raise
                self._end(error)
                if not isinstance(error, AccountsError):
                    raise
                return NOTHING
            entry.rates = rates
        self._took(entry.usage.prompt_tokens + entry.usage.completion_tokens)
        entry.cost_cents = charged
        self._record(entry)
        return charged

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._settling:
            self._end(error)

    def _end(self, error: BaseException | None) -> None:
        """Of one that is not settled."""
        self._took(0)
        if self._reservation is not None:
            self._accounts.till.release(self._reservation)
        if error is not None:
            self._log_failure(error)

    def _took(self, tokens: int) -> None:
        if self._spending is not None:
            self._spending.settle(tokens)

    def _log_failure(self, error: BaseException) -> None:
        left = isinstance(error, asyncio.CancelledError | GeneratorExit) and not is_stopping(error)
        status = CALLER_LEFT if left else from_exception(error, self._entry.request_id).status
        self._entry.status = status
        self._record(self._entry)

    def _record(self, entry: Entry) -> None:
        self._accounts.record(self._timed(entry).row())

    def _timed(self, entry: Entry) -> Entry:
        entry.latency_ms = 1000 * (time.perf_counter() - self._started)
        return entry


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
        name: count if count or (count == 0 and tokens and name.endswith("_tokens")) else getattr(expected, name)
        for name, count in counted.items()
    }
    cached = min(usage.cached_tokens, units["prompt_tokens"])
    written = min(usage.cache_write_tokens, units["prompt_tokens"] - cached)
    return replace(usage, **units, cached_tokens=cached, cache_write_tokens=written)


def _believed(count: int | Decimal, limit: int | Decimal, what: str) -> int | Decimal | None:
    if count <= limit:
        return count
    log.warning("a provider counted %s %s, which cannot be; the estimate is charged", count, what)
    return None


def _limits(expected: Expected, model: Model) -> dict[str, int | Decimal]:
    """The most of each unit that a request of this size can have used."""
    # What is expected counts all `n` answers of a request, the model's bounds hold for each of them.
    several = TIMES_THE_ESTIMATE * expected.completion_tokens
    longest = max(model.max_output_tokens or 0, model.context_window or 0) or LONGEST_ANSWER_TOKENS
    return {
        "prompt_tokens": TIMES_THE_ESTIMATE * expected.prompt_tokens + PROMPT_TOKENS_BEYOND_ESTIMATE,
        "completion_tokens": max(longest, several),
        "images": max(1, expected.images),
        "seconds": TIMES_THE_ESTIMATE * max(expected.seconds, Decimal(60)),
        "characters": TIMES_THE_ESTIMATE * max(expected.characters, 100),
        "documents": max(1, expected.documents),
        "searches": TIMES_THE_ESTIMATE * max(1, expected.searches),
    }
