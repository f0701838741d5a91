"""Rerank and embeddings by the models of this process."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from greatrouter_serving.errors import InferenceFailed, InvalidInput, ModelNotServed
from greatrouter_serving.local import hybrid
from greatrouter_serving.local.backend import Backend, Floats, Ids, unit
from greatrouter_serving.local.model import Loaded, LocalModel, ServedModel
from greatrouter_serving.local.queue import Tier, Work
from greatrouter_serving.local.shelf import LocalModelConfig, Shelf

__all__ = ["Embedded", "Engine", "LocalEmbedder", "LocalModel", "LocalModelConfig", "Reranked", "Shelf"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Embedded:
    """`vectors` is float32 [n, dimensions] with unit rows, in the order of the inputs."""

    vectors: Floats
    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class Reranked:
    """`scores` are in 0..1, one a document, in the documents' order; comparable between requests of one model."""

    scores: list[float]
    prompt_tokens: int


class Engine:
    """Serves the models it is given; each loads at its first use unless its configuration says `warm`.

    engine = Engine([LocalModelConfig("sentence-transformers/all-MiniLM-L6-v2")], shelf=Shelf(prepared_dir=folder))
    await engine.start()
    ranked = await engine.rerank("sentence-transformers/all-MiniLM-L6-v2", "capital of France", ["Paris", "Rome"])
    await engine.close()
    """

    def __init__(
        self,
        models: Sequence[LocalModelConfig],
        *,
        shelf: Shelf | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._models = {config.id: ServedModel(config, shelf or Shelf(), clock) for config in models}
        # Tokenizing overlaps the forward pass; two threads, so that one load or one long text does not stop the rest.
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="local-engine")
        self._closed = False

    async def start(self) -> None:
        """Reads what `describe` tells and loads the models that are to be warm. Raises ModelLoadFailed for those."""
        for model in self._models.values():
            await self._in_thread(model.inspect)
        await asyncio.gather(*(self.warm(model.config.id) for model in self._models.values() if model.config.warm))

    async def close(self) -> None:
        """Callers that still wait get InferenceFailed; returns when every running batch has ended."""
        self._closed = True
        await asyncio.gather(*(asyncio.to_thread(model.close) for model in self._models.values()))
        self._threads.shutdown(wait=False)

    def describe(self) -> list[LocalModel]:
        return [model.describe() for model in self._models.values()]

    async def warm(self, model_id: str) -> None:
        """Loads a cold model; everyone who waits for it shares one load. Raises ModelNotServed, ModelLoadFailed."""
        await self._ready(model_id)

    async def probe(self, model_id: str) -> None:
        """One real forward pass through the model's own queue, ahead of all other work; raises what went wrong."""
        loaded = await self._ready(model_id)
        ids = loaded.backend.tokenize(["ready?"], loaded.backend.traits.max_tokens)
        await loaded.worker.run([Work(ids[0], Tier.PROBE)])

    async def embed(
        self,
        model_id: str,
        inputs: Sequence[str] | Sequence[Sequence[int]],
        *,
        dimensions: int | None = None,
        batch_tier: bool = False,
    ) -> Embedded:
        """Vectors of texts, or of token ids made by the model's own tokenizer; inputs are cut at the model's limit.

        Raises ModelNotServed, ModelLoadFailed, InvalidInput, Overloaded, InferenceFailed.
        """
        _check_inputs(inputs)
        loaded = await self._ready(model_id)
        size = self._checked_dimensions(model_id, loaded.backend, dimensions)
        loaded.worker.check_room()
        ids = await self._in_thread(partial(_to_ids, loaded.backend, inputs))
        works, places = _distinct(ids, Tier.BATCH if batch_tier else Tier.REALTIME)
        rows = await loaded.worker.run(works)
        vectors = np.stack([rows[place] for place in places])
        if size < loaded.backend.traits.dimensions:
            vectors = unit(vectors[:, :size])
        return Embedded(vectors, sum(len(text) for text in ids))

    async def rerank(
        self,
        model_id: str,
        query: str,
        documents: Sequence[str],
        *,
        max_tokens_per_doc: int | None = None,
        batch_tier: bool = False,
    ) -> Reranked:
        """How relevant each document is to the query. Documents may be empty strings (they score low), the query not.

        Raises as `embed` does.
        """
        _check_rerank(query, documents, max_tokens_per_doc)
        loaded = await self._ready(model_id)
        loaded.worker.check_room()
        tier = Tier.BATCH if batch_tier else Tier.REALTIME
        texts = partial(_read_request, loaded.backend, query, documents, max_tokens_per_doc)
        query_ids, document_ids, shared = await self._in_thread(texts)
        # The query first and alone: each document is then reduced to one number as it leaves the model, and the token
        # vectors of 1,000 long documents (400 MB) never exist at once.
        about = partial(hybrid.meaning, loaded.backend, query_ids)
        [meaning] = await loaded.worker.run([Work(query_ids, tier, reduce=about)])
        works, places = _distinct(document_ids, tier)
        for work in works:
            work.reduce = partial(meaning.likeness, work.ids)
        likeness = await loaded.worker.run(works)
        scores = hybrid.relevance(np.array([likeness[place] for place in places], dtype=np.float32), shared)
        return Reranked(scores, len(query_ids) + sum(len(ids) for ids in document_ids))

    def embedder(self, model_id: str) -> "LocalEmbedder":
        """For callers with a thread of their own, such as the classifier. Raises ModelNotServed."""
        return LocalEmbedder(self._model(model_id))

    def _model(self, model_id: str) -> ServedModel:
        model = self._models.get(model_id)
        if model is None:
            served = ", ".join(self._models) or "none"
            raise ModelNotServed(
                f"no local model {model_id!r}; served here: {served}. Use one of these or configure it"
            )
        return model

    async def _ready(self, model_id: str) -> Loaded:
        self._check_open()
        return await self._model(model_id).ready(self._threads)

    def _checked_dimensions(self, model_id: str, backend: Backend, asked: int | None) -> int:
        native = backend.traits.dimensions
        allowed = sorted({native, *self._model(model_id).config.dimensions})
        if asked is not None and asked not in allowed:
            sizes = ", ".join(str(size) for size in allowed)
            raise InvalidInput(
                f"dimensions={asked} is not a size {model_id} was trained for; allowed: {sizes}", "dimensions"
            )
        return native if asked is None else asked

    def _check_open(self) -> None:
        if self._closed:
            raise InferenceFailed("the local engine was closed; send the request again after its restart")

    async def _in_thread(self, function: Callable[[], T]) -> T:
        self._check_open()
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)


class LocalEmbedder:
    """Unit vectors of short texts, in the calling thread: it neither waits in the model's queue nor delays it much.

    A full batch takes a quarter of a second; a prompt cut to 64 tokens 10 ms. Never call it on an event loop.
    """

    MAX_TOKENS = 64
    MAX_CHARACTERS = 2048  # 64 tokens are some 300 characters; tokenizing a whole book to keep its start is waste
    TEXTS_PER_BATCH = 16

    def __init__(self, model: ServedModel) -> None:
        self._model = model

    def embed(self, texts: Sequence[str]) -> Floats:
        """[len(texts), dimensions], unit rows. Loads the model where it is cold: ModelLoadFailed, InferenceFailed."""
        backend = self._model.load().backend
        limit = min(self.MAX_TOKENS, backend.traits.max_tokens)
        ids = backend.tokenize([text[: self.MAX_CHARACTERS] for text in texts], limit)
        vectors = np.zeros((len(texts), backend.traits.dimensions), dtype=np.float32)
        order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
        for start in range(0, len(order), self.TEXTS_PER_BATCH):
            rows = order[start : start + self.TEXTS_PER_BATCH]
            vectors[rows] = backend.forward([ids[row] for row in rows], want_tokens=False).pooled
        return vectors


def _check_inputs(inputs: Sequence[str] | Sequence[Sequence[int]]) -> None:
    if not inputs:
        raise InvalidInput("input is an empty list; send at least one text", "input")
    for place, text in enumerate(inputs):
        if not text:
            raise InvalidInput(f"input {place} is empty; every input needs at least one character or token id", "input")


def _check_rerank(query: str, documents: Sequence[str], max_tokens_per_doc: int | None) -> None:
    if not query.strip():
        raise InvalidInput("query is empty; say what the documents are to be relevant to", "query")
    if not documents:
        raise InvalidInput("documents is an empty list; send at least one document", "documents")
    if max_tokens_per_doc is not None and max_tokens_per_doc < 1:
        message = f"max_tokens_per_doc is {max_tokens_per_doc}; send 1 or more, or leave it out"
        raise InvalidInput(message, "max_tokens_per_doc")


def _to_ids(backend: Backend, inputs: Sequence[str] | Sequence[Sequence[int]]) -> list[Ids]:
    limit = backend.traits.max_tokens
    texts = [text for text in inputs if isinstance(text, str)]
    if len(texts) == len(inputs):
        return backend.tokenize(texts, limit)
    if texts:
        raise InvalidInput("input mixes texts and token ids; send a list of one kind", "input")
    return [backend.admit([int(i) for i in ids], limit) for ids in inputs]


def _read_request(
    backend: Backend, query: str, documents: Sequence[str], max_tokens_per_doc: int | None
) -> tuple[Ids, list[Ids], Floats]:
    """Token ids of the query and the documents, and how much wording each document shares with the query."""
    limit = backend.traits.max_tokens
    room = limit if max_tokens_per_doc is None else min(limit, max_tokens_per_doc + backend.traits.markers_per_text)
    shared = hybrid.wording(backend, query).shared(documents, max_tokens_per_doc)
    return backend.tokenize([query], limit)[0], backend.tokenize(documents, room), shared


def _distinct(ids: Sequence[Ids], tier: Tier) -> tuple[list[Work], list[int]]:
    """One piece of work for each different text, and each text's place among them: equal texts get equal results."""
    works: list[Work] = []
    place_of: dict[bytes, int] = {}
    places = []
    for text in ids:
        place = place_of.setdefault(text.tobytes(), len(works))
        if place == len(works):
            works.append(Work(text, tier))
        places.append(place)
    return works, places
