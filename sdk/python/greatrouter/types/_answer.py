"""What every answer is: a pydantic model that can be read like a dict, too."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Literal, Self, TypeVar, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict

Kind = TypeVar("Kind")
Reader = Callable[[Any], Any]


class Answer(BaseModel, Mapping[str, Any]):
    """Fields by attribute (`answer.provider`) or by name (`answer["provider"]`, `get`, `in`, `items`).

    A field that did not come is None as an attribute and no key. One that is not described here is kept, and so is a
    value of another type than its field's: the answer has been paid for.
    """

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Takes every value as it comes; `model_validate` insists on the types.

        >>> from greatrouter.types import Classification
        >>> Classification.from_dict({"task": "hologram", "confidence": "high"}).confidence
        'high'
        """
        readers = _readers(cls)
        fields: dict[str, Any] = dict.fromkeys(readers)
        extra = {}
        for name, value in document.items():
            if name in readers:
                reader = readers[name]
                fields[name] = reader(value) if reader else value
            else:
                extra[name] = value
        # As `model_construct`, which takes 3 times as long and no field called "cls".
        answer = cls.__new__(cls)
        object.__setattr__(answer, "__dict__", fields)
        object.__setattr__(answer, "__pydantic_fields_set__", set(document))
        object.__setattr__(answer, "__pydantic_extra__", extra)
        object.__setattr__(answer, "__pydantic_private__", None)
        return answer

    def to_dict(self) -> dict[str, Any]:
        """What the server sent, as plain dicts and lists."""
        return self.model_dump(exclude_unset=True)

    # Pydantic warns of values that are not of their field's type; here they are none of the caller's doing.

    def model_dump(
        self, *, warnings: bool | Literal["none", "warn", "error"] = False, **options: Any
    ) -> dict[str, Any]:
        return super().model_dump(warnings=warnings, **options)

    def model_dump_json(self, *, warnings: bool | Literal["none", "warn", "error"] = False, **options: Any) -> str:
        return super().model_dump_json(warnings=warnings, **options)

    def __getitem__(self, name: str) -> Any:
        if name in self.__pydantic_fields_set__:
            extra = self.__pydantic_extra__ or {}
            return extra[name] if name in extra else self.__dict__[name]
        raise KeyError(name)

    # As a dict and every other Mapping: by its keys. Pydantic's own yields pairs.
    def __iter__(self) -> Iterator[str]:  # type: ignore[override]
        present = self.__pydantic_fields_set__
        yield from (name for name in self.__dict__ if name in present)
        yield from self.__pydantic_extra__ or ()

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __eq__(self, other: object) -> bool:
        return Mapping.__eq__(self, other)


def read(kind: type[Kind], document: Any) -> Kind:
    """`document` as `kind` where that is an `Answer` and it can be one, else as it is."""
    reader = _reader(kind)
    return cast(Kind, reader(document) if reader else document)


@cache
def _readers(kind: type[Answer]) -> dict[str, Reader | None]:
    """By field; None where the value stays as it is."""
    return {name: _reader(field.annotation) for name, field in kind.model_fields.items()}


def _reader(annotation: Any) -> Reader | None:
    """Of an `Answer`, a list of them, or either `| None`; an `Answer` anywhere else would stay a dict."""
    if isinstance(annotation, type) and issubclass(annotation, Answer):
        kind: type[Answer] = annotation
        return lambda value: kind.from_dict(value) if isinstance(value, dict) else value
    readers = [reader for part in get_args(annotation) if (reader := _reader(part))]
    if not readers:
        return None
    [item] = readers
    if get_origin(annotation) is list:
        return lambda value: [item(each) for each in value] if isinstance(value, list) else value
    return item
