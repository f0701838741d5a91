"""Which endpoints a caller's provider preferences leave, and in which order they put them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from greatrouter_catalog.arrays import PARAMETERS, QUANTIZATIONS, ModelArrays, mask
from greatrouter_catalog.pricing import PRICE_FIELDS, unit_vector
from greatrouter_classifier.classification import Task
from greatrouter_ranking.candidates import Candidates
from greatrouter_ranking.live import Live
from greatrouter_ranking.profile import Profile
from greatrouter_ranking.provider_preferences import MaxPrice, ProviderPreferences, Sort

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

# A second costs money for speech, music and video; only the first two are audio.
AUDIO_TASKS = frozenset({Task.SPEECH, Task.MUSIC})
PRICE_OF_LIMIT = {
    "prompt": "input_per_million_tokens",
    "completion": "output_per_million_tokens",
    "request": "price_per_request",
    "image": "price_per_image",
    "audio": "price_per_second",
}
# Rerank is billed by the search or by the document: together they are what a request costs beside its tokens.
RERANK_FEES = [PRICE_FIELDS.index(f"price_per_{unit}") for unit in ("request", "search", "document")]
RATE_DECIMALS = 12  # of every rate, and so of a few of them added up


@dataclass(frozen=True, slots=True)
class Precedence:
    """One value a candidate each, the lower first. `late` is 1 where a cutoff is missed; `standing` adds the provider's
    place in the caller's `order`, and puts models before each other too; by `keys` the endpoints of each model are
    sorted then, or those of all models `together`."""

    late: FloatArray
    standing: FloatArray
    keys: tuple[FloatArray, ...]
    together: bool

    def of(self, candidates: IntArray, rank: IntArray) -> tuple[NDArray[Any], ...]:
        """What endpoints are sorted by, the first key first; `rank` is that of their models."""
        late, standing, *keys = (key[candidates] for key in (self.late, self.standing, *self.keys))
        return (late, *keys, rank) if self.together else (late, rank, standing, *keys)


class ProviderFilters:
    """Over the name table, prices and terms of one catalog."""

    def __init__(self, arrays: ModelArrays) -> None:
        self._arrays = arrays
        self._codes = {name: i for i, name in enumerate(arrays.providers)}

    def of_provider(self, part: Candidates, names: Iterable[str]) -> BoolArray:
        """Which candidates one of the named providers serves."""
        chosen = np.zeros(len(self._codes), dtype=np.bool_)
        chosen[[self._codes[name] for name in names if name in self._codes]] = True
        return np.asarray(chosen[part.provider])

    def tests(self, part: Candidates, profile: Profile, wished: ProviderPreferences) -> Iterator[tuple[str, BoolArray]]:
        """Name and outcome of every hard filter that applies."""
        arrays = self._arrays
        if wished.only is not None:
            yield "provider_only", self.of_provider(part, wished.only)
        if wished.ignore:
            yield "provider_ignore", ~self.of_provider(part, wished.ignore)
        if wished.order and not wished.allow_fallbacks:
            yield "provider_order", self.of_provider(part, wished.order)
        if wished.zero_retention:
            yield "zdr", arrays.zero_retention[part.rows]
        if wished.deny_collection:
            yield "data_collection", arrays.no_collection[part.rows]
        if wished.quantizations:
            codes = [QUANTIZATIONS.index(name) for name in wished.quantizations if name in QUANTIZATIONS]
            yield "quantizations", np.isin(arrays.quantization[part.rows], codes)
        if needed := mask(wished.parameters, PARAMETERS):
            yield "require_parameters", arrays.parameters[part.rows] & needed == needed
        if (within := self._within(part, profile, wished.max_price)) is not None:
            yield "max_price", within

    def precedence(
        self, part: Candidates, wished: ProviderPreferences, cost: FloatArray, live: Live
    ) -> Precedence | None:
        """None where nothing is to be ordered. `cost` is what the request is likely to cost at each candidate."""
        late = _late(part, wished, live)
        if wished.order:
            places = self._place(part, wished.order)
            return Precedence(late, late * (len(wished.order) + 1) + places, (), together=False)
        keys = _keys(part, wished, cost, live)
        if not keys and not late.any():
            return None
        return Precedence(late, late, keys, wished.together)

    def _within(self, part: Candidates, profile: Profile, limits: MaxPrice) -> BoolArray | None:
        """None where no limit applies."""
        within: BoolArray | None = None
        for name, unit in PRICE_OF_LIMIT.items():
            limit = getattr(limits, name)
            if limit is not None and (name != "audio" or profile.task in AUDIO_TASKS):
                cheap = self._limited(part, profile, unit) <= limit
                within = cheap if within is None else within & cheap
        return within

    def _limited(self, part: Candidates, profile: Profile, unit: str) -> FloatArray:
        """The price that a limit of `unit` holds down."""
        price = self._arrays.price[part.rows]
        if unit != "price_per_request" or profile.task is not Task.RERANK:
            return np.asarray(price[:, PRICE_FIELDS.index(unit)])
        units = np.array(unit_vector(profile.expected), dtype=float)
        return np.asarray(np.round(price[:, RERANK_FEES] @ units[RERANK_FEES], RATE_DECIMALS))

    def _place(self, part: Candidates, order: Sequence[str]) -> FloatArray:
        """The provider's first place in `order`; whoever is not listed comes after all who are."""
        places = np.full(len(self._codes), float(len(order)))
        for place, name in reversed(list(enumerate(order))):
            if name in self._codes:
                places[self._codes[name]] = place
        return np.asarray(places[part.provider])


def _keys(part: Candidates, wished: ProviderPreferences, cost: FloatArray, live: Live) -> tuple[FloatArray, ...]:
    if wished.sort_by is Sort.LATENCY:
        return (_known(live.latency_s[part.rows, 0]),)
    if wished.sort_by is Sort.THROUGHPUT:
        return (_known(-live.throughput[part.rows, 0]),)
    if wished.sort_by is Sort.EXACTO:
        return (live.penalty[part.rows], _known(-live.throughput[part.rows, 0]))
    return (cost,) if wished.sort_by is Sort.PRICE or wished.together else ()


def _late(part: Candidates, wished: ProviderPreferences, live: Live) -> FloatArray:
    """Which candidates miss a cutoff; comparing with NaN is false, so what is not known misses none."""
    missed = np.zeros(len(part), dtype=np.bool_)
    for column, cutoff in wished.max_latency_s.stated():
        missed |= live.latency_s[part.rows, column] > cutoff
    for column, cutoff in wished.min_throughput.stated():
        missed |= live.throughput[part.rows, column] < cutoff
    return missed.astype(np.float64)


def _known(values: FloatArray) -> FloatArray:
    """Whoever has not been measured comes last."""
    return np.where(np.isnan(values), np.inf, values)
