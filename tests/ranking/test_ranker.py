"""The ranker over small made-up catalogs: against a naive ranking, its invariants, and every filter."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greatrouter_catalog.arrays import CAPABILITIES, MODALITIES, TASKS, mask
from greatrouter_classifier.classification import Task
from greatrouter_ranking.constraints import Constraints, Included
from greatrouter_ranking.profile import Profile
from greatrouter_ranking.ranker import POINTS_PER_DECADE, Choice, Optimization, Ranker, Ranking, Why
from tests.ranking.made_up import Endpoint, abilities, arrays, asked, ranker, tokens

MODELS = ("ada", "bob", "cy", "dee", "eve", "fay")
PROVIDERS = ("host", "maker", "other")
OPTIMIZATIONS = tuple(Optimization)


@dataclass(frozen=True)
class Market:
    """A made-up catalog, how able its models are, and what is asked of it."""

    endpoints: tuple[Endpoint, ...]
    ability: dict[str, float]
    profile: Profile
    constraints: Constraints

    def rank(self, optimization: Optimization, limit: int = 100) -> Ranking:
        return ranker(self.endpoints, self.ability).rank(self.profile, optimization, limit, self.constraints)

    def models(self, ranking: Ranking) -> list[str]:
        return [self.endpoints[choice.row].model for choice in ranking.choices]

    def cost(self, endpoint: Endpoint) -> float:
        rates = (endpoint.prices["input_per_million_tokens"], endpoint.prices["output_per_million_tokens"])
        return (rates[0] * 1_000 + rates[1] * 1_000) / 1e6

    def passes(self, row: int) -> bool:
        """Every filter but the budget, one endpoint at a time."""
        e, c, needed = self.endpoints[row], self.constraints, self.profile
        return (
            (e.reachable and (e.routable or (c.rows is not None and self.cost(e) > 0)))
            and needed.task.value in e.tasks
            and (c.rows is None or row in c.rows)
            and row not in c.excluded_rows
            and (not c.providers or e.provider in c.providers)
            and e.provider not in c.excluded_providers
            and mask(e.capabilities, CAPABILITIES) & needed.capabilities == needed.capabilities
            and (e.context or 8_192) >= needed.tokens
        )

    def passing(self) -> list[int]:
        budget = self.constraints.budget_dollars
        rows = [row for row in range(len(self.endpoints)) if self.passes(row)]
        return [r for r in rows if budget is None or self.cost(self.endpoints[r]) <= budget + 1e-10]

    def quality(self, model: str) -> float:
        difficulty = -2.2 + 3.6 * self.profile.complexity
        return 1 / (1 + math.exp(-1.7 * (self.ability[model] - difficulty)))

    def utility(self, row: int, optimization: Optimization) -> float:
        e = self.endpoints[row]
        return self.quality(e.model) - POINTS_PER_DECADE[optimization] * math.log10(1 + self.cost(e) / 1e-5)


rates = st.sampled_from((0.0, 0.02, 0.1, 0.5, 0.55, 3.0, 15.0, 90.0)) | st.floats(0, 200)


@st.composite
def endpoints(draw: st.DrawFn) -> Endpoint:
    return Endpoint(
        model=draw(st.sampled_from(MODELS)),
        provider=draw(st.sampled_from(PROVIDERS)),
        prices={"input_per_million_tokens": draw(rates), "output_per_million_tokens": draw(rates)},
        tasks=draw(st.sampled_from((("text",), ("text", "code"), ("image",)))),
        capabilities=draw(st.sampled_from(((), ("function_calling",), ("function_calling", "reasoning")))),
        context=draw(st.sampled_from((0, 1_000, 8_192, 200_000))),
        routable=draw(st.sampled_from((True, True, True, False))),
        reachable=draw(st.sampled_from((True, True, True, False))),
    )


@st.composite
def constraints(draw: st.DrawFn, rows: int) -> Constraints:
    some_rows = st.lists(st.integers(0, rows - 1), max_size=rows) if rows else st.just([])
    some_providers = st.lists(st.sampled_from((*PROVIDERS, "unheard-of")), max_size=2)
    return Constraints(
        budget_dollars=draw(st.none() | st.floats(0, 0.1)),
        providers=draw(st.just([]) | some_providers),
        excluded_providers=draw(st.just([]) | some_providers),
        rows=draw(st.none() | some_rows),
        excluded_rows=draw(st.just([]) | some_rows),
    )


@st.composite
def markets(draw: st.DrawFn, *, constrained: bool = True) -> Market:
    catalog = tuple(draw(st.lists(endpoints(), max_size=14)))
    ability = {model: draw(st.floats(-3, 3)) for model in MODELS}
    needs = asked(
        draw(st.sampled_from((Task.TEXT, Task.CODE))),
        draw(st.floats(0, 1)),
        tokens=draw(st.sampled_from((0, 900, 8_192, 100_000))) if constrained else 0,
        capabilities=draw(st.sampled_from((0, mask(["function_calling"], CAPABILITIES)))) if constrained else 0,
    )
    return Market(catalog, ability, needs, draw(constraints(len(catalog))) if constrained else Constraints())


@settings(deadline=None)
@given(markets(), st.sampled_from(OPTIMIZATIONS))
def test_it_ranks_as_a_naive_ranking_does(market: Market, optimization: Optimization) -> None:
    best: dict[str, int] = {}
    for row in market.passing():
        model = market.endpoints[row].model
        if model not in best or market.cost(market.endpoints[row]) < market.cost(market.endpoints[best[model]]):
            best[model] = row
    expected = sorted((market.utility(row, optimization) for row in best.values()), reverse=True)

    choices = market.rank(optimization).choices

    assert {market.endpoints[c.row].model for c in choices} == set(best)
    assert [market.utility(c.row, optimization) for c in choices] == pytest.approx(expected, abs=1e-12)
    for choice in choices:
        model = market.endpoints[choice.row].model
        assert choice.cost_dollars == pytest.approx(market.cost(market.endpoints[best[model]]), abs=1e-15)
        assert choice.quality == pytest.approx(market.quality(model), abs=1e-6)


@settings(deadline=None)
@given(markets(), st.sampled_from(OPTIMIZATIONS), st.integers(1, 8))
def test_choices_are_permitted_distinct_sorted_and_as_many_as_there_are(
    market: Market, optimization: Optimization, limit: int
) -> None:
    ranking = market.rank(optimization, limit)
    models = market.models(ranking)

    assert {choice.row for choice in ranking.choices} <= set(market.passing())
    assert len(set(models)) == len(models)
    assert len(models) == min(limit, len({market.endpoints[row].model for row in market.passing()}))
    scores = [choice.score for choice in ranking.choices]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert all(math.isfinite(value) for c in ranking.choices for value in (c.score, c.quality, c.cost_dollars))


@settings(deadline=None)
@given(markets(), st.sampled_from(OPTIMIZATIONS), st.integers(1, 5))
def test_a_shorter_list_is_the_beginning_of_a_longer_one(
    market: Market, optimization: Optimization, limit: int
) -> None:
    assert market.rank(optimization, limit).choices == market.rank(optimization).choices[:limit]


@settings(deadline=None)
@given(markets(), st.sampled_from(OPTIMIZATIONS))
def test_same_inputs_same_answer(market: Market, optimization: Optimization) -> None:
    judge = ranker(market.endpoints, market.ability)
    first = judge.rank(market.profile, optimization, 5, market.constraints)

    judge.rank(asked(complexity=0.9), Optimization.PRICE, 3)

    assert judge.rank(market.profile, optimization, 5, market.constraints) == first
    assert market.rank(optimization, 5) == first


@settings(deadline=None)
@given(markets(constrained=False), st.sampled_from(OPTIMIZATIONS), st.randoms(use_true_random=False))
def test_the_order_of_the_catalogs_rows_does_not_matter(
    market: Market, optimization: Optimization, random: object
) -> None:
    order = list(range(len(market.endpoints)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = replace(market, endpoints=tuple(market.endpoints[i] for i in order))

    def told(m: Market) -> list[tuple[str, str, Choice]]:
        choices = m.rank(optimization).choices
        return [(m.endpoints[c.row].model, m.endpoints[c.row].provider, replace(c, row=0)) for c in choices]

    assert told(shuffled) == told(market)


@settings(deadline=None)
@given(markets(), st.sampled_from(OPTIMIZATIONS), st.sampled_from(MODELS), st.floats(0, 0.95))
def test_a_cheaper_model_never_ranks_lower(
    market: Market, optimization: Optimization, model: str, factor: float
) -> None:
    unbudgeted = replace(market, constraints=replace(market.constraints, budget_dollars=None, rows=None))
    cheaper = replace(
        unbudgeted,
        endpoints=tuple(
            replace(e, prices={name: rate * factor for name, rate in e.prices.items()}) if e.model == model else e
            for e in market.endpoints
        ),
    )
    before, after = (m.models(m.rank(optimization)) for m in (unbudgeted, cheaper))

    assert (model in after) == (model in before)
    if model in before:
        assert after.index(model) <= before.index(model)


@settings(deadline=None)
@given(markets(), st.sampled_from(OPTIMIZATIONS), st.sampled_from(MODELS), st.floats(0.01, 4))
def test_an_abler_model_never_ranks_lower(market: Market, optimization: Optimization, model: str, more: float) -> None:
    abler = replace(market, ability=market.ability | {model: market.ability[model] + more})
    before, after = (m.models(m.rank(optimization)) for m in (market, abler))

    assert (model in after) == (model in before)
    if model in before:
        assert after.index(model) <= before.index(model)


@settings(deadline=None)
@given(markets(), st.sampled_from(OPTIMIZATIONS), st.integers(2, 5))
def test_a_chain_never_hangs_on_one_provider_where_another_could_help(
    market: Market, optimization: Optimization, limit: int
) -> None:
    ranking = market.rank(optimization, limit)
    tried, best = ranking.endpoints, ranking.choices
    if market.constraints.rows is not None or not tried:
        return

    def providers(rows: Iterable[int]) -> set[str]:
        return {market.endpoints[row].provider for row in rows}

    there = providers(market.passing())
    assert {choice.row for choice in tried} <= set(market.passing())
    assert tried[:-1] == best[: len(tried) - 1]
    assert len(tried) <= limit
    assert len(providers(choice.row for choice in tried)) >= min(2, len(there))
    if tried[-1] not in best:
        first = market.endpoints[best[0].row].provider
        elsewhere = [row for row in market.passing() if market.endpoints[row].provider != first]
        most = max(market.utility(row, optimization) for row in elsewhere)
        assert market.utility(tried[-1].row, optimization) == pytest.approx(most, abs=1e-12)
        assert (tried[-1].why, providers(choice.row for choice in best)) == (Why.ELSEWHERE, {first})


@settings(deadline=None)
@given(markets(), st.sampled_from(OPTIMIZATIONS))
def test_every_candidate_is_accounted_for(market: Market, optimization: Optimization) -> None:
    ranking = market.rank(optimization)

    assert ranking.candidates - sum(ranking.rejected.values()) == len(market.passing())
    assert all(count > 0 for count in ranking.rejected.values())
    assert bool(ranking.choices) == bool(market.passing())


@settings(deadline=None)
@given(markets())
def test_the_comparison_is_over_what_passed(market: Market) -> None:
    ranking = market.rank(Optimization.BALANCED)
    rows = market.passing()
    if not rows:
        assert ranking.comparison is None
        return
    found = ranking.comparison
    assert found is not None
    assert {found.cheapest, found.best_value, found.best_quality} <= set(rows)
    cost = {row: market.cost(market.endpoints[row]) for row in rows}
    assert cost[found.cheapest] == min(cost.values())
    assert found.highest_cost_dollars == pytest.approx(max(cost.values()), abs=1e-15)
    best = max(market.quality(market.endpoints[row].model) for row in rows)
    assert market.quality(market.endpoints[found.best_quality].model) == pytest.approx(best, abs=1e-12)
    assert found.best_value == ranking.choices[0].row


@settings(deadline=None)
@given(markets(), st.lists(st.sampled_from((*PROVIDERS, "unheard-of")), max_size=2), st.sampled_from(OPTIMIZATIONS))
def test_a_preference_turns_nobody_away(market: Market, preferred: list[str], optimization: Optimization) -> None:
    preferring = replace(market, constraints=replace(market.constraints, preferred_providers=preferred))
    ranking = preferring.rank(optimization)

    assert set(market.models(ranking)) == set(market.models(market.rank(optimization)))
    scores = [choice.score for choice in ranking.choices]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


@pytest.mark.parametrize("optimization", OPTIMIZATIONS)
@settings(deadline=None)
@given(st.floats(0, 1), st.floats(0.001, 100), st.floats(-3, 1), st.floats(0.02, 1))
def test_two_points_of_quality_are_worth_a_tenth_of_the_price(
    optimization: Optimization, complexity: float, price: float, ability: float, better: float
) -> None:
    catalog = [Endpoint("ada", prices=tokens(price)), Endpoint("bob", prices=tokens(1.1 * price))]
    ranking = ranker(catalog, {"ada": ability, "bob": ability + 4 * better}).rank(
        asked(complexity=complexity), optimization, 2
    )
    quality = {choice.row: choice.quality for choice in ranking.choices}

    if quality[1] >= quality[0] + 0.02:
        assert ranking.choices[0].row == 1


# -- the budget ------------------------------------------------------------------------------------------------------


def ladder() -> Ranker:
    """Four models from free to dear: $0, $0.002, $0.02 and $0.2 a request."""
    return ranker([Endpoint(model=f"m{i}", prices=tokens(rate)) for i, rate in enumerate((0, 1, 10, 100))])


@pytest.mark.parametrize(("budget", "expected"), [(0.2, 4), (0.1999, 3), (0.02, 3), (0.002, 2), (0.0019, 1), (0, 1)])
def test_the_budget_cuts_exactly(budget: float, expected: int) -> None:
    ranking = ladder().rank(asked(), Optimization.OUTPUT, 10, Constraints(budget_dollars=budget))

    assert len(ranking.choices) == expected
    assert ranking.rejected == ({"budget": 4 - expected} if expected < 4 else {})
    assert ranking.cheapest_cost_dollars is None


def test_a_free_model_is_not_blocked_by_a_budget_of_nothing() -> None:
    ranking = ladder().rank(asked(), Optimization.BALANCED, 10, Constraints(budget_dollars=0))

    assert [choice.cost_dollars for choice in ranking.choices] == [0]


@settings(deadline=None)
@given(st.floats(0.001, 1000), st.floats(0.001, 1000))
def test_what_is_told_as_the_cheapest_estimate_suffices_as_a_budget(first: float, second: float) -> None:
    judge = ranker([Endpoint("ada", prices=tokens(first)), Endpoint("bob", prices=tokens(second))])
    refused = judge.rank(asked(), Optimization.BALANCED, 5, Constraints(budget_dollars=0))
    assert not refused.choices
    assert refused.rejected == {"budget": 2}
    assert refused.cheapest_cost_dollars is not None
    told = round(refused.cheapest_cost_dollars, 10)

    again = judge.rank(asked(), Optimization.BALANCED, 5, Constraints(budget_dollars=told))

    assert again.choices


@pytest.mark.parametrize("budget", [-1, math.nan, -math.inf])
def test_a_budget_that_is_none_leaves_nothing(budget: float) -> None:
    ranking = ladder().rank(asked(), Optimization.BALANCED, 5, Constraints(budget_dollars=budget))

    assert ranking.choices == ()
    assert ranking.cheapest_cost_dollars == 0


# -- filters ---------------------------------------------------------------------------------------------------------

CATALOG = (
    Endpoint("plain", "host", tokens(1), family="llm/maker--plain", tier="economy", context=4_000, max_output=1_000),
    Endpoint("tools", "maker", tokens(2), family="llm/maker--tools", tier="standard", context=32_000,
             capabilities=("function_calling",), max_output=8_000),
    Endpoint("eyes", "maker", tokens(3), family="llm-vision/maker--eyes", tier="flagship", context=200_000,
             inputs=("text", "image"), capabilities=("function_calling", "vision")),
    Endpoint("modest", "other", tokens(4), family="llm/other--modest", capabilities=("vision",)),
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "constraints", "needs", "left"),
    [
        ("provider", Constraints(providers=("maker",)), {}, {"tools", "eyes"}),
        ("provider", Constraints(providers=("unheard-of",)), {}, set()),
        ("excluded_provider", Constraints(excluded_providers=("maker", "unheard-of")), {}, {"plain", "modest"}),
        ("taxonomy", Constraints(taxonomy="llm"), {}, {"plain", "tools", "modest"}),
        ("taxonomy", Constraints(taxonomy="ll"), {}, set()),
        ("catalog_family", Constraints(family="llm/maker--tools"), {}, {"tools"}),
        ("catalog_family", Constraints(family="llm/maker"), {}, set()),
        ("price_tier", Constraints(max_tier=1), {}, {"plain", "tools", "modest"}),  # `modest` has no tier
        ("model", Constraints(rows=(0, 3)), {}, {"plain", "modest"}),
        ("excluded_model", Constraints(excluded_rows=(0, 1)), {}, {"eyes", "modest"}),
        ("plan", Constraints(included=Included(np.array([False, True, True, False]))), {}, {"tools", "eyes"}),
        ("input_modalities", Constraints(), {"inputs": mask(["image"], MODALITIES)}, {"eyes", "modest"}),
        ("output_modality", Constraints(), {"output": mask(["audio"], MODALITIES)}, set()),
        ("capabilities", Constraints(), {"capabilities": mask(["function_calling"], CAPABILITIES)}, {"tools", "eyes"}),
        ("context_window", Constraints(), {"tokens": 4_001}, {"tools", "eyes", "modest"}),
        ("context_window", Constraints(), {"tokens": 8_193}, {"tools", "eyes"}),  # unknown counts as 8,192
        ("max_output", Constraints(), {"max_output": 1_001}, {"tools", "eyes", "modest"}),
    ],
)
def test_each_filter(name: str, constraints: Constraints, needs: dict[str, Any], left: set[str]) -> None:
    ranking = ranker(CATALOG).rank(asked(**needs), Optimization.BALANCED, 10, constraints)

    assert {CATALOG[choice.row].model for choice in ranking.choices} == left
    assert dict(ranking.rejected) == ({} if name == "model" else {name: 4 - len(left)})
    assert ranking.candidates == (2 if name == "model" else 4)


@pytest.mark.parametrize(
    ("constraints", "needs"),
    [
        (Constraints(taxonomy="llm"), {}),
        (Constraints(max_tier=4), {}),
        (Constraints(providers=("maker", "host", "other")), {}),
        (Constraints(), {"tokens": 4_000, "max_output": 1_000}),
    ],
)
def test_a_filter_that_turns_nobody_away_is_not_reported(constraints: Constraints, needs: dict[str, Any]) -> None:
    catalog = [e for e in CATALOG if e.model != "eyes"]

    assert ranker(catalog).rank(asked(**needs), Optimization.BALANCED, 10, constraints).rejected == {}


def test_a_rejection_is_reported_once_at_the_first_filter() -> None:
    blind_host = Constraints(excluded_providers=("host",), max_tier=1)
    ranking = ranker(CATALOG).rank(asked(inputs=mask(["image"], MODALITIES)), Optimization.BALANCED, 10, blind_host)

    assert dict(ranking.rejected) == {"excluded_provider": 1, "price_tier": 1, "input_modalities": 1}
    assert list(ranking.rejected) == ["excluded_provider", "price_tier", "input_modalities"]


def test_a_model_asked_for_by_name_may_be_a_long_tail_one() -> None:
    old = Endpoint("old", prices=tokens(1), routable=False)
    judge = ranker([old, Endpoint("new", prices=tokens(1))])

    assert [c.row for c in judge.rank(asked(), Optimization.BALANCED, 5).choices] == [1]
    assert [c.row for c in judge.rank(asked(), Optimization.BALANCED, 5, Constraints(rows=(0,))).choices] == [0]


@pytest.mark.parametrize(
    "named",
    [
        Endpoint("named", prices=tokens(1), reachable=False),
        Endpoint("named", prices=tokens(1), tasks=("image",)),
        Endpoint("named", prices={}, routable=False),  # no price is known: it would be served for nothing
    ],
)
def test_a_model_asked_for_by_name_must_still_be_reachable_priced_and_do_the_task(named: Endpoint) -> None:
    ranking = ranker([named]).rank(asked(), Optimization.BALANCED, 5, Constraints(rows=(0,)))

    assert ranking.choices == ()
    assert dict(ranking.rejected) == {"model": 1}
    assert ranking.candidates == 1


# -- single cases ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", list(Task))
def test_an_empty_catalog_gives_an_empty_ranking(task: Task) -> None:
    for constraints in (None, Constraints(rows=()), Constraints(budget_dollars=1, taxonomy="llm", providers=("x",))):
        ranking = ranker([]).rank(asked(task), Optimization.BALANCED, 5, constraints)

        assert ranking == Ranking((), None, 0)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_of_nothing_gives_nothing(limit: int) -> None:
    assert ladder().rank(asked(), Optimization.BALANCED, limit).choices == ()


def test_equals_are_told_by_name_and_no_more_than_asked_for() -> None:
    catalog = [Endpoint(model, prices=tokens(1)) for model in reversed(MODELS)]
    choices = ranker(catalog).rank(asked(), Optimization.BALANCED, 3).choices

    assert [catalog[choice.row].model for choice in choices] == ["ada", "bob", "cy"]


def test_the_cheapest_of_the_equally_able_is_compared_as_the_best() -> None:
    catalog = [Endpoint("ada", prices=tokens(2)), Endpoint("bob", prices=tokens(1)), Endpoint("cy", prices=tokens(3))]
    comparison = ranker(catalog).rank(asked(), Optimization.OUTPUT, 3).comparison

    assert comparison is not None
    assert (comparison.best_quality, comparison.best_value, comparison.cheapest) == (1, 1, 1)


def test_the_cheapest_estimate_is_of_a_candidate_that_only_the_budget_was_too_low_for() -> None:
    catalog = [Endpoint("ada", "host", tokens(1)), Endpoint("bob", "maker", tokens(2))]
    only_maker = Constraints(budget_dollars=0, providers=("maker",))
    ranking = ranker(catalog).rank(asked(), Optimization.BALANCED, 3, only_maker)

    assert ranking.cheapest_cost_dollars == pytest.approx(0.004)
    assert dict(ranking.rejected) == {"provider": 1, "budget": 1}


def test_every_task_is_ranked_among_its_own_models() -> None:
    catalog = [Endpoint(task, prices=tokens(1), tasks=(task,)) for task in TASKS]
    judge = ranker(catalog)

    for row, task in enumerate(TASKS):
        assert [c.row for c in judge.rank(asked(Task(task)), Optimization.BALANCED, 5).choices] == [row]


def test_the_creators_own_endpoint_is_preferred_at_the_same_price() -> None:
    resellers = [Endpoint("ada", name, tokens(1)) for name in ("zz-reseller", "a-reseller")]
    catalog = [*resellers, Endpoint("ada", "maker", tokens(1))]

    assert ranker(catalog).rank(asked(), Optimization.BALANCED, 1).choices[0].row == 2
    assert ranker(resellers).rank(asked(), Optimization.BALANCED, 1).choices[0].row == 1  # else by name


def test_a_difference_below_the_floor_still_decides_between_endpoints_of_one_model() -> None:
    catalog = [Endpoint("ada", "maker", tokens(1e-5)), Endpoint("ada", "host", tokens(1e-6))]

    assert ranker(catalog).rank(asked(), Optimization.OUTPUT, 1).choices[0].row == 1


def preferred_provider(catalog: Sequence[Endpoint], optimization: Optimization, ability: dict[str, float]) -> str:
    constraints = Constraints(preferred_providers=("maker",))
    choice = ranker(catalog, ability).rank(asked(), optimization, 1, constraints).choices[0]
    return catalog[choice.row].provider


@pytest.mark.parametrize("optimization", OPTIMIZATIONS)
@pytest.mark.parametrize("price", [0.0, 1e-4, 1.0])
def test_a_preferred_provider_wins_at_the_same_price(optimization: Optimization, price: float) -> None:
    one_model = [Endpoint("ada", "host", tokens(price)), Endpoint("ada", "maker", tokens(price))]
    two_models = [Endpoint("ada", "host", tokens(price)), Endpoint("bob", "maker", tokens(price))]

    assert preferred_provider(one_model, optimization, {}) == "maker"
    assert preferred_provider(two_models, optimization, {}) == "maker"


def test_a_preferred_provider_loses_to_a_much_better_model_and_to_a_much_lower_price() -> None:
    better = [Endpoint("ada", "host", tokens(1)), Endpoint("bob", "maker", tokens(1))]
    dearer = [Endpoint("ada", "host", tokens(1)), Endpoint("ada", "maker", tokens(100))]

    assert preferred_provider(better, Optimization.OUTPUT, {"ada": 1.0, "bob": -1.0}) == "host"
    assert preferred_provider(dearer, Optimization.PRICE, {}) == "host"
    assert preferred_provider(dearer, Optimization.OUTPUT, {}) == "maker"


def test_a_search_without_a_listed_fee_is_not_taken_for_free() -> None:
    fee = {"price_per_search": 0.01}
    catalog = [
        Endpoint("listed", prices=tokens(0.1) | fee, tasks=("web_search",)),
        Endpoint("silent", prices=tokens(0.2), tasks=("web_search",)),
        Endpoint("own", prices={}, tasks=("web_search",)),  # given away: one's own server
    ]
    ability = {"listed": 0.5, "silent": 0.5}
    ranking = ranker(catalog, ability).rank(asked(Task.WEB_SEARCH), Optimization.PRICE, 5)

    assert [choice.row for choice in ranking.choices] == [2, 0, 1]
    assert [choice.cost_dollars for choice in ranking.choices] == pytest.approx([0, 0.0102, 0.0004])


def test_seeing_is_a_capability_or_an_input() -> None:
    by_capability = Endpoint("ada", prices=tokens(1), capabilities=("pdf_input",))
    ranking = ranker([by_capability]).rank(asked(inputs=mask(["file"], MODALITIES)), Optimization.BALANCED, 5)

    assert len(ranking.choices) == 1


def test_the_evidence_is_handed_through() -> None:
    table = arrays([Endpoint(prices=tokens(1))])
    measured = abilities(table, {})
    measured.boards[:] = 7

    judge = Ranker(table, measured, np.ones(1, dtype=np.bool_))

    assert judge.rank(asked(), Optimization.BALANCED, 1).choices[0].boards == 7
