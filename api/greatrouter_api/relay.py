"""A provider's event stream on its way to the caller: passed on byte for byte, read only where it must be. No I/O."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from greatrouter_ranking.tokens import estimate_tokens
from greatrouter_serving.call import Usage
from greatrouter_serving.errors import UpstreamFailed
from greatrouter_serving.providers.usage import token_usage
from greatrouter_serving.sse import EventSplitter, data_of

DONE = b"data: [DONE]\n\n"
# What was passed on is kept until it is so long, and then read for its number of tokens: needed only where the stream
# breaks off before its provider has said what it used.
MOST_UNREAD_BYTES = 64 * 1024
# A picture in an event has a few megabytes. An event that never ends would fill the memory.
LONGEST_EVENT_BYTES = 16 * 1024 * 1024
WHOLE_FRAMES = (b"\n\n", b"\r\n\r\n")
START = b"data: {"
FIELDS = (b":", b"event:", b"id:", b"retry:")
PRODUCED = ("content", "reasoning_content", "reasoning", "refusal")


class Relay:
    """Takes the pieces of a stream as they come, gives the bytes to pass on; `provider` is named where it breaks.

    The usage chunk goes on only where the caller asked for it (`include_usage`); `[DONE]` never does, as there is one
    more chunk to come before it. A frame that is no event, or says that the provider failed, is the end: neither it nor
    what follows is passed on, and `broken` says why.
    """

    def __init__(self, provider: str, *, include_usage: bool) -> None:
        self.broken: UpstreamFailed | None = None
        self._provider = provider
        self._include_usage = include_usage
        self._splitter = EventSplitter()
        self._splitting = False
        self._first = b""
        self._unread: list[bytes] = []
        self._unread_bytes = 0
        self._tokens = 0
        self._usage: Mapping[str, Any] | None = None

    def feed(self, piece: bytes) -> bytes:
        """The part of the stream that is complete with this piece."""
        passed = None if self._splitting else self._plain(piece)
        if passed is None:
            passed = self._split(piece)
        if passed:
            self._first = self._first or passed
            self._unread.append(passed)
            self._unread_bytes += len(passed)
            if self._unread_bytes > MOST_UNREAD_BYTES:
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

    def last_chunk(self, greatrouter: bytes) -> bytes:
        """One more chunk of the same answer, with the `greatrouter` object. Its one choice adds nothing: much client
        code takes `choices[0]` of every chunk. The usage is said once more: OpenAI's helpers keep that of the last
        chunk, also where it has none."""
        choices = [{"index": 0, "delta": {}, "finish_reason": None}]
        usage = {"usage": self._usage} if self._include_usage and self._usage is not None else {}
        return self._chunk({"choices": choices, **usage, "greatrouter": orjson.Fragment(greatrouter)})

    def usage_chunk(self, usage: Usage) -> bytes:
        """The chunk that the caller asked for and the provider did not send."""
        prompt, completion = usage.prompt_tokens, usage.completion_tokens
        self._usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
        return self._chunk({"choices": [], "usage": self._usage})

    def _chunk(self, fields: Mapping[str, Any]) -> bytes:
        head = next(self._documents(self._first), {})
        named = {"id": head.get("id") or "", "object": "chat.completion.chunk", "created": head.get("created") or 0}
        return b"data: " + orjson.dumps({**named, "model": head.get("model") or "", **fields}) + b"\n\n"

    def _plain(self, piece: bytes) -> bytes | None:
        """What to pass on of a piece that is whole events of one line each, as nearly all are; None for any other.

        A microsecond an event, most of it for reading the JSON, so that nothing but JSON is ever passed on.
        """
        if not piece.endswith(b"\n\n"):
            return None
        held = []
        for block in piece[:-2].split(b"\n\n"):
            if not block.startswith(START):
                if block != b"data: [DONE]":
                    return None
                held.append(block)
                continue
            try:
                document = orjson.loads(block[6:])
            except orjson.JSONDecodeError:
                return None
            if document.get("error"):
                return None
            if "usage" in document and not self._goes_on(document):
                held.append(block)
        for block in held:
            piece = piece.replace(block + b"\n\n", b"", 1)
        return piece

    def _split(self, piece: bytes) -> bytes:
        passed: list[bytes] = []
        try:
            for frame in self._splitter.feed(piece):
                if self._passes(frame):
                    passed.append(frame)
            if self._splitter.pending_bytes > LONGEST_EVENT_BYTES:
                raise self._malformed()
        except UpstreamFailed as error:
            self.broken = error
        self._splitting = self._splitter.pending
        return b"".join(passed)

    def _passes(self, frame: bytes) -> bool:
        """Whether a frame goes on to the caller. Raises `UpstreamFailed` where it is no event."""
        data = data_of(frame)
        if data is None:
            if frame.strip() and not frame.startswith(FIELDS):
                raise self._malformed()
            return True
        return data != b"[DONE]" and self._goes_on(self._parsed(data))

    def _goes_on(self, document: Mapping[str, Any]) -> bool:
        """Whether an event goes on to the caller. Raises `UpstreamFailed` where the provider says that it failed."""
        if document.get("error"):
            raise UpstreamFailed(f"{self._provider} failed in the middle of its answer")
        usage = document.get("usage")
        if not isinstance(usage, dict):
            return True
        self._usage = usage
        return self._include_usage or bool(document.get("choices"))

    def _read(self) -> None:
        """Counts what was produced in the pieces kept so far, and forgets them."""
        unread, self._unread, self._unread_bytes = b"".join(self._unread), [], 0
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

    def _malformed(self) -> UpstreamFailed:
        return UpstreamFailed(f"{self._provider} sent something that is no event in the middle of its answer")


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
