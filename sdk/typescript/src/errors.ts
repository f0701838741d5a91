/**
 * What can go wrong with a request.
 *
 *     GreatRouterError              any other status, and answers that cannot be read
 *       · ValidationError           400
 *       · AuthenticationError       401, or no usable key was given
 *       · RateLimitError            429
 *       · APIConnectionError        nothing (or not everything) came back
 *           - APITimeoutError       nothing came back in time
 *
 * A call that its own `AbortSignal` stopped rejects with the signal's reason, as `fetch` does.
 */

import { boundedS, retryAfterS } from "./retry.js";
import type { Fields } from "./types.js";

const EXCERPT_CHARACTERS = 200;

export interface ErrorFacts {
  status?: number | undefined;
  code?: string | undefined;
  requestId?: string | undefined;
  retryAfterS?: number | undefined;
  metadata?: Fields | undefined;
  cause?: unknown;
}

/** An HTTP answer that was read to its end. */
export interface Answered {
  status: number;
  headers: Headers;
  text: string;
}

export class GreatRouterError extends Error {
  override readonly name: string = "GreatRouterError";
  /** The HTTP status; undefined where nothing was answered. */
  readonly status: number | undefined;
  /** The server's stable code for what went wrong, such as `insufficient_credit`. */
  readonly code: string | undefined;
  readonly requestId: string | undefined;
  /** Set where the server says when to come back. */
  readonly retryAfterS: number | undefined;
  /** Set where the server says what to change. */
  readonly metadata: Fields | undefined;

  constructor(message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.status = facts.status;
    this.code = facts.code;
    this.requestId = facts.requestId;
    this.retryAfterS = facts.retryAfterS;
    this.metadata = facts.metadata;
  }
}

// Names are spelt out, because a bundler may shorten those of the classes.

export class ValidationError extends GreatRouterError {
  override readonly name = "ValidationError";
}

export class AuthenticationError extends GreatRouterError {
  override readonly name = "AuthenticationError";
}

export class RateLimitError extends GreatRouterError {
  override readonly name = "RateLimitError";
}

export class APIConnectionError extends GreatRouterError {
  override readonly name: string = "APIConnectionError";
}

export class APITimeoutError extends APIConnectionError {
  override readonly name = "APITimeoutError";
}

const BY_STATUS = new Map<number, typeof GreatRouterError>([
  [400, ValidationError],
  [401, AuthenticationError],
  [429, RateLimitError],
]);

/** The error of an answer that is not 2xx, whatever its body holds. `secret` is blotted out of it. */
export function errorFromAnswer(answer: Answered, secret: string, nowMs: number): GreatRouterError {
  const text = redacted(answer.text, secret);
  return errorOf(errorObject(text) ?? { message: unreadable(answer.status, text) }, {
    status: answer.status,
    requestId: requestId(answer.headers),
    retryAfterS: retryAfterS(answer.headers, nowMs),
  });
}

/** The error that ends a stream: its HTTP status was already 200, so the object's own `status` counts. */
export function errorFromEvent(text: string, secret: string, requestId: string | undefined): GreatRouterError {
  const clean = redacted(text, secret);
  const error = errorObject(clean) ?? { message: `the stream ended with an error: ${excerpt(clean)}` };
  return errorOf(error, { status: Number.isInteger(error["status"]) ? Number(error["status"]) : undefined, requestId });
}

/** The error of a 2xx answer that is not JSON. */
export function unreadableAnswer(answer: Answered, secret: string): GreatRouterError {
  return new GreatRouterError(unreadable(answer.status, redacted(answer.text, secret)), {
    status: answer.status,
    code: "invalid_response",
    requestId: requestId(answer.headers),
  });
}

export function requestId(headers: Headers): string | undefined {
  return headers.get("x-request-id") ?? undefined;
}

export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object under `error` in a JSON document, where there is such a thing. */
function errorObject(text: string): Fields | undefined {
  try {
    const document: unknown = JSON.parse(text);
    return isObject(document) && isObject(document["error"]) ? document["error"] : undefined;
  } catch {
    return undefined;
  }
}

function errorOf(error: Fields, facts: ErrorFacts): GreatRouterError {
  const { message, code, metadata, retry_after_s: asked } = error;
  const Kind = BY_STATUS.get(facts.status ?? 0) ?? GreatRouterError;
  return new Kind(typeof message === "string" && message ? message : "the server gave no reason", {
    ...facts,
    code: typeof code === "string" ? code : undefined,
    retryAfterS: facts.retryAfterS ?? (typeof asked === "number" && asked >= 0 ? boundedS(asked) : undefined),
    metadata: isObject(metadata) ? metadata : undefined,
  });
}

function redacted(text: string, secret: string): string {
  return text.replaceAll(secret, "[api key]");
}

function unreadable(status: number, text: string): string {
  return (
    `expected JSON as GreatRouter sends it, got ${excerpt(text)} with status ${status}; ` +
    "check that baseUrl is a GreatRouter server's, as in http://127.0.0.1:8080/v1"
  );
}

function excerpt(text: string): string {
  return JSON.stringify(text.replace(/\s+/g, " ").trim().slice(0, EXCERPT_CHARACTERS));
}
