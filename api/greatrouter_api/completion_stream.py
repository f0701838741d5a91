"""A whole `chat.completion` as a stream, and a stream as a whole `chat.completion`."""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from greatrouter_serving.sse import EventSplitter, data_of

# What stands in every chunk; the rest of a document's own fields comes once.
IN_EVERY_CHUNK = frozenset({"id", "created", "model", "system_fingerprint", "service_tier"})
# The order in which a message is said: thoughts, words, then what they were about.
SAID_FIRST = ("reasoning", "reasoning_content", "reasoning_details", "content", "refusal")
# Strings that name something come whole; some servers repeat them in every chunk. All others come in pieces.
NAMES = frozenset({"role", "id", "type", "index", "format", "object"})


def replayed_as_stream(document: bytes, include_usage: bool) -> bytes:
    """The chunks of a completion, each as one server-sent event; without the `[DONE]` that ends a stream."""
    whole: dict[str, Any] = orjson.loads(document)
    choices, usage = whole.pop("choices", []), whole.pop("usage", None)
    envelope = {name: value for name, value in whole.items() if name in IN_EVERY_CHUNK}
    envelope["object"] = whole["object"] = "chat.completion.chunk"
    if include_usage:
        envelope["usage"] = whole["usage"] = None
    chunks = [chunk for choice in choices for chunk in _chunks(choice)]
    events = [{**(envelope if i else whole), "choices": [chunk]} for i, chunk in enumerate(chunks)]
    if include_usage and usage is not None:
        events.append({**envelope, "choices": [], "usage": usage})
    return b"".join(b"data: %b\n\n" % orjson.dumps(event) for event in events)


def _chunks(choice: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One choice: its role, what it says piece by piece, then why it ended."""
    index, message = choice.get("index", 0), dict(choice.get("message") or {})
    ending = {name: value for name, value in choice.items() if name not in ("index", "message", "logprobs")}
    logprobs = {"logprobs": choice["logprobs"]} if "logprobs" in choice else {}

    def chunk(delta: dict[str, Any], **fields: Any) -> dict[str, Any]:
        return {"index": index, "delta": delta, "finish_reason": None, **fields}

    opening = {"role": message.pop("role", "assistant")}
    opening |= {name: None for name, value in message.items() if value is None}
    if isinstance(message.get("content"), str):
        opening["content"] = ""
    yield chunk(opening)
    calls = message.pop("tool_calls", None)
    said = [name for name, value in message.items() if value is not None and (name, value) != ("content", "")]
    for name in sorted(said, key=lambda n: SAID_FIRST.index(n) if n in SAID_FIRST else len(SAID_FIRST)):
        if name == "content":
            yield chunk({name: message[name]}, **logprobs)
            logprobs = {}
        else:
            yield chunk({name: message[name]})
    for place, call in enumerate(calls or ()):
        yield chunk({"tool_calls": [{**call, "index": place}]})
    if calls == []:
        yield chunk({"tool_calls": []})
    yield chunk({}, **(logprobs | ending))


class Assembler:
    """Keeps a stream while it is relayed and reads it only when it has ended: a chunk costs no more than its bytes."""

    def __init__(self, max_bytes: int = 16 * 1024 * 1024) -> None:
        self._max_bytes = max_bytes
        self._received: list[bytes] = []
        self._size_bytes = 0

    def feed(self, chunk: bytes) -> None:
        self._size_bytes += len(chunk)
        if self._size_bytes > self._max_bytes:
            self._received.clear()
        else:
            self._received.append(chunk)

    def document(self) -> bytes | None:
        """A `chat.completion`. None where the stream was too long, broke off, held an error or was no such stream."""
        if not self._received or self._size_bytes > self._max_bytes:
            return None
        splitter = EventSplitter()
        frames = splitter.feed(b"".join(self._received))
        assembly = _Assembly()
        try:
            for frame in (*frames, splitter.flush()):
                data = data_of(frame)
                if data and data.strip() != b"[DONE]":
                    assembly.add(orjson.loads(data))
            whole = assembly.whole()
            return None if whole is None else orjson.dumps(whole)
        except (orjson.JSONDecodeError, orjson.JSONEncodeError, _Malformed):
            return None


class _Malformed(Exception):
    """An event that is no chunk of a completion."""


class _Text(list[str]):
    """The pieces of a string, joined once at the end: adding them one by one costs the square of their number."""


class _Assembly:
    def __init__(self) -> None:
        self._fields: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}

    def add(self, chunk: Any) -> None:
        """Raises `_Malformed`."""
        if not isinstance(chunk, dict) or chunk.get("error"):
            raise _Malformed
        for name, value in chunk.items():
            if name == "choices":
                for choice in _dicts(value):
                    self._add_choice(choice)
            elif name != "error" and (name not in self._fields or value not in (None, "")):
                self._fields[name] = value

    def whole(self) -> dict[str, Any] | None:
        if not self._choices or any(not choice["finish_reason"] for choice in self._choices.values()):
            return None
        fields = {**self._fields, "object": "chat.completion"}
        if fields.get("usage", "") is None:
            del fields["usage"]
        choices = [_joined(self._choices[index]) for index in sorted(self._choices)]
        return {**fields, "choices": choices}

    def _add_choice(self, piece: dict[str, Any]) -> None:
        index = piece.get("index", 0)
        if not isinstance(index, int):
            raise _Malformed
        fresh = {"index": index, "message": {"role": "assistant"}, "finish_reason": None}
        choice = self._choices.setdefault(index, fresh)
        for name, value in piece.items():
            if name == "delta":
                _merge(choice["message"], value if isinstance(value, dict) else {})
            elif name == "logprobs" and isinstance(value, dict) and isinstance(choice.get(name), dict):
                _merge(choice[name], value)
            elif name == "logprobs" and isinstance(value, dict):
                choice[name] = {}
                _merge(choice[name], value)
            elif name != "index" and (name not in choice or value is not None):
                choice[name] = value


def _merge(into: dict[str, Any], delta: Mapping[str, Any]) -> None:
    """Strings are added at the end, lists too, objects field by field; null says nothing, anything else replaces."""
    for name, value in delta.items():
        known = into.get(name)
        if name == "tool_calls" and isinstance(value, list):
            into[name] = _with_calls(known or [], value)
        elif isinstance(value, str):
            into[name] = _with_text(name, known, value)
        elif isinstance(value, list):
            into[name] = _with_items(known if isinstance(known, list) and not isinstance(known, _Text) else [], value)
        elif isinstance(value, dict):
            into[name] = known if isinstance(known, dict) else {}
            _merge(into[name], value)
        elif value is not None or name not in into:
            into[name] = value


def _with_text(name: str, known: Any, value: str) -> Any:
    if name in NAMES:
        return value or known or ""
    if not isinstance(known, _Text):
        return _Text([value])
    # A function's name comes whole, but some servers send it with every piece of its arguments.
    if name != "name" or "".join(known) != value:
        known.append(value)
    return known


def _with_calls(known: list[Any], calls: list[Any]) -> list[Any]:
    """A piece names its call by `index`; without one it belongs to the call with its id, or is a new one."""
    for piece in _dicts(calls):
        rest = {name: value for name, value in piece.items() if name != "index"}
        place = piece.get("index")
        if not isinstance(place, int):
            same = [i for i, call in enumerate(known) if rest.get("id") and call.get("id") == rest["id"]]
            place = same[0] if same else len(known)
        if not 0 <= place <= len(known) + 64:
            raise _Malformed
        known.extend({} for _ in range(place + 1 - len(known)))
        _merge(known[place], rest)
    return known


def _with_items(known: list[Any], items: list[Any]) -> list[Any]:
    """Items of one list are different things; an item of a later one with the same index and type goes on with it."""
    earlier = len(known)
    for item in items:
        if not isinstance(item, dict):
            known.append(item)
            continue
        named = [i for i in range(earlier) if _is_same(known[i], item)]
        if not named:
            known.append({})
        _merge(known[named[-1] if named else -1], item)
    return known


def _is_same(known: Any, item: dict[str, Any]) -> bool:
    index = item.get("index")
    return (
        index is not None
        and isinstance(known, dict)
        and (known.get("index"), known.get("type"))
        == (
            index,
            item.get("type"),
        )
    )


def _dicts(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _Malformed
    return value


def _joined(value: Any) -> Any:
    if isinstance(value, _Text):
        return "".join(value)
    if isinstance(value, dict):
        return {name: _joined_audio(item) if name == "audio" else _joined(item) for name, item in value.items()}
    return [_joined(item) for item in value] if isinstance(value, list) else value


def _joined_audio(audio: Any) -> Any:
    """Each piece of its `data` is base64 by itself, so padding may stand in the middle. Raises `_Malformed`."""
    whole = _joined(audio)
    pieces = audio.get("data") if isinstance(audio, dict) else None
    if isinstance(pieces, _Text) and any(piece.endswith("=") for piece in pieces[:-1]):
        try:
            sound = b"".join(base64.b64decode(piece, validate=True) for piece in pieces)
        except ValueError as error:
            raise _Malformed from error
        whole["data"] = base64.b64encode(sound).decode()
    return whole
