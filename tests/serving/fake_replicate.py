"""Replicate's prediction endpoints, which check a request as the documentation says the real ones do.

Sources: replicate.com/docs/reference/http, docs/topics/predictions/{create-a-prediction,lifecycle,rate-limits}, and
the error bodies that the API is publicly reported to send.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.serving.fake_provider import Answer, Received, json_answer

KEY = "r8_0123456789abcdef0123456789abcdef012"
VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"
_PREDICTION = re.compile(r"/v1/predictions/(\w+)(/cancel)?")
_OFFICIAL = re.compile(r"/v1/models/([\w.-]+)/([\w.-]+)/predictions")
_DURATION = re.compile(r"(\d+h)?(\d+m)?(\d+s?)?")

# What a prediction's fields become at each look at it, the last one staying.
Life = tuple[dict[str, Any], ...]


def succeeded(output: Any, **metrics: float) -> dict[str, Any]:
    return {"status": "succeeded", "output": output, "metrics": {"predict_time": 1.5, "total_time": 2.0, **metrics}}


def failed(error: str) -> dict[str, Any]:
    return {"status": "failed", "error": error}


STARTING, PROCESSING = {"status": "starting"}, {"status": "processing"}


@dataclass
class FakeReplicate:
    """Every prediction lives the same `life`. Where the host's address is set as `host`, it is in the urls."""

    life: Life
    host: str = "https://api.replicate.com"
    required: str = "prompt"
    predictions: dict[str, dict[str, Any]] = field(default_factory=dict)
    looks: dict[str, int] = field(default_factory=dict)
    canceled: list[str] = field(default_factory=list)
    on_look: Callable[[int], Answer | None] = lambda _: None

    def answer(self, request: Received) -> Answer:
        """For `Answer(reply=...)`."""
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return problem(401, "Unauthenticated", "You did not pass a valid authentication token")
        found = _PREDICTION.fullmatch(request.path)
        if found:
            return self._existing(request, found[1], cancel=found[2] is not None)
        official = _OFFICIAL.fullmatch(request.path)
        if request.method != "POST" or not (official or request.path == "/v1/predictions"):
            return problem(404, "Not found", "The requested resource could not be found.")
        return self._create(request, official[1] + "/" + official[2] if official else None)

    def _create(self, request: Received, model: str | None) -> Answer:
        refusal = _misused(request, model) or self._refused(request.json()["input"])
        if refusal is not None:
            return refusal
        id = f"p{len(self.predictions)}"
        self.predictions[id] = {
            "id": id,
            "model": model or "lab/small",
            "version": "hidden" if model else VERSION,
            "input": request.json()["input"],
            "logs": "",
            "output": None,
            "data_removed": False,
            "error": None,
            "created_at": "2025-01-01T00:00:00.5Z",
            "urls": {"get": f"{self.host}/v1/predictions/{id}", "cancel": f"{self.host}/v1/predictions/{id}/cancel"},
        }
        # A model that is ready at once answers in the request that was held for it.
        self.looks[id] = 0
        return json_answer(self._seen(id), 201)

    def _refused(self, fields: dict[str, Any]) -> Answer | None:
        """Inputs that the model does not know are dropped; an explicit null is a value of the wrong type."""
        if not fields.get(self.required):
            return invalid("input", f"{self.required} is required")
        nulls = [name for name, value in fields.items() if value is None]
        return invalid(f"input.{nulls[0]}", "Invalid type. Expected a value, given: null") if nulls else None

    def _existing(self, request: Received, id: str, cancel: bool) -> Answer:
        if id not in self.predictions:
            return problem(404, "Not found", "The requested resource could not be found.")
        if cancel:
            assert request.method == "POST"
            self.canceled.append(id)
            return json_answer({**self._seen(id), "status": "canceled"})
        assert request.method == "GET"
        self.looks[id] += 1
        return self.on_look(self.looks[id]) or json_answer(self._seen(id))

    def _seen(self, id: str) -> dict[str, Any]:
        return {**self.predictions[id], **self.life[min(self.looks[id], len(self.life) - 1)]}


def _misused(request: Received, model: str | None) -> Answer | None:
    """What the API refuses before it looks at the model's input."""
    fields = request.json()
    wait = re.fullmatch(r"wait=(\d+)", request.headers.get("prefer", "wait=60"))
    if not wait or not 1 <= int(wait[1]) <= 60:
        return problem(400, "Bad request", "Prefer must be wait, of 1 to 60 seconds")
    if not _DURATION.fullmatch(request.headers.get("cancel-after", "")):
        return problem(400, "Bad request", "Cancel-After must be a duration")
    if model == "lab/gone":
        return problem(404, "Not found", "The requested resource could not be found.")
    if model is None and fields.get("version") != VERSION:
        words = "The specified version does not exist (or perhaps you don't have permission to use it?)"
        return problem(422, "Invalid version or not permitted", words)
    unknown = fields.keys() - ({"input"} if model else {"input", "version"})
    return invalid("", f"Additional property {min(unknown)} is not allowed") if unknown else None


def problem(status: int, title: str, detail: str) -> Answer:
    return json_answer({"title": title, "detail": detail, "status": status}, status)


def invalid(place: str, description: str) -> Answer:
    fields = [{"type": "invalid", "field": place, "description": description}]
    detail = f"- {place + ': ' if place else ''}{description}\n"
    document = {"detail": detail, "status": 422, "title": "Input validation failed", "invalid_fields": fields}
    return json_answer(document, 422)
