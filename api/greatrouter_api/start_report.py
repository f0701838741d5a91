"""What an operator is told of the accounts when a server starts."""

import logging
from collections.abc import Sequence

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.meters import IN_THIS_PROCESS
from greatrouter_api.plan_models import matching
from greatrouter_api.settings import Settings

log = logging.getLogger("greatrouter")


def join(accounts: Accounts) -> None:
    """This process serves from now on. Warns where what counts the limits does not answer, and where other servers
    count elsewhere: together they let in more than a plan allows. Blocks; raises `StoreFailed`."""
    accounts.gate.renew()
    here = accounts.gate.place
    others = accounts.presence.announce(here)
    if others and here == IN_THIS_PROCESS and set(others) == {here}:
        log.warning(
            "another server has these accounts open, and each counts limits by itself: together they let in more than "
            "a plan allows; start one with --workers N instead, or give both the same redis_url, or PostgreSQL"
        )
    elif elsewhere := sorted(set(others) - {here}):
        log.warning(
            "limits are counted %s here, and %s for other servers of these accounts: together they let in more than a "
            "plan allows; give all of them the same redis_url, or none",
            *(_at(here), " and ".join(map(_at, elsewhere))),
        )


def tell(accounts: Accounts, settings: Settings, models: Sequence[str] = ()) -> None:
    """Which database and which counter this server uses, what its settings leave unlimited, and which patterns of its
    plans none of the `models` matches. Blocks; raises `StoreFailed`."""
    log.info("accounts: %s; limits: %s", accounts.place, accounts.gate.place)
    if not settings.plans:
        return
    for plan, number in accounts.office.plans().items():
        if plan not in settings.plans:
            whose = "1 organization has" if number == 1 else f"{number:,} organizations have"
            log.warning("the plan %r, which %s, has no table in the settings: it limits nothing", plan, whose)
    for plan, table in settings.plans.items():
        for pattern in table.models:
            if models and not matching(models, [pattern]).any():
                log.warning("the plan %r includes %r, which is the id of no model in the catalog", plan, pattern)


def _at(place: str) -> str:
    return place if place.startswith("in ") else f"by the {place}"
