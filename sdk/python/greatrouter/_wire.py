"""Turns a call into an HTTP request, and an HTTP answer into what the call returns."""

import json
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

import httpx2

from greatrouter._errors import AuthenticationError, unreadable_answer
from greatrouter._retry import Outcome, retrying
from greatrouter._version import version
from greatrouter.types._answer import read

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Call(Generic[Result]):
    """One request, before it has a server or a key. `path` is relative to the base URL; `result` is what comes back.
    What is to happen `once`, however often it is sent, has an Idempotency-Key."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    result: type[Result]
    query: Mapping[str, object] = field(default_factory=dict)
    body: Mapping[str, object] | None = None
    format: Literal["json", "text", "events"] = "json"
    once: bool = False


@dataclass(frozen=True, slots=True)
class Wire:
    """The server, the key and the patience of one client."""

    base_url: str
    api_key: str = field(repr=False)
    timeout_s: float
    max_retries: int
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_key(self.api_key)
        _check_base_url(self.base_url)
        if not self.timeout_s > 0:
            raise ValueError(f"timeout_s must be a number of seconds above 0, got {self.timeout_s}")
        if self.max_retries < 0:
            raise ValueError(f"max_retries must be 0 (never send again) or more, got {self.max_retries}")

    @property
    def server(self) -> str:
        url = httpx2.URL(self.base_url)
        return f"{url.scheme}://{url.netloc.decode('ascii')}"

    def request(self, call: Call[Result], http: httpx2.Client | httpx2.AsyncClient) -> httpx2.Request:
        """Built once per call: the retries send this very request, so they share its Idempotency-Key."""
        headers = httpx2.Headers(
            {
                "Authorization": f"Bearer {self.api_key}",
                "Accept": {"json": "application/json", "text": "*/*", "events": "text/event-stream"}[call.format],
                "User-Agent": f"greatrouter-python/{version()}",
            }
        )
        if call.once:
            headers["Idempotency-Key"] = str(uuid.uuid4())
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        headers.update(self.headers)
        return http.build_request(
            call.method,
            f"{self.base_url.rstrip('/')}/{call.path}",
            params={name: _as_text(value) for name, value in call.query.items() if value is not None} or None,
            content=None if call.body is None else _as_json(call.body),
            headers=headers,
            timeout=self.timeout_s,
        )

    def retrying(self) -> Generator[float, Outcome, httpx2.Response]:
        return retrying(max_retries=self.max_retries, server=self.server, secret=self.api_key)

    def answer(self, call: Call[Result], response: httpx2.Response) -> Result:
        if call.format == "text":
            return read(call.result, response.text)
        try:
            document = response.json() if response.content else {}  # 204, and servers that delete without a word
        except (ValueError, RecursionError) as error:
            raise unreadable_answer(response, secret=self.api_key) from error
        return read(call.result, document)


def _check_key(api_key: str) -> None:
    if not api_key:
        raise AuthenticationError(
            'no api_key was given; pass one, as in GreatRouter("pk_live_..."), set GREATROUTER_API_KEY, or make one on '
            "the server with `greatrouter keys create --org NAME`",
            code="missing_api_key",
        )
    # Caught here because the HTTP layer would quote the whole header in its complaint.
    if not (api_key.isascii() and api_key.isprintable()) or " " in api_key:
        raise AuthenticationError(
            "api_key holds a space, a line break or another character that no key has; pass the key alone",
            code="malformed_api_key",
        )


def _check_base_url(base_url: str) -> None:
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL as error:
        raise ValueError(f"base_url cannot be read ({error}); give one like http://127.0.0.1:8080/v1") from None
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo or url.query or url.fragment:
        raise ValueError(
            "base_url must be http:// or https://, a host and a path, as in http://127.0.0.1:8080/v1, "
            "without user name, query or fragment"
        )


def _as_json(body: Mapping[str, object]) -> bytes:
    """As httpx2 writes it, but with other mappings than dicts: callers send the messages of answers back."""
    text = json.dumps(body, default=_as_dict, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode()


def _as_dict(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a request holds a {type(value).__name__}, which JSON has no form for; give dicts, lists and text")


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ",".join(str(item) for item in value)
    return str(value)
