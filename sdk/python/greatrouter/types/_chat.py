"""Chat answers, whole or in pieces: OpenAI's, with the router's own words under `greatrouter`."""

from typing import Any, Literal

from greatrouter.types._answer import Answer
from greatrouter.types._routing import Classification, Context, PriceComparison, Routing, Timing


class ToolFunction(Answer):
    name: str | None = None
    arguments: str | None = None
    """JSON; in a chunk, a piece of it."""


class ToolCall(Answer):
    """In a chunk, what is new of the call at `index`."""

    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: ToolFunction | None = None


class Delta(Answer):
    role: str | None = None
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None


class Message(Delta):
    role: str
    annotations: list[dict[str, Any]] | None = None
    audio: dict[str, Any] | None = None


class Choice(Answer):
    index: int
    message: Message
    finish_reason: str | None = None
    logprobs: dict[str, Any] | None = None


class ChunkChoice(Answer):
    index: int
    delta: Delta
    finish_reason: str | None = None
    logprobs: dict[str, Any] | None = None


class ChatUsage(Answer):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: dict[str, Any] | None = None
    completion_tokens_details: dict[str, Any] | None = None


class ChatRouting(Answer):
    """Which model answered, why, and what it cost."""

    classification: Classification
    model: str
    provider: str
    routing: Routing
    estimated_cost_dollars: float
    charge_dollars: float | None = None
    cached: bool
    timing: Timing
    context: Context
    price_comparison: PriceComparison | None = None


class ChatCompletion(Answer):
    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    provider: str | None = None
    usage: ChatUsage | None = None
    greatrouter: ChatRouting | None = None


class ChatChunk(Answer):
    """`choices[0].delta` holds the new piece. The last chunk holds `greatrouter`; its delta is empty, or with
    `stream_options.include_usage` it has no choices and holds the `usage` too."""

    id: str
    object: Literal["chat.completion.chunk"]
    created: int
    model: str
    choices: list[ChunkChoice]
    provider: str | None = None
    usage: ChatUsage | None = None
    greatrouter: ChatRouting | None = None
