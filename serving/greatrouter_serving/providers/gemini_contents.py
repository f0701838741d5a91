"""Messages in OpenAI's shape as Gemini's `contents` and `systemInstruction`."""

import base64
import mimetypes
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote_to_bytes

import orjson

from greatrouter_serving.errors import InvalidInput
from greatrouter_serving.providers.gemini_config import version_of

# Google's word for a call that none of its models signed: made by another provider's model, or by hand. The third
# generation answers 400 to the first call of a turn without any signature.
UNSIGNED = "skip_thought_signature_validator"
# What our answers call the signature of a text (OpenRouter's name for it).
SIGNATURE_FORMAT = "google-gemini-v1"
# Addresses that are already files to Google, which knows their types.
_GOOGLE_FILES = ("https://generativelanguage.googleapis.com/", "https://www.youtube.com/", "https://youtu.be/")
_PART_TYPES = ("text", "image_url", "input_audio", "video_url", "file")


class Conversation:
    """Collects messages one after the other; `system` and `contents` are what Gemini is sent.

    Results of tools called together become one turn, in the order of the calls: Gemini counts and matches them so.
    """

    def __init__(self, model: str) -> None:
        self.system: list[dict[str, Any]] = []
        self.contents: list[dict[str, Any]] = []
        self._needs_signatures = (version_of(model) or 0) >= 3
        self._calls: dict[str, tuple[int, str]] = {}
        self._results: list[tuple[int, dict[str, Any], list[dict[str, Any]]]] = []

    def add(self, where: str, message: Mapping[str, Any]) -> None:
        """`where` is the message's path, for words about what is wrong with it."""
        role = message.get("role")
        if role == "tool":
            self._results.append(self._result(where, message))
            return
        self._end_results()
        if role in ("system", "developer"):
            self.system += parts_of(f"{where}.content", message.get("content"))
        elif role == "user":
            # A turn must have parts, and a part must have something in it.
            parts = parts_of(f"{where}.content", message.get("content"))
            self.contents.append({"role": "user", "parts": parts or [{"text": " "}]})
        elif role == "assistant":
            self._add_answer(where, message)
        else:
            words = f"unknown role {role!r}: expected system, developer, user, assistant or tool"
            raise InvalidInput(words, f"{where}.role")

    def end(self) -> None:
        """After the last message. A system message alone is turned into the question that Gemini wants."""
        self._end_results()
        if not self.contents:
            self.contents.append({"role": "user", "parts": self.system or [{"text": " "}]})
            self.system = []

    def _add_answer(self, where: str, message: Mapping[str, Any]) -> None:
        parts = _answer_parts(where, message)
        self._calls = {}
        unsigned = self._needs_signatures
        for place, call in enumerate(objects(message.get("tool_calls"))):
            part = _call_part(f"{where}.tool_calls[{place}]", call)
            self._calls[str(call.get("id"))] = (place, part["functionCall"]["name"])
            if unsigned and "thoughtSignature" not in part:
                part["thoughtSignature"] = UNSIGNED
            unsigned = False
            parts.append(part)
        if not parts:
            return
        if self.contents and self.contents[-1]["role"] == "model":
            self.contents[-1]["parts"] += parts
        else:
            self.contents.append({"role": "model", "parts": parts})

    def _result(self, where: str, message: Mapping[str, Any]) -> tuple[int, dict[str, Any], list[dict[str, Any]]]:
        """The call's place, its result, and pictures or files that came with it."""
        call_id = str(message.get("tool_call_id"))
        place, name = self._calls.get(call_id, (len(self._calls), message.get("name")))
        if not name:
            words = f"tool_call_id {call_id!r} names no call of the assistant message before it"
            raise InvalidInput(words, f"{where}.tool_call_id")
        parts = parts_of(f"{where}.content", message.get("content"))
        text = "".join(part["text"] for part in parts if "text" in part)
        result = {"id": call_id, "name": name, "response": _as_object(text, "output")}
        return place, {"functionResponse": result}, [part for part in parts if "text" not in part]

    def _end_results(self) -> None:
        if self._results:
            in_order = sorted(self._results, key=lambda result: result[0])
            parts = [part for _, part, _ in in_order] + [part for _, _, media in in_order for part in media]
            self.contents.append({"role": "user", "parts": parts})
            self._results = []


def parts_of(where: str, content: object) -> list[dict[str, Any]]:
    """A message's content, in one string or in parts."""
    if content is None or isinstance(content, str):
        return [{"text": content}] if content else []
    if not isinstance(content, list):
        raise InvalidInput("content must be a string or a list of parts, or null beside tool_calls", where)
    return [part for place, item in enumerate(content) for part in _part(f"{where}[{place}]", item)]


def media_part(source: str, default_type: str) -> dict[str, Any]:
    """A data URL or plain base64 inline; any other address for Gemini to fetch."""
    if source.startswith("data:"):
        header, _, data = source[5:].partition(",")
        media_type = header.partition(";")[0] or default_type
        if not header.endswith(";base64"):
            data = base64.b64encode(unquote_to_bytes(data.encode("utf-8", "replace"))).decode()
        return {"inlineData": {"mimeType": media_type, "data": data}}
    if "://" not in source and not source.startswith("files/"):
        return {"inlineData": {"mimeType": default_type, "data": source}}
    if source.startswith(_GOOGLE_FILES) or "://" not in source:
        return {"fileData": {"fileUri": source}}
    guessed, _ = mimetypes.guess_type(source.partition("?")[0])
    return {"fileData": {"mimeType": guessed or default_type, "fileUri": source}}


def _part(where: str, item: object) -> list[dict[str, Any]]:
    if isinstance(item, str):
        return [{"text": item}] if item else []
    kind = item.get("type") if isinstance(item, dict) else None
    if not isinstance(item, dict) or not isinstance(kind, str):
        raise InvalidInput(f"a content part must be an object with a type: one of {', '.join(_PART_TYPES)}", where)
    if kind in ("text", "refusal", "input_text", "output_text"):
        text = item.get("text") or item.get("refusal")
        return [{"text": text}] if text else []
    if kind == "file":
        return [_file_part(where, _inside(where, item, kind))]
    if kind == "input_audio":
        sound = _inside(where, item, kind)
        return [media_part(_text(where, sound, "data", kind), f"audio/{sound.get('format') or 'wav'}")]
    if kind in ("image_url", "video_url"):
        given = item.get(kind)
        source = given if isinstance(given, str) and given else _text(where, _inside(where, item, kind), "url", kind)
        return [media_part(source, "image/jpeg" if kind == "image_url" else "video/mp4")]
    raise InvalidInput(f"unknown content part {kind!r}: expected one of {', '.join(_PART_TYPES)}", where)


def _file_part(where: str, file: Mapping[str, Any]) -> dict[str, Any]:
    file_id = file.get("file_id")
    if isinstance(file_id, str) and file_id:
        return media_part(file_id if "://" in file_id else f"files/{file_id.removeprefix('files/')}", "application/pdf")
    guessed, _ = mimetypes.guess_type(str(file.get("filename") or ""))
    return media_part(_text(where, file, "file_data", "file"), guessed or "application/pdf")


def _inside(where: str, item: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    inside = item.get(kind)
    if not isinstance(inside, dict):
        raise InvalidInput(f"a content part of type {kind} needs an object under {kind}", where)
    return inside


def _text(where: str, fields: Mapping[str, Any], name: str, kind: str) -> str:
    text = fields.get(name)
    if not isinstance(text, str) or not text:
        raise InvalidInput(f"a content part of type {kind} needs {name}: a non-empty string", where)
    return text


def _answer_parts(where: str, message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """An earlier answer's text and pictures, each with the signature it came with. Its thoughts are not sent back."""
    parts = parts_of(f"{where}.content", message.get("content"))
    signature = _signature_of_text(message)
    if signature and parts:
        parts[-1] = {**parts[-1], "thoughtSignature": signature}
    for place, image in enumerate(objects(message.get("images"))):
        parts += [_signed(part, image) for part in _part(f"{where}.images[{place}]", image)]
    return parts


def _call_part(where: str, call: Mapping[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(function, dict) or not isinstance(name, str) or not name:
        raise InvalidInput("each of tool_calls needs function: {name, arguments}", where)
    arguments = function.get("arguments")
    args = arguments if isinstance(arguments, dict) else _as_object(str(arguments or "{}"), "arguments")
    identity = {"id": call["id"]} if call.get("id") else {}
    return _signed({"functionCall": {**identity, "name": name, "args": args}}, call)


def _signed(part: dict[str, Any], carrier: Mapping[str, Any]) -> dict[str, Any]:
    """`part` with the signature in the place where Google's compatible endpoint puts it."""
    signature = _google_signature(carrier)
    return {**part, "thoughtSignature": signature} if signature else part


def _signature_of_text(message: Mapping[str, Any]) -> str | None:
    for detail in reversed(objects(message.get("reasoning_details"))):
        # Other providers' reasoning is signed for themselves.
        if detail.get("format") == SIGNATURE_FORMAT and isinstance(detail.get("data"), str):
            return str(detail["data"])
    return _google_signature(message)


def _google_signature(carrier: Mapping[str, Any]) -> str | None:
    extra = carrier.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    return signature if isinstance(signature, str) and signature else None


def _as_object(text: str, name: str) -> dict[str, Any]:
    """Gemini takes objects only; anything else goes under `name`."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = text
    return value if isinstance(value, dict) else {name: value}


def objects(value: object) -> Sequence[dict[str, Any]]:
    """The objects of a list; nothing of anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
