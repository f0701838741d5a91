import assert from "node:assert/strict";
import { test } from "node:test";
import {
  APIConnectionError,
  APITimeoutError,
  ChatStream,
  GreatRouter,
  GreatRouterError,
  RateLimitError,
  type ChatChunk,
} from "@greatrouter/sdk";
import { fake, KEY, passing, type Answer } from "./fake.js";

const CHUNKS = [
  { choices: [{ index: 0, delta: { content: 'Grüße, "error" 🦉' } }], error: null },
  { choices: [], greatrouter: { task: "text" } },
];
const EVENTS = CHUNKS.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("");
const DONE = "data: [DONE]\n\n";
const CHAT = { model: "router", messages: [{ role: "user", content: "hi" }], stream: true } as const;

function events(...pieces: string[]): Answer {
  return { pieces, headers: { "content-type": "text/event-stream; charset=utf-8", "X-Request-Id": "r3" } };
}

async function read(stream: AsyncIterable<ChatChunk>, into: unknown[] = []): Promise<unknown[]> {
  for await (const chunk of stream) into.push(chunk);
  return into;
}

test("chunks arrive as objects until the end", async () => {
  const server = await fake({ ...events(EVENTS, DONE, "data: this is not read\n\n"), then: "hold" });
  const stream = await server.client().chatCompletions(CHAT);
  assert.ok(stream instanceof ChatStream);
  assert.deepEqual(await read(stream), CHUNKS);
  assert.deepEqual(await read(stream), []);
  await server.dropped;
  assert.equal(server.asked[0]?.headers.accept, "text/event-stream");
  assert.deepEqual(JSON.parse(server.asked[0]?.body ?? ""), CHAT);
});

test("the packets of the body do not matter", async () => {
  const body = new TextEncoder().encode(`: a comment\r\n\r\n${EVENTS.replaceAll("\n", "\r\n")}${DONE}`);
  for (let cut = 1; cut < body.length; cut++) {
    const fetch = (): Promise<Response> => {
      const packets = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(body.slice(0, cut));
          controller.enqueue(body.slice(cut));
          controller.close();
        },
      });
      return Promise.resolve(new Response(packets, { headers: { "content-type": "text/event-stream" } }));
    };
    assert.deepEqual(await read(await new GreatRouter(KEY, { fetch }).chatCompletions(CHAT)), CHUNKS);
  }
});

test("a chunk is given when it arrives, not when the next one does", async () => {
  const server = await fake({ ...events(EVENTS), then: "hold" });
  const seen = [];
  for await (const chunk of await server.client().chatCompletions(CHAT)) {
    seen.push(chunk);
    if (seen.length === CHUNKS.length) break;
  }
  assert.deepEqual(seen, CHUNKS);
  await server.dropped;
});

test("aborting ends the loop and the connection", async () => {
  for (const abort of [(s: ChatStream) => s.abort(), (s: ChatStream) => s.controller.abort()]) {
    const server = await fake({ ...events(EVENTS), then: "hold" });
    const stream = await server.client().chatCompletions(CHAT);
    const seen = [];
    for await (const chunk of stream) {
      seen.push(chunk);
      abort(stream);
    }
    assert.deepEqual(seen, CHUNKS.slice(0, 1));
    await server.dropped;
  }
});

test("aborting ends a wait for the next chunk", async () => {
  const server = await fake({ ...events(EVENTS), then: "hold" });
  const stream = await server.client().chatCompletions(CHAT);
  setTimeout(() => stream.abort(), 50);
  assert.deepEqual(await read(stream), CHUNKS);
});

test("a stream that is never read can be closed", async () => {
  const server = await fake({ ...events(EVENTS), then: "hold" });
  (await server.client().chatCompletions(CHAT)).abort();
  await server.dropped;
});

test("a signal ends the loop with its reason, so that a part never passes for the whole", async () => {
  const server = await fake({ ...events(EVENTS), then: "hold" });
  const seen: unknown[] = [];
  const stream = await server.client().chatCompletions(CHAT, { signal: AbortSignal.timeout(100) });
  await assert.rejects(read(stream, seen), { name: "TimeoutError" });
  assert.deepEqual(seen, CHUNKS);
  await server.dropped;
});

test("failures before the first chunk are tried again", async () => {
  const server = await fake(passing(503), events(EVENTS, DONE));
  assert.deepEqual(await read(await server.client().chatCompletions(CHAT)), CHUNKS);
  assert.equal(new Set(server.asked.map(({ headers }) => headers["idempotency-key"])).size, 1);
});

test("a status is an error with its message", async () => {
  const server = await fake({ status: 429, json: { error: { message: "Slow down.", code: "rate_limited" } } });
  await assert.rejects(server.client({ maxRetries: 0 }).chatCompletions(CHAT), RateLimitError);
});

test("an error event ends the stream", async () => {
  const error = { code: "upstream_error", message: `The model went away; ${KEY}.`, status: 502 };
  for (const name of ["", "event: error\n"]) {
    const server = await fake(events(EVENTS, `${name}data: ${JSON.stringify({ error })}\n\n`, DONE));
    const seen: unknown[] = [];
    await assert.rejects(read(await server.client().chatCompletions(CHAT), seen), {
      message: "The model went away; [api key].",
      status: 502,
      code: "upstream_error",
      requestId: "r3",
    });
    assert.deepEqual(seen, CHUNKS);
    assert.equal(server.asked.length, 1);
  }
});

const INCOMPLETE: [string, Answer, typeof GreatRouterError, RegExp][] = [
  ["ends early", events(EVENTS), APIConnectionError, /ended before its/],
  ["is empty", events(), APIConnectionError, /ended before its/],
  ["ends within [DONE]", events(EVENTS, "data: [DONE]"), APIConnectionError, /ended before its/],
  ["is reset", { ...events(EVENTS), then: "reset" }, APIConnectionError, /broke off/],
  ["stalls", { ...events(EVENTS), then: "hold" }, APITimeoutError, /in time/],
  ["holds garbage", events(EVENTS, "data: {half\n\n", DONE), GreatRouterError, /not JSON/],
  ["names an unknown error", events(EVENTS, "event: error\ndata: {}\n\n"), GreatRouterError, /ended with an error/],
  ["is none", { json: { choices: [] } }, APIConnectionError, /text\/event-stream/],
];

for (const [what, answer, Kind, message] of INCOMPLETE) {
  test(`a stream that ${what} does not pass for a whole one`, async () => {
    const server = await fake(answer);
    await assert.rejects(
      server.client({ timeoutS: 0.2 }).chatCompletions(CHAT).then((stream) => read(stream)),
      (error) => error instanceof GreatRouterError && error.constructor === Kind && message.test(error.message),
    );
    assert.equal(server.asked.length, 1);
  });
}
