"""What is known of the endpoints at the moment, from the calls that were made."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from greatrouter_ranking.provider_preferences import PERCENTILES

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Live:
    """By row of the catalog: `latency_s` and `throughput` (tokens per second) are (rows, 4) at `PERCENTILES`, NaN where
    unknown; `penalty` is what failures take off the chance of a good answer, 0 for a healthy endpoint."""

    latency_s: FloatArray
    throughput: FloatArray
    penalty: FloatArray

    @classmethod
    def unknown(cls, rows: int) -> "Live":
        """Nothing measured, everything healthy."""
        blank = np.full((rows, len(PERCENTILES)), np.nan)
        return cls(latency_s=blank, throughput=blank.copy(), penalty=np.zeros(rows))
