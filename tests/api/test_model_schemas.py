"""What models take and give as JSON Schema: sound schemas, what they accept, what they say of what they do not."""

import asyncio
import time
from typing import Any, cast

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from greatrouter_api.errors import ApiError
from greatrouter_api.model_schemas.check import problems
from greatrouter_api.model_schemas.schemas import schema_of
from greatrouter_catalog.model import Model
from greatrouter_catalog.taxonomy import TASK_TYPES
from greatrouter_serving.call import Call, Target
from greatrouter_serving.providers.sandbox import SandboxProvider
from tests.api.conftest import FAKE, Running

PICTURE = "data:image/png;base64,iVBORw0KGgo="
QUESTION = [{"role": "user", "content": "Which way to the station?"}]
# What a caller sends for each task type, in the spellings of OpenAI's, Cohere's and our own examples.
EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "text_generation": [
        {"messages": QUESTION},
        {"model": "router", "messages": QUESTION, "temperature": 0.7, "max_tokens": 64, "stop": ["\n"], "stream": True},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Say"}, {"type": "text", "text": "hi"}]}]},
        {"messages": QUESTION, "max_tokens": None, "tools": None, "top_k": 5, "metadata": {"any": [1, 2]}},
    ],
    "web_search": [{"messages": QUESTION}],
    "image_generation": [{"prompt": "a heron", "n": 2, "size": "1024x1024", "response_format": "b64_json"}],
    "video_generation": [{"prompt": "a heron", "seconds": "4"}, {"prompt": "a heron", "seconds": 8}],
    "music_generation": [{"prompt": "a slow waltz", "duration": 20}],
    "text_to_speech": [{"input": "Mind the gap", "voice": "alloy", "speed": 1.25}, {"text": "Mind the gap"}],
    "speech_to_text": [{"file": "UklGRg==", "language": "en"}, {"audio": {"data": "UklGRg==", "format": "wav"}}],
    "embeddings": [
        {"input": "a heron"},
        {"input": ["a heron", "a stork"], "encoding_format": "base64", "dimensions": 64},
        {"input": [1, 2, 3]},
        {"input": [[1, 2], [3]]},
    ],
    "rerank": [
        {"query": "birds", "documents": ["a heron", {"text": "a stork"}], "top_n": 1},
        {"query": "birds", "documents": ["a heron"], "return_documents": False},
    ],
}


def model(task_type: str, **fields: Any) -> Model:
    kind = TASK_TYPES[task_type]
    given: dict[str, Any] = {
        "id": "lab/one",
        "provider": "lab",
        "upstream_model": "one",
        "task_type": task_type,
        "category": kind.category,
        "tasks": kind.tasks,
        "name": "One",
        "canonical": "one",
        "family": f"{kind.taxonomy}/lab--one",
        "input_modalities": (kind.input_modality,),
        "output_modalities": (kind.output_modality,),
    }
    return Model(**given | fields)


def faults(side: Any, found: Model | list[Model], value: Any, dimensions: int | None = None) -> dict[str, str]:
    """Path → message."""
    models = found if isinstance(found, list) else [found]
    return {problem["path"]: problem["message"] for problem in problems(schema_of(side, models, dimensions), value)}


# --- The schemas ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task_type", TASK_TYPES)
@pytest.mark.parametrize("side", ["input", "output"])
def test_schemas_are_sound(task_type: str, side: Any) -> None:
    capable = ("function_calling", "structured_output", "reasoning")
    for found in (
        model(task_type),
        model(task_type, capabilities=capable, input_modalities=("text", "image", "audio")),
    ):
        schema = schema_of(side, [found], 256)
        Draft202012Validator.check_schema(schema)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert "lab/one" in schema["title"]
        orjson.dumps(schema)


@pytest.mark.parametrize(("task_type", "value"), [(t, value) for t, values in EXAMPLES.items() for value in values])
def test_what_callers_send_is_valid(task_type: str, value: dict[str, Any]) -> None:
    assert faults("input", model(task_type, max_output_tokens=4096), value, dimensions=256) == {}


@pytest.mark.parametrize("task_type", TASK_TYPES)
def test_a_null_field_is_an_absent_one(task_type: str) -> None:
    found = model(task_type)
    fields = schema_of("input", [found], None)["properties"]
    value = EXAMPLES[task_type][0]
    assert faults("input", found, {**dict.fromkeys(fields), **value}) == {}


@pytest.mark.parametrize("task_type", TASK_TYPES)
def test_an_empty_input_lacks_what_the_model_is_about(task_type: str) -> None:
    assert list(faults("input", model(task_type), {})) == [""]


@pytest.mark.parametrize("value", [None, 5, "text", [1], True])
def test_what_is_no_object_is_not_valid(value: Any) -> None:
    assert "expected an object" in faults("input", model("text_generation"), value)[""]
    assert "expected an object" in faults("input", [model("embeddings"), model("rerank")], value)[""]


# --- What the sandbox answers -----------------------------------------------------------------------------------------


def sandbox_answer(task_type: str, value: dict[str, Any]) -> Any:
    target = Target("lab/one", "sandbox", "one")
    call = Call(TASK_TYPES[task_type].tasks[0], "a heron at dusk", value)
    return orjson.loads(asyncio.run(SandboxProvider().call(target, call, 1.0)).body)


@pytest.mark.parametrize(("task_type", "value"), [(t, value) for t, values in EXAMPLES.items() for value in values])
def test_sandbox_answers_are_valid(task_type: str, value: dict[str, Any]) -> None:
    if task_type == "speech_to_text" and "file" not in value:
        value = value | {"file": "UklGRg=="}
    assert faults("output", model(task_type), sandbox_answer(task_type, value)) == {}


@given(
    texts=st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=5),
    dimensions=st.integers(1, 64),
    encoding=st.sampled_from(["float", "base64"]),
)
@settings(max_examples=30, deadline=None)
def test_sandbox_vectors_are_valid(texts: list[str], dimensions: int, encoding: str) -> None:
    value = {"input": texts, "dimensions": dimensions, "encoding_format": encoding}
    found = model("embeddings")
    assert faults("input", found, value, dimensions=64) == {}
    assert faults("output", found, sandbox_answer("embeddings", value), dimensions=64) == {}


def test_an_answer_that_lacks_its_point_is_not_valid() -> None:
    assert "lacks choices" in faults("output", model("text_generation"), {"id": "x"})[""]
    assert "/data" in faults("output", model("image_generation"), {"data": []})
    assert "url, b64_json" in faults("output", model("image_generation"), {"data": [{}]})["/data/0"]
    assert "data, url, output" in faults("output", model("video_generation"), {"status": "failed"})[""]
    assert "/data/0/embedding" in faults("output", model("embeddings"), {"data": [{"embedding": [0.5] * 3}]}, 2)


# --- By model ---------------------------------------------------------------------------------------------------------


def said(part: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [part]}]}


@pytest.mark.parametrize(
    ("part", "modality"),
    [
        ({"type": "image_url", "image_url": {"url": PICTURE}}, "image"),
        ({"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}, "audio"),
        ({"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERg=="}}, "file"),
        ({"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}}, "video"),
    ],
)
def test_media_only_where_the_model_takes_them(part: dict[str, Any], modality: str) -> None:
    assert faults("input", model("text_generation", input_modalities=("text", modality)), said(part)) == {}
    refusal = faults("input", model("text_generation"), said(part))
    assert refusal == {"/messages/0/content/0/type": f"is '{part['type']}'; expected one of text, refusal"}


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens"])
def test_answers_are_no_longer_than_the_model_can_write(field: str) -> None:
    found = model("text_generation", max_output_tokens=8192)
    assert faults("input", found, {"messages": QUESTION, field: 8192}) == {}
    assert faults("input", found, {"messages": QUESTION, field: 8193}) == {
        f"/{field}": "is 8193; expected at most 8,192"
    }
    assert faults("input", found, {"messages": QUESTION, field: 0}) == {f"/{field}": "is 0; expected at least 1"}
    assert faults("input", model("text_generation"), {"messages": QUESTION, field: 10**6}) == {}


def test_the_most_generous_endpoint_of_a_model_sets_its_limits() -> None:
    endpoints = [model("text_generation", max_output_tokens=n) for n in (100, 4000)]
    assert faults("input", endpoints, {"messages": QUESTION, "max_tokens": 4000}) == {}


@pytest.mark.parametrize(
    ("capability", "fields"),
    [
        ("function_calling", {"tools": [{"type": "function", "function": {"name": "look_up", "parameters": {}}}]}),
        ("reasoning", {"reasoning_effort": "high"}),
        ("structured_output", {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}}),
    ],
)
def test_what_a_model_cannot_do_is_refused(capability: str, fields: dict[str, Any]) -> None:
    value = {"messages": QUESTION, **fields}
    assert faults("input", model("text_generation", capabilities=(capability,)), value) == {}
    assert len(faults("input", model("text_generation"), value)) == 1


def test_a_picture_only_where_the_model_edits() -> None:
    value = {"prompt": "make it night", "image": PICTURE}
    assert faults("input", model("image_generation", input_modalities=("image", "text")), value) == {}
    assert "no input of kind image" in faults("input", model("image_generation"), value)["/image"]


def test_vectors_are_no_longer_than_the_models() -> None:
    assert faults("input", model("embeddings"), {"input": "a", "dimensions": 385}, 384) == {
        "/dimensions": "is 385; expected at most 384"
    }


def test_a_model_of_two_tasks_takes_either_and_complains_of_the_one_that_was_meant() -> None:
    both = [model("embeddings"), model("rerank")]
    assert faults("input", both, {"input": "a"}) == {}
    assert faults("input", both, {"query": "a", "documents": ["b"]}) == {}
    assert faults("input", both, {"query": "a", "documents": [5]}) == {
        "/documents/0": "is 5; expected text or an object"
    }


# --- What is said -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task_type", "value", "expected"),
    [
        ("text_generation", {"messages": "hi"}, {"/messages": "is 'hi'; expected a list"}),
        ("text_generation", {"messages": []}, {"/messages": "is empty; expected at least 1 item"}),
        (
            "text_generation",
            {"messages": [{"role": "king"}]},
            {"/messages/0/role": "is 'king'; expected one of system, developer, user, assistant, tool, function"},
        ),
        (
            "text_generation",
            {"messages": [{"role": "user"}]},
            {"/messages/0": "lacks content; expected an object with content"},
        ),
        (
            "text_generation",
            {"messages": QUESTION, "temperature": "hot"},
            {"/temperature": "is 'hot'; expected a number"},
        ),
        ("text_generation", {"messages": QUESTION, "n": True}, {"/n": "is true; expected a whole number"}),
        (
            "rerank",
            {"documents": [{"text": 1}]},
            {
                "/documents/0/text": "is 1; expected text",
                "": "lacks query; expected an object with query, documents",
            },
        ),
        ("embeddings", {"input": ["a", 5]}, {"/input/1": "is 5; expected text or a list"}),
        ("embeddings", {"input": [1, "a"]}, {"/input/0": "is 1; expected text or a list"}),
        ("embeddings", {"input": [1, 2, "a"]}, {"/input/2": "is 'a'; expected a whole number"}),
        ("embeddings", {"input": ["a"] * 2049}, {"/input": "has 2,049 items; expected at most 2,048"}),
        ("embeddings", {"input": {}}, {"/input": "is an object; expected text or a list"}),
        ("text_to_speech", {}, {"": "lacks what it is about; expected one of input, text"}),
        ("text_to_speech", {"input": None}, {"": "lacks what it is about; expected one of input, text"}),
    ],
)
def test_messages_say_what_was_expected(task_type: str, value: dict[str, Any], expected: dict[str, str]) -> None:
    assert faults("input", model(task_type), value) == expected


def test_paths_are_json_pointers() -> None:
    schema = {"type": "object", "properties": {"a/b~c": {"type": "array", "items": {"type": "string"}}}}
    assert problems(schema, {"a/b~c": ["x", 1]})[0]["path"] == "/a~1b~0c/1"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=6), inside, max_size=4),
    max_leaves=12,
)
FIELDS = (
    "messages",
    "input",
    "query",
    "documents",
    "prompt",
    "tools",
    "max_tokens",
    "image",
    "file",
    "data",
    "results",
)


@given(task_type=st.sampled_from(sorted(TASK_TYPES)), value=JSON | st.dictionaries(st.sampled_from(FIELDS), JSON))
@settings(deadline=None)
def test_any_json_gets_a_verdict_and_agrees_with_the_schema(task_type: str, value: Any) -> None:
    for side in ("input", "output"):
        schema = schema_of(side, [model(task_type), model("rerank")], 8)
        assert (problems(schema, value) == []) == Draft202012Validator(schema).is_valid(value)


# --- Bounded work -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        {"input": [{}] * 49_000},
        {"query": "a", "documents": [{"text": 1}] * 24_000},
        {"messages": [{"role": "user", "content": [[]] * 49_000}]},
        {"messages": [{}] * 49_000, "tools": [[]]},
        {f"field {n}": n for n in range(49_000)},
    ],
)
def test_a_hostile_value_is_little_work(value: dict[str, Any]) -> None:
    """0.03 s each; collecting all that is wrong with the first took 5 s."""
    started = time.process_time()
    found = problems(schema_of("input", [model("embeddings"), model("rerank"), model("text_generation")], None), value)
    assert time.process_time() - started < 1.0
    assert len(found) <= 50


def test_too_many_parts_are_refused_unread() -> None:
    deep: Any = []
    for _ in range(60_000):
        deep = [deep]
    for value in ({"input": [0] * 50_001}, {"a": deep}):
        with pytest.raises(ApiError) as refused:
            problems(schema_of("input", [model("embeddings")], None), value)
        assert refused.value.status == 413


def test_a_message_shows_little_of_a_long_value() -> None:
    message = faults("input", model("text_generation"), {"messages": "x" * 10_000})["/messages"]
    assert len(message) < 120


# --- Over HTTP --------------------------------------------------------------------------------------------------------


def validated(server: Running, path: str, body: Any) -> Any:
    answer = server.post(f"/v1/models/{path}", body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_model_of_the_catalog_has_schemas_by_what_it_can_do(server: Running) -> None:
    schema = server.client.get("/v1/models/openai/gpt-4o/input-schema").json()
    parts = schema["properties"]["messages"]["items"]["properties"]["content"]["anyOf"][1]["items"]
    assert "image_url" in parts["properties"]["type"]["enum"]
    assert schema["properties"]["max_tokens"]["maximum"] == 16_384
    assert schema["properties"]["tools"]["type"] == ["array", "null"]
    assert server.client.get("/v1/models/openai/gpt-4o/output-schema").json()["required"] == ["choices"]


def test_validation_over_http(server: Running) -> None:
    path = "openai/gpt-4o/validate-input"
    assert validated(server, path, {"messages": QUESTION}) == {"valid": True, "errors": []}
    assert validated(server, path, {"input": {"messages": QUESTION}}) == {"valid": True, "errors": []}
    found = validated(server, path, {"messages": QUESTION, "max_tokens": 10**6})
    assert found == {
        "valid": False,
        "errors": [{"path": "/max_tokens", "message": "is 1000000; expected at most 16,384"}],
    }
    assert validated(server, path, [])["valid"] is False


def test_inputs_that_have_an_input_are_not_unwrapped(server: Running) -> None:
    path = f"{FAKE}/validate-input"
    assert validated(server, path, {"input": ["a"]})["valid"] is True
    assert validated(server, path, {"input": {"query": "a", "documents": ["b"]}})["valid"] is True
    assert validated(server, path, {"input": {"text": "a"}})["valid"] is False


def test_what_this_process_serves_is_valid(server: Running) -> None:
    """The real answers of the local model fit the schema that is published for them."""
    answer = server.post("/v1/embeddings", {"model": FAKE, "input": ["a", "b"]}).json()
    assert validated(server, f"{FAKE}/validate-output", answer) == {"valid": True, "errors": []}
    ranked = server.post("/v1/rerank", {"model": FAKE, "query": "a", "documents": ["a", "b"]}).json()
    assert validated(server, f"{FAKE}/validate-output", {"output": ranked}) == {"valid": True, "errors": []}


@pytest.mark.parametrize("verb", ["validate-input", "validate-output"])
def test_refusals_over_http(server: Running, verb: str) -> None:
    def code(answer: Any, status: int) -> str:
        assert answer.status_code == status, answer.text
        return cast(str, answer.json()["error"]["code"])

    path = f"/v1/models/openai/gpt-4o/{verb}"
    assert code(server.client.post(path, json={}), 401) == "authentication_failed"
    assert code(server.post(f"/v1/models/nobody/nothing/{verb}", {}), 404) == "model_not_found"
    assert code(server.post(path, b"{"), 400) == "invalid_request"
    assert code(server.post(path, b""), 400) == "invalid_request"
    assert code(server.post(path, b"[" * 5000), 400) == "invalid_request"
    assert code(server.post(path, {"input": [0] * 50_001}), 413) == "request_too_large"
    assert code(server.client.get(path), 404) == "model_not_found"


@pytest.mark.parametrize("side", ["input", "output"])
def test_an_unknown_model_has_no_schema(server: Running, side: str) -> None:
    answer = server.client.get(f"/v1/models/nobody/nothing/{side}-schema")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
