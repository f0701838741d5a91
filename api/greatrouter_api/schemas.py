"""What enters: request bodies, validated once from their bytes. Unknown fields are ignored, null means absent."""

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from greatrouter_api.errors import ApiError
from greatrouter_classifier.classification import ContentMode, Task
from greatrouter_ranking.ranker import Optimization

Body = TypeVar("Body", bound=BaseModel)
Prompt = Annotated[str, Field(description="Natural language description of what you want.")]
Budget = Annotated[
    float | None,
    Field(ge=0, allow_inf_nan=False, description="Dearer models (by estimate, in US dollars) are left out."),
]


def _slug(value: Any) -> Any:
    """A wish that cannot be kept is refused rather than ignored: it may be about who sees the prompt."""
    if isinstance(value, dict):
        raise ValueError(
            "provider preferences as an object are not supported by this version; send one provider's slug"
        )
    return value or None


_NOT_EMPTY = BeforeValidator(lambda value: value or None)


def _or(default: Any) -> BeforeValidator:
    return BeforeValidator(lambda value: default if value is None else value)


# JSON has types of its own: "5" is not a number, and 1 is not true.
STRICT = ConfigDict(extra="ignore", strict=True)


class Feedback(BaseModel):
    model_config = STRICT

    correct: bool
    suggested_task: Task | None = None


class Asked(BaseModel):
    """What every routing request may say."""

    model_config = STRICT

    task: Task | None = Field(default=None, description="Task hint.")
    content_mode: ContentMode | None = None
    optimization: Annotated[Optimization, _or(Optimization.BALANCED)] = Optimization.BALANCED
    session_id: str | None = Field(default=None, max_length=200)
    budget_dollars: Budget = None
    taxonomy: Annotated[str | None, _NOT_EMPTY] = Field(
        default=None, description="Catalog category, such as llm or image-generation."
    )
    provider: Annotated[str | None, BeforeValidator(_slug)] = Field(default=None, description="Provider slug.")
    catalog_family: Annotated[str | None, _NOT_EMPTY] = Field(
        default=None, description="Model line, such as llm/meta--llama-3.3."
    )
    model: str | None = Field(default=None, description="Explicit model id; skips ranking.")


class RouteRequest(Asked):
    """`POST /v1/auto/route`"""

    prompt: Prompt
    input: dict[str, Any] = Field(
        description="The task's own input (messages, parameters, ...); {} lets the prompt be the input."
    )
    mode: Annotated[Literal["auto", "regex"], _or("auto")] = "auto"
    feedback: Feedback | None = None


class SuggestRequest(Asked):
    """`POST /v1/auto/suggest`"""

    prompt: Prompt
    input: Annotated[dict[str, Any], _or({})] = {}
    mode: Annotated[Literal["auto", "regex"], _or("auto")] = "auto"
    limit: Annotated[int, _or(5), Field(ge=1, le=20)] = 5


class EmbeddingsRequest(BaseModel):
    """`POST /v1/embeddings`, OpenAI's request."""

    model_config = STRICT

    model: str
    input: str | list[str] | list[int] | list[list[int]]
    encoding_format: Annotated[Literal["float", "base64"], _or("float")] = "float"
    dimensions: int | None = Field(default=None, ge=1)
    user: str | None = None


class DocumentText(BaseModel):
    model_config = STRICT

    text: str


class RerankRequest(BaseModel):
    """`POST /v1/rerank` and `/v2/rerank`, Cohere's request."""

    model_config = STRICT

    model: str
    query: str = Field(min_length=1)
    documents: list[str | DocumentText] = Field(min_length=1, max_length=10_000)
    top_n: int | None = Field(default=None, ge=1)
    return_documents: Annotated[bool, _or(True)] = True
    max_tokens_per_doc: int | None = Field(default=None, ge=1)
    provider: Annotated[str | None, BeforeValidator(_slug)] = None


def parse(model: type[Body], body: bytes) -> Body:
    """The request in `body`. Raises `ApiError` 400 that names the field, what was wrong and what is allowed."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        first = problems[0]
        if first["type"] == "json_invalid":
            raise ApiError(400, f"the body is not valid JSON: {first['msg'].removeprefix('Invalid JSON: ')}") from error
        if len({problem["loc"][:1] for problem in problems}) == 1 and first["loc"][1:]:
            # Every arm of a union complains for itself; together they say what may stand there.
            field, wanted = str(first["loc"][0]), "; ".join(dict.fromkeys(problem["msg"] for problem in problems))
            raise ApiError(400, f"{field}: {wanted}", param=field) from error
        param = ".".join(str(part) for part in first["loc"]) or None
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise ApiError(400, f"{param or 'the body'}: {first['msg']}{more}", param=param) from error
