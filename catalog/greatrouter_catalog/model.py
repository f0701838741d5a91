"""One model at one provider, as the catalog knows it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from greatrouter_catalog.pricing import Pricing


@dataclass(frozen=True, slots=True)
class Model:
    """A row of the catalog. The same `id` under two providers is one model with two endpoints.

    `canonical` names the model itself whoever serves it; benchmark scores hang on it. `observed_on` is the day on
    which `price_feed` was last seen to state the price, `valid_from` the day since which it holds. `long_tail_because`
    says why a model is not routed to. `hosted` is true for models served by this process.

    The last four are the endpoint's terms (`terms.py`), None where nobody knows: `data_collection` is `allow` or
    `deny`, `supported_parameters` all that it takes.
    """

    id: str
    provider: str
    upstream_model: str
    task_type: str
    category: str
    tasks: Sequence[str]
    name: str
    canonical: str
    family: str
    visibility: str = "standard"
    long_tail_because: str | None = None
    price_tier: str | None = None
    creator: str | None = None
    capabilities: Sequence[str] = ()
    input_modalities: Sequence[str] = ("text",)
    output_modalities: Sequence[str] = ("text",)
    context_window: int | None = None
    max_output_tokens: int | None = None
    interface: str | None = None
    open_weights: bool | None = None
    deprecated: bool | None = None
    retired_on: date | None = None
    released_on: date | None = None
    tags: Sequence[str] = ()
    description: str = ""
    aliases: Sequence[str] = ()
    sources: Sequence[str] = ()
    price_feed: str | None = None
    observed_on: date | None = None
    valid_from: date | None = None
    pricing: Pricing = field(default_factory=Pricing)
    hosted: bool = False
    quantization: str | None = None
    data_collection: str | None = None
    zero_data_retention: bool | None = None
    supported_parameters: Sequence[str] | None = None

    @property
    def routable(self) -> bool:
        return self.visibility != "long_tail" and self.pricing.known
