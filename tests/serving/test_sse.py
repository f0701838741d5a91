import itertools

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_serving.sse import EndWatcher, EventSplitter, data_of, find_usage, is_error

LINE_ENDINGS = st.sampled_from([b"\n", b"\r\n", b"\r"])
LINES = st.sampled_from([b"data: {}", b"data:x", b"data", b": comment", b"event: ping", b"id: 7", b"data:  two", b""])
# Well-formed streams, streams of every odd mixture of endings, and bytes that are no events at all.
EVENT_STREAMS = st.one_of(
    st.lists(st.tuples(LINES, LINE_ENDINGS).map(b"".join), max_size=8).map(b"".join),
    st.binary(max_size=30),
    st.text("\r\nda: t", max_size=30).map(str.encode),
)


def events_of(stream: bytes, cuts: list[int]) -> tuple[list[bytes], bytes]:
    splitter = EventSplitter()
    frames = []
    edges = [0, *sorted(cuts), len(stream)]
    for start, end in itertools.pairwise(edges):
        frames += splitter.feed(stream[start:end])
    return frames, splitter.flush()


@given(EVENT_STREAMS)
def test_a_stream_cut_anywhere_gives_the_same_events(stream: bytes) -> None:
    whole = events_of(stream, [])
    assert b"".join(whole[0]) + whole[1] == stream
    for position in range(len(stream) + 1):
        assert events_of(stream, [position]) == whole
    assert events_of(stream, list(range(len(stream)))) == whole


@given(EVENT_STREAMS, st.lists(st.integers(0, 60)))
def test_a_stream_in_many_pieces_gives_the_same_events(stream: bytes, cuts: list[int]) -> None:
    assert events_of(stream, [min(cut, len(stream)) for cut in cuts]) == events_of(stream, [])


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n")), min_size=1)), LINE_ENDINGS)
def test_data_comes_out_as_it_went_in(events: list[list[str]], ending: bytes) -> None:
    stream = b"".join(
        b"".join(b"data: " + line.encode() + ending for line in lines) + b": keep-alive" + ending + ending
        for lines in events
    )
    frames, rest = events_of(stream, [])
    # A CR at the very end may still become CRLF, so its frame is only given up by the flush.
    frames += [rest] if rest else []
    assert [data_of(frame) for frame in frames] == ["\n".join(lines).encode() for lines in events]


@pytest.mark.parametrize(
    ("frame", "data"),
    [
        (b"data: one\n\n", b"one"),
        (b"data:one\r\n\r\n", b"one"),
        (b"data: one\ndata: two\n\n", b"one\ntwo"),
        (b"data:  indented\n\n", b" indented"),
        (b"data\n\n", b""),
        (b"event: ping\n\n", None),
        (b": comment\n\n", None),
        (b"database: no\n\n", None),
        (b"\xef\xbb\xbfdata: marked\n\n", b"marked"),
        (b"\n\ndata: late\n\n", b"late"),
    ],
)
def test_data_of(frame: bytes, data: bytes | None) -> None:
    assert data_of(frame) == data


@pytest.mark.parametrize(
    ("data", "usage"),
    [
        (b'{"choices":[],"usage":{"prompt_tokens":3}}', {"prompt_tokens": 3}),
        (b'{"choices": [], "usage": {"prompt_tokens": 3}}', {"prompt_tokens": 3}),
        (b'{"choices":[],"usage":null}', None),
        (orjson.dumps({"choices": [{"delta": {"content": '"usage":{"prompt_tokens":9}'}}]}), None),
        (b'{"broken":"usage":{', None),
        (b'["usage":{}]', None),
        (b'{"delta":{"usage":{"x":1}}}', None),
        (b"[DONE]", None),
    ],
)
def test_find_usage(data: bytes, usage: object) -> None:
    assert find_usage(b"data: " + data + b"\n\n") == usage


@pytest.mark.parametrize(
    ("stream", "done"),
    [
        (b"data: {}\n\ndata: [DONE]\n\n", True),
        (b"data: {}\r\n\r\ndata:[DONE]\r\n\r\n", True),
        (b"data: [DONE]", True),
        (b"data: [DONE]\n\n: " + b"cost " * 30 + b"\n\n", True),
        (b"data: {}\n\n", False),
        (orjson.dumps({"content": "data: [DONE]"}), False),
        (b'data: {"content":"\\ndata: [DONE]', False),
        (b"", False),
    ],
)
def test_done_is_seen_at_every_cut_and_never_in_text(stream: bytes, done: bool) -> None:
    for position in range(len(stream) + 1):
        watcher = EndWatcher()
        watcher.feed(stream[:position])
        watcher.feed(stream[position:])
        assert watcher.done is done
    watcher = EndWatcher()
    for byte in stream:
        watcher.feed(bytes([byte]))
    assert watcher.done is done


@pytest.mark.parametrize(
    ("frame", "fails"),
    [
        (b'event: error\ndata: {"message": "x"}\n\n', True),
        (b"data: x\r\nevent:error\r\n\r\n", True),
        (b"event: errors\ndata: x\n\n", False),
        (b'event: message\ndata: "event: error"\n\n', False),
        (b": event: error\n\n", False),
    ],
)
def test_is_error(frame: bytes, fails: bool) -> None:
    assert is_error(frame) is fails


STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'


@pytest.mark.parametrize(
    ("stream", "choices", "finished"),
    [
        (STOP, 1, True),
        (STOP.replace(b":", b": ") + b'data: {"choices":[],"usage":{}}\n\n', 1, True),
        (STOP.replace(b'"stop"', b"null"), 1, False),
        (STOP.replace(b"stop", b"error"), 1, False),
        (orjson.dumps({"content": STOP.decode()}), 1, False),
        (STOP.replace(b'"finish', b'"native_finish'), 1, False),
        (STOP, 2, False),
        (STOP + STOP.replace(b"stop", b"content_filter"), 2, True),
        (b"", 1, False),
    ],
)
def test_an_end_of_all_choices_is_seen_at_every_cut_and_never_in_text(
    stream: bytes, choices: int, finished: bool
) -> None:
    for position in range(len(stream) + 1):
        watcher = EndWatcher(choices)
        watcher.feed(stream[:position])
        watcher.feed(stream[position:])
        assert (watcher.finished, watcher.done) == (finished, False)


@pytest.mark.parametrize("ending", [b"", b"\n", b"\n\n", b"\r\n", b"\r\n\r\n", b"\r\r"])
def test_the_done_that_is_missing_is_an_event_of_its_own(ending: bytes) -> None:
    watcher, splitter = EndWatcher(), EventSplitter()
    stream = STOP.rstrip() + ending
    watcher.feed(stream)
    frames = splitter.feed(stream + watcher.missing)
    assert [data for frame in frames if (data := data_of(frame))] == [STOP[6:].rstrip(), b"[DONE]"]
