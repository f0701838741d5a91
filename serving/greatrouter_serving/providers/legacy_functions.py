"""OpenAI's `functions` and `function_call`, which `tools` have replaced, for protocols that know tools alone."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from greatrouter_serving.call import Call
from greatrouter_serving.errors import InvalidInput
from greatrouter_serving.sse import EventSplitter, data_of


def asks_with_functions(call: Call) -> bool:
    """Whether the answer is to say `function_call` where it would say `tool_calls`."""
    return bool(call.input.get("functions")) and not call.input.get("tools")


def with_tools(call: Call) -> Call:
    """The same call in the words of tools. Raises InvalidInput where the old words mean nothing."""
    fields = dict(call.input)
    functions, choice = fields.pop("functions", None), fields.pop("function_call", None)
    if functions:
        tools = fields.get("tools")
        fields["tools"] = [*(tools if isinstance(tools, list) else []), *_tools(functions)]
        # With functions a model calls one at a time.
        fields["parallel_tool_calls"] = False
        if choice is not None:
            fields["tool_choice"] = _tool_choice(choice)
    if isinstance(fields.get("messages"), list):
        fields["messages"] = _messages(fields["messages"])
    return replace(call, input=fields)


def _tools(functions: object) -> list[dict[str, Any]]:
    if not isinstance(functions, list) or not all(_is_named(function) for function in functions):
        raise InvalidInput("functions must be a list of {name, parameters} objects; better send tools", "functions")
    return [{"type": "function", "function": function} for function in functions]


def _tool_choice(choice: object) -> object:
    if isinstance(choice, Mapping) and _is_named(choice):
        return {"type": "function", "function": {"name": choice["name"]}}
    if choice in ("auto", "none"):
        return choice
    raise InvalidInput("function_call must be auto, none or {name}; better send tools", "function_call")


def _messages(messages: list[Any]) -> list[Any]:
    """Each call with an id of its own, which the message with its result then has too."""
    found: list[Any] = []
    waiting: str | None = None
    for place, message in enumerate(messages):
        called = message.get("function_call") if isinstance(message, dict) else None
        if called and not message.get("tool_calls"):
            if not _is_named(called):
                path = f"messages[{place}].function_call"
                raise InvalidInput(f"{path} must be an object with a name and arguments", path)
            waiting = f"call_{place}"
            calls = [{"id": waiting, "type": "function", "function": called}]
            found.append({**message, "tool_calls": calls})
        elif isinstance(message, dict) and message.get("role") == "function":
            if waiting is None:
                words = f"messages[{place}] needs the assistant's function_call that it is the result of before it"
                raise InvalidInput(words, f"messages[{place}]")
            found.append({**message, "role": "tool", "tool_call_id": waiting})
            waiting = None
        else:
            found.append(message)
    return found


def _is_named(function: object) -> bool:
    return isinstance(function, Mapping) and isinstance(function.get("name"), str) and bool(function["name"])


def as_functions(choice: dict[str, Any]) -> dict[str, Any]:
    """A choice of an answer, or of a chunk, with its first call as `function_call`: there is no place for another."""
    place = "message" if "message" in choice else "delta"
    said = dict(choice[place])
    for call in said.pop("tool_calls", [])[:1]:
        if call.get("index", 0) == 0:
            said["function_call"] = call["function"]
    reason = choice["finish_reason"]
    return {**choice, place: said, "finish_reason": "function_call" if reason == "tool_calls" else reason}


def chunks_as_functions(chunks: bytes) -> bytes:
    """The same of whole events, as the adapters make them."""
    return b"".join(map(_chunk_as_functions, EventSplitter().feed(chunks)))


def _chunk_as_functions(event: bytes) -> bytes:
    data = data_of(event) or b""
    if b'"choices":[{' not in data:
        return event
    chunk = orjson.loads(data)
    chunk["choices"] = [as_functions(choice) for choice in chunk["choices"]]
    return b"data: " + orjson.dumps(chunk) + b"\n\n"
