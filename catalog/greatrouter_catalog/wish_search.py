"""What a description of a model asks for, and which models have it: by meaning (FAISS) and by words, in one score."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from greatrouter_catalog.catalog import Catalog
from greatrouter_catalog.model import Model
from greatrouter_catalog.search import TextSearch, words_of
from greatrouter_catalog.taxonomy import TASK_TYPES
from greatrouter_catalog.traits import TRAITS, traits_of
from greatrouter_catalog.wish import Wish

FloatArray = NDArray[np.float64]

# Phrases with a cosine below this are unlike the request ("Write a poem about autumn leaves" comes to 0.28 at most),
# those above the other are asked for in so many words. Sharing all its words is worth as much of a cosine.
UNLIKE, ALIKE, WORDING = 0.35, 0.6, 0.15
# The same without an encoder, by the share of the request's words that a phrase has.
UNLIKE_WORDS, ALIKE_WORDS = 0.2, 0.6
# Any word in common, where the request says that it is about a model ("a cheap and fast model for support tickets").
SAID_OF_A_MODEL = 0.6
# A request names at most a few things; whoever sends a whole text describes no model.
MOST_TRAITS, MOST_WORDS = 4, 24
FAINT = 0.1  # less than so sure is nothing
KINDS = tuple(TASK_TYPES)
_MODEL = re.compile(r"\b(?:models?|llms?|ai)\b", re.IGNORECASE)
# They say nothing of the model that is wanted.
_IDLE = re.compile(
    "ai|an?|and|any|are|as|at|be|best|by|can|could|do|does|for|from|give|good|great|have|has|i|in|into|is|it|like|llms?|"
    "me|models?|my|need|of|on|one|or|our|please|some|something|that|the|there|this|to|use|want|what|which|will|with|"
    "you|your"
)
# Words of the language that are names of models as well: alone they name none ("write a sonnet", "a brave queen").
_AMBIGUOUS = re.compile(
    r"[\d.]+|.|air|alpha|answer|base|beta|brave|build|canvas|claw|command|core|custom|diamond|dolphin|draft|edge|"
    "eleven|enhanced|evolution|express|fable|form|frontier|general|generat(?:e|ion|ive|or)|haiku|her|image|instant|"
    "large|latest|light|lite|luna|max|medium|mercury|micro|mini|muse|nano|neural|new|next|nova|omni|open|opus|plus|"
    "prime|pro|python|queen|research|ring|route|scout|seed|short|sol|solar|sonar|sonnet|spark|spotlight|standard|"
    "super|swift|terra|think(?:ing)?|together|turbo|ultra|voyage|weaver|writer"
)


class Encoder(Protocol):
    """Turns texts into unit vectors, as rows."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


class WishSearch:
    """Over one catalog; without an `encoder` by words alone. Not for an event loop: `prepare` takes 0.3 s, the first
    question 0.15 s, any other what the encoder takes (4 ms) and a fifth of a millisecond."""

    def __init__(self, catalog: Catalog, encoder: Encoder | None) -> None:
        self._catalog = catalog
        self._encoder = encoder
        self._routable = catalog.arrays.routable

    def prepare(self) -> None:
        """Reads the catalog, which needs no encoder; a question would do it as well."""
        _ = self._met, self._names, self._kinds

    def find(self, text: str) -> list[Wish]:
        """What `text` asks for, the surest first; nothing where it does not describe a model."""
        words = [word for word in dict.fromkeys(words_of(text)) if not _IDLE.fullmatch(word)]
        words = words if len(words) <= MOST_WORDS else []
        strength = self._strength(text, words)
        surest = np.argsort(-strength, kind="stable")[:MOST_TRAITS].tolist()
        found = [
            self._wish(TRAITS[i], min(1.0, float(strength[i])), self._met[:, i]) for i in surest if strength[i] > FAINT
        ]
        return sorted([*self._named(words), *found], key=lambda wish: -wish.weight)

    def _strength(self, text: str, words: list[str]) -> FloatArray:
        """How surely each trait is asked for; more than 1 where more than surely."""
        shared = sum((self._phrases.scores(word) > 0 for word in words), np.zeros(len(TRAITS))) / max(len(words), 1)
        if self._encoder is None:
            strength = (shared - UNLIKE_WORDS) / (ALIKE_WORDS - UNLIKE_WORDS)
        else:
            near, places = self._index.search(self._encoder.embed([text]), MOST_TRAITS)
            cosine = np.zeros(len(TRAITS))
            cosine[places[0]] = near[0]
            strength = (cosine + WORDING * shared - UNLIKE) / (ALIKE - UNLIKE)
        if _MODEL.search(text):
            strength = np.maximum(strength, np.where(shared > 0, SAID_OF_A_MODEL, 0.0))
        return np.asarray(strength)

    def _named(self, words: list[str]) -> list[Wish]:
        """The models that the request names, if any: with "claude" among its words, "sonnet" says which of them."""
        names = [word for word in words if word in self._names and not self._phrases.scores(word).any()]
        told = [word for word in names if not _AMBIGUOUS.fullmatch(word)]
        if not told:
            return []
        met = np.zeros(len(self._catalog))
        for word in names:
            met[self._names[word]] += 1
        told_of = np.zeros(len(self._catalog), dtype=np.bool_)
        for word in told:
            told_of[self._names[word]] = True
        met[~told_of] = 0
        share = len(names) / len(words)
        return [self._wish(f'is called "{" ".join(names)}"', min(1.0, 2 * share), met / met.max())]

    def _wish(self, text: str, weight: float, met: FloatArray) -> Wish:
        counts = np.bincount(self._kinds[(met >= 1) & self._routable], minlength=len(KINDS))
        return Wish(text, weight, met, KINDS[int(counts.argmax())] if counts.any() else None)

    @cached_property
    def _index(self) -> faiss.IndexFlatIP:
        assert self._encoder is not None
        vectors = self._encoder.embed(TRAITS)
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return index

    @property
    def _models(self) -> Iterator[tuple[int, Model]]:
        """What may be recommended: reading the rest as well would take half as long again."""
        return ((row, self._catalog.model(row)) for row in np.flatnonzero(self._routable).tolist())

    @cached_property
    def _met(self) -> FloatArray:
        """[rows, traits], 1 where the model has the trait."""
        place = {trait: i for i, trait in enumerate(TRAITS)}
        met = np.zeros((len(self._catalog), len(TRAITS)))
        for row, model in self._models:
            met[row, [place[trait] for trait in traits_of(model)]] = 1
        return met

    @cached_property
    def _kinds(self) -> NDArray[np.intp]:
        """The task type of each row, as an index into `KINDS`."""
        kinds = np.zeros(len(self._catalog), dtype=np.intp)
        for row, model in self._models:
            kinds[row] = KINDS.index(model.task_type)
        return kinds

    @cached_property
    def _phrases(self) -> TextSearch:
        return TextSearch(TRAITS)

    @cached_property
    def _names(self) -> dict[str, list[int]]:
        """The rows that have each word in name or maker; in full, as "claude" is not "Claudius"."""
        same: dict[str, list[int]] = {}
        for row, model in self._models:
            same.setdefault(f"{model.name} {model.canonical} {model.creator or ''}", []).append(row)
        found: dict[str, list[int]] = {}
        for name, rows in same.items():
            for word in set(words_of(name)):
                found.setdefault(word, []).extend(rows)
        return found
