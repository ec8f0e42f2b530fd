import type { Clock, Logger } from "@millrace/kernel";
import type { LanguageModelV4CallOptions } from "@ai-sdk/provider";
import { z } from "zod";
import type { ChatModel } from "../chat-model.ts";
import { modelErrors } from "../errors.ts";
import type { ChatEndpoint, ChatEndpoints } from "../guard/chat-endpoints.ts";
import { firstThatAnswers } from "../guard/first-that-answers.ts";
import type { CallAbout, Guard } from "../guard/guard.ts";
import type { GenerateObjectRequest, GenerateRequest, GenerateResult } from "../models.ts";
import type { CallOrigin } from "../ports.ts";
import { estimateTokens } from "../text/estimate-tokens.ts";
import type { ChatMessage, TurnRequest, TurnResult } from "../turn.ts";
import { generate } from "./generate.ts";
import type { Generated } from "./generate.ts";
import { readJsonAnswer } from "./json-answer.ts";
import { toModelPrompt, toModelTools } from "./model-prompt.ts";
import { frameText } from "./prompt.ts";
import { answerOnce } from "./reuse.ts";
import type { Made, Question } from "./reuse.ts";
import { generateStructured, jsonFormat } from "./structured.ts";
import { tellPieces } from "./pieces.ts";
import { traceHeaders } from "./trace-headers.ts";

export type ChatCallsParts = {
  readonly endpoints: ChatEndpoints;
  readonly guard: Guard;
  readonly logger: Logger;
  readonly clock: Clock;
};

/** What a call asks for when nobody says how much it may write, for what is set aside before it. */
const usualOutputTokens = 4096;
const ofInstallation: CallOrigin = { owner: null };

type Asked = Pick<
  GenerateRequest,
  "purpose" | "origin" | "prompt" | "maxOutputTokens" | "temperature" | "signal" | "onText" | "model"
>;

type Answered = Made & {
  readonly chat: ChatEndpoint;
  readonly cached: boolean;
  readonly latencyMs: number;
};

/** One request to a model, with what only some calls have. */
type Sending = {
  readonly instructions: string;
  readonly messages: readonly ChatMessage[];
  readonly options?: Partial<LanguageModelV4CallOptions>;
  readonly tools?: TurnRequest["tools"];
  readonly mayBeBlank?: boolean;
  readonly onText: ((text: string) => void) | undefined;
};

/** The calls of chat models: for each the models of its purpose, stored answers, and the guard. */
export class ChatCalls {
  readonly #parts: ChatCallsParts;

  constructor(parts: ChatCallsParts) {
    this.#parts = parts;
  }

  async generateObject<T>(request: GenerateObjectRequest<T>): Promise<GenerateResult<T>> {
    const question = this.#questionOf(request, z.toJSONSchema(request.schema, { io: "output" }));
    const answered = await this.#answer(request, this.#ableTo(request), question, async (chat, tell) => {
      const model = await chat.load();
      const format = jsonFormat({ name: request.schemaName, value: request.schema });
      if (chat.endpoint.builtIn) return await this.#askBuiltIn(chat, request, format);
      return await generateStructured(model, request, (prepared, attempt) => {
        const asked = attempt === 1 ? request : { ...request, origin: secondTry(request.origin) };
        const options = prepared.isFormat ? { responseFormat: format } : {};
        const { instructions, messages } = prepared;
        const onText = tell();
        return this.#send(chat, model, asked, { instructions, messages, options, onText, mayBeBlank: true });
      });
    });
    const read = readJsonAnswer(answered.text, request.schema);
    if (!read.ok) {
      const { name: model } = answered.chat.endpoint;
      throw modelErrors.badOutput({ model, details: { problem: read.problem } });
    }
    return toResult(answered, read.value);
  }

  async generateText(request: GenerateRequest): Promise<GenerateResult<string>> {
    const question = this.#questionOf(request, undefined);
    const answered = await this.#answer(request, this.#ableTo(request), question, async (chat, tell) => {
      if (chat.endpoint.builtIn) return await this.#askBuiltIn(chat, request, undefined);
      const { instructions, prompt } = frameText(request.instructions, request.text);
      const messages = [{ role: "user" as const, text: prompt }];
      return await this.#send(chat, await chat.load(), request, { instructions, messages, onText: tell() });
    });
    return toResult(answered, answered.text);
  }

  async turn(request: TurnRequest): Promise<TurnResult> {
    const { purpose, instructions, messages, tools, toolChoice } = request;
    const writers = this.#parts.endpoints
      .serving(purpose, request.model)
      .filter(({ endpoint }) => !endpoint.builtIn);
    if (writers.length === 0) throw modelErrors.required(purpose);
    // A turn may ask for tools, whose effects differ from time to time: only what is fixed in every way is reused.
    const isFixed = request.temperature === 0 && (tools ?? []).length === 0;
    const question: Question | undefined = isFixed
      ? { ...request, content: messages, isFresh: false }
      : undefined;
    const answered = await this.#answer(request, writers, question, async (chat, tell) =>
      this.#send(chat, await chat.load(), request, {
        instructions,
        messages,
        tools,
        options: toModelTools(tools, toolChoice),
        onText: tell() ?? ignoreText,
      }),
    );
    const { text, toolCalls, cost, cached, latencyMs, tokens, chat } = answered;
    const usage = { inputTokens: tokens.input, outputTokens: tokens.output };
    return { text, toolCalls, model: chat.endpoint.name, usage, cost, cached, latencyMs };
  }

  /** Without an operation the built-in model can't help; where it is the only one it says so itself. */
  #ableTo(request: GenerateRequest): ChatEndpoint[] {
    const all = this.#parts.endpoints.serving(request.purpose, request.model);
    const writers = all.filter(({ endpoint }) => !endpoint.builtIn);
    return request.builtInOperation !== undefined || writers.length === 0 ? all : writers;
  }

  #questionOf(request: GenerateRequest, schema: unknown): Question {
    const { instructions, text, temperature, maxOutputTokens, prompt } = request;
    return {
      ...{ instructions, content: text, schema, temperature, maxOutputTokens, prompt },
      isFresh: request.answers === "fresh",
    };
  }

  async #answer(
    request: Asked,
    chats: readonly ChatEndpoint[],
    question: Question | undefined,
    make: (chat: ChatEndpoint, tell: () => ((text: string) => void) | undefined) => Promise<Made>,
  ): Promise<Answered> {
    const { clock, guard, logger } = this.#parts;
    const { purpose, signal, prompt = null, origin = ofInstallation } = request;
    const startedMs = clock.monotonicMs();
    const pieces = tellPieces(request.onText, logger);
    return await firstThatAnswers(chats, { purpose, signal, logger }, async (chat) => {
      const { endpoint } = chat;
      const about = { origin, purpose, prompt };
      const { made, from, isFree } = await answerOnce(
        { guard, chat, about, question: endpoint.builtIn ? undefined : question, signal },
        () => make(chat, pieces.begin),
      );
      if (from !== "made") {
        guard.recordReused(endpoint.name, about, from);
        pieces.begin()?.(made.text);
      }
      const latencyMs = Math.round(clock.monotonicMs() - startedMs);
      return { ...made, chat, cached: isFree, latencyMs };
    });
  }

  async #send(chat: ChatEndpoint, model: ChatModel, request: Asked, sending: Sending): Promise<Made> {
    const { endpoint } = chat;
    const { logger } = this.#parts;
    const { temperature, maxOutputTokens } = request;
    const about = aboutOf(request, sending);
    const { sent, cost } = await this.#parts.guard.call(
      endpoint,
      about,
      async (deadlines, abortSignal, heard) => {
        const options: LanguageModelV4CallOptions = {
          prompt: toModelPrompt(sending.instructions, sending.messages),
          abortSignal,
          ...(chat.isTraced ? { headers: traceHeaders(request) } : {}),
          ...(temperature === undefined ? {} : { temperature }),
          ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
          ...sending.options,
        };
        const { onText } = sending;
        const modelName = endpoint.name;
        const call = { model: model.language, modelName, options, deadlines, heard, onText, logger };
        const generated = await generate(call);
        learn(chat, generated, sending);
        return sending.mayBeBlank === true ? generated : notBlank(generated, endpoint.name);
      },
    );
    return { text: sent.text, toolCalls: sent.toolCalls, tokens: sent.tokens, cost };
  }

  async #askBuiltIn(
    chat: ChatEndpoint,
    request: GenerateRequest,
    responseFormat: LanguageModelV4CallOptions["responseFormat"],
  ): Promise<Made> {
    const builtin = {
      ...(request.builtInOperation === undefined ? {} : { operation: request.builtInOperation }),
      title: request.textFacts?.title ?? null,
      language: request.textFacts?.language ?? null,
      question: request.textFacts?.question ?? null,
    };
    return await this.#send(chat, await chat.load(), request, {
      instructions: request.instructions,
      messages: [{ role: "user", text: request.text }],
      options: {
        providerOptions: { builtin },
        ...(responseFormat === undefined ? {} : { responseFormat }),
      },
      onText: undefined,
    });
  }
}

function ignoreText(): void {
  // A turn is streamed even when nobody watches: a server that has fallen silent is told from one that writes long.
}

function aboutOf(request: Asked, { instructions, messages, tools }: Sending): CallAbout {
  const { purpose, origin = ofInstallation, prompt = null, signal } = request;
  const shown = `${instructions}${JSON.stringify(messages)}${tools === undefined ? "" : JSON.stringify(tools)}`;
  return {
    ...{ origin, purpose, prompt, signal },
    inputTokens: estimateTokens(shown),
    outputTokens: request.maxOutputTokens ?? usualOutputTokens,
  };
}

/** A second question about a bad answer is paid like the first: it is a step of its own to the ledger. */
function secondTry(origin: CallOrigin | undefined): CallOrigin {
  if (origin?.step === undefined) return origin ?? ofInstallation;
  return { ...origin, step: `${origin.step}#2` };
}

function learn({ endpoint }: ChatEndpoint, generated: Generated, { tools }: Sending): void {
  if (tools !== undefined && generated.toolCalls.length > 0) endpoint.callsTools = true;
  if (generated.isStream && generated.failure === undefined) {
    endpoint.countsTokensOfStreams = generated.tokens.output !== null;
  }
}

function notBlank(generated: Generated, model: string): Generated {
  const isBlank = generated.text.trim() === "" && generated.toolCalls.length === 0;
  if (!isBlank || generated.failure !== undefined) return generated;
  return { ...generated, failure: modelErrors.badOutput({ model, details: { problem: "it is empty" } }) };
}

function toResult<T>(answered: Answered, value: T): GenerateResult<T> {
  const { tokens, cost, cached, latencyMs } = answered;
  const { name: model, builtIn } = answered.chat.endpoint;
  const usage = { inputTokens: tokens.input, outputTokens: tokens.output };
  return { value, model, builtIn, usage, cost, cached, latencyMs };
}
