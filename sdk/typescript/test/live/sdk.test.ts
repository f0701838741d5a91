/** This SDK against a live server: first the samples of its documentation, as they stand there. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { AuthenticationError, GreatRouter, GreatRouterError, ValidationError } from "@greatrouter/sdk";
import { BASE_URL, LOCAL_MODEL, MODEL, TEST_KEY } from "./server.js";

const client = new GreatRouter(TEST_KEY, { baseUrl: BASE_URL, maxRetries: 0 });

test("sample: auto route", async () => {
  const result = await client.autoRoute({
    prompt: 'Generate an image of a cat',
    input: { messages: [{ role: 'user', content: 'Generate an image of a cat' }] },
    task: 'image',
    optimization: 'price-optimized',
    budget_dollars: 0.05,
  })
  assert.equal(result.classification.task, "image");
  assert.equal(result.provider, "sandbox");
  assert.ok(Array.isArray(result.result["data"]));
});

test("sample: auto suggest", async () => {
  const suggestions = await client.autoSuggest({
    prompt: 'Write a short poem',
    task: 'text',
    limit: 5,
    budget_dollars: 0.01,
  })
  assert.equal(suggestions.classification.task, "text");
  assert.ok(suggestions.suggestions.length > 0 && suggestions.suggestions.length <= 5);
  assert.ok(suggestions.suggestions.every(({ estimated_cost_dollars }) => estimated_cost_dollars <= 0.01));
});

test("sample: price comparison", async () => {
  const comparison = await client.priceComparison({
    task: 'text',
    optimization: 'balanced',
  })
  assert.equal(comparison.optimization, "balanced");
  assert.ok(comparison.suggestions[0]?.model_id);
  assert.ok(comparison.price_comparison.cheapest_model);
});

test("sample: list models", async () => {
  const models = await client.listModels({ task_type: 'text_generation' })
  assert.ok(models.data.length > 100);
  assert.ok(models.data.every(({ task_type }) => task_type === "text_generation"));
});

test("sample: get model", async () => {
  const model = await client.getModel('meta', 'llama-3.3-70b-instruct-fp8-fast')
  assert.equal(model.id, "meta/llama-3.3-70b-instruct-fp8-fast");
});

test("sample: preferences", async () => {
  const prefs = await client.getPreferences()
  assert.ok("default_optimization" in prefs && "tenant_id" in prefs);
  await client.setPreference({ key: 'default_optimization', value: 'price-optimized' })
  assert.equal((await client.getPreferences())["default_optimization"], "price-optimized");
  const suggestions = await client.getPreferenceSuggestions()
  assert.equal(typeof suggestions, "object");
  await client.deletePreference("default_optimization");
  assert.equal((await client.getPreferences())["default_optimization"], "balanced");
});

test("sample: model health", async () => {
  const health = await client.getModelHealth(['openai/gpt-5', 'anthropic/claude-sonnet-4'])
  assert.deepEqual(health.health.map(({ model_id }) => model_id), ["openai/gpt-5", "anthropic/claude-sonnet-4"]);
});

test("chat, whole and in pieces", async () => {
  const request = { model: "router", messages: [{ role: "user", content: "Name three rivers of Kenya." }] };
  const whole = await client.chatCompletions(request);
  assert.ok(whole.greatrouter);
  let text = "";
  let metadata: unknown;
  for await (const chunk of await client.chatCompletions({ ...request, stream: true })) {
    text += chunk.choices[0]?.delta.content ?? "";
    metadata = chunk.greatrouter ?? metadata;
  }
  assert.equal(text, whole.choices[0]?.message.content); // the sandbox says the same to the same request
  assert.ok(metadata);
});

test("embeddings", async () => {
  const answer = await client.embeddings({ model: LOCAL_MODEL, input: ["a", "b"] });
  assert.equal(answer.data.length, 2);
  assert.ok(Array.isArray(answer.data[0]?.embedding));
  const packed = await client.embeddings({ model: LOCAL_MODEL, input: "a", encoding_format: "base64" });
  assert.equal(typeof packed.data[0]?.embedding, "string");
});

test("rerank", async () => {
  const documents = ["We open at nine.", { text: "Parking is free." }];
  const answer = await client.rerank({ model: "router", query: "opening hours", documents, top_n: 1 });
  assert.equal(answer.results.length, 1);
  assert.ok(answer.results[0]?.document?.text);
});

test("explicit route, recommendations, feedback", async () => {
  const routed = await client.modelsRoute({ query: "text", input: { messages: [{ role: "user", content: "hi" }] } });
  assert.ok(routed.model.id);
  const recommended = await client.recommend({ task: "text_generation", taxonomy: "llm", budget_dollars: 1, limit: 2 });
  assert.deepEqual(recommended.data.map(({ available }) => available), [true, true]);
  assert.ok((await client.autoFeedback({ prompt: "hi", classified_task: "text", correct: true })).accepted);
});

test("catalog", async () => {
  const page = await client.queryModels({ text: "llama", limit: 3 });
  assert.equal(page.data.length, 3);
  assert.ok((await client.tags()).data[0]?.tag);
  const tiers = (await client.priceTiers()).data.map(({ price_tier }) => price_tier);
  assert.deepEqual(tiers, ["economy", "standard", "balanced", "premium", "flagship"]);
  assert.ok((await client.catalogTaxonomy()).data.some(({ taxonomy }) => taxonomy === "llm"));
  const [family] = (await client.catalogFamilies({ q: "llama", taxonomy: "llm", limit: 1 })).data;
  assert.match(family?.id ?? "", /^llm\/\w[\w-]*--\w/);
  assert.deepEqual((await client.getCatalogFamily(family?.id ?? "")).name, family?.name);
});

test("schemas", async () => {
  const [provider = "", model = ""] = MODEL.split("/");
  assert.match(String((await client.getInputSchema(provider, model))["$schema"]), /2020-12/);
  assert.ok(await client.getOutputSchema(provider, model));
  const good = await client.validateInput(provider, model, { messages: [{ role: "user", content: "hi" }] });
  assert.deepEqual(good, { valid: true, errors: [] });
  const bad = await client.validateInput(provider, model, { messages: "hi" });
  assert.equal(bad.valid, false);
  assert.match(bad.errors[0]?.path ?? "", /messages/);
});

test("account and logs", async () => {
  assert.ok(await client.account());
  assert.match(await client.orgLogs({ format: "csv", limit: 10 }), /^timestamp,request_id,/);
  assert.ok(await client.orgLogs({ limit: 10 }));
});

test("errors are typed", async () => {
  const stranger = new GreatRouter("pk_test_unknown00_" + "0".repeat(32), { baseUrl: BASE_URL });
  await assert.rejects(stranger.autoSuggest({ prompt: "hi" }), AuthenticationError);
  await assert.rejects(
    client.autoSuggest({ prompt: "hi", limit: 0 }),
    (error) => error instanceof ValidationError && error.code === "invalid_request" && Boolean(error.requestId),
  );
  await assert.rejects(
    client.getModel("nobody", "nothing"),
    (error) => error instanceof GreatRouterError && error.status === 404 && error.code === "model_not_found",
  );
});
