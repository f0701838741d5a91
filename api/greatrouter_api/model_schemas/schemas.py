"""The schemas of one model, over all that it does."""

from collections.abc import Callable, Sequence
from typing import Literal

from greatrouter_api.model_schemas.inputs import input_schema
from greatrouter_api.model_schemas.outputs import output_schema
from greatrouter_api.model_schemas.parts import Schema
from greatrouter_api.model_schemas.traits import Traits, traits_of
from greatrouter_catalog.model import Model

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Side = Literal["input", "output"]
SCHEMA_OF: dict[Side, Callable[[Traits], Schema]] = {"input": input_schema, "output": output_schema}
MEANING: dict[Side, str] = {
    "input": "Complete in itself: on a routed request the prompt stands in for messages, prompt, query or text that "
    "are missing. Fields not named here go through to the provider; null means absent.",
    "output": "What the model answers: `result` of a routed request, or the body of the endpoint of its task.",
}


def schema_of(side: Side, endpoints: Sequence[Model], dimensions: int | None) -> Schema:
    """JSON Schema 2020-12. A model that does two things, as embeddings and rerank, takes what either of them takes."""
    kinds = traits_of(endpoints, dimensions)
    arms = [SCHEMA_OF[side](traits) for traits in kinds]
    body = arms[0] if len(arms) == 1 else {"type": "object", "anyOf": arms}
    title = f"{side.capitalize()} of {endpoints[0].id} ({', '.join(traits.task_type for traits in kinds)})"
    return {"$schema": DIALECT, "title": title, "description": MEANING[side], **body}
