"""Multipart bodies: image edits and transcriptions, whose files come to us as base64 inside JSON."""

import base64
import binascii
import io
from typing import Any

import aiohttp
import orjson

from greatrouter_serving.call import Call
from greatrouter_serving.errors import InvalidInput
from greatrouter_serving.providers.payload import IMAGE_EDITS, TRANSCRIPTION, Endpoint, images_in, sound_in, text_in

# First bytes → file extension and media type. Servers tell formats apart by the file's name.
_SIGNATURES = (
    (b"\x89PNG", "png", "image/png"),
    (b"\xff\xd8", "jpg", "image/jpeg"),
    (b"GIF8", "gif", "image/gif"),
    (b"OggS", "ogg", "audio/ogg"),
    (b"fLaC", "flac", "audio/flac"),
    (b"\x1aE\xdf\xa3", "webm", "audio/webm"),
    (b"ID3", "mp3", "audio/mpeg"),
    (b"\xff\xfb", "mp3", "audio/mpeg"),
    (b"\xff\xf3", "mp3", "audio/mpeg"),
)
_NOT_FIELDS = frozenset(
    {"image", "images", "image_url", "mask", "file", "audio", "input_audio", "messages", "input", "stream"}
)


def needs_form(endpoint: Endpoint, call: Call) -> bool:
    """Edits go as a form where every image is here in full; an image behind a URL only fits OpenAI's JSON form."""
    if endpoint is IMAGE_EDITS:
        return not any(source.startswith(("http://", "https://")) for source in images_in(call.input))
    return endpoint is TRANSCRIPTION


def form_body(endpoint: Endpoint, model: str, call: Call) -> aiohttp.FormData:
    """The request as multipart/form-data. Raises InvalidInput for a file that is not base64."""
    form = aiohttp.FormData()
    form.add_field("model", model)
    if endpoint is IMAGE_EDITS:
        sources = images_in(call.input)
        for source in sources:
            _add_file(form, "image" if len(sources) == 1 else "image[]", source)
        mask = text_in(call.input.get("mask"))
        if mask:
            _add_file(form, "mask", mask)
        form.add_field("prompt", str(call.input.get("prompt") or call.prompt))
    else:
        _add_file(form, "file", sound_in(call.input) or "")
        # Its prompt only biases spelling: the router's own would be heard as part of the recording.
        if call.input.get("prompt"):
            form.add_field("prompt", str(call.input["prompt"]))
    for name, value in call.input.items():
        if name not in _NOT_FIELDS and name not in {"model", "prompt"} and value is not None:
            _add_values(form, name, value)
    return form


def _add_values(form: aiohttp.FormData, name: str, value: Any) -> None:
    if isinstance(value, list):
        for item in value:
            form.add_field(f"{name}[]", _as_text(item))
    else:
        form.add_field(name, _as_text(value))


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _add_file(form: aiohttp.FormData, name: str, source: str) -> None:
    data = decode(name, source)
    extension, media_type = kind_of(data)
    filename = f"{name.removesuffix('[]')}.{extension}"
    form.add_field(name, io.BytesIO(data), filename=filename, content_type=media_type)


def decode(name: str, source: str) -> bytes:
    """The bytes of a data URL or of plain base64. A web address is refused: fetching it would open our network."""
    param = name.removesuffix("[]")
    if source.startswith(("http://", "https://")):
        words = f"{name} must be base64 or a data URL, not a web address: download it and send its bytes"
        raise InvalidInput(words, param)
    encoded = source.partition(",")[2] if source.startswith("data:") else source
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        words = f"{name} is not valid base64 ({error}): send the file's bytes in standard base64"
        raise InvalidInput(words, param) from error
    if not data:
        raise InvalidInput(f"{name} is empty: send the file's bytes in standard base64", param)
    return data


def kind_of(data: bytes) -> tuple[str, str]:
    """File extension and media type by the first bytes."""
    if data.startswith(b"RIFF"):
        return ("webp", "image/webp") if data[8:12] == b"WEBP" else ("wav", "audio/wav")
    if data[4:8] == b"ftyp":
        return "m4a", "audio/mp4"
    for signature, extension, media_type in _SIGNATURES:
        if data.startswith(signature):
            return extension, media_type
    return "bin", "application/octet-stream"
