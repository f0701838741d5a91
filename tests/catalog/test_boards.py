"""Benchmark boards of every published shape, written small, read into one table and joined to names."""

import json
import logging
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from greatrouter_catalog.boards import FEEDS, MTEB_BOARDS, SCHEMA, join_scores, missing_boards, read_boards
from greatrouter_catalog.errors import CatalogError, FeedError
from greatrouter_catalog.identity import canonical_name, creator

Row = dict[str, Any]

ARENA: Row = {"leaderboard": "text", "last_updated": "Aug 21, 2026", "model": "claude-opus-4-6", "vendor": "Anthropic"}
ARENA |= {"score": 1500, "ci_low": 4, "ci_high": 6, "votes": 900}
AIDER: Row = {"board": "polyglot_leaderboard", "model": "o3 (high)", "date": "2025-04-16", "pass_rate_2": 81.3}
AIDER |= {"test_cases": 225}


def jsonl(path: Path, *rows: Row) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def arena(folder: Path, *changes: Row) -> Path:
    return jsonl(folder / "arena_leaderboards_2026-08-22.jsonl", *(ARENA | change for change in changes))


def livebench(folder: Path, *lines: str, release: str = "2026_01_08") -> Path:
    table = folder / "livebench" / f"table_{release}.csv"
    table.parent.mkdir(exist_ok=True)
    table.write_text("\n".join(["model,python,typescript,code_completion,zebra,typos", *lines]))
    categories = {"Agentic Coding": ["python", "typescript"], "Coding": ["code_completion"], "Reasoning": ["zebra"]}
    categories |= {"Language": ["typos"]}
    table.with_name(f"categories_{release}.json").write_text(json.dumps(categories))
    return table


def names(*spellings: str) -> pl.DataFrame:
    rows = [
        {"id": f"p/{raw}", "raw_name": raw, "canonical": canonical_name(raw), "creator": creator(raw, None)}
        for raw in spellings
    ]
    return pl.DataFrame(
        rows, schema={"id": pl.String, "raw_name": pl.String, "canonical": pl.String, "creator": pl.String}
    )


def only(frame: pl.DataFrame) -> Row:
    assert frame.height == 1, frame
    return frame.row(0, named=True)


# --- Each shape -------------------------------------------------------------------------------------------------------


def test_an_arena_row_is_an_elo_with_its_error(tmp_path: Path) -> None:
    arena(tmp_path, {"model": "claude-opus-4-6-high"})
    row = only(read_boards(tmp_path))
    assert row["stderr"] == pytest.approx(5 / 1.96)
    expected: Row = {"board": "arena-text", "metric": "elo", "task": "text", "content_mode": None, "score": 1500.0}
    expected |= {
        "name": "claude-opus-4-6-high",
        "canonical": "claude-opus-4-6",
        "creator": "anthropic",
        "effort": "high",
    }
    expected |= {"votes": 900, "observed_on": date(2026, 8, 21), "licence": "attribute LMArena"}
    assert {key: row[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("leaderboard", "task", "mode"),
    [
        ("search", "web_search", None),
        ("code-webdev", "code", None),
        ("text-to-image", "image", "generate"),
        ("image-edit", "image", "edit"),
        ("text-to-video", "video", "generate"),
        ("video-edit", "video", "edit"),
    ],
)
def test_an_arena_board_speaks_for_a_task(tmp_path: Path, leaderboard: str, task: str, mode: str | None) -> None:
    arena(tmp_path, {"leaderboard": leaderboard})
    row = only(read_boards(tmp_path))
    assert (row["board"], row["task"], row["content_mode"]) == (f"arena-{leaderboard}", task, mode)


def test_the_agent_arena_has_a_percentage_instead_of_an_elo(tmp_path: Path) -> None:
    signals = {"net_improvement": {"value": 12.5, "ci": 1.96}}
    arena(tmp_path, {"leaderboard": "agent", "score": None, "ci_low": None, "ci_high": None, "signals": signals})
    row = only(read_boards(tmp_path))
    assert (row["metric"], row["score"], row["stderr"]) == ("net_improvement_percent", 12.5, pytest.approx(1.0))


def test_an_arena_board_of_no_task_of_ours_is_left_out(tmp_path: Path) -> None:
    arena(tmp_path, {"leaderboard": "smell"})
    assert read_boards(tmp_path).is_empty()


def test_only_the_newest_arena_file_counts(tmp_path: Path) -> None:
    jsonl(tmp_path / "arena_leaderboards_2026-07-01.jsonl", ARENA | {"score": 1})
    arena(tmp_path, {"score": 2})
    assert only(read_boards(tmp_path))["score"] == 2


def test_livebench_is_a_mean_of_categories_for_code_and_for_text(tmp_path: Path) -> None:
    livebench(tmp_path, "gpt-5.4-mini-high,10,30,40,50,90")
    rows = {row["board"]: row for row in read_boards(tmp_path).iter_rows(named=True)}
    assert {board: row["score"] for board, row in rows.items()} == {
        "livebench-code-2026-01-08": (20 + 40) / 2,
        "livebench-text-2026-01-08": (50 + 90) / 2,
    }
    assert {row["observed_on"] for row in rows.values()} == {date(2026, 1, 8)}
    assert {row["effort"] for row in rows.values()} == {"high"}


def test_a_livebench_model_without_every_score_has_no_mean(tmp_path: Path) -> None:
    livebench(tmp_path, "half,10,,40,50,90", "short,10,20", "whole,1,1,1,1,1")
    assert set(read_boards(tmp_path)["name"]) == {"whole"}


def test_aider_boards_take_the_second_pass_rate_of_single_models(tmp_path: Path) -> None:
    pair, first_only, other = {"model": "o3 (high) + gpt-4.1"}, {"pass_rate_2": None}, {"board": "qwen3_leaderboard"}
    rows = (AIDER, *(AIDER | change for change in (pair, first_only, other)))
    jsonl(tmp_path / "aider_leaderboards.jsonl", *rows)
    row = only(read_boards(tmp_path))
    expected: Row = {"board": "aider-polyglot", "metric": "pass_rate_percent", "task": "code", "canonical": "o3"}
    expected |= {"effort": "high", "score": 81.3, "votes": 225, "observed_on": date(2025, 4, 16)}
    assert {key: row[key] for key in expected} == expected


def test_a_model_completed_without_a_prompt_is_the_base_model(tmp_path: Path) -> None:
    entries = {
        "CodeLlama-7B": {"pass@1": {"humaneval+": 35.4, "mbpp+": None}, "prompted": False},
        "DeepSeek-Coder-33B-base": {"pass@1": {"humaneval+": 44.5, "mbpp+": None}, "prompted": False},
        "GPT-4-Turbo (April 2024)": {"pass@1": {"humaneval+": 86.6, "mbpp+": 73.3}, "prompted": True},
    }
    (tmp_path / "evalplus_results.json").write_text(json.dumps(entries))
    frame = read_boards(tmp_path)
    assert set(frame.select("board", "name", "canonical").iter_rows()) == {
        ("evalplus-humaneval", "CodeLlama-7B", "codellama-7b-base"),
        ("evalplus-humaneval", "DeepSeek-Coder-33B-base", "deepseek-coder-33b-base"),
        ("evalplus-humaneval", "GPT-4-Turbo (April 2024)", "gpt-4-turbo"),
        ("evalplus-mbpp", "GPT-4-Turbo (April 2024)", "gpt-4-turbo"),
    }


def test_bigcodebench_has_two_boards(tmp_path: Path) -> None:
    entry = {"pass@1": {"instruct": 46.8, "complete": 58.6}, "prompted": True, "date": "2024-06-20"}
    (tmp_path / "bigcodebench_results.json").write_text(json.dumps({"Claude-3.5-Sonnet-20240620": entry}))
    frame = read_boards(tmp_path)
    assert dict(frame.select("board", "score").iter_rows()) == {
        "bigcodebench-instruct": 46.8,
        "bigcodebench-complete": 58.6,
    }
    assert set(frame["observed_on"]) == {date(2024, 6, 20)}


def test_models_dev_editions_of_a_benchmark_are_boards_of_their_own(tmp_path: Path) -> None:
    benchmarks = [
        {"name": "SWE-Bench Pro", "score": 26.2, "dataset": "hard-aa", "variant": "medium", "source": "https://a"},
        {"name": "Terminal-Bench", "score": 78.2, "version": "2.1", "variant": "nightly", "date": "2026-05-28"},
        {"name": "Artificial Analysis Coding Index", "score": 57.0, "metric": "index"},
        {"name": "GPQA Diamond", "score": 90.0},
        {"name": "Aider Polyglot", "score": 88.0},
    ]
    jsonl(
        tmp_path / "modelsdev_base_models.jsonl", {"model": "openai/gpt-5.5", "benchmarks": benchmarks}, {"model": "x"}
    )
    frame = read_boards(tmp_path)
    assert set(frame.select("board", "metric", "task", "effort").iter_rows()) == {
        ("modelsdev-swe-bench-pro-hard-aa", "pass_rate_percent", "code", "medium"),
        ("modelsdev-terminal-bench-2.1", "pass_rate_percent", "code", None),
        ("modelsdev-artificial-analysis-coding-index", "index", "code", None),
        ("modelsdev-gpqa-diamond", "pass_rate_percent", "text", None),
    }
    assert set(frame["source"]) == {"https://a", "models.dev"}


def test_artificial_analysis_rides_in_openrouters_models(tmp_path: Path) -> None:
    scored = {"artificial_analysis": {"intelligence_index": 60.7, "coding_index": 78, "agentic_index": None}}
    models = [{"id": "anthropic/claude-opus-5", "benchmarks": scored}, {"id": "openrouter/auto"}]
    (tmp_path / "openrouter_models_2026-08-01.json").write_text(json.dumps({"data": models}))
    frame = read_boards(tmp_path)
    assert set(frame.select("board", "task", "score", "observed_on").iter_rows()) == {
        ("artificial-analysis-intelligence", "text", 60.7, date(2026, 8, 1)),
        ("artificial-analysis-coding", "code", 78.0, date(2026, 8, 1)),
    }


# --- MTEB -------------------------------------------------------------------------------------------------------------


def mteb(folder: Path, *rows: tuple[str, str, str, str, float | None]) -> Path:
    path = folder / "mteb_scores_long.parquet"
    columns = ["model", "task", "split", "subset", "main_score"]
    pl.DataFrame(rows, schema=columns, orient="row").write_parquet(path)
    return path


RERANKING = MTEB_BOARDS["reranking"][1].split()
STS = MTEB_BOARDS["sts-en"][1].split()


def test_mteb_is_a_mean_over_the_boards_tasks(tmp_path: Path) -> None:
    rows = [("Qwen/Qwen3-Reranker-8B", task, "test", "default", 0.5 + 0.01 * i) for i, task in enumerate(RERANKING)]
    mteb(tmp_path, *rows, ("a/seldom-run", RERANKING[0], "test", "default", 0.99))
    row = only(read_boards(tmp_path))
    expected = {"board": "mteb-reranking", "task": "rerank", "canonical": "qwen3-reranker-8b", "votes": len(RERANKING)}
    assert {key: row[key] for key in expected} == expected
    assert row["score"] == pytest.approx(100 * sum(score for *_, score in rows) / len(rows))


def test_skipping_the_hardest_mteb_task_gains_nothing(tmp_path: Path) -> None:
    levels = {task: 0.9 if i else 0.1 for i, task in enumerate(STS)}
    whole = [("a/whole", task, "test", "default", level) for task, level in levels.items()]
    skips = [("a/skips", task, "test", "default", level) for task, level in list(levels.items())[1:]]
    mteb(tmp_path, *whole, *skips)
    scores = dict(read_boards(tmp_path).select("name", "score").iter_rows())
    assert scores["a/skips"] == pytest.approx(scores["a/whole"])


def test_mteb_leaves_out_settings_training_splits_other_languages_and_nonsense(tmp_path: Path) -> None:
    good = [("a/model", task, "test", "default", 0.5) for task in STS]
    noise: list[tuple[str, str, str, str, float | None]] = [
        *(("a/model (embed_dim=512)", task, "test", "default", 0.9) for task in STS),
        ("a/model", STS[0], "train", "default", 0.9),
        ("a/model", STS[0], "test", "ko-ko", 0.9),
        ("a/model", STS[0], "test", "default", 780.0),
        ("a/model", STS[0], "test", "default", None),
    ]
    mteb(tmp_path, *good, *noise)
    assert only(read_boards(tmp_path))["score"] == pytest.approx(50)


# --- What is missing, what is broken ----------------------------------------------------------------------------------


def test_missing_boards_are_listed_and_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        frame = read_boards(tmp_path)
    assert frame.is_empty()
    assert dict(frame.schema) == SCHEMA
    assert missing_boards(tmp_path) == tuple(pattern for pattern, _, _ in FEEDS)
    assert all(pattern in caplog.text for pattern in missing_boards(tmp_path))
    arena(tmp_path, {})
    assert "arena_leaderboards_*.jsonl" not in missing_boards(tmp_path)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"score": "tall"}, "'score' must be a number, found 'tall'"),
        ({"score": None}, "'signals' must be dict"),
        ({"model": None}, "'model' must be str"),
        ({"vendor": ["a"]}, "'vendor' must be str"),
        ({"votes": "many"}, "'votes' must be int"),
        ({"ci_low": "wide"}, "'ci' must be a number"),
        ({"last_updated": "yesterday"}, "'yesterday' is no date"),
    ],
)
def test_a_broken_row_names_file_and_line(tmp_path: Path, change: Row, complaint: str) -> None:
    path = arena(tmp_path, {}, change)
    with pytest.raises(CatalogError) as caught:
        read_boards(tmp_path)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert complaint in str(caught.value)


def test_a_line_that_is_no_object_names_file_and_line(tmp_path: Path) -> None:
    path = arena(tmp_path, {})
    for text in ("{", "[1]"):
        path.write_text(f"{json.dumps(ARENA)}\n\n{text}\n")
        with pytest.raises(FeedError, match=r"2026-08-22\.jsonl:3: "):
            read_boards(tmp_path)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [("m,10,x,40,50,90", "'typescript' must be a number"), ("m,1,2,3,4,5,6", "more values than the header")],
)
def test_a_broken_livebench_line_names_file_and_line(tmp_path: Path, line: str, complaint: str) -> None:
    path = livebench(tmp_path, "good,1,1,1,1,1", line)
    with pytest.raises(FeedError, match=complaint) as caught:
        read_boards(tmp_path)
    assert str(caught.value).startswith(f"{path}:3: ")


def test_a_livebench_table_needs_its_categories(tmp_path: Path) -> None:
    path = livebench(tmp_path, "good,1,1,1,1,1").with_name("categories_2026_01_08.json")
    path.unlink()
    with pytest.raises(FeedError, match=r"categories_2026_01_08\.json"):
        read_boards(tmp_path)


@pytest.mark.parametrize(
    ("file", "text", "complaint"),
    [
        ("evalplus_results.json", '{"GPT-4": {"pass@1": 3}}', "entry 'GPT-4': 'pass@1' must be dict"),
        ("evalplus_results.json", '{\n"GPT-4": \n', "evalplus_results.json:3: not JSON"),
        ("bigcodebench_results.json", "[]", "expected dict, found list"),
        ("openrouter_models.json", '{"data": [{"id": 7}]}', "model 0: 'id' must be str"),
        ("mteb_scores_long.parquet", "not parquet", "mteb_scores_long.parquet: not MTEB scores"),
        ("modelsdev_base_models.jsonl", '{"model": "a", "benchmarks": [{"name": "x"}]}', "jsonl:1: 'score' must be"),
    ],
)
def test_a_broken_file_says_which_entry(tmp_path: Path, file: str, text: str, complaint: str) -> None:
    (tmp_path / file).write_text(text)
    with pytest.raises(FeedError) as caught:
        read_boards(tmp_path)
    assert complaint in str(caught.value)
    assert str(tmp_path / file) in str(caught.value)


# --- Joining ----------------------------------------------------------------------------------------------------------


def test_scores_join_where_names_and_creators_agree(tmp_path: Path) -> None:
    strangers: list[Row] = [{"model": "claude-9", "score": 1}, {"model": "rerank", "vendor": "Cohere"}]
    arena(tmp_path, {"model": "claude-opus-4-6-20260101"}, {"model": "homegrown-1", "vendor": None}, *strangers)
    catalog = names("us.anthropic.claude-opus-4-6-v1", "amazon.rerank-v1:0", "homegrown-1")
    matched, report = join_scores(read_boards(tmp_path), catalog)
    assert sorted(matched["canonical"]) == ["claude-opus-4-6", "homegrown-1"]
    assert only(report) == {"board": "arena-text", "rows": 4, "models": 4, "matched": 2, "share": 0.5}
    expected = {"canonical", "board", "metric", "task", "score", "effort", "source", "observed_on"}
    assert expected < set(matched.columns)


def test_a_creator_unknown_on_either_side_does_not_forbid_the_match(tmp_path: Path) -> None:
    arena(tmp_path, {"model": "homegrown-1", "vendor": "Mistral"}, {"model": "homegrown-2", "vendor": None})
    catalog = names("homegrown-1", "homegrown-2").with_columns(
        creator=pl.Series([None, "mistral"], dtype=pl.String),
    )
    matched, _ = join_scores(read_boards(tmp_path), catalog)
    assert sorted(matched["canonical"]) == ["homegrown-1", "homegrown-2"]


@pytest.mark.parametrize(
    ("measured", "kept"),
    [
        ({"gpt-5-high": 30, "gpt-5": 20, "gpt-5-medium": 25}, ("gpt-5", None)),
        ({"gpt-5-high": 30, "gpt-5-medium": 25, "gpt-5-low": 10}, ("gpt-5-medium", "medium")),
        ({"gpt-5-high": 30, "gpt-5-xhigh": 40, "gpt-5-low": 10}, ("gpt-5-high", "high")),
        ({"gpt-5-high": 30, "gpt-5-low": 10}, ("gpt-5-low", "low")),
        ({"gpt-4o-2024-05-13": 3, "gpt-4o-2024-11-20": 1, "gpt-4o-2024-08-06": 2}, ("gpt-4o-2024-11-20", None)),
        ({"gpt-4o-2024-11-20": 1, "gpt-4o": 2}, ("gpt-4o", None)),
        ({"gpt-5-2025-08-07": 5, "gpt-5-high": 9}, ("gpt-5-2025-08-07", None)),
    ],
)
def test_one_row_is_kept_of_a_models_efforts_and_snapshots(
    tmp_path: Path, measured: dict[str, float], kept: tuple[str, str | None]
) -> None:
    arena(tmp_path, *({"model": name, "score": score} for name, score in measured.items()))
    row = only(join_scores(read_boards(tmp_path), names("gpt-5", "gpt-4o"))[0])
    assert (row["score"], row["effort"]) == (measured[kept[0]], kept[1])


def test_every_board_is_reported_also_where_nothing_matched(tmp_path: Path) -> None:
    arena(tmp_path, {})
    jsonl(tmp_path / "aider_leaderboards.jsonl", AIDER)
    matched, report = join_scores(read_boards(tmp_path), names("o3"))
    assert dict(report.select("board", "share").iter_rows()) == {"aider-polyglot": 1.0, "arena-text": 0.0}
    assert only(matched)["canonical"] == "o3"


def test_no_boards_join_to_nothing(tmp_path: Path) -> None:
    matched, report = join_scores(read_boards(tmp_path), names("o3"))
    assert matched.is_empty()
    assert report.is_empty()
