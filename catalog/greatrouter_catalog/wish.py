"""One thing that a description of a model asks for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Wish:
    """How surely it is asked for (0..1), and how far each routable row of the catalog meets it (0..1).

    `kind` is the registry task type of most routable models that meet it in full, None where there is no such model."""

    text: str
    weight: float
    met: NDArray[np.float64]
    kind: str | None = None
