import type { Behaviour, ModelCall } from "@millrace/testing";
import { sql } from "kysely";
import { FigureCollector } from "../measure/figure.ts";
import { prose } from "../material/prose.ts";
import { onPostgres } from "../peers/place.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";
import { postText, waitUntilProcessed } from "./documents-client.ts";
import { withModelFleet } from "./model-fleet.ts";

const documents = 300;
const workers = 2;
const allowed = 10;
const target = { aim: 1.2, floor: 1.5 };

/** How many calls are made of a server that refuses most of them, and what that costs the jobs. */
export const modelsStorm: Benchmark = {
  name: "models-storm",
  description: `${documents} texts sent at once to ${workers} processes of \`millrace worker\` without MODEL_LIMITS, with a fake model server that allows ${allowed} chat calls a second and refuses the others with 429 and a Retry-After of one second. Calls made against calls that were allowed; tries that the refusals used up.`,
  run: async ({ runs, scale, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    for (let run = 1; run <= runs; run += 1) {
      say(`models-storm: run ${run} of ${runs}`);
      await measure(figures, Math.max(40, Math.ceil(documents * scale)));
    }
    return figures.figures();
  },
};

async function measure(figures: FigureCollector, count: number): Promise<void> {
  await withModelFleet({ script: allowBySecond() }, async ({ api, role, models, directUrl }) => {
    for (let nth = 1; nth <= workers; nth += 1) await role("worker", "-c", "20", "-n", `w${nth}`);
    for (let index = 0; index < count; index += 1)
      await postText(api.address, `${index}. ${prose(500, index)}`);
    await waitUntilProcessed(api.address, count);
    const chats = models.calls.filter(({ kind }) => kind === "chat");
    const answered = chats.filter(({ behaviour }) => behaviour === "answer");
    figures.add("calls made against allowed", "×", chats.length / answered.length, target);
    figures.add("tries used up by refusals", "", await triesUsedUp(directUrl), { aim: 0, floor: 0 });
  });
}

function allowBySecond(): (call: ModelCall) => Behaviour | undefined {
  let [second, accepted] = [0, 0];
  return ({ kind }) => {
    if (kind !== "chat") return undefined;
    const now = Math.floor(Date.now() / 1000);
    if (now !== second) [second, accepted] = [now, 0];
    accepted += 1;
    return accepted <= allowed ? undefined : { kind: "rate_limit", retryAfterSeconds: 1 };
  };
}

async function triesUsedUp(directUrl: string): Promise<number> {
  const found = await onPostgres(
    directUrl,
    sql<{ tries: number }>`SELECT coalesce(sum(attempt - 1), 0)::int AS tries FROM job`,
  );
  return found[0]?.tries ?? 0;
}
