"""What a call costs: exact, linear, never negative, and in the same order everywhere."""

from dataclasses import dataclass, fields, replace
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_catalog.pricing import PARTS_OF_THE_PROMPT, PRICE_FIELDS, Pricing, unit_vector
from greatrouter_catalog.taxonomy import NOMINAL_UNITS, PRICED_BY, TASK_TYPES


@dataclass(frozen=True)
class Used:
    prompt_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    completion_tokens: int = 0
    images: int = 0
    seconds: Decimal = Decimal(0)
    characters: int = 0
    documents: int = 0
    searches: int = 0

    def __add__(self, other: "Used") -> "Used":
        return Used(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(Used)})


counts = st.integers(0, 10**7)
used = st.builds(
    lambda cached, written, plain, **rest: Used(cached + written + plain, cached, written, **rest),
    cached=counts,
    written=counts,
    plain=counts,
    completion_tokens=counts,
    images=st.integers(0, 100),
    seconds=st.decimals(0, 3600, places=3),
    characters=counts,
    documents=st.integers(0, 10_000),
    searches=st.integers(0, 100),
)
rates = st.none() | st.decimals(0, 1000, places=12)
# A flat price of the request is not linear in the units: it is checked by itself.
metered = st.builds(Pricing, **dict.fromkeys(PRICE_FIELDS[:-1], rates), price_per_request=st.none())
pricings = st.builds(Pricing, **dict.fromkeys(PRICE_FIELDS, rates))


@given(metered, used, used)
def test_the_cost_of_two_calls_is_the_sum_of_their_costs_exactly(pricing: Pricing, first: Used, second: Used) -> None:
    assert pricing.cost_cents(first + second) == pricing.cost_cents(first) + pricing.cost_cents(second)


@given(metered, used, st.integers(0, 1000))
def test_the_cost_is_linear_in_the_units_exactly(pricing: Pricing, units: Used, times: int) -> None:
    many = Used(**{f.name: getattr(units, f.name) * times for f in fields(Used)})
    assert pricing.cost_cents(many) == times * pricing.cost_cents(units)


@given(pricings, used)
def test_the_cost_is_the_exact_sum_over_all_units_and_never_negative(pricing: Pricing, units: Used) -> None:
    with localcontext() as context:
        context.prec = 80
        exact = 100 * sum(r * n for r, n in zip(pricing.rates(), unit_vector(units), strict=True))
    assert pricing.cost_cents(units) == exact
    assert pricing.cost_cents(units) >= 0


@given(pricings, used, st.sampled_from(PRICE_FIELDS), st.decimals(0, 10, places=12))
def test_a_higher_price_never_costs_less(pricing: Pricing, units: Used, name: str, more: Decimal) -> None:
    dearer = replace(pricing, **{name: (getattr(pricing, name) or Decimal(0)) + more})
    if name in PARTS_OF_THE_PROMPT and getattr(pricing, name) is None:
        return  # a price of its own where there was none may be lower
    assert dearer.cost_cents(units) >= pricing.cost_cents(units)


@pytest.mark.parametrize(
    ("pricing", "units", "cents"),
    [
        (Pricing(input_per_million_tokens=Decimal("2.5")), Used(prompt_tokens=1_000_000), "250"),
        (Pricing(input_per_million_tokens=Decimal("0.15")), Used(prompt_tokens=1), "0.000015"),
        (
            Pricing(input_per_million_tokens=Decimal("0.00000013"), output_per_million_tokens=Decimal(0)),
            Used(prompt_tokens=1, completion_tokens=1),
            "0.000000000013",
        ),
        (Pricing(price_per_image=Decimal("0.042")), Used(images=3), "12.6"),
        (Pricing(price_per_second=Decimal("0.0001")), Used(seconds=Decimal("12.345")), "0.12345"),
        (Pricing(price_per_million_characters=Decimal(15)), Used(characters=2), "0.003"),
        (Pricing(price_per_document=Decimal("0.00001")), Used(documents=7), "0.007"),
        (Pricing(price_per_search=Decimal("0.002")), Used(searches=2), "0.4"),
        (Pricing(price_per_request=Decimal("0.08")), Used(), "8"),
        (Pricing(), Used(prompt_tokens=5, images=1), "0"),
        (
            Pricing(
                input_per_million_tokens=Decimal("98765432.123456789123"), price_per_image=Decimal("0.000000000001")
            ),
            Used(prompt_tokens=987_654_321, images=1),
            "9754610580216.4303234117750483",
        ),
    ],
)
def test_each_unit_has_its_price(pricing: Pricing, units: Used, cents: str) -> None:
    assert pricing.cost_cents(units) == Decimal(cents)


def test_cached_tokens_are_part_of_the_prompt_and_cost_their_own_price() -> None:
    units = Used(prompt_tokens=1_000_000, cached_tokens=400_000)
    own = Pricing(input_per_million_tokens=Decimal(10), cached_input_per_million_tokens=Decimal(1))
    assert own.cost_cents(units) == 640
    assert Pricing(input_per_million_tokens=Decimal(10)).cost_cents(units) == 1000
    free = replace(own, cached_input_per_million_tokens=Decimal(0))
    assert free.cost_cents(units) == 600


def test_tokens_written_to_a_cache_are_part_of_the_prompt_and_cost_their_own_price() -> None:
    units = Used(prompt_tokens=1_000_000, cached_tokens=200_000, cache_write_tokens=400_000)
    own = Pricing(
        input_per_million_tokens=Decimal(4),
        cached_input_per_million_tokens=Decimal(1),
        cache_write_input_per_million_tokens=Decimal(5),
    )
    assert own.cost_cents(units) == 160 + 20 + 200
    assert replace(own, cache_write_input_per_million_tokens=None).cost_cents(units) == 160 + 20 + 160
    garbled = replace(units, cache_write_tokens=5_000_000)
    assert own.cost_cents(garbled) == 20 + 400  # no more than the prompt has


@given(pricings, used, st.decimals(0, 101, places=4))
def test_what_a_call_is_charged_by_times_its_units_is_its_cost_exactly(
    pricing: Pricing, units: Used, share: Decimal
) -> None:
    charged = pricing.times(share)
    assert Pricing(**charged.stated()).cost_cents(units) == charged.cost_cents(units)
    with localcontext() as context:
        context.prec = 120
        assert charged.cost_cents(units) == share * pricing.cost_cents(units)


def test_a_free_part_of_the_prompt_is_stated_with_its_zero_and_nothing_else_is() -> None:
    free_cache = Pricing(
        input_per_million_tokens=Decimal(2),
        cached_input_per_million_tokens=Decimal(0),
        output_per_million_tokens=Decimal(0),
    )
    assert free_cache.stated() == {
        "input_per_million_tokens": 2,
        "cached_input_per_million_tokens": 0,
        "cache_write_input_per_million_tokens": 2,
    }
    assert free_cache.times(Decimal(0)).stated() == {}


@pytest.mark.parametrize("name", PRICE_FIELDS)
def test_every_kind_of_unit_is_charged_by_the_rate_that_is_stated(name: str) -> None:
    rate, units = Decimal("1.25"), Used(3_000_000, 1_000_000, 1_000_000, 10**6, 1, Decimal(1), 10**6, 1, 1)
    charged = Pricing(**{name: rate}).times(Decimal("0.5")).stated()
    parts = {"input_per_million_tokens": 3}  # what has no rate of its own costs a token
    assert charged[name] == rate / 2
    assert Pricing(**charged).cost_cents(units) == 100 * parts.get(name, 1) * rate / 2


def test_more_cached_tokens_than_the_prompt_has_are_not_billed() -> None:
    pricing = Pricing(input_per_million_tokens=Decimal(10), cached_input_per_million_tokens=Decimal(1))
    assert pricing.cost_cents(Used(prompt_tokens=100, cached_tokens=500)) == pricing.cost_cents(
        Used(prompt_tokens=100, cached_tokens=100)
    )


def test_a_price_is_known_where_any_field_is_even_zero() -> None:
    assert not Pricing().known
    assert all(Pricing(**{name: Decimal(0)}).known for name in PRICE_FIELDS)


def test_units_prices_and_nominal_requests_are_in_one_order() -> None:
    """One unit of each kind, with a price that only its own field has, gives exactly that price."""
    one_of_each = {
        "input_per_million_tokens": Used(prompt_tokens=1_000_000),
        "cached_input_per_million_tokens": Used(prompt_tokens=1_000_000, cached_tokens=1_000_000),
        "cache_write_input_per_million_tokens": Used(prompt_tokens=1_000_000, cache_write_tokens=1_000_000),
        "output_per_million_tokens": Used(completion_tokens=1_000_000),
        "price_per_image": Used(images=1),
        "price_per_second": Used(seconds=Decimal(1)),
        "price_per_million_characters": Used(characters=1_000_000),
        "price_per_document": Used(documents=1),
        "price_per_search": Used(searches=1),
        "price_per_request": Used(),
    }
    assert list(one_of_each) == list(PRICE_FIELDS) == [f.name for f in fields(Pricing)]
    for position, (name, units) in enumerate(one_of_each.items()):
        expected = [int(i == position or i == len(PRICE_FIELDS) - 1) for i in range(len(PRICE_FIELDS))]
        assert list(unit_vector(units)) == expected
        assert Pricing(**{name: Decimal(3)}).rates()[position] == 3
    for task_type, nominal in NOMINAL_UNITS.items():
        assert len(nominal) == len(PRICE_FIELDS)
        for group in PRICED_BY[task_type]:  # else a model priced so would look free
            assert all(nominal[PRICE_FIELDS.index(name)] > 0 for name in group)
    assert NOMINAL_UNITS.keys() == PRICED_BY.keys() == TASK_TYPES.keys()


@given(pricings, used)
def test_floats_agree_with_the_exact_cost_to_twelve_digits(pricing: Pricing, units: Used) -> None:
    """Ranking estimates in floats what settlement charges in decimals."""
    estimate = np.dot([float(r) for r in pricing.rates()], [float(n) for n in unit_vector(units)])
    assert estimate == pytest.approx(float(pricing.cost_cents(units)) / 100, rel=1e-12, abs=1e-18)
