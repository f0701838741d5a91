"""`greatrouter catalog`."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from greatrouter_api.terminal import CommandFailed, fail_clearly, print_json, settings

if TYPE_CHECKING:
    from greatrouter_api.settings import Settings
    from greatrouter_catalog.facts import Facts, Feed

catalog_app = typer.Typer(no_args_is_help=True)


def _today() -> date:
    return datetime.now(UTC).date()


@catalog_app.command("build")
def build(
    feeds: Annotated[Path, typer.Argument(help="A folder with the feeds' files and the benchmark boards.")],
    out: Annotated[
        Path | None, typer.Option(help="Where the facts go; the installation's own data by default.")
    ] = None,
) -> None:
    """Builds the facts that ship with a release from downloaded feeds."""
    with fail_clearly():
        from greatrouter_catalog import facts
        from greatrouter_catalog.offer import day

        data = settings().data_folder / "catalog"
        supplement = data / "supplement.jsonl"
        read_on = max(day(json.loads(line)["read_on"]) or _today() for line in supplement.read_text().splitlines())
        by_hand = facts.Feed(
            "supplement", supplement.name, read_on, "collected by hand, a source a line", supplement.name
        )
        built = facts.build(feeds, facts.manifest(data / "feeds.toml"), [(by_hand, supplement)], _today())
        facts.write(built, out or data)
        _summary(built.report)


@catalog_app.command("refresh")
def refresh() -> None:
    """Downloads the public feeds and makes a new snapshot of them; servers use it from their next start."""
    with fail_clearly():
        from greatrouter_catalog import download, facts, feeds
        from greatrouter_catalog.errors import FeedError

        config = settings()
        offers, read = [], []
        with TemporaryDirectory() as folder:
            for feed in facts.manifest(config.data_folder / "catalog" / "feeds.toml"):
                try:
                    path = download.fetch(feed, Path(folder))
                    offers.append(feeds.read(feed.name, path, _today()))
                    read.append(_as_of_today(feed))
                except FeedError as error:
                    sys.stderr.write(f"greatrouter: {error}\n")
        if not offers:
            raise CommandFailed(
                "no feed could be read, so the catalog is unchanged; `greatrouter catalog import FILE` works offline"
            )
        _write(config, facts.update(_current(config), _concat(offers), read, _today(), datetime.now(UTC)))


@catalog_app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A feed's file: LiteLLM, models.dev, OpenRouter or genai-prices.")],
    observed_on: Annotated[
        str | None, typer.Option(help="The day the file was made, YYYY-MM-DD; today by default.")
    ] = None,
) -> None:
    """Adds a feed's file to the catalog: a new snapshot, beside the old one."""
    with fail_clearly():
        from greatrouter_catalog import facts, feeds

        config = settings()
        name = feeds.detect(file)
        feed = facts.Feed(name, file.name, _day(observed_on), "not stated", str(file))
        offers = feeds.read(name, file, feed.observed_on)
        _write(config, facts.update(_current(config), offers, [feed], _today(), datetime.now(UTC)))


@catalog_app.command("show")
def show(
    model: Annotated[str | None, typer.Argument(help="A model's id; the whole catalog's summary without one.")] = None,
) -> None:
    """What the catalog knows of a model, or of itself."""
    with fail_clearly():
        from greatrouter_api.offline import describe
        from greatrouter_api.services import open_catalog

        catalog = open_catalog(settings())
        if model is None:
            _summary(catalog.report | {"version": catalog.version})
            return
        rows = catalog.find(model)
        if not rows:
            alike = get_close_matches(model, catalog.ids, n=3)
            meant = f"did you mean {' or '.join(alike)}?" if alike else "`greatrouter catalog export` lists them"
            raise CommandFailed(f"no model is called {model!r}; {meant}")
        print_json([describe(catalog, row) for row in rows])


@catalog_app.command("export")
def export(file: Annotated[Path, typer.Argument(help="Ends in .parquet, .csv or .jsonl.")]) -> None:
    """Writes the catalog's models to a file for analysis."""
    with fail_clearly():
        models = _current(settings()).models
        writers: dict[str, Callable[[Path], object]] = {
            ".parquet": models.write_parquet,
            ".jsonl": models.write_ndjson,
            ".csv": lambda path: _flat(models).write_csv(path),
        }
        if file.suffix not in writers:
            raise CommandFailed(f"{file} ends in {file.suffix or 'nothing'}; allowed: {', '.join(writers)}")
        try:
            writers[file.suffix](file)
        except OSError as error:
            raise CommandFailed(f"cannot write {file}: {error.strerror or error}") from error
        sys.stderr.write(f"{len(models):,} models written to {file}\n")


def _current(settings: "Settings") -> "Facts":
    from greatrouter_catalog import facts, snapshot

    path = snapshot.current(settings.home / "catalog")
    return snapshot.facts(path) if path else facts.load(settings.data_folder / "catalog")


def _write(settings: "Settings", facts: "Facts") -> None:
    from greatrouter_catalog import snapshot

    path = snapshot.write(facts, settings.home / "catalog")
    _summary(facts.report | {"snapshot": str(path)})


def _concat(frames: list[Any]) -> Any:
    import polars as pl

    return pl.concat(frames)


def _flat(models: Any) -> Any:
    """Lists as text: CSV has no lists."""
    import polars as pl
    from polars import selectors

    return models.with_columns(selectors.list().list.join(" ")).with_columns(pl.col(pl.Decimal).cast(pl.String))


def _as_of_today(feed: "Feed") -> "Feed":
    from dataclasses import replace

    return replace(feed, observed_on=_today())


def _day(text: str | None) -> date:
    try:
        return date.fromisoformat(text) if text else _today()
    except ValueError:
        raise CommandFailed(f"{text!r} is not a day; write it as 2026-08-06") from None


def _summary(report: dict[str, Any]) -> None:
    from greatrouter_api.tables import catalog_summary

    catalog_summary(report)
