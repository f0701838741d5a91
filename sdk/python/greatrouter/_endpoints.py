"""The server's endpoints, each as the `Call` it takes. Both clients build their calls here and nowhere else."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

from greatrouter import types
from greatrouter._wire import Call

Fields = Mapping[str, object]


def auto_route(request: Fields | None, fields: Fields) -> Call[types.RouteAnswer]:
    body = _merged(request, fields)
    if body.get("input") is None:
        body["input"] = {}  # required by the server, which then takes the prompt for the input
    return Call("POST", "auto/route", types.RouteAnswer, body=body, once=True)


def auto_suggest(request: Fields | None, fields: Fields) -> Call[types.SuggestAnswer]:
    return Call("POST", "auto/suggest", types.SuggestAnswer, body=_merged(request, fields))


def feedback(request: Fields | None, fields: Fields) -> Call[types.FeedbackAnswer]:
    return Call("POST", "auto/feedback", types.FeedbackAnswer, body=_merged(request, fields), once=True)


def models_route(request: Fields | None, fields: Fields) -> Call[types.ExplicitRouteAnswer]:
    return Call("POST", "models/route", types.ExplicitRouteAnswer, body=_merged(request, fields), once=True)


def price_comparison(request: Fields | None, fields: Fields) -> Call[types.PriceComparisonAnswer]:
    return Call("POST", "models/price-comparison", types.PriceComparisonAnswer, body=_merged(request, fields))


def list_models(request: Fields | None, fields: Fields) -> Call[types.ModelList]:
    return Call("GET", "models", types.ModelList, query=_merged(request, fields))


def query_models(request: Fields | None, fields: Fields) -> Call[types.ModelPage]:
    return Call("POST", "models/query", types.ModelPage, body=_merged(request, fields))


def recommend(request: Fields | None, fields: Fields) -> Call[types.RecommendAnswer]:
    return Call("POST", "models/recommend", types.RecommendAnswer, body=_merged(request, fields))


def get_model(provider: str, model: str) -> Call[types.Model]:
    return Call("GET", _model_path(provider, model), types.Model)


def get_input_schema(provider: str, model: str) -> Call[dict[str, Any]]:
    return Call("GET", f"{_model_path(provider, model)}/input-schema", dict[str, Any])


def get_output_schema(provider: str, model: str) -> Call[dict[str, Any]]:
    return Call("GET", f"{_model_path(provider, model)}/output-schema", dict[str, Any])


def validate_input(provider: str, model: str, input: Fields) -> Call[types.ValidationAnswer]:
    return Call("POST", f"{_model_path(provider, model)}/validate-input", types.ValidationAnswer, body=input)


def validate_output(provider: str, model: str, output: Fields) -> Call[types.ValidationAnswer]:
    return Call("POST", f"{_model_path(provider, model)}/validate-output", types.ValidationAnswer, body=output)


def tags() -> Call[types.Listed[types.Tag]]:
    return Call("GET", "models/tags", types.Listed[types.Tag])


def price_tiers() -> Call[types.Listed[types.PriceTierRow]]:
    return Call("GET", "models/price-tiers", types.Listed[types.PriceTierRow])


def catalog_taxonomy() -> Call[types.Listed[types.Branch]]:
    return Call("GET", "catalog/taxonomy", types.Listed[types.Branch])


def catalog_families(request: Fields | None, fields: Fields) -> Call[types.Page[types.Family]]:
    return Call("GET", "catalog/families", types.Page[types.Family], query=_merged(request, fields))


def get_catalog_family(family_id: str) -> Call[types.Family]:
    return Call("GET", f"catalog/families/{_segment('family_id', family_id)}", types.Family)


def get_model_health(models: Sequence[str] | str | None) -> Call[types.HealthAnswer]:
    return Call("GET", "model-health", types.HealthAnswer, query={"models": models or None})


def get_preferences() -> Call[types.Preferences]:
    return Call("GET", "preferences", types.Preferences)


def get_preference_suggestions() -> Call[types.PreferenceSuggestions]:
    return Call("GET", "preferences/suggestions", types.PreferenceSuggestions)


def set_preference(key: str, value: object) -> Call[types.Preferences]:
    return Call("PUT", f"preferences/{_segment('key', key)}", types.Preferences, body={"value": value})


def delete_preference(key: str) -> Call[types.Preferences]:
    return Call("DELETE", f"preferences/{_segment('key', key)}", types.Preferences)


def account() -> Call[types.Account]:
    return Call("GET", "account", types.Account)


def org_logs(request: Fields | None, fields: Fields) -> Call[Any]:
    query = {"format": "json", **_merged(request, fields)}
    if query["format"] == "csv":
        return Call("GET", "org/logs", str, query=query, format="text")
    return Call("GET", "org/logs", types.LogPage, query=query)


def chat_completions(request: Fields | None, fields: Fields) -> Call[types.ChatCompletion]:
    body = _merged(request, fields)
    form: Literal["events", "json"] = "events" if body.get("stream") else "json"
    return Call("POST", "chat/completions", types.ChatCompletion, body=body, format=form, once=True)


def embeddings(model: Fields | str | None, input: object, fields: Fields) -> Call[types.EmbeddingsAnswer]:
    body = _merged_after(model, fields, input=input)
    return Call("POST", "embeddings", types.EmbeddingsAnswer, body=body, once=True)


def rerank(
    model: Fields | str | None, query: object, documents: object, top_n: object, fields: Fields
) -> Call[types.RerankAnswer]:
    body = _merged_after(model, fields, query=query, documents=documents, top_n=top_n)
    return Call("POST", "rerank", types.RerankAnswer, body=body, once=True)


def _merged(request: Fields | None, fields: Fields) -> dict[str, object]:
    """A keyword argument goes before the same field of the dict."""
    if request is not None and not isinstance(request, Mapping):
        raise TypeError(
            f"expected one dict of fields, or keyword arguments such as prompt='...'; got {type(request).__name__}"
        )
    return {**(request or {}), **fields}


def _merged_after(model: Fields | str | None, fields: Fields, **positional: object) -> dict[str, object]:
    """For endpoints whose first argument is either the model's id or the whole request."""
    given = {name: value for name, value in positional.items() if value is not None}
    if isinstance(model, str):
        return _merged({"model": model}, {**given, **fields})
    return _merged(model, {**given, **fields})


def _model_path(provider: str, model: str) -> str:
    return f"models/{_segment('provider', provider)}/{_segment('model', model)}"


def _segment(name: str, value: str) -> str:
    """`value` as one segment of a path. An empty or dotted one would reach another endpoint than the one asked for."""
    if value in {"", ".", ".."}:
        raise ValueError(f"{name} must not be {value!r}; give a name as the server lists it")
    return quote(value, safe="")
