"""A chat call as the body of Anthropic's Messages request.

Fields of OpenAI's that have a counterpart are translated; fields that Anthropic knows by the same name pass as they
are. All others are left out, for Anthropic refuses what it does not know: `seed, logprobs, top_logprobs, logit_bias,
frequency_penalty, presence_penalty, modalities, audio, prediction, store, verbosity, stream_options`, the router's own,
and whatever comes later. `n` above 1 is refused, since nothing would stand in for it.

A JSON Schema for the answer goes into `output_config.format`. A forced tool would do the same on older models, but it
rules out thinking and the caller's own tools, and the models from 5.5 on refuse it. Models without that field, and
OpenAI's schemaless `json_object`, which Anthropic has no mode for, get the wish in the system prompt.
"""

import math
from collections.abc import Mapping
from typing import Any

from greatrouter_serving.call import Call
from greatrouter_serving.errors import InvalidInput
from greatrouter_serving.providers.anthropic_messages import conversation_of
from greatrouter_serving.providers.anthropic_models import Generation, generation_of
from greatrouter_serving.providers.anthropic_schema import enforceable
from greatrouter_serving.providers.anthropic_thinking import asked_of, effort_of, thinking_of
from greatrouter_serving.providers.anthropic_tools import choice_of, instead_of_force, is_forced, tools_of
from greatrouter_serving.providers.payload import to_json

_PASSED = ("cache_control", "container", "context_management", "inference_geo", "mcp_servers", "speed")
_SERVICE_TIERS = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}
_MIN_TOP_P_WHILE_THINKING = 0.95
_SCHEMA = "response_format.json_schema.schema"
_ONLY_JSON = "Answer with one JSON object and nothing else: no words around it and no code fence."

Body = dict[str, Any]


def messages_body(model: str, call: Call, *, stream: bool = False) -> bytes:
    """Raises InvalidInput where the input cannot be said to Anthropic at all."""
    fields = call.input
    if fields.get("n") not in (None, 1):
        raise InvalidInput("n: Anthropic's models give one answer a call; expected 1, or send the call n times", "n")
    generation = generation_of(model)
    system, turns = conversation_of(fields, call.prompt, model, generation)
    body: Body = {"model": model, "max_tokens": _max_tokens(fields, generation)}
    body.update((name, fields[name]) for name in _PASSED if fields.get(name) is not None)
    if stream:
        body["stream"] = True
    wishes = _add_tools(body, call, generation) + _add_output(body, fields, generation)
    _add_thinking(body, fields, generation, turns)
    _add_sampling(body, fields, generation)
    _add_account(body, fields)
    system += [{"type": "text", "text": wish} for wish in wishes]
    if system:
        body["system"] = system
    body["messages"] = turns
    return to_json(body)


def _max_tokens(fields: Mapping[str, Any], generation: Generation) -> int:
    """Anthropic insists on a limit: the caller's, or the generation's."""
    for name in ("max_completion_tokens", "max_tokens"):
        value = fields.get(name)
        if value is not None:
            if type(value) is not int or value < 1:
                raise InvalidInput(f"{name} is {value!r}; expected a whole number of 1 or more", name)
            return value
    return generation.max_tokens


def _add_tools(body: Body, call: Call, generation: Generation) -> list[str]:
    """What the system prompt must say because the fields cannot."""
    tools = tools_of(call, generation)
    choice = choice_of(call.input, tools)
    wishes = []
    if choice is not None and is_forced(choice) and not generation.forced_tools:
        choice, wish = instead_of_force(choice)
        wishes.append(wish)
    if tools:
        body["tools"] = tools
    if choice is not None:
        body["tool_choice"] = choice
    return wishes


def _add_output(body: Body, fields: Mapping[str, Any], generation: Generation) -> list[str]:
    own = fields.get("output_config")
    config = dict(own) if isinstance(own, dict) else {}
    effort = effort_of(asked_of(fields), generation)
    if effort:
        config.setdefault("effort", effort)
    wanted = fields.get("response_format")
    wishes = []
    if isinstance(wanted, dict) and wanted.get("type") == "json_schema":
        schema = _schema_in(wanted)
        if generation.json_schema:
            config.setdefault("format", {"type": "json_schema", "schema": enforceable(schema, _SCHEMA)})
        else:
            wishes.append(f"{_ONLY_JSON} It must match this JSON Schema: {to_json(schema).decode()}")
    elif isinstance(wanted, dict) and wanted.get("type") == "json_object":
        wishes.append(_ONLY_JSON)
    elif wanted is not None and (not isinstance(wanted, dict) or wanted.get("type") != "text"):
        words = "response_format must be an object; expected type text, json_object or json_schema"
        raise InvalidInput(words, "response_format")
    if config:
        body["output_config"] = config
    return wishes


def _schema_in(wanted: Mapping[str, Any]) -> dict[str, Any]:
    named = wanted.get("json_schema")
    schema = named.get("schema") if isinstance(named, dict) else None
    if not isinstance(schema, dict):
        raise InvalidInput("response_format needs json_schema.schema: a JSON Schema object", _SCHEMA)
    return schema


def _add_thinking(body: Body, fields: Mapping[str, Any], generation: Generation, turns: list[dict[str, Any]]) -> None:
    """The caller's own `thinking` untouched, or else what the reasoning fields ask for."""
    if fields.get("thinking") is not None:
        body["thinking"] = fields["thinking"]
        return
    thinking = thinking_of(asked_of(fields), generation, body["max_tokens"])
    if thinking is None or (thinking["type"] in ("enabled", "adaptive") and is_forced(body.get("tool_choice"))):
        # A tool that was demanded is a promise, thinking a wish; together they are refused.
        return
    if thinking["type"] == "enabled" and _lacks_thought(turns):
        return
    body["thinking"] = thinking


def _lacks_thought(turns: list[dict[str, Any]]) -> bool:
    """Whether the assistant's turn that goes on has lost its thoughts: with a budget, it must begin with them."""
    if turns[-1]["role"] == "user" and turns[-1]["content"][0]["type"] != "tool_result":
        return False
    asking = next((turn for turn in reversed(turns) if turn["role"] == "assistant"), None)
    return asking is not None and asking["content"][0]["type"] not in ("thinking", "redacted_thinking")


def _add_sampling(body: Body, fields: Mapping[str, Any], generation: Generation) -> None:
    stops = fields.get("stop_sequences") or fields.get("stop") or []
    stops = [stops] if isinstance(stops, str) else stops
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        param = "stop_sequences" if fields.get("stop_sequences") else "stop"
        raise InvalidInput(f"{param} must be a string or a list; expected strings only", param)
    # Anthropic refuses white space alone.
    stops = [stop for stop in stops if stop.strip()]
    if stops:
        body["stop_sequences"] = stops
    temperature, top_p, top_k = (_number(fields, name) for name in ("temperature", "top_p", "top_k"))
    thinks = isinstance(body.get("thinking"), dict) and body["thinking"].get("type") in ("enabled", "adaptive")
    if not generation.sampling:
        return
    if temperature is not None and not thinks:
        # OpenAI's scale ends at 2. Beside a temperature most models refuse top_p.
        body["temperature"] = min(max(temperature, 0.0), 1.0)
    elif top_p is not None and (not thinks or top_p >= _MIN_TOP_P_WHILE_THINKING):
        body["top_p"] = min(max(top_p, 0.0), 1.0)
    if top_k is not None and not thinks:
        body["top_k"] = int(top_k)


def _number(fields: Mapping[str, Any], name: str) -> float | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InvalidInput(f"{name} is {value!r}; expected a number", name)
    return value


def _add_account(body: Body, fields: Mapping[str, Any]) -> None:
    """Who asks, and how quickly it must be done. Of OpenAI's metadata Anthropic takes the user alone."""
    metadata = fields.get("metadata")
    named = metadata.get("user_id") if isinstance(metadata, dict) else None
    user = named or fields.get("user") or fields.get("safety_identifier")
    if isinstance(user, str) and user:
        body["metadata"] = {"user_id": user}
    tier = fields.get("service_tier")
    if isinstance(tier, str) and tier in _SERVICE_TIERS:
        body["service_tier"] = _SERVICE_TIERS[tier]
