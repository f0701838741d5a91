"""The parts of a Gemini answer as the fields of OpenAI's message."""

import re
import uuid
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import orjson

from greatrouter_serving.providers.faults import malformed
from greatrouter_serving.providers.gemini_contents import SIGNATURE_FORMAT, objects

_TEXTS = ("content", "reasoning_content")
# OpenAI refuses longer ids, and a conversation may go on there.
_LONGEST_ID_STEM = 28


def call_ids_of(response_id: object) -> Iterator[str]:
    """Ids for calls that have none, unlike those of any other answer."""
    # A generator: few answers call anything.
    stem = re.sub(r"[^A-Za-z0-9_-]", "", str(response_id or uuid.uuid4().hex))[-_LONGEST_ID_STEM:]
    for number in count():
        yield f"call_{stem}_{number}"


def fields_of(name: str, candidate: Mapping[str, Any], call_ids: Iterator[str]) -> dict[str, Any]:
    """The fields of a message, or of a stream's delta, that the candidate's parts give; those it lacks are absent."""
    content = candidate.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    if parts is None:
        return {}
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise malformed(name, "the parts of an answer are not a list of objects")
    fields: dict[str, Any] = {}
    for part in parts:
        _read_part(name, part, fields, call_ids)
    for kind in _TEXTS:
        if kind in fields:
            fields[kind] = "".join(fields[kind])
    return fields


def _read_part(name: str, part: dict[str, Any], fields: dict[str, Any], call_ids: Iterator[str]) -> None:
    given = part.get("thoughtSignature")
    signature = given if isinstance(given, str) else None
    if "functionCall" in part:
        call = _tool_call(name, part["functionCall"], call_ids)
        fields.setdefault("tool_calls", []).append(call | _signed(signature))
        return
    if "inlineData" in part:
        kind, data = _medium(name, part["inlineData"])
        if kind.startswith("audio/"):
            sound = {"data": data, "format": kind.removeprefix("audio/"), "transcript": ""}
            # Gemini keeps no sound to be asked for again, so it expires with the answer.
            fields["audio"] = {"id": next(call_ids), "expires_at": 0, **sound}
        else:
            image = {"type": "image_url", "image_url": {"url": f"data:{kind};base64,{data}"}}
            fields.setdefault("images", []).append(image | _signed(signature))
        return
    text = part.get("text", "")
    if "executableCode" in part or "codeExecutionResult" in part:
        text = _code(part)
    if not isinstance(text, str):
        raise malformed(name, "the text of an answer is not a string")
    if text:
        kind = "reasoning_content" if part.get("thought") is True else "content"
        fields.setdefault(kind, []).append(text)
    if signature:
        detail = {"type": "reasoning.encrypted", "data": signature, "format": SIGNATURE_FORMAT}
        fields.setdefault("reasoning_details", []).append(detail)


def _tool_call(name: str, call: object, call_ids: Iterator[str]) -> dict[str, Any]:
    called = call.get("name") if isinstance(call, dict) else None
    args = call.get("args") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(called, str) or not isinstance(args, (dict, type(None))):
        raise malformed(name, "a functionCall is not an object with a name and args")
    try:
        arguments = orjson.dumps(args or {}).decode()
    except orjson.JSONEncodeError as error:
        raise malformed(name, "the args of a functionCall are nested too deep") from error
    function = {"name": called, "arguments": arguments}
    return {"id": str(call.get("id") or next(call_ids)), "type": "function", "function": function}


def _medium(name: str, medium: object) -> tuple[str, str]:
    """The media type and the base64 of a picture or a sound."""
    kind = medium.get("mimeType") if isinstance(medium, dict) else None
    data = medium.get("data") if isinstance(medium, dict) else None
    if not isinstance(kind, str) or not isinstance(data, str):
        raise malformed(name, "inlineData is not an object with mimeType and data")
    return kind, data


def _signed(signature: str | None) -> dict[str, Any]:
    return {"extra_content": {"google": {"thought_signature": signature}}} if signature else {}


def _code(part: Mapping[str, Any]) -> str:
    """Code that Gemini ran, and what it printed, as a reader of the text expects them."""
    code, result = part.get("executableCode"), part.get("codeExecutionResult")
    if isinstance(code, dict):
        return f"\n```{str(code.get('language', '')).lower()}\n{code.get('code', '')}\n```\n"
    return f"\n```\n{result.get('output', '')}\n```\n" if isinstance(result, dict) else ""


def logprobs_of(result: object) -> dict[str, Any] | None:
    if not isinstance(result, dict):
        return None
    tops = objects(result.get("topCandidates"))
    content = []
    for place, chosen in enumerate(objects(result.get("chosenCandidates"))):
        top = objects(tops[place].get("candidates")) if place < len(tops) else []
        content.append({**_token(chosen), "top_logprobs": [_token(token) for token in top]})
    return {"content": content, "refusal": None}


def _token(token: Mapping[str, Any]) -> dict[str, Any]:
    text = str(token.get("token", ""))
    given = token.get("logProbability")
    # Gemini leaves out a certainty, as it does every zero.
    logprob = given if isinstance(given, (int, float)) else 0.0
    return {"token": text, "logprob": logprob, "bytes": list(text.encode("utf-8", "replace"))}
