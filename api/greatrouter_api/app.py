"""The application: the hot endpoints behind the front door, the rest ordinary FastAPI."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from greatrouter_accounts.accounts import Accounts
from greatrouter_api import answers, answers_wire, guardrails, openapi, paths, start_report, wire
from greatrouter_api.endpoints import account, catalog, feedback, health, logs, preferences, webhooks
from greatrouter_api.errors import EXPECTED, ApiError, from_exception
from greatrouter_api.feedback import Verdict
from greatrouter_api.front import Answer, Endpoint, EventStream, Front, Incoming
from greatrouter_api.heads import Heads
from greatrouter_api.idempotency import repeatable
from greatrouter_api.llms import llms_txt
from greatrouter_api.plan import Asking
from greatrouter_api.recommend import RecommendRequest
from greatrouter_api.schemas import (
    Body,
    ChatRequest,
    EmbeddingsRequest,
    ModelsRouteRequest,
    PriceComparisonRequest,
    RerankRequest,
    RouteRequest,
    SuggestRequest,
    parse,
)
from greatrouter_api.services import Services, open_services
from greatrouter_api.settings import Settings
from greatrouter_api.tiers import is_batch
from greatrouter_serving.errors import ServingError

log = logging.getLogger("greatrouter")


class Server:
    """Holds the services while the application runs; the endpoints reach them through it."""

    def __init__(self, settings: Settings, on_ready: Callable[[], None], *, shared: bool = False) -> None:
        self.settings = settings
        self._shared = shared
        self._on_ready = on_ready
        self._services: Services | None = None
        self.stopping = False

    @property
    def accounts(self) -> Accounts:
        return self.services.accounts

    @property
    def services(self) -> Services:
        if self._services is None:
            raise ApiError(503, "the server is starting; try again in a moment", retry_after_s=1)
        return self._services

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The services are open within the block. Raises what opening them raises."""
        async with AsyncExitStack() as stack:
            started = time.perf_counter()
            self._services = await open_services(self.settings, stack, shared=self._shared)
            if not self._shared:
                await asyncio.to_thread(start_report.tell, self.accounts, self.settings, self._services.catalog.ids)
            self._on_ready()
            total, reachable = len(self._services.catalog), int(self._services.available.sum())
            took_s = time.perf_counter() - started
            log.info("opened in %.1f s: %d models in the catalog, %d reachable", took_s, total, reachable)
            try:
                yield
            finally:
                self._services = None

    async def route(self, incoming: Incoming) -> bytes:
        request = _guarded(RouteRequest, incoming)
        asking = Asking(incoming.caller, incoming.path, incoming.request_id, is_batch(incoming))
        if request.feedback is not None:
            verdict = Verdict(request.prompt, request.feedback.correct, suggested=request.feedback.suggested_task)
            await self.services.feedback.accept(incoming.caller.organization_id, verdict)
        return await self.services.flow.route(request, asking)

    async def chat(self, incoming: Incoming) -> Answer | EventStream:
        return await self.services.chat.complete(_guarded(ChatRequest, incoming), incoming)

    async def suggest(self, incoming: Incoming) -> bytes:
        return await self.services.preview.suggest(parse(SuggestRequest, incoming.body), incoming.caller)

    async def compare(self, incoming: Incoming) -> bytes:
        return await self.services.preview.compare(parse(PriceComparisonRequest, incoming.body), incoming.caller)

    async def recommend(self, incoming: Incoming) -> bytes:
        return await self.services.recommender.recommend(parse(RecommendRequest, incoming.body), incoming.caller)

    async def models_route(self, incoming: Incoming) -> bytes:
        asking = Asking(incoming.caller, incoming.path, incoming.request_id, is_batch(incoming))
        return await self.services.flow.route_explicitly(_guarded(ModelsRouteRequest, incoming), asking)

    async def embeddings(self, incoming: Incoming) -> Answer:
        return await self.services.direct.embeddings(_guarded(EmbeddingsRequest, incoming), incoming)

    async def rerank(self, incoming: Incoming) -> Answer:
        return await self.services.direct.rerank(_guarded(RerankRequest, incoming), incoming)

    def endpoints(self) -> dict[str, Endpoint]:
        found = (
            Endpoint(
                "/v1/auto/route",
                "Classify a prompt, choose the best model, run it",
                RouteRequest,
                self.route,
                answer_model=answers.RouteAnswer,
            ),
            Endpoint(
                "/v1/auto/suggest",
                "Preview the decision without running anything",
                SuggestRequest,
                self.suggest,
                runs_models=False,
                answer_model=answers.SuggestAnswer,
            ),
            Endpoint(
                "/v1/models/route",
                "Run the best model that passes explicit filters",
                ModelsRouteRequest,
                self.models_route,
                answer_model=answers.ModelsRouteAnswer,
            ),
            Endpoint(
                "/v1/models/price-comparison",
                "What the best models would cost",
                PriceComparisonRequest,
                self.compare,
                runs_models=False,
                answer_model=answers.PriceComparisonAnswer,
            ),
            Endpoint(
                "/v1/models/recommend",
                "Recommend models for a task or a described need",
                RecommendRequest,
                self.recommend,
                runs_models=False,
                answer_model=answers.RecommendAnswer,
            ),
            Endpoint(
                "/v1/chat/completions",
                "OpenAI's chat, by any model or the best one",
                ChatRequest,
                self.chat,
                answer_model=answers_wire.ChatCompletion,
            ),
            Endpoint(
                "/v1/embeddings",
                "Embed texts",
                EmbeddingsRequest,
                self.embeddings,
                "models served here",
                answer_model=answers_wire.EmbeddingsAnswer,
            ),
            Endpoint(
                "/v1/rerank",
                "Score documents against a query",
                RerankRequest,
                self.rerank,
                "models served here",
                answer_model=answers_wire.RerankAnswer,
            ),
            Endpoint(
                "/v2/rerank",
                "The same, where Cohere's client looks for it",
                RerankRequest,
                self.rerank,
                "models served here",
                answer_model=answers_wire.RerankAnswer,
            ),
        )
        return {endpoint.path: endpoint for endpoint in found}


def _guarded(model: type[Body], incoming: Incoming) -> Body:
    """The request, whose words go to a model. Raises `ApiError` 400, also for what `X-GR-Guardrails` stops."""
    request = parse(model, incoming.body)
    if level := incoming.header(b"x-gr-guardrails"):
        guardrails.check(level, guardrails.texts_in(dict(request)))
    return request


def create_app(settings: Settings, on_ready: Callable[[], None] = lambda: None, *, shared: bool = False) -> Front:
    """An ASGI application. Opening and closing what it needs is part of its lifespan. `shared` says that other
    processes of this machine serve the same accounts."""
    server = Server(settings, on_ready, shared=shared)
    endpoints = {path: repeatable(endpoint, server) for path, endpoint in server.endpoints().items()}
    app = FastAPI(
        title="GreatRouter",
        version=version("greatrouter-server"),
        summary="Says what a prompt asks for, chooses the best model for it, runs it, and learns from what came back.",
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    _add_public(app, server)
    for group in (catalog, feedback, health, preferences, logs, account, webhooks):
        group.add(app, server)
    _add_errors(app, endpoints)
    app.add_middleware(Heads)
    openapi.document(app, endpoints.values())
    return Front(app, endpoints, server, settings.max_body_bytes, settings.cors_origins)


def _add_public(app: FastAPI, server: Server) -> None:
    """What needs no key."""

    @app.get("/v1/openapi.json", include_in_schema=False)
    def openapi_document() -> Response:
        return _json(openapi.document_30(app))

    @app.get(
        "/llms.txt", tags=["service"], summary="This interface for language models", response_class=PlainTextResponse
    )
    def llms() -> str:
        return llms_txt()

    @app.get(
        "/healthz",
        tags=["service"],
        summary="Whether the process lives",
        response_model=None,
        responses={200: {"model": answers.Alive, "description": "It does"}},
    )
    def healthz() -> Response:
        return _json({"status": "ok"})

    @app.get(
        "/readyz",
        tags=["service"],
        summary="Whether every part works, tried for real",
        response_model=None,
        responses={
            200: {"model": answers.Ready, "description": "Every part works"},
            503: {"model": answers.NotReady, "description": "Some part does not"},
        },
    )
    async def readyz() -> Response:
        problems = await _problems(server)
        state = {"status": "ready" if not problems else "not ready", "problems": problems}
        return Response(wire.dumps(state), 200 if not problems else 503, media_type="application/json")


async def _problems(server: Server) -> dict[str, str]:
    """What does not work, by part. The classifier's model is tried with a real forward pass."""
    if server.stopping:
        return {"server": "the server is stopping"}
    found = {}
    try:
        services = server.services
    except ApiError as error:
        return {"server": error.message}
    if not await asyncio.to_thread(services.accounts.answers):
        found["accounts"] = "the accounts database cannot be read; the log says more"
    if not await asyncio.to_thread(services.accounts.gate.answers):
        found["limits"] = "what counts them does not answer, so nobody who is limited is let in; the log says more"
    if not len(services.catalog):
        found["catalog"] = "the catalog is empty; run `greatrouter catalog refresh`"
    embedder = server.settings.embedder
    if embedder and any(model.id == embedder for model in services.engine.describe()):
        try:
            await services.engine.probe(embedder)
        except ServingError as error:
            found["embedder"] = str(error)
    return found


def _add_errors(app: FastAPI, hot: Collection[str] = ()) -> None:
    """FastAPI's own refusals in the one error shape. `hot` are the paths that are answered before FastAPI."""
    there = {*hot, *(route.path for route in app.routes if isinstance(route, Route) and "{" not in route.path)}

    def answer(request: Request, error: Exception) -> Response:
        if isinstance(error, RequestValidationError):
            error = ApiError(400, "; ".join(f"{'.'.join(map(str, e['loc'][1:]))}: {e['msg']}" for e in error.errors()))
        elif isinstance(error, HTTPException):
            near = paths.meant(request.url.path, there) if error.status_code == 404 else None
            advice = f"did you mean {near}?" if near else "GET /v1/openapi.json lists the endpoints"
            message = f"there is no {request.method} {request.url.path}; {advice}"
            message = message if error.status_code in (404, 405) else str(error.detail)
            error = ApiError(
                error.status_code, message, allow=_methods(app, request) if error.status_code == 405 else None
            )
        known = from_exception(error, request.scope.get("greatrouter.request_id", ""))
        return Response(known.body(), known.status, known.headers(), "application/json")

    # A bug as well: Starlette would answer it in plain text. It raises it again, so that it is logged all the same.
    for kind in (ApiError, *EXPECTED, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, answer)


def _methods(app: FastAPI, request: Request) -> str:
    """What a path takes, over all the routes that it has: Starlette names those of the first alone."""
    routes = [route for route in app.routes if isinstance(route, Route)]
    meant = next((route.path for route in routes if route.matches(request.scope)[0] is not Match.NONE), None)
    return ", ".join(sorted({method for route in routes if route.path == meant for method in route.methods or ()}))


def _json(content: object) -> Response:
    return Response(wire.dumps(content), media_type="application/json")
