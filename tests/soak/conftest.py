"""A database of its own for each test that starts servers."""

from collections.abc import Iterator

import pytest

from tests import postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    with postgres.running() as server:
        yield server


@pytest.fixture
def url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Of an empty database of PostgreSQL; None for SQLite."""
    if request.param == "sqlite":
        yield None
        return
    server: postgres.Server = request.getfixturevalue("postgres_server")
    with server.database() as found:
        yield found
