"""The home of a server: its secret and its accounts. A command that needs no more than those imports no more than this
(0.4 s; what models need takes 1.3 s)."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.budgets import Allowance
from greatrouter_accounts.gate import Plan
from greatrouter_accounts.limits import Limits
from greatrouter_api.settings import PlanSettings, Settings, SettingsInvalid

SECRET_BYTES = 32  # of the key of the hashes of API keys


def make_home(settings: Settings) -> bytes:
    """The home, for its owner's eyes only, and the server's secret in it. Raises `SettingsInvalid`."""
    try:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret = server_secret(settings.home / "secret")
    except OSError as error:
        problem = f"cannot write to {settings.home} ({error.strerror}); set GREATROUTER_HOME to a folder of yours"
        raise SettingsInvalid(problem) from error
    if len(secret) != SECRET_BYTES:
        raise SettingsInvalid(
            f"{settings.home / 'secret'} is damaged: it has {len(secret)} bytes instead of {SECRET_BYTES}; restore it, "
            "or delete it and make every API key anew"
        )
    return secret


def open_accounts(settings: Settings, *, shared: bool = False, database: Path | None = None) -> Accounts:
    """`shared` says that other processes of this machine serve the same accounts; `database` is another file than that
    of the settings."""
    secret, redis = make_home(settings), settings.redis_url
    return Accounts(
        settings.accounts_database if database is None else database,
        secret,
        plans={name: _plan(plan) for name, plan in settings.plans.items()},
        shared=shared or settings.database_url is not None,
        redis_url=None if redis is None else redis.get_secret_value(),
        free_credit_cents=settings.free_credit_dollars * 100,
    )


def _plan(plan: PlanSettings) -> Plan:
    daily, monthly = plan.daily_budget_dollars, plan.monthly_budget_dollars
    return Plan(
        Limits(plan.requests_per_minute, plan.tokens_per_minute, plan.concurrent_requests),
        Allowance(None if daily is None else daily * 100, None if monthly is None else monthly * 100),
    )


def server_secret(path: Path) -> bytes:
    """32 random bytes that key the hashes of API keys; made at first use, readable by the owner alone.

    Of several processes that start at once, one's secret is linked into place whole and all read that one.
    """
    if not path.exists():
        pending = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        descriptor = os.open(pending, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
        with suppress(FileExistsError):
            os.link(pending, path)
        pending.unlink()
    return path.read_bytes()
