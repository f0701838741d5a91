"""Organizations and their keys, in the database.

Every function takes a connection; for those that change something it must hold the write lock.
"""

import logging
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, or_, select, text, update

from greatrouter_accounts import chart
from greatrouter_accounts.budgets import Allowance
from greatrouter_accounts.clock import now_text
from greatrouter_accounts.errors import InvalidName, KeyRejected, UnknownOrganization
from greatrouter_accounts.ids import uuid7
from greatrouter_accounts.keys import Caller, limits_of
from greatrouter_accounts.limits import Limits
from greatrouter_accounts.schema import keys, organizations
from greatrouter_accounts.text import storable

log = logging.getLogger("greatrouter")

LONGEST_NAME = 200
# Another process may make the same one at the same moment; whoever comes second waits for it and takes that one.
ADD_ORGANIZATION = "INSERT INTO organizations (id, name, plan, created_at) VALUES (:id, :name, :plan, :created_at)"
ADD_ORGANIZATION += " ON CONFLICT (name) DO NOTHING"
ADD_BALANCE = "INSERT INTO balances (account, amount_cents) VALUES (:account, 0) ON CONFLICT (account) DO NOTHING"
FIRST_PLAN = "free"
ID_SHAPE = re.compile(r"(?:org|key|txn)_[0-9a-f]{32}", re.IGNORECASE)
# As keys are made (`keys.generate`); a name may well begin with "gr-" and go on in words.
HOLDS_KEY = re.compile(r"pk_(?:live|test)_[A-Za-z0-9]{9}_[0-9a-f]{32}|gr-[0-9a-f]{20}")
BUDGETS = (keys.c.daily_budget_cents, keys.c.monthly_budget_cents)


@dataclass(frozen=True, slots=True)
class KeyRow:
    id: str
    organization: str
    plan: str
    prefix: str
    test: bool
    created_at: str
    revoked_at: str | None
    scopes: str
    expires_at: str | None
    last_used_at: str | None
    limits: Limits
    budgets: Allowance


def organization_id(connection: Connection, name: str) -> str:
    """Raises `UnknownOrganization`."""
    found = _find(connection, name)
    if found is None:
        raise UnknownOrganization(f"no organization is named {name!r}; `greatrouter accounts show` lists them")
    return found


def ensure_organization(connection: Connection, name: str, plan: str | None) -> str:
    """The id of an organization, which is made where there is none of that name. Raises `InvalidName`."""
    found = _find(connection, name)
    if found is None:
        row = {"id": uuid7("org_"), "name": _sane(name), "plan": plan or FIRST_PLAN, "created_at": now_text()}
        connection.execute(text(ADD_ORGANIZATION), row)
        found = organization_id(connection, name)
        _add_balances(connection, found)
    elif plan is not None:
        connection.execute(update(organizations).where(organizations.c.id == found).values(plan=plan))
    return found


def _add_balances(connection: Connection, owner_id: str) -> None:
    """Every account that the organization's money moves through: PostgreSQL locks only rows that are there, and one
    that another process makes meanwhile would be locked too late, and out of turn."""
    own = (chart.wallet(owner_id), chart.held(owner_id), chart.owed(owner_id))
    for account in sorted((chart.CASH, chart.PROMOTIONS, *own)):
        connection.execute(text(ADD_BALANCE), {"account": account})


def payer(connection: Connection, name: str) -> str:
    """The id of the organization of that id or name. What was paid must not be lost, so one of an unknown name is made,
    and the log told. Raises `InvalidName`, and `UnknownOrganization` for an id that nobody has."""
    known = connection.scalar(select(organizations.c.id).where(organizations.c.id == storable(name)))
    known = known or _find(connection, name)
    if known is None and ID_SHAPE.fullmatch(name):
        raise UnknownOrganization(f"no organization has the id {name}; `tenant_id` in GET /v1/account is one's own")
    if known is None:
        known = ensure_organization(connection, name, None)
        alike = select(organizations.c.name).where(func.lower(organizations.c.name) == storable(name).lower())
        others = [other for other in connection.scalars(alike) if other != storable(name)]
        said = f"; its name differs from that of {', '.join(map(repr, others))} in capital letters alone" * bool(others)
        log.warning("an order is paid by an organization that was not known, %r: it is made%s", name, said)
    return known


def add_key(connection: Connection, owner_id: str, key: Mapping[str, Any]) -> None:
    """`key` has the columns digest, prefix, test, scopes, expires_at, limits and those of budgets."""
    row = {
        **key,
        "id": uuid7("key_"),
        "organization_id": owner_id,
        "created_at": now_text(),
    }
    connection.execute(insert(keys), row)
    if key["daily_budget_cents"] is not None or key["monthly_budget_cents"] is not None:
        connection.execute(text(ADD_BALANCE), {"account": chart.revenue(row["id"])})


def had_live_key(connection: Connection, owner_id: str) -> bool:
    """Whether a live key was ever made for an organization, revoked or not. Until the transaction ends nobody else
    makes one: a key that is made locks the row that is locked here."""
    connection.execute(select(organizations.c.id).where(organizations.c.id == owner_id).with_for_update())
    live = select(keys.c.id).where(keys.c.organization_id == owner_id, keys.c.test.is_(False)).limit(1)
    return connection.scalar(live) is not None


def list_keys(connection: Connection) -> list[KeyRow]:
    """All keys, the oldest first."""
    columns = (keys.c.prefix, keys.c.test, keys.c.created_at, keys.c.revoked_at)
    terms = (keys.c.scopes, keys.c.expires_at, keys.c.last_used_at, keys.c.limits, *BUDGETS)
    query = select(keys.c.id, organizations.c.name, organizations.c.plan, *columns, *terms)
    rows = connection.execute(query.join(organizations).order_by(keys.c.id))
    return [KeyRow(*(*row[:-3], limits_of(row.limits), Allowance(*row[-2:]))) for row in rows]


def revoke(connection: Connection, name: str, digest: bytes | None) -> int:
    """Revokes every key whose id or shown prefix is `name`, or the one of this digest; how many there were."""
    named = (keys.c.prefix == name) | (keys.c.id == name) if digest is None else keys.c.digest == digest
    return connection.execute(
        update(keys).where(named, keys.c.revoked_at.is_(None)).values(revoked_at=now_text())
    ).rowcount


def caller(connection: Connection, digest: bytes) -> Caller:
    """Who holds the key of this digest. Raises `KeyRejected`."""
    columns = (organizations.c.id, organizations.c.name, keys.c.id, organizations.c.plan, keys.c.test)
    terms = (keys.c.revoked_at, keys.c.expires_at, keys.c.scopes, keys.c.limits, *BUDGETS)
    query = select(*terms, *columns).join(organizations).where(keys.c.digest == digest)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise KeyRejected("this API key is not known here; make one with `greatrouter keys create --org NAME`")
    revoked_at, expires_at, scopes, limits, daily, monthly, organization_id, organization, key_id, plan, test = row
    if revoked_at is not None:
        raise KeyRejected("this API key was revoked; make a new one with `greatrouter keys create --org NAME`")
    if expires_at is not None and expires_at <= now_text():
        raise KeyRejected(
            f"this API key expired at {expires_at}; make a new one with `greatrouter keys create --org NAME`"
        )
    may, own, budgets = frozenset(scopes.split()), limits_of(limits), Allowance(daily, monthly)
    return Caller(organization_id, organization, key_id, plan, test, may, own, budgets=budgets)


def note_uses(connection: Connection, moments: Mapping[str, str]) -> None:
    """Writes when keys were last used, by their ids. In the order of the ids, so that no two processes wait for each
    other; one that another process saw used later keeps that."""
    later = or_(keys.c.last_used_at.is_(None), keys.c.last_used_at < bindparam("moment"))
    statement = update(keys).where(keys.c.id == bindparam("key"), later).values(last_used_at=bindparam("moment"))
    connection.execute(statement, [{"key": key, "moment": moments[key]} for key in sorted(moments)])


def prefix(connection: Connection, key_id: str) -> str:
    """The part of a key that may be shown; empty where there is no such key."""
    return connection.scalar(select(keys.c.prefix).where(keys.c.id == key_id)) or ""


def _find(connection: Connection, name: str) -> str | None:
    """However its accents are written; as they are given comes first, for names were once kept so."""
    given = storable(name)
    spelt = list(dict.fromkeys((given, *(unicodedata.normalize(form, given) for form in ("NFC", "NFD")))))
    query = select(organizations.c.name, organizations.c.id).where(organizations.c.name.in_(spelt))
    known = {row.name: row.id for row in connection.execute(query)}
    return next((known[each] for each in spelt if each in known), None)


def _sane(name: str) -> str:
    """The name as it is kept. One that an order could take for an organization's id, or that tells a key to whoever
    lists the organizations, is none."""
    if HOLDS_KEY.search(name):
        raise InvalidName("an API key is no name of an organization; name it by its own")
    if ID_SHAPE.fullmatch(name):
        raise InvalidName(
            f"{name} is an id and no name; an organization is called by its name, as `keys list` shows it"
        )
    kept = unicodedata.normalize("NFC", storable(name))
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
        raise InvalidName(f"no organization can be named {name!r}; expected 1 to {LONGEST_NAME} printable characters")
    return kept
