"""The chart of accounts: what the ledger's accounts are called."""

from greatrouter_accounts.budgets import Budget

# Where credit comes from, and refunds go back to.
CASH, PROMOTIONS = "cash", "promotions"
# The balance of `REVENUE` is not kept: every charge of every organization would wait for that one row. It is what all
# other balances lack to zero.
REVENUE = "revenue"


def wallet(organization_id: str) -> str:
    return f"wallet:{organization_id}"


def held(organization_id: str) -> str:
    return f"held:{organization_id}"


def owed(organization_id: str) -> str:
    """Zero or below: what an organization owes is less than nothing."""
    return f"owed:{organization_id}"


def revenue(key_id: str | None) -> str:
    """Where charges go. Those of a key that has budgets stand apart, so that the ledger says what it spent."""
    return REVENUE if key_id is None else f"{REVENUE}:{key_id}"


def measured(organization_id: str, budget: Budget) -> str:
    """The account whose worth says what was spent of a budget."""
    return wallet(organization_id) if budget.key_id is None else revenue(budget.key_id)
