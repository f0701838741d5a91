"""Callers who ask for everything that is charged, and remember what they were told."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

import orjson

from greatrouter_benchmarks.load import Connection, request_bytes
from greatrouter_ranking.profile import MESSAGE_TOKENS
from greatrouter_ranking.tokens import estimate_tokens
from tests.soak.provider import wish

# As in the settings of the deployment, in cents: a million tokens of a prompt, of an answer, of a text to embed.
INPUT, OUTPUT, EMBEDDED = Decimal(100), Decimal(200), Decimal(1000)
MILLION = Decimal(1_000_000)
# What the local model's tokenizer puts around a text.
MARKERS = 2
MOST_TOKENS = 30
RETRY_S = 0.1
KINDS = ("chat", "chat", "stream", "stream", "leave", "route", "embeddings")


@dataclass(slots=True)
class Request:
    """`prompt_tokens` and `tokens` are what its whole answer is charged for. One that `leaves_after` so many bytes of
    its answer is a caller who hangs up. `status` is 0 until a whole answer came, `body` what came of it. Times are
    `time.monotonic` readings."""

    name: str
    payer: str
    kind: str
    prompt_tokens: int
    tokens: int
    raw: bytes
    leaves_after: int | None = None
    status: int = 0
    body: bytes = b""
    retry_after: bytes = b""
    asked_at: float = 0.0
    answered_at: float = 0.0

    def price(self, tokens: int) -> Decimal:
        """Cents for its prompt and so many tokens of an answer."""
        if self.kind == "embeddings":
            return self.prompt_tokens * EMBEDDED / MILLION
        return (self.prompt_tokens * INPUT + tokens * OUTPUT) / MILLION

    @property
    def least(self) -> Decimal:
        """Cents that are charged for its whole answer at least. What a message puts around the prompt is not reserved
        for a routed one, and charged as far as the wallet reaches."""
        whole = self.price(self.tokens)
        if self.kind != "route":
            return whole
        return min(whole, ((self.prompt_tokens - MESSAGE_TOKENS) * INPUT + MOST_TOKENS * OUTPUT) / MILLION)

    @property
    def told(self) -> Decimal | None:
        """The cents that its answer said it charged, as soon as that was said."""
        if self.status not in (0, 200):
            return None
        pieces = self.body.split(b"\n\n")[:-1] if self.kind in ("stream", "leave") else [self.body]
        for piece in pieces:
            if b"charge_dollars" in piece:
                with suppress(json.JSONDecodeError):  # a whole answer that was cut
                    answer: dict[str, Any] = json.loads(piece.removeprefix(b"data: "), parse_float=Decimal)
                    said: Decimal = answer.get("greatrouter", answer)["charge_dollars"]
                    return 100 * said
        return None


@dataclass
class Crowd:
    """`clients` callers at once, each with a connection; `keys` by payer."""

    keys: dict[str, str]
    random: Random
    clients: int
    asked: list[Request] = field(default_factory=list)
    _count: int = 0

    async def ask(self, port: int, ended: asyncio.Event) -> None:
        """Asks on and on; what is under way at the end still gets its answer, or the end of its connection."""
        await asyncio.gather(*(self._client(port, ended) for _ in range(self.clients)))

    async def _client(self, port: int, ended: asyncio.Event) -> None:
        connection = _Caller(port)
        while not ended.is_set():
            await connection.ask(request := self._request())
            self.asked.append(request)
            if not request.status:
                await asyncio.sleep(RETRY_S)
        connection.close()

    def _request(self) -> Request:
        self._count += 1
        kind, payer = self.random.choice(KINDS), self.random.choice(sorted(self.keys))
        name = f"soak-{self._count:07d}"
        tokens, pace_ms = self.random.randint(1, MOST_TOKENS), self.random.choice((0, 2, 10))
        around = " please" * self.random.randint(0, 20)
        # As the router estimates it, so that a stream that breaks off before its provider counted has the same prompt.
        prompt = MESSAGE_TOKENS + estimate_tokens(wish(name, 0, tokens, pace_ms) + around)
        said = wish(name, prompt, tokens, pace_ms) + around
        messages = [{"role": "user", "content": said}]
        chat = {"model": "lab/small", "messages": messages, "max_tokens": MOST_TOKENS}
        path, body = {
            "chat": ("/v1/chat/completions", chat),
            "stream": ("/v1/chat/completions", chat | {"stream": True}),
            "leave": ("/v1/chat/completions", chat | {"stream": True}),
            "route": ("/v1/auto/route", {"prompt": said, "input": {"max_tokens": MOST_TOKENS}, "task": "text"}),
            "embeddings": (
                "/v1/embeddings",
                {"model": "lab/vectors", "input": " ".join(["word"] * (prompt - MARKERS))},
            ),
        }[kind]
        headers = [("Authorization", f"Bearer {self.keys[payer]}"), ("X-Request-Id", name), ("Prefer", "wait=10")]
        raw = request_bytes("POST", path, orjson.dumps(body), headers)
        leaves_after = self.random.randint(0, 150 * tokens) if kind == "leave" else None
        return Request(name, payer, kind, prompt, tokens, raw, leaves_after)


class _Caller(Connection):
    def __init__(self, port: int) -> None:
        super().__init__(port, keep=False)
        self._request: Request | None = None

    async def ask(self, request: Request) -> None:
        self._request = request
        exchange = await self.exchange(request.raw)
        request.status, request.asked_at, request.answered_at = exchange.status, exchange.started, exchange.ended

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._request is not None and name.lower() == b"retry-after":
            self._request.retry_after = value

    def on_body(self, piece: bytes) -> None:
        request = self._request
        assert request is not None
        request.body += piece
        if request.leaves_after is not None and len(request.body) > request.leaves_after:
            self.close()
