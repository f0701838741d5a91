"""Embeddings and rerank in OpenAI's and Cohere's shapes, for the models served here."""

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from greatrouter_serving.call import Usage
from greatrouter_serving.local.engine import Embedded, Reranked


def embeddings(model: str, provider: str, embedded: Embedded, encoding_format: str = "float") -> dict[str, Any]:
    """OpenAI's answer; `base64` is little-endian float32."""
    return {
        "object": "list",
        "data": [
            {
                "object": "embedding",
                "index": i,
                "embedding": _encoded(vector) if encoding_format == "base64" else vector,
            }
            for i, vector in enumerate(np.ascontiguousarray(embedded.vectors, dtype="<f4"))
        ],
        "model": model,
        "provider": provider,
        "usage": {"prompt_tokens": embedded.prompt_tokens, "total_tokens": embedded.prompt_tokens},
    }


def rerank(
    request_id: str,
    model: str,
    provider: str,
    reranked: Reranked,
    documents: Sequence[str],
    top_n: int | None,
    *,
    texts: bool,
) -> dict[str, Any]:
    """Cohere's answer: best first, ties by index. `texts` returns the documents with their scores."""
    order = sorted(range(len(documents)), key=lambda i: (-reranked.scores[i], i))[:top_n]
    units = -(-len(documents) // 100)
    return {
        "id": request_id,
        "model": model,
        "provider": provider,
        "results": [
            {"index": i, "relevance_score": reranked.scores[i]}
            | ({"document": {"text": documents[i]}} if texts else {})
            for i in order
        ],
        "usage": rerank_usage(Usage(prompt_tokens=reranked.prompt_tokens), len(documents)),
        "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": units}},
    }


def rerank_usage(usage: Usage, documents: int) -> dict[str, Any]:
    """Tokens, and Cohere's search units: one query with up to 100 documents each."""
    tokens = usage.prompt_tokens
    return {"prompt_tokens": tokens, "total_tokens": tokens, "search_units": usage.searches or -(-documents // 100)}


def dumps(answer: object) -> bytes:
    """Compact JSON; NumPy vectors included. Lone surrogates in a caller's text become replacement characters."""
    try:
        return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    except orjson.JSONEncodeError:
        return orjson.dumps(_clean(answer), option=orjson.OPT_SERIALIZE_NUMPY)


def _encoded(vector: NDArray[np.float32]) -> str:
    return base64.b64encode(vector.tobytes()).decode()


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return [_clean(item) for item in value] if isinstance(value, list | tuple) else value
