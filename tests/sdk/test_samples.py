"""The samples that callers copy, run as they stand but for key and server: the interface's, and the README's."""

import asyncio
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from greatrouter import AsyncGreatRouter, AuthenticationError, GreatRouter, GreatRouterError, ValidationError
from greatrouter.types import Answer
from tests.api.conftest import FAKE, Running, running

README = Path(__file__).parents[2] / "sdk/python/README.md"

SAMPLE = """
from greatrouter import GreatRouter
client = GreatRouter("pk_live_...")
# Auto route
result = client.auto_route({
    "prompt": "Generate an image of a cat",
    "input": {"messages": [{"role": "user", "content": "Generate an image of a cat"}]},
    "task": "image",
    "optimization": "price-optimized",
    "budget_dollars": 0.05,
})
# Auto suggest (no inference)
suggestions = client.auto_suggest({
    "prompt": "Write a short poem",
    "task": "text",
    "limit": 5,
    "budget_dollars": 0.01,
})
# Compare prices
comparison = client.price_comparison({
    "task": "text",
    "optimization": "balanced",
})
# List models
models = client.list_models({"task_type": "text_generation"})
# Get model details
model = client.get_model("meta", "llama-3.3-70b-instruct-fp8-fast")
# Preferences
prefs = client.get_preferences()
client.set_preference("default_optimization", "price-optimized")
suggestions = client.get_preference_suggestions()
# Model health
health = client.get_model_health(["openai/gpt-5", "anthropic/claude-sonnet-4"])
"""

ASYNC_SAMPLE = """
from greatrouter import AsyncGreatRouter
async with AsyncGreatRouter("pk_live_...") as client:
    result = await client.auto_route({...})
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("home")) as server:
        yield server


@pytest.fixture
def client(server: Running) -> Iterator[GreatRouter]:
    with GreatRouter(server.test, f"{server.url}/v1", max_retries=0) as client:
        yield client


def addressed(server: Running, sample: str) -> str:
    """The sample with a test key and the running server in place of its own."""
    bare = sample.replace(', base_url="http://127.0.0.1:8080/v1"', "")
    assert '"pk_live_..."' in bare
    return bare.replace('"pk_live_..."', f'"{server.test}", base_url="{server.url}/v1"')


def run(server: Running, sample: str) -> dict[str, Any]:
    """The names that the sample leaves behind."""
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(addressed(server, sample), names)
    return names


def test_the_sample_of_the_interface(server: Running) -> None:
    first, heading, rest = SAMPLE.partition("# Compare prices")
    found = run(server, first)
    suggested = found["suggestions"]["suggestions"]  # a name that the rest of the sample uses again
    exec(heading + rest, found)
    with found["client"] as client:
        result = found["result"]
        assert result["classification"]["task"] == "image"
        assert (result["provider"], result["charge_dollars"]) == ("sandbox", 0)
        assert result["result"]["data"][0]["b64_json"]
        assert 0 < len(suggested) <= 5
        assert all(suggestion["estimated_cost_dollars"] <= 0.01 for suggestion in suggested)
        assert found["comparison"]["suggestions"][0]["model_id"]
        assert found["comparison"]["price_comparison"]["cheapest_model"]
        assert {model["task_type"] for model in found["models"]["data"]} == {"text_generation"}
        assert found["model"]["id"].endswith("meta/llama-3.3-70b-instruct-fp8-fast")
        assert found["prefs"]["default_optimization"] == "balanced"
        assert client.get_preferences()["default_optimization"] == "price-optimized"
        client.delete_preference("default_optimization")
        assert client.get_preferences()["default_optimization"] == "balanced"
        assert found["suggestions"].suggestions == []
        health = found["health"]["health"]
        assert [row["model_id"] for row in health] == ["openai/gpt-5", "anthropic/claude-sonnet-4"]


def test_the_sample_for_asyncio(server: Running) -> None:
    # Its dots stand for a request, and its block for the inside of a coroutine.
    body = ASYNC_SAMPLE.replace("{...}", '{"prompt": "Write a haiku about routing"}') + "return result\n"
    found = run(server, f"async def main():\n{textwrap.indent(body, '    ')}")
    assert asyncio.run(found["main"]())["result"]["choices"][0]["message"]["content"]


def test_the_samples_of_the_readme(server: Running, capsys: pytest.CaptureFixture[str]) -> None:
    samples = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.M | re.S)
    assert len(samples) == 2
    for sample in samples:
        run(server, sample)
        assert capsys.readouterr().out.strip()


# -- what no sample shows, against a real server ----------------------------------------------------------------


def test_the_catalog(client: GreatRouter) -> None:
    page = client.query_models(text="llama", limit=3)
    assert len(page["data"]) == 3
    assert page["total"] > 3
    assert client.tags()["data"][0]["tag"]
    tiers = [tier["price_tier"] for tier in client.price_tiers()["data"]]
    assert tiers == ["economy", "standard", "balanced", "premium", "flagship"]
    assert "llm" in {branch["taxonomy"] for branch in client.catalog_taxonomy()["data"]}
    [family] = client.catalog_families(q="llama", taxonomy="llm", limit=1)["data"]
    assert re.match(r"llm/[\w-]+--", family["id"])
    assert client.get_catalog_family(family["id"])["name"] == family["name"]


def test_schemas(client: GreatRouter) -> None:
    assert client.get_input_schema("lab", "small")["$schema"].startswith("https://json-schema.org/draft/2020-12")
    assert client.get_output_schema("lab", "small")["required"] == ["choices"]
    good = client.validate_input("lab", "small", {"messages": [{"role": "user", "content": "hi"}]})
    assert good == {"valid": True, "errors": []}
    bad = client.validate_input("lab", "small", {"messages": "hi"})
    assert not bad["valid"]
    assert "messages" in bad["errors"][0]["path"]
    assert not client.validate_output("lab", "small", {})["valid"]


def test_routing(client: GreatRouter) -> None:
    routed = client.models_route(query="text", input={"messages": [{"role": "user", "content": "hi"}]})
    assert routed["model"]["id"]
    assert client.recommend(task="text", limit=2)["data"]
    assert client.auto_feedback(prompt="hi", classified_task="text", correct=True)["accepted"]


def test_local_models(client: GreatRouter) -> None:
    assert len(client.embeddings(FAKE, ["a", "b"])["data"]) == 2
    assert isinstance(client.embeddings(FAKE, "a", encoding_format="base64")["data"][0]["embedding"], str)
    assert client.rerank("router", "hours", ["We open at nine.", {"text": "Parking"}], top_n=1)["results"]


def test_account_and_logs(client: GreatRouter) -> None:
    client.auto_route(prompt="hi")
    assert client.account()
    assert client.org_logs(format="csv", limit=10).startswith("timestamp,request_id,")
    assert client.org_logs(limit=10)


def test_chat_whole_and_in_pieces_says_the_same(client: GreatRouter) -> None:
    messages = [{"role": "user", "content": "Name three rivers of Kenya."}]
    whole = client.chat_completions(model="router", messages=messages)
    with client.chat_completions(model="router", messages=messages, stream=True) as stream:
        chunks = list(stream)
    text = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
    assert text == whole["choices"][0]["message"]["content"]
    assert chunks[-1]["greatrouter"]["provider"] == whole["greatrouter"]["provider"] == "sandbox"


def test_errors_are_typed(server: Running, client: GreatRouter) -> None:
    stranger = GreatRouter("pk_test_unknown00_" + "0" * 32, f"{server.url}/v1")
    with stranger, pytest.raises(AuthenticationError) as unknown:
        stranger.auto_suggest(prompt="hi")
    assert unknown.value.code == "authentication_failed"
    with pytest.raises(ValidationError) as invalid:
        client.auto_suggest(prompt="hi", limit=0)
    assert (invalid.value.code, bool(invalid.value.request_id)) == ("invalid_request", True)
    with pytest.raises(GreatRouterError) as missing:
        client.get_model("nobody", "nothing")
    assert (missing.value.status, missing.value.code) == (404, "model_not_found")


def test_every_method_reaches_an_endpoint_whose_answer_is_of_its_type(server: Running) -> None:
    """A method whose path the server does not know is answered with 404 `not_found`."""

    async def call_all() -> None:
        async with AsyncGreatRouter(server.test, f"{server.url}/v1", max_retries=0) as client:
            for name in (name for name in vars(AsyncGreatRouter) if not name.startswith("_") and name != "aclose"):
                answers.append(await getattr(client, name)(*ARGUMENTS.get(name, ())))

    answers: list[Any] = []
    asyncio.run(call_all())
    for answer in answers:
        if isinstance(answer, Answer):
            type(answer).model_validate(answer.to_dict())


HELLO = [{"role": "user", "content": "hi"}]
LLAMA = ("meta", "llama-3.3-70b-instruct-fp8-fast")
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "auto_route": ({"prompt": "hi"},),
    "auto_suggest": ({"prompt": "hi"},),
    "feedback": ({"prompt": "hi", "correct": True},),
    "auto_feedback": ({"prompt": "hi", "correct": True},),
    "models_route": ({"query": "text", "input": {"messages": HELLO}},),
    "recommend": ({"task": "text"},),
    "get_model": LLAMA,
    "get_input_schema": LLAMA,
    "get_output_schema": LLAMA,
    "validate_input": (*LLAMA, {"messages": HELLO}),
    "validate_output": (*LLAMA, {}),
    "get_catalog_family": ("llm/meta--llama-3.3",),
    "set_preference": ("default_task", "text"),
    "delete_preference": ("default_task",),
    "embeddings": (FAKE, "a"),
    "rerank": (FAKE, "a", ["b"]),
    "chat_completions": ({"model": "router", "messages": HELLO},),
}
