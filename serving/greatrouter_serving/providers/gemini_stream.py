"""Gemini's event stream as OpenAI's, without I/O: bytes in, bytes out.

Gemini sends one `GenerateContentResponse` an event, the usage so far in each, and no `[DONE]`: the stream is complete
when every candidate has told why it ended.
"""

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from greatrouter_serving.errors import UpstreamFailed
from greatrouter_serving.providers.faults import malformed
from greatrouter_serving.providers.gemini_answer import (
    block_reason_of,
    finish_reason_of,
    head_of,
    index_of,
    usage_document,
    usage_of_metadata,
)
from greatrouter_serving.providers.gemini_grounding import annotations_of
from greatrouter_serving.providers.gemini_parts import call_ids_of, fields_of, logprobs_of
from greatrouter_serving.sse import EventSplitter, data_of

_DONE = b"data: [DONE]\n\n"


class _Candidate:
    """What one candidate has given so far."""

    __slots__ = ("calls", "finish", "grounding", "text")

    def __init__(self) -> None:
        self.calls = 0
        self.finish: str | None = None
        # Citations are told at the end: they say by bytes of the whole text where they belong.
        self.grounding: object = None
        self.text: list[str] = []

    def last_delta(self) -> dict[str, Any]:
        annotations = annotations_of(self.grounding, "".join(self.text))
        return {"annotations": annotations} if annotations else {}


class CompletionStream:
    """Feed it what is read, then end it once. `parse` turns an event's data into an object or raises UpstreamFailed.

    What goes wrong is kept in `fault` rather than raised, so that what came before it is not lost with it.
    """

    def __init__(
        self,
        name: str,
        model: str,
        created: int,
        parse: Callable[[bytes], dict[str, Any]],
        largest_event_bytes: int,
        expected_candidates: int = 1,
    ) -> None:
        self.fault: UpstreamFailed | None = None
        self.ended = False
        self._name = name
        self._model = model
        self._created = created
        self._parse = parse
        self._largest_event_bytes = largest_event_bytes
        self._expected_candidates = expected_candidates
        self._splitter = EventSplitter()
        self._pending_bytes = 0
        self._candidates: dict[int, _Candidate] = {}
        # What each chunk begins with, encoded once.
        self._head = b""
        self._call_ids: Iterator[str] = iter(())
        self._usage: dict[str, Any] = {}
        self._has_given = False

    @property
    def finished(self) -> bool:
        """Whether nothing but the end is due."""
        return len(self._candidates) >= self._expected_candidates and self._is_complete()

    def feed(self, piece: bytes) -> bytes:
        """The chunks that `piece` completed, possibly none."""
        frames = self._splitter.feed(piece)
        self._pending_bytes = 0 if frames else self._pending_bytes + len(piece)
        chunks: list[bytes] = []
        try:
            for data in filter(None, map(data_of, frames)):
                chunks += self._chunks_of(self._parse(data))
            if self._pending_bytes > self._largest_event_bytes:
                raise malformed(self._name, f"an event of more than {self._largest_event_bytes // 1024**2} MB")
        except UpstreamFailed as error:
            self._has_given = self._has_given or bool(chunks)
            return b"".join(chunks) + self.fail(error)
        self._has_given = self._has_given or bool(chunks)
        return b"".join(chunks)

    def end(self) -> bytes:
        """The last chunks: why each candidate ended, the usage, and `[DONE]`."""
        if not self._is_complete():
            return self.fail(UpstreamFailed(f"{self._name} ended its stream without finishReason: it is incomplete"))
        self.ended = True
        ended = sorted(self._candidates.items())
        chunks = [self._chunk(index, found.last_delta(), found.finish) for index, found in ended]
        return b"".join([*chunks, self._usage_chunk(), _DONE])

    def fail(self, error: UpstreamFailed) -> bytes:
        """Keeps the error. Gemini has counted up to here, so what was given is told with its price."""
        self.fault = error
        return self._usage_chunk() if self._has_given and self._usage else b""

    def _is_complete(self) -> bool:
        return bool(self._candidates) and all(found.finish for found in self._candidates.values())

    def _chunks_of(self, document: dict[str, Any]) -> list[bytes]:
        if not self._head:
            head = head_of(document, self._model, self._created) | {"object": "chat.completion.chunk"}
            self._head = b"data: " + orjson.dumps(head).removesuffix(b"}") + b',"choices":'
            self._call_ids = call_ids_of(document.get("responseId"))
        metadata = document.get("usageMetadata")
        if isinstance(metadata, dict):
            self._usage |= metadata
        blocked = block_reason_of(document)
        if blocked and not self._candidates:
            self._candidates[0] = found = _Candidate()
            found.finish = "content_filter"
            return [self._chunk(0, {"role": "assistant", "content": "", "refusal": blocked})]
        candidates = document.get("candidates") or []
        if not isinstance(candidates, list) or not all(isinstance(candidate, dict) for candidate in candidates):
            raise malformed(self._name, "candidates is not a list of objects")
        return [chunk for candidate in candidates for chunk in self._read(candidate)]

    def _read(self, candidate: dict[str, Any]) -> list[bytes]:
        index = index_of(candidate)
        found = self._candidates.get(index)
        opening = {} if found else {"role": "assistant"}
        if found is None:
            found = _Candidate()
        delta = fields_of(self._name, candidate, self._call_ids)
        for call in delta.get("tool_calls", ()):
            call["index"] = found.calls
            found.calls += 1
        if "content" in delta:
            found.text.append(delta["content"])
        reason = candidate.get("finishReason")
        if reason:
            found.finish = finish_reason_of(self._name, reason, found.calls > 0)
        found.grounding = candidate.get("groundingMetadata") or found.grounding
        logprobs = logprobs_of(candidate.get("logprobsResult"))
        if not delta and not reason and logprobs is None:
            # Nothing to show yet: the caller may still be sent to another model.
            return []
        self._candidates[index] = found
        return [self._chunk(index, opening | delta, None, logprobs)] if delta or opening or logprobs else []

    def _chunk(
        self, index: int, delta: dict[str, Any], finish: str | None = None, logprobs: dict[str, Any] | None = None
    ) -> bytes:
        choice = {"index": index, "delta": delta, "finish_reason": finish}
        if logprobs is not None:
            choice["logprobs"] = logprobs
        return self._head + orjson.dumps([choice]) + b"}\n\n"

    def _usage_chunk(self) -> bytes:
        usage = orjson.dumps(usage_document(usage_of_metadata(self._usage)))
        return self._head + b'[],"usage":' + usage + b"}\n\n"
