"""What enters: request bodies, validated once from their bytes. Unknown fields are ignored, null means absent."""

import codecs
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self, TypeVar

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from greatrouter_api import complaints
from greatrouter_api.errors import ApiError
from greatrouter_api.provider_preferences import Provider
from greatrouter_catalog.taxonomy import CAPABILITIES, PRICE_TIERS, TASK_TYPES
from greatrouter_classifier.classification import ContentMode, Task
from greatrouter_ranking.ranker import Optimization

Body = TypeVar("Body", bound=BaseModel)
Prompt = Annotated[str, Field(description="Natural language description of what you want.")]
Budget = Annotated[
    float | None,
    Field(ge=0, allow_inf_nan=False, description="Dearer models (by estimate, in US dollars) are left out."),
]


# One complaint says as much as a million: 4 MB of wrong items took 12 s to list, and the event loop with them.
FAIL_FAST = Field(fail_fast=True)
MOST_PROBLEMS = 1_000
# Reading holds the interpreter's lock: 7 MB of "[]," take 1.5 s, as many bytes of text 10 ms.
LARGE_BODY_BYTES, MOST_CONTAINERS = 1024 * 1024, 400_000

_NOT_EMPTY = BeforeValidator(lambda value: None if value == "" else value)


BRANCHES = tuple(dict.fromkeys(kind.taxonomy for kind in TASK_TYPES.values()))


def _branch(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value == "translation":  # a kind of text here
        return "llm"
    if value and value not in BRANCHES:
        said = {"value": repr(value[:80]), "names": ", ".join(BRANCHES)}
        raise PydanticCustomError("taxonomy", "{value} is not allowed; expected one of {names}", said)
    return value or None


Taxonomy = Annotated[
    str | None,
    BeforeValidator(_branch),
    WithJsonSchema({"anyOf": [{"type": "string", "enum": [*BRANCHES, "translation"]}, {"type": "null"}]}),
    Field(description="Catalog category: the best model of it, whatever the words of the prompt say."),
]


@dataclass(frozen=True, slots=True)
class Or:
    """Null means `default`, as the schema says. Comes last in `Annotated`: what stands after it the schema loses."""

    default: Any

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._given, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [handler(schema), {"type": "null"}]}

    def _given(self, value: Any) -> Any:
        return self.default if value is None else value


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


# To JSON 5.0 is a whole number like 5. Comes after the bounds in `Annotated`, or the schema loses them.
WHOLE = BeforeValidator(_whole)
Count = Annotated[int, Field(ge=1), WHOLE]
# JSON has types of its own: "5" is not a number, and 1 is not true.
STRICT = ConfigDict(extra="ignore", strict=True)
BOUNDS = ("max_tokens", "max_completion_tokens")


def _with_bounds(input_: dict[str, Any]) -> dict[str, Any]:
    """What it says of how long an answer may be is what money is set aside for, so it must be readable."""
    for name in BOUNDS:
        value = input_.get(name)
        whole = value.is_integer() if isinstance(value, float) else type(value) is int
        if value is not None and not (whole and value >= 1):
            raise ValueError(f"input.{name}: must be a whole number, 1 or more")
    return input_


Input = Annotated[dict[str, Any], AfterValidator(_with_bounds)]


class Feedback(BaseModel):
    model_config = STRICT

    correct: bool
    suggested_task: Task | None = None


class Asked(BaseModel):
    """What every routing request may say."""

    model_config = STRICT

    task: Task | None = Field(default=None, description="Task hint.")
    content_mode: ContentMode | None = None
    optimization: Optimization | None = Field(
        default=None, description="The organization's preference by default, and `balanced` where it has none."
    )
    session_id: str | None = Field(default=None, max_length=200)
    budget_dollars: Budget = None
    taxonomy: Taxonomy = None
    provider: Provider = Field(default=None, description="One provider's slug, or provider preferences.")
    catalog_family: Annotated[str | None, _NOT_EMPTY] = Field(
        default=None, description="Model line, such as llm/meta--llama-3.3."
    )
    model: str | None = Field(default=None, description="Explicit model id; skips ranking.")


class RouteRequest(Asked):
    """`POST /v1/auto/route`"""

    prompt: Prompt
    input: Input = Field(
        description="The task's own input (messages, parameters, ...); {} lets the prompt be the input."
    )
    mode: Annotated[Literal["auto", "regex"], Or("auto")] = "auto"
    feedback: Feedback | None = None


class SuggestRequest(Asked):
    """`POST /v1/auto/suggest`"""

    prompt: Prompt
    input: Annotated[Input, Or({})] = {}
    mode: Annotated[Literal["auto", "regex"], Or("auto")] = "auto"
    limit: Annotated[int, Field(ge=1, le=20), WHOLE, Or(5)] = 5


class PriceComparisonRequest(Asked):
    """`POST /v1/models/price-comparison`"""

    prompt: str | None = Field(
        default=None,
        description="Classified, and its length priced; without it a typical request of the task, see `priced_for`.",
    )
    limit: Annotated[int, Field(ge=1, le=20), WHOLE, Or(10)] = 10


class RouteFilter(BaseModel):
    model_config = STRICT

    task_type: Literal[tuple(TASK_TYPES)] | None = None  # type: ignore[valid-type]  # the vocabulary, in one place
    capabilities: Annotated[list[Literal[CAPABILITIES]], FAIL_FAST, Or([])] = []  # type: ignore[valid-type]


class ModelsRouteRequest(Asked):
    """`POST /v1/models/route`"""

    query: str = Field(min_length=1, description="A task, a task type, or a description of what is to be done.")
    input: Input = Field(description="The task's own input (messages, parameters, ...).")
    maxCost: Literal[PRICE_TIERS] | None = Field(default=None, description="The dearest price tier.")  # type: ignore[valid-type]
    filter: RouteFilter | None = None


Names = Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=20), FAIL_FAST]
ROLES = ("system", "developer", "user", "assistant", "tool", "function")


def _with_roles(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for i, message in enumerate(messages):
        if message.get("role") not in ROLES:
            raise ValueError(f"messages[{i}].role: must be one of {', '.join(ROLES)}")
        if not isinstance(message.get("content"), str | list | None):
            raise ValueError(f"messages[{i}].content: must be a string, a list of parts or null")
    return messages


Message = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "required": ["role"],
            "properties": {
                "role": {"type": "string", "enum": list(ROLES)},
                "content": {"anyOf": [{"type": "string"}, {"type": "array", "items": {}}, {"type": "null"}]},
            },
        }
    ),
]


def _with_model(models: list[str] | None, info: ValidationInfo) -> list[str] | None:
    if not models and info.data.get("model", "wrong") is None:
        raise ValueError("model: is required")
    return models


def _with_flag(options: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(options.get("include_usage"), bool | None):
        raise ValueError("stream_options.include_usage: must be true or false")
    return options


_FLAG = {"anyOf": [{"type": "boolean"}, {"type": "null"}]}
StreamOptions = Annotated[
    dict[str, Any],
    AfterValidator(_with_flag),
    WithJsonSchema({"type": "object", "properties": {"include_usage": _FLAG}}),
]


class ChatRequest(Asked):
    """`POST /v1/chat/completions`, OpenAI's request. Fields that are not listed here go on to the provider as they are;
    those of `Asked` are for the router and do not."""

    model_config = ConfigDict(extra="allow", strict=True)

    model: Annotated[str, Field(min_length=1)] | None = Field(
        default=None,
        description='"router" (or "auto", "greatrouter/auto"), or an explicit model id; may be left out where there '
        "are `models`. `:floor` after an id is the same as `provider.sort: price`, `:nitro` as `throughput`.",
    )
    models: Annotated[Names | None, AfterValidator(_with_model)] = Field(
        default=None,
        validate_default=True,
        description="Tried in this order, after `model` where that is named, as long as one fails.",
    )
    messages: Annotated[list[Message], Field(min_length=1, fail_fast=True), AfterValidator(_with_roles)]
    stream: Annotated[bool, Or(False)] = False
    stream_options: StreamOptions | None = None
    temperature: float | None = Field(default=None, ge=0, le=2, allow_inf_nan=False)
    top_p: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    frequency_penalty: float | None = Field(default=None, ge=-2, le=2, allow_inf_nan=False)
    presence_penalty: float | None = Field(default=None, ge=-2, le=2, allow_inf_nan=False)
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    n: Annotated[int, Field(ge=1, le=128), WHOLE] | None = None
    seed: Annotated[int, WHOLE] | None = None
    stop: str | Annotated[list[str], FAIL_FAST] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20), WHOLE] | None = None
    tools: Annotated[list[dict[str, Any]], FAIL_FAST] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: dict[str, Any] | None = None
    user: str | None = None

    @model_validator(mode="after")
    def _first_of_models(self) -> Self:
        if self.models:
            self.model = self.model or self.models[0]
        return self

    @property
    def include_usage(self) -> bool:
        return (self.stream_options or {}).get("include_usage") is True

    @property
    def fields(self) -> dict[str, Any]:
        """What the provider is sent: everything that was said but null, and nothing of the router's own."""
        given = ((name, getattr(self, name)) for name in _CHAT_FIELDS if name in self.model_fields_set)
        return {name: value for name, value in given if value is not None} | (self.model_extra or {})


_CHAT_FIELDS = tuple(name for name in ChatRequest.model_fields if name not in {*Asked.model_fields, "models"})


class EmbeddingsRequest(BaseModel):
    """`POST /v1/embeddings`, OpenAI's request. Fields that are not listed here go on to the provider as they are."""

    model_config = ConfigDict(extra="allow", strict=True)

    model: str
    input: (
        str
        | Annotated[list[str], FAIL_FAST]
        | Annotated[list[int], FAIL_FAST]
        | Annotated[list[Annotated[list[int], FAIL_FAST]], FAIL_FAST]
    )
    encoding_format: Annotated[Literal["float", "base64"], Or("float")] = "float"
    dimensions: Count | None = None
    user: str | None = None
    provider: Provider = None


class DocumentText(BaseModel):
    model_config = STRICT

    text: str


class RerankRequest(BaseModel):
    """`POST /v1/rerank` and `/v2/rerank`, Cohere's request."""

    model_config = STRICT

    model: str = Field(min_length=1)
    query: str = Field(min_length=1)
    documents: list[str | DocumentText] = Field(min_length=1, max_length=10_000, fail_fast=True)
    top_n: Count | None = None
    return_documents: Annotated[bool, Or(True)] = True
    max_tokens_per_doc: Count | None = None
    provider: Provider = None


# What a body that is something else begins with.
NO_JSON = {
    b"\x1f\x8b": "compressed by gzip",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    codecs.BOM_UTF16_LE: "text in UTF-16",
    codecs.BOM_UTF16_BE: "text in UTF-16",
    b"--": "a form (multipart/form-data)",
}


def parse(model: type[Body], body: bytes) -> Body:
    """The request in `body`. Raises `ApiError` 400 that names the field, what was wrong and what is allowed."""
    body = body.removeprefix(codecs.BOM_UTF8)  # editors on Windows write it, and RFC 8259 lets it be ignored
    if len(body) > LARGE_BODY_BYTES and body.count(b"[") + body.count(b"{") > MOST_CONTAINERS:
        raise ApiError(400, f"the body has more than {MOST_CONTAINERS:,} brackets; send less at once")
    if b"NaN" in body or b"Infinity" in body:
        _refuse_other_numbers(body)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        if error.error_count() > MOST_PROBLEMS:
            raise ApiError(400, f"{error.error_count():,} values of the body have the wrong type") from None
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise ApiError(400, _no_json(body, first["msg"].removeprefix("Invalid JSON: "))) from error
        message, param = complaints.told(error, body)
        raise ApiError(400, message, param=param) from error


def _no_json(body: bytes, problem: str) -> str:
    if not body.strip():
        return "the body is empty; send a JSON object"
    for beginning, kind in NO_JSON.items():
        if body.startswith(beginning):
            return f"the body is not JSON but {kind}; send it as plain UTF-8"
    return f"the body is not valid JSON: {problem}"


def _refuse_other_numbers(body: bytes) -> None:
    """Pydantic reads NaN and Infinity, which are no JSON and which no provider takes. Raises `ApiError` 400."""
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, f"the body is not valid JSON: {error}") from error
