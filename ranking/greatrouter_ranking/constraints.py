"""What a caller and an organization allow, and which candidates pass."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from greatrouter_catalog.arrays import ModelArrays
from greatrouter_ranking.candidates import Candidates
from greatrouter_ranking.profile import Profile
from greatrouter_ranking.provider_filters import ProviderFilters
from greatrouter_ranking.provider_preferences import ProviderPreferences

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Included:
    """Which rows of a catalog an organization's plan includes; equal to itself alone."""

    rows: BoolArray


@dataclass(frozen=True, slots=True)
class Constraints:
    """What the caller and the organization allow. Names are the catalog's; None and empty mean "no constraint".

    `rows` are the endpoints of models asked for by name, which may be long-tail ones; a model without a price tier
    passes every `max_tier`. `incumbent` is the row that has answered in this conversation so far, whose provider may
    hold `cached_tokens` of the prompt in its cache. `included` is what the organization's plan includes.
    """

    budget_dollars: float | None = None
    max_tier: int | None = None
    providers: Sequence[str] = ()
    excluded_providers: Sequence[str] = ()
    preferred_providers: Sequence[str] = ()
    taxonomy: str | None = None
    family: str | None = None
    rows: Sequence[int] | None = None
    excluded_rows: Sequence[int] = ()
    provider: ProviderPreferences | None = None
    incumbent: int | None = None
    cached_tokens: int = 0
    included: Included | None = None

    @property
    def names_only(self) -> bool:
        """Whether nothing but the models' names was given."""
        return self == Constraints(rows=self.rows)


class Filters:
    """The tests that a request implies, over the name tables of one catalog."""

    def __init__(self, arrays: ModelArrays) -> None:
        self._size = len(arrays.canonical)
        self.providers = ProviderFilters(arrays)
        self._families = {name: i for i, name in enumerate(arrays.families)}
        makers = np.array([name.partition("/")[2].partition("--")[0] for name in arrays.families], dtype=object)
        self._made_by = {maker: np.flatnonzero(makers == maker) for maker in set(makers.tolist())}
        branches = np.array([name.partition("/")[0] for name in arrays.families], dtype=object)
        self._branches = {branch: np.flatnonzero(branches == branch) for branch in set(branches.tolist())}

    def tests(self, part: Candidates, profile: Profile, allowed: Constraints) -> Iterator[tuple[str, BoolArray]]:
        """Name and outcome of every test that applies, in the order in which a rejection is reported."""
        if allowed.excluded_rows:
            yield "excluded_model", ~_among(allowed.excluded_rows, self._size)[part.rows]
        if allowed.providers:
            yield "provider", self._of_provider_or_maker(part, allowed)
        if allowed.excluded_providers:
            yield "excluded_provider", ~self.providers.of_provider(part, allowed.excluded_providers)
        if allowed.taxonomy is not None:
            yield "taxonomy", self._of_family(part, self._branches.get(allowed.taxonomy, ()))
        if allowed.family is not None:
            yield "catalog_family", self._of_family(part, [self._families.get(allowed.family, -1)])
        if allowed.max_tier is not None:
            yield "price_tier", part.tier <= allowed.max_tier
        yield from _needs(part, profile)
        if allowed.provider is not None:
            yield from self.providers.tests(part, profile, allowed.provider)
        if allowed.included is not None:
            yield "plan", allowed.included.rows[part.rows]

    def _of_provider_or_maker(self, part: Candidates, allowed: Constraints) -> BoolArray:
        """Within a branch or a line of the catalog, `meta` also means what Meta made, whoever serves it."""
        passed = self.providers.of_provider(part, allowed.providers)
        if allowed.taxonomy is None and allowed.family is None:
            return passed
        made = (int(code) for name in allowed.providers for code in self._made_by.get(name, ()))
        return passed | self._of_family(part, made)

    def _of_family(self, part: Candidates, codes: Iterable[int]) -> BoolArray:
        return _among(codes, len(self._families))[part.family]


def passing(tests: Iterable[tuple[str, BoolArray]], size: int) -> tuple[BoolArray | None, dict[str, int]]:
    """Which candidates pass every test (None where no test applied), and for each test how many it was the first to
    turn away."""
    keep: BoolArray | None = None
    left, rejected = size, {}
    for name, passed in tests:
        keep = passed if keep is None else keep & passed
        remaining = int(np.count_nonzero(keep))
        if remaining < left:
            rejected[name] = left - remaining
        left = remaining
    return keep, rejected


def _needs(part: Candidates, profile: Profile) -> Iterator[tuple[str, BoolArray]]:
    if profile.inputs:
        yield "input_modalities", part.inputs & profile.inputs == profile.inputs
    if profile.output:
        yield "output_modality", part.outputs & profile.output == profile.output
    if profile.capabilities:
        yield "capabilities", part.capabilities & profile.capabilities == profile.capabilities
    if profile.tokens:
        yield "context_window", part.context >= profile.tokens
    if profile.max_output:
        yield "max_output", (part.max_output >= profile.max_output) | (part.max_output == 0)


def _among(indexes: Iterable[int], size: int) -> BoolArray:
    """Indexes outside the table are nobody's."""
    chosen = np.zeros(size, dtype=np.bool_)
    chosen[[i for i in indexes if 0 <= i < size]] = True
    return chosen
