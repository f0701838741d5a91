"""The tables. Whoever changes them adds a migration that brings the existing databases along (`migrations.py`)."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

from greatrouter_accounts.money import Cents

metadata = MetaData()
# 64 bits. SQLite's INTEGER has them, and numbers rows by itself only where the type is called so.
Whole = BigInteger().with_variant(Integer, "sqlite")

schema_version = Table("schema_version", metadata, Column("version", Integer, nullable=False))

# What all processes that share the database must have in common, by name.
deployment = Table(
    "deployment",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)

organizations = Table(
    "organizations",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("plan", String, nullable=False),
    Column("created_at", String, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("id", String, primary_key=True),
    Column("organization_id", String, ForeignKey("organizations.id"), nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("prefix", String, nullable=False),
    Column("test", Boolean, nullable=False),
    Column("created_at", String, nullable=False),
    Column("revoked_at", String),
    # What the key may do, apart by blanks (`keys.SCOPES`).
    Column("scopes", String, nullable=False, server_default="inference read admin"),
    Column("expires_at", String),
    Column("last_used_at", String),
    # JSON, as in the settings of a plan; null where the plan's own hold.
    Column("limits", Text),
    # What the key may spend by itself; null is no bound.
    Column("daily_budget_cents", Cents),
    Column("monthly_budget_cents", Cents),
)

# Double entry: the amounts of one transaction add up to zero. `account` is "wallet:ORG" (what an organization may
# spend), "held:ORG" (reserved for requests under way), "owed:ORG" (paid back after it was spent), "revenue" and
# "revenue:KEY" (charges; those of keys that have budgets apart), "cash" (top-ups) or "promotions" (grants).
# `request_id` is "order:ID" in what an order moved, "free_credit" in what an organization's first live key brought.
ledger = Table(
    "ledger",
    metadata,
    Column("sequence", Whole, primary_key=True, autoincrement=True),
    Column("transaction_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("account", String, nullable=False),
    Column("amount_cents", Cents, nullable=False),
    Column("request_id", String),
    Column("created_at", String, nullable=False),
)
Index("ledger_by_account", ledger.c.account, ledger.c.sequence)

# One row an account but "revenue", kept with the ledger in the same transaction and checked against it by `accounts
# verify`.
balances = Table(
    "balances",
    metadata,
    Column("account", String, primary_key=True),
    Column("amount_cents", Cents, nullable=False),
    sqlite_with_rowid=False,
)

# What is held, one row a request under way. `owner` is the process that made it (`file_owner.py`, `lease_owner.py`):
# where that one died, those who live give the money back, or the next to open the database. `key_id` is null where the
# key has no budgets of its own.
reservations = Table(
    "reservations",
    metadata,
    Column("id", String, primary_key=True),
    Column("organization_id", String, nullable=False),
    Column("amount_cents", Cents, nullable=False),
    Column("request_id", String, nullable=False),
    Column("owner", String, nullable=False),
    Column("created_at", String, nullable=False),
    Column("key_id", String),
    sqlite_with_rowid=False,
)
of_keys = reservations.c.key_id.is_not(None)
Index("reservations_by_key", reservations.c.key_id, sqlite_where=of_keys, postgresql_where=of_keys)

# Which processes are alive, where no lock of an operating system says so (`lease_owner.py`).
owners = Table(
    "owners",
    metadata,
    Column("name", String, primary_key=True),
    Column("alive_until", DateTime(timezone=True), nullable=False),
)

# Where the budget of a day or a month is measured from (`budgets.py`). `account` is "wallet:ORG" or "revenue:KEY",
# `sequence` the last line of the ledger that it was made of: clocks may differ about the end of a day.
baselines = Table(
    "baselines",
    metadata,
    Column("account", String, primary_key=True),
    Column("period", String, primary_key=True),
    Column("cents", Cents, nullable=False),
    Column("sequence", BigInteger, nullable=False),
)

# What keys and organizations used in the last minute and use now, where several processes count it together
# (`meter_rows.py`).
meters = Table(
    "meters",
    metadata,
    Column("name", String, primary_key=True),
    Column("state", Text, nullable=False),
)

# Orders that a payment provider says were paid, one row each however often it says so.
orders = Table(
    "orders",
    metadata,
    Column("id", String, primary_key=True),
    Column("organization_id", String, nullable=False),
    Column("paid_cents", Cents, nullable=False),
    Column("refunded_cents", Cents, nullable=False),
    Column("created_at", String, nullable=False),
)

# The first answers to requests that may be sent again. `key` is a hash of the caller's, `fingerprint` tells a
# repetition from another request under the same key; `status` is null while the first is under way at `owner` (nobody,
# where that is empty). `body` is sealed (`idempotency_rows.py`), and null where it is too large to be kept;
# `charged_key_id` is the key that was charged, where it has budgets of its own.
idempotency = Table(
    "idempotency",
    metadata,
    Column("organization_id", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("run", String, nullable=False),
    Column("request_id", String, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("owner", String, nullable=False),
    Column("charged_cents", Cents, nullable=False),
    Column("created_at", String, nullable=False),
    Column("status", Integer),
    Column("headers", Text),
    Column("body", LargeBinary),
    Column("charged_key_id", String),
)
Index("idempotency_by_age", idempotency.c.created_at)

# How much of it an organization has kept, by the hour (2026-07-01T13) in which it was: `kept_bytes.py`.
kept_bytes = Table(
    "kept_bytes",
    metadata,
    Column("organization_id", String, primary_key=True),
    Column("hour", String, primary_key=True),
    Column("bytes", BigInteger, nullable=False),
)

# A request id is the caller's own where it sent one, so it may come twice and from two organizations.

activity = Table(
    "activity",
    metadata,
    Column("sequence", Whole, primary_key=True, autoincrement=True),
    Column("request_id", String, nullable=False),
    Column("organization_id", String, nullable=False),
    Column("timestamp", String, nullable=False),
    Column("endpoint", String, nullable=False),
    Column("task", String),
    Column("decision", String),
    Column("confidence", String),
    Column("complexity_tier", String),
    Column("model", String),
    Column("provider", String),
    Column("routing_reason", Text),
    Column("fallback_chain", Text),
    Column("status", Integer, nullable=False),
    Column("prompt_tokens", Whole, nullable=False),
    Column("completion_tokens", Whole, nullable=False),
    Column("units", Text, nullable=False),
    Column("cost_cents", Cents, nullable=False),
    Column("latency_ms", String, nullable=False),
    Column("cached", Boolean, nullable=False),
    Column("optimization", String),
    Column("content_mode", String),
    # What it was charged by, as JSON: US dollars per native unit, exact, by the price's name; null where nothing was
    # charged. They come from a catalog of this version and from the settings.
    Column("rates", Text),
    Column("catalog_version", String),
)
Index("activity_by_organization", activity.c.organization_id, activity.c.timestamp)
Index("activity_by_model", activity.c.model, activity.c.timestamp)

# Tries that failed. A request that was answered by its third model has one row of activity and two of these: what goes
# well, which is nearly everything, is written once. `status` is null where nothing answered.
failed_attempts = Table(
    "failed_attempts",
    metadata,
    Column("sequence", Whole, primary_key=True, autoincrement=True),
    Column("request_id", String, nullable=False),
    Column("organization_id", String, nullable=False),
    Column("timestamp", String, nullable=False),
    Column("model", String, nullable=False),
    Column("provider", String, nullable=False),
    Column("status", Integer),
)
Index("failed_attempts_by_organization", failed_attempts.c.organization_id, failed_attempts.c.timestamp)
Index("failed_attempts_by_model", failed_attempts.c.model, failed_attempts.c.timestamp)

feedback = Table(
    "feedback",
    metadata,
    Column("id", String, primary_key=True),
    Column("organization_id", String, nullable=False),
    Column("timestamp", String, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("classified_task", String),
    Column("correct", Boolean, nullable=False),
    Column("confidence", String),
    Column("suggested_task", String),
)
Index("feedback_by_organization", feedback.c.organization_id, feedback.c.timestamp)

# `value` is JSON. A key without a row has its default.
preferences = Table(
    "preferences",
    metadata,
    Column("organization_id", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=False),
    Column("updated_at", String, nullable=False),
)
