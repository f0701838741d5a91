/** When a request is sent again, and after how long a wait. No I/O here. */

const FIRST_BACKOFF_S = 0.5;
const LONGEST_BACKOFF_S = 8;
/** A server that asks for more patience gets none: the caller is told, and plans the wait better than we can. */
const LONGEST_WAIT_S = 120;
/** A daily budget renews within a day; nothing asks for more, so a longer wait is a broken header or clock. */
const MAX_RETRY_AFTER_S = 86_400;

export function isTransientStatus(status: number, headers: Headers): boolean {
  const advice = headers.get("x-should-retry")?.toLowerCase();
  if (advice === "true" || advice === "false") return advice === "true";
  return status === 408 || status === 409 || status === 429 || status >= 500;
}

/** Seconds before retry number `retries` (from 0), or undefined where the server asks for too many. */
export function waitS(askedS: number | undefined, retries: number, random: () => number): number | undefined {
  if (askedS) return askedS > LONGEST_WAIT_S ? undefined : askedS; // "now" is no reason to skip the backoff
  // A quarter of it is chance, so that clients that failed together do not come back together.
  return Math.min(FIRST_BACKOFF_S * 2 ** retries, LONGEST_BACKOFF_S) * (0.75 + random() / 4);
}

/** How long the server asks to wait: `retry-after-ms` goes before `Retry-After` (seconds or an HTTP date). */
export function retryAfterS(headers: Headers, nowMs: number): number | undefined {
  const milliseconds = numberIn(headers.get("retry-after-ms"));
  if (milliseconds !== undefined) return boundedS(milliseconds / 1000);
  const text = headers.get("retry-after");
  const seconds = numberIn(text) ?? secondsUntil(text, nowMs);
  return seconds === undefined ? undefined : boundedS(seconds);
}

export function boundedS(seconds: number): number {
  return Math.min(Math.max(seconds, 0), MAX_RETRY_AFTER_S);
}

function numberIn(text: string | null): number | undefined {
  // A pattern, because Number() also takes "", "1e3", "0x10" and "-1".
  return text !== null && /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : undefined;
}

function secondsUntil(text: string | null, nowMs: number): number | undefined {
  // Date.parse() makes a date even of "-5"; an HTTP date names its zone.
  const whenMs = text?.trim().endsWith("GMT") ? Date.parse(text) : NaN;
  return Number.isNaN(whenMs) ? undefined : (whenMs - nowMs) / 1000;
}
