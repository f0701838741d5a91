"""Films are jobs: started, polled, fetched. The shape is that of OpenAI's Sora API, which compatible servers follow."""

import asyncio
from typing import Any
from urllib.parse import quote

from yarl import URL

from greatrouter_serving.errors import UpstreamFailed
from greatrouter_serving.providers.envelope import film_document
from greatrouter_serving.providers.faults import lost_connection
from greatrouter_serving.providers.payload import VIDEO
from greatrouter_serving.providers.transport import Transport

_READY = frozenset({"completed", "succeeded"})
_FAILED = frozenset({"failed", "cancelled", "canceled", "expired"})
# What a finished job may hold its film in; without any of them it is fetched.
_FILM_KEYS = ("data", "url", "output")
_POLL_FAILURES_BORNE = 3


async def make_video(
    transport: Transport, url: URL, request: bytes, timeout_s: float, poll_interval_s: float
) -> tuple[bytes, dict[str, Any]]:
    """The finished job as JSON, with the film in it, and the job parsed.

    A caller could not fetch the film: its address wants our key. A job cannot be called off either, so a caller who
    leaves ends only the polling.
    """
    try:
        async with asyncio.timeout(timeout_s):
            body, _ = await transport.send("POST", url, timeout_s, request)
            document = transport.parse(body, VIDEO.answer_keys)
            job_url = URL(f"{url}/{quote(str(document['id']), safe='')}", encoded=True)
            while not _is_ready(transport.name, document):
                await asyncio.sleep(poll_interval_s)
                body = await _look_at(transport, job_url, timeout_s, poll_interval_s)
                document = transport.parse(body, VIDEO.answer_keys)
            if not any(document.get(key) for key in _FILM_KEYS):
                body = await _with_film(transport, job_url, body, document, timeout_s)
            return body, document
    except TimeoutError as error:
        raise lost_connection(transport.name, error, timeout_s) from error


def _is_ready(name: str, document: dict[str, Any]) -> bool:
    status = document.get("status")
    if status in _FAILED:
        raise UpstreamFailed(f"{name}'s video job ended as {status}")
    # A server that makes films while one waits sends no status, but the film.
    return status in _READY or (status is None and any(document.get(key) for key in _FILM_KEYS))


async def _look_at(transport: Transport, job_url: URL, timeout_s: float, poll_interval_s: float) -> bytes:
    """The job as it stands. It is paid for and goes on, so one failed look is no reason to start another elsewhere."""
    failures = 0
    while True:
        try:
            body, _ = await transport.send("GET", job_url, timeout_s)
            return body
        except UpstreamFailed:
            failures += 1
            if failures == _POLL_FAILURES_BORNE:
                raise
        await asyncio.sleep(poll_interval_s)


async def _with_film(
    transport: Transport, job_url: URL, body: bytes, document: dict[str, Any], timeout_s: float
) -> bytes:
    """The job with its film; as it was where the server has no such address."""
    try:
        film, response = await transport.send("GET", job_url / "content", timeout_s)
    except UpstreamFailed as error:
        if error.status is None:
            raise
        return body
    return film_document(document, film, response.content_type) if film else body
