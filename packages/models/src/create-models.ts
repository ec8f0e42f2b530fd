import type { Clock, Logger } from "@millrace/kernel";
import { systemClock } from "@millrace/kernel";
import type { EmbeddingModelV4 } from "@ai-sdk/provider";
import type { ModelMessage } from "ai";
import { createBuiltInEmbeddingModel } from "./built-in/embedding-model.ts";
import { hashedDimensions } from "./built-in/hashed-vector.ts";
import { createBuiltInLanguageModel } from "./built-in/language-model.ts";
import type { DetectedLanguage } from "./built-in/reading/language.ts";
import { BuiltInThread } from "./built-in/thread/thread.ts";
import { ConcurrencyLimit } from "./calls/concurrency-limit.ts";
import { embedBatch, embeddingBatch } from "./calls/embed.ts";
import { generateGuarded } from "./calls/generate.ts";
import type { Generated, GuardedCall, Usage } from "./calls/generate.ts";
import { frameText } from "./calls/prompt.ts";
import { generateStructured } from "./calls/structured.ts";
import type { ChatModel } from "./chat-model.ts";
import { choiceName, chooseModels } from "./choice.ts";
import type { ChatChoice, EmbeddingChoice, OwnModels } from "./choice.ts";
import { modelErrors } from "./errors.ts";
import { readJsonAnswer } from "./calls/json-answer.ts";
import { loadChatModel } from "./providers/chat.ts";
import { loadEmbeddingModel } from "./providers/embedding.ts";
import type { ModelSettings } from "./settings.ts";
import type {
  EmbedResult,
  GenerateObjectRequest,
  GenerateRequest,
  GenerateResult,
  Models,
} from "./models.ts";

/** Chooses the models that the program brings along, else those that the settings mean. Throws `invalid_settings`. Opens nothing before the first call. */
export function createModels(options: {
  readonly settings: ModelSettings;
  readonly logger: Logger;
  readonly own?: OwnModels | undefined;
  readonly clock?: Clock;
}): Models {
  const { settings, own } = options;
  return new ChosenModels(
    settings,
    chooseModels(settings, own),
    options.logger,
    options.clock ?? systemClock,
  );
}

// Language detection reads a sample; the time is for the thread to start and for its line to move.
const detectionTimeoutMs = 60_000;
const mostDetectedCharacters = 40_000;

class ChosenModels implements Models {
  readonly name = "models";
  readonly chat: Models["chat"];
  readonly notices: readonly string[];
  readonly #settings: ModelSettings;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #choice: { readonly chat: ChatChoice; readonly embedding: EmbeddingChoice };
  readonly #thread: BuiltInThread;
  readonly #limit: ConcurrencyLimit;
  #dimensions: number | null;
  #chatModel: Promise<ChatModel> | undefined;
  #embeddingModel: Promise<EmbeddingModelV4> | undefined;

  constructor(
    settings: ModelSettings,
    { chat, embedding, notices }: ReturnType<typeof chooseModels>,
    logger: Logger,
    clock: Clock,
  ) {
    const isBuiltIn = chat.provider === "builtin";
    this.chat = {
      name: choiceName(chat),
      builtIn: isBuiltIn,
      contextTokens: isBuiltIn ? null : settings.CHAT_CONTEXT_TOKENS,
    };
    this.notices = notices;
    this.#settings = settings;
    this.#logger = logger;
    this.#clock = clock;
    this.#choice = { chat, embedding };
    this.#thread = new BuiltInThread(logger);
    this.#limit = new ConcurrencyLimit(settings.MODEL_CONCURRENCY);
    this.#dimensions = embedding.provider === "builtin" ? hashedDimensions : null;
    // The SDK would print warnings to the console; ours go to the log, from the results.
    globalThis.AI_SDK_LOG_WARNINGS = false;
  }

  get embedding(): Models["embedding"] {
    const { embedding } = this.#choice;
    return {
      name: choiceName(embedding),
      builtIn: embedding.provider === "builtin",
      dimensions: this.#dimensions,
    };
  }

  start(): Promise<void> {
    return this.#thread.start();
  }

  stop(): Promise<void> {
    return this.#thread.stop();
  }

  async generateObject<T>(request: GenerateObjectRequest<T>): Promise<GenerateResult<T>> {
    const startedMs = this.#clock.monotonicMs();
    const model = await this.#loadChat();
    if (model.isBuiltIn) {
      const schema = { name: request.schemaName, value: request.schema };
      const { text, usage } = await this.#sendBuiltIn(model, request, { schema });
      const read = readJsonAnswer(text, request.schema);
      if (!read.ok) throw modelErrors.badOutput({ model: model.name, details: { problem: read.problem } });
      return this.#result(request, { value: read.value, usage }, startedMs);
    }
    const call = { ...request, maxOutputTokens: request.maxOutputTokens };
    const answer = await generateStructured(model, call, (prepared) => this.#send(model, request, prepared));
    return this.#result(request, answer, startedMs);
  }

  async generateText(request: GenerateRequest): Promise<GenerateResult<string>> {
    const startedMs = this.#clock.monotonicMs();
    const model = await this.#loadChat();
    const framed = frameText(request.instructions, request.text);
    const { text, usage } = model.isBuiltIn
      ? await this.#sendBuiltIn(model, request, {})
      : await this.#send(model, request, {
          instructions: framed.instructions,
          messages: [{ role: "user", content: framed.prompt }],
          maxOutputTokens: request.maxOutputTokens,
        });
    if (text.trim() === "") throw modelErrors.badOutput({ model: model.name });
    return this.#result(request, { value: text, usage }, startedMs);
  }

  async embed(request: {
    readonly texts: readonly string[];
    readonly signal?: AbortSignal;
  }): Promise<EmbedResult> {
    if (request.texts.some((text) => text.trim() === "")) throw modelErrors.blankText();
    const { name: modelName, builtIn } = this.embedding;
    this.#embeddingModel ??= this.#loadEmbedding();
    const model = await this.#embeddingModel;
    const vectors: number[][] = [];
    let tokens: number | null = 0;
    for (let start = 0; start < request.texts.length; start += embeddingBatch) {
      const texts = request.texts.slice(start, start + embeddingBatch);
      const { signal } = request;
      const timeoutMs = this.#settings.MODEL_TIMEOUT_MS;
      const embed = () => embedBatch({ model, modelName, texts, timeoutMs, signal, clock: this.#clock });
      const batch = await (builtIn ? embed() : this.#limit.run(embed, signal));
      vectors.push(...batch.vectors);
      tokens = tokens === null || batch.tokens === null ? null : tokens + batch.tokens;
      this.#noteDimensions(batch.vectors[0]?.length ?? 0, modelName);
    }
    return { vectors, model: modelName, dimensions: this.#dimensions ?? 0, usage: { inputTokens: tokens } };
  }

  detectLanguage(text: string, signal?: AbortSignal): Promise<DetectedLanguage> {
    // The middle is enough to tell, and a whole book need not be copied to the thread.
    const start = Math.max(0, Math.floor((text.length - mostDetectedCharacters) / 2));
    const sample = text.slice(start, start + mostDetectedCharacters);
    return this.#thread.ask("detect_language", { text: sample }, { timeoutMs: detectionTimeoutMs, signal });
  }

  /** One model has one length of vectors: another length means that the server changed the model. */
  #noteDimensions(dimensions: number, model: string): void {
    if (this.#dimensions !== null && this.#dimensions !== dimensions) {
      throw modelErrors.embeddingMismatch({ model, details: { expected: this.#dimensions, dimensions } });
    }
    this.#dimensions = dimensions;
  }

  #send(
    model: ChatModel,
    request: GenerateRequest,
    call: Pick<GuardedCall, "instructions" | "messages" | "schema" | "maxOutputTokens">,
  ): Promise<Generated> {
    const { signal } = request;
    const headers = this.#choice.chat.provider === "openai-compatible" ? traceHeaders(request) : {};
    const guarded: GuardedCall = {
      ...call,
      model: model.language,
      modelName: model.name,
      headers,
      timeoutMs: this.#settings.MODEL_TIMEOUT_MS,
      signal,
    };
    return this.#limit.run(
      () => generateGuarded(guarded, { logger: this.#logger, clock: this.#clock }),
      signal,
    );
  }

  #sendBuiltIn(
    model: ChatModel,
    request: GenerateRequest,
    options: Pick<GuardedCall, "schema">,
  ): Promise<Generated> {
    const messages: ModelMessage[] = [{ role: "user", content: request.text }];
    const providerOptions = {
      builtin: {
        ...(request.builtInOperation === undefined ? {} : { operation: request.builtInOperation }),
        title: request.textFacts?.title ?? null,
        language: request.textFacts?.language ?? null,
      },
    };
    return generateGuarded(
      {
        model: model.language,
        modelName: model.name,
        instructions: request.instructions,
        messages,
        providerOptions,
        maxOutputTokens: undefined,
        // The thread keeps the time of each text; waiting in its line is not counted against it.
        timeoutMs: mostBuiltInWaitMs,
        signal: request.signal,
        ...options,
      },
      { logger: this.#logger, clock: this.#clock },
    );
  }

  #result<T>(
    request: GenerateRequest,
    answer: { readonly value: T; readonly usage: Usage },
    startedMs: number,
  ): GenerateResult<T> {
    const latencyMs = Math.round(this.#clock.monotonicMs() - startedMs);
    const { name: model, builtIn } = this.chat;
    this.#logger.debug({ purpose: request.purpose, model, usage: answer.usage, latencyMs }, "model answered");
    return { value: answer.value, model, builtIn, usage: answer.usage, latencyMs };
  }

  #loadChat(): Promise<ChatModel> {
    this.#chatModel ??= this.#createChat();
    return this.#chatModel;
  }

  async #createChat(): Promise<ChatModel> {
    const { chat } = this.#choice;
    if (chat.provider !== "builtin") return loadChatModel(chat, this.#settings);
    return {
      name: this.chat.name,
      isBuiltIn: true,
      language: createBuiltInLanguageModel(this.#thread, this.#settings.MODEL_TIMEOUT_MS),
      structuredOutput: { current: { kind: "schema", mayFallBack: false } },
    };
  }

  async #loadEmbedding(): Promise<EmbeddingModelV4> {
    const { embedding } = this.#choice;
    return embedding.provider === "builtin"
      ? createBuiltInEmbeddingModel(this.#thread, this.#settings.MODEL_TIMEOUT_MS)
      : loadEmbeddingModel(embedding, this.#settings);
  }
}

function traceHeaders({ purpose, trace }: GenerateRequest): Record<string, string> {
  return {
    "x-millrace-purpose": purpose,
    ...(trace?.job === undefined ? {} : { "x-millrace-job": trace.job }),
    ...(trace?.step === undefined ? {} : { "x-millrace-step": trace.step }),
  };
}

// The line before the built-in model's thread is bounded, and each place in it has its own limit.
const mostBuiltInWaitMs = 30 * 60_000;
