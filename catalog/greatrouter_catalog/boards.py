"""Public benchmark boards, read into one long table and joined to the catalog's models.

A board is one list of scores that may be compared with each other: every LiveBench release is a board of its own, for
its questions change. Boards of a kind share the beginning of their names (`livebench-code-2026-01-08`).
"""

import csv
import logging
import math
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import fmean
from typing import Any, TypeVar

import orjson
import polars as pl

from greatrouter_catalog.errors import FeedError
from greatrouter_catalog.identity import creator, identify

log = logging.getLogger(__name__)

Row = dict[str, Any]
T = TypeVar("T")

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

# --- Arena: people's votes on pairs of answers, as Elo ----------------------------------------------------------------

ARENA_TASKS: dict[str, tuple[str, str | None]] = {
    "agent": ("text", None),
    "code-image-to-webdev": ("code", None),
    "code-webdev": ("code", None),
    "document": ("text", None),
    "image-edit": ("image", "edit"),
    "image-to-video": ("video", "edit"),
    "search": ("web_search", None),
    "text": ("text", None),
    "text-to-image": ("image", "generate"),
    "text-to-video": ("video", "generate"),
    "video-edit": ("video", "edit"),
    "vision": ("text", None),
}


def _arena(path: Path) -> Iterator[Row]:
    for where, row in _jsonl(path):
        board = _get(row, "leaderboard", str, where)
        task, mode = ARENA_TASKS.get(board, (None, None))
        if task is None:
            log.info("arena board %r in %s speaks for no task of ours: skipped", board, path.name)
            continue
        score, spread, metric = row.get("score"), (row.get("ci_low"), row.get("ci_high")), "elo"
        if score is None:  # the agent board publishes signals in percent instead of one Elo
            signal = _get(_get(row, "signals", dict, where), "net_improvement", dict, where)
            score, spread, metric = signal.get("value"), (signal.get("ci"), signal.get("ci")), "net_improvement_percent"
        yield {
            "board": f"arena-{board}",
            "metric": metric,
            "task": task,
            "content_mode": mode,
            "name": _get(row, "model", str, where),
            "vendor": _maybe(row, "vendor", str, where),
            "score": _number(score, "score", where),
            "votes": _maybe(row, "votes", int, where),
            # Published as half widths of a 95% interval.
            "stderr": None if None in spread else fmean(_number(half, "ci", where) for half in spread) / 1.96,
            "source": "LMArena leaderboards",
            "observed_on": _date(_get(row, "last_updated", str, where), "%b %d, %Y", where),
            "licence": "attribute LMArena",
        }


# --- LiveBench: monthly questions with checked answers ----------------------------------------------------------------


def _livebench(path: Path) -> Iterator[Row]:
    release = path.stem.removeprefix("table_").replace("_", "-")
    observed_on = _date(release, "%Y-%m-%d", str(path))
    categories = _json(path.with_name(path.name.replace("table_", "categories_").replace(".csv", ".json")), dict)
    lines = csv.DictReader(path.read_text(encoding="utf-8", errors="replace").splitlines())
    for row in lines:
        where = f"{path}:{lines.line_num}"
        if None in row:
            raise FeedError(f"{where}: more values than the header has columns. Fetch the file again.")
        if None in row.values() or "" in row.values():  # one row of 2026-01-08 is three values short
            log.info("%s: %s has no score for every task: skipped", where, row["model"])
            continue
        means = {
            category: fmean(_number(row.get(task), task, where) for task in tasks)
            for category, tasks in categories.items()
        }
        for task in ("code", "text"):
            chosen = [mean for category, mean in means.items() if ("Coding" in category) == (task == "code")]
            yield {
                "board": f"livebench-{task}-{release}",
                "metric": "pass_rate_percent",
                "task": task,
                "name": _get(row, "model", str, where),
                "score": fmean(chosen),
                "source": f"LiveBench {release}",
                "observed_on": observed_on,
                "licence": "Apache-2.0",
            }


# --- Code boards: tests passed ----------------------------------------------------------------------------------------

# The other lists of the file repeat these models under other prompts.
AIDER_BOARDS = {"edit_leaderboard": "aider-edit", "polyglot_leaderboard": "aider-polyglot"}


def _aider(path: Path) -> Iterator[Row]:
    for where, row in _jsonl(path):
        board = AIDER_BOARDS.get(_get(row, "board", str, where))
        name = _get(row, "model", str, where)
        if board is None or row.get("pass_rate_2") is None or " + " in name:  # "a + b" is a pair of models
            continue
        yield {
            "board": board,
            "metric": "pass_rate_percent",
            "task": "code",
            "name": name,
            "score": _number(row["pass_rate_2"], "pass_rate_2", where),
            "votes": _maybe(row, "test_cases", int, where),
            "source": "Aider leaderboards",
            "observed_on": _date(_get(row, "date", str, where), "%Y-%m-%d", where),
            "licence": "Apache-2.0",
        }


def _evalplus(path: Path) -> Iterator[Row]:
    yield from _passed(path, "evalplus", {"humaneval+": "humaneval", "mbpp+": "mbpp"}, "EvalPlus")


def _bigcodebench(path: Path) -> Iterator[Row]:
    yield from _passed(path, "bigcodebench", {"instruct": "instruct", "complete": "complete"}, "BigCodeBench")


def _passed(path: Path, board: str, measures: dict[str, str], source: str) -> Iterator[Row]:
    for name, entry in _json(path, dict).items():
        where = f"{path}: entry {name!r}"
        rates = _get(entry, "pass@1", dict, where)
        # Completed without a chat prompt: the base model, also where the name does not say so.
        base = not entry.get("prompted") and "base" not in name.lower()
        for measure, short in measures.items():
            if rates.get(measure) is None:
                continue
            yield {
                "board": f"{board}-{short}",
                "metric": "pass_rate_percent",
                "task": "code",
                "name": name,
                "spelling": f"{name}-base" if base else name,
                "score": _number(rates[measure], measure, where),
                "source": source,
                "observed_on": _maybe_date(entry, where),
                "licence": "Apache-2.0",
            }


# --- Benchmarks that ride in price feeds ------------------------------------------------------------------------------

_EFFORT = re.compile("none|minimal|low|medium|x?high|max")
_CODE = re.compile(r"cod(?:e|ing)|swe|terminal|repo", re.IGNORECASE)


def _modelsdev(path: Path) -> Iterator[Row]:
    for where, row in _jsonl(path):
        for entry in _maybe(row, "benchmarks", list, where) or ():
            title = _get(entry, "name", str, where)
            if title == "Aider Polyglot":  # read from its own board
                continue
            variant = _maybe(entry, "variant", str, where) or ""
            edition = [str(entry[key]) for key in ("version", "dataset") if entry.get(key)]
            yield {
                "board": "-".join(re.findall(r"[a-z0-9.]+", " ".join(["modelsdev", title, *edition]).lower())),
                "metric": "index" if "Index" in title else "pass_rate_percent",
                "task": "code" if _CODE.search(title) else "text",
                "name": _get(row, "model", str, where),
                "effort": variant if _EFFORT.fullmatch(variant) else None,
                "score": _number(entry.get("score"), "score", where),
                "source": _maybe(entry, "source", str, where) or "models.dev",
                "observed_on": _maybe_date(entry, where),
                "licence": "MIT (models.dev); attribute the source",
            }


def _openrouter(path: Path) -> Iterator[Row]:
    found = re.search(r"\d{4}-\d{2}-\d{2}", path.name)
    for number, row in enumerate(_get(_json(path, dict), "data", list, str(path))):
        where = f"{path}: model {number}"
        name = _get(row, "id", str, where)
        indices = _maybe(_maybe(row, "benchmarks", dict, where) or {}, "artificial_analysis", dict, where) or {}
        for index, task in (("intelligence_index", "text"), ("agentic_index", "text"), ("coding_index", "code")):
            if indices.get(index) is None:
                continue
            yield {
                "board": f"artificial-analysis-{index.removesuffix('_index')}",
                "metric": "index",
                "task": task,
                "name": name,
                "score": _number(indices[index], index, where),
                "source": "Artificial Analysis, through OpenRouter's model list",
                "observed_on": date.fromisoformat(found[0]) if found else None,
                "licence": "attribute Artificial Analysis",
            }


# --- MTEB: embedding models -------------------------------------------------------------------------------------------

# One fixed list of tasks a board, so that a model's mean does not depend on which tasks somebody happened to run.
MTEB_BOARDS: dict[str, tuple[str, str]] = {
    "retrieval-en": (
        "embeddings",
        "ArguAna CQADupstackGamingRetrieval CQADupstackUnixRetrieval ClimateFEVERHardNegatives FEVERHardNegatives "
        "FiQA2018 HotpotQAHardNegatives SCIDOCS TRECCOVID Touche2020Retrieval.v3",
    ),
    "retrieval-domains": (
        "embeddings",
        "AILACasedocs AILAStatutes AppsRetrieval CUREv1 ChatDoctorRetrieval DS1000Retrieval FinQARetrieval "
        "FinanceBenchRetrieval FreshStackRetrieval HC3FinanceRetrieval HumanEvalRetrieval LegalQuAD "
        "LegalSummarization MBPPRetrieval WikiSQLRetrieval",
    ),
    "retrieval-multilingual": (
        "embeddings",
        "BelebeleRetrieval CovidRetrieval MIRACLRetrievalHardNegatives MLQARetrieval StatcanDialogueDatasetRetrieval "
        "TwitterHjerneRetrieval WikipediaRetrievalMultilingual",
    ),
    "retrieval-code": (
        "embeddings",
        "AppsRetrieval CodeEditSearchRetrieval CodeFeedbackMT CodeFeedbackST CodeSearchNetCCRetrieval "
        "CodeSearchNetRetrieval CodeTransOceanContest CodeTransOceanDL CosQA StackOverflowQA SyntheticText2SQL",
    ),
    "reranking": (
        "rerank",
        "AlloprofReranking AskUbuntuDupQuestions MindSmallReranking RuBQReranking T2Reranking VoyageMMarcoReranking "
        "WebLINXCandidatesReranking WikipediaRerankingMultilingual",
    ),
    "sts-en": ("embeddings", "BIOSSES SICK-R STS12 STS13 STS14 STS15 STS17 STS22.v2 STSBenchmark"),
    "classification-en": (
        "embeddings",
        "AmazonCounterfactualClassification Banking77Classification ImdbClassification MTOPDomainClassification "
        "MassiveIntentClassification MassiveScenarioClassification ToxicConversationsClassification "
        "TweetSentimentExtractionClassification",
    ),
    "clustering-en": (
        "embeddings",
        "ArXivHierarchicalClusteringP2P ArXivHierarchicalClusteringS2S BiorxivClusteringP2P.v2 "
        "MedrxivClusteringP2P.v2 MedrxivClusteringS2S.v2 StackExchangeClustering.v2 StackExchangeClusteringP2P.v2 "
        "TwentyNewsgroupsClustering.v2",
    ),
}
MTEB_ENOUGH = 0.7  # of a board's tasks


def _mteb(path: Path) -> Iterator[Row]:
    tasks = sorted({task for _, names in MTEB_BOARDS.values() for task in names.split()})
    try:
        # Settings of a model, such as "(embed_dim=512)", are left out; so is what it was trained on.
        scores = (
            pl.scan_parquet(path)
            .select("model", "task", "split", "subset", "main_score")
            .filter(
                pl.col("task").is_in(tasks),
                pl.col("main_score").is_between(-1, 1),
                ~pl.col("model").str.contains("(", literal=True),
                (pl.col("split") != "train") | (pl.col("task") == "TwitterHjerneRetrieval"),  # it has no other split
            )
            .group_by("model", "task", "subset")
            .agg(pl.col("main_score").mean())
            .collect()
        )
    except (pl.exceptions.PolarsError, OSError) as error:
        raise FeedError(f"{path}: not MTEB scores (model, task, split, subset, main_score): {error}") from error
    for board, (task, names) in MTEB_BOARDS.items():
        for model, score, ran in _mteb_means(scores, names.split(), english=board.endswith("-en")).iter_rows():
            yield {
                "board": f"mteb-{board}",
                "metric": "mean_score_percent",
                "task": task,
                "name": model,
                # Sums of floats depend on their order, which differs between runs from the 14th digit on.
                "score": round(100 * score, 9),
                "votes": ran,
                "source": "MTEB results",
                "licence": "Apache-2.0 (mteb)",
            }


def _mteb_means(scores: pl.DataFrame, tasks: list[str], *, english: bool) -> pl.DataFrame:
    """(model, score, tasks run) of every model with enough of the tasks.

    The mean is taken of the differences to each task's mean, then lifted by the mean of these: the plain mean for a
    model that ran every task, and no advantage to one that skipped the hard ones.
    """
    chosen = scores.filter(pl.col("task").is_in(tasks))
    if english:
        chosen = chosen.filter(pl.col("subset").is_in(["default", "en", "en-en"]))
    means = chosen.group_by("model", "task").agg(pl.col("main_score").mean().cast(pl.Float64))
    enough = pl.col("task").n_unique().over("model") >= MTEB_ENOUGH * len(tasks)
    means = means.filter(enough)
    level = means.group_by("task").agg(pl.col("main_score").mean().alias("level"))
    return (
        means.join(level, on="task")
        .group_by("model")
        .agg((pl.col("main_score") - pl.col("level")).mean() + (level["level"].mean() or 0.0), pl.len().alias("ran"))
        .select("model", "main_score", "ran")
        .sort("model")
    )


# --- All boards -------------------------------------------------------------------------------------------------------

# Pattern under the feeds folder, its reader, and whether every file counts or only the newest by name.
FEEDS: tuple[tuple[str, Callable[[Path], Iterator[Row]], bool], ...] = (
    ("arena_leaderboards_*.jsonl", _arena, False),
    ("livebench/table_*.csv", _livebench, True),
    ("aider_leaderboards.jsonl", _aider, False),
    ("evalplus_results.json", _evalplus, False),
    ("bigcodebench_results.json", _bigcodebench, False),
    ("modelsdev_base_models.jsonl", _modelsdev, False),
    ("openrouter_models*.json", _openrouter, False),
    ("mteb_scores_long.parquet", _mteb, False),
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
        .sort(*each, "score")
        .group_by(each, maintain_order=True)
        .agg(pl.all().gather((pl.len() - 1) // 2).first())
    )


# --- Reading with errors that say where -------------------------------------------------------------------------------


def _jsonl(path: Path) -> Iterator[tuple[str, Row]]:
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        where = f"{path}:{number}"
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


def _json(path: Path, kind: type[T]) -> T:
    try:
        value = orjson.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise FeedError(f"{path}: needed beside the other files of its board, and missing") from error
    except orjson.JSONDecodeError as error:
        raise FeedError(f"{path}:{error.lineno}: not JSON ({error.msg}). Fetch the file again.") from error
    if not isinstance(value, kind):
        raise FeedError(f"{path}: expected {kind.__name__}, found {type(value).__name__}. Fetch the file again.")
    return value


def _get(row: object, key: str, kind: type[T], where: str) -> T:
    value = row.get(key) if isinstance(row, dict) else None
    if not isinstance(value, kind):
        raise FeedError(f"{where}: {key!r} must be {kind.__name__}, found {value!r}. Did the feed change its shape?")
    return value


def _maybe(row: object, key: str, kind: type[T], where: str) -> T | None:
    absent = isinstance(row, dict) and row.get(key) is None
    return None if absent else _get(row, key, kind, where)


def _number(value: object, key: str, where: str) -> float:
    try:
        number = float(value) if isinstance(value, int | float | str) else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise FeedError(f"{where}: {key!r} must be a number, found {value!r}. Did the feed change its shape?")
    return number


def _maybe_date(row: object, where: str) -> date | None:
    text = _maybe(row, "date", str, where)
    return _date(text, "%Y-%m-%d", where) if text else None


def _date(text: str, shape: str, where: str) -> date:
    try:
        return datetime.strptime(text, shape).replace(tzinfo=UTC).date()
    except ValueError as error:
        raise FeedError(f"{where}: {text!r} is no date of the form {shape}. Did the feed change its shape?") from error
