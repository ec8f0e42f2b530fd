import type { Clock } from "@millrace/kernel";
import { createBuiltInLanguageModel } from "../built-in/language-model.ts";
import type { BuiltInThread } from "../built-in/thread/thread.ts";
import type { ChatModel } from "../chat-model.ts";
import type { Choices } from "../choice.ts";
import { modelErrors } from "../errors.ts";
import { choiceName } from "../model-choice.ts";
import type { ChatChoice, OwnModels } from "../model-choice.ts";
import { chatChoiceNamed } from "../named-choice.ts";
import type { Prices } from "../prices/prices.ts";
import { loadChatModel } from "../providers/chat.ts";
import type { ModelSettings } from "../settings.ts";
import { Endpoint } from "./endpoint.ts";

/** A chat model of this process: how it is doing, and how to get it. */
export type ChatEndpoint = {
  readonly endpoint: Endpoint;
  /** Of a server of one's own or a gateway; null where the provider's is meant. */
  readonly url: string | null;
  /** Whether it is told the job and the step: a server of one's own, whose log can be matched with ours. */
  readonly isTraced: boolean;
  readonly load: () => Promise<ChatModel>;
};

export type ChatEndpointsParts = {
  readonly choices: Choices;
  readonly own: OwnModels;
  readonly settings: ModelSettings;
  readonly prices: Prices;
  readonly thread: BuiltInThread;
  readonly clock: Clock;
};

const usualContextTokens = 8192;
// Models read more at once than they read well: longer texts go in stretches.
const mostKnownContextTokens = 128_000;

/** All chat models by name, each once, and which of them serve a purpose. Nothing is loaded before it is used. */
export class ChatEndpoints {
  readonly #parts: ChatEndpointsParts;
  readonly #byName = new Map<string, ChatEndpoint>();

  constructor(parts: ChatEndpointsParts) {
    this.#parts = parts;
    for (const choice of [...parts.choices.chain, ...[...parts.choices.purposes.values()].flat()]) {
      this.#endpointOf(choice);
    }
  }

  all(): ChatEndpoint[] {
    return [...this.#byName.values()];
  }

  /** The models of a purpose in their order; with a name, only that one. Throws `model_unknown`. */
  serving(purpose: string, name?: string): ChatEndpoint[] {
    if (name !== undefined) return [this.named(name)];
    const { purposes, chain } = this.#parts.choices;
    const beginnings = [...purposes.keys()]
      .filter((key) => key.endsWith("*") && purpose.startsWith(key.slice(0, -1)))
      .toSorted((left, right) => right.length - left.length);
    const chosen = purposes.get(purpose) ?? purposes.get(beginnings[0] ?? "") ?? chain;
    return chosen.map((choice) => this.#endpointOf(choice));
  }

  /** Throws `model_unknown`. */
  named(name: string): ChatEndpoint {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const choice = chatChoiceNamed(name, this.#parts);
    if ("problem" in choice) throw modelErrors.unknownModel(name, choice.problem);
    return this.#endpointOf(choice);
  }

  #endpointOf(choice: ChatChoice): ChatEndpoint {
    const name = choiceName(choice);
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const { settings, clock } = this.#parts;
    const endpoint = new Endpoint({
      name,
      kind: "chat",
      builtIn: choice.provider === "builtin",
      contextTokens: this.#contextOf(choice),
      concurrency: settings.MODEL_CONCURRENCY,
      clock,
    });
    let model: Promise<ChatModel> | undefined;
    const made: ChatEndpoint = {
      endpoint,
      url: "url" in choice ? choice.url : null,
      isTraced: choice.provider === "openai-compatible",
      load: () => {
        model ??= this.#load(choice, endpoint);
        return model;
      },
    };
    this.#byName.set(name, made);
    return made;
  }

  #contextOf(choice: ChatChoice): number | null {
    if (choice.provider === "builtin") return null;
    const { choices, settings, prices } = this.#parts;
    const name = choiceName(choice);
    const given = settings.CHAT_CONTEXT_TOKENS;
    if (given !== undefined && name === choiceName(choices.chat)) return given;
    const known = prices.find(name)?.context;
    return known === undefined ? (given ?? usualContextTokens) : Math.min(known, mostKnownContextTokens);
  }

  async #load(choice: ChatChoice, endpoint: Endpoint): Promise<ChatModel> {
    const { settings, thread } = this.#parts;
    const model: ChatModel =
      choice.provider === "builtin"
        ? {
            name: endpoint.name,
            language: createBuiltInLanguageModel(thread, settings.MODEL_TIMEOUT_MS),
            structuredOutput: { current: { kind: "schema", mayFallBack: false } },
          }
        : await loadChatModel(choice, settings);
    endpoint.structuredOutput = model.structuredOutput;
    return model;
  }
}
