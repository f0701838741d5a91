"""A conversation, from OpenAI's messages to Anthropic's system prompt and turns.

Turns alternate and the user has the first; results of tools are the user's, before anything else in the turn; texts are
never blank. Whatever breaks these rules is refused with 400, so it is mended here.
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from greatrouter_serving.errors import InvalidInput
from greatrouter_serving.providers.anthropic_content import blocks_of
from greatrouter_serving.providers.anthropic_models import Generation

REASONING_FORMAT = "anthropic-claude-v1"
# Stand where the caller's conversation has no user turn and Anthropic insists on one.
OPENING, CONTINUATION = "Begin.", "Continue."

_NOT_IN_AN_ID = re.compile(r"[^a-zA-Z0-9_-]")
_ROLES = "system, developer, user, assistant, tool"

Blocks = list[dict[str, Any]]


def conversation_of(
    fields: Mapping[str, Any], prompt: str, model: str, generation: Generation
) -> tuple[Blocks, list[dict[str, Any]]]:
    """The blocks of the system prompt, and the turns. `prompt` is the user's where there are no messages."""
    given = fields.get("messages") or []
    if not isinstance(given, list):
        raise InvalidInput("messages must be a list of {role, content} objects", "messages")
    system = blocks_of("system", fields.get("system"))
    turns: list[dict[str, Any]] = []
    for place, message in enumerate(given):
        where = f"messages[{place}]"
        role = message.get("role") if isinstance(message, dict) else None
        if role in ("system", "developer"):
            system += blocks_of(f"{where}.content", message.get("content"))
        elif role == "user":
            _add(turns, "user", blocks_of(f"{where}.content", message.get("content")))
        elif role == "tool":
            _add(turns, "user", [_result(where, message)])
        elif role == "assistant":
            _add(turns, "assistant", _assistant(where, message, model))
        else:
            words = f"{where} has role {role!r}; expected an object with one of the roles {_ROLES}"
            raise InvalidInput(words, where)
    if not turns:
        own = fields.get("prompt")
        _add(turns, "user", blocks_of("prompt", own if own and isinstance(own, str) else prompt))
    return system, _mended(turns, generation)


def _add(turns: list[dict[str, Any]], role: str, blocks: Blocks) -> None:
    if blocks and turns and turns[-1]["role"] == role:
        turns[-1]["content"] += blocks
    elif blocks:
        turns.append({"role": role, "content": blocks})


def _mended(turns: list[dict[str, Any]], generation: Generation) -> list[dict[str, Any]]:
    if not turns:
        words = "there is nothing to answer: chat needs a prompt, or messages that are not empty"
        raise InvalidInput(words, "messages")
    for turn in turns:
        if turn["role"] == "user":
            turn["content"].sort(key=lambda block: block["type"] != "tool_result")
    if turns[0]["role"] == "assistant":
        turns.insert(0, {"role": "user", "content": [{"type": "text", "text": OPENING}]})
    if turns[-1]["role"] == "assistant":
        _mend_prefill(turns, generation)
    return turns


def _mend_prefill(turns: list[dict[str, Any]], generation: Generation) -> None:
    """The assistant has the last word: the models before 4.6 go on from it, the later ones want to be asked."""
    last = turns[-1]["content"][-1]
    if generation.prefill and last["type"] == "text":
        # White space at its end is refused.
        turns[-1]["content"][-1] = {**last, "text": last["text"].rstrip()}
        return
    turns.append({"role": "user", "content": [{"type": "text", "text": CONTINUATION}]})


def _assistant(where: str, message: Mapping[str, Any], model: str) -> Blocks:
    """What it thought, said and called, in this order."""
    content = message.get("content") or message.get("refusal")
    blocks = _thoughts(message.get("reasoning_details"), model) + blocks_of(f"{where}.content", content)
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list):
        words = f"{where}.tool_calls must be a list of {{id, type, function}} objects"
        raise InvalidInput(words, f"{where}.tool_calls")
    return blocks + [_use(f"{where}.tool_calls[{place}]", call) for place, call in enumerate(calls)]


def _thoughts(details: object, model: str) -> Blocks:
    """The signed thoughts of an earlier answer, which must come back as they were.

    Another maker's are left out, and another model's too: their signatures are refused. A stream's pieces of one
    thought, which have its index, are put together.
    """
    thoughts: dict[object, dict[str, Any]] = {}
    for place, detail in enumerate(details if isinstance(details, list) else []):
        if not isinstance(detail, dict):
            continue
        index = detail.get("index")
        known = thoughts.setdefault(index if isinstance(index, int) else f"at {place}", {"text": ""})
        text = detail.get("text")
        known["text"] += text if isinstance(text, str) else ""
        known.update({key: value for key, value in detail.items() if key != "text" and value is not None})
    return [_thought(detail) for detail in thoughts.values() if _is_own(detail, model)]


def _is_own(detail: Mapping[str, Any], model: str) -> bool:
    signed = detail.get("signature") if detail.get("type") == "reasoning.text" else detail.get("data")
    return bool(signed) and detail.get("format") == REASONING_FORMAT and detail.get("model", model) == model


def _thought(detail: Mapping[str, Any]) -> dict[str, Any]:
    if detail["type"] == "reasoning.text":
        return {"type": "thinking", "thinking": detail["text"], "signature": detail["signature"]}
    return {"type": "redacted_thinking", "data": detail["data"]}


def _use(where: str, call: object) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise InvalidInput(f"{where} needs an id and a function with a name", where)
    arguments = function.get("arguments") or "{}"
    try:
        given = orjson.loads(arguments) if isinstance(arguments, str) else arguments
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        where = f"{where}.function.arguments"
        raise InvalidInput(f"{where} is not a JSON object written as a string", where)
    return {"type": "tool_use", "id": _identifier(where, call.get("id")), "name": function["name"], "input": given}


def _result(where: str, message: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "type": "tool_result",
        "tool_use_id": _identifier(where, message.get("tool_call_id"), "tool_call_id"),
    }
    content = blocks_of(f"{where}.content", message.get("content"))
    if content:
        result["content"] = content
    return {**result, "cache_control": message["cache_control"]} if message.get("cache_control") else result


def _identifier(where: str, value: object, name: str = "id") -> str:
    """Other makers' ids (`functions.get:0`) hold what Anthropic's may not."""
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"{where} needs its {name}: a non-empty string", f"{where}.{name}")
    return _NOT_IN_AN_ID.sub("_", value)
