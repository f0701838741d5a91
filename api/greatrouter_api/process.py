"""The server process: uvicorn on uvloop, one event loop a worker."""

import asyncio
import atexit
import gc
import logging
import sys
from contextlib import AsyncExitStack

import uvicorn

from greatrouter_api.app import create_app
from greatrouter_api.front import Front
from greatrouter_api.http_protocol import BoundedProtocol
from greatrouter_api.services import open_services
from greatrouter_api.settings import Settings, load

# Objects made at start live for ever: freezing them keeps the collector from walking a hundred thousand of them again
# and again (+17% requests a second, p99 24 -> 17 ms in a prototype).
COLLECT_AFTER = 50_000
# Threads (the ledger's, the encoder's) may hold the interpreter for this long while the event loop wants it back; the
# default of 5 ms was the router's p99 latency beside a busy ledger.
SWITCH_INTERVAL_S = 0.005


def run(settings: Settings, host: str, port: int, workers: int) -> None:
    """Serves until it is told to stop."""
    _log_to_stderr()
    options = {
        "host": host,
        "http": BoundedProtocol,
        "port": port,
        "access_log": False,
        "log_level": "warning",
        "server_header": False,
        "proxy_headers": False,
        "ws": "none",
        "date_header": True,
        "timeout_graceful_shutdown": 20,
    }
    sys.stderr.write(
        f"greatrouter: starting on http://{host}:{port}{f' with {workers} workers' if workers > 1 else ''}\n"
    )
    if workers == 1:
        uvicorn.run(application(settings), **options)  # type: ignore[arg-type]
        return
    asyncio.run(_prepare(settings))
    uvicorn.run("greatrouter_api.process:worker", factory=True, workers=workers, **options)  # type: ignore[arg-type]


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")


async def _prepare(settings: Settings) -> None:
    """What is made once at the first start is made here, not by every worker at the same time."""
    async with AsyncExitStack() as stack:
        await open_services(settings, stack)


def application(settings: Settings) -> Front:
    return create_app(settings, on_ready=_tune)


def _tune() -> None:
    """Once everything that lives as long as the process is there."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # frozen objects are never freed, and the extension modules complain of that at exit
    gc.set_threshold(COLLECT_AFTER, 20, 100)


def worker() -> Front:
    """One of several processes: settings come from the same file and environment."""
    _log_to_stderr()
    return application(load())
