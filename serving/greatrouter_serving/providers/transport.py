"""HTTP to one provider. aiohttp's errors and the server's refusals become ours here and nowhere else."""

import asyncio
import io
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import aiohttp
import orjson
from multidict import CIMultiDict
from yarl import URL

from greatrouter_serving.errors import UpstreamFailed, UpstreamRejected
from greatrouter_serving.providers.faults import fault_of, lost_connection, malformed, redacted, words_in
from greatrouter_serving.sse import EventSplitter, data_of, is_error

# A 12-second 720p film is about 20 MB; anything larger than this is a fault or an attack.
MAX_ANSWER_BYTES = 64 * 1024 * 1024
# Of text. A picture in a chat answer is a few megabytes.
MAX_CHAT_BYTES = 16 * 1024 * 1024
# orjson holds the interpreter's lock while it parses, in any thread, so only fewer values shorten the pause: 16 MB of
# "[]," took 1.4 s, a string or vectors of that size 20-70 ms. With 20 log-probabilities a token it has 400,000.
MAX_CONTAINERS = 500_000
# What is parsed and checked on the event loop, 4 ms of vectors; larger answers go to a thread.
MAX_BYTES_IN_LOOP = 1024 * 1024
MAX_ERROR_BYTES = 64 * 1024
# aiohttp writes larger bytes in one blocking piece, and warns; a file object goes out in chunks.
_MAX_BYTES_IN_ONE_WRITE = 1024 * 1024
_CONNECT_TIMEOUT_S = 10.0


class Transport:
    """`secret` is the key that must never be seen again: not in a message, whatever the server puts there."""

    def __init__(
        self, name: str, session: aiohttp.ClientSession, headers: Mapping[str, str], secret: str | None
    ) -> None:
        self.name = name
        self._session = session
        self._secret = secret
        # Answers are a few kilobytes: unpacking gzip would cost more than it saves, and delay a stream's first byte.
        common = {"User-Agent": "greatrouter", "Accept-Encoding": "identity", **headers}
        self._headers = CIMultiDict(common)
        self._json_headers = CIMultiDict({**common, "Content-Type": "application/json"})

    async def send(
        self,
        method: str,
        url: URL,
        timeout_s: float,
        data: bytes | aiohttp.FormData | None = None,
        limit_bytes: int = MAX_ANSWER_BYTES,
    ) -> tuple[bytes, aiohttp.ClientResponse]:
        """The body of a 2xx answer and the closed response, whose headers stay readable. `data` as bytes is JSON."""
        headers = self._json_headers if isinstance(data, bytes) else self._headers
        try:
            async with self._session.request(
                method, url, data=_sendable(data), headers=headers, allow_redirects=False, timeout=_limits(timeout_s)
            ) as response:
                if not 200 <= response.status < 300:
                    raise await self._fault(response)
                body = await read_bounded(response, limit_bytes)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise lost_connection(self.name, error, timeout_s) from error
        if body is None:
            raise malformed(self.name, f"more than {limit_bytes // 1024**2} MB")
        return body, response

    def parse(self, body: bytes, answer_keys: tuple[str, ...] = ()) -> dict[str, Any]:
        """A JSON object that is an answer: no `error` in it, and something under one of `answer_keys`."""
        if len(body) > MAX_BYTES_IN_LOOP and body.count(b"[") + body.count(b"{") > MAX_CONTAINERS:
            raise malformed(self.name, f"more than {MAX_CONTAINERS} lists and objects")
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise malformed(self.name, "not JSON" if body else "an empty body") from error
        if not isinstance(document, dict):
            raise malformed(self.name, "JSON, but not an object")
        if document.get("error"):
            raise self.failure(document["error"])
        if answer_keys and all(document.get(key) in (None, []) for key in answer_keys):
            raise malformed(self.name, f"JSON without {' or '.join(answer_keys)}")
        return document

    def failure(self, error: object) -> UpstreamFailed:
        """For an answer that says itself that it failed."""
        words = redacted(words_in(error), self._secret)
        return UpstreamFailed(f"{self.name} answered with an error: {words or 'it does not say which'}")

    def until_failure(self, piece: bytes) -> Iterator[bytes]:
        """A piece of a stream, or what it holds before the event in which the server says that it failed; that is
        raised.

        It is found here for its words, which nobody else can clear of the key. An event that is cut in two is left to
        whoever puts the pieces together.
        """
        seen = 0
        for frame in EventSplitter().feed(piece):
            if failure := self._failure_in(frame):
                if seen:
                    yield piece[:seen]
                raise failure
            seen += len(frame)
        yield piece

    def _failure_in(self, frame: bytes) -> UpstreamFailed | None:
        data = data_of(frame) or b""
        try:
            document = orjson.loads(data)
        except orjson.JSONDecodeError:
            document = data.decode("utf-8", "replace")
        if is_error(frame) or (isinstance(document, dict) and document.get("error")):
            return self.failure(document)
        return None

    async def open_stream(self, url: URL, body: bytes, timeout_s: float) -> tuple[aiohttp.ClientResponse, bytes]:
        """The open response and all its bytes up to the first event with data, which must not be an error.

        `timeout_s` limits the wait for that event, and afterwards each wait between two reads.
        """
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._session.post(
                    url,
                    data=_sendable(body),
                    headers=self._json_headers,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None, sock_read=timeout_s),
                )
                try:
                    if response.status != 200:
                        raise await self._fault(response)
                    return response, await self._first_event(response)
                except BaseException:
                    response.close()
                    raise
        except (aiohttp.ClientError, TimeoutError) as error:
            raise lost_connection(self.name, error, timeout_s) from error

    async def _first_event(self, response: aiohttp.ClientResponse) -> bytes:
        splitter, pieces, size = EventSplitter(), [], 0
        while size <= MAX_CHAT_BYTES and (piece := await response.content.readany()):
            pieces.append(piece)
            size += len(piece)
            for data in filter(None, map(data_of, splitter.feed(piece))):
                if data == b"[DONE]":
                    raise malformed(self.name, "a stream without events")
                # Some servers open a stream with status 200 and say in it that they failed.
                self.parse(data)
                return b"".join(pieces)
        seen = b"".join(pieces)
        if seen.lstrip().startswith(b"{"):
            # Others answer with JSON where they fail, with status 200 too.
            self.parse(seen)
        raise malformed(self.name, "something that is not an event stream" if seen else "an empty stream")

    async def _fault(self, response: aiohttp.ClientResponse) -> UpstreamFailed | UpstreamRejected:
        body = await read_bounded(response, MAX_ERROR_BYTES)
        return fault_of(self.name, response.status, body or b"", self._secret, response.headers)


async def read_bounded(response: aiohttp.ClientResponse, limit_bytes: int) -> bytes | None:
    """The whole body, or None where it is larger than `limit_bytes`; the rest is then left unread."""
    length = response.content_length
    if length is not None and length > limit_bytes:
        return None
    content = response.content
    body = await content.readany()
    if content.at_eof():
        return body
    pieces = [body]
    size = len(body)
    while piece := await content.readany():
        size += len(piece)
        if size > limit_bytes:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _sendable(data: bytes | aiohttp.FormData | None) -> bytes | io.BytesIO | aiohttp.FormData | None:
    return io.BytesIO(data) if isinstance(data, bytes) and len(data) > _MAX_BYTES_IN_ONE_WRITE else data


@lru_cache(maxsize=64)
def _limits(timeout_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(timeout_s, _CONNECT_TIMEOUT_S))
