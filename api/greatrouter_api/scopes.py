"""What a key must be allowed for each kind of endpoint; having one of the scopes named is enough.

A key with `read` alone changes nothing and spends nothing.
"""

from greatrouter_accounts.keys import SCOPES, Caller
from greatrouter_api.errors import ApiError

Scopes = frozenset[str]

RUN: Scopes = frozenset({"inference"})
READ: Scopes = frozenset({"read"})
MANAGE: Scopes = frozenset({"admin"})
# What is decided and told without running or changing anything.
ASK: Scopes = frozenset({"inference", "read"})


def require(caller: Caller, any_of: Scopes) -> None:
    """Raises `ApiError` 403 where the caller's key has none of these scopes."""
    if any_of.isdisjoint(caller.scopes):
        required, granted = listed(any_of), listed(caller.scopes)
        raise ApiError(
            403,
            f"this needs a key with the scope {' or '.join(required)}; this one has {', '.join(granted)}: use another, "
            f"or make one with `greatrouter keys create --org NAME --scope {required[0]}`",
            code="scope_required",
            metadata={"required_scopes": required, "key_scopes": granted},
        )


def listed(scopes: Scopes) -> list[str]:
    """In the order in which they are documented."""
    return [scope for scope in SCOPES if scope in scopes]
