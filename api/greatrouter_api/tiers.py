"""`X-Tier`: the tier of what is served here, and what each tier costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from greatrouter_api.errors import ApiError
from greatrouter_api.front import Incoming
from greatrouter_catalog.model import Model
from greatrouter_catalog.pricing import Pricing

REALTIME, BATCH = TIERS = ("realtime", "batch")


@dataclass(frozen=True, slots=True)
class Tiers:
    """`shares` are what `X-Tier: batch` pays of the prices of the models served here, by their ids."""

    shares: Mapping[str, Decimal]

    def pricing(self, model: Model, *, batch: bool) -> Pricing:
        """What `model` is charged by. Other providers have one tier."""
        share = self.shares.get(model.id) if batch and model.hosted else None
        return model.pricing if share is None else model.pricing.times(share)


def is_batch(incoming: Incoming) -> bool:
    """Whether the discounted tier is asked for. Raises `ApiError` 400 for one that there is not."""
    said = incoming.header(b"x-tier")
    if said.lower() not in ("", *TIERS):
        raise ApiError(400, f"X-Tier is {said!r}; allowed: {', '.join(TIERS)}", param="X-Tier")
    return said.lower() == BATCH
