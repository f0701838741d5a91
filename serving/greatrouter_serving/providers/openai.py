"""Any server that speaks OpenAI's API: the hosted ones, vLLM, Ollama, llama.cpp."""

import asyncio
import base64
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from typing import Any, TypeGuard

import aiohttp
import orjson
from yarl import URL

from greatrouter_serving.call import Call, Reply, Target
from greatrouter_serving.errors import UpstreamFailed
from greatrouter_serving.providers.envelope import sound_document, text_document
from greatrouter_serving.providers.faults import lost_connection, malformed
from greatrouter_serving.providers.form import form_body, needs_form
from greatrouter_serving.providers.payload import (
    CHAT,
    EMBEDDINGS,
    ENDPOINTS,
    RERANK,
    SPEECH,
    TRANSCRIPTION,
    VIDEO,
    Endpoint,
    documents_in,
    endpoint_of,
    json_body,
)
from greatrouter_serving.providers.transport import MAX_ANSWER_BYTES, MAX_BYTES_IN_LOOP, MAX_CHAT_BYTES, Transport
from greatrouter_serving.providers.usage import usage_of
from greatrouter_serving.providers.video import make_video
from greatrouter_serving.sse import EndWatcher

# How long the end of the body may lag behind [DONE] before the connection is given up rather than reused.
_END_AFTER_DONE_S = 0.5
_PLAIN_TEXT_FORMATS = frozenset({"text", "srt", "vtt"})


class OpenAIProvider:
    """A `Provider` over one compatible server.

    `base_url` holds the version segment (`https://api.openai.com/v1`). The session is shared and stays open: whoever
    opened it closes it. `headers` go with each request, for servers that want more than a bearer token.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        api_key: str | None,
        session: aiohttp.ClientSession,
        *,
        headers: Mapping[str, str] | None = None,
        poll_interval_s: float = 2.0,
    ) -> None:
        self.name = name
        authorization = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._transport = Transport(name, session, {**authorization, **(headers or {})}, api_key)
        self._urls = {endpoint: URL(base_url.rstrip("/") + endpoint.path) for endpoint in ENDPOINTS if endpoint.path}
        self._poll_interval_s = poll_interval_s

    async def call(self, target: Target, call: Call, timeout_s: float) -> Reply:
        """Raises UpstreamFailed, UpstreamRejected, or InvalidInput where the input cannot be sent at all."""
        endpoint = self._endpoint(call)
        url = self._urls[endpoint]
        model = target.upstream_model
        if needs_form(endpoint, call):
            body, response = await self._transport.send("POST", url, timeout_s, form_body(endpoint, model, call))
        elif endpoint is VIDEO:
            request = json_body(endpoint, model, call)
            body, document = await make_video(self._transport, url, request, timeout_s, self._poll_interval_s)
            return Reply(body, usage_of(endpoint, call, document))
        else:
            limit_bytes = MAX_CHAT_BYTES if endpoint is CHAT else MAX_ANSWER_BYTES
            request = json_body(endpoint, model, call)
            body, response = await self._transport.send("POST", url, timeout_s, request, limit_bytes)
        if endpoint is SPEECH or endpoint is TRANSCRIPTION:
            body = self._enveloped(endpoint, call, body, response.content_type)
        if len(body) > MAX_BYTES_IN_LOOP:
            return await asyncio.to_thread(self._reply, endpoint, call, body)
        return self._reply(endpoint, call, body)

    def _reply(self, endpoint: Endpoint, call: Call, body: bytes) -> Reply:
        """The body as it came, unless its order or names had to be mended."""
        document = self._transport.parse(body, endpoint.answer_keys)
        if endpoint is CHAT:
            self._check_choices(document["choices"])
        sound = _sound(self.name, endpoint, call, document)
        return Reply(body if sound is document else orjson.dumps(sound), usage_of(endpoint, call, document))

    async def stream(self, target: Target, call: Call, timeout_s: float) -> AsyncGenerator[bytes, None]:
        """A chat answer as the raw bytes of its event stream, one piece per socket read, usage always included.

        Until the first event that carries data nothing is yielded, so that a failure can still go to the next model;
        `timeout_s` limits that wait, and then each wait between two reads. A stream that breaks off, or ends before
        `[DONE]` or the last `finish_reason`, raises UpstreamFailed after what it gave; a `[DONE]` that is missing after
        that is added. Closing the generator closes the connection to the server, so use it under `contextlib.aclosing`.
        """
        endpoint = self._endpoint(call)
        if endpoint is not CHAT:
            raise UpstreamFailed(f"{self.name} streams chat only, not {endpoint.operation}")
        request = json_body(CHAT, target.upstream_model, call, stream=True)
        response, piece = await self._transport.open_stream(self._urls[CHAT], request, timeout_s)
        n = call.input.get("n")
        watcher = EndWatcher(n if isinstance(n, int) and n > 0 else 1)
        try:
            while piece:
                watcher.feed(piece)
                if watcher.suspect:
                    for sound in self._transport.until_failure(piece):
                        yield sound
                else:
                    yield piece
                if watcher.done:
                    rest = await _rest_of(response)
                    if rest:
                        yield rest
                    return
                piece = await response.content.readany()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise lost_connection(self.name, error, timeout_s) from error
        finally:
            response.close()
        if not watcher.finished:
            raise UpstreamFailed(f"{self.name} ended its stream without [DONE]: the answer is incomplete")
        yield watcher.missing

    async def close(self) -> None:
        """Nothing of its own is open."""

    def _endpoint(self, call: Call) -> Endpoint:
        endpoint = endpoint_of(call)
        if not endpoint.path:
            raise UpstreamFailed(f"{self.name} has no {endpoint.operation} endpoint: OpenAI's API defines none")
        return endpoint

    def _check_choices(self, choices: object) -> None:
        """Raises UpstreamFailed where they are no answers, or one of them says that it failed, as OpenRouter's do."""
        if not _are_objects(choices):
            raise malformed(self.name, "choices is not a list of objects")
        for choice in choices:
            if choice.get("error") or choice.get("finish_reason") == "error":
                raise self._transport.failure(choice.get("error"))
            if not isinstance(choice.get("message"), dict):
                raise malformed(self.name, "a choice without a message")

    def _enveloped(self, endpoint: Endpoint, call: Call, body: bytes, media_type: str) -> bytes:
        """Sound and subtitles as JSON; a body that is JSON already as it is."""
        asked_format = call.input.get("response_format")
        if endpoint is TRANSCRIPTION:
            return text_document(body) if asked_format in _PLAIN_TEXT_FORMATS else body
        if media_type == "application/json":
            return body
        if not body or media_type.startswith("text/"):
            raise malformed(self.name, f"{len(body)} bytes of {media_type} instead of audio")
        return sound_document(body, media_type, asked_format)


async def _rest_of(response: aiohttp.ClientResponse) -> bytes:
    """What follows `[DONE]`: the blank line that ends its event may come alone. Reading to the end frees the connection
    for the next request; where the end does not come, only the connection is lost."""
    rest = b""
    with suppress(aiohttp.ClientError, TimeoutError):
        async with asyncio.timeout(_END_AFTER_DONE_S):
            while piece := await response.content.readany():
                rest += piece
    return rest


def _sound(name: str, endpoint: Endpoint, call: Call, document: dict[str, Any]) -> dict[str, Any]:
    """`document` itself where its shape holds what its readers rely on, or a mended copy.

    Raises UpstreamFailed, so that a server which answers nonsense is followed by the next.
    """
    if endpoint is EMBEDDINGS:
        return _in_order(name, document, _inputs_sent(call))
    if endpoint is RERANK:
        return _ranked(name, document, len(documents_in(call.input)))
    return document


def _in_order(name: str, document: dict[str, Any], count: int) -> dict[str, Any]:
    """The embeddings in the order of their inputs."""
    rows = document["data"]
    if not _are_objects(rows) or len(rows) != count:
        raise malformed(name, f"data is not a list of {count} objects, one for each input")
    if not all(_is_vector(row.get("embedding")) for row in rows):
        raise malformed(name, "an embedding is neither a list of numbers nor base64")
    places = [place if row.get("index") is None else row["index"] for place, row in enumerate(rows)]
    in_order = list(range(count))
    # 0.0 and false equal 0.
    if any(type(place) is not int for place in places) or sorted(places) != in_order:
        raise malformed(name, f"the embeddings' indices are not 0 to {count - 1}, each once")
    if places == in_order:
        return document
    return {**document, "data": [row for _, row in sorted(zip(places, rows, strict=True), key=lambda pair: pair[0])]}


def _ranked(name: str, document: dict[str, Any], count: int) -> dict[str, Any]:
    """The ranking under `results`, where Voyage says `data`."""
    results = document.get("results") or document.get("data")
    if not _are_objects(results):
        raise malformed(name, "results is not a list of objects")
    indices = [result.get("index") for result in results]
    if not all(type(index) is int and 0 <= index < count for index in indices) or len(set(indices)) < len(indices):
        raise malformed(name, f"the results' indices are not different numbers from 0 to {count - 1}")
    if not _are_numbers([result.get("relevance_score") for result in results]):
        raise malformed(name, "a relevance_score is not a number")
    if document.get("results"):
        return document
    rest = {key: value for key, value in document.items() if key != "data"}
    names = ("index", "relevance_score")
    return {**rest, "results": [{key: result[key] for key in names} for result in results]}


def _inputs_sent(call: Call) -> int:
    """How many vectors are due: one for a text or a list of token ids, else one for each item."""
    given = call.input.get("input")
    return len(given) if isinstance(given, list) and given and not isinstance(given[0], int) else 1


def _are_objects(value: object) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _is_vector(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and _are_numbers(value)
    try:
        return isinstance(value, str) and bool(base64.b64decode(value, validate=True))
    except ValueError:
        return False


def _are_numbers(values: list[Any]) -> bool:
    """Finite ones: orjson reads neither NaN nor infinity. By their types, 15 ns a number: vectors are long."""
    return set(map(type, values)) <= {int, float}
