"""How the command line speaks: JSON and tables on standard output, one clear line on standard error when it fails."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from greatrouter_api.settings import Settings


# An API key that was given where something else was expected is not printed whole.
WHOLE_KEY = re.compile(r"(pk_(?:live|test)_[A-Za-z0-9]{9}_|gr-[A-Za-z0-9_-]{9})[A-Za-z0-9_-]+")
SHOWN_PART = r"\1..."


def settings() -> "Settings":
    """The settings of this process, read when a command needs them: pydantic takes a tenth of a second to import."""
    from greatrouter_api.settings import load

    return load()


def print_json(value: object) -> None:
    import orjson

    sys.stdout.buffer.write(
        orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY, default=str) + b"\n"
    )
    sys.stdout.buffer.flush()


@contextmanager
def fail_clearly() -> Iterator[None]:
    """What is raised on purpose ends the program with one line and status 1; a bug still shows its traceback."""
    try:
        yield
    except BrokenPipeError:
        sys.stderr.close()  # whoever read the output has seen enough
        sys.exit(0)
    except Exception as error:
        if not _on_purpose(error):
            raise
        sys.stderr.write(f"greatrouter: {WHOLE_KEY.sub(SHOWN_PART, str(error))}\n")
        sys.exit(1)


def _on_purpose(error: Exception) -> bool:
    """The error roots of all packages, found by name so that none has to be imported just to fail."""
    roots = {
        "AccountsError",
        "ApiError",
        "CatalogError",
        "ClassifierError",
        "CommandFailed",
        "ServingError",
        "SettingsInvalid",
    }
    return any(kind.__name__ in roots for kind in type(error).__mro__)


class CommandFailed(Exception):
    """A command cannot do what was asked; the message says what to do instead."""
