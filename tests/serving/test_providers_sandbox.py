import asyncio
import base64
import io
import struct
import wave
import zlib
from contextlib import suppress
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from greatrouter_serving.call import Call, Reply, Target, Usage
from greatrouter_serving.errors import InvalidInput
from greatrouter_serving.providers.sample_media import gif, png, wav
from greatrouter_serving.providers.sandbox import SandboxProvider
from greatrouter_serving.providers.sandbox_schema import example_of
from greatrouter_serving.providers.tokens import estimate_tokens

TARGET = Target("lab/large", "lab", "large")
FRUIT = ["pears and plums", "a red apple", "apple, apple!", "engines"]
CALLS = [
    Call("text", "Say hello"),
    Call("code", "Sort a list"),
    Call("web_search", "Who won?"),
    Call("image", "A red boat", {"n": 2}),
    Call("image", "Bluer", {"image": "iVBORw0KGgo="}, "edit"),
    Call("speech", "Good morning"),
    Call("speech", "Write this down", {"file": "UklGRg=="}),
    Call("music", "A slow waltz"),
    Call("video", "Waves"),
    Call("embeddings", "apple"),
    Call("rerank", "fruit", {"query": "apple", "documents": FRUIT}),
]


def reply_to(call: Call, target: Target = TARGET) -> Reply:
    return asyncio.run(SandboxProvider().call(target, call, 5.0))


def answer_to(call: Call) -> dict[str, Any]:
    document = orjson.loads(reply_to(call).body)
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.task}-{call.content_mode}")
def test_every_answer_is_labelled_and_the_same_each_time(call: Call) -> None:
    first = reply_to(call)
    again = reply_to(Call(call.task, call.prompt, dict(call.input), call.content_mode, request_id="another"))
    assert first == again
    document = orjson.loads(first.body)
    assert document["provider"] == "sandbox"
    assert document["model"] == "lab/large"
    assert document["id"] == answer_to(call)["id"]
    assert document["id"] != orjson.loads(reply_to(call, Target("lab/other", "lab", "other")).body)["id"]


@pytest.mark.parametrize("task", ["text", "code", "web_search"])
def test_chat_says_what_the_prompt_was_taken_for_and_who_would_have_answered(task: str) -> None:
    prompt = "Tell me\n about " + "boats " * 100
    document = answer_to(Call(task, prompt))
    content = document["choices"][0]["message"]["content"]
    assert content.startswith("[sandbox] lab/large would have answered")
    assert f"{task} request (generate)" in content
    assert "Tell me about boats" in content
    assert len(content) < 400
    assert document["object"] == "chat.completion"
    assert (
        document["usage"]["total_tokens"] == document["usage"]["prompt_tokens"] + document["usage"]["completion_tokens"]
    )


def test_messages_are_counted_rather_than_the_prompt() -> None:
    parts = [{"type": "text", "text": "x" * 400}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    usage = reply_to(Call("text", "short", {"messages": [{"role": "user", "content": parts}, None]})).usage
    assert usage.prompt_tokens == 104


@pytest.mark.parametrize("messages", [1.5, True, "x", float("nan"), {"role": "user"}, [None, 1, "x"], [[]]])
def test_malformed_messages_count_as_none(messages: object) -> None:
    none = reply_to(Call("text", "Say hello"))
    assert reply_to(Call("text", "Say hello", {"messages": messages})).usage == none.usage


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text("a1 é", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["content", "text", "x"]), inner),
    max_leaves=6,
)


@given(JSON, st.sampled_from(["text", "image", "video", "speech", "embeddings", "music"]))
def test_no_input_breaks_an_answer(value: object, task: str) -> None:
    names = ("messages", "n", "seconds", "input", "dimensions", "prompt", "text", "response_format", "stream_options")
    assert answer_to(Call(task, "x", dict.fromkeys(names, value)))["provider"] == "sandbox"


def test_a_number_of_many_digits_is_not_one() -> None:
    assert reply_to(Call("video", "Waves", {"seconds": "9" * 5000})).usage == Usage(seconds=Decimal(4))


def test_the_stream_says_what_the_answer_says() -> None:
    chunks = chunks_of(CALLS[0])
    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks[:-1])
    whole = answer_to(CALLS[0])
    assert text == whole["choices"][0]["message"]["content"]
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"] == whole["usage"]
    assert {chunk["id"] for chunk in chunks} == {whole["id"]}


# -- tools, shaped answers, choices and limits --------------------------------------------------------------------

TICKET = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "minLength": 12, "maxLength": 20},
        "priority": {"enum": ["low", "high"]},
        "hours": {"type": "integer", "exclusiveMinimum": 3, "multipleOf": 4},
        "due": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/Day"}]},
        "notes": {"type": "string"},
    },
    "required": ["title", "priority", "hours", "due"],
    "additionalProperties": False,
    "$defs": {"Day": {"type": "string", "format": "date"}},
}


def function(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **fields}}


TOOLS = [function("file_ticket", parameters=TICKET), function("count", parameters={"type": "object"}), function("bare")]


def chunks_of(call: Call) -> list[dict[str, Any]]:
    async def main() -> bytes:
        return b"".join([piece async for piece in SandboxProvider().stream(TARGET, call, 5.0)])

    *events, done, rest = asyncio.run(main()).split(b"\n\n")
    assert (done, rest) == (b"data: [DONE]", b"")
    return [orjson.loads(event.removeprefix(b"data: ")) for event in events]


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        ("required", "file_ticket"),
        ({"type": "function", "function": {"name": "file_ticket"}}, "file_ticket"),
        ({"type": "function", "function": {"name": "bare"}}, "bare"),
    ],
)
def test_a_tool_that_must_be_called_is_called_with_fitting_arguments(choice: object, name: str) -> None:
    call = Call("text", "The lamp is broken", {"tools": TOOLS, "tool_choice": choice, "reasoning_effort": "low"})
    [answered] = answer_to(call)["choices"]
    assert (answered["finish_reason"], answered["message"]["content"]) == ("tool_calls", None)
    [asked] = answered["message"]["tool_calls"]
    assert (asked["type"], asked["function"]["name"]) == ("function", name)
    assert asked["id"] == answer_to(call)["choices"][0]["message"]["tool_calls"][0]["id"]
    arguments = orjson.loads(asked["function"]["arguments"])
    if name == "file_ticket":
        Draft202012Validator(TICKET).validate(arguments)
        assert list(arguments) == ["title", "priority", "hours", "due"]
        assert arguments["due"] == "2025-01-01"
    else:
        assert arguments == {}


def test_a_tool_call_streams_in_pieces_that_add_up_to_it() -> None:
    call = Call("text", "The lamp is broken", {"tools": TOOLS, "tool_choice": "required"})
    *deltas, ending, counted = chunks_of(call)
    whole = answer_to(call)
    [first, *pieces] = [chunk["choices"][0]["delta"]["tool_calls"][0] for chunk in deltas]
    [asked] = whole["choices"][0]["message"]["tool_calls"]
    assert first == {"index": 0, **asked, "function": {"name": "file_ticket", "arguments": ""}}
    assert len(pieces) > 3
    assert all(piece.keys() == {"index", "function"} and piece["index"] == 0 for piece in pieces)
    assert "".join(piece["function"]["arguments"] for piece in pieces) == asked["function"]["arguments"]
    assert ending["choices"][0] == {"index": 0, "delta": {}, "finish_reason": "tool_calls"}
    assert counted["usage"] == whole["usage"]


@pytest.mark.parametrize("choice", ["auto", "none", None, 5, {"type": "x"}])
def test_a_tool_that_may_be_called_is_not(choice: object) -> None:
    [answered] = answer_to(Call("text", "Hi", {"tools": TOOLS, "tool_choice": choice}))["choices"]
    assert answered["message"]["content"].startswith("[sandbox]")
    assert "tool_calls" not in answered["message"]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("tools", "choice"),
    [
        (TOOLS, {"type": "function", "function": {"name": "absent"}}),
        ([], "required"),
        (None, "required"),
        ([{"type": "custom", "custom": {"name": "x"}}, 1, {"function": {"name": 5}}], "required"),
    ],
)
def test_a_tool_that_is_not_there_is_the_callers_error(tools: object, choice: object, streamed: bool) -> None:
    call = Call("text", "Hi", {"tools": tools, "tool_choice": choice})
    with pytest.raises(InvalidInput, match="tool"):
        chunks_of(call) if streamed else answer_to(call)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_shaped_answer_is_json_that_fits(streamed: bool) -> None:
    def said(shape: object) -> Any:
        call = Call("text", "The lamp is broken", {"response_format": shape})
        if not streamed:
            return orjson.loads(answer_to(call)["choices"][0]["message"]["content"])
        return orjson.loads("".join(c["choices"][0]["delta"].get("content", "") for c in chunks_of(call)[:-1]))

    assert "sandbox" in said({"type": "json_object"})["sandbox"]
    ticket = said({"type": "json_schema", "json_schema": {"name": "ticket", "strict": True, "schema": TICKET}})
    Draft202012Validator(TICKET).validate(ticket)


@pytest.mark.parametrize("shape", [{"type": "text"}, {"type": "json_schema"}, {"type": "xml"}, [], "json_object"])
def test_any_other_shape_is_words(shape: object) -> None:
    content = answer_to(Call("text", "Hi", {"response_format": shape}))["choices"][0]["message"]["content"]
    assert content.startswith("[sandbox]")


def test_as_many_choices_as_asked() -> None:
    call = Call("text", "Hi", {"n": 3})
    document, one = answer_to(call), answer_to(Call("text", "Hi"))
    assert [choice["index"] for choice in document["choices"]] == [0, 1, 2]
    assert document["usage"]["completion_tokens"] == 3 * one["usage"]["completion_tokens"]
    texts = dict.fromkeys(range(3), "")
    for chunk in chunks_of(call)[:-1]:
        texts[chunk["choices"][0]["index"]] += chunk["choices"][0]["delta"].get("content", "")
    assert set(texts.values()) == {one["choices"][0]["message"]["content"]}


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize("limit", [1, 7, 500])
@pytest.mark.parametrize("fields", [{}, {"tools": TOOLS, "tool_choice": "required"}])
def test_an_answer_ends_at_its_limit(name: str, limit: int, fields: dict[str, Any]) -> None:
    limited = Call("text", "你好 hello", {name: limit, **fields})
    full, cut = answer_to(Call("text", "你好 hello", fields)), answer_to(limited)
    before, after = full["choices"][0], cut["choices"][0]
    assert cut["usage"]["completion_tokens"] == min(limit, full["usage"]["completion_tokens"])
    if limit == 500:
        assert (said_in(after), after["finish_reason"]) == (said_in(before), before["finish_reason"])
        return
    assert after["finish_reason"] == chunks_of(limited)[-2]["choices"][0]["finish_reason"] == "length"
    assert said_in(before).startswith(said_in(after))


def said_in(choice: dict[str, Any]) -> str:
    calls = choice["message"].get("tool_calls")
    return str(calls[0]["function"]["arguments"] if calls else choice["message"]["content"])


NAMES = st.sampled_from(["a", "b", "c", "d"])
BOUNDS = st.integers(-50, 50)


@st.composite
def numbers(draw: st.DrawFn) -> dict[str, Any]:
    low, width = draw(BOUNDS), draw(st.integers(40, 90))
    schema: dict[str, Any] = {"type": draw(st.sampled_from(["integer", "number"]))}
    schema |= draw(st.sampled_from([{}, {"minimum": low}, {"exclusiveMinimum": low}, {"minimum": low - 0.25}]))
    high = low + width
    schema |= draw(st.sampled_from([{}, {"maximum": high}, {"exclusiveMaximum": high}, {"maximum": high + 0.5}]))
    return schema | draw(st.sampled_from([{}, {"multipleOf": 3}, {"multipleOf": 20}, {"multipleOf": 0.5}]))


@st.composite
def texts(draw: st.DrawFn) -> dict[str, Any]:
    shortest = draw(st.integers(0, 40))
    schema: dict[str, Any] = {"type": draw(st.sampled_from(["string", ["null", "string"]]))}
    schema |= draw(st.sampled_from([{}, {"minLength": shortest}, {"minLength": shortest, "maxLength": shortest + 2}]))
    return schema | draw(st.sampled_from([{}, {"maxLength": 90}]))


PLAIN = st.one_of(
    numbers(),
    texts(),
    st.sampled_from([{"type": "string", "format": name} for name in ("date", "date-time", "email", "uuid", "ipv4")]),
    st.sampled_from([{"enum": [3, "x"]}, {"const": None}, {"type": "boolean"}, {"type": "null"}, {}, True]),
    st.just({"$ref": "#/$defs/Leaf"}),
    st.just({"$ref": "#/$defs/Node"}),
)


def wider(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    objects = st.builds(
        lambda known, extra: {"type": "object", "properties": known, "required": [*known, *extra]},
        st.dictionaries(NAMES, inner, max_size=3),
        st.lists(NAMES, max_size=1),
    )
    closed = st.builds(
        lambda known: {"properties": known, "required": list(known)[:1], "additionalProperties": False},
        st.dictionaries(NAMES, inner, max_size=3),
    )
    lists = st.builds(
        lambda items, least, room: {"type": "array", "items": items, "minItems": least, "maxItems": least + room},
        inner, st.integers(0, 3), st.integers(0, 2),
    )  # fmt: skip
    tuples = st.builds(
        lambda first: {"type": "array", "prefixItems": first, "items": False, "minItems": len(first)},
        st.lists(inner, min_size=1, max_size=3),
    )
    arms = st.builds(lambda some: {"anyOf": some}, st.lists(inner, min_size=1, max_size=3))
    all_of = st.builds(lambda one: {"allOf": [one, {"description": "x"}]}, inner)
    return st.one_of(objects, closed, lists, tuples, arms, all_of)


LINKS = {"next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}, "all": {"items": {"$ref": "#/$defs/Node"}}}
DEFS = {
    "Leaf": {"type": "object", "properties": {"k": {"const": "leaf"}}, "required": ["k"]},
    "Node": {"type": "object", "properties": LINKS, "required": ["next", "all"]},
}


@given(st.recursive(PLAIN, wider, max_leaves=8))
def test_an_example_fits_its_schema(inner: Any) -> None:
    schema = {"type": "object", "properties": {"x": inner}, "required": ["x"], "$defs": DEFS}
    example = example_of(schema)
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(example)
    assert example == example_of(schema)


@given(JSON)
def test_no_schema_breaks_an_example(value: Any) -> None:
    names = ("type", "properties", "required", "items", "anyOf", "$ref", "minItems", "minLength", "multipleOf", "enum")
    for schema in (value, *({name: value} for name in names)):
        with suppress(InvalidInput):  # a length of thousands
            orjson.dumps(example_of(schema))


def test_an_expression_tree_comes_to_an_end() -> None:
    number = {"type": "object", "properties": {"value": {"type": "number"}}, "required": ["value"]}
    sides = {side: {"$ref": "#/$defs/Expression"} for side in ("left", "right")}
    operation = {"type": "object", "properties": sides, "required": ["left", "right"]}
    schema = {"$ref": "#/$defs/Expression", "$defs": {"Expression": {"anyOf": [operation, number]}}}
    Draft202012Validator(schema).validate(example_of(schema))


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/A", "$defs": {"A": {"required": ["a"], "properties": {"a": {"$ref": "#/$defs/A"}}}}},
        {"type": "array", "minItems": 10**12},
        {"type": "string", "minLength": 10**12},
        {"type": "array", "minItems": 1000, "items": {"required": ["a" * 1000]}},
        {"type": "array", "minItems": 1000, "items": {"const": "a" * 1000}},
    ],
)
def test_a_schema_that_asks_for_too_much_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="schema"):
        example_of(schema)


@pytest.mark.parametrize(("asked", "count"), [(None, 1), (3, 3), (0, 1), (500, 10), ("x", 1), (True, 1)])
def test_images_are_real_and_as_many_as_asked(asked: object, count: int) -> None:
    call = Call("image", "A boat", {"n": asked})
    data = answer_to(call)["data"]
    assert len(data) == count
    assert reply_to(call).usage.images == count
    assert base64.b64decode(data[0]["b64_json"]).startswith(b"\x89PNG")


def test_an_image_can_be_a_data_url_and_its_colour_comes_from_the_prompt() -> None:
    boat = answer_to(Call("image", "A boat", {"response_format": "url"}))["data"][0]["url"]
    tree = answer_to(Call("image", "A tree", {"response_format": "url"}))["data"][0]["url"]
    assert boat.startswith("data:image/png;base64,")
    assert boat != tree


@pytest.mark.parametrize(("call", "seconds"), [(Call("speech", "Good morning"), 0.4), (Call("music", "A waltz"), 0.8)])
def test_sound_is_a_real_recording(call: Call, seconds: float) -> None:
    audio = answer_to(call)["audio"]
    assert audio["format"] == "wav"
    with wave.open(io.BytesIO(base64.b64decode(audio["data"]))) as sound:
        assert sound.getnframes() / sound.getframerate() == pytest.approx(seconds)
        assert max(np.frombuffer(sound.readframes(sound.getnframes()), "<i2")) > 1000


def test_video_is_a_finished_job_with_a_film() -> None:
    document = answer_to(Call("video", "Waves", {"seconds": "8"}))
    assert (document["object"], document["status"], document["seconds"]) == ("video", "completed", "8")
    assert base64.b64decode(document["data"][0]["b64_json"]).startswith(b"GIF89a")
    assert reply_to(Call("video", "Waves")).usage == Usage(seconds=Decimal(4))


@pytest.mark.parametrize(
    ("given_input", "count", "tokens"),
    [("apple", 1, 2), (["apple", "pear"], 2, 3), ([1, 2, 3], 1, 3), ([[1, 2], [3]], 2, 3), (None, 1, 4)],
)
def test_embeddings_are_unit_vectors_in_order(given_input: object, count: int, tokens: int) -> None:
    call = Call("embeddings", "from the prompt", {"input": given_input, "dimensions": 8})
    data = answer_to(call)["data"]
    assert [row["index"] for row in data] == list(range(count))
    for row in data:
        assert len(row["embedding"]) == 8
        assert np.linalg.norm(row["embedding"]) == pytest.approx(1, abs=1e-5)
    assert reply_to(call).usage.prompt_tokens == tokens


def test_the_same_text_has_the_same_vector_in_either_encoding() -> None:
    floats = answer_to(Call("embeddings", "x", {"input": ["pear", "apple"]}))["data"][1]["embedding"]
    encoded = answer_to(Call("embeddings", "x", {"input": "apple", "encoding_format": "base64"}))["data"][0][
        "embedding"
    ]
    assert np.frombuffer(base64.b64decode(encoded), "<f4").tolist() == pytest.approx(floats)
    assert floats != answer_to(Call("embeddings", "x", {"input": "pear"}))["data"][0]["embedding"]


def test_rerank_puts_the_most_words_in_common_first_and_ties_by_index() -> None:
    document = answer_to(Call("rerank", "?", {"query": "Apple", "documents": FRUIT}))
    assert [result["index"] for result in document["results"]] == [2, 1, 0, 3]
    assert document["results"][0] == {"index": 2, "relevance_score": 1.0, "document": {"text": "apple, apple!"}}
    assert document["results"][3]["relevance_score"] == 0
    assert document["meta"]["billed_units"]["search_units"] == 1


def test_rerank_keeps_to_top_n_and_leaves_documents_out_when_asked() -> None:
    fields = {"query": "苹果", "documents": ["梨", {"text": "红苹果"}], "top_n": 1, "return_documents": False}
    call = Call("rerank", "?", fields)
    [result] = answer_to(call)["results"]
    assert result == {"index": 1, "relevance_score": 0.8}
    assert reply_to(call).usage.documents == 2


# The files are checked by readers of their own: nothing here may depend on how they were written.


def test_png_decodes_to_its_colour() -> None:
    data = png((200, 100, 50), side=8)
    chunks = {}
    at = 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(kind + content)
        chunks[kind] = content
        at += 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    assert struct.unpack(">IIBBBBB", chunks[b"IHDR"]) == (8, 8, 8, 2, 0, 0, 0)
    rows = zlib.decompress(chunks[b"IDAT"])
    assert len(rows) == 8 * (1 + 8 * 3)
    assert rows[:4] == bytes([0, 200, 100, 50])


def test_gif_decodes_to_growing_bars() -> None:
    frames = gif_frames(gif((1, 2, 3), side=16, frames=4))
    assert [sum(frame) for frame in frames] == [4 * 16, 8 * 16, 12 * 16, 16 * 16]


def gif_frames(data: bytes) -> list[list[int]]:
    """The pixels of each frame, by the rules of GIF89a."""
    assert data[:6] == b"GIF89a"
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + 3 * 2 ** ((flags & 7) + 1)
    frames = []
    while data[at] != 0x3B:
        is_image = data[at] == 0x2C
        at += 11 if is_image else 2
        code_size = data[at - 1]
        blocks = b""
        while data[at]:
            blocks += data[at + 1 : at + 1 + data[at]]
            at += 1 + data[at]
        at += 1
        if is_image:
            frames.append(unpacked(blocks, code_size))
            assert len(frames[-1]) == width * height
    assert at == len(data) - 1
    return frames


def unpacked(blocks: bytes, code_size: int) -> list[int]:
    clear, end = 1 << code_size, (1 << code_size) + 1
    bits, available = int.from_bytes(blocks, "little"), len(blocks) * 8
    table: dict[int, list[int]] = {}
    previous: list[int] | None = None
    pixels: list[int] = []
    while available:
        size = max(code_size + 1, (len(table) if table else end + 1).bit_length())
        code, bits, available = bits & ((1 << size) - 1), bits >> size, available - size
        if code == end:
            break
        if code == clear:
            table, previous = {i: [i] for i in range(clear)} | {clear: [], end: []}, None
            continue
        entry = table[code] if code in table else [*(previous or []), (previous or [0])[0]]
        if previous is not None:
            table[len(table)] = [*previous, entry[0]]
        pixels += entry
        previous = entry
    return pixels


def test_wav_holds_each_note_for_its_time() -> None:
    with wave.open(io.BytesIO(wav([100, 200], 0.5))) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getnframes()) == (1, 2, 8000)
        samples = np.frombuffer(sound.readframes(8000), "<i2").astype(int)
    rises = [int(((half[:-1] < 0) & (half[1:] >= 0)).sum()) for half in (samples[:4000], samples[4000:])]
    assert rises == [pytest.approx(50, abs=1), pytest.approx(100, abs=1)]


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("", 0, 0),
        ("a", 1, 1),
        ("The quick brown fox jumps over the lazy dog.", 9, 12),
        ("今天天气很好,我们去公园散步吧。", 10, 17),
        ("Сегодня хорошая погода, пойдём гулять.", 9, 16),
        ("L'été dernier, nous étions à la mer.", 8, 12),
    ],
)
def test_tokens_are_estimated_by_script(text: str, low: int, high: int) -> None:
    assert low <= estimate_tokens(text) <= high


@given(st.text(), st.text())
def test_more_text_is_never_fewer_tokens(first: str, second: str) -> None:
    assert estimate_tokens(first) <= estimate_tokens(first + second) <= estimate_tokens(first) + estimate_tokens(second)
