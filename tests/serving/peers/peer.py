"""What the conformance suite asks of each adapter's test double."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from tests.serving.fake_provider import Answer, FakeServer


@dataclass(frozen=True)
class Peer:
    """One adapter against scripted answers in its provider's own wire format.

    `open` starts a loopback server that gives the answers in order (the last one stays) and yields the adapter with
    the server. `answers` has, for each kind of call the adapter can do (a name in the suite's CALLS), the server's good
    answers in order. `stream` is a good chat stream, one item a write, None where the protocol streams no chat.
    `refusal` is the provider's error answer for a status and a message.
    """

    name: str
    open: Callable[..., AbstractAsyncContextManager[tuple[Any, FakeServer]]]
    answers: Mapping[str, tuple[Answer, ...]]
    refusal: Callable[[int, str], Answer]
    stream: tuple[bytes, ...] | None = None
