"""Small made-up catalogs, and requests to rank them for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from greatrouter_catalog.arrays import (
    CAPABILITIES,
    MODALITIES,
    PARAMETERS,
    PRICE_TIERS,
    QUANTIZATIONS,
    TASKS,
    ModelArrays,
    mask,
)
from greatrouter_catalog.pricing import PARTS_OF_THE_PROMPT, PRICE_FIELDS
from greatrouter_classifier.classification import (
    Classification,
    Complexity,
    ComplexityTier,
    ContentMode,
    Decision,
    Task,
)
from greatrouter_ranking.profile import Expected, Profile
from greatrouter_ranking.quality import Abilities
from greatrouter_ranking.ranker import Ranker


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row of a made-up catalog; `prices` by field of `Pricing`."""

    model: str = "model"
    provider: str = "host"
    prices: Mapping[str, float] = field(default_factory=dict)
    tasks: Sequence[str] = ("text",)
    family: str = "llm/maker--line"
    capabilities: Sequence[str] = ()
    inputs: Sequence[str] = ("text",)
    outputs: Sequence[str] = ("text",)
    context: int = 0
    max_output: int = 0
    tier: str | None = None
    routable: bool = True
    reachable: bool = True
    quantization: str = "unknown"
    no_collection: bool = False
    zero_retention: bool = False
    parameters: Sequence[str] = ()


def tokens(rate: float) -> dict[str, float]:
    """A price of `rate` dollars per million tokens, in and out."""
    return {"input_per_million_tokens": rate, "output_per_million_tokens": rate}


def arrays(endpoints: Sequence[Endpoint]) -> ModelArrays:
    def codes(names: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
        table = tuple(sorted(set(names)))
        return np.array([table.index(name) for name in names], dtype=np.int32), table

    provider, providers = codes([e.provider for e in endpoints])
    canonical, canonicals = codes([e.model for e in endpoints])
    family, families = codes([e.family for e in endpoints])
    price = np.array([[_rate(e.prices, name) for name in PRICE_FIELDS] for e in endpoints], dtype=np.float64)
    return ModelArrays(
        price=price.reshape(len(endpoints), len(PRICE_FIELDS)),
        tasks=np.array([mask(e.tasks, TASKS) for e in endpoints], dtype=np.uint16),
        capabilities=np.array([mask(e.capabilities, CAPABILITIES) for e in endpoints], dtype=np.uint32),
        inputs=np.array([mask(e.inputs, MODALITIES) for e in endpoints], dtype=np.uint8),
        outputs=np.array([mask(e.outputs, MODALITIES) for e in endpoints], dtype=np.uint8),
        context=np.array([e.context for e in endpoints], dtype=np.int64),
        max_output=np.array([e.max_output for e in endpoints], dtype=np.int64),
        tier=np.array([PRICE_TIERS.index(e.tier) if e.tier else -1 for e in endpoints], dtype=np.int8),
        routable=np.array([e.routable for e in endpoints], dtype=np.bool_),
        provider=provider,
        canonical=canonical,
        family=family,
        quantization=np.array([QUANTIZATIONS.index(e.quantization) for e in endpoints], dtype=np.int8),
        no_collection=np.array([e.no_collection for e in endpoints], dtype=np.bool_),
        zero_retention=np.array([e.zero_retention for e in endpoints], dtype=np.bool_),
        parameters=np.array([mask(e.parameters, PARAMETERS) for e in endpoints], dtype=np.uint32),
        providers=providers,
        canonicals=canonicals,
        families=families,
    )


def _rate(prices: Mapping[str, float], name: str) -> float:
    """As in the catalog's arrays, a cached token without a price of its own costs what any prompt token costs."""
    stated = "input_per_million_tokens" if name in PARTS_OF_THE_PROMPT and name not in prices else name
    return prices.get(stated, 0.0)


def abilities(table: ModelArrays, ability: Mapping[str, float]) -> Abilities:
    """The same ability at every task; 0 for a model that is not named."""
    by_model = np.array([ability.get(name, 0.0) for name in table.canonicals], dtype=np.float64)
    value = np.repeat(by_model[:, None], len(TASKS), axis=1)
    return Abilities(value, np.ones(value.shape, dtype=np.int16))


def ranker(endpoints: Sequence[Endpoint], ability: Mapping[str, float] | None = None) -> Ranker:
    table = arrays(endpoints)
    reachable = np.array([e.reachable for e in endpoints], dtype=np.bool_)
    return Ranker(table, abilities(table, ability or {}), reachable)


def asked(task: Task = Task.TEXT, complexity: float = 0.3, **needs: int) -> Profile:
    """A request of 1,000 tokens in and out."""
    expected = Expected(prompt_tokens=1_000, completion_tokens=1_000, searches=int(task is Task.WEB_SEARCH))
    return Profile(task, ContentMode.GENERATE, complexity, expected, **needs)


def classified(task: Task, complexity: float = 0.3, mode: ContentMode = ContentMode.GENERATE) -> Classification:
    tier = ComplexityTier.MEDIUM
    return Classification(task, 0.9, mode, Decision.HINT, Complexity(complexity, tier), "as the caller says")
