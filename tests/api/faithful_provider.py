"""A provider that answers every operation of OpenAI's API with a document as its documentation shows it."""

import base64
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from greatrouter_api.settings import ModelSettings
from tests.api.conftest import DONE, LARGE, SMALL, USAGE, WORDS, Events

MODELS = [
    SMALL,
    LARGE,
    ModelSettings(id="lab/embed", task="embeddings", input_per_million_tokens=Decimal("0.02")),
    ModelSettings(id="lab/rank", task="rerank", price_per_search=Decimal("0.002")),
    ModelSettings(id="lab/draw", task="image", price_per_image=Decimal("0.01")),
    ModelSettings(id="lab/voice", task="speech", price_per_million_characters=Decimal(15)),
]
USED = {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}


def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
    return 200, ANSWERS[path.removeprefix("/v1")](body)


def _chat(body: dict[str, Any]) -> Any:
    if body.get("stream"):
        return Events((*WORDS, USAGE, DONE))
    message = {"role": "assistant", "content": "Hello!", "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1_735_689_600, "model": body["model"]}
    return {**head, "choices": [choice], "usage": USED}


def _embeddings(body: dict[str, Any]) -> Any:
    given = body["input"]
    count = len(given) if isinstance(given, list) and not isinstance(given[0], int) else 1
    data = [{"object": "embedding", "index": i, "embedding": [0.5, -0.25]} for i in range(count)]
    return {"object": "list", "data": data, "model": body["model"], "usage": {"prompt_tokens": 8, "total_tokens": 8}}


def _rerank(body: dict[str, Any]) -> Any:
    results = [{"index": i, "relevance_score": 1 / (i + 2)} for i in range(len(body["documents"]))]
    return {"id": "r1", "results": results[: body.get("top_n")], "meta": {"billed_units": {"search_units": 1}}}


def _image(body: dict[str, Any]) -> Any:
    return {"created": 1_735_689_600, "data": [{"b64_json": base64.b64encode(b"picture").decode()}]}


def _speech(body: dict[str, Any]) -> Any:
    return {"audio": {"data": base64.b64encode(b"sound").decode(), "format": "mp3"}}


ANSWERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "/chat/completions": _chat,
    "/embeddings": _embeddings,
    "/rerank": _rerank,
    "/images/generations": _image,
    "/images/edits": _image,
    "/audio/speech": _speech,
}
