"""Embeddings: OpenAI's request as Gemini's `batchEmbedContents`, and its vectors as OpenAI's list."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from greatrouter_serving.call import Call
from greatrouter_serving.errors import InvalidInput
from greatrouter_serving.providers.faults import malformed
from greatrouter_serving.providers.gemini_answer import usage_of_metadata
from greatrouter_serving.providers.tokens import estimate_tokens

# What Gemini takes in one request.
MAX_BATCH = 100
_UNIT_TOLERANCE = 1e-3


def texts_of(call: Call) -> list[str]:
    """Raises InvalidInput for token ids, which are another tokenizer's, and for empty texts."""
    given = call.input.get("input")
    texts = call.prompt if given is None else given
    if isinstance(texts, str):
        texts = [texts]
    if not isinstance(texts, list) or not texts:
        raise InvalidInput("input must be a string or a non-empty list of strings", "input")
    if not all(isinstance(text, str) for text in texts):
        raise InvalidInput("input needs strings: this model takes no token ids, only text", "input")
    if not all(texts):
        raise InvalidInput("input holds an empty string: each text needs at least one character", "input")
    return texts


def batches_of(model: str, texts: Sequence[str], fields: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The requests, in order. `model` with its prefix (`models/gemini-embedding-001`)."""
    options: dict[str, Any] = {}
    if fields.get("dimensions") is not None:
        options["outputDimensionality"] = fields["dimensions"]
    for name in ("taskType", "task_type"):
        if isinstance(fields.get(name), str):
            options["taskType"] = fields[name]
    for start in range(0, len(texts), MAX_BATCH):
        batch = texts[start : start + MAX_BATCH]
        yield {"requests": [{"model": model, "content": {"parts": [{"text": text}]}, **options} for text in batch]}


def vectors_of(name: str, document: Mapping[str, Any], count: int) -> list[list[float]]:
    """Raises UpstreamFailed where there is not one vector of numbers for each text."""
    rows = document.get("embeddings")
    if not isinstance(rows, list) or len(rows) != count:
        raise malformed(name, f"embeddings is not a list of {count}, one for each input")
    return [_vector(name, row) for row in rows]


def embeddings_document(
    name: str, model: str, call: Call, texts: Sequence[str], answers: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """OpenAI's list, in the order of the texts.

    Shortened vectors are brought to length 1, as OpenAI's are: Gemini leaves that to the caller. Older models count no
    tokens; then they are estimated.
    """
    vectors: list[list[float]] = []
    tokens = 0
    for answer in answers:
        count = min(MAX_BATCH, len(texts) - len(vectors))
        vectors += vectors_of(name, answer, count)
        tokens += usage_of_metadata(answer.get("usageMetadata")).prompt_tokens
    if call.input.get("dimensions") is not None:
        vectors = [_unit(vector) for vector in vectors]
    tokens = tokens or sum(map(estimate_tokens, texts))
    data = [{"object": "embedding", "index": place, "embedding": vector} for place, vector in enumerate(vectors)]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": model, "usage": usage}


def _vector(name: str, row: object) -> list[float]:
    vector = row.get("values") if isinstance(row, dict) else None
    # By their types, 15 ns a number: vectors are long.
    if not isinstance(vector, list) or not vector or not set(map(type, vector)) <= {int, float}:
        raise malformed(name, "an embedding is not a list of numbers")
    return vector


def _unit(vector: list[float]) -> list[float]:
    length = math.hypot(*vector)
    # Beyond the largest float there is no direction left.
    if length == 0 or not math.isfinite(length) or abs(length - 1) < _UNIT_TOLERANCE:
        return vector
    return [value / length for value in vector]
