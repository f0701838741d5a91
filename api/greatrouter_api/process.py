"""The server process: uvicorn on uvloop, one event loop a worker."""

import asyncio
import atexit
import gc
import logging
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from socket import socket
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from greatrouter_api import configured
from greatrouter_api.app import create_app
from greatrouter_api.front import Front
from greatrouter_api.http_protocol import BoundedProtocol
from greatrouter_api.listener import bind, refusal, url
from greatrouter_api.log_lines import Discreet
from greatrouter_api.services import open_services
from greatrouter_api.settings import Settings, load
from greatrouter_api.terminal import CommandFailed

log = logging.getLogger("greatrouter")

OPTIONS: Mapping[str, Any] = {
    "http": BoundedProtocol,
    "access_log": False,
    "log_level": "warning",
    "log_config": None,  # to our own handler, which says nothing of what exceptions quote
    "server_header": False,
    "proxy_headers": False,
    "ws": "none",
    "date_header": True,
    "timeout_graceful_shutdown": 20,
}
STOPPING = "stopping: requests that still run get 20 s to end"
# Objects made at start live for ever: freezing them keeps the collector from walking a hundred thousand of them again
# and again (+17% requests a second, p99 24 -> 17 ms in a prototype).
COLLECT_AFTER = 50_000
# Threads (the ledger's, the encoder's) may hold the interpreter for this long while the event loop wants it back; the
# default of 5 ms was the router's p99 latency beside a busy ledger.
SWITCH_INTERVAL_S = 0.005


def run(settings: Settings, host: str, port: int, workers: int) -> None:
    """Serves until it is told to stop. Raises `CommandFailed` where it cannot."""
    _log_to_stderr()
    listeners = bind(host, port)
    where = url(listeners, host)
    sys.stderr.write(f"greatrouter: starting on {where}{f' with {workers} workers' if workers > 1 else ''}\n")
    for doubt in configured.doubts(settings):
        log.warning(doubt)
    if workers == 1:
        _serve_alone(_Server(uvicorn.Config(application(settings), **OPTIONS), where), listeners)
        return
    try:
        for listener in listeners:
            listener.listen()  # here, where a port taken in the meantime ends the program, not one worker after another
    except OSError as error:
        raise refusal(error, host, port) from error
    asyncio.run(_prepare(settings))
    config = uvicorn.Config("greatrouter_api.process:worker", factory=True, workers=workers, **OPTIONS)
    _Workers(config, listeners, where).run()


class _Server(uvicorn.Server):
    """Says when it serves; raises `CommandFailed` where another program took the port in the meantime."""

    def __init__(self, config: uvicorn.Config, where: str) -> None:
        super().__init__(config)
        self._where = where

    async def startup(self, sockets: list[socket] | None = None) -> None:
        try:
            await super().startup(sockets)
            for listener in sockets or []:
                listener.listen(self.config.backlog)  # again, as uvloop says nothing where it could not
        except OSError as error:
            for server in self.servers:
                server.close()
            await self.lifespan.shutdown()
            raise CommandFailed(
                f"cannot listen on {self._where}; another program has taken the port while this one started"
            ) from error
        if not self.should_exit:
            log.info("ready on %s", self._where)

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        log.info(STOPPING)
        await super().shutdown(sockets)


def _serve_alone(server: _Server, listeners: list[socket]) -> None:
    try:
        server.run(listeners)
    except KeyboardInterrupt:
        return  # raised again by uvicorn once everything is closed
    except SystemExit:
        sys.exit(1)  # the server has said why it cannot start


class _Workers(Multiprocess):
    """Says when all of them serve."""

    def __init__(self, config: uvicorn.Config, listeners: list[socket], where: str) -> None:
        super().__init__(config, listeners)
        self._where = where
        self._ready = False

    def run(self) -> None:
        super().run()
        if any(process.exitcode == STARTUP_FAILURE for process in self.processes):
            raise CommandFailed("a worker cannot start; what it said itself stands above")

    def terminate_all(self) -> None:
        log.info(STOPPING)
        super().terminate_all()

    def keep_subprocess_alive(self) -> None:
        super().keep_subprocess_alive()
        if not self._ready and not self.should_exit.is_set() and all(each.is_ready() for each in self.processes):
            self._ready = True
            log.info("ready on %s", self._where)


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Discreet())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


async def _prepare(settings: Settings) -> None:
    """What is made once at the first start is made here, not by every worker at the same time."""
    async with AsyncExitStack() as stack:
        await open_services(settings, stack)


def application(settings: Settings, *, shared: bool = False) -> Front:
    return create_app(settings, on_ready=_tune, shared=shared)


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
    return application(load(), shared=True)
