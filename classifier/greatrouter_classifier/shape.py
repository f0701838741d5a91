"""What the shape of `input` settles by itself, before a word of the prompt is read."""

from collections.abc import Mapping
from typing import Any

from greatrouter_classifier.classification import ContentMode, Task


def task_of(input_: Mapping[str, Any]) -> Task | None:
    """The task that only one shape of input has; None where several tasks take it.

    >>> task_of({"query": "q", "documents": ["a"]}), task_of({"messages": []})
    (<Task.RERANK: 'rerank'>, None)
    """
    if "documents" in input_ and ("query" in input_ or "messages" not in input_):
        return Task.RERANK
    if "messages" in input_ or "prompt" in input_:
        return None
    if "voice" in input_ or "file" in input_ or "audio" in input_:
        return Task.SPEECH
    texts = input_.get("input")
    if isinstance(texts, list) and texts and all(isinstance(text, str) for text in texts):
        return Task.EMBEDDINGS
    return None


def content_mode_of(input_: Mapping[str, Any]) -> ContentMode | None:
    """Edit where one picture or clip is handed over, combine where several are; None where none is."""
    given = input_.get("images") or input_.get("image") or input_.get("video")
    if not given:
        return None
    return ContentMode.COMBINE if isinstance(given, list) and len(given) > 1 else ContentMode.EDIT
