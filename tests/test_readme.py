"""The pages that newcomers follow: their samples run one after another, and the models they name exist."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from greatrouter_api.services import open_catalog
from greatrouter_api.settings import Settings
from greatrouter_catalog.catalog import Catalog
from tests.api.conftest import Running, running

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = (ROOT / "README.md", *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("sdk/*/README.md"))
ADDRESS = "http://127.0.0.1:8080"

NAME = re.compile(r"(?<![\w./:-])[\w.-]+(?:/[\w.:-]*\w)+")
MADE_UP = {"lab/small"}
BY_CREATOR = {"anthropic/claude-sonnet-4"}  # on pages that say what such a name stands for
CURL = re.compile(rf"curl -s {ADDRESS}(\S+) .*?-d '(.*?)'.*?```\n\n<!-- \w+ -->\n```\n(.*?)```", flags=re.S)


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return open_catalog(Settings(home=tmp_path_factory.mktemp("home"), providers={}))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("home")) as server:
        yield server


def models_in(text: str, catalog: Catalog) -> set[str]:
    """What begins with the name of a provider or a maker and a slash."""
    makers = {model.creator for model in catalog} | {model.id.partition("/")[0] for model in catalog} | {"lab"}
    return {name for name in NAME.findall(text) if name.partition("/")[0] in makers}


@pytest.mark.parametrize("page", sorted(set(PAGES)), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_model_that_a_page_names_exists(catalog: Catalog, page: Path) -> None:
    named = models_in(page.read_text(encoding="utf-8"), catalog)
    assert named - set(catalog.ids) - MADE_UP - BY_CREATOR == set()
    assert page.name != "README.md" or not named & BY_CREATOR


def test_what_is_declared_is_so(catalog: Catalog) -> None:
    assert models_in(README, catalog) >= {"anthropic/claude-sonnet-4-5", "lab/small"}
    assert not MADE_UP & set(catalog.ids)
    assert not BY_CREATOR & set(catalog.ids)
    assert all(catalog.find(name) for name in BY_CREATOR)


def test_the_key_is_there_for_whatever_is_run_next() -> None:
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", README, flags=re.M | re.S)
    makes = next(i for i, (_, code) in enumerate(blocks) if "keys create" in code)
    uses = [i for i, (_, code) in enumerate(blocks) if "$KEY" in code or 'environ["KEY"]' in code]
    assert len(uses) == 4
    assert min(uses) > makes
    assert re.search(r"^export KEY=\$\(", blocks[makes][1], flags=re.M)
    assert ".venv/bin/python" in README[: README.index("```python")]


def test_the_python_samples_run(
    server: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KEY", server.test)
    samples = re.findall(r"^```python\n(.*?)^```", README, flags=re.M | re.S)
    assert len(samples) == 2
    for sample in samples:
        own = sample.replace(ADDRESS, server.url)
        own = own.replace('GreatRouter(os.environ["KEY"])', f'GreatRouter(os.environ["KEY"], "{server.url}/v1")')
        assert own != sample
        exec(own, {})
        assert "likely to answer well" in capsys.readouterr().out


def test_the_requests_are_answered_as_shown(server: Running) -> None:
    found = CURL.findall(README)
    assert [path for path, *_ in found] == ["/v1/auto/route", "/v1/rerank"]
    for path, body, shown in found:
        answer = server.post(path, body.encode())
        assert answer.status_code == 200, answer.text
        assert_holds(answer.json(), orjson.loads(shown), path)


def assert_holds(answer: Any, shown: Any, where: str) -> None:
    """Whatever is shown is there, of the same kind. Dots stand for what is left out."""
    if shown in ("...", ["..."]):
        return
    assert type(answer) is type(shown), where
    if isinstance(shown, dict):
        for name in shown.keys() - {"..."}:
            assert name in answer, f"{where}: {name}"
            assert_holds(answer[name], shown[name], f"{where}.{name}")
    elif isinstance(shown, list):
        assert len(answer) == len(shown), where
        for i, (one, other) in enumerate(zip(answer, shown, strict=True)):
            assert_holds(one, other, f"{where}[{i}]")
