"""What fits a described need: the ranker's judgement of price and quality, and whatever else was asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from greatrouter_catalog.wish import Wish
from greatrouter_ranking.choice import Choice
from greatrouter_ranking.reasons import dollars, percent

FloatArray = NDArray[np.float64]

# What is surely asked for counts as much as price and quality together: those of the candidates worth a look lie within
# a fifth of each other, so that whoever has what was asked for comes before whoever has not.
WISH = 1.0


@dataclass(frozen=True, slots=True)
class Recommendation:
    """`meets` and `lacks` are the texts of what was asked for that the model has in full, and that it has not."""

    choice: Choice
    score: float
    meets: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


def recommend(choices: Sequence[Choice], wishes: Sequence[Wish], limit: int) -> list[Recommendation]:
    """The best `limit` of `choices`, best first, ties in their order. Wishes that none of them meets do not count;
    those that must be met rule out the others, as far as anything is left."""
    rows = np.array([choice.row for choice in choices], dtype=np.intp)
    wishes = [wish for wish in wishes if wish.met[rows].any()]
    allowed = np.ones(len(rows), dtype=np.bool_)
    for wish in wishes:
        if wish.must and (allowed & (wish.met[rows] > 0)).any():
            allowed &= wish.met[rows] > 0
    choices, rows = [choices[i] for i in np.flatnonzero(allowed).tolist()], rows[allowed]
    met = np.array([wish.met[rows] for wish in wishes]).reshape(len(wishes), len(rows))
    weights = WISH * np.array([wish.weight for wish in wishes])
    total = scores(np.array([choice.score for choice in choices]), met, weights)
    best = np.argsort(-total, kind="stable")[: max(0, limit)].tolist()
    return [_recommendation(choices[i], float(total[i]), wishes, met[:, i]) for i in best]


def scores(utility: FloatArray, met: FloatArray, weights: FloatArray) -> FloatArray:
    """The mean of `utility` [n], which weighs 1, and of how far each wish is `met` [wishes, n]: in 0..1 as they are.

    >>> scores(np.array([0.9, 0.8]), np.array([[0.0, 1.0]]), np.array([1.0])).round(2).tolist()
    [0.45, 0.9]
    """
    return np.asarray((utility + weights @ met) / (1 + weights.sum()))


def reason(found: Recommendation) -> str:
    """One sentence for a model that something was asked of: what it has of that, and what to expect at which price.

    >>> reason(Recommendation(Choice(3, 0.9, 0.93, 0.00012, boards=4), 0.8, meets=("reads PDF documents",)))
    'Has what was asked for (reads PDF documents) and is 93% likely to answer well at $0.00012.'
    """
    choice, missing = found.choice, tuple(f"not known of it: {text}" for text in found.lacks)
    guess = "" if choice.boards else ", judging by its price and family alone"
    price = dollars(choice.cost_dollars)
    cost = ", free of charge" if price == "$0" else f" at {price}"
    has = "Has what" if not missing else "Has part of what" if found.meets else "Is not known to have what"
    asked = "; ".join((*found.meets, *(missing if found.meets else found.lacks)))
    link = "and" if found.meets else "but"
    return f"{has} was asked for ({asked}) {link} is {percent(choice.quality)} likely to answer well{guess}{cost}."


def _recommendation(choice: Choice, score: float, wishes: Sequence[Wish], met: FloatArray) -> Recommendation:
    full = [wish.text for wish, share in zip(wishes, met, strict=True) if share >= 1]
    short = [wish.text for wish, share in zip(wishes, met, strict=True) if share < 1]
    return Recommendation(choice, score, tuple(full), tuple(short))
