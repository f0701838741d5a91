"""What a Gemini answer found on the web: its sources as OpenAI's annotations, and how many searches it took."""

from typing import Any

from greatrouter_serving.providers.gemini_config import version_of
from greatrouter_serving.providers.gemini_contents import objects

# A page of text cites a dozen sources. Each citation is found in the text, so their number bounds that work.
_MAX_ANNOTATIONS = 200


def annotations_of(grounding: object, text: str) -> list[dict[str, Any]]:
    """A `url_citation` for each source of each supported passage; sources without a passage span nothing."""
    if not isinstance(grounding, dict):
        return []
    pages = [_page(chunk) for chunk in _list(grounding, "groundingChunks")]
    found: list[dict[str, Any]] = []
    encoded = text.encode("utf-8", "replace")
    for support in objects(grounding.get("groundingSupports")):
        span = _span(support.get("segment"), text, encoded)
        for index in _list(support, "groundingChunkIndices"):
            page = pages[index] if type(index) is int and 0 <= index < len(pages) else None
            if page:
                found.append(_citation(page, *span))
        if len(found) >= _MAX_ANNOTATIONS:
            return found[:_MAX_ANNOTATIONS]
    return found or [_citation(page, 0, 0) for page in pages[:_MAX_ANNOTATIONS] if page]


def searches_of(grounding: object, model: str) -> int:
    """As Google bills them: from the third generation on each query, before it each answer that searched."""
    queries = len(_list(grounding, "webSearchQueries")) if isinstance(grounding, dict) else 0
    return queries if (version_of(model) or 0) >= 3 else min(queries, 1)


def _span(segment: object, text: str, encoded: bytes) -> tuple[int, int]:
    """Gemini counts bytes, and within one part of the answer; where that misses the passage, it is searched for."""
    if not isinstance(segment, dict):
        return 0, 0
    start, end, passage = segment.get("startIndex", 0), segment.get("endIndex", 0), segment.get("text")
    if type(start) is int and type(end) is int and 0 <= start <= end <= len(encoded):
        before, inside = encoded[:start].decode("utf-8", "ignore"), encoded[start:end].decode("utf-8", "ignore")
        if inside == passage or not isinstance(passage, str):
            return len(before), len(before) + len(inside)
    place = text.find(passage) if isinstance(passage, str) and passage else -1
    return (place, place + len(str(passage))) if place >= 0 else (0, 0)


def _page(chunk: object) -> dict[str, str] | None:
    page = chunk.get("web") or chunk.get("retrievedContext") or chunk.get("maps") if isinstance(chunk, dict) else None
    if not isinstance(page, dict) or not isinstance(page.get("uri"), str):
        return None
    return {"url": page["uri"], "title": str(page.get("title") or "")}


def _citation(page: dict[str, str], start: int, end: int) -> dict[str, Any]:
    return {"type": "url_citation", "url_citation": {"start_index": start, "end_index": end, **page}}


def _list(fields: dict[str, Any], name: str) -> list[Any]:
    value = fields.get(name)
    return value if isinstance(value, list) else []
