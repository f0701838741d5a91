"""`/llms.txt`: the interface in a page that a language model can read before it writes a client."""

TEXT = """\
# GreatRouter

> Send a prompt. GreatRouter says what it asks for (text, image, video, music, speech, code, web_search, rerank,
> embeddings), chooses the best model by price, balance or quality, runs it, and tells you why. Rerank and embeddings
> run on models served by the router itself.

Authenticate with `Authorization: Bearer KEY` or `X-API-Key: KEY`. Keys that begin with `pk_test_` cost nothing: models
of outside providers then answer from a labelled sandbox. All amounts of money are US dollars. Every error has the shape
`{"error": {"code", "message", "type", "param", "status", "retry_after_s", "metadata"}}`.

## Endpoints

- POST /v1/auto/route: `{"prompt": "...", "input": {}}` classifies, chooses, runs. Optional: `task`, `content_mode`,
  `optimization` (price-optimized, balanced, output-optimized), `budget_dollars`, `model`, `provider`, `taxonomy`,
  `catalog_family`, `session_id`. The provider's answer is in `result`.
- POST /v1/auto/suggest: the same decision as a ranked list with costs and reasons; nothing is run or charged.
- POST /v1/embeddings: OpenAI's request and answer.
- POST /v1/rerank (and /v2/rerank): Cohere's request and answer.
- GET /v1/models: the catalog; filters `task_type`, `provider`, `category`, `capabilities`, `type`, `catalog_family`,
  `catalog_visibility`, `routable_only`. GET /v1/models/PROVIDER/MODEL: one model with its benchmarks.
- GET /healthz, GET /readyz: whether the process lives; whether every part works.

## More

- [The whole interface as OpenAPI](/v1/openapi.json)
"""


def llms_txt() -> str:
    return TEXT
