"""The sandbox's side of a chat: words, a tool call or JSON in the shape that was asked for; whole and in chunks."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from greatrouter_serving.call import Call, Usage
from greatrouter_serving.errors import InvalidInput
from greatrouter_serving.providers.payload import chat_fields
from greatrouter_serving.providers.sandbox_request import CREATED, Request
from greatrouter_serving.providers.sandbox_schema import example_of
from greatrouter_serving.providers.tokens import estimate_tokens

_MOST_CHOICES = 128
_PIECE = re.compile(r"\S{1,12}\s*")


@dataclass(frozen=True, slots=True)
class Said:
    """`text` is what is said, or the arguments of `tool`, the function that is called."""

    text: str
    tool: str | None
    finish_reason: str


def completion(request: Request) -> tuple[dict[str, Any], Usage]:
    """Raises InvalidInput for a tool that is called by name and not there, or a schema that asks for too much."""
    said, count = _said(request), _choices(request.call)
    usage = Usage(
        prompt_tokens=sum(map(_message_tokens, _messages(request.call))),
        completion_tokens=count * estimate_tokens(said.text),
        searches=1 if request.call.task == "web_search" else 0,
    )
    message: dict[str, Any] = {"role": "assistant", "content": said.text, "refusal": None}
    if said.tool is not None:
        message |= {"content": None, "tool_calls": [_tool_call(request, said)]}
    choice = {"message": message, "logprobs": None, "finish_reason": said.finish_reason}
    choices = [{"index": index, **choice} for index in range(count)]
    return request.stamped(object="chat.completion", created=CREATED, choices=choices, usage=_counts(usage)), usage


def chunks(request: Request) -> Iterator[dict[str, Any]]:
    """The same answer in OpenAI's chunks, then one with the usage. Raises as `completion`."""
    document, _ = completion(request)
    said = _said(request)
    head = request.stamped(object="chat.completion.chunk", created=CREATED)
    for choice in document["choices"]:
        for delta in _deltas(request, said):
            yield {**head, "choices": [{"index": choice["index"], "delta": delta, "finish_reason": None}]}
        yield {**head, "choices": [{"index": choice["index"], "delta": {}, "finish_reason": said.finish_reason}]}
    yield {**head, "choices": [], "usage": document["usage"]}


def _deltas(request: Request, said: Said) -> Iterator[dict[str, Any]]:
    if said.tool is None:
        yield {"role": "assistant", "content": ""}
        yield from ({"content": piece} for piece in _PIECE.findall(said.text))
        return
    begun = _tool_call(request, Said("", said.tool, said.finish_reason))
    yield {"role": "assistant", "content": None, "tool_calls": [{"index": 0, **begun}]}
    for piece in _PIECE.findall(said.text):
        yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}


def _tool_call(request: Request, said: Said) -> dict[str, Any]:
    function = {"name": said.tool, "arguments": said.text}
    return {"id": f"call_{request.digest[12:24].hex()}", "type": "function", "function": function}


def _said(request: Request) -> Said:
    fields = request.call.input
    tool = _tool_to_call(fields)
    if tool is not None:
        parameters = tool.get("parameters")
        shape = {"type": "object", **(parameters if isinstance(parameters, Mapping) else {})}
        text, name = _json(example_of(shape)), str(tool["name"])
    else:
        text, name = _shaped(fields.get("response_format"), request.label), None
    limit = fields.get("max_completion_tokens") or fields.get("max_tokens")
    if type(limit) is not int or limit < 1 or estimate_tokens(text) <= limit:
        return Said(text, name, "stop" if name is None else "tool_calls")
    return Said(_cut(text, limit), name, "length")


def _tool_to_call(fields: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The function that the request insists on; None where words will do. Raises InvalidInput where it is not there."""
    choice, given = fields.get("tool_choice"), fields.get("tools")
    tools = [tool.get("function") for tool in given if isinstance(tool, dict)] if isinstance(given, list) else []
    functions = [tool for tool in tools if isinstance(tool, dict) and isinstance(tool.get("name"), str)]
    named = choice.get("function") if isinstance(choice, dict) else None
    if isinstance(named, dict):
        found = next((function for function in functions if function["name"] == named.get("name")), None)
        if found is None:
            words = f"tool_choice names the function {named.get('name')!r}, which is not among the tools"
            raise InvalidInput(words, "tool_choice")
        return found
    if choice != "required":
        return None
    if not functions:
        words = "tool_choice is required, but tools has no function; send one, or leave tool_choice out"
        raise InvalidInput(words, "tool_choice")
    return functions[0]


def _shaped(shape: object, label: str) -> str:
    """`label`, or as JSON where a `response_format` asks for that."""
    kind = shape.get("type") if isinstance(shape, dict) else None
    if kind == "json_object":
        return _json({"sandbox": label})
    wrapper = shape.get("json_schema") if isinstance(shape, dict) and kind == "json_schema" else None
    return _json(example_of(wrapper.get("schema"))) if isinstance(wrapper, dict) else label


def _cut(text: str, tokens: int) -> str:
    return text[: bisect_right(range(len(text) + 1), tokens, key=lambda end: estimate_tokens(text[:end])) - 1]


def _choices(call: Call) -> int:
    count = call.input.get("n")
    return min(max(count, 1), _MOST_CHOICES) if type(count) is int else 1


def _messages(call: Call) -> list[dict[str, Any]]:
    """The caller's messages, or the prompt as one where they are none or malformed."""
    messages = chat_fields("", call)["messages"]
    sound = [message for message in messages if isinstance(message, dict)] if isinstance(messages, list) else []
    return sound or [{"role": "user", "content": call.prompt}]


def _message_tokens(message: dict[str, Any]) -> int:
    """A message's text, in one string or in parts, and 4 tokens for what every chat template puts around it."""
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"text": content}]
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return 4 + sum(estimate_tokens(text) for text in texts if isinstance(text, str))


def _counts(usage: Usage) -> dict[str, int]:
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
