"""The server process: uvicorn on uvloop, one event loop a worker."""

import asyncio
import atexit
import gc
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import AsyncExitStack
from socket import socket
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from greatrouter_api import configured, start_report
from greatrouter_api.app import create_app
from greatrouter_api.front import Front
from greatrouter_api.http_protocol import CUT_S, BoundedProtocol
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
}
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
        config = uvicorn.Config(application(settings), **_options(settings))
        _serve_alone(_Server(config, where, _stopping(settings)), listeners)
        return
    try:
        for listener in listeners:
            listener.listen()  # here, where a port taken in the meantime ends the program, not one worker after another
    except OSError as error:
        raise refusal(error, host, port) from error
    asyncio.run(_prepare(settings))
    config = uvicorn.Config("greatrouter_api.process:worker", factory=True, workers=workers, **_options(settings))
    _Workers(config, listeners, where, _stopping(settings)).run()


def _options(settings: Settings) -> dict[str, Any]:
    return {**OPTIONS, "timeout_graceful_shutdown": settings.patience_s + CUT_S}


def _stopping(settings: Settings) -> str:
    return f"stopping: requests that still run get {settings.patience_s:g} s to end"


class _Server(uvicorn.Server):
    """Says when it serves; raises `CommandFailed` where another program took the port in the meantime."""

    def __init__(self, config: uvicorn.Config, where: str, stopping: str) -> None:
        super().__init__(config)
        self._where = where
        self._stopping = stopping
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cutting = False

    async def startup(self, sockets: list[socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
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

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal comes a tenth of a second before nobody is let in any more, the second cuts what still runs,
        a third waits for nothing."""
        if self._loop is not None and self.should_exit and not self._cutting:
            self._cutting = True
            self._loop.call_soon_threadsafe(self._cut)
            return
        super().handle_exit(sig, frame)
        if isinstance(self.config.app, Front):
            self.config.app.stop()

    def _cut(self) -> None:
        for connection in list(self.server_state.connections):
            if isinstance(connection, BoundedProtocol):
                connection.cut()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        log.info(self._stopping)
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

    def __init__(self, config: uvicorn.Config, listeners: list[socket], where: str, stopping: str) -> None:
        super().__init__(config, listeners)
        self._where = where
        self._stopping = stopping
        self._ready = False

    def run(self) -> None:
        super().run()
        if any(process.exitcode == STARTUP_FAILURE for process in self.processes):
            raise CommandFailed("a worker cannot start; what it said itself stands above")

    def terminate_all(self) -> None:
        log.info(self._stopping)
        super().terminate_all()
        for listener in self.sockets:  # while one is open, callers are let in whom nobody serves
            listener.close()

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
        services = await open_services(settings, stack, shared=True)
        await asyncio.to_thread(start_report.tell, services.accounts, settings, services.catalog.ids)


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
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    return application(load(), shared=True)


def _end_with_parent() -> None:
    """A parent that was killed tells nobody; its workers would go on, and keep the port from the next server."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
