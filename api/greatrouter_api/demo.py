"""`make run`: a server of one's own, real requests through the Python SDK, and a table of what was decided."""

import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from greatrouter import GreatRouter, GreatRouterError
from greatrouter.types import Optimization
from greatrouter_api import tables
from greatrouter_api.home import open_accounts
from greatrouter_api.settings import Settings
from greatrouter_api.terminal import CommandFailed
from greatrouter_catalog import facts, snapshot

ORGANIZATION = "demo"
START_TIMEOUT_S = 60.0

PROMPTS: Sequence[tuple[str, Optimization]] = (
    ('Translate "where does the night train leave?" into Japanese', "balanced"),
    ("Write a Python function that merges two sorted linked lists, with tests", "balanced"),
    (
        "Prove that the square root of 2 is irrational, then analyze and compare two other proofs step by step",
        "output-optimized",
    ),
    ("Draw a watercolor fox reading a newspaper in the rain", "price-optimized"),
    ("a lighthouse keeper mending nets at dusk, oil on canvas", "balanced"),
    ("生成一段无人机飞越雪山的视频", "balanced"),
    ("Compose a lo-fi hip hop track with a mellow piano", "balanced"),
    ("Read this aloud in a calm, warm voice: the train to Lisbon leaves at nine", "price-optimized"),
    ("What are the latest headlines about the James Webb telescope this week?", "balanced"),
    ("ffmpeg command to cut the first ten seconds off a video", "price-optimized"),
)
QUERY = "How do I get my money back for a late train?"
PASSAGES = (
    "Our dining car serves warm meals between Vienna and Zurich until ten in the evening.",
    "If you arrive more than sixty minutes late, you may claim a refund of a quarter of the fare online.",
    "Bicycles travel free of charge on regional trains outside the rush hour.",
    "Seat reservations can be changed up to five minutes before departure.",
)


def run(settings: Settings, port: int, *, once: bool) -> None:
    """Prints the tables, then keeps serving until Ctrl-C unless `once`."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)  # the server is stopped with the demo, however the demo is told to stop
    say = tables.console().print
    say("[bold]GreatRouter[/]: preparing")
    with _step("catalog of priced models"):
        folder = settings.home / "catalog"
        if snapshot.current(folder) is None:
            snapshot.write(facts.load(settings.data_folder / "catalog"), folder)
    with _step("test key"):
        accounts = open_accounts(settings)
        key = accounts.create_key(ORGANIZATION, test=True)
        accounts.close()
    port = port if _free(port) else _free_port()
    with _server(settings, port, key) as (client, process):
        _decisions(client)
        _rerank(client)
        if not once:
            _say_what_to_try(port, key)
            with contextlib.suppress(KeyboardInterrupt):
                process.wait()


@contextlib.contextmanager
def _server(settings: Settings, port: int, key: str) -> Iterator[tuple[GreatRouter, "subprocess.Popen[bytes]"]]:
    """A server in a process of its own, ready; ended with the block."""
    command = [sys.executable, "-m", "greatrouter_api", "serve", "--port", str(port)]
    with _step("server, with all-MiniLM-L6-v2 for embeddings, rerank and reading prompts"):
        with (settings.home / "demo.log").open("w", encoding="utf-8") as output:
            process = subprocess.Popen(command, stderr=output)  # noqa: S603 - our own program
        client = GreatRouter(key, base_url=f"http://127.0.0.1:{port}/v1")
        try:
            _wait_until_ready(process, client, settings.home / "demo.log")
        except BaseException:
            process.kill()
            raise
    try:
        yield client, process
    finally:
        client.close()
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()


def _wait_until_ready(process: "subprocess.Popen[bytes]", client: GreatRouter, output: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise CommandFailed(f"the server stopped while starting: {output.read_text(encoding='utf-8').strip()}")
        try:
            client.auto_suggest(prompt="hello", limit=1)
        except GreatRouterError:
            time.sleep(0.1)
        else:
            return
    raise CommandFailed(f"the server was not ready after {START_TIMEOUT_S:.0f} s; `greatrouter serve` shows why")


def _decisions(client: GreatRouter) -> None:
    answers = []
    with _step(f"{len(PROMPTS)} requests through the Python SDK"):
        for prompt, optimization in PROMPTS:
            answers.append((prompt, client.auto_route(prompt=prompt, input={}, optimization=optimization).to_dict()))
    say = tables.console().print
    say("\nWhat was asked, which model was chosen and why (saved: against the dearest candidate).")
    say("Under the demo's test key, models of outside providers answer from a labelled sandbox.\n")
    tables.decision_table(answers)


def _rerank(client: GreatRouter) -> None:
    answer = client.rerank(model="router", query=QUERY, documents=list(PASSAGES))
    rows: list[tuple[Any, ...]] = [
        (place, f"{hit.relevance_score:.3f}", PASSAGES[hit.index]) for place, hit in enumerate(answer.results, start=1)
    ]
    tables.table(f"rerank by {answer.model}, on this machine: {QUERY}", ("#", "score", "passage"), rows)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _say_what_to_try(port: int, key: str) -> None:
    say = tables.console().print
    say(f"Serving on [bold]http://127.0.0.1:{port}[/] with the test key\n\n  {key}\n")
    say(
        "Under a test key models of outside providers answer from a labelled sandbox; rerank and embeddings are real.\n"
    )
    body = '{"prompt": "Draw a fox", "input": {}}'
    sys.stdout.write(
        f"  curl -s http://127.0.0.1:{port}/v1/auto/route -H 'Authorization: Bearer {key}' \\\n"
        f"       -H 'Content-Type: application/json' -d '{body}'\n\n"
        f'  .venv/bin/greatrouter suggest "Summarize the plot of Hamlet" --optimization price-optimized\n\n'
    )
    say("Ctrl-C stops it. To use real models, configure a provider: see README, “Your own providers”.")


@contextlib.contextmanager
def _step(what: str) -> Iterator[None]:
    """Says what is being done and how long it took."""
    sys.stdout.write(f"  {what} ... ")
    sys.stdout.flush()
    started = time.perf_counter()
    try:
        yield
    except BaseException:
        sys.stdout.write("failed\n")
        raise
    sys.stdout.write(f"{time.perf_counter() - started:.1f} s\n")
    sys.stdout.flush()


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return port != 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found
