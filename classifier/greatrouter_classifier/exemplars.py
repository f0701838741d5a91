"""The hand-written example prompts that nearest neighbours vote over, and their vectors."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

from greatrouter_classifier.classification import ContentMode, Embedder, Task
from greatrouter_classifier.errors import ArtifactInvalid


@dataclass(frozen=True, slots=True)
class Exemplar:
    prompt: str
    task: Task
    content_mode: ContentMode = ContentMode.GENERATE
    language: str = "en"


def read(path: Path) -> tuple[Exemplar, ...]:
    """The exemplars in a JSONL file. Raises `ArtifactInvalid` with the line's number."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ArtifactInvalid(
            f"cannot read the exemplars at {path}: {error.strerror}; reinstall the package"
        ) from error
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            row = orjson.loads(line)
            found.append(Exemplar(row["prompt"], Task(row["task"]), ContentMode(row["content_mode"]), row["lang"]))
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise ArtifactInvalid(f"{path}, line {number}: not an exemplar ({error})") from error
    return tuple(found)


def digest(exemplars: Sequence[Exemplar]) -> str:
    """Names the prompts and their order: vectors made from others do not fit."""
    return hashlib.sha256("\n".join(e.prompt for e in exemplars).encode()).hexdigest()


def write_vectors(path: Path, exemplars: Sequence[Exemplar], embedder: Embedder) -> NDArray[np.float32]:
    """Embeds the exemplars and stores the vectors as half floats (cosine to the exact ones above 0.9999)."""
    vectors = embedder.embed([e.prompt for e in exemplars])
    with path.open("wb") as file:
        np.savez_compressed(file, vectors=vectors.astype(np.float16), digest=np.array(digest(exemplars)))
    return vectors


def read_vectors(path: Path, exemplars: Sequence[Exemplar]) -> NDArray[np.float32]:
    """Unit vectors, shape (len(exemplars), dimensions). Raises `ArtifactInvalid` where they were made from others."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            vectors, made_from = stored["vectors"].astype(np.float32), str(stored["digest"])
    except (OSError, ValueError, KeyError) as error:
        raise ArtifactInvalid(
            f"the exemplar vectors at {path} cannot be read ({error}); run `greatrouter classifier train`"
        ) from error
    if made_from != digest(exemplars):
        raise ArtifactInvalid(f"{path} was made from other exemplars; run `greatrouter classifier train`")
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)
