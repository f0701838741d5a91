"""HEAD wherever GET is taken, as HTTP has it: the server leaves out the body by itself."""

from greatrouter_api.front import App, Receive, Scope, Send


class Heads:
    """ASGI middleware: what is behind it sees a GET."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}  # in a copy, for the server reads its own when it writes the answer
        await self.app(scope, receive, send)
