"""How the endpoints do at the moment, as ranking takes it: `serving`'s health by the catalog's rows."""

from collections.abc import Callable

import numpy as np

from greatrouter_catalog.catalog import Catalog
from greatrouter_ranking.live import Live
from greatrouter_serving.health import EndpointHealth, Health

# Percentiles and fading failures are read again so often; an endpoint costs 20 us each time.
FRESH_S = 1.0


class Pulse:
    """Owned by one event loop. `clock` counts seconds."""

    def __init__(self, catalog: Catalog, health: Health, clock: Callable[[], float]) -> None:
        self._catalog = catalog
        self._health = health
        self._clock = clock
        self._live: Live | None = None
        self._read_at = float("-inf")

    def __call__(self) -> Live | None:
        """At most a second old; None where nothing was tried yet."""
        if self._health.version and self._clock() - self._read_at >= FRESH_S:
            self._live = self._read(self._live or Live.unknown(len(self._catalog)))
            self._read_at = self._clock()
        return self._live

    def _read(self, live: Live) -> Live:
        live.penalty[:] = 0.0
        for (model_id, provider), health in self._health:
            for row in self._catalog.find(model_id):
                if self._catalog.model(row).provider == provider:
                    _write(live, row, health)
        providers = self._catalog.arrays.providers
        gone = [providers.index(name) for name in self._health.out_of_reach() if name in providers]
        live.penalty[np.isin(self._catalog.arrays.provider, gone)] = 1.0
        return live


def _write(live: Live, row: int, health: EndpointHealth) -> None:
    live.latency_s[row] = health.latency_s()
    live.throughput[row] = health.tokens_per_s()
    live.penalty[row] = 1.0 if health.degraded else health.penalty
