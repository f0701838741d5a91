/** One attempt at a request: sends it and reads the answer, with a limit on every wait. */

import { APIConnectionError, APITimeoutError, isObject, requestId } from "./errors.js";
import type { Wire, WireRequest } from "./wire.js";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** A longer timer fires at once, in every engine. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Connection {
  /** Aborting it stops the request, or the reading of its answer. */
  readonly controller = new AbortController();
  readonly wire: Wire;
  readonly #signal: AbortSignal | undefined;
  readonly #follow = (): void => this.controller.abort(this.#signal?.reason);
  #timedOut = false;

  /** Aborting `signal`, the caller's, makes what is under way reject with its reason. */
  constructor(wire: Wire, signal: AbortSignal | undefined) {
    this.wire = wire;
    this.#signal = signal;
    signal?.throwIfAborted();
    signal?.addEventListener("abort", this.#follow);
    // A signal may outlive thousands of requests, and must not hold them all.
    this.controller.signal.addEventListener("abort", () => signal?.removeEventListener("abort", this.#follow));
  }

  async open(request: WireRequest, fetch: Fetch): Promise<Response> {
    return this.#inTime(() =>
      // A redirect is an error: following it could hand the key to another server.
      fetch(request.url, { ...request, signal: this.controller.signal, redirect: "manual" }),
    );
  }

  async text(response: Response): Promise<string> {
    let text = "";
    for await (const piece of this.pieces(response)) text += piece;
    return text;
  }

  /** The body, decoded as it arrives: a character split between two packets comes whole with the second. */
  async *pieces(response: Response): AsyncGenerator<string, void> {
    const decoder = new TextDecoder();
    const reader = response.body?.getReader();
    while (reader) {
      const { done, value } = await this.#inTime(() => reader.read());
      yield decoder.decode(value, { stream: !done });
      if (done) return;
    }
  }

  /** Whether `controller` was aborted by its holder, rather than by the signal or a time-out. */
  get stopped(): boolean {
    return this.controller.signal.aborted && !this.#timedOut && !this.abandoned;
  }

  /** Whether the caller's signal has ended the call. */
  get abandoned(): boolean {
    return this.#signal?.aborted ?? false;
  }

  close(): void {
    this.controller.abort();
  }

  /** What to raise for `cause`, which `open` or the reading of its answer threw. */
  failure(cause: unknown, response?: Response): unknown {
    if (this.#signal?.aborted) return this.#signal.reason;
    const server = new URL(this.wire.baseUrl).origin;
    const what = whatFailed(cause).replaceAll(this.wire.apiKey, "[api key]");
    const facts = { cause, requestId: response && requestId(response.headers) };
    if (this.#timedOut || isTimeout(cause)) {
      return new APITimeoutError(`${server} did not answer in time (${what}); give a longer timeoutS`, facts);
    }
    const message = response
      ? `the answer of ${server} broke off (${what}); what arrived is not the whole, so ask again`
      : `${server} could not be asked (${what}); check baseUrl, and that the server runs there`;
    return new APIConnectionError(message, facts);
  }

  async #inTime<Result>(work: () => Promise<Result>): Promise<Result> {
    const timeoutMs = this.wire.timeoutS * 1000;
    const timer =
      timeoutMs <= LONGEST_TIMER_MS
        ? setTimeout(() => {
            this.#timedOut = true;
            this.controller.abort();
          }, timeoutMs)
        : undefined;
    try {
      return await work();
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Node wraps what happened: `TypeError: fetch failed`, whose cause holds the code and the message. */
function causes(cause: unknown): Record<string, unknown>[] {
  const inner: unknown = isObject(cause) ? cause["cause"] : undefined;
  return isObject(cause) ? [cause, ...causes(inner)] : [];
}

function isTimeout(cause: unknown): boolean {
  return causes(cause).some(({ code }) => typeof code === "string" && code.includes("TIMEOUT"));
}

function whatFailed(cause: unknown): string {
  const messages = causes(cause).map(({ message, code }) => message || code);
  return messages.filter((message) => typeof message === "string").join(": ") || String(cause);
}
