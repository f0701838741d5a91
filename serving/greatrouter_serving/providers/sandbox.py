"""Answers for test keys: offline, free, labelled as what they are, and the same bytes for the same request."""

import base64
import hashlib
import re
from collections.abc import AsyncGenerator, Callable
from decimal import Decimal
from typing import Any

import numpy as np
import orjson

from greatrouter_serving.call import Call, Reply, Target, Usage
from greatrouter_serving.errors import UpstreamFailed
from greatrouter_serving.providers import payload, sandbox_chat
from greatrouter_serving.providers.payload import documents_in, endpoint_of, spoken_text, to_json
from greatrouter_serving.providers.sample_media import gif, png, wav
from greatrouter_serving.providers.sandbox_request import CREATED, NAME, Request
from greatrouter_serving.providers.tokens import estimate_tokens

_MAX_IMAGES = 10
_DIMENSIONS, _MAX_DIMENSIONS = 256, 4096
_SPEECH_NOTES_HZ, _SCALE_HZ = (440,), (262, 294, 330, 392, 440, 523)
# A word of any script, but one character at a time where words are not spaced.
_UNSPACED = "\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")


class SandboxProvider:
    """The `Provider` behind every proxied model for test keys. No network; 0.2 ms at most, 2 ms for the first sound."""

    name = NAME

    async def call(self, target: Target, call: Call, timeout_s: float) -> Reply:
        """Raises InvalidInput where a real provider could not be asked either."""
        document, usage = _ANSWERS[endpoint_of(call)](Request.of(target, call))
        return Reply(orjson.dumps(document), usage)

    async def stream(self, target: Target, call: Call, timeout_s: float) -> AsyncGenerator[bytes, None]:
        """The same answer word by word, in OpenAI's chunks, then the usage and `[DONE]`."""
        endpoint = endpoint_of(call)
        if endpoint is not payload.CHAT:
            raise UpstreamFailed(f"{NAME} streams chat only, not {endpoint.operation}")
        for chunk in sandbox_chat.chunks(Request.of(target, call)):
            yield b"data: " + orjson.dumps(chunk) + b"\n\n"
        yield b"data: [DONE]\n\n"

    async def close(self) -> None:
        """Nothing is open."""


def _image(request: Request) -> tuple[dict[str, Any], Usage]:
    fields = request.call.input
    count = _whole_number(fields.get("n"), 1, _MAX_IMAGES)
    encoded = _base64(png(_colour(request.digest)))
    image = (
        {"url": f"data:image/png;base64,{encoded}"} if fields.get("response_format") == "url" else {"b64_json": encoded}
    )
    data = [{**image, "revised_prompt": request.label}] * count
    usage = Usage(prompt_tokens=estimate_tokens(request.call.prompt), images=count)
    counts = {"input_tokens": usage.prompt_tokens, "output_tokens": 0, "total_tokens": usage.prompt_tokens}
    return request.stamped(created=CREATED, output_format="png", data=data, usage=counts), usage


def _speech(request: Request) -> tuple[dict[str, Any], Usage]:
    text = spoken_text(request.call)
    return _sound(request, wav(_SPEECH_NOTES_HZ, 0.4)), Usage(characters=len(text))


def _music(request: Request) -> tuple[dict[str, Any], Usage]:
    notes = [_SCALE_HZ[byte % len(_SCALE_HZ)] for byte in request.digest[:4]]
    return _sound(request, wav(notes, 0.2)), Usage(seconds=Decimal("0.8"))


def _sound(request: Request, sound: bytes) -> dict[str, Any]:
    return request.stamped(audio={"data": _base64(sound), "format": "wav"}, text=request.label)


def _transcription(request: Request) -> tuple[dict[str, Any], Usage]:
    usage = Usage(completion_tokens=estimate_tokens(request.label))
    counts = {"type": "tokens", "input_tokens": 0, "output_tokens": usage.completion_tokens}
    return request.stamped(text=request.label, usage={**counts, "total_tokens": usage.completion_tokens}), usage


def _video(request: Request) -> tuple[dict[str, Any], Usage]:
    seconds = _whole_number(request.call.input.get("seconds"), 4, 60)
    document = request.stamped(
        object="video",
        status="completed",
        progress=100,
        created_at=CREATED,
        completed_at=CREATED,
        seconds=str(seconds),
        size="16x16",
        prompt=request.label,
        error=None,
        data=[{"b64_json": _base64(gif(_colour(request.digest))), "mime_type": "image/gif"}],
    )
    return document, Usage(seconds=Decimal(seconds))


def _embeddings(request: Request) -> tuple[dict[str, Any], Usage]:
    fields = request.call.input
    given = fields.get("input")
    inputs = _texts_or_tokens(request.call.prompt if given is None else given)
    dimensions = _whole_number(fields.get("dimensions"), _DIMENSIONS, _MAX_DIMENSIONS)
    as_base64 = fields.get("encoding_format") == "base64"
    data = []
    for index, item in enumerate(inputs):
        vector = _vector(item, dimensions)
        embedding = _base64(vector.astype("<f4").tobytes()) if as_base64 else vector.tolist()
        data.append({"object": "embedding", "index": index, "embedding": embedding})
    usage = Usage(prompt_tokens=sum(estimate_tokens(i) if isinstance(i, str) else len(i) for i in inputs))
    counts = {"prompt_tokens": usage.prompt_tokens, "total_tokens": usage.prompt_tokens}
    return request.stamped(object="list", data=data, usage=counts), usage


def _texts_or_tokens(given: Any) -> list[Any]:
    """One entry per input: strings, or lists of token ids."""
    if not isinstance(given, list) or (given and isinstance(given[0], int)):
        return [given if isinstance(given, list) else str(given)]
    return [item if isinstance(item, (str, list)) else str(item) for item in given]


def _vector(item: Any, dimensions: int) -> "np.ndarray[Any, np.dtype[np.float32]]":
    """A unit vector that depends on the text alone; near texts are no nearer than far ones."""
    noise = hashlib.shake_128(to_json(item)).digest(2 * dimensions)
    vector = np.frombuffer(noise, dtype="<i2").astype(np.float32) + 0.5
    return vector / np.linalg.norm(vector)


def _rerank(request: Request) -> tuple[dict[str, Any], Usage]:
    fields = request.call.input
    documents = [item if isinstance(item, str) else str(item) for item in documents_in(fields)]
    query = str(fields.get("query") or request.call.prompt)
    scores = [_overlap(query, document) for document in documents]
    best_first = sorted(range(len(documents)), key=lambda index: (-scores[index], index))
    with_documents = fields.get("return_documents") is not False
    results = [
        {"index": index, "relevance_score": scores[index]}
        | ({"document": {"text": documents[index]}} if with_documents else {})
        for index in best_first[: _whole_number(fields.get("top_n"), len(documents), len(documents))]
    ]
    usage = Usage(prompt_tokens=estimate_tokens(query) + sum(map(estimate_tokens, documents)), documents=len(documents))
    billed = {"search_units": -(-len(documents) // 100)}
    counts = {"prompt_tokens": usage.prompt_tokens, "total_tokens": usage.prompt_tokens, **billed}
    return request.stamped(results=results, usage=counts, meta={"billed_units": billed}), usage


def _overlap(query: str, document: str) -> float:
    """Dice's coefficient over the two sets of words, 0..1."""
    asked, offered = set(_WORD.findall(query.casefold())), set(_WORD.findall(document.casefold()))
    return round(2 * len(asked & offered) / (len(asked) + len(offered) or 1), 6)


def _whole_number(value: object, default: int, largest: int) -> int:
    """`value`, also as Sora's string, within 1..largest; anything else is the default."""
    # int() refuses more than 4300 digits.
    if isinstance(value, str) and value.isdecimal() and len(value) < 10:
        value = int(value)
    return min(max(value, 1), largest) if type(value) is int else default


def _colour(digest: bytes) -> tuple[int, int, int]:
    return digest[0], digest[1], digest[2]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


_ANSWERS: dict[payload.Endpoint, Callable[[Request], tuple[dict[str, Any], Usage]]] = {
    payload.CHAT: sandbox_chat.completion,
    payload.IMAGES: _image,
    payload.IMAGE_EDITS: _image,
    payload.SPEECH: _speech,
    payload.TRANSCRIPTION: _transcription,
    payload.VIDEO: _video,
    payload.MUSIC: _music,
    payload.EMBEDDINGS: _embeddings,
    payload.RERANK: _rerank,
}
