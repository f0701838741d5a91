import asyncio
import base64
import io
import struct
import wave
import zlib
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_serving.call import Call, Reply, Target, Usage
from greatrouter_serving.providers.sample_media import gif, png, wav
from greatrouter_serving.providers.sandbox import SandboxProvider
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
    async def main() -> bytes:
        return b"".join([piece async for piece in SandboxProvider().stream(TARGET, CALLS[0], 5.0)])

    events = [event.removeprefix(b"data: ") for event in asyncio.run(main()).split(b"\n\n") if event]
    chunks = [orjson.loads(event) for event in events[:-1]]
    text = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks[:-1])
    whole = answer_to(CALLS[0])
    assert text == whole["choices"][0]["message"]["content"]
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"] == whole["usage"]
    assert {chunk["id"] for chunk in chunks} == {whole["id"]}


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
