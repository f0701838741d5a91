"""The project about itself: docstring examples run, the documentation matches the code, the layers hold."""

import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from fastapi import FastAPI

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "greatrouter",
    "greatrouter_accounts",
    "greatrouter_api",
    "greatrouter_catalog",
    "greatrouter_classifier",
    "greatrouter_ranking",
    "greatrouter_serving",
)
HELP = re.compile(r"\x1b\[[0-9;]*m")


def modules() -> list[str]:
    names = []
    for package in PACKAGES:
        folder = importlib.import_module(package)
        names += [
            package,
            *(m.name for m in pkgutil.walk_packages(folder.__path__, f"{package}.") if not m.name.endswith("__main__")),
        ]
    return names


@pytest.mark.parametrize("name", modules())
def test_docstring_examples(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0


def test_importing_any_module_does_nothing(tmp_path: Path) -> None:
    """No file, no thread, no environment: importing everything leaves a bare working directory as it was."""
    code = (
        "import importlib, os, threading, tempfile; folder = tempfile.mkdtemp(); os.chdir(folder)\n"
        f"[importlib.import_module(n) for n in {modules()!r}]\n"
        "assert os.listdir(folder) == []; assert threading.active_count() == 1, threading.enumerate()\n"
        "assert not any(m in __import__('sys').modules for m in ('torch', 'sentence_transformers', 'ray'))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"HOME": str(tmp_path), "PATH": ""})
    assert list(tmp_path.iterdir()) == []


def test_only_settings_reads_the_environment() -> None:
    readers = [
        str(path.relative_to(ROOT))
        for folder in ("accounts", "api", "catalog", "classifier", "ranking", "serving", "sdk")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"os\.environ|getenv", path.read_text(encoding="utf-8"))
    ]
    # The Python client takes its key from there, as other clients do.
    assert readers == ["api/greatrouter_api/settings.py", "sdk/python/greatrouter/_base.py"]


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = (
        project["dependencies"] + project["optional-dependencies"]["torch"] + project["optional-dependencies"]["dev"]
    )
    names = {re.split(r"[\[><=;! ]", line)[0].lower().replace("_", "-") for line in wanted}
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    assert names - pinned == set()


def test_the_readme_names_only_commands_that_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    commands = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, flags=re.S))
    assert set(re.findall(r"\bmake ([a-z-]+)", commands)) - targets == set()
    used = set(re.findall(r"(?:^|[(/`])greatrouter ([a-z]+)", commands, flags=re.M))
    top = subprocess.run(
        [sys.executable, "-m", "greatrouter_api", "--help"], capture_output=True, text=True, check=True
    ).stdout
    known = set(re.findall(r"^│ ([a-z]+) ", HELP.sub("", top), flags=re.M))
    assert used
    assert used <= known


def test_the_routes_in_the_readme_exist() -> None:
    from greatrouter_api.app import create_app
    from greatrouter_api.settings import Settings

    app = create_app(Settings(home=Path("/nonexistent"))).app
    assert isinstance(app, FastAPI)
    documented = set(app.openapi()["paths"])
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    used = {
        path.rstrip("/.") for path in re.findall(r"(?<![\w.])(/v[12]/[a-z_/.]*[a-z]|/healthz|/readyz|/llms\.txt)", text)
    }
    assert {path for path in used if path not in documented and not path.startswith("/v1/models/")} <= {
        "/v1/openapi.json"
    }
