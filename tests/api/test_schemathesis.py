"""The server held against its own OpenAPI document by schemathesis, a program that neither knows nor trusts it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from greatrouter_api.settings import ProviderSettings
from tests.api.conftest import Provider, Running, listening, running
from tests.api.faithful_provider import MODELS, answer

CONFIG = Path(__file__).with_name("schemathesis.toml")
PROGRAM = Path(sys.executable).with_name("schemathesis")
# Little of what is made up for these names a model that does the task: of more, some does.
MEDIA = "/v1/(embeddings|auto/route|models/route)$"
CASES = re.compile(r"(\d+) generated")


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server of its own: what is sent here changes preferences, teaches the classifier and spends money."""
    provider = Provider()
    provider.answer = answer
    with listening(provider) as port:
        lab = ProviderSettings(base_url=f"http://127.0.0.1:{port}/v1", models=MODELS)
        with running(tmp_path_factory.mktemp("subject"), providers={"lab": lab}) as server:
            server.provider = provider
            server.accounts.office.credit("acme", Decimal(1_000_000))  # enough for whatever is asked for
            yield server


@dataclass(frozen=True)
class Verdict:
    cases: int
    passed: bool
    report: str


def held_against(server: Running, key: str, folder: Path, *options: str, document: str = "/openapi.json") -> Verdict:
    command = [PROGRAM, "--config-file", CONFIG, "run", f"{server.url}{document}", "--checks", "all", "--no-color"]
    done = subprocess.run(
        [*map(str, command), *options],
        check=False,
        cwd=folder,
        env={**os.environ, "GREATROUTER_KEY": key},
        capture_output=True,
        text=True,
    )
    cases = CASES.search(done.stdout)
    report = done.stdout[-20_000:] + done.stderr[-2_000:]
    return Verdict(int(cases[1]) if cases else 0, done.returncode == 0, report)


def test_a_few_requests_to_every_operation(subject: Running, tmp_path: Path) -> None:
    verdict = held_against(subject, subject.test, tmp_path, "--phases", "examples,fuzzing", "--max-examples", "2")
    assert verdict.passed, verdict.report
    assert verdict.cases > 80


@pytest.mark.slow
def test_five_thousand_requests(subject: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [
        held_against(subject, subject.test, tmp_path, "--max-examples", "60"),
        held_against(subject, subject.live, tmp_path, "--max-examples", "15"),
        held_against(subject, subject.live, tmp_path, "--include-path-regex", MEDIA, "--max-examples", "100"),
        held_against(subject, subject.test, tmp_path, "--phases", "examples,coverage", document="/v1/openapi.json"),
    ]
    with capsys.disabled():
        print(f"\nschemathesis: {' + '.join(f'{run.cases:,}' for run in runs)} cases")
    assert all(run.passed for run in runs), "\n".join(run.report for run in runs if not run.passed)
    assert sum(run.cases for run in runs) >= 5_000
    asked = {path for path, _ in subject.provider.requests}
    assert asked >= {"/v1/chat/completions", "/v1/embeddings"}
