"""Limits as callers see them in headers: OpenAI's `x-ratelimit-*`, and the `RateLimit` fields of
draft-ietf-httpapi-ratelimit-headers."""

import math
from collections.abc import Iterable

from greatrouter_accounts.errors import RateLimited
from greatrouter_accounts.gate import Ticket
from greatrouter_accounts.limits import WINDOW_S, Standing, Taken


def of_admitted(ticket: Ticket, standing: Taken) -> list[tuple[bytes, bytes]]:
    """Of every answer to a request that was let in. Where key and organization are limited, whoever has less left."""
    found = _headers({"requests": _tightest(standing.requests), "tokens": _tightest(ticket.tokens())})
    return [(name.encode(), value.encode()) for name, value in found.items()]


def of_refused(error: RateLimited) -> dict[str, str]:
    """Of the limit that a request was over."""
    found = _headers({error.kind: error.standing})
    return found | {"x-should-retry": "false"} if math.isinf(error.wait_s) else found


def _headers(standings: dict[str, Standing | None]) -> dict[str, str]:
    found, policies, limits = {}, [], []
    for kind, standing in standings.items():
        if standing is None:
            continue
        limit, left = int(standing.limit), int(standing.left)
        found[f"x-ratelimit-limit-{kind}"] = str(limit)
        found[f"x-ratelimit-remaining-{kind}"] = str(left)
        found[f"x-ratelimit-reset-{kind}"] = _span(standing.reset_s)
        policies.append(f'"{kind}";q={limit};w={WINDOW_S}')
        limits.append(f'"{kind}";r={left};t={standing.reset_s}')
    if limits:
        found |= {"ratelimit-policy": ", ".join(policies), "ratelimit": ", ".join(limits)}
    return found


def _tightest(standings: Iterable[Standing | None]) -> Standing | None:
    return min((each for each in standings if each is not None), key=lambda each: each.left, default=None)


def _span(seconds: int) -> str:
    """As OpenAI writes it.

    >>> _span(0), _span(61)
    ('0s', '1m1s')
    """
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
