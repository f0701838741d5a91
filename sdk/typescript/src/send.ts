/** A call from its first attempt to its last. */

import { Connection, type Fetch } from "./connection.js";
import { errorFromAnswer, GreatRouterError } from "./errors.js";
import { isTransientStatus, waitS } from "./retry.js";
import { requestOf, type Call, type Wire, type WireRequest } from "./wire.js";

/** A 2xx answer: `text` is its whole body, but empty where the call asked for events, which are still to be read. */
export interface Sent {
  connection: Connection;
  response: Response;
  text: string;
}

interface Failed {
  error: unknown;
  transient: boolean;
}

export async function send(wire: Wire, call: Call, fetch: Fetch, signal?: AbortSignal): Promise<Sent> {
  const request = requestOf(wire, call);
  for (let retries = 0; ; retries++) {
    const outcome = await attempt(new Connection(wire, signal), request, fetch, call.format === "events");
    if ("response" in outcome) return outcome;
    const { error, transient } = outcome;
    const askedS = error instanceof GreatRouterError ? error.retryAfterS : undefined;
    const pauseS = transient && retries < wire.maxRetries ? waitS(askedS, retries, Math.random) : undefined;
    if (pauseS === undefined) throw error;
    await pause(pauseS, signal);
  }
}

async function attempt(
  connection: Connection,
  request: WireRequest,
  fetch: Fetch,
  streamed: boolean,
): Promise<Sent | Failed> {
  let response: Response | undefined;
  let handedOver = false;
  try {
    response = await connection.open(request, fetch);
    handedOver = response.ok && streamed;
    const text = handedOver ? "" : await connection.text(response);
    if (response.ok) return { connection, response, text };
    const { status, headers } = response;
    const error = errorFromAnswer({ status, headers, text }, connection.wire.apiKey, Date.now());
    return { error, transient: isTransientStatus(status, headers) };
  } catch (cause) {
    // The request may not have arrived, or its answer was lost; by its Idempotency-Key a server knows a second arrival.
    return { error: connection.failure(cause, response), transient: !connection.abandoned };
  } finally {
    if (!handedOver) connection.close();
  }
}

function pause(seconds: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
