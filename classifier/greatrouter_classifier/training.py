"""Fits the small numbers the classifier ships with: calibration of the votes, weights of the complexity cues."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge

from greatrouter_classifier.classification import ComplexityTier, Embedder, Task
from greatrouter_classifier.complexity import FEATURES, cue_set, features
from greatrouter_classifier.exemplars import Exemplar
from greatrouter_classifier.focus import focus
from greatrouter_classifier.knn import TASKS, Calibration, NearestNeighbours

# Where each tier's prompts should score, and the scores at which one tier gives way to the next.
TIER_SCORE = dict(zip(ComplexityTier, (0.1, 0.35, 0.65, 0.9), strict=True))
TIER_CUTS = (0.25, 0.45, 0.75)
# Chosen by ten-fold cross-validation over 131 prompts: correlation 0.64 at 10, 0.63 at 1.
RIDGE = 10.0
# Enough for nineteen numbers a task; more only makes one big source louder.
PER_SOURCE_AND_TASK = 60
# On sources that were not fitted on, neighbours above 0.4 decide 75% of what the rules leave open and are right in 66%
# of it; at 0.3 it is 92% and 60%, at 0.5 60% and 71%.
THRESHOLD = 0.4


def sample(rows: Sequence[tuple[str, str, str]], most: int = PER_SOURCE_AND_TASK) -> list[tuple[str, Task]]:
    """At most `most` prompts of each source and task, evenly spread, from rows of (source, prompt, task)."""
    groups: dict[tuple[str, str], list[str]] = {}
    for source, prompt, task in rows:
        if task in set(Task):
            groups.setdefault((source, task), []).append(prompt)
    return [
        (prompt, Task(task))
        for (_, task), prompts in sorted(groups.items())
        for prompt in prompts[:: -(-len(prompts) // most)]
    ]


def fit_calibration(
    index: NearestNeighbours,
    vectors: NDArray[np.float32],
    exemplars: Sequence[Exemplar],
    extra: Sequence[tuple[str, Task]],
    embedder: Embedder,
) -> Calibration:
    """Logistic regression on the votes: each exemplar without its own vote, and each prompt of `extra`."""
    near = index.neighbours(vectors, leave_out_self=True)
    near += index.neighbours(embedder.embed([focus(prompt) or " " for prompt, _ in extra])) if extra else []
    truth = [TASKS.index(e.task) for e in exemplars] + [TASKS.index(task) for _, task in extra]
    # Weighting the tasks equally was worse on unseen sources: macro 0.658 against 0.686.
    model = LogisticRegression(max_iter=2000)
    model.fit(np.stack([n.features for n in near]), np.array(truth))
    return Calibration(model.coef_, model.intercept_, THRESHOLD)


def fit_complexity(prompts: Sequence[tuple[str, ComplexityTier]]) -> dict[str, Any]:
    """Weights of the cues by ridge regression on the logit of each tier's score: the content of `complexity.json`."""
    cues = cue_set()
    rows = np.array([features(focus(prompt), cues) for prompt, _ in prompts])
    target = np.array([TIER_SCORE[tier] for _, tier in prompts])
    model = Ridge(alpha=RIDGE).fit(rows, np.log(target / (1 - target)))
    weights = {name: round(float(w), 4) for name, w in zip(FEATURES, model.coef_, strict=True)}
    return {"weights": weights, "bias": round(float(model.intercept_), 4), "cuts": TIER_CUTS}
