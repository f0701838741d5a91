"""A limit of requests at a time: whoever has the whole answer can come again, wherever it is counted."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import BaseModel

from greatrouter_accounts.errors import CounterFailed
from greatrouter_accounts.gate import Gate, Plan
from greatrouter_accounts.keys import Caller
from greatrouter_accounts.limits import Give, Limits, Meter, Take, give, take
from greatrouter_accounts.meters import SharedMeters
from greatrouter_api.errors import ApiError
from greatrouter_api.front import Answer, Backing, Endpoint, EventStream, Front, Incoming
from greatrouter_api.relay import DONE
from tests.api.conftest import eventually

CALLER = Caller("org_1", "ada", "key_1", "narrow", test=False)


class Elsewhere:
    """What counts for several processes."""

    def __init__(self) -> None:
        self.meters: defaultdict[str, Meter] = defaultdict(Meter)
        self.gone = False

    def commit(self, operations: Sequence[Take | Give]) -> Sequence[Any]:
        if self.gone:
            raise CounterFailed("nobody is there")
        return [
            give(self.meters, each, 1.0) if isinstance(each, Give) else take(self.meters, each, 1.0, "me")
            for each in operations
        ]

    @property
    def taken(self) -> int:
        return sum(self.meters["org:org_1"].places.values())


@pytest.fixture
def elsewhere() -> Elsewhere:
    return Elsewhere()


@pytest.fixture
def gate(elsewhere: Elsewhere) -> Iterator[Gate]:
    gate = Gate(SharedMeters(elsewhere.commit, "elsewhere"), {"narrow": Plan(Limits(concurrent_requests=1))})
    yield gate
    gate.close()


async def asked(gate: Gate, answer: Callable[[Incoming], Any], see: Callable[[Any], None]) -> None:
    """One request; `see` is told of each message when it goes out."""

    async def authenticate(key: str) -> Caller:
        return CALLER

    async def receive() -> Any:
        return {"type": "http.request", "body": b"{}"}

    async def send(message: Any) -> None:
        see(message)

    accounts = SimpleNamespace(authenticate=authenticate, gate=gate, record_refused=lambda row: None)
    backing = SimpleNamespace(accounts=accounts, stopping=False, running=nullcontext)
    front = Front(cast(Any, None), {"/ask": Endpoint("/ask", "", BaseModel, answer)}, cast(Backing, backing), 100, ())
    scope = {"type": "http", "path": "/ask", "method": "POST", "headers": [(b"x-api-key", b"some key")]}
    await front(scope, receive, send)


async def _document(incoming: Incoming) -> Answer:
    return Answer(b"{}")


async def _stream(incoming: Incoming) -> EventStream:
    async def pieces() -> AsyncGenerator[bytes, None]:
        yield b"data: {}\n\n"
        yield b"data: {}\n\n" + DONE

    return EventStream(pieces())


async def _refusal(incoming: Incoming) -> Answer:
    raise ApiError(400, "no")


@pytest.mark.parametrize("answer", [_document, _stream, _refusal])
def test_a_place_is_free_before_the_end_of_the_answer_goes_out(
    gate: Gate, elsewhere: Elsewhere, answer: Callable[[Incoming], Any]
) -> None:
    for _ in range(20):
        ended: list[tuple[bytes, int]] = []

        def see(message: Any, ended: list[tuple[bytes, int]] = ended) -> None:
            if message["type"] == "http.response.body":
                ended.append((message["body"], elsewhere.taken))
            else:
                assert message["status"] != 429

        asyncio.run(asked(gate, answer, see))
        *before, (_, last) = ended
        assert last == 0
        for body, taken in before:
            assert taken == (0 if body.endswith(DONE) else 1)


@pytest.mark.parametrize("answer", [_document, _stream])
def test_an_answer_goes_out_where_nobody_counts_any_more_and_its_place_is_free_later(
    gate: Gate, elsewhere: Elsewhere, answer: Callable[[Incoming], Any]
) -> None:
    async def gone(incoming: Incoming) -> Any:
        elsewhere.gone = True
        return await answer(incoming)

    statuses: list[int] = []
    asyncio.run(asked(gate, gone, lambda message: statuses.append(message.get("status", 0))))
    assert (statuses[0], statuses[-1], elsewhere.taken) == (200, 0, 1)
    elsewhere.gone = False
    assert eventually(lambda: not elsewhere.taken)
