"""The ledger under everything that can happen to it in any order: no money appears, is lost, or is spent twice.

By the rules alone, in memory; and by processes that share a database, reserve, settle, pool, run again and are killed.
"""

import asyncio
import json
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.budgets import Allowance, Budget
from greatrouter_accounts.chart import CASH, PROMOTIONS, REVENUE, held, measured, owed, revenue, wallet
from greatrouter_accounts.errors import AccountsError, BudgetExceeded, InsufficientCredit
from greatrouter_accounts.ledger import Entry, accounts_of, post
from greatrouter_accounts.money import cents
from greatrouter_accounts.operations import (
    POOL,
    Charge,
    Credit,
    Fund,
    Operation,
    Refund,
    Reserve,
    Result,
    Return,
    Settle,
    Unfund,
)
from tests.accounts.conftest import LEASE, SECRET, query
from tests.api.conftest import eventually

ZERO = Decimal(0)
ORGANIZATIONS = ("ada", "bob")
PROCESSES = st.integers(0, 1)
NAMES = st.sampled_from(ORGANIZATIONS)
AMOUNTS = st.one_of(st.integers(0, 50).map(Decimal), st.decimals(0, 20, places=10), st.just(Decimal(5_000)))
# What a request costs beside its estimate.
SHARES = st.sampled_from([ZERO, Decimal("0.3"), Decimal(1), Decimal(2)])
SPENDING = {"settle", "charge", "return"}
DAILY, OF_KEY = Decimal(100), Decimal(30)


# -- by the rules --------------------------------------------------------------------------------------------------


@dataclass
class Tables:
    """What a database would hold. Like it, it gives `post` nothing but what that asks for."""

    balances: dict[str, Decimal] = field(default_factory=dict)
    open: dict[str, Reserve] = field(default_factory=dict)
    entries: list[tuple[str, Entry]] = field(default_factory=list)  # with the day of each

    def apply(self, operations: Sequence[Operation], day: str) -> list[Result]:
        named = {getattr(one, "reservation_id", getattr(one, "pool_id", "")) for one in operations}
        known = {name: reserve for name, reserve in self.open.items() if name in named}
        before = {name: self.balances[name] for name in accounts_of(operations, known) if name in self.balances}
        asked = [(one, budget) for one in operations if isinstance(one, Reserve | Fund) for budget in one.budgets]
        baselines = {
            (measured(one.organization_id, budget), budget.period): self.baseline(one.organization_id, budget)
            for one, budget in asked
        }
        posting = post(before, operations, known, baselines, self.key_holds())
        assert posting.changes.keys() - accounts_of(operations, known) <= {REVENUE}  # the others were locked
        for name, change in posting.changes.items():
            self.balances[name] = self.balances.get(name, ZERO) + change
        kept = {name: replace(one, amount_cents=cents(one.amount_cents)) for name, one in posting.open.items()}
        self.open = {name: one for name, one in self.open.items() if name not in known} | kept
        self.entries += [(day, entry) for entry in posting.entries]
        return posting.results

    def of(self, account: str) -> Decimal:
        return self.balances.get(account, ZERO)

    def worth(self, name: str) -> Decimal:
        return self.of(wallet(name)) + self.of(held(name)) + self.of(owed(name))

    def key_holds(self) -> dict[str, Decimal]:
        found: dict[str, Decimal] = defaultdict(Decimal)
        for one in self.open.values():
            if one.key_id is not None:
                found[one.key_id] += one.amount_cents
        return found

    def spent(self, name: str, budget: Budget) -> Decimal:
        """Less what was given back, in the period of the budget."""
        own = {revenue(budget.key_id)} if budget.key_id else {wallet(name), held(name)}
        moved = [
            e.amount_cents
            for d, e in self.entries
            if d.startswith(budget.period) and e.kind in SPENDING and e.account in own
        ]
        return sum(moved, ZERO) * (1 if budget.key_id else -1)

    def used(self, name: str, budget: Budget) -> Decimal:
        holds = self.key_holds().get(budget.key_id, ZERO) if budget.key_id else self.of(held(name))
        return self.spent(name, budget) + holds

    def baseline(self, name: str, budget: Budget) -> Decimal:
        """As `budgets.py` defines it, counted from the entries."""
        now = -self.of(revenue(budget.key_id)) if budget.key_id else self.worth(name)
        return now + self.spent(name, budget)


class Rules(RuleBasedStateMachine):
    """Every operation is applied alone to `one_by_one`, and with others to `batched`, which must come to the same."""

    reservations = Bundle("reservations")
    charges = Bundle("charges")

    def __init__(self) -> None:
        super().__init__()
        self.one_by_one, self.batched = Tables(), Tables()
        self.waiting: list[Operation] = []
        self.results: list[Result] = []
        self.numbers = count()
        self.day = 1
        self.put_in: dict[str, Decimal] = defaultdict(Decimal)
        self.charged: dict[str, Decimal] = defaultdict(Decimal)
        self.owner: dict[str, int] = {}
        self.pools = {(process, name): self.id("pool") for process in range(2) for name in ORGANIZATIONS}
        self.lost: list[tuple[str, str]] = [("pool_never", "ada")]
        self.given_back: list[Reserve] = []

    def id(self, kind: str) -> str:
        return f"{kind}_{next(self.numbers)}"

    def budgets(self, name: str, key_id: str | None = None) -> tuple[Budget, ...]:
        day = f"2026-07-{self.day:02}"
        of_key = (Budget(day, OF_KEY, key_id),) if key_id else ()
        return (Budget(day, DAILY), Budget(day[:7], DAILY * 2), *of_key)

    def do(self, operation: Operation) -> Result:
        self.waiting.append(operation)
        [result] = self.one_by_one.apply([operation], f"2026-07-{self.day:02}")
        self.results.append(result)
        return result

    def paid(self, name: str, key_id: str | None, result: Result) -> Any:
        """A charge that may be given back once."""
        assert isinstance(result, Decimal)
        self.charged[name] += result
        return (name, key_id, result) if result else multiple()

    @rule(name=NAMES, amount=AMOUNTS, paid=st.booleans())
    def credit(self, name: str, amount: Decimal, paid: bool) -> None:
        result = self.do(Credit(self.id("txn"), name, amount, paid))
        assert isinstance(result, Decimal)
        self.put_in[CASH if paid else PROMOTIONS] += result

    @rule(name=NAMES, amount=AMOUNTS)
    def refund(self, name: str, amount: Decimal) -> None:
        before = self.one_by_one.worth(name)
        refund = Refund(self.id("txn"), name, amount)
        result = self.do(refund)
        assert isinstance(result, Decimal)
        self.put_in[CASH] -= before - self.one_by_one.worth(name)
        assert before - self.one_by_one.worth(name) >= result

    @rule(target=reservations, process=PROCESSES, name=NAMES, amount=AMOUNTS, key=st.booleans(), budgeted=st.booleans())
    def reserve(self, process: int, name: str, amount: Decimal, key: bool, budgeted: bool) -> Any:
        key_id = f"key_{name}" if key else None
        budgets = self.budgets(name, key_id) if budgeted else ()
        tables = self.one_by_one
        free, lefts = tables.of(wallet(name)), [b.cents - tables.used(name, b) for b in budgets]
        reserve = Reserve(self.id("res"), name, amount, self.id("req"), budgets=budgets, key_id=key_id)
        result = self.do(reserve)
        if isinstance(result, AccountsError):
            assert reserve.id not in tables.open
            assert isinstance(result, InsufficientCredit if cents(amount) > free else BudgetExceeded)
            assert cents(amount) > min([free, *lefts])
            return multiple()
        assert result == cents(amount) <= min([free, *lefts])
        self.owner[reserve.id] = process
        return reserve

    @rule(target=charges, reserve=reservations, share=SHARES)
    def settle(self, reserve: Reserve, share: Decimal) -> Any:
        """Of one that was settled or given back before it moves nothing."""
        was_open = reserve.id in self.one_by_one.open
        result = self.do(Settle(self.id("txn"), reserve.id, reserve.amount_cents * share))
        assert was_open or result == 0
        return self.paid(reserve.organization_id, reserve.key_id, result)

    @rule(target=charges, place=st.integers(0, 9), share=SHARES)
    def settle_late(self, place: int, share: Decimal) -> Any:
        """Of a process that was taken for dead, and did the work all the same."""
        if not self.given_back:
            return multiple()
        reserve = self.given_back.pop(place % len(self.given_back))
        amount, free = reserve.amount_cents * share, self.one_by_one.of(wallet(reserve.organization_id))
        result = self.do(Settle(self.id("txn"), reserve.id, amount, made=reserve))
        assert result == min(cents(amount), free)
        return self.paid(reserve.organization_id, reserve.key_id, result)

    @rule(process=PROCESSES, name=NAMES, amount=AMOUNTS)
    def unfund(self, process: int, name: str, amount: Decimal) -> None:
        pool = self.one_by_one.open.get(self.pools[process, name])
        pooled = pool.amount_cents if pool else ZERO
        assert self.do(Unfund(self.id("txn"), self.pools[process, name], name, amount)) == min(cents(amount), pooled)

    @rule(process=PROCESSES, name=NAMES, amount=AMOUNTS, budgeted=st.booleans())
    def fund(self, process: int, name: str, amount: Decimal, budgeted: bool) -> None:
        budgets = self.budgets(name) if budgeted else ()
        pool = self.pools[process, name]
        result = self.do(Fund(self.id("txn"), pool, name, amount, amount / 4, budgets))
        assert isinstance(result, Decimal)
        if result:
            self.owner[pool] = process
            assert all(self.one_by_one.used(name, budget) <= budget.cents for budget in budgets)

    @rule(target=charges, process=PROCESSES, name=NAMES, amount=AMOUNTS, extra=st.sampled_from([ZERO, Decimal(7)]))
    def charge(self, process: int, name: str, amount: Decimal, extra: Decimal) -> Any:
        result = self.do(Charge(self.id("txn"), self.pools[process, name], name, amount, extra, self.id("req")))
        return self.paid(name, None, result)

    @rule(target=charges, data=st.data(), amount=AMOUNTS)
    def charge_of_one_that_was_taken_for_dead(self, data: st.DataObject, amount: Decimal) -> Any:
        pool, name = data.draw(st.sampled_from(self.lost))
        return self.paid(name, None, self.do(Charge(self.id("txn"), pool, name, amount, ZERO, self.id("req"))))

    @rule(charge=consumes(charges))
    def give_back(self, charge: tuple[str, str | None, Decimal]) -> None:
        name, key_id, amount = charge
        assert self.do(Return(self.id("txn"), name, amount, self.id("req"), key_id)) == amount
        self.charged[name] -= amount

    @rule(process=PROCESSES)
    def death(self, process: int) -> None:
        for reservation, owner in list(self.owner.items()):
            if owner == process:
                was = self.one_by_one.open.get(reservation)
                assert self.do(Settle(self.id("txn"), reservation, ZERO)) == 0
                del self.owner[reservation]
                if was is not None and was.request_id != POOL:
                    self.given_back.append(was)
        for name in ORGANIZATIONS:
            self.lost.append((self.pools[process, name], name))
            self.pools[process, name] = self.id("pool")

    @precondition(lambda self: self.waiting)
    @rule(midnight=st.booleans())
    def commit(self, midnight: bool) -> None:
        results = self.batched.apply(self.waiting, f"2026-07-{self.day:02}")
        assert list(map(str, results)) == list(map(str, self.results))
        assert self.batched.balances == self.one_by_one.balances
        assert self.batched.open == self.one_by_one.open
        self.waiting, self.results = [], []
        self.day += midnight

    @invariant()
    def every_transaction_and_all_accounts_add_up_to_zero(self) -> None:
        sums: dict[str, Decimal] = defaultdict(Decimal)
        accounts: dict[str, Decimal] = defaultdict(Decimal)
        for _, entry in self.one_by_one.entries:
            sums[entry.transaction_id] += entry.amount_cents
            accounts[entry.account] += entry.amount_cents
        assert not any(sums.values())
        assert accounts == self.one_by_one.balances
        assert sum(accounts.values(), ZERO) == 0

    @invariant()
    def nothing_is_below_zero_that_may_not_be(self) -> None:
        tables = self.one_by_one
        for name in ORGANIZATIONS:
            assert tables.of(wallet(name)) >= 0
            assert tables.of(held(name)) >= 0
            assert tables.of(owed(name)) <= 0
            assert not tables.of(owed(name)) or not tables.of(wallet(name))
        assert all(amount >= 0 for account, amount in tables.balances.items() if account.startswith("revenue"))

    @invariant()
    def what_is_held_is_what_is_set_aside(self) -> None:
        for name in ORGANIZATIONS:
            aside = [one.amount_cents for one in self.one_by_one.open.values() if one.organization_id == name]
            assert self.one_by_one.of(held(name)) == sum(aside, ZERO)

    @invariant()
    def what_came_in_is_there_or_was_spent(self) -> None:
        tables = self.one_by_one
        earned = sum((amount for account, amount in tables.balances.items() if account.startswith("revenue")), ZERO)
        assert earned == sum(self.charged.values(), ZERO)
        assert sum(map(tables.worth, ORGANIZATIONS), ZERO) + earned == sum(self.put_in.values(), ZERO)
        assert tables.of(CASH) == -self.put_in[CASH]
        assert tables.of(PROMOTIONS) == -self.put_in[PROMOTIONS]


@pytest.mark.parametrize("examples", [100, pytest.param(2_000, marks=pytest.mark.slow)])
def test_the_rules_conserve_money(examples: int) -> None:
    run_state_machine_as_test(Rules, settings=settings(max_examples=examples, stateful_step_count=40, deadline=None))


# -- by processes that share a database ----------------------------------------------------------------------------

# A budget of the organization's plan, and one of a key's own. No request of these costs more than its estimate, so that
# what is spent and held never passes them.
CAPPED, OF_A_KEY = Decimal(40), Decimal(25)

# A new database.
Fresh = Callable[[], AbstractContextManager[Path | str]]

# Opens the database that the first line names. Then reads a list of operations a line, does them all at once, and says
# what came of each.
WORKER = """
import json
from dataclasses import replace
from greatrouter_accounts.budgets import Allowance
from greatrouter_accounts.gate import Plan
from greatrouter_accounts.idempotency_rows import Kept
from greatrouter_accounts.operations import Reserve

PLANS = {"capped": Plan(budget=Allowance(daily_cents=Decimal(40)))}
held = {}

async def reserve(key, name, amount, run=None):
    caller = await accounts.authenticate(key)
    held[name] = await accounts.till.reserve(replace(caller, run=run), Decimal(amount), name)

async def settle(name, amount):
    return await accounts.till.settle(held.pop(name), Decimal(amount))

async def release(name):
    accounts.till.release(held.pop(name))

async def request(key, name, amount, share):
    await reserve(key, name, amount)
    return await settle(name, Decimal(amount) * Decimal(share))

async def again(key, name, amount, idempotency_key, finished):
    caller = await accounts.authenticate(key)
    run = await accounts.repeats.begin(caller.organization_id, idempotency_key, [b"body"], name)
    if isinstance(run, Kept):
        return None
    try:
        await reserve(key, name, amount, run)
    except AccountsError:
        await accounts.repeats.abandon(run)
        raise
    charged = await settle(name, amount)
    if finished:
        await accounts.repeats.finish(run, Kept(200, [], b"answer"))
    return charged

async def one(kind, *asked):
    try:
        result = await globals()[kind](*asked)
    except AccountsError as refusal:
        return [type(refusal).__name__, None]
    return ["", None if result is None else str(result)]

async def main():
    while line := await asyncio.to_thread(sys.stdin.readline):
        answers = await asyncio.gather(*(one(*each) for each in json.loads(line)))
        # Pools are filled, and what was released is given back, behind the answers.
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
        await accounts.till.settle(Reserve("res_none", "org_none", Decimal(1), "req_none"), Decimal(1))
        print(json.dumps(answers), flush=True)

if line := sys.stdin.readline().strip():
    database = line if "://" in line else Path(line)
    accounts = Accounts(database, b"a secret of thirty-two bytes ....", lease=timedelta(seconds=2), plans=PLANS)
    print("opened", flush=True)
    asyncio.run(main())
"""


class Spares:
    """Processes that began already: to begin takes longer than all they do then."""

    def __init__(self, start: Callable[[str], "subprocess.Popen[str]"]) -> None:
        self.start = start
        self.waiting = [start(WORKER), start(WORKER)]

    def opened(self, database: Path | str) -> "subprocess.Popen[str]":
        self.waiting.append(self.start(WORKER))
        process = self.waiting.pop(0)
        tell(process, str(database))
        assert heard(process) == "opened"
        return process


def tell(process: "subprocess.Popen[str]", line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def heard(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line, process.communicate(timeout=10)[1]
    return line


@dataclass
class Run:
    """Of a request that may be sent again; `dead` says that its process is."""

    process: int
    charged: Decimal
    finished: bool
    dead: bool = False


class Processes(RuleBasedStateMachine):
    """`ada` is rich enough for pools, the plan of `bob` has a budget, and so has the key of `eve`.

    What is drawn never depends on what was answered: when a process dies is not the same twice."""

    names = st.sampled_from(["ada", "bob", "eve"])
    amounts = st.sampled_from(["0", "0.00000001", "0.01", "1", "7.5", "12", "20", "100000"])

    def __init__(self, fresh: Fresh, spares: Spares) -> None:
        super().__init__()
        self.undo = ExitStack()
        self.database = self.undo.enter_context(fresh())
        self.accounts = self.undo.enter_context(closing(Accounts(self.database, SECRET, lease=LEASE)))
        self.spares = spares
        self.processes = [spares.opened(self.database), spares.opened(self.database)]
        self.numbers = count()
        self.keys = {
            "ada": self.accounts.create_key("ada"),
            "bob": self.accounts.create_key("bob", plan="capped"),
            "eve": self.accounts.create_key("eve", budgets=Allowance(daily_cents=OF_A_KEY)),
        }
        callers = {name: asyncio.run(self.accounts.authenticate(key)) for name, key in self.keys.items()}
        self.ids = {name: caller.organization_id for name, caller in callers.items()}
        self.key_id = callers["eve"].key_id
        self.put_in: dict[str, Decimal] = defaultdict(Decimal)
        self.charged: dict[str, Decimal] = defaultdict(Decimal)  # what was said to be charged
        self.unheard: dict[str, Decimal] = defaultdict(Decimal)  # what may have been, of requests without an answer
        self.runs: dict[str, Run] = {}
        self.open: list[tuple[int, str, str, Decimal]] = []
        self.orders: dict[str, tuple[str, Decimal, Decimal]] = {}
        self.quiet = 0  # so many rules since a process was killed, which takes time
        for name, amount in (("ada", 5_000), ("bob", 60), ("eve", 60)):
            self.credit(name, Decimal(amount))

    def teardown(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        self.undo.close()

    def named(self) -> str:
        return f"req_{next(self.numbers)}"

    def ask(self, process: int, *operations: list[Any]) -> list[tuple[str, Decimal]]:
        """What came of each: the name of a refusal, and the cents charged."""
        asked = self.processes[process]
        tell(asked, json.dumps(operations))
        return [(refusal, Decimal(charged or 0)) for refusal, charged in json.loads(heard(asked))]

    def balances(self) -> dict[str, Decimal]:
        rows = query(self.database, "SELECT account, amount_cents FROM balances")
        return defaultdict(Decimal, {account: Decimal(units).scaleb(-8) for account, units in rows})

    def used(self) -> dict[str, Decimal]:
        """What was spent today and is held: of the plan of `bob` and of the key of `eve`."""
        since = f"created_at >= '{datetime.now(UTC).date().isoformat()}'"
        spending = f"kind IN ('settle', 'charge', 'return') AND {since}"
        own = f"account IN ('{wallet(self.ids['bob'])}', '{held(self.ids['bob'])}')"
        sums = {
            "bob": f"SELECT -sum(amount_cents) FROM ledger WHERE {own} AND {spending}",
            "eve": f"SELECT sum(amount_cents) FROM ledger WHERE account = '{revenue(self.key_id)}' AND {spending}",
        }
        spent = {name: Decimal(query(self.database, asked)[0][0] or 0).scaleb(-8) for name, asked in sums.items()}
        found = self.balances()
        return {name: amount + found[held(self.ids[name])] for name, amount in spent.items()}

    # -- what happens ----------------------------------------------------------------------------------------------

    @rule(name=names, amount=st.sampled_from([5, 60, 5_000]).map(Decimal))
    def credit(self, name: str, amount: Decimal) -> None:
        self.accounts.office.credit(name, amount)
        self.put_in[name] += amount

    @rule(name=names, order=st.sampled_from("xy"), amount=st.sampled_from([20, 3_000]).map(Decimal))
    def order(self, name: str, order: str, amount: Decimal) -> None:
        """Each is told of several times, and belongs to whom it was credited first."""
        owner, paid, refunded = self.orders.get(order, (name, ZERO, ZERO))
        said = self.accounts.office.order_paid(f"order_{order}", name, amount)
        assert said == (ZERO if paid else amount)
        self.orders[order] = (owner, paid or amount, refunded)
        self.put_in[owner] += said

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), asked=st.sampled_from([5, 20, 4_000]).map(Decimal))
    def refund(self, data: st.DataObject, asked: Decimal) -> None:
        order = data.draw(st.sampled_from(sorted(self.orders)))
        owner, paid, refunded = self.orders[order]
        total = max(refunded, asked)
        before = max(ZERO, paid - refunded)
        self.accounts.office.order_refunded(f"order_{order}", None, asked)
        self.orders[order] = (owner, paid, total)
        self.put_in[owner] -= before - max(ZERO, paid - total)

    @rule(process=PROCESSES, wanted=st.lists(st.tuples(names, amounts), min_size=1, max_size=3))
    def reserve(self, process: int, wanted: list[tuple[str, str]]) -> None:
        self.quiet += 1
        for name, amount in wanted:
            request, cost = self.named(), Decimal(amount)
            free, left = self.balances()[wallet(self.ids[name])], OF_A_KEY - self.used()["eve"]
            [(refusal, _)] = self.ask(process, ["reserve", self.keys[name], request, amount])
            if name == "eve":  # no pool stands between
                assert refusal == ("InsufficientCredit" if cost > free else "BudgetExceeded" if cost > left else "")
            assert refusal in {"", "InsufficientCredit", "BudgetExceeded"}
            if not refusal:
                self.open.append((process, name, request, cost))

    @rule(place=st.integers(0, 9), share=SHARES)
    def settle(self, place: int, share: Decimal) -> None:
        self.quiet += 1
        if not self.open:
            return
        process, name, request, amount = self.open.pop(place % len(self.open))
        cost = amount * (share if name == "ada" else min(share, Decimal(1)))
        [(refusal, charged)] = self.ask(process, ["settle", request, str(cost)] if share else ["release", request])
        assert refusal == ""
        assert charged <= cost + Decimal("1e-8")  # cents are rounded
        self.charged[name] += charged

    @rule(process=PROCESSES, name=names, amount=amounts, finish=st.sampled_from([False, False, True]))
    def again(self, process: int, name: str, amount: str, finish: bool) -> None:
        """A request of each under an Idempotency-Key. Where the process of its first run died, that is given back."""
        self.quiet += 1
        run = self.runs.get(name)
        [(refusal, charged)] = self.ask(process, ["again", self.keys[name], self.named(), amount, "key", finish])
        if run is not None and (run.finished or not run.dead or refusal == "StillRunning"):
            assert (refusal, charged) == ("" if run.finished else "StillRunning", ZERO)
            assert run.finished or not run.dead or isinstance(self.database, str)  # its lease is not over
            return
        self.charged[name] += charged - (run.charged if run else ZERO)
        self.runs.pop(name, None)
        if not refusal:
            self.runs[name] = Run(process, charged, finished=finish)

    @rule(work=st.lists(st.tuples(PROCESSES, names, amounts, SHARES), min_size=2, max_size=8))
    def at_once(self, work: list[tuple[int, str, str, Decimal]]) -> None:
        self.quiet += 1
        asked = self.send(work)
        for process in range(2):
            answers = json.loads(heard(self.processes[process]))
            for (name, _), (refusal, charged) in zip(asked[process], answers, strict=True):
                assert refusal in {"", "InsufficientCredit", "BudgetExceeded"}
                self.charged[name] += Decimal(charged or 0)

    @precondition(lambda self: self.quiet >= 4)
    @rule(
        process=PROCESSES,
        left=st.lists(st.tuples(names, amounts), max_size=3),
        work=st.lists(st.tuples(names, amounts, SHARES), max_size=6),
        after_s=st.sampled_from([0.0, 0.002, 0.01]),
    )
    def killed(
        self, process: int, left: list[tuple[str, str]], work: list[tuple[str, str, Decimal]], after_s: float
    ) -> None:
        """With what it had reserved and begun before, and in the middle of more; what it had begun is tried again."""
        self.reserve(process, left)
        for name, amount in left:
            self.again(process, name, amount, finish=False)
        self.quiet = 0
        asked = self.send([(process, *one) for one in work])
        time.sleep(after_s)
        self.processes[process].kill()
        self.processes[process].wait()
        self.processes[process] = self.spares.opened(self.database)
        assert heard(self.processes[1 - process]) == "[]"
        for name, most in asked[process]:
            self.unheard[name] += most
        for run in self.runs.values():
            run.dead |= run.process == process
        lost = {request for owner, _, request, _ in self.open if owner == process}
        self.open = [one for one in self.open if one[0] != process]
        assert eventually(lambda: not lost & self.set_aside(), timeout_s=20)
        for name, amount in left:
            self.again(1 - process, name, amount, finish=False)

    def send(self, work: Sequence[tuple[int, str, str, Decimal]]) -> dict[int, list[tuple[str, Decimal]]]:
        """Whose wallets each process was asked to charge, and with how much at most."""
        told: dict[int, list[Any]] = {0: [], 1: []}
        most: dict[int, list[tuple[str, Decimal]]] = {0: [], 1: []}
        for process, name, amount, share in work:
            paid = share if name == "ada" else min(share, Decimal(1))
            told[process].append(["request", self.keys[name], self.named(), amount, str(paid)])
            most[process].append((name, Decimal(amount) * paid))
        for process, operations in told.items():
            tell(self.processes[process], json.dumps(operations))
        return most

    def set_aside(self) -> set[str]:
        return {request for (request,) in query(self.database, "SELECT request_id FROM reservations")}

    # -- what holds after each -------------------------------------------------------------------------------------

    @invariant()
    def the_books_agree(self) -> None:
        assert self.accounts.verify() == []

    @invariant()
    def no_money_appeared_or_was_lost(self) -> None:
        assert query(self.database, "SELECT sum(amount_cents) FROM ledger") in ([(0,)], [(None,)])
        found = self.balances()
        for name, organization in self.ids.items():
            assert found[wallet(organization)] >= 0
            assert found[held(organization)] >= 0
            spent = (
                self.put_in[name] - found[wallet(organization)] - found[held(organization)] - found[owed(organization)]
            )
            assert self.charged[name] <= spent <= self.charged[name] + self.unheard[name]

    @invariant()
    def no_budget_is_passed(self) -> None:
        used = self.used()
        assert used["bob"] <= CAPPED
        assert used["eve"] <= OF_A_KEY


@pytest.fixture
def fresh(database: Path | str, tmp_path: Path, request: pytest.FixtureRequest) -> Fresh:
    """Another new database of the kind of `database` each time, so that what went wrong in one is over with it."""
    if isinstance(database, str):
        of_the_server: Fresh = request.getfixturevalue("postgres_server").database
        return of_the_server
    numbers = count()
    return lambda: nullcontext(tmp_path / f"{next(numbers)}.sqlite3")


@pytest.mark.parametrize("examples", [3, pytest.param(10, marks=pytest.mark.slow)])
def test_processes_that_are_killed_conserve_money(
    fresh: Fresh, process: Callable[[str], "subprocess.Popen[str]"], examples: int
) -> None:
    spares = Spares(process)
    run_state_machine_as_test(
        cast("type[Processes]", lambda: Processes(fresh, spares)),  # it takes whatever makes one
        # Not made smaller where it fails: when a process dies is not the same twice.
        settings=settings(max_examples=examples, stateful_step_count=20, deadline=None, phases=[Phase.generate]),
    )
