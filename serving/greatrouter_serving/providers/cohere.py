"""Cohere's own API, version 2: rerank and embeddings. Its chat is reached through its OpenAI-compatible address."""

import asyncio
import base64
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
import numpy as np
import orjson
from yarl import URL

from greatrouter_serving.call import Call, Reply, Target, Usage
from greatrouter_serving.errors import InvalidInput, ProviderUnreachable, UpstreamFailed, UpstreamRejected
from greatrouter_serving.providers.faults import lost_connection, malformed
from greatrouter_serving.providers.openai import OpenAIProvider
from greatrouter_serving.providers.payload import EMBEDDINGS, RERANK, Endpoint, documents_in, endpoint_of, to_json
from greatrouter_serving.providers.transport import MAX_BYTES_IN_LOOP, Transport
from greatrouter_serving.providers.usage import token_usage

DEFAULT_BASE_URL = "https://api.cohere.com"
MAX_TEXTS_A_CALL = 96
_CALLS_AT_ONCE = 4
_VERSION = re.compile(r"/v[12]$")
# It refuses a request for any field that it does not know, so that what other servers take must not reach it.
_RERANK_FIELDS = ("query", "top_n", "max_tokens_per_doc", "relevant_spans", "priority")
_EMBED_FIELDS = ("input_type", "truncate", "max_tokens", "priority")
# Cohere's own status for a key that it does not accept; elsewhere it would blame the request.
_INVALID_TOKEN = 498
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Embedded:
    vectors: list[list[float]]
    tokens: int
    size_bytes: int


class CohereProvider:
    """A `Provider` over Cohere, or over a server that speaks its protocol.

    `base_url` is the host's (`https://api.cohere.com`), with or without the version; None is Cohere itself. The session
    is shared and stays open: whoever opened it closes it.
    """

    def __init__(
        self,
        name: str,
        base_url: str | None,
        api_key: str | None,
        session: aiohttp.ClientSession,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        root = _VERSION.sub("", (base_url or DEFAULT_BASE_URL).rstrip("/")) + "/v2"
        # Compatible servers are asked for rerank in Cohere's shape, so one adapter knows that shape, not two.
        self._reranker = OpenAIProvider(name, root, api_key, session, headers=headers)
        authorization = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._transport = Transport(name, session, {**authorization, **(headers or {})}, api_key)
        self._embed_url = URL(root + "/embed")

    async def call(self, target: Target, call: Call, timeout_s: float) -> Reply:
        """Raises UpstreamFailed, UpstreamRejected, or InvalidInput where the input cannot be sent at all."""
        endpoint = endpoint_of(call)
        try:
            if endpoint is RERANK:
                return await self._reranker.call(target, _rerank_call(call), timeout_s)
            if endpoint is EMBEDDINGS:
                return await self._embed(target, call, timeout_s)
        except UpstreamRejected as error:
            if error.status == _INVALID_TOKEN:
                # Without its cause: the provider's words may quote a part of the key.
                words = f"{self.name} refused our key (status {error.status})"
                raise ProviderUnreachable(words, error.status) from None
            raise
        raise self._unserved(endpoint)

    async def stream(self, target: Target, call: Call, timeout_s: float) -> AsyncGenerator[bytes, None]:
        """Raises UpstreamFailed: neither rerank nor embeddings come as a stream."""
        endpoint = endpoint_of(call)
        if endpoint in (RERANK, EMBEDDINGS):
            raise UpstreamFailed(f"{self.name} cannot stream {endpoint.operation}")
        raise self._unserved(endpoint)
        yield b""

    async def close(self) -> None:
        """Nothing of its own is open."""

    def _unserved(self, endpoint: Endpoint) -> UpstreamFailed:
        return UpstreamFailed(
            f"{self.name} has no {endpoint.operation} here: kind cohere serves rerank and embeddings; "
            "for Cohere's chat configure kind openai at https://api.cohere.ai/compatibility/v1"
        )

    async def _embed(self, target: Target, call: Call, timeout_s: float) -> Reply:
        texts = _texts(call)
        batches = [texts[at : at + MAX_TEXTS_A_CALL] for at in range(0, len(texts), MAX_TEXTS_A_CALL)]
        fields = _embed_fields(target.upstream_model, call)
        slots = asyncio.Semaphore(_CALLS_AT_ONCE)

        async def embed(batch: list[str]) -> _Embedded:
            async with slots:
                body, _ = await self._transport.send("POST", self._embed_url, timeout_s, to_json(fields(batch)))
            return await _aside(len(body), lambda: self._embedded(body, len(batch)))

        try:
            async with asyncio.timeout(timeout_s), asyncio.TaskGroup() as group:
                tasks = [group.create_task(embed(batch)) for batch in batches]
        except TimeoutError as error:
            raise lost_connection(self.name, error, timeout_s) from error
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures
        parts = [task.result() for task in tasks]
        size_bytes = sum(part.size_bytes for part in parts)
        return await _aside(size_bytes, lambda: _reply(target, parts, call.input.get("encoding_format") == "base64"))

    def _embedded(self, body: bytes, count: int) -> _Embedded:
        """One call's vectors, checked: as many as texts, each a list of numbers."""
        document = self._transport.parse(body, ("embeddings",))
        by_type = document["embeddings"]
        vectors = by_type.get("float") if isinstance(by_type, dict) else None
        if not isinstance(vectors, list) or len(vectors) != count or not all(map(_is_vector, vectors)):
            raise malformed(self.name, f"embeddings.float is not a list of {count} lists of numbers, one for each text")
        meta = document.get("meta")
        billed = meta.get("billed_units") if isinstance(meta, dict) else None
        return _Embedded(vectors, token_usage(billed).prompt_tokens, len(body))


def _rerank_call(call: Call) -> Call:
    """The call with nothing in its input that Cohere does not know; its second version takes strings alone."""
    documents = documents_in(call.input)
    if not all(isinstance(document, str) for document in documents):
        words = "Cohere needs each of documents to be a string or an object with a string text"
        raise InvalidInput(words, "documents")
    given = {name: call.input[name] for name in _RERANK_FIELDS if call.input.get(name) is not None}
    return Call(call.task, call.prompt, {**given, "documents": documents}, call.content_mode, call.request_id)


def _embed_fields(model: str, call: Call) -> Callable[[list[str]], dict[str, Any]]:
    """What to send for a batch of texts."""
    given = {name: call.input[name] for name in _EMBED_FIELDS if call.input.get(name) is not None}
    if call.input.get("dimensions") is not None:
        given["output_dimension"] = call.input["dimensions"]
    fields = {"model": model, "input_type": "search_document", **given, "embedding_types": ["float"]}
    return lambda batch: {**fields, "texts": batch}


def _texts(call: Call) -> list[str]:
    """The texts to embed, under OpenAI's name or Cohere's. Raises InvalidInput for token ids and empty texts."""
    given = call.input.get("input")
    if given is None:
        given = call.input.get("texts")
    if given is None:
        given = call.prompt
    texts = given if isinstance(given, list) else [given]
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise InvalidInput(
            "Cohere needs input to be a text or a list of texts, none of them empty: "
            "its models take no token ids, so send the text they were made from",
            "texts" if call.input.get("input") is None else "input",
        )
    return texts


def _reply(target: Target, parts: list[_Embedded], as_base64: bool) -> Reply:
    """The answer in OpenAI's shape."""
    vectors = [vector for part in parts for vector in part.vectors]
    rows = [
        {"object": "embedding", "index": index, "embedding": _base64(vector) if as_base64 else vector}
        for index, vector in enumerate(vectors)
    ]
    tokens = sum(part.tokens for part in parts)
    counts = {"prompt_tokens": tokens, "total_tokens": tokens}
    document = {"object": "list", "data": rows, "model": target.upstream_model, "usage": counts}
    return Reply(orjson.dumps(document), Usage(prompt_tokens=tokens))


def _base64(vector: list[float]) -> str:
    return base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode("ascii")


def _is_vector(value: object) -> bool:
    """By the types of its numbers, 15 ns each: vectors are long."""
    return isinstance(value, list) and bool(value) and set(map(type, value)) <= {int, float}


async def _aside(size_bytes: int, work: Callable[[], T]) -> T:
    """In a thread where there is so much to read or write that the event loop would stand still."""
    return await asyncio.to_thread(work) if size_bytes > MAX_BYTES_IN_LOOP else work()
