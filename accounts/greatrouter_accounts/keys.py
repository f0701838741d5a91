"""API keys: what they look like, how they are kept and how they are checked."""

import hashlib
import json
import math
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from greatrouter_accounts.budgets import UNBOUNDED, Allowance
from greatrouter_accounts.clock import moment_text
from greatrouter_accounts.errors import InvalidAmount, InvalidKey
from greatrouter_accounts.limits import NO_LIMITS, Limits
from greatrouter_accounts.money import LARGEST_CENTS, cents
from greatrouter_accounts.operations import Run

ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # no l, o, 0 or 1, which are misread
SHAPE = re.compile(r"(pk_(?:live|test)_[A-Za-z0-9]{9}_[0-9a-f]{32}|gr-[A-Za-z0-9_-]{20,200})")
SHOWN = len("pk_live_") + 9
# inference: run models; read: see the account, its logs and its preferences; admin: change them.
SCOPES = ("inference", "read", "admin")
ALL_SCOPES = frozenset(SCOPES)
# What a key may be limited in by itself: the fields of `Limits`.
LIMITS = ("requests_per_minute", "tokens_per_minute", "concurrent_requests")
LARGEST_LIMIT = 1e12


@dataclass(frozen=True, slots=True)
class Caller:
    """The organization behind a key. A test key never reaches a paid provider and is never charged.

    `scopes` is what the key may do; `limits` are its own, beside its plan's, and `budgets` what it may spend by itself.
    `run` is the run that the caller's request is, where it may be sent again (`idempotency.py`).
    """

    organization_id: str
    organization: str
    key_id: str
    plan: str
    test: bool
    scopes: frozenset[str] = ALL_SCOPES
    limits: Limits = NO_LIMITS
    run: Run | None = None
    budgets: Allowance = UNBOUNDED


def generate(*, test: bool, gr: bool = False) -> str:
    """A new key: nine characters that name it and 128 random bits that prove it; or one that begins with `gr-`."""
    if gr:
        return f"gr-{secrets.token_hex(20)}"
    name = "".join(secrets.choice(ALPHABET) for _ in range(9))
    return f"pk_{'test' if test else 'live'}_{name}_{secrets.token_hex(16)}"


def digest(key: str, secret: bytes) -> bytes:
    """What is stored instead of the key.

    A fast keyed hash is right here: the key has 128 random bits, so there is no password to guess and a slow hash would
    only slow down every request (0.6 us against 50 ms); the server's secret makes a stolen table useless by itself.

    Digests may be looked up in a dictionary or an index, whose comparisons stop at the first byte that differs: whoever
    measures that learns how far the digest of a guess agrees with one of ours, but without the secret can neither tell
    what that digest is nor make a guess whose digest agrees further. Keys themselves are never compared.
    """
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), key=secret, digest_size=32).digest()


def shown(key: str) -> str:
    """The part of a key, or of what was given for one, that may be listed and logged."""
    return key[:SHOWN] if key.startswith("pk_") else key[:12]


def well_formed(key: str) -> bool:
    return SHAPE.fullmatch(key) is not None


def scopes_text(scopes: Collection[str]) -> str:
    """As the table has them, each once and in their order. Raises `InvalidKey`."""
    if unknown := sorted(set(scopes) - ALL_SCOPES):
        raise InvalidKey(f"no scope is called {', '.join(map(repr, unknown))}; allowed: {', '.join(SCOPES)}")
    if not scopes:
        raise InvalidKey(f"a key without a scope can do nothing; allowed: {', '.join(SCOPES)}")
    return " ".join(scope for scope in SCOPES if scope in scopes)


def expiry_text(expires_at: datetime | None) -> str | None:
    """As the table has it. Raises `InvalidKey`."""
    if expires_at is None:
        return None
    if expires_at <= datetime.now(UTC):
        raise InvalidKey(f"the key would have expired already at {moment_text(expires_at)}; expected a moment to come")
    try:
        return moment_text(expires_at)
    except OverflowError:
        raise InvalidKey(f"{expires_at} is too far ahead; leave the end out for a key without one") from None


def limits_text(limits: Mapping[str, float] | None) -> str | None:
    """As the table has them. Raises `InvalidKey`."""
    if not limits:
        return None
    for name, value in limits.items():
        if name not in LIMITS:
            raise InvalidKey(f"no key can be limited in {name!r}; allowed: {', '.join(LIMITS)}")
        if not (math.isfinite(value) and 0 < value <= LARGEST_LIMIT):
            raise InvalidKey(f"{name}: {value!r} is out of range; expected more than 0, at most {LARGEST_LIMIT:.0e}")
    return json.dumps({name: limits[name] for name in LIMITS if name in limits})


def limits_of(text: str | None) -> Limits:
    """Of what the table has."""
    if text is None:
        return NO_LIMITS
    found = json.loads(text)
    return Limits(*(found.get(name) for name in LIMITS))


def budget_columns(budgets: Allowance, *, test: bool) -> dict[str, Decimal | None]:
    """As the table has them. Raises `InvalidKey`."""
    if test and budgets.any:
        raise InvalidKey("a test key costs nothing, so it has no use for a budget; leave it out")
    columns = {"daily_budget_cents": budgets.daily_cents, "monthly_budget_cents": budgets.monthly_cents}
    return {name: None if amount is None else _budget(name, amount) for name, amount in columns.items()}


def _budget(name: str, amount: Decimal) -> Decimal:
    try:
        if amount >= 0:
            return cents(amount)
    except (ArithmeticError, InvalidAmount):  # comparing what is not a number is an error of its own
        pass
    raise InvalidKey(f"{name}: {amount} is out of range; expected 0 to {LARGEST_CENTS:f}")
