"""What a caller sees, what is charged and what is remembered when a provider fails in each of the ways there are."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from tests.accounts.asking import logged
from tests.api.conftest import DONE, USAGE, WORDS, Running, chunk, eventually
from tests.api.scripted import Wire, scripted
from tests.api.test_chat import events
from tests.serving.fake_provider import COMPLETION, Answer, event_answer, json_answer

ROLE = chunk(choices=[{"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}])
NAMED_ERROR = b'event: error\ndata: {"message": "overloaded"}\n\n'
STREAM = event_answer(ROLE, *WORDS, USAGE, DONE)
KEY_NUMBERS = itertools.count()


@dataclass(frozen=True)
class Form:
    """One way to ask for work. `only` names the one endpoint that may do it, `either` leaves two."""

    path: str
    body: Mapping[str, Any]
    only: Mapping[str, Any]
    either: Mapping[str, Any]
    good: Answer

    @property
    def model(self) -> str:
        return str(self.only["model"])


MESSAGES = {"messages": [{"role": "user", "content": "Say hello"}]}
PROMPT = {"prompt": "Say hello", "input": {}}
TEXTS = {"input": ["one", "two"]}
DOCUMENTS = {"query": "tides", "documents": ["the sea", "the moon"]}
ONE, EITHER = {"model": "lab/one"}, {"provider": {"only": ["lab"]}}
VECTORS = [{"object": "embedding", "index": i, "embedding": [0.6, 0.8]} for i in range(2)]
EMBEDDED = {"object": "list", "data": VECTORS, "usage": {"prompt_tokens": 4, "total_tokens": 4}}
RANKED = {"id": "r1", "results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]}
FORMS = {
    "chat": Form("/v1/chat/completions", MESSAGES, ONE, {"model": "router", **EITHER}, json_answer(COMPLETION)),
    "stream": Form("/v1/chat/completions", {**MESSAGES, "stream": True}, ONE, {"model": "router", **EITHER}, STREAM),
    "auto/route": Form("/v1/auto/route", PROMPT, ONE, EITHER, json_answer(COMPLETION)),
    "models/route": Form(
        "/v1/models/route", {"query": "text", "input": MESSAGES}, ONE, EITHER, json_answer(COMPLETION)
    ),
    "embeddings": Form(
        "/v1/embeddings", TEXTS, {"model": "lab/embed"}, {"model": "twice/embed"}, json_answer(EMBEDDED)
    ),
    "rerank": Form("/v1/rerank", DOCUMENTS, {"model": "lab/rank"}, {"model": "twice/rank"}, json_answer(RANKED)),
}


@dataclass(frozen=True)
class Fault:
    """`status` and `words` are those of the attempt; `wait_s` is what the caller is told to wait."""

    answer: Answer
    status: int | None
    words: str
    wait_s: int | None = None


def refusal(status: int, headers: Mapping[str, str] | None = None) -> Answer:
    return replace(json_answer({"error": {"message": "not now"}}, status), headers=headers or {})


def page(status: int) -> Answer:
    return Answer(b"<html><body>Bad gateway</body></html>", status, "text/html")


CLOSED, BROKE_OFF, MALFORMED = "closed the connection", "broke off", "malformed"
DATE = {"Date": "Wed, 21 Oct 2015 07:27:00 GMT", "Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}
FAULTS = {
    "reset": Fault(Answer(ending="reset"), None, CLOSED),
    "408": Fault(refusal(408), 408, "not now"),
    "409": Fault(refusal(409), 409, "not now"),
    "429": Fault(refusal(429), 429, "not now"),
    "429 with Retry-After": Fault(refusal(429, {"Retry-After": "7"}), 429, "not now", wait_s=7),
    "429 with a date": Fault(refusal(429, DATE), 429, "not now", wait_s=60),
    "429 with milliseconds": Fault(refusal(429, {"retry-after-ms": "1200"}), 429, "not now", wait_s=2),
    "500": Fault(refusal(500), 500, "not now"),
    "502 of a proxy": Fault(page(502), 502, "status 502"),
    "503": Fault(refusal(503, {"Retry-After": "soon"}), 503, "not now"),
    "529": Fault(refusal(529, {"Retry-After": "99999999"}), 529, "not now", wait_s=86_400),
    "our key is refused": Fault(refusal(401), 401, "refused our key"),
    "redirect": Fault(Answer(status=302, headers={"Location": "http://127.0.0.1:1/"}), 302, "redirects"),
    "HTML": Fault(page(200), None, MALFORMED),
    "empty": Fault(Answer(), None, MALFORMED),
    "truncated JSON": Fault(Answer(b'{"id": "c1", "choices": [{"ind'), None, MALFORMED),
    "cut JSON": Fault(Answer(b'{"id": "c1", "choices": [{"ind', ending="cut"), None, BROKE_OFF),
    "an error with status 200": Fault(json_answer({"error": {"message": "overloaded"}}), None, "overloaded"),
    "JSON of another kind": Fault(json_answer({"hello": "world"}), None, MALFORMED),
    "not HTTP": Fault(Answer(headers={"Content-Length": "minus one"}), None, "not HTTP"),
}
FAILED = {"index": 0, "delta": {"content": ""}, "finish_reason": "error", "error": {"message": "overloaded"}}
WITHOUT_MESSAGE = ({"index": 0}, {"index": 0, "message": None}, {"index": 0, "text": "legacy"})
# Documents of the right kind that hold no answer.
NO_ANSWERS = {
    **{str(c): Fault(json_answer({"id": "x", "choices": [c]}), None, MALFORMED) for c in WITHOUT_MESSAGE},
    "a choice that failed": Fault(json_answer({"id": "x", "choices": [FAILED]}), None, "overloaded"),
}
# Before the first token all is as if the provider had never answered.
SILENT_STREAMS = {
    "empty stream": Fault(event_answer(), None, "empty stream"),
    "nothing but [DONE]": Fault(event_answer(DONE), None, MALFORMED),
    "nothing but a role": Fault(event_answer(ROLE, DONE), None, "before the first token"),
    "a role, then the end": Fault(event_answer(ROLE), None, "without [DONE]"),
    "a role, then a cut": Fault(event_answer(ROLE, ending="cut"), None, BROKE_OFF),
    "a role, then half a token": Fault(event_answer(ROLE, WORDS[0][:30], ending="cut"), None, BROKE_OFF),
    "a role, then garbage": Fault(event_answer(ROLE, b"data: <html>\n\n", DONE), None, "no event"),
    "a role, then a page": Fault(event_answer(ROLE, b"<html></html>\n\n", DONE), None, "no event"),
    "a role, then an error": Fault(event_answer(ROLE, chunk(error={"message": "overloaded"})), None, "overloaded"),
    "a role, then an event of error": Fault(event_answer(ROLE, NAMED_ERROR, DONE), None, "overloaded"),
    "an event of error": Fault(event_answer(NAMED_ERROR), None, "overloaded"),
    "an error": Fault(event_answer(chunk(error={"message": "overloaded"})), None, "overloaded"),
    "a choice of nothing": Fault(event_answer(ROLE, chunk(choices=[{}]), DONE), None, "before the first token"),
    "a choice that is no delta": Fault(event_answer(chunk(choices=[{"text": "Hi"}]), DONE), None, "the first token"),
    "a choice that failed": Fault(event_answer(chunk(choices=[FAILED])), None, "failed before the first token"),
    "garbage": Fault(event_answer(b"data: <html>\n\n", DONE), None, MALFORMED),
}
# After it there is no way back.
HALF_A_TOKEN = WORDS[1][: len(WORDS[1]) // 2]
GARBAGE = (b"data: <html>\n\n", b"<html></html>\n\n", b'data: {"choices": [}\n\n', b"data: [1]\n\n", b"\xff\xfe\n\n")
ERROR = chunk(error={"message": "overloaded"})
ERRORS = {
    "event": (WORDS[0], ERROR, DONE),
    "event of that name": (WORDS[0], NAMED_ERROR, DONE),
    "in the packet of a token": (WORDS[0] + ERROR + DONE,),
    "cut in two": (WORDS[0], ERROR[:20], ERROR[20:], DONE),
}
FAILED_CHOICE = {"index": 0, "delta": {}, "finish_reason": "error", "error": {"message": "overloaded"}}
BROKEN_STREAMS = {
    "cut between tokens": event_answer(WORDS[0], ending="cut"),
    "cut mid-token": event_answer(WORDS[0], HALF_A_TOKEN, ending="cut"),
    "cut in the packet of a token": event_answer(WORDS[0] + HALF_A_TOKEN, ending="cut"),
    "ends mid-token": event_answer(WORDS[0], HALF_A_TOKEN),
    "ends without [DONE]": event_answer(WORDS[0]),
    "a choice that failed": event_answer(WORDS[0], chunk(choices=[FAILED_CHOICE]), DONE),
    "a choice that ended in error": event_answer(WORDS[0], chunk(choices=[FAILED_CHOICE | {"error": None}]), DONE),
    **{f"an error {where}": event_answer(*pieces) for where, pieces in ERRORS.items()},
    **{f"garbage {i}": event_answer(WORDS[0], garbage, DONE) for i, garbage in enumerate(GARBAGE)},
    **{f"garbage {i} in one packet": event_answer(WORDS[0] + garbage + DONE) for i, garbage in enumerate(GARBAGE)},
}
SAID_WHY = {f"an error {where}" for where in ERRORS if where != "cut in two"}


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Wire]]:
    with scripted(tmp_path_factory.mktemp("patient"), upstream_timeout_s=20) as found:
        yield found


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Wire]]:
    with scripted(tmp_path_factory.mktemp("impatient"), upstream_timeout_s=0.4) as found:
        yield found


@dataclass
class Scene:
    """One request, and what stood in the books before it."""

    server: Running
    form: Form
    request_id: str = field(default_factory=lambda: f"fault-{next(KEY_NUMBERS)}")

    def __post_init__(self) -> None:
        self.balance = self.server.accounts.balance("acme")
        self.health = self._health()

    def ask(self, fields: Mapping[str, Any]) -> httpx2.Response:
        body = {**self.form.body, **fields}
        return self.server.post(self.form.path, body, self.server.live, x_request_id=self.request_id)

    def _health(self) -> dict[str, tuple[int, int]]:
        """(successes, failures) by model, of all models."""
        answer = self.server.client.get("/v1/model-health", headers={"Authorization": f"Bearer {self.server.live}"})
        entries = {row["model_id"]: row["health_entry"] for row in answer.json()["health"]}
        return {name: (entry["successes"], entry["failures"]) for name, entry in entries.items()}

    def outcomes(self) -> dict[str, tuple[int, int]]:
        """The successes and failures since the beginning, of the models that had any."""
        moved = {}
        for name, (successes, failures) in self._health().items():
            before = self.health.get(name, (0, 0))
            moved[name] = (successes - before[0], failures - before[1])
        return {name: counts for name, counts in moved.items() if any(counts)}

    def charged_cents(self) -> Decimal:
        """As the one line of the log, the balance and the ledger agree; what was reserved beyond is given back."""
        line = self.line()
        assert eventually(lambda: self.balance - self.server.accounts.balance("acme") == line["cost_cents"])
        assert self.server.accounts.verify() == []
        cents: Decimal = line["cost_cents"]
        return cents

    def line(self) -> dict[str, Any]:
        def lines() -> list[dict[str, Any]]:
            rows = logged(self.server.accounts, self.server.organization_id, 50)
            return [row for row in rows if row["request_id"] == self.request_id]

        assert eventually(lines)
        [line] = lines()
        return line


def fails_alone(server: Running, wire: Wire, form: Form, fault: Fault) -> None:
    """The only endpoint fails: a 502 that lists the attempt, told to model health, and nothing charged."""
    scene = Scene(server, form)
    wire.play(fault.answer)
    answer = scene.ask(form.only)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (502, "upstream_error"), error
    [attempt] = error["metadata"]["attempts"]
    assert (attempt["model"], attempt["status"]) == (form.model, fault.status)
    assert fault.words in attempt["error"]
    assert error["retry_after_s"] == fault.wait_s
    assert answer.headers.get("retry-after") == (str(fault.wait_s) if fault.wait_s else None)
    assert len(wire.requests) == 1
    assert scene.outcomes() == {form.model: (0, 1)}
    assert scene.charged_cents() == 0
    assert scene.line()["status"] == 502


def is_followed(server: Running, wire: Wire, form: Form, fault: Fault) -> None:
    """The first of two endpoints fails and the second answers: the caller has an answer, and pays for that one."""
    scene = Scene(server, form)
    wire.play(fault.answer, form.good)
    answer = scene.ask(form.either)
    assert answer.status_code == 200, answer.text
    assert len(wire.requests) == 2
    for attempts in attempts_in(answer):
        assert [attempt["status"] for attempt in attempts] == [fault.status, 200]
        assert fault.words in attempts[0]["error"]
        assert attempts[1]["error"] is None
    counts = [sum(column) for column in zip(*scene.outcomes().values(), strict=True)]
    assert counts == [1, 1]
    assert scene.charged_cents() > 0
    assert scene.line()["status"] == 200


def attempts_in(answer: httpx2.Response) -> list[Any]:
    """The list of attempts, where the answer has the place for one."""
    streamed = answer.headers["content-type"].startswith("text/event-stream")
    told = events(answer.content)[-2] if streamed else answer.json()
    found = [place["routing"]["attempts"] for place in (told, told.get("greatrouter", {})) if "routing" in place]
    assert found or "data" in told or "results" in told
    return found


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_only_endpoint(patient: tuple[Running, Wire], form: str, fault: str) -> None:
    fails_alone(*patient, FORMS[form], FAULTS[fault])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_first_endpoint(patient: tuple[Running, Wire], form: str, fault: str) -> None:
    is_followed(*patient, FORMS[form], FAULTS[fault])


@pytest.mark.parametrize("form", ["chat", "auto/route", "models/route"])
@pytest.mark.parametrize("fault", NO_ANSWERS)
def test_an_answer_without_a_message_is_none(patient: tuple[Running, Wire], form: str, fault: str) -> None:
    fails_alone(*patient, FORMS[form], NO_ANSWERS[fault])
    is_followed(*patient, FORMS[form], NO_ANSWERS[fault])


@pytest.mark.parametrize("fault", SILENT_STREAMS)
def test_a_stream_that_fails_before_its_first_token(patient: tuple[Running, Wire], fault: str) -> None:
    fails_alone(*patient, FORMS["stream"], SILENT_STREAMS[fault])
    is_followed(*patient, FORMS["stream"], SILENT_STREAMS[fault])


SLOW = {
    "never answers": Answer(ending="hang"),
    "a slow first byte": Answer(b"{", ending="hang"),
    "a stream of greetings": event_answer(b": wait\n\n", ROLE, b": wait\n\n", ending="hang"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("slow", SLOW)
def test_a_provider_that_is_too_slow(impatient: tuple[Running, Wire], form: str, slow: str) -> None:
    fault = Fault(SLOW[slow], None, "did not answer within 0.4 s")
    is_followed(*impatient, FORMS[form], fault)
    assert impatient[1].left.wait(5), "the request under way was not given up"


def test_a_provider_that_is_too_slow_and_alone(impatient: tuple[Running, Wire]) -> None:
    fails_alone(*impatient, FORMS["stream"], Fault(SLOW["never answers"], None, "did not answer within 0.4 s"))


GONE = {"chat": "talk", "stream": "talk", "auto/route": "talk", "embeddings": "embed", "rerank": "rank"}


@pytest.mark.parametrize("form", GONE)
def test_a_provider_that_is_not_there(patient: tuple[Running, Wire], form: str) -> None:
    server, wire = patient
    scene = Scene(server, FORMS[form])
    wire.play(FORMS[form].good)
    answer = scene.ask({"model": f"gone/{GONE[form]}"})
    [attempt] = answer.json()["error"]["metadata"]["attempts"]
    assert (answer.status_code, attempt["status"]) == (502, None)
    assert "cannot be reached" in attempt["error"]
    assert not wire.requests
    assert scene.outcomes() == {f"gone/{GONE[form]}": (0, 1)}
    assert scene.charged_cents() == 0
    assert scene.line()["status"] == 502


@pytest.mark.parametrize("form", ["chat", "stream", "auto/route"])
def test_a_provider_that_is_not_there_is_followed_by_one_that_is(patient: tuple[Running, Wire], form: str) -> None:
    server, wire = patient
    scene = Scene(server, FORMS[form])
    wire.play(FORMS[form].good)
    model = {} if form == "auto/route" else {"model": "router"}
    answer = scene.ask({**model, "provider": {"order": ["gone", "lab"]}})
    [attempts] = attempts_in(answer)
    assert [(attempt["model"], attempt["status"]) for attempt in attempts][:1] == [("gone/talk", None)]
    assert len(attempts) == 2
    assert scene.outcomes()["gone/talk"] == (0, 1)
    assert scene.charged_cents() > 0


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refusal_that_blames_the_request_is_handed_back_once(
    patient: tuple[Running, Wire], form: str, status: int
) -> None:
    server, wire = patient
    scene = Scene(server, FORMS[form])
    wire.play(json_answer({"error": {"message": "the seventh word is too long"}}, status), FORMS[form].good)
    answer = scene.ask(FORMS[form].either)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "invalid_request")
    assert error["message"] == "the seventh word is too long"
    assert [attempt["status"] for attempt in error["metadata"]["attempts"]] == [status]
    assert len(wire.requests) == 1
    assert all(failures == 0 for _, failures in scene.outcomes().values())
    assert scene.charged_cents() == 0
    assert scene.line()["status"] == 400


NAMES = {"param": "messages", "code": "context_length_exceeded"}


@pytest.mark.parametrize("form", ["chat", "stream", "auto/route", "models/route", "embeddings", "rerank"])
def test_a_refusal_keeps_the_provider_s_names_for_what_is_wrong(patient: tuple[Running, Wire], form: str) -> None:
    server, wire = patient
    for names, param, code in ((NAMES, "messages", NAMES["code"]), ({"param": 3, "code": 400}, None, None)):
        wire.play(json_answer({"error": {"message": "too long", **names}}, 400))
        error = Scene(server, FORMS[form]).ask(FORMS[form].only).json()["error"]
        assert (error["code"], error["metadata"].get("provider_code")) == ("invalid_request", code)
        assert [attempt["status"] for attempt in error["metadata"]["attempts"]] == [400]
        # The task's own fields stand within `input` there.
        assert error["param"] == (f"input.{param}" if param and form.endswith("route") else param)


@pytest.mark.parametrize("usage", [(), (USAGE,)])
def test_a_stream_that_told_why_it_ended_is_whole_without_done(
    patient: tuple[Running, Wire], usage: tuple[bytes, ...]
) -> None:
    server, wire = patient
    scene = Scene(server, FORMS["stream"])
    wire.play(event_answer(ROLE, *WORDS, *usage))
    answer = scene.ask(ONE)
    assert answer.content.startswith(ROLE + b"".join(WORDS))
    *_, told, done = events(answer.content)
    assert (told["greatrouter"]["model"], done) == ("lab/one", "[DONE]")
    assert scene.outcomes() == {"lab/one": (1, 0)}
    assert scene.charged_cents() == pytest.approx(Decimal("0.2") if usage else Decimal("0.001"), abs=Decimal("0.001"))
    assert scene.line()["status"] == 200


@pytest.mark.parametrize("broken", BROKEN_STREAMS)
def test_a_stream_that_breaks_off_ends_with_an_error_event(patient: tuple[Running, Wire], broken: str) -> None:
    server, wire = patient
    scene = Scene(server, FORMS["stream"])
    wire.play(BROKEN_STREAMS[broken], STREAM)
    answer = scene.ask(FORMS["stream"].either)
    assert answer.status_code == 200
    assert answer.content.startswith(WORDS[0])
    assert DONE not in answer.content
    assert len(wire.requests) == 1, "after the first token there is no other model"
    [error] = [event["error"] for event in events(answer.content[len(WORDS[0]) :])]
    assert (error["code"], error["status"]) == ("upstream_error", 502)
    [attempt] = error["metadata"]["attempts"]
    assert "lab" in attempt["error"]
    if broken in SAID_WHY:
        assert attempt["error"] == error["message"] == "lab answered with an error: overloaded"
    assert scene.outcomes() == {attempt["model"]: (0, 1)}
    # One word went out, and a prompt of three went in: far from the 500 tokens of an answer that was expected.
    assert 0 < scene.charged_cents() < Decimal("0.002")
    assert error["metadata"]["charge_dollars"] == pytest.approx(float(scene.charged_cents()) / 100)
    assert scene.line()["status"] == 502


def test_when_all_of_a_chain_say_when_the_caller_hears_the_earliest(patient: tuple[Running, Wire]) -> None:
    server, wire = patient
    waits = [refusal(429, {"Retry-After": seconds}) for seconds in ("30", "9", "20")]
    for form in ("chat", "stream"):
        wire.play(*waits)
        answer = Scene(server, FORMS[form]).ask(FORMS[form].either)
        assert len(answer.json()["error"]["metadata"]["attempts"]) == 3
        assert (answer.json()["error"]["retry_after_s"], answer.headers["retry-after"]) == (9, "9")
    wire.play(waits[0], refusal(500), waits[2])
    answer = Scene(server, FORMS["chat"]).ask(FORMS["chat"].either)
    assert answer.json()["error"]["retry_after_s"] is None, "the one that did not say may answer at once"


def test_googles_way_to_say_when_is_understood(patient: tuple[Running, Wire]) -> None:
    server, wire = patient
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "36.4s"}]
    wire.play(json_answer({"error": {"code": 429, "message": "quota", "details": details}}, 429))
    assert Scene(server, FORMS["chat"]).ask(ONE).json()["error"]["retry_after_s"] == 37
