"""The life of a prediction: started, watched until it ends, called off where nobody waits for it any more."""

import asyncio
import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from greatrouter_serving.errors import UpstreamFailed, UpstreamRejected
from greatrouter_serving.providers.faults import lost_connection, malformed
from greatrouter_serving.providers.transport import MAX_CHAT_BYTES, Transport

ENDED = frozenset({"succeeded", "failed", "canceled", "aborted"})
_POLL_GROWTH, _MAX_POLL_INTERVAL_S = 1.5, 5.0
_POLL_FAILURES_BORNE = 3
_POLL_TIMEOUT_S = 30.0
# Replicate's least deadline. It holds where this process dies before it can call a prediction off.
_MIN_DEADLINE_S = 5
# How long a caller who leaves waits for the calling off, which goes on without them.
_BRIEF_S = 1.0


class Predictions:
    """The predictions of one account at one host."""

    def __init__(
        self,
        name: str,
        base: URL,
        session: aiohttp.ClientSession,
        headers: Mapping[str, str],
        secret: str | None,
        poll_interval_s: float,
        grace_s: float,
    ) -> None:
        self._name = name
        self._base = base
        self._session = session
        self._headers = headers
        self._secret = secret
        self._transport = Transport(name, session, headers, secret)
        self._poll_interval_s = poll_interval_s
        self._grace_s = grace_s
        self._leaving: set[asyncio.Task[None]] = set()

    async def run(self, url: URL, body: bytes, timeout_s: float, wait_s: int) -> dict[str, Any]:
        """The ended prediction, whichever way it ended. The first request is held for up to `wait_s` seconds.

        Whatever else ends the wait - time, the caller, polls that fail - calls the prediction off.
        """
        starting = asyncio.create_task(self._start(url, body, timeout_s, wait_s))
        prediction: dict[str, Any] | None = None
        try:
            async with asyncio.timeout(timeout_s):
                # Shielded: without the answer there would be no id to call it off by.
                prediction = await asyncio.shield(starting)
                prediction = await self._end_of(prediction)
        except TimeoutError as error:
            raise lost_connection(self._name, error, timeout_s) from error
        finally:
            refused = starting.done() and not starting.cancelled() and starting.exception() is not None
            if not refused and (prediction is None or prediction["status"] not in ENDED):
                await self._leave(starting)
        return prediction

    async def close(self) -> None:
        if self._leaving:
            await asyncio.wait(self._leaving)

    async def _start(self, url: URL, body: bytes, timeout_s: float, wait_s: int) -> dict[str, Any]:
        headers = {**self._headers, "Cancel-After": f"{max(_MIN_DEADLINE_S, math.ceil(timeout_s))}s"}
        if wait_s:
            headers["Prefer"] = f"wait={wait_s}"
        transport = Transport(self._name, self._session, headers, self._secret)
        answer, _ = await transport.send("POST", url, timeout_s, body, MAX_CHAT_BYTES)
        return self._parsed(answer)

    async def _end_of(self, prediction: dict[str, Any]) -> dict[str, Any]:
        url = self._address(prediction, "get")
        interval_s = self._poll_interval_s
        failures = 0
        while prediction["status"] not in ENDED:
            await asyncio.sleep(interval_s)
            interval_s = min(interval_s * _POLL_GROWTH, max(_MAX_POLL_INTERVAL_S, self._poll_interval_s))
            try:
                answer, _ = await self._transport.send("GET", url, _POLL_TIMEOUT_S, limit_bytes=MAX_CHAT_BYTES)
                prediction = self._parsed(answer)
                failures = 0
            except (UpstreamFailed, UpstreamRejected) as error:
                # It is paid for and goes on, so one failed look is no reason to start another elsewhere.
                failures += 1
                if failures == _POLL_FAILURES_BORNE:
                    raise UpstreamFailed(f"{self._name} lost sight of its prediction: {error}", error.status) from error
                if isinstance(error, UpstreamFailed) and error.retry_after_s is not None:
                    interval_s = max(interval_s, error.retry_after_s)
        return prediction

    async def _leave(self, starting: asyncio.Task[dict[str, Any]]) -> None:
        task = asyncio.create_task(self._call_off(starting))
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)
        # Unlike awaiting it, this does not cancel it where the caller is cancelled again.
        await asyncio.wait({task}, timeout=_BRIEF_S)

    async def _call_off(self, starting: asyncio.Task[dict[str, Any]]) -> None:
        try:
            async with asyncio.timeout(self._grace_s):
                prediction = await starting
                if prediction["status"] not in ENDED:
                    await self._transport.send("POST", self._address(prediction, "cancel"), self._grace_s)
        except (UpstreamFailed, UpstreamRejected, TimeoutError):
            # Nothing to call off, or nobody to tell: its deadline ends it.
            return

    def _address(self, prediction: Mapping[str, Any], action: str) -> URL:
        """Where to look, or to cancel: the prediction's own word for it, but at our host alone.

        Another host would be sent our key; there, and where it says nothing, the documented path is taken.
        """
        urls = prediction.get("urls")
        given = urls.get(action) if isinstance(urls, dict) else None
        if isinstance(given, str):
            try:
                url = URL(given)
                if url.absolute and url.user is None and url.origin() == self._base.origin():
                    return url
            except ValueError:
                # Not an address at all.
                pass
        place = f"{self._base}/predictions/{quote(prediction['id'], safe='')}"
        return URL(place + ("/cancel" if action == "cancel" else ""), encoded=True)

    def _parsed(self, body: bytes) -> dict[str, Any]:
        """A prediction, which may have failed: unlike elsewhere its `error` is read by whoever asked for it."""
        try:
            document = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise malformed(self._name, "not JSON" if body else "an empty body") from error
        if isinstance(document, dict) and all(map(_is_text, (document.get("id"), document.get("status")))):
            return document
        # An answer that holds an error and no prediction says so here.
        self._transport.parse(body)
        raise malformed(self._name, "JSON without the id and status of a prediction")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)
