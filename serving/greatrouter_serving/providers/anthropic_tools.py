"""Tools and the choice between them, from OpenAI's shape to Anthropic's."""

from collections.abc import Mapping
from typing import Any

from greatrouter_serving.call import Call
from greatrouter_serving.errors import InvalidInput
from greatrouter_serving.providers.anthropic_models import Generation
from greatrouter_serving.providers.anthropic_schema import enforceable

# The version that every model and every host of them takes. Each search is billed, so their number is bounded.
WEB_SEARCH = "web_search_20250305"
MAX_SEARCHES = 5

_CHOICES = {"auto": "auto", "required": "any", "none": "none"}
_OWN_CHOICES = ("auto", "any", "tool", "none")


def tools_of(call: Call, generation: Generation) -> list[dict[str, Any]]:
    """The caller's functions as Anthropic's tools, Anthropic's own as they are, and the web search where it is due."""
    given = call.input.get("tools") or []
    if not isinstance(given, list):
        words = "tools must be a list of {type: function, function: {name, parameters}} objects"
        raise InvalidInput(words, "tools")
    tools = [_tool(f"tools[{place}]", tool, generation) for place, tool in enumerate(given)]
    options = call.input.get("web_search_options")
    wants_search = call.task == "web_search" or isinstance(options, dict)
    if wants_search and not any(tool.get("name") == "web_search" for tool in tools):
        tools.append(_web_search(options if isinstance(options, dict) else {}))
    return tools


def _tool(where: str, tool: object, generation: Generation) -> dict[str, Any]:
    if not isinstance(tool, dict):
        raise InvalidInput(f"{where} must be an object: {{type: function, function: {{name, parameters}}}}", where)
    if tool.get("type") != "function" and "custom" not in tool:
        return tool
    function = tool.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        words = f"{where} needs function.name; expected type function, or one of Anthropic's own tools"
        raise InvalidInput(words, where)
    schema, place = function.get("parameters") or {}, f"{where}.function.parameters"
    if not isinstance(schema, dict):
        raise InvalidInput(f"{place} must be a JSON Schema object", place)
    strict = bool(function.get("strict")) and generation.json_schema
    schema = {"type": "object", **schema}
    if schema["type"] == "object":
        schema.setdefault("properties", {})
    translated = {"name": function["name"], "input_schema": enforceable(schema, place) if strict else schema}
    if function.get("description"):
        translated["description"] = function["description"]
    if strict:
        translated["strict"] = True
    marker = tool.get("cache_control") or function.get("cache_control")
    return {**translated, "cache_control": marker} if marker else translated


def _web_search(options: Mapping[str, Any]) -> dict[str, Any]:
    tool: dict[str, Any] = {"type": WEB_SEARCH, "name": "web_search", "max_uses": MAX_SEARCHES}
    location = options.get("user_location")
    place = location.get("approximate") if isinstance(location, dict) else None
    if isinstance(place, dict):
        tool["user_location"] = {"type": "approximate", **place}
    return tool


def choice_of(fields: Mapping[str, Any], tools: list[dict[str, Any]]) -> dict[str, Any] | None:
    """None where there is nothing to choose between: Anthropic then refuses a choice."""
    if not tools:
        return None
    given = fields.get("tool_choice")
    choice = None if given is None else _choice(given)
    if fields.get("parallel_tool_calls") is False and (choice is None or choice["type"] != "none"):
        return {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    return choice


def _choice(given: object) -> dict[str, Any]:
    if isinstance(given, str) and given in _CHOICES:
        return {"type": _CHOICES[given]}
    if isinstance(given, dict):
        function = given.get("function")
        if given.get("type") == "function" and isinstance(function, dict) and isinstance(function.get("name"), str):
            return {"type": "tool", "name": function["name"]}
        if given.get("type") in _OWN_CHOICES:
            return given
    words = "tool_choice must be auto, required, none, or {type: function, function: {name}}"
    raise InvalidInput(words, "tool_choice")


def is_forced(choice: Mapping[str, Any] | None) -> bool:
    return choice is not None and choice["type"] in ("any", "tool")


def instead_of_force(choice: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """For models that refuse to be forced: the free choice, and the words for the system prompt that ask instead."""
    asked = f"the tool {choice['name']}" if choice["type"] == "tool" else "one of the tools"
    freed = {key: value for key, value in choice.items() if key != "name"} | {"type": "auto"}
    return freed, f"Call {asked} in this turn, whatever else you say."
