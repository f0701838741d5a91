"""The exemplar file keeps its promises: format, balance over tasks and languages, no duplicates."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

EXEMPLARS_PATH = Path(__file__).resolve().parents[2] / "data" / "exemplars.jsonl"
TASKS = {"text", "image", "video", "music", "speech", "code", "web_search", "rerank", "embeddings"}
REQUIRED_FIELDS = {"prompt", "task", "content_mode", "lang"}
CONTENT_MODES = {"generate", "edit", "combine"}
LANGUAGES = {"ar", "de", "en", "es", "fr", "hi", "it", "ja", "ko", "pt", "ru", "zh"}


@pytest.fixture(scope="module")
def exemplars() -> list[dict[str, Any]]:
    return [json.loads(line) for line in EXEMPLARS_PATH.read_text(encoding="utf-8").splitlines()]


def test_every_line_has_the_documented_fields(exemplars: list[dict[str, Any]]) -> None:
    for row in exemplars:
        assert REQUIRED_FIELDS <= row.keys() <= REQUIRED_FIELDS | {"note"}, row
        assert all(isinstance(value, str) and value for value in row.values()), row
        assert row["prompt"] == row["prompt"].strip(), row
        assert row["task"] in TASKS, row
        assert row["content_mode"] in CONTENT_MODES, row
        assert row["lang"] in LANGUAGES, row


def test_lines_are_sorted_by_task_then_language(exemplars: list[dict[str, Any]]) -> None:
    keys = [(row["task"], row["lang"]) for row in exemplars]
    assert keys == sorted(keys)


def test_every_task_has_at_least_sixty_lines(exemplars: list[dict[str, Any]]) -> None:
    count_by_task = Counter(row["task"] for row in exemplars)
    assert {task: count_by_task[task] for task in TASKS if count_by_task[task] < 60} == {}


def test_every_task_speaks_all_twelve_languages(exemplars: list[dict[str, Any]]) -> None:
    count_by_cell = Counter((row["task"], row["lang"]) for row in exemplars)
    assert [(task, lang) for task in TASKS for lang in LANGUAGES if count_by_cell[task, lang] < 2] == []


def test_every_generative_task_has_each_content_mode(exemplars: list[dict[str, Any]]) -> None:
    seen = {(row["task"], row["content_mode"]) for row in exemplars}
    generative = TASKS - {"web_search", "rerank", "embeddings"}
    assert [(task, mode) for task in generative for mode in CONTENT_MODES if (task, mode) not in seen] == []


def test_every_task_has_hard_negatives(exemplars: list[dict[str, Any]]) -> None:
    count_by_task = Counter(row["task"] for row in exemplars if row.get("note") == "hard negative")
    assert count_by_task.total() >= 150
    assert set(count_by_task) == TASKS


def test_no_prompt_occurs_twice_even_in_other_case_or_spacing(exemplars: list[dict[str, Any]]) -> None:
    count_by_prompt = Counter(" ".join(row["prompt"].casefold().split()) for row in exemplars)
    assert [prompt for prompt, count in count_by_prompt.items() if count > 1] == []
