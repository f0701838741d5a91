"""Finds and runs the project's own benchmarks."""

import importlib
import sys
from collections.abc import Sequence

from greatrouter_api.terminal import CommandFailed

NAMES = ("classifier", "gateway", "ledger", "rerank", "route")


def run(name: str, arguments: Sequence[str]) -> None:
    """Runs `greatrouter_benchmarks.NAME` with the rest of the command line."""
    if name not in NAMES:
        raise CommandFailed(f"no benchmark is called {name!r}; there are {', '.join(NAMES)}")
    # By name rather than by an import: benchmarks use the server, the server never needs a benchmark.
    module = importlib.import_module(f"greatrouter_benchmarks.{name}")
    sys.argv = [f"greatrouter bench {name}", *arguments]
    try:
        module.command()
    except FileNotFoundError as error:
        raise CommandFailed(
            f"{error.filename} is not there; `greatrouter bench {name} --help` says what is needed"
        ) from error
