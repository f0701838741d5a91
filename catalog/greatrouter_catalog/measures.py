"""What a request says in numbers of the model that is wanted: its context window, its size, its price."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from greatrouter_catalog.catalog import Catalog
from greatrouter_catalog.pricing import PRICE_FIELDS

BoolArray = NDArray[np.bool_]

_AT_MOST = (
    "(?:under|below|less than|fewer than|smaller than|at most|no more than|up to|within|max(?:imum)?|bis(?: zu)?|"
    "unter|höchstens|menos de|hasta|moins de|jusqu'à|meno di|fino a|abaixo de|até|до|менее|меньше|低于|小于|不超过|"
    "<=?|≤)"
)
_AT_LEAST = (
    "(?:over|above|more than|larger than|bigger than|at least|min(?:imum)?|über|mindestens|mehr als|más de|al menos|"
    "plus de|au moins|più di|almeno|mais de|pelo menos|от|более|больше|至少|超过|>=?|≥)"
)
_BOUND = rf"(?:(?P<most>{_AT_MOST})|(?P<least>{_AT_LEAST}))?\s*"
_AFTER = (
    r"(?:\s*(?:or|and|oder|ou|o|или)\s*(?:(?P<less>smaller|less|fewer|below|under|lower|kleiner|weniger|menos|moins|meno|меньше)|"
    r"(?P<more>larger|more|bigger|above|up|greater|größer|grösser|mehr|más|plus|più|больше)))?"
)
_NUMBER = r"(?<![\w.,])(?P<number>\d+(?:[.,]\d+)*)"
_THOUSANDS = {"k": 1e3, "thousand": 1e3, "m": 1e6, "mio": 1e6, "million": 1e6}
_CENTS = re.compile("cents?|¢")
_TOKENS = ("input_per_million_tokens", "output_per_million_tokens")
# The unit of a price, its fields, and what its rate is multiplied by.
_PRICES: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("(?:1 ?m|million|mio|1,000,000)(?: (?:input |output )?tokens?)?|m ?tok\\w*|mtok", _TOKENS, 1),
    ("(?:1 ?k|thousand|1,?000) tokens?", _TOKENS, 1e-3),
    ("images?|pictures?|bild|imagen|immagine", ("price_per_image",), 1),
    ("seconds?|sec|s", ("price_per_second",), 1),
    ("minutes?|min", ("price_per_second",), 60),
    ("hours?|h", ("price_per_second",), 3600),
    ("documents?", ("price_per_document",), 1),
    ("search(?:es)?|quer(?:y|ies)", ("price_per_search",), 1),
)
_PRICE = re.compile(
    rf"{_BOUND}(?:[$€] ?(?P<number>\d+(?:\.\d+)?)|(?P<amount>\d+(?:\.\d+)?) ?(?P<unit>\$|€|dollars?|usd|eur|cents?|¢))"
    r"\s*(?:/|per|an?|each|pro|por|par|al?|за)\s*(?P<per>"
    + "|".join(f"(?P<p{i}>(?:{words})(?!\\w))" for i, (words, _, _) in enumerate(_PRICES))
    + ")"
)
_SIZE = re.compile(rf"{_BOUND}{_NUMBER} ?(?:b|bn|billion|mrd|млрд)(?!\w)[ -]?(?:param\w*)?{_AFTER}")
_CONTEXT = re.compile(
    rf"{_BOUND}{_NUMBER} ?(?P<times>k|thousand|m|mio|million)?(?!\w)[- ]?(?P<tokens>tokens?|токен\w*)?(?!\w)"
)
_OF_CONTEXT = re.compile(
    "context|window|ctx|tokens?|kontext|contexto|contexte|contesto|контекст|токен|上下文|コンテキスト|컨텍스트"
)
_SIZE_IN_NAME = re.compile(r"(?<![\w.])(?:[ae])?(\d+(?:\.\d+)?)b(?![a-z0-9])")


@dataclass(frozen=True, slots=True)
class Measure:
    """`met` has one entry per row of the catalog, False where it is not known."""

    text: str
    met: BoolArray


class Measures:
    """Over one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        names = (f"{model.name} {model.upstream_model}".casefold() for model in catalog)
        # Of "30b-a3b" and "8x7b" the whole is told first; what a name leaves out is not known.
        self._billions = np.array([max(map(float, _SIZE_IN_NAME.findall(name)), default=np.nan) for name in names])

    def find(self, text: str) -> tuple[list[Measure], str]:
        """What `text`, in lower case, says in numbers, and the text without it."""
        found: list[Measure] = []
        for pattern, read in ((_PRICE, self._price), (_SIZE, self._size), (_CONTEXT, self._context)):
            for match in pattern.finditer(text):
                if (measure := read(match, text)) is not None:
                    found.append(measure)
                    text = text.replace(match[0], " " * len(match[0]))
        return found, text

    def _price(self, match: re.Match[str], _: str) -> Measure:
        unit = next(i for i in range(len(_PRICES)) if match[f"p{i}"])
        _, fields, times = _PRICES[unit]
        dollars = float(match["number"] or match["amount"]) * (0.01 if _CENTS.match(match["unit"] or "") else 1)
        prices = self._catalog.arrays.price[:, [PRICE_FIELDS.index(name) for name in fields]].max(axis=1) * times
        met = prices >= dollars if match["least"] else prices <= dollars
        bound = "more" if match["least"] else "less"
        return Measure(f"costs ${dollars:g} per {match['per']} or {bound}", met & (prices > 0))

    def _size(self, match: re.Match[str], _: str) -> Measure:
        size = float(match["number"].replace(",", ""))
        with np.errstate(invalid="ignore"):
            if match["most"] or match["less"]:
                return Measure(f"has {size:g} billion parameters or fewer", self._billions <= size)
            if match["least"] or match["more"]:
                return Measure(f"has {size:g} billion parameters or more", self._billions >= size)
            return Measure(f"has about {size:g} billion parameters", np.abs(self._billions / size - 1) <= 0.1)

    def _context(self, match: re.Match[str], text: str) -> Measure | None:
        """Whoever writes "up to 100k tokens" wants room for that many."""
        tokens = float(match["number"].replace(",", "")) * _THOUSANDS.get(match["times"] or "", 1)
        if tokens < 1000 or not (match["tokens"] or _OF_CONTEXT.search(text)):
            return None
        return Measure(f"has a context of {tokens:,.0f} tokens or more", self._catalog.arrays.context >= tokens)
