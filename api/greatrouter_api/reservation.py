"""What a request is expected to take at most, for which money is set aside before it runs."""

from dataclasses import replace
from decimal import Decimal

from greatrouter_catalog.model import Model
from greatrouter_catalog.pricing import Pricing
from greatrouter_ranking.profile import ANSWER_TOKENS, Expected, Profile

# Beside the likely answer, where the caller sets no bound and the model reasons: (for the easiest prompt, more for the
# hardest). A judgement, not a measurement: models think for a few hundred to some tens of thousands of tokens.
THINKING_TOKENS = (1_000, 15_000)
REASONS = "reasoning"


def bound(profile: Profile, model: Model) -> Expected:
    """What is expected, or as many tokens as the caller allows all answers together where that is more: of each answer
    no more than the model can give."""
    most = profile.answers * min(profile.max_output, model.max_output_tokens or profile.max_output)
    if most <= profile.expected.completion_tokens:
        return profile.expected
    return replace(profile.expected, completion_tokens=most)


def most_cents(profile: Profile, model: Model, pricing: Pricing) -> Decimal:
    """What is set aside for `model`, were it to answer."""
    units = bound(profile, model)
    if not profile.max_output and profile.task in ANSWER_TOKENS and REASONS in model.capabilities:
        units = replace(units, completion_tokens=_with_thoughts(profile, model))
    if pricing.rate("cache_write_input_per_million_tokens") > pricing.rate("input_per_million_tokens"):
        units = replace(units, cache_write_tokens=units.prompt_tokens)  # as much of it as the caller marks
    return pricing.cost_cents(units)


def _with_thoughts(profile: Profile, model: Model) -> int:
    """Tokens of all answers, no more than the model can give."""
    easiest, more = THINKING_TOKENS
    expected = profile.expected.completion_tokens
    thought = expected + profile.answers * (easiest + round(more * profile.complexity))
    return max(expected, min(thought, profile.answers * (model.max_output_tokens or thought)))
