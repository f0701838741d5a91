"""Any server that speaks OpenAI's API: the hosted ones, vLLM, Ollama, llama.cpp."""

import asyncio
from collections.abc import AsyncGenerator, Mapping

import aiohttp
from yarl import URL

from greatrouter_serving.call import Call, Reply, Target
from greatrouter_serving.errors import UpstreamFailed
from greatrouter_serving.providers.envelope import sound_document, text_document
from greatrouter_serving.providers.faults import lost_connection, malformed
from greatrouter_serving.providers.form import form_body, needs_form
from greatrouter_serving.providers.payload import (
    CHAT,
    ENDPOINTS,
    SPEECH,
    TRANSCRIPTION,
    VIDEO,
    Endpoint,
    endpoint_of,
    json_body,
)
from greatrouter_serving.providers.transport import Transport
from greatrouter_serving.providers.usage import usage_of
from greatrouter_serving.providers.video import make_video
from greatrouter_serving.sse import DoneWatcher

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
            body, response = await self._transport.send("POST", url, timeout_s, json_body(endpoint, model, call))
        if endpoint is SPEECH or endpoint is TRANSCRIPTION:
            body = self._enveloped(endpoint, call, body, response.content_type)
        document = self._transport.parse(body, endpoint.answer_keys)
        return Reply(body, usage_of(endpoint, call, document))

    async def stream(self, target: Target, call: Call, timeout_s: float) -> AsyncGenerator[bytes, None]:
        """A chat answer as the raw bytes of its event stream, one piece per socket read, usage always included.

        Until the first event that carries data nothing is yielded, so that a failure can still go to the next model;
        `timeout_s` limits that wait, and then each wait between two reads. A stream that breaks off or ends without
        `[DONE]` raises UpstreamFailed after what it gave. Closing the generator closes the connection to the server, so
        use it under `contextlib.aclosing`.
        """
        endpoint = self._endpoint(call)
        if endpoint is not CHAT:
            raise UpstreamFailed(f"{self.name} streams chat only, not {endpoint.operation}")
        request = json_body(CHAT, target.upstream_model, call, stream=True)
        response, piece = await self._transport.open_stream(self._urls[CHAT], request, timeout_s)
        watcher = DoneWatcher()
        try:
            while piece:
                watcher.feed(piece)
                yield piece
                if watcher.done:
                    await _await_end(response)
                    return
                piece = await response.content.readany()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise lost_connection(self.name, error, timeout_s) from error
        finally:
            response.close()
        raise UpstreamFailed(f"{self.name} ended its stream without [DONE]: the answer is incomplete")

    async def close(self) -> None:
        """Nothing of its own is open."""

    def _endpoint(self, call: Call) -> Endpoint:
        endpoint = endpoint_of(call)
        if not endpoint.path:
            raise UpstreamFailed(f"{self.name} has no {endpoint.operation} endpoint: OpenAI's API defines none")
        return endpoint

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


async def _await_end(response: aiohttp.ClientResponse) -> None:
    """Reads the end of the body, which frees the connection for the next request."""
    try:
        async with asyncio.timeout(_END_AFTER_DONE_S):
            while await response.content.readany():
                pass
    except (aiohttp.ClientError, TimeoutError):
        # The answer is complete; only its connection is lost.
        return
