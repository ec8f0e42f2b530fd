import { migrate, openPostgres } from "@millrace/database";
import { newId, silentLogger, sleep } from "@millrace/kernel";
import { sql } from "kysely";
import { z } from "zod";
import { readState, servicesDirectory } from "../../scripts/services/state.ts";
import { FigureCollector } from "../measure/figure.ts";
import { onPostgres } from "../peers/place.ts";
import { startChild } from "../processes/child.ts";
import type { Child } from "../processes/child.ts";
import { repository } from "../processes/repository.ts";
import { residentMemoryOfTree } from "../processes/resident-memory.ts";
import { withTemporaryFolder } from "../processes/temporary-folder.ts";
import type { Benchmark, BenchmarkOptions } from "./benchmark.ts";

const workers = 2;
const slots = 1000;
const callMs = 2000;
const calls = 10_000;
const added = 50;
const lookMs = 250;
const maxWaitMs = 300_000;

/** Whether worker processes can keep thousands of slow model calls in flight. */
export const scaleModels: Benchmark = {
  name: "scale-models",
  description: `${calls} jobs of an own task that each make one call of a chat model (${callMs / 1000} s, a fake OpenAI-compatible server on the same machine), in ${workers} processes of \`millrace worker --concurrency ${slots}\` behind pgBouncer in transaction mode, one direct connection each for hints and one for heartbeats; all jobs are added before. From the first claim to the last end that is recorded, against ${(workers * slots * 1000) / callMs} calls a second. Memory: the most that one worker process took, with its children. Connections: the most that PostgreSQL had for this database, of all processes, pgBouncer's among them.`,
  run: async ({ runs, scale, say }: BenchmarkOptions) => {
    const figures = new FigureCollector();
    const count = Math.max(workers * slots, Math.ceil(calls * scale));
    for (let run = 1; run <= runs; run += 1) {
      say(`scale-models: run ${run} of ${runs}`);
      await withDatabase(
        async (place) => await withTemporaryFolder((folder) => measure(figures, place, folder, count)),
      );
    }
    return figures.figures();
  },
};

type Place = { readonly directUrl: string; readonly pooledUrl: string };

async function withDatabase(work: (place: Place) => Promise<void>): Promise<void> {
  const state = await readState(servicesDirectory());
  if (state === undefined) throw new Error("The services do not run. Start them: npm run services -- start");
  const name = `millrace_bench_${newId().replaceAll("-", "")}`;
  await onPostgres(state.postgresUrl, sql.raw(`CREATE DATABASE ${name} TEMPLATE template0`));
  const at = (url: string): string => Object.assign(new URL(url), { pathname: `/${name}` }).href;
  const place = { directUrl: at(state.postgresUrl), pooledUrl: at(state.pgbouncerUrl) };
  try {
    const database = openPostgres({ url: place.directUrl, poolSize: 1, logger: silentLogger });
    await migrate(database).finally(() => database.close());
    await work(place);
  } finally {
    await onPostgres(state.postgresUrl, sql.raw(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  }
}

async function measure(
  figures: FigureCollector,
  { directUrl, pooledUrl }: Place,
  folder: string,
  count: number,
): Promise<void> {
  const children: Child[] = [];
  const start = async (...options: Parameters<typeof startChild>): Promise<Child> => {
    const child = await startChild(...options);
    children.push(child);
    return child;
  };
  try {
    const model = await start({
      program: "packages/testing/src/fake-model-server-main.ts",
      programArguments: ["--delay", `${callMs}`],
    });
    const environment = {
      ...{ DATABASE_URL: pooledUrl, DATABASE_DIRECT_URL: directUrl, DATA_DIR: folder, LOG_LEVEL: "warn" },
      ...{ CHAT_URL: model.address, CHAT_MODEL: "fake", MODEL_CONCURRENCY: `${slots}` },
      ...{ HOST: "127.0.0.1", PORT: "0" },
    };
    const role = (...words: readonly string[]): Promise<Child> =>
      start({
        program: "apps/server/src/main.ts",
        programArguments: words,
        folder: `${repository}/bench/material/model-program`,
        environment,
      });
    const api = await role("api");
    // Nobody begins before all have started.
    await post(`${api.address}/api/queues/calls/pause`, {});
    await addJobs(api.address, count);
    const looking = watch(directUrl, children);
    for (let nth = 1; nth <= workers; nth += 1) {
      await role("worker", "-Q", "calls", "-c", `${slots}`, "-n", `w${nth}`);
    }
    await post(`${api.address}/api/queues/calls/resume`, {});
    const seconds = await secondsUntilDone(directUrl, count);
    const { megabytes, connections } = await looking.stop();
    const idealSeconds = (Math.ceil(count / (workers * slots)) * callMs) / 1000;
    figures.add("of the ideal rate", "%", (100 * idealSeconds) / seconds, { aim: 95, floor: 85 });
    figures.add("calls", "/s", count / seconds);
    figures.add("memory of a worker process", "MB", megabytes);
    figures.add("connections to PostgreSQL", "", connections);
  } finally {
    for (const child of children.toReversed()) await child.stop();
  }
}

async function addJobs(url: string, count: number): Promise<void> {
  const indexes = Array.from({ length: count }, (_, index) => index).values();
  const addNext = async (): Promise<void> => {
    for (const index of indexes) {
      await post(`${url}/api/tasks/call_model/jobs`, { input: { index } });
    }
  };
  await Promise.all(Array.from({ length: added }, addNext));
}

async function post(url: string, body: unknown): Promise<void> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`);
}

/** Looks at memory and connections until it is stopped; the most of each. */
function watch(directUrl: string, children: readonly Child[]) {
  let [bytes, connections] = [0, 0];
  const look = async (): Promise<void> => {
    // The first two are the model and the API.
    for (const { process } of children.slice(2)) {
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

async function secondsUntilDone(directUrl: string, count: number): Promise<number> {
  const deadlineMs = performance.now() + maxWaitMs;
  while (performance.now() < deadlineMs) {
    const found = await onPostgres(
      directUrl,
      sql`SELECT count(*) FILTER (WHERE state = 'succeeded')::int AS done,
                 count(*) FILTER (WHERE state = 'failed')::int AS failed,
                 extract(epoch FROM max(finished_at) - min(claimed_at))::double precision AS seconds
          FROM job WHERE task = 'call_model'`,
    );
    const [{ done, failed, seconds }] = doneSchema.parse(found);
    if (failed > 0) throw new Error(`${failed} calls failed.`);
    if (done === count && seconds !== null) return seconds;
    await sleep(lookMs);
  }
  throw new Error(`Not done within ${maxWaitMs / 1000} s.`);
}
