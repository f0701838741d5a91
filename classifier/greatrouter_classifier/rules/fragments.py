"""What the patterns of every language are built from."""

import re

# The start of a request: `courtesy.requests` put each sentence on a line of its own, without its courtesies.
START = r"(?m:^)"

# The rest of a sentence, up to the word that decides.
REST = r"[^.!?。！？؟।\n]*"

# The end of a word of a language that writes spaces, accents included.
STOP = r"(?:[\s.,:;!?\"»)]|$)"


def one_of(words: str) -> str:
    """A group of alternatives from a comma-separated list; each may itself be a pattern.

    >>> one_of("draw, paint,  sketch(?:es)?")
    '(?:draw|paint|sketch(?:es)?)'
    """
    return "(?:" + "|".join(re.split(r",\s+", words.strip().rstrip(","))) + ")"


def word(words: str) -> str:
    """The alternatives as whole words. RE2's word boundary is ASCII, so this is for English alone."""
    return r"\b" + one_of(words) + r"\b"


def gap(stops: str) -> str:
    """Up to six describing words between a verb and its object, none of them one of `stops`.

    A preposition ends the object: "a picture" is asked for by "draw a bright picture", not by "a review of a picture".
    """
    return r"(?:[\s,]+" + _other_than(re.split(r",\s+", stops.strip())) + r"){0,6}?[\s,]+"


def _other_than(words: list[str]) -> str:
    """A word that is none of these, spelled out letter by letter because RE2 has no lookahead."""
    letters = "".join(sorted({word[0] for word in words if word}))
    branches = [rf"[^\s,.!?{letters}][^\s,!?]*"] if letters else [r"[^\s,!?]+"]
    for letter in letters:
        rest = [word[1:] for word in words if word[:1] == letter]
        branches.append(letter + _other_than(rest) + ("" if "" in rest else "?"))
    return "(?:" + "|".join(branches) + ")"
