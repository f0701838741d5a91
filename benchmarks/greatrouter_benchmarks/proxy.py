"""The floor of Python: raw ASGI that hands each body to a provider with aiohttp and hands the answer back."""

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
        content = await answer.read()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            _session.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
            await send({"type": "lifespan.startup.complete"})
        else:
            await _session.pop().close()
            await send({"type": "lifespan.shutdown.complete"})
            return
