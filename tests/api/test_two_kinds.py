"""One model at providers of different kinds: what the one's protocol cannot say is said to the other."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from greatrouter_api.settings import ProviderSettings
from tests.accounts.asking import logged
from tests.api.conftest import DONE, USAGE, WORDS, Running, eventually, running
from tests.api.scripted import Wire, priced, wire
from tests.api.test_chat import events
from tests.serving.fake_anthropic import error_frame, frame, frames_of, message
from tests.serving.fake_gemini import candidate, response
from tests.serving.fake_provider import COMPLETION, Answer, event_answer, json_answer

ASKED = {"role": "user", "content": "Say hello"}
SOUND = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
LEGACY_RESULT = {"role": "function", "name": "weather", "content": "20 degrees"}
UNSAYABLE: dict[str, tuple[dict[str, Any], str]] = {
    "n": ({"messages": [ASKED], "n": 2}, "n"),
    "a part": ({"messages": [ASKED, {"role": "user", "content": [SOUND]}]}, "messages[1].content[0]"),
    "a role": ({"messages": [ASKED, LEGACY_RESULT]}, "messages[1]"),
}
every_unsayable = pytest.mark.parametrize("what", UNSAYABLE)


@dataclass
class Two:
    """`lab/mix` costs a tenth at `claude`, so that it is tried there first."""

    server: Running
    claude: Wire
    lab: Wire
    gemini: Wire

    def chat(self, **fields: Any) -> httpx2.Response:
        return self.post("/v1/chat/completions", {"model": "lab/mix", "messages": [ASKED], **fields})

    def post(self, path: str, body: dict[str, Any], **headers: str) -> httpx2.Response:
        return self.server.post(path, body, self.server.live, **headers)

    def health(self) -> dict[str, int]:
        key = {"Authorization": f"Bearer {self.server.live}"}
        [state] = self.server.client.get("/v1/model-health?models=lab/mix", headers=key).json()["health"]
        entry = state["health_entry"]
        return {name: entry[name] for name in ("successes", "failures")}

    def charged_cents(self, request_id: str) -> Decimal:
        def lines() -> list[dict[str, Any]]:
            rows = logged(self.server.accounts, self.server.organization_id, 50)
            return [row for row in rows if row["request_id"] == request_id]

        assert eventually(lines)
        cents: Decimal = lines()[0]["cost_cents"]
        return cents


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with ExitStack() as stack:
        claude, lab, gemini = (stack.enter_context(wire()) for _ in range(3))
        mix = priced("lab/mix")
        cheap = {"input_per_million_tokens": Decimal("0.1"), "output_per_million_tokens": Decimal("0.2")}
        cheaper = mix.model_copy(update=cheap)
        gem = priced("gem/mix").model_copy(update={"upstream_model": "gemini-2.5-flash"})
        providers = {
            "claude": ProviderSettings(kind="anthropic", base_url=claude.url, models=[cheaper]),
            "lab": ProviderSettings(base_url=lab.url, models=[mix]),
            "gem": ProviderSettings(kind="gemini", base_url=gemini.url, models=[gem]),
        }
        server = stack.enter_context(running(tmp_path_factory.mktemp("two"), providers=providers))
        yield Two(server, claude, lab, gemini)


@pytest.fixture
def two(opened: Two) -> Two:
    opened.claude.play(json_answer(message()))
    opened.lab.play(json_answer(COMPLETION))
    return opened


def test_the_cheaper_one_is_tried_first(two: Two) -> None:
    assert two.chat().json()["greatrouter"]["provider"] == "claude"


@every_unsayable
@pytest.mark.parametrize("stream", [False, True])
def test_what_the_first_cannot_be_told_the_second_answers(two: Two, what: str, stream: bool) -> None:
    fields, _ = UNSAYABLE[what]
    if stream:
        two.lab.play(event_answer(*WORDS, USAGE, DONE))
    before = two.health()
    answer = two.chat(**fields, stream=stream)
    assert answer.status_code == 200, answer.text
    told = (events(answer.content)[-2] if stream else answer.json())["greatrouter"]
    first, second = told["routing"]["attempts"]
    assert told["provider"] == "lab"
    assert (first["provider"], first["status"], second["status"]) == ("claude", None, 200)
    assert first["error"]
    assert not two.claude.requests
    # The first endpoint did nothing wrong, and nothing well.
    assert two.health() == {**before, "successes": before["successes"] + 1}


@every_unsayable
def test_what_no_endpoint_can_be_told_is_a_400_that_names_the_field(two: Two, what: str) -> None:
    fields, param = UNSAYABLE[what]
    only = {"provider": {"only": ["claude"]}}
    for path, body, place in (
        ("/v1/chat/completions", {"model": "lab/mix", **fields}, param),
        ("/v1/auto/route", {"prompt": "Say hello", "model": "lab/mix", "input": fields}, f"input.{param}"),
    ):
        before = two.health()
        answer = two.post(path, {**body, **only})
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["param"]) == (400, "invalid_request", place), error
        assert not two.claude.requests
        assert two.health() == before


def test_where_the_other_fails_both_are_told(two: Two) -> None:
    two.lab.play(json_answer({"error": {"message": "not now"}}, 503))
    answer = two.chat(n=2)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (502, "upstream_error")
    attempts = [(attempt["provider"], attempt["status"]) for attempt in error["metadata"]["attempts"]]
    assert attempts == [("claude", None), ("lab", 503)]


# -- the older words for tools ----------------------------------------------------------------------------------

FUNCTION = {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
USE = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}}
CALL = {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}}
SAID = {"role": "assistant", "content": None, "function_call": {"name": "weather", "arguments": '{"city":"Oslo"}'}}
OPENAI_SAID = {**COMPLETION, "choices": [{"index": 0, "message": SAID, "finish_reason": "function_call"}]}
CALLS = {
    "claude": ("lab/mix", json_answer(message(USE, stop_reason="tool_use"))),
    "lab": ("lab/mix", json_answer(OPENAI_SAID)),
    "gem": ("gem/mix", json_answer(response(candidate(CALL)))),
}


@pytest.mark.parametrize("provider", CALLS)
def test_functions_are_called_whoever_answers(two: Two, provider: str) -> None:
    model, answer = CALLS[provider]
    two_wires = {"claude": two.claude, "lab": two.lab, "gem": two.gemini}
    two_wires[provider].play(answer)
    history = [ASKED, SAID, LEGACY_RESULT, ASKED]
    only = {"only": [provider]}
    got = two.chat(model=model, messages=history, functions=[FUNCTION], function_call="auto", provider=only)
    assert got.status_code == 200, got.text
    [choice] = got.json()["choices"]
    assert choice["message"]["function_call"] == SAID["function_call"]
    assert choice["finish_reason"] == "function_call"
    [request] = two_wires[provider].requests
    assert b"20 degrees" in request.body
    assert (b'"functions"' in request.body) == (provider == "lab"), "OpenAI's kind is sent what the caller wrote"


# -- what a stream that breaks off costs ------------------------------------------------------------------------

COUNTED = {"id": "m", "model": "small", "usage": {"input_tokens": 1000, "cache_read_input_tokens": 2000}}
HELLO = [frame("message_start", message=COUNTED), *frames_of(message())[2:4]]


@pytest.mark.parametrize("ending", ["an error", "a cut", "too soon"])
def test_a_stream_that_breaks_off_is_charged_for_the_prompt_that_was_counted(two: Two, ending: str) -> None:
    answers: dict[str, Answer] = {
        "an error": event_answer(*HELLO, error_frame(529, "Overloaded")),
        "a cut": event_answer(*HELLO, ending="cut"),
        "too soon": event_answer(*HELLO),
    }
    two.claude.play(answers[ending])
    request_id = f"broken-{ending.replace(' ', '-')}"
    body = {"model": "lab/mix", "messages": [ASKED], "stream": True}
    *_, last = events(two.post("/v1/chat/completions", body, x_request_id=request_id).content)
    assert last["error"]["code"] == "upstream_error"
    # 3,000 tokens at 10 cents a million, and one or two at twenty.
    assert two.charged_cents(request_id) == pytest.approx(Decimal("0.03"), abs=Decimal("0.0001"))
    assert last["error"]["metadata"]["charge_dollars"] == pytest.approx(0.0003, abs=1e-6)
