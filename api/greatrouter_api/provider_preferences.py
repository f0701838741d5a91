"""The `provider` field of a request: one provider's slug, or an object of OpenRouter's provider preferences."""

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from greatrouter_api import complaints
from greatrouter_api.errors import ApiError
from greatrouter_catalog import providers
from greatrouter_ranking.provider_preferences import Cutoffs, MaxPrice, ProviderPreferences, Sort

# OpenRouter's names that `providers.slug` does not turn into the catalog's.
ALIASES = {
    "featherless": "featherless-ai",
    "google-ai-studio": "google",
    "inferencenet": "inference",
    "lambda": "lambda-ai",
    "moonshot-ai": "moonshotai",
    "together": "togetherai",
    "z-ai": "zai",
    "z.ai": "zai",
}
NUMBER = r"^[0-9]{1,30}(\.[0-9]{1,30})?$"

Slugs = Annotated[list[Annotated[str, Field(min_length=1)]], Field(fail_fast=True)]
SortName = Literal["price", "throughput", "latency", "exacto"]
Quantization = Literal["int4", "int8", "fp4", "fp6", "fp8", "fp16", "bf16", "fp32", "unknown"]
Positive = Annotated[float, Field(ge=0, allow_inf_nan=False)]
NumberText = Annotated[str, Field(pattern=NUMBER)]


def _wrong(message: str) -> PydanticCustomError:
    return PydanticCustomError("provider", "{message}", {"message": message})


def _number(value: Any) -> Any:
    if isinstance(value, str):
        if not re.fullmatch(NUMBER, value):
            raise _wrong('must be a number, or a string of one such as "0.5"')
        return float(value)
    return value


def _sort(value: Any) -> Any:
    if isinstance(value, str):
        return {"by": value}
    if not isinstance(value, dict | None):
        raise _wrong("must be price, throughput, latency or exacto, or an object of by and partition")
    return value


def _cutoffs(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"p50": value}
    if not isinstance(value, dict | None):
        raise _wrong("must be a number (for p50) or an object of p50, p75, p90 and p99")
    return value


def _no_distillation(value: Any) -> Any:
    if value is True:
        raise _wrong("cannot be true: the catalog does not know which models may be distilled; leave it out")
    if value is not None and value is not False:
        raise _wrong("must be false, or left out")
    return value


class Wish(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


Price = Annotated[Positive | None, BeforeValidator(_number, json_schema_input_type=Positive | NumberText | None)]


class MaxPriceRequest(Wish):
    """US dollars per million tokens for prompt and completion, per request, per image, per second of audio. A request
    for rerank costs its searches and documents, too."""

    prompt: Price = None
    completion: Price = None
    request: Price = None
    image: Price = None
    audio: Price = None


class SortRequest(Wish):
    by: SortName | None = None
    partition: Literal["model", "none"] | None = Field(
        default=None, description="`none` sorts the endpoints of all ranked models together."
    )


class CutoffsRequest(Wish):
    p50: Positive | None = None
    p75: Positive | None = None
    p90: Positive | None = None
    p99: Positive | None = None


CutoffsField = Annotated[
    CutoffsRequest | None, BeforeValidator(_cutoffs, json_schema_input_type=Positive | CutoffsRequest | None)
]


class ProviderRequest(Wish):
    """Provider preferences. An endpoint of which something is not known passes no filter that asks for it."""

    order: Slugs | None = Field(default=None, description="The providers to try first, in this order.")
    only: Slugs | None = Field(default=None, description="No other provider is used.")
    ignore: Slugs | None = Field(default=None, description="None of these is used.")
    allow_fallbacks: bool | None = Field(
        default=None, description="False: only the providers in `order`, or else only the first endpoint."
    )
    sort: Annotated[
        SortRequest | None, BeforeValidator(_sort, json_schema_input_type=SortName | SortRequest | None)
    ] = Field(
        default=None,
        description="Orders a model's endpoints where `order` does not; exacto: those that fail least come first.",
    )
    max_price: MaxPriceRequest | None = None
    data_collection: Literal["allow", "deny"] | None = Field(
        default=None, description="deny: only endpoints known not to keep prompts or train on them."
    )
    zdr: bool | None = Field(default=None, description="Only endpoints known to retain nothing.")
    quantizations: list[Quantization] | None = None
    require_parameters: bool | None = Field(
        default=None, description="Only endpoints that support every parameter of the request."
    )
    enforce_distillable_text: Annotated[Literal[False] | None, BeforeValidator(_no_distillation)] = None
    preferred_max_latency: CutoffsField = Field(
        default=None, description="Seconds, at p50 or at each percentile named. Slower endpoints are tried last."
    )
    preferred_min_throughput: CutoffsField = Field(
        default=None, description="Tokens per second. Endpoints that write more slowly are tried last."
    )


def _read(value: Any) -> Any:
    if isinstance(value, ProviderRequest):
        return value
    if not isinstance(value, str | dict | None):
        raise _wrong("must be one provider's slug, or an object of provider preferences")
    if not isinstance(value, dict):
        return value or None
    try:
        return ProviderRequest.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[: complaints.MOST_NAMED]
        told = (f"provider.{complaints.path(problem['loc'])}: {complaints.words(problem)}" for problem in found)
        raise ValueError("; ".join(told)) from error


# The type of a request's `provider` field; absent, null and "" are None.
Provider = Annotated[str | ProviderRequest | None, BeforeValidator(_read)]


class ProviderNames:
    """The providers of one catalog, by any of their spellings."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)

    def of(self, spelling: str) -> str:
        """The catalog's name, whatever follows a slash left out (OpenRouter's variants and regions are not told apart
        here); where it has none, the spelling as a slug.

        >>> ProviderNames(["amazon-bedrock", "lab"]).of("Amazon Bedrock")
        'amazon-bedrock'
        """
        for name in (spelling, spelling.partition("/")[0]):
            if name in self._names:
                return name
        slug = providers.slug(spelling.partition("/")[0])
        return ALIASES.get(slug, slug)

    def knows(self, spelling: str) -> bool:
        return self.of(spelling) in self._names

    def preferences(self, wished: ProviderRequest, parameters: Iterable[str]) -> ProviderPreferences | None:
        """None where nothing is wished. `parameters` are the names of what the request sets.

        Raises `ApiError` 404 where no provider of the catalog is allowed.
        """
        partition = wished.sort.partition if wished.sort else None
        by = wished.sort.by if wished.sort else None
        order = self._all(wished.order)
        allow_fallbacks = wished.allow_fallbacks is not False
        self._check("only", wished.only)
        if not allow_fallbacks:
            self._check("order", wished.order)
        found = ProviderPreferences(
            order=order,
            only=self._all(wished.only) or None,
            ignore=self._all(wished.ignore),
            allow_fallbacks=allow_fallbacks,
            sort_by=Sort(by) if by and not order else None,
            together=partition == "none" and not order,
            max_price=MaxPrice(**wished.max_price.model_dump()) if wished.max_price else MaxPrice(),
            deny_collection=wished.data_collection == "deny",
            zero_retention=bool(wished.zdr),
            quantizations=tuple(wished.quantizations or ()),
            parameters=tuple(parameters) if wished.require_parameters else (),
            max_latency_s=_of(wished.preferred_max_latency),
            min_throughput=_of(wished.preferred_min_throughput),
        )
        return None if found == ProviderPreferences() else found

    def _all(self, spellings: Sequence[str] | None) -> tuple[str, ...]:
        return tuple(self.of(spelling) for spelling in spellings or ())

    def _check(self, field: str, spellings: Sequence[str] | None) -> None:
        if spellings and not any(map(self.knows, spellings)):
            named = ", ".join(repr(spelling[:80]) for spelling in spellings[:5])
            message = f"provider.{field} names no provider of the catalog: {named}; GET /v1/models lists them"
            raise ApiError(404, message, code="model_not_found", param="provider")


def _of(cutoffs: CutoffsRequest | None) -> Cutoffs:
    return Cutoffs(**cutoffs.model_dump()) if cutoffs else Cutoffs()
