import { once } from "node:events";
import { sleep } from "@millrace/kernel";
import type { Behaviour, ModelCall } from "@millrace/testing";
import { sql } from "kysely";
import { FigureCollector } from "../measure/figure.ts";
import { prose } from "../material/prose.ts";
import { onPostgres } from "../peers/place.ts";
import type { Child } from "../processes/child.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";
import { postText, waitUntilProcessed } from "./documents-client.ts";
import { withModelFleet } from "./model-fleet.ts";
import type { ModelFleet } from "./model-fleet.ts";

const documents = 40;
const characters = 24_000;
const kills = 3;
const answerMs = 300;
const none = { aim: 0, floor: 0 };

/** What is paid when workers are killed in the middle of their calls. */
export const modelsResume: Benchmark = {
  name: "models-resume",
  description: `${documents} texts of ${characters / 1000} kB in several stretches each, analysed by one process of \`millrace worker\` with a fake model server that takes ${answerMs} ms and always answers the same; once undisturbed, once with a worker that is killed (SIGKILL) ${kills} times in the middle of its calls and started again. Stored answers are off: only recorded steps keep work. Charged tokens of the one run against the other, and answers that the server gave beyond the charged ones, less the calls that were in flight at a kill.`,
  run: async ({ runs, scale, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    const count = Math.max(8, Math.ceil(documents * scale));
    for (let run = 1; run <= runs; run += 1) {
      say(`models-resume: run ${run} of ${runs}`);
      const undisturbed = await analyse(count, 0);
      const killed = await analyse(count, kills);
      figures.add("tokens charged, undisturbed", "", undisturbed.tokens);
      figures.add("tokens charged, with kills", "", killed.tokens);
      figures.add("difference", "", Math.abs(killed.tokens - undisturbed.tokens), none);
      figures.add("calls in flight at the kills", "", killed.inFlight);
      const beyond = Math.max(0, killed.answers - killed.steps - killed.inFlight);
      figures.add("answers beyond charges and calls in flight", "", beyond, none);
    }
    return figures.figures();
  },
};

type Outcome = {
  readonly tokens: number;
  readonly steps: number;
  /** That the server gave whole. */
  readonly answers: number;
  readonly inFlight: number;
};

async function analyse(count: number, times: number): Promise<Outcome> {
  const outcomes: Outcome[] = [];
  const environment = {
    ...{ MODEL_CACHE_TTL_SECONDS: "0", WORKER_LEASE_SECONDS: "3", CHAT_CONTEXT_TOKENS: "4096" },
  };
  await withModelFleet({ script: answerAlike, environment }, async (fleet) => {
    const { api, role, models } = fleet;
    let worker = await role("worker", "-c", "8");
    for (let index = 0; index < count; index += 1)
      await postText(api.address, `${index}. ${prose(characters, index)}`);
    let inFlight = 0;
    for (let kill = 1; kill <= times; kill += 1) {
      await untilAnswered(models.calls, models.calls.length + 2 * count);
      inFlight += await killInFlight(worker, models.calls);
      worker = await role("worker", "-c", "8");
    }
    await waitUntilProcessed(api.address, count);
    const answers = models.calls.filter(({ outcome }) => outcome === "answered").length;
    outcomes.push({ ...(await chargesOf(fleet)), answers, inFlight });
  });
  const [outcome] = outcomes;
  if (outcome === undefined) throw new Error("The run gave nothing.");
  return outcome;
}

/** How many calls were in flight. An answer that was written at that moment is one of them. */
async function killInFlight({ process }: Child, calls: readonly ModelCall[]): Promise<number> {
  const exited = once(process, "exit");
  const inFlight = calls.filter(({ outcome }) => outcome === "running").length;
  process.kill("SIGKILL");
  await exited;
  return inFlight;
}

async function untilAnswered(calls: readonly ModelCall[], count: number): Promise<void> {
  const deadlineMs = performance.now() + 120_000;
  while (calls.length < count) {
    if (performance.now() > deadlineMs) throw new Error(`Only ${calls.length} of ${count} calls came.`);
    await sleep(20);
  }
}

/** The same whatever markers stand around the text, so that the tokens of two runs can be compared. */
function answerAlike({ kind, purpose }: ModelCall): Behaviour | undefined {
  if (kind !== "chat") return undefined;
  const part = purpose?.split(".")[1] ?? "";
  const content = part in parts ? parts[part as keyof typeof parts] : parts;
  return { kind: "answer", delayMs: answerMs, content: JSON.stringify(content) };
}

const parts = {
  summary: { text: "The council decided." },
  key_points: { points: ["The council decided after a long debate."] },
  sentiment: { label: "neutral", score: 0, evidence: ["The council decided."] },
  topics: { topics: ["council"] },
} as const;

async function chargesOf({
  directUrl,
}: ModelFleet): Promise<{ readonly tokens: number; readonly steps: number }> {
  const found = await onPostgres(
    directUrl,
    sql<{ tokens: number; steps: number }>`
      SELECT coalesce(sum(input_tokens + output_tokens), 0)::int AS tokens, count(*)::int AS steps FROM model_charge`,
  );
  return found[0] ?? { tokens: 0, steps: 0 };
}
