"""Why a model was chosen, in one sentence a person can read."""

import math

from greatrouter_ranking.choice import Choice, Comparison, Optimization, Why
from greatrouter_ranking.market import POINTS_PER_DECADE
from greatrouter_ranking.profile import Profile
from greatrouter_ranking.ranker import Ranking

GOAL = {
    Optimization.PRICE: "Best value with price weighted most",
    Optimization.BALANCED: "Best balance of price and quality",
    Optimization.OUTPUT: "Best expected answer",
}
# A provider's cache forgets within minutes, and says so only in its answer.
OTHER_GROUNDS = {
    Why.STAYS: "Stays with the model that answered before, as its provider may still hold this conversation in cache,",
    Why.PREFERRED: "First by the provider preferences",
    Why.ELSEWHERE: "Best at another provider, should the first one be out of reach,",
}
GROUNDS_OF_NAMED = {
    Why.BEST: "comes first by price, health and the organization's preferences",
    Why.STAYS: "answered before, and may still hold this conversation in its cache",
    Why.PREFERRED: "comes first by the provider preferences",
}
MOST_PLACES = 12
MOST_TIMES = 1_000_000  # beyond, the dearest candidate is a price that nobody pays


def reason(choice: Choice, rank: int, profile: Profile, optimization: Optimization, comparison: Comparison) -> str:
    """One sentence for the choice at `rank` (0 is the winner).

    >>> from types import SimpleNamespace
    >>> asked = SimpleNamespace(task=SimpleNamespace(value="web_search"), complexity=0.1)
    >>> best = Choice(row=3, score=0.9, quality=0.957, cost_dollars=0.00012, boards=7)
    >>> reason(best, 0, asked, Optimization.BALANCED, Comparison(3, 3, 8, 0.012))  # doctest: +ELLIPSIS
    'Best balance of price and quality for this web search prompt: 96% likely to answer well at $0.00012, 100 times ...
    """
    place = OTHER_GROUNDS.get(choice.why) or (GOAL[optimization] if rank == 0 else f"Number {rank + 1}")
    task = profile.task.value.replace("_", " ")
    guess = "" if choice.boards else ", judging by its price and family alone"
    likely, price = percent(choice.quality), _price(choice, comparison)
    return f"{place} for this {task} prompt: {likely} likely to answer well{guess}{price}."


def of_named(model_id: str, provider: str, choice: Choice, ranking: Ranking) -> str:
    """Why `choice`, an endpoint of a model that the caller named, stands where it does.

    >>> two = Choice(row=2, score=0.9, quality=0.9, cost_dollars=0.01, why=Why.PREFERRED)
    >>> of_named("lab/m1", "two", two, Ranking((two,), None, 3, endpoints=(two,)))
    'lab/m1 was named in the request; of its 3 endpoints the one at two comes first by the provider preferences'
    """
    named = f"{model_id} was named in the request"
    endpoints = ranking.candidates - ranking.rejected.get("model", 0)  # without those that cannot be reached
    if endpoints == 1 or choice not in ranking.endpoints:  # as another of several models that were named is not
        return named
    allowed = ranking.candidates - sum(ranking.rejected.values())
    if allowed == 1:
        return f"{named}; of its {endpoints} endpoints only the one at {provider} is allowed"
    place = ranking.endpoints.index(choice)
    grounds = f"is number {place + 1}" if place else GROUNDS_OF_NAMED[choice.why]
    some = "" if allowed == endpoints else f" ({allowed} allowed)"
    return f"{named}; of its {endpoints} endpoints{some} the one at {provider} {grounds}"


def trade_off(optimization: Optimization) -> str:
    """
    >>> trade_off(Optimization.BALANCED)
    'a model ten times dearer must be 6 points likelier to answer well'
    """
    points = POINTS_PER_DECADE[optimization] * 100
    return f"a model ten times dearer must be {points:g} points likelier to answer well"


def percent(chance: float) -> str:
    """In whole percents, and never 100: nothing is certain.

    >>> percent(0.957), percent(0.9963), percent(1.0)
    ('96%', '99%', '99%')
    """
    return f"{min(99, round(100 * chance))}%"


def dollars(amount: float) -> str:
    """Two significant digits, never in scientific notation.

    >>> dollars(0.00012345), dollars(0), dollars(1.5)
    ('$0.00012', '$0', '$1.50')
    """
    if round(amount, MOST_PLACES) <= 0:
        return "$0"
    if amount >= 1:
        return f"${amount:,.2f}"
    places = max(2, 1 - math.floor(math.log10(amount)))
    return f"${amount:.{min(places, MOST_PLACES)}f}"


def _price(choice: Choice, comparison: Comparison) -> str:
    price = dollars(choice.cost_dollars)
    if price == "$0":
        return ", free of charge"
    times = comparison.highest_cost_dollars / choice.cost_dollars
    if times < 2:
        return f" at {price}"
    factor = f"over {MOST_TIMES:,}" if times > MOST_TIMES else f"{times:,.0f}"
    return f" at {price}, {factor} times less than the dearest candidate"
