"""The names the server knows. Answers may hold newer ones."""

from typing import Literal

Task = Literal["text", "image", "video", "music", "speech", "code", "web_search", "rerank", "embeddings"]
Optimization = Literal["price-optimized", "balanced", "output-optimized"]
ContentMode = Literal["generate", "edit", "combine"]
Decision = Literal["hint", "input", "regex", "knn", "session", "default"]
ComplexityTier = Literal["SIMPLE", "MEDIUM", "COMPLEX", "REASONING"]
PriceTier = Literal["economy", "standard", "balanced", "premium", "flagship"]
