"""OpenAI's and Cohere's answers as this server gives them, for the OpenAPI document alone.

Providers' chat documents pass through as they came: only what every one of them has is required here.
"""

from typing import Any, Literal

from pydantic import Field

from greatrouter_api.answers import ClassificationShape, Context, PriceComparison, Routing, Shape, Timing, absent


class Greatrouter(Shape):
    """What the router says of a chat answer."""

    classification: ClassificationShape
    model: str = Field(description="The id of the model that answered.")
    provider: str = Field(description="Who answered; `sandbox` under a test key.")
    routing: Routing
    estimated_cost_dollars: float = Field(ge=0, description="Before it ran.")
    charge_dollars: float = Field(ge=0)
    cached: bool = Field(description="Whether the organization had asked the same before (`X-GR-Cache-TTL`).")
    timing: Timing
    context: Context
    price_comparison: PriceComparison = absent("Only where the model was left to the router.")


class ChatMessage(Shape):
    """Tool calls, thoughts, pictures and whatever else the model returned stand beside these."""

    role: str = absent("`assistant`.")
    content: str | list[Any] | None = absent("The words; null where there are only tool calls.")


class ChatChoice(Shape):
    index: int = absent("From 0.")
    message: ChatMessage
    finish_reason: str | None = absent("`stop`, `length`, `tool_calls`, ...")


class ChatUsage(Shape):
    prompt_tokens: int = absent("Cached ones included.")
    completion_tokens: int = absent("Reasoning included.")
    total_tokens: int = absent("The sum.")


class ChatCompletion(Shape):
    """OpenAI's `chat.completion` with one object more."""

    id: str = absent("The provider's own.")
    object: str = absent("`chat.completion`.")
    created: int = absent("Seconds since 1970.")
    model: str = absent("As the provider calls it; `greatrouter.model` is the id in the catalog.")
    choices: list[ChatChoice] = Field(min_length=1)
    usage: ChatUsage | None = absent("What was used.")
    greatrouter: Greatrouter


class ChunkDelta(Shape):
    """What is new: the next words, the next piece of a tool call, ..."""

    role: str | None = absent("In the first chunk.")
    content: str | None = absent("Words.")


class ChunkChoice(Shape):
    index: int = absent("From 0.")
    delta: ChunkDelta | None = absent("What is new.")
    finish_reason: str | None = absent("In the choice's last chunk.")


class ChatCompletionChunk(Shape):
    """OpenAI's `chat.completion.chunk`; the last one has one object more."""

    id: str = absent("The same in every chunk.")
    object: str = absent("`chat.completion.chunk`.")
    created: int = absent("Seconds since 1970.")
    model: str = absent("As the provider calls it.")
    choices: list[ChunkChoice] = Field(description="Empty in the chunk that counts what was used.")
    usage: ChatUsage | None = absent("With `stream_options.include_usage`.")
    greatrouter: Greatrouter = absent("In the last chunk alone.")


class Embedding(Shape):
    object: Literal["embedding"]
    index: int = Field(ge=0)
    embedding: list[float] | str = Field(description="Numbers, or the base64 of little-endian float32.")


class EmbeddingsUsage(Shape):
    prompt_tokens: int = Field(ge=0)
    total_tokens: int = Field(ge=0)


class EmbeddingsAnswer(Shape):
    """OpenAI's answer; the embeddings are in the order of the inputs."""

    object: Literal["list"]
    data: list[Embedding] = Field(min_length=1)
    model: str
    provider: str
    usage: EmbeddingsUsage
    charge_dollars: float = Field(ge=0)


class RankedText(Shape):
    text: str


class Ranked(Shape):
    index: int = Field(ge=0, description="The document's place in the request.")
    relevance_score: float
    document: RankedText = absent("With `return_documents`, which is the default.")


class RerankUsage(Shape):
    prompt_tokens: int = Field(ge=0)
    total_tokens: int = Field(ge=0)
    search_units: int = Field(ge=1)
    cost: float = Field(ge=0, description="US dollars.")


class BilledUnits(Shape):
    search_units: float = absent("One for each query with up to 100 documents.", ge=0)


class RerankMeta(Shape):
    billed_units: BilledUnits = absent("What it counts as.")


class RerankAnswer(Shape):
    """Cohere's answer."""

    id: str
    model: str
    provider: str
    results: list[Ranked] = Field(description="Best first, ties by index.")
    usage: RerankUsage
    meta: RerankMeta | None = absent("As Cohere has it.")
