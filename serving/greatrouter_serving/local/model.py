"""One local model: what can be said of it, and its way from cold to warm."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from greatrouter_serving.errors import ModelLoadFailed
from greatrouter_serving.local.backend import Backend
from greatrouter_serving.local.queue import Queue
from greatrouter_serving.local.shelf import REASONS, LocalModelConfig, Shelf, Sizes
from greatrouter_serving.local.worker import Worker


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A row for the catalog. `problem` says why the model cannot be loaded; its sizes are then 0."""

    id: str
    tasks: tuple[str, ...]
    state: Literal["cold", "warming", "warm"]
    params: int
    dimensions: int
    max_tokens: int
    backend: str
    reason: str
    problem: str | None


@dataclass(frozen=True, slots=True)
class Loaded:
    backend: Backend
    worker: Worker


class ServedModel:
    """Owns a model's backend and worker. `load` may be called from any thread; all callers share one load."""

    def __init__(self, config: LocalModelConfig, shelf: Shelf, clock: Callable[[], float]) -> None:
        self.config = config
        self._shelf = shelf
        self._clock = clock
        self._lock = threading.Lock()
        self._loaded: Loaded | None = None
        self._loading: asyncio.Future[Loaded] | None = None
        self._closed = False
        self._sizes = Sizes(0, 0, 0)
        self._problem: str | None = None

    def load(self) -> Loaded:
        """Blocks while the model loads. Raises ModelLoadFailed."""
        with self._lock:
            if self._closed:
                raise ModelLoadFailed(f"model {self.config.id!r} was closed; start the engine again")
            if self._loaded is None:
                backend = self._shelf.open(self.config)
                traits = backend.traits
                self._sizes = Sizes(traits.params, traits.dimensions, traits.max_tokens)
                self._problem = None
                queue = Queue(padded_tokens=self.config.padded_tokens, capacity_tokens=self.config.max_queue_tokens)
                self._loaded = Loaded(backend, Worker(self.config.id, backend, queue, self._clock))
            return self._loaded

    async def ready(self, threads: ThreadPoolExecutor) -> Loaded:
        """The loaded model; all who wait share one load. A failed load is tried again by the next call."""
        if self._loaded is not None:
            return self._loaded
        if self._loading is None:
            self._loading = asyncio.get_running_loop().run_in_executor(threads, self.load)
            self._loading.add_done_callback(self._load_ended)
        return await asyncio.shield(self._loading)

    def _load_ended(self, loading: "asyncio.Future[Loaded]") -> None:
        self._loading = None
        if not loading.cancelled():
            loading.exception()  # marks it as seen, for the case that everyone who waited has left

    def inspect(self) -> None:
        """Reads what `describe` says of a cold model: small files only. What is wrong with them becomes `problem`."""
        try:
            self._sizes = self._shelf.sizes(self.config)
        except ModelLoadFailed as error:
            self._problem = str(error)

    def describe(self) -> LocalModel:
        return LocalModel(
            id=self.config.id,
            tasks=("embeddings", "rerank"),
            state="warm" if self._loaded else "warming" if self._lock.locked() or self._loading else "cold",
            params=self._sizes.params,
            dimensions=self._sizes.dimensions,
            max_tokens=self._sizes.max_tokens,
            backend=self.config.backend,
            reason=REASONS[self.config.backend],
            problem=self._problem,
        )

    def close(self) -> None:
        """Blocks until the running batch has ended."""
        with self._lock:
            self._closed = True
            loaded, self._loaded = self._loaded, None
        if loaded is not None:
            loaded.worker.close()
