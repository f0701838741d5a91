export { DEFAULT_BASE_URL, GreatRouter, type CallOptions, type ClientOptions, type Options } from "./client.js";
export {
  APIConnectionError,
  APITimeoutError,
  AuthenticationError,
  GreatRouterError,
  RateLimitError,
  ValidationError,
} from "./errors.js";
export { ChatStream } from "./stream.js";
export { VERSION } from "./version.js";
export type * from "./types.js";
