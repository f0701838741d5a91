"""`/v1/embeddings` and `/v1/rerank`: a named model, served here or by a provider, charged in its native unit."""

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from greatrouter_accounts.accounts import Accounts
from greatrouter_accounts.keys import Caller
from greatrouter_api import present, wire
from greatrouter_api.activity import Entry
from greatrouter_api.charging import Done, Paid, billed, is_free, paid
from greatrouter_api.configured import LOCAL
from greatrouter_api.decision import AUTO_MODELS
from greatrouter_api.errors import ApiError
from greatrouter_api.flow import SANDBOX
from greatrouter_api.front import Incoming
from greatrouter_api.schemas import DocumentText, EmbeddingsRequest, RerankRequest
from greatrouter_catalog.catalog import Catalog
from greatrouter_catalog.model import Model
from greatrouter_ranking.profile import Expected
from greatrouter_ranking.tokens import estimate_tokens
from greatrouter_serving.call import Call, Outcome, Provider, Target, Usage
from greatrouter_serving.chain import run_chain
from greatrouter_serving.local.engine import Engine

MAX_INPUTS = 2_048
WHOLE_PRICE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Served:
    """An answer in the shape of the wire, and what it took."""

    answer: dict[str, Any]
    usage: Usage


@dataclass(frozen=True, slots=True)
class Direct:
    """`batch_share` is what `X-Tier: batch` pays of a local model's price, by model id."""

    catalog: Catalog
    engine: Engine
    accounts: Accounts
    providers: Mapping[str, Provider]
    available: NDArray[np.bool_]
    batch_share: Mapping[str, Decimal]
    timeout_s: float

    async def embeddings(self, request: EmbeddingsRequest, incoming: Incoming) -> bytes:
        """OpenAI's answer, with `provider` and `charge_dollars`."""
        inputs = _inputs(request)
        model = self._model(request.model, "embeddings", incoming.caller)
        tokens = sum(estimate_tokens(text) if isinstance(text, str) else len(text) for text in inputs)

        async def run() -> Served:
            if model.hosted:
                return await self._embed(model, inputs, request, batch=_batch(incoming))
            return await self._embed_elsewhere(model, inputs, request, incoming)

        done = await self._charged(model, Expected(prompt_tokens=tokens), run, incoming)
        return wire.dumps(done.result.answer | {"charge_dollars": present.dollars(done.cents)})

    async def rerank(self, request: RerankRequest, incoming: Incoming) -> bytes:
        """Cohere's answer, with `provider` and the cost in `usage`."""
        documents = [d.text if isinstance(d, DocumentText) else d for d in request.documents]
        model = self._model(request.model, "rerank", incoming.caller)
        query_tokens = estimate_tokens(request.query)
        expected = Expected(
            prompt_tokens=sum(query_tokens + estimate_tokens(text) for text in documents),
            documents=len(documents),
            searches=-(-len(documents) // 100),
        )

        async def run() -> Served:
            if model.hosted:
                return await self._rank(model, documents, request, incoming)
            return await self._rank_elsewhere(model, documents, request, incoming)

        done = await self._charged(model, expected, run, incoming)
        usage = wire.rerank_usage(done.result.usage, len(documents)) | {"cost": present.dollars(done.cents)}
        return wire.dumps(done.result.answer | {"usage": usage})

    async def _charged(
        self, model: Model, expected: Expected, run: Callable[[], Awaitable[Served]], incoming: Incoming
    ) -> Paid[Served]:
        """What was served and the cents that it cost."""
        share = self.batch_share.get(model.id, WHOLE_PRICE) if _batch(incoming) and model.hosted else WHOLE_PRICE
        reason = "the model was named in the request"
        entry = Entry(
            request_id=incoming.request_id,
            organization_id=incoming.caller.organization_id,
            endpoint=incoming.path,
            task=model.tasks[0],
            decision="hint",
            model=model.id,
            routing_reason=reason,
            fallback_chain=model.id,
        )

        async def served() -> Done[Served]:
            found = await run()
            usage = found.usage if model.hosted else billed(found.usage, expected, model)
            target = Target(model.id, found.answer["provider"], model.upstream_model)
            cents = share * model.pricing.cost_cents(usage)
            return Done(replace(found, usage=usage), cents, entry.answered(target, usage, reason))

        estimate = share * model.pricing.cost_cents(expected)
        return await paid(self.accounts, incoming.caller, entry, estimate, served, free=is_free(model))

    # -- served here --------------------------------------------------------------------------------------------

    async def _embed(self, model: Model, inputs: list[Any], request: EmbeddingsRequest, *, batch: bool) -> Served:
        found = await self.engine.embed(model.upstream_model, inputs, dimensions=request.dimensions, batch_tier=batch)
        answer = wire.embeddings(model.id, LOCAL, found, request.encoding_format)
        return Served(answer, Usage(prompt_tokens=found.prompt_tokens))

    async def _rank(self, model: Model, documents: list[str], request: RerankRequest, incoming: Incoming) -> Served:
        found = await self.engine.rerank(
            model.upstream_model,
            request.query,
            documents,
            max_tokens_per_doc=request.max_tokens_per_doc,
            batch_tier=_batch(incoming),
        )
        answer = wire.rerank(
            incoming.request_id, model.id, LOCAL, found, documents, request.top_n, texts=request.return_documents
        )
        return Served(answer, Usage(prompt_tokens=found.prompt_tokens, documents=len(documents)))

    # -- served by a provider -----------------------------------------------------------------------------------

    async def _embed_elsewhere(
        self, model: Model, inputs: list[Any], request: EmbeddingsRequest, incoming: Incoming
    ) -> Served:
        body = {"input": inputs, "dimensions": request.dimensions, "encoding_format": "float", "user": request.user}
        outcome = await self._proxied(model, "embeddings", body, incoming)
        answer = _encoded(orjson.loads(outcome.reply.body), request.encoding_format)
        return Served(answer | {"model": model.id, "provider": outcome.target.provider}, outcome.reply.usage)

    async def _rank_elsewhere(
        self, model: Model, documents: list[str], request: RerankRequest, incoming: Incoming
    ) -> Served:
        body = {
            "query": request.query,
            "documents": documents,
            "top_n": request.top_n,
            "max_tokens_per_doc": request.max_tokens_per_doc,
        }
        outcome = await self._proxied(model, "rerank", body, incoming)
        answer = _documented(orjson.loads(outcome.reply.body), request, documents)
        named = {"id": incoming.request_id, "model": model.id, "provider": outcome.target.provider}
        return Served(answer | named, outcome.reply.usage)

    async def _proxied(self, model: Model, task: str, body: Mapping[str, Any], incoming: Incoming) -> Outcome:
        provider = SANDBOX if incoming.caller.test else model.provider
        given = {name: value for name, value in body.items() if value is not None}
        call = Call(task, "", given, request_id=incoming.request_id)
        target = Target(model.id, provider, model.upstream_model)
        return await run_chain([target], call, self.providers, timeout_s=self.timeout_s)

    def _model(self, name: str, task: str, caller: Caller) -> Model:
        """The endpoint that serves `name` for `task`: one of this process first, then a reachable provider's.

        A prefix `route/` may be there or not, and our own names for "you choose" mean the first model served here.
        Raises `ApiError` 404.
        """
        wanted = name.removeprefix("route/")
        left_to_us = wanted in AUTO_MODELS
        rows = range(len(self.catalog)) if left_to_us else self.catalog.find(wanted) or self.catalog.find(name)
        models = [self.catalog.model(row) for row in rows if caller.test or self.available[row]]
        fitting = [model for model in models if task in model.tasks and (model.hosted or not left_to_us)]
        # A model without a price cannot be charged for: it is listed, and served as soon as its price is configured.
        serving = [model for model in fitting if model.pricing.known]
        if not serving:
            message = f"no {task} model called {name!r} is served; GET /v1/models says which are available"
            raise ApiError(404, message, "model_not_found", "model")
        return min(serving, key=lambda model: not model.hosted)


def _batch(incoming: Incoming) -> bool:
    return incoming.header(b"x-tier").lower() == "batch"


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


def _encoded(answer: dict[str, Any], encoding_format: str) -> dict[str, Any]:
    if encoding_format == "base64":
        for item in answer.get("data", []):
            item["embedding"] = base64.b64encode(np.asarray(item["embedding"], dtype="<f4").tobytes()).decode()
    return answer


def _documented(answer: dict[str, Any], request: RerankRequest, documents: list[str]) -> dict[str, Any]:
    """Best first, ties by index, with the documents' texts as the caller asked."""
    results = sorted(answer.get("results") or [], key=lambda r: (-float(r["relevance_score"]), r["index"]))
    for result in results:
        result.pop("document", None)
        if request.return_documents and 0 <= result["index"] < len(documents):
            result["document"] = {"text": documents[result["index"]]}
    return answer | {"results": results[: request.top_n]}
