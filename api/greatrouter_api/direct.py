"""`/v1/embeddings` and `/v1/rerank`: a named model, served here or by a provider, charged in its native unit."""

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.keys import Caller
from greatrouter_api import present, wire
from greatrouter_api.activity import Entry
from greatrouter_api.charging import Charge, billed, is_free
from greatrouter_api.configured import LOCAL
from greatrouter_api.decision import AUTO_MODELS, Decider
from greatrouter_api.errors import ApiError
from greatrouter_api.front import Answer, Incoming
from greatrouter_api.outcomes import Outcomes
from greatrouter_api.plan import SANDBOX
from greatrouter_api.provider_preferences import ProviderRequest
from greatrouter_api.schemas import DocumentText, EmbeddingsRequest, RerankRequest
from greatrouter_api.tiers import Tiers, is_batch
from greatrouter_api.warming import Warming
from greatrouter_catalog.catalog import Catalog
from greatrouter_catalog.model import Model
from greatrouter_classifier.classification import Decision as Stage
from greatrouter_classifier.classification import Task
from greatrouter_ranking.profile import Expected
from greatrouter_ranking.ranker import Choice, Ranking
from greatrouter_ranking.reasons import of_named
from greatrouter_ranking.tokens import estimate_tokens
from greatrouter_serving.call import Call, Outcome, Provider, Target, Usage
from greatrouter_serving.chain import ChainRejected, run_chain
from greatrouter_serving.errors import ChainExhausted
from greatrouter_serving.local.engine import Engine

MAX_INPUTS = 2_048


@dataclass(frozen=True, slots=True)
class Served:
    """An answer in the shape of the wire, what it took, and the endpoint that gave it."""

    answer: dict[str, Any]
    usage: Usage
    model: Model


@dataclass(frozen=True, slots=True)
class Found:
    """The endpoints to try, in order: `choices` of a ranking, and their `models`; `left_to_us` where none was named."""

    models: Sequence[Model]
    choices: Sequence[Choice]
    ranking: Ranking
    left_to_us: bool

    @property
    def tried(self) -> Sequence[Model]:
        """What is served here has nobody to stand in for it, and stands in for nobody."""
        first = self.models[0]
        return (first,) if first.hosted else [model for model in self.models if not model.hosted]

    def reason(self, model: Model) -> str:
        """Why one of the models."""
        if self.left_to_us:
            return f"the choice was left to us; {model.id} is the best model served here for {model.tasks[0]}"
        if model.hosted:
            return f"{model.id} was named in the request, and is served here"
        return of_named(model.id, model.provider, self.choices[self.models.index(model)], self.ranking)


@dataclass(frozen=True, slots=True)
class Direct:
    """`tiers` say what `X-Tier: batch` pays of a local model's price; `attempts` is how many endpoints one request may
    try."""

    catalog: Catalog
    decider: Decider
    attempts: int
    engine: Engine
    warming: Warming
    accounts: Accounts
    providers: Mapping[str, Provider]
    outcomes: Outcomes
    available: NDArray[np.bool_]
    tiers: Tiers
    timeout_s: float

    async def embeddings(self, request: EmbeddingsRequest, incoming: Incoming) -> Answer:
        """OpenAI's answer, with `provider` and `charge_dollars`."""
        inputs, batch = _inputs(request), is_batch(incoming)
        tokens = sum(estimate_tokens(text) if isinstance(text, str) else len(text) for text in inputs)
        expected = Expected(prompt_tokens=tokens)
        found = await self._find(request.model, Task.EMBEDDINGS, expected, incoming.caller, request.provider)
        first = found.models[0]

        async def run() -> Served:
            if first.hosted:
                return await self._embed(first, inputs, request, batch=batch)
            return await self._embed_elsewhere(found.tried, inputs, request, incoming)

        headers = await self.warming.awake(first, incoming.header(b"prefer"))
        served, cents = await self._charged(found, expected, run, incoming, batch=batch)
        return Answer(wire.dumps(served.answer | {"charge_dollars": present.dollars(cents)}), headers)

    async def rerank(self, request: RerankRequest, incoming: Incoming) -> Answer:
        """Cohere's answer, with `provider` and the cost in `usage`."""
        documents = [d.text if isinstance(d, DocumentText) else d for d in request.documents]
        batch, query_tokens = is_batch(incoming), estimate_tokens(request.query)
        expected = Expected(
            prompt_tokens=sum(query_tokens + estimate_tokens(text) for text in documents),
            documents=len(documents),
            searches=-(-len(documents) // 100),
        )
        found = await self._find(request.model, Task.RERANK, expected, incoming.caller, request.provider)
        first = found.models[0]

        async def run() -> Served:
            if first.hosted:
                return await self._rank(first, documents, request, incoming, batch=batch)
            return await self._rank_elsewhere(found.tried, documents, request, incoming)

        headers = await self.warming.awake(first, incoming.header(b"prefer"))
        served, cents = await self._charged(found, expected, run, incoming, batch=batch)
        usage = wire.rerank_usage(served.usage, len(documents)) | {"cost": present.dollars(cents)}
        return Answer(wire.dumps(served.answer | {"usage": usage}), headers)

    async def _charged(
        self,
        found: Found,
        expected: Expected,
        run: Callable[[], Awaitable[Served]],
        incoming: Incoming,
        *,
        batch: bool,
    ) -> tuple[Served, Decimal]:
        """What was served and the cents that it cost."""
        pricing = partial(self.tiers.pricing, batch=batch)
        model = found.models[0]
        entry = Entry(
            request_id=incoming.request_id,
            organization_id=incoming.caller.organization_id,
            endpoint=incoming.path,
            task=model.tasks[0],
            decision=(Stage.INPUT if found.left_to_us else Stage.HINT).value,
            model=model.id,
            routing_reason=found.reason(model),
            fallback_chain=model.id,
            catalog_version=self.catalog.version,
        )
        reserved = Charge(
            self.accounts,
            incoming.caller,
            entry,
            # What is reserved must cover whichever endpoint answers.
            max(pricing(endpoint).cost_cents(expected) for endpoint in found.tried),
            free=all(map(is_free, found.tried)),
            budgeted=not all(endpoint.hosted or is_free(endpoint) for endpoint in found.tried),
            tokens=expected.prompt_tokens,
        )
        async with reserved as charge:
            served = await run()
            model = served.model
            usage = served.usage if model.hosted else billed(served.usage, expected, model)
            target = Target(model.id, served.answer["provider"], model.upstream_model)
            answered = entry.answered(target, usage, found.reason(model))
            cents = await charge.settle(pricing(model), answered)
        return replace(served, usage=usage), cents

    # -- served here --------------------------------------------------------------------------------------------

    async def _embed(self, model: Model, inputs: list[Any], request: EmbeddingsRequest, *, batch: bool) -> Served:
        found = await self.engine.embed(model.upstream_model, inputs, dimensions=request.dimensions, batch_tier=batch)
        answer = wire.embeddings(model.id, LOCAL, found, request.encoding_format)
        return Served(answer, Usage(prompt_tokens=found.prompt_tokens), model)

    async def _rank(
        self, model: Model, documents: list[str], request: RerankRequest, incoming: Incoming, *, batch: bool
    ) -> Served:
        found = await self.engine.rerank(
            model.upstream_model,
            request.query,
            documents,
            max_tokens_per_doc=request.max_tokens_per_doc,
            batch_tier=batch,
        )
        answer = wire.rerank(
            incoming.request_id, model.id, LOCAL, found, documents, request.top_n, texts=request.return_documents
        )
        return Served(answer, Usage(prompt_tokens=found.prompt_tokens, documents=len(documents)), model)

    # -- served by a provider -----------------------------------------------------------------------------------

    async def _embed_elsewhere(
        self, models: Sequence[Model], inputs: list[Any], request: EmbeddingsRequest, incoming: Incoming
    ) -> Served:
        known = {"input": inputs, "dimensions": request.dimensions, "encoding_format": "float", "user": request.user}
        body = (request.model_extra or {}) | known
        outcome, model = await self._proxied(models, Task.EMBEDDINGS, body, incoming)
        answer = _in_openais_shape(orjson.loads(outcome.reply.body), outcome.reply.usage, request.encoding_format)
        return Served(answer | {"model": model.id, "provider": outcome.target.provider}, outcome.reply.usage, model)

    async def _rank_elsewhere(
        self, models: Sequence[Model], documents: list[str], request: RerankRequest, incoming: Incoming
    ) -> Served:
        body = {
            "query": request.query,
            "documents": documents,
            "top_n": request.top_n,
            "max_tokens_per_doc": request.max_tokens_per_doc,
        }
        outcome, model = await self._proxied(models, Task.RERANK, body, incoming)
        answer = _documented(orjson.loads(outcome.reply.body), request, documents)
        named = {"id": incoming.request_id, "model": model.id, "provider": outcome.target.provider}
        return Served(answer | named, outcome.reply.usage, model)

    async def _proxied(
        self, models: Sequence[Model], task: Task, body: Mapping[str, Any], incoming: Incoming
    ) -> tuple[Outcome, Model]:
        """The answer of the first endpoint that gives one, and which it was."""
        given = {name: value for name, value in body.items() if value is not None}
        call = Call(task, "", given, request_id=incoming.request_id)
        targets = [
            Target(model.id, SANDBOX if incoming.caller.test else model.provider, model.upstream_model)
            for model in models
        ]
        caller = incoming.caller
        try:
            outcome = await run_chain(targets, call, self.providers, timeout_s=self.timeout_s)
        except (ChainExhausted, ChainRejected) as error:
            self.outcomes.seen(caller.organization_id, incoming.request_id, error.attempts)
            raise
        self.outcomes.seen(caller.organization_id, incoming.request_id, outcome.attempts)
        return outcome, models[targets.index(outcome.target)]

    async def _find(
        self, name: str, task: Task, expected: Expected, caller: Caller, provider: str | ProviderRequest | None
    ) -> Found:
        """The endpoints that serve `name` for `task`, in the order in which they are tried: as the caller's provider
        preferences have it; without any, one of this process first, and then the best by price and health. Those that
        its organization excludes are left out.

        A prefix `route/` may be there or not, and our own names for "you choose" mean the best model served here.
        Raises `ApiError` 404.
        """
        wanted = name.removeprefix("route/")
        left_to_us = wanted in AUTO_MODELS
        rows = range(len(self.catalog)) if left_to_us else self.catalog.find(wanted) or self.catalog.find(name)
        reachable = [row for row in rows if caller.test or self.available[row]]
        fitting = [row for row in reachable if self._does(row, task, hosted=left_to_us)]
        if not fitting:
            message = f"no {task.value} model called {name!r} is served; GET /v1/models says which are available"
            raise ApiError(404, message, "model_not_found", "model")
        ranking = await self.decider.endpoints(fitting, task, expected, provider, caller, self.attempts)
        tried = [(self.catalog.model(choice.row), choice) for choice in ranking.endpoints]
        if provider is None:
            tried.sort(key=lambda endpoint: not endpoint[0].hosted)
        models, choices = zip(*tried, strict=True)
        return Found(models, choices, ranking, left_to_us)

    def _does(self, row: int, task: Task, *, hosted: bool) -> bool:
        model = self.catalog.model(row)
        # A model without a price cannot be charged for: it is listed, and served as soon as its price is configured.
        return task in model.tasks and model.pricing.known and (model.hosted or not hosted)


def _inputs(request: EmbeddingsRequest) -> list[Any]:
    """A list of texts or of token id lists. Raises `ApiError` 400."""
    given = request.input
    single = isinstance(given, str) or (given and isinstance(given[0], int))
    inputs: list[Any] = [given] if single else list(given)
    if not inputs or any(len(text) == 0 for text in inputs):
        raise ApiError(400, "input must not be empty: send a text, a list of texts, or token ids", param="input")
    if len(inputs) > MAX_INPUTS:
        raise ApiError(400, f"input has {len(inputs)} items; at most {MAX_INPUTS} are taken at once", param="input")
    return inputs


def _in_openais_shape(answer: dict[str, Any], usage: Usage, encoding_format: str) -> dict[str, Any]:
    """A compatible server's embeddings with what it may have left out, encoded as the caller asked."""
    data = [
        {"object": "embedding", **item, "index": i, "embedding": _encoded(item["embedding"], encoding_format)}
        for i, item in enumerate(answer["data"])
    ]
    counts = {"prompt_tokens": usage.prompt_tokens, "total_tokens": usage.prompt_tokens}
    return {"object": "list", "usage": counts, **answer, "data": data}


def _encoded(embedding: list[float] | str, encoding_format: str) -> list[float] | str:
    if encoding_format == "base64":
        known = isinstance(embedding, str)
        return embedding if known else base64.b64encode(np.asarray(embedding, dtype="<f4").tobytes()).decode()
    if isinstance(embedding, str):
        return [float(value) for value in np.frombuffer(base64.b64decode(embedding), dtype="<f4")]
    return embedding


def _documented(answer: dict[str, Any], request: RerankRequest, documents: list[str]) -> dict[str, Any]:
    """Best first, ties by index, with the documents' texts as the caller asked."""
    results = sorted(answer.get("results") or [], key=lambda r: (-float(r["relevance_score"]), r["index"]))
    for result in results:
        result.pop("document", None)
        if request.return_documents and 0 <= result["index"] < len(documents):
            result["document"] = {"text": documents[result["index"]]}
    return answer | {"results": results[: request.top_n]}
