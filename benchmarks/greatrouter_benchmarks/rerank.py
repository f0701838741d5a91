"""How well the local reranker orders search results: nDCG@10 on Cranfield and on the TREC DL19 passage pool.

`data_dir` holds a folder per collection with `corpus.jsonl` and `queries.jsonl` (`_id`, `text`), `qrels.tsv`
(query, document, score; a header line) and, where the first stage comes with it, `candidates.tsv` (run, query,
document, rank, score). The candidates are BM25's first 100. MS MARCO's terms: the TREC pool is for evaluation only.
"""

import argparse
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import Stemmer
from numpy.typing import NDArray

from greatrouter_serving.local import hybrid
from greatrouter_serving.local.backend import Backend, Floats, Ids
from greatrouter_serving.local.hybrid import WORD
from greatrouter_serving.local.shelf import LocalModelConfig, Shelf

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
CUTOFF, CANDIDATES, PADDED_TOKENS = 10, 100, 1024
COLLECTIONS = ("cranfield", "trec_dl19_passage_pool")


@dataclass(frozen=True, slots=True)
class Collection:
    """`judged` is query -> document -> graded relevance; `candidates` is query -> BM25's best documents, best first."""

    texts: dict[str, str]
    queries: dict[str, str]
    judged: dict[str, dict[str, int]]
    candidates: dict[str, list[str]]


def command() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_dir", type=Path, help="the folder with the collections")
    parser.add_argument("--queries", type=int, help="only the first so many of each collection")
    arguments = parser.parse_args()
    main(arguments.data_dir, arguments.queries)


def main(data_dir: Path, max_queries: int | None = None) -> None:
    """Prints one line a collection. All queries take three minutes on one core; `max_queries` takes the first ones."""
    backend = Shelf().open(LocalModelConfig(MODEL))
    print(f"{'nDCG@10':24} {'queries':>7} {'BM25':>6} {'cosine':>6} {'hybrid':>6}")
    for name in COLLECTIONS:
        scores = measure(read_collection(data_dir / name), backend, max_queries)
        means = " ".join(f"{value:6.3f}" for value in np.mean(scores, axis=0))
        print(f"{name:24} {len(scores):7} {means}", flush=True)


def measure(collection: Collection, backend: Backend, max_queries: int | None) -> list[tuple[float, float, float]]:
    """nDCG@10 of BM25, cosine and the hybrid for each query that has a relevant document."""
    queries = [query for query, grades in collection.judged.items() if any(grades.values())][:max_queries]
    wanted = dict.fromkeys(document for query in queries for document in collection.candidates[query])
    encoded = encode(backend, {document: collection.texts[document] for document in wanted})
    rows = []
    for query in queries:
        grades, text = collection.judged[query], collection.queries[query]
        documents = sorted(collection.candidates[query])  # so that ties do not keep BM25's order
        ids, vector, tokens = encode(backend, {query: text})[query]
        meaning = hybrid.meaning(backend, ids, vector, tokens.astype(np.float32))
        shared = hybrid.wording(backend, text).shared([collection.texts[document] for document in documents], None)
        cosine, likeness = np.zeros(len(documents), np.float32), np.zeros(len(documents), np.float32)
        for place, document in enumerate(documents):
            ids, vector, tokens = encoded[document]
            cosine[place] = vector @ meaning.vector
            likeness[place] = meaning.likeness(ids, vector, tokens.astype(np.float32))
        ranked = [
            [documents[place] for place in np.argsort(-np.asarray(scores), kind="stable")]
            for scores in (cosine, hybrid.relevance(likeness, shared))
        ]
        rows.append((ndcg(collection.candidates[query], grades), ndcg(ranked[0], grades), ndcg(ranked[1], grades)))
    return rows


def encode(backend: Backend, texts: Mapping[str, str]) -> dict[str, tuple[Ids, Floats, NDArray[np.float16]]]:
    """Ids, text vector and token vectors (halved: 250 MB for the TREC pool) of each text, once for all queries."""
    ids = dict(zip(texts, backend.tokenize(list(texts.values()), backend.traits.max_tokens), strict=True))
    queue = sorted(ids, key=lambda name: len(ids[name]))
    encoded = {}
    while queue:
        batch = queue[-max(1, PADDED_TOKENS // len(ids[queue[-1]])) :]
        del queue[-len(batch) :]
        result = backend.forward([ids[name] for name in batch], want_tokens=True)
        for name, vector, tokens in zip(batch, result.pooled, result.tokens or (), strict=True):
            encoded[name] = (ids[name], vector, tokens.astype(np.float16))
    return encoded


def ndcg(ranked: Sequence[str], grades: Mapping[str, int]) -> float:
    """As trec_eval computes it: gain is the grade, the ideal list comes from all judged documents."""

    def gain(found: Sequence[int]) -> float:
        return sum(grade / math.log2(rank + 2) for rank, grade in enumerate(found[:CUTOFF]))

    return gain([grades.get(document, 0) for document in ranked]) / gain(sorted(grades.values(), reverse=True))


def read_collection(folder: Path) -> Collection:
    texts, queries = (
        {str(row["_id"]): str(row["text"]) for row in map(json.loads, _lines(folder / name))}
        for name in ("corpus.jsonl", "queries.jsonl")
    )
    judged: dict[str, dict[str, int]] = {query: {} for query in queries}
    for query, document, grade in _rows(folder / "qrels.tsv"):
        judged[query][document] = max(int(grade), 0)
    if (folder / "candidates.tsv").is_file():
        candidates: dict[str, list[str]] = {query: [] for query in queries}
        for run, query, document, *_ in _rows(folder / "candidates.tsv"):
            if run == "BM25":
                candidates[query].append(document)
    else:
        candidates = first_stage(texts, queries)
    return Collection(texts, queries, judged, candidates)


def first_stage(
    texts: Mapping[str, str], queries: Mapping[str, str], k1: float = 1.5, b: float = 0.75
) -> dict[str, list[str]]:
    """BM25 over the whole collection, with its own statistics: what a search engine in front of us would send."""
    stemmer = Stemmer.Stemmer("english")
    documents = list(texts)
    counts = [Counter(stemmer.stemWords(WORD.findall(text.lower()))) for text in texts.values()]
    lengths = np.array([sum(count.values()) for count in counts])
    damping = k1 * (1 - b + b * lengths / lengths.mean())
    best = {}
    for query, text in queries.items():
        scores = np.zeros(len(documents))
        for stem in dict.fromkeys(stemmer.stemWords(WORD.findall(text.lower()))):
            found = np.array([count[stem] for count in counts])
            idf = math.log(1 + (len(documents) - (found > 0).sum() + 0.5) / ((found > 0).sum() + 0.5))
            scores += idf * found * (k1 + 1) / (found + damping)
        best[query] = [documents[place] for place in np.argsort(-scores, kind="stable")[:CANDIDATES]]
    return best


def _rows(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in _lines(path)[1:]]


def _lines(path: Path) -> list[str]:
    """Split at newlines only: web text holds the other line ends of Unicode."""
    return path.read_text(encoding="utf-8").rstrip("\n").split("\n")
