"""Boards of code: the share of tests that a model's programs pass."""

from collections.abc import Iterator
from pathlib import Path

from greatrouter_catalog.boards.reading import Row, day, jsonl, number, optional, optional_day, required, whole_json

# The other lists of the file repeat these models under other prompts.
AIDER_BOARDS = {"edit_leaderboard": "aider-edit", "polyglot_leaderboard": "aider-polyglot"}


def read_aider(path: Path) -> Iterator[Row]:
    for where, row in jsonl(path):
        board = AIDER_BOARDS.get(required(row, "board", str, where))
        name = required(row, "model", str, where)
        if board is None or row.get("pass_rate_2") is None or " + " in name:  # "a + b" is a pair of models
            continue
        yield {
            "board": board,
            "metric": "pass_rate_percent",
            "task": "code",
            "name": name,
            "score": number(row["pass_rate_2"], "pass_rate_2", where),
            "votes": optional(row, "test_cases", int, where),
            "source": "Aider leaderboards",
            "observed_on": day(required(row, "date", str, where), "%Y-%m-%d", where),
            "licence": "Apache-2.0",
        }


def read_evalplus(path: Path) -> Iterator[Row]:
    yield from _passed(path, "evalplus", {"humaneval+": "humaneval", "mbpp+": "mbpp"}, "EvalPlus")


def read_bigcodebench(path: Path) -> Iterator[Row]:
    yield from _passed(path, "bigcodebench", {"instruct": "instruct", "complete": "complete"}, "BigCodeBench")


def _passed(path: Path, board: str, measures: dict[str, str], source: str) -> Iterator[Row]:
    for name, entry in whole_json(path, dict).items():
        where = f"{path}: entry {name!r}"
        rates = required(entry, "pass@1", dict, where)
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
                "score": number(rates[measure], measure, where),
                "source": source,
                "observed_on": optional_day(entry, where),
                "licence": "Apache-2.0",
            }
