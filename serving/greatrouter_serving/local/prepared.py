"""Files made once from a model's weights and kept beside the server's other state."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from greatrouter_serving.errors import ModelLoadFailed
from greatrouter_serving.local import bert_numpy, bert_onnx
from greatrouter_serving.local.hub import ModelFiles

OpenGraph = Callable[[bytes], bert_onnx.Encode]


def open_prepared(files: ModelFiles, prepared_dir: Path | None, open_graph: OpenGraph) -> bert_onnx.Encode:
    """The opened graph, from `prepared_dir` where an intact copy lies there, else built (and kept there).

    The file's name holds a digest of the weights, configuration and graph version, so an outdated copy is never
    picked up; a `.json` beside it holds its own digest, so a damaged one is built again. A fresh graph is checked
    against NumPy before it is written. Files appear whole or not at all.
    """
    if prepared_dir is None:
        return _build_checked(files, open_graph)[1]
    digest = _source_digest(files)
    target = prepared_dir / f"{files.name}-{digest[:16]}.onnx"
    graph = _read_intact(target)
    if graph is not None:
        return open_graph(graph)
    graph, encode = _build_checked(files, open_graph)
    note = {
        "sha256": hashlib.sha256(graph).hexdigest(),
        "source_sha256": digest,
        "graph_version": bert_onnx.GRAPH_VERSION,
    }
    try:
        prepared_dir.mkdir(parents=True, exist_ok=True)
        _write_whole(target, graph)
        _write_whole(target.with_suffix(".json"), json.dumps(note, indent=1).encode())
    except OSError as error:
        raise ModelLoadFailed(
            f"cannot write the prepared model {target}: {error}; free space or change the folder"
        ) from error
    return encode


def _source_digest(files: ModelFiles) -> str:
    digest = hashlib.sha256(f"graph {bert_onnx.GRAPH_VERSION}".encode())
    digest.update((files.folder / "config.json").read_bytes())
    try:
        with files.weights.open("rb") as weights:
            digest.update(hashlib.file_digest(weights, "sha256").digest())
    except OSError as error:
        raise ModelLoadFailed(
            f"{files.weights} cannot be read ({error}); copy the model's whole folder again"
        ) from error
    return digest.hexdigest()


def _read_intact(target: Path) -> bytes | None:
    try:
        note = json.loads(target.with_suffix(".json").read_bytes())
        graph = target.read_bytes()
    except (OSError, ValueError):
        return None
    intact = isinstance(note, dict) and note.get("sha256") == hashlib.sha256(graph).hexdigest()
    return graph if intact else None


def _write_whole(target: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _build_checked(files: ModelFiles, open_graph: OpenGraph) -> tuple[bytes, bert_onnx.Encode]:
    weights = bert_onnx.read_weights(files)
    graph = bert_onnx.build_graph(files.config, weights)
    encode = open_graph(graph)
    bert_numpy.check_parity(files, weights, encode)
    return graph, encode
