"""What a ranking says: one choice after the other, and how the candidates compare."""

from dataclasses import dataclass
from enum import Enum, StrEnum


class Optimization(StrEnum):
    PRICE = "price-optimized"
    BALANCED = "balanced"
    OUTPUT = "output-optimized"


class Why(Enum):
    """Why a choice stands where it does: by `Optimization`; because it holds the conversation in its cache; first by
    the caller's provider preferences; or the best at another provider than all those before it."""

    BEST = "best"
    STAYS = "stays"
    PREFERRED = "preferred"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Choice:
    """One ranked endpoint. `quality` is the chance of a good answer, from `boards` public boards (0: from price and
    family alone); `score` is the utility scaled into 0..1; `rank` is its model's place in the ranking, 0 the winner's.
    """

    row: int
    score: float
    quality: float
    cost_dollars: float
    boards: int = 0
    rank: int = 0
    why: Why = Why.BEST


@dataclass(frozen=True, slots=True)
class Comparison:
    """Over all candidates that passed the filters; rows of the catalog."""

    cheapest: int
    best_value: int
    best_quality: int
    highest_cost_dollars: float

    @classmethod
    def of(cls, only: Choice) -> "Comparison":
        """Of a choice without alternatives."""
        return cls(only.row, only.row, only.row, only.cost_dollars)
