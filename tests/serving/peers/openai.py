"""OpenAI's API and the servers that follow it: chat, images, audio, films, embeddings, and rerank in Cohere's shape."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson

from greatrouter_serving.providers.openai import OpenAIProvider
from greatrouter_serving.providers.session import open_session
from tests.serving.fake_provider import Answer, FakeServer, fake_server, json_answer
from tests.serving.peers.peer import Peer

KEY = "sk-openai-0123456789abcdef"
CHAT = {
    "id": "chatcmpl-9",
    "object": "chat.completion",
    "created": 1735689600,
    "model": "small-2025-01-01",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello there!", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {
        "prompt_tokens": 12,
        "completion_tokens": 4,
        "total_tokens": 16,
        "prompt_tokens_details": {"cached_tokens": 8},
        "completion_tokens_details": {"reasoning_tokens": 1},
    },
}
JOB = {"id": "video_1", "object": "video", "model": "small", "created_at": 1735689600, "seconds": "4", "size": "16x16"}
IMAGE = {
    "created": 1735689600,
    "data": [{"b64_json": "iVBORw0KGgo="}],
    "usage": {
        "input_tokens": 5,
        "output_tokens": 272,
        "total_tokens": 277,
        "input_tokens_details": {"image_tokens": 0, "text_tokens": 5},
    },
}


def chunk(**fields: Any) -> bytes:
    head = {"id": "chatcmpl-9", "object": "chat.completion.chunk", "created": 1735689600, "model": "small-2025-01-01"}
    return b"data: " + orjson.dumps({**head, "usage": None, **fields}) + b"\n\n"


def delta(finish_reason: str | None = None, **fields: str) -> bytes:
    return chunk(choices=[{"index": 0, "delta": fields, "logprobs": None, "finish_reason": finish_reason}])


STREAM = (
    delta(role="assistant", content=""),
    delta(content="Hello"),
    delta(content=" there!"),
    delta("stop"),
    chunk(choices=[], usage=CHAT["usage"]),
    b"data: [DONE]\n\n",
)


@asynccontextmanager
async def openai(*answers: Answer) -> AsyncIterator[tuple[OpenAIProvider, FakeServer]]:
    async with fake_server(*answers) as server, open_session() as session:
        yield OpenAIProvider("lab", server.url, KEY, session, poll_interval_s=0.001), server


def refusal(status: int, message: str) -> Answer:
    kind = "invalid_request_error" if 400 <= status < 500 else "server_error"
    return json_answer({"error": {"message": message, "type": kind, "param": None, "code": None}}, status)


PEER = Peer(
    name="openai",
    open=openai,
    answers={
        **dict.fromkeys(("text", "code", "web_search"), (json_answer(CHAT),)),
        **dict.fromkeys(("image", "image_edit", "image_edit_url", "image_combine"), (json_answer(IMAGE),)),
        "speech": (Answer(b"ID3\x04sound", content_type="audio/mpeg"),),
        "transcription": (json_answer({"text": "good morning", "usage": {"type": "duration", "seconds": 2}}),),
        "video": (
            json_answer({**JOB, "status": "queued", "progress": 0}),
            json_answer({**JOB, "status": "in_progress", "progress": 40}),
            json_answer({**JOB, "status": "completed", "progress": 100}),
            Answer(b"film", content_type="video/mp4"),
        ),
        "embeddings": (
            json_answer(
                {
                    "object": "list",
                    "data": [
                        {"object": "embedding", "index": 0, "embedding": [0.25, 0.5]},
                        {"object": "embedding", "index": 1, "embedding": [0.5, -0.25]},
                    ],
                    "model": "small",
                    "usage": {"prompt_tokens": 2, "total_tokens": 2},
                }
            ),
        ),
        "rerank": (
            json_answer(
                {
                    "id": "rr-1",
                    "results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}],
                    "usage": {"total_tokens": 9},
                }
            ),
        ),
    },
    refusal=refusal,
    stream=STREAM,
)
