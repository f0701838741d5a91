import assert from "node:assert/strict";
import { test } from "node:test";
import { EventDecoder, type ServerSentEvent } from "../dist/sse.js";

const EVENTS: ServerSentEvent[] = [
  { event: "", data: '{"a": "Grüße 🦉"}' },
  { event: "error", data: "two\nlines" },
  { event: "", data: " spaced: twice" },
  { event: "", data: "" },
  { event: "", data: "[DONE]" },
];
const TEXT =
  ': a comment\n\ndata: {"a": "Grüße 🦉"}\n\nid: 7\nevent: error\ndata: two\ndata:lines\n\n' +
  "event: without data\n\ndata:  spaced: twice\n\ndata\n\ndatabase: no\n\ndata: [DONE]\n\ndata: never ended";

for (const [name, ending] of Object.entries({ LF: "\n", CRLF: "\r\n", CR: "\r" })) {
  const bytes = new TextEncoder().encode(TEXT.replaceAll("\n", ending));

  test(`events are the same wherever the bytes are split (${name})`, () => {
    for (let cut = 0; cut <= bytes.length; cut++) {
      for (const second of [cut, cut + 1, cut + 2, bytes.length]) {
        assert.deepEqual(decoded(bytes.subarray(0, cut), bytes.subarray(cut, second), bytes.subarray(second)), EVENTS);
      }
    }
  });

  test(`events are the same byte by byte (${name})`, () => {
    assert.deepEqual(decoded(...Array.from(bytes, (byte) => Uint8Array.of(byte))), EVENTS);
  });

  test(`an event is given as soon as its last line ends (${name})`, () => {
    assert.deepEqual(new EventDecoder().feed(`data: x${ending}${ending}`), [{ event: "", data: "x" }]);
  });
}

test("an event of megabytes takes linear time", () => {
  const decoder = new EventDecoder();
  const started = performance.now();
  decoder.feed("data: ");
  for (let piece = 0; piece < 4000; piece++) decoder.feed("A".repeat(8000));
  assert.equal(decoder.feed("\n\n")[0]?.data.length, 32_000_000);
  assert.ok(performance.now() - started < 5000); // 0.1 s; searching it all again at each piece would take minutes
});

function decoded(...pieces: Uint8Array[]): ServerSentEvent[] {
  const decoder = new EventDecoder();
  const text = new TextDecoder();
  return pieces.flatMap((piece) => decoder.feed(text.decode(piece, { stream: true })));
}
