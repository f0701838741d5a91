"""The floor of Python: raw ASGI that hands each body to a provider with aiohttp and hands the answer back; a stream
piece by piece, one write a socket read."""

import os
from typing import Any

import aiohttp

_session: list[aiohttp.ClientSession] = []


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    body = (await receive()).get("body", b"")
    url = os.environ["UPSTREAM"]
    async with _session[0].post(url, data=body, headers={"content-type": "application/json"}) as answer:
        if answer.content_type == "text/event-stream":
            await _stream(answer, send)
        else:
            await _whole(answer, send)


async def _whole(answer: aiohttp.ClientResponse, send: Any) -> None:
    content = await answer.read()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _stream(answer: aiohttp.ClientResponse, send: Any) -> None:
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    async for piece in answer.content.iter_any():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            connector = aiohttp.TCPConnector(limit=0)
            _session.append(aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)))
            await send({"type": "lifespan.startup.complete"})
        else:
            await _session.pop().close()
            await send({"type": "lifespan.shutdown.complete"})
            return
