import { sleep } from "@millrace/kernel";
import { sql } from "kysely";
import { z } from "zod";
import { FigureCollector } from "../measure/figure.ts";
import { onPostgres } from "../peers/place.ts";
import { startChild } from "../processes/child.ts";
import type { Child } from "../processes/child.ts";
import { post, withFleet } from "../processes/fleet.ts";
import type { Fleet } from "../processes/fleet.ts";
import { residentMemoryOfTree } from "../processes/resident-memory.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";

const workers = 2;
const slots = 1000;
const callMs = 2000;
/** One for each slot, so that every connection is there and every line of the program has run. */
const warmUps = workers * slots;
const calls = 20_000;
const added = 50;
const lookMs = 250;
const maxWaitMs = 300_000;

/** Whether worker processes can keep thousands of slow model calls in flight. */
export const scaleModels: Benchmark = {
  name: "scale-models",
  description: `${calls} jobs of an own task that each make one call of a chat model (${callMs / 1000} s, a fake OpenAI-compatible server on the same machine), in ${workers} processes of \`millrace worker --concurrency ${slots}\` behind pgBouncer in transaction mode, one direct connection each for hints and one for heartbeats; one call for each slot has warmed them up, and all jobs are added before. From the first claim to the last end that is recorded, against ${(workers * slots * 1000) / callMs} calls a second. Memory: the most that one worker process took, with its children. Connections: the most that PostgreSQL had for this database, of all processes, pgBouncer's among them.`,
  run: async ({ runs, scale, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    const count = Math.max(workers * slots, Math.ceil(calls * scale));
    for (let run = 1; run <= runs; run += 1) {
      say(`scale-models: run ${run} of ${runs}`);
      await withModel(async (environment) => {
        await withFleet(environment, (fleet) => measure(figures, fleet, count));
      });
    }
    return figures.figures();
  },
};

async function withModel(
  work: (environment: Readonly<Record<string, string>>) => Promise<void>,
): Promise<void> {
  const model = await startChild({
    program: "packages/testing/src/fake-model-server-main.ts",
    programArguments: ["--delay", `${callMs}`],
  });
  try {
    await work({ CHAT_URL: model.address, CHAT_MODEL: "fake", MODEL_CONCURRENCY: `${slots}` });
  } finally {
    await model.stop();
  }
}

async function measure(figures: FigureCollector, { directUrl, role }: Fleet, count: number): Promise<void> {
  const api = await role("api");
  const pause = (): Promise<unknown> => post(`${api.address}/api/queues/calls/pause`, {});
  const resume = (): Promise<unknown> => post(`${api.address}/api/queues/calls/resume`, {});
  await pause();
  await addJobs(api.address, 0, warmUps);
  const started: Child[] = [];
  const looking = watch(directUrl, started);
  for (let nth = 1; nth <= workers; nth += 1) {
    started.push(await role("worker", "-Q", "calls", "-c", `${slots}`, "-n", `w${nth}`));
  }
  await resume();
  await secondsUntilDone(directUrl, 0, warmUps);
  await pause();
  await addJobs(api.address, warmUps, count);
  await resume();
  const seconds = await secondsUntilDone(directUrl, warmUps, count);
  const { megabytes, connections } = await looking.stop();
  const idealSeconds = (Math.ceil(count / (workers * slots)) * callMs) / 1000;
  figures.add("of the ideal rate", "%", (100 * idealSeconds) / seconds, { aim: 95, floor: 85 });
  figures.add("calls", "/s", count / seconds);
  figures.add("memory of a worker process", "MB", megabytes);
  figures.add("connections to PostgreSQL", "", connections);
}

async function addJobs(url: string, first: number, count: number): Promise<void> {
  const indexes = Array.from({ length: count }, (_, index) => first + index).values();
  const addNext = async (): Promise<void> => {
    for (const index of indexes) {
      await post(`${url}/api/tasks/call_model/jobs`, { input: { index } });
    }
  };
  await Promise.all(Array.from({ length: added }, addNext));
}

/** Looks at memory and connections until it is stopped; the most of each. */
function watch(directUrl: string, children: readonly Child[]) {
  let [bytes, connections] = [0, 0];
  const look = async (): Promise<void> => {
    for (const { process } of children) {
      bytes = Math.max(bytes, (await residentMemoryOfTree(process.pid ?? 0)) ?? 0);
    }
    const found = await onPostgres(
      directUrl,
      sql<{ count: number }>`
        SELECT count(*)::int AS count FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    connections = Math.max(connections, found[0]?.count ?? 0);
  };
  let looking: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(look);
  }, lookMs);
  return {
    stop: async () => {
      clearInterval(timer);
      await looking;
      return { megabytes: bytes / 1e6, connections };
    },
  };
}

const doneSchema = z.tuple([
  z.object({ done: z.number(), failed: z.number(), seconds: z.number().nullable() }),
]);

/** Of those jobs that were added after the first so many. */
async function secondsUntilDone(directUrl: string, before: number, count: number): Promise<number> {
  const deadlineMs = performance.now() + maxWaitMs;
  while (performance.now() < deadlineMs) {
    const found = await onPostgres(
      directUrl,
      sql`SELECT count(*) FILTER (WHERE state = 'succeeded')::int AS done,
                 count(*) FILTER (WHERE state = 'failed')::int AS failed,
                 extract(epoch FROM max(finished_at) - min(claimed_at))::double precision AS seconds
          FROM job JOIN job_payload ON job_payload.job_id = job.id
          WHERE task = 'call_model' AND (job_payload.input ->> 'index')::int >= ${before}`,
    );
    const [{ done, failed, seconds }] = doneSchema.parse(found);
    if (failed > 0) throw new Error(`${failed} calls failed.`);
    if (done === count && seconds !== null) return seconds;
    await sleep(lookMs);
  }
  throw new Error(`Not done within ${maxWaitMs / 1000} s.`);
}
