"""The client for ordinary, blocking code."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Self, Unpack, overload

import httpx2

from greatrouter import _endpoints, types
from greatrouter._base import DEFAULT_BASE_URL, BaseClient, key_or_environment
from greatrouter._retry import Outcome
from greatrouter._stream import ChatStream
from greatrouter._wire import Call, Result, Wire

Fields = Mapping[str, object]


class GreatRouter(BaseClient):
    """Each method takes one dict of fields, as the server's API names them, or keyword arguments, or both.

    `api_key` may be left out where the environment variable GREATROUTER_API_KEY holds it. `timeout_s` bounds each wait
    for the server's next bytes, not the whole answer. Proxy settings of the environment are not read: give
    `http_client` for a proxy or for certificates of one's own. A client that is handed in stays open when this one
    closes.
    """

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str = DEFAULT_BASE_URL,
        timeout_s: float = 120.0,
        max_retries: int = 2,
        transport: httpx2.BaseTransport | None = None,
        http_client: httpx2.Client | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if transport is not None and http_client is not None:
            raise ValueError("give either transport or http_client: an http_client brings its own transport")
        self._wire = Wire(base_url, key_or_environment(api_key), timeout_s, max_retries)
        self._owns_http = http_client is None
        self._http = http_client or httpx2.Client(transport=transport, trust_env=False)
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._owns_http:
            self._http.close()

    def auto_route(self, request: Fields | None = None, /, **fields: Unpack[types.RouteFields]) -> types.RouteAnswer:
        """Has the best model for the prompt answer it. Without `input` the prompt itself is the input."""
        return self._run(_endpoints.auto_route(request, fields))

    def auto_suggest(
        self, request: Fields | None = None, /, **fields: Unpack[types.SuggestFields]
    ) -> types.SuggestAnswer:
        """The models that `auto_route` would choose from, best first, without running or charging anything."""
        return self._run(_endpoints.auto_suggest(request, fields))

    def feedback(
        self, request: Fields | None = None, /, **fields: Unpack[types.FeedbackFields]
    ) -> types.FeedbackAnswer:
        """Says whether a prompt was classified rightly; the organization's next similar prompt profits."""
        return self._run(_endpoints.feedback(request, fields))

    auto_feedback = feedback

    def models_route(
        self, request: Fields | None = None, /, **fields: Unpack[types.ExplicitRouteFields]
    ) -> types.ExplicitRouteAnswer:
        """Runs `input` on a model that meets explicit filters."""
        return self._run(_endpoints.models_route(request, fields))

    def price_comparison(
        self, request: Fields | None = None, /, **fields: Unpack[types.PriceComparisonFields]
    ) -> types.PriceComparisonAnswer:
        return self._run(_endpoints.price_comparison(request, fields))

    def list_models(self, request: Fields | None = None, /, **fields: Unpack[types.ModelFilter]) -> types.ModelList:
        """Every model that matches; `query_models` answers in pages."""
        return self._run(_endpoints.list_models(request, fields))

    def query_models(self, request: Fields | None = None, /, **fields: Unpack[types.ModelQuery]) -> types.ModelPage:
        return self._run(_endpoints.query_models(request, fields))

    def recommend(
        self, request: Fields | None = None, /, **fields: Unpack[types.RecommendFields]
    ) -> types.RecommendAnswer:
        return self._run(_endpoints.recommend(request, fields))

    def get_model(self, provider: str, model: str) -> types.Model:
        """The model whose id is `provider/model`."""
        return self._run(_endpoints.get_model(provider, model))

    def get_model_health(self, models: Sequence[str] | str | None = None) -> types.HealthAnswer:
        """Of the models with these ids, or of all."""
        return self._run(_endpoints.get_model_health(models))

    def tags(self) -> types.Listed[types.Tag]:
        return self._run(_endpoints.tags())

    def price_tiers(self) -> types.Listed[types.PriceTierRow]:
        return self._run(_endpoints.price_tiers())

    def get_input_schema(self, provider: str, model: str) -> dict[str, Any]:
        """What the model takes, as JSON Schema."""
        return self._run(_endpoints.get_input_schema(provider, model))

    def get_output_schema(self, provider: str, model: str) -> dict[str, Any]:
        return self._run(_endpoints.get_output_schema(provider, model))

    def validate_input(self, provider: str, model: str, input: Fields) -> types.ValidationAnswer:
        """Whether the model takes `input`, and every place of it that does not fit."""
        return self._run(_endpoints.validate_input(provider, model, input))

    def validate_output(self, provider: str, model: str, output: Fields) -> types.ValidationAnswer:
        return self._run(_endpoints.validate_output(provider, model, output))

    def catalog_taxonomy(self) -> types.Listed[types.Branch]:
        return self._run(_endpoints.catalog_taxonomy())

    def catalog_families(
        self, request: Fields | None = None, /, **fields: Unpack[types.FamilyFilter]
    ) -> types.Page[types.Family]:
        """Model lines, in pages."""
        return self._run(_endpoints.catalog_families(request, fields))

    def get_catalog_family(self, family_id: str) -> types.Family:
        """The model line with its models; `family_id` as in `llm/meta--llama-3.3`."""
        return self._run(_endpoints.get_catalog_family(family_id))

    def get_preferences(self) -> types.Preferences:
        return self._run(_endpoints.get_preferences())

    def get_preference_suggestions(self) -> types.PreferenceSuggestions:
        return self._run(_endpoints.get_preference_suggestions())

    def set_preference(self, key: str, value: object) -> types.Preferences:
        return self._run(_endpoints.set_preference(key, value))

    def delete_preference(self, key: str) -> types.Preferences:
        return self._run(_endpoints.delete_preference(key))

    def embeddings(
        self,
        model: Fields | str | None = None,
        input: str | Sequence[str] | Sequence[int] | Sequence[Sequence[int]] | None = None,
        **fields: Unpack[types.EmbeddingsOptions],
    ) -> types.EmbeddingsAnswer:
        """`model` is a model's id, or one dict of all fields."""
        return self._run(_endpoints.embeddings(model, input, fields))

    def rerank(
        self,
        model: Fields | str | None = None,
        query: str | None = None,
        documents: Sequence[str | Mapping[str, Any]] | None = None,
        top_n: int | None = None,
        **fields: Unpack[types.RerankOptions],
    ) -> types.RerankAnswer:
        """`model` is a model's id, or one dict of all fields."""
        return self._run(_endpoints.rerank(model, query, documents, top_n, fields))

    def account(self) -> types.Account:
        """Balance, today's spend, plan, limits and the last calls."""
        return self._run(_endpoints.account())

    @overload
    def org_logs(
        self, request: None = None, /, *, format: Literal["csv"], **fields: Unpack[types.LogsFilter]
    ) -> str: ...
    @overload
    def org_logs(
        self, request: None = None, /, *, format: Literal["json"] = "json", **fields: Unpack[types.LogsFilter]
    ) -> types.LogPage: ...
    @overload
    def org_logs(self, request: Fields, /, **fields: Any) -> Any: ...
    def org_logs(self, request: Fields | None = None, /, **fields: Any) -> Any:
        """The organization's calls: a page of rows, or text where `format="csv"`."""
        return self._run(_endpoints.org_logs(request, fields))

    @overload
    def chat_completions(
        self, request: Fields | None = None, /, *, stream: Literal[True], **fields: Any
    ) -> ChatStream: ...
    @overload
    def chat_completions(
        self, request: None = None, /, *, stream: Literal[False] = False, **fields: Any
    ) -> types.ChatCompletion: ...
    @overload
    def chat_completions(self, request: Fields, /, *, stream: Literal[False] = False, **fields: Any) -> Any: ...
    def chat_completions(self, request: Fields | None = None, /, **fields: Any) -> Any:
        """OpenAI's request and answer. `model="router"` chooses the model; `stream=True` returns a `ChatStream`."""
        call = _endpoints.chat_completions(request, fields)
        return ChatStream(self._send(call), self._wire) if call.format == "events" else self._run(call)

    def _run(self, call: Call[Result]) -> Result:
        return self._wire.answer(call, self._send(call))

    def _send(self, call: Call[Result]) -> httpx2.Response:
        request = self._wire.request(call, self._http)
        retrying = self._wire.retrying()
        wait_s = next(retrying)
        while True:
            if wait_s:
                self._sleep(wait_s)
            outcome = self._attempt(request, stream=call.format == "events")
            try:
                wait_s = retrying.send(outcome)
            except StopIteration as finished:
                response: httpx2.Response = finished.value
                return response

    def _attempt(self, request: httpx2.Request, *, stream: bool) -> Outcome:
        try:
            response = self._http.send(request, stream=stream)
            if not response.is_success:
                response.read()
        except httpx2.RequestError as failure:
            return failure
        return response
