"""A provider's event stream on its way to the caller: passed on byte for byte, read only where it must be. No I/O."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from greatrouter_ranking.tokens import estimate_tokens
from greatrouter_serving.call import Usage
from greatrouter_serving.errors import UpstreamFailed
from greatrouter_serving.providers.usage import token_usage
from greatrouter_serving.sse import EventSplitter, data_of, is_error

DONE = b"data: [DONE]\n\n"
# What was passed on is kept until it is so long, and then read for its number of tokens: needed only where the stream
# breaks off before its provider has said what it used.
MOST_UNREAD_BYTES = 64 * 1024
# A picture in an event has a few megabytes. An event that never ends would fill the memory.
LONGEST_EVENT_BYTES = 16 * 1024 * 1024
START = b"data: {"
FIELDS = (b":", b"event:", b"id:", b"retry:")
PRODUCED = ("content", "reasoning_content", "reasoning", "refusal")


class Relay:
    """Takes the pieces of a stream as they come, gives the bytes to pass on; `provider` is named where it breaks.

    Usage is held back, wherever the provider says it, and so is `[DONE]`: `last_chunk` comes before it. A frame that is
    no event, or says that the provider failed, is the end: neither it nor what follows is passed on, and `broken` says
    why.
    """

    def __init__(self, provider: str, *, include_usage: bool) -> None:
        self.broken: UpstreamFailed | None = None
        self._provider = provider
        self._include_usage = include_usage
        self._splitter = EventSplitter()
        self._latest: Mapping[str, Any] = {}
        self._unread = bytearray()
        self._tokens = 0
        self._usage: Mapping[str, Any] | None = None
        self._usage_chunk = b""

    def feed(self, piece: bytes) -> bytes:
        """The part of the stream that is complete with this piece."""
        passed = None if self._splitter.pending_bytes else self._plain(piece)
        if passed is None:
            passed = self._split(piece)
        if passed:
            self._unread += passed
            if len(self._unread) > MOST_UNREAD_BYTES:
                self._read()
        return passed

    @property
    def usage(self) -> Usage:
        """As the provider counted; by estimate what was passed on, where the stream did not come so far."""
        if self._usage is not None:
            return token_usage(self._usage)
        self._read()
        return Usage(completion_tokens=self._tokens)

    @property
    def counted(self) -> bool:
        return self._usage is not None

    def last_chunk(self, greatrouter: bytes, used: Usage) -> bytes:
        """One more chunk of the same answer, with the `greatrouter` object. With `include_usage` it is the provider's
        chunk with the usage, or one with `used` where there was none: some clients add up every usage they see, others
        keep that of the last chunk. Else it has one choice that adds nothing: much client code takes `choices[0]`."""
        if self._include_usage and self._usage_chunk:
            return b"data: " + self._usage_chunk.rstrip()[:-1] + b',"greatrouter":' + greatrouter + b"}\n\n"
        fields: dict[str, Any] = {"choices": [{"index": 0, "delta": {}, "finish_reason": None}]}
        if self._include_usage:
            fields = {"choices": [], "usage": self._usage or _as_openai(used)}
        head = self._latest
        named = {"id": head.get("id") or "", "object": "chat.completion.chunk", "created": head.get("created") or 0}
        chunk = {**named, "model": head.get("model") or "", **fields, "greatrouter": orjson.Fragment(greatrouter)}
        return b"data: " + orjson.dumps(chunk) + b"\n\n"

    def _plain(self, frame: bytes) -> bytes | None:
        """What goes on of an event that is one line of JSON, as nearly all are; None for any other.

        A microsecond, most of it for reading the JSON, so that nothing but JSON is ever passed on.
        """
        if not (frame.startswith(START) and frame.endswith(b"\n\n") and frame.find(b"\n") == len(frame) - 2):
            return None
        try:
            document = orjson.loads(frame[6:])
        except orjson.JSONDecodeError:
            return None
        # A quote inside of generated text is escaped, so this finds a failure of a choice and hardly anything else.
        if b'"error"' in frame and _says_failure(document):
            return None
        self._latest = document
        if "usage" in document and isinstance(document["usage"], dict):
            return self._without_usage(frame[6:], document)
        return frame

    def _split(self, piece: bytes) -> bytes:
        passed: list[bytes] = []
        try:
            for frame in self._splitter.feed(piece):
                plain = self._plain(frame)
                passed.append(self._passed(frame) if plain is None else plain)
            if self._splitter.pending_bytes > LONGEST_EVENT_BYTES:
                raise self._malformed()
        except UpstreamFailed as error:
            self.broken = error
        return b"".join(passed)

    def _passed(self, frame: bytes) -> bytes:
        """What goes on to the caller of a frame. Raises `UpstreamFailed` where it is no event, or one of a failure."""
        if is_error(frame):
            raise self._failed()
        data = data_of(frame)
        if data is None:
            if frame.strip() and not frame.startswith(FIELDS):
                raise self._malformed()
            return frame
        if data == b"[DONE]":
            return b""
        document = self._parsed(data)
        if _says_failure(document):
            raise self._failed()
        self._latest = document
        return self._without_usage(data, document) if isinstance(document.get("usage"), dict) else frame

    def _without_usage(self, data: bytes, document: Mapping[str, Any]) -> bytes:
        """What goes on of an event with usage. It is kept for the end: each is the total so far."""
        self._usage = document["usage"]
        self._usage_chunk = data.replace(b"\n", b" ") if document.get("choices") == [] else b""
        return b"data: " + orjson.dumps({**document, "usage": None}) + b"\n\n" if document.get("choices") else b""

    def _read(self) -> None:
        """Counts what was produced in the pieces kept so far, and forgets them."""
        unread, self._unread = bytes(self._unread), bytearray()
        text = "".join(piece for document in self._documents(unread) for piece in _produced(document))
        self._tokens += estimate_tokens(text)

    def _documents(self, frames: bytes) -> Iterator[Mapping[str, Any]]:
        for frame in EventSplitter().feed(frames):
            if data := data_of(frame):
                yield self._parsed(data)

    def _parsed(self, data: bytes | None) -> Mapping[str, Any]:
        try:
            document = orjson.loads(data or b"")
        except orjson.JSONDecodeError as error:
            raise self._malformed() from error
        if not isinstance(document, dict):
            raise self._malformed()
        return document

    def _failed(self) -> UpstreamFailed:
        return UpstreamFailed(f"{self._provider} failed in the middle of its answer")

    def _malformed(self) -> UpstreamFailed:
        return UpstreamFailed(f"{self._provider} sent something that is no event in the middle of its answer")


def _says_failure(document: Mapping[str, Any]) -> bool:
    """Of the answer, or of a choice, as OpenRouter says it."""
    choices = document.get("choices")
    failed = (
        isinstance(choice, dict) and (choice.get("error") or choice.get("finish_reason") == "error")
        for choice in (choices if isinstance(choices, list) else ())
    )
    return bool(document.get("error")) or any(failed)


def _as_openai(used: Usage) -> dict[str, int]:
    prompt, completion = used.prompt_tokens, used.completion_tokens
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _produced(chunk: Mapping[str, Any]) -> Iterator[str]:
    """Every text that a chunk adds to the answer: words, thoughts, the arguments of tools."""
    choices = chunk.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        delta = choice.get("delta") if isinstance(choice, dict) else None
        if isinstance(delta, dict):
            yield from (delta[name] for name in PRODUCED if isinstance(delta.get(name), str))
            calls = delta.get("tool_calls")
            for call in calls if isinstance(calls, list) else ():
                function = call.get("function") if isinstance(call, dict) else None
                if isinstance(function, dict):
                    yield from (value for value in function.values() if isinstance(value, str))
