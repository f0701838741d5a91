"""A reranker over any embedding model: what its vectors say of two texts, and the words they share.

A document's points are the sum of three views, each in absolute units, so that a score depends on the query and that
document alone, never on the rest of the list:

- cosine of the two text vectors, -1..1;
- MaxSim, -1..1: for each token of the query the best cosine among the document's tokens, averaged by informativeness;
- shared word stems, 0..1: BM25 over the most it could be for this query, again by informativeness, times LEXICAL.

Z-scores, the usual way to add such views, blow a view that says nothing up to the size of the others; here such a view
stays small by itself. Informativeness comes from the model's vocabulary rather than from the list: published
vocabularies are ordered by frequency, and the list, being search results, holds the query's words in every document.
So "how", "what" and "the" weigh little, which is what makes the fusion depend on the query.

nDCG@10 over BM25's top 100 (tool retrieval: all 199 tools), MiniLM; `z` with BM25 over the list's own statistics.
The constants below were chosen on the first two collections; the third was measured afterwards and only measured:

                             Cranfield   tool retrieval   TREC DL19 passages
    BM25 of the collection      .425          .423              .507
    cosine                      .440          .649              .644
    z(BM25)+z(cos)+z(MaxSim)    .460          .665              .616
    this                        .468          .680              .660
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import Stemmer

from greatrouter_serving.local.backend import Backend, Floats, Ids

# Cranfield and tool retrieval are flat from .15 to .8.
LEXICAL = 0.3
# BM25's saturation and length normalisation, around documents of 100 words. The sum is within .003 for any length.
SATURATION, LENGTH_SHARE, TYPICAL_WORDS = 1.2, 0.75, 100
# Points to relevance: unrelated texts have .2 (.05 relevance), hard negatives .9 (.6), relevant documents 0.8 to 1.5.
MIDPOINT, SLOPE = 0.8, 5.0
WORD = re.compile(r"\w+")
# What is read of a text for its wording. The model reads far less (256 tokens are some 1,200 characters), while all of
# a document of 7 MB took 873 ms; 20,000 characters take 2.
MAX_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class Wording:
    """A query's word stems, and how informative each is, with weights that sum to 1."""

    weights: dict[str, float]

    def shared(self, documents: Sequence[str], max_words: int | None) -> Floats:
        """How much of the query's wording each document repeats, 0..1.

        Stems in-process: building a bm25s index took 13 ms for 100 passages, this 4.
        """
        split = [WORD.findall(document[:MAX_CHARACTERS].lower())[:max_words] for document in documents]
        initials = {stem[0] for stem in self.weights}  # stemming changes a word's end: a sixth of the words remain
        distinct = [word for word in set().union(*split) if word[0] in initials]
        stem_of = {word: stem for word, stem in zip(distinct, _stem(distinct), strict=True) if stem in self.weights}
        return np.array([self._score(words, stem_of) for words in split], dtype=np.float32)

    def _score(self, words: Sequence[str], stem_of: dict[str, str]) -> float:
        counts: dict[str, int] = {}
        for word in words:
            stem = stem_of.get(word)
            if stem is not None:
                counts[stem] = counts.get(stem, 0) + 1
        damping = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * len(words) / TYPICAL_WORDS)
        return sum(self.weights[stem] * count / (count + damping) for stem, count in counts.items())


@dataclass(frozen=True, slots=True)
class Meaning:
    """A query as the model sees it: its vector, and [q, d] token vectors with weights that sum to 1."""

    vector: Floats
    tokens: Floats
    weights: Floats
    markers: Ids

    def likeness(self, ids: Ids, vector: Floats, tokens: Floats) -> float:
        """Cosine plus MaxSim of a document, -2..2. One without content is like nothing: -2."""
        content = tokens[~np.isin(ids, self.markers)]
        if not len(content):
            return -2.0
        cosine = float(self.vector @ vector)
        if not len(self.tokens):
            return 2 * cosine
        # Not a matrix product: NumPy's BLAS would wake a second thread for it, 3 ms a document on busy cores. This is
        # 0.1 ms for a passage, which took 20 ms to encode.
        nearest = np.einsum("td,qd->tq", content, self.tokens).max(axis=0)
        return cosine + float(nearest @ self.weights)


def wording(backend: Backend, query: str) -> Wording:
    words = list(dict.fromkeys(WORD.findall(query[:MAX_CHARACTERS].lower())))
    weights: dict[str, float] = {}
    for ids, stem in zip(backend.tokenize(words, backend.traits.max_tokens), _stem(words), strict=True):
        if stem not in weights:
            weights[stem] = float(informativeness(backend, ids).max(initial=1.0))
    total = sum(weights.values())
    return Wording({stem: weight / total for stem, weight in weights.items()})


def meaning(backend: Backend, ids: Ids, vector: Floats, tokens: Floats) -> Meaning:
    markers = np.array(sorted(backend.traits.marker_ids), dtype=np.int64)
    content = ~np.isin(ids, markers)
    weights = informativeness(backend, ids)
    # Copies, so that the query does not keep its whole batch in memory.
    return Meaning(vector.copy(), tokens[content], weights / max(weights.sum(), 1.0), markers)


def informativeness(backend: Backend, ids: Ids) -> Floats:
    """log(1 + rank) of each token but the markers, at least 1: under Zipf's law, its inverse document frequency."""
    content = ids[~np.isin(ids, list(backend.traits.marker_ids))]
    rank = np.maximum(content - backend.traits.commonest_id + 1, 1)
    return np.maximum(np.log1p(rank), 1.0).astype(np.float32)


def relevance(likeness: Floats, shared: Floats) -> list[float]:
    """Points to 0..1, the same for every request.

    Rounded, because a text's vector differs by some 1e-7 with the texts it was batched with: equal stays equal.
    """
    points = likeness + LEXICAL * shared
    return [round(1 / (1 + math.exp(-SLOPE * (float(value) - MIDPOINT))), 6) for value in points]


def _stem(words: Sequence[str]) -> list[str]:
    stems: list[str] = Stemmer.Stemmer("english").stemWords(
        words
    )  # one a call: it is not safe to share between threads
    return stems
