"""Tables for people, on a terminal of any width."""

import shutil
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

WIDEST = 120
# No column that folds is narrower.
NARROWEST = 4


def console() -> Console:
    """As wide as the terminal, within reason; where there is no terminal and COLUMNS is not set, wide enough for a
    table."""
    return Console(highlight=False, width=min(shutil.get_terminal_size((WIDEST, 0)).columns, WIDEST))


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], whole: int = 0, *, drop_empty: bool = False
) -> None:
    """The first `whole` columns are never folded: what stands there is copied. Others fold at blanks, and within a word
    only where there is no room for it. With `drop_empty` a column without any cell is left out."""
    cells = [[str(cell) for cell in row] for row in rows]
    kept = [place for place in range(len(columns)) if not (drop_empty and cells) or any(row[place] for row in cells)]
    texts = [[columns[place], *(row[place] for row in cells)] for place in kept]
    longest_words = [max(len(word) for text in column for word in text.split()) for column in texts]
    terminal = console()
    gap = 2 if sum(longest_words) + 2 * (len(kept) - 1) <= terminal.width else 1
    widths = _widths([max(map(len, column)) for column in texts], longest_words, whole, terminal.width, gap)
    shown = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, gap - 1, 0, 0))
    for place, width in zip(kept, widths, strict=True):
        shown.add_column(columns[place], overflow="fold", no_wrap=place < whole, width=width)
    for row in cells:
        shown.add_row(*(escape(row[place]) for place in kept))
    terminal.print(f"[bold]{escape(title)}[/]")  # not the table's own, which would be folded to its width
    terminal.print(shown)


def _widths(whole_texts: list[int], longest_words: list[int], whole: int, width: int, gap: int) -> list[int]:
    """How wide each column is. Where they have no room beside each other texts fold, and where their longest words have
    none either, the longest of those; the first `whole` columns never do.

    >>> _widths([17, 4], [17, 4], 1, 40, 2), _widths([17, 30, 9], [17, 9, 4], 1, 40, 1)
    ([17, 4], [17, 16, 5])
    >>> _widths([17, 30, 9], [17, 30, 4], 1, 40, 1)
    [17, 17, 4]
    """
    room = width - gap * (len(whole_texts) - 1)
    if sum(whole_texts) <= room:
        return whole_texts
    found = [*whole_texts[:whole], *longest_words[whole:]]
    while sum(found) > room and max(found[whole:], default=0) > NARROWEST:
        found[found.index(max(found[whole:]), whole)] -= 1
    while sum(found) < room:
        lines = [text / own for text, own in zip(whole_texts, found, strict=True)]
        found[lines.index(max(lines))] += 1
    return found


def suggestion_table(prompt: str, answer: dict[str, Any]) -> None:
    found, say = answer["classification"], console().print
    say(f"[bold]{escape(shortened(prompt, 100))}[/]")
    say(
        f"{found['task']} ({found['content_mode']}), {_sure(found)} sure, decided by {found['decision']}; "
        f"complexity {found['complexity_tier']} ({found['complexity_score']:.2f}). {escape(found['reasoning'])}."
    )
    say()
    table(
        f"{answer['optimization']}",
        ("#", "model", "tier", "cost", "quality", "score"),
        [
            (
                place,
                choice["model"]["id"],
                choice["cost_tier"] or "",
                money(choice["estimated_cost_dollars"]),
                chance(choice["quality"]),
                f"{choice['score']:.3f}",
            )
            for place, choice in enumerate(answer["suggestions"], start=1)
        ],
    )
    comparison = answer["price_comparison"]
    say(f"Why number 1: {answer['suggestions'][0]['reason']}")
    say(
        f"Cheapest {comparison['cheapest_model']}, best value {comparison['best_value_model']}, "
        f"best quality {comparison['best_quality_model']}."
    )
    if note := answer.get("note"):
        say(f"Note: {escape(note)}")


def decision_table(decisions: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """One row a routed request: what was asked, how that was decided, which model and why, what it costs and saves."""
    shown = Table(box=box.HORIZONTALS, show_lines=True, title_justify="left")
    for heading, ratio in (("prompt", 8), ("asked for", 5), ("model and why", 12), ("cost (saved)", 4)):
        shown.add_column(heading, overflow="fold", ratio=ratio)
    for prompt, answer in decisions:
        found = answer["classification"]
        shown.add_row(
            escape(shortened(prompt, 110)),
            f"[bold]{found['task']}[/]\n{found['decision']} {_sure(found)}\n"
            f"{found['complexity_tier']} {found['complexity_score']:.2f}",
            f"[bold]{answer['model']['model']['id']}[/]\n{answer['routing']['reason']}",
            f"{money(answer['model']['estimated_cost'])}\n({_saved(answer['price_comparison']['savings_vs_highest_pct'])})",
        )
    console().print(shown)


def catalog_summary(report: dict[str, Any]) -> None:
    for name in ("version", "snapshot", "built_on"):
        if name in report:
            console().print(f"{name}: {report[name]}")
    console().print(
        f"{report['models']:,} provider-models at {report['providers']} providers in {report['families']:,} families; "
        f"{report['routable']:,} routable, {report['models_with_scores']:,} with benchmark scores; "
        f"{report['conflicts']:,} conflicts between feeds resolved"
    )
    by_task = sorted(report["routable_by_task"].items(), key=lambda item: item[1], reverse=True)
    table("routable by task", ("task", "models"), by_task)
    table(
        "sources",
        ("feed", "offers", "observed on", "licence", "url"),
        [(s["feed"], f"{s['offers']:,}", s["observed_on"], s["licence"], s["url"]) for s in report["sources"]],
    )
    boards = [b for b in report["boards"] if b["rows"] >= 20]
    table(
        "benchmark boards joined by certain name matches",
        ("board", "models listed", "matched", "share"),
        [
            (b["board"], b["models"], b["matched"], f"{b['share']:.0%}")
            for b in sorted(boards, key=lambda b: -b["matched"])
        ],
    )


def _saved(percent: float) -> str:
    """One decimal, but never 100% where something is paid."""
    return f"{percent:.1f}%" if percent < 99.95 or percent == 100 else f"{percent:.2f}%"


def _sure(found: dict[str, Any]) -> str:
    """How sure a classification is; only the caller's own word is certain."""
    return "100%" if found["confidence"] == 1 else chance(found["confidence"])


def shortened(text: str, length: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"


def money(dollars: float) -> str:
    from greatrouter_ranking.reasons import dollars as written

    return written(dollars)


def chance(share: float) -> str:
    from greatrouter_ranking.reasons import percent

    return percent(share)
