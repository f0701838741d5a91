"""Organizations that must not see each other, everything that they can ask, and what of an answer is not theirs.

What belongs to an organization carries its marker, or a number that no other has: so one look at an answer tells.
"""

import asyncio
import base64
import binascii
import hmac
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import orjson

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.keys import shown
from greatrouter_accounts.preferences import KEYS, Preferences
from greatrouter_api.settings import ModelSettings, ProviderSettings
from tests.api.conftest import DONE, FAKE, Events, Provider, Running, chunk, listening, running

WEBHOOK_SECRET = "polar_whs_tenancy_1234567890"
# Nothing of an organization: what any of them may ask, word for word.
SHARED_PROMPTS = ("What is the capital of France?", "make it bluer", "Write a haiku about rain")
LESSON = "Arrange the marimba ledger for noon"
TAUGHT = ("music", "video", "speech", "image")
SAID = "said by the provider to"

MARKER = re.compile(r"zq(\d{4})qz", re.IGNORECASE)
NUMBER = re.compile(r"(?<![\w.])(\d{6,7})(?!\w)")
IDS = re.compile(r"(?<![a-z])(?:org|key|req|fb|res|txn|run)_[0-9a-f]{32}")
PREFIX = re.compile(r"pk_(?:live|test)_[a-z0-9]{9}(?![a-z0-9])|gr-[0-9a-f]{9}")
WHOLE_KEY = re.compile(r"pk_(?:live|test)_[A-Za-z0-9]{9}_[0-9a-f]{32}|gr-[0-9a-f]{40}")
BASE64 = re.compile(r"[A-Za-z0-9+/]{24,}={0,2}|[A-Za-z0-9_-]{24,}={0,2}")

# So cheap that a wallet keeps its whole dollars, by which it is known, whatever is asked.
RATE = Decimal("0.0001")
MODELS = (
    ModelSettings(id="lab/small", input_per_million_tokens=RATE, output_per_million_tokens=RATE, context_window=32_000),
    ModelSettings(id="lab/large", input_per_million_tokens=RATE, output_per_million_tokens=RATE, context_window=99_000),
    ModelSettings(id="lab/draw", task="image", price_per_image=Decimal("0.0001")),
    ModelSettings(id="lab/embed", task="embeddings", input_per_million_tokens=RATE),
    ModelSettings(id="lab/rank", task="rerank", price_per_document=Decimal("0.000001")),
)


@dataclass
class Organization:
    number: int
    id: str
    live: str
    test: str
    reader: str
    keys: dict[str, str]
    preferences: dict[str, Any]
    repeated: set[str] = field(default_factory=set)

    @property
    def marker(self) -> str:
        return marker(self.number)

    @property
    def taught(self) -> str:
        return TAUGHT[self.number % len(TAUGHT)]

    @property
    def numbers(self) -> set[int]:
        return {tokens(self.number), dollars(self.number), requests_a_minute(self.number)}


def marker(number: int) -> str:
    return f"zq{number:04d}qz"


def tokens(number: int) -> int:
    """What the provider counts for this organization."""
    return 703_001 + 7 * number


def dollars(number: int) -> int:
    """What its wallet begins with."""
    return 500_009 + 11 * number


def requests_a_minute(number: int) -> int:
    """Far enough from each other that what is left of one is never another."""
    return 5_000_003 + 997 * number


def default(key: str) -> Any:
    """Of a preference, as JSON has it."""
    found = getattr(Preferences(), key)
    return list(found) if isinstance(found, tuple) else found


@dataclass(frozen=True)
class Ask:
    """`words` is the prompt, where there is one."""

    method: str
    url: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    words: str = ""


class Echo(Provider):
    """Says to whom it speaks, quotes what it was told, and fails when `fault` says so."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = self.reply
        self.speaks_to: Organization | None = None
        self.fault = ""
        self.told: list[str] = []
        self.count = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.told.append(str(scope["headers"]))
        await super().__call__(scope, receive, send)

    def reply(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        assert self.speaks_to is not None
        self.count += 1
        number = self.speaks_to.number
        quoted = orjson.dumps(body).decode()
        self.told.append(quoted)
        words = f"{SAID} {marker(number)}, {self.count}: {quoted}"
        faults = {
            "refusal": (400, {"error": {"message": words, "code": "refused", "type": "invalid_request_error"}}),
            "failure": (500, {"error": {"message": words}}),
            "garbage": (200, words.encode()),
        }
        return faults.get(self.fault) or (200, self._result(path, body, words))

    def _result(self, path: str, body: dict[str, Any], words: str) -> Any:
        assert self.speaks_to is not None
        number = self.speaks_to.number
        usage = {"prompt_tokens": tokens(number), "completion_tokens": 1, "total_tokens": tokens(number) + 1}
        name = f"id-{marker(number)}-{self.count}"
        if path.endswith("/images/generations"):
            return {"created": 1, "data": [{"url": f"https://pictures.example/{name}.png"}]}
        if path.endswith("/embeddings"):
            texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
            data = [{"object": "embedding", "index": i, "embedding": [0.5, 0.25]} for i in range(len(texts))]
            return {"object": "list", "data": data, "model": "embed", "usage": usage}
        if path.endswith("/rerank"):
            count = len(body["documents"])
            return {"id": name, "results": [{"index": i, "relevance_score": 0.5} for i in range(count)]}
        head: dict[str, Any] = {"id": name, "created": 1, "model": "small"}
        if body.get("stream"):
            return Events((chunk(words, **head), chunk(choices=[], usage=usage, **head), DONE))
        choices = [{"index": 0, "message": {"role": "assistant", "content": words}, "finish_reason": "stop"}]
        return {**head, "object": "chat.completion", "choices": choices, "usage": usage}


class House:
    """One server, whatever organizations come."""

    def __init__(self, server: Running, provider: Echo) -> None:
        self.server = server
        self.accounts: Accounts = server.accounts
        self.provider = provider
        self.organizations: list[Organization] = []
        self.owners: dict[str, int] = {}
        self.numbers: dict[int, int] = {}

    def found(self) -> Organization:
        """A new organization, with a name, keys, money and preferences of its own."""
        number = len(self.organizations) + 1
        name = f"Organization {marker(number)}"
        limits = {"requests_per_minute": requests_a_minute(number)}
        live = self.accounts.create_key(name, limits=limits)
        test = self.accounts.create_key(name, test=True)
        reader = self.accounts.create_key(name, scopes=["read"])
        self.accounts.office.credit(name, Decimal(dollars(number) * 100 + 50))
        organization_id = asyncio.run(self.accounts.authenticate(live)).organization_id
        # A model that the catalog has lost since: the name is this organization's secret.
        self.accounts.set_preference(organization_id, "excluded_models", [f"gone/{marker(number)}"])
        preferences = {key: default(key) for key in KEYS}
        preferences |= {"excluded_models": [f"gone/{marker(number)}"], "tenant_id": organization_id}
        keys = {"live": live, "test": test, "reader": reader}
        made = Organization(number, organization_id, live, test, reader, keys, preferences)
        self.organizations.append(made)
        self.numbers |= dict.fromkeys(made.numbers, number)
        self.owners[organization_id] = number
        for row in self.accounts.list_keys():
            if row.organization == name:
                self.owners[row.id] = number
        return made

    def ask(self, who: Organization, kind: str, ask: Ask, fault: str = "") -> httpx2.Response:
        """Sends it under the organization's key of that kind, and looks at the answer."""
        self.provider.speaks_to, self.provider.fault = who, fault
        self.provider.told.clear()
        key = who.keys[kind]
        body = ask.body if isinstance(ask.body, bytes | None) else orjson.dumps(ask.body)
        headers = {"X-API-Key": key, "User-Agent": f"client of {who.marker}", "X-Mark": who.marker, **ask.headers}
        answer = self.server.client.request(ask.method, ask.url, content=body, headers=headers)
        self._note(who, answer)
        where = f"{ask} by {who.number} ({kind}): {answer.status_code} {answer.text[:2000]}"
        assert self.strange(who, answer, shown(key)) == [], where
        assert answer.status_code != 500, where
        self._check_provider(who, kind, where)
        self._check_repetition(who, ask, answer, where)
        self._check_meaning(who, kind, ask, answer, where)
        return answer

    def strange(self, who: Organization, answer: httpx2.Response, prefix: str) -> list[str]:
        """What of an answer is another's, or nobody's to see; `prefix` is what may be shown of the asking key."""
        heads = "\n".join(f"{name}: {value}" for name, value in answer.headers.multi_items())
        found = []
        for text in (heads, answer.text, *_hidden(answer.text)):
            found += [match[0] for match in MARKER.finditer(text) if int(match[1]) != who.number]
            numbers = (int(match[1]) for match in NUMBER.finditer(text))
            found += [str(n) for n in numbers if self.numbers.get(n, who.number) != who.number]
            found += [i for i in IDS.findall(text) if self.owners.get(i, who.number) != who.number]
            found += [known for known in PREFIX.findall(text) if known != prefix]
            found += WHOLE_KEY.findall(text)
            found += [secret for secret in (WEBHOOK_SECRET,) if secret in text]
        return found

    def _note(self, who: Organization, answer: httpx2.Response) -> None:
        """New ids of the server belong to whoever got them first."""
        for name in IDS.findall(answer.headers.get("x-request-id", "")) + re.findall(r"fb_[0-9a-f]{32}", answer.text):
            self.owners.setdefault(name, who.number)

    def _check_provider(self, who: Organization, kind: str, where: str) -> None:
        for text in self.provider.told:
            assert {int(found[1]) for found in MARKER.finditer(text)} <= {who.number}, where
            assert not PREFIX.search(text), where
        assert not self.provider.told or kind == "live", where

    def _check_repetition(self, who: Organization, ask: Ask, answer: httpx2.Response, where: str) -> None:
        repeated = ask.headers.get("Idempotency-Key")
        if repeated and repeated not in who.repeated:
            assert answer.status_code not in (409, 422), where
            assert "idempotent-replayed" not in answer.headers, where
            who.repeated.add(repeated)

    def _check_meaning(self, who: Organization, kind: str, ask: Ask, answer: httpx2.Response, where: str) -> None:
        """What cannot be told by a marker."""
        if kind != "live":
            assert SAID not in answer.text, where
        if answer.status_code != 200:
            return
        if ask.url.startswith("/v1/preferences") and not ask.url.endswith("suggestions"):
            self._learn_preferences(who, ask)
            assert answer.json() == who.preferences, where
        if ask.url == "/v1/account":
            assert int(answer.json()["balance_dollars"]) == dollars(who.number), where
        if (
            ask.words == LESSON
            and "session_id" not in (ask.body or {})
            and answer.headers["content-type"].endswith("json")
        ):
            task = answer.json().get("classification", {}).get("task")
            others = {other.taught for other in self.organizations} - {who.taught}
            assert task not in others - {who.preferences["default_task"]}, where

    def _learn_preferences(self, who: Organization, ask: Ask) -> None:
        key = ask.url.rpartition("/")[2]
        if ask.method == "DELETE":
            who.preferences[key] = default(key)
        elif ask.method == "PUT":
            who.preferences[key] = ask.body["value"]


def _hidden(text: str) -> Iterator[str]:
    """What stands in a text as base64."""
    for found in BASE64.finditer(text):
        whole = found[0].rstrip("=").replace("-", "+").replace("_", "/")
        try:
            yield base64.b64decode(whole + "=" * (-len(whole) % 4)).decode("latin-1")
        except binascii.Error:
            continue


@contextmanager
def house(home: Path) -> Iterator[House]:
    """`POLAR_WEBHOOK_SECRET` must be set."""
    with ExitStack() as stack:
        provider = Echo()
        port = stack.enter_context(listening(provider))
        lab = ProviderSettings(base_url=f"http://127.0.0.1:{port}/v1", models=list(MODELS))
        server = stack.enter_context(running(home, providers={"lab": lab}))
        yield House(server, provider)


# -- what can be asked -------------------------------------------------------------------------------------------------

Operation = Callable[[Organization, Random], Ask]


def words(who: Organization, rng: Random) -> str:
    own = (
        f"Draw a picture of {who.marker}",
        f"Write a poem about {who.marker}",
        f"Summarize the file {who.marker}.pdf",
        f"Search the web for {who.marker}",
        f"def {who.marker}(): pass  # what is wrong with this function?",
    )
    return rng.choice((*own, *SHARED_PROMPTS, LESSON))


def _said(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


def _asked(who: Organization, rng: Random) -> dict[str, Any]:
    """What every routing request may have."""
    found: dict[str, Any] = {}
    if rng.random() < 0.5:
        found["session_id"] = rng.choice(("the same session", f"session of {who.marker}"))
    if rng.random() < 0.3:
        found["optimization"] = rng.choice(("price-optimized", "balanced", "output-optimized"))
    if rng.random() < 0.2:
        found["provider"] = rng.choice(({"ignore": [who.marker]}, {"order": ["lab"]}, who.marker))
    if rng.random() < 0.2:
        found["model"] = rng.choice(("lab/small", f"lab/{who.marker}", "router"))
    if rng.random() < 0.3:
        found |= {"user": who.marker, "metadata": {"name": who.marker}, who.marker: who.marker}
    return found


def _posted(
    url: str, who: Organization, rng: Random, body: Any, prompt: str = "", headers: dict[str, str] | None = None
) -> Ask:
    sent = {**_named(who, rng), **(headers or {})}
    if rng.random() < 0.3:
        sent["Idempotency-Key"] = rng.choice(("the same key", "another", f"key of {who.marker}"))
    if rng.random() < 0.1:
        body = rng.choice((b"{" + who.marker.encode(), orjson.dumps({who.marker: who.marker}), b""))
        prompt = ""
    return Ask("POST", url, body, sent, prompt)


def _named(who: Organization, rng: Random) -> dict[str, str]:
    name = rng.choice(("", "the-same-id", f"{who.marker}-{rng.randrange(100)}", f"insane id of {who.marker}"))
    return {"X-Request-Id": name} if name else {}


def route(who: Organization, rng: Random) -> Ask:
    prompt = words(who, rng)
    if rng.random() < 0.4:  # the same session of both, which one begins and the other goes on with
        prompt = rng.choice((f"Draw a picture of {who.marker}", "make it bluer"))
        body = {"prompt": prompt, "input": {}, "session_id": "the same session"}
        return Ask("POST", "/v1/auto/route", body, {}, prompt)
    body = {"prompt": prompt, "input": rng.choice(({}, {"messages": _said(prompt)})), **_asked(who, rng)}
    if rng.random() < 0.2:
        body["feedback"] = {"correct": rng.random() < 0.5}
    return _posted("/v1/auto/route", who, rng, body, prompt, _guarded(rng))


def chat(who: Organization, rng: Random) -> Ask:
    prompt = words(who, rng)
    if rng.random() < 0.4:  # word for word what the other asks
        same = {"model": "lab/small", "messages": _said(SHARED_PROMPTS[0])}
        headers = {"X-GR-Cache-TTL": "600"} | rng.choice(({}, {"Idempotency-Key": "the same key"}))
        return Ask("POST", "/v1/chat/completions", same, headers, SHARED_PROMPTS[0])
    body = {"model": rng.choice(("router", "lab/small", "lab/large")), "messages": _said(prompt), **_asked(who, rng)}
    body["model"] = body.get("model") or "router"
    if rng.random() < 0.3:
        body["stream"] = True
    if rng.random() < 0.2:
        part = {"type": "file", "file": {"filename": f"{who.marker}.pdf", "file_data": "data:application/pdf;base64,"}}
        body["messages"][0]["content"] = [{"type": "text", "text": prompt}, part]
    headers = {"X-GR-Cache-TTL": "600"} if rng.random() < 0.6 else {}
    return _posted("/v1/chat/completions", who, rng, body, prompt, headers | _guarded(rng))


def _guarded(rng: Random) -> dict[str, str]:
    return {"X-GR-Guardrails": "moderate"} if rng.random() < 0.2 else {}


def suggest(who: Organization, rng: Random) -> Ask:
    prompt = LESSON if rng.random() < 0.5 else words(who, rng)
    return _posted("/v1/auto/suggest", who, rng, {"prompt": prompt, **_asked(who, rng)}, prompt)


def models_route(who: Organization, rng: Random) -> Ask:
    prompt = words(who, rng)
    body = {"query": rng.choice(("text", prompt)), "input": {"messages": _said(prompt)}, **_asked(who, rng)}
    return _posted("/v1/models/route", who, rng, body)


def compare(who: Organization, rng: Random) -> Ask:
    prompt = words(who, rng)
    return _posted("/v1/models/price-comparison", who, rng, {"prompt": prompt, **_asked(who, rng)})


def recommend(who: Organization, rng: Random) -> Ask:
    return _posted("/v1/models/recommend", who, rng, {"prompt": words(who, rng), "limit": 3})


def embed(who: Organization, rng: Random) -> Ask:
    texts = [words(who, rng) for _ in range(rng.randint(1, 3))]
    body = {"model": rng.choice((FAKE, "lab/embed", "router")), "input": texts, "user": who.marker}
    if rng.random() < 0.3:
        body["encoding_format"] = "base64"
    return _posted("/v1/embeddings", who, rng, body, headers={"X-Tier": "batch"} if rng.random() < 0.3 else {})


def rerank(path: str) -> Operation:
    def made(who: Organization, rng: Random) -> Ask:
        documents = [f"{who.marker} {rng.random()}", {"text": words(who, rng), "title": who.marker}]
        body = {"model": rng.choice((FAKE, "lab/rank")), "query": words(who, rng), "documents": documents}
        return _posted(path, who, rng, body)

    return made


def feedback(who: Organization, rng: Random) -> Ask:
    prompt = rng.choice((LESSON, f"the words of {who.marker}"))
    said = {"prompt": prompt, "correct": False, "classified_task": "text", "suggested_task": who.taught}
    return _posted("/v1/auto/feedback", who, rng, said)


def query(who: Organization, rng: Random) -> Ask:
    body = {"text": rng.choice((who.marker, "small")), "limit": 3, "provider": rng.choice((None, who.marker))}
    return _posted("/v1/models/query", who, rng, body)


def validate(side: str) -> Operation:
    def made(who: Organization, rng: Random) -> Ask:
        body = {"messages": rng.choice((who.marker, _said(who.marker))), who.marker: 1}
        return _posted(f"/v1/models/lab/small/validate-{side}", who, rng, body)

    return made


def polar(who: Organization, rng: Random) -> Ask:
    order = {"id": rng.choice((f"order-{who.marker}", "the same order")), "metadata": {"organization": who.id}}
    kind = rng.choice(("order.paid", "order.refunded", f"order.{who.marker}"))
    amounts = {"net_amount": 0} if kind == "order.paid" else {"refunded_amount": 0}
    body = orjson.dumps({"type": kind, "data": order | amounts})
    return Ask("POST", "/v1/webhooks/polar", body, signed(body) | _named(who, rng))


def signed(body: bytes, secret: str = WEBHOOK_SECRET) -> dict[str, str]:
    now = str(int(time.time()))
    mac = hmac.new(secret.encode(), b".".join((b"delivery", now.encode(), body)), sha256).digest()
    return {
        "webhook-id": "delivery",
        "webhook-timestamp": now,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


def got(*urls: str) -> Operation:
    """`MARK` in an address is the organization's marker."""

    def made(who: Organization, rng: Random) -> Ask:
        return Ask("GET", rng.choice(urls).replace("MARK", who.marker), None, _named(who, rng))

    return made


def put(key: str) -> Operation:
    values: dict[str, tuple[Any, ...]] = {
        "default_optimization": ("price-optimized", "balanced", "output-optimized"),
        "excluded_providers": ([], ["openai"], ["anthropic", "lab"]),
        "preferred_providers": ([], ["lab"], ["openai"]),
        "content_mode_default": ("generate", "edit", None),
    }

    def made(who: Organization, rng: Random) -> Ask:
        own = {"default_task": (who.taught, None), "excluded_models": ([], [f"gone/{who.marker}"], ["lab/large"])}
        if key == "excluded_models" and f"gone/{who.marker}" not in who.preferences[key]:
            own[key] = ([], ["lab/large"])  # the catalog does not have it, so it cannot be put back
        value = rng.choice((*(own | values)[key], who.marker, {who.marker: 1}))
        return Ask("PUT", f"/v1/preferences/{key}", {"value": value}, _named(who, rng))

    return made


def deleted(key: str) -> Operation:
    return lambda who, rng: Ask("DELETE", f"/v1/preferences/{key}", None, _named(who, rng))


OPERATIONS: dict[tuple[str, str], Operation] = {
    ("POST", "/v1/auto/route"): route,
    ("POST", "/v1/chat/completions"): chat,
    ("POST", "/v1/auto/suggest"): suggest,
    ("POST", "/v1/models/route"): models_route,
    ("POST", "/v1/models/price-comparison"): compare,
    ("POST", "/v1/models/recommend"): recommend,
    ("POST", "/v1/embeddings"): embed,
    ("POST", "/v1/rerank"): rerank("/v1/rerank"),
    ("POST", "/v2/rerank"): rerank("/v2/rerank"),
    ("POST", "/v1/auto/feedback"): feedback,
    ("POST", "/v1/models/query"): query,
    ("POST", "/v1/models/{provider}/{model}/validate-input"): validate("input"),
    ("POST", "/v1/models/{provider}/{model}/validate-output"): validate("output"),
    ("POST", "/v1/webhooks/polar"): polar,
    ("GET", "/v1/account"): got("/v1/account"),
    ("GET", "/v1/org/logs"): got(
        *("/v1/org/logs", "/v1/org/logs?format=csv", "/v1/org/logs?limit=1", "/v1/org/logs?limit=2&format=csv"),
        *("/v1/org/logs?before=MARK", "/v1/org/logs?before=2999-01-01T00:00:00Z&after=2000-01-01T00:00:00Z"),
    ),
    ("GET", "/v1/model-health"): got("/v1/model-health", "/v1/model-health?models=lab/small,lab/MARK"),
    ("GET", "/v1/preferences"): got("/v1/preferences"),
    ("GET", "/v1/preferences/suggestions"): got("/v1/preferences/suggestions"),
    **{("PUT", f"/v1/preferences/{key}"): put(key) for key in KEYS},
    **{("DELETE", f"/v1/preferences/{key}"): deleted(key) for key in KEYS},
    ("GET", "/v1/models"): got("/v1/models?provider=lab", "/v1/models?provider=MARK"),
    ("GET", "/v1/models/tags"): got("/v1/models/tags"),
    ("GET", "/v1/models/price-tiers"): got("/v1/models/price-tiers"),
    ("GET", "/v1/models/{model}"): got("/v1/models/gpt-4o", "/v1/models/MARK"),
    ("GET", "/v1/models/{provider}/{model}"): got("/v1/models/lab/small", "/v1/models/lab/MARK"),
    ("GET", "/v1/models/{provider}/{model}/input-schema"): got("/v1/models/lab/small/input-schema"),
    ("GET", "/v1/models/{provider}/{model}/output-schema"): got("/v1/models/lab/small/output-schema"),
    ("GET", "/v1/catalog/taxonomy"): got("/v1/catalog/taxonomy"),
    ("GET", "/v1/catalog/families"): got("/v1/catalog/families?limit=3", "/v1/catalog/families?text=MARK"),
    ("GET", "/v1/catalog/families/{id}"): got("/v1/catalog/families/llm/MARK"),
    ("GET", "/v1/openapi.json"): got("/v1/openapi.json"),
    ("GET", "/openapi.json"): got("/openapi.json"),
    ("GET", "/llms.txt"): got("/llms.txt"),
    ("GET", "/healthz"): got("/healthz", "/healthz?MARK"),
    ("GET", "/readyz"): got("/readyz"),
}
FAULTS = ("", "", "", "", "", "refusal", "failure", "garbage")
KINDS = ("live", "live", "live", "test", "test", "reader")


def together(jobs: list[Callable[[], None]]) -> None:
    """Each in a thread of its own, all at once; raises what the first of them raised."""
    failures: list[Exception] = []
    gate = threading.Barrier(len(jobs))

    def run(job: Callable[[], None]) -> None:
        gate.wait(10)
        try:
            job()
        except Exception as error:  # noqa: BLE001 - it is raised again where the test can see it
            failures.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if failures:
        raise failures[0]
