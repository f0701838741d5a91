"""The small numbers the classifier ships with, as files: calibration of the votes, weights of the complexity cues."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from greatrouter_classifier.complexity import ComplexityModel
from greatrouter_classifier.errors import ArtifactInvalid
from greatrouter_classifier.knn import TASKS, Calibration


def write_calibration(path: Path, calibration: Calibration) -> None:
    content = {
        name: np.round(value, 4).tolist() if isinstance(value, np.ndarray) else value
        for name, value in asdict(calibration).items()
    }
    path.write_bytes(orjson.dumps({"tasks": list(TASKS), **content}, option=orjson.OPT_INDENT_2) + b"\n")


def read_calibration(path: Path) -> Calibration:
    """Raises `ArtifactInvalid` where the file is missing or made for other tasks."""
    content = _read(path)
    if content.get("tasks") != list(TASKS):
        raise ArtifactInvalid(f"{path} was made for other tasks; run `greatrouter classifier train`")
    return Calibration(np.array(content["weights"]), np.array(content["bias"]), float(content["threshold"]))


def read_complexity(path: Path) -> ComplexityModel:
    """Raises `ArtifactInvalid` where the file is missing or lacks a weight."""
    content = _read(path)
    try:
        return ComplexityModel(content["weights"], content["bias"], content["cuts"])
    except KeyError as error:
        raise ArtifactInvalid(f"{path} lacks {error}; run `greatrouter classifier train`") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        content = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise ArtifactInvalid(f"{path} cannot be read ({error}); reinstall the package") from error
    if not isinstance(content, dict):
        raise ArtifactInvalid(f"{path} should hold one JSON object; reinstall the package")
    return content
