"""Gemini's answers as OpenAI's callers see them: chat, search, pictures, embeddings, and what goes wrong."""

import asyncio
import re
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion

from greatrouter_serving.call import Call, Reply, Target, Usage
from greatrouter_serving.errors import InvalidInput, UpstreamFailed, UpstreamRejected
from greatrouter_serving.providers.gemini_answer import completion
from tests.serving.fake_gemini import (
    HELLO,
    NOW_S,
    USAGE,
    candidate,
    error_answer,
    gemini_answer,
    judged,
    open_gemini,
    response,
    text,
)
from tests.serving.fake_gemini_rules import KEY
from tests.serving.fake_provider import Answer, Received, json_answer

MODEL = "gemini-2.5-flash"
HI = Call("text", "Hi")
PICTURE = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}


def asked(call: Call, *answers: Answer, model: str = MODEL, key: str | None = KEY) -> tuple[Reply, list[Received]]:
    """The reply, and what the server was asked."""

    async def main() -> tuple[Reply, list[Received]]:
        async with open_gemini(*answers, key=key) as (provider, server):
            return await provider.call(Target("lab/small", "lab", model), call, 5.0), server.requests

    return asyncio.run(main())


def chat(document: dict[str, Any], call: Call = HI, model: str = MODEL) -> tuple[dict[str, Any], Usage]:
    reply, _ = asked(call, gemini_answer(document), model=model)
    ChatCompletion.model_validate_json(reply.body)
    return orjson.loads(reply.body), reply.usage


def choice_of(*parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    document, _ = chat(response(candidate(*parts, **fields)))
    (choice,) = document["choices"]
    assert isinstance(choice, dict)
    return choice


def message_of(*parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    message: dict[str, Any] = choice_of(*parts, **fields)["message"]
    return message


# Chat


def test_a_plain_answer() -> None:
    reply, requests = asked(Call("text", "Hi"), gemini_answer())
    assert orjson.loads(reply.body) == {
        "id": "mAitaLmkHPPlz7IPvtfUqQ4",
        "object": "chat.completion",
        "created": int(NOW_S),
        "model": "gemini-2.5-flash",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello there!", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 12,
            "completion_tokens": 3,
            "total_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    }
    assert reply.usage == Usage(prompt_tokens=12, completion_tokens=3)
    (request,) = requests
    assert (request.method, request.path) == ("POST", "/v1beta/models/gemini-2.5-flash:generateContent")
    assert request.headers["x-goog-api-key"] == KEY


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("tunedModels/mine", "/v1beta/tunedModels/mine:generateContent"),
        ("models/gemini-2.5-pro", "/v1beta/models/gemini-2.5-pro:generateContent"),
        ("a?b#c", "/v1beta/models/a%3Fb%23c:generateContent"),
    ],
)
def test_where_a_model_is_asked(model: str, path: str) -> None:
    _, requests = asked(Call("text", "Hi"), json_answer(HELLO), model=model)
    assert requests[0].path == path


def test_thoughts_and_their_signatures_stand_apart() -> None:
    message = message_of(
        text("Two and two...", thought=True),
        text(" is four.", thought=True),
        text("It is "),
        text("4.", thoughtSignature="c2ln"),
    )
    assert message["reasoning_content"] == "Two and two... is four."
    assert message["content"] == "It is 4."
    assert message["reasoning_details"] == [
        {"type": "reasoning.encrypted", "data": "c2ln", "format": "google-gemini-v1"}
    ]


def test_calls_of_functions() -> None:
    choice = choice_of(
        {"functionCall": {"id": "own", "name": "weather", "args": {"city": "Oslo"}}, "thoughtSignature": "c2ln"},
        {"functionCall": {"name": "now"}},
    )
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    first, second = choice["message"]["tool_calls"]
    assert first == {
        "id": "own",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city":"Oslo"}'},
        "extra_content": {"google": {"thought_signature": "c2ln"}},
    }
    assert second["function"] == {"name": "now", "arguments": "{}"}
    assert second["id"].startswith("call_")


@pytest.mark.parametrize("response_id", ["mAitaLmkHPPlz7IPvtfUqQ4", None, "x" * 300, "a/b:c"])
def test_ids_of_calls_differ(response_id: str | None) -> None:
    call = {"functionCall": {"name": "now", "args": {}}}
    found = []
    for number in "12":
        document, _ = chat(response(candidate(call, call), responseId=response_id and number + response_id + number))
        found += [call["id"] for call in document["choices"][0]["message"]["tool_calls"]]
    assert len(set(found)) == 4
    # OpenAI refuses longer ones, Anthropic other characters.
    assert all(re.fullmatch("[a-zA-Z0-9_-]{8,40}", name) for name in found)


def test_pictures_sounds_and_code() -> None:
    message = message_of(
        text("Here: "),
        {**PICTURE, "thoughtSignature": "c2ln"},
        {"inlineData": {"mimeType": "audio/L16;rate=24000", "data": "BBBB"}},
        {"executableCode": {"language": "PYTHON", "code": "print(1)"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
    )
    assert message["images"] == [
        {
            "type": "image_url",
            "image_url": {"url": "data:image/png;base64,AAAA"},
            "extra_content": {"google": {"thought_signature": "c2ln"}},
        }
    ]
    assert (message["audio"]["data"], message["audio"]["format"]) == ("BBBB", "L16;rate=24000")
    assert message["content"] == "Here: \n```python\nprint(1)\n```\n\n```\n1\n```\n"


def test_a_picture_comes_back_as_it_was() -> None:
    answer = message_of({**PICTURE, "thoughtSignature": "c2ln"})
    _, requests = asked(Call("text", "Hi", {"messages": [answer, {"role": "user", "content": "Bluer"}]}))
    assert requests[0].json()["contents"][0]["parts"] == [{**PICTURE, "thoughtSignature": "c2ln"}]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("BLOCKLIST", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("SPII", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"),
        ("SOMETHING_NEW", "stop"),
    ],
)
def test_why_an_answer_ended(reason: str, expected: str) -> None:
    choice = choice_of(text("Well"), finish=reason)
    assert (choice["finish_reason"], choice["message"]["content"]) == (expected, "Well")


@pytest.mark.parametrize(
    "reason",
    ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "LANGUAGE", "OTHER", "NO_IMAGE"],
)
def test_an_answer_that_the_model_spoiled_moves_on(reason: str) -> None:
    with pytest.raises(UpstreamFailed, match=reason):
        asked(Call("text", "Hi"), gemini_answer(response(candidate(finish=reason))))


def test_an_answer_that_thought_too_long_is_empty_and_not_null() -> None:
    choice = choice_of(finish="MAX_TOKENS")
    assert (choice["finish_reason"], choice["message"]["content"]) == ("length", "")
    # As a filter leaves it: without content.
    document, _ = chat(response({"finishReason": "SAFETY", "index": 0}))
    assert document["choices"][0]["message"]["content"] == ""


def test_a_blocked_prompt_is_an_answer_that_was_filtered() -> None:
    usage = {"promptTokenCount": 4, "totalTokenCount": 4}
    document, used = chat(response(usage=usage, promptFeedback={"blockReason": "PROHIBITED_CONTENT"}))
    (choice,) = document["choices"]
    assert choice["finish_reason"] == "content_filter"
    assert choice["message"]["content"] == ""
    assert "PROHIBITED_CONTENT" in choice["message"]["refusal"]
    assert used == Usage(prompt_tokens=4)


def test_several_candidates() -> None:
    both = response(candidate(text("a")), candidate(text("b"), index=1, finish="MAX_TOKENS"))
    document, _ = chat(both)
    found = [(choice["index"], choice["message"]["content"], choice["finish_reason"]) for choice in document["choices"]]
    assert found == [(0, "a", "stop"), (1, "b", "length")]


def test_log_probabilities() -> None:
    result = {
        "topCandidates": [{"candidates": [{"token": "Hé", "logProbability": -0.5}, {"token": "Yo"}]}],
        "chosenCandidates": [{"token": "Hé", "tokenId": 7, "logProbability": -0.5}],
    }
    assert choice_of(text("Hé"), logprobsResult=result)["logprobs"]["content"] == [
        {
            "token": "Hé",
            "logprob": -0.5,
            "bytes": [72, 195, 169],
            "top_logprobs": [
                {"token": "Hé", "logprob": -0.5, "bytes": [72, 195, 169]},
                {"token": "Yo", "logprob": 0.0, "bytes": [89, 111]},
            ],
        }
    ]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (
            {
                "promptTokenCount": 100,
                "toolUsePromptTokenCount": 30,
                "cachedContentTokenCount": 80,
                "candidatesTokenCount": 10,
                "thoughtsTokenCount": 40,
            },
            Usage(prompt_tokens=130, completion_tokens=50, cached_tokens=80, reasoning_tokens=40),
        ),
        ({"promptTokenCount": 5, "cachedContentTokenCount": 9}, Usage(prompt_tokens=5, cached_tokens=5)),
        ({"promptTokenCount": "many", "candidatesTokenCount": -3, "thoughtsTokenCount": 1e30}, Usage()),
    ],
)
def test_what_was_used(counts: dict[str, Any], expected: Usage) -> None:
    document, usage = chat(response(candidate(text("x")), usage=counts))
    assert usage == expected
    assert document["usage"]["prompt_tokens"] == expected.prompt_tokens
    assert document["usage"]["completion_tokens_details"] == {"reasoning_tokens": expected.reasoning_tokens}


# Search


GROUNDING: dict[str, Any] = {
    "webSearchQueries": ["who won", "final score"],
    "groundingChunks": [
        {"web": {"uri": "https://example.org/1", "title": "One"}},
        {"web": {"uri": "https://example.org/2"}},
        {"web": {}},
    ],
    "groundingSupports": [
        {"segment": {"endIndex": 8, "text": "Ålesund"}, "groundingChunkIndices": [0, 2, 9]},
        {"segment": {"startIndex": 500, "endIndex": 600, "text": "vant."}, "groundingChunkIndices": [1]},
    ],
}


@pytest.mark.parametrize(("model", "searches"), [(MODEL, 1), ("gemini-3-flash-preview", 2)])
def test_a_search_cites_its_pages(model: str, searches: int) -> None:
    found = response(candidate(text("Ålesund vant."), groundingMetadata=GROUNDING))
    document, usage = chat(found, Call("web_search", "Who won?"), model)
    assert document["choices"][0]["message"]["annotations"] == [
        {
            "type": "url_citation",
            "url_citation": {"start_index": 0, "end_index": 7, "url": "https://example.org/1", "title": "One"},
        },
        {
            "type": "url_citation",
            "url_citation": {"start_index": 8, "end_index": 13, "url": "https://example.org/2", "title": ""},
        },
    ]
    assert usage.searches == searches


def test_an_answer_without_a_search_counts_none() -> None:
    document, usage = chat(HELLO, Call("web_search", "Who won?"))
    assert usage.searches == 0
    assert "annotations" not in document["choices"][0]["message"]


# Pictures


def pictures(call: Call, *answers: Answer, model: str = "gemini-2.5-flash-image") -> tuple[dict[str, Any], Usage, Any]:
    reply, requests = asked(call, *answers, model=model)
    return orjson.loads(reply.body), reply.usage, [request.json() for request in requests]


def test_a_picture_is_made() -> None:
    call = Call("image", "A red boat", {"size": "1792x1024", "quality": "high", "response_format": "url"})
    document, usage, (request,) = pictures(call, gemini_answer(response(candidate(text("Here:"), PICTURE))))
    assert document == {
        "created": int(NOW_S),
        "data": [{"b64_json": "AAAA", "mime_type": "image/png"}],
        "usage": {"input_tokens": 12, "output_tokens": 3, "total_tokens": 15},
    }
    assert usage == Usage(prompt_tokens=12, completion_tokens=3, images=1)
    assert request == {
        "contents": [{"role": "user", "parts": [{"text": "A red boat"}]}],
        "generationConfig": {"responseModalities": ["TEXT", "IMAGE"], "imageConfig": {"aspectRatio": "16:9"}},
    }


def test_several_pictures_are_as_many_requests() -> None:
    document, usage, requests = pictures(
        Call("image", "A red boat", {"n": 3}), gemini_answer(response(candidate(PICTURE)))
    )
    assert (len(document["data"]), usage.images, len(requests)) == (3, 3, 3)
    assert document["usage"]["total_tokens"] == 45


def test_a_picture_is_edited_from_others() -> None:
    call = Call("image", "Join them", {"images": ["AAAA", "https://example.com/a.webp"]}, "combine")
    drafted = response(candidate({**PICTURE, "thought": True}, PICTURE))
    document, _, (request,) = pictures(call, gemini_answer(drafted))
    assert len(document["data"]) == 1
    assert request["contents"][0]["parts"] == [
        {"text": "Join them"},
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
        {"fileData": {"mimeType": "image/webp", "fileUri": "https://example.com/a.webp"}},
    ]


@pytest.mark.parametrize("n", [0, 11, "two", 1.5])
def test_an_impossible_number_of_pictures_is_refused(n: object) -> None:
    with pytest.raises(InvalidInput, match="from 1 to 10"):
        pictures(Call("image", "A red boat", {"n": n}), gemini_answer())


def test_a_picture_that_a_filter_kept_back_is_the_request_s_fault() -> None:
    with pytest.raises(UpstreamRejected, match="IMAGE_SAFETY"):
        pictures(Call("image", "x"), gemini_answer(response(candidate(finish="IMAGE_SAFETY"))))
    with pytest.raises(UpstreamRejected, match="OTHER"):
        pictures(Call("image", "x"), gemini_answer(response(promptFeedback={"blockReason": "OTHER"})))


@pytest.mark.parametrize("found", [candidate(text("I cannot.")), candidate(finish="NO_IMAGE")])
def test_an_answer_without_a_picture_moves_on(found: dict[str, Any]) -> None:
    with pytest.raises(UpstreamFailed, match="without a picture"):
        pictures(Call("image", "x"), gemini_answer(response(found)))


def test_imagen_predicts() -> None:
    answer = {"predictions": [{"mimeType": "image/png", "bytesBase64Encoded": "AAAA"}] * 2}
    call = Call("image", "A red boat", {"n": 2, "size": "1024x1024"})
    reply, (request,) = asked(call, judged(json_answer(answer)), model="imagen-4.0-generate-001")
    assert len(orjson.loads(reply.body)["data"]) == reply.usage.images == 2
    assert request.path == "/v1beta/models/imagen-4.0-generate-001:predict"
    assert request.json() == {
        "instances": [{"prompt": "A red boat"}],
        "parameters": {"sampleCount": 2, "aspectRatio": "1:1"},
    }


def test_imagen_filters_and_does_not_edit() -> None:
    filtered = {"predictions": [{"raiFilteredReason": "Unable to show the images: 58061214."}]}
    with pytest.raises(UpstreamRejected, match="58061214"):
        pictures(Call("image", "x"), json_answer(filtered), model="imagen-4.0-generate-001")
    with pytest.raises(UpstreamFailed, match="no image edit"):
        pictures(Call("image", "x", {"image": "AAAA"}, "edit"), json_answer({}), model="imagen-4.0-generate-001")


# Embeddings


def vector_answer(**more: Any) -> Answer:
    """A vector for each text that tells which one it was."""

    def reply(request: Received) -> Answer:
        texts = [item["content"]["parts"][0]["text"] for item in request.json()["requests"]]
        return json_answer({"embeddings": [{"values": [float(words), 0.5]} for words in texts], **more})

    return judged(Answer(reply=reply))


def embedded(call: Call, *answers: Answer) -> tuple[dict[str, Any], Usage, list[Any]]:
    reply, requests = asked(call, *answers, model="gemini-embedding-001")
    return orjson.loads(reply.body), reply.usage, [request.json() for request in requests]


def test_vectors_in_openai_s_list() -> None:
    answer = judged(json_answer({"embeddings": [{"values": [0.25, 3]}], "usageMetadata": {"promptTokenCount": 9}}))
    document, usage, (request,) = embedded(Call("embeddings", "apple", {"task_type": "RETRIEVAL_QUERY"}), answer)
    assert document == {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.25, 3]}],
        "model": "gemini-embedding-001",
        "usage": {"prompt_tokens": 9, "total_tokens": 9},
    }
    assert usage == Usage(prompt_tokens=9)
    assert request["requests"] == [
        {
            "model": "models/gemini-embedding-001",
            "content": {"parts": [{"text": "apple"}]},
            "taskType": "RETRIEVAL_QUERY",
        }
    ]


def test_many_texts_go_in_batches_and_keep_their_order() -> None:
    texts = [str(number) for number in range(1, 251)]

    def reply(request: Received) -> Answer:
        words = [item["content"]["parts"][0]["text"] for item in request.json()["requests"]]
        return json_answer({"embeddings": [{"values": [float(word)]} for word in words]})

    document, usage, requests = embedded(Call("embeddings", "", {"input": texts}), Answer(reply=reply))
    assert sorted(len(request["requests"]) for request in requests) == [50, 100, 100]
    assert [row["embedding"] for row in document["data"]] == [[float(number)] for number in range(1, 251)]
    assert [row["index"] for row in document["data"]] == list(range(250))
    # Nobody counted: a word of one to three letters is estimated at one token.
    assert usage.prompt_tokens == 250


def test_shortened_vectors_have_length_1() -> None:
    answer = judged(json_answer({"embeddings": [{"values": [3.0, 4.0]}, {"values": [0.0, 0.0]}]}))
    call = Call("embeddings", "", {"input": ["a", "b"], "dimensions": 2, "encoding_format": "base64"})
    document, _, (request,) = embedded(call, answer)
    assert [row["embedding"] for row in document["data"]] == [[0.6, 0.8], [0.0, 0.0]]
    assert all(item["outputDimensionality"] == 2 for item in request["requests"])


@pytest.mark.parametrize("given_input", [[1, 2, 3], [[1, 2], [3]], [], "", ["a", ""], ["a", 3], {"text": "a"}])
def test_only_texts_are_embedded(given_input: object) -> None:
    with pytest.raises(InvalidInput, match=r"must be|needs"):
        embedded(Call("embeddings", "", {"input": given_input}), json_answer({}))


@pytest.mark.parametrize(
    "rows", [[], [{"values": [0.1]}] * 2, [{"values": []}], [{"values": ["0.1"]}], [3], [{"values": [True]}]]
)
def test_vectors_that_are_none_move_on(rows: list[Any]) -> None:
    with pytest.raises(UpstreamFailed, match="embedding"):
        embedded(Call("embeddings", "apple"), json_answer({"embeddings": rows}))


# What goes wrong


@pytest.mark.parametrize(
    "words",
    [
        "User location is not supported for the API use.",
        "Gemini API free tier is not available in your country. Please enable billing on your project.",
    ],
)
def test_what_blames_where_we_stand_moves_on(words: str) -> None:
    for call in (Call("text", "Hi"), Call("embeddings", "Hi"), Call("image", "Hi")):
        with pytest.raises(UpstreamFailed, match="does not serve our account") as caught:
            asked(call, error_answer(400, words))
        assert caught.value.status == 400


def test_a_wrong_key_and_no_key_move_on() -> None:
    for key in ("AIzaSyWrong", None):
        with pytest.raises(UpstreamFailed, match="our key") as caught:
            asked(Call("text", "Hi"), key=key)
        assert "AIza" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (429, "You exceeded your current quota, please check your plan and billing details."),
        (503, "The model is overloaded. Please try again later."),
        (404, "models/gemini-9 is not found for API version v1beta, or is not supported for generateContent."),
    ],
)
def test_what_google_says_when_it_cannot(status: int, words: str) -> None:
    with pytest.raises(UpstreamFailed) as caught:
        asked(Call("text", "Hi"), error_answer(status, words))
    assert (caught.value.status, str(caught.value)) == (status, f"lab answered status {status}: {words}")


@pytest.mark.parametrize(
    "document",
    [
        {"usageMetadata": USAGE},
        {"candidates": []},
        {"candidates": {}},
        {"candidates": [3]},
        {"promptFeedback": {"safetyRatings": []}},
        response(candidate(text("cut"), finish=None)),
        response({**candidate(text("x")), "finishReason": {"no": "string"}}),
        response(candidate({"text": 3})),
        response(candidate({"functionCall": {"args": {}}})),
        response(candidate({"functionCall": {"name": "x", "args": []}})),
        response(candidate({"functionCall": "x"})),
        response(candidate({"inlineData": {"data": "AAAA"}})),
        response({"content": {"parts": "x"}, "finishReason": "STOP"}),
        response({"content": {"parts": ["x"]}, "finishReason": "STOP"}),
    ],
)
def test_a_malformed_answer_moves_on(document: dict[str, Any]) -> None:
    with pytest.raises(UpstreamFailed, match="malformed"):
        asked(Call("text", "Hi"), json_answer(document))


def test_args_nested_beyond_json_s_limits_move_on() -> None:
    deep = orjson.loads(b'{"a":' * 400 + b"1" + b"}" * 400)
    with pytest.raises(UpstreamFailed, match="nested too deep"):
        completion("lab", MODEL, response(candidate({"functionCall": {"name": "x", "args": deep}})), 0)


NAMES = [
    "candidates",
    "content",
    "parts",
    "text",
    "thought",
    "thoughtSignature",
    "functionCall",
    "name",
    "args",
    "id",
    "inlineData",
    "mimeType",
    "data",
    "index",
    "finishReason",
    "executableCode",
    "codeExecutionResult",
    "groundingMetadata",
    "groundingChunks",
    "groundingSupports",
    "web",
    "uri",
    "segment",
    "groundingChunkIndices",
    "startIndex",
    "endIndex",
    "webSearchQueries",
    "logprobsResult",
    "chosenCandidates",
    "topCandidates",
    "token",
    "usageMetadata",
    "promptTokenCount",
    "promptFeedback",
    "blockReason",
    "responseId",
    "modelVersion",
]
WORDS = ("STOP", "SAFETY", "MAX_TOKENS", "OTHER", "é")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**64 - 1) | st.floats(allow_nan=False) | st.sampled_from(WORDS),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inside, max_size=4),
    max_leaves=12,
)
loose = st.fixed_dictionaries(
    {"finishReason": st.sampled_from(WORDS) | json_values},
    optional={
        "content": st.fixed_dictionaries({"parts": st.lists(json_values, max_size=3) | json_values}),
        "groundingMetadata": json_values,
        "logprobsResult": json_values,
        "index": json_values,
    },
)


@given(
    st.fixed_dictionaries({}, optional={"candidates": st.lists(loose | json_values, max_size=3) | json_values}),
    st.dictionaries(st.sampled_from(NAMES), json_values, max_size=3),
)
def test_nonsense_is_an_answer_or_a_failure_and_nothing_else(document: dict[str, Any], more: dict[str, Any]) -> None:
    try:
        answer, usage = completion("lab", MODEL, {**more, **document}, 0)
    except UpstreamFailed:
        return
    ChatCompletion.model_validate_json(orjson.dumps(answer))
    assert usage.cached_tokens <= usage.prompt_tokens
