/** Turns a call into an HTTP request, and an HTTP answer into what the call returns. No I/O here. */

import { AuthenticationError, unreadableAnswer, type Answered } from "./errors.js";
import { VERSION } from "./version.js";

/**
 * One request, before it has a server or a key. `path` is relative to the base URL. What is to happen `once`, however
 * often it is sent, has an Idempotency-Key.
 */
export interface Call {
  method: "GET" | "POST" | "PUT" | "DELETE";
  path: string;
  query?: object | undefined;
  body?: object | undefined;
  format?: "json" | "text" | "events";
  once?: boolean;
}

/** The server, the key and the patience of one client. */
export interface Wire {
  baseUrl: string;
  apiKey: string;
  timeoutS: number;
  maxRetries: number;
  headers: Headers;
}

export interface WireRequest {
  url: string;
  method: string;
  headers: Headers;
  body?: string;
}

const ACCEPT = { json: "application/json", text: "*/*", events: "text/event-stream" };

interface Process {
  env?: Record<string, string | undefined>;
  versions?: Record<string, string | undefined>;
}

/** Node's `process`, which browsers lack. */
const process = (): Process | undefined => (globalThis as { process?: Process }).process;

export function keyFromEnvironment(): string | undefined {
  return process()?.env?.["GREATROUTER_API_KEY"];
}

/** Built once per call: the retries send this very request, so they share its Idempotency-Key. */
export function requestOf(wire: Wire, call: Call): WireRequest {
  const headers = new Headers({
    Authorization: `Bearer ${wire.apiKey}`,
    Accept: ACCEPT[call.format ?? "json"],
  });
  // A page that sets it makes the browser ask the server's leave first.
  if (process()?.versions?.["node"]) headers.set("User-Agent", `greatrouter-typescript/${VERSION}`);
  if (call.once) headers.set("Idempotency-Key", uniqueKey());
  if (call.body) headers.set("Content-Type", "application/json");
  wire.headers.forEach((value, name) => headers.set(name, value));
  const query = queryOf(call.query);
  return {
    url: `${wire.baseUrl.replace(/\/+$/, "")}/${call.path}${query && `?${query}`}`,
    method: call.method,
    headers,
    ...(call.body && { body: JSON.stringify(call.body) }),
  };
}

/** What the call returns. Its type is the caller's word: answers are not checked against it. */
export function answerOf<Answer>(wire: Wire, call: Call, answered: Answered): Answer {
  if (call.format === "text") return answered.text as Answer;
  try {
    // Empty: 204, and servers that delete without a word.
    return (answered.text ? JSON.parse(answered.text) : {}) as Answer;
  } catch {
    throw unreadableAnswer(answered, wire.apiKey);
  }
}

/** `values` as segments of a path. An empty or dotted one would reach another endpoint than the one asked for. */
export function path(...values: string[]): string {
  const odd = values.find((value) => ["", ".", ".."].includes(value));
  if (odd !== undefined) throw new TypeError(`a name must not be "${odd}"; give one as the server lists it`);
  return values.map(encodeURIComponent).join("/");
}

/** Raises what is wrong with the settings of a client. */
export function checked(wire: Wire): Wire {
  checkKey(wire.apiKey);
  checkBaseUrl(wire.baseUrl);
  if (!(wire.timeoutS > 0)) throw new RangeError(`timeoutS must be a number of seconds above 0, got ${wire.timeoutS}`);
  if (!(wire.maxRetries >= 0)) {
    throw new RangeError(`maxRetries must be 0 (never send again) or more, got ${wire.maxRetries}`);
  }
  return wire;
}

function checkKey(apiKey: string): void {
  if (!apiKey) {
    throw new AuthenticationError(
      'no API key was given; pass one, as in new GreatRouter("pk_live_..."), set GREATROUTER_API_KEY, or make one on ' +
        "the server with `greatrouter keys create --org NAME`",
      { code: "missing_api_key" },
    );
  }
  // Caught here because fetch would quote the whole header in its complaint.
  if (!/^[!-~]+$/.test(apiKey)) {
    throw new AuthenticationError(
      "the API key holds a space, a line break or another character that no key has; pass the key alone",
      { code: "malformed_api_key" },
    );
  }
}

function checkBaseUrl(baseUrl: string): void {
  let url: URL | undefined;
  try {
    url = new URL(baseUrl);
  } catch {
    // said below
  }
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw new TypeError(
      "baseUrl must be http:// or https://, a host and a path, as in http://127.0.0.1:8080/v1, without user name, " +
        "query or fragment",
    );
  }
}

function queryOf(fields: object = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields) as [string, unknown][]) {
    if (value !== null && value !== undefined) query.set(name, Array.isArray(value) ? value.join(",") : String(value));
  }
  return query.toString();
}

/** Unique, not secret: Node 18 and pages served over plain HTTP lack `crypto.randomUUID`. */
function uniqueKey(): string {
  const crypto = globalThis.crypto as Partial<Crypto> | undefined;
  const digits = (): string => Math.random().toString(36).slice(2);
  return crypto?.randomUUID?.() ?? `${Date.now()}-${digits()}-${digits()}`;
}
