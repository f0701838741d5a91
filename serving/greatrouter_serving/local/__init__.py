"""Rerank and embeddings served by this process."""
