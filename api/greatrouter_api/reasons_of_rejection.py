"""Why nothing was left to choose from, as an error that says what to change."""

from collections.abc import Sequence

from greatrouter_api.errors import ApiError
from greatrouter_ranking.profile import Profile
from greatrouter_ranking.ranker import Ranking
from greatrouter_ranking.reasons import dollars

PROVIDER_PREFERENCES = {
    "provider_only": "none of the providers in provider.only serves a model that does it",
    "provider_ignore": "provider.ignore leaves no provider that serves a model that does it",
    "provider_order": "no provider in provider.order serves a model that does it, and allow_fallbacks is false",
    "zdr": "no remaining endpoint is known to retain nothing; zero_data_retention in greatrouter.toml says which do",
    "data_collection": 'no remaining endpoint is known to collect no data; data_collection = "deny" in '
    "greatrouter.toml says which do",
    "quantizations": "no remaining endpoint is known to run at one of provider.quantizations",
    "require_parameters": "no remaining endpoint is known to support every parameter of the request",
    "max_price": "every remaining endpoint is dearer than provider.max_price",
}
ADVICE = {
    **PROVIDER_PREFERENCES,
    "model": "the model named does not do this task",
    "provider": "no model of the named provider does this task",
    "taxonomy": "no model of the named taxonomy does this task",
    "catalog_family": "no model of the named family does this task",
    "price_tier": "no model is within the price tier",
    "input_modalities": "no remaining model takes this kind of input",
    "output_modality": "no remaining model gives this kind of output",
    "capabilities": "no remaining model has the capabilities that the input asks for",
    "max_output": "no remaining model writes as many tokens as max_tokens asks for",
    "excluded_model": "every remaining model is excluded",
    "excluded_provider": "every remaining provider is excluded",
    "context_window": "the prompt is longer than every remaining model's context window",
}
# The field of the request that turned the last ones away.
PARAMS = {
    **dict.fromkeys((*PROVIDER_PREFERENCES, "provider"), "provider"),
    "model": "model",
    "taxonomy": "taxonomy",
    "catalog_family": "catalog_family",
    "price_tier": "maxCost",
    "max_output": "max_tokens",
}


def by_plan(ranking: Ranking) -> bool:
    """Whether what was left was not in the organization's plan."""
    return [*ranking.rejected][-1:] == ["plan"]


def of_plan(ranking: Ranking, profile: Profile, plan: str, plans: Sequence[str]) -> ApiError:
    """For a ranking of which an organization's plan left nothing; `plans` are those that would leave something."""
    others = f"ask for {', '.join(plans)}" if plans else "no plan of this server does"
    message = f"the plan {plan!r} of the organization includes no model that is left for the task {profile.task.value}"
    metadata = {"plan": plan, "plans": list(plans), "rejected": dict(ranking.rejected)}
    return ApiError(403, f"{message}; {others}", metadata=metadata)


def error(ranking: Ranking, profile: Profile) -> ApiError:
    """For a ranking over the whole catalog that came out empty, and not by a plan."""
    if ranking.cheapest_cost_dollars is not None:
        cheapest = ranking.cheapest_cost_dollars
        return ApiError(
            400,
            f"budget_dollars is below the cheapest candidate's estimate, {dollars(cheapest)}; raise it or leave it out",
            code="budget_too_low",
            param="budget_dollars",
            metadata={"cheapest_estimate_dollars": round(cheapest, 10)},
        )
    if not ranking.candidates:
        return ApiError(
            404,
            f"the catalog has no routable model for the task {profile.task.value}; run `greatrouter catalog refresh`",
            code="model_not_found",
        )
    last = ([*ranking.rejected] or [""])[-1]
    return ApiError(
        404,
        f"no model is left for the task {profile.task.value}: {ADVICE.get(last, 'every candidate was turned away')}",
        code="model_not_found",
        param=PARAMS.get(last),
        metadata={"rejected": dict(ranking.rejected)},
    )
