"""What each preference may be: as it is checked, in words, and as JSON Schema."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from greatrouter_api.schemas import STRICT
from greatrouter_classifier.classification import ContentMode, Task
from greatrouter_ranking.ranker import Optimization

LONGEST_NAME, LONGEST_LIST = 200, 1_000

Kind = Literal["provider", "model"]

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME)]
Names = Annotated[list[Name], Field(max_length=LONGEST_LIST), AfterValidator(lambda names: list(dict.fromkeys(names)))]


class OptimizationValue(BaseModel):
    model_config = STRICT

    value: Optimization


class TaskValue(BaseModel):
    model_config = STRICT

    value: Task | None = Field(description="Null leaves it to the router.")


class ContentModeValue(BaseModel):
    model_config = STRICT

    value: ContentMode | None = Field(description="Null leaves it to the router.")


class NamesValue(BaseModel):
    """Ids of models or slugs of providers, as the catalog has them; trimmed, each once."""

    model_config = STRICT

    value: Names


@dataclass(frozen=True, slots=True)
class Taken:
    """`model` is the request's body, `schema` describes its `value`; `kind` is what a list of names is about."""

    model: type[BaseModel]
    words: str
    schema: Mapping[str, Any]
    kind: Kind | None = None


def _one_of(model: type[BaseModel], names: Iterable[str], *, nullable: bool = True) -> Taken:
    allowed = [str(name) for name in names]
    words, schema = ", ".join(allowed), {"type": "string", "enum": allowed}
    return (
        Taken(model, f"{words}, or null", {"anyOf": [schema, {"type": "null"}]})
        if nullable
        else Taken(model, words, schema)
    )


def _names(kind: Kind) -> Taken:
    item = {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME, "pattern": r"\S"}
    named = {"provider": "provider slugs", "model": "model ids"}[kind]
    words = f"a list of at most {LONGEST_LIST} {named} of the catalog, of up to {LONGEST_NAME} characters each"
    return Taken(NamesValue, words, {"type": "array", "items": item, "maxItems": LONGEST_LIST}, kind)


VALUES: Mapping[str, Taken] = {
    "default_optimization": _one_of(OptimizationValue, Optimization, nullable=False),
    "default_task": _one_of(TaskValue, Task),
    "excluded_providers": _names("provider"),
    "excluded_models": _names("model"),
    "preferred_providers": _names("provider"),
    "content_mode_default": _one_of(ContentModeValue, ContentMode),
}
