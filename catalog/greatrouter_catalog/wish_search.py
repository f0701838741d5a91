"""What a description of a model asks for, and which models have it: by meaning (FAISS) and by words, in one score."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from greatrouter_catalog.catalog import Catalog
from greatrouter_catalog.lexicon import read
from greatrouter_catalog.measures import Measures
from greatrouter_catalog.model import Model
from greatrouter_catalog.refusal import refused
from greatrouter_catalog.search import TextSearch, words_of
from greatrouter_catalog.traits import PHRASES, TRAITS, traits_of
from greatrouter_catalog.wish import KINDS, Description, Meaning, Wish

FloatArray = NDArray[np.float64]

# Phrases with a cosine below this are unlike the request ("Write a poem about autumn leaves" comes to 0.28 at most),
# those above the other are asked for in so many words. Sharing all its words is worth as much of a cosine.
UNLIKE, ALIKE, WORDING = 0.35, 0.6, 0.15
# The same without an encoder, by the share of the request's words that a phrase has.
UNLIKE_WORDS, ALIKE_WORDS = 0.2, 0.6
# A request names at most a few things; whoever sends a whole text describes no model.
MOST_TRAITS, MOST_WORDS = 4, 24
FAINT = 0.1  # less than so sure is nothing
# "Cheap" and "fast" are matters of degree: whoever asks for a cheap model that reads PDFs can do with a standard one
# that reads them, and not with the cheapest that does not.
VAGUE, RELATIVE, NEXT_TIER = frozenset({"economy", "small"}), 0.7, 0.5
# They say nothing of the model that is wanted.
_IDLE = re.compile(
    "ai|an?|and|any|are|as|at|be|best|but|by|can|could|do|does|for|from|give|good|great|have|has|i|in|into|is|it|like|"
    "llms?|me|models?|my|need|no|non|not|of|on|one|or|our|please|some|something|that|the|there|this|to|use|want|what|"
    "which|will|with|without|you|your"
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
    """Over one catalog; without an `encoder` by words alone. Not for an event loop: `prepare` takes 0.5 s, the first
    question 0.15 s, any other what the encoder takes (4 ms) and half a millisecond."""

    def __init__(self, catalog: Catalog, encoder: Encoder | None) -> None:
        self._catalog = catalog
        self._encoder = encoder
        self._routable = catalog.arrays.routable

    def prepare(self) -> None:
        """Reads the catalog, which needs no encoder; a question would do it as well."""
        _ = self._shares, self._names, self._providers, self._makers, self._measures

    def find(self, text: str) -> Description:
        """What `text` says of a model; nothing where it does not describe one."""
        if len(_words(text)) > MOST_WORDS:
            return Description((), of_a_model=False)
        measures, left = self._measures.find(text.casefold())
        unwanted, wanted = refused(left, self._known)
        reading = read(wanted)
        words = _words(reading.rest)
        named = self._named(words, of_a_model=reading.of_a_model)
        of_a_model = reading.of_a_model or bool(named or measures) or not self._makers.isdisjoint(unwanted)
        if not of_a_model:
            return Description(tuple(self._alike(text, _words(text))), of_a_model=False)
        said = [
            [self._trait(TRAITS.index(PHRASES[key]), RELATIVE if key in VAGUE else 1.0) for key in keys]
            for keys in reading.named
        ]
        said += [[self._meaning(measure.text, 1.0, measure.met.astype(np.float64), must=True)] for measure in measures]
        said += [[self._without(thing)] for thing in unwanted]
        # What a whole text is like is vaguer than its words: "handles video input" is like models that make videos.
        worded = set(PHRASES.values()) if reading.named else set()
        alike = [found for found in self._alike(wanted, words) if found[0].wish.text not in worded]
        return Description((*said, *named, *alike), of_a_model=True)

    def _known(self, thing: str) -> bool:
        return (thing in self._names and not _AMBIGUOUS.fullmatch(thing)) or bool(read(thing).named)

    def _without(self, thing: str) -> Meaning:
        """A thing that is not wanted: a trait, or else a name of models, makers or providers."""
        met = np.ones(len(self._catalog))
        if named := read(thing).named:
            columns = [TRAITS.index(PHRASES[key]) for key in named[0]]
            met[self._met[:, columns].any(axis=1)] = 0
            return self._meaning(f"without: {TRAITS[columns[0]]}", 1.0, met, must=True)
        met[self._names[thing]] = 0
        met[self._providers.get(thing, [])] = 0
        return self._meaning(f'not "{thing}"', 1.0, met, must=True)

    def _alike(self, text: str, words: list[str]) -> Iterator[list[Meaning]]:
        """The traits whose phrases the text is like, the surest first."""
        strength = self._strength(text, words)
        for i in np.argsort(-strength, kind="stable")[:MOST_TRAITS].tolist():
            if strength[i] > FAINT:
                yield [self._trait(i, min(1.0, float(strength[i])))]

    def _strength(self, text: str, words: list[str]) -> FloatArray:
        """How surely each trait is asked for; more than 1 where more than surely."""
        # What a word of two letters begins is no hint ("di" and "dictation").
        hits = (self._phrases.scores(word) > 0 for word in words if len(word) > 2)
        shared = sum(hits, np.zeros(len(TRAITS))) / max(len(words), 1)
        if self._encoder is None:
            return np.asarray((shared - UNLIKE_WORDS) / (ALIKE_WORDS - UNLIKE_WORDS))
        near, places = self._index.search(self._encoder.embed([text]), MOST_TRAITS)
        cosine = np.zeros(len(TRAITS))
        cosine[places[0]] = near[0]
        return np.asarray((cosine + WORDING * shared - UNLIKE) / (ALIKE - UNLIKE))

    def _named(self, words: list[str], *, of_a_model: bool) -> list[list[Meaning]]:
        """The models that the request names, if any: with "claude" among its words, "sonnet" says which of them."""
        names = [word for word in words if word in self._names and not self._phrases.scores(word).any()]
        told = [word for word in names if not _AMBIGUOUS.fullmatch(word) or (of_a_model and word in self._makers)]
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
        wish = Wish(f'is called "{" ".join(names)}"', min(1.0, 2 * share), met / met.max())
        # A name is asked for where most of its models are, however small a part of their kind.
        counts = self._members @ (wish.met >= 1)
        return [[Meaning(wish, counts / max(counts.max(), 1.0))]]

    def _meaning(self, text: str, weight: float, met: FloatArray, *, must: bool = False) -> Meaning:
        return Meaning(Wish(text, weight, met, must), self._members @ (met >= 1) / self._sizes)

    def _trait(self, place: int, weight: float) -> Meaning:
        return Meaning(Wish(TRAITS[place], weight, self._met[:, place]), self._shares[:, place])

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
        """[rows, traits], 1 where the model has the trait, and something where it has nearly."""
        place = {trait: i for i, trait in enumerate(TRAITS)}
        met = np.zeros((len(self._catalog), len(TRAITS)))
        for row, model in self._models:
            met[row, [place[trait] for trait in traits_of(model)]] = 1
            if model.price_tier == "standard":
                met[row, place[PHRASES["economy"]]] = NEXT_TIER
        return met

    @cached_property
    def _members(self) -> FloatArray:
        """[kinds, rows], 1 where a routable model is of the kind; text models that search the web do that as well."""
        members = np.zeros((len(KINDS), len(self._catalog)))
        for row, model in self._models:
            members[KINDS.index(model.task_type), row] = 1
            if "web_search" in model.capabilities:
                members[KINDS.index("web_search"), row] = 1
        return members

    @cached_property
    def _sizes(self) -> FloatArray:
        return np.asarray(np.maximum(self._members.sum(axis=1), 1.0))

    @cached_property
    def _shares(self) -> FloatArray:
        """[kinds, traits] of the models of each kind."""
        return np.asarray(self._members @ self._met / self._sizes[:, None])

    @cached_property
    def _providers(self) -> dict[str, list[int]]:
        """The rows of the providers that have each word in their slug."""
        found: dict[str, list[int]] = {}
        for row, model in self._models:
            for word in words_of(model.provider):
                found.setdefault(word, []).append(row)
        return found

    @cached_property
    def _makers(self) -> frozenset[str]:
        return frozenset(model.creator for _, model in self._models if model.creator)

    @cached_property
    def _measures(self) -> Measures:
        return Measures(self._catalog)

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


def _words(text: str) -> list[str]:
    """Those that say something."""
    return [word for word in dict.fromkeys(words_of(text)) if not _IDLE.fullmatch(word)]
