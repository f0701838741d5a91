"""Replicate: images, films, music and speech as predictions, which are started, watched, and called off."""

import re
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import aiohttp
from yarl import URL

from greatrouter_serving.call import Call, Reply, Target
from greatrouter_serving.errors import UpstreamFailed, UpstreamRejected
from greatrouter_serving.providers.payload import (
    IMAGE_EDITS,
    IMAGES,
    MUSIC,
    SPEECH,
    VIDEO,
    Endpoint,
    as_url,
    endpoint_of,
    spoken_text,
    text_in,
    to_json,
)
from greatrouter_serving.providers.replicate_answer import reply_of
from greatrouter_serving.providers.replicate_prediction import Predictions

DEFAULT_BASE_URL = "https://api.replicate.com"
_VERSION_SEGMENT = re.compile(r"/v1$")
_MODEL = re.compile(r"(?P<owner>[\w-][\w.-]*)/(?P<name>[\w-][\w.-]*?)(?::(?P<version>[\w-]+))?")
_SERVED = (IMAGES, IMAGE_EDITS, VIDEO, MUSIC, SPEECH)
# These may be ready in seconds, so the request that starts them waits for them; the others take minutes.
_QUICK = (IMAGES, IMAGE_EDITS, SPEECH)
# Longer would leave a caller who goes away with a prediction whose id is not known yet.
_MAX_WAIT_S = 10
# What the chat surface hands on for every task, and what names the model here, is no input of a model.
_NOT_INPUT = frozenset({"model", "messages", "stream", "stream_options", "stream_format"})
# OpenAI's names for what Replicate's models call otherwise. Models ignore inputs that they do not know, so a model
# without the parameter is asked all the same. Only these: `size`, for one, means other things to other models.
_RENAMED = {"n": "num_outputs", "seconds": "duration"}
_FILES = ("image", "mask")
_UNKNOWN_VERSION = re.compile(r"version does not exist|not permitted", re.I)


class ReplicateProvider:
    """A `Provider` over Replicate.

    `Target.upstream_model` is `owner/name` for an official model, or `owner/name:version`. `base_url` is the host's,
    with or without `/v1`; None is Replicate itself, and no other host is ever asked. `grace_s` limits how long a
    prediction that nobody waits for any more may take to be called off.
    """

    def __init__(
        self,
        name: str,
        base_url: str | None,
        api_key: str | None,
        session: aiohttp.ClientSession,
        *,
        headers: Mapping[str, str] | None = None,
        poll_interval_s: float = 0.5,
        grace_s: float = 15.0,
    ) -> None:
        self.name = name
        self._secret = api_key
        self._base = URL(_VERSION_SEGMENT.sub("", (base_url or DEFAULT_BASE_URL).rstrip("/")) + "/v1")
        authorization = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        common = {**authorization, **(headers or {})}
        self._predictions = Predictions(name, self._base, session, common, api_key, poll_interval_s, grace_s)

    async def call(self, target: Target, call: Call, timeout_s: float) -> Reply:
        """Raises UpstreamFailed, UpstreamRejected, or InvalidInput where the input cannot be sent at all.

        The files are answered as addresses, as Replicate gives them: fetching them would open our network.
        """
        endpoint = endpoint_of(call)
        if endpoint not in _SERVED:
            raise UpstreamFailed(f"{self.name} has no {endpoint.operation}: kind replicate makes media, from prompts")
        sent = _input(endpoint, call)
        url, body = self._request(target.upstream_model, sent)
        wait_s = max(1, min(_MAX_WAIT_S, int(timeout_s / 2))) if endpoint in _QUICK else 0
        try:
            prediction = await self._predictions.run(url, to_json(body), timeout_s, wait_s)
        except UpstreamRejected as error:
            if _UNKNOWN_VERSION.search(str(error)):
                unknown = f"{self.name} does not know {target.upstream_model}: {error}"
                raise UpstreamFailed(unknown, error.status) from error
            raise
        return reply_of(self.name, endpoint, call, sent, prediction, self._secret)

    async def stream(self, target: Target, call: Call, timeout_s: float) -> AsyncGenerator[bytes, None]:
        """Raises UpstreamFailed: a prediction's files come all at once."""
        raise UpstreamFailed(f"{self.name} cannot stream {endpoint_of(call).operation}: kind replicate makes files")
        yield b""

    async def close(self) -> None:
        """Waits until what was being called off is."""
        await self._predictions.close()

    def _request(self, model: str, sent: Mapping[str, Any]) -> tuple[URL, dict[str, Any]]:
        found = _MODEL.fullmatch(model)
        if found is None:
            raise UpstreamFailed(f"{self.name} needs a model as owner/name or owner/name:version, not {model!r}")
        if found["version"]:
            return self._base / "predictions", {"version": found["version"], "input": sent}
        return self._base / "models" / found["owner"] / found["name"] / "predictions", {"input": sent}


def _input(endpoint: Endpoint, call: Call) -> dict[str, Any]:
    """The model's input: the caller's, with the prompt where it lacks one. A null is absent: models refuse it."""
    fields = {name: value for name, value in call.input.items() if name not in _NOT_INPUT and value is not None}
    for theirs, ours in _RENAMED.items():
        value = fields.pop(theirs, None)
        if value is not None:
            fields.setdefault(ours, int(value) if _is_digits(value) else value)
    for name in _FILES:
        source = text_in(fields.get(name))
        if source:
            fields[name] = as_url(source)
    # What speaks is asked for `text`; where it also takes a `prompt`, that says how.
    if endpoint is SPEECH:
        if not fields.get("text") and not fields.get("prompt"):
            fields["text"] = spoken_text(call)
            fields.pop("input", None)
    elif not fields.get("prompt"):
        fields["prompt"] = call.prompt
    return fields


def _is_digits(value: object) -> bool:
    """Sora's lengths are strings."""
    return isinstance(value, str) and value.isdecimal() and len(value) < 10
