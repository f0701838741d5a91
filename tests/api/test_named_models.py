"""Chat with several named models, and with suffixes that say which of a model's endpoints comes first."""

from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from greatrouter_api.settings import ModelSettings, ProviderSettings
from tests.api.conftest import DONE, USAGE, WORDS, Events, Provider, Running, completion, listening, running
from tests.api.test_chat import HELLO, events

SOLO, DRAW = "lab/solo", "lab/draw"


def words(name: str, price: int) -> ModelSettings:
    return ModelSettings(
        id=f"lab/{name}", input_per_million_tokens=Decimal(price), output_per_million_tokens=Decimal(price)
    )


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Provider, Provider]]:
    """`lab/two` and `lab/three` are served by two providers, the others by the first alone."""
    draw = ModelSettings(id=DRAW, task="image", price_per_image=Decimal("0.01"))
    with ExitStack() as stack:
        one, other = Provider(), Provider()
        ports = [stack.enter_context(listening(provider)) for provider in (one, other)]
        urls = [f"http://127.0.0.1:{port}/v1" for port in ports]
        providers = {
            "one": ProviderSettings(
                base_url=urls[0], models=[words("solo", 1), words("last", 9), words("two", 2), words("three", 3), draw]
            ),
            "other": ProviderSettings(base_url=urls[1], models=[words("two", 4), words("three", 5)]),
        }
        home = tmp_path_factory.mktemp("pair")
        yield stack.enter_context(running(home, providers=providers)), one, other


@pytest.fixture
def server(pair: tuple[Running, Provider, Provider]) -> Running:
    for provider in pair[1:]:
        provider.answer = completion
        provider.requests.clear()
    return pair[0]


@pytest.fixture
def failing(server: Running, pair: tuple[Running, Provider, Provider]) -> Running:
    """Only `lab/last` answers."""

    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if body["model"] != "last":
            return 500, {"error": {"message": "no"}}
        return (200, Events((*WORDS, USAGE, DONE))) if body.get("stream") else completion(path, body)

    for provider in pair[1:]:
        provider.answer = answer
    return server


def chat(server: Running, **fields: Any) -> httpx2.Response:
    return server.post("/v1/chat/completions", {"messages": HELLO, **fields}, server.live)


def chain(answer: httpx2.Response) -> list[str]:
    found: list[str] = answer.json()["greatrouter"]["routing"]["fallback_chain"]
    return found


def test_the_next_of_the_models_answers_where_the_first_fails(failing: Running) -> None:
    answer = chat(failing, model=SOLO, models=[SOLO, "lab/last"])
    said = answer.json()["greatrouter"]
    assert (said["model"], chain(answer)) == ("lab/last", [SOLO, "lab/last"])
    assert [attempt["status"] for attempt in said["routing"]["attempts"]] == [500, 200]
    assert said["routing"]["reason"] == "lab/last was named in the request"
    assert said["charge_dollars"] == pytest.approx(1500 * 9 / 1e6)
    streamed = events(chat(failing, model=SOLO, models=["lab/last"], stream=True).content)
    assert streamed[-2]["greatrouter"]["model"] == "lab/last"


def test_the_list_alone_is_enough_and_does_not_go_on_to_the_provider(
    server: Running, pair: tuple[Running, Provider, Provider]
) -> None:
    assert chain(chat(server, models=["lab/last", SOLO, "lab/last"])) == ["lab/last", SOLO]
    assert pair[1].requests[-1][1] == {"model": "last", "messages": HELLO}


def test_every_model_has_its_turn_within_the_attempts_of_a_request(server: Running) -> None:
    assert chain(chat(server, model="lab/two", models=["lab/last"])) == ["lab/two", "lab/two", "lab/last"]
    assert chain(chat(server, models=["lab/two", "lab/three", "lab/last"])) == ["lab/two", "lab/three", "lab/last"]
    assert chain(chat(server, models=["lab/last", SOLO, "lab/two", "lab/three"])) == ["lab/last", SOLO, "lab/two"]


def test_a_model_that_cannot_be_used_now_is_passed_over(server: Running) -> None:
    assert chain(chat(server, model="openai/gpt-4o", models=[SOLO])) == [SOLO]
    wishes = {"only": ["other"]}
    assert chain(chat(server, model=SOLO, models=["lab/two"], provider=wishes)) == ["lab/two"]
    assert chat(server, model="openai/gpt-4o", models=["openai/gpt-4o-mini"]).status_code == 404


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"model": SOLO, "models": ["nobody/nothing"]}, 404, "model"),
        ({"models": []}, 400, "model"),
        ({"models": None}, 400, "model"),
        ({"model": SOLO, "models": "lab/last"}, 400, "models"),
        ({"model": SOLO, "models": [5]}, 400, "models"),
        ({"model": SOLO, "models": [""]}, 400, "models"),
        ({"model": SOLO, "models": ["lab/last"] * 21}, 400, "models"),
        ({"model": "router", "models": [SOLO]}, 400, "models"),
        ({"model": SOLO, "models": [DRAW]}, 400, "models"),
        ({"model": "lab/nothing:floor"}, 404, "model"),
        ({"model": f"{SOLO}:online"}, 404, "model"),
    ],
)
def test_what_is_wrong_with_the_names_is_told(server: Running, fields: dict[str, Any], status: int, param: str) -> None:
    answer = chat(server, **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param), answer.text


def test_floor_is_the_cheapest_endpoint_and_nitro_the_fastest(
    server: Running, pair: tuple[Running, Provider, Provider]
) -> None:
    def providers(model: str, **fields: Any) -> list[str]:
        said = chat(server, model=model, **fields).json()["greatrouter"]
        assert said["model"] == "lab/two"
        return [attempt["provider"] for attempt in said["routing"]["attempts"]]

    assert providers("lab/two:floor") == ["one"]
    assert pair[1].requests[-1][1]["model"] == "two"
    # What was measured of an endpoint decides; without a measurement of the other it is the faster.
    chat(server, model="lab/two", provider={"only": ["other"]})
    assert providers("lab/two:nitro") == providers("lab/two", provider={"sort": "throughput"})
    assert providers("lab/two:floor", provider={"sort": "throughput"}) == providers("lab/two:nitro")
    assert providers("lab/two:nitro", provider={"order": ["other"]}) == ["other"]
