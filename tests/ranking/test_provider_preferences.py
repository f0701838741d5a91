"""Provider preferences: what they turn away, and in which order they try the endpoints of one model and of several."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greatrouter_classifier.classification import Task
from greatrouter_ranking.constraints import Constraints
from greatrouter_ranking.live import Live
from greatrouter_ranking.profile import Expected
from greatrouter_ranking.provider_preferences import Cutoffs, MaxPrice, ProviderPreferences, Sort
from greatrouter_ranking.ranker import Choice, Optimization, Ranking, Why
from tests.ranking.made_up import Endpoint, asked, ranker, tokens

MODELS = ("ada", "bob", "cy")
PROVIDERS = ("one", "two", "three", "four")
PRECISIONS = ("unknown", "int4", "fp8", "bf16")
EVERYTHING = 1_000
UNKNOWN = math.nan


@dataclass(frozen=True)
class Market:
    """A made-up catalog with what is known of its endpoints at the moment, and what is wished of them."""

    endpoints: tuple[Endpoint, ...]
    latency: tuple[float, ...]
    rate: tuple[float, ...]
    wished: ProviderPreferences

    @property
    def live(self) -> Live:
        columns = np.array([1.0, 1.5, 2.0, 3.0])
        known = Live.unknown(len(self.endpoints))
        return replace(
            known,
            latency_s=np.array(self.latency, dtype=float).reshape(-1, 1) * columns,
            throughput=np.array(self.rate, dtype=float).reshape(-1, 1) / columns,
        )

    def rank(self, limit: int = EVERYTHING, optimization: Optimization = Optimization.BALANCED) -> Ranking:
        ability = {model: -i / 2 for i, model in enumerate(MODELS)}
        constraints = Constraints(provider=self.wished)
        return ranker(self.endpoints, ability).rank(asked(), optimization, limit, constraints, self.live)

    def passes(self, row: int) -> bool:
        e, w = self.endpoints[row], self.wished
        price = e.prices["input_per_million_tokens"]
        return (
            (w.only is None or e.provider in w.only)
            and e.provider not in w.ignore
            and (w.allow_fallbacks or not w.order or e.provider in w.order)
            and (not w.zero_retention or e.zero_retention)
            and (not w.deny_collection or e.no_collection)
            and (not w.quantizations or e.quantization in w.quantizations)
            and set(w.parameters) <= set(e.parameters)
            and (w.max_price.prompt is None or price <= w.max_price.prompt)
            and (w.max_price.completion is None or price <= w.max_price.completion)
        )

    def late(self, row: int) -> bool:
        slowest, least = self.wished.max_latency_s.p50, self.wished.min_throughput.p50
        return (slowest is not None and self.latency[row] > slowest) or (least is not None and self.rate[row] < least)

    def place(self, row: int) -> int:
        provider = self.endpoints[row].provider
        return self.wished.order.index(provider) if provider in self.wished.order else len(self.wished.order)

    def key(self, choice: Choice) -> float:
        """What the caller's `sort` orders by; unknown comes last."""
        values = {
            Sort.PRICE: choice.cost_dollars,
            Sort.LATENCY: self.latency[choice.row],
            Sort.THROUGHPUT: -self.rate[choice.row],
            Sort.EXACTO: -self.rate[choice.row],  # all are healthy here
        }
        value = values[self.wished.sort_by or Sort.PRICE]
        return math.inf if math.isnan(value) else value


def some(names: tuple[str, ...], **size: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from((*names, "unheard-of")), unique=True, **size).map(tuple)


cutoffs = st.builds(Cutoffs, p50=st.none() | st.sampled_from((0.5, 1.0, 40.0)))
preferences = st.builds(
    ProviderPreferences,
    order=st.just(()) | some(PROVIDERS, max_size=3),
    only=st.none() | some(PROVIDERS, min_size=2),
    ignore=st.just(()) | some(PROVIDERS, max_size=2),
    allow_fallbacks=st.sampled_from((True, True, False)),
    sort_by=st.none() | st.sampled_from(Sort),
    together=st.booleans(),
    max_price=st.builds(MaxPrice, prompt=st.none() | st.sampled_from((0.0, 1.0, 2.0))),
    deny_collection=st.sampled_from((False, False, True)),
    zero_retention=st.sampled_from((False, False, False, True)),
    quantizations=st.just(()) | st.lists(st.sampled_from(PRECISIONS), max_size=3).map(tuple),
    parameters=st.just(()) | st.just(("seed",)),
    max_latency_s=cutoffs,
    min_throughput=cutoffs,
)
endpoints = st.builds(
    Endpoint,
    model=st.sampled_from(MODELS),
    provider=st.sampled_from(PROVIDERS),
    prices=st.sampled_from((0.0, 0.5, 1.0, 1.0, 2.0, 30.0)).map(tokens),
    quantization=st.sampled_from(PRECISIONS),
    no_collection=st.booleans(),
    zero_retention=st.booleans(),
    parameters=st.sampled_from(((), ("seed",), ("seed", "top_k"))),
)
measured = st.sampled_from((UNKNOWN, 0.2, 0.5, 1.0, 1.0, 50.0))


@st.composite
def markets(draw: st.DrawFn, **fixed: Any) -> Market:
    catalog = tuple(draw(st.lists(endpoints, min_size=1, max_size=10)))
    columns = [tuple(draw(st.lists(measured, min_size=len(catalog), max_size=len(catalog)))) for _ in range(2)]
    return Market(catalog, columns[0], columns[1], replace(draw(preferences), **fixed))


def model_of(market: Market, choice: Choice) -> str:
    return market.endpoints[choice.row].model


# -- filters ---------------------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(markets())
def test_hard_filters_turn_away_what_they_say_and_nothing_else_does(market: Market) -> None:
    ranking = market.rank()
    passing = {row for row in range(len(market.endpoints)) if market.passes(row)}

    assert ranking.candidates - sum(ranking.rejected.values()) == len(passing)
    assert {model_of(market, c) for c in ranking.choices} == {market.endpoints[row].model for row in passing}
    tried = {choice.row for choice in ranking.endpoints}
    if market.wished.allow_fallbacks or market.wished.order:
        assert tried == passing
    else:
        assert len(tried) == min(1, len(passing))
        assert tried <= passing


CATALOG = (
    Endpoint("ada", "one", tokens(1) | {"price_per_request": 0.01}, quantization="fp8", parameters=("seed", "tools")),
    Endpoint("ada", "two", tokens(2), no_collection=True, parameters=("seed",)),
    Endpoint("ada", "three", tokens(3), zero_retention=True, no_collection=True),
)


@pytest.mark.parametrize(
    ("name", "wished", "left"),
    [
        ("provider_only", ProviderPreferences(only=("two", "unheard-of")), {"two"}),
        ("provider_only", ProviderPreferences(only=()), set()),
        ("provider_ignore", ProviderPreferences(ignore=("one", "unheard-of")), {"two", "three"}),
        ("provider_order", ProviderPreferences(order=("two", "one"), allow_fallbacks=False), {"one", "two"}),
        ("data_collection", ProviderPreferences(deny_collection=True), {"two", "three"}),
        ("zdr", ProviderPreferences(zero_retention=True), {"three"}),
        ("quantizations", ProviderPreferences(quantizations=("fp8", "bf16")), {"one"}),
        ("quantizations", ProviderPreferences(quantizations=("unknown",)), {"two", "three"}),
        ("require_parameters", ProviderPreferences(parameters=("seed", "not-a-parameter")), {"one", "two"}),
        ("require_parameters", ProviderPreferences(parameters=("seed", "tools")), {"one"}),
        ("max_price", ProviderPreferences(max_price=MaxPrice(prompt=2)), {"one", "two"}),
        ("max_price", ProviderPreferences(max_price=MaxPrice(prompt=2, completion=1)), {"one"}),
        ("max_price", ProviderPreferences(max_price=MaxPrice(request=0)), {"two", "three"}),
        ("max_price", ProviderPreferences(max_price=MaxPrice(prompt=0)), set()),
    ],
)
def test_each_filter(name: str, wished: ProviderPreferences, left: set[str]) -> None:
    ranking = ranker(CATALOG).rank(asked(), Optimization.BALANCED, 10, Constraints(provider=wished))

    assert {CATALOG[choice.row].provider for choice in ranking.endpoints} == left
    assert dict(ranking.rejected) == {name: 3 - len(left)}


def test_a_limit_that_filters_nobody_is_not_reported() -> None:
    generous = ProviderPreferences(max_price=MaxPrice(prompt=3, completion=3, request=1, image=0, audio=0))
    ranking = ranker(CATALOG).rank(asked(), Optimization.BALANCED, 10, Constraints(provider=generous))

    assert ranking.rejected == {}


@pytest.mark.parametrize(("task", "left"), [(Task.SPEECH, 0), (Task.VIDEO, 1)])
def test_the_price_of_audio_is_that_of_a_second_of_it(task: Task, left: int) -> None:
    catalog = [Endpoint("ada", "one", {"price_per_second": 0.02}, tasks=(task.value,))]
    wished = ProviderPreferences(max_price=MaxPrice(audio=0.01))
    ranking = ranker(catalog).rank(asked(task), Optimization.BALANCED, 5, Constraints(provider=wished))

    assert len(ranking.endpoints) == left


@pytest.mark.parametrize(("documents", "limit", "left"), [(1, 0.003, "ab"), (1, 0.002, "b"), (250, 0.007, "a")])
def test_a_request_for_rerank_costs_its_searches_and_documents(documents: int, limit: float, left: str) -> None:
    catalog = [
        Endpoint("a", "one", {"price_per_search": 0.002, "price_per_request": 0.001}, tasks=("rerank",)),
        Endpoint("b", "two", {"price_per_document": 0.002}, tasks=("rerank",)),
    ]
    needs = replace(asked(Task.RERANK), expected=Expected(documents=documents, searches=-(-documents // 100)))
    wished = Constraints(provider=ProviderPreferences(max_price=MaxPrice(request=limit)))
    ranking = ranker(catalog).rank(needs, Optimization.BALANCED, 5, wished)

    assert {catalog[choice.row].model for choice in ranking.endpoints} == set(left)


# -- the order of attempts -------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(markets(), st.integers(0, 6))
def test_attempts_are_distinct_as_many_as_allowed_and_begin_with_the_first_choice(market: Market, limit: int) -> None:
    ranking = market.rank(limit)
    rows = [choice.row for choice in ranking.endpoints]

    assert len(set(rows)) == len(rows) <= limit
    assert len(ranking.choices) <= limit
    assert ranking.endpoints[:1] == ranking.choices[:1]
    models = [model_of(market, choice) for choice in ranking.choices]
    assert len(set(models)) == len(models)
    assert [choice.rank for choice in ranking.choices] == list(range(len(models)))
    for choice in ranking.endpoints:
        assert model_of(market, choice) == models[choice.rank]


@settings(deadline=None)
@given(markets(), st.integers(0, 6))
def test_a_shorter_list_is_the_beginning_of_a_longer_one(market: Market, limit: int) -> None:
    short, long = market.rank(limit), market.rank()

    assert short.choices == long.choices[:limit]
    assert short.endpoints == long.endpoints[:limit]


@settings(deadline=None)
@given(markets())
def test_a_models_choice_is_the_first_of_its_endpoints_to_be_tried(market: Market) -> None:
    ranking = market.rank()
    first: dict[int, Choice] = {}
    for choice in ranking.endpoints:
        first.setdefault(choice.rank, choice)

    assert all(ranking.choices[rank] == choice for rank, choice in first.items())


@settings(deadline=None)
@given(markets(allow_fallbacks=True))
def test_what_misses_a_cutoff_comes_after_all_that_do_not(market: Market) -> None:
    late = [market.late(choice.row) for choice in market.rank().endpoints]

    assert late == sorted(late)


@settings(deadline=None)
@given(markets(together=False, max_latency_s=Cutoffs(), min_throughput=Cutoffs()))
def test_a_models_endpoints_follow_each_other_in_the_order_wished_for(market: Market) -> None:
    ranking = market.rank()
    ranks = [choice.rank for choice in ranking.endpoints]
    assert ranks == sorted(ranks)
    for rank in set(ranks):
        own = [choice for choice in ranking.endpoints if choice.rank == rank]
        by: Callable[[Choice], float] = (lambda c: market.place(c.row)) if market.wished.order else market.key
        assert [by(choice) for choice in own] == sorted(by(choice) for choice in own)


@settings(deadline=None)
@given(markets(order=(), together=True, max_latency_s=Cutoffs(), min_throughput=Cutoffs(), allow_fallbacks=True))
def test_sorted_together_the_endpoints_of_all_models_stand_in_one_order(market: Market) -> None:
    keys = [market.key(choice) for choice in market.rank().endpoints]

    assert keys == sorted(keys)


@settings(deadline=None)
@given(markets(max_latency_s=Cutoffs(), min_throughput=Cutoffs()))
def test_models_at_the_first_provider_named_come_first(market: Market) -> None:
    best: dict[str, int] = {}
    for row in range(len(market.endpoints)):
        if market.passes(row):
            model = market.endpoints[row].model
            best[model] = min(best.get(model, EVERYTHING), market.place(row))
    if market.wished.order:
        places = [best[model_of(market, choice)] for choice in market.rank().choices]
        assert places == sorted(places)


@settings(deadline=None)
@given(markets())
def test_same_wishes_same_answer(market: Market) -> None:
    assert market.rank() == market.rank()


TWO_MODELS = (
    Endpoint("ada", "one", tokens(1)),
    Endpoint("ada", "two", tokens(2)),
    Endpoint("bob", "two", tokens(3)),
    Endpoint("bob", "three", tokens(0.5)),
)
ABILITY = {"ada": 1.0, "bob": 0.0}
NAN = (UNKNOWN,) * 4


def tried(wished: ProviderPreferences, latency: tuple[float, ...] = NAN, limit: int = 10) -> list[int]:
    known = Live.unknown(4)
    known.latency_s[:] = np.array(latency)[:, None]
    constraints = Constraints(provider=wished)
    ranking = ranker(TWO_MODELS, ABILITY).rank(asked(), Optimization.OUTPUT, limit, constraints, known)
    return [choice.row for choice in ranking.endpoints]


@pytest.mark.parametrize(
    ("wished", "rows"),
    [
        (ProviderPreferences(ignore=("nobody",)), [0, 1, 3, 2]),  # each model's endpoints, the cheapest first
        (ProviderPreferences(order=("two", "one")), [1, 0, 2, 3]),
        (ProviderPreferences(order=("three",)), [3, 2, 0, 1]),  # bob is the model that the first provider serves
        (ProviderPreferences(order=("three",), allow_fallbacks=False), [3]),
        (ProviderPreferences(order=("unheard-of",)), [0, 1, 3, 2]),
        (ProviderPreferences(allow_fallbacks=False), [0]),
        (ProviderPreferences(sort_by=Sort.PRICE, together=True), [3, 0, 1, 2]),
        (ProviderPreferences(together=True), [3, 0, 1, 2]),
        (ProviderPreferences(only=("two",)), [1, 2]),
        (ProviderPreferences(order=("two", "one", "two")), [1, 0, 2, 3]),
    ],
)
def test_examples(wished: ProviderPreferences, rows: list[int]) -> None:
    assert tried(wished) == rows


def test_what_is_sorted_together_does_not_depend_on_how_much_is_asked_for() -> None:
    assert tried(ProviderPreferences(sort_by=Sort.PRICE, together=True), limit=1) == [3]


def test_a_model_is_weighed_at_the_endpoint_that_is_tried_first() -> None:
    known = Live.unknown(3)
    known.throughput[:, 0] = [10, 100, 50]
    catalog = [
        Endpoint("ada", "one", tokens(1)),
        Endpoint("ada", "two", tokens(50)),
        Endpoint("bob", "one", tokens(2)),
    ]

    def rows(sort: Sort) -> list[int]:
        constraints = Constraints(provider=ProviderPreferences(sort_by=sort))
        choices = ranker(catalog).rank(asked(), Optimization.BALANCED, 5, constraints, known).choices
        return [choice.row for choice in choices]

    assert rows(Sort.PRICE) == [0, 2]
    assert rows(Sort.THROUGHPUT) == [2, 1]


def test_a_cutoff_counts_before_the_order() -> None:
    wished = ProviderPreferences(order=("one", "two", "three"), max_latency_s=Cutoffs(p50=1.0))

    assert tried(wished, (5.0, 5.0, 5.0, 0.5), limit=1) == [3]


def test_a_cutoff_moves_on_to_another_model_that_meets_it() -> None:
    quick = ProviderPreferences(max_latency_s=Cutoffs(p50=1.0))

    assert tried(quick, (5.0, 5.0, 0.5, UNKNOWN)) == [3, 2, 0, 1]  # one that nobody has measured misses nothing
    assert tried(quick, (5.0, 0.5, 0.5, 0.5)) == [1, 3, 2, 0]
    assert tried(quick, (5.0, 5.0, 5.0, 5.0)) == [0, 1, 3, 2]


def test_every_percentile_that_is_named_must_be_met() -> None:
    known = Live.unknown(2)
    known.throughput[:] = [[90, 80, 70, 10], [60, 60, 60, 60]]
    catalog = [Endpoint("ada", "one", tokens(1)), Endpoint("ada", "two", tokens(2))]
    judge = ranker(catalog)

    def first(floor: Cutoffs) -> int:
        wished = ProviderPreferences(min_throughput=floor)
        return judge.rank(asked(), Optimization.BALANCED, 5, Constraints(provider=wished), known).endpoints[0].row

    assert first(Cutoffs(p50=50)) == 0
    assert first(Cutoffs(p50=50, p99=50)) == 1


def test_exacto_prefers_whoever_fails_least_and_then_the_fastest() -> None:
    known = Live.unknown(3)
    known.throughput[:, 0] = [100, 20, 30]
    known.penalty[:] = [0.2, 0, 0]
    catalog = [Endpoint("ada", provider, tokens(1)) for provider in ("one", "two", "three")]
    constraints = Constraints(provider=ProviderPreferences(sort_by=Sort.EXACTO))
    ranking = ranker(catalog).rank(asked(), Optimization.BALANCED, 5, constraints, known)

    assert [choice.row for choice in ranking.endpoints] == [2, 1, 0]


def test_what_comes_first_by_preference_says_so() -> None:
    def why(wished: ProviderPreferences) -> Why:
        constraints = Constraints(provider=wished)
        return ranker(TWO_MODELS, ABILITY).rank(asked(), Optimization.OUTPUT, 5, constraints).choices[0].why

    assert why(ProviderPreferences(order=("three",))) is Why.PREFERRED
    assert why(ProviderPreferences(order=("two",))) is Why.BEST
    assert why(ProviderPreferences(only=("three",))) is Why.BEST


def test_of_the_endpoints_of_one_model_the_order_counts_before_the_cache_and_the_price() -> None:
    def first(wished: ProviderPreferences | None, incumbent: int | None) -> tuple[int, Why]:
        constraints = Constraints(rows=(0, 1), provider=wished, incumbent=incumbent)
        choice = ranker(TWO_MODELS).rank(asked(), Optimization.OUTPUT, 5, constraints).endpoints[0]
        return choice.row, choice.why

    two = ProviderPreferences(order=("two",))
    assert first(None, None) == (0, Why.BEST)
    assert first(two, None) == first(two, 0) == (1, Why.PREFERRED)
    assert first(None, 0) == (0, Why.STAYS)
    assert first(None, 1) == (0, Why.BEST)  # nothing of it is cached, and it is dearer


# -- without preferences ---------------------------------------------------------------------------------------------


def test_without_preferences_each_model_is_tried_once() -> None:
    ranking = ranker(TWO_MODELS, ABILITY).rank(asked(), Optimization.OUTPUT, 5)

    assert ranking.endpoints == ranking.choices
    assert [choice.row for choice in ranking.endpoints] == [0, 3]


def test_all_endpoints_of_a_model_asked_for_by_name_are_tried_the_cheapest_first() -> None:
    named = Constraints(rows=(0, 1))
    ranking = ranker(TWO_MODELS, ABILITY).rank(asked(), Optimization.OUTPUT, 5, named)

    assert [choice.row for choice in ranking.choices] == [0]
    assert [choice.row for choice in ranking.endpoints] == [0, 1]
    assert [choice.rank for choice in ranking.endpoints] == [0, 0]
    assert len(ranker(TWO_MODELS, ABILITY).rank(asked(), Optimization.OUTPUT, 1, named).endpoints) == 1


def test_a_dearer_endpoint_of_the_same_model_scores_less() -> None:
    first, second = ranker(TWO_MODELS).rank(asked(), Optimization.PRICE, 5, Constraints(rows=(0, 1))).endpoints

    assert first.score > second.score
    assert first.quality == second.quality
    assert second.cost_dollars == pytest.approx(2 * first.cost_dollars)


def test_percentiles_are_told_by_their_names() -> None:
    assert [field.name for field in fields(Cutoffs)] == ["p50", "p75", "p90", "p99"]
    assert Cutoffs(p75=2, p99=0).stated() == [(1, 2), (3, 0)]
