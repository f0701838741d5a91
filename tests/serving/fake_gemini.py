"""Gemini's API as its documentation shows it: in which shape it answers, fails and streams."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson

from greatrouter_serving.providers.gemini import GeminiProvider
from greatrouter_serving.providers.session import open_session
from tests.serving.fake_gemini_rules import KEY, refusal_of
from tests.serving.fake_provider import Answer, FakeServer, Received, event_answer, fake_server, json_answer

STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
USAGE = {
    "promptTokenCount": 12,
    "candidatesTokenCount": 3,
    "totalTokenCount": 15,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 12}],
}
NOW_S = 1_735_689_600.5


def text(words: str, **fields: Any) -> dict[str, Any]:
    return {"text": words, **fields}


def candidate(*parts: Mapping[str, Any], finish: str | None = "STOP", **fields: Any) -> dict[str, Any]:
    ending = {"finishReason": finish} if finish else {}
    return {"content": {"parts": list(parts), "role": "model"}, **ending, "index": 0, **fields}


def response(*candidates: Mapping[str, Any], usage: Mapping[str, Any] = USAGE, **fields: Any) -> dict[str, Any]:
    found = {"candidates": list(candidates)} if candidates else {}
    head = {"modelVersion": "gemini-2.5-flash", "responseId": "mAitaLmkHPPlz7IPvtfUqQ4"}
    return {**found, "usageMetadata": usage, **head, **fields}


HELLO = response(candidate(text("Hello there!")))


def error_document(status: int, words: str) -> dict[str, Any]:
    details: list[dict[str, Any]] = []
    if status == 429:
        details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "36s"}]
    elif "API key" in words:
        details = [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "API_KEY_INVALID",
                "domain": "googleapis.com",
                "metadata": {"service": "generativelanguage.googleapis.com"},
            }
        ]
    elif "Unknown name" in words:
        violation = {"field": "generation_config", "description": words}
        details = [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}]
    error = {"code": status, "message": words, "status": STATUSES.get(status, "UNKNOWN")}
    return {"error": {**error, "details": details} if details else error}


def error_answer(status: int, words: str) -> Answer:
    return json_answer(error_document(status, words), status)


def frame(document: Mapping[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(document) + b"\r\n\r\n"


def frames(*answers: Mapping[str, Any]) -> tuple[bytes, ...]:
    return tuple(map(frame, answers))


def frames_of(answer: Mapping[str, Any]) -> tuple[bytes, ...]:
    """The answer as Gemini streams it: part by part, the usage so far in each event, the reason to end in the last."""
    events: list[dict[str, Any]] = []
    for found in answer.get("candidates", ()):
        for part in found["content"]["parts"]:
            given = {"content": {"parts": [part], "role": "model"}, "index": found["index"]}
            events.append({**answer, "candidates": [given], "usageMetadata": {"promptTokenCount": 12}})
    if not events:
        return frames(answer)
    ends = [{**found, "content": {"parts": [], "role": "model"}} for found in answer["candidates"]]
    return frames(*events, {**answer, "candidates": ends})


def judged(answer: Answer) -> Answer:
    """The answer, unless Gemini would refuse the request."""

    def reply(request: Received) -> Answer:
        refused = refusal_of(request)
        return error_answer(*refused) if refused else answer

    return replace(answer, reply=reply)


def gemini_answer(document: Mapping[str, Any] = HELLO) -> Answer:
    """The document, whole or as a stream, as the request asks for it."""
    whole = json_answer(document)

    def reply(request: Received) -> Answer:
        refused = refusal_of(request)
        if refused:
            return error_answer(*refused)
        if request.path.endswith("?alt=sse"):
            return event_answer(*frames_of(document))
        # Without alt=sse a stream is one JSON list.
        return json_answer([document]) if "streamGenerateContent" in request.path else whole

    return replace(whole, reply=reply)


@asynccontextmanager
async def open_gemini(*answers: Answer, key: str | None = KEY) -> AsyncIterator[tuple[GeminiProvider, FakeServer]]:
    async with fake_server(*(answers or (gemini_answer(),))) as server, open_session() as session:
        base_url = server.url.removesuffix("/v1") + "/v1beta/"
        yield GeminiProvider("lab", base_url, key, session, clock=lambda: NOW_S), server
