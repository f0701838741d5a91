"""The models that a chat request names: `model`, then those of OpenRouter's `models`, which stand in for it in turn."""

from greatrouter_api.decision import AUTO_MODELS
from greatrouter_api.errors import ApiError, unknown_model
from greatrouter_api.provider_preferences import ProviderRequest, SortName, SortRequest
from greatrouter_api.schemas import ChatRequest
from greatrouter_catalog.catalog import Catalog
from greatrouter_classifier.classification import Task

# OpenRouter's short forms of `provider.sort`, where no model is called so.
SORT_OF_SUFFIX: dict[str, SortName] = {"floor": "price", "nitro": "throughput"}


def requests_of(request: ChatRequest, catalog: Catalog) -> list[ChatRequest]:
    """The request once for each model that it names, first the first. Raises `ApiError` for a name that is none."""
    names = list(dict.fromkeys(filter(None, (request.model, *(request.models or ())))))
    if len(names) > 1 and not AUTO_MODELS.isdisjoint(names):
        message = "models: the choice cannot be left to the router for one of several; name models, or send no `models`"
        raise ApiError(400, message, param="models")
    return [_request_of(request, name, catalog) for name in names]


def _request_of(request: ChatRequest, name: str, catalog: Catalog) -> ChatRequest:
    base, _, suffix = name.rpartition(":")
    rows = catalog.find(name)
    if not rows and suffix in SORT_OF_SUFFIX and (rows := catalog.find(base)):
        provider = _sorted(request.provider, SORT_OF_SUFFIX[suffix])
        request, name = request.model_copy(update={"provider": provider}), base
    if not rows and name not in AUTO_MODELS:
        raise unknown_model(name)
    tasks = {task for row in rows for task in catalog.model(row).tasks}
    if tasks and tasks <= {Task.EMBEDDINGS, Task.RERANK}:
        paths = " or ".join(f"/v1/{task}" for task in sorted(tasks))
        raise ApiError(400, f"{name} does not chat; send its work to {paths}", param="model")
    return request if name == request.model else request.model_copy(update={"model": name})


def _sorted(provider: str | ProviderRequest | None, by: SortName) -> str | ProviderRequest:
    """What the caller says of the order itself stands, and one provider alone needs none."""
    if isinstance(provider, str) or (provider is not None and provider.sort is not None):
        return provider
    return (provider or ProviderRequest()).model_copy(update={"sort": SortRequest(by=by)})
