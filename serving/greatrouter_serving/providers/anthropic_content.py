"""Parts of a message, from OpenAI's shape to Anthropic's content blocks."""

import base64
import binascii
from typing import Any

from greatrouter_serving.errors import InvalidInput

# Anthropic's own blocks, for callers who write them: they pass as they are.
_OWN_BLOCKS = frozenset(
    {"image", "document", "search_result", "thinking", "redacted_thinking", "tool_use", "tool_result"}
    | {"server_tool_use", "web_search_tool_result", "web_fetch_tool_result", "container_upload"}
)
_ALLOWED = "text, image_url, file, input_file"


def blocks_of(where: str, content: object) -> list[dict[str, Any]]:
    """The blocks of a message's content, the blank texts left out: Anthropic refuses them."""
    if content is None:
        return []
    if isinstance(content, str):
        content = [content]
    if not isinstance(content, list):
        raise InvalidInput(f"{where} must be a string or a list of parts", where)
    blocks = [_block(f"{where}[{place}]", part) for place, part in enumerate(content)]
    return [block for block in blocks if block["type"] != "text" or block["text"].strip()]


def _block(where: str, part: object) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if not isinstance(part, dict):
        raise InvalidInput(f"{where} must be an object with a type: {_ALLOWED}", where)
    kind = part.get("type")
    if kind in ("text", "input_text", "refusal"):
        words = part.get("refusal" if kind == "refusal" else "text")
        block: dict[str, Any] = {"type": "text", "text": _string(where, words)}
        if part.get("citations"):
            block["citations"] = part["citations"]
    elif kind in ("image_url", "input_image"):
        block = {"type": "image", "source": _image_source(where, part.get("image_url"))}
    elif kind in ("file", "input_file"):
        block = _document(where, part)
    elif isinstance(kind, str) and kind in _OWN_BLOCKS:
        return part
    else:
        words = f"{where} has type {kind!r}, which Anthropic's models do not read; expected {_ALLOWED}"
        raise InvalidInput(words, where)
    return {**block, "cache_control": part["cache_control"]} if part.get("cache_control") else block


def _image_source(where: str, given: object) -> dict[str, Any]:
    url = _string(where, given.get("url") if isinstance(given, dict) else given)
    if url.startswith(("http://", "https://")):
        return {"type": "url", "url": url}
    media_type, data = _embedded(where, url)
    return {"type": "base64", "media_type": media_type.replace("image/jpg", "image/jpeg"), "data": data}


def _document(where: str, part: dict[str, Any]) -> dict[str, Any]:
    """A PDF or a plain text: OpenAI's chat wraps the file's fields, its newer endpoint does not."""
    wrapped = part.get("file")
    file = wrapped if isinstance(wrapped, dict) else part
    block: dict[str, Any] = {"type": "document", "source": _document_source(where, file)}
    if isinstance(file.get("filename"), str) and file["filename"]:
        block["title"] = file["filename"]
    return block


def _document_source(where: str, file: dict[str, Any]) -> dict[str, Any]:
    if file.get("file_id"):
        return {"type": "file", "file_id": file["file_id"]}
    given = _string(where, file.get("file_data") or file.get("file_url"))
    if given.startswith(("http://", "https://")):
        return {"type": "url", "url": given}
    media_type, data = _embedded(where, given) if given.startswith("data:") else ("application/pdf", given)
    if media_type == "application/pdf":
        return {"type": "base64", "media_type": media_type, "data": data}
    if not media_type.startswith("text/"):
        words = f"{where} is a file of type {media_type}; expected application/pdf or text/plain"
        raise InvalidInput(words, where)
    try:
        text = base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        words = f"{where} is not a text in UTF-8 as base64; expected data:text/plain;base64,..."
        raise InvalidInput(words, where) from error
    return {"type": "text", "media_type": "text/plain", "data": text}


def _embedded(where: str, url: str) -> tuple[str, str]:
    """The media type and the base64 of a data URL."""
    head, comma, data = url.partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        raise InvalidInput(f"{where} must be an http(s) URL or a data URL: data:image/png;base64,...", where)
    return head[len("data:") : -len(";base64")].partition(";")[0], data


def _string(where: str, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"{where} lacks its text or URL; expected a string", where)
    return value
