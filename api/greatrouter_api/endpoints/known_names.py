"""Names of providers and models that an organization gives, held against the catalog: a typo would do nothing."""

from collections.abc import Iterable
from difflib import get_close_matches

from greatrouter_api.endpoints.preference_values import Kind
from greatrouter_api.errors import ApiError
from greatrouter_api.provider_preferences import ProviderNames
from greatrouter_api.services import Services

MOST_TOLD = 20
# Of 1, which is the same word: "opnai" and "openai" are alike by 0.91.
ALIKE = 0.75


def unknown(kind: Kind, names: Iterable[str], services: Services) -> list[str]:
    """Those that mean nothing here: no provider by any spelling, no model by id, alias or maker's name."""
    if kind == "model":
        return [name for name in names if not services.catalog.find(name)]
    providers = ProviderNames([*services.catalog.arrays.providers, *services.settings.providers])
    return [name for name in names if not providers.knows(name)]


def check(kind: Kind, names: Iterable[str], services: Services) -> None:
    """Raises `ApiError` 400 where one of `names` is unknown."""
    missing = unknown(kind, names, services)
    if not missing:
        return
    near = _near(kind, missing[0], services)
    meant = f"did you mean {near}?" if near else f"GET /v1/models lists the {kind}s"
    more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
    message = f"value: no {kind} is called {missing[0]!r}{more}; {meant}"
    raise ApiError(400, message, param="value", metadata={"unknown": missing[:MOST_TOLD]})


def _near(kind: Kind, name: str, services: Services) -> str | None:
    """The name of the catalog that is spelled most alike: 60 ms among 8,000 ids."""
    known = services.catalog.ids if kind == "model" else services.catalog.arrays.providers
    return next(iter(get_close_matches(name, known, n=1, cutoff=ALIKE)), None)
