"""Anthropic's Messages API: chat, with the web search done by its own tool."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from greatrouter_serving.providers.anthropic import AnthropicProvider
from greatrouter_serving.providers.session import open_session
from tests.serving.fake_anthropic import USAGE, error_answer, frames_of, message, messages_answer
from tests.serving.fake_provider import Answer, FakeServer, fake_server
from tests.serving.peers.peer import Peer

PAGE = {"type": "web_search_result", "url": "https://example.org/match", "title": "Match", "encrypted_content": "EqgfC"}
CITATION = {
    "type": "web_search_result_location",
    "url": PAGE["url"],
    "title": PAGE["title"],
    "cited_text": "Home won.",
    "encrypted_index": "Eo8B",
}
SEARCHED = message(
    {"type": "text", "text": "Let me look."},
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "who won"}},
    {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [PAGE]},
    {"type": "text", "text": "Home won.", "citations": [CITATION]},
    usage={**USAGE, "server_tool_use": {"web_search_requests": 1}},
)


@asynccontextmanager
async def open_anthropic(*answers: Answer) -> AsyncIterator[tuple[AnthropicProvider, FakeServer]]:
    async with fake_server(*answers) as server, open_session() as session:
        yield AnthropicProvider("lab", server.url, "sk-secret", session), server


PEER = Peer(
    name="anthropic",
    open=open_anthropic,
    answers={
        "text": (messages_answer(),),
        "code": (messages_answer(),),
        "web_search": (messages_answer(SEARCHED),),
    },
    refusal=error_answer,
    stream=tuple(frames_of(message())),
)
