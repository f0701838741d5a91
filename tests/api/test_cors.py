"""Browsers: whose pages may call, and what they are told before they do."""

from pathlib import Path

from tests.api.conftest import running

PAGE = {"Origin": "https://tools.example"}
ASKS = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,idempotency-key"}


def test_only_pages_of_the_configured_origins_may_call(tmp_path: Path) -> None:
    with running(tmp_path, cors_origins=[PAGE["Origin"]]) as server:
        asked = server.client.options("/v1/auto/suggest", headers=PAGE | ASKS)
        assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (204, PAGE["Origin"])
        assert asked.headers["access-control-allow-headers"] == ASKS["Access-Control-Request-Headers"]
        for path, status in (("/v1/models/tags", 200), ("/v1/auto/route", 405), ("/nowhere", 404)):
            answer = server.client.get(path, headers=PAGE)
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, PAGE["Origin"])
        other = server.client.options("/v1/models", headers={"Origin": "https://evil.example"} | ASKS)
        assert "access-control-allow-origin" not in server.client.get("/healthz").headers | other.headers
        assert other.headers["vary"] == "origin"
