"""What is known at the moment: endpoints that fail are avoided, and a conversation stays where its cache is."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greatrouter_ranking.constraints import Constraints
from greatrouter_ranking.live import Live
from greatrouter_ranking.ranker import STAYING, Choice, Optimization, Ranking, Why
from tests.ranking.made_up import Endpoint, asked, ranker, tokens

MODELS = ("ada", "bob", "cy", "dee")
rates = st.sampled_from((0.0, 0.1, 1.0, 1.0, 15.0))
endpoints = st.builds(
    Endpoint, model=st.sampled_from(MODELS), provider=st.sampled_from(("one", "two")), prices=rates.map(tokens)
)
catalogs = st.lists(endpoints, min_size=1, max_size=8).map(tuple)
abilities = st.fixed_dictionaries(dict.fromkeys(MODELS, st.floats(-2, 2)))
optimizations = st.sampled_from(Optimization)


def sick(rows: int, penalties: dict[int, float]) -> Live:
    known = Live.unknown(rows)
    for row, penalty in penalties.items():
        known.penalty[row] = penalty
    return known


@settings(deadline=None)
@given(catalogs, abilities, optimizations, st.data())
def test_the_model_of_an_endpoint_that_fails_never_ranks_higher(
    catalog: tuple[Endpoint, ...], ability: dict[str, float], optimization: Optimization, data: st.DataObject
) -> None:
    judge, row = ranker(catalog, ability), data.draw(st.integers(0, len(catalog) - 1))
    failing = sick(len(catalog), {row: data.draw(st.floats(0, 1))})

    def place(ranking: Ranking) -> int:
        return [catalog[choice.row].model for choice in ranking.choices].index(catalog[row].model)

    healthy, now = judge.rank(asked(), optimization, 9), judge.rank(asked(), optimization, 9, live=failing)
    assert place(now) >= place(healthy)
    assert len(now.choices) == len(healthy.choices)


@settings(deadline=None)
@given(catalogs, abilities, optimizations)
def test_where_nothing_is_known_nothing_changes(
    catalog: tuple[Endpoint, ...], ability: dict[str, float], optimization: Optimization
) -> None:
    judge = ranker(catalog, ability)

    known = judge.rank(asked(), optimization, 9, live=Live.unknown(len(catalog)))
    assert known == judge.rank(asked(), optimization, 9)


@pytest.mark.parametrize("optimization", list(Optimization))
def test_a_failing_endpoint_hands_over_to_the_models_next_one(optimization: Optimization) -> None:
    catalog = [Endpoint("ada", "one", tokens(1)), Endpoint("ada", "two", tokens(1.01))]
    judge = ranker(catalog)

    def rows(known: Live) -> list[int]:
        ranking = judge.rank(asked(), optimization, 5, Constraints(rows=(0, 1)), known)
        return [choice.row for choice in ranking.endpoints]

    assert rows(sick(2, {})) == [0, 1]
    assert rows(sick(2, {0: 0.3})) == [1, 0]
    assert rows(sick(2, {0: 1.0, 1: 1.0})) == [0, 1]


def test_a_failing_endpoint_is_still_worth_it_where_all_else_is_much_worse() -> None:
    catalog = [Endpoint("ada", "one", tokens(1)), Endpoint("bob", "one", tokens(1))]
    judge = ranker(catalog, {"ada": 2.0, "bob": -2.0})

    assert judge.rank(asked(), Optimization.BALANCED, 1, live=sick(2, {0: 0.1})).choices[0].row == 0


# -- staying ---------------------------------------------------------------------------------------------------------


def cached(rate: float, cached_rate: float) -> dict[str, float]:
    return {**tokens(rate), "cached_input_per_million_tokens": cached_rate}


@settings(deadline=None)
@given(catalogs, abilities, optimizations, st.data())
def test_an_incumbent_never_ranks_lower_and_its_margin_is_all_it_gains(
    catalog: tuple[Endpoint, ...], ability: dict[str, float], optimization: Optimization, data: st.DataObject
) -> None:
    judge, row = ranker(catalog, ability), data.draw(st.integers(0, len(catalog) - 1))
    before = judge.rank(asked(), optimization, 9)
    after = judge.rank(asked(), optimization, 9, Constraints(incumbent=row))

    def scores(ranking: Ranking) -> dict[str, float]:
        return {catalog[choice.row].model: choice.score for choice in ranking.choices}

    model = catalog[row].model
    old, new = scores(before), scores(after)
    assert list(new).index(model) <= list(old).index(model)
    assert old[model] <= new[model] + 1e-6
    assert new[model] <= old[model] + STAYING + 1e-6
    assert {m: s for m, s in new.items() if m != model} == pytest.approx(
        {m: s for m, s in old.items() if m != model}, abs=1e-6
    )


def first(ability: dict[str, float], constraints: Constraints, prices: tuple[float, float] = (1, 1)) -> Choice:
    catalog = [Endpoint("ada", "one", cached(prices[0], prices[0] / 10)), Endpoint("bob", "two", tokens(prices[1]))]
    return ranker(catalog, ability).rank(asked(), Optimization.BALANCED, 1, constraints).choices[0]


def test_a_conversation_stays_unless_another_model_is_clearly_better() -> None:
    stays = Constraints(incumbent=0, cached_tokens=900)

    assert first({"bob": 0.05}, Constraints()).row == 1
    assert first({"bob": 0.05}, stays).row == 0
    assert first({"bob": 0.05}, stays).why is Why.STAYS
    assert first({"bob": 1.0}, stays).row == 1
    assert first({"bob": 1.0}, stays).why is Why.BEST


def test_what_the_cache_holds_is_estimated_at_its_own_price() -> None:
    full = (1_000 * 1 + 1_000 * 1) / 1e6

    assert first({}, Constraints(incumbent=0)).cost_dollars == pytest.approx(full)
    assert first({}, Constraints(incumbent=0, cached_tokens=500)).cost_dollars == pytest.approx(full - 500 * 0.9 / 1e6)
    assert first({}, Constraints(incumbent=0, cached_tokens=9_999)).cost_dollars == pytest.approx(full - 900 / 1e6)
    assert first({}, Constraints(incumbent=0, cached_tokens=-5)).cost_dollars == pytest.approx(full)
    assert first({"bob": 1.0}, Constraints(incumbent=0, cached_tokens=900)).cost_dollars == pytest.approx(full)


@pytest.mark.parametrize("row", [99, -1, None])
def test_an_incumbent_that_is_no_candidate_changes_nothing(row: int | None) -> None:
    assert first({}, Constraints(incumbent=row, cached_tokens=900)) == first({}, Constraints())


def test_an_incumbent_that_is_filtered_out_does_not_come_back() -> None:
    assert first({}, Constraints(incumbent=0, cached_tokens=900, excluded_providers=("one",))).row == 1


def test_staying_is_a_matter_of_the_endpoint_that_holds_the_cache() -> None:
    catalog = [Endpoint("ada", "one", tokens(1)), Endpoint("ada", "two", tokens(1.05))]
    judge = ranker(catalog)

    assert judge.rank(asked(), Optimization.BALANCED, 1, Constraints(incumbent=1)).choices[0].row == 1
    assert judge.rank(asked(), Optimization.BALANCED, 1, Constraints(incumbent=0)).choices[0].row == 0


def test_an_incumbent_that_fails_is_left() -> None:
    judge = ranker([Endpoint("ada", "one", tokens(1)), Endpoint("bob", "one", tokens(1))])
    constraints = Constraints(incumbent=0)

    assert judge.rank(asked(), Optimization.BALANCED, 1, constraints, sick(2, {0: 0.01})).choices[0].row == 0
    assert judge.rank(asked(), Optimization.BALANCED, 1, constraints, sick(2, {0: 0.3})).choices[0].row == 1


def test_asking_changes_nothing_that_was_handed_in() -> None:
    known = sick(2, {0: 0.5})
    kept = replace(known, penalty=known.penalty.copy())
    judge = ranker([Endpoint("ada", "one", tokens(1)), Endpoint("bob", "one", tokens(1))])
    judge.rank(asked(), Optimization.BALANCED, 2, Constraints(incumbent=0, preferred_providers=("one",)), known)

    assert np.array_equal(known.penalty, kept.penalty)
