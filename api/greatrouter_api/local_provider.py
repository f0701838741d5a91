"""The models of this process as one more provider, so that auto/route runs them through the same chain as any other."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from greatrouter_api import wire
from greatrouter_api.configured import LOCAL
from greatrouter_serving.call import Call, Reply, Target, Usage
from greatrouter_serving.errors import (
    InferenceFailed,
    InvalidInput,
    ModelLoadFailed,
    Overloaded,
    UpstreamFailed,
    UpstreamRejected,
)
from greatrouter_serving.local.engine import Engine


class LocalProvider:
    """Rerank and embeddings over an `Engine`. Closing it does not close the engine, which is its owner's."""

    name = LOCAL

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def call(self, target: Target, call: Call, timeout_s: float) -> Reply:
        run = self._rerank if call.task == "rerank" else self._embed
        try:
            return await run(target, call)
        except InvalidInput as error:
            raise UpstreamRejected(str(error), 400) from error
        except Overloaded as error:
            raise UpstreamFailed(str(error), 429, error.retry_after_s) from error
        except (ModelLoadFailed, InferenceFailed) as error:
            raise UpstreamFailed(str(error), 503) from error

    async def stream(self, target: Target, call: Call, timeout_s: float) -> AsyncGenerator[bytes, None]:
        raise UpstreamFailed(f"{self.name} models rerank and embed; they stream nothing")
        yield b""  # what makes this an async generator

    async def close(self) -> None:
        return None

    async def _embed(self, target: Target, call: Call) -> Reply:
        given = call.input.get("input", call.prompt)
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise InvalidInput("input.input must be a string or a list of strings")
        dimensions = call.input.get("dimensions")
        embedded = await self._engine.embed(target.upstream_model, texts, dimensions=dimensions, batch_tier=call.batch)
        body = wire.dumps(wire.embeddings(target.model_id, self.name, embedded))
        return Reply(body, Usage(prompt_tokens=embedded.prompt_tokens))

    async def _rerank(self, target: Target, call: Call) -> Reply:
        query, documents = call.input.get("query", call.prompt), document_texts(call.input)
        if not isinstance(query, str):
            raise InvalidInput("input.query must be a string")
        reranked = await self._engine.rerank(target.upstream_model, query, documents, batch_tier=call.batch)
        top_n = call.input.get("top_n")
        answer = wire.rerank(
            call.request_id,
            target.model_id,
            self.name,
            reranked,
            documents,
            top_n if isinstance(top_n, int) and top_n > 0 else None,
            texts=call.input.get("return_documents") is not False,
        )
        return Reply(wire.dumps(answer), Usage(prompt_tokens=reranked.prompt_tokens, documents=len(documents)))


def document_texts(input_: Mapping[str, Any]) -> list[str]:
    """The documents as strings. Raises `InvalidInput` where there are none or one is neither a string nor {text}."""
    documents = input_.get("documents")
    if not isinstance(documents, list) or not documents:
        raise InvalidInput("rerank needs input.documents: a list of strings, or of objects with a text")
    given = [d.get("text") if isinstance(d, Mapping) else d for d in documents]
    texts = [text for text in given if isinstance(text, str)]
    if len(texts) != len(given):
        raise InvalidInput("every document must be a string or an object with a string `text`")
    return texts
