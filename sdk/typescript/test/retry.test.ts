import assert from "node:assert/strict";
import { test } from "node:test";
import { isTransientStatus, retryAfterS, waitS } from "../dist/retry.js";

const NOW_MS = Date.UTC(2025, 0, 1);

test("the wait is the one the headers ask for", () => {
  const asked: [Record<string, string>, number | undefined][] = [
    [{ "retry-after": "3" }, 3],
    [{ "retry-after": "1.5" }, 1.5],
    [{ "retry-after": " 2 " }, 2],
    [{ "retry-after-ms": "250", "retry-after": "9" }, 0.25],
    [{ "retry-after-ms": "soon", "retry-after": "9" }, 9],
    [{ "retry-after": "Wed, 01 Jan 2025 00:01:00 GMT" }, 60],
    [{ "retry-after": "Thu, 01 Jan 1970 00:00:00 GMT" }, 0],
    [{ "retry-after": "9".repeat(400) }, 86_400],
    ...["", "-5", "NaN", "Infinity", "soon", "1e3", "0x10", "GMT"].map(
      (value): [Record<string, string>, undefined] => [{ "retry-after": value }, undefined],
    ),
    [{}, undefined],
  ];
  for (const [headers, seconds] of asked) {
    assert.equal(retryAfterS(new Headers(headers), NOW_MS), seconds, JSON.stringify(headers));
  }
});

test("which statuses are tried again", () => {
  for (const status of [408, 409, 429, 500, 502, 503, 504, 529]) assert.ok(isTransientStatus(status, new Headers()));
  for (const status of [0, 301, 400, 401, 402, 403, 404, 413, 422]) {
    assert.ok(!isTransientStatus(status, new Headers()), String(status));
  }
  assert.ok(!isTransientStatus(503, new Headers({ "x-should-retry": "False" })));
  assert.ok(isTransientStatus(400, new Headers({ "x-should-retry": "true" })));
});

test("the backoff doubles to a cap, a quarter of it chance", () => {
  const longest = [0, 1, 2, 3, 4, 5, 2000].map((retries) => waitS(undefined, retries, () => 1));
  assert.deepEqual(longest, [0.5, 1, 2, 4, 8, 8, 8]);
  assert.equal(waitS(undefined, 0, () => 0), 0.375);
  assert.equal(waitS(undefined, 4, () => 0), 6);
  assert.equal(waitS(undefined, 4, () => 0.5), 7);
  assert.equal(waitS(0, 0, () => 1), 0.5);
});

test("a server that asks for much patience is not asked again", () => {
  assert.equal(waitS(120, 0, () => 1), 120);
  assert.equal(waitS(121, 0, () => 1), undefined);
});
