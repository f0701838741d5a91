"""The command line. Heavy modules are imported by the command that needs them: `greatrouter --help` takes 0.2 s."""

from pathlib import Path
from typing import Annotated

import typer

from greatrouter_api.cli_accounts import accounts_app
from greatrouter_api.cli_catalog import catalog_app
from greatrouter_api.cli_keys import keys_app
from greatrouter_api.cli_models import classifier_app, models_app
from greatrouter_api.cli_usage import Commands
from greatrouter_api.terminal import CommandFailed, fail_clearly, print_json, settings

ABOUT = "Says what a prompt asks for, chooses the best model for it, runs it, and says why."
app = typer.Typer(cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=ABOUT)
app.add_typer(keys_app, name="keys", help="API keys: create, list, revoke.")
app.add_typer(catalog_app, name="catalog", help="The catalog: build, refresh, import, show, export.")
app.add_typer(models_app, name="models", help="The models served here: list, pull, warm.")
app.add_typer(classifier_app, name="classifier", help="The classifier: train.")
app.add_typer(accounts_app, name="accounts", help="Organizations: show, plan, credit, debit, statement, verify, copy.")

Optimization = Annotated[str, typer.Option(help="price-optimized, balanced or output-optimized.")]


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8080,
    workers: Annotated[int, typer.Option(help="Processes.", min=1)] = 1,
) -> None:
    """Starts the server."""
    with fail_clearly():
        from greatrouter_api.process import run

        run(settings(), host, port, workers)


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Stop after the table.")] = False,
    port: Annotated[int, typer.Option(help="Port to listen on; a free one where 0.", min=0, max=65535)] = 8080,
) -> None:
    """Starts the server, sends it real requests, prints what it decided and keeps serving."""
    with fail_clearly():
        try:
            from greatrouter_api.demo import run
        except ModuleNotFoundError as error:
            raise CommandFailed(f"the demo speaks through the Python SDK: pip install greatrouter ({error})") from error
        run(settings(), port, once=once)


@app.command()
def suggest(
    prompt: str,
    optimization: Optimization = "balanced",
    limit: Annotated[int, typer.Option(min=1, max=20)] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer of /v1/auto/suggest.")] = False,
) -> None:
    """The whole decision for a prompt, without a server."""
    with fail_clearly():
        from greatrouter_api.offline import suggest as decide
        from greatrouter_api.tables import suggestion_table

        answer = decide(settings(), prompt, optimization, limit)
        if as_json:
            print_json(answer)
        else:
            suggestion_table(prompt, answer)


@app.command()
def classify(
    prompt: Annotated[str | None, typer.Argument(help="One prompt.")] = None,
    jsonl: Annotated[
        Path | None, typer.Option(help='A file with {"prompt": ...} a line; - is standard input.', allow_dash=True)
    ] = None,
) -> None:
    """What a prompt, or each prompt of a file, asks for: JSON out, order kept."""
    with fail_clearly():
        from greatrouter_api.offline import classify as run
        from greatrouter_api.offline import classify_lines

        if (prompt is None) == (jsonl is None):
            raise typer.BadParameter("give either one PROMPT or --jsonl FILE")
        if jsonl is not None:
            classify_lines(settings(), jsonl)
        elif prompt is not None:
            print_json(run(settings(), [prompt])[0])


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def bench(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="classifier, gateway, ledger, rerank or route.", show_default=False)
    ] = None,
) -> None:
    """Runs one of the project's own benchmarks; `greatrouter bench NAME --help` lists its options."""
    if name is None or name in ("--help", "-h"):  # which belongs to the benchmark once one is named
        typer.echo(context.get_help())
        raise typer.Exit(0 if name else 2)
    with fail_clearly():
        from greatrouter_api.benches import run

        run(name, context.args)
