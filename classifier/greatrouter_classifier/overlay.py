"""What one organization said of earlier prompts: its own exemplars, which are asked before the rules.

A prompt is like an earlier one where its words are the same, where its letters nearly are (three at a time), or, if the
encoder has read both anyway, where its vector nearly is. Letters alone would take "read the release notes" for "write
the release notes", so a rule that hears something else in the prompt than was in question has the last word.
"""

import hashlib
import math
import re
import threading
import unicodedata
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from greatrouter_classifier.classification import Task
from greatrouter_classifier.focus import focus

FloatArray = NDArray[np.float32]
CAPACITY = 2_000
# Cosine, of letters and of vectors alike. Of 40 made-up variants of a prompt 68% lie above by their letters and 83% by
# MiniLM; of 40 prompts made up to be close in words and far in meaning 8% and 10%. At 0.8: 75% and 85%, 20% and 25%.
SIMILAR = 0.85
# An instruction stands at the beginning of a long prompt or at its end.
HEAD_CHARACTERS, TAIL_CHARACTERS = 200, 100
# A sketch has so many numbers. The product of two is off from the cosine by 0.08 (its standard deviation), so what lies
# a little below is compared in full as well: the likeliest, and at most so many.
SKETCH, MARGIN, MOST_COMPARED = 256, 0.3, 32
_WORDS = re.compile(r"\w+")
# Longer prompts count as the same where every character is: the work would hold up the event loop.
LONGEST_PLAIN = 20_000
MARKS = " .,;:!?¡¿…。！？、，।؟\"'“”‘’«»"


class Opinion(StrEnum):
    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Lesson:
    """`task` is what the prompt asks for or, where it was refused, what it does not; `said` is what we had said."""

    task: Task
    opinion: Opinion
    said: Task | None = None

    def concerns(self, heard: Task | None) -> bool:
        """Whether it goes for a prompt in which the rules hear `heard`: not where that was never in question."""
        return heard is None or heard in (self.task, self.said)


@dataclass(frozen=True, slots=True)
class Recollection:
    """`similarity` is 1.0 where the words are the same."""

    lesson: Lesson
    similarity: float


def lesson_of(said: Task | None, suggested: Task | None, *, correct: bool) -> Lesson | None:
    """What a piece of feedback teaches; None where it names no task to learn from.

    >>> lesson_of(Task.TEXT, Task.IMAGE, correct=False)
    Lesson(task=<Task.IMAGE: 'image'>, opinion=<Opinion.CORRECTED: 'corrected'>, said=<Task.TEXT: 'text'>)
    """
    if correct:
        return Lesson(said, Opinion.CONFIRMED, said) if said else None
    if suggested:
        return Lesson(suggested, Opinion.CORRECTED, said)
    return Lesson(said, Opinion.REFUSED, said) if said else None


@dataclass(slots=True)
class _Entry:
    """`row` is where the overlay keeps its sketch; the higher `order`, the newer."""

    lesson: Lesson
    words: str
    letters: Mapping[str, float]
    row: int
    order: int
    vector: FloatArray | None = None


_NOTHING = _Entry(Lesson(Task.TEXT, Opinion.REFUSED), "", {}, 0, 0)


class Overlay:
    """The newest `capacity` lessons, one a prompt. Safe to share between threads."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._sketches = np.zeros((0, SKETCH), dtype=np.float32)
        self._at: list[_Entry] = []
        self._matrix: tuple[list[_Entry], FloatArray] | None = None
        self._learned = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def learn(self, prompt: str, lesson: Lesson) -> None:
        """What is said of a prompt replaces what was said of it before."""
        key, words = _key(prompt), _words(prompt)
        with self._lock:
            self._learned += 1
            known = self._entries.get(key)
            if known is not None:
                known.lesson, known.order = lesson, self._learned
                self._entries.move_to_end(key)
                return
            row = self._free_row()
            entry = _Entry(lesson, words, _letters(words), row, self._learned)
            self._entries[key] = self._at[row] = entry
            self._sketches[row] = _sketch(entry.letters)

    def nearest(self, prompt: str, heard: Task | None = None, vector: FloatArray | None = None) -> Recollection | None:
        """The most similar earlier prompt, the newer of equals; None where none is similar enough.

        `heard` is the task of the rule that fires on the prompt; `vector` is the prompt's, of length 1. Takes 30 to 150
        us, among 2,000 lessons 110 to 240, and with a vector three times as long.
        """
        with self._lock:
            if not self._entries:
                return None
            same = self._entries.get(_key(prompt))
            if same is not None:
                return Recollection(same.lesson, 1.0)
            found = [*self._by_letters(_words(prompt)), *(self._by_vector(vector) if vector is not None else ())]
            near = [(similarity, entry) for similarity, entry in found if entry.lesson.concerns(heard)]
            if not near:
                return None
            similarity, nearest = max(near, key=lambda each: (each[0], each[1].order))
            return Recollection(nearest.lesson, min(similarity, 1.0))

    def unread(self, most: int) -> list[tuple[bytes, str]]:
        """The newest prompts that have no vector yet, for `read`: a key and the words to embed."""
        with self._lock:
            waiting = [(key, entry.words) for key, entry in reversed(self._entries.items()) if entry.vector is None]
            return waiting[:most]

    def read(self, keys: Sequence[bytes], vectors: FloatArray) -> None:
        """Gives prompts their vectors, shape (len(keys), dimensions), rows of length 1."""
        with self._lock:
            for key, vector in zip(keys, vectors, strict=True):
                if key in self._entries:
                    self._entries[key].vector = vector
            self._matrix = None

    def _by_letters(self, words: str) -> Iterable[tuple[float, _Entry]]:
        """Found by their sketches, then compared letter by letter."""
        letters = _letters(words)
        # Not `@`: on several cores that wakes threads, which cost more than the 100 us of this for 2,000 rows.
        guess = np.einsum("ij,j->i", self._sketches[: len(self._at)], _sketch(letters))
        likely = np.flatnonzero(guess > SIMILAR - MARGIN)
        for row in likely[np.argsort(-guess[likely])][:MOST_COMPARED]:
            other = self._at[row].letters
            similarity = sum(weight * other.get(letter, 0.0) for letter, weight in letters.items())
            if similarity >= SIMILAR:
                yield similarity, self._at[row]

    def _by_vector(self, vector: FloatArray) -> Iterable[tuple[float, _Entry]]:
        if self._matrix is None:
            read = [(entry, entry.vector) for entry in self._at if entry.vector is not None]
            if not read:
                return
            self._matrix = [entry for entry, _ in read], np.stack([each for _, each in read])
        entries, matrix = self._matrix
        similarities = np.einsum("ij,j->i", matrix, vector)
        for place in np.flatnonzero(similarities >= SIMILAR):
            yield float(similarities[place]), entries[place]

    def _free_row(self) -> int:
        """A new row or, where the overlay is full, that of the oldest lesson, which is forgotten."""
        if len(self._entries) >= self._capacity:
            _, oldest = self._entries.popitem(last=False)
            self._matrix = None
            return oldest.row
        self._at.append(_NOTHING)
        if len(self._at) > len(self._sketches):
            more = np.zeros((max(8, len(self._sketches)), SKETCH), dtype=np.float32)
            self._sketches = np.concatenate([self._sketches, more])
        return len(self._at) - 1


def _plain(text: str) -> str:
    return text.casefold() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


def _sketch(letters: Mapping[str, float]) -> FloatArray:
    """Shape (SKETCH,): each letter counts at one place, up or down. Another process has others: hashes are salted."""
    hashes = [hash(letter) for letter in letters]
    weights = [-weight if each & 1 else weight for each, weight in zip(hashes, letters.values(), strict=True)]
    places = np.array([(each >> 1) % SKETCH for each in hashes], dtype=np.intp)
    return np.bincount(places, weights, SKETCH).astype(np.float32)


def _key(prompt: str) -> bytes:
    """The whole prompt, whatever its case, its spaces and the marks at its ends."""
    text = " ".join(_plain(prompt).split()).strip(MARKS) if len(prompt) < LONGEST_PLAIN else ""
    text = text or prompt
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _words(prompt: str) -> str:
    words = focus(prompt)
    if len(words) > HEAD_CHARACTERS + TAIL_CHARACTERS:
        words = f"{words[:HEAD_CHARACTERS]} {words[-TAIL_CHARACTERS:]}"
    return words


def _letters(words: str) -> Mapping[str, float]:
    """Three letters at a time within each word and its edges, as a vector of length 1."""
    padded = [(f" {word} ", len(word)) for word in _WORDS.findall(_plain(words))]
    counts = Counter([word[i : i + 3] for word, length in padded for i in range(length)])
    length = math.sqrt(sum([count * count for count in counts.values()]))
    return {letter: count / length for letter, count in counts.items()}
