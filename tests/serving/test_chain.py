import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greatrouter_serving.call import Call, Outcome, Reply, Streaming, Target, Usage
from greatrouter_serving.chain import ChainRejected, open_chain, run_chain
from greatrouter_serving.errors import (
    ChainExhausted,
    InvalidInput,
    ProviderUnreachable,
    UpstreamFailed,
    UpstreamRejected,
)

CALL = Call("text", "Say hello")
REPLY = Reply(b"{}", Usage(prompt_tokens=1))


class ScriptedProvider:
    """Does at each call what the script says next: returns a reply, raises, or waits for ever."""

    def __init__(self, name: str, script: list[Reply | Exception | None]) -> None:
        self.name = name
        self.calls: list[Target] = []
        self.waiting = asyncio.Event()
        self.cancelled = False
        self._script: Iterator[Reply | Exception | None] = iter(script)

    async def call(self, target: Target, call: Call, timeout_s: float) -> Reply:
        self.calls.append(target)
        step = next(self._script)
        if isinstance(step, Reply):
            return step
        if step is not None:
            raise step
        try:
            self.waiting.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        raise AssertionError("an event that nobody sets was set")

    async def stream(self, target: Target, call: Call, timeout_s: float) -> AsyncGenerator[bytes, None]:
        raise AssertionError("a whole answer was asked for")
        yield b""

    async def close(self) -> None: ...


def targets_of(*names: str) -> list[Target]:
    return [Target(f"{name}/model", name, "model") for name in names]


def run(script: list[Reply | Exception | None], *, timeout_s: float = 5.0) -> tuple[Outcome, ScriptedProvider]:
    async def main() -> tuple[Outcome, ScriptedProvider]:
        provider = ScriptedProvider("lab", script)
        targets = [Target(f"model-{i}", "lab", "model") for i in range(len(script))]
        return await run_chain(targets, CALL, {"lab": provider}, timeout_s=timeout_s, clock=Clock()), provider

    return asyncio.run(main())


class Clock:
    """Half a second passes between two looks."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 0.5
        return self.now_s


def test_the_first_answer_wins() -> None:
    outcome, provider = run([REPLY, REPLY])
    assert outcome.reply is REPLY
    assert outcome.target.model_id == "model-0"
    assert len(provider.calls) == 1
    [attempt] = outcome.attempts
    assert (attempt.status, attempt.error, attempt.latency_ms) == (200, None, 500.0)


def test_failures_move_on_and_are_remembered() -> None:
    outcome, _ = run([UpstreamFailed("lab answered status 503", 503), UpstreamFailed("lab broke off"), REPLY])
    assert outcome.target.model_id == "model-2"
    assert [(a.model_id, a.provider, a.status, a.error) for a in outcome.attempts] == [
        ("model-0", "lab", 503, "lab answered status 503"),
        ("model-1", "lab", None, "lab broke off"),
        ("model-2", "lab", 200, None),
    ]


def test_a_refusal_ends_the_chain_with_the_provider_s_words() -> None:
    async def main() -> ScriptedProvider:
        provider = ScriptedProvider("lab", [UpstreamFailed("busy", 429), UpstreamRejected("too long", 400), REPLY])
        with pytest.raises(UpstreamRejected, match=r"^too long$") as caught:
            await run_chain(targets_of("lab", "lab", "lab"), CALL, {"lab": provider}, timeout_s=5.0)
        assert isinstance(caught.value, ChainRejected)
        assert caught.value.status == 400
        assert [(a.status, a.error) for a in caught.value.attempts] == [(429, "busy"), (400, "too long")]
        return provider

    assert len(asyncio.run(main()).calls) == 2


def test_when_all_fail_every_attempt_is_listed() -> None:
    with pytest.raises(ChainExhausted) as caught:
        run([UpstreamFailed("busy", 429), UpstreamFailed("gone", 500)])
    assert [attempt.status for attempt in caught.value.attempts] == [429, 500]


def test_an_empty_chain_is_exhausted() -> None:
    with pytest.raises(ChainExhausted, match="none could be tried"):
        run([])


def test_a_provider_that_is_not_there_is_passed_over() -> None:
    async def main() -> Outcome:
        targets = targets_of("elsewhere", "lab")
        return await run_chain(targets, CALL, {"lab": ScriptedProvider("lab", [REPLY])}, timeout_s=5.0)

    outcome = asyncio.run(main())
    assert outcome.target.provider == "lab"
    assert "no provider named elsewhere" in str(outcome.attempts[0].error)


def test_a_provider_out_of_reach_is_asked_once() -> None:
    async def main() -> tuple[Outcome, ScriptedProvider]:
        dead = ScriptedProvider("dead", [ProviderUnreachable("dead cannot be reached")])
        lab = ScriptedProvider("lab", [ProviderUnreachable("refused our key", 401), REPLY])
        targets = [Target(f"m{i}", name, "m") for i, name in enumerate(("dead", "dead", "lab", "dead", "lab"))]
        return await run_chain(targets, CALL, {"dead": dead, "lab": lab}, timeout_s=5.0), dead

    outcome, dead = asyncio.run(main())
    assert len(dead.calls) == 1
    assert [(a.model_id, a.status, a.unreachable) for a in outcome.attempts] == [
        ("m0", None, True),
        ("m2", 401, True),
        ("m4", 200, False),
    ]
    assert outcome.target.model_id == "m4"


def test_silence_times_out_and_moves_on() -> None:
    outcome, provider = run([None, REPLY], timeout_s=0.02)
    assert provider.cancelled
    assert [(a.status, a.error) for a in outcome.attempts] == [(None, "lab did not answer within 0.02 s"), (200, None)]


def test_a_cancelled_caller_cancels_the_call_and_tries_nothing_else() -> None:
    async def main() -> ScriptedProvider:
        provider = ScriptedProvider("lab", [None, REPLY])
        task = asyncio.create_task(run_chain(targets_of("lab", "lab"), CALL, {"lab": provider}, timeout_s=5.0))
        await provider.waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return provider

    provider = asyncio.run(main())
    assert provider.cancelled
    assert len(provider.calls) == 1


def test_a_bug_is_not_swallowed() -> None:
    with pytest.raises(KeyError):
        run([KeyError("a bug"), REPLY])


def test_what_one_protocol_cannot_say_is_said_to_the_next() -> None:
    outcome, _ = run([InvalidInput("n: one answer a call", "n"), REPLY])
    assert outcome.target.model_id == "model-1"
    assert [(a.status, a.error, a.unsent, a.failed) for a in outcome.attempts] == [
        (None, "n: one answer a call", True, False),
        (200, None, False, False),
    ]


def test_what_none_can_say_is_the_caller_s_mistake_in_the_words_of_the_first() -> None:
    with pytest.raises(InvalidInput, match=r"^n: one answer a call$") as caught:
        run([InvalidInput("n: one answer a call", "n"), InvalidInput("messages needs a list", "messages")])
    assert caught.value.param == "n"


def test_where_another_failed_it_is_the_chain_that_failed() -> None:
    with pytest.raises(ChainExhausted, match="one answer a call") as caught:
        run([InvalidInput("n: one answer a call", "n"), UpstreamFailed("busy", 429, 9.0)])
    assert [(a.status, a.unsent) for a in caught.value.attempts] == [(None, True), (429, False)]
    assert caught.value.retry_after_s == 9.0


STEPS = st.sampled_from(["answer", "fail", "reject", "invalid"])


@given(st.lists(STEPS, max_size=8))
def test_attempts_are_the_targets_in_order_up_to_the_first_that_settles_it(steps: list[str]) -> None:
    make: dict[str, Callable[[], Reply | Exception]] = {
        "answer": lambda: REPLY,
        "fail": lambda: UpstreamFailed("busy", 503),
        "reject": lambda: UpstreamRejected("too long", 400),
        "invalid": lambda: InvalidInput("one answer a call", "n"),
    }
    settled = next((i for i, step in enumerate(steps) if step in ("answer", "reject")), None)
    if settled is None and "fail" not in steps and steps:
        with pytest.raises(InvalidInput):
            run([make[step]() for step in steps])
        return
    try:
        outcome, _ = run([make[step]() for step in steps])
        attempts, ending = outcome.attempts, "answer"
    except ChainRejected as error:
        attempts, ending = error.attempts, "reject"
    except ChainExhausted as error:
        attempts, ending = error.attempts, "fail"
    expected = steps if settled is None else steps[: settled + 1]
    assert ending == ("fail" if settled is None else steps[settled])
    assert [attempt.model_id for attempt in attempts] == [f"model-{i}" for i in range(len(expected))]
    assert [attempt.error is None for attempt in attempts] == [step == "answer" for step in expected]


# -- streams ----------------------------------------------------------------------------------------------------

ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n'
WORD = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'


class StreamingProvider:
    """Yields the pieces of each call's script in order; an exception among them is raised, None waits for ever."""

    name = "lab"

    def __init__(self, *scripts: list[bytes | Exception | None]) -> None:
        self._scripts = iter(scripts)
        self.closed = 0

    async def call(self, target: Target, call: Call, timeout_s: float) -> Reply:
        raise AssertionError("a stream was asked for")

    async def stream(self, target: Target, call: Call, timeout_s: float) -> AsyncGenerator[bytes, None]:
        try:
            for step in next(self._scripts):
                if isinstance(step, Exception):
                    raise step
                if step is None:
                    await asyncio.Event().wait()
                else:
                    yield step
        finally:
            self.closed += 1

    async def close(self) -> None: ...


def streamed(provider: StreamingProvider, targets: int = 2, timeout_s: float = 5.0) -> tuple[list[bytes], Streaming]:
    async def main() -> tuple[list[bytes], Streaming]:
        names = targets_of(*["lab"] * targets)
        streaming = await open_chain(names, CALL, {"lab": provider}, timeout_s=timeout_s, clock=Clock())
        async with aclosing(streaming.pieces) as pieces:
            return [piece async for piece in pieces], streaming

    return asyncio.run(main())


def test_a_stream_has_begun_with_its_first_token() -> None:
    pieces, streaming = streamed(StreamingProvider([ROLE, WORD, WORD]))
    assert b"".join(pieces) == ROLE + WORD + WORD
    assert [attempt.error for attempt in streaming.attempts] == [None]


@pytest.mark.parametrize(
    "beginning",
    [
        [],
        [UpstreamFailed("no", 503)],
        [ROLE, UpstreamFailed("no")],
        [ROLE],
        [b": wait\n\n", ROLE, None],
        [ROLE, b'data: {"choices":[{}]}\n\n'],
        [ROLE, b'data: {"choices":[{"index":0,"delta":null}]}\n\n'],
        [b'data: {"choices":[{"index":0,"text":"Hi","finish_reason":null}]}\n\n'],
        [b'data: {"choices":["Hi"]}\n\n', WORD],
        [b'data: {"choices":[{"delta":{"content":""},"error":{"message":"no"}}]}\n\n', WORD],
        [b'data: {"choices":[{"delta":{"content":""},"finish_reason":"error"}]}\n\n', WORD],
    ],
)
def test_before_the_first_token_the_next_target_takes_over(beginning: list[bytes | Exception | None]) -> None:
    provider = StreamingProvider(beginning, [WORD])
    pieces, streaming = streamed(provider, timeout_s=0.2)
    assert pieces == [WORD]
    assert [attempt.failed for attempt in streaming.attempts] == [True, False]
    assert provider.closed == 2


@pytest.mark.parametrize(
    "nonsense",
    [
        b"data: <html>\n\n",
        b"<html>\n\n",
        b"data: [1]\n\n",
        b'data: {"error": {"message": "no"}}\n\n',
        b'event: error\ndata: {"message": "no"}\n\n',
        b"data: [DONE]\n\n",
    ],
)
def test_nonsense_before_the_first_token_is_a_failure_like_any_other(nonsense: bytes) -> None:
    pieces, streaming = streamed(StreamingProvider([ROLE + nonsense], [WORD]))
    assert pieces == [WORD]
    assert [attempt.failed for attempt in streaming.attempts] == [True, False]


def test_a_stream_may_not_greet_for_ever() -> None:
    greeting = [b": wait\n\n" * 200_000] * 20
    pieces, streaming = streamed(StreamingProvider([*greeting, WORD], [WORD]))
    assert pieces == [WORD]
    assert "MB before the first token" in (streaming.attempts[0].error or "")


@pytest.mark.parametrize(
    ("waits_s", "earliest_s"), [((30.0, 9.0), 9.0), ((30.0, None), None), ((None, None), None), ((0.0, 5.0), 0.0)]
)
def test_a_chain_says_when_only_where_each_of_it_did(
    waits_s: tuple[float | None, ...], earliest_s: float | None
) -> None:
    with pytest.raises(ChainExhausted) as caught:
        run([UpstreamFailed("busy", 429, wait_s) for wait_s in waits_s])
    assert caught.value.retry_after_s == earliest_s


def test_after_the_first_token_a_failure_is_raised_to_the_reader() -> None:
    provider = StreamingProvider([WORD, UpstreamFailed("broke off")], [WORD])
    with pytest.raises(UpstreamFailed, match="broke off"):
        streamed(provider)
    assert provider.closed == 1


def test_what_one_protocol_cannot_stream_another_may() -> None:
    pieces, streaming = streamed(StreamingProvider([InvalidInput("one answer a call", "n")], [WORD]))
    assert pieces == [WORD]
    assert [(attempt.unsent, attempt.failed) for attempt in streaming.attempts] == [(True, False), (False, False)]


def test_a_refusal_before_the_stream_ends_the_chain() -> None:
    with pytest.raises(ChainRejected) as caught:
        streamed(StreamingProvider([UpstreamRejected("too long", 400)], [WORD]))
    assert [(attempt.status, attempt.failed) for attempt in caught.value.attempts] == [(400, False)]


def test_leaving_a_stream_closes_it_at_the_provider() -> None:
    provider = StreamingProvider([WORD, WORD, None])

    async def main() -> None:
        streaming = await open_chain(targets_of("lab"), CALL, {"lab": provider}, timeout_s=5.0)
        async with aclosing(streaming.pieces) as pieces:
            assert await anext(pieces) == WORD
        assert provider.closed == 1

    asyncio.run(main())
