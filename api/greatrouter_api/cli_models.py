"""`greatrouter models` and `greatrouter classifier`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from greatrouter_api.terminal import CommandFailed, fail_clearly, settings

models_app = typer.Typer(no_args_is_help=True)
classifier_app = typer.Typer(no_args_is_help=True)


@models_app.command("list")
def list_models() -> None:
    """The models served here: what they do, their weights, the size of their vectors, how many tokens they read of a
    text, which backend runs them and why."""
    with fail_clearly():
        from greatrouter_api.offline import local_models
        from greatrouter_api.tables import table

        found = local_models(settings())
        table(
            "models served here",
            ("id", "tasks", "params", "size", "tokens"),
            [(m.id, ", ".join(m.tasks), f"{m.params:,}", m.dimensions, m.max_tokens) for m in found],
            whole=1,
        )
        for m in found:
            typer.echo(f"{m.id} by {m.backend}: {m.problem or m.reason}")


@models_app.command("pull")
def pull() -> None:
    """Prepares every configured model's files, so that the first start has nothing left to do."""
    with fail_clearly():
        _warm(None)


@models_app.command("warm")
def warm(model: Annotated[str | None, typer.Argument(help="A model's id; all of them without one.")] = None) -> None:
    """Loads a model and runs a forward pass: shows that it works and how long that takes."""
    with fail_clearly():
        _warm(model)


@classifier_app.command("train")
def train(
    tasks: Annotated[
        Path | None,
        typer.Option(help="JSONL with prompt, task, open_licence; only open rows are used. Calibrates; else it stays."),
    ] = None,
    complexity: Annotated[Path | None, typer.Option(help="JSONL with prompt and complexity (a tier).")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the numbers go; the installation's own data by default.")
    ] = None,
) -> None:
    """Makes the numbers the classifier ships with: exemplar vectors, calibration and complexity weights."""
    with fail_clearly():
        from greatrouter_api.offline import train as run

        for line in run(settings(), tasks, complexity, out):
            sys.stdout.write(line + "\n")


def _warm(model: str | None) -> None:
    from greatrouter_api.offline import warm as run

    failed = False
    for model_id, seconds, problem in run(settings(), model):
        failed = failed or problem is not None
        sys.stdout.write(f"{model_id}: {problem or f'ready after {seconds:.2f} s'}\n")
    if failed:
        raise CommandFailed("not every model could be loaded; what each needs is said above")
