"""Public benchmark boards, read into one long table and joined to the catalog's models.

A board is one list of scores that may be compared with each other: every LiveBench release is a board of its own, for
its questions change. Boards of a kind share the beginning of their names (`livebench-code-2026-01-08`).
"""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from greatrouter_catalog.boards import arena, coding, livebench, mteb, price_feeds
from greatrouter_catalog.boards.mteb import BOARDS as MTEB_BOARDS
from greatrouter_catalog.boards.reading import Row
from greatrouter_catalog.identity import creator, identify

__all__ = ["FEEDS", "MATCHED", "MTEB_BOARDS", "SCHEMA", "join_scores", "missing_boards", "read_boards"]

log = logging.getLogger(__name__)

SCHEMA = {
    "board": pl.String,
    "metric": pl.String,  # elo, pass_rate_percent, net_improvement_percent, mean_score_percent, index
    "task": pl.String,  # the router task the board speaks for
    "content_mode": pl.String,  # generate, edit; null where the task has one mode
    "name": pl.String,  # as published
    "canonical": pl.String,
    "creator": pl.String,
    "effort": pl.String,  # reasoning or output setting, null for the model as it comes
    "snapshot": pl.String,  # date in the published name
    "score": pl.Float64,  # higher is better on every board
    "votes": pl.Int64,  # judgements behind the score: votes, or test cases
    "stderr": pl.Float64,
    "source": pl.String,
    "observed_on": pl.Date,
    "licence": pl.String,
}
# Columns of join_scores' first table.
MATCHED = (
    *("canonical", "board", "metric", "task", "content_mode", "score", "effort", "votes", "stderr"),
    *("source", "observed_on", "licence"),
)

# Pattern under the feeds folder, its reader, and whether every file counts or only the newest by name.
FEEDS: tuple[tuple[str, Callable[[Path], Iterator[Row]], bool], ...] = (
    ("arena_leaderboards_*.jsonl", arena.read, False),
    ("livebench/table_*.csv", livebench.read, True),
    ("aider_leaderboards.jsonl", coding.read_aider, False),
    ("evalplus_results.json", coding.read_evalplus, False),
    ("bigcodebench_results.json", coding.read_bigcodebench, False),
    ("modelsdev_base_models.jsonl", price_feeds.read_modelsdev, False),
    ("openrouter_models*.json", price_feeds.read_openrouter, False),
    ("mteb_scores_long.parquet", mteb.read, False),
)


def missing_boards(feeds: Path) -> tuple[str, ...]:
    """The patterns of FEEDS that match no file: what read_boards leaves out."""
    return tuple(pattern for pattern, _, _ in FEEDS if not any(feeds.glob(pattern)))


def read_boards(feeds: Path) -> pl.DataFrame:
    """Every score of every board found under `feeds`, with the columns of SCHEMA.

    Missing files are left out (missing_boards names them). A row that cannot be read is a FeedError naming file and
    line, or the entry in a file that is one JSON value.
    """
    if absent := missing_boards(feeds):
        log.warning("no boards under %s for: %s", feeds, ", ".join(absent))
    rows: list[Row] = []
    for pattern, reader, every in FEEDS:
        files = sorted(feeds.glob(pattern))
        for path in files if every else files[-1:]:
            rows.extend(_identified(row) for row in reader(path))
    return pl.DataFrame(rows, schema=SCHEMA)


def _identified(row: Row) -> Row:
    spelling = row.pop("spelling", row["name"])
    who = identify(spelling)
    row["creator"] = creator(spelling, row.pop("vendor", None))
    row["effort"] = row.get("effort") or who.effort
    return row | {"canonical": who.canonical, "snapshot": who.snapshot}


def join_scores(boards: pl.DataFrame, names: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The scores that certainly belong to a model of `names` (id, raw_name, canonical, creator), and a report.

    Certain means the same canonical name and, where both sides know the creator, the same creator. One row per
    canonical and board: the model without an effort if it was measured so, else at medium or default effort, else the
    median of what was measured; of several snapshots the undated one, else the newest. Of an even number, the median
    is the lower of the middle two, so that the score is one that was published.

    The report has per board: rows, models (distinct canonical names), matched, share (of models, 0..1).
    """
    known = names.select("canonical", pl.col("creator").alias("maker")).unique()
    pairs = boards.select("canonical", "creator").unique().join(known, on="canonical")
    same = pl.col("creator").is_null() | pl.col("maker").is_null() | (pl.col("creator") == pl.col("maker"))
    certain = pairs.filter(same).select("canonical", "creator").unique()
    found = boards.filter(pl.col("canonical") != "").join(certain, on=["canonical", "creator"], nulls_equal=True)
    report = (
        boards.group_by("board")
        .agg(pl.len().alias("rows"), pl.col("canonical").n_unique().alias("models"))
        .join(found.group_by("board").agg(pl.col("canonical").n_unique().alias("matched")), on="board", how="left")
        .with_columns(pl.col("matched").fill_null(0))
        .with_columns((pl.col("matched") / pl.col("models")).alias("share"))
        .sort("board")
    )
    return _one_each(found).select(MATCHED), report


def _one_each(scores: pl.DataFrame) -> pl.DataFrame:
    each = ["canonical", "board"]
    standing = (
        pl.when(pl.col("effort").is_null())
        .then(0)
        .when(pl.col("effort").is_in(["medium", "default"]))
        .then(1)
        .otherwise(2)
    )
    age = pl.col("snapshot").fill_null("9999")  # undated counts as newest: it is what the plain name serves
    return (
        scores.with_columns(standing.alias("standing"), age.alias("age"))
        .filter(pl.col("standing") == pl.col("standing").min().over(each))
        .filter(pl.col("age") == pl.col("age").max().over(each))
        .sort(*each, "score", "name", maintain_order=True)
        .group_by(each, maintain_order=True)
        .agg(pl.all().gather((pl.len() - 1) // 2).first())
    )
