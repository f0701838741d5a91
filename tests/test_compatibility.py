"""`docs/compatibility.md`: every row names tests that exist, and every endpoint there is has rows."""

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from fastapi import FastAPI

from greatrouter_accounts.preferences import KEYS
from greatrouter_api.app import create_app
from greatrouter_api.settings import Settings

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "compatibility.md"
HEADING = ["page", "what", "ours", "test"]
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
ENDPOINT = re.compile(r"`(GET|POST|PUT|DELETE) (/\S+)`")


def rows() -> Iterator[list[str]]:
    """The cells of every row of the tables with the columns of `HEADING`."""
    inside = False
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if cells == HEADING:
            inside = True
        elif not cells:
            inside = False
        elif inside and set("".join(cells)) != {"-"}:
            yield cells


@lru_cache
def names_in(path: str) -> frozenset[str]:
    file = ROOT / path
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if file.is_file() else ()
    return frozenset(node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_row_names_tests_that_exist() -> None:
    found = list(rows())
    assert len(found) > 250
    for cells in found:
        assert len(cells) == len(HEADING), cells
        assert all(cells), cells
        named = cells[3].split(", ")
        for words in named:
            match = TEST.fullmatch(words)
            assert match, f"{words!r} names no test: {cells}"
            assert match[2] in names_in(match[1]), f"there is no {words}: {cells}"
        assert len(set(named)) == len(named), cells


def test_no_row_is_there_twice() -> None:
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.M)
    for section in sections:
        lines = [line.rpartition("| `tests/")[0] for line in section.splitlines() if "| `tests/" in line]
        assert len(set(lines)) == len(lines), section.partition("\n")[0]


def test_every_endpoint_has_a_row_and_every_row_an_endpoint() -> None:
    app = create_app(Settings(home=Path("/nonexistent"))).app
    assert isinstance(app, FastAPI)
    there = {(method.upper(), path) for path, item in app.openapi()["paths"].items() for method in item}
    named = {found for cells in rows() for found in ENDPOINT.findall(cells[1])}
    for method, path in [found for found in named if "{key}" in found[1]]:
        named.remove((method, path))
        named |= {(method, path.replace("{key}", key)) for key in KEYS}
    assert there == named


def test_what_is_missing_is_said_in_the_last_section_alone() -> None:
    *_, last = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.M)
    heading, *lines = [line for line in last.splitlines() if line]
    assert heading == "Not yet"
    assert all(line.startswith("- ") for line in lines)
