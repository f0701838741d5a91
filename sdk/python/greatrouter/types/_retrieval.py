"""Embeddings, and documents ordered by relevance."""

from typing import Any, Literal

from greatrouter.types._answer import Answer


class Usage(Answer):
    prompt_tokens: int
    total_tokens: int
    search_units: int | None = None
    cost: float | None = None
    """US dollars."""


class Embedding(Answer):
    object: Literal["embedding"]
    index: int
    embedding: list[float] | str
    """A list, or base64 of little-endian float32 where `encoding_format` asks for it."""


class EmbeddingsAnswer(Answer):
    object: Literal["list"]
    data: list[Embedding]
    model: str
    provider: str
    usage: Usage
    charge_dollars: float | None = None


class RankedDocument(Answer):
    index: int
    relevance_score: float
    document: dict[str, Any] | None = None


class RerankAnswer(Answer):
    id: str
    model: str
    provider: str
    results: list[RankedDocument]
    usage: Usage
    meta: dict[str, Any] | None = None
    """Cohere's."""
