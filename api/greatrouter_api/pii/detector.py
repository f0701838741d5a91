"""What one kind of find looks like, and how a text is searched for it in time linear in its length."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import re2

# RE2 has no lookaround, so what may stand on either side belongs to the pattern; the find is its only group. A number
# that goes on (1.4111..., 4111...-2, /4111...) is another number: a fraction, a version, an id in a path.
BEFORE = r"(?:^|[^0-9A-Za-z_.,/@+\-])"
# No number stands right before it either: the groups of an account or a table look like cards and phone numbers.
BEFORE_ALL = r"(?:(?:^|[^0-9A-Za-z_.,/@+\- ]) *|[A-Za-z_.,/@+\-] +)"
AFTER = r"(?:$|[^0-9A-Za-z_.,/@\-]|[.,/@\-](?:$|[^0-9A-Za-z]))"

# Whoever hides a card behind hundreds of false ones means to, and could leave the header out just as well. One in ten
# numbers passes a check digit by chance, so a list of real ones is found at once; and a megabyte stays cheap.
MOST_CANDIDATES = 500

# A full automaton forgets its states; were it too small for a few, RE2 would say "nothing" without a word.
AUTOMATON_MEMORY_BYTES = 64 * 1024 * 1024

Check = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Detector:
    """`pattern` is RE2 syntax, with `(...)` around the find where there is a `check` on its characters."""

    kind: str
    pattern: str
    check: Check | None = None


def bounded(core: str) -> str:
    """`core` as a whole word or number."""
    return f"{BEFORE}({core}){AFTER}"


def grouped(core: str) -> str:
    """`core` where it is also not the continuation of other groups of digits."""
    return f"{BEFORE_ALL}({core}){AFTER}"


def announced(words: str, core: str) -> str:
    """`core` behind one of `words`, with no more between them than "number", "is" or a colon."""
    return rf"(?:^|[^A-Za-z])(?i:{words})(?:{_BETWEEN})(?i:{core}){AFTER}"


def digits_in(found: str) -> str:
    return "".join(filter(str.isdigit, found))


_LINK = (
    r"number|num|no|nr|id|code|is|it is|at|on|me|us|under|via|my|the|was|"
    r"n[uo]mero|es|e|est|ist|lautet|nummer|codice|номер|号码|號碼|号|是|为|為|番号|は|번호|는|नंबर|संख्या|है|रقم|رقم|هو"
)
_BETWEEN = rf"[\s:#=.,\-'\"(°º]{{0,4}}(?:(?:{_LINK})[\s:#=.,\-'\"(°º]{{0,4}}){{0,4}}"


class Detectors:
    """Many detectors, matched in one pass (2 ms for a megabyte; each for itself, 50); only those that fire look closer.

    Safe to share between threads.
    """

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self._detectors = tuple(detectors)
        self._patterns = [re2.compile(detector.pattern, _options()) for detector in detectors]
        self._all = re2.Set.SearchSet(_options())
        for detector in detectors:
            self._all.Add(detector.pattern)
        self._all.Compile()

    def kinds(self, text: bytes) -> set[str]:
        """The kinds of what is in a folded text."""
        found: set[str] = set()
        for place in self._all.Match(text) or ():
            kind, check = self._detectors[place].kind, self._detectors[place].check
            if kind not in found and (check is None or any(map(check, _candidates(self._patterns[place], text)))):
                found.add(kind)
        return found


def _options() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = AUTOMATON_MEMORY_BYTES
    return options


def _candidates(compiled: Any, text: bytes) -> Iterator[str]:
    """The search goes on right behind a find: what bounds it at its end may bound the next at its beginning."""
    position = 0
    for _ in range(MOST_CANDIDATES):
        match = compiled.search(text, position)
        if match is None:
            return
        yield match[1].decode("utf-8", "replace")
        position = match.end(1)
