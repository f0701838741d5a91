"""Replicate: predictions whose files are pictures, films, music or speech."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from greatrouter_serving.providers.replicate import ReplicateProvider
from greatrouter_serving.providers.session import open_session
from tests.serving.fake_provider import Answer, FakeServer, fake_server, json_answer
from tests.serving.peers.peer import Peer

KEY = "r8_0123456789abcdef0123456789abcdef012"
FILES = "https://replicate.delivery/xezq/abc/"


def prediction(status: str, **fields: Any) -> dict[str, Any]:
    """As the API writes it; the addresses are the real ones, which no test may ever reach."""
    return {
        "id": "rrr4z55ocneqzikepnug6xezpe",
        "model": "lab/small",
        "version": "hidden",
        "input": {},
        "logs": "",
        "output": None,
        "data_removed": False,
        "error": None,
        "status": status,
        "created_at": "2025-01-01T00:00:00.000Z",
        "urls": {
            "cancel": "https://api.replicate.com/v1/predictions/rrr4z55ocneqzikepnug6xezpe/cancel",
            "get": "https://api.replicate.com/v1/predictions/rrr4z55ocneqzikepnug6xezpe",
            "stream": "https://stream.replicate.com/v1/files/rrr4z55ocneqzikepnug6xezpe",
        },
        **fields,
    }


def life(output: Any, **metrics: float) -> tuple[Answer, ...]:
    done = {"output": output, "metrics": {"predict_time": 1.5, "total_time": 2.0, **metrics}}
    return (
        json_answer(prediction("starting"), 201),
        json_answer(prediction("processing")),
        json_answer(prediction("succeeded", **done)),
    )


@asynccontextmanager
async def replicate(*answers: Answer) -> AsyncIterator[tuple[ReplicateProvider, FakeServer]]:
    async with fake_server(*answers) as server, open_session() as session:
        host = server.url.removesuffix("/v1")
        provider = ReplicateProvider("replicate", host, KEY, session, poll_interval_s=0.001, grace_s=0.2)
        yield provider, server
        await provider.close()


def refusal(status: int, message: str) -> Answer:
    return json_answer({"title": "Request refused", "detail": message, "status": status}, status)


PEER = Peer(
    name="replicate",
    open=replicate,
    answers={
        "image": life([f"{FILES}out-0.webp"], image_output_count=1),
        "image_edit": life(f"{FILES}output.png", image_output_count=1),
        "image_edit_url": life(f"{FILES}output.png"),
        "video": life(f"{FILES}output.mp4", video_output_duration_seconds=5.0),
        "music": life(f"{FILES}music.mp3", audio_output_duration_seconds=8.0),
        "speech": life(f"{FILES}speech.wav"),
    },
    refusal=refusal,
)
