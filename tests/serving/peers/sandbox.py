"""The sandbox, which asks nobody: its answers are its own, and nothing that a server does can reach it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from greatrouter_serving.providers.sandbox import SandboxProvider
from tests.serving.fake_provider import Answer, FakeServer, json_answer
from tests.serving.peers.peer import Peer

KINDS = (
    "text",
    "code",
    "web_search",
    "image",
    "image_edit",
    "image_edit_url",
    "image_combine",
    "speech",
    "transcription",
    "music",
    "video",
    "embeddings",
    "rerank",
)


@asynccontextmanager
async def sandbox(*_: Answer) -> AsyncIterator[tuple[SandboxProvider, FakeServer]]:
    """With a server that is never started and never asked."""
    yield SandboxProvider(), FakeServer(())


def refusal(status: int, message: str) -> Answer:
    return json_answer({"error": {"message": message}}, status)


PEER = Peer(name="sandbox", open=sandbox, answers=dict.fromkeys(KINDS, ()), refusal=refusal, stream=())
