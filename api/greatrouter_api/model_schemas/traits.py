"""What decides a model's schemas: its task type, what it can do and take, and its limits."""

from collections.abc import Sequence
from dataclasses import dataclass

from greatrouter_catalog.model import Model


@dataclass(frozen=True, slots=True)
class Traits:
    """Of one model at one task type, over all its endpoints. A limit is None where nobody states one."""

    task_type: str
    capabilities: frozenset[str]
    takes: frozenset[str]
    max_output_tokens: int | None
    dimensions: int | None


def traits_of(endpoints: Sequence[Model], dimensions: int | None) -> list[Traits]:
    """One entry a task type, in the endpoints' order. `dimensions` is the length of the vectors that it embeds into."""
    by_type: dict[str, list[Model]] = {}
    for model in endpoints:
        by_type.setdefault(model.task_type, []).append(model)
    return [
        Traits(
            task_type=task_type,
            capabilities=frozenset(name for model in models for name in model.capabilities),
            takes=frozenset(name for model in models for name in model.input_modalities),
            max_output_tokens=max((model.max_output_tokens or 0 for model in models), default=0) or None,
            dimensions=dimensions or None,
        )
        for task_type, models in by_type.items()
    ]
