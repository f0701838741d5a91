"""LiveBench: monthly questions with checked answers. Every release is a board of its own."""

import csv
import logging
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

from greatrouter_catalog.boards.reading import Row, day, number, required, whole_json
from greatrouter_catalog.errors import FeedError

log = logging.getLogger(__name__)


def read(path: Path) -> Iterator[Row]:
    release = path.stem.removeprefix("table_").replace("_", "-")
    observed_on = day(release, "%Y-%m-%d", str(path))
    categories = whole_json(path.with_name(path.name.replace("table_", "categories_").replace(".csv", ".json")), dict)
    lines = csv.DictReader(path.read_text(encoding="utf-8", errors="replace").splitlines())
    for row in lines:
        where = f"{path}:{lines.line_num}"
        if None in row:
            raise FeedError(f"{where}: more values than the header has columns. Fetch the file again.")
        if None in row.values() or "" in row.values():  # one row of 2026-01-08 is three values short
            log.info("%s: %s has no score for every task: skipped", where, row["model"])
            continue
        means = {
            category: fmean(number(row.get(task), task, where) for task in tasks)
            for category, tasks in categories.items()
        }
        for task in ("code", "text"):
            chosen = [mean for category, mean in means.items() if ("Coding" in category) == (task == "code")]
            yield {
                "board": f"livebench-{task}-{release}",
                "metric": "pass_rate_percent",
                "task": task,
                "name": required(row, "model", str, where),
                "score": fmean(chosen),
                "source": f"LiveBench {release}",
                "observed_on": observed_on,
                "licence": "Apache-2.0",
            }
