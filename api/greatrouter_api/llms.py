"""`/llms.txt`: the interface in a page that a language model can read before it writes a client."""

TEXT = """\
# GreatRouter

> Send a prompt. GreatRouter says what it asks for (text, image, video, music, speech, code, web_search, rerank,
> embeddings), chooses the best model by price, balance or quality, runs it, and tells you why. Rerank and embeddings
> run on models served by the router itself.

Authenticate with `Authorization: Bearer KEY` or `X-API-Key: KEY`. Keys that begin with `pk_test_` cost nothing: models
of outside providers then answer from a labelled sandbox. All amounts of money are US dollars. Unknown fields are
ignored, null means absent. Every error, whatever its status (400, 401, 402, 403, 404, 405, 408, 413, 429, 500, 502,
503), has the shape `{"error": {"code", "message", "type", "param", "status", "retry_after_s", "metadata"}}`; branch on
`code`. Retry a 429 or 503 after `Retry-After` seconds, unless `x-should-retry` is `false`. Every answer carries
`X-Request-Id`. Clients of OpenAI and Cohere work with their base URL and key changed.

## Run

- POST /v1/auto/route: `{"prompt": "...", "input": {}}` classifies, chooses, runs. `input` is the task's own input
  (`messages`, `query` and `documents`, ...); `{}` lets the prompt be it. Optional: `task`, `content_mode` (generate,
  edit, combine), `optimization` (price-optimized, balanced, output-optimized), `budget_dollars`, `model`, `provider`
  (a slug or preferences), `taxonomy`, `catalog_family`, `session_id`, `mode` (auto, regex), `feedback`. The answer:
  `classification`, `model`, `result` (the provider's own document), `provider`, `charge_dollars`, `routing`,
  `price_comparison`, `timing`, `context`.
- POST /v1/chat/completions: OpenAI's request and answer with a `greatrouter` object. `model` is `router` or an id;
  `models` are tried after it.
  `stream: true` gives server-sent events; the last chunk before `[DONE]` holds the `greatrouter` object. Headers:
  `X-GR-Cache-TTL: 0..3600`. `X-GR-Guardrails: moderate` is heeded by all endpoints of this section.
- POST /v1/models/route: `{"query", "input"}`, optionally `maxCost` (economy, standard, balanced, premium, flagship) and
  `filter: {task_type, capabilities}`: runs the best model that passes.
- POST /v1/embeddings: OpenAI's request and answer (`model`, `input`, `encoding_format`, `dimensions`).
- POST /v1/rerank: Cohere's request and answer (`model`, `query`, `documents`, `top_n`). POST /v2/rerank is the same.

## Ask without running or paying

- POST /v1/auto/suggest: the decision of auto/route as a ranked list of `suggestions`, each with cost and reason.
- POST /v1/models/price-comparison: what the best models would cost for `prompt` or, without one, for a typical request
  of the `task`; `priced_for` says the units.
- POST /v1/models/recommend: models for a `task`, or for a need in words (`prompt`), such as "cheap vision model with
  128k context, no openai".
- POST /v1/auto/feedback: `{"prompt", "correct", "classified_task", "suggested_task"}`; in effect at the next prompt.

## Models (GET needs no key)

- GET /v1/models: the whole catalog; filters `task`, `task_type`, `provider`, `category`, `capabilities`, `type`,
  `catalog_family`, `catalog_visibility`, `routable_only`. `available` says what a live key can run here; a
  test key runs any of them, those of outside providers in the sandbox.
- POST /v1/models/query: the same filters with `text`, `tags`, `price_tier`, in pages (`limit`, `offset`).
- GET /v1/models/PROVIDER/MODEL: one model with benchmarks and provenance. GET /v1/models/MODEL takes other names.
- GET /v1/models/PROVIDER/MODEL/input-schema and GET /v1/models/PROVIDER/MODEL/output-schema: JSON Schema 2020-12.
- POST /v1/models/PROVIDER/MODEL/validate-input and POST /v1/models/PROVIDER/MODEL/validate-output: `{"valid",
  "errors"}`.
- GET /v1/models/tags, GET /v1/models/price-tiers: the vocabularies.
- GET /v1/catalog/taxonomy, GET /v1/catalog/families, GET /v1/catalog/families/ID: model lines by branch.

## Account

- GET /v1/account: balance, today's spend, plan, limits, last calls.
- GET /v1/org/logs: requests as JSON or CSV (`format`), newest first; `limit`, `before`, `after`.
- GET /v1/preferences, GET /v1/preferences/suggestions; PUT /v1/preferences/KEY with `{"value": ...}` and
  DELETE /v1/preferences/KEY. Keys: `default_optimization`, `default_task`, `excluded_providers`, `excluded_models`,
  `preferred_providers`, `content_mode_default`.
- GET /v1/model-health: how models did lately; `models` is a list with commas between.

## Payments

- POST /v1/webhooks/polar: for Polar alone, signed as Standard Webhooks are: `order.paid` credits, `order.refunded`
  takes back.

## Service

- GET /healthz: whether the process lives. GET /readyz: whether every part works.
- GET /llms.txt: this page.
- GET /v1/openapi.json: the whole interface as OpenAPI 3.0.3; GET /openapi.json: the same as 3.1.
"""


def llms_txt() -> str:
    return TEXT
