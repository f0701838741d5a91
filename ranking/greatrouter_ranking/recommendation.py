"""What fits a described need: the ranker's judgement of price and quality, and whatever else was asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from greatrouter_catalog.wishes import Wish
from greatrouter_ranking.choice import Choice
from greatrouter_ranking.reasons import dollars

FloatArray = NDArray[np.float64]

# A wish that is surely asked for counts as much as price and quality together: the candidates worth a look lie within
# a fifth of the score of one another, so that whoever has what was asked for comes before whoever has not.
WISH = 1.0


@dataclass(frozen=True, slots=True)
class Recommendation:
    """`meets` and `lacks` are the texts of the wishes that the model meets, at least half, and that it does not."""

    choice: Choice
    score: float
    meets: tuple[str, ...]
    lacks: tuple[str, ...]


def recommend(choices: Sequence[Choice], wishes: Sequence[Wish], limit: int) -> list[Recommendation]:
    """The best `limit` of `choices`, best first, ties in their order. Wishes that none of them meets are dropped."""
    rows = np.array([choice.row for choice in choices], dtype=np.intp)
    open_ = [wish for wish in wishes if wish.met[rows].any()]
    met = np.array([wish.met[rows] for wish in open_]).reshape(len(open_), len(rows))
    weights = WISH * np.array([wish.weight for wish in open_])
    total = scores(np.array([choice.score for choice in choices]), met, weights)
    return [
        Recommendation(
            choices[i],
            float(total[i]),
            tuple(wish.text for wish, share in zip(open_, met[:, i], strict=True) if share >= 0.5),
            tuple(wish.text for wish, share in zip(open_, met[:, i], strict=True) if share < 0.5),
        )
        for i in np.argsort(-total, kind="stable")[: max(0, limit)].tolist()
    ]


def scores(utility: FloatArray, met: FloatArray, weights: FloatArray) -> FloatArray:
    """The weighted mean of `utility` [n], which weighs 1, and of how far each wish is `met` [wishes, n]: all in 0..1.

    >>> scores(np.array([0.9, 0.8]), np.array([[0.0, 1.0]]), np.array([1.0])).round(2).tolist()
    [0.45, 0.9]
    """
    return np.asarray((utility + weights @ met) / (1 + weights.sum()))


def reason(found: Recommendation) -> str:
    """One sentence: what of the request the model meets, and what to expect of it at which price."""
    choice = found.choice
    likely = min(99, round(100 * choice.quality))  # nothing is certain
    guess = "" if choice.boards else ", judging by its price and family alone"
    price = dollars(choice.cost_dollars)
    expected = f"{likely}% likely to answer well{guess}{', free of charge' if price == '$0' else f' at {price}'}"
    if found.meets and found.lacks:
        return f"Asked for, it {_list(found.meets)}, though it lacks: {'; '.join(found.lacks)}. {expected}."
    return f"meets {found.meets} lacks {found.lacks} {expected}"


def _list(texts: Sequence[str]) -> str:
    return "; ".join(texts)
