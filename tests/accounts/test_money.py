"""Money is exact: what goes in comes out, and sums of what was rounded are never rounded again."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_accounts.errors import InsufficientCredit, InvalidAmount
from greatrouter_accounts.money import LARGEST_CENTS, LARGEST_UNITS, QUANTUM, cents, from_units, to_units

anything = st.decimals(min_value=-LARGEST_CENTS, max_value=LARGEST_CENTS, allow_nan=False)


@given(st.integers(-LARGEST_UNITS, LARGEST_UNITS))
def test_what_the_database_holds_survives_the_round_trip(units: int) -> None:
    assert to_units(from_units(units)) == units
    assert cents(from_units(units)) == from_units(units)


@given(anything)
def test_rounding_moves_an_amount_by_at_most_half_a_quantum_and_only_once(amount: Decimal) -> None:
    rounded = cents(amount)
    assert abs(rounded - amount) <= QUANTUM / 2
    assert cents(rounded) == rounded
    assert from_units(to_units(rounded)) == rounded


@given(anything, anything)
def test_a_larger_amount_never_rounds_to_less(a: Decimal, b: Decimal) -> None:
    assert cents(min(a, b)) <= cents(max(a, b))


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [("0.000000005", "0"), ("0.000000015", "0.00000002"), ("-0.000000005", "0"), ("0.0000000051", "0.00000001")],
)
def test_halves_go_to_the_even_neighbour(amount: str, rounded: str) -> None:
    assert cents(Decimal(amount)) == Decimal(rounded)


def test_the_settings_of_a_thread_change_nothing() -> None:
    with localcontext(prec=3):
        assert cents(Decimal("92233720368.54775807")) == LARGEST_CENTS
        assert to_units(LARGEST_CENTS) == LARGEST_UNITS
        assert from_units(LARGEST_UNITS) == LARGEST_CENTS


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+30", "-1E+30", "92233720368.54775808"])
def test_what_cannot_be_booked_is_refused_by_name(amount: str) -> None:
    with pytest.raises(InvalidAmount, match="expected a number of at most"):
        cents(Decimal(amount))


def test_a_refusal_speaks_dollars_in_full() -> None:
    refusal = InsufficientCredit(Decimal("1E+5"), Decimal("0.00000001"))
    assert "the wallet holds $0.0000000001 and this request may cost $1000" in str(refusal)
