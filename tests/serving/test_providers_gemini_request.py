"""OpenAI's chat requests as Gemini is sent them; the fake refuses whatever Gemini would."""

import asyncio
import base64
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_serving.call import Call, Target
from greatrouter_serving.errors import InvalidInput, UpstreamFailed, UpstreamRejected
from greatrouter_serving.providers.gemini_answer import completion
from greatrouter_serving.providers.gemini_request import chat_request
from tests.serving.fake_gemini import candidate, gemini_answer, open_gemini, response
from tests.serving.fake_gemini_rules import KEY, refusal_of
from tests.serving.fake_provider import Received

FLASH, PRO, THIRD, THIRD_PRO = "gemini-2.5-flash", "gemini-2.5-pro", "gemini-3-flash-preview", "gemini-3-pro-preview"
USER = {"role": "user", "content": "What is the weather in Oslo and in Rome?"}
OSLO = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Oslo"}'}}
ROME = {"id": "call_2", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Rome"}'}}
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": ["string", "null"]}}, "$defs": {}},
        "strict": True,
    },
}


def sent(model: str = FLASH, *, task: str = "text", **fields: Any) -> dict[str, Any]:
    """What Gemini was sent, and did not refuse."""

    async def main() -> dict[str, Any]:
        async with open_gemini(gemini_answer()) as (provider, server):
            await provider.call(Target("lab/small", "lab", model), Call(task, "Hi", fields), 5.0)
            document: dict[str, Any] = server.requests[0].json()
            return document

    return asyncio.run(main())


def contents_of(*messages: dict[str, Any], model: str = FLASH) -> list[dict[str, Any]]:
    contents: list[dict[str, Any]] = sent(model, messages=list(messages))["contents"]
    return contents


def parts_of(*content: dict[str, Any]) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = contents_of({"role": "user", "content": list(content)})[0]["parts"]
    return parts


def config_of(model: str = FLASH, **fields: Any) -> dict[str, Any]:
    config: dict[str, Any] = sent(model, **fields).get("generationConfig", {})
    return config


# Messages


def test_a_prompt_alone_is_a_question() -> None:
    assert sent() == {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


def test_system_and_developer_messages_are_the_instruction() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "No jokes."}]},
        {"role": "user", "content": "Hi", "name": "ann"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Why?"},
    ]
    request = sent(messages=messages)
    assert request["systemInstruction"] == {"parts": [{"text": "Be brief."}, {"text": "No jokes."}]}
    assert request["contents"] == [
        {"role": "user", "parts": [{"text": "Hi"}]},
        {"role": "model", "parts": [{"text": "Hello."}]},
        {"role": "user", "parts": [{"text": "Why?"}]},
    ]


def test_an_instruction_alone_is_the_question() -> None:
    assert sent(messages=[{"role": "system", "content": "Tell a story."}]) == {
        "contents": [{"role": "user", "parts": [{"text": "Tell a story."}]}]
    }


@pytest.mark.parametrize("content", ["", [], None, [{"type": "text", "text": ""}]])
def test_an_empty_question_still_has_a_part(content: object) -> None:
    assert contents_of({"role": "user", "content": content}) == [{"role": "user", "parts": [{"text": " "}]}]


def test_an_empty_answer_is_left_out() -> None:
    contents = contents_of(USER, {"role": "assistant", "content": ""}, {"role": "user", "content": "So?"})
    assert [content["role"] for content in contents] == ["user", "user"]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            {"type": "image_url", "image_url": {"url": "data:image/webp;base64,AAAA", "detail": "high"}},
            {"inlineData": {"mimeType": "image/webp", "data": "AAAA"}},
        ),
        (
            {"type": "image_url", "image_url": "data:image/svg+xml,%3Csvg%2F%3E"},
            {"inlineData": {"mimeType": "image/svg+xml", "data": base64.b64encode(b"<svg/>").decode()}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://example.com/a/cat.png?size=2"}},
            {"fileData": {"mimeType": "image/png", "fileUri": "https://example.com/a/cat.png?size=2"}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "gs://bucket/cat"}},
            {"fileData": {"mimeType": "image/jpeg", "fileUri": "gs://bucket/cat"}},
        ),
        (
            {"type": "video_url", "video_url": {"url": "https://www.youtube.com/watch?v=1"}},
            {"fileData": {"fileUri": "https://www.youtube.com/watch?v=1"}},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
            {"inlineData": {"mimeType": "audio/mp3", "data": "AAAA"}},
        ),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
            {"inlineData": {"mimeType": "application/pdf", "data": "AAAA"}},
        ),
        (
            {"type": "file", "file": {"filename": "a.csv", "file_data": "AAAA"}},
            {"inlineData": {"mimeType": "text/csv", "data": "AAAA"}},
        ),
        ({"type": "file", "file": {"file_id": "files/abc"}}, {"fileData": {"fileUri": "files/abc"}}),
        ({"type": "text", "text": "Look"}, {"text": "Look"}),
    ],
)
def test_each_kind_of_part(part: dict[str, Any], expected: dict[str, Any]) -> None:
    assert parts_of(part) == [expected]


@pytest.mark.parametrize(
    "message",
    [
        {"role": "narrator", "content": "x"},
        {"role": "user", "content": 3},
        {"role": "user", "content": [3]},
        {"role": "user", "content": [{"type": "smell", "smell": "rose"}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": {}}]},
        {"role": "user", "content": [{"type": "input_audio"}]},
        {"role": "user", "content": [{"type": "file", "file": {"filename": "a.pdf"}}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function"}]},
        {"role": "tool", "tool_call_id": "nobody", "content": "x"},
    ],
)
def test_a_message_that_means_nothing_is_refused_with_advice(message: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=r"expected|needs|must be|names no call") as caught:
        contents_of({"role": "user", "content": "Hi"}, message)
    assert (caught.value.param or "").startswith("messages[1].")


@pytest.mark.parametrize("messages", ["hello", [3], {"role": "user"}])
def test_messages_must_be_a_list_of_objects(messages: object) -> None:
    with pytest.raises(InvalidInput, match="list of objects"):
        sent(messages=messages)


# Tools


def test_functions_keep_their_json_schema() -> None:
    bare = {"type": "function", "function": {"name": "now"}}
    assert sent(tools=[WEATHER, bare], parallel_tool_calls=False)["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": "weather",
                    "description": "The weather in a city",
                    "parametersJsonSchema": WEATHER["function"]["parameters"],
                },
                {"name": "now"},
            ]
        }
    ]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        ({"type": "function", "function": {"name": "weather"}}, {"mode": "ANY", "allowedFunctionNames": ["weather"]}),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [WEATHER]}},
            {"mode": "ANY", "allowedFunctionNames": ["weather"]},
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [WEATHER]}},
            {"mode": "VALIDATED", "allowedFunctionNames": ["weather"]},
        ),
    ],
)
def test_the_choice_of_tools(choice: object, expected: dict[str, Any]) -> None:
    assert sent(tools=[WEATHER], tool_choice=choice)["toolConfig"] == {"functionCallingConfig": expected}


def test_a_choice_without_tools_is_left_out() -> None:
    assert "toolConfig" not in sent(tool_choice="auto")


def test_hosted_tools_and_gemini_s_own() -> None:
    tools = [{"type": "web_search_preview"}, {"type": "code_interpreter"}, {"urlContext": {}}]
    assert sent(tools=tools)["tools"] == [{"googleSearch": {}}, {"codeExecution": {}}, {"urlContext": {}}]


def test_a_tool_that_gemini_does_not_have_moves_on() -> None:
    with pytest.raises(UpstreamFailed, match="no tool of type 'mcp'"):
        sent(tools=[{"type": "mcp", "server_url": "https://example.com"}])


def test_a_search_of_the_web_searches_unless_the_caller_brings_functions() -> None:
    assert sent(task="web_search")["tools"] == [{"googleSearch": {}}]
    assert sent(task="web_search", tools=[{"google_search": {}}])["tools"] == [{"google_search": {}}]
    assert "googleSearch" not in orjson.dumps(sent(task="web_search", tools=[WEATHER])).decode()


def test_results_come_together_in_the_order_of_their_calls() -> None:
    contents = contents_of(
        USER,
        {"role": "assistant", "content": "Let me see.", "tool_calls": [OSLO, ROME]},
        {"role": "tool", "tool_call_id": "call_2", "content": '{"celsius": 31}'},
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "snow"}]},
        {"role": "user", "content": "Thanks"},
    )
    assert contents[1:] == [
        {
            "role": "model",
            "parts": [
                {"text": "Let me see."},
                {"functionCall": {"id": "call_1", "name": "weather", "args": {"city": "Oslo"}}},
                {"functionCall": {"id": "call_2", "name": "weather", "args": {"city": "Rome"}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "call_1", "name": "weather", "response": {"output": "snow"}}},
                {"functionResponse": {"id": "call_2", "name": "weather", "response": {"celsius": 31}}},
            ],
        },
        {"role": "user", "parts": [{"text": "Thanks"}]},
    ]


@pytest.mark.parametrize(
    ("content", "response_"),
    [
        ("[1, 2]", {"output": [1, 2]}),
        ("7", {"output": 7}),
        ("", {"output": ""}),
        ("plain", {"output": "plain"}),
        (f"{10**30}", {"output": 1e30}),
    ],
)
def test_a_result_that_is_no_object_is_wrapped(content: str, response_: dict[str, Any]) -> None:
    call = {"role": "assistant", "content": None, "tool_calls": [OSLO]}
    parts = contents_of(USER, call, {"role": "tool", "tool_call_id": "call_1", "content": content})[2]["parts"]
    assert parts[0]["functionResponse"]["response"] == response_


def test_a_picture_in_a_result_comes_after_the_results() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    call = {"role": "assistant", "content": None, "tool_calls": [OSLO, ROME]}
    contents = contents_of(
        USER,
        call,
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "snow"}, picture]},
        {"role": "tool", "tool_call_id": "call_2", "content": "sun"},
    )
    assert [next(iter(part)) for part in contents[2]["parts"]] == ["functionResponse", "functionResponse", "inlineData"]


@pytest.mark.parametrize("arguments", ["", "{}", None, {}])
def test_a_call_without_arguments_has_an_empty_object(arguments: object) -> None:
    call = {**OSLO, "function": {"name": "weather", "arguments": arguments}}
    messages: list[dict[str, Any]] = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "x"},
    ]
    assert contents_of(USER, *messages)[1]["parts"][0]["functionCall"]["args"] == {}


# Signatures


def test_signatures_come_back_where_they_were() -> None:
    answer = {
        "role": "assistant",
        "content": "Looking.",
        "reasoning_content": "Two cities.",
        "reasoning_details": [
            {"type": "reasoning.encrypted", "data": "c2lnLXRleHQ=", "format": "google-gemini-v1"},
            {"type": "reasoning.text", "text": "hm", "signature": "Zm9yZWlnbg==", "format": "anthropic-claude-v1"},
        ],
        "tool_calls": [{**OSLO, "extra_content": {"google": {"thought_signature": "c2lnLWNhbGw="}}}, ROME],
    }
    results: list[dict[str, Any]] = [
        {"role": "tool", "tool_call_id": name, "content": "x"} for name in ("call_1", "call_2")
    ]
    parts = contents_of(USER, answer, *results, model=THIRD)[1]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == ["c2lnLXRleHQ=", "c2lnLWNhbGw=", None]


@pytest.mark.parametrize(
    ("model", "signatures"),
    [
        (THIRD, ["skip_thought_signature_validator", None]),
        ("gemini-flash-latest", ["skip_thought_signature_validator", None]),
        (FLASH, [None, None]),
    ],
)
def test_calls_of_another_provider_s_model_are_marked_for_the_third_generation(
    model: str, signatures: list[str | None]
) -> None:
    results: list[dict[str, Any]] = [
        {"role": "tool", "tool_call_id": name, "content": "x"} for name in ("call_1", "call_2")
    ]
    calls = {"role": "assistant", "content": None, "tool_calls": [OSLO, ROME]}
    parts = contents_of(USER, calls, *results, model=model)[1]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == signatures


names = st.from_regex(r"[a-z_][a-z0-9_]{0,15}", fullmatch=True)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3),
    max_leaves=6,
)
calls = st.fixed_dictionaries(
    {"name": names, "args": st.dictionaries(names, values, max_size=3)}, optional={"id": st.uuids().map(str)}
)
signatures = st.none() | st.binary(min_size=1, max_size=20).map(lambda raw: base64.b64encode(raw).decode())


@given(st.lists(st.tuples(calls, signatures), min_size=1, max_size=4), st.text(max_size=20), st.randoms())
def test_calls_come_back_as_gemini_made_them(
    called: list[tuple[dict[str, Any], str | None]], words: str, order: Any
) -> None:
    parts: list[dict[str, Any]] = [{"text": words}] if words else []
    parts += [{"functionCall": call} | ({"thoughtSignature": sign} if sign else {}) for call, sign in called]
    answer, _ = completion("lab", FLASH, response(candidate(*parts)), 0)
    # As a caller keeps it: through JSON.
    message = orjson.loads(orjson.dumps(answer["choices"][0]["message"]))
    ids = [call["id"] for call in message["tool_calls"]]
    order.shuffle(results := [{"role": "tool", "tool_call_id": name, "content": name} for name in ids])
    request = chat_request("lab", FLASH, Call("text", "", {"messages": [USER, message, *results]}))
    came_back = request["contents"][1]["parts"]
    assert [part["functionCall"].pop("id") for part in came_back if "functionCall" in part] == ids
    for call, _ in called:
        call.pop("id", None)
    assert came_back == parts
    answered = [part["functionResponse"] for part in request["contents"][2]["parts"]]
    assert [result["response"]["output"] for result in answered] == ids


contents = st.one_of(
    st.none(),
    st.text(max_size=10),
    st.lists(
        st.sampled_from(
            [
                {"type": "text", "text": "x"},
                {"type": "text", "text": ""},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                {"type": "image_url", "image_url": {"url": "https://example.com/x"}},
            ]
        ),
        max_size=3,
    ),
)
exchange = st.builds(
    lambda content, count: [
        {
            "role": "assistant",
            "content": content,
            "tool_calls": [{**OSLO, "id": f"call_{number}"} for number in range(count)],
        },
        *({"role": "tool", "tool_call_id": f"call_{number}", "content": content} for number in range(count)),
    ],
    contents,
    st.integers(0, 3),
)
said = st.builds(
    lambda role, content: [{"role": role, "content": content}],
    st.sampled_from(["system", "developer", "user", "assistant"]),
    contents,
)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.floats(0, 2),
        "max_tokens": st.integers(1, 100),
        "n": st.integers(1, 3),
        "seed": st.integers(-(2**63), 2**63),
        "stop": st.sampled_from(["x", ["x", "y"]]),
        "tools": st.just([WEATHER]),
        "tool_choice": st.sampled_from(["auto", "none", "required"]),
        "response_format": st.sampled_from([{"type": "text"}, {"type": "json_object"}]),
        "reasoning_effort": st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh"]),
        "reasoning": st.sampled_from([{"max_tokens": 100}, {"exclude": True}, {"enabled": False}]),
        "logit_bias": st.just({"1": 2}),
        "metadata": st.just({"a": "b"}),
        "frobnicate": st.text(max_size=3),
    },
)


@given(
    st.lists(said | exchange, max_size=5),
    OPTIONS,
    st.sampled_from([FLASH, PRO, THIRD, THIRD_PRO, "gemini-2.0-flash"]),
    st.sampled_from(["text", "code", "web_search"]),
)
def test_no_request_is_one_that_gemini_refuses(
    turns: list[list[dict[str, Any]]], options: dict[str, Any], model: str, task: str
) -> None:
    messages = [{"role": "user", "content": "Hi"}, *(message for turn in turns for message in turn)]
    request = chat_request("lab", model, Call(task, "Hi", {"messages": messages, **options}))
    body = orjson.dumps(request)
    assert (
        refusal_of(Received("POST", f"/v1beta/models/{model}:generateContent", {"x-goog-api-key": KEY}, body)) is None
    )


# Options


def test_sampling_and_length() -> None:
    config = config_of(
        temperature=0.5,
        top_p=0.9,
        top_k=40,
        max_tokens=100,
        max_completion_tokens=200,
        stop="END",
        n=2,
        seed=2**40 + 7,
        presence_penalty=0.5,
        frequency_penalty=0,
        logprobs=True,
        top_logprobs=3,
        user="u",
        store=True,
    )
    assert config == {
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 40,
        "maxOutputTokens": 200,
        "stopSequences": ["END"],
        "candidateCount": 2,
        "seed": 7,
        "presencePenalty": 0.5,
        "responseLogprobs": True,
        "logprobs": 3,
    }


def test_null_is_absent() -> None:
    names = ("temperature", "top_p", "max_tokens", "stop", "n", "seed", "tools", "tool_choice", "response_format")
    absent: dict[str, Any] = dict.fromkeys((*names, "reasoning_effort", "reasoning", "modalities", "logprobs"))
    assert sent(**absent) == sent()


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"type": "text"}, {}),
        ({"type": "json_object"}, {"responseMimeType": "application/json"}),
        (
            {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": {"type": "object"}}},
            {"responseMimeType": "application/json", "responseJsonSchema": {"type": "object"}},
        ),
    ],
)
def test_the_form_of_the_answer(wanted: dict[str, Any], expected: dict[str, Any]) -> None:
    assert config_of(response_format=wanted) == expected


def test_modalities_and_the_shape_of_pictures() -> None:
    model = "gemini-2.5-flash-image"
    assert config_of(model, modalities=["image", "text"], image_config={"aspect_ratio": "16:9"}) == {
        "responseModalities": ["IMAGE", "TEXT"],
        "imageConfig": {"aspectRatio": "16:9"},
    }


@pytest.mark.parametrize(
    ("model", "fields", "expected"),
    [
        (FLASH, {"reasoning_effort": "low"}, {"includeThoughts": True, "thinkingBudget": 1024}),
        (FLASH, {"reasoning_effort": "none"}, {"includeThoughts": False, "thinkingBudget": 0}),
        (PRO, {"reasoning_effort": "none"}, {"includeThoughts": False, "thinkingBudget": 128}),
        (FLASH, {"reasoning": {"max_tokens": 5000}}, {"includeThoughts": True, "thinkingBudget": 5000}),
        (FLASH, {"reasoning": {"max_tokens": 10**9}}, {"includeThoughts": True, "thinkingBudget": 24_576}),
        (PRO, {"reasoning": {"max_tokens": 10**9}}, {"includeThoughts": True, "thinkingBudget": 32_768}),
        (
            FLASH,
            {"reasoning": {"effort": "high", "exclude": True}},
            {"includeThoughts": False, "thinkingBudget": 24_576},
        ),
        (FLASH, {"reasoning": {"enabled": True}}, {"includeThoughts": True}),
        (FLASH, {"reasoning": {"enabled": False}}, {"includeThoughts": False, "thinkingBudget": 0}),
        (FLASH, {"include_reasoning": True}, {"includeThoughts": True}),
        (THIRD, {"reasoning_effort": "minimal"}, {"includeThoughts": True, "thinkingLevel": "minimal"}),
        (THIRD, {"reasoning_effort": "medium"}, {"includeThoughts": True, "thinkingLevel": "medium"}),
        (THIRD_PRO, {"reasoning_effort": "medium"}, {"includeThoughts": True, "thinkingLevel": "high"}),
        (
            "gemini-3.1-pro-preview",
            {"reasoning_effort": "medium"},
            {"includeThoughts": True, "thinkingLevel": "medium"},
        ),
        (THIRD_PRO, {"reasoning_effort": "none"}, {"includeThoughts": False, "thinkingLevel": "low"}),
        ("gemini-2.0-flash", {"reasoning_effort": "high"}, None),
        ("gemma-3-27b-it", {"reasoning_effort": "high"}, None),
        (FLASH, {}, None),
    ],
)
def test_how_much_is_thought(model: str, fields: dict[str, Any], expected: dict[str, Any] | None) -> None:
    assert config_of(model, **fields).get("thinkingConfig") == expected


@pytest.mark.parametrize("effort", ["enormous", 3, ["low"]])
def test_an_unknown_effort_is_refused_with_the_known_ones(effort: object) -> None:
    with pytest.raises(InvalidInput, match="minimal, low, medium, high"):
        config_of(reasoning_effort=effort)


def test_gemini_s_own_fields_pass_and_win() -> None:
    safety = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]
    request = sent(
        temperature=1,
        safetySettings=safety,
        cached_content="cachedContents/1",
        generation_config={"temperature": 0.25, "media_resolution": "MEDIA_RESOLUTION_LOW"},
    )
    assert request["safetySettings"] == safety
    assert request["cachedContent"] == "cachedContents/1"
    assert request["generationConfig"] == {"temperature": 0.25, "mediaResolution": "MEDIA_RESOLUTION_LOW"}


def test_the_extra_body_of_google_s_compatible_endpoint_is_understood() -> None:
    google = {"cached_content": "cachedContents/1", "thinking_config": {"thinking_budget": 7, "include_thoughts": True}}
    request = sent(extra_body={"google": google})
    assert request["cachedContent"] == "cachedContents/1"
    assert request["generationConfig"]["thinkingConfig"] == {"thinkingBudget": 7, "includeThoughts": True}


def test_what_is_wrong_in_the_caller_s_own_fields_is_told_by_gemini() -> None:
    with pytest.raises(UpstreamRejected, match='Unknown name "warmth"'):
        sent(generationConfig={"warmth": 1})
    with pytest.raises(UpstreamRejected, match="temperature"):
        sent(temperature="hot")
