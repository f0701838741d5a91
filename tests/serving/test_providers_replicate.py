import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_serving.call import Call, Provider, Reply, Target, Usage
from greatrouter_serving.chain import run_chain
from greatrouter_serving.errors import UpstreamFailed, UpstreamRejected
from greatrouter_serving.providers.replicate import ReplicateProvider
from greatrouter_serving.providers.replicate_answer import files_in
from greatrouter_serving.providers.sandbox import SandboxProvider
from greatrouter_serving.providers.session import open_session
from tests.serving.fake_provider import Answer, FakeServer, Received, fake_server, json_answer
from tests.serving.fake_replicate import (
    KEY,
    PROCESSING,
    STARTING,
    VERSION,
    FakeReplicate,
    Life,
    failed,
    invalid,
    problem,
    succeeded,
)

OFFICIAL = Target("lab/small", "replicate", "lab/small")
VERSIONED = Target("lab/small", "replicate", f"lab/small:{VERSION}")
BOAT = Call("image", "A red boat")
WAVES = Call("video", "Waves")
PICTURE = "https://replicate.delivery/xezq/abc/out-0.webp"
FILM = "https://replicate.delivery/xezq/abc/out.mp4"
SONG = "https://replicate.delivery/xezq/abc/out.mp3"


@dataclass
class World:
    provider: ReplicateProvider
    server: FakeServer
    fake: FakeReplicate


@asynccontextmanager
async def world(fake: FakeReplicate, *answers: Answer, key: str = KEY, grace_s: float = 1.0) -> AsyncIterator[World]:
    async with fake_server(*answers, Answer(reply=fake.answer)) as server, open_session() as session:
        host = server.url.removesuffix("/v1")
        provider = ReplicateProvider("replicate", host, key, session, poll_interval_s=0.001, grace_s=grace_s)
        yield World(provider, server, fake)
        await provider.close()


def run(
    call: Call, *life: dict[str, Any], target: Target = OFFICIAL, timeout_s: float = 5.0, **fake: Any
) -> tuple[Reply, list[Received]]:
    """The reply, and what the server saw."""

    async def main() -> tuple[Reply, list[Received]]:
        async with world(FakeReplicate(life, **fake)) as w:
            return await w.provider.call(target, call, timeout_s), w.server.requests

    return asyncio.run(main())


def sent_for(call: Call, required: str = "prompt") -> dict[str, Any]:
    fields: dict[str, Any] = run(call, succeeded(PICTURE), required=required)[1][0].json()["input"]
    return fields


# How a prediction is made


def test_an_official_model_is_asked_by_its_name() -> None:
    reply, [request] = run(BOAT, succeeded([PICTURE]))
    assert (request.method, request.path) == ("POST", "/v1/models/lab/small/predictions")
    assert request.json() == {"input": {"prompt": "A red boat"}}
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert orjson.loads(reply.body) == {"id": "p0", "created": 1735689600, "data": [{"url": PICTURE}]}
    assert reply.usage == Usage(images=1)


def test_a_version_is_asked_by_its_id() -> None:
    _, [request] = run(BOAT, succeeded(PICTURE), target=VERSIONED)
    assert request.path == "/v1/predictions"
    assert request.json() == {"version": VERSION, "input": {"prompt": "A red boat"}}


@pytest.mark.parametrize(
    "model", ["small", "", "lab/", "/small", "lab/small/x", "lab/small:", "lab/../admin", "lab/..", "a b/c"]
)
def test_a_model_must_have_an_owner(model: str) -> None:
    with pytest.raises(UpstreamFailed, match="owner/name"):
        run(BOAT, target=Target("x", "replicate", model))


@pytest.mark.parametrize(("timeout_s", "prefer", "deadline"), [(120.0, "wait=10", "120s"), (3.0, "wait=1", "5s")])
def test_a_picture_is_waited_for_in_the_request_itself(timeout_s: float, prefer: str, deadline: str) -> None:
    _, [request] = run(BOAT, succeeded(PICTURE), timeout_s=timeout_s)
    assert request.headers["prefer"] == prefer
    assert request.headers["cancel-after"] == deadline


def test_a_film_is_looked_at_until_it_is_there() -> None:
    reply, requests = run(WAVES, STARTING, PROCESSING, PROCESSING, succeeded(FILM, video_output_duration_seconds=5))
    assert [(request.method, request.path) for request in requests] == [
        ("POST", "/v1/models/lab/small/predictions"),
        *[("GET", "/v1/predictions/p0")] * 3,
    ]
    assert "prefer" not in requests[0].headers
    assert orjson.loads(reply.body) == {
        "id": "p0",
        "object": "video",
        "status": "completed",
        "created": 1735689600,
        "created_at": 1735689600,
        "seconds": "5",
        "data": [{"url": FILM}],
    }
    assert reply.usage == Usage(seconds=Decimal(5))


def test_many_predictions_at_once_do_not_mix() -> None:
    async def main() -> None:
        async with world(FakeReplicate((STARTING, PROCESSING, succeeded(PICTURE)))) as w:
            calls = (w.provider.call(OFFICIAL, Call("image", f"boat {i}"), 5.0) for i in range(20))
            replies = await asyncio.gather(*calls)
            for i, reply in enumerate(replies):
                made = w.fake.predictions[orjson.loads(reply.body)["id"]]
                assert made["input"] == {"prompt": f"boat {i}"}

    asyncio.run(main())


# What is sent


@pytest.mark.parametrize(
    ("call", "sent"),
    [
        (Call("image", "p", {"prompt": "q", "aspect_ratio": "16:9"}), {"prompt": "q", "aspect_ratio": "16:9"}),
        (Call("image", "p", {"prompt": "", "seed": None}), {"prompt": "p"}),
        (Call("image", "p", {"model": "router", "messages": [], "stream": True}), {"prompt": "p"}),
        (Call("image", "p", {"n": 2, "size": "1024x1024"}), {"prompt": "p", "num_outputs": 2, "size": "1024x1024"}),
        (Call("image", "p", {"n": 2, "num_outputs": 3}), {"prompt": "p", "num_outputs": 3}),
        (Call("video", "p", {"seconds": "8"}), {"prompt": "p", "duration": 8}),
        (Call("video", "p", {"seconds": 8, "duration": 5}), {"prompt": "p", "duration": 5}),
        (Call("music", "p", {"duration": 5}), {"prompt": "p", "duration": 5}),
        (
            Call("image", "Bluer", {"image": "iVBORw0KGgo=", "mask": {"url": "https://x.test/m.png"}}, "edit"),
            {"prompt": "Bluer", "image": "data:image/png;base64,iVBORw0KGgo=", "mask": "https://x.test/m.png"},
        ),
        (
            Call("image", "Bluer", {"image": {"image_url": {"url": "https://x.test/a.png"}}}, "edit"),
            {"prompt": "Bluer", "image": "https://x.test/a.png"},
        ),
        (
            Call("image", "Join", {"images": ["https://x.test/a.png", "https://x.test/b.png"]}, "combine"),
            {"prompt": "Join", "images": ["https://x.test/a.png", "https://x.test/b.png"]},
        ),
    ],
)
def test_the_caller_s_input_is_the_model_s(call: Call, sent: dict[str, Any]) -> None:
    assert sent_for(call) == sent


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({}, {"text": "p"}),
        ({"input": "Good day", "voice": "echo"}, {"text": "Good day", "voice": "echo"}),
        ({"text": "Good day", "prompt": "cheerfully"}, {"text": "Good day", "prompt": "cheerfully"}),
    ],
)
def test_what_is_said_aloud_is_text(fields: dict[str, Any], sent: dict[str, Any]) -> None:
    assert sent_for(Call("speech", "p", fields), required="text") == sent


# What comes back


@pytest.mark.parametrize(
    ("output", "files"),
    [
        (PICTURE, [PICTURE]),
        ([PICTURE, FILM], [PICTURE, FILM]),
        ([[PICTURE], [FILM]], [PICTURE, FILM]),
        ({"images": [PICTURE], "seed": 5}, [PICTURE]),
        ({"video": FILM, "thumbnail": PICTURE}, [FILM]),
        ([{"url": PICTURE}], [PICTURE]),
        ({"left": PICTURE, "right": FILM, "log": "done"}, [PICTURE, FILM]),
        ("some words", []),
        (None, []),
        ([], []),
        (["file:///etc/passwd"], []),
        ([[[[[PICTURE]]]]], []),
    ],
)
def test_files_are_found_in_any_output(output: object, files: list[str]) -> None:
    assert files_in(output) == files


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just(PICTURE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["url", "x", "audio"]), inner),
    max_leaves=12,
)


@given(JSON)
def test_no_output_gives_anything_but_files(output: object) -> None:
    assert all(file == PICTURE for file in files_in(output))


def test_every_picture_counts() -> None:
    reply, _ = run(BOAT, STARTING, succeeded([PICTURE] * 3, image_output_count=3))
    assert len(orjson.loads(reply.body)["data"]) == 3
    assert reply.usage == Usage(images=3)


def test_files_in_the_answer_itself_are_base64() -> None:
    data = base64.b64encode(b"picture").decode()
    reply, _ = run(BOAT, succeeded(f"data:image/webp;base64,{data}"))
    assert orjson.loads(reply.body)["data"] == [{"b64_json": data}]
    reply, _ = run(WAVES, succeeded(f"data:video/mp4;base64,{data}"))
    assert orjson.loads(reply.body)["data"] == [{"b64_json": data, "mime_type": "video/mp4"}]
    reply, _ = run(Call("music", "A waltz"), succeeded(f"data:audio/mpeg;base64,{data}"))
    assert orjson.loads(reply.body)["audio"] == {"data": data, "format": "mp3"}


@pytest.mark.parametrize(
    ("address", "expected"),
    [(SONG, "mp3"), ("https://x.test/a.WAV?x=1", "wav"), ("https://x.test/a", "mp3"), ("https://[", "mp3")],
)
def test_music_is_a_file_with_a_format(address: str, expected: str) -> None:
    reply, _ = run(Call("music", "A waltz", {"duration": 8}), STARTING, succeeded(address))
    document = orjson.loads(reply.body)
    assert document["audio"] == {"url": address, "format": expected}
    assert reply.usage == Usage(seconds=Decimal(8))


def test_speech_is_billed_by_the_character() -> None:
    reply, _ = run(Call("speech", "Good morning"), succeeded(SONG), required="text")
    assert reply.usage == Usage(characters=12)


@pytest.mark.parametrize(
    ("fields", "metrics", "seconds"),
    [
        ({}, {"video_output_duration_seconds": 5.05}, "5.05"),
        ({"seconds": "8"}, {"video_output_duration_seconds": 5}, "5"),
        ({"seconds": "8"}, {}, "8"),
        ({"duration": 6}, {}, "6"),
        ({}, {}, "0"),
        ({"duration": "long"}, {}, "0"),
    ],
)
def test_the_length_of_a_film_is_not_how_long_it_took(
    fields: dict[str, Any], metrics: dict[str, float], seconds: str
) -> None:
    reply, _ = run(Call("video", "Waves", fields), succeeded(FILM, **metrics))
    assert reply.usage == Usage(seconds=Decimal(seconds))


def test_tokens_are_counted_where_the_model_counts_them() -> None:
    reply, _ = run(BOAT, succeeded(PICTURE, token_input_count=9, token_output_count=4096))
    assert reply.usage == Usage(prompt_tokens=9, completion_tokens=4096, images=1)


# What goes wrong


@pytest.mark.parametrize(
    "error",
    [
        "NSFW content detected. Try running it again, or try a different prompt.",
        "The input or output was flagged as sensitive. Please try again with different inputs. (E005) (uIJ6l3)",
        "Input is invalid (E006)",
        "The prompt was blocked by our content policy",
    ],
)
def test_what_blames_the_input_is_handed_back(error: str) -> None:
    with pytest.raises(UpstreamRejected) as caught:
        run(BOAT, STARTING, failed(error))
    assert str(caught.value) == error
    assert caught.value.status == 422


@pytest.mark.parametrize(
    "end",
    [
        failed("CUDA out of memory"),
        failed("Service is temporarily unavailable. Please try again later. (E003)"),
        failed("Prediction interrupted; please retry (code: PA)"),
        {"status": "failed", "error": None},
        {"status": "canceled"},
        {"status": "aborted", "error": "NSFW"},
        succeeded(None),
        succeeded([]),
        succeeded("some words"),
    ],
)
def test_other_ends_move_on(end: dict[str, Any]) -> None:
    async def main() -> list[str]:
        async with world(FakeReplicate((STARTING, end))) as w:
            with pytest.raises(UpstreamFailed):
                await w.provider.call(OFFICIAL, BOAT, 5.0)
            return w.fake.canceled

    assert asyncio.run(main()) == []


def test_our_key_is_not_in_a_failure() -> None:
    with pytest.raises(UpstreamFailed, match=r"\[redacted\]") as caught:
        run(BOAT, failed(f"no such token {KEY}"))
    assert KEY not in str(caught.value)


def test_an_input_that_the_model_refuses_is_the_caller_s() -> None:
    with pytest.raises(UpstreamRejected, match="- input: image is required"):
        run(BOAT, succeeded(PICTURE), required="image")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Target("x", "replicate", "lab/gone"), "could not be found"),
        (Target("x", "replicate", "lab/small:latest"), "does not know lab/small:latest: The specified version"),
    ],
)
def test_a_model_that_is_gone_is_not_the_caller_s_fault(target: Target, words: str) -> None:
    with pytest.raises(UpstreamFailed, match=words):
        run(BOAT, succeeded(PICTURE), target=target)


def test_a_wrong_key_is_ours() -> None:
    async def main() -> None:
        async with world(FakeReplicate((succeeded(PICTURE),)), key="r8_wrong") as w:
            await w.provider.call(OFFICIAL, BOAT, 5.0)

    with pytest.raises(UpstreamFailed, match="refused our key"):
        asyncio.run(main())


@pytest.mark.parametrize(
    "looked",
    [
        json_answer({"detail": "x"}, 500),
        json_answer({}, 404),
        json_answer({"id": "p0"}),
        problem(429, "Throttled", "Request was throttled. Your rate limit resets in ~30s."),
        invalid("", "x"),
        Answer(b"<html>", 502),
        Answer(b'{"id"'),
        Answer(ending="reset"),
        Answer(status=302, headers={"Location": "/v1/elsewhere"}),
    ],
)
def test_looks_that_fail_are_borne_for_a_while(looked: Answer) -> None:
    life = (STARTING, succeeded(PICTURE))
    reply, requests = run(BOAT, *life, on_look=lambda look: looked if look < 3 else None)
    assert reply.usage.images == 1
    assert len(requests) == 4

    async def main() -> None:
        async with world(FakeReplicate(life, on_look=lambda _: looked)) as w:
            with pytest.raises(UpstreamFailed, match="lost sight of its prediction"):
                await w.provider.call(OFFICIAL, BOAT, 5.0)
            # After a reset the client itself asks once more.
            assert w.fake.looks["p0"] in {3, 6}
            # It still runs, and is paid for: nobody will come for it.
            assert w.fake.canceled == ["p0"]

    asyncio.run(main())


def test_retry_after_is_heeded_while_looking() -> None:
    throttled = problem(429, "Throttled", "Request was throttled.")
    later = Answer(throttled.body, 429, headers={"Retry-After": "60"})

    async def main() -> None:
        async with world(FakeReplicate((STARTING, succeeded(PICTURE)), on_look=lambda _: later)) as w:
            with pytest.raises(UpstreamFailed, match=r"within 0\.5 s"):
                await w.provider.call(OFFICIAL, BOAT, 0.5)
            assert w.fake.looks["p0"] == 1
            assert w.fake.canceled == ["p0"]

    asyncio.run(main())


# Hosts


@pytest.mark.parametrize(
    "host",
    [
        "https://evil.test",
        "http://127.0.0.1:1",
        "http://169.254.169.254",
        "//evil.test",
        "http://[",
        "",
    ],
)
def test_no_host_but_the_configured_one_is_ever_asked(host: str) -> None:
    """Whatever the answer's addresses say: whoever is asked is sent our key."""
    reply, requests = run(WAVES, STARTING, PROCESSING, succeeded(FILM), host=host)
    assert reply.usage == Usage()
    assert [request.path for request in requests[1:]] == ["/v1/predictions/p0"] * 2


def test_the_prediction_s_own_addresses_are_followed_at_our_host() -> None:
    async def main() -> list[str]:
        fake = FakeReplicate((STARTING,))
        async with world(fake) as w:
            elsewhere = f"{w.server.url}/predictions/p0?from=create"
            fake.life = ({"status": "starting", "urls": {"get": elsewhere, "cancel": f"{elsewhere}&cancel"}},)
            with pytest.raises(UpstreamFailed):
                await w.provider.call(OFFICIAL, WAVES, 5.0)
            return [request.path for request in w.server.requests]

    paths = asyncio.run(main())
    assert paths[1] == "/v1/predictions/p0?from=create"
    assert paths[-1] == "/v1/predictions/p0?from=create&cancel"


def test_addresses_with_a_user_are_not_followed() -> None:
    async def main() -> list[str]:
        fake = FakeReplicate((STARTING, succeeded(FILM)))
        async with world(fake) as w:
            fake.host = w.server.url.removesuffix("/v1").replace("http://", "http://user:password@")
            await w.provider.call(OFFICIAL, WAVES, 5.0)
            return [request.headers["authorization"] for request in w.server.requests]

    assert set(asyncio.run(main())) == {f"Bearer {KEY}"}


@pytest.mark.parametrize("id", ["../../v1/account", "a/b", "a?b#c", "%2e%2e"])
def test_an_id_cannot_lead_to_another_path(id: str) -> None:
    async def main() -> str:
        first = json_answer({"id": id, "status": "starting"}, 201)
        last = json_answer({"id": id, "status": "succeeded", "output": FILM})
        async with fake_server(first, last) as server, open_session() as session:
            provider = ReplicateProvider("replicate", server.url, KEY, session, poll_interval_s=0.001)
            await provider.call(OFFICIAL, WAVES, 5.0)
            return server.requests[1].path

    path = asyncio.run(main())
    assert path.startswith("/v1/predictions/")
    assert path.count("/") == 3
    assert "?" not in path


@pytest.mark.parametrize("address", ["", "/", "/v1", "/v1/"])
def test_the_base_url_may_name_the_version(address: str) -> None:
    async def main() -> str:
        async with fake_server(Answer(reply=FakeReplicate((succeeded(FILM),)).answer)) as server, open_session() as s:
            provider = ReplicateProvider("replicate", server.url.removesuffix("/v1") + address, KEY, s)
            await provider.call(OFFICIAL, WAVES, 5.0)
            return server.requests[0].path

    assert asyncio.run(main()) == "/v1/models/lab/small/predictions"


def test_no_base_url_is_replicate_itself() -> None:
    async def main() -> None:
        async with open_session() as session:
            assert ReplicateProvider("replicate", None, KEY, session).name == "replicate"

    asyncio.run(main())


# Leaving


def test_a_time_out_calls_the_prediction_off() -> None:
    async def main() -> None:
        async with world(FakeReplicate((STARTING, PROCESSING))) as w:
            with pytest.raises(UpstreamFailed, match=r"within 0\.1 s"):
                await w.provider.call(OFFICIAL, WAVES, 0.1)
            assert w.fake.canceled == ["p0"]

    asyncio.run(main())


@pytest.mark.parametrize("life", [(STARTING,), (PROCESSING,)])
def test_a_caller_who_leaves_calls_the_prediction_off(life: Life) -> None:
    async def main() -> None:
        looked = asyncio.Event()
        fake = FakeReplicate(life, on_look=lambda _: looked.set())
        async with world(fake) as w:
            task = asyncio.create_task(w.provider.call(OFFICIAL, WAVES, 60.0))
            await looked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert fake.canceled == ["p0"]

    asyncio.run(main())


def test_a_caller_who_leaves_before_there_is_an_id_does_so_too() -> None:
    """The request that starts it is not cut short: only its answer says what to call off."""

    async def main() -> None:
        fake = FakeReplicate((STARTING,))
        async with world(fake) as w:
            task = asyncio.create_task(w.provider.call(OFFICIAL, WAVES, 60.0))
            await w.server.arrived.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await w.provider.close()
            assert fake.canceled == ["p0"]

    asyncio.run(main())


def test_a_finished_prediction_is_not_called_off() -> None:
    async def main() -> list[str]:
        async with world(FakeReplicate((STARTING, succeeded(FILM)))) as w:
            await w.provider.call(OFFICIAL, WAVES, 5.0)
            return w.fake.canceled

    assert asyncio.run(main()) == []


def test_calling_off_may_fail() -> None:
    async def main() -> None:
        async with (
            fake_server(json_answer({"id": "p0", "status": "starting"}, 201), Answer(ending="hang")) as server,
            open_session() as session,
        ):
            provider = ReplicateProvider("replicate", server.url, KEY, session, poll_interval_s=0.001, grace_s=0.05)
            with pytest.raises(UpstreamFailed, match="within"):
                await provider.call(OFFICIAL, WAVES, 0.05)
            await provider.close()

    asyncio.run(main())


def test_the_chain_s_own_limit_calls_the_prediction_off_and_moves_on() -> None:
    async def main() -> None:
        async with world(FakeReplicate((STARTING,))) as w:
            targets = [OFFICIAL, Target("lab/other", "sandbox", "other")]
            providers: dict[str, Provider] = {"replicate": w.provider, "sandbox": SandboxProvider()}
            outcome = await run_chain(targets, WAVES, providers, timeout_s=0.1)
            assert outcome.target.provider == "sandbox"
            assert "within 0.1 s" in (outcome.attempts[0].error or "")
            assert w.fake.canceled == ["p0"]

    asyncio.run(main())


def test_transcription_is_not_served() -> None:
    with pytest.raises(UpstreamFailed, match="has no transcription"):
        run(Call("speech", "Write down", {"file": "UklGRg=="}))
