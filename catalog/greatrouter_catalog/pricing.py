"""Prices in each model's native units, and what a call costs.

A rate is exact decimal US dollars; an amount is exact decimal cents.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from decimal import Context, Decimal
from typing import Protocol, Self

ONE = Decimal(1)
NOTHING = Decimal(0)
CENTS_PER_DOLLAR = Decimal(100)
# A rate has up to 12 decimals and an amount 6 or more: their sum can need more than the usual 28 digits.
EXACT = Context(prec=60)
# What Anthropic asks for a prompt token that is written to its cache of five minutes, as a multiple of a plain one
# (claudecodeguides.com's price table, read 2026-11-21; LiteLLM's and OpenRouter's feeds state the same for its models).
ANTHROPIC = "anthropic"
ANTHROPIC_CACHE_WRITE = Decimal("1.25")


class Units(Protocol):
    """What a call consumed. Prompt tokens include those read from a cache and written to one, as OpenAI counts."""

    @property
    def prompt_tokens(self) -> int: ...
    @property
    def cached_tokens(self) -> int: ...
    @property
    def cache_write_tokens(self) -> int: ...
    @property
    def completion_tokens(self) -> int: ...
    @property
    def images(self) -> int: ...
    @property
    def seconds(self) -> Decimal: ...
    @property
    def characters(self) -> int: ...
    @property
    def documents(self) -> int: ...
    @property
    def searches(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Pricing:
    """US dollars per native unit; None where the model is not billed in that unit.

    The order of the fields is the order of the columns of `arrays.ModelArrays.price` and of `unit_vector`.
    """

    input_per_million_tokens: Decimal | None = None
    cached_input_per_million_tokens: Decimal | None = None
    cache_write_input_per_million_tokens: Decimal | None = None
    output_per_million_tokens: Decimal | None = None
    price_per_image: Decimal | None = None
    price_per_second: Decimal | None = None
    price_per_million_characters: Decimal | None = None
    price_per_document: Decimal | None = None
    price_per_search: Decimal | None = None
    price_per_request: Decimal | None = None

    def cost_cents(self, units: Units) -> Decimal:
        """Exact cents for `units`; nothing is rounded here.

        >>> from types import SimpleNamespace
        >>> used = SimpleNamespace(prompt_tokens=1000, cached_tokens=0, cache_write_tokens=0, completion_tokens=500,
        ...     images=0, seconds=Decimal(0), characters=0, documents=0, searches=0)
        >>> prices = Pricing(input_per_million_tokens=Decimal("0.10"), output_per_million_tokens=Decimal("0.40"))
        >>> prices.cost_cents(used)
        Decimal('0.03')
        """
        dollars = NOTHING
        for name, count in zip(PRICE_FIELDS, unit_vector(units), strict=True):
            if count and (rate := self.rate(name)):
                dollars = EXACT.add(dollars, EXACT.multiply(rate, count))
        return EXACT.multiply(dollars, CENTS_PER_DOLLAR).normalize(EXACT)

    def rate(self, name: str) -> Decimal:
        """Dollars per unit of a field, 0 where not billed; a token that is read from a cache or written to it costs a
        token where it has no price of its own."""
        stated: Decimal | None = getattr(self, name)
        if stated is None and name in PARTS_OF_THE_PROMPT:
            stated = self.input_per_million_tokens
        return NOTHING if stated is None else stated

    def rates(self) -> tuple[Decimal, ...]:
        """`rate` of every field, in their order."""
        return tuple(self.rate(name) for name in PRICE_FIELDS)

    def times(self, share: Decimal) -> Self:
        """Every price multiplied, exactly."""
        stated = {name: rate for name in PRICE_FIELDS if (rate := getattr(self, name)) is not None}
        return replace(self, **{name: EXACT.multiply(rate, share) for name, rate in stated.items()})

    def stated(self) -> Mapping[str, Decimal]:
        """What a call is charged by: the rates that are not zero, by field. A `Pricing` of them costs the same, so a
        part of the prompt that is free where the rest is not stands there with its zero."""
        rates = zip(PRICE_FIELDS, self.rates(), strict=True)
        paid = bool(self.input_per_million_tokens)
        return {name: rate for name, rate in rates if rate or (paid and name in PARTS_OF_THE_PROMPT)}

    @property
    def known(self) -> bool:
        return any(getattr(self, name) is not None for name in PRICE_FIELDS)


PRICE_FIELDS = tuple(field.name for field in fields(Pricing))
PARTS_OF_THE_PROMPT = ("cached_input_per_million_tokens", "cache_write_input_per_million_tokens")


def unit_vector(units: Units) -> tuple[Decimal, ...]:
    """`units` in the order of `Pricing`'s fields, scaled to what each price is quoted for."""
    cached = min(units.cached_tokens, units.prompt_tokens)
    written = min(units.cache_write_tokens, units.prompt_tokens - cached)
    return (
        Decimal(units.prompt_tokens - cached - written).scaleb(-6),
        Decimal(cached).scaleb(-6),
        Decimal(written).scaleb(-6),
        Decimal(units.completion_tokens).scaleb(-6),
        Decimal(units.images),
        units.seconds,
        Decimal(units.characters).scaleb(-6),
        Decimal(units.documents),
        Decimal(units.searches),
        ONE,
    )
