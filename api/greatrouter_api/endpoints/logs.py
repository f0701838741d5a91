"""`GET /v1/org/logs`: the organization's activity as JSON or CSV, page by page. Never holds a prompt."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from greatrouter_accounts.journal import Stretch
from greatrouter_api import wire
from greatrouter_api.endpoints import log_query
from greatrouter_api.endpoints.documented import failures
from greatrouter_api.endpoints.log_query import LogQuery
from greatrouter_api.endpoints.log_rows import LogRow, csv_text, json_row
from greatrouter_api.openapi import keyed
from greatrouter_api.plain import HasServices, caller_of
from greatrouter_api.scopes import READ
from greatrouter_api.services import Services

NEXT = "X-Next-Before"


class LogPage(BaseModel):
    object: str = Field(description="Always `list`.")
    data: list[LogRow] = Field(description="Newest first.")
    has_more: bool
    next_before: str | None = Field(description="As `before` it asks for the next page; null where there is none.")


ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": LogPage,
        "content": {"text/csv": {"schema": {"type": "string"}}},
        "description": "A page of the log",
        "headers": {
            NEXT: {
                "description": "As `before` it asks for the next page; absent where there is none.",
                "schema": {"type": "string"},
            }
        },
    }
}


def add(app: FastAPI, server: HasServices) -> None:
    @app.get(
        "/v1/org/logs",
        tags=["account"],
        summary="The organization's requests, newest first, as JSON or CSV",
        response_model=None,
        responses=ANSWERS | failures(400, 401, 500, 503),
        openapi_extra={**keyed(READ), "parameters": log_query.PARAMETERS},
    )
    async def org_logs(request: Request) -> Response:
        caller = await caller_of(request, server.services, READ)
        query = log_query.parse(request.query_params)
        return await run_in_threadpool(_page, server.services, caller.organization_id, query)


def _page(services: Services, organization_id: str, query: LogQuery) -> Response:
    """One row more than asked for tells whether there is another page."""
    asked = query.stretch
    rows = services.accounts.log_page(organization_id, Stretch(asked.limit + 1, asked.after, asked.before, asked.seen))
    more = len(rows) > asked.limit
    rows = rows[: asked.limit]
    cursor = log_query.next_before(rows, asked) if more else None
    headers = {NEXT: cursor} if cursor else {}
    if query.format == "csv":
        headers["Content-Disposition"] = 'attachment; filename="greatrouter-logs.csv"'
        return Response(csv_text(rows), headers=headers, media_type="text/csv")
    page = {"object": "list", "data": [json_row(row) for row in rows], "has_more": more, "next_before": cursor}
    return Response(wire.dumps(page), headers=headers, media_type="application/json")
