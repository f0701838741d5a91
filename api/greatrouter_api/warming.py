"""`Prefer: wait=N`: how long a caller will wait for a model of this process that is not loaded yet.

Without it a request waits for the load, however long that takes.
"""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from greatrouter_api.errors import ApiError
from greatrouter_api.front import Headers
from greatrouter_catalog.model import Model
from greatrouter_serving.local.engine import Engine

WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*(\d{1,5})\s*(?:$|[,;])", re.IGNORECASE)
# Until a load was measured: what most models of a few hundred megabytes take.
USUAL_LOAD_S = 10.0


@dataclass(slots=True)
class Warming:
    """Owned by one event loop. `clock` counts seconds."""

    engine: Engine
    clock: Callable[[], float] = time.monotonic
    _load_s: dict[str, float] = field(default_factory=dict)

    async def awake(self, model: Model, prefer: str) -> Headers:
        """The headers to answer with, once the model is loaded. Raises `ApiError` 503 where that takes longer than the
        caller waits; the load goes on."""
        wanted = WAIT.search(prefer)
        if wanted is None or not model.hosted:
            return ()
        name, wait_s, started = model.upstream_model, int(wanted[1]), self.clock()
        try:
            async with asyncio.timeout(wait_s):
                await self.engine.warm(name)
        except TimeoutError as error:
            left_s = max(1, round(self._load_s.get(name, USUAL_LOAD_S) - wait_s))
            message = f"{model.id} is still being loaded after {wait_s} s; retry, or wait longer with `Prefer: wait=N`"
            raise ApiError(503, message, code="model_warming", retry_after_s=left_s) from error
        self._load_s.setdefault(name, self.clock() - started)
        return ((b"preference-applied", b"wait=%d" % wait_s),)
