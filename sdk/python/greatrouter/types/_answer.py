"""What every answer is: a pydantic model that can be read like a dict, too."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import UnionType
from typing import Any, Literal, Self, TypeVar, Union, cast, get_args, get_origin

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
        absent, readers = _shape(cls)
        fields = {**absent, **document}
        extra = {name: fields.pop(name) for name in document if name not in absent}
        for name, reader in readers:
            if name in document:
                fields[name] = reader(document[name])
        # As `model_construct`, which takes 2 to 5 times as long and no field called "cls".
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

    __eq__ = Mapping.__eq__
    __hash__ = None  # type: ignore[assignment]


def read(kind: type[Kind], document: Any) -> Kind:
    """`document` as `kind` where that is an `Answer` and it can be one, else as it is."""
    reader = _reader(kind)
    return cast(Kind, reader(document) if reader else document)


@cache
def _shape(kind: type[Answer]) -> tuple[dict[str, None], list[tuple[str, Reader]]]:
    """Its fields, and how to read those that hold answers."""
    fields = kind.model_fields
    readers = [(name, reader) for name, field in fields.items() if (reader := _reader(field.annotation))]
    return dict.fromkeys(fields), readers


def _reader(annotation: Any) -> Reader | None:
    """Of an `Answer`, a list of them, or either `| None`. None for anything else, whose values stay as they are."""
    if isinstance(annotation, type) and issubclass(annotation, Answer):
        kind: type[Answer] = annotation
        return lambda value: kind.from_dict(value) if isinstance(value, dict) else value
    origin = get_origin(annotation)
    if origin is list:
        item = _reader(get_args(annotation)[0])
        return item and (lambda value: [item(each) for each in value] if isinstance(value, list) else value)
    if origin in {Union, UnionType}:
        return next(filter(None, map(_reader, get_args(annotation))), None)
    return None
