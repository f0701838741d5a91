/** The official `openai` client against a live server: only its base URL and key are ours. */

import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI, { AuthenticationError, BadRequestError, NotFoundError } from "openai";
import { BASE_URL, LIVE_KEY, LOCAL_MODEL, MODEL, TEST_KEY } from "./server.js";

const client = new OpenAI({ apiKey: TEST_KEY, baseURL: BASE_URL, maxRetries: 0 });
const live = new OpenAI({ apiKey: LIVE_KEY, baseURL: BASE_URL, maxRetries: 0 });
const messages = [{ role: "user" as const, content: "Write a haiku about routing" }];

test("chat", async () => {
  const answer = await client.chat.completions.create({ model: "router", messages });
  assert.equal(answer.object, "chat.completion");
  assert.equal(answer.choices[0]?.message.role, "assistant");
  assert.ok(answer.choices[0]?.message.content);
  assert.ok(answer.usage && answer.usage.total_tokens > 0);
  assert.ok("greatrouter" in answer);
});

test("chat with an explicit model, run by its provider", async () => {
  const answer = await live.chat.completions.create({ model: MODEL, messages });
  assert.match(answer.choices[0]?.message.content ?? "", /says hello/);
});

test("streaming chat", async () => {
  const stream = await client.chat.completions.create({
    model: "router",
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let usage: unknown;
  let metadata: unknown;
  for await (const chunk of stream) {
    assert.equal(chunk.object, "chat.completion.chunk");
    text += chunk.choices[0]?.delta.content ?? "";
    usage = chunk.usage ?? usage;
    metadata = "greatrouter" in chunk ? chunk.greatrouter : metadata;
  }
  assert.ok(text);
  assert.ok(usage);
  assert.ok(metadata);
});

test("the streaming helper puts the pieces together", async () => {
  const completion = await client.chat.completions.stream({ model: "router", messages }).finalChatCompletion();
  assert.ok(completion.choices[0]?.message.content);
});

test("tools", async () => {
  const tool = {
    type: "function" as const,
    function: {
      name: "weather",
      description: "The weather in a city",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  };
  const question = { role: "user" as const, content: "How is the weather in Nairobi?" };
  const first = await live.chat.completions.create({ model: MODEL, messages: [question], tools: [tool] });
  const asked = first.choices[0]?.message;
  const call = asked?.tool_calls?.[0];
  assert.ok(asked && call?.type === "function");
  assert.equal(first.choices[0]?.finish_reason, "tool_calls");
  assert.equal(call.function.name, "weather");
  assert.deepEqual(JSON.parse(call.function.arguments), { city: "Nairobi" });

  const answered = { role: "tool" as const, tool_call_id: call.id, content: "sunny" };
  const turns = [question, asked, answered];
  const second = await live.chat.completions.create({ model: MODEL, messages: turns, tools: [tool] });
  assert.match(second.choices[0]?.message.content ?? "", /sunny/);
});

test("embeddings are the same in base64, which the client asks for by itself, and in float", async () => {
  const input = ["We open at nine.", "Parking is free."];
  const packed = await client.embeddings.create({ model: LOCAL_MODEL, input });
  const listed = await client.embeddings.create({ model: LOCAL_MODEL, input, encoding_format: "float" });
  assert.deepEqual(packed.data.map(({ index }) => index), [0, 1]);
  assert.ok((packed.data[0]?.embedding.length ?? 0) > 1);
  for (const [row, { embedding }] of packed.data.entries()) {
    assert.deepEqual(Float32Array.from(embedding), Float32Array.from(listed.data[row]?.embedding ?? []));
  }
  assert.ok(packed.usage.total_tokens > 0);
});

test("models", async () => {
  const ids = [];
  for await (const model of client.models.list()) {
    assert.equal(model.object, "model");
    ids.push(model.id);
  }
  assert.ok(ids.includes(MODEL) && ids.includes(LOCAL_MODEL));
  assert.equal((await client.models.retrieve(MODEL)).id, MODEL);
});

test("401 is an AuthenticationError", async () => {
  const stranger = new OpenAI({ apiKey: "pk_test_unknown00_" + "0".repeat(32), baseURL: BASE_URL, maxRetries: 0 });
  const caught = await failure(stranger.embeddings.create({ model: LOCAL_MODEL, input: "a" }));
  assert.ok(caught instanceof AuthenticationError);
  assert.equal(caught.code, "authentication_failed");
  assert.ok(caught.requestID);
});

test("404 is a NotFoundError", async () => {
  for (const call of [
    () => client.embeddings.create({ model: "nobody/nothing", input: "a" }),
    () => client.models.retrieve("nobody/nothing"),
    () => client.chat.completions.create({ model: "nobody/nothing", messages }),
  ]) {
    const caught = await failure(call());
    assert.ok(caught instanceof NotFoundError, String(caught));
    assert.equal(caught.code, "model_not_found");
  }
});

test("400 is a BadRequestError", async () => {
  for (const call of [
    () => client.embeddings.create({ model: LOCAL_MODEL, input: "" }),
    () => client.chat.completions.create({ model: "router", messages: [] }),
  ]) {
    const caught = await failure(call());
    assert.ok(caught instanceof BadRequestError, String(caught));
    assert.equal(caught.code, "invalid_request");
    assert.match(String(caught.param), /input|messages/);
  }
});

async function failure(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => assert.fail("the call should have failed"),
    (error: unknown) => error,
  );
}
