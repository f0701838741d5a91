"""`X-GR-Cache-TTL`: the answer to a request that this organization has asked before, word for word."""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from greatrouter_api.errors import ApiError

HEADER = "X-GR-Cache-TTL"
LONGEST_S = 3600
# They change how an answer is handed over or counted, not what it says.
NOT_ASKED = frozenset({"stream", "stream_options", "user", "metadata"})
# Deeper requests are not cached: orjson writes 254 levels.
DEEPEST = 200
# What an entry takes beside its bytes: the key, the objects, their place in the dictionary.
OVERHEAD_BYTES = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """A `chat.completion` as the provider gave it, who gave it, the `greatrouter` object told with it (JSON), and how
    long the provider counted the prompt."""

    document: bytes
    model: str
    provider: str
    greatrouter: bytes = b"{}"
    prompt_tokens: int = 0

    @property
    def size_bytes(self) -> int:
        return len(self.document) + len(self.greatrouter) + OVERHEAD_BYTES


@dataclass(frozen=True, slots=True)
class _Entry:
    answer: Answer
    stored_at: float
    ttl_s: int


def ttl_of(header: str) -> int | None:
    """Seconds; 0 means no cache, None that nothing was said of one. Raises `ApiError` 400.

    >>> ttl_of("60"), ttl_of("0"), ttl_of("")
    (60, 0, None)
    """
    text = header.strip()
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) <= 6 and int(text) <= LONGEST_S:
        return int(text)
    raise ApiError(400, f"{HEADER}: expected whole seconds from 0 (no cache) to {LONGEST_S}", param=HEADER)


class AnswerCache:
    """Least-recently-used answers of one process, owned by one event loop. `clock` counts seconds.

    A hit is charged nothing. Keys are hashed with `secret`, so that no request can be made to collide with another
    organization's, and no prompt is kept in memory for its own sake.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        max_bytes: int = 64 * 1024 * 1024,
        max_entries: int = 10_000,
        max_entry_bytes: int = 2 * 1024 * 1024,
        secret: bytes = b"",
    ) -> None:
        self._clock = clock
        self._max_bytes = max_bytes
        self._max_entries = max_entries
        self._max_entry_bytes = max_entry_bytes
        self._secret = secret or secrets.token_bytes(32)
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._size_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    def key(self, organization_id: str, endpoint: str, request: Mapping[str, Any], *, test: bool) -> bytes | None:
        """What an answer is kept under; streamed or not makes no difference. None where the request nests too deep."""
        asked = {name: value for name, value in request.items() if name not in NOT_ASKED and value is not None}
        try:
            whole = [organization_id, test, endpoint, _canonical(asked, DEEPEST)]
            text = orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)
        except (RecursionError, orjson.JSONEncodeError):
            return None
        return hashlib.blake2b(text, key=self._secret, digest_size=32).digest()

    def get(self, key: bytes | None, ttl_s: int) -> Answer | None:
        """The answer, unless it is older than `ttl_s` or than whoever stored it allowed."""
        entry = self._entries.get(key) if key and ttl_s else None
        if key is None or entry is None:
            return None
        age_s = self._clock() - entry.stored_at
        if age_s >= entry.ttl_s:
            self._drop(key)
            return None
        if age_s >= ttl_s:
            return None
        self._entries.move_to_end(key)
        return entry.answer

    def put(self, key: bytes | None, ttl_s: int, answer: Answer) -> bool:
        """Whether it was kept: not with a `ttl_s` of 0, not where it is too large."""
        if key is None or not ttl_s or answer.size_bytes > min(self._max_entry_bytes, self._max_bytes):
            return False
        if key in self._entries:
            self._drop(key)
        self._entries[key] = _Entry(answer, self._clock(), ttl_s)
        self._size_bytes += answer.size_bytes
        while self._size_bytes > self._max_bytes or len(self._entries) > self._max_entries:
            self._drop(next(iter(self._entries)))
        return True

    def _drop(self, key: bytes) -> None:
        self._size_bytes -= self._entries.pop(key).answer.size_bytes


def _canonical(value: Any, levels: int) -> Any:
    """With 1.0 as 1: JSON does not tell them apart, and clients write both."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, list | Mapping):
        return value
    if not levels:
        raise RecursionError
    if isinstance(value, list):
        return [_canonical(item, levels - 1) for item in value]
    return {name: _canonical(item, levels - 1) for name, item in value.items()}
