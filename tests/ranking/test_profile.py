"""What a request needs and consumes: every task, everything attached, and inputs of every wrong type."""

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greatrouter_catalog.arrays import CAPABILITIES, MODALITIES, mask
from greatrouter_catalog.pricing import unit_vector
from greatrouter_classifier.classification import ContentMode, Task
from greatrouter_ranking.profile import Expected, Profile, profile
from greatrouter_ranking.ranker import Optimization
from greatrouter_ranking.tokens import estimate_tokens
from tests.ranking.made_up import classified, ranker

PROMPT = "Write a short poem about the harbour at dawn."
PROMPT_TOKENS = estimate_tokens(PROMPT)
EDIT = ContentMode.EDIT


def of(task: Task, input_: dict[str, Any], mode: ContentMode = ContentMode.GENERATE, prompt: str = PROMPT) -> Profile:
    return profile(classified(task, 0.0, mode), prompt, input_)


def capabilities(*names: str) -> int:
    return mask(names, CAPABILITIES)


def modalities(*names: str) -> int:
    return mask(names, MODALITIES)


# -- hostile inputs --------------------------------------------------------------------------------------------------

FIELDS = (
    "messages", "content", "type", "text", "tools", "tool_calls", "response_format", "max_tokens", "n", "seconds",
    "max_completion_tokens", "duration", "duration_seconds", "file", "audio", "audio_url", "image", "images", "mask",
    "image_url", "video", "video_url", "input", "query", "documents", "system", "role",
)  # fmt: skip
TYPES = ("text", "image_url", "input_audio", "video_url", "file", "json_schema", "json_object", "12", "8s", "-3", "1e9")
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(TYPES)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=4), inner),
    max_leaves=20,
)
inputs = st.dictionaries(st.sampled_from(FIELDS), json_values)


@settings(deadline=None)
@given(st.sampled_from(Task), st.sampled_from(ContentMode), st.floats(0, 1), st.text(), inputs)
def test_no_input_raises_and_every_estimate_is_sane(
    task: Task, mode: ContentMode, complexity: float, prompt: str, input_: dict[str, Any]
) -> None:
    found = profile(classified(task, complexity, mode), prompt, input_)

    units = [float(amount) for amount in unit_vector(found.expected)]
    assert all(math.isfinite(amount) and amount >= 0 for amount in units)
    assert min(found.tokens, found.inputs, found.output, found.capabilities, found.max_output) >= 0
    assert found.inputs < 1 << len(MODALITIES)
    assert ranker([]).rank(found, Optimization.BALANCED, 5).choices == ()


def nested(depth: int) -> Any:
    value: Any = "deep"
    for _ in range(depth):
        value = [{"text": value}]
    return value


@pytest.mark.parametrize("field", ["tools", "messages", "documents", "input", "query", "system", "response_format"])
@pytest.mark.parametrize("task", list(Task))
def test_no_nesting_is_too_deep(task: Task, field: str) -> None:
    found = of(task, {field: nested(5_000)})

    assert found.expected.prompt_tokens >= 0


@pytest.mark.parametrize("bad", [True, False, -1, 0, math.nan, -math.inf, "", "soon", [], {}, None])
def test_a_number_that_is_none_counts_as_absent(bad: Any) -> None:
    for task, field in [(Task.TEXT, "max_tokens"), (Task.TEXT, "n"), (Task.IMAGE, "n"), (Task.VIDEO, "seconds")]:
        assert of(task, {field: bad}) == of(task, {})


@pytest.mark.parametrize("large", [10**9, 10**13, 10**400, 1e300, math.inf, "9" * 40])
def test_a_number_beyond_all_measure_is_the_largest(large: Any) -> None:
    for task, field in [(Task.TEXT, "max_tokens"), (Task.TEXT, "n"), (Task.IMAGE, "n"), (Task.VIDEO, "seconds")]:
        assert of(task, {field: large}) == of(task, {field: 10**9}) != of(task, {})


def test_null_is_absent() -> None:
    for task in Task:
        assert of(task, dict.fromkeys(FIELDS)) == of(task, {})


# -- text, code, web search ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "easy", "hard"), [("text", 150, 1500), ("code", 200, 2000), ("web_search", 300, 1000)]
)
def test_a_harder_prompt_is_answered_at_greater_length(task: str, easy: int, hard: int) -> None:
    lengths = [
        profile(classified(Task(task), score), PROMPT, {}).expected.completion_tokens for score in (0.0, 0.5, 1.0)
    ]

    assert lengths == [easy, (easy + hard) // 2, hard]


@pytest.mark.parametrize(
    ("input_", "answer", "bound"),
    [
        ({"max_tokens": 20}, 20, 20),
        ({"max_tokens": "20"}, 20, 20),
        ({"max_tokens": 0.5}, 1, 1),
        ({"max_tokens": 9_000}, 150, 9_000),
        ({"max_completion_tokens": 30, "max_tokens": 20}, 30, 30),
        ({"max_completion_tokens": 1, "max_tokens": 100_000}, 150, 100_000),
        ({"max_tokens": 10**9}, 150, 10**9),
        ({"max_tokens": 10**13}, 150, 10**9),
        ({"max_tokens": 10**400}, 150, 10**9),
        ({"max_completion_tokens": "2000000000"}, 150, 10**9),
        ({"n": 3}, 450, 0),
        ({"n": 3, "max_tokens": 10}, 30, 10),
        ({"n": 100_000}, 128 * 150, 0),
    ],
)
def test_the_callers_bounds(input_: dict[str, Any], answer: int, bound: int) -> None:
    found = of(Task.TEXT, input_)

    assert found.expected.completion_tokens == answer
    assert found.max_output == bound


def test_the_context_window_must_hold_the_prompt_with_room_to_spare_and_the_whole_bound() -> None:
    long_prompt = "word " * 8_000  # 10,000 tokens

    assert of(Task.TEXT, {}, prompt=long_prompt).tokens == 11_500 + 150
    assert of(Task.TEXT, {"max_tokens": 4_000}, prompt=long_prompt).tokens == 11_500 + 4_000


def test_every_message_counts_and_so_do_tools_and_calls() -> None:
    messages = [
        {"role": "system", "content": "a" * 400},
        {"role": "user", "content": [{"type": "text", "text": "b" * 400}, {"type": "text", "text": None}]},
        {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": "c" * 400}}]},
    ]
    said = of(Task.TEXT, {"messages": messages}).expected.prompt_tokens
    assert 300 < said < 330

    tools = [{"type": "function", "function": {"name": "f", "description": "d" * 4_000}}]
    assert 1_000 < of(Task.TEXT, {"messages": messages, "tools": tools}).expected.prompt_tokens - said < 1_030


def test_the_prompt_counts_where_the_messages_say_less() -> None:
    assert of(Task.TEXT, {"messages": []}).expected.prompt_tokens == PROMPT_TOKENS


@pytest.mark.parametrize(
    ("part", "modality", "least"),
    [
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 10_000}}, "image", 1_000),
        ({"type": "input_image", "image_url": "https://example.org/a.png"}, "image", 1_000),
        ({"type": "image", "source": {"data": "A" * 10_000}}, "image", 1_000),
        ({"type": "input_audio", "input_audio": {"data": "A" * 10_000}}, "audio", 1_900),
        ({"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}}, "video", 15_800),
        ({"type": "file", "file": {"file_data": "A" * 10_000}}, "file", 2_600),
    ],
)
def test_what_is_attached_to_a_message(part: dict[str, Any], modality: str, least: int) -> None:
    content = [{"type": "text", "text": PROMPT}, part]
    found = of(Task.TEXT, {"messages": [{"role": "user", "content": content}]})

    assert found.inputs == modalities(modality)
    # The text and the attachment by its kind: not the ten thousand characters that encode it.
    assert least + PROMPT_TOKENS <= found.expected.prompt_tokens <= least + PROMPT_TOKENS + 10


def test_each_attachment_counts_and_each_kind_is_needed() -> None:
    image, audio = {"type": "image_url", "image_url": {}}, {"type": "input_audio", "input_audio": {}}
    found = of(Task.TEXT, {"messages": [{"content": [image, image]}, {"content": [audio]}]})

    assert found.inputs == modalities("image", "audio")
    assert found.expected.prompt_tokens >= 3_900


def test_tools_and_schemas_are_needs() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "x"}}

    assert of(Task.TEXT, {"tools": [{}]}).capabilities == capabilities("function_calling")
    assert of(Task.TEXT, {"functions": [{}]}).capabilities == capabilities("function_calling")
    assert of(Task.TEXT, {"tools": []}).capabilities == 0
    assert of(Task.TEXT, {"response_format": schema}).capabilities == capabilities("structured_output")
    assert of(Task.TEXT, {"response_format": {"type": "json_object"}}).capabilities == 0


def test_a_web_search_searches_once() -> None:
    assert of(Task.WEB_SEARCH, {}).expected.searches == 1
    assert of(Task.TEXT, {}).expected.searches == 0


# -- images, video, music --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "images"), [(None, 1), (1, 1), (4, 4), ("4", 4), (0.5, 1), (10_000, 10), (-2, 1)])
def test_images_are_counted(n: Any, images: int) -> None:
    assert of(Task.IMAGE, {"n": n}).expected == Expected(images=images, prompt_tokens=PROMPT_TOKENS)


def test_an_edit_needs_a_model_that_edits() -> None:
    edits, makes = capabilities("image_edit"), capabilities("image_generation")

    assert of(Task.IMAGE, {}).capabilities == makes
    assert of(Task.IMAGE, {}, EDIT).capabilities == edits
    assert of(Task.IMAGE, {}, ContentMode.COMBINE).capabilities == edits
    assert of(Task.IMAGE, {"image": "data:..."}).capabilities == edits
    assert of(Task.IMAGE, {"mask": "data:..."}).inputs == modalities("image")
    assert of(Task.TEXT, {}, EDIT).capabilities == 0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(8, "8.0"), ("8", "8.0"), ("8s", "8.0"), (" 7.5 sec ", "7.5"), ("6 seconds", "6.0"), (2.25, "2.25")],
)
def test_durations(value: Any, seconds: str) -> None:
    for task in (Task.VIDEO, Task.MUSIC):
        for field in ("seconds", "duration", "duration_seconds"):
            assert of(task, {field: value}).expected.seconds == Decimal(seconds)


def test_usual_durations() -> None:
    assert of(Task.VIDEO, {}).expected.seconds == 5
    assert of(Task.MUSIC, {}).expected.seconds == 60
    assert of(Task.VIDEO, {"seconds": "nonsense", "duration": 9}).expected.seconds == 9


def test_a_video_may_start_from_a_picture_or_a_video() -> None:
    assert of(Task.VIDEO, {"image_url": "https://example.org/a.png"}).inputs == modalities("image")
    assert of(Task.VIDEO, {"video": "https://example.org/a.mp4"}, EDIT).inputs == modalities("video")


# -- speech ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("input_", "prompt"),
    [
        ({"file": "meeting.wav"}, PROMPT),
        ({"audio_url": "https://example.org/a.wav"}, PROMPT),
        ({"messages": [{"content": [{"type": "input_audio", "input_audio": {}}]}]}, PROMPT),
        ({}, "Transcribe this voicemail for me"),
        ({}, "Transcribe esta nota de voz"),
        ({}, "Trascrivi questo messaggio vocale"),
        ({}, "Transkribiere diese Sprachnachricht"),
        ({}, "Расшифруй это голосовое сообщение"),
        ({}, "把这段录音转成文字"),
        ({}, "この録音を文字起こしして"),
        ({}, "이 녹음을 텍스트로 바꿔 줘"),
        ({}, "इस रिकॉर्डिंग को ट्रांसक्राइब करो"),
        ({}, "فرغ هذا التسجيل الصوتي"),
    ],
)
def test_a_recording_is_listened_to(input_: dict[str, Any], prompt: str) -> None:
    found = of(Task.SPEECH, input_, prompt=prompt)

    assert found.inputs == modalities("audio")
    assert found.output == modalities("text")
    assert found.expected.seconds == 60
    assert found.expected.characters == 0


@pytest.mark.parametrize(
    "input_", [{}, {"input": "Transcribe nothing, just say this."}, {"voice": "alloy"}, {"file": None}]
)
def test_a_text_is_spoken(input_: dict[str, Any]) -> None:
    text = input_.get("input", PROMPT)
    found = of(Task.SPEECH, input_)

    assert found.inputs == 0
    assert found.output == modalities("audio")
    assert found.expected.characters == len(text)
    assert float(found.expected.seconds) == pytest.approx(len(text) / 15, abs=0.001)
    assert found.expected.completion_tokens == round(len(text) / 15 * 25)


def test_a_recordings_length_is_believed() -> None:
    expected = of(Task.SPEECH, {"file": "x", "duration": "120s"}).expected

    assert expected.seconds == 120
    assert (expected.prompt_tokens, expected.completion_tokens) == (1_200, 300)


# -- rerank, embeddings ----------------------------------------------------------------------------------------------


def test_rerank_counts_documents_searches_and_the_query_with_each() -> None:
    documents = ["a" * 40, {"text": "b" * 40}, {"title": "c" * 40}, 5]
    expected = of(Task.RERANK, {"query": "d" * 20, "documents": documents}).expected

    assert expected.documents == 4
    assert expected.searches == 1
    assert 4 * 5 + 3 * 10 <= expected.prompt_tokens <= 4 * 5 + 3 * 10 + 8


@pytest.mark.parametrize(("documents", "searches"), [([], 1), (["x"] * 100, 1), (["x"] * 101, 2), ("nonsense", 1)])
def test_a_search_has_up_to_a_hundred_documents(documents: Any, searches: int) -> None:
    assert of(Task.RERANK, {"query": "q", "documents": documents}).expected.searches == searches


@pytest.mark.parametrize(
    ("given_input", "tokens", "longest"),
    [
        ("a" * 40, 10, 10),
        (["a" * 40, "b" * 400], 110, 100),
        ([1, 2, 3], 3, 3),
        ([[1, 2], [3, 4, 5]], 5, 3),
        (None, PROMPT_TOKENS, PROMPT_TOKENS),
        ([], PROMPT_TOKENS, PROMPT_TOKENS),
        ("", PROMPT_TOKENS, PROMPT_TOKENS),
    ],
)
def test_embeddings_count_all_and_the_longest_must_fit(given_input: Any, tokens: int, longest: int) -> None:
    found = of(Task.EMBEDDINGS, {"input": given_input})

    assert found.expected == Expected(prompt_tokens=tokens)
    assert found.tokens == round(longest * 1.15)
