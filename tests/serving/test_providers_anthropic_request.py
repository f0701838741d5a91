"""What Anthropic is sent for OpenAI's requests. Each body goes through the fake's rules, so none would be refused."""

import base64
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_serving.call import Call
from greatrouter_serving.errors import InvalidInput
from greatrouter_serving.providers.anthropic_models import generation_of
from greatrouter_serving.providers.anthropic_request import messages_body
from tests.serving.fake_anthropic_rules import MODELS, refusal_of
from tests.serving.fake_provider import Received

HEADERS = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
PDF = base64.b64encode(b"%PDF-1.7").decode()
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
ASKED = {"role": "user", "content": "How warm?"}
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "functions.weather:0", "type": "function", "function": {"name": "weather", "arguments": '{"a":1}'}},
        {"id": "call_2", "type": "function", "function": {"name": "weather", "arguments": ""}},
    ],
}
TOLD = [
    {"role": "tool", "tool_call_id": "functions.weather:0", "content": "20"},
    {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "21"}]},
]
every_model = pytest.mark.parametrize("model", MODELS)


def sent(fields: dict[str, Any] | None = None, model: str = "small", task: str = "text") -> dict[str, Any]:
    raw = messages_body(model, Call(task, "Hello", fields or {}))
    assert refusal_of(Received("POST", "/v1/messages", HEADERS, raw)) is None
    body: dict[str, Any] = orjson.loads(raw)
    return body


def turns(*messages: object, model: str = "small", **fields: Any) -> list[Any]:
    given_turns = sent({"messages": list(messages), **fields}, model)["messages"]
    assert isinstance(given_turns, list)
    return given_turns


def parts(*given_parts: object) -> list[Any]:
    [turn] = turns({"role": "user", "content": list(given_parts)})
    blocks = turn["content"]
    assert isinstance(blocks, list)
    return blocks


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


# Messages


def test_a_prompt_is_the_user_s() -> None:
    assert sent() == {
        "model": "small",
        "max_tokens": 8192,
        "messages": [{"role": "user", "content": [text("Hello")]}],
    }


def test_system_and_developer_stand_apart() -> None:
    marked = {"type": "text", "text": "Long", "cache_control": {"type": "ephemeral"}}
    body = sent(
        {
            "messages": [
                {"role": "system", "content": "Be kind."},
                ASKED,
                {"role": "developer", "content": [marked]},
            ]
        }
    )
    assert body["system"] == [text("Be kind."), marked]
    assert [turn["role"] for turn in body["messages"]] == ["user"]


def test_turns_of_the_same_role_are_one() -> None:
    got = turns({"role": "user", "content": "a"}, {"role": "user", "content": ["b"]}, {"role": "user", "content": " "})
    assert got == [{"role": "user", "content": [text("a"), text("b")]}]


def test_calls_and_their_results() -> None:
    late = {"role": "user", "content": "And?"}
    got = turns(ASKED, CALLED, TOLD[0], late, TOLD[1], tools=[WEATHER])
    assert got[1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "functions_weather_0", "name": "weather", "input": {"a": 1}},
                {"type": "tool_use", "id": "call_2", "name": "weather", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "functions_weather_0", "content": [text("20")]},
                {"type": "tool_result", "tool_use_id": "call_2", "content": [text("21")]},
                text("And?"),
            ],
        },
    ]


@every_model
def test_the_first_and_the_last_word_are_the_user_s_where_they_must(model: str) -> None:
    got = turns(
        {"role": "assistant", "content": "Welcome."}, ASKED, {"role": "assistant", "content": "So "}, model=model
    )
    assert got[0] == {"role": "user", "content": [text("Begin.")]}
    assert got[3]["content"] == [text("So" if MODELS[model].prefill else "So ")]
    assert len(got) == (4 if MODELS[model].prefill else 5)


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ({"image_url": {"url": "https://x.org/a.png"}}, {"type": "url", "url": "https://x.org/a.png"}),
        (
            {"image_url": "data:image/jpg;base64,AAAA"},
            {"type": "base64", "media_type": "image/jpeg", "data": "AAAA"},
        ),
    ],
)
def test_images(part: dict[str, Any], source: dict[str, str]) -> None:
    marker = {"cache_control": {"type": "ephemeral"}}
    assert parts({"type": "image_url", **part, **marker}) == [{"type": "image", "source": source, **marker}]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ({"file_data": f"data:application/pdf;base64,{PDF}"}, {"media_type": "application/pdf", "data": PDF}),
        ({"file_data": PDF}, {"media_type": "application/pdf", "data": PDF}),
    ],
)
def test_documents(file: dict[str, str], source: dict[str, str]) -> None:
    expected = {"type": "document", "source": {"type": "base64", **source}, "title": "a.pdf"}
    named = {"filename": "a.pdf", **file}
    assert parts({"type": "file", "file": named}, {"type": "input_file", **named}) == [expected, expected]


def test_other_documents() -> None:
    plain = "data:text/plain;charset=utf-8;base64," + base64.b64encode("Rīga".encode()).decode()
    got = parts(
        {"type": "file", "file": {"file_data": plain}},
        {"type": "input_file", "file_url": "https://x.org/a.pdf"},
        {"type": "file", "file": {"file_id": "file_1"}},
        {"type": "document", "source": {"type": "url", "url": "https://x.org/b.pdf"}},
    )
    assert [block["source"] for block in got] == [
        {"type": "text", "media_type": "text/plain", "data": "Rīga"},
        {"type": "url", "url": "https://x.org/a.pdf"},
        {"type": "file", "file_id": "file_1"},
        {"type": "url", "url": "https://x.org/b.pdf"},
    ]


def reasoned(*details: object) -> dict[str, Any]:
    return {**CALLED, "content": "Let me see.", "reasoning_details": list(details)}


DETAIL = {"type": "reasoning.text", "text": "Well.", "signature": "c2ln", "format": "anthropic-claude-v1", "index": 0}
SEALED = {"type": "reasoning.encrypted", "data": "c2Vh", "format": "anthropic-claude-v1", "index": 1}


def test_thoughts_come_back_first_and_as_they_were() -> None:
    content = turns(ASKED, reasoned(DETAIL, SEALED), *TOLD, tools=[WEATHER])[1]["content"]
    assert content[:2] == [
        {"type": "thinking", "thinking": "Well.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "c2Vh"},
    ]
    assert [block["type"] for block in content[2:]] == ["text", "tool_use", "tool_use"]


def test_the_pieces_of_a_streamed_thought_are_put_together() -> None:
    pieces = [
        {**DETAIL, "text": "We", "signature": None},
        {"type": "reasoning.text", "text": "ll.", "index": 0},
        {"type": "reasoning.text", "text": "", "signature": "c2ln", "index": 0},
        SEALED,
    ]
    whole = turns(ASKED, reasoned(DETAIL, SEALED), *TOLD, tools=[WEATHER])
    assert turns(ASKED, reasoned(*pieces), *TOLD, tools=[WEATHER]) == whole


@pytest.mark.parametrize(
    "detail",
    [
        {**DETAIL, "format": "openai-responses-v1"},
        {**DETAIL, "model": "claude-opus-5"},
        {**DETAIL, "signature": None},
        {**SEALED, "data": ""},
        {"type": "reasoning.summary", "summary": "Well."},
        "Well.",
    ],
)
def test_thoughts_of_others_are_left_out(detail: object) -> None:
    content = turns(ASKED, reasoned(detail), *TOLD, tools=[WEATHER])[1]["content"]
    assert [block["type"] for block in content] == ["text", "tool_use", "tool_use"]


# Fields


def test_fields_by_another_name() -> None:
    body = sent({"max_completion_tokens": 7, "max_tokens": 9, "stop": "END", "temperature": 1.7, "user": "u1"})
    assert (body["max_tokens"], body["stop_sequences"], body["temperature"]) == (7, ["END"], 1.0)
    assert body["metadata"] == {"user_id": "u1"}
    assert "stop_sequences" not in sent({"stop": ["\n"]})
    assert sent({"stop": ["\n", "END"]})["stop_sequences"] == ["END"]
    assert sent({"service_tier": "default"})["service_tier"] == "standard_only"


def test_fields_of_the_same_name_pass() -> None:
    fields = {"top_k": 5, "cache_control": {"type": "ephemeral"}, "inference_geo": "us", "container": "c1"}
    assert sent(fields).items() >= fields.items()
    thinking = {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}
    assert sent({"thinking": thinking, "reasoning_effort": "high"})["thinking"] == thinking


def test_fields_that_anthropic_refuses_are_left_out() -> None:
    fields = {"seed": 1, "logprobs": True, "top_logprobs": 3, "logit_bias": {}, "frequency_penalty": 1, "store": True}
    more = {
        "presence_penalty": 1,
        "verbosity": "low",
        "metadata": {"a": "b"},
        "service_tier": "flex",
        "n": 1,
        "x": None,
    }
    assert sent({**fields, **more, "parallel_tool_calls": False, "tool_choice": "auto"}) == sent()


@every_model
def test_sampling_goes_where_it_is_taken(model: str) -> None:
    body = sent({"temperature": 0.2, "top_p": 0.5, "top_k": 3}, model)
    assert ("temperature" in body) == MODELS[model].sampling
    assert "top_p" not in body
    assert sent({"top_p": 0.5}, model).get("top_p") == (0.5 if MODELS[model].sampling else None)


@every_model
@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high", "xhigh", "max"])
@pytest.mark.parametrize("limit", [None, 1000, 1300, 4000])
def test_every_model_takes_every_effort(model: str, effort: str, limit: int | None) -> None:
    fields = {"reasoning_effort": effort, "max_tokens": limit, "temperature": 0.3, "top_k": 4}
    body = sent(fields, model)
    thinks = body.get("thinking", {}).get("type") in ("enabled", "adaptive")
    may = bool(MODELS[model].thinking) and (limit != 1000 or "adaptive" in MODELS[model].thinking)
    assert thinks == (effort != "none" and may)
    assert sent({**fields, "reasoning": {"effort": effort}, "reasoning_effort": None}, model) == body


def test_reasoning_in_detail() -> None:
    assert sent({"reasoning": {"max_tokens": 2000}})["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    assert sent({"reasoning": {"max_tokens": 90_000}})["thinking"]["budget_tokens"] == int(8192 * 0.95)
    hidden = sent({"reasoning": {"effort": "high", "exclude": True}}, "claude-opus-5-5")
    assert hidden["thinking"] == {"type": "adaptive", "display": "omitted"}
    assert hidden["output_config"] == {"effort": "high"}
    assert sent({"reasoning_effort": "xhigh"}, "claude-opus-4-6")["output_config"] == {"effort": "high"}
    assert sent({"reasoning": {"enabled": False}}, "claude-opus-5")["thinking"] == {"type": "disabled"}
    assert sent({"reasoning_effort": "none"}, "claude-sonnet-5-5")["thinking"] == {"type": "between_tools"}
    assert sent({"reasoning_effort": "none"}, "claude-opus-5-5")["output_config"] == {"effort": "low"}
    assert "thinking" not in sent({"reasoning": {}})


@every_model
def test_a_conversation_that_lost_its_thoughts_goes_on(model: str) -> None:
    messages = [ASKED, CALLED, *TOLD]
    body = sent({"messages": messages, "tools": [WEATHER], "reasoning_effort": "high"}, model)
    assert body.get("thinking", {}).get("type") != "enabled"
    kept = sent({"messages": [ASKED, reasoned(DETAIL), *TOLD], "reasoning_effort": "high"}, model)
    assert ("thinking" in kept) == bool(MODELS[model].thinking)


# Tools


@every_model
@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "weather"}}, {"type": "any"}])
def test_a_demanded_tool_is_demanded_or_asked_for(model: str, choice: object) -> None:
    body = sent({"tools": [WEATHER], "tool_choice": choice, "reasoning_effort": "high"}, model)
    if MODELS[model].forced_tools:
        assert body["tool_choice"]["type"] in ("any", "tool")
        assert "system" not in body
    else:
        assert body["tool_choice"] == {"type": "auto"}
        assert "tool" in body["system"][0]["text"]


def test_tools_and_the_choice_between_them() -> None:
    strict = {"name": "add", "description": "Sums", "strict": True, "parameters": {"properties": {"a": {"minimum": 1}}}}
    body = sent(
        {
            "tools": [{"type": "function", "function": strict}, {"type": "function", "function": {"name": "now"}}],
            "parallel_tool_calls": False,
        },
        "claude-opus-5",
    )
    closed = {"type": "object", "properties": {"a": {"description": "(minimum: 1)"}}, "additionalProperties": False}
    assert body["tools"] == [
        {"name": "add", "description": "Sums", "strict": True, "input_schema": closed},
        {"name": "now", "input_schema": {"type": "object", "properties": {}}},
    ]
    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    none = sent({"tools": [WEATHER], "tool_choice": "none", "parallel_tool_calls": False})
    assert none["tool_choice"] == {"type": "none"}


def test_the_web_search_is_added_once() -> None:
    place = {"type": "approximate", "approximate": {"country": "LV"}}
    [tool] = sent({"web_search_options": {"user_location": place}})["tools"]
    assert tool["user_location"] == {"type": "approximate", "country": "LV"}
    own = {"type": "web_search_20260209", "name": "web_search"}
    assert sent({"tools": [own]}, task="web_search")["tools"] == [own]


# The shape of the answer

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "minimum": {"type": "integer", "minimum": 0, "description": "The least"},
        "tags": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"$ref": "#/$defs/tag"}},
        "kind": {"oneOf": [{"const": "a"}, {"type": "object", "additionalProperties": {"type": "string"}}]},
        "at": {"type": "string", "format": "date-time"},
        "url": {"type": ["string", "null"], "format": "iri"},
    },
    "$defs": {"tag": {"type": "string", "maxLength": 9}},
}


@every_model
def test_a_schema_binds_the_answer_or_is_asked_for(model: str) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA, "strict": True}}
    body = sent({"response_format": wanted}, model)
    if not MODELS[model].formats:
        assert '"The least"' in body["system"][-1]["text"]
        return
    schema = body["output_config"]["format"]["schema"]
    assert schema["properties"]["minimum"] == {"type": "integer", "description": "The least (minimum: 0)"}
    assert schema["properties"]["tags"]["minItems"] == 1
    assert schema["properties"]["kind"]["anyOf"][1] == {"type": "object", "additionalProperties": False}
    assert schema["properties"]["at"]["format"] == "date-time"
    assert schema["properties"]["url"]["description"] == '(format: "iri")'
    assert "$schema" not in schema


@every_model
def test_any_json_is_asked_for(model: str) -> None:
    body = sent(
        {"response_format": {"type": "json_object"}, "messages": [{"role": "system", "content": "A"}, ASKED]}, model
    )
    assert [block["text"][:6] for block in body["system"]] == ["A", "Answer"]
    assert sent({"response_format": {"type": "text"}}, model) == sent(model=model)


# Models


@pytest.mark.parametrize(
    ("model", "like"),
    [
        ("claude-3-opus-20240229", "claude-3-haiku-20240307"),
        ("claude-instant-v1", "claude-3-haiku-20240307"),
        ("claude-opus-4-1-20250805", "claude-opus-4-20250514"),
        ("claude-3.7-sonnet", "claude-opus-4-20250514"),
        ("anthropic.claude-haiku-4-5-20251001-v1:0", "claude-sonnet-4-5"),
        ("claude-4.6-sonnet", "claude-opus-4-6"),
        ("claude-opus-4-7@20260416", "claude-opus-4-8"),
        ("claude-sonnet-5", "claude-opus-5"),
        ("claude-fable-5-1", "claude-opus-5-5"),
        ("claude-opus-latest", "claude-opus-5-5"),
        ("claude-opus-6", "claude-opus-5-5"),
        ("MiniMax-M2", "small"),
    ],
)
def test_a_model_is_known_by_its_name(model: str, like: str) -> None:
    assert generation_of(model) == generation_of(like)


def test_no_limit_of_ours_is_beyond_a_model_s() -> None:
    assert all(generation_of(model).max_tokens <= rules.max_tokens for model, rules in MODELS.items())


# Input that cannot be sent


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"n": 2}, "n: "),
        ({"messages": "Hi"}, "messages must be a list"),
        ({"messages": ["Hi"]}, r"messages\[0\] has role None; expected"),
        ({"messages": [{"role": "function", "content": "x"}]}, "'function'; expected"),
        ({"messages": [{"role": "user", "content": 3}]}, r"messages\[0\].content must be"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "input_audio.*expected"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "C:/a.png"}]}]}, "data URL"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, r"content\[0\] lacks"),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_data": "data:a/b;base64,"}}]}]},
            "a/b",
        ),
        ({"messages": [{"role": "tool", "content": "20"}]}, "tool_call_id"),
        ({"messages": [ASKED, {**CALLED, "tool_calls": [{"id": "a"}]}]}, r"tool_calls\[0\] needs"),
        (
            {
                "messages": [
                    {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "["}}]}
                ]
            },
            "arguments is not a JSON object",
        ),
        ({"max_tokens": 0}, "max_tokens is 0; expected"),
        ({"max_tokens": "9"}, "expected a whole number"),
        ({"temperature": "hot"}, "temperature.*expected"),
        ({"stop": 3}, "stop must be"),
        ({"tools": {}}, None),
        ({"tools": [WEATHER, 3]}, r"tools\[1\]"),
        ({"tools": [{"type": "function"}]}, r"function.name"),
        ({"tools": [WEATHER], "tool_choice": "sometimes"}, "tool_choice must be"),
        ({"reasoning_effort": "huge"}, "'huge'; expected none, minimal"),
        ({"reasoning": "high"}, "reasoning must be"),
        ({"response_format": {"type": "xml"}}, "expected type text, json_object"),
        ({"response_format": {"type": "json_schema"}}, "needs json_schema.schema"),
        ({"top_k": 2**70, "user": "\ud800"}, "whole numbers of at most 64 bits"),
    ],
)
def test_what_cannot_be_said_is_refused_with_advice(fields: dict[str, Any], words: str | None) -> None:
    if words is None:
        assert "tools" not in sent(fields)
        return
    with pytest.raises(InvalidInput, match=words) as caught:
        messages_body("small", Call("text", "Hello", fields))
    if words != "whole numbers of at most 64 bits":
        assert (caught.value.param or "").startswith(tuple(fields))


def test_nothing_to_say_is_refused() -> None:
    with pytest.raises(InvalidInput, match="needs a prompt"):
        messages_body("small", Call("text", " ", {"messages": [{"role": "system", "content": "Be kind."}]}))


def test_a_bottomless_schema_is_refused() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(200):
        schema = {"type": "array", "items": schema}
    wanted = {"type": "json_schema", "json_schema": {"schema": schema}}
    with pytest.raises(InvalidInput, match="flatter") as caught:
        messages_body("claude-opus-5", Call("text", "Hello", {"response_format": wanted}))
    assert caught.value.param == "response_format.json_schema.schema"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        (
            {"messages": [ASKED, {"role": "user", "content": ["Hi", {"type": "input_audio"}]}]},
            "messages[1].content[1]",
        ),
        ({"messages": [{"role": "tool", "content": "20"}]}, "messages[0].tool_call_id"),
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort"),
        ({"stop_sequences": [3]}, "stop_sequences"),
    ],
)
def test_what_cannot_be_said_is_named_as_the_caller_wrote_it(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        messages_body("small", Call("text", "Hello", fields))
    assert caught.value.param == param


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner), max_leaves=6
)
ROLES = st.sampled_from(["system", "user", "assistant", "tool"])
PARTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "image_url", "file", "tool_use"])},
    optional={"text": JSON, "file": JSON, "image_url": JSON},
)
MESSAGES = st.fixed_dictionaries(
    {"role": ROLES},
    optional={"content": JSON | st.lists(PARTS), "tool_calls": JSON, "reasoning_details": JSON, "tool_call_id": JSON},
)
FIELDS = (
    "tools",
    "tool_choice",
    "response_format",
    "reasoning",
    "reasoning_effort",
    "stop",
    "temperature",
    "top_p",
    "top_k",
)
MORE = (
    "max_tokens",
    "metadata",
    "user",
    "service_tier",
    "output_config",
    "thinking",
    "web_search_options",
    "system",
    "n",
)


@given(
    st.dictionaries(st.sampled_from(FIELDS + MORE), JSON),
    st.lists(MESSAGES | JSON, max_size=3) | JSON,
    st.sampled_from(list(MODELS)),
)
def test_no_input_breaks_the_translation(fields: dict[str, Any], messages: object, model: str) -> None:
    try:
        body = messages_body(model, Call("text", "Hello", {**fields, "messages": messages}))
    except InvalidInput:
        return
    assert isinstance(orjson.loads(body), dict)
