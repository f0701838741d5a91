"""Answers kept for a while: whose, how long, how many; and completions told as streams and read back."""

import base64
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_api.answer_cache import OVERHEAD_BYTES, Answer, AnswerCache, ttl_of
from greatrouter_api.completion_stream import Assembler, replayed_as_stream
from greatrouter_api.errors import ApiError
from greatrouter_serving.sse import EventSplitter, data_of

ASKED = {"model": "router", "messages": [{"role": "user", "content": "hi"}], "temperature": 1}
CHAT = "/v1/chat/completions"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> AnswerCache:
    return AnswerCache(clock, max_bytes=10_000, max_entries=3, max_entry_bytes=5_000)


def key(cache: AnswerCache, request: dict[str, Any], organization: str = "org_a", *, test: bool = False) -> bytes:
    found = cache.key(organization, CHAT, request, test=test)
    assert found is not None
    return found


def answer(size: int = 10) -> Answer:
    return Answer(b"x" * size, "lab/small", "lab")


# -- the header -----------------------------------------------------------------------------------------------------


def test_seconds_in_the_header() -> None:
    assert [ttl_of(text) for text in ("", "0", " 60 ", "3600")] == [None, 0, 60, 3600]


@pytest.mark.parametrize("text", ["-1", "3601", "1.5", "soon", "+5", "٣", "9" * 5000, "1e3", "0x10"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ApiError, match="3600") as refused:
        ttl_of(text)
    assert (refused.value.status, refused.value.param) == (400, "X-GR-Cache-TTL")


# -- what an answer is kept under -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        {"temperature": 1.0, **{k: v for k, v in ASKED.items() if k != "temperature"}},
        dict(reversed(ASKED.items())),
        {**ASKED, "stream": True, "stream_options": {"include_usage": True}},
        {**ASKED, "user": "u1", "metadata": {"a": "b"}},
        {**ASKED, "top_p": None},
    ],
)
def test_the_same_question_asked_in_another_way(cache: AnswerCache, request_: dict[str, Any]) -> None:
    assert key(cache, request_) == key(cache, ASKED)


@pytest.mark.parametrize(
    "request_",
    [
        {**ASKED, "temperature": 0.5},
        {**ASKED, "temperature": True},
        {**ASKED, "temperature": "1"},
        {**ASKED, "model": "lab/small"},
        {**ASKED, "messages": [{"role": "user", "content": "hi "}]},
        {**ASKED, "messages": [{"role": "user", "content": "hi", "user": "u"}]},
        {**ASKED, "seed": 1},
    ],
)
def test_another_question(cache: AnswerCache, request_: dict[str, Any]) -> None:
    assert key(cache, request_) != key(cache, ASKED)


def test_nothing_is_shared_between_organizations_keys_or_endpoints(cache: AnswerCache) -> None:
    keys = {
        key(cache, ASKED),
        key(cache, ASKED, "org_b"),
        key(cache, ASKED, test=True),
        cache.key("org_a", "/v1/auto/route", ASKED, test=False),
    }
    assert len(keys) == 4


def test_two_processes_do_not_agree_on_keys(clock: Clock) -> None:
    assert key(AnswerCache(clock), ASKED) != key(AnswerCache(clock), ASKED)


def test_a_request_that_nests_too_deep_is_not_cached(cache: AnswerCache) -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    assert cache.key("org_a", CHAT, {"messages": deep}, test=False) is None
    assert cache.key("org_a", CHAT, {"seed": 2**70}, test=False) is None
    assert not cache.put(None, 60, answer())
    assert cache.get(None, 60) is None


# -- how long and how many ------------------------------------------------------------------------------------------


def test_an_answer_is_kept_for_as_long_as_both_allow(cache: AnswerCache, clock: Clock) -> None:
    asked = key(cache, ASKED)
    assert cache.get(asked, 60) is None
    assert cache.put(asked, 60, answer())
    clock.now += 30
    assert cache.get(asked, 60) == answer()
    assert cache.get(asked, 3600) == answer()
    assert cache.get(asked, 30) is None  # older than this caller takes
    assert cache.get(asked, 0) is None
    assert cache.get(asked, 31) == answer()
    clock.now += 30
    assert cache.get(asked, 3600) is None
    assert (len(cache), cache.size_bytes) == (0, 0)


def test_a_ttl_of_nought_keeps_nothing(cache: AnswerCache) -> None:
    assert not cache.put(key(cache, ASKED), 0, answer())
    assert len(cache) == 0


def test_the_least_recently_used_goes_first(cache: AnswerCache) -> None:
    keys = [key(cache, {"n": n}) for n in range(4)]
    for each in keys[:3]:
        cache.put(each, 60, answer())
    cache.get(keys[0], 60)
    cache.put(keys[3], 60, answer())
    assert [cache.get(each, 60) is not None for each in keys] == [True, False, True, True]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 6_000), st.integers(0, 3), st.integers(0, 2)), max_size=60))
def test_it_never_grows_beyond_its_bounds(steps: list[tuple[int, int, int, int]]) -> None:
    clock = Clock()
    cache = AnswerCache(clock, max_bytes=10_000, max_entries=5, max_entry_bytes=5_000)
    kept: dict[int, int] = {}
    for name, size, ttl_s, wait_s in steps:
        clock.now += wait_s
        if cache.put(key(cache, {"n": name}), ttl_s, answer(size)):
            kept[name] = size
        assert cache.size_bytes <= 10_000
        assert len(cache) <= 5
        found = {n: cache.get(key(cache, {"n": n}), 3600) for n in range(10)}
        assert all(len(a.document) == kept[n] for n, a in found.items() if a is not None)
    sizes = [a.size_bytes for n in range(10) if (a := cache.get(key(cache, {"n": n}), 3600))]
    assert cache.size_bytes == sum(sizes)


def test_what_is_too_large_is_not_kept(cache: AnswerCache) -> None:
    asked = key(cache, ASKED)
    assert not cache.put(asked, 60, answer(5_000))
    assert not cache.put(asked, 60, answer(5_000 - OVERHEAD_BYTES))
    assert cache.put(asked, 60, answer(4_900 - OVERHEAD_BYTES))


# -- completions as streams, and back -------------------------------------------------------------------------------

words = st.text(max_size=40)
json_value = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
tool_call = st.fixed_dictionaries(
    {"id": words, "type": st.just("function"), "function": st.fixed_dictionaries({"name": words, "arguments": words})}
)
token = st.fixed_dictionaries({"token": words, "logprob": st.floats(-9, 0), "bytes": st.lists(st.integers(0, 255))})
detail = st.fixed_dictionaries(
    {"type": st.sampled_from(["reasoning.text", "reasoning.encrypted"])},
    optional={"text": words, "data": words, "index": st.integers(0, 3), "signature": st.none() | words},
)
message = st.fixed_dictionaries(
    {"role": st.just("assistant")},
    optional={
        "content": st.none() | words,
        "refusal": st.none() | words,
        "tool_calls": st.none() | st.lists(tool_call, max_size=3),
        "function_call": st.fixed_dictionaries({"name": words, "arguments": words}),
        "reasoning": words,
        "reasoning_content": st.none() | words,
        "reasoning_details": st.lists(detail, max_size=3),
        "annotations": st.lists(
            st.fixed_dictionaries(
                {"type": st.just("url_citation"), "url_citation": st.just({"url": "u", "title": "t"})}
            )
        ),
        "audio": st.fixed_dictionaries(
            {"id": words, "data": words, "transcript": words, "expires_at": st.integers(0, 9)}
        ),
        "provider_note": words,
        "provider_fields": st.dictionaries(words, json_value, max_size=3),
    },
)
choice = st.fixed_dictionaries(
    {"message": message, "finish_reason": st.sampled_from(["stop", "length", "tool_calls", "content_filter"])},
    optional={
        "logprobs": st.none() | st.fixed_dictionaries({"content": st.lists(token, max_size=3)}),
        "stop_reason": json_value,
    },
)


@st.composite
def completions(draw: st.DrawFn) -> dict[str, Any]:
    envelope = {"id": words, "created": st.integers(0, 2**40), "model": words}
    usage = st.fixed_dictionaries(
        {"prompt_tokens": st.integers(0, 9), "details": st.dictionaries(words, json_value, max_size=3)}
    )
    optional = {
        "usage": usage,
        "system_fingerprint": st.none() | words,
        "service_tier": words,
        "provider": words,
        "citations": st.lists(words, max_size=3),
    }
    choices = draw(st.lists(choice, min_size=1, max_size=3))
    return {
        **draw(st.fixed_dictionaries(envelope, optional=optional)),
        "object": "chat.completion",
        "choices": [{"index": index, **each} for index, each in enumerate(choices)],
    }


def assembled(stream: bytes, *cuts: int) -> Any:
    assembler = Assembler()
    places = [0, *sorted(cuts), len(stream)]
    for start, end in pairwise(places):
        assembler.feed(stream[start:end])
    document = assembler.document()
    return None if document is None else orjson.loads(document)


@given(completions(), st.lists(st.integers(0, 3000), max_size=5))
def test_a_replayed_answer_is_read_back_as_it_was(document: dict[str, Any], cuts: list[int]) -> None:
    stream = replayed_as_stream(orjson.dumps(document), include_usage=True)
    assert assembled(stream, *cuts) == document
    assert assembled(stream + b"data: [DONE]\n\n", *cuts) == document


@given(completions())
def test_a_replayed_answer_has_the_chunks_clients_expect(document: dict[str, Any]) -> None:
    raw = orjson.dumps(document)
    frames = EventSplitter().feed(replayed_as_stream(raw, include_usage=True))
    chunks = [orjson.loads(data_of(frame) or b"") for frame in frames]
    assert all(chunk["object"] == "chat.completion.chunk" and chunk["id"] == document["id"] for chunk in chunks)
    with_choices = [chunk for chunk in chunks if chunk["choices"]]
    assert all(chunk["usage"] is None for chunk in with_choices)
    assert [chunk["usage"] for chunk in chunks if not chunk["choices"]] == (
        [document["usage"]] if "usage" in document else []
    )
    for each in document["choices"]:
        mine = [c for chunk in with_choices for c in chunk["choices"] if c["index"] == each["index"]]
        assert mine[0]["delta"]["role"] == "assistant"
        assert [c["finish_reason"] for c in mine] == [None] * (len(mine) - 1) + [each["finish_reason"]]
        assert "".join(c["delta"].get("content") or "" for c in mine) == (each["message"].get("content") or "")
    bare = replayed_as_stream(raw, include_usage=False)
    assert b"usage" not in bare or b"usage" in raw
    assert all("usage" not in orjson.loads(data_of(frame) or b"") for frame in EventSplitter().feed(bare))


def events(*chunks: Any) -> bytes:
    return b"".join(b"data: " + (c if isinstance(c, bytes) else orjson.dumps(c)) + b"\n\n" for c in chunks)


def delta(finish_reason: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"id": "c", "model": "m", "choices": [{"index": 0, "delta": fields, "finish_reason": finish_reason}]}


def said(*chunks: Any) -> Any:
    whole = assembled(events(*chunks))
    return whole["choices"][0]["message"]


def test_pieces_are_put_together() -> None:
    call = {"index": 0, "id": "t1", "type": "function", "function": {"name": "look_up", "arguments": ""}}
    stream = b": keep-alive\n\n" + events(
        {"id": "", "choices": [], "prompt_filter_results": [1], "error": None},
        delta(role="assistant", content="", refusal=None),
        delta(role="assistant", reasoning_content="hm"),
        delta(reasoning_content="m", content=None),
        delta(content="Hel"),
        delta(content="lo", annotations=[{"type": "url_citation"}]),
        delta(tool_calls=[call]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": '{"a":'}}]),
        delta(tool_calls=[{"index": 0, "id": "t1", "function": {"name": "look_up", "arguments": "1}"}}]),
        delta(tool_calls=[{**call, "index": 1, "id": "t2"}]),
        delta("tool_calls"),
        {"id": "c", "choices": [], "usage": {"prompt_tokens": 3}},
        b"[DONE]",
    )
    whole = assembled(stream)
    assert (whole["id"], whole["model"], whole["usage"]) == ("c", "m", {"prompt_tokens": 3})
    assert whole["prompt_filter_results"] == [1]
    assert whole["choices"] == [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Hello",
                "refusal": None,
                "reasoning_content": "hmm",
                "annotations": [{"type": "url_citation"}],
                "tool_calls": [
                    {"id": "t1", "type": "function", "function": {"name": "look_up", "arguments": '{"a":1}'}},
                    {"id": "t2", "type": "function", "function": {"name": "look_up", "arguments": ""}},
                ],
            },
            "finish_reason": "tool_calls",
        }
    ]


def test_calls_without_an_index_are_told_apart_by_id() -> None:
    first, second = ({"id": name, "function": {"name": "f", "arguments": "{}"}} for name in ("a", "b"))
    again = {"id": "a", "function": {"arguments": " "}}
    message = said(delta(tool_calls=[first, second]), delta(tool_calls=[again]), delta("stop"))
    assert [call["function"]["arguments"] for call in message["tool_calls"]] == ["{} ", "{}"]


def test_sound_in_pieces_is_one_sound() -> None:
    """Each piece of base64 is padded for itself."""
    sound = [b"\x00\x01", b"\x02\x03\x04\x05", b"\x06"]
    pieces = [delta(audio={"id": "a", "data": base64.b64encode(piece).decode()}) for piece in sound]
    audio = said(*pieces, delta(audio={"transcript": "Hi", "expires_at": 9}), delta("stop"))["audio"]
    assert base64.b64decode(audio.pop("data"), validate=True) == b"".join(sound)
    assert audio == {"id": "a", "transcript": "Hi", "expires_at": 9}


def test_sound_that_can_not_be_put_together_is_not_kept() -> None:
    assert assembled(events(delta(audio={"data": "AA="}), delta(audio={"data": "BBB="}), delta("stop"))) is None


def test_who_never_said_a_role_is_the_assistant() -> None:
    assert said(delta(content="a"), delta("stop", role=None)) == {"role": "assistant", "content": "a"}


def test_details_go_on_by_index_and_type() -> None:
    def detail(index: int, text: str) -> dict[str, Any]:
        return {"type": "reasoning.text", "index": index, "text": text}

    message = said(
        delta(reasoning_details=[detail(0, "a")]),
        delta(reasoning_details=[detail(0, "b"), detail(1, "c")]),
        delta(reasoning_details=[{"type": "reasoning.text", "index": 1, "signature": "s"}]),
        delta("stop"),
    )
    assert message["reasoning_details"] == [detail(0, "ab"), {**detail(1, "c"), "signature": "s"}]


def test_several_choices_come_in_any_order() -> None:
    chunks = [
        {"choices": [{"index": i, "delta": {"content": text}, "finish_reason": end}]}
        for i, text, end in [(1, "b", None), (0, "a", None), (1, "B", "stop"), (0, "A", "length")]
    ]
    whole = assembled(events(*chunks))
    assert [(c["message"]["content"], c["finish_reason"]) for c in whole["choices"]] == [
        ("aA", "length"),
        ("bB", "stop"),
    ]


def test_logprobs_are_added() -> None:
    def chunk(token: str, end: str | None) -> dict[str, Any]:
        logprobs = {"content": [{"token": token}], "refusal": None}
        return {"choices": [{"index": 0, "delta": {"content": token}, "logprobs": logprobs, "finish_reason": end}]}

    whole = assembled(events(chunk("a", None), chunk("b", "stop")))
    assert whole["choices"][0]["logprobs"] == {"content": [{"token": "a"}, {"token": "b"}], "refusal": None}


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        events(b"[DONE]"),
        events(delta(content="a")),  # cut before its end
        events(delta(content="a"), {"error": {"message": "boom"}}),
        events(delta("stop"), {"error": {"message": "boom"}}),
        events(delta("stop"))[:-20],
        events(b"<html>"),
        events(b"[1]"),
        events({"choices": [1]}),
        events({"choices": {"index": 0}}),
        events({"choices": [{"index": "0", "delta": {}, "finish_reason": "stop"}]}),
        events(delta("stop", tool_calls=[{"index": 10**9}])),
        events({"id": "c", "choices": []}),
        b'{"id": "c", "object": "chat.completion"}',
    ],
)
def test_what_is_no_whole_stream_is_not_kept(stream: bytes) -> None:
    assert assembled(stream) is None


def test_a_stream_that_is_too_long_is_let_go() -> None:
    assembler = Assembler(max_bytes=100)
    for _ in range(10):
        assembler.feed(events(delta(content="a" * 30)))
    assembler.feed(events(delta("stop")))
    assert assembler.document() is None


def test_a_long_stream_is_read_in_linear_time() -> None:
    """40,000 pieces of one string: joined once, not copied with every piece."""
    whole = assembled(events(delta(content="a" * 50)) * 40_000 + events(delta("stop")))
    assert len(whole["choices"][0]["message"]["content"]) == 2_000_000


@given(st.binary(max_size=300))
def test_any_bytes_are_survived(stream: bytes) -> None:
    assembler = Assembler()
    assembler.feed(stream)
    assembler.feed(b"\n\ndata: " + stream + b"\n\n")
    assert assembler.document() is None
