"""How much the model is to think: `reasoning_effort`, or the `reasoning` object, as Anthropic's fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from greatrouter_serving.errors import InvalidInput
from greatrouter_serving.providers.anthropic_models import Generation, effort_within

# The share of max_tokens that a model with a thinking budget may think, by effort.
BUDGET_SHARES = {"minimal": 0.1, "low": 0.2, "medium": 0.5, "high": 0.8, "xhigh": 0.9, "max": 0.95}
MIN_BUDGET_TOKENS = 1_024


@dataclass(frozen=True, slots=True)
class Asked:
    """`effort` is None where the caller left it open; `budget_tokens` only where one was named."""

    effort: str | None = None
    budget_tokens: int | None = None
    is_off: bool = False
    is_hidden: bool = False


def asked_of(fields: Mapping[str, Any]) -> Asked | None:
    """None where the caller says nothing of reasoning."""
    reasoning = fields.get("reasoning")
    if reasoning is not None and not isinstance(reasoning, dict):
        raise InvalidInput("reasoning must be an object with effort or max_tokens", "reasoning")
    reasoning = reasoning or {}
    effort = reasoning.get("effort") or fields.get("reasoning_effort")
    if effort is not None and effort != "none" and (not isinstance(effort, str) or effort not in BUDGET_SHARES):
        param = "reasoning.effort" if reasoning.get("effort") else "reasoning_effort"
        raise InvalidInput(f"reasoning effort is {effort!r}; expected none, {', '.join(BUDGET_SHARES)}", param)
    budget = reasoning.get("max_tokens")
    if budget is not None and (type(budget) is not int or budget < 0):
        words = "reasoning.max_tokens must be a whole number of tokens; expected 1024 or more"
        raise InvalidInput(words, "reasoning.max_tokens")
    is_off = effort == "none" or reasoning.get("enabled") is False
    if not (effort or budget or is_off or reasoning.get("enabled") is True):
        return None
    return Asked(None if is_off else effort, budget, is_off, reasoning.get("exclude") is True)


def thinking_of(asked: Asked | None, generation: Generation, max_tokens: int) -> dict[str, Any] | None:
    """The `thinking` field; None to leave it out, which is what the model does by itself."""
    if asked is None or generation.thinking == "none":
        return None
    if asked.is_off:
        return {"type": generation.thinking_off} if generation.thinking_off else None
    hidden = {"display": "omitted"} if asked.is_hidden else {}
    if generation.thinking == "budget":
        budget = asked.budget_tokens or int(max_tokens * BUDGET_SHARES[asked.effort or "medium"])
        # The answer must have room beside it.
        budget = min(max(budget, MIN_BUDGET_TOKENS), int(max_tokens * BUDGET_SHARES["max"]))
        return {"type": "enabled", "budget_tokens": budget, **hidden} if budget >= MIN_BUDGET_TOKENS else None
    # From 4.7 on nothing of it is shown unless asked for.
    return {"type": "adaptive", **(hidden or {"display": "summarized"})}


def effort_of(asked: Asked | None, generation: Generation) -> str | None:
    """`output_config.effort`. A model that cannot be kept from thinking is asked to think as little as it can."""
    if asked is None:
        return None
    if asked.is_off:
        return effort_within(generation, "low") if generation.thinking == "always" else None
    return effort_within(generation, asked.effort) if asked.effort else None
