/**
 * The fields of requests and answers, named as the server's API names them. Money is in US dollars.
 *
 * An answer may carry more than what stands here. `null` and `undefined` in a request mean the same as no field.
 */

export type Task = "text" | "image" | "video" | "music" | "speech" | "code" | "web_search" | "rerank" | "embeddings";
/** What the registry calls the work of a model. */
export type TaskType =
  | "text_generation"
  | "image_generation"
  | "video_generation"
  | "music_generation"
  | "text_to_speech"
  | "speech_to_text"
  | "web_search"
  | "rerank"
  | "embeddings";
export type Optimization = "price-optimized" | "balanced" | "output-optimized";
export type ContentMode = "generate" | "edit" | "combine";
export type PriceTier = "economy" | "standard" | "balanced" | "premium" | "flagship";
/** An object of which this package describes no fields. */
export type Fields = Record<string, unknown>;

type Optional<T> = { [Name in keyof T]?: T[Name] | null | undefined };

export interface SuggestRequest extends Optional<{
  input: Fields;
  task: Task;
  content_mode: ContentMode;
  optimization: Optimization;
  limit: number;
  session_id: string;
  budget_dollars: number;
  taxonomy: string;
  provider: string;
  catalog_family: string;
  model: string;
}> {
  prompt: string;
}

export interface RouteRequest extends Omit<SuggestRequest, "limit" | "provider">, Optional<{
  mode: "auto" | "regex";
  /** A slug, or preferences such as `{ order: ["openai"], max_price: { prompt: 1 } }`. */
  provider: string | Fields;
  feedback: { correct: boolean; suggested_task?: Task };
}> {}

export type PriceComparisonRequest = Optional<{
  prompt: string;
  task: Task;
  optimization: Optimization;
  budget_dollars: number;
}>;

export interface ExplicitRouteRequest {
  query: string;
  input: Fields;
  maxCost?: PriceTier | null | undefined;
  filter?: Optional<{ task_type: string; capabilities: readonly string[] }> | null | undefined;
}

export type ModelFilter = Optional<{
  task_type: string;
  provider: string;
  category: string;
  capabilities: readonly string[] | string;
  type: "hosted" | "proxied";
  catalog_family: string;
  catalog_visibility: string;
  routable_only: boolean;
}>;

export type ModelQuery = ModelFilter &
  Optional<{ price_tier: PriceTier; tags: readonly string[]; text: string; limit: number; offset: number }>;

export type FamilyFilter = Optional<{
  taxonomy: string;
  offset: number;
  limit: number;
  routable_only: boolean;
  q: string;
}>;

export type RecommendRequest = Optional<{
  task: Task | TaskType;
  prompt: string;
  limit: number;
  content_mode: ContentMode;
  optimization: Optimization;
  budget_dollars: number;
  taxonomy: string;
  /** A slug, or preferences such as `{ only: ["openai"] }`. */
  provider: string | Fields;
  catalog_family: string;
}>;

export interface FeedbackRequest extends Optional<{ confidence: number; suggested_task: Task }> {
  prompt: string;
  classified_task: Task;
  correct: boolean;
}

export interface EmbeddingsRequest extends Optional<{
  encoding_format: "float" | "base64";
  dimensions: number;
  user: string;
  provider: Fields;
}> {
  model: string;
  input: string | readonly string[] | readonly number[] | readonly (readonly number[])[];
}

export interface RerankRequest extends Optional<{
  top_n: number;
  return_documents: boolean;
  max_tokens_per_doc: number;
  provider: Fields;
}> {
  model: string;
  query: string;
  documents: readonly (string | { text: string })[];
}

export type LogsFilter = Optional<{ limit: number; before: string; after: string }>;

export interface ChatMessage {
  role: string;
  content?: string | readonly Fields[] | null;
  [field: string]: unknown;
}

/** OpenAI's request; every field of it is passed on. `model: "router"` lets the server choose. */
export interface ChatRequest {
  model: string;
  messages: readonly ChatMessage[];
  stream?: boolean | null | undefined;
  [field: string]: unknown;
}

export interface Classification {
  task: Task;
  confidence: number;
  reasoning: string;
  decision: "hint" | "input" | "regex" | "knn" | "session" | "default";
  content_mode: ContentMode;
  complexity_tier: "SIMPLE" | "MEDIUM" | "COMPLEX" | "REASONING";
  complexity_score: number;
}

export interface Model {
  id: string;
  name: string;
  provider: string;
  task_type: string;
  category: string;
  capabilities: string[];
  pricing: Fields;
  type?: "hosted" | "proxied";
  price_tier?: PriceTier | null;
  catalog_family?: string;
  catalog_visibility?: string;
  context_window?: number | null;
  max_output_tokens?: number | null;
  modalities?: { input: string[]; output: string[] };
  available?: boolean;
  state?: "cold" | "warming" | "warm";
  health?: Fields | null;
  benchmarks?: Fields[];
  provenance?: Fields;
  performance_timeseries?: Fields[];
}

export interface ChosenModel {
  model: Model;
  cost_tier: PriceTier;
  estimated_cost: number;
}

export interface Suggestion extends ChosenModel {
  estimated_cost_dollars: number;
  score: number;
  reason: string;
  available: boolean;
}

export interface PriceComparison {
  cheapest_model: string;
  best_value_model: string;
  best_quality_model: string;
  estimated_cost_dollars?: number;
  savings_vs_highest_pct: number;
}

/** What the model answered: a chat completion, or the answer of the task it ran. */
export interface Result extends Partial<Pick<ChatCompletion, "choices" | "usage">> {
  [field: string]: unknown;
}

export interface RouteAnswer {
  classification: Classification;
  model: ChosenModel;
  price_comparison: PriceComparison;
  result: Result;
  timing: Record<string, number>;
  context: Fields;
  routing: { reason: string; fallback_chain: string[]; attempts: Fields[] };
  provider: string;
  charge_dollars: number;
}

export interface ExplicitRouteAnswer extends ChosenModel {
  result: Result;
  timing: Record<string, number>;
}

export interface SuggestAnswer {
  classification: Classification;
  optimization: Optimization;
  suggestions: Suggestion[];
  price_comparison: PriceComparison;
  note?: string | null;
}

export interface ComparedModel {
  model_id: string;
  name: string;
  provider: string;
  task_type: string;
  cost_tier: PriceTier;
  score: number;
  estimated_cost_dollars: number;
  available?: boolean;
}

/** The units that the estimated costs are for; `typical` where there was no prompt. */
export interface PricedFor {
  typical: boolean;
  prompt_tokens?: number;
  completion_tokens?: number;
  images?: number;
  seconds?: number;
  characters?: number;
  documents?: number;
  searches?: number;
}

export interface PriceComparisonAnswer extends Omit<SuggestAnswer, "suggestions"> {
  suggestions: ComparedModel[];
  priced_for?: PricedFor;
}

export interface List<Row> {
  object: "list";
  data: Row[];
  total: number;
}

export interface Page<Row> extends List<Row> {
  limit: number;
  offset: number;
}

/** A branch of the catalog. */
export interface Branch extends Fields {
  taxonomy: string;
  family_count: number;
  model_count: number;
}

/** A model line, such as `llm/meta--llama-3.3`. */
export interface Family extends Fields {
  id: string;
  name: string;
  taxonomy: string;
  provider: string;
  models?: Model[];
}

export interface RecommendAnswer {
  data: { model: Model; score: number; reason: string; estimated_cost_dollars: number; available: boolean }[];
  priced_for?: PricedFor;
  classification: Classification;
  note?: string | null;
}

export interface ValidationAnswer {
  valid: boolean;
  errors: { path: string; message: string }[];
}

export interface HealthAnswer {
  health: { model_id: string; degraded: boolean; latency_penalty: number; health_entry: Fields }[];
  tenant_id: string;
}

export interface FeedbackAnswer {
  id: string;
  accepted: boolean;
}

export interface ChatCompletion {
  id: string;
  object: "chat.completion";
  created: number;
  model: string;
  choices: { index: number; message: ChatMessage & { content: string | null }; finish_reason: string | null }[];
  usage?: Fields;
  greatrouter?: Fields;
}

/** `choices[0].delta` holds the new piece. The last chunk holds `greatrouter`; its delta is empty, or with
 * `stream_options.include_usage` it has no choices and holds the `usage` too. */
export interface ChatChunk {
  id: string;
  object: "chat.completion.chunk";
  created: number;
  model: string;
  choices: { index: number; delta: Partial<ChatMessage> & { content?: string | null }; finish_reason: string | null }[];
  usage?: Fields | null;
  greatrouter?: Fields;
}

export interface EmbeddingsAnswer {
  object: "list";
  /** `embedding` is base64 of little-endian float32 where `encoding_format` asks for it. */
  data: { object: "embedding"; index: number; embedding: number[] | string }[];
  model: string;
  provider: string;
  usage: Fields;
}

export interface RerankAnswer {
  id: string;
  model: string;
  provider: string;
  results: { index: number; relevance_score: number; document?: { text: string } }[];
  usage: Fields;
}
