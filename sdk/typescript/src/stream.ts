/** Chat answers that arrive piece by piece. */

import type { Connection } from "./connection.js";
import { APIConnectionError, errorFromEvent, GreatRouterError, isObject, requestId } from "./errors.js";
import type { Sent } from "./send.js";
import { EventDecoder, type ServerSentEvent } from "./sse.js";
import type { ChatChunk } from "./types.js";

/**
 * Iterate it once for the chunks. Leaving the loop closes the connection; so do `abort()` and `controller`, after which
 * the loop ends as if the answer had. A failure in mid-stream raises: what came before it is not the whole answer.
 */
export class ChatStream implements AsyncIterable<ChatChunk> {
  readonly controller: AbortController;
  readonly #chunks: AsyncGenerator<ChatChunk, void>;

  constructor(sent: Sent) {
    this.controller = sent.connection.controller;
    this.#chunks = chunksOf(sent.connection, sent.response);
  }

  [Symbol.asyncIterator](): AsyncGenerator<ChatChunk, void> {
    return this.#chunks;
  }

  abort(): void {
    this.controller.abort();
  }
}

async function* chunksOf(connection: Connection, response: Response): AsyncGenerator<ChatChunk, void> {
  const id = requestId(response.headers);
  try {
    checkType(response, id);
    const decoder = new EventDecoder();
    for await (const piece of connection.pieces(response)) {
      for (const event of decoder.feed(piece)) {
        if (event.data === "[DONE]" || connection.stopped) return;
        yield chunkOf(event, connection.wire.apiKey, id);
      }
    }
    throw new APIConnectionError(
      "the stream ended before its [DONE]; what arrived is not the whole answer, so ask again",
      { requestId: id },
    );
  } catch (cause) {
    if (connection.stopped) return;
    throw cause instanceof GreatRouterError ? cause : connection.failure(cause, response);
  } finally {
    connection.close();
  }
}

function checkType(response: Response, id: string | undefined): void {
  const type = response.headers.get("content-type") ?? "nothing";
  if (type.toLowerCase().startsWith("text/event-stream")) return;
  throw new APIConnectionError(
    `expected a stream of text/event-stream, got ${type}; check that baseUrl is a GreatRouter server's`,
    { status: response.status, requestId: id },
  );
}

/** Raises what the server reports in mid-stream. */
function chunkOf(event: ServerSentEvent, secret: string, id: string | undefined): ChatChunk {
  let document: unknown;
  try {
    document = JSON.parse(event.data);
  } catch (cause) {
    throw new GreatRouterError(
      "an event of the stream is not JSON; what arrived is not the whole answer, so ask again",
      { code: "invalid_response", requestId: id, cause },
    );
  }
  if (event.event === "error" || (isObject(document) && document["error"])) {
    throw errorFromEvent(event.data, secret, id);
  }
  return document as ChatChunk;
}
