"""Anthropic's Messages API, and whoever speaks it too."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Callable, Mapping

import aiohttp
import orjson
from yarl import URL

from greatrouter_serving.call import Call, Reply, Target
from greatrouter_serving.errors import UpstreamFailed, UpstreamRejected
from greatrouter_serving.providers.anthropic_answer import completion_of, usage_in
from greatrouter_serving.providers.anthropic_request import messages_body
from greatrouter_serving.providers.anthropic_stream import ChunkStream
from greatrouter_serving.providers.faults import lost_connection
from greatrouter_serving.providers.legacy_functions import (
    as_functions,
    asks_with_functions,
    chunks_as_functions,
    with_tools,
)
from greatrouter_serving.providers.payload import CHAT, endpoint_of
from greatrouter_serving.providers.transport import MAX_BYTES_IN_LOOP, MAX_CHAT_BYTES, Transport

VERSION = "2023-06-01"
# How long the end of the body may lag behind message_stop before the connection is given up rather than reused.
_END_AFTER_STOP_S = 0.5
# Anthropic says 400 where our account, not the request, is at fault.
_ABOUT_OUR_ACCOUNT = re.compile(r"credit balance is too low|API usage limits|spend limit|data retention", re.I)


class AnthropicProvider:
    """A `Provider` over the Messages API, which speaks OpenAI's chat to its callers.

    `base_url` may end in the version segment or before it (`https://api.anthropic.com`). The session is shared and
    stays open: whoever opened it closes it. `headers` go with each request, for instance `anthropic-beta`.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        api_key: str | None,
        session: aiohttp.ClientSession,
        *,
        headers: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        key = {"x-api-key": api_key} if api_key else {}
        self._transport = Transport(name, session, {**key, "anthropic-version": VERSION, **(headers or {})}, api_key)
        self._url = URL(base_url.rstrip("/").removesuffix("/v1") + "/v1/messages")
        self._clock = clock

    async def call(self, target: Target, call: Call, timeout_s: float) -> Reply:
        """Raises UpstreamFailed, UpstreamRejected, or InvalidInput where the input cannot be sent at all."""
        endpoint = endpoint_of(call)
        if endpoint is not CHAT:
            raise UpstreamFailed(f"{self.name} has no {endpoint.operation} endpoint: Anthropic's API defines none")
        request = messages_body(target.upstream_model, with_tools(call))
        try:
            body, _ = await self._transport.send("POST", self._url, timeout_s, request, MAX_CHAT_BYTES)
        except UpstreamRejected as refusal:
            self._raise_if_about_us(refusal)
            raise
        if len(body) > MAX_BYTES_IN_LOOP:
            return await asyncio.to_thread(self._reply, target, call, body)
        return self._reply(target, call, body)

    def _reply(self, target: Target, call: Call, body: bytes) -> Reply:
        document = self._transport.parse(body)
        completion = completion_of(self.name, document, target.upstream_model, int(self._clock()))
        if asks_with_functions(call):
            completion["choices"] = [as_functions(choice) for choice in completion["choices"]]
        return Reply(orjson.dumps(completion), usage_in(completion["usage"]))

    async def stream(self, target: Target, call: Call, timeout_s: float) -> AsyncGenerator[bytes, None]:
        """A chat answer as OpenAI's event stream, one piece per socket read, usage always included.

        Until there is content nothing is yielded, so that a failure can still go to the next model; `timeout_s` limits
        that wait, and then each wait between two reads. A stream that breaks off, holds an error or ends without
        message_stop raises UpstreamFailed after what it gave and its usage up to there. Closing the generator closes
        the connection to the server, so use it under `contextlib.aclosing`.
        """
        endpoint = endpoint_of(call)
        if endpoint is not CHAT:
            raise UpstreamFailed(f"{self.name} streams chat only, not {endpoint.operation}")
        request = messages_body(target.upstream_model, with_tools(call), stream=True)
        by_functions = asks_with_functions(call)
        chunks = ChunkStream(self.name, target.upstream_model, int(self._clock()), self._transport.parse)
        response, given = await self._open(request, chunks, timeout_s)
        try:
            while True:
                if given:
                    yield chunks_as_functions(given) if by_functions else given
                if chunks.failure:
                    raise chunks.failure
                if chunks.done:
                    await _await_end(response)
                    return
                given = await self._next(response, chunks, timeout_s)
        finally:
            response.close()

    async def close(self) -> None:
        """Nothing of its own is open."""

    async def _open(
        self, request: bytes, chunks: ChunkStream, timeout_s: float
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        """The open response and its first chunks."""
        try:
            async with asyncio.timeout(timeout_s):
                response, piece = await self._transport.open_stream(self._url, request, timeout_s)
                try:
                    given = chunks.feed(piece)
                    while not given:
                        if chunks.failure:
                            raise chunks.failure
                        given = await self._next(response, chunks, timeout_s)
                    return response, given
                except BaseException:
                    response.close()
                    raise
        except UpstreamRejected as refusal:
            self._raise_if_about_us(refusal)
            raise
        except TimeoutError as error:
            raise lost_connection(self.name, error, timeout_s) from error

    async def _next(self, response: aiohttp.ClientResponse, chunks: ChunkStream, timeout_s: float) -> bytes:
        try:
            piece = await response.content.readany()
        except (aiohttp.ClientError, TimeoutError) as error:
            return chunks.fail(lost_connection(self.name, error, timeout_s))
        if not piece:
            incomplete = f"{self.name} ended its stream without message_stop: the answer is incomplete"
            return chunks.fail(UpstreamFailed(incomplete))
        return chunks.feed(piece)

    def _raise_if_about_us(self, refusal: UpstreamRejected) -> None:
        if refusal.status == 400 and _ABOUT_OUR_ACCOUNT.search(str(refusal)):
            words = f"{self.name} wants its account funded or changed (status 400)"
            raise UpstreamFailed(words, refusal.status) from refusal


async def _await_end(response: aiohttp.ClientResponse) -> None:
    """Reads the end of the body, which frees the connection for the next request."""
    try:
        async with asyncio.timeout(_END_AFTER_STOP_S):
            while await response.content.readany():
                pass
    except (aiohttp.ClientError, TimeoutError):
        # The answer is complete; only its connection is lost.
        return
