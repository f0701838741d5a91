"""Prices in each model's native units, and what a call costs.

A rate is exact decimal US dollars; an amount is exact decimal cents.
"""

from dataclasses import dataclass, fields
from decimal import Context, Decimal
from typing import Protocol

ONE = Decimal(1)
NOTHING = Decimal(0)
CENTS_PER_DOLLAR = Decimal(100)
# A rate has up to 12 decimals and an amount 6 or more: their sum can need more than the usual 28 digits.
EXACT = Context(prec=60)


class Units(Protocol):
    """What a call consumed. Cached tokens are included in prompt tokens, as OpenAI counts them."""

    @property
    def prompt_tokens(self) -> int: ...
    @property
    def cached_tokens(self) -> int: ...
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
        >>> used = SimpleNamespace(prompt_tokens=1000, cached_tokens=0, completion_tokens=500, images=0,
        ...     seconds=Decimal(0), characters=0, documents=0, searches=0)
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
        """Dollars per unit of a field, 0 where not billed; a cached token without its own price costs a token."""
        stated: Decimal | None = getattr(self, name)
        if stated is None and name == "cached_input_per_million_tokens":
            stated = self.input_per_million_tokens
        return NOTHING if stated is None else stated

    def rates(self) -> tuple[Decimal, ...]:
        """`rate` of every field, in their order."""
        return tuple(self.rate(name) for name in PRICE_FIELDS)

    @property
    def known(self) -> bool:
        return any(getattr(self, name) is not None for name in PRICE_FIELDS)


PRICE_FIELDS = tuple(field.name for field in fields(Pricing))


def unit_vector(units: Units) -> tuple[Decimal, ...]:
    """`units` in the order of `Pricing`'s fields, scaled to what each price is quoted for."""
    cached = min(units.cached_tokens, units.prompt_tokens)
    return (
        Decimal(units.prompt_tokens - cached).scaleb(-6),
        Decimal(cached).scaleb(-6),
        Decimal(units.completion_tokens).scaleb(-6),
        Decimal(units.images),
        units.seconds,
        Decimal(units.characters).scaleb(-6),
        Decimal(units.documents),
        Decimal(units.searches),
        ONE,
    )
