"""Feedback takes effect: at once in its process, within a second in others, for its own organization alone."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import Response
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.errors import StoreFailed
from greatrouter_api.endpoints import feedback
from greatrouter_api.errors import EXPECTED, ApiError, from_exception
from greatrouter_api.feedback import FRESH_S, FeedbackDesk, Verdict
from greatrouter_api.home import open_accounts
from greatrouter_api.services import Services
from greatrouter_api.settings import Settings
from greatrouter_classifier.classification import Task
from greatrouter_classifier.overlay import Lesson, Opinion, Overlay

T = TypeVar("T")
CORRECTION = Verdict("waves at night", correct=False, said=Task.TEXT, suggested=Task.IMAGE)
AS_IMAGE = Lesson(Task.IMAGE, Opinion.CORRECTED, Task.TEXT)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Store:
    """Accounts' table of feedback, shared by every desk over it."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    reads: list[str | None] = field(default_factory=list)
    broken: bool = False
    hold: threading.Event | None = None
    reading: threading.Event = field(default_factory=threading.Event)

    async def record_feedback(self, row: dict[str, Any]) -> str:
        return self.add(**row)

    def add(self, **row: Any) -> str:
        if self.broken:
            raise StoreFailed("the disk is full")
        name = f"fb_{len(self.rows):04d}"
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=len(self.rows))
        stamp = row.pop("timestamp", moment.isoformat(timespec="milliseconds"))
        self.rows.append({**row, "id": name, "timestamp": stamp})
        return name

    def feedback(self, organization_id: str, limit: int, since: str | None = None) -> Sequence[dict[str, Any]]:
        self.reads.append(since)
        if self.hold is not None:
            self.reading.set()
            assert self.hold.wait(5)
        if self.broken:
            raise StoreFailed("the disk is gone")
        mine = [r for r in self.rows if r["organization_id"] == organization_id and r["timestamp"] >= (since or "")]
        return sorted(mine, key=lambda row: (row["timestamp"], row["id"]), reverse=True)[:limit]


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def lesson(overlay: Overlay | None, prompt: str = CORRECTION.prompt) -> Lesson | None:
    recollection = overlay.nearest(prompt) if overlay else None
    return recollection.lesson if recollection else None


# -- the desk -------------------------------------------------------------------------------------------------------


def test_feedback_is_seen_by_the_next_prompt_of_its_organization(store: Store, clock: Clock) -> None:
    async def work() -> None:
        desk = FeedbackDesk(store, clock)
        assert await desk.overlay("a") is None
        assert await desk.accept("a", CORRECTION) == "fb_0000"
        assert lesson(await desk.overlay("a")) == AS_IMAGE
        assert await desk.overlay("b") is None

    run(work())
    assert store.rows[0]["suggested_task"] == "image"
    assert len(store.reads) == 2  # once for each organization


def test_another_process_sees_it_within_a_second(store: Store, clock: Clock) -> None:
    async def work() -> None:
        here, there = FeedbackDesk(store, clock), FeedbackDesk(store, clock)
        assert await there.overlay("a") is None
        await here.accept("a", CORRECTION)
        assert await there.overlay("a") is None
        clock.now += FRESH_S
        assert lesson(await there.overlay("a")) == AS_IMAGE

    run(work())


def test_what_was_said_before_the_start_is_known_at_the_first_prompt(store: Store, clock: Clock) -> None:
    async def work() -> None:
        await FeedbackDesk(store, clock).accept("a", CORRECTION)
        assert lesson(await FeedbackDesk(store, clock).overlay("a")) == AS_IMAGE

    run(work())


def test_the_disk_is_asked_once_a_second_and_only_for_what_is_new(store: Store, clock: Clock) -> None:
    async def work() -> None:
        desk = FeedbackDesk(store, clock)
        await desk.accept("a", CORRECTION)
        for _ in range(20):
            await desk.overlay("a")
            clock.now += 0.1

    run(work())
    assert store.reads == [None, "2025-12-31T23:59:55.000+00:00"]


def test_what_was_said_last_holds_whoever_hears_it_first(store: Store, clock: Clock) -> None:
    """A row that another process commits late is older than what is known here, and must not win."""

    async def work() -> None:
        desk = FeedbackDesk(store, clock)
        await desk.accept("a", Verdict("something else", correct=True, said=Task.TEXT))
        await desk.accept("a", CORRECTION)
        await desk.overlay("a")
        late = {"prompt": CORRECTION.prompt, "classified_task": "text", "correct": True, "suggested_task": None}
        store.add(organization_id="a", timestamp="2026-01-01T00:00:00.500+00:00", **late)
        store.add(organization_id="a", timestamp="2026-01-01T00:00:00.600+00:00", **{**late, "prompt": "a third"})
        clock.now += FRESH_S
        overlay = await desk.overlay("a")
        assert lesson(overlay) == AS_IMAGE
        assert lesson(overlay, "a third") == Lesson(Task.TEXT, Opinion.CONFIRMED, Task.TEXT)

    run(work())


def test_a_broken_database_leaves_what_is_known(store: Store, clock: Clock) -> None:
    async def work() -> None:
        desk = FeedbackDesk(store, clock)
        await desk.accept("a", CORRECTION)
        await desk.overlay("a")
        store.broken = True
        clock.now += FRESH_S
        assert lesson(await desk.overlay("a")) == AS_IMAGE
        assert await desk.overlay("b") is None
        with pytest.raises(StoreFailed):
            await desk.accept("a", Verdict("other", correct=True, said=Task.CODE))
        assert lesson(await desk.overlay("a"), "other") is None
        store.broken = False
        clock.now += FRESH_S
        await desk.accept("b", CORRECTION)
        assert lesson(await desk.overlay("b")) == AS_IMAGE

    run(work())


def test_only_one_waits_for_a_slow_disk(store: Store, clock: Clock) -> None:
    async def work() -> None:
        desk = FeedbackDesk(store, clock)
        await desk.accept("a", CORRECTION)
        await desk.overlay("a")
        clock.now += FRESH_S
        store.hold = threading.Event()
        first = asyncio.create_task(desk.overlay("a"))
        assert await asyncio.to_thread(store.reading.wait, 5)
        assert lesson(await desk.overlay("a")) == AS_IMAGE
        assert not first.done()
        store.hold.set()
        assert lesson(await first) == AS_IMAGE

    run(work())
    assert len(store.reads) == 2


def test_whoever_gives_up_waiting_leaves_the_next_to_read(store: Store, clock: Clock) -> None:
    async def work() -> None:
        await FeedbackDesk(store, clock).accept("a", CORRECTION)
        desk = FeedbackDesk(store, clock)
        store.hold = threading.Event()
        first = asyncio.create_task(desk.overlay("a"))
        assert await asyncio.to_thread(store.reading.wait, 5)
        first.cancel()
        await asyncio.wait([first])
        store.hold.set()
        assert lesson(await desk.overlay("a")) == AS_IMAGE

    run(work())


def test_the_organizations_longest_away_make_room(store: Store, clock: Clock) -> None:
    async def work() -> None:
        desk = FeedbackDesk(store, clock, max_organizations=2, max_lessons=3)
        for organization in ("a", "b", "c"):
            await desk.accept(organization, CORRECTION)
            await desk.overlay(organization)
        reads = len(store.reads)
        assert lesson(await desk.overlay("a")) == AS_IMAGE  # gone from memory, read again
        assert len(store.reads) == reads + 1
        for i in range(5):
            await desk.accept("a", Verdict(f"prompt number {i}", correct=True, said=Task.CODE))
        overlay = await desk.overlay("a")  # the only one left may be larger than all together should be
        assert overlay is not None
        assert len(overlay) == 6

    run(work())


def test_rows_of_another_version_are_passed_over(store: Store, clock: Clock) -> None:
    row = {
        "organization_id": "a",
        "prompt": "p",
        "correct": False,
        "classified_task": "smell",
        "suggested_task": "taste",
    }
    store.add(**row)
    store.add(**{**row, "classified_task": None, "suggested_task": None})
    assert run(FeedbackDesk(store, clock).overlay("a")) is None


verdicts = st.builds(
    Verdict,
    prompt=st.sampled_from(["one prompt", "another thing", "third wish"]),
    correct=st.booleans(),
    said=st.none() | st.sampled_from(Task),
    suggested=st.none() | st.sampled_from(Task),
)


@given(st.lists(st.tuples(st.booleans(), verdicts, st.floats(0, 2)), max_size=20))
def test_two_processes_come_to_agree(steps: list[tuple[bool, Verdict, float]]) -> None:
    async def work() -> None:
        store, clock = Store(), Clock()
        here, there = FeedbackDesk(store, clock), FeedbackDesk(store, clock)
        for mine, verdict, wait_s in steps:
            await (here if mine else there).accept("a", verdict)
            await (here if mine else there).overlay("a")
            clock.now += wait_s
        clock.now += FRESH_S
        fresh = FeedbackDesk(store, clock)
        overlays = [await desk.overlay("a") for desk in (here, there, fresh)]
        for prompt in ("one prompt", "another thing", "third wish"):
            assert len({lesson(overlay, prompt) for overlay in overlays}) == 1

    run(work())


# -- the endpoint ---------------------------------------------------------------------------------------------------


@dataclass
class Running:
    client: TestClient
    accounts: Accounts
    key: str
    store: Store
    desk: FeedbackDesk

    def post(self, body: Any, key: str | None = None) -> Any:
        return self.client.post("/v1/auto/feedback", json=body, headers={"X-API-Key": key or self.key})


@dataclass
class Fake:
    services: Services


@contextmanager
def running(home: Path) -> Iterator[Running]:
    settings, store = Settings(home=home, max_body_bytes=10_000), Store()
    accounts = open_accounts(settings)
    desk = FeedbackDesk(store, Clock())
    app = FastAPI()
    feedback.add(app, Fake(cast(Services, SimpleNamespace(accounts=accounts, settings=settings, feedback=desk))))

    def answer(_: Request, error: Exception) -> Response:
        known = from_exception(error, "req_test")
        return Response(known.body(), known.status, known.headers(), "application/json")

    for kind in (ApiError, *EXPECTED):
        app.add_exception_handler(kind, answer)
    with TestClient(app) as client:
        yield Running(client, accounts, accounts.create_key("acme"), store, desk)
    accounts.close()


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("home")) as found:
        yield found


@pytest.fixture
def server(opened: Running) -> Running:
    opened.store.broken = False
    return opened


def test_the_reference_pages_request(server: Running) -> None:
    body = {
        "prompt": "waves at night",
        "classified_task": "text",
        "correct": False,
        "confidence": 0.7,
        "suggested_task": "image",
    }
    answer = server.post(body)
    row = server.store.rows[-1]
    assert (answer.status_code, answer.json()) == (200, {"id": row["id"], "accepted": True})
    organization_id = run(server.accounts.authenticate(server.key)).organization_id
    assert row["organization_id"] == organization_id
    assert {name: row[name] for name in body} == {**body, "confidence": "0.7000"}


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": "p", "correct": True},
        {"prompt": "p", "correct": True, "classified_task": None, "confidence": None, "suggested_task": None},
        {"prompt": "p", "correct": False, "classified_task": "code", "confidence": 1, "other": [1]},
    ],
)
def test_only_prompt_and_correct_are_needed(server: Running, body: dict[str, Any]) -> None:
    assert server.post(body).json()["accepted"] is True


@pytest.mark.parametrize(
    ("body", "param", "words"),
    [
        ({"correct": True}, "prompt", "required"),
        ({"prompt": "", "correct": True}, "prompt", "must not be empty"),
        ({"prompt": 5, "correct": True}, "prompt", "string"),
        ({"prompt": "p"}, "correct", "required"),
        ({"prompt": "p", "correct": "yes"}, "correct", "true or false"),
        ({"prompt": "p", "correct": None}, "correct", "true or false"),
        ({"prompt": "p", "correct": True, "classified_task": "poem"}, "classified_task", "web_search"),
        ({"prompt": "p", "correct": True, "suggested_task": "poem"}, "suggested_task", "web_search"),
        ({"prompt": "p", "correct": True, "confidence": 1.1}, "confidence", "1 or less"),
        ({"prompt": "p", "correct": True, "confidence": -0.1}, "confidence", "0 or more"),
        ({"prompt": "p", "correct": True, "confidence": "high"}, "confidence", "number"),
        ([], None, "object"),
    ],
)
def test_a_wrong_request_is_told_what_is_allowed(server: Running, body: Any, param: str | None, words: str) -> None:
    recorded = len(server.store.rows)
    answer = server.post(body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "invalid_request", param)
    assert words in error["message"]
    assert len(server.store.rows) == recorded


def test_who_may_not(server: Running) -> None:
    body = {"prompt": "p", "correct": True}
    assert server.client.post("/v1/auto/feedback", json=body).status_code == 401
    assert server.post(body, "pk_live_aaaaaaaaa_" + "0" * 32).status_code == 401
    assert server.post({**body, "prompt": "p" * 10_000}).status_code == 413
    server.store.broken = True
    assert server.post(body).status_code == 503
