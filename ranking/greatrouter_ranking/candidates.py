"""The endpoints that may answer one task, with the columns the ranker needs side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from greatrouter_catalog.arrays import CAPABILITIES, MODALITIES, TASKS, ModelArrays, mask
from greatrouter_catalog.pricing import PRICE_FIELDS
from greatrouter_ranking.quality import Abilities

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
Rates = tuple[tuple[int, FloatArray], ...]  # (index into `Pricing`'s fields, dollars per unit for every row)

# A context window that nobody published is taken to be this long.
UNKNOWN_CONTEXT_TOKENS = 8_192
# What a capability says of the inputs, where a configured model or a feed lists text alone.
INPUT_OF = {
    "vision": "image",
    "image_edit": "image",
    "audio_input": "audio",
    "video_input": "video",
    "pdf_input": "file",
}
SEARCH_PRICE = PRICE_FIELDS.index("price_per_search")


@dataclass(frozen=True, slots=True)
class Candidates:
    """One row per endpoint. The endpoints of a model form a run, the creator's own first and then by provider's name;
    `starts` says where each run begins; `ability` and `boards`, the evidence for it, have one value per run."""

    rows: IntArray
    starts: IntArray
    ability: FloatArray
    boards: NDArray[np.int16]
    rates: Rates
    unlisted: Rates
    capabilities: NDArray[np.uint32]
    inputs: NDArray[np.uint8]
    outputs: NDArray[np.uint8]
    context: NDArray[np.int64]
    max_output: NDArray[np.int64]
    tier: NDArray[np.int8]
    provider: NDArray[np.int32]
    family: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.rows)

    def cost(self, units: Sequence[float]) -> FloatArray:
        """Dollars for `units`, by the listed prices: what would be charged."""
        return _total(self.rates, units, len(self.rows))

    def burden(self, units: Sequence[float], cost: FloatArray) -> FloatArray:
        """The same with the fees that the row's feed does not list, by which models are compared."""
        billed = any(units[unit] for unit, _ in self.unlisted)
        return cost + _total(self.unlisted, units, len(self.rows)) if billed else cost

    def run(self, model: int) -> slice:
        end = self.starts[model + 1] if model + 1 < len(self.starts) else len(self.rows)
        return slice(int(self.starts[model]), int(end))


class Endpoints:
    """All endpoints of one catalog, from which the candidates for a task are taken."""

    def __init__(self, arrays: ModelArrays, abilities: Abilities) -> None:
        self._arrays = arrays
        self._abilities = abilities
        self._inputs = _inputs(arrays)
        # Within a model's run: the creator's own endpoint first, then by provider, then in the catalog's order.
        self._order = np.lexsort((arrays.provider, ~_own(arrays), arrays.canonical))

    def candidates(self, allowed: NDArray[np.bool_], task: str) -> Candidates:
        """The endpoints among `allowed` (a mask over the catalog's rows) that answer `task`."""
        arrays, column = self._arrays, TASKS.index(task)
        suited = allowed & (arrays.tasks >> column & 1).astype(np.bool_)
        rows = self._order[suited[self._order]]
        canonical, context = arrays.canonical[rows], arrays.context[rows]
        starts = np.flatnonzero(np.diff(canonical, prepend=-1))
        price = arrays.price[rows]
        return Candidates(
            rows=rows,
            starts=starts,
            ability=self._abilities.value[canonical[starts], column],
            boards=self._abilities.boards[canonical[starts], column],
            rates=_rates(price),
            unlisted=_rates(_unlisted(price, task)),
            capabilities=arrays.capabilities[rows],
            inputs=self._inputs[rows],
            outputs=arrays.outputs[rows],
            context=np.where(context > 0, context, UNKNOWN_CONTEXT_TOKENS),
            max_output=arrays.max_output[rows],
            tier=arrays.tier[rows],
            provider=arrays.provider[rows],
            family=arrays.family[rows],
        )


def _own(arrays: ModelArrays) -> NDArray[np.bool_]:
    """Whether each endpoint is its creator's: a family's name is `taxonomy/creator--line`."""
    creators = np.array([name.partition("/")[2].partition("--")[0] for name in arrays.families], dtype=object)
    providers = np.array(arrays.providers, dtype=object)
    return np.asarray(creators[arrays.family] == providers[arrays.provider], dtype=np.bool_)


def _inputs(arrays: ModelArrays) -> NDArray[np.uint8]:
    inputs = arrays.inputs.copy()
    for capability, modality in INPUT_OF.items():
        inputs[arrays.capabilities & mask([capability], CAPABILITIES) > 0] |= mask([modality], MODALITIES)
    return inputs


def _unlisted(price: FloatArray, task: str) -> FloatArray:
    """Fees that a feed left out though nobody gives the thing away, lest what is missing pass for free: a search is
    taken at the median listed fee. That is a cent, and 99 of 222 endpoints list none."""
    extra = np.zeros_like(price)
    listed = price[:, SEARCH_PRICE] > 0
    if task == "web_search" and listed.any():
        extra[price.any(axis=1) & ~listed, SEARCH_PRICE] = np.median(price[listed, SEARCH_PRICE])
    return extra


def _rates(price: FloatArray) -> Rates:
    """Only the units that somebody bills: two or three of nine for most tasks."""
    return tuple((unit, np.ascontiguousarray(price[:, unit])) for unit in np.flatnonzero(price.any(axis=0)).tolist())


def _total(rates: Rates, units: Sequence[float], size: int) -> FloatArray:
    total = np.zeros(size)
    for unit, rate in rates:
        if units[unit]:
            total += rate * units[unit]
    return total
