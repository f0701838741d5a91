"""What Gemini's API refuses, in its own words: unknown names, wrong types, and turns out of order."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.serving.fake_provider import Received

KEY = "AIzaSyFakeKeyOfTheTests0123456789abcdef"
PATH = re.compile(
    r"/v1beta/((?:models|tunedModels)/[^/:?]+)"
    r":(generateContent|streamGenerateContent|batchEmbedContents|predict)(\?alt=sse)?"
)
# Names to what they hold: an object's own names, a list of something in brackets, a type, or anything at all (None).
BLOB = {"mimeType": str, "data": bytes}
PART: dict[str, Any] = {
    "text": str,
    "thought": bool,
    "thoughtSignature": str,
    "inlineData": BLOB,
    "fileData": {"mimeType": str, "fileUri": str},
    "functionCall": {"id": str, "name": str, "args": dict},
    "functionResponse": {"id": str, "name": str, "response": dict, "parts": None},
    "executableCode": {"language": str, "code": str},
    "codeExecutionResult": {"outcome": str, "output": str},
}
DATA = PART.keys() - {"thought", "thoughtSignature"}
CONTENT = {"role": str, "parts": [PART]}
FUNCTION = {"name": str, "description": str, "parameters": None, "parametersJsonSchema": None, "behavior": str}
TOOL = {
    "functionDeclarations": [FUNCTION],
    "googleSearch": {"timeRangeFilter": None},
    "codeExecution": {},
    "urlContext": {},
}
CONFIG = {
    "stopSequences": [str],
    "responseMimeType": str,
    "responseSchema": None,
    "responseJsonSchema": None,
    "responseModalities": [str],
    "candidateCount": int,
    "maxOutputTokens": int,
    "temperature": float,
    "topP": float,
    "topK": int,
    "seed": int,
    "presencePenalty": float,
    "frequencyPenalty": float,
    "responseLogprobs": bool,
    "logprobs": int,
    "speechConfig": None,
    "thinkingConfig": {"includeThoughts": bool, "thinkingBudget": int, "thinkingLevel": str},
    "imageConfig": {"aspectRatio": str, "imageSize": str},
    "mediaResolution": str,
}
GENERATE = {
    "contents": [CONTENT],
    "systemInstruction": CONTENT,
    "tools": [TOOL],
    "toolConfig": {"functionCallingConfig": {"mode": str, "allowedFunctionNames": [str]}},
    "safetySettings": [{"category": str, "threshold": str}],
    "generationConfig": CONFIG,
    "cachedContent": str,
}
EMBED = {"model": str, "content": CONTENT, "taskType": str, "title": str, "outputDimensionality": int}
SCHEMAS: dict[str, Any] = {
    "generateContent": GENERATE,
    "streamGenerateContent": GENERATE,
    "batchEmbedContents": {"requests": [EMBED]},
    "predict": {"instances": [{"prompt": str}], "parameters": {"sampleCount": int, "aspectRatio": str}},
}
Refusal = tuple[int, str]


def refusal_of(request: Received) -> Refusal | None:
    """The status and the words, or None for a request that is served."""
    found = PATH.fullmatch(request.path)
    if not found or request.method != "POST":
        return 404, "The requested URL was not found on this server."
    if "x-goog-api-key" not in request.headers:
        return (
            403,
            "Method doesn't allow unregistered callers. Please use API Key or other form of API consumer identity.",
        )
    if request.headers["x-goog-api-key"] != KEY:
        return 400, "API key not valid. Please pass a valid API key."
    model, method, _ = found.groups()
    body = request.json()
    words = next(_misfits(SCHEMAS[method], body, ""), None)
    if words is None and method == "batchEmbedContents":
        words = next(_wrong_batch(body, model), None)
    elif words is None and method != "predict":
        words = next(_wrong_turns(body, model), None) or next(_wrong_options(body, model), None)
    return (400, words) if words else None


def _misfits(schema: Any, value: Any, path: str) -> Iterator[str]:
    """Protobuf's own complaints about a JSON document."""
    if schema is None:
        return
    if isinstance(schema, dict):
        if not isinstance(value, dict):
            yield f"Invalid value at '{path}' (type.googleapis.com), {value!r}"
            return
        for given, inside in value.items():
            # Both spellings are one field.
            name = re.sub(r"_([a-z])", lambda found: found[1].upper(), given)
            if name not in schema:
                yield f"Invalid JSON payload received. Unknown name \"{name}\" at '{path}': Cannot find field."
            else:
                yield from _misfits(schema[name], inside, f"{path}.{_snake(name)}".lstrip("."))
    elif isinstance(schema, list):
        if not isinstance(value, list):
            yield f'Invalid JSON payload received. Unknown name "{path}": Proto field is not repeating.'
            return
        for place, item in enumerate(value):
            yield from _misfits(schema[0], item, f"{path}[{place}]")
    elif not _fits(schema, value):
        yield f"Invalid value at '{path}' (TYPE_{schema.__name__.upper()}), {value!r}"


def _fits(kind: type, value: Any) -> bool:
    if kind is bytes:
        try:
            return isinstance(value, str) and base64.b64decode(value, validate=True) is not None
        except binascii.Error:
            return False
    if kind is int:
        return type(value) is int and -(2**31) <= value < 2**31
    return type(value) in (int, float) if kind is float else isinstance(value, kind)


def _snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", name)


def _wrong_turns(body: Mapping[str, Any], model: str) -> Iterator[str]:
    contents = body.get("contents") or []
    if not contents:
        yield "* GenerateContentRequest.contents: contents is not specified\n"
    before: list[dict[str, Any]] = []
    role_before = ""
    for place, content in enumerate(contents):
        at = f"* GenerateContentRequest.contents[{place}].parts"
        parts = content.get("parts") or []
        if content.get("role") not in ("user", "model"):
            yield "Please use a valid role: user, model."
        if not parts:
            yield f"{at}: contents.parts must not be empty.\n"
        for number, part in enumerate(parts):
            if len(part.keys() & DATA) != 1 or part.get("text") == "":
                yield f"{at}[{number}].data: required oneof field 'data' must have one initialized field\n"
        called = _named(parts, "functionCall")
        answered = _named(parts, "functionResponse")
        due = _named(before, "functionCall")
        if called and role_before == "model":
            yield (
                "Please ensure that function call turn comes immediately after a user turn or after a function "
                "response turn."
            )
        if answered and not due:
            yield "Please ensure that function response turn comes immediately after a function call turn."
        if len(answered) != len(due):
            yield (
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn."
            )
        if answered != due:
            yield "The names of the function responses are not those of the function calls."
        if called and "gemini-3" in model and not _first_call(parts).get("thoughtSignature"):
            yield "Function call is missing a thought_signature in functionCall parts."
        before, role_before = parts, content.get("role", "")
    if _named(before, "functionCall"):
        yield "Please ensure that the number of function response parts is equal to the number of function call parts."


def _named(parts: list[dict[str, Any]], kind: str) -> list[str]:
    return [part[kind]["name"] for part in parts if kind in part]


def _first_call(parts: list[dict[str, Any]]) -> dict[str, Any]:
    return next(part for part in parts if "functionCall" in part)


def _wrong_options(body: Mapping[str, Any], model: str) -> Iterator[str]:
    tools = body.get("tools") or []
    names = {function["name"] for tool in tools for function in tool.get("functionDeclarations", ())}
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    if calling and not names:
        yield "Function calling config is set without function_declarations."
    if calling.get("mode", "AUTO") not in ("AUTO", "ANY", "NONE", "VALIDATED"):
        yield f"Invalid value at 'tool_config.function_calling_config.mode', {calling['mode']!r}"
    if calling.get("allowedFunctionNames") and calling.get("mode") not in ("ANY", "VALIDATED"):
        yield "allowed_function_names should only be set when the mode is ANY."
    if not names.issuperset(calling.get("allowedFunctionNames", ())):
        yield "allowed_function_names is not a subset of the declared functions."
    if names and any("googleSearch" in tool for tool in tools) and "gemini-3" not in model:
        yield "Tool use with function calling is unsupported"
    config = body.get("generationConfig") or {}
    thinking = config.get("thinkingConfig") or {}
    if thinking and re.search(r"gemini-(1|2\.0)|gemma|flash-image", model):
        yield "Thinking is not enabled for this model"
    if "thinkingLevel" in thinking and ("thinkingBudget" in thinking or "gemini-2.5" in model):
        yield "Thinking level is not supported for this model."
    if thinking.get("thinkingBudget") == 0 and "2.5-pro" in model:
        yield "Budget 0 is invalid. This model only works in thinking mode."
    if "gemini-3" in model and "pro" in model and thinking.get("thinkingLevel") == "minimal":
        yield "Thinking level MINIMAL is not supported for this model."
    if config.get("candidateCount", 1) > 1 and "image" in model:
        yield "Multiple candidates is not enabled for this model"
    if len(config.get("stopSequences", ())) > 5:
        yield "The maximum number of stop sequences supported is 5."


def _wrong_batch(body: Mapping[str, Any], model: str) -> Iterator[str]:
    requests = body.get("requests") or []
    if not requests:
        yield "* BatchEmbedContentsRequest.requests: requests is not specified\n"
    if len(requests) > 100:
        yield "* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch\n"
    for request in requests:
        if request.get("model") != model:
            yield "* BatchEmbedContentsRequest.requests: the model of each request must be the one of the batch"
        if not request.get("content", {}).get("parts"):
            yield "* BatchEmbedContentsRequest.requests[].content: contents is not specified\n"
