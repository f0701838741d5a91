"""What the engine asks of a model runtime."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Traits:
    """What can be said of a model without running it.

    `max_tokens` and `marker_ids` ([CLS], [SEP], ...) count every position the model sees. Token ids lie in
    0..vocabulary-1. From `commonest_id` (the language's commonest word) upwards a higher id is, by and large, a rarer
    token: published vocabularies are ordered by frequency.
    """

    dimensions: int
    max_tokens: int
    vocabulary: int
    params: int
    marker_ids: frozenset[int]
    markers_per_text: int
    commonest_id: int


@dataclass(frozen=True, slots=True)
class Encoded:
    """A batch: `pooled` is [n, dimensions], `tokens` one [len(ids), dimensions] array a text, all with unit rows.

    A text that holds nothing but markers may have a zero row in place of a unit one.
    """

    pooled: Floats
    tokens: Sequence[Floats] | None


def unit(vectors: Floats) -> Floats:
    """Rows scaled to length 1; a row of zeros stays zero."""
    scaled: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32(1e-12))
    return scaled


class Backend(Protocol):
    """A loaded model. Safe to call from several threads at once; the same batch gives the same vectors."""

    name: str
    traits: Traits

    def tokenize(self, texts: Sequence[str], max_tokens: int) -> list[Ids]:
        """Token ids of each text with its markers, cut to `max_tokens` in all, the closing marker kept."""
        ...

    def admit(self, ids: Sequence[int], max_tokens: int) -> Ids:
        """A caller's own token ids, with the markers added where they lack them, cut as `tokenize` cuts.

        Raises InvalidInput for an id outside the vocabulary.
        """
        ...

    def forward(self, batch: Sequence[Ids], want_tokens: bool) -> Encoded:
        """Vectors of every text of the batch, in order. Raises InferenceFailed."""
        ...

    def close(self) -> None: ...
