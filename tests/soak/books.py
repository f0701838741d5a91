"""The books as they are on disk, beside what callers were told."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path

from sqlalchemy import func, select

from greatrouter_accounts import audit, chart, schema
from greatrouter_accounts.store import open_store
from tests.soak.clients import Request

Charges = Mapping[str, list[Decimal]]


class Books:
    """Reads them as they are: what the dead had set aside stays where it is."""

    def __init__(self, database: Path | str) -> None:
        self._store = open_store(database)

    def close(self) -> None:
        self._store.close()

    def problems(self) -> list[str]:
        """As `greatrouter accounts verify` finds them."""
        with self._store.read() as connection:
            return audit.problems(connection)

    def held(self) -> Decimal:
        kept = schema.balances
        query = select(func.sum(kept.c.amount_cents)).where(kept.c.account.startswith("held:"))
        with self._store.read() as connection:
            return connection.scalar(query) or Decimal(0)

    def wallet(self, organization: str) -> Decimal:
        """By name."""
        kept, named = schema.balances, schema.organizations
        query = select(kept.c.amount_cents).join(named, kept.c.account == "wallet:" + named.c.id)
        with self._store.read() as connection:
            return connection.scalar(query.where(named.c.name == organization)) or Decimal(0)

    def charges(self) -> Charges:
        """The cents of every charge that was not given back, by request."""
        entries = schema.ledger
        query = select(entries.c.request_id, entries.c.amount_cents).where(entries.c.account == chart.REVENUE)
        found = defaultdict(list)
        with self._store.read() as connection:
            for request_id, amount in connection.execute(query.order_by(entries.c.sequence)):
                if amount < 0:
                    found[request_id].remove(-amount)
                else:
                    found[request_id].append(amount)
        return found


def disagreements(requests: Iterable[Request], charges: Charges, produced: Mapping[str, int]) -> list[str]:
    """One line a request that was charged other than it may be; `produced` are the tokens that left the provider."""
    found = []
    for request in requests:
        charged = charges.get(request.name, [])
        if not _right(request, charged, produced.get(request.name, 0)):
            found.append(f"{request}, {produced.get(request.name)} produced, charged {charged}")
    return found


def _right(request: Request, charged: list[Decimal], produced: int) -> bool:
    """What was told is what is booked, once. Whoever was told nothing is charged nothing, or the whole price of what
    was whole when the server died between the commit and the last byte of the answer; and a caller who hung up for the
    tokens that left the provider until then."""
    if request.told is not None:
        return charged == [request.told] and _whole(request, request.told)
    if request.status:
        return charged == []
    if request.kind == "leave":
        return len(charged) <= 1 and sum(charged) <= request.price(produced)
    delivered = request.kind == "embeddings" or produced == request.tokens
    return charged == [] or (delivered and len(charged) == 1 and _whole(request, charged[0]))


def _whole(request: Request, charged: Decimal) -> bool:
    return request.least <= charged <= request.price(request.tokens)
