"""JSON documents around answers that are not JSON: sound, film, subtitles."""

import base64
from collections.abc import Mapping
from typing import Any

import orjson

_FORMATS = {
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/flac": "flac",
    "audio/x-flac": "flac",
    "audio/aac": "aac",
    "audio/opus": "opus",
    "audio/ogg": "opus",
    "audio/pcm": "pcm",
    "audio/l16": "pcm",
}


def sound_document(sound: bytes, media_type: str, asked_format: object) -> bytes:
    """`{"audio": {"data": base64, "format": "mp3"}}`. The media type tells the format, or else what was asked for."""
    fallback = asked_format if asked_format and isinstance(asked_format, str) else "mp3"
    return orjson.dumps({"audio": {"data": _base64(sound), "format": _FORMATS.get(media_type, fallback)}})


def film_document(document: Mapping[str, Any], film: bytes, media_type: str) -> bytes:
    """The finished job with its film as `data: [{"b64_json": base64, "mime_type": "video/mp4"}]`."""
    return orjson.dumps({**document, "data": [{"b64_json": _base64(film), "mime_type": media_type}]})


def text_document(text: bytes) -> bytes:
    """`{"text": ...}` around a transcript that was asked for as plain text or subtitles."""
    return orjson.dumps({"text": text.decode("utf-8", "replace")})


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
