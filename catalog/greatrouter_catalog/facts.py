"""The facts that ship: built from the feeds once, stored compactly, read at the first start.

A folder of facts holds `models.parquet`, `prices.parquet`, `scores.parquet`, `conflicts.parquet` and `report.json`
(sources with date and licence, counts, shares matched).
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import polars as pl

from greatrouter_catalog import boards, feeds
from greatrouter_catalog.announced import with_announced
from greatrouter_catalog.enrich import with_description, with_identity, with_price_tier
from greatrouter_catalog.errors import FeedError, ImportFailed
from greatrouter_catalog.merge import Known, merge
from greatrouter_catalog.offer import SCHEMA
from greatrouter_catalog.plausibility import with_plausibility
from greatrouter_catalog.tables import MODEL_COLUMNS, TABLES, Facts
from greatrouter_catalog.visibility import with_visibility

__all__ = ["Facts", "Feed", "assemble", "build", "load", "manifest", "update", "write"]


@dataclass(frozen=True, slots=True)
class Feed:
    """One entry of the manifest `feeds.toml`."""

    name: str
    file: str
    observed_on: date
    licence: str
    url: str


def manifest(path: Path) -> list[Feed]:
    """The feeds named in a `feeds.toml`. Raises `FeedError` where it is missing or malformed."""
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
        found = [Feed(name=name, **entry) for name, entry in entries.items()]
    except OSError as error:
        raise FeedError(f"cannot read the feed manifest {path}: {error.strerror}; check the path") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError) as error:
        raise FeedError(
            f"{path} is not a feed manifest ({error}); each table needs file, observed_on, licence, url"
        ) from error
    for feed in found:
        if feed.name not in feeds.READERS or type(feed.observed_on) is not date:
            known = ", ".join(feeds.READERS)
            raise FeedError(
                f"{path}: [{feed.name}] needs a date without quotes as observed_on and one of the names {known}"
            )
    return found


def build(folder: Path, sources: Sequence[Feed], extra: Sequence[tuple[Feed, Path]], today: date) -> Facts:
    """Facts from the feeds of `sources` that lie in `folder`, and from files elsewhere (`extra`)."""
    present = [(feed, folder / feed.file) for feed in sources if (folder / feed.file).exists()]
    if not present:
        raise FeedError(f"no feed found in {folder}; expected {', '.join(feed.file for feed in sources)}")
    present += extra
    offers = [feeds.read(feed.name, path, feed.observed_on) for feed, path in present]
    return assemble(pl.concat(offers), boards.read_boards(folder), [feed for feed, _ in present], today)


def assemble(offers: pl.DataFrame, board_rows: pl.DataFrame, sources: Sequence[Feed], today: date) -> Facts:
    """Facts from offers (`offer.SCHEMA`) and the scores of boards (`boards.SCHEMA`)."""
    _refuse_the_future(offers, today)
    merged = merge(offers, today)
    models = with_identity(merged.models)
    names = models.select("id", "canonical", "creator", raw_name="upstream_model")
    scores, matched = boards.join_scores(board_rows, names)
    return _finished(
        models, merged.prices, scores, merged.conflicts, (_listed(sources, offers), matched.to_dicts()), today
    )


def update(
    known: Facts, offers: pl.DataFrame, sources: Sequence[Feed], today: date, recorded_at: datetime | None = None
) -> Facts:
    """`known` with newer offers: a price that changed gets a new line in the history, models that are new are added.

    What the offers do not mention stays, and so do the scores. The conflicts of a model that they do mention are those
    with what was known of it. `recorded_at` is the moment; the beginning of `today` by default. Raises `ImportFailed`
    for offers of the future.
    """
    _refuse_the_future(offers, today)
    before = with_announced(known.models, known.prices, date.fromisoformat(known.report["built_on"]), today).select(
        pl.coalesce("price_feed", pl.col("sources").list.first()).alias("feed"),
        pl.col("observed_on").fill_null(today),
        pl.coalesce("valid_from", "observed_on").fill_null(today).alias("valid_from"),
        *(name for name in SCHEMA if name not in {"feed", "observed_on", "valid_from"}),
        "sources",
    )
    merged = merge(offers, today, Known(before, known.prices), recorded_at)
    settled = known.conflicts.join(merged.models.select("id"), on="id", how="semi").join(
        offers.select(id=pl.col("provider") + "/" + pl.col("upstream_model")), on="id", how="anti"
    )
    conflicts = pl.concat([settled, merged.conflicts]).unique(maintain_order=True).sort("id", "field", "other_feed")
    again = {feed.name for feed in sources}
    kept = [source for source in known.report["sources"] if source["feed"] not in again]
    listed = kept + _listed(sources, offers)
    models = with_identity(merged.models)
    return _finished(models, merged.prices, known.scores, conflicts, (listed, known.report["boards"]), today)


def _refuse_the_future(offers: pl.DataFrame, today: date) -> None:
    latest = offers["observed_on"].max()
    if isinstance(latest, date) and latest > today:
        raise ImportFailed(
            f"the offers are dated {latest}, after today ({today}); give the day on which the file was made"
        )


def _finished(
    models: pl.DataFrame,
    prices: pl.DataFrame,
    scores: pl.DataFrame,
    conflicts: pl.DataFrame,
    provenance: tuple[list[dict[str, Any]], list[dict[str, Any]]],
    today: date,
) -> Facts:
    models = with_description(with_price_tier(with_plausibility(models)))
    models = with_visibility(models, scores)
    report = _report(models, scores, conflicts, today) | dict(zip(("sources", "boards"), provenance, strict=True))
    return Facts(models.select(MODEL_COLUMNS), prices, scores, conflicts, report)


def _listed(sources: Sequence[Feed], offers: pl.DataFrame) -> list[dict[str, Any]]:
    rows = dict(offers.group_by("feed").len().iter_rows())
    return [
        {
            "feed": feed.name,
            "url": feed.url,
            "observed_on": feed.observed_on.isoformat(),
            "licence": feed.licence,
            "offers": rows.get(feed.name, 0),
        }
        for feed in sources
    ]


def _report(models: pl.DataFrame, scores: pl.DataFrame, conflicts: pl.DataFrame, today: date) -> dict[str, Any]:
    routable = models.filter(pl.col("visibility") != "long_tail")
    doubted = models.filter(pl.col("price_doubt").is_not_null()).select(
        "id", "price_feed", "price_doubt", *(pl.col(name).round(9) for name in ("typical_cost", "usual_cost"))
    )
    return {
        "built_on": today.isoformat(),
        "models": len(models),
        "routable": len(routable),
        "routable_by_task": _counts(routable.explode("tasks", empty_as_null=False)["tasks"]),
        "long_tail_by_reason": _counts(models["long_tail_because"].drop_nulls()),
        "providers": models["provider"].n_unique(),
        "families": models["family"].n_unique(),
        "conflicts": len(conflicts),
        "conflicts_by_field": _counts(conflicts["field"]),
        "models_with_scores": len(models.join(scores.select("canonical"), on="canonical", how="semi")),
        "doubted_prices": doubted.to_dicts(),
    }


def _counts(values: pl.Series) -> dict[str, int]:
    return dict(sorted(values.value_counts().iter_rows()))


def write(facts: Facts, folder: Path) -> None:
    """Writes every file beside its place and only then moves them there. Raises `ImportFailed`."""
    pending = folder / f".writing-{uuid4().hex}"
    try:
        pending.mkdir(parents=True)
        for name in TABLES:
            getattr(facts, name).write_parquet(pending / f"{name}.parquet", compression="zstd", compression_level=19)
        report = orjson.dumps(facts.report, option=orjson.OPT_INDENT_2, default=str)
        (pending / "report.json").write_bytes(report + b"\n")
        for path in sorted(pending.iterdir()):
            path.replace(folder / path.name)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ImportFailed(f"cannot write the catalog facts to {folder} ({error}); build them again") from error
    finally:
        if pending.is_dir():
            for path in pending.iterdir():
                path.unlink()
            pending.rmdir()


def load(folder: Path) -> Facts:
    """The facts in a folder. Raises `FeedError` where one is missing or unreadable."""
    try:
        tables = {name: pl.read_parquet(folder / f"{name}.parquet") for name in TABLES}
        report = orjson.loads((folder / "report.json").read_bytes())
    except (OSError, pl.exceptions.PolarsError, orjson.JSONDecodeError) as error:
        reason = str(error).splitlines()[0]
        raise FeedError(f"the catalog facts in {folder} cannot be read ({reason}); reinstall the package") from error
    if tuple(tables["models"].columns) != MODEL_COLUMNS:
        raise FeedError(f"the catalog facts in {folder} are of another version; reinstall the package")
    return Facts(report=report, **tables)
