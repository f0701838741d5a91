"""Which models an organization's plan includes."""

import re
from collections.abc import Mapping, Sequence
from fnmatch import translate
from functools import cached_property

import numpy as np

from greatrouter_accounts.keys import Caller
from greatrouter_api.charging import is_free
from greatrouter_api.configured import LOCAL
from greatrouter_api.errors import ApiError
from greatrouter_api.settings import EVERY_MODEL
from greatrouter_catalog.catalog import Catalog
from greatrouter_ranking.constraints import BoolArray, Included


class PlanModels:
    """`patterns` are those of each plan (`openai/*`), which a model's id must match as a whole; a plan that is not
    among them includes every model. Free models, and those served here, are part of every plan."""

    def __init__(self, catalog: Catalog, patterns: Mapping[str, Sequence[str]]) -> None:
        self._ids = catalog.ids
        self.names = tuple(patterns)
        self._catalog = catalog
        narrow = {plan: wanted for plan, wanted in patterns.items() if EVERY_MODEL not in wanted}
        self._plans = {
            plan: Included(self.unpaid.rows | matching(catalog.ids, wanted)) for plan, wanted in narrow.items()
        }

    @cached_property
    def unpaid(self) -> Included:
        """What is free and what is served here."""
        return Included(_unpaid(self._catalog))

    def of(self, plan: str) -> Included | None:
        """None is everything."""
        return self._plans.get(plan)

    def within(self, rows: Sequence[int], caller: Caller) -> Sequence[int]:
        """Those of `rows`, the endpoints of a model that was named, that the caller's plan includes. Raises `ApiError`
        403 where it includes none."""
        included = self._plans.get(caller.plan)
        if included is None:
            return rows
        found = [row for row in rows if included.rows[row]]
        if rows and not found:
            plans = [name for name in self.names if name not in self._plans or self._plans[name].rows[rows].any()]
            where = f"it is in {', '.join(plans)}" if plans else "it is in no plan of this server"
            raise ApiError(
                403,
                f"{self._ids[rows[0]]} is not in the plan {caller.plan!r} of the organization; {where}",
                param="model",
                metadata={"plan": caller.plan, "plans": plans},
            )
        return found


def _unpaid(catalog: Catalog) -> BoolArray:
    arrays = catalog.arrays
    found = np.array([arrays.providers[code] == LOCAL for code in arrays.provider], dtype=np.bool_)
    for row in np.flatnonzero(~arrays.price.any(axis=1)).tolist():
        found[row] = found[row] or is_free(catalog.model(row))
    return found


def matching(ids: Sequence[str], patterns: Sequence[str]) -> BoolArray:
    """Which of some model ids any of the patterns matches."""
    matches = re.compile("|".join(map(translate, patterns)) or r"(?!)").fullmatch
    return np.array([matches(model_id) is not None for model_id in ids], dtype=np.bool_)
