import { parseJson } from "@millrace/kernel";
import type { CrewRuntime } from "./runtime.ts";

/**
 * A runtime whose steps give at once what their records will give later: JSON, without what PostgreSQL does not
 * store. Otherwise a run and its replay could tell a model different things.
 */
export function withRecordableSteps(runtime: CrewRuntime): CrewRuntime {
  return {
    ...runtime,
    step: async (key, run, options) =>
      runtime.step(key, async (signal) => recordable(await run(signal)), options),
  };
}

/** Values of steps are made of JSON's types, so that this only changes characters and leaves out undefined. */
function recordable<Value>(value: Value): Value {
  const text = JSON.stringify(value ?? null, (_, part: unknown) =>
    typeof part === "string" ? part.replaceAll("\u0000", "\uFFFD").toWellFormed() : part,
  );
  return parseJson(text) as Value;
}
