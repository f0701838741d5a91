"""The client for asyncio."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, Self, Unpack, overload

import httpx2

from greatrouter import _endpoints, types
from greatrouter._base import DEFAULT_BASE_URL, BaseClient, key_or_environment
from greatrouter._retry import Outcome
from greatrouter._stream import AsyncChatStream
from greatrouter._wire import Call, Result, Wire

Fields = Mapping[str, object]


class AsyncGreatRouter(BaseClient):
    """`GreatRouter` with every method a coroutine.

    Under another event loop than asyncio's, give its own `sleep`, such as `trio.sleep`.
    """

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str = DEFAULT_BASE_URL,
        timeout_s: float = 120.0,
        max_retries: int = 2,
        transport: httpx2.AsyncBaseTransport | None = None,
        http_client: httpx2.AsyncClient | None = None,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        if transport is not None and http_client is not None:
            raise ValueError("give either transport or http_client: an http_client brings its own transport")
        self._wire = Wire(base_url, key_or_environment(api_key), timeout_s, max_retries)
        self._owns_http = http_client is None
        self._http = http_client or httpx2.AsyncClient(transport=transport, trust_env=False)
        self._sleep = sleep

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        if self._owns_http:
            await self._http.aclose()

    async def auto_route(
        self, request: Fields | None = None, /, **fields: Unpack[types.RouteFields]
    ) -> types.RouteAnswer:
        return await self._run(_endpoints.auto_route(request, fields))

    async def auto_suggest(
        self, request: Fields | None = None, /, **fields: Unpack[types.SuggestFields]
    ) -> types.SuggestAnswer:
        return await self._run(_endpoints.auto_suggest(request, fields))

    async def feedback(
        self, request: Fields | None = None, /, **fields: Unpack[types.FeedbackFields]
    ) -> types.FeedbackAnswer:
        return await self._run(_endpoints.feedback(request, fields))

    auto_feedback = feedback

    async def models_route(
        self, request: Fields | None = None, /, **fields: Unpack[types.ExplicitRouteFields]
    ) -> types.ExplicitRouteAnswer:
        return await self._run(_endpoints.models_route(request, fields))

    async def price_comparison(
        self, request: Fields | None = None, /, **fields: Unpack[types.PriceComparisonFields]
    ) -> types.PriceComparisonAnswer:
        return await self._run(_endpoints.price_comparison(request, fields))

    async def list_models(
        self, request: Fields | None = None, /, **fields: Unpack[types.ModelFilter]
    ) -> types.ModelList:
        return await self._run(_endpoints.list_models(request, fields))

    async def query_models(
        self, request: Fields | None = None, /, **fields: Unpack[types.ModelQuery]
    ) -> types.ModelPage:
        return await self._run(_endpoints.query_models(request, fields))

    async def recommend(
        self, request: Fields | None = None, /, **fields: Unpack[types.RecommendFields]
    ) -> types.RecommendAnswer:
        return await self._run(_endpoints.recommend(request, fields))

    async def get_model(self, provider: str, model: str) -> types.Model:
        return await self._run(_endpoints.get_model(provider, model))

    async def get_model_health(self, models: Sequence[str] | str | None = None) -> types.HealthAnswer:
        return await self._run(_endpoints.get_model_health(models))

    async def tags(self) -> types.Listed[types.Tag]:
        return await self._run(_endpoints.tags())

    async def price_tiers(self) -> types.Listed[types.PriceTierRow]:
        return await self._run(_endpoints.price_tiers())

    async def get_input_schema(self, provider: str, model: str) -> dict[str, Any]:
        return await self._run(_endpoints.get_input_schema(provider, model))

    async def get_output_schema(self, provider: str, model: str) -> dict[str, Any]:
        return await self._run(_endpoints.get_output_schema(provider, model))

    async def validate_input(self, provider: str, model: str, input: Fields) -> types.ValidationAnswer:
        return await self._run(_endpoints.validate_input(provider, model, input))

    async def validate_output(self, provider: str, model: str, output: Fields) -> types.ValidationAnswer:
        return await self._run(_endpoints.validate_output(provider, model, output))

    async def catalog_taxonomy(self) -> types.Listed[types.Branch]:
        return await self._run(_endpoints.catalog_taxonomy())

    async def catalog_families(
        self, request: Fields | None = None, /, **fields: Unpack[types.FamilyFilter]
    ) -> types.Page[types.Family]:
        return await self._run(_endpoints.catalog_families(request, fields))

    async def get_catalog_family(self, family_id: str) -> types.Family:
        return await self._run(_endpoints.get_catalog_family(family_id))

    async def get_preferences(self) -> types.Preferences:
        return await self._run(_endpoints.get_preferences())

    async def get_preference_suggestions(self) -> types.PreferenceSuggestions:
        return await self._run(_endpoints.get_preference_suggestions())

    async def set_preference(self, key: str, value: object) -> types.Preferences:
        return await self._run(_endpoints.set_preference(key, value))

    async def delete_preference(self, key: str) -> types.Preferences:
        return await self._run(_endpoints.delete_preference(key))

    async def embeddings(
        self,
        model: Fields | str | None = None,
        input: str | Sequence[str] | Sequence[int] | Sequence[Sequence[int]] | None = None,
        **fields: Unpack[types.EmbeddingsOptions],
    ) -> types.EmbeddingsAnswer:
        return await self._run(_endpoints.embeddings(model, input, fields))

    async def rerank(
        self,
        model: Fields | str | None = None,
        query: str | None = None,
        documents: Sequence[str | Mapping[str, Any]] | None = None,
        top_n: int | None = None,
        **fields: Unpack[types.RerankOptions],
    ) -> types.RerankAnswer:
        return await self._run(_endpoints.rerank(model, query, documents, top_n, fields))

    async def account(self) -> types.Account:
        return await self._run(_endpoints.account())

    @overload
    async def org_logs(
        self, request: None = None, /, *, format: Literal["csv"], **fields: Unpack[types.LogsFilter]
    ) -> str: ...
    @overload
    async def org_logs(
        self, request: None = None, /, *, format: Literal["json"] = "json", **fields: Unpack[types.LogsFilter]
    ) -> types.LogPage: ...
    @overload
    async def org_logs(self, request: Fields, /, **fields: Any) -> Any: ...
    async def org_logs(self, request: Fields | None = None, /, **fields: Any) -> Any:
        return await self._run(_endpoints.org_logs(request, fields))

    @overload
    async def chat_completions(
        self, request: Fields | None = None, /, *, stream: Literal[True], **fields: Any
    ) -> AsyncChatStream: ...
    @overload
    async def chat_completions(
        self, request: None = None, /, *, stream: Literal[False] = False, **fields: Any
    ) -> types.ChatCompletion: ...
    @overload
    async def chat_completions(self, request: Fields, /, *, stream: Literal[False] = False, **fields: Any) -> Any: ...
    async def chat_completions(self, request: Fields | None = None, /, **fields: Any) -> Any:
        call = _endpoints.chat_completions(request, fields)
        return AsyncChatStream(await self._send(call), self._wire) if call.format == "events" else await self._run(call)

    async def _run(self, call: Call[Result]) -> Result:
        return self._wire.answer(call, await self._send(call))

    async def _send(self, call: Call[Result]) -> httpx2.Response:
        request = self._wire.request(call, self._http)
        retrying = self._wire.retrying()
        wait_s = next(retrying)
        while True:
            if wait_s:
                await self._sleep(wait_s)
            outcome = await self._attempt(request, stream=call.format == "events")
            try:
                wait_s = retrying.send(outcome)
            except StopIteration as finished:
                response: httpx2.Response = finished.value
                return response

    async def _attempt(self, request: httpx2.Request, *, stream: bool) -> Outcome:
        try:
            response = await self._http.send(request, stream=stream)
            if not response.is_success:
                await response.aread()
        except httpx2.RequestError as failure:
            return failure
        return response
