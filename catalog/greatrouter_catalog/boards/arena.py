"""LMArena: people's votes on pairs of answers, as Elo."""

import logging
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

from greatrouter_catalog.boards.reading import Row, day, jsonl, number, optional, required

log = logging.getLogger(__name__)

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


def read(path: Path) -> Iterator[Row]:
    for where, row in jsonl(path):
        board = required(row, "leaderboard", str, where)
        task, mode = ARENA_TASKS.get(board, (None, None))
        if task is None:
            log.info("arena board %r in %s speaks for no task of ours: skipped", board, path.name)
            continue
        score, spread, metric = row.get("score"), (row.get("ci_low"), row.get("ci_high")), "elo"
        if score is None:  # the agent board publishes signals in percent instead of one Elo
            signal = required(required(row, "signals", dict, where), "net_improvement", dict, where)
            score, spread, metric = signal.get("value"), (signal.get("ci"), signal.get("ci")), "net_improvement_percent"
        yield {
            "board": f"arena-{board}",
            "metric": metric,
            "task": task,
            "content_mode": mode,
            "name": required(row, "model", str, where),
            "vendor": optional(row, "vendor", str, where),
            "score": number(score, "score", where),
            "votes": optional(row, "votes", int, where),
            # Published as half widths of a 95% interval.
            "stderr": None if None in spread else fmean(number(half, "ci", where) for half in spread) / 1.96,
            "source": "LMArena leaderboards",
            "observed_on": day(required(row, "last_updated", str, where), "%b %d, %Y", where),
            "licence": "attribute LMArena",
        }
