"""`functions` and `function_call`, in which OpenAI's older clients speak, at every kind of provider that chats."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import orjson
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from greatrouter_serving.call import Call, Provider, Target
from greatrouter_serving.errors import InvalidInput
from greatrouter_serving.providers.legacy_functions import with_tools
from greatrouter_serving.sse import EventSplitter, data_of
from tests.serving.fake_anthropic import message, messages_answer
from tests.serving.fake_gemini import candidate, gemini_answer, open_gemini, response, text
from tests.serving.fake_provider import Answer, FakeServer
from tests.serving.peers.anthropic import open_anthropic

FUNCTION = {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
ASKED = {"role": "user", "content": "Rīga?"}
CALLED = {"role": "assistant", "content": None, "function_call": {"name": "weather", "arguments": '{"city":"Rīga"}'}}
FOUND = {"role": "function", "name": "weather", "content": "20 degrees"}
ONE = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Rīga"}}
TWO = {**ONE, "id": "toolu_2", "input": {"city": "Oslo"}}
CLAUDE_CALLS = message({"type": "text", "text": "Let me look."}, ONE, TWO, stop_reason="tool_use")
GEMINI_CALLS = response(
    candidate(
        text("Let me look."),
        {"functionCall": {"name": "weather", "args": {"city": "Rīga"}}},
        {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}},
    )
)
KINDS: dict[str, tuple[Callable[..., Any], Answer, Answer]] = {
    "anthropic": (open_anthropic, messages_answer(CLAUDE_CALLS), messages_answer()),
    "gemini": (open_gemini, gemini_answer(GEMINI_CALLS), gemini_answer()),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def target_of(kind: str) -> Target:
    return Target("lab/mix", "lab", "small" if kind == "anthropic" else "gemini-2.5-flash")


def answered(kind: str, answer: Answer, **fields: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The one choice of the answer, and what was sent."""

    async def main() -> tuple[dict[str, Any], dict[str, Any]]:
        provider: Provider
        server: FakeServer
        async with KINDS[kind][0](answer) as (provider, server):
            reply = await provider.call(target_of(kind), Call("text", "x", fields), 5.0)
            ChatCompletion.model_validate_json(reply.body)
            [choice] = orjson.loads(reply.body)["choices"]
            return choice, server.requests[0].json()

    return asyncio.run(main())


def streamed(kind: str, answer: Answer, **fields: Any) -> list[dict[str, Any]]:
    """The choices of all chunks."""

    async def main() -> bytes:
        provider: Provider
        async with KINDS[kind][0](answer) as (provider, _):
            call = Call("text", "x", {**fields, "stream": True})
            async with aclosing(provider.stream(target_of(kind), call, 5.0)) as stream:
                return b"".join([piece async for piece in stream])

    *data, done = map(data_of, EventSplitter().feed(asyncio.run(main())))
    assert done == b"[DONE]"
    chunks = [ChatCompletionChunk.model_validate_json(item or b"").model_dump(exclude_unset=True) for item in data]
    return [choice for chunk in chunks for choice in chunk["choices"]]


@every_kind
def test_functions_are_answered_with_a_function_call(kind: str) -> None:
    choice, _ = answered(kind, KINDS[kind][1], messages=[ASKED], functions=[FUNCTION])
    said = choice["message"]
    assert said["content"] == "Let me look."
    assert said["function_call"]["name"] == "weather"
    assert orjson.loads(said["function_call"]["arguments"]) == {"city": "Rīga"}
    assert "tool_calls" not in said
    assert choice["finish_reason"] == "function_call"


@every_kind
def test_and_so_they_are_in_a_stream(kind: str) -> None:
    choices = streamed(kind, KINDS[kind][1], messages=[ASKED], functions=[FUNCTION])
    calls = [call for choice in choices if (call := choice["delta"].get("function_call"))]
    assert "".join(call.get("name") or "" for call in calls) == "weather"
    assert orjson.loads("".join(call.get("arguments") or "" for call in calls)) == {"city": "Rīga"}
    assert not any("tool_calls" in choice["delta"] for choice in choices)
    assert choices[-1]["finish_reason"] == "function_call"


@every_kind
def test_tools_are_answered_with_tool_calls(kind: str) -> None:
    tools = [{"type": "function", "function": FUNCTION}]
    for more in ({}, {"functions": [FUNCTION | {"name": "other"}]}):
        choice, _ = answered(kind, KINDS[kind][1], messages=[ASKED], tools=tools, **more)
        assert [call["function"]["name"] for call in choice["message"]["tool_calls"]] == ["weather", "weather"]
        assert choice["finish_reason"] == "tool_calls"


@every_kind
def test_an_answer_in_words_is_as_ever(kind: str) -> None:
    choice, _ = answered(kind, KINDS[kind][2], messages=[ASKED], functions=[FUNCTION], function_call="auto")
    assert choice["finish_reason"] == "stop"
    assert "function_call" not in choice["message"]


@every_kind
@pytest.mark.parametrize("more", [{"functions": [FUNCTION]}, {"tools": [{"type": "function", "function": FUNCTION}]}])
def test_calls_and_their_results_go_along(kind: str, more: dict[str, Any]) -> None:
    twice = [ASKED, CALLED, FOUND, {**CALLED, "tool_calls": None}, FOUND]
    _, sent = answered(kind, KINDS[kind][2], messages=twice, **more)
    if kind == "gemini":
        parts = [part for turn in sent["contents"] for part in turn["parts"]]
        given = [part["functionResponse"] for part in parts if "functionResponse" in part]
        assert [result["response"] for result in given] == [{"output": "20 degrees"}] * 2
        assert [part["functionCall"]["id"] for part in parts if "functionCall" in part] == [r["id"] for r in given]
    else:
        blocks = [block for turn in sent["messages"] for block in turn["content"]]
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        assert [block["id"] for block in blocks if block["type"] == "tool_use"] == results
        assert len(set(results)) == 2


def test_a_function_may_be_insisted_upon() -> None:
    insisted = {"messages": [ASKED], "functions": [FUNCTION], "function_call": {"name": "weather"}}
    _, sent = answered("anthropic", KINDS["anthropic"][1], **insisted)
    assert sent["tool_choice"] == {"type": "tool", "name": "weather", "disable_parallel_tool_use": True}
    _, sent = answered("gemini", KINDS["gemini"][1], **insisted)
    assert sent["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"] == ["weather"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"functions": {"name": "weather"}}, "functions"),
        ({"functions": [{"parameters": {}}]}, "functions"),
        ({"functions": [FUNCTION], "function_call": "required"}, "function_call"),
        ({"functions": [FUNCTION], "function_call": {"name": 3}}, "function_call"),
        (
            {"messages": [ASKED, {"role": "assistant", "function_call": {"arguments": "{}"}}]},
            "messages[1].function_call",
        ),
        ({"messages": [ASKED, FOUND]}, "messages[1]"),
        ({"messages": [ASKED, CALLED, FOUND, FOUND]}, "messages[3]"),
    ],
)
def test_what_means_nothing_is_refused_with_advice(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidInput, match=r"must be|needs") as caught:
        with_tools(Call("text", "x", fields))
    assert caught.value.param == param


@pytest.mark.parametrize("messages", [None, "Hi", ["Hi", 3], [{"role": "user", "content": "Hi"}]])
def test_what_is_not_legacy_stays_as_it_is(messages: object) -> None:
    fields = {"messages": messages, "tools": "none", "n": 2}
    assert with_tools(Call("text", "x", fields)) == Call("text", "x", fields)
