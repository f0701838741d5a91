"""The router's own time, beside the bare provider and a bare proxy, in one run."""

import argparse
import contextlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

import orjson

from greatrouter_api.terminal import CommandFailed
from greatrouter_benchmarks import servers
from greatrouter_benchmarks.comparison import Target, compare_requests, machine, say
from greatrouter_benchmarks.load import request_bytes

CHAT = {"model": "small", "messages": [{"role": "user", "content": "Write a haiku about routing"}]}
BY_RULE = "Write a Python function that reverses a linked list"
BY_NEIGHBOURS = "the sea at dusk, gulls and an old lighthouse keeper mending nets"
# A prompt that the encoder must read takes twenty times as long.
READ_SHARE = 0.05


def command() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=4000, help="for each measurement")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--rounds", type=int, default=3, help="the median of so many runs is printed")
    arguments = parser.parse_args()
    say(machine())
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        try:
            targets = _start(Path(folder), stack)
        except servers.NotStarted as error:
            raise CommandFailed(str(error)) from error
        for connections in arguments.connections:
            compare_requests(targets, connections, arguments.requests, arguments.rounds)


def _start(home: Path, stack: contextlib.ExitStack) -> Sequence[Target]:
    provider = stack.enter_context(servers.provider())
    proxy = stack.enter_context(servers.proxy(provider))
    router = stack.enter_context(servers.router(home, provider))
    chat = request_bytes("POST", "/v1/chat/completions", orjson.dumps(CHAT))

    def ask(path: str, prompt: str) -> bytes:
        body = orjson.dumps({"prompt": prompt, "input": {}})
        return request_bytes("POST", path, body, [("Authorization", f"Bearer {router.key}")])

    suggest, route = "/v1/auto/suggest", "/v1/auto/route"
    return (
        Target("bare provider (raw ASGI)", provider, chat),
        Target("bare proxy (raw ASGI + aiohttp)", proxy, chat),
        Target(f"{suggest}, decided by a rule", router.server, ask(suggest, BY_RULE)),
        Target(f"{suggest}, decided by neighbours", router.server, ask(suggest, BY_NEIGHBOURS), READ_SHARE),
        Target(f"{route} by a rule, charged, logged", router.server, ask(route, BY_RULE)),
    )
