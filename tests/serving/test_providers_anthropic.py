"""Anthropic's adapter against a server that refuses what Anthropic refuses: answers, faults, and the way there."""

import asyncio
from typing import Any

import orjson
import pytest

from greatrouter_serving.call import Call, Reply, Target, Usage
from greatrouter_serving.errors import InvalidInput, UpstreamFailed, UpstreamRejected
from greatrouter_serving.providers.anthropic import AnthropicProvider
from greatrouter_serving.providers.session import open_session
from greatrouter_serving.providers.transport import MAX_BYTES_IN_LOOP
from tests.serving.fake_anthropic import error_answer, error_document, message, messages_answer
from tests.serving.fake_provider import Answer, Received, fake_server, json_answer
from tests.serving.peers.anthropic import SEARCHED

KEY = "sk-ant-do-not-show-0123456789"
HELLO = Call("text", "Say hello", {"temperature": 0.5})
SMALL = "small"


def run(
    call: Call, *answers: Answer, model: str = SMALL, timeout_s: float = 5.0, **options: Any
) -> tuple[Reply, list[Received]]:
    """The reply, and what the server saw."""

    async def main() -> tuple[Reply, list[Received]]:
        async with fake_server(*(answers or (messages_answer(),))) as server, open_session() as session:
            provider = AnthropicProvider("claude", server.url, KEY, session, clock=lambda: 1_700_000_000.5, **options)
            return await provider.call(Target(f"lab/{model}", "claude", model), call, timeout_s), server.requests

    return asyncio.run(main())


def answer_of(*blocks: dict[str, Any], **changes: Any) -> dict[str, Any]:
    reply, _ = run(HELLO, messages_answer(message(*blocks, **changes)))
    answer: dict[str, Any] = orjson.loads(reply.body)
    return answer


def failure_of(answer: Answer, call: Call = HELLO, timeout_s: float = 5.0) -> UpstreamFailed | UpstreamRejected:
    try:
        run(call, answer, timeout_s=timeout_s)
    except (UpstreamFailed, UpstreamRejected) as error:
        shown = f"{error!s} {error!r}"
        assert KEY not in shown
        assert "127.0.0.1" not in shown
        return error
    raise AssertionError("it did not fail")


# The way there


def test_the_key_and_the_version_go_as_headers() -> None:
    _, [request] = run(HELLO, headers={"anthropic-beta": "files-api-2025-04-14"})
    assert (request.method, request.path) == ("POST", "/v1/messages")
    assert request.headers["x-api-key"] == KEY
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert request.headers["anthropic-beta"] == "files-api-2025-04-14"
    assert "authorization" not in request.headers


@pytest.mark.parametrize("tail", ["", "/", "/v1", "/v1/"])
def test_the_base_url_may_hold_the_version_or_not(tail: str) -> None:
    async def main() -> str:
        async with fake_server(messages_answer()) as server, open_session() as session:
            provider = AnthropicProvider("claude", server.url.removesuffix("/v1") + tail, KEY, session)
            await provider.call(Target("lab/small", "claude", SMALL), HELLO, 5.0)
            return server.requests[0].path

    assert asyncio.run(main()) == "/v1/messages"


# Answers


def test_an_answer_is_openai_s_completion() -> None:
    reply, _ = run(HELLO)
    assert orjson.loads(reply.body) == {
        "id": "msg_01",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "small",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello!", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
                "native_finish_reason": "end_turn",
            }
        ],
        "usage": {
            "prompt_tokens": 12,
            "completion_tokens": 3,
            "total_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    }
    assert reply.usage == Usage(12, 3)


def test_cached_tokens_are_a_part_of_the_prompt() -> None:
    usage: dict[str, Any] = {
        "input_tokens": 5,
        "cache_creation_input_tokens": 100,
        "cache_read_input_tokens": 1000,
        "output_tokens": 9,
    }
    usage |= {"output_tokens_details": {"thinking_tokens": 4}, "server_tool_use": None, "service_tier": "standard"}
    reply, _ = run(HELLO, messages_answer(message(usage=usage)))
    assert reply.usage == Usage(1105, 9, cached_tokens=1000, reasoning_tokens=4, cache_write_tokens=100)
    assert orjson.loads(reply.body)["usage"]["prompt_tokens_details"] == {
        "cached_tokens": 1000,
        "cache_write_tokens": 100,
    }


@pytest.mark.parametrize(
    "usage", [None, [], {"input_tokens": -1, "output_tokens": "9"}, {"input_tokens": 2**40, "server_tool_use": 3}]
)
def test_a_garbled_count_is_zero(usage: object) -> None:
    reply, _ = run(HELLO, messages_answer(message(usage=usage)))
    assert reply.usage == Usage()


@pytest.mark.parametrize(
    ("stop_reason", "expected"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("a_later_reason", "stop"),
        (None, "stop"),
    ],
)
def test_stop_reasons(stop_reason: str, expected: str) -> None:
    choice = answer_of(stop_reason=stop_reason)["choices"][0]
    assert (choice["finish_reason"], choice["native_finish_reason"]) == (expected, stop_reason)


def test_a_refusal_may_be_empty_and_says_why() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "Not this."}
    [choice] = answer_of(content=[], stop_reason="refusal", stop_details=details)["choices"]
    assert choice["finish_reason"] == "content_filter"
    assert choice["message"] == {"role": "assistant", "content": "", "refusal": "Not this."}


def test_calls_of_tools() -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Rīga"}}
    idle = {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}}
    [choice] = answer_of(use, idle, stop_reason="tool_use")["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert choice["message"]["tool_calls"] == [
        {"id": "toolu_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rīga"}'}},
        {"id": "toolu_2", "type": "function", "function": {"name": "now", "arguments": "{}"}},
    ]


def test_thoughts_are_shown_and_kept_for_the_next_turn() -> None:
    thought = {"type": "thinking", "thinking": "Well.", "signature": "c2ln"}
    sealed = {"type": "redacted_thinking", "data": "c2VhbGVk"}
    said = answer_of(thought, sealed, {"type": "text", "text": "Yes"})["choices"][0]["message"]
    assert (said["content"], said["reasoning_content"]) == ("Yes", "Well.")
    common = {"format": "anthropic-claude-v1", "model": "small"}
    assert said["reasoning_details"] == [
        {"type": "reasoning.text", "text": "Well.", "signature": "c2ln", **common, "index": 0},
        {"type": "reasoning.encrypted", "data": "c2VhbGVk", **common, "index": 1},
    ]


def test_a_web_search_is_counted_and_cited() -> None:
    reply, [request] = run(Call("web_search", "Who won?"), messages_answer(SEARCHED))
    [tool] = request.json()["tools"]
    assert (tool["type"], tool["name"]) == ("web_search_20250305", "web_search")
    assert reply.usage == Usage(12, 3, searches=1)
    said = orjson.loads(reply.body)["choices"][0]["message"]
    assert said["content"] == "Let me look.\n\nHome won."
    [cited] = [annotation["url_citation"] for annotation in said["annotations"]]
    assert said["content"][cited["start_index"] : cited["end_index"]] == "Home won."
    assert cited["url"] == "https://example.org/match"


def test_kinds_of_blocks_that_came_later_are_passed_over() -> None:
    assert answer_of({"type": "hologram"}, {"type": "text", "text": "Hi"})["choices"][0]["message"]["content"] == "Hi"


def test_a_large_answer_is_read_like_a_small_one() -> None:
    text = "x" * MAX_BYTES_IN_LOOP
    assert answer_of({"type": "text", "text": text})["choices"][0]["message"]["content"] == text


# What goes wrong


@pytest.mark.parametrize("status", [401, 402, 403, 404, 429, 500, 504, 529])
def test_these_statuses_move_on(status: int) -> None:
    failed = failure_of(error_answer(status, f"not now, {KEY}"))
    assert isinstance(failed, UpstreamFailed)
    assert failed.status == status


@pytest.mark.parametrize("status", [400, 413])
def test_these_statuses_blame_the_request(status: int) -> None:
    refused = failure_of(error_answer(status, "messages.0: too long"))
    assert isinstance(refused, UpstreamRejected)
    assert (str(refused), refused.status) == ("messages.0: too long", status)


@pytest.mark.parametrize(
    "words",
    [
        "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade.",
        "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
    ],
)
def test_a_400_about_our_account_is_not_the_caller_s_fault(words: str) -> None:
    failed = failure_of(error_answer(400, words))
    assert isinstance(failed, UpstreamFailed)
    assert failed.status == 400
    assert "account" in str(failed)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(b""), "an empty body"),
        (Answer(b"<html>", content_type="text/html"), "not JSON"),
        (Answer(b'{"content": [{"type'), "not JSON"),
        (json_answer([]), "not an object"),
        (json_answer({}), "without content"),
        (json_answer(message(content=None)), "without content"),
        (json_answer(message(content=["Hi"])), "without content"),
        (json_answer(message({"type": "text"})), "a text block without text"),
        (json_answer(message({"type": "tool_use", "id": "x"})), "a tool_use block without name"),
        (json_answer(error_document(529, f"Overloaded {KEY}")), "Overloaded [redacted]"),
        (Answer(b'{"content": []', ending="cut"), "broke off"),
        (Answer(ending="reset"), "closed the connection"),
    ],
)
def test_a_malformed_or_missing_answer_moves_on(answer: Answer, words: str) -> None:
    failed = failure_of(answer)
    assert isinstance(failed, UpstreamFailed)
    assert failed.status is None
    assert words in str(failed)


def test_silence_times_out() -> None:
    assert "did not answer within 0.05 s" in str(failure_of(Answer(ending="hang"), timeout_s=0.05))


def test_a_cancelled_caller_cancels_the_request() -> None:
    async def main() -> None:
        async with fake_server(Answer(ending="hang")) as server, open_session() as session:
            provider = AnthropicProvider("claude", server.url, KEY, session)
            task = asyncio.create_task(provider.call(Target("lab/small", "claude", SMALL), HELLO, 30.0))
            await server.arrived.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            async with asyncio.timeout(5):
                await server.client_left.wait()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("task", "operation"), [("image", "image"), ("embeddings", "embeddings"), ("rerank", "rerank"), ("music", "music")]
)
def test_anything_but_chat_moves_on(task: str, operation: str) -> None:
    failed = failure_of(messages_answer(), Call(task, "x", {"documents": ["a"]}))
    assert isinstance(failed, UpstreamFailed)
    assert f"no {operation} endpoint" in str(failed)


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(InvalidInput, match="expected one of"):
        run(Call("dance", "x"))
