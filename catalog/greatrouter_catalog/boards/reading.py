"""Reading the files of boards, with errors that say where: the file and the line, or the entry."""

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

import orjson

from greatrouter_catalog.errors import FeedError

Row = dict[str, Any]
T = TypeVar("T")


def jsonl(path: Path) -> Iterator[tuple[str, Row]]:
    for count, line in enumerate(path.read_bytes().splitlines(), start=1):
        where = f"{path}:{count}"
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise FeedError(
                f"{where}: not JSON ({error}); expected one object a line. Fetch the file again."
            ) from error
        if not isinstance(row, dict):
            raise FeedError(f"{where}: expected an object, found {type(row).__name__}. Fetch the file again.")
        yield where, row


def whole_json(path: Path, kind: type[T]) -> T:
    try:
        value = orjson.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise FeedError(f"{path}: needed beside the other files of its board, and missing") from error
    except orjson.JSONDecodeError as error:
        raise FeedError(f"{path}:{error.lineno}: not JSON ({error.msg}). Fetch the file again.") from error
    if not isinstance(value, kind):
        raise FeedError(f"{path}: expected {kind.__name__}, found {type(value).__name__}. Fetch the file again.")
    return value


def required(row: object, key: str, kind: type[T], where: str) -> T:
    value = row.get(key) if isinstance(row, dict) else None
    if not isinstance(value, kind):
        raise FeedError(f"{where}: {key!r} must be {kind.__name__}, found {value!r}. Did the feed change its shape?")
    return value


def optional(row: object, key: str, kind: type[T], where: str) -> T | None:
    absent = isinstance(row, dict) and row.get(key) is None
    return None if absent else required(row, key, kind, where)


def number(value: object, key: str, where: str) -> float:
    try:
        found = float(value) if isinstance(value, int | float | str) else math.nan
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise FeedError(f"{where}: {key!r} must be a number, found {value!r}. Did the feed change its shape?")
    return found


def optional_day(row: object, where: str) -> date | None:
    text = optional(row, "date", str, where)
    return day(text, "%Y-%m-%d", where) if text else None


def day(text: str, shape: str, where: str) -> date:
    try:
        return datetime.strptime(text, shape).replace(tzinfo=UTC).date()
    except ValueError as error:
        raise FeedError(f"{where}: {text!r} is no date of the form {shape}. Did the feed change its shape?") from error
