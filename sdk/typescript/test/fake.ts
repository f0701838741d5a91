/** An HTTP server on loopback that answers as a test scripts it, and remembers what it was asked. */

import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";
import { GreatRouter, type ClientOptions } from "@greatrouter/sdk";

export const KEY = "pk_test_abcdefghi_0123456789abcdef0123456789abcdef";

export interface Asked {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Answer {
  status?: number;
  headers?: Record<string, string>;
  json?: unknown;
  pieces?: (string | Uint8Array)[];
  /** What the server does after the pieces, rather than end the answer. */
  then?: "reset" | "hold";
}

/** Resolves when a connection that `hold` keeps open is dropped by the client. */
export interface Fake {
  baseUrl: string;
  asked: Asked[];
  dropped: Promise<void>;
  client(options?: ClientOptions): GreatRouter;
}

/** The answers are given in turn, the last one again and again. */
export async function fake(...answers: Answer[]): Promise<Fake> {
  const asked: Asked[] = [];
  let drop: () => void;
  const dropped = new Promise<void>((resolve) => (drop = resolve));
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    asked.push({ method: request.method ?? "", path: request.url ?? "", headers: request.headers, body });
    const answer = answers[Math.min(asked.length, answers.length) - 1] ?? {};
    response.on("close", drop);
    const pieces = answer.pieces ?? [answer.json === undefined ? "" : JSON.stringify(answer.json)];
    if (answer.then === "hold" && !answer.pieces) return;
    response.writeHead(answer.status ?? 200, { "content-type": "application/json", ...answer.headers });
    response.flushHeaders();
    for (const piece of pieces) await new Promise((resolve) => response.write(piece, resolve));
    if (answer.then === "reset") response.destroy();
    else if (!answer.then) response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return {
    baseUrl,
    asked,
    dropped,
    client: (options) => new GreatRouter(KEY, { baseUrl, ...options }),
  };
}

/** A failure the SDK tries again at once. */
export function passing(status: number): Answer {
  return { status, headers: { "retry-after-ms": "1" } };
}
