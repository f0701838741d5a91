"""What must stay secret stays so: keys, passwords and prompts are planted everywhere and everything that a real server
writes is searched for them: what it says, the files of its home, its database, its Redis, and every answer; and so is
what the commands beside it print."""

import asyncio
import base64
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import orjson
import psycopg
import pytest
import redis

from greatrouter_accounts.errors import StoreFailed
from greatrouter_api.home import open_accounts
from greatrouter_api.log_lines import Discreet
from greatrouter_api.settings import Settings, SettingsInvalid, load
from tests import postgres, redis_server
from tests.api.conftest import FAKE, eventually
from tests.api.scripted import Wire, wire
from tests.api.tenancy import signed
from tests.serving.fake_provider import Answer, Received

KINDS = ("openai", "anthropic", "gemini", "cohere", "replicate")
PROVIDER_KEYS = {kind: f"sk-{kind}-PLANTEDKEY0123456789" for kind in KINDS}
WEBHOOK = "polar_whs_PLANTEDWEBHOOK0123456789"
PASSWORD = "PLANTEDPASSWORD0123456789"
# In prompts, documents, names of files: nowhere but in answers. In feedback: in the database, too.
PROMPT = "plantedprompt0123456789"
LESSON = "plantedlesson0123456789"
MAIL = "plantedmail0123456789@example.org"

TASKS = {"openai": ("image", "embeddings", "rerank"), "cohere": ("rerank", "embeddings"), "gemini": ("embeddings",)}
TABLE = """
[providers.{kind}]
kind = "{kind}"
base_url = "{url}"
api_key_env = "{variable}"
models = [{{ id = "{kind}/talk", input_per_million_tokens = 0.1, output_per_million_tokens = 0.2 }}{more}]
"""
MORE = ', {{ id = "{kind}/{task}", task = "{task}", price_per_image = 0.001, price_per_document = 0.001 }}'


def toml(url: str) -> str:
    def table(kind: str) -> str:
        more = "".join(MORE.format(kind=kind, task=task) for task in TASKS.get(kind, ()))
        return TABLE.format(kind=kind, url=url, variable=f"PLANTED_{kind.upper()}", more=more)

    top = f'embedder = ""\nupstream_timeout_s = 0.5\nlocal_models = [{{ id = "{FAKE}", backend = "fake" }}]\n'
    limits = "\n[plans.free]\nrequests_per_minute = 100000\ntokens_per_minute = 100000000\nconcurrent_requests = 1000\n"
    return top + "".join(map(table, KINDS)) + limits


# -- a provider that says back what it was told ------------------------------------------------------------------------


def told(request: Received) -> str:
    """The key as it came, and what was asked."""
    return " ".join((*request.headers.values(), request.path, request.body.decode("utf-8", "replace")))


def refusing(status: int) -> Callable[[Received], Answer]:
    def reply(request: Received) -> Answer:
        key = next(value for value in PROVIDER_KEYS.values() if value in told(request))
        error = {"message": f"{key} is not it; you said: {told(request)}", "code": key, "param": key, "type": key}
        body = orjson.dumps({"error": error, "message": error["message"], "detail": error["message"]})
        headers = {"Retry-After": "1", "Location": f"http://{key}.example/", "X-Echo": key}
        return Answer(body, status, headers=headers)

    return reply


def speaking(text: Callable[[Received], str], content_type: str = "application/json") -> Callable[[Received], Answer]:
    return lambda request: Answer(text(request).encode(), content_type=content_type)


def _error(request: Received) -> str:
    return orjson.dumps({"error": {"message": told(request), "type": "x"}, "type": "error"}).decode()


def _breaking_off(request: Received) -> str:
    chunk = {"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "Well"}}]}
    return f"data: {orjson.dumps(chunk).decode()}\n\nevent: error\ndata: {_error(request)}\n\n"


FAULTS: dict[str, Answer] = {
    **{f"status {status}": Answer(reply=refusing(status)) for status in (302, 400, 401, 403, 404, 422, 429, 500, 503)},
    "words": Answer(reply=speaking(told, "text/plain")),
    "words and a status": Answer(reply=lambda request: Answer(told(request).encode(), 400, "text/plain")),
    "an error as an answer": Answer(reply=speaking(_error)),
    "an answer of another kind": Answer(reply=speaking(lambda request: orjson.dumps([told(request)]).decode())),
    "a stream that breaks off": Answer(reply=speaking(_breaking_off, "text/event-stream")),
    "a stream of words": Answer(reply=speaking(lambda request: f"data: {told(request)}\n\n", "text/event-stream")),
    "an echo": Answer(echo=True),
    "silence": Answer(ending="hang"),
    "a reset": Answer(ending="reset"),
}


# -- the server and what it wrote --------------------------------------------------------------------------------------


@dataclass
class Planted:
    """A real server; `answers` is all that it answered."""

    home: Path
    client: httpx2.Client
    provider: Wire
    live: str
    test: str
    gr: str
    redis_url: str
    process: "subprocess.Popen[bytes]"
    environment: dict[str, str]
    database: str | None = None
    answers: list[httpx2.Response] = field(default_factory=list)

    def ask(self, method: str, url: str, body: Any = None, key: str | None = None, **headers: str) -> httpx2.Response:
        raw = body if isinstance(body, bytes | None) else orjson.dumps(body)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        own = {"X-API-Key": key or self.live, "User-Agent": f"{PROMPT}-client", "Cookie": f"a={PROMPT}"}
        answer = self.client.request(method, url, content=raw, headers=own | names)
        self.answers.append(answer)
        return answer

    def post(self, url: str, body: Any, key: str | None = None, **headers: str) -> httpx2.Response:
        return self.ask("POST", url, body, key, **headers)

    def files(self) -> dict[str, bytes]:
        """All there is below the home, the rows of a database that is elsewhere, and what Redis holds."""
        found = {str(path): path.read_bytes() for path in self.home.rglob("*") if path.is_file()}
        if self.database is not None:
            found["the database"] = dump(self.database)
        with redis.Redis.from_url(self.redis_url) as client:
            kept = [(n, client.hgetall(n) if client.type(n) == b"hash" else client.get(n)) for n in client.keys("*")]
            found["the Redis"] = repr(kept).encode()
        return found

    def command(self, *arguments: str) -> bytes:
        """What a command beside the server prints, on both outputs."""
        command = [sys.executable, "-m", "greatrouter_api", *arguments]
        done = subprocess.run(command, check=False, capture_output=True, env=self.environment)
        assert b"Traceback" not in done.stderr
        return done.stdout + done.stderr

    @property
    def output(self) -> Path:
        """What it says."""
        return self.home.parent / "output"

    @property
    def secrets(self) -> list[str]:
        """What nobody may see again, whole or the part that proves it."""
        own = [self.live.rpartition("_")[2], self.test.rpartition("_")[2], self.gr[len("gr-123456789") :]]
        return [*PROVIDER_KEYS.values(), WEBHOOK, PASSWORD, *own]


def dump(url: str) -> bytes:
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        rows = [connection.execute(f'SELECT t::text FROM "{name}" AS t').fetchall() for (name,) in tables]
    return repr(rows).encode()


@contextmanager
def planted(home: Path, database: str | None = None) -> Iterator[Planted]:
    with ExitStack() as stack:
        provider = stack.enter_context(wire())
        (home / "greatrouter.toml").write_text(toml(provider.url))
        environment = {f"PLANTED_{kind.upper()}": key for kind, key in PROVIDER_KEYS.items()}
        environment |= {"GREATROUTER_HOME": str(home), "POLAR_WEBHOOK_SECRET": WEBHOOK}
        redis_url = stack.enter_context(redis_server.running(password=PASSWORD))
        environment = {**os.environ, **environment, "GREATROUTER_REDIS_URL": redis_url}
        if database is not None:
            environment["GREATROUTER_DATABASE_URL"] = database
        accounts = open_accounts(Settings.model_validate({"home": home, "database_url": database, "providers": {}}))
        live, test = accounts.create_key("acme"), accounts.create_key("acme", test=True)
        gr = accounts.create_key("acme", gr=True)
        accounts.office.credit("acme", Decimal(10_000))
        accounts.close()
        command = [sys.executable, "-m", "greatrouter_api", "serve", "--port", "0"]
        output = stack.enter_context((home.parent / "output").open("w+b"))
        process = stack.enter_context(subprocess.Popen(command, env=environment, stdout=output, stderr=output))
        stack.callback(process.kill)
        url = ready(home.parent / "output", process)
        client = stack.enter_context(httpx2.Client(base_url=url, timeout=30))
        yield Planted(home, client, provider, live, test, gr, redis_url, process, environment, database)


def ready(output: Path, process: "subprocess.Popen[bytes]") -> str:
    pause = threading.Event()
    for _ in range(600):
        if found := re.search(rb"ready on (\S+)\n", output.read_bytes()):
            return found[1].decode()
        assert process.poll() is None, output.read_text()
        pause.wait(0.1)
    raise AssertionError(output.read_text())


def spellings(secret: str) -> list[bytes]:
    """As it is, in hexadecimal, in UTF-16, and in base64 wherever it begins."""
    raw = secret.encode()
    inside = [base64.b64encode(b"\0" * shift + raw)[4 if shift else 0 : -4] for shift in range(3)]
    return [raw, raw.hex().encode(), secret.encode("utf-16-le"), *inside]


def seen(secrets: list[str], texts: dict[str, bytes]) -> list[tuple[str, str]]:
    """(secret, where) of each that can be read somewhere, in any case."""
    found = []
    for where, text in texts.items():
        folded = text.lower()
        found += [(s, where) for s in secrets if any(spelling.lower() in folded for spelling in spellings(s))]
    return found


def test_the_search_would_find_a_secret_however_it_is_written() -> None:
    raw = PASSWORD.encode()
    hidden = (base64.b64encode(b"x" * shift + raw + b"y") for shift in range(3))
    for text in (raw, raw.lower(), raw.hex().encode(), PASSWORD.encode("utf-16"), *hidden):
        assert seen([PASSWORD], {"file": b"before " + text + b" after"}) == [(PASSWORD, "file")]
    assert seen([PASSWORD], {"file": b"nothing"}) == []


# -- everything that can be sent ---------------------------------------------------------------------------------------

MESSAGES = [{"role": "system", "content": PROMPT}, {"role": "user", "content": f"Say {PROMPT}", "name": PROMPT}]
FILE = {"type": "file", "file": {"filename": f"{PROMPT}.pdf", "file_data": "data:application/pdf;base64,AAAA"}}
RERANK = {"model": FAKE, "query": PROMPT, "documents": [PROMPT, {"text": PROMPT}]}
SENT: dict[str, list[Any]] = {
    "/v1/auto/route": [
        {"prompt": f"Say {PROMPT}", "input": {}, "session_id": PROMPT, "user": PROMPT, "metadata": {"a": PROMPT}},
        {"prompt": f"Draw a picture of {PROMPT}", "input": {}, "session_id": PROMPT},
        {"prompt": PROMPT, "input": {"query": PROMPT, "documents": [PROMPT]}},
        {"prompt": PROMPT, "input": {"messages": MESSAGES}, "model": f"openai/{PROMPT}"},
        {"prompt": PROMPT, "input": PROMPT, "optimization": PROMPT, "task": PROMPT},
    ],
    "/v1/chat/completions": [
        {"model": "openai/talk", "messages": MESSAGES},
        {"model": "openai/talk", "messages": MESSAGES, "stream": True},
        {"model": "router", "messages": MESSAGES, "tools": [{"type": PROMPT}], "response_format": {"type": PROMPT}},
        {"model": "openai/talk", "messages": [{"role": "user", "content": [{"type": "text", "text": PROMPT}, FILE]}]},
        {"model": PROMPT, "messages": PROMPT},
    ],
    "/v1/auto/suggest": [{"prompt": f"Say {PROMPT}", "session_id": PROMPT}, {"prompt": [PROMPT]}],
    "/v1/models/route": [
        {"query": f"Say {PROMPT}", "input": {"messages": MESSAGES}},
        {"query": PROMPT, "input": {}, "maxCost": PROMPT},
    ],
    "/v1/models/price-comparison": [{"prompt": f"Say {PROMPT}"}, {"prompt": PROMPT, "task": PROMPT}],
    "/v1/models/recommend": [{"prompt": f"something for {PROMPT}"}, {"task": PROMPT}],
    "/v1/models/query": [{"text": PROMPT}, {"limit": PROMPT}],
    "/v1/embeddings": [
        {"model": FAKE, "input": [PROMPT, PROMPT], "user": PROMPT},
        {"model": "openai/embeddings", "input": PROMPT},
        {"model": PROMPT, "input": {PROMPT: PROMPT}},
    ],
    "/v1/rerank": [RERANK, {**RERANK, "model": "openai/rerank"}, {**RERANK, "top_n": PROMPT}],
    "/v2/rerank": [RERANK, {**RERANK, "model": "cohere/rerank"}],
    "/v1/auto/feedback": [
        {"prompt": LESSON, "correct": False, "suggested_task": "music"},
        {"prompt": PROMPT, "correct": PROMPT},
    ],
    "/v1/models/{provider}/{model}/validate-input": [{"messages": MESSAGES}, {"messages": PROMPT}],
    "/v1/models/{provider}/{model}/validate-output": [{"choices": PROMPT}],
    "/v1/webhooks/polar": [{"type": PROMPT}, {"type": "order.paid", "data": {"id": PROMPT, "net_amount": PROMPT}}],
    "/v1/preferences/{key}": [{"value": PROMPT}, {"value": [PROMPT]}, {PROMPT: 1}],
}
LOOKS = (
    *("/v1/account", "/v1/org/logs", "/v1/org/logs?format=csv", f"/v1/org/logs?before={PROMPT}", "/v1/preferences"),
    *(
        f"/v1/model-health?models={PROMPT}",
        f"/v1/models?provider={PROMPT}",
        f"/v1/models/{PROMPT}",
        "/healthz",
        "/readyz",
    ),
    *(f"/v1/catalog/families/{PROMPT}", "/v1/preferences/suggestions", "/openapi.json", "/metrics", f"/{PROMPT}"),
)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    home = tmp_path_factory.mktemp("planted") / "home"
    home.mkdir(mode=0o700)
    with ExitStack() as stack:
        database = None
        if request.param == "postgres":
            plain = stack.enter_context(stack.enter_context(postgres.running()).database())
            database = plain.replace("greatrouter@", f"greatrouter:{PASSWORD}@")
        yield stack.enter_context(planted(home, database))


@pytest.fixture(scope="module")
def operations(server: Planted) -> list[tuple[str, str]]:
    """(method, path) of every endpoint that takes a body."""
    paths = server.client.get("/openapi.json").json()["paths"]
    return [(m.upper(), path) for path, item in paths.items() for m, said in item.items() if "requestBody" in said]


def kind_of(path: str) -> str:
    return re.sub(r"^/v1/preferences/\w+$", "/v1/preferences/{key}", path)


def test_every_endpoint_that_takes_a_body_is_sent_some(operations: list[tuple[str, str]]) -> None:
    assert {kind_of(path) for _, path in operations} == set(SENT)


def test_nothing_secret_is_in_any_answer_or_file(server: Planted, operations: list[tuple[str, str]]) -> None:
    server.provider.play(Answer(echo=True))
    for method, path in operations:
        for body in SENT[kind_of(path)]:
            send(server, method, path.replace("{provider}/{model}", "openai/talk"), orjson.dumps(body))
    for name, fault in FAULTS.items():
        server.provider.play(fault)
        make_it_fail(server, name)
    break_the_protocol(server)
    for look in LOOKS:
        server.ask("GET", look)
        server.ask("GET", look, key=server.gr)
    server.post("/v1/embeddings", {"model": FAKE, "input": PROMPT}, server.gr)
    check_answers(server)
    check_files(server)
    assert b"greatrouter:meter:org:" in server.files()["the Redis"]


def test_no_command_prints_a_whole_key(server: Planted) -> None:
    lists = ("keys list", "accounts show", "accounts show --org acme", "accounts statement --org acme --csv")
    said = {
        line: server.command(*line.split())
        for line in (*lists, "accounts verify", f"accounts show --org {server.live}")
    }
    strangers = [key[:-8] + "01234567" for key in (server.live, server.gr)]
    for number, wrong in enumerate((server.live[:-1], server.gr + "!", *strangers)):
        said[f"revoke {number}"] = server.command("keys", "revoke", wrong)
        assert b"keys list" in said[f"revoke {number}"]
    said["revoke"] = server.command("keys", "revoke", server.gr)
    assert said["revoke"] == b"revoked\n"
    assert server.ask("GET", "/v1/account", key=server.live).status_code == 200
    assert eventually(lambda: server.ask("GET", "/v1/account", key=server.gr).status_code == 401)
    halves = [half for secret in server.secrets for half in (secret[: len(secret) // 2], secret[len(secret) // 2 :])]
    assert seen([*halves, PROMPT], said) == []
    assert all(server.gr[:12].encode() in said[line] for line in ("keys list", "accounts show --org acme", "revoke 1"))


def test_nothing_secret_is_said_when_the_database_is_gone(server: Planted) -> None:
    if server.database is None:
        pytest.skip("a file does not go away; tests/accounts/test_store.py has what becomes of damaged ones")
    with closed(server.database):
        for body in SENT["/v1/chat/completions"] + SENT["/v1/auto/route"]:
            server.post("/v1/chat/completions", body)
        server.post("/v1/auto/feedback", SENT["/v1/auto/feedback"][0])
        assert 503 in {server.ask("GET", look).status_code for look in LOOKS}
    assert eventually(lambda: server.ask("GET", "/v1/account").status_code == 200, timeout_s=20)
    check_answers(server)
    check_files(server)


def test_nothing_secret_was_said_or_left_behind(server: Planted) -> None:
    """The last of the server: it is stopped here."""
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(40) in (0, -signal.SIGTERM)
    said = server.output.read_bytes()
    assert b"stopping" in said
    assert seen([*server.secrets, PROMPT, LESSON, MAIL], {"what it said": said}) == []
    check_files(server)


def send(server: Planted, method: str, url: str, raw: bytes) -> None:
    """As it is, again, in half, too deep, and under keys that will not do."""
    headers = signed(raw, WEBHOOK) if "webhooks" in url else {}
    server.ask(method, url, raw, **headers)
    server.ask(method, url, raw, server.test, **headers)
    for _ in range(2):
        server.ask(method, url, raw, Idempotency_Key=f"{PROMPT} {hash(raw)}", X_GR_Cache_TTL="60")
    server.ask(method, url, raw[: len(raw) // 2])
    server.ask(method, url, PROMPT.encode() + b"[" * 1000)
    server.ask(method, url, raw, server.live[:-1] + "x")
    server.ask(method, url, raw, PROVIDER_KEYS["openai"])


def make_it_fail(server: Planted, name: str) -> None:
    for kind in KINDS:
        for stream in (False, True):
            body = {"model": f"{kind}/talk", "messages": MESSAGES[1:], "stream": stream}
            server.post("/v1/chat/completions", body, Idempotency_Key=f"{PROMPT} {name} {kind} {stream}")
        for task, path, asked in (
            ("embeddings", "/v1/embeddings", {"input": PROMPT}),
            ("rerank", "/v1/rerank", {"query": PROMPT, "documents": [PROMPT]}),
        ):
            if task in TASKS.get(kind, ()):
                server.post(path, {"model": f"{kind}/{task}", **asked})
    for prompt in (f"Draw a picture of {PROMPT}", f"Say {PROMPT}"):
        server.post("/v1/auto/route", {"prompt": prompt, "input": {}})


def break_the_protocol(server: Planted) -> None:
    host, port = server.client.base_url.host, server.client.base_url.port
    assert port is not None
    head = f"POST /v1/auto/route?{PROMPT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.live}\r\n"
    for rest in ("Content-Length: x\r\n\r\n", f"no header {PROMPT}\r\n\r\n", f"Content-Length: 99\r\n\r\n{PROMPT}"):
        with socket.create_connection((host, port), timeout=10) as connection:
            connection.sendall((head + rest).encode())
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass


@contextmanager
def closed(url: str) -> Iterator[None]:
    """Within the block the database takes no connections, and has none."""
    server, _, name = url.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false")
        connection.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        yield
        connection.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")


def check_answers(server: Planted) -> None:
    assert {answer.status_code for answer in server.answers} >= {200, 400, 401, 404, 502}
    assert [answer.text for answer in server.answers if answer.status_code == 500] == []
    texts = {
        f"{number}: {answer.request.method} {answer.request.url}": repr(answer.headers.multi_items()).encode()
        + answer.content
        for number, answer in enumerate(server.answers)
    }
    assert seen(server.secrets, texts) == []


def check_files(server: Planted) -> None:
    files = {name: text for name, text in server.files().items() if not name.endswith("greatrouter.toml")}
    assert seen([*server.secrets, PROMPT, MAIL], files) == []
    places = {Path(name).name for _, name in seen([LESSON], files)}
    assert places
    assert places <= {"accounts.sqlite3", "accounts.sqlite3-wal", "the database"}


# -- what is wrong with the settings is said without what is secret in them --------------------------------------------


@pytest.mark.parametrize(
    ("environment", "file"),
    [
        ({"GREATROUTER_DATABASE_URL": f"postgresql://u:{PASSWORD}@127.0.0.1:no-port/x"}, ""),
        ({"GREATROUTER_DATABASE_URL": f"postgresql://u:{PASSWORD}/{PASSWORD}@127.0.0.1/x"}, ""),
        ({"GREATROUTER_DATABASE_URL": f"mysql://u:{PASSWORD}@127.0.0.1/x"}, ""),
        ({"GREATROUTER_DATABASE_URL": f"u:{PASSWORD}@127.0.0.1"}, ""),
        ({"GREATROUTER_DATABASE_URL": f"postgresql://u:{PASSWORD}@127.0.0.1:9/x?nothing={PASSWORD}"}, ""),
        ({"GREATROUTER_DATABASE_URL": f"postgresql://u:{PASSWORD}@127.0.0.1:9/x"}, ""),
        ({"GREATROUTER_REDIS_URL": f"http://u:{PASSWORD}@127.0.0.1/0"}, ""),
        ({"GREATROUTER_REDIS_URL": f"redis://u:{PASSWORD}@127.0.0.1:no-port/{PASSWORD}"}, ""),
        ({"GREATROUTER_REDIS_URL": f"redis://u:{PASSWORD}/x@127.0.0.1/0"}, ""),
        ({"GREATROUTER_DATABASE_URL": f"postgresql://127.0.0.1:9/x?user=u&password={PASSWORD}"}, ""),
        ({}, f'[providers.lab]\nbase_url = "http://127.0.0.1:9/v1"\napi_key = "{PASSWORD}"'),
        ({}, f'[providers.lab]\nbase_url = "http://127.0.0.1:9/v1"\napi_key_env = "{PASSWORD}-{PASSWORD}"'),
        ({}, f'[providers.lab]\nbase_url = "u:{PASSWORD}@127.0.0.1"'),
        ({}, f'polar_webhook_secret = "{PASSWORD}"'),
        ({}, f'database_url = ["{PASSWORD}"]'),
        ({}, f'database_url = "{PASSWORD}'),
        ({"GREATROUTER_PROVIDERS__LAB__API_KEY": PASSWORD}, ""),
        ({"GREATROUTER_PROVIDERS": PASSWORD}, ""),
    ],
)
def test_wrong_settings_are_told_without_what_is_secret_in_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], file: str
) -> None:
    for name, value in {"GREATROUTER_HOME": str(tmp_path), **environment}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "greatrouter.toml").write_text(file)
    with pytest.raises((SettingsInvalid, StoreFailed)) as told:
        open_accounts(load()).close()
    assert PASSWORD not in str(told.value)
    assert PASSWORD not in repr(told.value)


# -- bugs --------------------------------------------------------------------------------------------------------------


def _bug() -> None:
    try:
        raise ValueError(PROMPT)
    except ValueError as error:
        raise RuntimeError(f"{PASSWORD} and {PROMPT}") from error


def test_a_bug_is_logged_with_its_place_and_without_its_words() -> None:
    try:
        _bug()
    except RuntimeError as error:
        told = error
    kind = (type(told), told, told.__traceback__)
    line = Discreet().format(logging.LogRecord("greatrouter", logging.ERROR, __file__, 1, "a bug", None, kind))
    assert line.startswith("ERROR greatrouter: a bug\nbuiltins.ValueError")
    assert "builtins.RuntimeError" in line
    assert line.count("test_secrets.py") >= 2
    assert seen([PROMPT, PASSWORD], {"the line": line.encode()}) == []


def test_a_task_that_nobody_waits_for_says_no_more(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.new_event_loop()
    loop.call_exception_handler({"message": "nobody waited", "exception": ValueError(PROMPT), "task": PROMPT})
    loop.close()
    [record] = caplog.records
    record.exc_text = None  # which the handler of the tests has made and a server has not
    line = Discreet().format(record)
    assert line.startswith("ERROR asyncio: nobody waited\nbuiltins.ValueError")
    assert PROMPT not in line
