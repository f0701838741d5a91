"""The catalog: models listed, searched and one by one; model lines, taxonomy, tags and price tiers.

Only the search needs a key. All of it is read in worker threads: listing 7,900 models takes 20 ms.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from pydantic import BaseModel

from greatrouter_api import browse, catalog_shapes, intelligence, listing
from greatrouter_api.catalog_index import CatalogIndex
from greatrouter_api.endpoints import model_schemas
from greatrouter_api.endpoints.documented import failures
from greatrouter_api.endpoints.model_schemas import ModelName, Provider
from greatrouter_api.openapi import keyed
from greatrouter_api.plain import HasServices, body_of, caller_of, json_answer
from greatrouter_api.query import example, parameters, query_of
from greatrouter_api.scopes import ASK

Index = Callable[[], CatalogIndex]


def add(app: FastAPI, server: HasServices) -> None:
    index_of = lru_cache(maxsize=1)(CatalogIndex)

    def index() -> CatalogIndex:
        return index_of(server.services.catalog)

    _add_lists(app, server, index)
    _add_branches(app, server, index)
    model_schemas.add(app, server)  # before the models themselves, whose ids may have any number of slashes
    _add_models(app, server)


def _answers(shape: type[BaseModel], summary: str, *statuses: int) -> dict[str, Any]:
    """What FastAPI is told of an operation that makes its own answer."""
    responses = {200: {"model": shape, "description": "Success"}, **failures(*statuses, 500, 503)}
    return {"tags": ["catalog"], "summary": summary, "response_model": None, "responses": responses}


def _add_lists(app: FastAPI, server: HasServices, index: Index) -> None:
    query_body = {"content": {"application/json": {"schema": listing.ModelQuery.model_json_schema()}}}

    @app.get(
        "/v1/models",
        **_answers(catalog_shapes.ModelList, "List models", 400),
        openapi_extra=parameters(listing.ModelListing),
    )
    def list_models(request: Request) -> Response:
        data = listing.rows(server.services, query_of(request, listing.ModelListing))
        return json_answer({"object": "list", "data": data, "total": len(data)})

    @app.post(
        "/v1/models/query",
        **_answers(catalog_shapes.ModelPage, "Search models, in pages", 400, 401, 413),
        openapi_extra=keyed(ASK) | {"requestBody": {"required": True, **query_body}},
    )
    async def query_models(request: Request) -> Response:
        services = server.services
        await caller_of(request, services, ASK)
        query = await body_of(request, listing.ModelQuery, services)
        return await run_in_threadpool(lambda: json_answer(listing.page(services, index(), query)))

    @app.get("/v1/models/tags", **_answers(catalog_shapes.TagList, "All tags of models"))
    def list_tags() -> Response:
        return json_answer(browse.tags(index()))

    @app.get("/v1/models/price-tiers", **_answers(catalog_shapes.PriceTierList, "What each price tier means"))
    def list_price_tiers() -> Response:
        return json_answer(browse.price_tiers(index()))


def _add_branches(app: FastAPI, server: HasServices, index: Index) -> None:
    @app.get("/v1/catalog/taxonomy", **_answers(catalog_shapes.Taxonomy, "The branches of the catalog"))
    def list_taxonomy() -> Response:
        return json_answer(browse.taxonomy(index()))

    @app.get(
        "/v1/catalog/families",
        **_answers(catalog_shapes.FamilyPage, "Model lines, in pages", 400),
        openapi_extra=parameters(browse.FamilyQuery),
    )
    def list_families(request: Request) -> Response:
        query = query_of(request, browse.FamilyQuery)
        return json_answer(browse.families(server.services, index(), query))

    @app.get(
        "/v1/catalog/families/{id:path}",
        **_answers(catalog_shapes.FamilyDetail, "One model line with its models", 404),
        description="The id, such as llm/meta--llama-3.3, with its slash as it is or percent-encoded.",
    )
    def get_family(id: Annotated[str, example("llm/anthropic--claude-sonnet")]) -> Response:
        return json_answer(browse.family(server.services, index(), id))


def _add_models(app: FastAPI, server: HasServices) -> None:
    about = _answers(catalog_shapes.ModelDetail, "One model with all that is known of it", 404)

    @app.get("/v1/models/{provider}/{model:path}", operation_id="model", **about)
    def get_model(provider: Provider, model: ModelName) -> Response:
        return json_answer(intelligence.detail(server.services, f"{provider}/{model}"))

    @app.get("/v1/models/{model}", operation_id="model_by_alias", **about)
    def get_model_by_alias(model: ModelName) -> Response:
        """An id without a slash, or another name of a model, such as gpt-4o."""
        return json_answer(intelligence.detail(server.services, model))
