import type { Fetch } from "./connection.js";
import { send } from "./send.js";
import { ChatStream } from "./stream.js";
import type * as types from "./types.js";
import { answerOf, checked, keyFromEnvironment, path, type Call, type Wire } from "./wire.js";

export const DEFAULT_BASE_URL = "http://127.0.0.1:8080/v1";

export interface Options {
  /** Sent with every request, and before those of the same name that the client sets. */
  headers?: RequestInit["headers"] | undefined;
  /** Bounds each wait for the server's next bytes, not the whole answer. 120 unless given. */
  timeoutS?: number | undefined;
  /** How often a request that met a passing failure is sent again. 2 unless given. */
  maxRetries?: number | undefined;
}

export interface ClientOptions extends Options {
  /** `http://127.0.0.1:8080/v1` unless given. */
  baseUrl?: string | undefined;
  /** For a proxy, certificates of one's own, or tests. */
  fetch?: Fetch | undefined;
}

export interface CallOptions extends Options {
  /** Aborting it stops the call, which then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** Each method takes the fields as the server's API names them; answers are plain objects. */
export class GreatRouter {
  readonly #wire: Wire;
  readonly #fetch: Fetch;

  /** `apiKey` may be left out where the environment variable GREATROUTER_API_KEY holds it. */
  constructor(apiKey: string | undefined = keyFromEnvironment(), options: ClientOptions = {}) {
    this.#fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init));
    this.#wire = checked({
      baseUrl: options.baseUrl ?? DEFAULT_BASE_URL,
      apiKey: apiKey ?? "",
      timeoutS: options.timeoutS ?? 120,
      maxRetries: options.maxRetries ?? 2,
      headers: new Headers(options.headers),
    });
  }

  /** The same client with other options; `headers` are added to those it has. */
  withOptions(options: Options): GreatRouter {
    const { baseUrl, apiKey, ...rest } = wireWith(this.#wire, options);
    return new GreatRouter(apiKey, { baseUrl, fetch: this.#fetch, ...rest });
  }

  /** Has the best model for the prompt answer it. Without `input` the prompt itself is the input. */
  autoRoute(request: types.RouteRequest, options?: CallOptions): Promise<types.RouteAnswer> {
    return this.#once("auto/route", { ...request, input: request.input ?? {} }, options);
  }

  /** The models that `autoRoute` would choose from, best first, without running or charging anything. */
  autoSuggest(request: types.SuggestRequest, options?: CallOptions): Promise<types.SuggestAnswer> {
    return this.#post("auto/suggest", request, options);
  }

  /** Says whether a prompt was classified rightly; the organization's next similar prompt profits. */
  feedback(request: types.FeedbackRequest, options?: CallOptions): Promise<types.FeedbackAnswer> {
    return this.#once("auto/feedback", request, options);
  }

  autoFeedback(request: types.FeedbackRequest, options?: CallOptions): Promise<types.FeedbackAnswer> {
    return this.feedback(request, options);
  }

  /** Runs `input` on a model that meets explicit filters. */
  modelsRoute(request: types.ExplicitRouteRequest, options?: CallOptions): Promise<types.ExplicitRouteAnswer> {
    return this.#once("models/route", request, options);
  }

  priceComparison(
    request: types.PriceComparisonRequest = {},
    options?: CallOptions,
  ): Promise<types.PriceComparisonAnswer> {
    return this.#post("models/price-comparison", request, options);
  }

  recommend(request: types.RecommendRequest = {}, options?: CallOptions): Promise<types.RecommendAnswer> {
    return this.#post("models/recommend", request, options);
  }

  /** OpenAI's request and answer. `model: "router"` chooses the model; `stream: true` gives a `ChatStream`. */
  chatCompletions(request: types.ChatRequest & { stream: true }, options?: CallOptions): Promise<ChatStream>;
  chatCompletions(
    request: types.ChatRequest & { stream?: false | null | undefined },
    options?: CallOptions,
  ): Promise<types.ChatCompletion>;
  chatCompletions(request: types.ChatRequest, options?: CallOptions): Promise<types.ChatCompletion | ChatStream>;
  async chatCompletions(
    request: types.ChatRequest,
    options?: CallOptions,
  ): Promise<types.ChatCompletion | ChatStream> {
    if (!request.stream) return this.#once("chat/completions", request, options);
    return new ChatStream(
      await this.#send({ method: "POST", path: "chat/completions", body: request, format: "events", once: true }, options),
    );
  }

  embeddings(request: types.EmbeddingsRequest, options?: CallOptions): Promise<types.EmbeddingsAnswer> {
    return this.#once("embeddings", request, options);
  }

  rerank(request: types.RerankRequest, options?: CallOptions): Promise<types.RerankAnswer> {
    return this.#once("rerank", request, options);
  }

  /** Every model that matches; `queryModels` answers in pages. */
  listModels(filter: types.ModelFilter = {}, options?: CallOptions): Promise<types.List<types.Model>> {
    return this.#get("models", filter, options);
  }

  queryModels(query: types.ModelQuery = {}, options?: CallOptions): Promise<types.Page<types.Model>> {
    return this.#post("models/query", query, options);
  }

  /** The model whose id is `provider/model`. */
  async getModel(provider: string, model: string, options?: CallOptions): Promise<types.Model> {
    return this.#get(`models/${path(provider, model)}`, {}, options);
  }

  /** Of the models with these ids, or of all. */
  getModelHealth(models?: readonly string[] | string, options?: CallOptions): Promise<types.HealthAnswer> {
    return this.#get("model-health", { models: models?.length ? models : undefined }, options);
  }

  tags(options?: CallOptions): Promise<types.List<{ tag: string; model_count: number }>> {
    return this.#get("models/tags", {}, options);
  }

  priceTiers(options?: CallOptions): Promise<types.List<types.Fields & { price_tier: types.PriceTier }>> {
    return this.#get("models/price-tiers", {}, options);
  }

  /** What the model takes, as JSON Schema. */
  async getInputSchema(provider: string, model: string, options?: CallOptions): Promise<types.Fields> {
    return this.#get(`models/${path(provider, model)}/input-schema`, {}, options);
  }

  async getOutputSchema(provider: string, model: string, options?: CallOptions): Promise<types.Fields> {
    return this.#get(`models/${path(provider, model)}/output-schema`, {}, options);
  }

  async validateInput(
    provider: string,
    model: string,
    input: types.Fields,
    options?: CallOptions,
  ): Promise<types.ValidationAnswer> {
    return this.#post(`models/${path(provider, model)}/validate-input`, input, options);
  }

  async validateOutput(
    provider: string,
    model: string,
    output: types.Fields,
    options?: CallOptions,
  ): Promise<types.ValidationAnswer> {
    return this.#post(`models/${path(provider, model)}/validate-output`, output, options);
  }

  catalogTaxonomy(options?: CallOptions): Promise<types.List<types.Branch>> {
    return this.#get("catalog/taxonomy", {}, options);
  }

  catalogFamilies(filter: types.FamilyFilter = {}, options?: CallOptions): Promise<types.Page<types.Family>> {
    return this.#get("catalog/families", filter, options);
  }

  /** `id` as in `llm/meta--llama-3.3`. */
  async getCatalogFamily(id: string, options?: CallOptions): Promise<types.Family> {
    return this.#get(`catalog/families/${path(id)}`, {}, options);
  }

  getPreferences(options?: CallOptions): Promise<types.Fields> {
    return this.#get("preferences", {}, options);
  }

  async setPreference(preference: { key: string; value: unknown }, options?: CallOptions): Promise<types.Fields> {
    const { key, value } = preference;
    return this.#run({ method: "PUT", path: `preferences/${path(key)}`, body: { value } }, options);
  }

  async deletePreference(key: string, options?: CallOptions): Promise<types.Fields> {
    return this.#run({ method: "DELETE", path: `preferences/${path(key)}` }, options);
  }

  getPreferenceSuggestions(options?: CallOptions): Promise<types.Fields> {
    return this.#get("preferences/suggestions", {}, options);
  }

  /** Balance, today's spend, plan, limits and the last calls. */
  account(options?: CallOptions): Promise<types.Fields> {
    return this.#get("account", {}, options);
  }

  /** The organization's calls: an object, or text where `format` is "csv". */
  orgLogs(filter: types.LogsFilter & { format: "csv" }, options?: CallOptions): Promise<string>;
  orgLogs(filter?: types.LogsFilter & { format?: "json" }, options?: CallOptions): Promise<types.Fields>;
  orgLogs(filter: types.LogsFilter & { format?: "csv" | "json" } = {}, options?: CallOptions): Promise<unknown> {
    const query = { format: "json", ...filter };
    const format = query.format === "csv" ? "text" : "json";
    return this.#run({ method: "GET", path: "org/logs", query, format }, options);
  }

  #get<Answer>(path: string, query: object, options?: CallOptions): Promise<Answer> {
    return this.#run({ method: "GET", path, query }, options);
  }

  #post<Answer>(path: string, body: object, options?: CallOptions): Promise<Answer> {
    return this.#run({ method: "POST", path, body }, options);
  }

  #once<Answer>(path: string, body: object, options?: CallOptions): Promise<Answer> {
    return this.#run({ method: "POST", path, body, once: true }, options);
  }

  async #run<Answer>(call: Call, options?: CallOptions): Promise<Answer> {
    const { response, text } = await this.#send(call, options);
    return answerOf(this.#wire, call, { status: response.status, headers: response.headers, text });
  }

  async #send(call: Call, options: CallOptions = {}) {
    return send(checked(wireWith(this.#wire, options)), call, this.#fetch, options.signal);
  }
}

function wireWith(wire: Wire, options: Options): Wire {
  const headers = new Headers(wire.headers);
  new Headers(options.headers).forEach((value, name) => headers.set(name, value));
  return {
    ...wire,
    headers,
    timeoutS: options.timeoutS ?? wire.timeoutS,
    maxRetries: options.maxRetries ?? wire.maxRetries,
  };
}
