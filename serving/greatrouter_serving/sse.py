"""Server-sent events without I/O: frames out of chunks, data out of frames, usage out of data.

A frame is the bytes of one event with the blank line that ends it. Frames joined together, and what `flush` gives, are
the bytes that went in: a relay may pass them on unread.
"""

import re
from collections.abc import Mapping
from typing import Any

import orjson

# A blank line is one line ending right behind another. CR, LF and CRLF may mix. A CRLF is never read as two endings,
# and a CR that is the last byte so far is left alone: an LF may still follow.
_BLANK_LINE = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?=[\x00-\xff]))")
_LONGEST_BLANK_LINE = 4
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Anchored to a line start: inside a JSON string a line ending is always escaped, so generated text never matches.
_DONE = re.compile(rb"[\r\n]data: ?\[DONE\]")
_DONE_WINDOW = 16


class EventSplitter:
    """Cuts a byte stream into complete frames, wherever the chunks happen to end.

    >>> splitter = EventSplitter()
    >>> splitter.feed(b"data: 1"), splitter.feed(b"\\n\\ndata: 2\\n\\nda")
    ([], [b'data: 1\\n\\n', b'data: 2\\n\\n'])
    >>> splitter.flush()
    b'da'
    """

    __slots__ = ("_pieces", "_tail", "pending_bytes")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._tail = b""
        self.pending_bytes = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The frames that `chunk` completed, in order. A lone CR at its end waits for the next byte."""
        if not self._pieces:
            if chunk.endswith(b"\n\n") and b"\r" not in chunk and b"\n\n\n" not in chunk:
                # The usual case, at a fifth of the regular expression's time.
                return [frame + b"\n\n" for frame in chunk[:-2].split(b"\n\n")]
        elif not _BLANK_LINE.search(recent := self._tail + chunk):
            # A frame that arrives in many chunks is searched and joined once, not once per chunk.
            self._keep(chunk, recent)
            return []
        pending, searched = b"".join((*self._pieces, chunk)), max(0, self.pending_bytes - _LONGEST_BLANK_LINE)
        frames = []
        start = 0
        for end in _BLANK_LINE.finditer(pending, searched):
            frames.append(pending[start : end.end()])
            start = end.end()
        self.flush()
        if rest := pending[start:]:
            self._keep(rest, rest)
        return frames

    def _keep(self, piece: bytes, recent: bytes) -> None:
        self._pieces.append(piece)
        self._tail = recent[-_LONGEST_BLANK_LINE:]
        self.pending_bytes += len(piece)

    @property
    def pending(self) -> bool:
        """Whether a frame has begun and not ended."""
        return bool(self._pieces)

    def flush(self) -> bytes:
        """The bytes of a frame that was never completed; empty where the stream ended cleanly."""
        rest = b"".join(self._pieces)
        self._pieces, self._tail, self.pending_bytes = [], b"", 0
        return rest


class DoneWatcher:
    """Says whether `data: [DONE]` went by, without cutting the stream into frames."""

    __slots__ = ("_tail", "done")

    def __init__(self) -> None:
        self._tail = b"\n"
        self.done = False

    def feed(self, chunk: bytes) -> None:
        recent = self._tail + chunk
        # The plain search spares all chunks but the last the regular expression, which is 20 times slower.
        if b"[DONE]" in recent and _DONE.search(recent):
            self.done = True
        self._tail = recent[-_DONE_WINDOW:]


def data_of(frame: bytes) -> bytes | None:
    """The event's data, its lines joined by LF; None for a comment or an event without data."""
    lines = []
    for line in frame.removeprefix(_BYTE_ORDER_MARK).splitlines():
        field, _, value = line.partition(b":")
        if field == b"data":
            lines.append(value[1:] if value.startswith(b" ") else value)
    return b"\n".join(lines) if lines else None


def find_usage(frame: bytes) -> Mapping[str, Any] | None:
    """The `usage` object of the one event that carries it; None for every other.

    Found by a byte search (0.15 µs) so that only that event is parsed: a quote inside generated text is escaped and
    cannot match, and `"usage": null`, which some servers put in each event, does not.
    """
    if b'"usage":{' not in frame and b'"usage": {' not in frame:
        return None
    try:
        document = orjson.loads(data_of(frame) or b"null")
    except orjson.JSONDecodeError:
        return None
    usage = document.get("usage") if isinstance(document, dict) else None
    return usage if isinstance(usage, dict) else None
