"""How able each model is at each task, from public boards: one number on one scale per task.

Boards disagree in scale and in whom they list, so each is mapped onto an anchor board by a straight line fitted over
the models both list; the anchor is standardised over its models. An ability is the mean of a model's mapped scores,
shrunk toward what its price and its measured relatives suggest.

How well this does, leaving out what is predicted: abilities rank the models of an unseen code board as that board does
(Spearman 0.84 over six sources, 0.83 without borrowing from text), and those of an unseen text board at 0.82 (0.80
without borrowing from code). The prior errs by 0.51 for a text model with measured relatives, 0.87 for one without;
price alone errs by 0.86, the relatives' plain mean by 0.54.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from greatrouter_catalog.arrays import TASKS, ModelArrays
from greatrouter_catalog.taxonomy import NOMINAL_UNITS, TASK_TYPES_OF

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]

ANCHOR = {
    "text": "arena-text",
    "code": "arena-text",
    "web_search": "arena-text",
    "image": "arena-text-to-image",
    "video": "arena-text-to-video",
    "embeddings": "mteb-retrieval-en",
}
# A board that speaks for another task of the same anchor counts this much of one that speaks for the task itself.
BORROWED = 0.5
BORROWS = {"code": "text", "web_search": "text", "text": "code"}
# Fewer common models than this, or a weaker correlation, and a board says nothing on the anchor's scale. Of the boards
# below 0.3 each lists only the strongest models, so that being listed would count more than the score.
FEWEST_SHARED = 8
WEAKEST_CORRELATION = 0.3
PRIOR_WEIGHT = 1.0  # a model's prior counts as one of its boards
LINE_WEIGHT = 1.0  # and the price line as one of all the boards of the family
# Ability for ten times the price: what eight models of a young task suggest is not believed beyond one spread (five
# points of video gave 1.7), and where nobody is measured it is what no balanced choice pays for.
STEEPEST_SLOPE, DEFAULT_SLOPE = 1.0, 0.1
# Where no board measures anybody (speech, music, rerank), the models are taken to be up to their trade as a good model
# is to text: at 0 a hard prompt read aloud would be called 19% likely to go well, on no evidence at all.
UNMEASURED_TASK = 1.0
# A model that nobody has measured, where others are, is taken one standard error of its prior lower, with measured
# relatives and without: boards list what is good, and a good guess must not beat a measurement.
UNMEASURED_DISCOUNT = (0.5, 0.9)


@dataclass(frozen=True, slots=True)
class Abilities:
    """`value` is (models, tasks), rows as in `ModelArrays.canonicals`, columns as in `TASKS`; about 0 +- 1 over the
    models of the anchor board. `boards` counts the evidence. All of a model's endpoints are equally able."""

    value: FloatArray
    boards: NDArray[np.int16]


def abilities(arrays: ModelArrays, scores: pl.DataFrame) -> Abilities:
    """From the long table `Catalog.scores`; scores of models that the catalog does not have are ignored."""
    value = np.zeros((len(arrays.canonicals), len(TASKS)))
    counts = np.zeros((len(arrays.canonicals), len(TASKS)), dtype=np.int16)
    boards = _boards(scores, arrays.canonicals)
    for column, task in enumerate(TASKS):
        models = _models(arrays, column)
        if len(models):
            rows = models["model"].to_numpy()
            evidence = _evidence(task, boards, len(arrays.canonicals)).of(rows)
            value[rows, column] = _shrunk(models, evidence)
            counts[rows, column] = evidence.boards
    return Abilities(value, counts)


@dataclass(frozen=True, slots=True)
class _Board:
    name: str
    task: str
    score: FloatArray  # by model, nan where not listed


@dataclass(frozen=True, slots=True)
class _Evidence:
    """By model: the weighted sum of mapped scores, their weight and their number."""

    total: FloatArray
    weight: FloatArray
    boards: NDArray[np.int16]

    def of(self, rows: IntArray) -> "_Evidence":
        return _Evidence(self.total[rows], self.weight[rows], self.boards[rows])


def _boards(scores: pl.DataFrame, canonicals: tuple[str, ...]) -> list[_Board]:
    index = pl.DataFrame({"canonical": canonicals}, schema={"canonical": pl.String}).with_row_index("model")
    known = scores.filter(pl.col("score").is_finite()).join(index, on="canonical")
    boards = []
    for (name, task), rows in known.sort("board", "task", "model", "score").group_by(
        "board", "task", maintain_order=True
    ):
        by_model = np.full(len(canonicals), np.nan)
        by_model[rows["model"].to_numpy()] = rows["score"].to_numpy()
        boards.append(_Board(str(name), str(task), by_model))
    return boards


def _evidence(task: str, boards: list[_Board], size: int) -> _Evidence:
    anchor = _anchor(task, boards)
    total, weight, n = np.zeros(size), np.zeros(size), np.zeros(size, dtype=np.int16)
    for board in boards:
        share = 1.0 if board.task == task else BORROWED if board.task == BORROWS.get(task) else 0.0
        if share and anchor is not None and (mapped := _mapped(board.score, anchor)) is not None:
            listed = ~np.isnan(mapped)
            total[listed] += share * mapped[listed]
            weight[listed] += share
            n[listed] += 1
    return _Evidence(total, weight, n)


def _anchor(task: str, boards: list[_Board]) -> FloatArray | None:
    """The anchor's standardised scores; the task's most populated board where it has no named anchor."""
    named = [b for b in boards if b.name == ANCHOR.get(task)]
    own = named or sorted((b for b in boards if b.task == task), key=lambda b: -np.count_nonzero(~np.isnan(b.score)))
    if not own:
        return None
    score = own[0].score
    spread = np.nanstd(score)
    return np.asarray((score - np.nanmean(score)) / spread) if spread > 0 else None


def _mapped(score: FloatArray, anchor: FloatArray) -> FloatArray | None:
    """`score` on the anchor's scale; None where the boards share too few models or do not agree."""
    shared = ~np.isnan(score) & ~np.isnan(anchor)
    if np.count_nonzero(shared) < FEWEST_SHARED:
        return None
    x, y = score[shared], anchor[shared]
    if np.std(x) == 0 or np.std(y) == 0:
        return None
    correlation = float(np.corrcoef(x, y)[0, 1])
    if correlation < WEAKEST_CORRELATION:
        return None
    return np.asarray(np.mean(y) + correlation * np.std(y) / np.std(x) * (score - np.mean(x)))


def _models(arrays: ModelArrays, column: int) -> pl.DataFrame:
    """The models that do a task: `model`, `family` and `price`, the log10 of the median dollars of a typical request.

    The median forgives a feed that is wrong by a factor of a million, which one was for 15 models at once.
    """
    rows = np.flatnonzero(arrays.tasks >> column & 1)
    cost = arrays.price[rows] @ np.array(NOMINAL_UNITS[TASK_TYPES_OF[TASKS[column]][0]])
    frame = pl.DataFrame({"model": arrays.canonical[rows], "family": arrays.family[rows], "cost": cost})
    paid = pl.col("cost").filter(pl.col("cost") > 0)
    return frame.group_by("model").agg(pl.col("family").min(), paid.median().log10().alias("price")).sort("model")


def _shrunk(models: pl.DataFrame, evidence: _Evidence) -> FloatArray:
    """The abilities of `models`, on the anchor's scale."""
    measured = evidence.weight > 0
    mean = np.divide(evidence.total, evidence.weight, out=np.zeros_like(evidence.total), where=measured)
    line = _price_line(models["price"].to_numpy(), mean, measured)
    prior = line + _deviation(models["family"].to_numpy(), mean - line, evidence.weight)
    if measured.any():
        prior = np.where(measured, prior, _guessed(models["family"].to_numpy(), prior, mean, measured))
    return np.asarray((evidence.total + PRIOR_WEIGHT * prior) / (evidence.weight + PRIOR_WEIGHT))


def _guessed(family: IntArray, prior: FloatArray, mean: FloatArray, measured: BoolArray) -> FloatArray:
    """The prior of a model that nobody has measured, where others are: discounted, and not above its best measured
    relative (a reseller's price would lift it there: one asks 35 times the usual for a Gemma)."""
    best = np.full(int(family.max()) + 1, -np.inf)
    np.maximum.at(best, family[measured], mean[measured])
    related = best[family] > -np.inf
    return np.where(related, np.minimum(prior, best[family]), prior) - np.where(related, *UNMEASURED_DISCOUNT)


def _price_line(price: FloatArray, mean: FloatArray, measured: BoolArray) -> FloatArray:
    """What a model's price suggests: a straight line over log price, fitted on the measured ones and never falling."""
    priced = ~np.isnan(price)
    level = np.mean(mean[measured]) if measured.any() else UNMEASURED_TASK
    if not priced.any():
        return np.full(len(price), level)
    fit = measured & priced
    enough = np.count_nonzero(fit) >= FEWEST_SHARED and np.std(price[fit]) > 0
    sample = price[fit] if enough else price[priced]
    low, high = np.quantile(sample, [0.05, 0.95])
    within = np.clip(np.where(priced, price, low), low, high)  # one that is only given away counts among the cheapest
    if not enough:
        return np.asarray(level + DEFAULT_SLOPE * (within - np.median(sample)))
    slope = min(max(0.0, float(np.polyfit(price[fit], mean[fit], 1)[0])), STEEPEST_SLOPE)
    return np.asarray(np.mean(mean[fit]) + slope * (within - np.mean(within[fit])))


def _deviation(family: IntArray, residual: FloatArray, weight: FloatArray) -> FloatArray:
    """How far a model's family lies from the price line, shrunk."""
    boards = np.bincount(family, weights=weight)
    return np.asarray((np.bincount(family, weights=residual * weight) / (boards + LINE_WEIGHT))[family])
