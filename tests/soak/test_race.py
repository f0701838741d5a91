"""Two hundred requests at once for a wallet that covers fifty: exactly fifty are answered, however many processes there
are to ask."""

import asyncio
import shutil
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
import uvloop

from greatrouter_accounts.accounts import Accounts
from greatrouter_api.home import server_secret
from greatrouter_benchmarks.load import Connection, request_bytes
from tests.soak.books import Books
from tests.soak.deployment import Home, serving
from tests.soak.provider import Provider, wish

REQUESTS, COVERED = 200, 50
PRICE_CENTS, NOTHING = Decimal(1), Decimal(0)
# Long enough for all to be under way at once.
ANSWER_MS = 300


@pytest.mark.parametrize(
    ("url", "homes", "workers"),
    [
        pytest.param("sqlite", 1, 1, id="one process"),
        pytest.param("sqlite", 1, 4, id="four workers on SQLite", marks=pytest.mark.slow),
        pytest.param("postgres", 1, 4, id="four workers on PostgreSQL", marks=pytest.mark.slow),
        pytest.param("postgres", 4, 1, id="four servers on PostgreSQL", marks=pytest.mark.slow),
    ],
    indirect=["url"],
)
def test_a_wallet_is_never_spent_twice(tmp_path: Path, url: str | None, homes: int, workers: int) -> None:
    uvloop.run(_race([tmp_path / f"home-{number}" for number in range(homes)], url, workers))


async def _race(folders: Sequence[Path], url: str | None, workers: int) -> None:
    async with Provider().listening() as provider:
        homes = [Home(folder, provider.port, url, "price_per_request = 0.01") for folder in folders]
        key = _customer(homes)
        with serving(homes, workers) as ports:
            answers = await asyncio.gather(*(_ask(ports[i % len(ports)], key, i) for i in range(REQUESTS)))
            with closing(Books(homes[0].database)) as books:
                assert books.problems() == []
                assert [books.wallet("acme"), books.held()] == [NOTHING, NOTHING]
                charges = books.charges()
    odd = [said for _, status, said in answers if status not in (200, 402)]
    assert odd == []
    assert Counter(status for _, status, _ in answers) == {200: COVERED, 402: REQUESTS - COVERED}
    assert charges == {name: [PRICE_CENTS] for name, status, _ in answers if status == 200}


def _customer(homes: Sequence[Home]) -> str:
    """The key of one who can pay so many requests; all homes have the same secret."""
    first, *others = homes
    secret = first.folder / "secret"
    with closing(Accounts(first.database, server_secret(secret))) as accounts:
        key = accounts.create_key("acme")
        accounts.office.credit("acme", COVERED * PRICE_CENTS)
    for home in others:
        shutil.copy(secret, home.folder)
    return key


async def _ask(port: int, key: str, number: int) -> tuple[str, int, bytes]:
    """The request's name, the status of its answer, and what that says."""
    name = f"race-{number:03}"
    messages = [{"role": "user", "content": wish(name, 10, 1, ANSWER_MS)}]
    body = orjson.dumps({"model": "lab/small", "messages": messages})
    headers = [("Authorization", f"Bearer {key}"), ("X-Request-Id", name)]
    connection = Connection(port, keep=True)
    try:
        exchange = await connection.exchange(request_bytes("POST", "/v1/chat/completions", body, headers))
    finally:
        connection.close()
    return name, exchange.status, b"".join(piece for _, piece in exchange.pieces)
