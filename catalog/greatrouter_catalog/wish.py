"""What a description of a model asks for, and which kind of model that is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from greatrouter_catalog.taxonomy import TASK_TYPES

FloatArray = NDArray[np.float64]

KINDS = tuple(TASK_TYPES)
# What hardly any model of a kind has is not quite against that kind: feeds leave out a lot. From 0.0001 to 0.01 it
# changes one answer in a hundred.
RARELY = 0.001
# A classifier knows what prompts ask for. Of a description of a model its opinion counts little ("a model that reads
# screenshots" is near to prompts that ask for pictures), of any other words all: 94 of 100 recommendations for
# descriptions fit with anything up to a half, 93 with all of it.
TEMPERED = 0.25
# Whoever wants pictures, sound or numbers of a model says so; what goes without saying is text: 94 of 100 fit, and 91
# where that is not considered.
UNNAMED = 0.2


@dataclass(frozen=True, slots=True)
class Wish:
    """How surely it is asked for (0..1), and how far each routable row of the catalog meets it (0..1). What `must` be
    met rules out all models that do not meet it at all."""

    text: str
    weight: float
    met: FloatArray
    must: bool = False


@dataclass(frozen=True, slots=True)
class Meaning:
    """One reading of what was said; `shares` of the models of each of `KINDS` meet it in full."""

    wish: Wish
    shares: FloatArray


@dataclass(frozen=True, slots=True)
class Description:
    """Of each thing that was said, the surest first, what it may mean. `of_a_model` says that a model is described, not
    work to be done."""

    said: Sequence[Sequence[Meaning]]
    of_a_model: bool

    def kind(self, chances: Mapping[str, float]) -> str | None:
        """The kind of model that all that was said fits best, given the classifier's `chances` of each of `KINDS`; None
        where nothing was said. The readings of a word and the kind are found together: among models that make videos
        "audio" is a sound track, among those that chat it is heard."""
        if not self.said:
            return None
        guess = np.log(np.array([max(chances.get(kind, 0.0), 0.01) for kind in KINDS]))
        said = self.said if self.of_a_model else self.said[:1]
        told = np.array([np.max([meaning.shares for meaning in meanings], axis=0) for meanings in said])
        weights = np.array([meanings[0].wish.weight for meanings in said])
        if self.of_a_model:
            guess = TEMPERED * guess + np.log(np.where(self._named(told), 1.0, UNNAMED))
        guess = guess + weights @ np.log(np.maximum(told, RARELY))
        return KINDS[int(guess.argmax())]

    def _named(self, told: FloatArray) -> NDArray[np.bool_]:
        """Whether what each kind does was said: all of its models do it."""
        wanted = [not meanings[0].wish.must for meanings in self.said]
        text = np.array([kind == "text_generation" for kind in KINDS])
        return np.asarray((told[wanted] > 0.99).any(axis=0) | text)

    def wishes(self, kind: str) -> list[Wish]:
        """What is asked for among the models of one kind, the surest first."""
        place = KINDS.index(kind)
        found: dict[str, Wish] = {}
        for meanings in self.said:
            wish = max(meanings, key=lambda meaning: meaning.shares[place]).wish
            if wish.text not in found or wish.weight > found[wish.text].weight:
                found[wish.text] = wish
        return sorted(found.values(), key=lambda wish: -wish.weight)
