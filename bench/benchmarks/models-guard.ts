import { parseSettings, silentLogger } from "@millrace/kernel";
import { createModels, modelSettingsSchema } from "@millrace/models";
import type { ModelPorts, Models } from "@millrace/models";
import { FigureCollector } from "../measure/figure.ts";
import { median, percentile } from "../measure/statistics.ts";
import { startChild } from "../processes/child.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";

const calls = 1000;
const warmUpCalls = 200;
const target = { aim: 2, floor: 5 };
const question =
  "The bridge is closed since Monday. A ferry crosses the harbour until the repair is finished.";

/** What the guard adds to a call of a model, against the same request by a bare fetch. */
export const modelsGuard: Benchmark = {
  name: "models-guard",
  description: `${calls} calls one after the other, after ${warmUpCalls} to warm up, to a fake model server in a process of its own that answers at once; turn by turn a bare fetch that reads the answer's JSON, and a guarded call (generateText) with a ledger, a limiter and a store of answers in memory that never have what is asked for. The overhead is the p95 of the guarded calls less that of the bare ones.`,
  run: async ({ runs, scale, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    const server = await startChild({ program: "packages/testing/src/fake-model-server-main.ts" });
    const models = openModels(server.address);
    try {
      for (let run = 1; run <= runs; run += 1) {
        say(`models-guard: run ${run} of ${runs}`);
        await measure(server.address, models, Math.ceil(warmUpCalls * scale));
        const { bare, guarded } = await measure(server.address, models, Math.ceil(calls * scale));
        figures.add("bare fetch: p50", "ms", median(bare));
        figures.add("bare fetch: p95", "ms", percentile(bare, 0.95));
        figures.add("guarded call: p50", "ms", median(guarded));
        figures.add("guarded call: p95", "ms", percentile(guarded, 0.95));
        const overhead = percentile(guarded, 0.95) - percentile(bare, 0.95);
        figures.add("overhead of the guard: p95", "ms", overhead, target);
      }
    } finally {
      await models.stop();
      await server.stop();
    }
    return figures.figures();
  },
};

function openModels(url: string): Models {
  const settings = parseSettings(modelSettingsSchema, { CHAT_URL: url, CHAT_MODEL: "fake-chat" });
  return createModels({ settings, logger: silentLogger, ports: memoryPorts });
}

const memoryPorts: ModelPorts = {
  ledger: { reserve: async () => ({ settle: async () => undefined }), record: () => undefined },
  limiter: { take: async () => ({ settle: () => undefined }), holdBack: () => undefined },
  answers: {
    once: async (_asked, make) => ({ answer: await make(), from: "made" }),
    replace: async () => undefined,
  },
};

/** Turn by turn, so that what else the machine does falls on both. */
async function measure(
  url: string,
  models: Models,
  times: number,
): Promise<{ readonly bare: number[]; readonly guarded: number[] }> {
  const [bare, guarded]: [number[], number[]] = [[], []];
  for (let count = 0; count < times; count += 1) {
    bare.push(await timed(() => askBare(url)));
    guarded.push(await timed(() => askGuarded(models)));
  }
  return { bare, guarded };
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

async function askBare(url: string): Promise<void> {
  const messages = [
    { role: "system", content: "Summarise." },
    { role: "user", content: question },
  ];
  const response = await fetch(`${url}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "fake-chat", messages }),
  });
  if (!response.ok) throw new Error(`The fake model server answered with ${response.status}.`);
  await response.json();
}

async function askGuarded(models: Models): Promise<void> {
  const origin = { owner: "bench", job: "job", step: "step" };
  await models.generateText({ purpose: "bench.guard", origin, instructions: "Summarise.", text: question });
}
