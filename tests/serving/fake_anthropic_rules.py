"""What Anthropic's Messages endpoint refuses, as far as its documentation and its known refusals go.

It knows nothing of the adapter's own tables.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.serving.fake_provider import Received


@dataclass(frozen=True)
class Model:
    """What one model refuses. `thinking`: the types it takes."""

    max_tokens: int = 64_000
    thinking: tuple[str, ...] = ("adaptive", "disabled")
    efforts: tuple[str, ...] = ()
    sampling: bool = True
    forced_tools: bool = True
    prefill: bool = False
    formats: bool = True


_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_OLD = ("enabled", "disabled")
MODELS = {
    "small": Model(8_192, _OLD, prefill=True, formats=False),
    "claude-3-haiku-20240307": Model(4_096, (), prefill=True, formats=False),
    "claude-opus-4-20250514": Model(32_000, _OLD, prefill=True, formats=False),
    "claude-sonnet-4-5": Model(64_000, _OLD, prefill=True),
    "claude-opus-4-5": Model(64_000, _OLD, _EFFORTS[:3], prefill=True),
    "claude-opus-4-6": Model(128_000, ("enabled", "adaptive", "disabled"), ("low", "medium", "high", "max")),
    "claude-opus-4-8": Model(128_000, efforts=_EFFORTS, sampling=False),
    "claude-opus-5": Model(128_000, efforts=_EFFORTS, sampling=False),
    "claude-sonnet-5-5": Model(128_000, ("adaptive", "between_tools"), _EFFORTS, sampling=False, forced_tools=False),
    "claude-opus-5-5": Model(128_000, ("adaptive",), _EFFORTS, sampling=False, forced_tools=False),
}
_SAMPLING = {"stop_sequences", "temperature", "top_p", "top_k"}
_TOOLS = {"tools", "tool_choice", "container"}
_FIELDS = {"model", "max_tokens", "messages", "system", "stream", "metadata", "thinking", "service_tier"}
_FIELDS |= {"cache_control", "inference_geo", "output_config"} | _SAMPLING | _TOOLS
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_NO_GRAMMAR = {"minimum", "maximum", "multipleOf", "minLength", "maxLength", "maxItems", "uniqueItems", "oneOf"}


def refusal_of(request: Received) -> tuple[int, str] | None:
    if request.path != "/v1/messages" or request.method != "POST":
        return 404, "Not Found"
    if not request.headers.get("x-api-key"):
        return 401, "x-api-key header is required"
    if request.headers.get("anthropic-version") != "2023-06-01":
        return 400, "anthropic-version: header is required"
    body = request.json()
    if body.get("model") not in MODELS:
        return 404, f"model: {body.get('model')}"
    words = next(_faults(body, MODELS[body["model"]]), None)
    return None if words is None else (400, words)


def _faults(body: dict[str, Any], model: Model) -> Iterator[str]:
    yield from (f"{name}: Extra inputs are not permitted" for name in body.keys() - _FIELDS)
    if type(body.get("max_tokens")) is not int:
        yield "max_tokens: Field required"
    elif not 0 < body["max_tokens"] <= model.max_tokens:
        yield f"max_tokens: {body['max_tokens']} > {model.max_tokens}, which is the maximum allowed"
    yield from _tool_faults(body, model)
    yield from _thinking_faults(body, model)
    yield from _sampling_faults(body, model)
    yield from _output_faults(body.get("output_config", {}), model)
    yield from _text_faults("system", body.get("system", [{"type": "text", "text": "x"}]))
    if set(body.get("metadata", {})) - {"user_id"}:
        yield "metadata: Extra inputs are not permitted"
    yield from _turn_faults(body["messages"], model)


def _tool_faults(body: dict[str, Any], model: Model) -> Iterator[str]:
    tools = body.get("tools", [])
    names = [tool.get("name", "") for tool in tools]
    if len(set(names)) < len(names):
        yield "tools: Tool names must be unique."
    for place, tool in enumerate(tools):
        if not _NAME.fullmatch(tool.get("name", "")):
            yield f"tools.{place}.custom.name: String should match pattern"
        if "type" not in tool and tool.get("input_schema", {}).get("type") != "object":
            yield f"tools.{place}.custom.input_schema.type: Field required"
        if tool.get("strict"):
            yield from _grammar_faults(f"tools.{place}", tool["input_schema"])
    choice = body.get("tool_choice")
    if choice is None:
        return
    if not tools:
        yield "tool_choice may only be specified while providing tools"
    if choice["type"] in ("any", "tool"):
        if not model.forced_tools:
            yield "tool_choice: forced tool use is not supported for this model"
        if body.get("thinking", {}).get("type") in ("enabled", "adaptive"):
            yield "Thinking may not be enabled when tool_choice forces tool use."
    if choice["type"] == "tool" and choice["name"] not in names:
        yield f"tool_choice: Tool '{choice['name']}' not found in provided tools"


def _thinking_faults(body: dict[str, Any], model: Model) -> Iterator[str]:
    thinking = body.get("thinking")
    if thinking is None:
        return
    if thinking["type"] not in model.thinking:
        yield f'"thinking.type.{thinking["type"]}" is not supported for this model.'
    if thinking["type"] == "enabled":
        if not 1024 <= thinking["budget_tokens"] < body["max_tokens"]:
            yield "thinking.enabled.budget_tokens: must be at least 1024 and less than max_tokens"
        last = [turn for turn in body["messages"] if turn["role"] == "assistant"][-1:]
        asks = (
            body["messages"][-1]["content"][0]["type"] == "tool_result" or body["messages"][-1]["role"] == "assistant"
        )
        if last and asks and last[0]["content"][0]["type"] not in ("thinking", "redacted_thinking"):
            yield "messages: Expected `thinking` or `redacted_thinking`, but found something else"
    if thinking["type"] != "disabled":
        if body.get("temperature", 1) != 1 or "top_k" in body:
            yield "`temperature` may only be set to 1 when thinking is enabled, and `top_k` not at all"
        if body.get("top_p", 1) < 0.95:
            yield "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled"


def _sampling_faults(body: dict[str, Any], model: Model) -> Iterator[str]:
    if not model.sampling:
        yield from (
            f"`{name}` is deprecated for this model." for name in ("temperature", "top_p", "top_k") if name in body
        )
    if not 0 <= body.get("temperature", 1) <= 1:
        yield "temperature: Input should be less than or equal to 1"
    if "temperature" in body and "top_p" in body:
        yield "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
    if not all(stop.strip() for stop in body.get("stop_sequences", [])):
        yield "stop_sequences: each stop sequence must contain non-whitespace"
    if body.get("service_tier", "auto") not in ("auto", "standard_only"):
        yield "service_tier: Input should be 'auto' or 'standard_only'"


def _output_faults(config: dict[str, Any], model: Model) -> Iterator[str]:
    if config.get("effort", "high") not in (model.efforts or ("high",)) or ("effort" in config and not model.efforts):
        yield "This model does not support the effort parameter."
    if "format" in config:
        if not model.formats:
            yield "output_config.format: Extra inputs are not permitted"
        yield from _grammar_faults("output_config.format.schema", config["format"]["schema"])


def _grammar_faults(where: str, schema: Any) -> Iterator[str]:
    if not isinstance(schema, dict):
        return
    yield from (
        f"{where}: For '{schema.get('type')}' type, property '{name}' is not supported"
        for name in schema.keys() & _NO_GRAMMAR
    )
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        yield f"{where}: For 'object' type, 'additionalProperties' must be explicitly set to false"
    nested = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values(), schema.get("items")]
    for part in [*nested, *schema.get("anyOf", []), *schema.get("allOf", [])]:
        yield from _grammar_faults(where, part)


def _turn_faults(turns: list[dict[str, Any]], model: Model) -> Iterator[str]:
    if not turns:
        yield "messages: at least one message is required"
        return
    if turns[0]["role"] != "user":
        yield 'messages: first message must use the "user" role'
    if turns[-1]["role"] == "assistant" and not model.prefill:
        yield "This model does not support assistant message prefill. The conversation must end with a user message."
    waiting: list[str] = []
    for place, turn in enumerate(turns):
        if turn["role"] not in ("user", "assistant"):
            yield f'messages: Unexpected role "{turn["role"]}". The Messages API accepts a top-level `system` parameter'
        if not turn["content"]:
            yield f"messages.{place}: all messages must have non-empty content"
        yield from _text_faults(f"messages.{place}", turn["content"])
        yield from _block_faults(f"messages.{place}", turn)
        given = [block["tool_use_id"] for block in turn["content"] if block["type"] == "tool_result"]
        if set(given) - set(waiting):
            yield f"messages.{place}: unexpected `tool_use_id` found in `tool_result` blocks: {given}"
        if set(waiting) - set(given):
            yield f"messages.{place - 1}: `tool_use` ids were found without `tool_result` blocks after: {waiting}"
        waiting = [block["id"] for block in turn["content"] if block["type"] == "tool_use"]
        if len(set(waiting)) < len(waiting):
            yield f"messages.{place}: `tool_use` ids must be unique"
    last = turns[-1]["content"][-1]
    if turns[-1]["role"] == "assistant" and last["type"] == "text" and last["text"] != last["text"].rstrip():
        yield "messages: final assistant content cannot end with trailing whitespace"


def _text_faults(where: str, blocks: Any) -> Iterator[str]:
    for block in blocks:
        if block["type"] == "text" and not block["text"].strip():
            yield f"{where}: text content blocks must contain non-whitespace text"


def _block_faults(where: str, turn: dict[str, Any]) -> Iterator[str]:
    """The user brings results, images and documents; the assistant thoughts and calls."""
    kinds = [block["type"] for block in turn["content"]]
    if "tool_result" in kinds[kinds.count("tool_result") :]:
        yield f"{where}: tool_result blocks must come first"
    for block in turn["content"]:
        mine = {
            "assistant": ("thinking", "redacted_thinking", "tool_use"),
            "user": ("tool_result", "image", "document"),
        }
        if block["type"] not in ("text", *mine[turn["role"]]):
            yield f"{where}: `{block['type']}` blocks are not permitted in `{turn['role']}` messages"
        if block["type"] == "tool_use" and not (_NAME.fullmatch(block["id"]) and isinstance(block["input"], dict)):
            yield f"{where}.tool_use: id must match the pattern, input must be a dictionary"
        if block["type"] == "thinking" and not block["signature"]:
            yield f"{where}.thinking.signature: Field required"
        source = block.get("source", {"type": "url"})
        if source["type"] == "base64" and not source["media_type"].startswith(("image/", "application/pdf")):
            yield f"{where}.source.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'"
