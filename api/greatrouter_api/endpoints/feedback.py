"""`POST /v1/auto/feedback`: whether a prompt was classified right, and what it should have been."""

from typing import Annotated, Any, Literal

from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field, WithJsonSchema

from greatrouter_api import wire
from greatrouter_api.endpoints.documented import failures
from greatrouter_api.feedback import Verdict
from greatrouter_api.idempotency import plain_once
from greatrouter_api.openapi import keyed
from greatrouter_api.plain import HasServices, caller_of, raw_body
from greatrouter_api.schemas import STRICT, parse
from greatrouter_api.scopes import RUN
from greatrouter_classifier.classification import Task

# Spelled out, because a schema of its own inside the interface's description cannot be referred to from there.
_NAMES = WithJsonSchema({"anyOf": [{"type": "string", "enum": [task.value for task in Task]}, {"type": "null"}]})


class FeedbackRequest(BaseModel):
    model_config = STRICT

    prompt: str = Field(min_length=1, description="The original prompt.")
    correct: bool = Field(description="Whether the classification was right.")
    classified_task: Annotated[Task | None, _NAMES] = Field(
        default=None, description="What the router classified it as."
    )
    confidence: Annotated[
        float | None, Field(ge=0, le=1, allow_inf_nan=False, description="How sure the router was.")
    ] = None
    suggested_task: Annotated[Task | None, _NAMES] = Field(default=None, description="What it should have been.")


class FeedbackAnswer(BaseModel):
    id: str
    accepted: Literal[True]


BODY: dict[str, Any] = {
    "required": True,
    "content": {"application/json": {"schema": FeedbackRequest.model_json_schema()}},
}


def add(app: FastAPI, server: HasServices) -> None:
    @app.post(
        "/v1/auto/feedback",
        tags=["routing"],
        summary="Say whether a prompt was classified right",
        description="The organization's next prompt that is like this one is classified accordingly: a corrected or "
        "confirmed task is what it asks for; one that was wrong, with no other suggested, is what it does not.",
        response_model=None,
        responses={
            200: {"model": FeedbackAnswer, "description": "Recorded, and in effect"},
            **failures(400, 401, 409, 413, 422, 429, 500, 503),
        },
        openapi_extra={**keyed(RUN), "requestBody": BODY},
    )
    async def give_feedback(request: Request) -> Response:
        caller = await caller_of(request, server.services, RUN)
        body = await raw_body(request, server.services)

        async def accept() -> bytes:
            given = parse(FeedbackRequest, body)
            said = Verdict(given.prompt, given.correct, given.classified_task, given.suggested_task, given.confidence)
            feedback_id = await server.services.feedback.accept(caller.organization_id, said)
            return wire.dumps({"id": feedback_id, "accepted": True})

        return await plain_once(server.services.accounts.repeats, request, caller, body, accept)
