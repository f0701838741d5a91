"""A backend without weights: hashed bags of words. For tests, and for trying the server out."""

import re
import zlib
from collections.abc import Sequence

import numpy as np

from greatrouter_serving.errors import InvalidInput
from greatrouter_serving.local.backend import Encoded, Floats, Ids, Traits, unit

OPENING, CLOSING, FIRST_WORD = 0, 1, 2
WORD = re.compile(r"\w+|[^\w\s]")


class FakeBackend:
    """Each word has a fixed pseudo-random unit vector; a text's vector is their normalised sum, whatever the order."""

    name = "fake"

    def __init__(self, *, dimensions: int = 256, max_tokens: int = 256) -> None:
        self.traits = Traits(
            dimensions=dimensions,
            max_tokens=max_tokens,
            vocabulary=2**16,
            params=0,
            marker_ids=frozenset((OPENING, CLOSING)),
            markers_per_text=2,
            commonest_id=FIRST_WORD,
        )

    def tokenize(self, texts: Sequence[str], max_tokens: int) -> list[Ids]:
        words = self.traits.vocabulary - FIRST_WORD
        return [
            self._framed(
                [FIRST_WORD + zlib.crc32(word.encode()) % words for word in WORD.findall(text.lower())], max_tokens
            )
            for text in texts
        ]

    def admit(self, ids: Sequence[int], max_tokens: int) -> Ids:
        if any(not 0 <= i < self.traits.vocabulary for i in ids):
            largest = self.traits.vocabulary - 1
            raise InvalidInput(f"token ids of this model lie in 0..{largest}; send those, or text", "input")
        return self._framed([i for i in ids if i not in self.traits.marker_ids], max_tokens)

    def _framed(self, inside: list[int], max_tokens: int) -> Ids:
        return np.array([OPENING, *inside[: max(0, max_tokens - 2)], CLOSING], dtype=np.int64)

    def forward(self, batch: Sequence[Ids], want_tokens: bool) -> Encoded:
        tokens = [np.stack([self._word(int(i)) for i in ids]) for ids in batch]
        return Encoded(unit(np.stack([rows.sum(axis=0) for rows in tokens])), tokens if want_tokens else None)

    def _word(self, token: int) -> Floats:
        if token in self.traits.marker_ids:
            return np.zeros(self.traits.dimensions, dtype=np.float32)
        return unit(np.random.default_rng(token).standard_normal(self.traits.dimensions, dtype=np.float32))

    def close(self) -> None:
        """Nothing was opened."""
