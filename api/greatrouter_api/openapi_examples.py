"""One request for each endpoint that takes one, as the OpenAPI document shows it. A test sends them."""

from collections.abc import Mapping
from typing import Any

EXAMPLES: Mapping[str, Any] = {
    "/v1/auto/route": {
        "prompt": "What is the capital of France?",
        "input": {"messages": [{"role": "user", "content": "What is the capital of France?"}]},
        "optimization": "balanced",
    },
    "/v1/auto/suggest": {"prompt": "Draw a lighthouse at dusk", "optimization": "price-optimized", "limit": 3},
    "/v1/auto/feedback": {
        "prompt": "Draw a lighthouse at dusk",
        "classified_task": "text",
        "correct": False,
        "confidence": 0.6,
        "suggested_task": "image",
    },
    "/v1/chat/completions": {"model": "router", "messages": [{"role": "user", "content": "Write a haiku about rain"}]},
    "/v1/embeddings": {"model": "router", "input": ["a lighthouse", "a storm at sea"], "encoding_format": "float"},
    "/v1/rerank": {
        "model": "router",
        "query": "What keeps ships off the rocks?",
        "documents": ["A lighthouse warns ships at night.", "Bread is baked from flour."],
        "top_n": 1,
    },
    "/v2/rerank": {
        "model": "router",
        "query": "What keeps ships off the rocks?",
        "documents": ["A lighthouse warns ships at night.", "Bread is baked from flour."],
    },
    "/v1/models/route": {
        "query": "text_generation",
        "input": {"messages": [{"role": "user", "content": "What is the capital of France?"}]},
        "filter": {"capabilities": ["text_generation"]},
    },
    "/v1/models/price-comparison": {"prompt": "Write a short poem", "task": "text", "optimization": "balanced"},
    "/v1/models/recommend": {"prompt": "Summarize long contracts", "limit": 3},
    "/v1/models/query": {"text": "llama", "capabilities": ["vision"], "limit": 5},
}
