"""Which preferences an organization could set, read off what it did. Pure: counts in, suggestions out."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from typing import Any

from greatrouter_accounts.preferences import Preferences
from greatrouter_accounts.usage import Tally, Usage
from greatrouter_api.endpoints.preference_values import LONGEST_LIST, LONGEST_NAME
from greatrouter_classifier.classification import ContentMode, Task
from greatrouter_ranking.ranker import Optimization

# A habit: this share of at least so many requests.
SHARE, FEWEST_REQUESTS = 0.8, 20
# Corrections are rarer than requests, and each says more.
FEWEST_CORRECTIONS = 5
# A model or provider that fails: this share of at least so many tries. Below it the fallback chain is help enough.
FAILING, FEWEST_TRIES = 0.3, 10
# Of a share that was counted, the lower end of the range in which the true share lies 19 times in 20.
Z = 1.96


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`value` is what `PUT /v1/preferences/{key}` takes as it stands; `confidence` is 0..1."""

    key: str
    value: Any
    reason: str
    confidence: float
    evidence: Mapping[str, Any]


def suggest(usage: Usage, current: Preferences, keys_set: AbstractSet[str]) -> list[Suggestion]:
    """At most one suggestion a key, the surest first. A key with a value of its own is left alone; a list that has one
    is only added to."""
    found = [
        *_default_task(usage),
        *_habit("default_optimization", usage.optimizations, Optimization, current.default_optimization),
        *_habit("content_mode_default", usage.content_modes, ContentMode, ContentMode.GENERATE),
    ]
    found = [suggestion for suggestion in found if suggestion.key not in keys_set]
    failing = _failing_providers(usage, current)
    found += _excluded("excluded_providers", "provider", failing, current.excluded_providers)
    models = _failing_models(usage, current, failing.keys())
    found += _excluded("excluded_models", "model", models, current.excluded_models)
    return sorted(found, key=lambda suggestion: (-suggestion.confidence, suggestion.key))


def at_least(share_of: int, total: int) -> float:
    """The lower end of Wilson's interval for `share_of` in `total`.

    >>> round(at_least(20, 20), 2), round(at_least(8, 10), 2), at_least(0, 0)
    (0.84, 0.49, 0.0)
    """
    if not total:
        return 0.0
    share = share_of / total
    centre = share + Z * Z / (2 * total)
    spread = Z * math.sqrt(share * (1 - share) / total + Z * Z / (4 * total * total))
    return round(max(0.0, (centre - spread) / (1 + Z * Z / total)), 4)


def _habit(key: str, counts: Mapping[str, int], allowed: Iterable[str], now: str) -> Iterator[Suggestion]:
    """What most requests ask for, where it is not what they would get anyway."""
    total, names = sum(counts.values()), set(allowed)
    for name in sorted(counts):
        if name in names and name != now and total >= FEWEST_REQUESTS and counts[name] >= SHARE * total:
            reason = f"{counts[name]} of your last {total} requests that say so ask for {name}"
            evidence = {"requests": total, "with_this_value": counts[name]}
            yield Suggestion(key, str(name), reason, at_least(counts[name], total), evidence)


def _default_task(usage: Usage) -> Iterator[Suggestion]:
    """By what people corrected, else by what most requests are for."""
    total = sum(usage.corrections.values())
    for task in sorted(usage.corrections):
        count = usage.corrections[task]
        if task in list(Task) and total >= FEWEST_CORRECTIONS and count >= SHARE * total:
            reason = f"{count} of the last {total} corrections in your feedback name {task} as the right task"
            evidence = {"corrections": total, "to_this_task": count}
            yield Suggestion("default_task", str(task), reason, at_least(count, total), evidence)
            return
    total = sum(usage.tasks.values())
    for task in sorted(usage.tasks):
        count = usage.tasks[task]
        if task in list(Task) and total >= FEWEST_REQUESTS and count >= SHARE * total:
            reason = f"{count} of your last {total} recognized requests are {task}"
            evidence = {"requests": total, "with_this_task": count}
            yield Suggestion("default_task", str(task), reason, at_least(count, total), evidence)


def _failing_providers(usage: Usage, current: Preferences) -> dict[str, Tally]:
    """Never all that there are: where nobody else answered, a provider that fails often is better than none."""
    tries: dict[str, Tally] = {}
    for (_, provider), tally in usage.endpoints.items():
        tries[provider] = tries.get(provider, Tally()) + tally
    failing = _failing(tries, current.excluded_providers, current.preferred_providers)
    others = (name for name in tries if name not in failing and name not in current.excluded_providers)
    return failing if any(tries[name].attempts > tries[name].failures for name in others) else {}


def _failing_models(usage: Usage, current: Preferences, providers: AbstractSet[str]) -> dict[str, Tally]:
    """Those that fail at providers which do not; never all that there are."""
    gone = {*providers, *current.excluded_providers}
    tries: dict[str, Tally] = {}
    for (model, provider), tally in usage.endpoints.items():
        if provider not in gone:
            tries[model] = tries.get(model, Tally()) + tally
    failing = _failing(tries, current.excluded_models, ())
    others = (name for name in tries if name not in failing and name not in current.excluded_models)
    return failing if any(tries[name].attempts > tries[name].failures for name in others) else {}


def _failing(tries: Mapping[str, Tally], excluded: Sequence[str], preferred: Sequence[str]) -> dict[str, Tally]:
    return {
        name: tally
        for name, tally in sorted(tries.items())
        if name not in excluded
        and name not in preferred
        and 0 < len(name.strip()) == len(name) <= LONGEST_NAME
        and tally.attempts >= FEWEST_TRIES
        and tally.failures >= FAILING * tally.attempts
    }


def _excluded(key: str, kind: str, failing: Mapping[str, Tally], excluded: Sequence[str]) -> Iterator[Suggestion]:
    room = LONGEST_LIST - len(excluded)
    added = dict(list(failing.items())[: max(0, room)])
    if added:
        told = ", ".join(f"{name} ({tally.failures} of {tally.attempts})" for name, tally in added.items())
        yield Suggestion(
            key=key,
            value=[*excluded, *added],
            reason=f"tries failed often, while others answered: {told}",
            confidence=min(at_least(tally.failures, tally.attempts) for tally in added.values()),
            evidence={f"{kind}s": {name: asdict(tally) for name, tally in added.items()}},
        )
