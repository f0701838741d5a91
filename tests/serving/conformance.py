"""The conformance suite's own tools: the peers, the calls, and what a call or a stream comes to."""

import asyncio
import importlib
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from greatrouter_serving.call import Call, Provider, Target
from greatrouter_serving.errors import UpstreamFailed, UpstreamRejected
from tests.serving import peers
from tests.serving.fake_provider import Answer, FakeServer, Received
from tests.serving.peers.peer import Peer

TARGET = Target("lab/small", "lab", "small")
# Replicate's models have owners.
OWNED = Target("lab/small", "lab", "lab/small")
PNG = "iVBORw0KGgo="
DOCUMENTS = ["apples", "pears"]
CALLS = {
    "text": Call("text", "Say hello"),
    "code": Call("code", "Sort a list", {"temperature": 0}),
    "web_search": Call("web_search", "Who won?", {"messages": [{"role": "user", "content": "Who won?"}]}),
    "image": Call("image", "A red boat"),
    "image_edit": Call("image", "Bluer", {"image": PNG}, "edit"),
    "image_edit_url": Call("image", "Bluer", {"image": "https://example.com/boat.png"}, "edit"),
    "image_combine": Call("image", "Join them", {"images": [PNG, PNG]}, "combine"),
    "speech": Call("speech", "Good morning"),
    "transcription": Call("speech", "Write this down", {"file": "UklGRg=="}),
    "music": Call("music", "A waltz"),
    "video": Call("video", "Waves"),
    "embeddings": Call("embeddings", "apple", {"input": ["apple", "pear"]}),
    "rerank": Call("rerank", "fruit", {"query": "apples", "documents": DOCUMENTS}),
}
TASKS = ("text", "code", "web_search", "image", "speech", "music", "video", "embeddings", "rerank")
CHAT_KINDS = frozenset({"text", "code", "web_search"})
FAILURES: tuple[type[UpstreamFailed | UpstreamRejected], ...] = (UpstreamFailed, UpstreamRejected)
IMAGE_KINDS = frozenset({"image", "image_edit", "image_edit_url", "image_combine"})


def collected() -> list[Peer]:
    """The PEER of each module beside `peer.py`."""
    names = sorted(module.name for module in pkgutil.iter_modules(peers.__path__))
    modules = (importlib.import_module(f"{peers.__name__}.{name}") for name in names)
    return [module.PEER for module in modules if hasattr(module, "PEER")]


PEERS = collected()
# The sandbox asks nobody: no server's fault can reach it.
REMOTE = [peer for peer in PEERS if peer.name != "sandbox"]
STREAMING = [peer for peer in REMOTE if peer.stream is not None]


def named(found: list[Peer]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("peer", found, ids=lambda peer: peer.name)


every_peer, every_remote, every_streaming = named(PEERS), named(REMOTE), named(STREAMING)
every_kind = pytest.mark.parametrize(
    ("peer", "kind"), [pytest.param(peer, kind, id=f"{peer.name}-{kind}") for peer in PEERS for kind in peer.answers]
)


def stream_of(peer: Peer) -> tuple[bytes, ...]:
    """The pieces of its good stream."""
    assert peer.stream is not None
    return peer.stream


def target_of(peer: Peer) -> Target:
    return OWNED if peer.name == "replicate" else TARGET


def run(peer: Peer, *answers: Answer, act: Callable[[Any, FakeServer], Awaitable[Any]]) -> Any:
    """What `act` gives, done with the peer's adapter while its server follows the script."""

    async def main() -> Any:
        async with asyncio.timeout(20), peer.open(*answers) as (provider, server):
            return await act(provider, server)

    return asyncio.run(main())


def assert_discreet(peer: Peer, error: Exception) -> None:
    shown = f"{error!s} {error!r}"
    assert peer.name == "sandbox" or key_of(peer) not in shown
    assert "127.0.0.1" not in shown


KEYS: dict[str, str] = {}


def key_of(peer: Peer) -> str:
    """The key that the adapter was given, as the server sees it."""
    if peer.name not in KEYS:
        kind = next(iter(peer.answers))

        async def act(provider: Provider, server: FakeServer) -> Received:
            await provider.call(target_of(peer), CALLS[kind], 5.0)
            return server.requests[0]

        headers = run(peer, *peer.answers[kind], act=act).headers
        sent = headers.get("authorization") or headers.get("x-api-key") or headers.get("x-goog-api-key")
        assert sent, "the adapter sends no key"
        KEYS[peer.name] = sent.removeprefix("Bearer ")
    return KEYS[peer.name]


def changed(answer: Answer, change: Callable[[Answer, Received], Answer]) -> Answer:
    """What `change` makes of the answer, which itself may be made of the request."""

    def reply(request: Received) -> Answer:
        return change(answer.reply(request) if answer.reply else answer, request)

    return Answer(reply=reply)


def refusal(peer: Peer, status: int, message: str) -> Answer:
    """The provider's error answer. A status that it never sends itself is a proxy's, around words of its own."""
    try:
        return peer.refusal(status, message)
    except KeyError:
        return replace(peer.refusal(400 if status == 422 else 500, message), status=status)
