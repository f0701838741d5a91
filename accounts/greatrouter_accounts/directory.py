"""Organizations and their keys, in the database.

Every function takes a connection; for those that change something it must hold the write lock.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, text, update

from greatrouter_accounts.clock import now_text
from greatrouter_accounts.errors import InvalidName, KeyRejected, UnknownOrganization
from greatrouter_accounts.ids import uuid7
from greatrouter_accounts.keys import Caller
from greatrouter_accounts.schema import deployment, keys, organizations
from greatrouter_accounts.text import storable

LONGEST_NAME = 200
FIRST_PLAN = "free"


@dataclass(frozen=True, slots=True)
class KeyRow:
    id: str
    organization: str
    plan: str
    prefix: str
    test: bool
    created_at: str
    revoked_at: str | None


def agree(connection: Connection, name: str, value: str) -> bool:
    """Whether all processes that share the database have the same `value` under `name`; the first to come sets it."""
    once = text("INSERT INTO deployment (name, value) VALUES (:name, :value) ON CONFLICT (name) DO NOTHING")
    connection.execute(once, {"name": name, "value": value})
    return connection.scalar(select(deployment.c.value).where(deployment.c.name == name)) == value


def organization_id(connection: Connection, name: str) -> str:
    """Raises `UnknownOrganization`."""
    found = _find(connection, name)
    if found is None:
        raise UnknownOrganization(f"no organization is named {name!r}; `greatrouter keys list` shows them")
    return found


def ensure_organization(connection: Connection, name: str, plan: str | None) -> str:
    """The id of an organization, which is made where there is none of that name. Raises `InvalidName`."""
    found = _find(connection, name)
    if found is None:
        found = uuid7("org_")
        row = {"id": found, "name": _sane(name), "plan": plan or FIRST_PLAN, "created_at": now_text()}
        connection.execute(insert(organizations), row)
    elif plan is not None:
        connection.execute(update(organizations).where(organizations.c.id == found).values(plan=plan))
    return found


def payer(connection: Connection, name: str) -> str:
    """The id of the organization of that id or name. What was paid must not be lost, so one that is unknown is made.
    Raises `InvalidName`."""
    known = connection.scalar(select(organizations.c.id).where(organizations.c.id == storable(name)))
    return known or ensure_organization(connection, name, None)


def add_key(connection: Connection, owner_id: str, digest: bytes, prefix: str, *, test: bool) -> None:
    row = {
        "id": uuid7("key_"),
        "organization_id": owner_id,
        "digest": digest,
        "prefix": prefix,
        "test": test,
        "created_at": now_text(),
    }
    connection.execute(insert(keys), row)


def list_keys(connection: Connection) -> list[KeyRow]:
    """All keys, the oldest first."""
    columns = (keys.c.prefix, keys.c.test, keys.c.created_at, keys.c.revoked_at)
    query = select(keys.c.id, organizations.c.name, organizations.c.plan, *columns)
    return [KeyRow(*row) for row in connection.execute(query.join(organizations).order_by(keys.c.id))]


def revoke(connection: Connection, name: str) -> int:
    """Revokes every key whose id or shown prefix is `name`; how many there were."""
    named = (keys.c.prefix == name) | (keys.c.id == name)
    return connection.execute(
        update(keys).where(named, keys.c.revoked_at.is_(None)).values(revoked_at=now_text())
    ).rowcount


def caller(connection: Connection, digest: bytes) -> Caller:
    """Who holds the key of this digest. Raises `KeyRejected`."""
    columns = (organizations.c.id, organizations.c.name, keys.c.id, organizations.c.plan, keys.c.test)
    query = select(keys.c.revoked_at, *columns).join(organizations).where(keys.c.digest == digest)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise KeyRejected("this API key is not known here; make one with `greatrouter keys create --org NAME`")
    revoked_at, *fields = row
    if revoked_at is not None:
        raise KeyRejected("this API key was revoked; make a new one with `greatrouter keys create --org NAME`")
    return Caller(*fields)


def prefix(connection: Connection, key_id: str) -> str:
    """The part of a key that may be shown; empty where there is no such key."""
    return connection.scalar(select(keys.c.prefix).where(keys.c.id == key_id)) or ""


def _find(connection: Connection, name: str) -> str | None:
    return connection.scalar(select(organizations.c.id).where(organizations.c.name == storable(name)))


def _sane(name: str) -> str:
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise InvalidName(f"no organization can be named {name!r}; expected 1 to {LONGEST_NAME} printable characters")
    return name
