"""What a command that was called wrongly says: one line on standard error, and status 2."""

import sys
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import typer
from typer.core import TyperGroup

from greatrouter_api.terminal import SHOWN_PART, WHOLE_KEY

# Of every wrong use, missing and misspelt options and commands among them; typer has no name of its own for it.
USAGE_ERROR = cast(type[Exception], typer.BadParameter.__mro__[1])
MOST = 10**12


class Commands(TyperGroup):
    """A group that says so itself, where typer draws a box of several lines."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        run = partial(super().main, args, prog_name, complete_var, windows_expand_args=windows_expand_args, **extra)
        if not standalone_mode:
            return run(standalone_mode=False)
        try:
            sys.exit(run(standalone_mode=False) or 0)
        except USAGE_ERROR as error:
            sys.stderr.write(_line(error))
            sys.exit(2)
        except typer.Abort:
            sys.exit(1)


def _line(error: Any) -> str:
    """Empty where typer has printed the whole help already, as it does for a group without a command."""
    said = " ".join(error.format_message().split())
    if not said or type(error).__name__ == "NoArgsIsHelpError":
        return ""
    more = f"; see `{error.ctx.command_path} --help`" if error.ctx is not None else ""
    return f"greatrouter: {WHOLE_KEY.sub(SHOWN_PART, said.rstrip('.'))}{more}\n"


def whole(text: str) -> int:
    """A whole number, 1 or more, as an option's parser takes it."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= MOST):
        raise typer.BadParameter(f"{text!r} is no whole number from 1 to {MOST:,}.")
    return int(text)


NUMBER: dict[str, Any] = {"parser": whole, "metavar": "NUMBER"}
