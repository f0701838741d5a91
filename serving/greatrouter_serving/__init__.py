"""Runs a request: on a model served by this process, or through a provider, with fallbacks."""
