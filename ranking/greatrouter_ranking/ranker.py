"""Filter, estimate, weigh, order: the whole choice as one pure function over arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from greatrouter_catalog.arrays import ModelArrays
from greatrouter_catalog.pricing import PRICE_FIELDS, unit_vector
from greatrouter_classifier.classification import Task
from greatrouter_ranking.candidates import Candidates, Endpoints
from greatrouter_ranking.choice import Choice, Comparison, Optimization, Why
from greatrouter_ranking.constraints import Constraints, Filters, passing
from greatrouter_ranking.live import Live
from greatrouter_ranking.market import LEVEL, POINTS_PER_DECADE, Leaning, Market, alone
from greatrouter_ranking.profile import Expected, Profile
from greatrouter_ranking.quality import Abilities

__all__ = [
    "POINTS_PER_DECADE",
    "Choice",
    "Comparison",
    "Constraints",
    "Live",
    "Optimization",
    "Ranker",
    "Ranking",
    "Why",
]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

PREFERENCE = 0.05  # a preferred provider may cost five points of quality
# Another model must be two points better, prices considered, to take over a conversation. What the cache saves is in
# the estimate already; this keeps two models that are about as good from taking turns.
STAYING = 0.02
# Endpoints of a named model differ in price alone: the same for them only settles a tie.
STAYING_AT_THE_SAME_PRICE = 1e-6
BUDGET_SLACK_DOLLARS = 1e-10  # estimates are told to ten decimals; a budget of just what was told must suffice
INPUT, CACHED = (PRICE_FIELDS.index(f"{name}_per_million_tokens") for name in ("input", "cached_input"))


@dataclass(frozen=True, slots=True)
class Ranking:
    """`choices` is best first, one endpoint per model; empty where nothing passed. `rejected` says of each filter how
    many candidates it was the first to turn away. Where only the budget was in the way, `cheapest_cost_dollars` is
    what the caller would have to allow.

    `endpoints` is the order of attempts: the endpoint of each choice, or, for a model asked for by name and under
    provider preferences, all endpoints of the first choice, then those of the second, as far as `limit` goes.
    """

    choices: tuple[Choice, ...]
    comparison: Comparison | None
    candidates: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    cheapest_cost_dollars: float | None = None
    endpoints: tuple[Choice, ...] = ()


NAMED_KEPT = 4_096


class Ranker:
    """Ranks the endpoints of one catalog that `reachable` allows. Same inputs, same answer; asking changes nothing."""

    def __init__(self, arrays: ModelArrays, abilities: Abilities, reachable: BoolArray) -> None:
        self._endpoints = Endpoints(arrays, abilities)
        self._filters = Filters(arrays)
        self._price = arrays.price
        self._unknown = Live.unknown(len(arrays.canonical))
        # A model asked for by name may be a long-tail one, as long as it has a price.
        self._by_name = reachable & (arrays.routable | arrays.price.any(axis=1))
        # Finding a named model's endpoints takes 100 us, and programs name the same few again and again.
        self._named: dict[tuple[Task, tuple[int, ...]], Candidates] = {}
        self._parts = {task: self._endpoints.candidates(reachable & arrays.routable, task) for task in Task}

    def rank(
        self,
        profile: Profile,
        optimization: Optimization,
        limit: int,
        constraints: Constraints | None = None,
        live: Live | None = None,
    ) -> Ranking:
        """The best `limit` models for `profile`, best first, and the first `limit` endpoints to try.

        `live` is what is known of the endpoints at the moment, None where nothing is.
        """
        constraints = constraints or Constraints()
        part, rejected, total = self._candidates(profile.task, constraints.rows)
        units = [float(amount) for amount in unit_vector(profile.expected)]
        if len(part) == 1 and limit > 0 and constraints.names_only and not profile.needs:
            only = alone(part, units, profile.complexity, optimization)
            return Ranking((only,), Comparison.of(only), total, rejected, endpoints=(only,))
        cost = part.cost(units)
        incumbent = _position(part, constraints.incumbent)
        if incumbent is not None:
            cost[incumbent] -= self._saved(part.rows[incumbent], profile.expected, constraints.cached_tokens)
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
        market = Market(part, cost, part.burden(units, cost), keep, profile.complexity)
        leaning = self._leaning(part, cost, constraints, incumbent, live)
        choices, endpoints = market.order(optimization, leaning).choices(limit)
        wished = constraints.provider
        if wished is not None and not wished.allow_fallbacks and not wished.order:
            endpoints = endpoints[:1]
        return Ranking(choices, market.comparison(), total, rejected, endpoints=endpoints)

    def _candidates(self, task: Task, rows: Sequence[int] | None) -> tuple[Candidates, dict[str, int], int]:
        """What to choose from, and how many were named that cannot be chosen."""
        if rows is None:
            part = self._parts[task]
            return part, {}, len(part)
        key, total = (task, tuple(rows)), len(set(rows))
        if key not in self._named:
            named = np.zeros(len(self._by_name), dtype=np.bool_)
            named[np.asarray(rows, dtype=np.intp)] = True
            if len(self._named) >= NAMED_KEPT:
                self._named.clear()
            self._named[key] = self._endpoints.candidates(named & self._by_name, task)
        part = self._named[key]
        return part, {"model": total - len(part)} if total > len(part) else {}, total

    def _saved(self, row: int, expected: Expected, cached_tokens: int) -> float:
        """Dollars that the incumbent's cache takes off the estimate, which prices the whole prompt as new."""
        tokens = min(cached_tokens, expected.prompt_tokens - min(expected.cached_tokens, expected.prompt_tokens))
        return float(self._price[row, INPUT] - self._price[row, CACHED]) * max(0, tokens) / 1e6

    def _leaning(
        self, part: Candidates, cost: FloatArray, constraints: Constraints, incumbent: int | None, live: Live | None
    ) -> Leaning:
        wished, providers = constraints.provider, self._filters.providers
        every_endpoint = wished is not None or constraints.rows is not None
        points = None if live is None or not live.penalty.any() else -live.penalty[part.rows]
        if constraints.preferred_providers:
            preferred = providers.of_provider(part, constraints.preferred_providers)
            points = np.where(preferred, PREFERENCE, 0.0) + (0.0 if points is None else points)
        if incumbent is not None:
            points = np.zeros(len(part)) if points is None else points
            points[incumbent] += STAYING if constraints.rows is None else STAYING_AT_THE_SAME_PRICE
        if points is None and not every_endpoint:
            return LEVEL
        known = self._unknown if live is None else live
        precedence = None if wished is None else providers.precedence(part, wished, cost, known)
        return Leaning(points, precedence, incumbent, every_endpoint)


def _position(part: Candidates, row: int | None) -> int | None:
    """Where a row of the catalog stands among the candidates, if it does."""
    found = [] if row is None else np.flatnonzero(part.rows == row).tolist()
    return found[0] if found else None


def _within(cost: FloatArray, budget_dollars: float, keep: BoolArray | None) -> BoolArray:
    affordable = np.asarray(cost <= budget_dollars + BUDGET_SLACK_DOLLARS)
    return affordable if keep is None else keep & affordable
