"""Filter, estimate, weigh, order: the whole choice as one pure function over arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from greatrouter_catalog.arrays import ModelArrays
from greatrouter_catalog.pricing import unit_vector
from greatrouter_classifier.classification import Task
from greatrouter_ranking.candidates import Candidates, Endpoints
from greatrouter_ranking.constraints import Constraints, Filters, passing
from greatrouter_ranking.profile import Profile
from greatrouter_ranking.quality import Abilities

__all__ = ["Choice", "Comparison", "Constraints", "Optimization", "Ranker", "Ranking"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


class Optimization(StrEnum):
    PRICE = "price-optimized"
    BALANCED = "balanced"
    OUTPUT = "output-optimized"


# How much likelier to succeed a model must be to be worth ten times the price: 20, 6 or 0.3 points of a hundred. At
# half a point a free model three decades below won medium prompts from the strongest, which is 1.7 points better.
POINTS_PER_DECADE = {Optimization.PRICE: 0.20, Optimization.BALANCED: 0.06, Optimization.OUTPUT: 0.003}
# Below a thousandth of a cent a request, a difference in price is worth next to nothing: log(1 + cost / this) is felt.
COST_FLOOR_DOLLARS = 1e-5
DECADES = 7.0  # from the floor to $100, beyond which nothing in the catalog lies; scales the score into 0..1
# P(good) = logistic(SHARPNESS * (ability - difficulty)); ability is about 0 +- 1 over the models of the anchor board.
# The easiest prompts lie two spreads below the average model, the hardest one and a half above it.
SHARPNESS, EASIEST, HARDEST = 1.7, -2.2, 1.4
PREFERENCE = 0.05  # a preferred provider may cost five points of quality
BUDGET_SLACK_DOLLARS = 1e-10  # estimates are told to ten decimals; a budget of just what was told must suffice


@dataclass(frozen=True, slots=True)
class Choice:
    """One ranked endpoint. `quality` is the chance of a good answer, from `boards` public boards (0: from price and
    family alone); `score` is the utility scaled into 0..1."""

    row: int
    score: float
    quality: float
    cost_dollars: float
    boards: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Over all candidates that passed the filters; rows of the catalog."""

    cheapest: int
    best_value: int
    best_quality: int
    highest_cost_dollars: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """`choices` is best first, one endpoint per model; empty where nothing passed. `rejected` says of each filter how
    many candidates it was the first to turn away. Where only the budget was in the way, `cheapest_cost_dollars` is
    what the caller would have to allow."""

    choices: tuple[Choice, ...]
    comparison: Comparison | None
    candidates: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    cheapest_cost_dollars: float | None = None


class Ranker:
    """Ranks the endpoints of one catalog that `reachable` allows. Same inputs, same answer; asking changes nothing."""

    def __init__(self, arrays: ModelArrays, abilities: Abilities, reachable: BoolArray) -> None:
        self._endpoints = Endpoints(arrays, abilities)
        self._filters = Filters(arrays)
        # A model asked for by name may be a long-tail one, as long as it has a price.
        self._by_name = reachable & (arrays.routable | arrays.price.any(axis=1))
        self._parts = {task: self._endpoints.candidates(reachable & arrays.routable, task) for task in Task}

    def rank(
        self, profile: Profile, optimization: Optimization, limit: int, constraints: Constraints | None = None
    ) -> Ranking:
        """The best `limit` models for `profile`, best first."""
        constraints = constraints or Constraints()
        part, rejected, total = self._candidates(profile.task, constraints.rows)
        units = [float(amount) for amount in unit_vector(profile.expected)]
        cost = part.cost(units)
        keep, turned_away = passing(self._filters.tests(part, profile, constraints), len(part))
        rejected |= turned_away
        left = total - sum(rejected.values())
        if left and constraints.budget_dollars is not None:
            affordable = _within(cost, constraints.budget_dollars, keep)
            beyond = left - int(np.count_nonzero(affordable))
            if beyond:
                rejected["budget"] = beyond
            if beyond == left:
                cheapest = cost.min() if keep is None else cost[keep].min()
                return Ranking((), None, total, rejected, float(cheapest))
            keep = affordable
        if not left:
            return Ranking((), None, total, rejected)
        market = _Market(part, cost, part.burden(units, cost), keep, profile.complexity)
        names = constraints.preferred_providers
        preferred = self._filters.of_provider(part, names) if names else None
        return Ranking(market.choices(optimization, limit, preferred), market.comparison(), total, rejected)

    def _candidates(self, task: Task, rows: Sequence[int] | None) -> tuple[Candidates, dict[str, int], int]:
        """What to choose from, and how many were named that cannot be chosen."""
        if rows is None:
            part = self._parts[task]
            return part, {}, len(part)
        named = np.zeros(len(self._by_name), dtype=np.bool_)
        named[np.asarray(rows, dtype=np.intp)] = True
        part = self._endpoints.candidates(named & self._by_name, task)
        total = int(np.count_nonzero(named))
        return part, {"model": total - len(part)} if total > len(part) else {}, total


class _Market:
    """The candidates that passed, each model at its cheapest endpoint. A model without any left costs infinity."""

    def __init__(
        self, part: Candidates, cost: FloatArray, burden: FloatArray, keep: BoolArray | None, complexity: float
    ) -> None:
        self._part = part
        self._cost = cost
        self._burden = burden if keep is None else np.where(keep, burden, np.inf)
        self._highest = float(cost.max() if keep is None else cost[keep].max())
        self._low = np.minimum.reduceat(self._burden, part.starts)
        self._decades = np.log10(1.0 + self._low / COST_FLOOR_DOLLARS)
        self._quality = _quality(part.ability, complexity)

    def choices(self, optimization: Optimization, limit: int, preferred: BoolArray | None) -> tuple[Choice, ...]:
        """The best `limit` models, each at its cheapest endpoint, or at a preferred one where that is worth it."""
        weight = POINTS_PER_DECADE[optimization]
        felt, decades = self._burden, self._decades
        if preferred is not None:  # so many points are worth so many decades of price
            felt = (1.0 + felt / COST_FLOOR_DOLLARS) * np.where(preferred, 10 ** (-PREFERENCE / weight), 1.0)
            decades = np.log10(np.minimum.reduceat(felt, self._part.starts))
        utility = self._quality - weight * decades
        scale = weight * DECADES
        chosen = []
        for model in _best(utility, self._low, limit):
            row = self._endpoint(model, felt)
            score = min(1.0, max(0.0, (float(utility[model]) + scale) / (1 + scale)))
            quality = round(float(self._quality[model]), 6)
            cost, boards = float(self._cost[row]), int(self._part.boards[model])
            chosen.append(Choice(int(self._part.rows[row]), round(score, 6), quality, cost, boards))
        return tuple(chosen)

    def comparison(self) -> Comparison:
        value = self._quality - POINTS_PER_DECADE[Optimization.BALANCED] * self._decades
        present = np.where(self._low < np.inf, self._quality, -np.inf)
        return Comparison(
            cheapest=self._row(int(self._low.argmin())),
            best_value=self._row(_first(value, self._low)),
            best_quality=self._row(_first(present, self._low)),
            highest_cost_dollars=self._highest,
        )

    def _row(self, model: int) -> int:
        return int(self._part.rows[self._endpoint(model, self._burden)])

    def _endpoint(self, model: int, felt: FloatArray) -> int:
        """A model's endpoint of the lowest price felt, the first of its run among equals."""
        run = self._part.run(model)
        return int(run.start) + int(felt[run].argmin())


def _quality(ability: FloatArray, complexity: float) -> FloatArray:
    """The chance of a good answer: an item response curve over ability and the prompt's difficulty."""
    difficulty = EASIEST + (HARDEST - EASIEST) * complexity
    return np.asarray(1.0 / (1.0 + np.exp(-SHARPNESS * (ability - difficulty))))


def _best(utility: FloatArray, cost: FloatArray, limit: int) -> list[int]:
    """The `limit` best models by utility, the cheaper and then the first by name among equals."""
    limit = min(limit, int(np.count_nonzero(utility > -np.inf)))
    if limit < 1:
        return []
    # Sorting 1,242 models takes 7 us; np.partition takes as long, and 96 us where most of them are turned away.
    threshold = np.sort(utility)[-limit]
    top = np.flatnonzero(utility >= threshold)
    order = np.lexsort((cost[top], -utility[top]))[:limit]
    return [int(model) for model in top[order]]


def _first(utility: FloatArray, cost: FloatArray) -> int:
    """The best by utility, the cheaper and then the first among equals."""
    tied = np.flatnonzero(utility == utility.max())
    return int(tied[cost[tied].argmin()])


def _within(cost: FloatArray, budget_dollars: float, keep: BoolArray | None) -> BoolArray:
    affordable = np.asarray(cost <= budget_dollars + BUDGET_SLACK_DOLLARS)
    return affordable if keep is None else keep & affordable
