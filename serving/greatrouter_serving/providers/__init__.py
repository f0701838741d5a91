"""The ways to reach models that run elsewhere, each a `Provider`."""
