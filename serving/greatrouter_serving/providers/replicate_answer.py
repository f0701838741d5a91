"""What an ended prediction is to the caller: files in the envelope of the task, or the error that it ended with."""

import re
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

import orjson
from yarl import URL

from greatrouter_serving.call import Call, Reply, Usage
from greatrouter_serving.errors import UpstreamFailed, UpstreamRejected
from greatrouter_serving.providers.faults import malformed, redacted, words_in
from greatrouter_serving.providers.payload import MUSIC, SPEECH, VIDEO, Endpoint
from greatrouter_serving.providers.usage import MAX_IMAGES, usage_of

# E005 is Replicate's code for what its filters caught, E006 for input that the model refused.
_BLAMES_THE_INPUT = re.compile(
    r"\bNSFW\b|\(E00[56]\)|flagged as sensitive|content[ _]policy|moderat(?:ion|ed)|safety (?:filter|check|system)"
    r"|input validation failed|invalid input",
    re.I,
)
_REFUSED = 422
# Where an output is an object, its main file goes by one of these names; beside it may stand a thumbnail or a log.
_MAIN = ("url", "output", "image", "images", "video", "videos", "audio")
_MAX_DEPTH = 4
_FORMATS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "x-flac": "flac"}


def reply_of(
    name: str,
    endpoint: Endpoint,
    call: Call,
    sent: Mapping[str, Any],
    prediction: Mapping[str, Any],
    secret: str | None,
) -> Reply:
    """`sent` is the model's input. Raises UpstreamFailed, or UpstreamRejected where it failed for that input."""
    if prediction["status"] != "succeeded":
        raise _failure(name, prediction, secret)
    files = files_in(prediction.get("output"))[:MAX_IMAGES]
    if not files:
        raise malformed(name, "a prediction that succeeded without a file")
    metrics = prediction.get("metrics")
    usage = _usage(endpoint, call, sent, files, metrics if isinstance(metrics, dict) else {})
    document: dict[str, Any] = {"id": prediction["id"], "created": _moment(prediction.get("created_at"))}
    document["data"] = [_file(endpoint, file) for file in files]
    if endpoint is VIDEO:
        document |= {"object": "video", "status": "completed", "created_at": document["created"]}
        if usage.seconds:
            document["seconds"] = str(usage.seconds)
    elif endpoint in (SPEECH, MUSIC):
        document["audio"] = _sound(files[0])
    return Reply(orjson.dumps(document), usage)


def files_in(output: object, depth: int = 0) -> list[str]:
    """Every web address and data URL of a model's output, in order: a string, a list, or an object that holds them."""
    if isinstance(output, str):
        return [output] if output.startswith(("https://", "http://", "data:")) else []
    if depth == _MAX_DEPTH:
        return []
    if isinstance(output, dict):
        output = [output[name] for name in _MAIN if output.get(name)] or list(output.values())
    if isinstance(output, list):
        return [file for item in output for file in files_in(item, depth + 1)]
    return []


def _failure(name: str, prediction: Mapping[str, Any], secret: str | None) -> UpstreamFailed | UpstreamRejected:
    words = redacted(words_in(prediction.get("error")), secret)
    if prediction["status"] == "failed" and _BLAMES_THE_INPUT.search(words):
        return UpstreamRejected(words, _REFUSED)
    return UpstreamFailed(f"{name}'s prediction ended as {prediction['status']}" + (f": {words}" if words else ""))


def _usage(
    endpoint: Endpoint, call: Call, sent: Mapping[str, Any], files: list[str], metrics: Mapping[str, Any]
) -> Usage:
    """The units of Replicate's own metrics, where it names them, else of what was asked for.

    Its `predict_time` is how long the hardware ran, which is not how long a film lasts.
    """
    kind = "video" if endpoint is VIDEO else "audio"
    counted = {
        "data": files,
        "seconds": metrics.get(f"{kind}_output_duration_seconds") or sent.get("duration"),
        "usage": {
            "prompt_tokens": metrics.get("token_input_count"),
            "completion_tokens": metrics.get("token_output_count"),
        },
    }
    # Music is billed by its length, as films are.
    return usage_of(VIDEO if endpoint is MUSIC else endpoint, call, counted)


def _file(endpoint: Endpoint, file: str) -> dict[str, str]:
    if not file.startswith("data:"):
        return {"url": file}
    media_type, data = _opened(file)
    return {"b64_json": data, "mime_type": media_type} if endpoint is VIDEO else {"b64_json": data}


def _sound(file: str) -> dict[str, str]:
    if file.startswith("data:"):
        media_type, data = _opened(file)
        subtype = media_type.partition("/")[2]
        return {"data": data, "format": _FORMATS.get(subtype, subtype or "mp3")}
    return {"url": file, "format": PurePosixPath(_path(file)).suffix[1:].lower() or "mp3"}


def _opened(data_url: str) -> tuple[str, str]:
    """Media type and base64 of a data URL."""
    head, _, data = data_url.partition(",")
    return head.removeprefix("data:").partition(";")[0], data


def _path(address: str) -> str:
    try:
        return URL(address).path
    except ValueError:
        return ""


def _moment(value: object) -> int:
    """Unix time of when the prediction was made; now, where it does not say."""
    try:
        return int(datetime.fromisoformat(value).timestamp()) if isinstance(value, str) else int(time.time())
    except (ValueError, OverflowError):
        return int(time.time())
