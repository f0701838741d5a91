"""Chat completions: whole and streamed, for a named model and for the router."""

import threading
import time
from decimal import Decimal
from typing import Any

import httpx2
import orjson
import pytest

from greatrouter_serving.sse import EventSplitter, data_of
from tests.accounts.asking import logged
from tests.api.conftest import DONE, USAGE, WORDS, Events, Running, chunk, completion, eventually

HELLO = [{"role": "user", "content": "Say hello"}]


def chat(server: Running, key: str | None = None, **fields: Any) -> httpx2.Response:
    return server.post("/v1/chat/completions", {"model": "lab/small", "messages": HELLO, **fields}, key or server.live)


def events(raw: bytes) -> list[Any]:
    """The data of every event: JSON, or "[DONE]"."""
    splitter = EventSplitter()
    found = [data_of(frame) for frame in splitter.feed(raw)]
    assert splitter.flush() == b""
    return ["[DONE]" if data == b"[DONE]" else orjson.loads(data) for data in found if data is not None]


def log_line(server: Running, request_id: str) -> dict[str, Any]:
    def lines() -> list[dict[str, Any]]:
        return [r for r in logged(server.accounts, server.organization_id, 500) if r["request_id"] == request_id]

    assert eventually(lines)
    return lines()[0]


# -- whole answers ----------------------------------------------------------------------------------------------


def test_the_providers_document_comes_byte_for_byte_with_one_field_more(server: Running) -> None:
    raw = orjson.dumps(completion("", {"model": "small"})[1])[:-1] + b', "odd":  [1.50, "\\u00e9"] }'
    server.provider.answer = lambda _path, _body: (200, raw)
    answer = chat(server)
    assert answer.status_code == 200
    assert answer.content.startswith(raw[:-2])
    said = answer.json()["greatrouter"]
    assert said["model"] == "lab/small"
    assert said["provider"] == "lab"
    assert said["routing"]["fallback_chain"] == ["lab/small"]
    assert said["routing"]["attempts"][0]["status"] == 200
    assert said["charge_dollars"] == pytest.approx(0.0002)
    assert said["estimated_cost_dollars"] > 0


def test_every_field_of_openai_goes_on_to_the_provider_and_none_of_ours_does(server: Running) -> None:
    fields = {
        "temperature": 0.5,
        "max_tokens": 7,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "tool_choice": "auto",
        "response_format": {"type": "json_object"},
        "reasoning_effort": "low",
        "a_field_of_next_year": {"deep": [1, None]},
        "user": "u1",
    }
    ours = {"session_id": "s1", "optimization": "balanced", "budget_dollars": 1.0, "task": "text", "provider": None}
    messages = [
        {"role": "system", "content": "Be brief"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Say hello"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
                {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
            ],
        },
        {"role": "assistant", "content": None, "tool_calls": [{"id": "t1", "type": "function"}]},
        {"role": "tool", "tool_call_id": "t1", "content": "done"},
        {"role": "user", "content": "And now?"},
    ]
    server.post("/v1/chat/completions", {"model": "lab/seeing", "messages": messages, **fields, **ours}, server.live)
    answer = chat(server, messages=messages[:1] + messages[2:], **fields, **ours)
    assert answer.status_code == 200, answer.text
    path, body = server.provider.requests[-1]
    assert path == "/v1/chat/completions"
    assert body == {"model": "small", "messages": messages[:1] + messages[2:], **fields}


@pytest.mark.parametrize("model", ["router", "auto", "greatrouter/auto"])
def test_the_router_chooses_a_model_and_says_why(server: Running, model: str) -> None:
    answer = chat(server, model=model, messages=[{"role": "user", "content": "Write a poem about the sea"}]).json()
    said = answer["greatrouter"]
    assert said["classification"]["task"] == "text"
    assert said["classification"]["decision"] == "regex"
    assert said["model"] in {"lab/small", "lab/large"}
    assert set(said["routing"]["fallback_chain"]) == {"lab/small", "lab/large"}
    assert said["routing"]["reason"]
    assert said["price_comparison"]["cheapest_model"] == "lab/small"


def test_a_named_model_is_the_reason_for_itself(server: Running) -> None:
    assert "named" in chat(server).json()["greatrouter"]["routing"]["reason"]


@pytest.mark.parametrize(
    ("prompt", "task", "field"),
    [
        ("Draw a picture of a red boat", "image", "images"),
        ("Make a five second video of waves", "video", "videos"),
        ("Compose a calm piano melody", "music", "audio"),
    ],
)
def test_the_router_draws_films_and_sings_for_a_chat_client(
    server: Running, prompt: str, task: str, field: str
) -> None:
    body = {"model": "router", "messages": [{"role": "user", "content": prompt}]}
    answer = server.post("/v1/chat/completions", body).json()
    assert answer["greatrouter"]["classification"]["task"] == task
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"][field]
    streamed = server.post("/v1/chat/completions", {**body, "stream": True})
    assert streamed.headers["content-type"].startswith("text/event-stream")
    *_, last, done = events(streamed.content)
    assert (last["greatrouter"]["classification"]["task"], done) == (task, "[DONE]")


def test_speech_is_made_at_the_time_that_it_is_made(server: Running) -> None:
    started = int(time.time())
    answer = chat(server, server.test, model="router", task="speech").json()
    assert started <= answer["created"] <= time.time()
    assert answer["choices"][0]["message"]["audio"]["expires_at"] == answer["created"]


def test_with_tools_the_router_keeps_to_models_of_words(server: Running) -> None:
    body = {
        "model": "router",
        "messages": [{"role": "user", "content": "Draw a picture of a red boat"}],
        "tools": [{"type": "function", "function": {"name": "draw", "parameters": {"type": "object"}}}],
    }
    assert server.post("/v1/chat/completions", body).json()["greatrouter"]["classification"]["task"] == "text"


# -- the conversation -------------------------------------------------------------------------------------------


def test_a_follow_up_takes_its_task_from_the_conversation(server: Running) -> None:
    messages = [
        {"role": "user", "content": "Draw a picture of a red boat"},
        {"role": "assistant", "content": "Here it is."},
        {"role": "user", "content": "make it bluer"},
    ]
    said = server.post("/v1/chat/completions", {"model": "router", "messages": messages}).json()["greatrouter"]
    assert said["classification"]["task"] == "image"
    assert said["classification"]["decision"] == "session"
    assert said["context"]["contextual_boost"] > 0


def test_a_conversation_is_one_session_without_being_told(server: Running) -> None:
    first = [{"role": "user", "content": "Write a poem about one session"}]
    one = chat(server, model="router", messages=first).json()["greatrouter"]["context"]
    more = [*first, {"role": "assistant", "content": "Roses"}, {"role": "user", "content": "Write a shorter poem"}]
    two = chat(server, model="router", messages=more).json()["greatrouter"]["context"]
    assert (one["session_prompts"], two["session_prompts"]) == (1, 2)
    assert one["session_id"] == two["session_id"]
    named = chat(server, model="router", messages=more, session_id="mine").json()["greatrouter"]["context"]
    assert (named["session_id"], named["session_prompts"]) == ("mine", 1)


def test_single_questions_are_no_conversation(server: Running) -> None:
    contexts = [chat(server).json()["greatrouter"]["context"] for _ in range(3)]
    assert [context["session_prompts"] for context in contexts] == [1, 1, 1]


# -- streams ----------------------------------------------------------------------------------------------------


def test_a_stream_comes_as_it_is_with_one_chunk_more(server: Running) -> None:
    server.provider.answer = lambda _path, _body: (200, Events((*WORDS, USAGE, DONE)))
    answer = chat(server, stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.content.startswith(b"".join(WORDS))
    assert answer.content.endswith(DONE)
    last, done = events(answer.content[len(b"".join(WORDS)) :])
    assert done == "[DONE]"
    assert last["greatrouter"]["charge_dollars"] == pytest.approx(0.0002)
    assert last["choices"] == [{"index": 0, "delta": {}, "finish_reason": None}]
    assert (last["id"], last["model"]) == ("c1", "small")
    assert server.provider.requests[-1][1]["stream_options"] == {"include_usage": True}


COUNTED = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}
FINISH = [{"index": 0, "delta": {}, "finish_reason": "stop"}]
SO_FAR = {"prompt_tokens": 1000, "completion_tokens": 1, "total_tokens": 1001}
USAGE_SAID = {
    "in a chunk of its own": (*WORDS, USAGE, DONE),
    "in one packet": (b"".join((*WORDS, USAGE, DONE)),),
    "beside the reason to end": (*WORDS[:2], chunk(choices=FINISH, usage=COUNTED), DONE),
    "in every chunk": (chunk("Hello", usage=SO_FAR), chunk(" there", usage=SO_FAR), WORDS[2], USAGE, DONE),
    "after the end, with a choice": (*WORDS, chunk("", usage=COUNTED), DONE),
}


@pytest.mark.parametrize("said", USAGE_SAID)
def test_usage_comes_once_and_last_where_it_was_asked_for(server: Running, said: str) -> None:
    """Some clients add up every usage they see, others keep that of the last chunk."""
    server.provider.answer = lambda _path, _body: (200, Events(USAGE_SAID[said]))
    *chunks, last, done = events(chat(server, stream=True, stream_options={"include_usage": True}).content)
    assert not any(piece.get("usage") for piece in chunks)
    assert (last["choices"], last["usage"], done) == ([], COUNTED, "[DONE]")
    assert last["greatrouter"]["charge_dollars"] == pytest.approx(0.0002)
    words = [piece["choices"][0]["delta"].get("content") or "" for piece in chunks]
    assert "".join(words) == "Hello there"
    assert any(piece["choices"][0]["finish_reason"] == "stop" for piece in chunks)

    *unasked, last, _ = events(chat(server, stream=True).content)
    assert unasked == chunks
    assert (last["choices"][0]["delta"], "usage" in last) == ({}, False)


def test_the_provider_s_usage_chunk_comes_byte_for_byte_with_one_field_more(server: Running) -> None:
    usage = b'data: {"id": "c1", "choices": [], "usage": {"prompt_tokens": 1000, "cost": 1.50}, "odd":  7 }\n\n'
    server.provider.answer = lambda _path, _body: (200, Events((*WORDS, usage, DONE)))
    answer = chat(server, stream=True, stream_options={"include_usage": True})
    assert answer.content.startswith(b"".join(WORDS) + usage[:-3] + b',"greatrouter":{')


def test_a_usage_chunk_that_the_provider_forgot_is_made_up_for(server: Running) -> None:
    server.provider.answer = lambda _path, _body: (200, Events((*WORDS, DONE)))
    answer = chat(server, stream=True, stream_options={"include_usage": True})
    [usage] = [event["usage"] for event in events(answer.content)[:-1] if event.get("usage")]
    assert usage["completion_tokens"] > 0
    assert usage["prompt_tokens"] > 0


def test_before_the_first_token_a_stream_goes_on_to_the_next_model(server: Running) -> None:
    role = chunk(choices=[{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])

    def answer(_path: str, body: dict[str, Any]) -> tuple[int, Any]:
        first = server.provider.requests[0][1]["model"]
        return 200, Events((role,), "cut") if body["model"] == first else Events((*WORDS, USAGE, DONE))

    server.provider.answer = answer
    *_, last, done = events(chat(server, model="router", stream=True).content)
    assert done == "[DONE]"
    assert [bool(attempt["error"]) for attempt in last["greatrouter"]["routing"]["attempts"]] == [True, False]


def test_after_the_first_token_a_failure_ends_the_stream_with_an_error_event(server: Running) -> None:
    server.provider.answer = lambda _path, _body: (200, Events(WORDS[:2], "cut"))
    before = server.accounts.balance("acme")
    answer = server.post(
        "/v1/chat/completions", {"model": "lab/small", "messages": HELLO, "stream": True}, server.live,
        x_request_id="broke-off",
    )  # fmt: skip
    *words, last = events(answer.content)
    assert [word["choices"][0]["delta"]["content"] for word in words] == ["Hello", " there"]
    assert last["error"]["code"] == "upstream_error"
    assert last["error"]["metadata"]["attempts"][0]["error"]
    charged = before - server.accounts.balance("acme")
    assert 0 < charged < 1
    assert last["error"]["metadata"]["charge_dollars"] == pytest.approx(float(charged) / 100)
    assert log_line(server, "broke-off")["status"] == 502


@pytest.mark.parametrize(
    "garbage", [b"<html>no</html>\n\n", b'data: {"choices": [}\n\n', b'data: {"error": {"m": 1}}\n\n']
)
def test_garbage_in_the_middle_is_not_passed_on(server: Running, garbage: bytes) -> None:
    server.provider.answer = lambda _path, _body: (200, Events((WORDS[0], garbage, DONE)))
    *_, last = events(chat(server, stream=True).content)
    assert last["error"]["code"] == "upstream_error"


def test_a_stream_that_nothing_can_begin_is_an_ordinary_error(server: Running) -> None:
    server.provider.answer = lambda _path, _body: (500, {"error": {"message": "no"}})
    answer = chat(server, stream=True)
    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "upstream_error"


def test_a_refusal_is_the_callers_before_any_byte(server: Running) -> None:
    server.provider.answer = lambda _path, _body: (400, {"error": {"message": "temperature is odd"}})
    answer = chat(server, stream=True)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "temperature is odd")


def test_a_caller_who_leaves_a_stream_stops_the_provider_and_pays_for_what_came(server: Running) -> None:
    server.provider.answer = lambda _path, _body: (200, Events(WORDS[:2], "hang"))
    body = {"model": "lab/small", "messages": HELLO, "stream": True}
    headers = {"Authorization": f"Bearer {server.live}", "X-Request-Id": "left-a-stream"}
    with server.client.stream("POST", "/v1/chat/completions", json=body, headers=headers) as answer:
        assert next(answer.iter_raw())
    assert server.provider.dropped.wait(5)
    line = log_line(server, "left-a-stream")
    assert line["status"] == 499
    assert 0 < line["cost_cents"] < 1


def test_streams_under_a_test_key_come_from_the_sandbox(server: Running) -> None:
    answer = chat(server, server.test, stream=True)
    *_, last, done = events(answer.content)
    assert (last["greatrouter"]["provider"], last["greatrouter"]["charge_dollars"], done) == ("sandbox", 0, "[DONE]")
    assert not server.provider.requests


def test_slow_streams_do_not_wait_for_each_other(server: Running) -> None:
    server.provider.answer = lambda _path, _body: (200, Events((*WORDS, USAGE, DONE)))
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(chat(server, stream=True).status_code)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert answers == [200] * 8


# -- bad input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [{"content": "hello"}]}, "messages"),
        ({"messages": [{"role": "robot", "content": "hello"}]}, "messages"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages"),
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"stream": "yes"}, "stream"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": 3}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"n": 0}, "n"),
        ({"tools": {}}, "tools"),
        ({"optimization": "fastest"}, "optimization"),
        ({"budget_dollars": -1}, "budget_dollars"),
    ],
)
def test_bad_input_is_a_400_that_names_the_field(server: Running, fields: dict[str, Any], param: str) -> None:
    answer = chat(server, **fields)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "invalid_request", param), error


def test_an_unknown_model_is_a_404(server: Running) -> None:
    answer = chat(server, model="nobody/nothing")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


def test_a_model_that_does_not_chat_says_where_it_is_used(server: Running) -> None:
    answer = chat(server, server.test, model="local/fake")
    assert answer.status_code == 400
    assert "/v1/embeddings" in answer.json()["error"]["message"]


# -- the cache and the guardrails -------------------------------------------------------------------------------


def asked(server: Running, key: str | None = None, ttl: str = "60", **fields: Any) -> httpx2.Response:
    body = {"model": "lab/small", "messages": HELLO, **fields}
    return server.post("/v1/chat/completions", body, key or server.live, x_gr_cache_ttl=ttl)


def test_a_request_asked_before_is_answered_from_the_cache_for_nothing(server: Running) -> None:
    fields = {"messages": [{"role": "user", "content": "Cache me, whole first"}]}
    first, second = asked(server, **fields), asked(server, **fields)
    assert [answer.headers["x-gr-cache"] for answer in (first, second)] == ["MISS", "HIT"]
    assert len(server.provider.requests) == 1
    assert second.json()["choices"] == first.json()["choices"]
    said = second.json()["greatrouter"]
    assert (said["cached"], said["charge_dollars"]) == (True, 0)
    streamed = asked(server, stream=True, **fields)
    assert streamed.headers["x-gr-cache"] == "HIT"
    *chunks, last, done = events(streamed.content)
    assert "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks) == "small says hello"
    assert (last["greatrouter"]["cached"], done) == (True, "[DONE]")
    *chunks, last, done = events(asked(server, stream=True, stream_options={"include_usage": True}, **fields).content)
    assert not any(piece.get("usage") for piece in chunks)
    assert (last["choices"], last["usage"]["total_tokens"], done) == ([], 1500, "[DONE]")


def test_a_streamed_answer_is_cached_for_both_forms(server: Running) -> None:
    server.provider.answer = lambda _path, _body: (200, Events((*WORDS, USAGE, DONE)))
    fields = {"messages": [{"role": "user", "content": "Cache me, streamed first"}]}
    assert asked(server, stream=True, **fields).headers["x-gr-cache"] == "MISS"
    whole = asked(server, **fields)
    assert whole.headers["x-gr-cache"] == "HIT"
    assert whole.json()["choices"][0]["message"]["content"] == "Hello there"
    assert whole.json()["usage"]["completion_tokens"] == 500


def test_a_cached_answer_is_never_another_organizations_or_another_requests(server: Running) -> None:
    fields = {"messages": [{"role": "user", "content": "Cache me for one alone"}]}
    other = server.accounts.create_key("other-cache")
    server.accounts.office.credit("other-cache", Decimal(100))
    assert asked(server, **fields).headers["x-gr-cache"] == "MISS"
    assert asked(server, other, **fields).headers["x-gr-cache"] == "MISS"
    assert asked(server, server.test, **fields).headers["x-gr-cache"] == "MISS"
    assert asked(server, temperature=0.5, **fields).headers["x-gr-cache"] == "MISS"
    assert asked(server, ttl="0", **fields).headers["x-gr-cache"] == "MISS"
    assert "x-gr-cache" not in chat(server, **fields).headers


def test_a_cached_answer_has_its_line_in_the_log(server: Running) -> None:
    fields = {"messages": [{"role": "user", "content": "Cache me and log it"}]}
    asked(server, **fields)
    body = {"model": "lab/small", **fields}
    server.post("/v1/chat/completions", body, server.live, x_gr_cache_ttl="60", x_request_id="cached-one")
    line = log_line(server, "cached-one")
    assert (line["cached"], line["cost_cents"], line["model"]) == (True, 0, "lab/small")


def test_a_cached_answer_is_the_latest_of_its_session(server: Running) -> None:
    def ask(prompt: str) -> tuple[str, dict[str, Any]]:
        answer = asked(
            server, server.test, model="router", session_id="kept", messages=[{"role": "user", "content": prompt}]
        )
        return answer.headers["x-gr-cache"], answer.json()["greatrouter"]

    picture, code = "Draw a picture of a red fox", "Write a Python function that sorts a list"
    first = ask(picture)[1]
    ask(code)
    hit, again = ask(picture)
    assert hit == "HIT"
    assert again["context"]["session_prompts"] == 3
    assert again["timing"]["inference_ms"] == 0
    assert again["timing"]["total_ms"] < first["timing"]["total_ms"]
    assert ask("make it bluer")[1]["classification"]["task"] == "image"
    ask(code)
    hit, follow_up = ask("make it bluer")  # of other things
    assert (hit, follow_up["classification"]["task"]) == ("MISS", "code")


def test_a_failure_is_not_cached(server: Running) -> None:
    fields = {"messages": [{"role": "user", "content": "Do not cache this failure"}]}
    server.provider.answer = lambda _path, _body: (500, {"error": {"message": "no"}})
    assert asked(server, **fields).status_code == 502
    server.provider.answer = lambda _path, _body: (200, Events(WORDS, "cut"))
    assert asked(server, stream=True, **fields).status_code == 200
    server.provider.answer = completion
    assert asked(server, **fields).headers["x-gr-cache"] == "MISS"


@pytest.mark.parametrize("ttl", ["-1", "3601", "1.5", "soon"])
def test_a_wrong_ttl_is_a_400(server: Running, ttl: str) -> None:
    assert asked(server, ttl=ttl).status_code == 400


def test_guardrails_stop_personal_data_before_any_model_sees_it(server: Running) -> None:
    secret = "jo.miller@example.com"
    body = {"model": "lab/small", "messages": [{"role": "user", "content": f"Write to {secret} for me"}]}
    answer = server.post("/v1/chat/completions", body, server.live, x_gr_guardrails="moderate")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "guardrail_blocked")
    assert secret not in answer.text
    assert not server.provider.requests
    assert server.post("/v1/chat/completions", body, server.live).status_code == 200
    unknown = server.post("/v1/chat/completions", body, server.live, x_gr_guardrails="strict")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (400, "invalid_request")
