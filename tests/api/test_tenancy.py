"""No organization ever sees anything of another's: whatever they ask, in whatever order, through every endpoint."""

from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.api.conftest import FAKE
from tests.api.tenancy import (
    FAULTS,
    KINDS,
    LESSON,
    OPERATIONS,
    SAID,
    SHARED_PROMPTS,
    WEBHOOK_SECRET,
    Ask,
    House,
    Organization,
    house,
    together,
)

# What keeps something of a request for the next one, more often than the rest.
REMEMBERED = ("/v1/auto/route", "/v1/chat/completions", "/v1/auto/suggest", "/v1/auto/feedback")
STEPS = st.tuples(
    st.integers(0, 1),
    st.one_of(st.sampled_from([("POST", path) for path in REMEMBERED]), st.sampled_from(sorted(OPERATIONS))),
    st.sampled_from(KINDS),
    st.sampled_from(FAULTS),
    st.integers(0, 2**16),
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLAR_WEBHOOK_SECRET", WEBHOOK_SECRET)
        with house(tmp_path_factory.mktemp("tenancy")) as found:
            yield found


def test_every_endpoint_there_is_has_an_operation_here(shared: House) -> None:
    paths = shared.server.client.get("/openapi.json").json()["paths"]
    assert {(method.upper(), path) for path, item in paths.items() for method in item} == set(OPERATIONS)


@pytest.mark.parametrize("operation", sorted(OPERATIONS), ids=" ".join)
def test_each_endpoint_by_turns(shared: House, operation: tuple[str, str]) -> None:
    two = shared.found(), shared.found()
    for seed in range(16):
        for who in two:
            rng = Random(seed)
            shared.ask(who, KINDS[seed % len(KINDS)], OPERATIONS[operation](who, rng), rng.choice(FAULTS))


@given(st.lists(STEPS, min_size=20, max_size=40))
# What went wrong is told in full, and making it smaller takes minutes.
@settings(max_examples=25, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_whatever_two_organizations_do_neither_sees_anything_of_the_other(
    shared: House, steps: list[tuple[int, tuple[str, str], str, str, int]]
) -> None:
    two = shared.found(), shared.found()
    for place, operation, kind, fault, seed in steps:
        shared.ask(two[place], kind, OPERATIONS[operation](two[place], Random(seed)), fault)
    for who in two:
        for look in ("/v1/account", "/v1/org/logs", "/v1/org/logs?format=csv", "/v1/preferences"):
            shared.ask(who, "live", Ask("GET", look))


# -- what has its own ways to go wrong ---------------------------------------------------------------------------------


def _chat(prompt: str, **headers: str) -> Ask:
    body = {"model": "lab/small", "messages": [{"role": "user", "content": prompt}]}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Ask("POST", "/v1/chat/completions", body, names, prompt)


@pytest.fixture
def two(shared: House) -> tuple[Organization, Organization]:
    return shared.found(), shared.found()


def test_the_same_question_is_cached_for_each(shared: House, two: tuple[Organization, Organization]) -> None:
    found = []
    for who in (*two, *two):
        answer = shared.ask(who, "live", _chat(SHARED_PROMPTS[0], X_GR_Cache_TTL="600"))
        assert f"{SAID} {who.marker}" in answer.text
        found.append(answer.headers["x-gr-cache"])
    assert found == ["MISS", "MISS", "HIT", "HIT"]


def test_a_test_key_and_a_live_key_share_no_answers(shared: House, two: tuple[Organization, Organization]) -> None:
    who, _ = two
    for headers in ({"X_GR_Cache_TTL": "600"}, {"Idempotency_Key": "once"}, {}):
        live = shared.ask(who, "live", _chat(SHARED_PROMPTS[0], **headers))
        test = shared.ask(who, "test", _chat(SHARED_PROMPTS[0], **headers))
        assert SAID in live.text
        assert SAID not in test.text
        if test.status_code == 200:
            assert test.json()["greatrouter"]["provider"] == "sandbox"
        else:
            assert (test.status_code, "Idempotency_Key" in headers) == (422, True)


def test_the_same_idempotency_key_is_another_of_each(shared: House, two: tuple[Organization, Organization]) -> None:
    first = [shared.ask(who, "live", _chat(SHARED_PROMPTS[0], Idempotency_Key="k")) for who in two]
    again = [shared.ask(who, "live", _chat(SHARED_PROMPTS[0], Idempotency_Key="k")) for who in two]
    assert [answer.status_code for answer in first + again] == [200] * 4
    assert [answer.content for answer in first] == [answer.content for answer in again]
    assert first[0].content != first[1].content


def test_the_same_session_is_another_of_each(shared: House, two: tuple[Organization, Organization]) -> None:
    first, second = two

    def route(who: Organization, prompt: str) -> dict[str, Any]:
        body = {"prompt": prompt, "input": {}, "session_id": "s"}
        found: dict[str, Any] = shared.ask(who, "live", Ask("POST", "/v1/auto/route", body, {}, prompt)).json()
        return found

    assert route(first, f"Draw a picture of {first.marker}")["classification"]["task"] == "image"
    assert route(first, "make it bluer")["classification"]["decision"] == "session"
    assert route(second, "make it bluer")["classification"]["decision"] != "session"


def test_what_one_taught_is_not_learned_by_the_other(shared: House, two: tuple[Organization, Organization]) -> None:
    for who in two:
        lesson = {"prompt": LESSON, "correct": False, "classified_task": "text", "suggested_task": who.taught}
        shared.ask(who, "live", Ask("POST", "/v1/auto/feedback", lesson))
    for who in two:
        answer = shared.ask(who, "live", Ask("POST", "/v1/auto/suggest", {"prompt": LESSON}, {}, LESSON))
        assert answer.json()["classification"]["task"] == who.taught
    newcomer = shared.found()
    answer = shared.ask(newcomer, "live", Ask("POST", "/v1/auto/suggest", {"prompt": LESSON}))
    assert answer.json()["classification"]["task"] not in {who.taught for who in two}


def test_the_look_at_answers_would_see_a_leak(shared: House, two: tuple[Organization, Organization]) -> None:
    """Each kind of thing that it looks for, in an answer that belongs to the other."""
    first, second = two
    own = shared.ask(first, "live", Ask("GET", "/v1/account"))
    shown = own.json()["key"]["prefix"]
    assert shared.strange(first, own, shown) == []
    seen = shared.strange(second, own, second.live[:17])
    assert {first.id, first.marker, shown, str(int(own.json()["balance_dollars"]))} <= set(seen)


def test_requests_at_the_same_time_get_their_own_answers(shared: House) -> None:
    """The texts of several callers go through the local model together."""
    everyone = [shared.found() for _ in range(8)]
    client = shared.server.client

    def post(who: Organization, path: str, body: Any) -> dict[str, Any]:
        answer = client.post(path, json=body, headers={"X-API-Key": who.live})
        assert answer.status_code == 200, answer.text
        assert shared.strange(who, answer, who.live[:17]) == []
        found: dict[str, Any] = answer.json()
        return found

    def texts(who: Organization) -> list[str]:
        return [f"{who.marker} number {number}" for number in range(who.number % 5 + 1)]

    def embedded(who: Organization) -> list[Any]:
        return list(post(who, "/v1/embeddings", {"model": FAKE, "input": texts(who)})["data"])

    def ranked(who: Organization) -> list[Any]:
        body = {"model": FAKE, "query": who.marker, "documents": texts(who)}
        return list(post(who, "/v1/rerank", body)["results"])

    alone = {who.number: (embedded(who), ranked(who)) for who in everyone}

    def again(who: Organization) -> None:
        for _ in range(10):
            assert (embedded(who), ranked(who)) == alone[who.number]

    together([partial(again, who) for who in everyone])
