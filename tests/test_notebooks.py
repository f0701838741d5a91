"""The analysts' notebooks run from top to bottom and find something."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_runs_and_every_table_has_rows(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREATROUTER_HOME", str(tmp_path))
    names: dict[str, Any] = {}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)  # plain Python: a kernel would only add a process
    tables = {name: value for name, value in names.items() if isinstance(value, pl.DataFrame)}
    assert tables
    assert [name for name, table in tables.items() if table.is_empty()] == []
