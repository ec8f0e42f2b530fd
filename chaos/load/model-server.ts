import { startFakeModelServer } from "@millrace/testing";
import type { ModelCall } from "@millrace/testing";
import type { OutsideCall } from "./outside.ts";

/** A call of a model, as its server saw it. */
export type AskedModel = OutsideCall & {
  /** What it counted for a whole answer; undefined when it gave none. */
  readonly tokens: { readonly input: number; readonly output: number } | undefined;
};

export type ModelServer = {
  /** For CHAT_URL. */
  readonly url: string;
  /** All calls of `chaos.ask` so far. */
  readonly calls: () => AskedModel[];
  readonly stop: () => Promise<void>;
};

/** Long enough that faults meet calls in flight. */
const answerMs = { low: 50, step: 60, steps: 5 };

/** A server of chat models that always answers, after a while, and forgets no call of `chaos.ask`. */
export async function startModelServer(): Promise<ModelServer> {
  const calls: ModelCall[] = [];
  const server = await startFakeModelServer({
    port: 0,
    script: (call) => {
      if (call.purpose === "chaos.ask") calls.push(call);
      return { kind: "answer", delayMs: answerMs.low + (call.number % answerMs.steps) * answerMs.step };
    },
  });
  return { url: server.url, calls: () => calls.map(toAsked), stop: server.stop };
}

function toAsked({ job = "", step = "", body, startedAt, endedAt, outcome, usage }: ModelCall): AskedModel {
  const claim = /This is claim (\d+) of job/.exec(JSON.stringify(body))?.[1];
  return {
    job,
    key: step,
    fence: Number(claim),
    startedMs: Date.parse(startedAt),
    endedMs: endedAt === undefined ? undefined : Date.parse(endedAt),
    tokens:
      outcome === "answered" && usage !== undefined
        ? { input: usage.prompt_tokens, output: usage.completion_tokens }
        : undefined,
  };
}
