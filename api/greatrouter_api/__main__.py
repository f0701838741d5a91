"""`python -m greatrouter_api` is `greatrouter`."""

from greatrouter_api.cli import app

app()
