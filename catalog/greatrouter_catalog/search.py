"""Full-text search over short texts, such as names and descriptions of models: BM25 over words and their beginnings.

Written here rather than taken from bm25s, which imports SciPy and tqdm (0.24 s) and leaves tqdm's monitor thread
running: 100,000 words are indexed in a fifth of a second, and a query needs the beginnings of words, as one types.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
import Stemmer
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]

# Robertson's usual constants. The texts are about equally long, so that little is made of their length.
SATURATION, LENGTH_SHARE = 1.2, 0.3
# A word that only begins like the one asked for, "mini" for "minimax", counts so much of the word itself.
BEGINNING = 0.4
# As many words of a query are looked at: a whole prompt may be asked.
MOST_WORDS = 64
# They tell no text from another, and a model's description has none of them.
_IDLE = re.compile("an?|and|are|as|at|be|by|for|from|i|in|is|it|me|my|of|on|or|that|the|this|to|want|with|you")
_LAST = "\U0010ffff"  # no word holds it, so that it bounds all words that begin alike
_VERSION = re.compile(r"(?<![\d.])(\d{1,2})[-_p](\d{1,2})(?![^\W_])")  # 3-5, 3_5 and 3p5 are 3.5
_WORD = re.compile(r"[^\W_]+(?:\.\d+)*")
_PART = re.compile(r"\d+(?:\.\d+)*|[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Hit:
    """One text found: its place among the documents, and how well it fits (more is better, 0 is not at all)."""

    row: int
    score: float


class TextSearch:
    """Read-only over `documents`; built at the first question, 0.2 s for 7,900 texts of 150 characters on one core."""

    def __init__(self, documents: Sequence[str]) -> None:
        self._documents = documents

    def find(self, text: str, limit: int) -> list[Hit]:
        """The documents that have any word of `text`, best first, ties in their order. 1 ms."""
        scores = self.scores(text)
        found = np.flatnonzero(scores > 0)
        best = found[np.argsort(-scores[found], kind="stable")[:limit]]
        return [Hit(int(row), float(scores[row])) for row in best]

    def scores(self, text: str, *, every_word: bool = False) -> FloatArray:
        """One score per document, 0 where it has no word of `text`; with `every_word` also where it lacks one."""
        total = np.zeros(len(self._documents))
        lacking = np.zeros(len(self._documents), dtype=np.bool_)
        asked = dict.fromkeys(word for word in _words(text) if not _IDLE.fullmatch(word))
        for spellings in map(_spellings, islice(asked, MOST_WORDS)):
            whole, *parts = [self._word(spelling) for spelling in spellings]
            total += sum(parts, whole)
            lacking |= (whole == 0) & (not parts or np.any([part == 0 for part in parts], axis=0))
        if every_word:
            total[lacking] = 0
        return total

    def _word(self, word: str) -> FloatArray:
        """What one word is worth to each document: the best of the words that it, or its stem, begins."""
        index, score = self._index, np.zeros(len(self._documents))
        for beginning in dict.fromkeys((word, str(_stemmer().stemWord(word)))):
            for place in index.beginning_with(beginning):
                rows, weights = index.postings[place]
                share = 1.0 if index.words[place] == word else BEGINNING
                score[rows] = np.maximum(score[rows], share * weights)
        return score

    @cached_property
    def _index(self) -> "_Index":
        return _index(self._documents)


@dataclass(frozen=True, slots=True)
class _Index:
    """`postings[i]` are the documents that have `words[i]`, ascending, and its weight in each; `words` is sorted."""

    words: list[str]
    postings: list[tuple[IntArray, FloatArray]]

    def beginning_with(self, beginning: str) -> Iterator[int]:
        """The places of the words that begin so. Of one letter only the word itself; a number begins its versions."""
        if beginning[-1].isdecimal():
            yield from range(*self._bounds(beginning, "\0"))
            yield from range(*self._bounds(beginning + ".", _LAST))
        else:
            yield from range(*self._bounds(beginning, "\0" if len(beginning) == 1 else _LAST))

    def _bounds(self, beginning: str, end: str) -> tuple[int, int]:
        return bisect_left(self.words, beginning), bisect_left(self.words, beginning + end)


def words_of(text: str) -> list[str]:
    """The words of a text in lower case; one of letters and digits also in its parts: names are spelled both ways.

    >>> words_of("Llama3.3 (gpt-4o, claude-3-5)")
    ['llama3.3', 'llama', '3.3', 'gpt', '4o', '4', 'o', 'claude', '3.5']
    """
    return [spelling for word in _words(text) for spelling in _spellings(word)]


def _words(text: str) -> Iterator[str]:
    return (found[0] for found in _WORD.finditer(_VERSION.sub(r"\1.\2", text.casefold())))


def _spellings(word: str) -> tuple[str, ...]:
    parts = _PART.findall(word)
    return (word, *parts) if len(parts) > 1 else (word,)


def _index(documents: Sequence[str]) -> _Index:
    found: dict[str, tuple[list[int], list[int]]] = {}
    lengths = np.zeros(len(documents))
    for row, document in enumerate(documents):
        counts = Counter(words_of(document))
        lengths[row] = counts.total()
        for word, count in counts.items():
            rows, times = found.setdefault(word, ([], []))
            rows.append(row)
            times.append(count)
    usual = lengths.mean() if len(documents) else 1.0
    dampening = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * lengths / max(usual, 1.0))
    words = sorted(found)
    return _Index(words, [_weighted(*found[word], dampening) for word in words])


def _weighted(rows: list[int], times: list[int], dampening: FloatArray) -> tuple[IntArray, FloatArray]:
    places, counts = np.array(rows, dtype=np.int32), np.array(times, dtype=np.float64)
    rarity = np.log1p((len(dampening) - len(rows) + 0.5) / (len(rows) + 0.5))
    return places, rarity * counts * (SATURATION + 1) / (counts + dampening[places])


def _stemmer() -> Stemmer.Stemmer:
    # A stemmer keeps a state and is not to be shared between threads; making one takes 2 microseconds.
    return Stemmer.Stemmer("english")
