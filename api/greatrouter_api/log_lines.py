"""Log lines without what exceptions say: a bug's words may quote a prompt, a key or a row."""

import logging
import traceback
from types import TracebackType

LINE = "%(levelname)s %(name)s: %(message)s"
# Its messages go on with the representations of tasks, and so of what they raised.
TALKATIVE = "asyncio"

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class Discreet(logging.Formatter):
    """The first line of a traceback's exceptions is their kind alone; where they came from is told as ever."""

    def __init__(self) -> None:
        super().__init__(LINE)

    def formatMessage(self, record: logging.LogRecord) -> str:
        if record.name == TALKATIVE:
            record.message = record.message.partition("\n")[0]
        return super().formatMessage(record)

    def formatException(self, ei: ExcInfo) -> str:
        return "\n".join(_told(ei[1])) if ei[1] is not None else ""


def _told(error: BaseException | None) -> list[str]:
    """The exceptions that led to this one come first, as in a traceback."""
    found: list[str] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        frames = "".join(traceback.format_tb(error.__traceback__)).rstrip("\n")
        found.insert(0, f"{_kind(error)}\n{frames}".rstrip("\n"))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return found


def _kind(error: BaseException) -> str:
    kind = type(error)
    inside = f" of {len(error.exceptions)} exceptions" if isinstance(error, BaseExceptionGroup) else ""
    return f"{kind.__module__}.{kind.__qualname__}{inside} (what it says may quote a request, and is left out)"
