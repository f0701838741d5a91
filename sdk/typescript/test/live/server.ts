/** The server under test, from the environment. `lab/small` stands for any model with a provider behind it. */

export const BASE_URL = needed("GREATROUTER_BASE_URL");
/** A test key: local models run, all others answer from the sandbox. */
export const TEST_KEY = needed("GREATROUTER_API_KEY");
/** A live key with credit. */
export const LIVE_KEY = needed("GREATROUTER_LIVE_KEY");
export const MODEL = needed("GREATROUTER_MODEL");
export const LOCAL_MODEL = needed("GREATROUTER_LOCAL_MODEL");

function needed(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; tests/sdk/test_typescript.py starts a server and sets it`);
  return value;
}
