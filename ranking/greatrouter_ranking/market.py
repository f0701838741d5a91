"""The candidates that passed every filter, weighed against each other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from greatrouter_ranking.candidates import Candidates
from greatrouter_ranking.choice import Choice, Comparison, Optimization, Why
from greatrouter_ranking.provider_filters import Precedence

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

# How much likelier to succeed a model must be to be worth ten times the price: 20, 6 or 0.3 points of a hundred. At
# half a point a free model three decades below won medium prompts from the strongest, which is 1.7 points better.
POINTS_PER_DECADE = {Optimization.PRICE: 0.20, Optimization.BALANCED: 0.06, Optimization.OUTPUT: 0.003}
# Below a thousandth of a cent a request, a difference in price is worth next to nothing: log(1 + cost / this) is felt.
COST_FLOOR_DOLLARS = 1e-5
DECADES = 7.0  # from the floor to $100, beyond which nothing in the catalog lies; scales the score into 0..1
# P(good) = logistic(SHARPNESS * (ability - difficulty)); ability is about 0 +- 1 over the models of the anchor board.
# The easiest prompts lie two spreads below the average model, the hardest one and a half above it.
SHARPNESS, EASIEST, HARDEST = 1.7, -2.2, 1.4
MOST_DECADES = 250.0  # what points of quality may weigh in decades of price: a float holds 308
# Endpoints of so many models are sorted together, however few are asked for, so that a longer list begins as a shorter
# one does. It is the most that a suggestion lists.
SORTED_TOGETHER = 20


@dataclass(frozen=True, slots=True)
class Leaning:
    """What moves a market's order beside price and quality. `points` of quality are added to a candidate's worth;
    `precedence` orders before worth does; `incumbent` is the candidate that answered before; `every_endpoint` tries
    all endpoints of a model before the next model's."""

    points: FloatArray | None = None
    precedence: Precedence | None = None
    incumbent: int | None = None
    every_endpoint: bool = False


LEVEL = Leaning()


class Market:
    """`keep` says which candidates passed, None if all did. A model without any left costs infinity."""

    def __init__(
        self, part: Candidates, cost: FloatArray, burden: FloatArray, keep: BoolArray | None, complexity: float
    ) -> None:
        self.part = part
        self.cost = cost
        self.burden = burden if keep is None else np.where(keep, burden, np.inf)
        self.quality = _quality(part.ability, complexity)
        passed = cost if keep is None else cost[keep]
        self._highest = float(passed[passed.argmax()])  # `max()` takes 2 us longer
        self.low = np.minimum.reduceat(self.burden, part.starts)
        self.decades = _decades(self.low)

    def order(self, optimization: Optimization, leaning: Leaning) -> "Order":
        return Order(self, POINTS_PER_DECADE[optimization], leaning)

    def comparison(self) -> Comparison:
        value = self.quality - POINTS_PER_DECADE[Optimization.BALANCED] * self.decades
        present = np.where(self.low < np.inf, self.quality, -np.inf)
        return Comparison(
            cheapest=self._row(int(self.low.argmin())),
            best_value=self._row(_first(value, self.low)),
            best_quality=self._row(_first(present, self.low)),
            highest_cost_dollars=self._highest,
        )

    def _row(self, model: int) -> int:
        return int(self.part.rows[_cheapest(self.part, self.burden, model)])


class Order:
    """The order in which a market's models are offered and its endpoints tried."""

    def __init__(self, market: Market, weight: float, leaning: Leaning) -> None:
        self._market = market
        self._weight = weight
        self._leaning = leaning
        # `_felt` is the price by which endpoints compete, in any scale; `_lead` the same, infinite for all but a
        # model's foremost endpoints; `_low` what is left of each model. Most requests lean nowhere.
        self._felt = self._lead = market.burden
        self._low = market.low
        self._standing: FloatArray | None = None
        if leaning is not LEVEL:
            self._felt = self._lead = _felt(market.burden, leaning.points, weight)
            if leaning.precedence is not None:
                self._lead, self._standing = _foremost(market.part, self._felt, leaning.precedence)
            self._low = np.minimum.reduceat(self._lead, market.part.starts)
        self._utility = self._worth(self._low)

    def _worth(self, low: FloatArray) -> FloatArray:
        """What each model is worth where its endpoint costs `low`, as far as that is felt."""
        market = self._market
        if self._leaning is not LEVEL:
            return market.quality - self._weight * np.log10(low)
        return market.quality - self._weight * (market.decades if low is market.low else _decades(low))

    def choices(self, limit: int) -> tuple[tuple[Choice, ...], tuple[Choice, ...]]:
        """The best `limit` models, each at its foremost endpoint, and the first `limit` endpoints to try."""
        limit, wished = max(0, limit), self._leaning.precedence
        if not self._leaning.every_endpoint:
            models = _best(self._utility, self._low, limit, None)
            leads = [_cheapest(self._market.part, self._lead, model) for model in models]
            found = tuple(map(self._choice, models, leads, range(len(models))))
            return found, self._spread(found, leads, limit)
        pool = max(limit, SORTED_TOGETHER) if wished is not None and wished.together else limit
        tried = self._endpoints(_best(self._utility, self._low, pool, self._standing), wished)
        rank = {model: i for i, model in enumerate(dict.fromkeys(model for model, _ in tried))}
        first = dict(reversed(tried))
        listed = [self._choice(model, first[model], i) for model, i in rank.items()]
        return tuple(listed[:limit]), tuple(self._choice(model, at, rank[model]) for model, at in tried[:limit])

    def _endpoints(self, models: list[int], wished: Precedence | None) -> list[tuple[int, int]]:
        """Every endpoint of `models`, as model and candidate, in the order in which they are tried."""
        runs = [self._market.part.run(model) for model in models]
        candidates = np.array([at for run in runs for at in range(run.start, run.stop)], dtype=np.intp)
        rank = np.repeat(np.arange(len(models)), [run.stop - run.start for run in runs])
        present = self._felt[candidates] < np.inf
        candidates, rank = candidates[present], rank[present]
        before = (rank,) if wished is None else wished.of(candidates, rank)
        order = np.lexsort((self._felt[candidates], *reversed(before)))
        return [(models[int(rank[i])], int(candidates[i])) for i in order]

    def _spread(self, found: tuple[Choice, ...], leads: Sequence[int], limit: int) -> tuple[Choice, ...]:
        """`found` with its last place given to another provider where all share one: what takes one of a provider's
        endpoints out of reach mostly takes all of them."""
        part = self._market.part
        providers = {int(part.provider[lead]) for lead in leads}
        if limit < 2 or len(providers) != 1:
            return found
        lead = np.where(part.provider == providers.pop(), np.inf, self._lead)
        low = np.minimum.reduceat(lead, part.starts)
        best = _best(self._worth(low), low, 1, None)
        if not best:
            return found
        kept = found[: limit - 1]
        other = self._choice(best[0], _cheapest(part, lead, best[0]), len(kept))
        return (*kept, replace(other, why=Why.ELSEWHERE))

    def _choice(self, model: int, candidate: int, rank: int) -> Choice:
        market, scale, utility = self._market, self._weight * DECADES, self._utility[model]
        if self._leaning.every_endpoint:  # at this endpoint's own price
            utility = market.quality[model] - self._weight * math.log10(self._felt[candidate])
        return Choice(
            int(market.part.rows[candidate]),
            round(min(1.0, max(0.0, (float(utility) + scale) / (1 + scale))), 6),
            round(float(market.quality[model]), 6),
            float(market.cost[candidate]),
            int(market.part.boards[model]),
            rank,
            Why.BEST if rank or self._leaning is LEVEL else self._why(model, candidate),
        )

    def _why(self, model: int, candidate: int) -> Why:
        if self._leaning.precedence is not None and not self._wins(model, candidate):
            return Why.PREFERRED
        return Why.STAYS if candidate == self._leaning.incumbent else Why.BEST

    def _wins(self, model: int, candidate: int) -> bool:
        """Whether a model would be first without precedence, or an endpoint of the only model."""
        if len(self._low) == 1:
            return candidate == _cheapest(self._market.part, self._felt, model)
        return [model] == _best(self._utility, self._low, 1, None)


def alone(part: Candidates, units: Sequence[float], complexity: float, optimization: Optimization) -> Choice:
    """The choice where there is but one candidate, by the same sums on plain numbers: 6 us instead of 100."""
    cost = sum(float(rate[0]) * units[unit] for unit, rate in part.rates)
    burden = cost + sum(float(rate[0]) * units[unit] for unit, rate in part.unlisted)
    difficulty = EASIEST + (HARDEST - EASIEST) * complexity
    quality = 1.0 / (1.0 + math.exp(-SHARPNESS * (float(part.ability[0]) - difficulty)))
    weight = POINTS_PER_DECADE[optimization]
    utility, scale = quality - weight * math.log10(1.0 + burden / COST_FLOOR_DOLLARS), weight * DECADES
    score = round(min(1.0, max(0.0, (utility + scale) / (1 + scale))), 6)
    return Choice(int(part.rows[0]), score, round(quality, 6), cost, int(part.boards[0]))


def _quality(ability: FloatArray, complexity: float) -> FloatArray:
    """The chance of a good answer: an item response curve over ability and the prompt's difficulty."""
    difficulty = EASIEST + (HARDEST - EASIEST) * complexity
    return np.asarray(1.0 / (1.0 + np.exp(-SHARPNESS * (ability - difficulty))))


def _decades(cost: FloatArray) -> FloatArray:
    return np.asarray(np.log10(1.0 + cost / COST_FLOOR_DOLLARS))


def _felt(burden: FloatArray, points: FloatArray | None, weight: float) -> FloatArray:
    """So many points of quality are worth so many decades of price."""
    felt = 1.0 + burden / COST_FLOOR_DOLLARS
    if points is not None:
        moved = np.flatnonzero(points)
        decades = np.clip(-points[moved] / weight, -MOST_DECADES, MOST_DECADES)
        felt[moved] *= np.exp(decades * math.log(10))  # 10 ** decades takes three times as long
    return felt


def _foremost(part: Candidates, felt: FloatArray, wished: Precedence) -> tuple[FloatArray, FloatArray]:
    """`felt` where a candidate is its model's foremost by `wished`, infinite elsewhere; and each model's standing."""
    lengths = np.diff(part.starts, append=len(part))
    left = felt < np.inf
    standing = np.minimum.reduceat(np.where(left, wished.standing, np.inf), part.starts)
    for key in (wished.standing, *wished.keys):
        value = np.where(left, key, np.inf)
        left &= value == np.repeat(np.minimum.reduceat(value, part.starts), lengths)
    return np.where(left, felt, np.inf), standing


def _best(utility: FloatArray, cost: FloatArray, limit: int, standing: FloatArray | None) -> list[int]:
    """The `limit` best models by standing and then by utility, the cheaper and then the first by name among equals."""
    limit = min(limit, int(np.count_nonzero(utility > -np.inf)))
    if limit < 1:
        return []
    if standing is not None:
        return [int(model) for model in np.lexsort((cost, -utility, standing))[:limit]]
    # Sorting 1,242 models takes 7 us; np.partition takes as long, and 96 us where most of them are turned away.
    threshold = np.sort(utility)[-limit]
    top = np.flatnonzero(utility >= threshold)
    order = np.lexsort((cost[top], -utility[top]))[:limit]
    return [int(model) for model in top[order]]


def _first(utility: FloatArray, cost: FloatArray) -> int:
    """The best by utility, the cheaper and then the first among equals."""
    tied = np.flatnonzero(utility == utility[utility.argmax()])
    return int(tied[cost[tied].argmin()])


def _cheapest(part: Candidates, felt: FloatArray, model: int) -> int:
    """A model's endpoint of the lowest price felt, the first of its run among equals."""
    run = part.run(model)
    return int(run.start) + int(felt[run].argmin())
