"""Tables for people, on a terminal of any width."""

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

WIDEST = 120


def console() -> Console:
    """As wide as the terminal, within reason; where there is no terminal, wide enough for a table."""
    found = Console(highlight=False)
    found.width = min(found.width, WIDEST) if found.is_terminal else WIDEST
    return found


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], whole: int = 0) -> None:
    """The first `whole` columns are never folded: what stands there is copied."""
    shown = Table(title=escape(title), box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for place, column in enumerate(columns):
        shown.add_column(column, overflow="fold", no_wrap=place < whole)
    for row in rows:
        shown.add_row(*(escape(str(cell)) for cell in row))
    console().print(shown)


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
