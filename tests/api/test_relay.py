"""A stream on its way: the same bytes wherever the pieces end, and nothing that is no event."""

import itertools
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_api.relay import Relay
from greatrouter_serving.call import Usage
from tests.api.conftest import DONE, USAGE, WORDS, chunk

COMMENT = b": still working\n\n"
WINDOWS = b'data: {"choices":[{"index":0,"delta":{"content":"\\r\\n"}}]}\r\n\r\n'
TRICKY = chunk('a "usage":{ in words, [DONE] and "error": too')


def relayed(pieces: list[bytes], **options: Any) -> tuple[bytes, Relay]:
    relay = Relay("lab", include_usage=options.get("include_usage", False))
    return b"".join(relay.feed(piece) for piece in pieces), relay


def cut(stream: bytes, at: list[int]) -> list[bytes]:
    edges = sorted({0, len(stream), *(i % (len(stream) + 1) for i in at)})
    return [stream[a:b] for a, b in itertools.pairwise(edges)]


@given(
    frames=st.lists(st.sampled_from([*WORDS, COMMENT, WINDOWS, TRICKY]), max_size=12),
    at=st.lists(st.integers(0, 5_000), max_size=20),
    include_usage=st.booleans(),
)
def test_wherever_the_pieces_end_the_caller_gets_the_same_bytes(
    frames: list[bytes], at: list[int], include_usage: bool
) -> None:
    passed, relay = relayed(cut(b"".join(frames) + USAGE + DONE, at), include_usage=include_usage)
    assert passed == b"".join(frames)
    if include_usage:
        assert relay.last_chunk(b"{}", relay.usage) == USAGE[:-3] + b',"greatrouter":{}}\n\n'
    assert relay.counted
    assert relay.usage == Usage(prompt_tokens=1000, completion_tokens=500)


@given(at=st.lists(st.integers(0, 1_000), max_size=10))
def test_usage_beside_choices_is_taken_out_and_the_last_is_the_total(at: list[int]) -> None:
    totals = [{"prompt_tokens": 3, "completion_tokens": count} for count in (1, 2)]
    stream = b"".join(chunk("!", usage=usage) for usage in totals) + DONE
    passed, relay = relayed(cut(stream, at), include_usage=True)
    assert passed == chunk("!", usage=None) * 2
    assert relay.usage == Usage(prompt_tokens=3, completion_tokens=2)
    last = orjson.loads(relay.last_chunk(b"{}", relay.usage).removeprefix(b"data: "))
    assert (last["choices"], last["usage"]) == ([], totals[1])


def test_a_usage_chunk_of_several_lines_is_one_chunk_still() -> None:
    usage = b'id: 9\r\ndata: {"choices": [],\r\ndata:  "usage": {"prompt_tokens": 3}}\r\n\r\n'
    _, relay = relayed([*WORDS, usage, DONE], include_usage=True)
    last = relay.last_chunk(b'{"model":"m"}', relay.usage)
    assert last == b'data: {"choices": [],  "usage": {"prompt_tokens": 3},"greatrouter":{"model":"m"}}\n\n'


def test_usage_of_null_in_every_chunk_is_no_usage() -> None:
    chunks = [chunk("a", usage=None), chunk("b", usage=None)]
    passed, relay = relayed(chunks)
    assert passed == b"".join(chunks)
    assert not relay.counted


@pytest.mark.parametrize(
    "garbage",
    [
        b"<html>no</html>\n\n",
        b"data: <html>\n\n",
        b'data: {"choices": [}\n\n',
        b"data: [1, 2]\n\n",
        b"data: 7\n\n",
        chunk(error={"message": "overloaded"}),
        b'event: error\ndata: {"message":"overloaded"}\n\n',
        b"event:error\n\n",
    ],
)
@given(at=st.lists(st.integers(0, 1_000), max_size=5))
def test_what_is_no_part_of_an_answer_is_never_passed_on(garbage: bytes, at: list[int]) -> None:
    relay = Relay("lab", include_usage=False)
    passed = b""
    for piece in cut(WORDS[0] + garbage + WORDS[1], at):
        passed += relay.feed(piece)
        if relay.broken:
            break
    assert "lab" in str(relay.broken)
    assert passed == WORDS[0]


def test_an_event_without_an_end_does_not_fill_the_memory() -> None:
    relay = Relay("lab", include_usage=False)
    for _ in range(17):
        assert relay.feed(b"data: " + b"x" * 1024**2) == b""
    assert relay.broken


def test_what_was_passed_on_is_estimated_where_the_provider_did_not_count() -> None:
    words = [chunk("word " * 20) for _ in range(5)]
    thought = chunk(choices=[{"index": 0, "delta": {"reasoning_content": "hmm " * 100}}])
    call = {"index": 0, "function": {"name": "find", "arguments": '{"query": "tides"}' * 10}}
    tools = chunk(choices=[{"index": 0, "delta": {"tool_calls": [call]}}])
    assert relayed(words)[1].usage.completion_tokens == 125
    assert relayed([*words, thought])[1].usage.completion_tokens == 225
    assert relayed([tools])[1].usage.completion_tokens == 46


def test_a_long_stream_is_counted_without_being_kept() -> None:
    piece = chunk("word " * 200)
    relay = Relay("lab", include_usage=False)
    for _ in range(1_000):
        relay.feed(piece)
    assert relay.usage.completion_tokens == 250_000


@pytest.mark.parametrize("include_usage", [False, True])
def test_our_own_chunk_belongs_to_the_same_answer(include_usage: bool) -> None:
    relay = relayed([COMMENT, *WORDS], include_usage=include_usage)[1]
    found = orjson.loads(relay.last_chunk(b"{}", Usage(prompt_tokens=1, completion_tokens=2)).removeprefix(b"data: "))
    assert (found["id"], found["model"], found["object"]) == ("c1", "small", "chat.completion.chunk")
    counted = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    assert found.get("usage") == (counted if include_usage else None)
    assert [choice["delta"] for choice in found["choices"]] == ([] if include_usage else [{}])
