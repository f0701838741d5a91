"""Cohere's rerank and embed endpoints, version 2, which check a request as the documentation says the real ones do.

Sources: docs.cohere.com/reference/{rerank,embed,errors}, and the types of Cohere's own client.
"""

import zlib
from collections.abc import Callable
from typing import Any

from tests.serving.fake_provider import Answer, Received, json_answer

KEY = "co-0123456789abcdef0123456789"
RERANK_FIELDS = {"model", "query", "documents", "top_n", "max_tokens_per_doc", "relevant_spans", "priority"}
EMBED_FIELDS = {
    "model",
    "input_type",
    "texts",
    "images",
    "inputs",
    "max_tokens",
    "output_dimension",
    "embedding_types",
    "truncate",
    "priority",
}
INPUT_TYPES = {"search_document", "search_query", "classification", "clustering", "image"}
MAX_TEXTS = 96
DOCUMENTS_A_SEARCH_UNIT = 100
ID = "6a3b1f0e-0000-4000-8000-77f6c4f4f9a1"
META = {"api_version": {"version": "2"}}


class Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def cohere_answer(request: Received) -> Answer:
    """For `Answer(reply=...)`."""
    endpoints: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {"/v2/rerank": _rerank, "/v2/embed": _embed}
    try:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise Refused(401, "invalid api token")
        if request.path not in endpoints:
            raise Refused(404, f"{request.path} not found, make sure the correct address was used")
        return json_answer({"id": ID, **endpoints[request.path](request.json())})
    except Refused as refused:
        return json_answer({"id": ID, "message": str(refused)}, refused.status)


def vector_of(text: str, dimensions: int) -> list[float]:
    return [(zlib.crc32(f"{place} {text}".encode()) % 1000 - 500) / 512 for place in range(dimensions)]


def _rerank(fields: dict[str, Any]) -> dict[str, Any]:
    _check_fields(fields, RERANK_FIELDS, "rerank")
    documents = fields.get("documents")
    if not isinstance(documents, list) or not documents:
        raise Refused(400, "invalid request: list of documents must not be empty")
    if not all(isinstance(document, str) for document in documents):
        raise Refused(400, "invalid type: each of documents must be a string")
    if not isinstance(fields.get("query"), str) or not fields["query"].strip():
        raise Refused(400, "invalid request: query must not be empty or be only whitespace")
    asked = set(fields["query"].split())
    scores = [len(asked & set(document.split())) / 10 for document in documents]
    best_first = sorted(range(len(documents)), key=lambda index: -scores[index])
    results = [{"index": index, "relevance_score": scores[index]} for index in best_first]
    units = -(-len(documents) // DOCUMENTS_A_SEARCH_UNIT)
    # Its counts are floats.
    return {"results": results[: fields.get("top_n")], "meta": {**META, "billed_units": {"search_units": float(units)}}}


def _embed(fields: dict[str, Any]) -> dict[str, Any]:
    _check_fields(fields, EMBED_FIELDS, "embed")
    texts = fields.get("texts")
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
        raise Refused(400, "invalid request: texts must be a list of strings, none of them empty")
    if len(texts) > MAX_TEXTS:
        raise Refused(
            400, f"invalid request: total number of texts must be at most {MAX_TEXTS} - received {len(texts)}"
        )
    if fields.get("input_type") not in INPUT_TYPES:
        raise Refused(400, "invalid request: valid input_type must be provided with the provided model")
    if fields.get("embedding_types") != ["float"]:
        raise Refused(400, "this fake makes floats alone: embedding_types must be ['float']")
    dimensions = fields.get("output_dimension", 4)
    if not isinstance(dimensions, int) or not 1 <= dimensions <= 1536:
        raise Refused(400, f"invalid request: {dimensions} is no output_dimension of the model")
    return {
        "embeddings": {"float": [vector_of(text, dimensions) for text in texts]},
        "texts": texts,
        "meta": {**META, "billed_units": {"input_tokens": float(sum(len(text.split()) for text in texts))}},
        "response_type": "embeddings_by_type",
    }


def _check_fields(fields: dict[str, Any], known: set[str], endpoint: str) -> None:
    for name in fields:
        if name not in known:
            raise Refused(422, f"unknown field: parameter '{name}' is not a valid field of {endpoint}")
    if not isinstance(fields.get("model"), str) or not fields["model"]:
        raise Refused(400, "invalid request: model is required")
    if fields["model"] == "gone":
        raise Refused(404, "model 'gone' not found, make sure the correct model ID was used")
