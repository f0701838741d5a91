"""OpenAI's own Python client, unmodified: only its base URL and key are ours."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import httpx2
import numpy as np
import openai
import pytest
from pydantic import BaseModel

from greatrouter_serving.providers.sample_media import png
from tests.api.conftest import DONE, FAKE, USAGE, WORDS, Events, Running, chunk, completion, eventually

SMALL = "lab/small"
HELLO: Any = [{"role": "user", "content": "Write a haiku about routing"}]
PIXEL = f"data:image/png;base64,{base64.b64encode(png((1, 2, 3))).decode()}"
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
ASKED = '{"city": "Nairobi"}'


class Ticket(BaseModel):
    title: str
    priority: Literal["low", "high"]
    hours: int


@pytest.fixture
def client(server: Running) -> Iterator[openai.OpenAI]:
    """With a test key: what it asks for is answered here, for nothing."""
    with openai.OpenAI(api_key=server.test, base_url=f"{server.url}/v1", max_retries=0) as client:
        yield client


@pytest.fixture
def live(server: Running) -> Iterator[openai.OpenAI]:
    """With a live key: what it asks for reaches the scripted provider."""
    with openai.OpenAI(api_key=server.live, base_url=f"{server.url}/v1", max_retries=0) as client:
        yield client


@asynccontextmanager
async def asynchronous(server: Running, key: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(api_key=key, base_url=f"{server.url}/v1", max_retries=0) as client:
        yield client


def message(**fields: Any) -> Callable[[str, dict[str, Any]], tuple[int, Any]]:
    """A provider that answers with this message."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        status, document = completion(path, body)
        reason = "tool_calls" if fields.get("tool_calls") else "stop"
        choice = {"index": 0, "message": {"role": "assistant", "content": None, **fields}, "finish_reason": reason}
        return status, {**document, "created": 1, "model": "small", "choices": [choice]}

    return answer


def delta(finish_reason: str | None = None, **fields: Any) -> bytes:
    return chunk(choices=[{"index": 0, "delta": fields, "finish_reason": finish_reason}])


def tool_call(**fields: Any) -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ASKED}, **fields}


TOOL_CALL_IN_PIECES = (
    delta(role="assistant", content=None),
    delta(tool_calls=[{**tool_call(index=0), "function": {"name": "weather", "arguments": ""}}]),
    *(delta(tool_calls=[{"index": 0, "function": {"arguments": piece}}]) for piece in (ASKED[:5], ASKED[5:])),
    delta("tool_calls"),
    USAGE,
    DONE,
)


# -- chat -------------------------------------------------------------------------------------------------------


def test_chat_by_the_router(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="router", messages=HELLO)
    assert answer.object == "chat.completion"
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens > 0
    assert (answer.model_extra or {})["greatrouter"]["classification"]["task"] == "text"
    assert answer._request_id


def test_chat_by_a_named_model_runs_at_its_provider(server: Running, live: openai.OpenAI) -> None:
    answer = live.chat.completions.create(model=SMALL, messages=HELLO, temperature=0.5, max_completion_tokens=9)
    assert answer.choices[0].message.content == "small says hello"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 500
    [(path, body)] = server.provider.requests
    assert path == "/v1/chat/completions"
    assert body == {"model": "small", "messages": HELLO, "temperature": 0.5, "max_completion_tokens": 9}


def test_the_raw_answer_has_the_headers(live: openai.OpenAI) -> None:
    raw = live.chat.completions.with_raw_response.create(
        model=SMALL,
        messages=[{"role": "user", "content": "Show me your headers, which nobody asked for before"}],
        extra_headers={"X-Request-Id": "mine-1", "X-GR-Cache-TTL": "60"},
    )
    assert (raw.headers["x-request-id"], raw.request_id, raw.headers["x-gr-cache"]) == ("mine-1", "mine-1", "MISS")
    assert raw.parse().choices[0].message.content == "small says hello"


def test_images_in_messages(server: Running, client: openai.OpenAI) -> None:
    parts: Any = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    answer = client.chat.completions.create(model="router", messages=[{"role": "user", "content": parts}])
    chosen = client.models.retrieve((answer.model_extra or {})["greatrouter"]["model"])
    assert "vision" in (chosen.model_extra or {})["capabilities"]
    assert not server.provider.requests


# -- streams ----------------------------------------------------------------------------------------------------


def test_a_stream_with_usage(server: Running, live: openai.OpenAI) -> None:
    server.provider.answer = lambda _path, _body: (200, Events((*WORDS, USAGE, DONE)))
    options: Any = {"include_usage": True}
    with live.chat.completions.create(model=SMALL, messages=HELLO, stream=True, stream_options=options) as stream:
        chunks = list(stream)
    assert {piece.object for piece in chunks} == {"chat.completion.chunk"}
    assert "".join(piece.choices[0].delta.content or "" for piece in chunks if piece.choices) == "Hello there"
    assert [piece.usage.total_tokens for piece in chunks if piece.usage] == [1500]
    assert chunks[-1].usage
    assert (chunks[-1].model_extra or {})["greatrouter"]["model"] == SMALL
    # Much client code takes `choices[0]` of every chunk but the one with the usage.
    assert all(piece.choices for piece in chunks if not piece.usage)


def test_without_asking_a_stream_has_no_usage(server: Running, live: openai.OpenAI) -> None:
    server.provider.answer = lambda _path, _body: (200, Events((*WORDS, USAGE, DONE)))
    chunks = list(live.chat.completions.create(model=SMALL, messages=HELLO, stream=True))
    assert not any(piece.usage for piece in chunks)


@pytest.mark.parametrize("key", ["live", "test"])
def test_the_streaming_helper_puts_the_pieces_together(server: Running, key: str) -> None:
    server.provider.answer = lambda _path, _body: (200, Events((*WORDS, USAGE, DONE)))
    with (
        openai.OpenAI(api_key=getattr(server, key), base_url=f"{server.url}/v1") as client,
        client.chat.completions.stream(model=SMALL, messages=HELLO, stream_options={"include_usage": True}) as stream,
    ):
        said = "".join(event.delta for event in stream if event.type == "content.delta")
        whole = stream.get_final_completion()
    assert whole.choices[0].message.content == said
    assert whole.choices[0].finish_reason == "stop"
    assert said == "Hello there" if key == "live" else said.startswith("[sandbox]")
    assert whole.usage is not None
    assert whole.usage.completion_tokens > 0


def test_leaving_a_stream_early_stops_the_provider(server: Running, live: openai.OpenAI) -> None:
    server.provider.answer = lambda _path, _body: (200, Events(WORDS[:1], "hang"))
    with live.chat.completions.create(model=SMALL, messages=HELLO, stream=True) as stream:
        assert next(iter(stream)).choices[0].delta.content == "Hello"
    assert server.provider.dropped.wait(5)


def test_a_stream_that_breaks_off_raises_what_went_wrong(server: Running, live: openai.OpenAI) -> None:
    server.provider.answer = lambda _path, _body: (200, Events(WORDS[:2], "cut"))
    stream = live.chat.completions.create(model=SMALL, messages=HELLO, stream=True)
    assert [next(stream).choices[0].delta.content for _ in range(2)] == ["Hello", " there"]
    with pytest.raises(openai.APIError) as caught:
        next(stream)
    assert caught.value.code == "upstream_error"


# -- tools and shaped answers -----------------------------------------------------------------------------------


def test_tools_there_and_back(server: Running, live: openai.OpenAI) -> None:
    server.provider.answer = message(tool_calls=[tool_call()])
    question: Any = {"role": "user", "content": "How is the weather in Nairobi?"}
    first = live.chat.completions.create(model=SMALL, messages=[question], tools=[WEATHER], tool_choice="required")
    asked = first.choices[0].message
    assert first.choices[0].finish_reason == "tool_calls"
    assert asked.tool_calls is not None
    [call] = asked.tool_calls
    assert call.type == "function"
    assert (call.id, call.function.name, json.loads(call.function.arguments)) == (
        "call_1", "weather", {"city": "Nairobi"},
    )  # fmt: skip

    server.provider.answer = message(content="It is sunny.")
    told: Any = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    turns: Any = [question, asked, told]
    second = live.chat.completions.create(model=SMALL, messages=turns, tools=[WEATHER])
    assert second.choices[0].message.content == "It is sunny."
    sent = server.provider.requests[-1][1]
    assert sent["tools"] == [WEATHER]
    assert sent["messages"][1]["tool_calls"] == [tool_call()]
    assert sent["messages"][2] == told


def test_a_tool_call_in_pieces(server: Running, live: openai.OpenAI) -> None:
    server.provider.answer = lambda _path, _body: (200, Events(TOOL_CALL_IN_PIECES))
    with live.chat.completions.stream(model=SMALL, messages=HELLO, tools=[WEATHER]) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        whole = stream.get_final_completion()
    assert [(event.name, event.arguments) for event in done] == [("weather", ASKED)]
    assert whole.choices[0].finish_reason == "tool_calls"
    assert whole.choices[0].message.tool_calls is not None
    assert whole.choices[0].message.tool_calls[0].function.arguments == ASKED


def test_an_answer_is_parsed_into_a_pydantic_model(server: Running, live: openai.OpenAI) -> None:
    server.provider.answer = message(content='{"title": "Broken lamp", "priority": "high", "hours": 2}')
    answer = live.chat.completions.parse(model=SMALL, messages=HELLO, response_format=Ticket)
    assert answer.choices[0].message.parsed == Ticket(title="Broken lamp", priority="high", hours=2)
    shape = server.provider.requests[-1][1]["response_format"]
    assert (shape["type"], shape["json_schema"]["name"], shape["json_schema"]["strict"]) == (
        "json_schema", "Ticket", True,
    )  # fmt: skip


def test_the_sandbox_answers_in_the_shape_that_was_asked_for(client: openai.OpenAI) -> None:
    shaped = client.chat.completions.parse(model="router", messages=HELLO, response_format=Ticket)
    assert isinstance(shaped.choices[0].message.parsed, Ticket)
    tool: Any = openai.pydantic_function_tool(Ticket)
    called = client.chat.completions.parse(model="router", messages=HELLO, tools=[tool], tool_choice="required")
    assert called.choices[0].message.tool_calls is not None
    assert isinstance(called.choices[0].message.tool_calls[0].function.parsed_arguments, Ticket)
    with client.chat.completions.stream(model="router", messages=HELLO, tools=[tool], tool_choice="required") as stream:
        whole = stream.get_final_completion()
    assert whole.choices[0].finish_reason == "tool_calls"
    assert whole.choices[0].message.tool_calls is not None
    assert isinstance(whole.choices[0].message.tool_calls[0].function.parsed_arguments, Ticket)


# -- embeddings and models --------------------------------------------------------------------------------------


def test_embeddings_are_the_same_in_base64_which_the_client_asks_for_by_itself(client: openai.OpenAI) -> None:
    texts = ["We open at nine.", "Parking is free."]
    packed = client.embeddings.create(model=FAKE, input=texts)
    listed = client.embeddings.create(model=FAKE, input=texts, encoding_format="float")
    assert [row.index for row in packed.data] == [0, 1]
    for a, b in zip(packed.data, listed.data, strict=True):
        assert np.asarray(a.embedding, "<f4").tolist() == np.asarray(b.embedding, "<f4").tolist()
    raw = client.embeddings.create(model=FAKE, input=texts, encoding_format="base64")
    text: Any = raw.data[0].embedding
    assert np.frombuffer(base64.b64decode(text), "<f4").tolist() == packed.data[0].embedding
    assert packed.usage.prompt_tokens == packed.usage.total_tokens > 0


def test_token_ids_may_be_sent(client: openai.OpenAI) -> None:
    assert len(client.embeddings.create(model=FAKE, input=[[5, 6], [7]]).data) == 2
    assert len(client.embeddings.create(model=FAKE, input=[5, 6, 7]).data) == 1


def test_dimensions_that_a_model_was_not_trained_for_are_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="dimensions") as caught:
        client.embeddings.create(model=FAKE, input="a", dimensions=3)
    assert caught.value.code == "invalid_request"


def test_models_are_listed_and_found_by_ids_with_slashes(client: openai.OpenAI) -> None:
    listed = list(client.models.list())
    assert {SMALL, FAKE, "openai/gpt-4o"} <= {model.id for model in listed}
    assert {model.object for model in listed} == {"model"}
    assert all(model.owned_by and isinstance(model.created, int) for model in listed)
    for model_id in (SMALL, FAKE, "openai/gpt-4o"):
        assert client.models.retrieve(model_id).id == model_id
    nested = next(model.id for model in listed if model.id.count("/") > 1)
    assert client.models.retrieve(nested).id == nested


# -- errors -----------------------------------------------------------------------------------------------------


def test_an_unknown_key_is_an_authentication_error(server: Running) -> None:
    key = "pk_test_unknown00_" + "0" * 32
    with openai.OpenAI(api_key=key, base_url=f"{server.url}/v1") as stranger:
        for call in (
            lambda: stranger.embeddings.create(model=FAKE, input="a"),
            lambda: stranger.chat.completions.create(model="router", messages=HELLO),
            lambda: stranger.chat.completions.create(model="router", messages=HELLO, stream=True),
        ):
            with pytest.raises(openai.AuthenticationError) as caught:
                call()
            assert (caught.value.code, caught.value.type) == ("authentication_failed", "authentication_error")
            assert caught.value.request_id
            assert key not in str(caught.value)


def test_unknown_models_are_not_found(client: openai.OpenAI) -> None:
    for call in (
        lambda: client.embeddings.create(model="nobody/nothing", input="a"),
        lambda: client.models.retrieve("nobody/nothing"),
        lambda: client.models.retrieve("nothing"),
        lambda: client.chat.completions.create(model="nobody/nothing", messages=HELLO),
        lambda: client.chat.completions.create(model="nobody/nothing", messages=HELLO, stream=True),
    ):
        with pytest.raises(openai.NotFoundError) as caught:
            call()
        assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


def test_an_endpoint_that_we_lack_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.files.list()
    assert caught.value.code == "not_found"


def test_bad_requests_name_the_field(client: openai.OpenAI) -> None:
    for call, param in (
        (lambda: client.embeddings.create(model=FAKE, input=""), "input"),
        (lambda: client.chat.completions.create(model="router", messages=[]), "messages"),
        (lambda: client.chat.completions.create(model="router", messages=HELLO, temperature=9), "temperature"),
    ):
        with pytest.raises(openai.BadRequestError) as caught:
            call()
        assert (caught.value.code, caught.value.param) == ("invalid_request", param)


def test_what_the_provider_refuses_is_the_callers_error(server: Running, live: openai.OpenAI) -> None:
    server.provider.answer = lambda _path, _body: (400, {"error": {"message": "temperature is odd"}})
    with pytest.raises(openai.BadRequestError, match="temperature is odd"):
        live.chat.completions.create(model=SMALL, messages=HELLO)


def test_what_every_model_fails_at_is_an_internal_server_error(server: Running, live: openai.OpenAI) -> None:
    server.provider.answer = lambda _path, _body: (503, {"error": {"message": "busy"}})
    with pytest.raises(openai.InternalServerError) as caught:
        live.chat.completions.create(model="router", messages=HELLO)
    assert (caught.value.status_code, caught.value.code) == (502, "upstream_error")
    body: Any = caught.value.body
    assert {attempt["model"] for attempt in body["metadata"]["attempts"]} == {SMALL, "lab/large"}


def test_an_empty_wallet_is_a_402_that_is_not_retried(server: Running) -> None:
    sent: list[httpx2.Request] = []
    broke = server.accounts.create_key("broke")
    with (
        openai.DefaultHttpxClient(event_hooks={"request": [sent.append]}) as http,
        openai.OpenAI(api_key=broke, base_url=f"{server.url}/v1", max_retries=2, http_client=http) as client,
        pytest.raises(openai.APIStatusError) as caught,
    ):
        client.chat.completions.create(model=SMALL, messages=HELLO)
    assert (caught.value.status_code, caught.value.code) == (402, "insufficient_credit")
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert len(sent) == 1
    assert not server.provider.requests


def test_a_passing_failure_is_retried_by_the_client(server: Running) -> None:
    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        return completion(path, body) if len(server.provider.requests) > 1 else (500, {"error": {"message": "once"}})

    server.provider.answer = answer
    with openai.OpenAI(api_key=server.live, base_url=f"{server.url}/v1", max_retries=1) as client:
        answered = client.chat.completions.create(model=SMALL, messages=HELLO)
    assert answered.choices[0].message.content == "small says hello"
    assert len(server.provider.requests) == 2


def test_a_full_queue_is_a_rate_limit_error(server: Running) -> None:
    book = [" ".join(f"{i}x{j}" for j in range(250)) for i in range(800)]  # three times what may wait

    async def main() -> openai.RateLimitError:
        async with asynchronous(server, server.test) as client:
            reading = asyncio.create_task(client.embeddings.create(model=FAKE, input=book))
            try:
                while not reading.done():
                    await client.embeddings.create(model=FAKE, input="a")
            except openai.RateLimitError as error:
                return error
            finally:
                reading.cancel()  # a caller who leaves frees the queue
        raise AssertionError("the queue was never full")

    error = asyncio.run(main())
    assert (error.status_code, error.code) == (429, "rate_limited")
    assert int(error.response.headers["retry-after"]) >= 1
    body: Any = error.body
    assert body["retry_after_s"] == int(error.response.headers["retry-after"])

    with openai.OpenAI(api_key=server.test, base_url=f"{server.url}/v1", max_retries=0) as client:
        assert eventually(lambda: answers(client))


def answers(client: openai.OpenAI) -> bool:
    try:
        return bool(client.embeddings.create(model=FAKE, input="a").data)
    except openai.RateLimitError:
        return False


# -- the asynchronous client ------------------------------------------------------------------------------------


def test_the_asynchronous_client_does_the_same(server: Running) -> None:
    async def main() -> None:
        async with asynchronous(server, server.live) as client:
            whole = await client.chat.completions.create(model=SMALL, messages=HELLO)
            assert whole.choices[0].message.content == "small says hello"
            assert whole._request_id

            server.provider.answer = lambda _path, _body: (200, Events((*WORDS, USAGE, DONE)))
            stream = await client.chat.completions.create(model=SMALL, messages=HELLO, stream=True)
            chunks = [piece async for piece in stream]
            assert "".join(piece.choices[0].delta.content or "" for piece in chunks) == "Hello there"

            server.provider.answer = lambda _path, _body: (200, Events(TOOL_CALL_IN_PIECES))
            async with client.chat.completions.stream(model=SMALL, messages=HELLO, tools=[WEATHER]) as helper:
                final = await helper.get_final_completion()
            assert final.choices[0].message.tool_calls is not None
            assert final.choices[0].message.tool_calls[0].function.arguments == ASKED

            server.provider.answer = message(content='{"title": "Lamp", "priority": "low", "hours": 1}')
            parsed = await client.chat.completions.parse(model=SMALL, messages=HELLO, response_format=Ticket)
            assert parsed.choices[0].message.parsed == Ticket(title="Lamp", priority="low", hours=1)

            assert len((await client.embeddings.create(model=FAKE, input=["a", "b"])).data) == 2
            assert SMALL in {model.id async for model in client.models.list()}
            with pytest.raises(openai.NotFoundError):
                await client.models.retrieve("nobody/nothing")

    asyncio.run(main())


def test_leaving_an_asynchronous_stream_early_stops_the_provider(server: Running) -> None:
    server.provider.answer = lambda _path, _body: (200, Events(WORDS[:1], "hang"))

    async def main() -> None:
        async with (
            asynchronous(server, server.live) as client,
            await client.chat.completions.create(model=SMALL, messages=HELLO, stream=True) as stream,
        ):
            async for piece in stream:
                assert piece.choices[0].delta.content == "Hello"
                break

    asyncio.run(main())
    assert server.provider.dropped.wait(5)
