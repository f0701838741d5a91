"""Google's Gemini API (`generativelanguage`, v1beta) in its own words, for callers who speak OpenAI's."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from greatrouter_serving.call import Call, Reply, Target
from greatrouter_serving.errors import UpstreamFailed, UpstreamRejected
from greatrouter_serving.providers.faults import lost_connection
from greatrouter_serving.providers.gemini_answer import completion, searches_in
from greatrouter_serving.providers.gemini_embeddings import batches_of, embeddings_document, texts_of
from greatrouter_serving.providers.gemini_images import (
    count_of,
    image_document,
    image_request,
    imagen_document,
    imagen_request,
    is_imagen,
)
from greatrouter_serving.providers.gemini_request import chat_request
from greatrouter_serving.providers.gemini_stream import CompletionStream
from greatrouter_serving.providers.legacy_functions import (
    as_functions,
    asks_with_functions,
    chunks_as_functions,
    with_tools,
)
from greatrouter_serving.providers.payload import (
    CHAT,
    EMBEDDINGS,
    IMAGE_EDITS,
    IMAGES,
    Endpoint,
    endpoint_of,
    to_json,
)
from greatrouter_serving.providers.transport import MAX_ANSWER_BYTES, MAX_BYTES_IN_LOOP, MAX_CHAT_BYTES, Transport
from greatrouter_serving.providers.usage import usage_of

# How long the end of the body may lag behind the last finishReason before the answer is taken as it is.
_END_AFTER_FINISH_S = 0.5
# 400s that blame our account or where we stand, so another provider may well answer.
_ABOUT_US = re.compile(r"location is not supported|not available in your country|enable billing", re.I)
_ANSWER_KEYS = ("candidates", "promptFeedback")


class GeminiProvider:
    """A `Provider` over Gemini's own API.

    `base_url` holds the version segment (`https://generativelanguage.googleapis.com/v1beta`). The key goes in a header,
    never into an address, where proxies would log it. The session is shared and stays open: whoever opened it closes
    it. `clock` gives the seconds since 1970 for `created`.
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
        key = {"x-goog-api-key": api_key} if api_key else {}
        self._transport = Transport(name, session, {**key, **(headers or {})}, api_key)
        self._base_url = base_url.rstrip("/")
        self._clock = clock

    async def call(self, target: Target, call: Call, timeout_s: float) -> Reply:
        """Raises UpstreamFailed, UpstreamRejected, or InvalidInput where the input cannot be sent at all."""
        endpoint = self._endpoint(call)
        model = target.upstream_model
        try:
            async with asyncio.timeout(timeout_s):
                if endpoint is EMBEDDINGS:
                    return await self._embeddings(model, call, timeout_s)
                if endpoint is IMAGES or endpoint is IMAGE_EDITS:
                    return await self._images(endpoint, model, call, timeout_s)
                return await self._chat(model, call, timeout_s)
        except TimeoutError as error:
            raise lost_connection(self.name, error, timeout_s) from error

    async def stream(self, target: Target, call: Call, timeout_s: float) -> AsyncGenerator[bytes, None]:
        """A chat answer as OpenAI's event stream, one piece per socket read at most, usage always included.

        Nothing is yielded before the first content, so that a failure can still go to the next model; `timeout_s`
        limits that wait, and then each wait between two reads. A stream that breaks off or ends without its reason to
        end raises UpstreamFailed after what it gave, and after the usage that Gemini had counted by then. Closing the
        generator closes the connection, so use it under `contextlib.aclosing`.
        """
        endpoint = self._endpoint(call)
        if endpoint is not CHAT:
            raise UpstreamFailed(f"{self.name} streams chat only, not {endpoint.operation}")
        model = target.upstream_model
        request = chat_request(self.name, model, with_tools(call))
        by_functions = asks_with_functions(call)
        candidates = request.get("generationConfig", {}).get("candidateCount", 1)
        chunks = CompletionStream(
            self.name,
            model,
            int(self._clock()),
            self._transport.parse,
            MAX_CHAT_BYTES,
            candidates if isinstance(candidates, int) else 1,
        )
        response, piece = await self._begin(model, to_json(request), chunks, timeout_s)
        try:
            while piece:
                yield chunks_as_functions(piece) if by_functions else piece
                piece = await self._next(response, chunks, timeout_s)
        finally:
            response.close()

    async def close(self) -> None:
        """Nothing of its own is open."""

    def _endpoint(self, call: Call) -> Endpoint:
        endpoint = endpoint_of(call)
        if endpoint not in (CHAT, EMBEDDINGS, IMAGES, IMAGE_EDITS):
            raise UpstreamFailed(f"{self.name} has no {endpoint.operation} endpoint in Gemini's API")
        return endpoint

    async def _chat(self, model: str, call: Call, timeout_s: float) -> Reply:
        request = chat_request(self.name, model, with_tools(call))
        body = await self._post(model, "generateContent", request, timeout_s, MAX_CHAT_BYTES)
        return await _in_thread_if_large(self._completion, model, call, body)

    def _completion(self, model: str, call: Call, body: bytes) -> Reply:
        document = self._transport.parse(body, _ANSWER_KEYS)
        answer, usage = completion(self.name, model, document, int(self._clock()))
        if asks_with_functions(call):
            answer["choices"] = [as_functions(choice) for choice in answer["choices"]]
        return Reply(orjson.dumps(answer), replace(usage, searches=searches_in(document, model)))

    async def _embeddings(self, model: str, call: Call, timeout_s: float) -> Reply:
        texts = texts_of(call)
        batches = batches_of(_path_of(model), texts, call.input)
        bodies = await _together(self._post(model, "batchEmbedContents", batch, timeout_s) for batch in batches)

        def reply(*bodies: bytes) -> Reply:
            answers = [self._transport.parse(body, ("embeddings",)) for body in bodies]
            document = embeddings_document(self.name, model, call, texts, answers)
            return Reply(orjson.dumps(document), usage_of(EMBEDDINGS, call, document))

        return await _in_thread_if_large(reply, *bodies)

    async def _images(self, endpoint: Endpoint, model: str, call: Call, timeout_s: float) -> Reply:
        created = int(self._clock())
        if is_imagen(model):
            if endpoint is IMAGE_EDITS:
                raise UpstreamFailed(f"{self.name} has no image edit endpoint for Imagen in Gemini's API")
            asked = [self._post(model, "predict", imagen_request(call), timeout_s)]
        else:
            request = image_request(call)
            asked = [self._post(model, "generateContent", request, timeout_s) for _ in range(count_of(call))]

        def reply(*bodies: bytes) -> Reply:
            if is_imagen(model):
                document = imagen_document(self.name, self._transport.parse(bodies[0]), created)
            else:
                answers = [self._transport.parse(body, _ANSWER_KEYS) for body in bodies]
                document = image_document(self.name, answers, created)
            return Reply(orjson.dumps(document), usage_of(endpoint, call, document))

        return await _in_thread_if_large(reply, *await _together(asked))

    async def _post(
        self,
        model: str,
        method: str,
        request: Mapping[str, Any],
        timeout_s: float,
        limit_bytes: int = MAX_ANSWER_BYTES,
    ) -> bytes:
        url = _url(self._base_url, model, method)
        try:
            body, _ = await self._transport.send("POST", url, timeout_s, to_json(request), limit_bytes)
        except UpstreamRejected as error:
            self._raise_if_about_us(error)
            raise
        return body

    async def _begin(
        self, model: str, body: bytes, chunks: CompletionStream, timeout_s: float
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        """The open response and the first chunks that show something."""
        url = _url(self._base_url, model, "streamGenerateContent?alt=sse")
        try:
            async with asyncio.timeout(timeout_s):
                response, piece = await self._transport.open_stream(url, body, timeout_s)
                try:
                    return response, chunks.feed(piece) or await self._next(response, chunks, timeout_s)
                except BaseException:
                    response.close()
                    raise
        except UpstreamRejected as error:
            self._raise_if_about_us(error)
            raise
        except TimeoutError as error:
            raise lost_connection(self.name, error, timeout_s) from error

    async def _next(self, response: aiohttp.ClientResponse, chunks: CompletionStream, timeout_s: float) -> bytes:
        """The next chunks, or none after the last. Raises UpstreamFailed where there should have been more."""
        while chunks.fault is None and not chunks.ended:
            try:
                piece = await _read(response, chunks.finished)
            except (aiohttp.ClientError, TimeoutError) as error:
                made = chunks.fail(lost_connection(self.name, error, timeout_s))
            else:
                made = chunks.feed(piece) if piece else chunks.end()
            if made:
                return made
        if chunks.fault is not None:
            raise chunks.fault
        return b""

    def _raise_if_about_us(self, error: UpstreamRejected) -> None:
        if _ABOUT_US.search(str(error)):
            raise UpstreamFailed(f"{self.name} does not serve our account: {error}", error.status) from error


async def _read(response: aiohttp.ClientResponse, finished: bool) -> bytes:
    """What comes next, nothing at the end."""
    if not finished:
        return await response.content.readany()
    try:
        async with asyncio.timeout(_END_AFTER_FINISH_S):
            return await response.content.readany()
    except (aiohttp.ClientError, TimeoutError):
        # The answer is complete; only its connection is lost.
        return b""


async def _together(requests: Iterable[Awaitable[bytes]]) -> list[bytes]:
    """All answers in order; the first failure cancels the others."""
    tasks: list[asyncio.Future[bytes]] = [asyncio.ensure_future(request) for request in requests]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()


async def _in_thread_if_large(make: Callable[..., Reply], *args: Any) -> Reply:
    size = sum(len(arg) for arg in args if isinstance(arg, bytes))
    return await asyncio.to_thread(make, *args) if size > MAX_BYTES_IN_LOOP else make(*args)


def _path_of(model: str) -> str:
    return model if model.startswith(("models/", "tunedModels/")) else f"models/{model}"


@lru_cache(maxsize=256)
def _url(base_url: str, model: str, method: str) -> URL:
    return URL(f"{base_url}/{quote(_path_of(model), safe='/')}:{method}", encoded=True)
