"""Benchmarks that ride in the price feeds models.dev and OpenRouter."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from greatrouter_catalog.boards.reading import Row, jsonl, number, optional, optional_day, required, whole_json

_EFFORT = re.compile("none|minimal|low|medium|x?high|max")
_CODE = re.compile(r"cod(?:e|ing)|swe|terminal|repo", re.IGNORECASE)


def read_modelsdev(path: Path) -> Iterator[Row]:
    for where, row in jsonl(path):
        for entry in optional(row, "benchmarks", list, where) or ():
            title = required(entry, "name", str, where)
            if title == "Aider Polyglot":  # read from its own board
                continue
            variant = optional(entry, "variant", str, where) or ""
            edition = [str(entry[key]) for key in ("version", "dataset") if entry.get(key)]
            yield {
                "board": "-".join(re.findall(r"[a-z0-9.]+", " ".join(["modelsdev", title, *edition]).lower())),
                "metric": "index" if "Index" in title else "pass_rate_percent",
                "task": "code" if _CODE.search(title) else "text",
                "name": required(row, "model", str, where),
                "effort": variant if _EFFORT.fullmatch(variant) else None,
                "score": number(entry.get("score"), "score", where),
                "source": optional(entry, "source", str, where) or "models.dev",
                "observed_on": optional_day(entry, where),
                "licence": "MIT (models.dev); attribute the source",
            }


def read_openrouter(path: Path) -> Iterator[Row]:
    found = re.search(r"\d{4}-\d{2}-\d{2}", path.name)
    for position, row in enumerate(required(whole_json(path, dict), "data", list, str(path))):
        where = f"{path}: model {position}"
        name = required(row, "id", str, where)
        indices = optional(optional(row, "benchmarks", dict, where) or {}, "artificial_analysis", dict, where) or {}
        for index, task in (("intelligence_index", "text"), ("agentic_index", "text"), ("coding_index", "code")):
            if indices.get(index) is None:
                continue
            yield {
                "board": f"artificial-analysis-{index.removesuffix('_index')}",
                "metric": "index",
                "task": task,
                "name": name,
                "score": number(indices[index], index, where),
                "source": "Artificial Analysis, through OpenRouter's model list",
                "observed_on": date.fromisoformat(found[0]) if found else None,
                "licence": "attribute Artificial Analysis",
            }
