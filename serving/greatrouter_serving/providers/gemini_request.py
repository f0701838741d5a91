"""A chat call as Gemini's `GenerateContentRequest`.

Gemini refuses names it does not know, so only what has a counterpart is sent. Without one, and left out: audio, user,
metadata, store, service_tier, logit_bias, parallel_tool_calls, prediction, verbosity, min_p, top_a, repetition_penalty,
the strictness of a function, the names of users, the level of detail of an image, and the text of earlier thoughts.
"""

from collections.abc import Mapping
from typing import Any

from greatrouter_serving.call import Call
from greatrouter_serving.errors import InvalidInput, UpstreamFailed
from greatrouter_serving.providers.gemini_config import generation_config
from greatrouter_serving.providers.gemini_contents import Conversation, objects
from greatrouter_serving.providers.payload import chat_fields

_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
# Gemini's own fields, in both of the spellings that it takes, to the one we send.
_NATIVE = {
    "safetySettings": "safetySettings",
    "safety_settings": "safetySettings",
    "cachedContent": "cachedContent",
    "cached_content": "cachedContent",
    "toolConfig": "toolConfig",
    "tool_config": "toolConfig",
}
_NATIVE_TOOLS = {
    "functionDeclarations",
    "function_declarations",
    "googleSearch",
    "google_search",
    "googleSearchRetrieval",
    "google_search_retrieval",
    "googleMaps",
    "google_maps",
    "codeExecution",
    "code_execution",
    "urlContext",
    "url_context",
    "fileSearch",
    "file_search",
    "computerUse",
    "computer_use",
}
# Tools that other providers run themselves, under their names for them.
_HOSTED_TOOLS = {
    "web_search": "googleSearch",
    "web_search_preview": "googleSearch",
    "google_search": "googleSearch",
    "code_interpreter": "codeExecution",
    "code_execution": "codeExecution",
    "url_context": "urlContext",
}


def chat_request(name: str, model: str, call: Call) -> dict[str, Any]:
    """Raises InvalidInput for messages that mean nothing, UpstreamFailed for a tool that Gemini does not have."""
    fields = _with_google_s_own(chat_fields(model, call))
    conversation = conversation_of(fields["messages"], model)
    request: dict[str, Any] = {"contents": conversation.contents}
    if conversation.system:
        request["systemInstruction"] = {"parts": conversation.system}
    tools = _tools(name, fields.get("tools"))
    has_functions = any("functionDeclarations" in tool or "function_declarations" in tool for tool in tools)
    # Before its third generation Gemini takes either functions or a search, and whoever brings functions wants those.
    if call.task == "web_search" and not has_functions and not any(_searches(tool) for tool in tools):
        tools.append({"googleSearch": {}})
    if tools:
        request["tools"] = tools
    if has_functions:
        request |= _tool_config(fields.get("tool_choice"))
    config = generation_config(model, fields)
    if config:
        request["generationConfig"] = config
    return request | {_NATIVE[own]: fields[own] for own in _NATIVE if fields.get(own) is not None}


def conversation_of(messages: object, model: str) -> Conversation:
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise InvalidInput("messages needs a list of objects, each with role and content", "messages")
    conversation = Conversation(model)
    for place, message in enumerate(messages):
        conversation.add(f"messages[{place}]", message)
    conversation.end()
    return conversation


def _with_google_s_own(fields: dict[str, Any]) -> dict[str, Any]:
    """Google's compatible endpoint takes its own fields inside `extra_body.google`."""
    extra = fields.get("extra_body")
    google = extra.get("google") if isinstance(extra, dict) else None
    return {**google, **fields} if isinstance(google, dict) else fields


def _tools(name: str, given: object) -> list[dict[str, Any]]:
    tools: list[dict[str, Any]] = []
    functions: list[dict[str, Any]] = []
    for tool in given if isinstance(given, list) else []:
        kind = tool.get("type") if isinstance(tool, dict) else None
        if isinstance(tool, dict) and isinstance(tool.get("function"), dict):
            functions.append(_declaration(tool["function"]))
        elif isinstance(tool, dict) and _NATIVE_TOOLS & tool.keys():
            tools.append(tool)
        elif isinstance(kind, str) and kind in _HOSTED_TOOLS:
            tools.append({_HOSTED_TOOLS[kind]: {}})
        else:
            raise UpstreamFailed(f"{name} has no tool of type {kind!r}: it takes functions and its own tools")
    return [{"functionDeclarations": functions}, *tools] if functions else tools


def _declaration(function: Mapping[str, Any]) -> dict[str, Any]:
    declaration = {key: function[key] for key in ("name", "description") if function.get(key)}
    if function.get("parameters"):
        # JSON Schema as it is; the older `parameters` takes only a subset, in types of its own.
        declaration["parametersJsonSchema"] = function["parameters"]
    return declaration


def _searches(tool: Mapping[str, Any]) -> bool:
    return any(key.lower().replace("_", "").startswith("googlesearch") for key in tool)


def _tool_config(choice: object) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if isinstance(choice, str) and choice in _MODES:
        config = {"mode": _MODES[choice]}
    elif isinstance(choice, dict):
        allowed = choice.get("allowed_tools")
        if isinstance(allowed, dict):
            # Gemini's AUTO takes no list of names; VALIDATED may answer in words as well, and does.
            config = {"mode": "ANY" if allowed.get("mode") == "required" else "VALIDATED"}
        else:
            config = {"mode": "ANY"}
        chosen = objects(allowed.get("tools")) if isinstance(allowed, dict) else [choice]
        functions = (tool.get("function") for tool in chosen)
        config["allowedFunctionNames"] = [function.get("name") for function in functions if isinstance(function, dict)]
    return {"toolConfig": {"functionCallingConfig": config}} if config else {}
