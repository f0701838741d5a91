"""`Idempotency-Key` over HTTP: run once, charged once, answered as often as it is asked."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx2
import openai
import pytest

from greatrouter_accounts.errors import StoreFailed
from greatrouter_accounts.keys import Caller
from greatrouter_api.front import Answer, Endpoint, EventStream, Incoming
from greatrouter_api.idempotency import MOST_KEPT_BYTES, repeatable
from greatrouter_api.schemas import SuggestRequest
from tests.api.conftest import DONE, FAKE, USAGE, WORDS, Events, Running, chunk, completion, eventually

CODE = "Write a Python function that reverses a linked list"
CHAT = {"model": "lab/small", "messages": [{"role": "user", "content": "Write a haiku about routing"}]}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/auto/route": {"prompt": CODE, "input": {}},
    "/v1/auto/suggest": {"prompt": CODE},
    "/v1/auto/feedback": {"prompt": "a poem", "correct": True},
    "/v1/models/route": {"query": "text", "input": {"messages": CHAT["messages"]}},
    "/v1/models/price-comparison": {"prompt": CODE},
    "/v1/models/recommend": {"task": "text"},
    "/v1/chat/completions": CHAT,
    "/v1/embeddings": {"model": FAKE, "input": ["a", "b"]},
    "/v1/rerank": {"model": FAKE, "query": "a", "documents": ["b", "c"]},
    "/v2/rerank": {"model": FAKE, "query": "a", "documents": ["b", "c"]},
}


@pytest.fixture
def key() -> str:
    return str(uuid4())


@pytest.fixture
def spent(server: Running) -> Iterator[Any]:
    """The cents that acme spent since the test began."""
    before = server.accounts.balance("acme")
    yield lambda: before - server.accounts.balance("acme")
    assert server.accounts.verify() == []


def ask(server: Running, key: str, body: Any = CHAT, path: str = "/v1/chat/completions", **headers: str) -> Any:
    return server.post(path, body, server.live, Idempotency_Key=key, **headers)


def code_of(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.parametrize("path", BODIES)
def test_every_post_with_a_key_answers_the_same_once_more(server: Running, key: str, spent: Any, path: str) -> None:
    first = ask(server, key, BODIES[path], path)
    assert first.status_code == 200, first.text
    assert "idempotent-replayed" not in first.headers
    cost, asked = spent(), len(server.provider.requests)
    again = ask(server, key, BODIES[path], path)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    same = {name: value for name, value in first.headers.items() if name not in ("date", "x-request-id")}
    assert {name: again.headers[name] for name in same} == same
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert (spent(), len(server.provider.requests)) == (cost, asked)
    assert code_of(ask(server, key, {**BODIES[path], "user": "another"}, path)) == (422, "idempotency_key_reused")
    assert server.post(path, BODIES[path], server.live).headers.get("idempotent-replayed") is None


def test_of_200_at_once_one_runs_and_one_is_charged(server: Running, key: str, spent: Any) -> None:
    async def crowd() -> list[httpx2.Response]:
        headers = {"Authorization": f"Bearer {server.live}", "Idempotency-Key": key}
        async with httpx2.AsyncClient(base_url=server.url, headers=headers, timeout=60) as client:
            return await asyncio.gather(*(client.post("/v1/chat/completions", json=CHAT) for _ in range(200)))

    answers = asyncio.run(crowd())
    assert len(server.provider.requests) == 1
    whole = [answer for answer in answers if answer.status_code == 200]
    assert len({answer.content for answer in whole}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in whole) == 1
    rest = Counter(code_of(answer) for answer in answers if answer.status_code != 200)
    assert rest.keys() <= {(409, "request_in_progress")}
    assert ask(server, key).content == whole[0].content
    [charge] = {answer.json()["greatrouter"]["charge_dollars"] for answer in whole}
    assert spent() == Decimal(str(charge)) * 100 > 0


def test_who_comes_while_the_first_runs_is_told_to_wait(server: Running, key: str) -> None:
    gave_up = threading.Event()

    def ask_and_leave() -> None:
        headers = {"Authorization": f"Bearer {server.live}", "Idempotency-Key": key}
        try:
            server.client.post("/v1/chat/completions", json=CHAT, headers=headers, timeout=2)
        except httpx2.TimeoutException:
            gave_up.set()

    server.provider.hold = threading.Event()
    caller = threading.Thread(target=ask_and_leave)
    caller.start()
    assert eventually(lambda: server.provider.requests)
    waiting = ask(server, key)
    assert code_of(waiting) == (409, "request_in_progress")
    assert waiting.headers["retry-after"] == "1"
    assert code_of(ask(server, key, {**CHAT, "seed": 1})) == (422, "idempotency_key_reused")
    caller.join()
    assert gave_up.is_set()


def test_a_caller_who_left_paid_nothing_and_the_retry_pays_once(server: Running, key: str, spent: Any) -> None:
    server.provider.hold = threading.Event()
    headers = {"Authorization": f"Bearer {server.live}", "Idempotency-Key": key}
    with pytest.raises(httpx2.TimeoutException):
        server.client.post("/v1/chat/completions", json=CHAT, headers=headers, timeout=0.5)
    assert server.provider.dropped.wait(5)
    server.provider.hold = None
    assert eventually(lambda: ask(server, key).status_code == 200)
    answer = ask(server, key)
    assert answer.headers["idempotent-replayed"] == "true"
    assert spent() == Decimal(str(answer.json()["greatrouter"]["charge_dollars"])) * 100


def test_a_request_that_failed_runs_again(server: Running, key: str, spent: Any) -> None:
    server.provider.answer = lambda _path, _body: (500, {"error": {"message": "out of order"}})
    assert code_of(ask(server, key)) == (502, "upstream_error")
    assert code_of(ask(server, key, b"{")) == (400, "invalid_request")  # the key is free, for any request
    assert spent() == 0
    server.provider.answer = completion
    first = ask(server, key)
    assert first.status_code == 200
    assert ask(server, key).content == first.content


def test_openais_client_with_a_key_of_its_own_retries_as_ever(server: Running, key: str, spent: Any) -> None:
    failures = iter([503, 429])

    def flaky(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        status = next(failures, None)
        return completion(path, body) if status is None else (status, {"error": {"message": "busy"}})

    server.provider.answer = flaky
    messages: Any = CHAT["messages"]
    with openai.OpenAI(api_key=server.live, base_url=f"{server.url}/v1", max_retries=4) as client:
        asked = {"Idempotency-Key": key}
        first = client.chat.completions.create(model="lab/small", messages=messages, extra_headers=asked)
        cost = spent()
        again = client.chat.completions.create(model="lab/small", messages=messages, extra_headers=asked)
        assert again == first
        with pytest.raises(openai.UnprocessableEntityError) as refused:
            client.chat.completions.create(model="lab/large", messages=messages, extra_headers=asked)
        assert refused.value.code == "idempotency_key_reused"
    assert spent() == cost > 0


def test_a_stream_is_given_again_as_it_was(server: Running, key: str, spent: Any) -> None:
    server.provider.answer = lambda _path, _body: (200, Events((*WORDS, USAGE, DONE)))
    first = ask(server, key, {**CHAT, "stream": True})
    assert first.content.endswith(DONE)
    cost = spent()
    again = ask(server, key, {**CHAT, "stream": True})
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert again.headers["idempotent-replayed"] == "true"
    assert (spent(), len(server.provider.requests)) == (cost, 1)
    assert code_of(ask(server, key)) == (422, "idempotency_key_reused")


def test_a_stream_that_broke_off_frees_its_key_and_what_came_is_charged(server: Running, key: str, spent: Any) -> None:
    body = {**CHAT, "stream": True}
    server.provider.answer = lambda _path, _body: (200, Events(WORDS[:2], "cut"))
    broken = ask(server, key, body)
    assert b"upstream_error" in broken.content
    part = spent()
    assert part > 0
    server.provider.answer = lambda _path, _body: (200, Events((*WORDS, USAGE, DONE)))
    whole = ask(server, key, body)
    assert whole.content.endswith(DONE)
    assert "idempotent-replayed" not in whole.headers
    assert ask(server, key, body).content == whole.content
    assert spent() > part


def test_a_stream_whose_caller_left_frees_its_key_and_what_came_is_charged(
    server: Running, key: str, spent: Any
) -> None:
    body = {**CHAT, "stream": True}
    server.provider.answer = lambda _path, _body: (200, Events(WORDS[:2], "hang"))
    headers = {"Authorization": f"Bearer {server.live}", "Idempotency-Key": key}
    with server.client.stream("POST", "/v1/chat/completions", json=body, headers=headers) as answer:
        next(answer.iter_bytes())
    assert server.provider.dropped.wait(5)
    assert eventually(lambda: spent() > 0)
    part = spent()
    server.provider.answer = lambda _path, _body: (200, Events((*WORDS, USAGE, DONE)))
    assert eventually(lambda: ask(server, key, body).content.endswith(DONE))
    assert spent() > part


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_is_too_large_is_refused_rather_than_run_twice(
    server: Running, key: str, spent: Any, stream: bool
) -> None:
    words = "many words " * (MOST_KEPT_BYTES // 10)
    choices = [{"index": 0, "message": {"role": "assistant", "content": words}, "finish_reason": "stop"}]
    usage = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
    pieces = tuple(chunk(words[: MOST_KEPT_BYTES // 2]) for _ in range(3))
    server.provider.answer = lambda path, given: (
        (200, Events((*pieces, *WORDS, USAGE, DONE)))
        if stream
        else (200, {**completion(path, given)[1], "choices": choices, "usage": usage})
    )
    body = {**CHAT, "stream": stream}
    assert len(ask(server, key, body).content) > MOST_KEPT_BYTES
    cost = spent()
    refused = ask(server, key, body)
    assert code_of(refused) == (409, "answer_not_kept")
    assert refused.headers["x-should-retry"] == "false"
    assert (spent(), len(server.provider.requests)) == (cost, 1)


@pytest.mark.parametrize("wrong", ["", "k" * 256, "käse", "a\tb"])
def test_a_key_that_is_none_is_refused(server: Running, wrong: str) -> None:
    headers = {b"Authorization": f"Bearer {server.test}".encode(), b"Idempotency-Key": wrong.encode("latin-1")}
    answer = server.client.post("/v1/auto/suggest", json={"prompt": CODE}, headers=headers)
    assert code_of(answer) == (400, "invalid_request")
    assert answer.json()["error"]["param"] == "Idempotency-Key"


def test_a_key_of_255_characters_will_do(server: Running) -> None:
    key = f"{uuid4()} !~" + "k" * 255
    assert ask(server, key[:255]).status_code == 200


def test_no_organization_sees_the_answer_of_another(server: Running, key: str) -> None:
    first = ask(server, key, {"prompt": CODE}, "/v1/auto/suggest")
    other = server.post("/v1/auto/suggest", {"prompt": CODE}, server.test, Idempotency_Key=key)
    assert first.status_code == other.status_code == 200
    assert "idempotent-replayed" not in other.headers
    assert server.post("/v1/auto/suggest", {"prompt": "else"}, server.test, Idempotency_Key=key).status_code == 422


def test_a_test_key_is_not_answered_with_what_a_live_one_paid_for(server: Running, key: str) -> None:
    tests = server.accounts.create_key("acme", test=True)
    assert ask(server, key).status_code == 200
    answer = server.post("/v1/chat/completions", CHAT, tests, Idempotency_Key=key)
    assert code_of(answer) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("header", "value", "other"),
    [("X-Tier", "batch", ""), ("X-GR-Cache-TTL", "60", "0"), ("X-GR-Guardrails", "moderate", "")],
)
def test_headers_that_ask_for_something_else_make_another_request(
    server: Running, key: str, header: str, value: str, other: str
) -> None:
    assert ask(server, key, **{header.replace("-", "_"): value}).status_code == 200
    assert ask(server, key, **{header.replace("-", "_"): other}).status_code == 422
    waiting = ask(server, key, **{header.replace("-", "_"): value}, Prefer="wait=5", X_Request_Id="mine")
    assert (waiting.headers["idempotent-replayed"], waiting.headers["x-request-id"]) == ("true", "mine")


class Broken:
    """Accounts whose database is gone."""

    @property
    def repeats(self) -> "Broken":
        return self

    async def begin(self, *_: object) -> None:
        raise StoreFailed("gone")


class Backing:
    accounts: Any = Broken()

    def running(self) -> Any: ...


@pytest.mark.parametrize("runs_models", [False, True])
def test_without_a_database_only_what_costs_nothing_is_answered(runs_models: bool) -> None:
    async def answer(_: Incoming) -> bytes | Answer | EventStream:
        return b"{}"

    endpoint = repeatable(Endpoint("/x", "", SuggestRequest, answer, runs_models=runs_models), Backing())
    caller = Caller("org_1", "ada", "key_1", "max", False)
    incoming = Incoming("/x", {b"idempotency-key": b"k"}, b"{}", caller, "req_1")
    if runs_models:
        with pytest.raises(StoreFailed):
            asyncio.run(endpoint.answer(incoming))
    else:
        assert asyncio.run(endpoint.answer(incoming)) == Answer(b"{}")


def test_without_a_key_a_request_costs_next_to_nothing_more() -> None:
    async def answer(_: Incoming) -> bytes | Answer | EventStream:
        return b"{}"

    plain = Endpoint("/x", "", SuggestRequest, answer)
    heeding = repeatable(plain, Backing())
    incoming = Incoming("/x", {b"a": b"b"}, b"{}", Caller("org_1", "ada", "key_1", "max", False), "req_1")

    def took_us(endpoint: Endpoint) -> float:
        async def many() -> float:
            started = time.thread_time()
            for _ in range(2_000):
                await endpoint.answer(incoming)
            return (time.thread_time() - started) / 2_000 * 1e6

        return min(asyncio.run(many()) for _ in range(5))

    assert took_us(heeding) - took_us(plain) < 5  # 0.04 on a machine that does nothing else
