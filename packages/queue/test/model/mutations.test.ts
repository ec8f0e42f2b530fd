import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { mutations } from "./mutations.ts";

const child = fileURLToPath(new URL("./mutated-child.ts", import.meta.url));
const isNightly = process.env.MILLRACE_NIGHTLY === "1";
const tried = mutations.filter(({ isSample }) => isNightly || isSample === true);

const seed = 20_261_121;
/** Each is found within some fifty. */
const runs = 400;
const timeoutMs = 300_000;

type Outcome = { readonly isMutated: boolean; readonly failure: string | null };

/** Runs the model test in a process of its own, so that its sources can be changed as they are loaded. */
async function runMutated(name: string, count: number): Promise<Outcome> {
  const { stdout } = await promisify(execFile)(process.execPath, [child, name, String(count), String(seed)], {
    timeout: timeoutMs,
    maxBuffer: 10_000_000,
  });
  return JSON.parse(stdout) as Outcome;
}

describe("the model test", () => {
  it.each(tried.map(({ name }) => name))(
    "goes red for a queue that no longer %s",
    async (name) => {
      const { isMutated, failure } = await runMutated(name, runs);

      expect(isMutated).toBe(true);
      expect(failure).toMatch(/^The queue and its model disagree in run \d+/);
    },
    timeoutMs,
  );

  it("stays green for the queue as it is, run in the same way", async () => {
    expect(await runMutated("none", 30)).toEqual({ isMutated: false, failure: null });
  }, 300_000);
});
