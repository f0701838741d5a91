"""Nearest neighbours over exemplar embeddings, with calibrated probabilities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from greatrouter_classifier.classification import ContentMode, Task
from greatrouter_classifier.exemplars import Exemplar

FloatArray = NDArray[np.float32]
TASKS = tuple(Task)
NEIGHBOURS = 16
# Weight of a neighbour by cosine: one that is 0.1 further away counts e times less.
SHARPNESS = 10.0


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The nearest exemplars of one prompt, nearest first, and the features made of them (see `features`)."""

    exemplars: tuple[Exemplar, ...]
    similarity: FloatArray
    features: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Multinomial logistic regression from vote features to tasks: `weights` is (tasks, features), `bias` (tasks,)."""

    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    threshold: float

    def probabilities(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shape (..., tasks); rows add up to 1."""
        logits = features @ self.weights.T + self.bias
        exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return np.asarray(exponents / exponents.sum(axis=-1, keepdims=True))


class NearestNeighbours:
    """An exact FAISS index over the exemplars' unit vectors (0.05 ms for a thousand)."""

    def __init__(self, exemplars: Sequence[Exemplar], vectors: FloatArray) -> None:
        self._exemplars = tuple(exemplars)
        self._task = np.array([TASKS.index(e.task) for e in exemplars])
        self._index = faiss.IndexFlatIP(vectors.shape[1])
        self._index.add(np.ascontiguousarray(vectors, dtype=np.float32))

    def neighbours(self, vectors: FloatArray, *, leave_out_self: bool = False) -> list[Neighbours]:
        """The neighbours of each row; with `leave_out_self`, row i must be exemplar i and does not vote for itself."""
        count = min(NEIGHBOURS + leave_out_self, len(self._exemplars))
        similarity, rows = self._index.search(np.ascontiguousarray(vectors, dtype=np.float32), count)
        found = []
        for i, (all_near, all_ids) in enumerate(zip(similarity, rows, strict=True)):
            keep = all_ids != i if leave_out_self else np.ones(len(all_ids), dtype=bool)
            near, ids = all_near[keep][:NEIGHBOURS], all_ids[keep][:NEIGHBOURS]
            found.append(Neighbours(tuple(self._exemplars[j] for j in ids), near, features(near, self._task[ids])))
        return found


def features(similarity: FloatArray, task: NDArray[np.intp]) -> NDArray[np.float64]:
    """For each task the share of the weighted votes and the similarity of its nearest neighbour (0 where it has none),
    then the similarity of the nearest neighbour of all."""
    weight = np.exp(SHARPNESS * (similarity - similarity[0])).astype(np.float64)
    votes = np.bincount(task, weights=weight, minlength=len(TASKS)) / weight.sum()
    nearest = np.zeros(len(TASKS))
    np.maximum.at(nearest, task, similarity.astype(np.float64))
    return np.concatenate([votes, nearest, [float(similarity[0])]])


def content_mode(near: Neighbours, task: Task) -> ContentMode:
    """The mode that the nearest exemplars of `task` have, weighted by similarity."""
    votes: dict[ContentMode, float] = {}
    for exemplar, similarity in zip(near.exemplars, near.similarity, strict=True):
        if exemplar.task is task:
            weight = float(np.exp(SHARPNESS * (similarity - near.similarity[0])))
            votes[exemplar.content_mode] = votes.get(exemplar.content_mode, 0.0) + weight
    return max(votes, key=lambda mode: votes[mode], default=ContentMode.GENERATE)


def by_task(probabilities: NDArray[np.float64]) -> Mapping[Task, float]:
    return {task: round(float(p), 4) for task, p in zip(TASKS, probabilities, strict=True)}
