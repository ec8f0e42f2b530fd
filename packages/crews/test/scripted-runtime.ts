import { parseJson, systemClock } from "@millrace/kernel";
import type { Clock } from "@millrace/kernel";
import type { TurnRequest, TurnResult } from "@millrace/models";
import type { CrewEvent, CrewFile, CrewRuntime, PersonQuestion } from "../src/index.ts";

/** What the scripted model says in a turn: text, or calls of tools. */
export type Line =
  | string
  | Error
  | { readonly text?: string; readonly calls: readonly { readonly name: string; readonly input: unknown }[] };

export type Script = (step: string, request: TurnRequest) => Line | Promise<Line>;

export class Killed extends Error {}

/** Steps kept as the queue keeps them: as JSON, by their key, for all attempts of one run. */
export class StepStore {
  readonly records = new Map<string, string>();
  readonly runs = new Map<string, number>();
  readonly events: CrewEvent[] = [];
  readonly answers = new Map<string, string>();
  readonly files: CrewFile[] = [];
  readonly requests = new Map<string, TurnRequest[]>();
}

export type RuntimeOptions = {
  readonly script: Script;
  readonly store?: StepStore;
  /** After so many new steps no other begins: the process is gone. */
  readonly maxNewSteps?: number;
  /** The last of them is done and not recorded. */
  readonly losesLast?: boolean;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  readonly permissions?: readonly string[];
  readonly pause?: CrewRuntime["pause"];
  readonly waitForPerson?: CrewRuntime["waitForPerson"];
};

export type ScriptedRuntime = CrewRuntime & {
  readonly store: StepStore;
  readonly told: CrewEvent[];
  readonly questions: PersonQuestion[];
};

/** A runtime whose model follows a script by the keys of the turns, and whose steps can be cut off anywhere. */
export function scriptedRuntime(options: RuntimeOptions): ScriptedRuntime {
  const store = options.store ?? new StepStore();
  const told: CrewEvent[] = [];
  const questions: PersonQuestion[] = [];
  let begun = 0;
  const signal = options.signal ?? new AbortController().signal;
  return {
    store,
    told,
    questions,
    signal,
    clock: options.clock ?? systemClock,
    scope: { owner: "owner-1", job: "job-1" },
    permissions: options.permissions ?? [],
    emit: (event) => told.push(event),
    pause: options.pause ?? (async () => expectNoPause()),
    saveFile: async (file) => {
      store.files.push(file);
    },
    waitForPerson:
      options.waitForPerson ??
      (async (key, question) => {
        questions.push(question);
        return store.answers.get(key) ?? "";
      }),
    step: async <Value>(
      key: string,
      run: (signal: AbortSignal) => Promise<Value>,
      stepOptions?: { readonly events?: (value: Value) => readonly CrewEvent[] },
    ): Promise<Value> => {
      const known = store.records.get(key);
      // What was recorded is what the same step gave before.
      if (known !== undefined) return parseJson(known) as Value;
      if (begun === (options.maxNewSteps ?? Infinity)) throw new Killed(key);
      begun += 1;
      const isLast = begun === options.maxNewSteps;
      store.runs.set(key, (store.runs.get(key) ?? 0) + 1);
      const value = await run(signal);
      if (isLast && options.losesLast === true) throw new Killed(key);
      store.records.set(key, JSON.stringify(value));
      store.events.push(...(stepOptions?.events?.(value) ?? []));
      return value;
    },
    turn: async (request) => {
      const step = request.origin.step ?? "";
      store.requests.set(step, [...(store.requests.get(step) ?? []), request]);
      return resultOf(await options.script(step, request));
    },
  };
}

function expectNoPause(): never {
  throw new Error("nothing was to wait here");
}

function resultOf(line: Line): TurnResult {
  if (line instanceof Error) throw line;
  const said = typeof line === "string" ? { text: line, calls: [] } : { text: "", ...line };
  return {
    text: said.text,
    toolCalls: said.calls.map((call, index) => ({ id: `call-${index}`, ...call })),
    model: "scripted",
    usage: { inputTokens: 10, outputTokens: 5 },
    cost: 0.001,
    cached: false,
    latencyMs: 1,
  };
}
