"""The server process: uvicorn on uvloop, one event loop a worker."""

import gc
import logging
import sys

import uvicorn

from greatrouter_api.app import create_app
from greatrouter_api.front import Front
from greatrouter_api.settings import Settings, load

# Objects made at start live for ever: freezing them keeps the collector from walking a hundred thousand of them again
# and again (+17% requests a second, p99 24 -> 17 ms in a prototype).
COLLECT_AFTER = 50_000
# Threads (the ledger's, the encoder's) may hold the interpreter for this long while the event loop wants it back; the
# default of 5 ms was the router's p99 latency beside a busy ledger.
SWITCH_INTERVAL_S = 0.0005


def run(settings: Settings, host: str, port: int, workers: int) -> None:
    """Serves until it is told to stop."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    options = {
        "host": host,
        "port": port,
        "access_log": False,
        "log_level": "warning",
        "server_header": False,
        "date_header": True,
        "timeout_graceful_shutdown": 20,
    }
    if workers == 1:
        sys.stderr.write(f"greatrouter: serving on http://{host}:{port}\n")
        uvicorn.run(application(settings), **options)  # type: ignore[arg-type]
        return
    sys.stderr.write(f"greatrouter: serving on http://{host}:{port} with {workers} workers\n")
    uvicorn.run("greatrouter_api.process:worker", factory=True, workers=workers, **options)  # type: ignore[arg-type]


def application(settings: Settings) -> Front:
    app = create_app(settings)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 100)
    return app


def worker() -> Front:
    """One of several processes: settings come from the same file and environment."""
    return application(load())
