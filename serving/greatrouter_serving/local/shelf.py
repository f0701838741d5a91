"""Which backend serves a configured model, and where its files are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from greatrouter_serving.local.backend import Backend
from greatrouter_serving.local.fake import FakeBackend
from greatrouter_serving.local.hub import count_params, read_model

REASONS = {
    "onnx": "ONNX Runtime on one CPU thread, float32: exact, and the default where there is no GPU",
    "fake": "the built-in fake: hashed bags of words, no weights",
}


@dataclass(frozen=True, slots=True)
class LocalModelConfig:
    """`path` is a folder or a name, by default the id. `dimensions` lists the shorter sizes it was trained for."""

    id: str
    path: str = ""
    backend: Literal["onnx", "fake"] = "onnx"
    dimensions: tuple[int, ...] = ()
    warm: bool = False
    max_queue_tokens: int = 65_536
    padded_tokens: int = 1024


@dataclass(frozen=True, slots=True)
class Sizes:
    params: int
    dimensions: int
    max_tokens: int


@dataclass(frozen=True, slots=True)
class Shelf:
    """`models_dir` is searched for models by name; `prepared_dir` keeps what is made once from a model's weights."""

    models_dir: Path | None = None
    prepared_dir: Path | None = None

    def open(self, config: LocalModelConfig) -> Backend:
        """Loads the model: 0.3 s for a MiniLM, 1.5 s the first time. Raises ModelLoadFailed."""
        if config.backend == "fake":
            return FakeBackend()
        from greatrouter_serving.local.onnx_backend import OnnxBackend  # onnxruntime and onnx: 0.2 s to import

        return OnnxBackend(config.path or config.id, models_dir=self.models_dir, prepared_dir=self.prepared_dir)

    def sizes(self, config: LocalModelConfig) -> Sizes:
        """The same model's sizes from its small files, in milliseconds. Raises ModelLoadFailed."""
        if config.backend == "fake":
            traits = FakeBackend().traits
            return Sizes(traits.params, traits.dimensions, traits.max_tokens)
        files = read_model(config.path or config.id, self.models_dir)
        return Sizes(count_params(files.weights), files.dimensions, files.max_tokens)
