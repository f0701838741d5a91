import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import {
  APIConnectionError,
  APITimeoutError,
  AuthenticationError,
  GreatRouter,
  GreatRouterError,
  RateLimitError,
  ValidationError,
  VERSION,
} from "@greatrouter/sdk";
import { fake, KEY, passing, type Answer } from "./fake.js";

const PROMPT = { prompt: "hi" };
const MESSAGES = [{ role: "user", content: "hi" }];

const CALLS: [(client: GreatRouter) => Promise<unknown>, string, string, unknown?][] = [
  [(c) => c.autoRoute(PROMPT), "POST", "auto/route", { prompt: "hi", input: {} }],
  [(c) => c.autoRoute({ ...PROMPT, input: { a: 1 } }), "POST", "auto/route", { prompt: "hi", input: { a: 1 } }],
  [(c) => c.autoSuggest({ ...PROMPT, task: null }), "POST", "auto/suggest", { prompt: "hi", task: null }],
  [
    (c) => c.autoFeedback({ prompt: "hi", classified_task: "text", correct: true }),
    "POST",
    "auto/feedback",
    { prompt: "hi", classified_task: "text", correct: true },
  ],
  [(c) => c.modelsRoute({ query: "text", input: {} }), "POST", "models/route", { query: "text", input: {} }],
  [(c) => c.priceComparison(), "POST", "models/price-comparison", {}],
  [(c) => c.recommend({ task: "image" }), "POST", "models/recommend", { task: "image" }],
  [
    (c) =>
      c.recommend({
        task: "speech_to_text",
        content_mode: "generate",
        budget_dollars: 0.01,
        taxonomy: "speech",
        provider: { only: ["openai"] },
        catalog_family: null,
      }),
    "POST",
    "models/recommend",
    {
      task: "speech_to_text",
      content_mode: "generate",
      budget_dollars: 0.01,
      taxonomy: "speech",
      provider: { only: ["openai"] },
      catalog_family: null,
    },
  ],
  [
    (c) => c.chatCompletions({ model: "router", messages: MESSAGES, temperature: 0 }),
    "POST",
    "chat/completions",
    { model: "router", messages: MESSAGES, temperature: 0 },
  ],
  [(c) => c.embeddings({ model: "m", input: "a" }), "POST", "embeddings", { model: "m", input: "a" }],
  [
    (c) => c.rerank({ model: "m", query: "q", documents: ["a"], top_n: 1 }),
    "POST",
    "rerank",
    { model: "m", query: "q", documents: ["a"], top_n: 1 },
  ],
  [(c) => c.listModels(), "GET", "models"],
  [
    (c) => c.listModels({ category: "llm", capabilities: ["vision", "é&="], routable_only: true, type: null }),
    "GET",
    "models?category=llm&capabilities=vision%2C%C3%A9%26%3D&routable_only=true",
  ],
  [(c) => c.queryModels({ text: "llama" }), "POST", "models/query", { text: "llama" }],
  [(c) => c.getModel("openrouter", "openai/gpt-4o"), "GET", "models/openrouter/openai%2Fgpt-4o"],
  [(c) => c.getModelHealth(), "GET", "model-health"],
  [(c) => c.getModelHealth([]), "GET", "model-health"],
  [(c) => c.getModelHealth(["openai/gpt-5", "a/b"]), "GET", "model-health?models=openai%2Fgpt-5%2Ca%2Fb"],
  [(c) => c.tags(), "GET", "models/tags"],
  [(c) => c.priceTiers(), "GET", "models/price-tiers"],
  [(c) => c.getInputSchema("a", "b"), "GET", "models/a/b/input-schema"],
  [(c) => c.getOutputSchema("a", "b"), "GET", "models/a/b/output-schema"],
  [(c) => c.validateInput("a", "b", { x: 1 }), "POST", "models/a/b/validate-input", { x: 1 }],
  [(c) => c.validateOutput("a", "b", { x: 1 }), "POST", "models/a/b/validate-output", { x: 1 }],
  [(c) => c.catalogTaxonomy(), "GET", "catalog/taxonomy"],
  [(c) => c.catalogFamilies({ q: "llama", limit: 5 }), "GET", "catalog/families?q=llama&limit=5"],
  [(c) => c.getCatalogFamily("llm/meta--llama-3.3"), "GET", "catalog/families/llm%2Fmeta--llama-3.3"],
  [(c) => c.getPreferences(), "GET", "preferences"],
  [(c) => c.setPreference({ key: "default_task", value: null }), "PUT", "preferences/default_task", { value: null }],
  [(c) => c.deletePreference("default_task"), "DELETE", "preferences/default_task"],
  [(c) => c.getPreferenceSuggestions(), "GET", "preferences/suggestions"],
  [(c) => c.account(), "GET", "account"],
  [(c) => c.orgLogs({ limit: 3 }), "GET", "org/logs?format=json&limit=3"],
];

// What runs a model or is written down; a preview costs nothing to repeat, and its key a commit.
const ONCE = ["auto/route", "models/route", "chat/completions", "embeddings", "rerank", "auto/feedback"];

for (const [call, method, path, body] of CALLS) {
  test(`${method} ${path}`, async () => {
    const server = await fake({ json: { fine: true } });
    assert.deepEqual(await call(server.client()), { fine: true });
    const [asked] = server.asked;
    assert.equal(`${asked?.method} ${asked?.path}`, `${method} /v1/${path}`);
    assert.deepEqual(asked?.body ? JSON.parse(asked.body) : undefined, body);
    assert.equal(asked?.headers.authorization, `Bearer ${KEY}`);
    assert.equal(asked?.headers.accept, "application/json");
    assert.equal(asked?.headers["user-agent"], `greatrouter-typescript/${VERSION}`);
    assert.equal(asked?.headers["content-type"], body ? "application/json" : undefined);
    assert.equal("idempotency-key" in (asked?.headers ?? {}), ONCE.includes(path));
  });
}

test("the logs come as text where CSV is asked for", async () => {
  const server = await fake({ pieces: ["a,b\n", "1,2\n"], headers: { "content-type": "text/csv" } });
  assert.equal(await server.client().orgLogs({ format: "csv" }), "a,b\n1,2\n");
});

test("an answer without a body is an empty object", async () => {
  const server = await fake({ status: 204 });
  assert.deepEqual(await server.client().deletePreference("default_task"), {});
});

test("a name that would reach another endpoint is refused", async () => {
  const server = await fake();
  for (const name of ["", ".", ".."]) {
    await assert.rejects(server.client().getModel("openai", name), TypeError);
    await assert.rejects(server.client().deletePreference(name), TypeError);
  }
  assert.equal(server.asked.length, 0);
});

test("options go from the client to the call, the nearest first", async () => {
  const server = await fake({ json: {} });
  const first = server.client({ headers: { "X-Tier": "batch", "X-A": "client" } });
  const client = first.withOptions({ headers: { "x-a": "copy" } });
  await client.account();
  await client.autoSuggest(PROMPT, { headers: { "X-A": "call", "Idempotency-Key": "mine" } });
  const [copied, called] = server.asked.map(({ headers }) => headers);
  assert.deepEqual([copied?.["x-tier"], copied?.["x-a"]], ["batch", "copy"]);
  assert.deepEqual([called?.["x-tier"], called?.["x-a"], called?.["idempotency-key"]], ["batch", "call", "mine"]);
});

test("each status has its error, with what the server says", async () => {
  const kinds: [number, typeof GreatRouterError][] = [
    [400, ValidationError],
    [401, AuthenticationError],
    [429, RateLimitError],
    [301, GreatRouterError],
    [402, GreatRouterError],
    [404, GreatRouterError],
    [502, GreatRouterError],
  ];
  for (const [status, Kind] of kinds) {
    const error = { code: "some_code", message: `It failed; ${KEY}.`, metadata: { attempts: [] }, retry_after_s: 4 };
    const server = await fake({ status, json: { error }, headers: { "X-Request-Id": "r1", Location: "/v1/models" } });
    const caught = await failure(server.client({ maxRetries: 0 }).account());
    assert.equal(caught.constructor, Kind);
    assert.equal(caught.name, Kind.name);
    assert.equal(caught.message, "It failed; [api key].");
    const { code, requestId, retryAfterS, metadata } = caught;
    assert.deepEqual(
      { status: caught.status, code, requestId, retryAfterS, metadata },
      { status, code: "some_code", requestId: "r1", retryAfterS: 4, metadata: { attempts: [] } },
    );
    assert.equal(server.asked.length, 1);
  }
});

test("an answer that is not GreatRouter's is an error that says so", async () => {
  for (const [status, body] of [
    [502, "<html>Bad\n  Gateway</html>"],
    [400, '{"error": "no object"}'],
    [400, "[".repeat(100_000)],
    [404, ""],
    [200, "<html>"],
    [200, '{"cut": '],
  ] as const) {
    const caught = await failure((await fake({ status, pieces: [body] })).client({ maxRetries: 0 }).account());
    assert.match(caught.message, /expected JSON .* with status \d+; check that baseUrl/);
    assert.equal(caught.code, status === 200 ? "invalid_response" : undefined);
    assert.ok(caught.message.length < 400);
  }
});

test("passing failures are tried again with the same request", async () => {
  for (const status of [408, 409, 429, 500, 503, 529]) {
    const server = await fake(passing(status), passing(status), { json: { fine: true } });
    assert.deepEqual(await server.client().autoRoute(PROMPT), { fine: true });
    assert.equal(server.asked.length, 3);
    assert.equal(new Set(server.asked.map(({ headers }) => headers["idempotency-key"])).size, 1);
    assert.equal(new Set(server.asked.map(({ body }) => body)).size, 1);
  }
});

test("two calls do not share a key", async () => {
  const server = await fake({ json: {} });
  await Promise.all([server.client().autoRoute(PROMPT), server.client().autoRoute(PROMPT)]);
  assert.equal(new Set(server.asked.map(({ headers }) => headers["idempotency-key"])).size, 2);
});

test("the last failure is raised when the retries are used up", async () => {
  for (const maxRetries of [0, 1, 4]) {
    const server = await fake(passing(503));
    assert.equal((await failure(server.client({ maxRetries }).account())).status, 503);
    assert.equal(server.asked.length, maxRetries + 1);
  }
});

test("a failure that lasts is not tried again", async () => {
  for (const [status, headers] of [
    [404, {}],
    [429, { "retry-after": "121" }],
    [429, { "retry-after-ms": "1", "x-should-retry": "false" }],
  ] as const) {
    const server = await fake({ status, headers });
    await failure(server.client().account());
    assert.equal(server.asked.length, 1);
  }
});

test("a connection that breaks is tried again", async () => {
  const server = await fake({ pieces: ['{"half":'], then: "reset" }, { json: { fine: true } });
  assert.deepEqual(await server.client().autoRoute(PROMPT), { fine: true });
  assert.equal(server.asked.length, 2);
});

test("a server that is not there is a connection error", async () => {
  const client = new GreatRouter(KEY, { baseUrl: "http://127.0.0.1:1/v1", maxRetries: 1 });
  const caught = await failure(client.account());
  assert.equal(caught.constructor, APIConnectionError);
  assert.match(caught.message, /^http:\/\/127\.0\.0\.1:1 could not be asked .*; check baseUrl/);
  assert.ok(caught.cause instanceof TypeError);
});

const SILENCES: Answer[] = [{ then: "hold" }, { pieces: ['{"half":'], then: "hold" }];

test("a time-out is tried again with the same request, whatever the method", async () => {
  const calls: [(client: GreatRouter) => Promise<unknown>, keys: (string | undefined)[]][] = [
    [(c) => c.autoRoute(PROMPT, { headers: { "Idempotency-Key": "mine" } }), ["mine", "mine"]],
    [(c) => c.account(), [undefined, undefined]],
    [(c) => c.setPreference({ key: "default_task", value: "text" }), [undefined, undefined]],
    [(c) => c.deletePreference("default_task"), [undefined, undefined]],
  ];
  const pairs = SILENCES.flatMap((silence) => calls.map((call) => [silence, call] as const));
  await Promise.all(
    pairs.map(async ([silence, [call, keys]]) => {
      const server = await fake(silence, { json: { fine: true } });
      assert.deepEqual(await call(server.client({ timeoutS: 0.3 })), { fine: true });
      await server.dropped;
      assert.deepEqual(server.asked.map(({ headers }) => headers["idempotency-key"]), keys);
      assert.equal(new Set(server.asked.map(({ method, path, body }) => `${method} ${path} ${body}`)).size, 1);
    }),
  );
});

test("a server that stays silent is a time-out when the retries are used up", async () => {
  await Promise.all(
    SILENCES.map(async (silence) => {
      const server = await fake(silence);
      const caught = await failure(server.client({ timeoutS: 0.05 }).autoRoute(PROMPT));
      assert.equal(caught.constructor, APITimeoutError);
      assert.match(caught.message, /timeoutS/);
      const keys = server.asked.map(({ headers }) => headers["idempotency-key"]);
      assert.equal(keys.length, 3);
      assert.ok(keys[0]);
      assert.equal(new Set(keys).size, 1);
    }),
  );
});

test("Node's own time-outs are time-outs, and tried again", async () => {
  const codes = ["UND_ERR_CONNECT_TIMEOUT", "UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT"];
  await Promise.all(
    codes.map(async (code) => {
      let asked = 0;
      const fetch = (): Promise<Response> => {
        asked++;
        return Promise.reject(new TypeError("fetch failed", { cause: Object.assign(new Error("slow"), { code }) }));
      };
      const caught = await failure(new GreatRouter(KEY, { fetch, maxRetries: 1 }).autoRoute(PROMPT));
      assert.equal(caught.constructor, APITimeoutError);
      assert.equal(asked, 2);
    }),
  );
});

test("a signal stops the call wherever it is, with its own reason", async () => {
  const reason = new Error("the user left");
  const before = await fake();
  await assert.rejects(before.client().account({ signal: AbortSignal.abort(reason) }), reason);
  assert.equal(before.asked.length, 0);

  const silent: Answer = { then: "hold" };
  for (const answer of [silent, { ...silent, pieces: ["{"] }]) {
    const server = await fake(answer);
    const controller = new AbortController();
    const call = server.client().account({ signal: controller.signal });
    setTimeout(() => controller.abort(reason), 50);
    await assert.rejects(call, reason);
    await server.dropped;
    assert.equal(server.asked.length, 1);
  }

  const timedOut = await fake(silent);
  // The wait after the time-out is 375 ms or more.
  const patience = { timeoutS: 0.05, signal: AbortSignal.timeout(200) };
  await assert.rejects(timedOut.client().autoRoute(PROMPT, patience), { name: "TimeoutError" });
  assert.equal(timedOut.asked.length, 1);

  const waiting = await fake({ status: 503, headers: { "retry-after": "100" } });
  await assert.rejects(waiting.client().account({ signal: AbortSignal.timeout(100) }), { name: "TimeoutError" });
  assert.equal(waiting.asked.length, 1);
});

test("settings that cannot work are refused at once", () => {
  for (const baseUrl of ["", "router", "ftp://a/v1", "http://a/v1?x=1", "http://me:pass@a/v1", "http://a/v1#x"]) {
    assert.throws(() => new GreatRouter(KEY, { baseUrl }), /baseUrl must be http/);
  }
  for (const timeoutS of [0, -1, NaN]) assert.throws(() => new GreatRouter(KEY, { timeoutS }), RangeError);
  for (const maxRetries of [-1, NaN]) assert.throws(() => new GreatRouter(KEY, { maxRetries }), RangeError);
  for (const key of ["two words", "line\n", "schlüssel"]) {
    assert.throws(
      () => new GreatRouter(key),
      (error) => error instanceof AuthenticationError && !error.message.includes(key),
    );
  }
});

test("the key may come from the environment", async () => {
  delete process.env["GREATROUTER_API_KEY"];
  assert.throws(() => new GreatRouter(), { name: "AuthenticationError", code: "missing_api_key" });
  assert.throws(() => new GreatRouter(""), { code: "missing_api_key" });
  process.env["GREATROUTER_API_KEY"] = "from-the-environment";
  const server = await fake({ json: {} });
  await new GreatRouter(undefined, { baseUrl: server.baseUrl + "/" }).account();
  assert.equal(server.asked[0]?.headers.authorization, "Bearer from-the-environment");
  assert.equal(server.asked[0]?.path, "/v1/account");
});

test("a client that is printed does not show its key", async () => {
  const { inspect } = await import("node:util");
  assert.ok(!inspect(new GreatRouter(KEY), { depth: 9, showHidden: true }).includes(KEY));
});

test("the version is the package's", async () => {
  const manifest: unknown = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8"));
  assert.equal((manifest as { version: string }).version, VERSION);
});

async function failure(call: Promise<unknown>): Promise<GreatRouterError> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof GreatRouterError, String(error));
    return error;
  }
  return assert.fail("the call should have failed");
}
