"""A stream of Anthropic's events as one of OpenAI's chunks, without I/O."""

import math
from collections.abc import Callable
from typing import Any

import orjson

from greatrouter_serving.errors import UpstreamFailed
from greatrouter_serving.providers.anthropic_answer import GAP, annotations_of, chat_usage, finish_reason
from greatrouter_serving.providers.anthropic_messages import REASONING_FORMAT
from greatrouter_serving.providers.faults import malformed
from greatrouter_serving.providers.tokens import tokens_of
from greatrouter_serving.providers.transport import MAX_CHAT_BYTES
from greatrouter_serving.sse import EventSplitter, data_of

_DONE = b"data: [DONE]\n\n"
_END = b',"finish_reason":null}]}\n\n'


class ChunkStream:
    """Fed with bytes as they come, it gives the chunks that they completed.

    Nothing comes of the message's start, of pings or of a text block that is still empty: until there is content, a
    failure can still go to the next model. After `done` the stream is whole, `[DONE]` included. A `failure` stands
    behind what was given last, which is the usage up to there. `parse` reads one event, and raises UpstreamFailed for
    an error or for what is no JSON.
    """

    def __init__(self, name: str, model: str, created: int, parse: Callable[[bytes], dict[str, Any]]) -> None:
        self.done = False
        self.failure: UpstreamFailed | None = None
        self._name = name
        self._model = model
        self._created = created
        self._parse = parse
        self._splitter = EventSplitter()
        self._unfinished_bytes = 0
        # The chunk's bytes up to its delta, and all that stands before a piece of text; known from the message's start.
        self._head = b""
        self._text_head = b""
        self._has_role = False
        self._usage: dict[str, Any] = {}
        self._tokens = 0.0
        self._stop_reason: object = None
        self._kind: object = None
        self._citations: list[Any] = []
        self._length = self._block_start = 0
        self._is_gap = False
        self._thoughts = 0
        self._is_new_thought = False
        self._calls = 0
        self._has_arguments = False

    def feed(self, piece: bytes) -> bytes:
        """The chunks, joined; empty where `piece` completed none."""
        frames = self._splitter.feed(piece)
        chunks: list[bytes] = []
        try:
            self._unfinished_bytes = 0 if frames else self._unfinished_bytes + len(piece)
            if self._unfinished_bytes > MAX_CHAT_BYTES:
                raise malformed(self._name, f"an event of more than {MAX_CHAT_BYTES // 1024**2} MB")
            for frame in frames:
                data = data_of(frame)
                if data and not self.done:
                    self._read(self._parse(data), chunks)
        except UpstreamFailed as failure:
            chunks.append(self.fail(failure))
        return b"".join(chunks)

    def fail(self, failure: UpstreamFailed) -> bytes:
        """Keeps the failure; the chunk with the usage of what was given. Anthropic counts the prompt at the start but
        the answer only at its end, so up to there it is an estimate."""
        self.failure = failure
        if not self._has_role or not chat_usage(self._usage)["prompt_tokens"]:
            return b""
        estimated = {} if self._stop_reason else {"output_tokens": math.ceil(self._tokens)}
        return self._usage_chunk(self._usage | estimated)

    def _read(self, event: dict[str, Any], chunks: list[bytes]) -> None:
        """Kinds of events that are not known are passed over, as Anthropic asks for."""
        kind = event.get("type")
        if kind == "content_block_delta":
            self._read_delta(_part(self._name, event, "delta"), chunks)
        elif kind == "content_block_start":
            self._start_block(_part(self._name, event, "content_block"), chunks)
        elif kind == "content_block_stop":
            self._stop_block(chunks)
        elif kind == "message_start":
            self._start(_part(self._name, event, "message"))
        elif kind == "message_delta":
            self._stop_reason = _part(self._name, event, "delta").get("stop_reason") or self._stop_reason
            self._count(event.get("usage"))
        elif kind == "message_stop":
            self._finish(chunks)

    def _start(self, message: dict[str, Any]) -> None:
        self._count(message.get("usage"))
        common = {
            "id": message.get("id"),
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": message.get("model") or self._model,
        }
        self._head = b"data: " + orjson.dumps(common)[:-1]
        self._text_head = self._head + b',"choices":[{"index":0,"delta":{"content":'

    def _count(self, usage: object) -> None:
        """Later counts hold what the earlier ones had."""
        if isinstance(usage, dict):
            self._usage.update((name, count) for name, count in usage.items() if count is not None)

    def _read_delta(self, delta: dict[str, Any], chunks: list[bytes]) -> None:
        kind = delta.get("type")
        if kind == "text_delta":
            self._add_text(_string(self._name, delta, "text"), chunks)
        elif kind == "input_json_delta":
            arguments = _string(self._name, delta, "partial_json")
            if arguments and self._kind == "tool_use":
                self._has_arguments = True
                self._tokens += tokens_of(arguments)
                function = {"index": self._calls - 1, "function": {"arguments": arguments}}
                self._add({"tool_calls": [function]}, chunks)
        elif kind == "thinking_delta":
            thought = _string(self._name, delta, "thinking")
            if thought:
                self._tokens += tokens_of(thought)
                self._add_thought({"type": "reasoning.text", "text": thought}, thought, chunks)
        elif kind == "signature_delta":
            signature = _string(self._name, delta, "signature")
            self._add_thought({"type": "reasoning.text", "text": "", "signature": signature}, "", chunks)
        elif kind == "citations_delta":
            self._citations.append(delta.get("citation"))

    def _start_block(self, block: dict[str, Any], chunks: list[bytes]) -> None:
        self._kind = block.get("type")
        self._is_gap = self._length > 0 and (self._is_gap or self._kind != "text")
        if self._kind == "text":
            self._citations = []
            self._block_start = self._length + (len(GAP) if self._is_gap else 0)
            if block.get("text"):
                self._add_text(_string(self._name, block, "text"), chunks)
        elif self._kind == "tool_use":
            given = block.get("input")
            arguments = orjson.dumps(given).decode() if given else ""
            self._has_arguments = bool(arguments)
            function = {"name": _string(self._name, block, "name"), "arguments": arguments}
            call = {"id": _string(self._name, block, "id"), "type": "function", "function": function}
            self._add({"tool_calls": [{"index": self._calls, **call}]}, chunks)
            self._calls += 1
        elif self._kind in ("thinking", "redacted_thinking"):
            self._thoughts += 1
            self._is_new_thought = True
            if self._kind == "redacted_thinking":
                data = _string(self._name, block, "data")
                self._add_thought({"type": "reasoning.encrypted", "data": data}, "", chunks)

    def _stop_block(self, chunks: list[bytes]) -> None:
        if self._kind == "tool_use" and not self._has_arguments:
            # Clients parse the arguments when they are whole, and nothing is no JSON.
            self._add({"tool_calls": [{"index": self._calls - 1, "function": {"arguments": "{}"}}]}, chunks)
        elif self._kind == "text" and self._citations:
            self._add({"annotations": annotations_of(self._citations, self._block_start, self._length)}, chunks)

    def _add_text(self, text: str, chunks: list[bytes]) -> None:
        """By hand: a whole chunk through orjson takes three times as long."""
        if not text:
            return
        self._tokens += tokens_of(text)
        if self._is_gap:
            text, self._is_gap = GAP + text, False
        self._length += len(text)
        if not self._has_role:
            self._add_role(chunks)
        chunks.append(self._text_head + orjson.dumps(text) + b"}" + _END)

    def _add_thought(self, detail: dict[str, Any], text: str, chunks: list[bytes]) -> None:
        """Its maker stands on the first piece only: clients join the strings of pieces with the same index."""
        index = self._thoughts - 1
        if self._is_new_thought:
            detail = {**detail, "format": REASONING_FORMAT, "model": self._model}
            self._is_new_thought = False
        shown = {"reasoning_content": text} if text else {}
        self._add({**shown, "reasoning_details": [{**detail, "index": index}]}, chunks)

    def _add(self, delta: dict[str, Any], chunks: list[bytes]) -> None:
        if not self._has_role:
            self._add_role(chunks)
        chunks.append(self._head + b',"choices":[{"index":0,"delta":' + orjson.dumps(delta) + _END)

    def _add_role(self, chunks: list[bytes]) -> None:
        if not self._head:
            raise malformed(self._name, "a stream that does not begin with message_start")
        self._has_role = True
        self._add({"role": "assistant", "content": ""}, chunks)

    def _finish(self, chunks: list[bytes]) -> None:
        if not self._has_role:
            self._add_role(chunks)
        choice = {
            "index": 0,
            "delta": {},
            "finish_reason": finish_reason(self._stop_reason),
            "native_finish_reason": self._stop_reason,
        }
        chunks.append(self._head + b',"choices":' + orjson.dumps([choice]) + b"}\n\n")
        chunks.append(self._usage_chunk(self._usage))
        chunks.append(_DONE)
        self.done = True

    def _usage_chunk(self, usage: dict[str, Any]) -> bytes:
        return self._head + b',"choices":[],"usage":' + orjson.dumps(chat_usage(usage)) + b"}\n\n"


def _part(name: str, event: dict[str, Any], key: str) -> dict[str, Any]:
    part = event.get(key)
    if not isinstance(part, dict):
        raise malformed(name, f"an event without {key}")
    return part


def _string(name: str, part: dict[str, Any], key: str) -> str:
    value = part.get(key)
    if not isinstance(value, str):
        raise malformed(name, f"a piece of an answer without {key}")
    return value
