"""Chat answers that arrive piece by piece."""

import json
from collections.abc import AsyncGenerator, Generator
from typing import Self

import httpx2

from greatrouter._errors import APIConnectionError, GreatRouterError, error_from_event, error_from_failure
from greatrouter._wire import Wire
from greatrouter.types import ChatChunk
from greatrouter.types._answer import read

# httpx2 stops at 1 MB an event, but a generated image comes as one event of several.
_MAX_EVENT_BYTES = None


class ChatStream:
    """Iterate it once for the chunks, which are OpenAI's; leaving its `with` block closes the connection.

    A failure in mid-stream raises: what was yielded before it is not the whole answer.
    """

    def __init__(self, response: httpx2.Response, wire: Wire) -> None:
        self._response = response
        self._chunks = _read(response, wire)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ChatChunk:
        return next(self._chunks)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._chunks.close()
        self._response.close()


class AsyncChatStream:
    """`ChatStream` for `async for` and `async with`."""

    def __init__(self, response: httpx2.Response, wire: Wire) -> None:
        self._response = response
        self._chunks = _aread(response, wire)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ChatChunk:
        return await anext(self._chunks)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._chunks.aclose()
        await self._response.aclose()


# Functions rather than methods: a stream that its own generator points back to would, when dropped half read, keep its
# connection open until the garbage collector comes by.


def _read(response: httpx2.Response, wire: Wire) -> Generator[ChatChunk]:
    try:
        for event in httpx2.EventSource(response, _MAX_EVENT_BYTES):
            chunk = _chunk(event, response, wire)
            if chunk is None:
                return
            yield chunk
        raise _cut_short(response)
    except httpx2.RequestError as failure:
        raise _failed(failure, wire) from failure
    finally:
        response.close()


async def _aread(response: httpx2.Response, wire: Wire) -> AsyncGenerator[ChatChunk]:
    try:
        async for event in httpx2.EventSource(response, _MAX_EVENT_BYTES):
            chunk = _chunk(event, response, wire)
            if chunk is None:
                return
            yield chunk
        raise _cut_short(response)
    except httpx2.RequestError as failure:
        raise _failed(failure, wire) from failure
    finally:
        await response.aclose()


def _chunk(event: httpx2.ServerSentEvent, response: httpx2.Response, wire: Wire) -> ChatChunk | None:
    """None at the end of the answer. Raises what the server reports in mid-stream."""
    if event.data == "[DONE]":
        return None
    request_id = response.headers.get("x-request-id")
    try:
        document = json.loads(event.data)
    except (ValueError, RecursionError) as failure:
        raise GreatRouterError(
            "an event of the stream is not JSON; what arrived is not the whole answer, so ask again",
            code="invalid_response",
            request_id=request_id,
        ) from failure
    if event.event == "error" or (isinstance(document, dict) and document.get("error")):
        raise error_from_event(event.data, request_id=request_id, secret=wire.api_key)
    return read(ChatChunk, document)


def _cut_short(response: httpx2.Response) -> APIConnectionError:
    return APIConnectionError(
        "the stream ended before its [DONE]; what arrived is not the whole answer, so ask again",
        request_id=response.headers.get("x-request-id"),
    )


def _failed(failure: httpx2.RequestError, wire: Wire) -> APIConnectionError:
    return error_from_failure(failure, server=wire.server, secret=wire.api_key)
