"""What an organization did, counted: its own rows, each for what it says."""

import asyncio
from datetime import UTC, datetime, timedelta

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.clock import moment_text
from greatrouter_accounts.usage import PERIOD, Tally, Usage
from tests.accounts.test_accounts import flush, row

NOW = moment_text(datetime.now(UTC))


def test_an_organization_that_did_nothing(accounts: Accounts) -> None:
    assert accounts.usage("org_1") == Usage()


def test_tasks_are_counted_where_they_were_wished_or_recognized(accounts: Accounts) -> None:
    for decision in ("hint", "regex", "knn", "session", "input", "default"):
        accounts.record(row(timestamp=NOW, task="code", decision=decision))
    accounts.record(row(timestamp=NOW, task="embeddings", decision="hint", confidence=None))  # no prompt was read
    flush(accounts)
    assert accounts.usage("org_1").tasks == {"code": 4}


def test_wishes_are_counted(accounts: Accounts) -> None:
    for optimization, mode in (("price-optimized", "edit"), ("price-optimized", None), (None, "generate")):
        accounts.record(row(timestamp=NOW, optimization=optimization, content_mode=mode))
    flush(accounts)
    usage = accounts.usage("org_1")
    assert usage.optimizations == {"price-optimized": 2}
    assert usage.content_modes == {"edit": 1, "generate": 1}


def test_tries_are_counted_by_model_and_provider(accounts: Accounts) -> None:
    for _ in range(3):
        accounts.record(row(timestamp=NOW, model="a/b", provider="lab"))
    accounts.record(row(timestamp=NOW, model="a/b", provider="sandbox"))
    accounts.record(row(timestamp=NOW, model="a/b", provider="lab", cached=True))
    accounts.record(row(timestamp=NOW, model=None, provider=None, status=502))
    for provider, status in (("lab", 500), ("lab", None), ("other", 429), ("lab", 400), ("sandbox", 500)):
        accounts.record_failed_attempt("org_1", "req_1", "a/b", provider, status)
    flush(accounts)
    assert accounts.usage("org_1").endpoints == {("a/b", "lab"): Tally(5, 2), ("a/b", "other"): Tally(1, 1)}


def test_corrections_are_counted(accounts: Accounts) -> None:
    async def say() -> None:
        for correct, classified, suggested in (
            (False, "text", "code"),
            (False, "text", "code"),
            (False, "code", "code"),
            (False, "text", None),
            (True, "text", "image"),
        ):
            said = {"prompt": "p", "correct": correct, "classified_task": classified, "suggested_task": suggested}
            await accounts.record_feedback({"organization_id": "org_1", **said})

    asyncio.run(say())
    assert accounts.usage("org_1").corrections == {"code": 2}


def test_only_its_own_and_only_lately(accounts: Accounts) -> None:
    old = moment_text(datetime.now(UTC) - PERIOD - timedelta(minutes=1))
    accounts.record(row("org_2", timestamp=NOW, optimization="balanced"))
    accounts.record(row("org_1", timestamp=old, optimization="balanced"))
    accounts.record_failed_attempt("org_2", "req_1", "a/b", "lab", 500)
    flush(accounts)
    assert accounts.usage("org_1") == Usage()
