"""API keys: what they look like, how they are kept and how they are checked."""

import hashlib
import re
import secrets
from dataclasses import dataclass

ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # no l, o, 0 or 1, which are misread
SHAPE = re.compile(r"(pk_(?:live|test)_[A-Za-z0-9]{9}_[0-9a-f]{32}|gr-[A-Za-z0-9_-]{20,200})")
SHOWN = len("pk_live_") + 9


@dataclass(frozen=True, slots=True)
class Caller:
    """The organization behind a key. A test key never reaches a paid provider and is never charged."""

    organization_id: str
    organization: str
    key_id: str
    plan: str
    test: bool


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
    """
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), key=secret, digest_size=32).digest()


def shown(key: str) -> str:
    """The part of a key that may be listed and logged."""
    return key[:SHOWN] if key.startswith("pk_") else key[:12]


def well_formed(key: str) -> bool:
    return SHAPE.fullmatch(key) is not None
