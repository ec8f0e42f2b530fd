import type { Clock, Logger } from "@millrace/kernel";
import { systemClock } from "@millrace/kernel";
import type { DetectedLanguage } from "./built-in/reading/language.ts";
import { BuiltInThread } from "./built-in/thread/thread.ts";
import { ChatCalls } from "./calls/chat-calls.ts";
import { Embedders } from "./calls/embedders.ts";
import { chooseModels } from "./choice.ts";
import type { Choices } from "./choice.ts";
import { ChatEndpoints } from "./guard/chat-endpoints.ts";
import type { EndpointState } from "./guard/endpoint.ts";
import { mayTurnTo } from "./guard/first-that-answers.ts";
import { Guard } from "./guard/guard.ts";
import { choiceName } from "./model-choice.ts";
import type { OwnModels } from "./model-choice.ts";
import type { ChatChoiceState, EmbeddingModelName, EmbedResult, Models } from "./models.ts";
import type { ModelPorts } from "./ports.ts";
import { mostCostOf } from "./prices/cost.ts";
import { loadPrices } from "./prices/prices.ts";
import type { Prices } from "./prices/prices.ts";
import type { ModelSettings } from "./settings.ts";

export type CreateModelsOptions = {
  readonly settings: ModelSettings;
  readonly logger: Logger;
  readonly own?: OwnModels | undefined;
  /** Budgets, limits over all workers, stored answers. Default none of them. */
  readonly ports?: ModelPorts | undefined;
  /** The names of models that have limits (MODEL_LIMITS): one that no model can have is refused. Default none. */
  readonly limitedModels?: readonly string[] | undefined;
  readonly clock?: Clock;
};

/**
 * Chooses the models that the program brings along, else those that the settings mean. Throws `invalid_settings`.
 * Opens nothing before the first call.
 */
export function createModels(options: CreateModelsOptions): Models {
  return new ChosenModels(options);
}

// Language detection reads a sample; the time is for the thread to start and for its line to move.
const detectionTimeoutMs = 60_000;
const mostDetectedCharacters = 40_000;

class ChosenModels implements Models {
  readonly name = "models";
  readonly notices: readonly string[];
  readonly generateObject: Models["generateObject"];
  readonly generateText: Models["generateText"];
  readonly turn: Models["turn"];
  readonly #settings: ModelSettings;
  readonly #choices: Choices;
  readonly #thread: BuiltInThread;
  readonly #guard: Guard;
  readonly #chats: ChatEndpoints;
  readonly #embedders: Embedders;
  readonly #prices: Prices;

  constructor(options: CreateModelsOptions) {
    const {
      settings,
      logger,
      own = {},
      ports = {},
      limitedModels: limits = [],
      clock = systemClock,
    } = options;
    this.#settings = settings;
    const prices = loadPrices({ file: settings.MODEL_PRICES, given: own.prices });
    this.#prices = prices;
    this.#choices = chooseModels(settings, own, { limits, prices: prices.given });
    this.notices = this.#choices.notices;
    for (const notice of this.#choices.unknownNames) logger.warn(notice);
    this.#thread = new BuiltInThread(logger);
    const times = {
      firstByteMs: settings.MODEL_FIRST_BYTE_TIMEOUT_MS,
      firstChunkMs: settings.MODEL_FIRST_CHUNK_TIMEOUT_MS,
      idleMs: settings.MODEL_IDLE_TIMEOUT_MS,
      totalMs: settings.MODEL_TIMEOUT_MS,
    };
    this.#guard = new Guard({ ports, prices, times, logger, clock });
    const choices = this.#choices;
    this.#chats = new ChatEndpoints({ choices, own, settings, prices, thread: this.#thread, clock });
    const calls = new ChatCalls({ endpoints: this.#chats, guard: this.#guard, logger, clock });
    this.generateObject = (request) => calls.generateObject(request);
    this.generateText = (request) => calls.generateText(request);
    this.turn = (request) => calls.turn(request);
    const embedderParts = { settings, thread: this.#thread, guard: this.#guard, logger, clock };
    this.#embedders = new Embedders(choices.embedding, embedderParts);
  }

  get chat(): ChatChoiceState {
    return this.#stateOf(choiceName(this.#choices.chat));
  }

  chatFor(purpose: string, model?: string): ChatChoiceState {
    const first = this.#chats.serving(purpose, model)[0];
    return first === undefined ? this.chat : this.#stateOf(first.endpoint.name);
  }

  builtInAfter(error: unknown, purpose: string): ChatChoiceState | undefined {
    const [first, ...others] = this.#chats.serving(purpose);
    const builtIn = others.find(({ endpoint }) => endpoint.builtIn);
    if (first === undefined || builtIn === undefined) return undefined;
    const { endpoint } = builtIn;
    return mayTurnTo(endpoint, { endpoint: first.endpoint, error })
      ? this.#stateOf(endpoint.name)
      : undefined;
  }

  #stateOf(name: string): ChatChoiceState {
    const { builtIn, contextTokens } = this.#chats.named(name).endpoint;
    return { name, builtIn, contextTokens };
  }

  get embedding(): Models["embedding"] {
    const { endpoint, dimensions } = this.#embedders.chosen;
    const { EMBEDDING_REVISION: revision } = this.#settings;
    return { name: endpoint.name, builtIn: endpoint.builtIn, revision, dimensions };
  }

  endpoints(): readonly EndpointState[] {
    return [...this.#chats.all(), ...this.#embedders.all()].map(({ endpoint }) => endpoint.state());
  }

  start(): Promise<void> {
    return this.#thread.start();
  }

  stop(): Promise<void> {
    return this.#thread.stop();
  }

  embeds(model: EmbeddingModelName): boolean {
    return this.#embedders.can(model);
  }

  embeddingCost(model: string, tokens: number): number | null {
    if (model.startsWith("builtin:")) return 0;
    return mostCostOf(this.#prices, model, { inputTokens: tokens, outputTokens: 0 });
  }

  async embed(request: Parameters<Models["embed"]>[0]): Promise<EmbedResult> {
    return await this.#embedders.of(request.model).embed(request);
  }

  detectLanguage(text: string, signal?: AbortSignal): Promise<DetectedLanguage> {
    // The middle is enough to tell, and a whole book need not be copied to the thread.
    const start = Math.max(0, Math.floor((text.length - mostDetectedCharacters) / 2));
    const sample = text.slice(start, start + mostDetectedCharacters);
    return this.#thread.ask("detect_language", { text: sample }, { timeoutMs: detectionTimeoutMs, signal });
  }
}
