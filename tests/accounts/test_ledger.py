"""The rules of the ledger as properties: whatever is done to it in whatever order, no money appears or is lost."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_accounts.chart import CASH, PROMOTIONS, REVENUE, held, owed, wallet
from greatrouter_accounts.errors import InsufficientCredit, InvalidAmount
from greatrouter_accounts.ledger import Entry, accounts_of, post
from greatrouter_accounts.money import LARGEST_CENTS, cents
from greatrouter_accounts.operations import Credit, Operation, Refund, Reserve, Result, Settle

ORGANIZATIONS = ("ada", "bob", "eve")
amounts = st.one_of(
    st.just(Decimal(0)),
    st.integers(0, 2_000).map(Decimal),
    st.decimals(min_value=0, max_value=1_000, places=10),  # finer than what is kept
)


@dataclass
class Ledger:
    """The tables of a database, in memory. Like it, it gives `post` nothing but what `accounts_of` asks for."""

    balances: dict[str, Decimal] = field(default_factory=dict)
    open: dict[str, Reserve] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    precision: int = 28

    def apply(self, operations: Sequence[Operation]) -> list[Result]:
        settled = {operation.reservation_id for operation in operations if isinstance(operation, Settle)}
        known = {name: reserve for name, reserve in self.open.items() if name in settled}
        before = {name: self.balances[name] for name in accounts_of(operations, known) if name in self.balances}
        with localcontext(prec=self.precision):
            posting = post(before, operations, known)
        for name, change in posting.changes.items():
            self.balances[name] = self.balances.get(name, Decimal(0)) + change
        self.open = {name: r for name, r in self.open.items() if name not in known} | posting.open
        self.entries += posting.entries
        return posting.results


@st.composite
def sequences(draw: st.DrawFn) -> list[Operation]:
    """Credits, reservations and settlements of a few organizations; the settlements name reservations that were made,
    some of them refused, some settled before, and now and then one that never was; some charge one that is gone."""
    operations: list[Operation] = []
    reserved: dict[str, Reserve] = {}
    for number in range(draw(st.integers(0, 25))):
        organization = draw(st.sampled_from(ORGANIZATIONS))
        amount = draw(amounts)
        match draw(st.sampled_from(("credit", "refund", "reserve", "reserve", "settle", "settle"))):
            case "credit":
                operations.append(Credit(f"t{number}", organization, amount, draw(st.booleans())))
            case "refund":
                operations.append(Refund(f"t{number}", organization, amount))
            case "reserve":
                reserved[f"r{number}"] = Reserve(f"r{number}", organization, amount, f"q{number}")
                operations.append(reserved[f"r{number}"])
            case _:
                name = draw(st.sampled_from([*reserved, "never"]))
                made = reserved.get(name) if draw(st.booleans()) else None
                operations.append(Settle(f"t{number}", name, amount, made=made))
    return operations


@st.composite
def batches(draw: st.DrawFn) -> list[list[Operation]]:
    """A sequence, cut anywhere."""
    operations = draw(sequences())
    cuts = sorted(draw(st.lists(st.integers(0, len(operations)), max_size=6)))
    return [operations[a:b] for a, b in zip([0, *cuts], [*cuts, len(operations)], strict=True)]


def ran(parts: Sequence[Sequence[Operation]]) -> tuple[Ledger, list[Result]]:
    ledger = Ledger()
    return ledger, [result for part in parts for result in ledger.apply(part)]


def plain(results: Sequence[Result]) -> list[object]:
    """Results in a form that can be compared."""
    return [(type(r), str(r)) if isinstance(r, Exception) else r for r in results]


@given(batches())
def test_the_entries_of_every_transaction_add_up_to_zero(parts: list[list[Operation]]) -> None:
    ledger, _ = ran(parts)
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for entry in ledger.entries:
        totals[entry.transaction_id] += entry.amount_cents
    assert not any(totals.values())


@given(batches())
def test_every_balance_is_the_sum_of_its_entries_and_exact(parts: list[list[Operation]]) -> None:
    ledger, _ = ran(parts)
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for entry in ledger.entries:
        assert entry.amount_cents == cents(entry.amount_cents) != 0
        sums[entry.account] += entry.amount_cents
    assert sums == ledger.balances


@given(batches())
def test_no_wallet_or_hold_is_ever_below_zero(parts: list[list[Operation]]) -> None:
    ledger = Ledger()
    for part in parts:
        ledger.apply(part)
        for organization in ORGANIZATIONS:
            assert ledger.balances.get(wallet(organization), Decimal(0)) >= 0
            assert ledger.balances.get(held(organization), Decimal(0)) >= 0


@given(batches())
def test_a_wallet_holds_nothing_while_something_is_owed(parts: list[list[Operation]]) -> None:
    ledger = Ledger()
    for part in parts:
        ledger.apply(part)
        for organization in ORGANIZATIONS:
            debt = ledger.balances.get(owed(organization), Decimal(0))
            assert debt <= 0
            assert not debt or not ledger.balances.get(wallet(organization), Decimal(0))


@given(batches())
def test_a_refund_goes_back_whole_whatever_the_wallet_holds(parts: list[list[Operation]]) -> None:
    ledger, results = ran(parts)
    operations = [operation for part in parts for operation in part]
    refunds = sum((cents(one.amount_cents) for one in operations if isinstance(one, Refund)), Decimal(0))
    paid = sum((cents(o.amount_cents) for o in operations if isinstance(o, Credit) and o.paid), Decimal(0))
    assert ledger.balances.get(CASH, Decimal(0)) == refunds - paid
    for operation, result in zip(operations, results, strict=True):
        if isinstance(operation, Refund):
            assert isinstance(result, Decimal)
            assert 0 <= result <= cents(operation.amount_cents)


@given(batches())
def test_how_operations_are_batched_makes_no_difference(parts: list[list[Operation]]) -> None:
    together, results = ran(parts)
    alone, one_by_one = ran([[operation] for part in parts for operation in part])
    assert plain(results) == plain(one_by_one)
    assert (together.balances, together.open) == (alone.balances, alone.open)
    assert sorted(map(str, together.entries)) == sorted(map(str, alone.entries))


@given(batches())
def test_what_is_held_is_what_the_open_reservations_set_aside(parts: list[list[Operation]]) -> None:
    ledger, _ = ran(parts)
    for organization in ORGANIZATIONS:
        reserved = sum(
            (cents(r.amount_cents) for r in ledger.open.values() if r.organization_id == organization), Decimal(0)
        )
        assert ledger.balances.get(held(organization), Decimal(0)) == reserved


@given(batches(), amounts)
def test_nothing_is_held_when_all_is_settled(parts: list[list[Operation]], amount: Decimal) -> None:
    ledger, _ = ran(parts)
    ledger.apply([Settle(f"end-{name}", name, amount) for name in ledger.open])
    assert not ledger.open
    assert not any(balance for name, balance in ledger.balances.items() if name.startswith("held:"))


@given(batches(), st.sampled_from(ORGANIZATIONS))
def test_no_organization_notices_the_others(parts: list[list[Operation]], organization: str) -> None:
    """The same history without the others leaves the same wallet, the same hold and the same answers."""
    everyone, results = ran(parts)
    operations = [operation for part in parts for operation in part]
    owner = {operation.id: operation.organization_id for operation in operations if not isinstance(operation, Settle)}

    def ours(operation: Operation) -> bool:
        name = operation.reservation_id if isinstance(operation, Settle) else operation.id
        return owner.get(name) == organization

    alone, own_results = ran([[operation for operation in operations if ours(operation)]])
    assert plain([r for o, r in zip(operations, results, strict=True) if ours(o)]) == plain(own_results)
    for account in (wallet(organization), held(organization)):
        assert everyone.balances.get(account, Decimal(0)) == alone.balances.get(account, Decimal(0))


@given(batches())
def test_a_reservation_succeeds_exactly_when_the_wallet_covers_it(parts: list[list[Operation]]) -> None:
    ledger = Ledger()
    for operation in (operation for part in parts for operation in part):
        before = ledger.balances.get(wallet(getattr(operation, "organization_id", "")), Decimal(0))
        [result] = ledger.apply([operation])
        if isinstance(operation, Reserve):
            assert isinstance(result, InsufficientCredit) == (cents(operation.amount_cents) > before)


@given(batches())
def test_a_charge_is_never_more_than_asked_for(parts: list[list[Operation]]) -> None:
    _, results = ran(parts)
    for operation, result in zip((o for part in parts for o in part), results, strict=True):
        if isinstance(operation, Settle):
            assert isinstance(result, Decimal)
            assert 0 <= result <= cents(operation.amount_cents)


@given(batches())
def test_the_settings_of_a_thread_change_nothing(parts: list[list[Operation]]) -> None:
    usual, _ = ran(parts)
    coarse = Ledger(precision=4)
    for part in parts:
        coarse.apply(part)
    assert coarse.balances == usual.balances


# -- single rules --------------------------------------------------------------------------------------------------


def credited(amount: int) -> Ledger:
    ledger = Ledger()
    ledger.apply([Credit("t0", "ada", Decimal(amount))])
    return ledger


def test_settling_a_refused_reservation_in_the_same_batch_moves_nothing() -> None:
    ledger = credited(5)
    results = ledger.apply([Reserve("r1", "ada", Decimal(6), "q"), Settle("t1", "r1", Decimal(0))])
    assert isinstance(results[0], InsufficientCredit)
    assert results[1] == 0
    assert ledger.balances == {PROMOTIONS: -5, wallet("ada"): 5}


def test_settling_twice_charges_once() -> None:
    ledger = credited(10)
    reserve, settle, again = (
        Reserve("r1", "ada", Decimal(4), "q"),
        Settle("t1", "r1", Decimal(3)),
        Settle("t2", "r1", Decimal(3)),
    )
    assert ledger.apply([reserve, settle, again]) == [4, 3, 0]
    assert ledger.apply([Settle("t3", "r1", Decimal(3))]) == [0]
    assert ledger.balances[wallet("ada")] == 7


def test_what_costs_more_than_reserved_takes_the_rest_from_the_wallet_as_far_as_it_reaches() -> None:
    ledger = credited(10)
    assert ledger.apply([Reserve("r1", "ada", Decimal(4), "q"), Settle("t1", "r1", Decimal(7))]) == [4, 7]
    assert ledger.apply([Reserve("r2", "ada", Decimal(1), "q"), Settle("t2", "r2", Decimal(99))]) == [1, 3]
    assert ledger.balances == {PROMOTIONS: -10, wallet("ada"): 0, held("ada"): 0, REVENUE: 10}


def test_what_others_reserved_is_not_there_to_overspend() -> None:
    ledger = credited(10)
    ledger.apply([Reserve("r1", "ada", Decimal(4), "q"), Reserve("r2", "ada", Decimal(5), "q")])
    assert ledger.apply([Settle("t1", "r1", Decimal(99))]) == [5]
    assert ledger.apply([Settle("t2", "r2", Decimal(5))]) == [5]


def test_a_wallet_that_was_tampered_with_takes_nothing_back_from_the_revenue() -> None:
    ledger = credited(10)
    ledger.apply([Reserve("r1", "ada", Decimal(4), "q")])
    ledger.balances[wallet("ada")] = Decimal(-100)
    assert ledger.apply([Settle("t1", "r1", Decimal(3))]) == [3]


def test_a_top_up_and_a_grant_have_different_sources() -> None:
    ledger = credited(1)
    ledger.apply([Credit("t1", "ada", Decimal(2), paid=True)])
    assert ledger.balances == {PROMOTIONS: -1, CASH: -2, wallet("ada"): 3}
    assert {entry.kind for entry in ledger.entries} == {"grant", "top_up"}


@pytest.mark.parametrize("amount", ["-0.01", "NaN", "sNaN", "-Infinity"])
@pytest.mark.parametrize("kind", ["credit", "reserve", "settle"])
def test_an_amount_that_is_none_is_refused_alone(kind: str, amount: str) -> None:
    ledger = credited(10)
    ledger.apply([Reserve("r1", "ada", Decimal(2), "q")])
    kinds: dict[str, Operation] = {
        "credit": Credit("t1", "ada", Decimal(amount)),
        "reserve": Reserve("r2", "ada", Decimal(amount), "q"),
        "settle": Settle("t1", "r1", Decimal(amount)),
    }
    results = ledger.apply([Credit("t2", "ada", Decimal(1)), kinds[kind], Reserve("r3", "ada", Decimal(3), "q")])
    assert isinstance(results[1], InvalidAmount)
    assert plain(results)[::2] == [1, 3]
    assert ledger.open.keys() == {"r1", "r3"}
    assert ledger.balances == {PROMOTIONS: -11, wallet("ada"): 6, held("ada"): 5}


def test_a_reservation_beyond_all_bounds_is_what_no_wallet_covers() -> None:
    [result] = credited(10).apply([Reserve("r1", "ada", Decimal("1E+999"), "q")])
    assert isinstance(result, InsufficientCredit)
    assert len(str(result)) < 200


def test_a_settlement_beyond_all_bounds_takes_what_there_is() -> None:
    ledger = credited(10)
    assert ledger.apply([Reserve("r1", "ada", Decimal(1), "q"), Settle("t1", "r1", Decimal("1E+999"))]) == [1, 10]


def test_no_credit_takes_a_balance_beyond_what_can_be_stored() -> None:
    ledger = Ledger()
    most = [
        Credit("t1", "ada", LARGEST_CENTS),
        Credit("t2", "bob", Decimal(1)),
        Credit("t3", "bob", Decimal(1), paid=True),
    ]
    results = ledger.apply(most)
    assert isinstance(results[1], InvalidAmount)  # the source of grants is at its bound
    assert results[2] == 1
    assert ledger.balances == {PROMOTIONS: -LARGEST_CENTS, CASH: -1, wallet("ada"): LARGEST_CENTS, wallet("bob"): 1}


def test_work_whose_reservation_is_gone_is_paid_by_the_wallet_as_far_as_it_reaches() -> None:
    ledger = credited(10)
    [reserve, other] = Reserve("r1", "ada", Decimal(6), "q1"), Reserve("r2", "ada", Decimal(7), "q2")
    ledger.apply([reserve, Settle("orphan", "r1", Decimal(0))])
    ledger.apply([other])
    assert ledger.apply([Settle("t1", "r1", Decimal(6), made=reserve)]) == [3]
    assert ledger.balances == {PROMOTIONS: -10, wallet("ada"): 0, held("ada"): 7, REVENUE: 3}
    assert ledger.entries[-1].request_id == "q1"


def test_no_balance_leaves_what_can_be_stored() -> None:
    """What is held comes back, and what two organizations were given comes together."""
    ledger = credited(0)
    most = LARGEST_CENTS - 1
    assert ledger.apply([Credit("t1", "ada", most), Reserve("r", "ada", most, "q")]) == [most, most]
    [refused] = ledger.apply([Credit("t2", "ada", Decimal(2), paid=True)])
    assert isinstance(refused, InvalidAmount)
    ledger.apply([Settle("t3", "r", Decimal(0))])
    [refused] = ledger.apply([Credit("t4", "bob", Decimal(2))])
    assert isinstance(refused, InvalidAmount)
    assert ledger.apply([Credit("t5", "bob", Decimal(2), paid=True)]) == [2]
