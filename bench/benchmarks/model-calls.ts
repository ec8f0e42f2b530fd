import { sleep } from "@millrace/kernel";
import { sql } from "kysely";
import { z } from "zod";
import type { FigureCollector, Target } from "../measure/figure.ts";
import { onPostgres } from "../peers/place.ts";
import { runChild, startChild } from "../processes/child.ts";
import type { Child } from "../processes/child.ts";
import { post, withFleet } from "../processes/fleet.ts";
import type { Fleet } from "../processes/fleet.ts";
import { residentMemoryOfTree } from "../processes/resident-memory.ts";

/** Slots of a worker process, and calls that it may have in flight. */
export const slots = 1000;
export const callMs = 2000;
const added = 50;
const lookMs = 250;
const maxWaitMs = 300_000;

type Load = { readonly workers: number; readonly calls: number; readonly target: Target };

/**
 * Makes so many slow calls by jobs of an own task in so many worker processes, and adds the share of the ideal rate,
 * memory and connections to the figures; before, as the floor, the share that as many processes reach that do nothing
 * but fetch. One call for each slot warms up before: every connection is there then, and every line of the program
 * has run.
 */
export async function measureModelCalls(figures: FigureCollector, load: Load): Promise<void> {
  await withModel(async (url) => {
    figures.add(
      "bare fetches: of the ideal rate",
      "%",
      (100 * idealSeconds(load)) / (await bareSeconds(url, load)),
    );
    const environment = { CHAT_URL: url, CHAT_MODEL: "fake", MODEL_CONCURRENCY: `${slots}` };
    await withFleet(environment, (fleet) => measure(figures, fleet, load));
  });
}

function idealSeconds({ workers, calls }: Load): number {
  return (Math.ceil(calls / (workers * slots)) * callMs) / 1000;
}

async function bareSeconds(url: string, { workers, calls }: Load): Promise<number> {
  const programArguments = ["--url", url, "--slots", `${slots}`, "--calls", `${calls / workers}`];
  const program = "bench/bare-calls-child.ts";
  const run = () => runChild({ program, programArguments, timeoutMs: maxWaitMs });
  const printed = await Promise.all(Array.from({ length: workers }, run));
  return Math.max(...printed.map(Number));
}

async function withModel(work: (url: string) => Promise<void>): Promise<void> {
  const model = await startChild({
    program: "packages/testing/src/fake-model-server-main.ts",
    programArguments: ["--delay", `${callMs}`],
  });
  try {
    await work(model.address);
  } finally {
    await model.stop();
  }
}

async function measure(figures: FigureCollector, { directUrl, role }: Fleet, load: Load): Promise<void> {
  const { workers, calls: count, target } = load;
  const warmUps = workers * slots;
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
  figures.add("of the ideal rate", "%", (100 * idealSeconds(load)) / seconds, target);
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
